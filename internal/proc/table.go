package proc

import (
	"bytes"
	"os"
	"slices"
	"syscall"
	"time"
)

// process is one row of the kernel's process table.
type process struct {
	pid, ppid, sid int
	start          uint64 // since boot or epoch, in the kernel's unit: only good for comparing
	stopped        bool   // by a signal of job control, where the table tells
	cpu            uint64 // processor time, its ended children's included, in cpuTick; 0 where the table does not tell
}

// ID names a process for good: a pid alone is used again. Stored, it tells after a crash whether a process is still the
// same one.
type ID struct {
	PID   int    `json:"pid"`
	Start uint64 `json:"start"` // Linux: field 22 of /proc/pid/stat; macOS: microseconds since 1970
	Boot  string `json:"boot"`  // see BootID
}

// Alive reports whether the process named by id still runs: same pid, start time and boot. A zombie does not run.
func Alive(id ID) bool {
	if id.PID <= 0 || id.Boot != BootID() {
		return false
	}
	p, ok := lookup(id.PID)
	return ok && p.start == id.Start
}

// descendants returns everything below root in all, root itself excluded.
func descendants(all []process, root int) []process {
	children := make(map[int][]process)
	for _, p := range all {
		children[p.ppid] = append(children[p.ppid], p)
	}
	var found []process
	seen := map[int]bool{root: true} // the table is not read in one instant: there may be cycles
	for queue := []int{root}; len(queue) > 0; queue = queue[1:] {
		for _, p := range children[queue[0]] {
			if !seen[p.pid] {
				seen[p.pid] = true
				found = append(found, p)
				queue = append(queue, p.pid)
			}
		}
	}
	return found
}

// marked returns the processes of all whose environment says name=marker.
func marked(all []process, marker, name string) []process {
	entry := []byte(name + "=" + marker)
	var found []process
	for _, p := range all {
		for v := range bytes.SplitSeq(environ(p.pid), []byte{0}) {
			if bytes.Equal(v, entry) {
				found = append(found, p)
				break
			}
		}
	}
	return found
}

// leftoverLimit bounds how long KillTree and KillMarked wait for the kernel: a process in an uninterruptible sleep dies
// only when that ends.
const leftoverLimit = 2 * time.Second

// KillTree ends the tree of a shim that may have outlived its host, and waits until it is gone, at most two seconds. It
// returns how many processes it found; 0 when id is not alive.
func KillTree(id ID) (n int) {
	if !Alive(id) {
		return 0
	}
	n = 1 + len(descendants(processes(), id.PID))
	_ = syscall.Kill(id.PID, syscall.SIGTERM) // a shim takes that as "kill the tree": it alone sees all of it
	if waitUntil(leftoverLimit/2, func() bool { return !Alive(id) }) {
		return n
	}
	// It is hung or stopped: do its work from outside, tree first, as a dead shim loses its children to init.
	waitUntil(leftoverLimit/2, func() bool {
		if !Alive(id) {
			return true
		}
		victims := descendants(processes(), id.PID)
		for _, p := range victims {
			_ = syscall.Kill(p.pid, syscall.SIGKILL)
		}
		if len(victims) == 0 {
			_ = syscall.Kill(id.PID, syscall.SIGKILL)
		}
		return false
	})
	return n
}

// KillMarked ends every process that carries marker, with all its descendants, and waits until they are gone, at most two
// seconds. It returns how many processes it found. Processes that dropped the marker and their parents are not found:
// KillTree is the first choice as long as the shim lives.
func KillMarked(marker string) (n int) {
	if marker == "" {
		return 0
	}
	seen := make(map[process]bool)
	waitUntil(leftoverLimit, func() bool {
		all := processes()
		victims := marked(all, marker, markerVar)
		shims := marked(all, marker, shimVar)
		for _, p := range append(victims, shims...) {
			victims = append(victims, descendants(all, p.pid)...)
		}
		if len(victims) == 0 {
			victims = shims
		}
		for _, p := range victims {
			seen[process{pid: p.pid, start: p.start}] = true
			if now, ok := lookup(p.pid); ok && now.start == p.start {
				_ = syscall.Kill(p.pid, syscall.SIGKILL)
			}
		}
		return len(victims) == 0
	})
	return len(seen)
}

// KillShims ends the trees of all shims that were started with exe as their Spec.Exe, and waits until they are gone, at
// most two seconds for each. It is for a program that owns exe and has just started: whatever runs is left over, whether
// anybody wrote its ID down or not. It returns how many processes it found.
func KillShims(exe string) (n int) {
	if exe == "" {
		return 0
	}
	boot := BootID()
	for _, p := range marked(processes(), exe, ofVar) {
		n += KillTree(ID{PID: p.pid, Start: p.start, Boot: boot})
	}
	return n
}

// AwaitMarked waits until no process but this one has name=value in its environment, at most for limit, and reports
// whether that came true. It is for helpers that [Run] had started in a process that was killed: they end by
// themselves, and must not be torn out of what they write.
func AwaitMarked(name, value string, limit time.Duration) bool {
	self := os.Getpid()
	return waitUntil(limit, func() bool {
		return !slices.ContainsFunc(marked(processes(), value, name), func(p process) bool { return p.pid != self })
	})
}

// waitUntil asks for the fact every few milliseconds, at most for limit, and returns the last answer. The processes it is
// used for are not our children: there is nothing to wait on.
func waitUntil(limit time.Duration, fact func() bool) bool {
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	tick := time.NewTicker(rewalk / 2)
	defer tick.Stop()
	for {
		if fact() {
			return true
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			return fact()
		}
	}
}
