package proc

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// The process table does not tell the time that a process used; only private calls do.
const (
	cpuTick = time.Millisecond
	timed   = false
)

// childlessIsGone: without a subreaper orphans go to launchd, so having no children says nothing.
const childlessIsGone = false

// gonePlatform reports whether the tree is gone, from what a look at the process table found.
func gonePlatform(found []process) bool { return len(found) == 0 }

// closeFilesOnExec keeps from the child all files but the standard ones: the shim's own, and whatever the host's parent had
// left open.
func closeFilesOnExec() { closeOnExecUpTo(fdTableGuess) }

func becomeReaper() error { return nil }

// addNice changes the niceness of the whole shim, the child inherits it.
func addNice(n int) error {
	now, err := unix.Getpriority(unix.PRIO_PROCESS, 0)
	if err != nil {
		return err
	}
	return unix.Setpriority(unix.PRIO_PROCESS, 0, now+n)
}

// survivors returns the shim's descendants, the child's session and whatever carries the marker.
func survivors(marker string, child int) []process {
	all := processes()
	found := marked(all, marker, markerVar)
	for _, p := range all {
		if child != 0 && p.sid == child {
			found = append(found, p)
		}
	}
	return append(found, descendants(all, os.Getpid())...)
}

func selfExe() (string, error) { return os.Executable() }

// BootID names this boot of the machine; empty if it cannot be told.
func BootID() string {
	s, err := unix.Sysctl("kern.bootsessionuuid")
	if err != nil {
		return ""
	}
	return s
}

// States of sys/proc.h.
const (
	stoppedState = 4 // SSTOP
	zombie       = 5 // SZOMB
)

// processes returns all processes that are not zombies.
func processes() []process {
	list, err := unix.SysctlKinfoProcSlice("kern.proc.all")
	if err != nil {
		return nil
	}
	all := make([]process, 0, len(list))
	for i := range list {
		if list[i].Proc.P_stat != zombie {
			all = append(all, fromKinfo(&list[i]))
		}
	}
	return all
}

// lookup finds one process; ok is false for one that is gone or a zombie.
func lookup(pid int) (p process, ok bool) {
	k, err := unix.SysctlKinfoProc("kern.proc.pid", pid)
	if err != nil || int(k.Proc.P_pid) != pid || k.Proc.P_stat == zombie {
		return process{}, false
	}
	return fromKinfo(k), true
}

func fromKinfo(k *unix.KinfoProc) process {
	pid := int(k.Proc.P_pid)
	sid, _ := unix.Getsid(pid)
	t := k.Proc.P_starttime
	return process{pid: pid, ppid: int(k.Eproc.Ppid), sid: sid, start: uint64(t.Sec)*1e6 + uint64(t.Usec), stopped: k.Proc.P_stat == stoppedState}
}

// began is when p was started.
func (p process) began() time.Time { return time.UnixMicro(int64(p.start)) }

// environ returns the arguments and environment pid was started with, NUL between the entries; nil if we may not see it.
func environ(pid int) []byte {
	b, err := unix.SysctlRaw("kern.procargs2", pid)
	if err != nil {
		return nil
	}
	return b
}

// UnderOurShim reports whether pid is in a tree that this process started: an agent, a gate, or
// anything these started that did not leave its parent.
func UnderOurShim(pid int) bool {
	parent := map[int]int{}
	for _, p := range processes() {
		parent[p.pid] = p.ppid
	}
	for pid > 1 {
		if pid = parent[pid]; pid == os.Getpid() {
			return true
		}
	}
	return false
}

// workingDir is the directory that pid works in; the system tells it only by private calls.
func workingDir(int) (dir string, known bool) { return "", false }
