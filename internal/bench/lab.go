package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gastown/internal/proc"
)

// lab is where the measurements are made: a temporary directory with a home of its own.
type lab struct {
	dir    string
	keep   bool
	env    []string
	exe    string // the program under test
	git    string // path of the yardstick
	runs   int
	slings int
}

// newLab builds the program the way it is released.
func newLab(ctx context.Context, keep string, runs, slings int) (*lab, error) {
	l := &lab{dir: keep, keep: keep != "", runs: runs, slings: slings}
	var err error
	if l.keep {
		if l.dir, err = filepath.Abs(keep); err == nil {
			err = os.Mkdir(l.dir, 0o755)
		}
	} else {
		l.dir, err = os.MkdirTemp("", "gastown-bench-")
	}
	if err != nil {
		return nil, fmt.Errorf("step %q: %w", "make a directory", err)
	}
	l.exe = filepath.Join(l.dir, "bin", "gastown")
	build := proc.Cmd{
		Argv: []string{"go", "build", "-trimpath", "-ldflags=-s -w", "-o", l.exe, "gastown"}, Env: os.Environ(),
	}
	if _, err := output(ctx, build); err != nil {
		l.close()
		return nil, fmt.Errorf("step %q: %w", "build the program", err)
	}
	home := filepath.Join(l.dir, "home")
	if err := os.Mkdir(home, 0o755); err != nil {
		l.close()
		return nil, fmt.Errorf("step %q: %w", "make a home", err)
	}
	l.env = []string{
		"PATH=" + filepath.Dir(l.exe) + string(os.PathListSeparator) + os.Getenv("PATH"), "HOME=" + home, "LC_ALL=C.UTF-8", "TERM=xterm-256color",
		"GIT_CONFIG_NOSYSTEM=1", "GIT_AUTHOR_NAME=bench", "GIT_AUTHOR_EMAIL=b@example.com",
		"GIT_COMMITTER_NAME=bench", "GIT_COMMITTER_EMAIL=b@example.com",
	}
	if l.git, err = l.sh(ctx, l.dir, "command -v git"); err != nil {
		l.close()
		return nil, fmt.Errorf("step %q: %w", "find the yardstick", err)
	}
	return l, nil
}

func (l *lab) close() {
	if !l.keep {
		_ = os.RemoveAll(l.dir) // what is left is in the temporary directory
	}
}

// path is a place in the lab.
func (l *lab) path(name string) string { return filepath.Join(l.dir, name) }

// town runs a verb in a town of the lab and returns what it printed.
func (l *lab) town(ctx context.Context, name string, args ...string) (string, error) {
	return output(ctx, l.verb(name, args...))
}

func (l *lab) verb(town string, args ...string) proc.Cmd {
	return proc.Cmd{Argv: append([]string{l.exe, "--town", l.path(town)}, args...), Dir: l.dir, Env: l.env}
}

func (l *lab) gitIn(dir string, args ...string) proc.Cmd {
	return proc.Cmd{Argv: append([]string{l.git}, args...), Dir: l.path(dir), Env: l.env}
}

func (l *lab) sh(ctx context.Context, dir, script string) (string, error) {
	return output(ctx, proc.Cmd{Argv: []string{"sh", "-e", "-c", script}, Dir: dir, Env: l.env})
}

// output runs a program to its end and returns what it printed; with its error stream in the error.
func output(ctx context.Context, c proc.Cmd) (string, error) {
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	code, err := proc.Run(ctx, c)
	if err == nil && code != 0 {
		err = fmt.Errorf("exit %d: %s", code, strings.Join(strings.Fields(errs.String()), " "))
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", strings.Join(shown(c.Argv), " "), err)
	}
	return strings.TrimSpace(out.String()), nil
}

// shown is a command as a person would type it.
func shown(argv []string) []string {
	out := slices.Clone(argv)
	out[0] = filepath.Base(out[0])
	if i := slices.Index(out, "--town"); i > 0 {
		out = slices.Delete(out, i, i+2)
	}
	return out
}

// timed is how long a program took, its output thrown away.
func timed(ctx context.Context, c proc.Cmd) (time.Duration, error) {
	var errs bytes.Buffer
	c.Stdout, c.Stderr = io.Discard, &errs
	begun := time.Now()
	code, err := proc.Run(ctx, c)
	took := time.Since(begun)
	if err == nil && code != 0 {
		err = fmt.Errorf("%s: exit %d: %s", strings.Join(shown(c.Argv), " "), code, strings.Join(strings.Fields(errs.String()), " "))
	}
	return took, err
}

// turns runs each command n times in turns, after once to warm up, and returns the medians. A
// command that fails has an error in its place and is not run again.
func turns(ctx context.Context, n int, commands ...func(i int) proc.Cmd) ([]time.Duration, []error) {
	took, errs := make([][]time.Duration, len(commands)), make([]error, len(commands))
	for i := range n + 1 {
		for k, command := range commands {
			if errs[k] != nil {
				continue
			}
			d, err := timed(ctx, command(i))
			if errs[k] = err; err == nil && i > 0 {
				took[k] = append(took[k], d)
			}
		}
	}
	medians := make([]time.Duration, len(commands))
	for k := range commands {
		medians[k] = median(took[k])
	}
	return medians, errs
}

func median(list []time.Duration) time.Duration {
	if len(list) == 0 {
		return 0
	}
	slices.Sort(list)
	return list[len(list)/2]
}

// same is a command that does not change from turn to turn.
func same(c proc.Cmd) func(int) proc.Cmd { return func(int) proc.Cmd { return c } }

// broken gives all rows of a part the error that kept the part from being measured.
func broken(err error, rows []row) []row {
	for i := range rows {
		if rows[i].err == nil {
			rows[i].err = err
		}
	}
	return rows
}

// join fills a row from its own and its yardstick's measurement.
func (r row) join(ours, theirs time.Duration, errs ...error) row {
	r.ours, r.theirs, r.err = ours, theirs, errors.Join(errs...)
	return r
}
