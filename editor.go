package main

import (
	"context"
	"fmt"
	"os"
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
		if err := proc.RunForeground(ctx, proc.Cmd{Argv: append(argv, f.Name()), Env: p.env}, os.Stdin); err != nil {
			return "", fault.Failf("%w", err).WithHint("choose another with $EDITOR")
		}
		data, err := os.ReadFile(f.Name())
		if err != nil {
			return "", fmt.Errorf("edit: %w", err)
		}
		return string(data), nil
	}
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
