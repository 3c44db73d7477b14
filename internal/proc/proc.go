package proc

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"
)

// handshake bounds how long a shim may take to start its child. It takes 10 ms; a machine that swaps takes seconds.
const handshake = 30 * time.Second

// Proc is a running tree of processes. All methods may be called from any goroutine.
type Proc struct {
	id     ID
	child  process // pid and start time of the main process
	marker string
	pty    *os.File
	done   chan struct{}
	exit   Exit // valid after done

	mu      sync.Mutex
	control *os.File // the lifeline; commands go down it
	size    Size
	sent    map[syscall.Signal]bool // first signals already sent

	freezing sync.Mutex // held by Freeze and Thaw
	frozen   chan int   // one element: the newest answer of the shim to them
}

// Start starts a tree. The caller owns the result: it reads the terminal, if there is one, to its end and calls
// [Proc.Close]. What failed is told by a [*StartError]; errors.Is gives fs.ErrNotExist and fs.ErrPermission for Argv[0].
func Start(spec Spec) (*Proc, error) {
	if err := spec.validate(); err != nil {
		return nil, fmt.Errorf("start: %w", err)
	}
	if calledAsShim() {
		return nil, &StartError{Op: OpShim, Path: os.Args[0], Err: errors.New("its main does not call proc.ShimMain")}
	}
	if info, err := os.Stat(spec.Dir); err != nil {
		return nil, &StartError{Op: OpDir, Path: spec.Dir, Err: errors.Unwrap(err)}
	} else if !info.IsDir() {
		return nil, &StartError{Op: OpDir, Path: spec.Dir, Err: syscall.ENOTDIR}
	}
	path, err := lookPath(spec.Argv[0], spec.Dir, spec.Env)
	if err != nil {
		return nil, &StartError{Op: OpLookup, Path: spec.Argv[0], Err: err}
	}
	p := &Proc{marker: newMarker(), done: make(chan struct{}), sent: make(map[syscall.Signal]bool), frozen: make(chan int, 1)}
	stdio, err := p.stdio(spec)
	if err != nil {
		return nil, &StartError{Op: OpShim, Path: spec.Argv[0], Err: err}
	}
	cfg := config{
		Path: []byte(path), Argv: toBytes(spec.Argv), Dir: []byte(spec.Dir),
		Env:    toBytes(withMarker(spec.Env, p.marker)),
		Marker: p.marker, TTY: spec.PTY != nil, Nice: spec.Nice,
	}
	err = p.launch(spec, cfg, stdio)
	if stdio != spec.Output {
		_ = stdio.Close()
	}
	if err != nil {
		if p.pty != nil {
			_ = p.pty.Close()
		}
		return nil, err
	}
	return p, nil
}

// stdio returns the file that becomes the child's output, and its input too if it is a terminal.
func (p *Proc) stdio(spec Spec) (*os.File, error) {
	if spec.PTY != nil {
		p.size = spec.PTY.clamp()
		master, slave, err := openPTY(p.size)
		p.pty = master
		return slave, err
	}
	if spec.Output != nil {
		return spec.Output, nil
	}
	return os.OpenFile(os.DevNull, os.O_RDWR, 0)
}

// launch starts the shim, waits for its first report and leaves a goroutine that waits for its end.
func (p *Proc) launch(spec Spec, cfg config, stdio *os.File) error {
	fail := func(err error) error { return &StartError{Op: OpShim, Path: spec.Argv[0], Err: err} }
	exe := spec.Exe
	if exe == "" {
		var err error
		if exe, err = selfExe(); err != nil {
			return fail(err)
		}
	}
	controlR, controlW, err := os.Pipe()
	if err != nil {
		return fail(err)
	}
	statusR, statusW, err := os.Pipe()
	if err != nil {
		_, _ = controlR.Close(), controlW.Close()
		return fail(err)
	}
	cmd := &exec.Cmd{
		Path:        exe,
		Args:        []string{"gastown", shimArg, filepath.Base(spec.Argv[0])},
		Env:         shimEnv(p.marker, spec.Exe),
		Dir:         "/", // the shim must not hold a worktree
		ExtraFiles:  []*os.File{controlR, statusW, stdio},
		SysProcAttr: &syscall.SysProcAttr{Setsid: true}, // no signal of our terminal reaches it
	}
	err = cmd.Start()
	_, _ = controlR.Close(), statusW.Close()
	if err != nil {
		_, _ = controlW.Close(), statusR.Close()
		return fail(err)
	}
	p.control = controlW
	info, _ := lookup(cmd.Process.Pid) // not reaped yet, so it is the right one
	p.id = ID{PID: cmd.Process.Pid, Start: info.start, Boot: BootID()}

	reports := json.NewDecoder(statusR)
	if err := p.greet(cfg, statusR, reports, spec); err != nil {
		_ = controlW.Close() // whatever it started, it now kills
		KillTree(p.id)       // it may be no shim at all
		_ = statusR.Close()
		_ = cmd.Wait()
		return err
	}
	go p.attend(cmd, statusR, reports)
	return nil
}

// shimEnv is a shim's whole environment. The child's travels in the configuration.
func shimEnv(marker, exe string) []string {
	return []string{
		shimVar + "=" + marker,
		ofVar + "=" + exe,
		"GOMAXPROCS=1",             // it waits all its life
		"GORACE=atexit_sleep_ms=0", // a test binary with -race would take a second to end
	}
}

