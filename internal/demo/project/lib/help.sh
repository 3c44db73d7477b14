# help: help - this list

cmd_help() {
  sed -n 's/^# help: //p' "$root"/lib/*.sh | sort
}
