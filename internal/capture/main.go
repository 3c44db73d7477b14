// Command capture makes the pictures in README.md, so that they show what the program shows. It builds the real
// program, runs it on terminals of its own, types what a person would, waits until the screen says what the picture is
// to show, and writes the rows between the marks of README.md in the working directory:
//
//	go run ./internal/capture
//
// It owns the choice of pictures and their marks. Where a picture does not come, nothing is written.
package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"gastown/internal/proc"
)

// limit bounds the whole run, several times what it takes; what is still running then is killed.
const limit = time.Minute

// readme is the file with the pictures.
const readme = "README.md"

func main() {
	os.Exit(run())
}

func run() int {
	proc.ShimMain()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := captureAll(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "capture:", err)
		return 1
	}
	return 0
}

func captureAll(ctx context.Context) error {
	text, err := os.ReadFile(readme)
	if err != nil {
		return err
	}
	s, err := newStudio(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	for _, scene := range []func(*studio, context.Context) ([]picture, error){(*studio).atWork, (*studio).hung} {
		pictures, err := scene(s, ctx)
		if err != nil {
			return err
		}
		for _, p := range pictures {
			if err := s.private(p); err != nil {
				return err
			}
			if text, err = place(text, p); err != nil {
				return err
			}
		}
	}
	return os.WriteFile(readme, text, 0o644)
}

// studio is where the pictures are made: a temporary directory with a home of its own and the program.
type studio struct {
	dir string
	exe string
	env []string
}

// newStudio builds the program; its owner calls close.
func newStudio(ctx context.Context) (*studio, error) {
	dir, err := os.MkdirTemp("", "gastown-capture-")
	if err != nil {
		return nil, err
	}
	s := &studio{dir: dir, exe: filepath.Join(dir, "bin", "gastown")}
	s.env = []string{
		"PATH=" + filepath.Dir(s.exe) + string(os.PathListSeparator) + os.Getenv("PATH"), "HOME=" + filepath.Join(dir, "home"), "TMPDIR=" + dir,
		"TERM=xterm-256color", "LC_ALL=C.UTF-8", "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.com", "GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.com",
	}
	build := proc.Cmd{Argv: []string{"go", "build", "-trimpath", "-o", s.exe, "gastown"}, Env: os.Environ()}
	if err := output(ctx, build); err != nil {
		s.close()
		return nil, err
	}
	if err := os.Mkdir(filepath.Join(dir, "home"), 0o700); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *studio) close() {
	_ = os.RemoveAll(s.dir) // what is left is in the temporary directory
}

// sh runs a script in the studio.
func (s *studio) sh(ctx context.Context, script string) error {
	return output(ctx, proc.Cmd{Argv: []string{"sh", "-e", "-c", script}, Dir: s.dir, Env: s.env})
}

// output runs a program to its end; what it printed is in the error.
func output(ctx context.Context, c proc.Cmd) error {
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	code, err := proc.Run(ctx, c)
	if err == nil && code != 0 {
		err = fmt.Errorf("exit %d: %s", code, strings.TrimSpace(out.String()))
	}
	if err != nil {
		return fmt.Errorf("run %s: %w", filepath.Base(c.Argv[0]), err)
	}
	return nil
}
