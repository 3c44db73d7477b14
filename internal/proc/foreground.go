package proc

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// RunForeground runs a program that a person works with, such as an editor, on the given terminal and waits for it. It has
// the terminal to itself: a process group of its own in the foreground, so that Ctrl-C reaches it and not us. The caller
// must ignore SIGTTOU, or it is stopped when it takes the terminal back.
func RunForeground(ctx context.Context, c Cmd, tty *os.File) error {
	if len(c.Argv) == 0 {
		return errors.New("run: no program given")
	}
	path, err := lookPath(c.Argv[0], c.Dir, c.Env)
	if err != nil {
		return &StartError{Op: OpLookup, Path: c.Argv[0], Err: err}
	}
	fd := int(tty.Fd())
	before, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP)
	if err != nil {
		return fmt.Errorf("run %q: not on a terminal: %w", c.Argv[0], err)
	}
	cmd := exec.CommandContext(ctx, path)
	cmd.Args, cmd.Dir, cmd.Env = c.Argv, c.Dir, c.Env
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
	cmd.SysProcAttr = &syscall.SysProcAttr{Foreground: true, Ctty: fd}
	defer func() { _ = unix.IoctlSetPointerInt(fd, unix.TIOCSPGRP, before) }()
	if err := cmd.Run(); err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return fmt.Errorf("%q: %s", c.Argv[0], exit.ProcessState)
		}
		return &StartError{Op: OpExec, Path: c.Argv[0], Err: err}
	}
	return nil
}
