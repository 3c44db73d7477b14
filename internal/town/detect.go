package town

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"gastown/agents"
	"gastown/beads"
	"gastown/internal/api"
	"gastown/internal/config"
	"gastown/internal/git"
	"gastown/internal/proc"
)

// Suggestion is what a repository's own files say about how to take it up as a rig.
type Suggestion struct {
	Name   string
	Root   string // of the checkout
	Branch string // that work lands on; empty: none yet
	Setup  string
	Gates  []api.GateSpec
	Found  []string // the files that told
}

// Suggest looks at the repository that holds dir. A directory in no repository is
// git.ErrNoCheckout.
func Suggest(ctx context.Context, env []string, dir string) (Suggestion, error) {
	c, err := git.New(env).OpenCheckout(ctx, dir)
	if err != nil {
		return Suggestion{}, err
	}
	s := Suggestion{Root: c.Top, Name: rigName(c.Top)}
	if s.Branch, err = c.Target(ctx); err != nil {
		return s, err
	}
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

// Agent is a built-in preset whose program is on this machine.
type Agent struct {
	Preset    string
	Path      string
	Version   string // what it says of itself, one line; empty: it did not say in time
	SignedOut bool   // it says that nobody is signed in
}

// How long an agent may take to tell its version, and whether it is signed in.
const (
	versionLimit = 2 * time.Second
	loginLimit   = 3 * time.Second
)

// FindAgents looks for the programs of the built-in presets, and asks all of them at once for
// their versions.
func FindAgents(ctx context.Context, env []string) []Agent {
	var out []Agent
	var asked []agents.Preset
	for _, p := range agents.Builtin() {
		if len(p.Check) == 0 {
			continue
		}
		if path := proc.LookPath(p.Check[0], env); path != "" {
			out, asked = append(out, Agent{Preset: p.Name, Path: path}), append(asked, p)
		}
	}
	var all sync.WaitGroup
	for i, p := range asked {
		all.Go(func() { out[i].Version = versionOf(ctx, out[i].Path, p.Check[1:], env) })
		if len(p.Login) > 0 {
			all.Go(func() {
				text, _, _ := printed(ctx, env, loginLimit, out[i].Path, p.Login[1:]...)
				out[i].SignedOut = signedOut(text)
			})
		}
	}
	all.Wait()
	return out
}

// printed is what a program prints within limit.
func printed(ctx context.Context, env []string, limit time.Duration, path string, args ...string) (text string, code int, err error) {
	var b strings.Builder
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	code, err = proc.Run(ctx, proc.Cmd{Argv: append([]string{path}, args...), Dir: "/", Env: env, Stdout: &b, Grace: time.Millisecond})
	return b.String(), code, err
}

// signedOut reports whether an agent says that nobody is signed in; whatever cannot be read says
// nothing.
func signedOut(text string) bool {
	var status struct {
		LoggedIn *bool `json:"loggedIn"`
	}
	return json.Unmarshal([]byte(text), &status) == nil && status.LoggedIn != nil && !*status.LoggedIn
}

// versionOf is the version of an agent's program: what the npm package that it is in says, or what
// it says itself. Those that are scripts take seconds to start.
func versionOf(ctx context.Context, path string, args, env []string) string {
	if v := packageVersion(path); v != "" {
		return v
	}
	text, code, err := printed(ctx, env, versionLimit, path, args...)
	if err != nil || code != 0 {
		return ""
	}
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return beads.Clean(line, 60)
}

// packageVersion is the version of the npm package that a program belongs to; empty: to none.
func packageVersion(path string) string {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return ""
	}
	for dir := filepath.Dir(real); strings.Contains(dir, "/node_modules/"); dir = filepath.Dir(dir) {
		data, err := os.ReadFile(filepath.Join(dir, "package.json"))
		if err != nil {
			continue
		}
		var pkg struct {
			Version string `json:"version"`
		}
		if json.Unmarshal(data, &pkg) == nil && pkg.Version != "" {
			return beads.Clean(pkg.Version, 60)
		}
	}
	return ""
}
