package proc

import (
	"os"
	"strconv"
	"strings"
)

// Name is the program that a process runs, as the kernel calls it; "" when there is no such
// process.
func Name(pid int) string {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/comm")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}
