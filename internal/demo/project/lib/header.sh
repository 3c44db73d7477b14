# header: the line above every report.
# help: header - the line above every report

header="Weather"

cmd_header() {
  echo "$header"
}
