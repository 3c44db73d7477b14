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

// Terminal is the terminal that a process works on, as who(1) writes it: pts/3; "" when it has none, or is not ours to ask.
func Terminal(pid int) string {
	for _, fd := range []string{"0", "1", "2"} {
		if path, err := os.Readlink("/proc/" + strconv.Itoa(pid) + "/fd/" + fd); err == nil {
			if name, ok := strings.CutPrefix(path, "/dev/"); ok && (strings.HasPrefix(name, "pts/") || strings.HasPrefix(name, "tty")) {
				return name
			}
		}
	}
	return ""
}
