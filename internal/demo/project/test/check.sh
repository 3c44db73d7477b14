# check: what the tests share. A test begins with: . test/check.sh

# same WHAT GOT WANT
same() {
  [ "$2" = "$3" ] && return
  printf '%s: got "%s", want "%s"\n' "$1" "$2" "$3"
  exit 1
}

# has WHAT TEXT PART
has() {
  case "$2" in *"$3"*) return ;; esac
  printf '%s: "%s" does not have "%s"\n' "$1" "$2" "$3"
  exit 1
}

weather() {
  sh bin/weather "$@"
}
