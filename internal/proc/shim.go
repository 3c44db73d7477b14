package proc

import (
	"encoding/json"
	"errors"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"
)

// ShimMain turns this process into a shim and does not return, if it was started as one; otherwise it returns at once.
// It must be the first call of main and of every TestMain whose tests start processes.
func ShimMain() {
	if len(os.Args) > 1 && os.Args[1] == shimArg {
		os.Exit(runShim())
	}
}

// calledAsShim reports whether this process was started as a shim, that is, whether its main forgot ShimMain.
func calledAsShim() bool { return len(os.Args) > 1 && os.Args[1] == shimArg }

// rewalk is how often the tree is looked through again while it is being killed, besides at every SIGCHLD: processes that
// were forked between two looks are found by the next. One look costs about a millisecond.
const rewalk = 10 * time.Millisecond

// shim is the state of the supervising process. One goroutine owns it, so no pid is signalled after it was reaped.
type shim struct {
	cfg      config
	status   *json.Encoder
	child    int  // 0 once reaped
	commands bool // the host asked for a signal or a kill
	killing  bool
	frozen   []process // stopped by us, parents first
}

func runShim() int {
	closeFilesOnExec()
	// Caught, not ignored: an ignored signal would stay ignored in the child across exec.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTSTP,
		syscall.SIGTTOU, syscall.SIGTTIN, syscall.SIGPIPE, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGALRM)
	terminated := make(chan os.Signal, 1)
	signal.Notify(terminated, syscall.SIGTERM)
	exited := make(chan os.Signal, 1)
	signal.Notify(exited, syscall.SIGCHLD)

	s := &shim{status: json.NewEncoder(os.NewFile(fdStatus, "status"))}
	control := json.NewDecoder(os.NewFile(fdControl, "control"))
	if err := control.Decode(&s.cfg); err != nil {
		return 1 // nobody is there to be told
	}
	if err := becomeReaper(); err != nil {
		return s.fail(OpShim, err)
	}
	pid, err := s.start()
	if err != nil {
		return s.fail(OpExec, err)
	}
	s.child = pid
	info, _ := lookup(pid)
	s.tell(report{PID: pid, Start: info.start})

	commands := make(chan command)
	go func() { // ends with the process
		defer close(commands)
		for {
			var c command
			if control.Decode(&c) != nil {
				return
			}
			commands <- c
		}
	}()
	s.loop(commands, exited, terminated)
	return 0
}

// fdTableGuess is the highest descriptor looked at where the system cannot mark them all at once: shells keep theirs
// below 256.
const fdTableGuess = 256

func closeOnExecUpTo(limit int) {
	for fd := fdControl; fd <= limit; fd++ {
		syscall.CloseOnExec(fd)
	}
}

// loop obeys and reaps until nothing of the tree is left.
func (s *shim) loop(commands <-chan command, exited, terminated <-chan os.Signal) {
	var again <-chan time.Time
	for {
		gone := s.reap()
		if s.child == 0 {
			s.killing = true
		}
		if s.killing && !gone {
			victims := survivors(s.cfg.Marker, s.child)
			gone = s.child == 0 && gonePlatform(victims)
			for _, p := range victims {
				_ = syscall.Kill(p.pid, syscall.SIGKILL) // ESRCH: it is dead, which is what we want
			}
			again = time.After(rewalk)
		}
		if gone {
			return
		}
		select {
		case <-exited:
		case <-again:
		case <-terminated:
			s.killing, s.commands = true, true
		case c, ok := <-commands:
			if !ok {
				commands, s.killing = nil, true // the host is gone
				break
			}
			s.obey(c)
		}
	}
}

