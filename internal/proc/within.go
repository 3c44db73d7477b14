package proc

import (
	"os"
	"path/filepath"
	"strings"
)

// RunningIn reports whether a program whose name begins with prefix, other than this process,
// works in dir or below. Where the system does not say in which directory a process works,
// every such program counts.
func RunningIn(dir, prefix string) bool {
	self := os.Getpid()
	for _, p := range processes() {
		if p.pid == self || !strings.HasPrefix(Name(p.pid), prefix) {
			continue
		}
		at, known := workingDir(p.pid)
		if !known || at == dir || strings.HasPrefix(at, dir+string(filepath.Separator)) {
			return true
		}
	}
	return false
}
