#!/bin/sh
# lint.sh: every script parses, says in its first line what it is, and has no trailing space.
cd "$(dirname "$0")/.." || exit 1

failed=0
for file in bin/weather lib/*.sh test/*.sh; do
  why=""
  sh -n "$file" || why="does not parse"
  case "$(head -n 1 "$file")" in "#"*) ;; *) why="does not begin with a comment" ;; esac
  if grep -q ' $' "$file"; then why="has trailing spaces"; fi
  if grep -q '^<<<<<<<\|^>>>>>>>' "$file"; then why="has conflict marks"; fi
  [ -z "$why" ] || { failed=1; echo "$file: $why"; }
done

[ "$failed" -eq 0 ] && echo "clean"
exit "$failed"
