package proc

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// RunningIn reports whether a program whose name begins with prefix, other than this process,
// works in dir or below. Where the system does not say in which directory a process works,
// every such program counts.
func RunningIn(dir, prefix string) bool {
	return slices.ContainsFunc(processes(), func(p process) bool { return p.called(prefix) && p.within(dir) })
}

// startGrain is how much later than it was a process may be said to have begun.
const startGrain = 2 * time.Second

// RunningSince is RunningIn for those that ran at a time already, whatever they did then; dirs are several.
func RunningSince(at time.Time, prefix string, dirs ...string) bool {
	return slices.ContainsFunc(processes(), func(p process) bool {
		return p.called(prefix) && p.began().Before(at.Add(startGrain)) && slices.ContainsFunc(dirs, p.within)
	})
}

func (p process) called(prefix string) bool {
	return p.pid != os.Getpid() && strings.HasPrefix(Name(p.pid), prefix)
}

func (p process) within(dir string) bool {
	at, known := workingDir(p.pid)
	return !known || at == dir || strings.HasPrefix(at, dir+string(filepath.Separator))
}
