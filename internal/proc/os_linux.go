package proc

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// cpuTick is the unit of a process's time: USER_HZ is 100 everywhere. timed says that the table tells it.
const (
	cpuTick = 10 * time.Millisecond
	timed   = true
)

// childlessIsGone: a subreaper without children has no descendants either.
const childlessIsGone = true

// gonePlatform reports whether the tree is gone, from what a look at the process table found.
func gonePlatform([]process) bool { return false } // here wait4 says it, see childlessIsGone

// closeFilesOnExec keeps from the child all files but the standard ones: the shim's own, and whatever the host's parent had
// left open.
func closeFilesOnExec() {
	if unix.CloseRange(fdControl, ^uint(0), unix.CLOSE_RANGE_CLOEXEC) == nil {
		return
	}
	closeOnExecUpTo(fdTableGuess) // a kernel before 5.11
}

func becomeReaper() error { return unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) }

// addNice changes the niceness of the calling thread; a child forked from it inherits that.
func addNice(n int) error {
	now, err := unix.Getpriority(unix.PRIO_PROCESS, 0)
	if err != nil {
		return err
	}
	return unix.Setpriority(unix.PRIO_PROCESS, 0, 20-now+n) // the raw system call answers 20-nice
}

// survivors returns the calling shim's descendants.
func survivors(string, int) []process { return descendants(processes(), os.Getpid()) }

func selfExe() (string, error) { return "/proc/self/exe", nil } // right even after the file was replaced

// BootID names this boot of the machine; empty if it cannot be told.
func BootID() string {
	b, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(b))
}

// processes returns all processes that are not zombies.
func processes() []process {
	d, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer d.Close()
	names, _ := d.Readdirnames(-1)
	all := make([]process, 0, len(names))
	for _, name := range names {
		if name[0] < '0' || name[0] > '9' {
			continue
		}
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		if p, ok := lookup(pid); ok {
			all = append(all, p)
		}
	}
	return all
}

// lookup reads /proc/pid/stat; ok is false for a process that is gone or a zombie.
func lookup(pid int) (p process, ok bool) {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return process{}, false
	}
	i := bytes.LastIndexByte(b, ')') // the command name before it may hold anything
	if i < 0 {
		return process{}, false
	}
	f := bytes.Fields(b[i+1:]) // f[0] is field 3 of proc(5)
	if len(f) < 20 || f[0][0] == 'Z' || f[0][0] == 'X' {
		return process{}, false
	}
	p.pid = pid
	p.ppid, _ = strconv.Atoi(string(f[1]))
	p.sid, _ = strconv.Atoi(string(f[3]))
	p.stopped = f[0][0] == 'T'
	p.start, _ = strconv.ParseUint(string(f[19]), 10, 64)
	for _, ticks := range f[11:15] { // user and system time, of itself and of children it has waited for
		n, _ := strconv.ParseUint(string(ticks), 10, 64)
		p.cpu += n
	}
	return p, true
}

// began is when p was started, to the second.
func (p process) began() time.Time {
	const perSecond = 100 // USER_HZ, which the kernel shows to programs on all machines that we know
	b, _ := os.ReadFile("/proc/stat")
	_, rest, found := bytes.Cut(b, []byte("\nbtime "))
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	boot, err := strconv.ParseInt(string(line), 10, 64)
	if !found || err != nil {
		return time.Time{} // for ever
	}
	return time.Unix(boot, 0).Add(time.Duration(p.start) * (time.Second / perSecond))
}

// environ returns the environment pid was started with, NUL between the entries; nil if we may not see it.
func environ(pid int) []byte {
	b, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
	return b
}

// UnderOurShim reports whether pid is in a tree that this process started: an agent, a gate, or
// anything these started, whatever it did to its environment.
func UnderOurShim(pid int) bool {
	for pid > 1 {
		p, ok := lookup(pid)
		if !ok {
			return false
		}
		if p.ppid == os.Getpid() {
			return isShim(pid)
		}
		pid = p.ppid
	}
	return false
}

// isShim reports whether a process was started as a shim.
func isShim(pid int) bool {
	b, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
	args := bytes.Split(b, []byte{0})
	return len(args) > 1 && string(args[1]) == shimArg
}

// workingDir is the directory that pid works in. That of another person's process is
// not told, and not asked about: "".
func workingDir(pid int) (dir string, known bool) {
	dir, _ = os.Readlink("/proc/" + strconv.Itoa(pid) + "/cwd")
	return dir, true
}
