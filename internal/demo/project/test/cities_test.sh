# the cities are those of the data, each once
. test/check.sh
same cities "$(weather cities | tr '\n' ' ')" "Brno Oslo Porto "
if weather nonsense 2>/dev/null; then echo "an unknown command must fail"; exit 1; fi