// greet sends the configuration and takes the first report.
func (p *Proc) greet(cfg config, status *os.File, reports *json.Decoder, spec Spec) error {
	fail := func(err error) error { return &StartError{Op: OpShim, Path: spec.Argv[0], Err: err} }
	deadline := time.Now().Add(handshake)
	_, _ = p.control.SetWriteDeadline(deadline), status.SetReadDeadline(deadline)
	if err := json.NewEncoder(p.control).Encode(cfg); err != nil {
		return fail(fmt.Errorf("send configuration: %w", err))
	}
	var r report
	if err := reports.Decode(&r); err != nil {
		return fail(fmt.Errorf("await its report: %w", err))
	}
	if r.Error != "" {
		err := errors.New(r.Error)
		if r.Errno != 0 {
			err = syscall.Errno(r.Errno)
		}
		return &StartError{Op: r.Op, Path: spec.Argv[0], Err: err}
	}
	_ = status.SetReadDeadline(time.Time{})
	p.child = process{pid: r.PID, start: r.Start}
	return nil
}

// attend waits for the end of the tree and of the shim, and for nothing else.
func (p *Proc) attend(cmd *exec.Cmd, status *os.File, reports *json.Decoder) {
	defer close(p.done)
	var end *report
	for {
		var r report
		if reports.Decode(&r) != nil {
			break
		}
		switch {
		case r.Exit != nil || r.Signal != nil:
			end = &r
		case r.Frozen != nil:
			select {
			case <-p.frozen: // nobody waited for it
			default:
			}
			p.frozen <- *r.Frozen
		}
	}
	_ = status.Close()
	clean := cmd.Wait() == nil
	p.mu.Lock()
	_ = p.control.Close()
	p.mu.Unlock()
	if !clean { // somebody killed the shim: its children went to init
		if now, ok := lookup(p.child.pid); ok && now.start == p.child.start {
			_ = syscall.Kill(-p.child.pid, syscall.SIGKILL)
		}
		KillMarked(p.marker)
	}
	p.exit = Exit{Code: -1}
	switch {
	case end == nil:
		p.exit.Err = "its supervising process was killed"
	case end.Signal != nil:
		p.exit.Signal = *end.Signal
	default:
		p.exit.Code = *end.Exit
	}
	p.exit.Stopped = end != nil && end.Stopped
}

// ID names the shim, the process whose life is the life of the tree.
func (p *Proc) ID() ID { return p.id }

// ChildPID is the pid of the main process.
func (p *Proc) ChildPID() int { return p.child.pid }

// Marker is the value of GASTOWN_PROC in the tree's environment, for [KillMarked].
func (p *Proc) Marker() string { return p.marker }

// Done is closed when the main process was reaped and nothing of its tree is left.
func (p *Proc) Done() <-chan struct{} { return p.done }

// Exit says how the main process ended. It is valid after Done is closed.
func (p *Proc) Exit() Exit {
	select {
	case <-p.done:
		return p.exit
	default:
		return Exit{Code: -1, Err: "still running"}
	}
}

// PTY is the host's end of the terminal; nil without one. It stays Proc's: end it with [Proc.Close]. A Read fails once
// the tree is gone and everything it wrote was read.
func (p *Proc) PTY() *os.File { return p.pty }

// Resize changes the size of the terminal, and tells the foreground process by SIGWINCH. The size it has already is no
// change and costs nothing.
func (p *Proc) Resize(size Size) error {
	if p.pty == nil {
		return errors.New("resize: no terminal")
	}
	size = size.clamp()
	p.mu.Lock()
	defer p.mu.Unlock()
	if size == p.size {
		return nil
	}
	if err := setSize(p.pty, size); err != nil {
		return err
	}
	p.size = size
	return nil
}

// Close gives the terminal back. Before Done it hangs up on the program.
func (p *Proc) Close() error {
	if p.pty == nil {
		return nil
	}
	if err := p.pty.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return fmt.Errorf("close terminal: %w", err)
	}
	return nil
}

// Tree returns the pids of the tree's living processes, the shim excluded.
func (p *Proc) Tree() []int {
	select {
	case <-p.done:
		return nil
	default:
	}
	found := descendants(processes(), p.id.PID)
	pids := make([]int, len(found))
	for i, f := range found {
		pids[i] = f.pid
	}
	return pids
}

// Use is what a tree has used of the machine until now.
type Use struct {
	PIDs  []int         // its living processes, sorted, the shim excluded
	CPU   time.Duration // of all of them and of what they waited for
	Timed bool          // the system tells CPU
}

// Use looks at the whole tree.
func (p *Proc) Use() Use {
	u := Use{Timed: timed}
	select {
	case <-p.done:
		return u
	default:
	}
	for _, f := range descendants(processes(), p.id.PID) {
		u.PIDs = append(u.PIDs, f.pid)
		u.CPU += time.Duration(f.cpu) * cpuTick
	}
	slices.Sort(u.PIDs)
	return u
}

// Children returns the pids of the living processes that the program itself has started.
func (p *Proc) Children() []int {
	select {
	case <-p.done:
		return nil
	default:
	}
	var pids []int
	for _, one := range processes() {
		if one.ppid == p.child.pid {
			pids = append(pids, one.pid)
		}
	}
	return pids
}

func newMarker() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// withMarker returns env with our marker in place of an inherited one.
func withMarker(env []string, marker string) []string {
	out := make([]string, 0, len(env)+1)
	for _, e := range env {
		if len(e) <= len(markerVar) || e[:len(markerVar)+1] != markerVar+"=" {
			out = append(out, e)
		}
	}
	return append(out, markerVar+"="+marker)
}
