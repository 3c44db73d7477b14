package proc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"syscall"
	"time"
)

const (
	// DefaultGrace is how long a cancelled helper may take to end by itself: git needs it to take its locks away.
	DefaultGrace = 5 * time.Second
	// pipeDelay is how long Run waits for the end of the output after the helper itself has ended: a grandchild that
	// inherited the pipe must not hold us.
	pipeDelay = 2 * time.Second
)

// Cmd is a short-lived helper program.
type Cmd struct {
	Argv   []string // required
	Dir    string   // working directory; empty: ours
	Env    []string // complete environment
	Stdin  io.Reader
	Stdout io.Writer // must not block for ever
	Stderr io.Writer
	Grace  time.Duration // between SIGTERM and SIGKILL when ctx ends; 0: DefaultGrace
}

// Run runs a helper in a session and process group of its own, without a terminal and without a shim, and waits for it. A program that ended by itself gives its
// exit code and a nil error, whatever the code. Otherwise the code is -1: the program could not be started
// ([*StartError]), a signal ended it, ctx ended it (the error is ctx's cause), or a process it left behind kept its output
// open (exec.ErrWaitDelay; the output may be cut).
func Run(ctx context.Context, c Cmd) (code int, err error) {
	if len(c.Argv) == 0 {
		return -1, errors.New("run: no program given")
	}
	if err := context.Cause(ctx); err != nil {
		return -1, fmt.Errorf("run %q: %w", c.Argv[0], err)
	}
	path, err := lookPath(c.Argv[0], c.Dir, c.Env)
	if err != nil {
		return -1, &StartError{Op: OpLookup, Path: c.Argv[0], Err: err}
	}
	cmd := &exec.Cmd{
		Path: path, Args: c.Argv, Dir: c.Dir, Env: c.Env,
		Stdin: c.Stdin, Stdout: c.Stdout, Stderr: c.Stderr,
		WaitDelay: pipeDelay,
		// A session, not only a group: in our own session a helper would be a background job of our terminal and be
		// stopped for ever as soon as it touches it. Without a terminal a password prompt fails at once.
		SysProcAttr: &syscall.SysProcAttr{Setsid: true},
	}
	if cmd.Env == nil {
		cmd.Env = []string{} // nil would mean ours
	}
	if err := cmd.Start(); err != nil {
		return -1, &StartError{Op: OpExec, Path: c.Argv[0], Err: err}
	}
	waited := make(chan error, 1)
	go func() { waited <- cmd.Wait() }()
	select {
	case err = <-waited:
	case <-ctx.Done():
		err = endGroup(cmd.Process.Pid, c.Grace, waited)
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // what it left behind in its group
		return -1, fmt.Errorf("run %q: %w", c.Argv[0], errors.Join(context.Cause(ctx), ignoreExit(err)))
	}
	return result(c.Argv[0], err)
}

// endGroup ends a running process group and waits for its leader.
func endGroup(pgid int, grace time.Duration, waited <-chan error) error {
	if grace == 0 {
		grace = DefaultGrace
	}
	_ = syscall.Kill(-pgid, syscall.SIGTERM)
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case err := <-waited:
		return err
	case <-timer.C:
	}
	_ = syscall.Kill(-pgid, syscall.SIGKILL)
	return <-waited
}

func result(name string, err error) (int, error) {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0, nil
	case errors.As(err, &exit) && exit.Exited():
		return exit.ExitCode(), nil
	case errors.As(err, &exit):
		ws, _ := exit.Sys().(syscall.WaitStatus)
		return -1, fmt.Errorf("run %q: killed by %s", name, signalName(ws.Signal()))
	}
	return -1, fmt.Errorf("run %q: %w", name, err)
}

// ignoreExit drops how a process ended when we have ended it.
func ignoreExit(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil
	}
	return err
}