// obey carries out one command. The child is not reaped yet if child is set, so its pid and group are its own.
func (s *shim) obey(c command) {
	if s.child == 0 {
		return
	}
	switch {
	case c.Freeze:
		s.freeze()
		return
	case c.Thaw:
		s.thaw()
		return
	}
	s.commands = true
	if c.Kill {
		s.killing = true
		_ = syscall.Kill(-s.child, syscall.SIGKILL)
		return
	}
	_ = syscall.Kill(-s.child, syscall.Signal(c.Signal))
	_ = syscall.Kill(-s.child, syscall.SIGCONT) // a stopped process would keep the signal pending
	if len(s.frozen) > 0 {
		s.thaw() // to end well, a program may need its children
	}
}

// freeze stops the whole tree. Parents come first: one that is stopped forks no more, so that looking again until nothing
// new is found finds all, and a shell with job control does not see its children stop. What somebody else had stopped is
// left to them.
func (s *shim) freeze() {
	seen := make(map[int]bool)
	for _, p := range s.frozen {
		seen[p.pid] = true
	}
	for found := true; found; {
		found = false
		for _, p := range survivors(s.cfg.Marker, s.child) {
			if seen[p.pid] {
				continue
			}
			seen[p.pid], found = true, true
			if !p.stopped && syscall.Kill(p.pid, syscall.SIGSTOP) == nil {
				s.frozen = append(s.frozen, p)
			}
		}
	}
	n := len(s.frozen)
	s.tell(report{Frozen: &n})
}

// thaw lets the tree go on, children first: see freeze.
func (s *shim) thaw() {
	for i := len(s.frozen) - 1; i >= 0; i-- {
		p := s.frozen[i]
		if now, ok := lookup(p.pid); ok && now.start == p.start {
			_ = syscall.Kill(p.pid, syscall.SIGCONT)
		}
	}
	s.frozen = nil
	n := 0
	s.tell(report{Frozen: &n})
}

// reap collects every dead child and reports the main one. It returns true when there are no children at all.
func (s *shim) reap() (none bool) {
	for {
		var ws syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &ws, syscall.WNOHANG, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case err != nil:
			return errors.Is(err, syscall.ECHILD) && childlessIsGone
		case pid == 0:
			return false
		case pid == s.child:
			s.child = 0
			s.tell(ended(ws, s.commands))
		}
	}
}

func ended(ws syscall.WaitStatus, stopped bool) report {
	if ws.Signaled() {
		n := int(ws.Signal())
		return report{Signal: &n, Stopped: stopped}
	}
	n := ws.ExitStatus()
	return report{Exit: &n, Stopped: stopped}
}

// start forks the main child: leader of a new session, so that with a terminal it is in the foreground and gets SIGWINCH
// and ^C, and the shim gets neither.
func (s *shim) start() (pid int, err error) {
	null, err := syscall.Open(os.DevNull, syscall.O_RDWR|syscall.O_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	defer syscall.Close(null)
	defer syscall.Close(fdStdio) // the terminal must be held by the tree only, or its end is never seen

	attr := &syscall.ProcAttr{
		Dir:   string(s.cfg.Dir),
		Env:   toStrings(s.cfg.Env),
		Files: []uintptr{uintptr(null), fdStdio, fdStdio},
		Sys:   &syscall.SysProcAttr{Setsid: true},
	}
	if s.cfg.TTY {
		attr.Files[0] = fdStdio
		attr.Sys.Setctty, attr.Sys.Ctty = true, 0
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // never unlocked: the thread carries the niceness and ends with the goroutine
		if s.cfg.Nice != 0 {
			_ = addNice(s.cfg.Nice)
		}
		pid, err = syscall.ForkExec(string(s.cfg.Path), toStrings(s.cfg.Argv), attr)
	}()
	<-done
	return pid, err
}

func (s *shim) fail(op string, err error) int {
	r := report{Error: err.Error(), Op: op}
	var errno syscall.Errno
	if errors.As(err, &errno) {
		r.Errno = int(errno)
	}
	s.tell(r)
	return 1
}

// tell reports to the host; a host that is gone is noticed on the control pipe.
func (s *shim) tell(r report) { _ = s.status.Encode(r) }
