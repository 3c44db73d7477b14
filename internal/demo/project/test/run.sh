#!/bin/sh
# run.sh: runs every test/*_test.sh and exits 1 if one of them fails.
# DEMO_PACE, a number of seconds, is waited before each test, so that a person can look on;
# without it the tests run as fast as they can.
cd "$(dirname "$0")/.." || exit 1

failed=0
for test in test/*_test.sh; do
  [ -z "${DEMO_PACE:-}" ] || sleep "$DEMO_PACE"
  if out=$(sh "$test" 2>&1); then
    echo "ok    $test"
  else
    failed=$((failed + 1))
    echo "FAIL  $test"
    echo "$out" | sed 's/^/      /'
  fi
done

[ "$failed" -eq 0 ] || { echo "$failed failed"; exit 1; }
echo "all passed"
