package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"gastown/internal/fault"
	"gastown/internal/proc"
)

// editor opens a text in the person's editor, on this terminal, and returns it as it was saved.
func (p *process) editor(ctx context.Context) func(text string) (string, error) {
	return func(text string) (saved string, err error) {
		argv, err := p.editorCommand()
		if err != nil {
			return "", err
		}
		f, err := os.CreateTemp("", "gastown-bead-*.md")
		if err != nil {
			return "", fmt.Errorf("edit: %w", err)
		}
		defer func() { _ = os.Remove(f.Name()) }()
		_, err = f.WriteString(text)
		if cerr := f.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			return "", fmt.Errorf("edit: %w", err)
		}
		if err := p.runEditor(ctx, argv, f.Name()); err != nil {
			return "", err
		}
		data, err := os.ReadFile(f.Name())
		if err != nil {
			return "", fmt.Errorf("edit: %w", err)
		}
		return string(data), nil
	}
}

// fileEditor opens a file below dir in the person's editor, on this terminal. The file is an agent's: a link in its
// path must not lead out of dir.
func (p *process) fileEditor(ctx context.Context) func(dir, path string) error {
	return func(dir, path string) error {
		argv, err := p.editorCommand()
		if err != nil {
			return err
		}
		file, err := realPath(dir, path)
		if err != nil {
			return err
		}
		return p.runEditor(ctx, argv, file)
	}
}

// realPath is the real path of a file below dir.
func realPath(dir, path string) (string, error) {
	root, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return "", fault.Refusedf("the worktree is gone: %w", err)
	}
	file, err := filepath.EvalSymlinks(filepath.Join(root, path))
	if err != nil {
		return "", fault.Refusedf("%s: not in the worktree now", path)
	}
	rel, err := filepath.Rel(root, file)
	if err != nil || !filepath.IsLocal(rel) {
		return "", fault.Refusedf("%s: leads out of the worktree", path)
	}
	if info, err := os.Stat(file); err != nil || !info.Mode().IsRegular() {
		return "", fault.Refusedf("%s: is no regular file", path)
	}
	return file, nil
}

// runEditor gives the terminal to the editor until it ends.
func (p *process) runEditor(ctx context.Context, argv []string, file string) error {
	if err := proc.RunForeground(ctx, proc.Cmd{Argv: append(argv, file), Env: p.env}, os.Stdin); err != nil {
		return fault.Failf("%w", err).WithHint("choose another with $EDITOR")
	}
	return nil
}

// editorCommand is $VISUAL, $EDITOR, or what most machines have.
func (p *process) editorCommand() ([]string, error) {
	for _, name := range []string{"VISUAL", "EDITOR"} {
		if argv := strings.Fields(p.getenv(name)); len(argv) > 0 {
			return argv, nil
		}
	}
	for _, name := range []string{"nano", "vi"} {
		if proc.LookPath(name, p.env) != "" {
			return []string{name}, nil
		}
	}
	return nil, fault.Refusedf("no editor").WithHint("set $EDITOR to the command of one")
}
