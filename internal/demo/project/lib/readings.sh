# readings: the data, one line "city temperature wind" for each reading.
# help: cities - the cities there are readings of

# readings [CITY]
readings() {
  awk -F, -v city="${1:-}" 'NR > 1 && (city == "" || $2 == city) { print $2, $3, $4 }' "$data"
}

cmd_cities() {
  readings | awk '{ print $1 }' | sort -u
}
