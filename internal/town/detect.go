package town

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"gastown/internal/api"
	"gastown/internal/config"
	"gastown/internal/git"
)

// Suggestion is what a repository's own files say about how to take it up as a rig.
type Suggestion struct {
	Name   string
	Root   string // of the checkout
	Branch string // that work lands on; empty: none yet
	Setup  string
	Gates  []api.GateSpec
	Found  []string // the files that told
	Empty  bool     // it has no commit
	Who    git.Ident
	// Nameless is set when git knows no name for the person; Who is the program's own then.
	Nameless bool
}

// Suggest looks at the repository that holds dir. A directory in no repository is
// git.ErrNoCheckout.
func Suggest(ctx context.Context, env []string, dir string) (Suggestion, error) {
	c, err := git.New(env).OpenCheckout(ctx, dir)
	if err != nil {
		return Suggestion{}, err
	}
	s := Suggestion{Root: c.Top, Name: rigName(c.Top), Empty: c.Head == ""}
	if s.Branch, err = c.Target(ctx); err != nil {
		return s, err
	}
	if s.Who, err = git.New(env).Ident(ctx, c.Top); err != nil {
		return Suggestion{}, err
	}
	s.Nameless = s.Who == git.FallbackIdent()
	s.look()
	return s, nil
}

// rigName makes a rig's name of a directory's.
func rigName(dir string) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-', r == '_', r == '.':
			return r
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		}
		return '-'
	}, filepath.Base(dir))
	name = strings.Trim(name, "-_.")
	if !config.ValidName(name) {
		return "rig"
	}
	return name
}

// look fills in setup and gates from the files that build tools leave.
func (s *Suggestion) look() {
	has := func(name string) bool {
		info, err := os.Stat(filepath.Join(s.Root, name))
		if err != nil || !info.Mode().IsRegular() {
			return false
		}
		s.Found = append(s.Found, name)
		return true
	}
	gate := func(name, run string) { s.Gates = append(s.Gates, api.GateSpec{Name: name, Run: run}) }
	if has("go.mod") {
		gate("build", "go build ./...")
		gate("test", "go test ./...")
	}
	if has("Cargo.toml") {
		gate("cargo-test", "cargo test")
	}
	if has("package.json") {
		s.Setup = "npm install"
		if has("package-lock.json") {
			s.Setup = "npm ci"
		}
		for _, script := range npmScripts(filepath.Join(s.Root, "package.json")) {
			gate("npm-"+script, "npm run "+script)
		}
	}
	if has("pyproject.toml") || has("pytest.ini") {
		gate("pytest", "python3 -m pytest")
	}
	if len(s.Gates) == 0 && has("Makefile") {
		for _, target := range makeTargets(filepath.Join(s.Root, "Makefile")) {
			gate("make-"+target, "make "+target)
		}
	}
}

// npmScripts are those of a package.json that are gates.
func npmScripts(path string) []string {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	var pkg struct {
		Scripts map[string]string `json:"scripts"`
	}
	if json.Unmarshal(data, &pkg) != nil {
		return nil
	}
	var out []string
	for _, name := range []string{"lint", "build", "test"} {
		if run := pkg.Scripts[name]; run != "" && !strings.Contains(run, "no test specified") {
			out = append(out, name)
		}
	}
	return out
}

// makeTargets are those of a Makefile that are gates.
func makeTargets(path string) []string {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	var out []string
	for _, name := range []string{"check", "test"} {
		if regexp.MustCompile(`(?m)^` + name + `\s*:([^=]|$)`).Match(data) {
			out = append(out, name)
		}
	}
	return out
}
