// Package demo owns the demo: a sample project that needs only git and sh, the spec that is built
// in it, the settings of its town, and the driver that runs the whole job without a screen. It is a
// client of the verbs; the town it runs in is started by its caller.
package demo

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"gastown/internal/proc"
)

// The sample project as it is before anything was built.
//
//go:embed all:project
var project embed.FS

const (
	// Rig is the name of the demo's rig.
	Rig = "weather"
	// Spec is the path of the spec in the project.
	Spec = "docs/spec.md"
	// Preset is the built-in agent, which is Mayor and polecat here.
	Preset = "scripted"
)

// commitScript makes a repository of the files around it. Nothing of a person's own settings gets
// in but the name: no hooks, no templates, no signatures.
const commitScript = `
git init -q --template= .
git symbolic-ref HEAD refs/heads/main
if ! git config user.email >/dev/null && [ -z "${GIT_AUTHOR_EMAIL:-}" ]; then
  export GIT_AUTHOR_NAME=gastown GIT_AUTHOR_EMAIL=gastown@localhost
  export GIT_COMMITTER_NAME=gastown GIT_COMMITTER_EMAIL=gastown@localhost
fi
git add -A
git -c commit.gpgsign=false -c core.hooksPath=/dev/null commit -q -m "weather: a station that lists its cities"
`

// Project writes the sample project into dir and commits it on a branch main. environ is the
// environment git runs in, as KEY=VALUE. A dir that is there already is left as it is: the project
// is made beside it and gets its name when it is whole.
func Project(ctx context.Context, dir string, environ []string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("look at sample project %q: %w", dir, err)
	}
	// Always another place: a git of a run that was killed may still write to the last one.
	if left, err := filepath.Glob(dir + ".half-*"); err == nil {
		for _, old := range left {
			_ = os.RemoveAll(old) // what stays is in nobody's way
		}
	}
	half, err := os.MkdirTemp(filepath.Dir(dir), filepath.Base(dir)+".half-")
	if err != nil {
		return fmt.Errorf("write sample project %q: %w", dir, err)
	}
	if err := os.Chmod(half, 0o755); err != nil {
		return fmt.Errorf("write sample project %q: %w", dir, err)
	}
	if err := build(ctx, half, environ); err != nil {
		return err
	}
	if err := os.Rename(half, dir); err != nil {
		return fmt.Errorf("write sample project %q: %w", dir, err)
	}
	return nil
}

// build writes and commits the project.
func build(ctx context.Context, dir string, environ []string) error {
	if err := write(dir); err != nil {
		return fmt.Errorf("write sample project %q: %w", dir, err)
	}
	var out bytes.Buffer
	code, err := proc.Run(ctx, proc.Cmd{
		Argv: []string{"sh", "-e", "-c", commitScript}, Dir: dir, Env: environ, Stdout: &out, Stderr: &out,
	})
	switch {
	case err != nil:
		return fmt.Errorf("commit sample project %q: %w", dir, err)
	case code != 0:
		return fmt.Errorf("commit sample project %q: exit %d: %s", dir, code, strings.TrimSpace(out.String()))
	}
	return nil
}

func write(dir string) error {
	files, err := fs.Sub(project, "project")
	if err != nil {
		return err
	}
	return fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		to := filepath.Join(dir, filepath.FromSlash(path))
		if d.IsDir() {
			return os.MkdirAll(to, 0o755)
		}
		text, err := fs.ReadFile(files, path)
		if err != nil {
			return err
		}
		mode := fs.FileMode(0o644) // an embedded file has lost its own
		if bytes.HasPrefix(text, []byte("#!")) {
			mode = 0o755
		}
		return os.WriteFile(to, text, mode)
	})
}
