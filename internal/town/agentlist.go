package town

import (
	"context"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"gastown/agents"
	"gastown/beads"
	"gastown/internal/api"
	"gastown/internal/config"
	"gastown/internal/proc"
)

// How long an agent may take to tell its version, and whether it is signed in.
const (
	versionLimit = 2 * time.Second
	loginLimit   = 3 * time.Second
)

// FindAgents looks for the programs of the built-in presets and of those of settings, which may be
// nil, and asks all of them at once for their versions. The built-in agent, which needs no program,
// is not among them.
func FindAgents(ctx context.Context, env []string, cfg *config.Config) []api.AgentInfo {
	if cfg == nil {
		cfg = config.Default()
	}
	var ps []agents.Preset
	for _, name := range presetNames(cfg) {
		if p, _, err := cfg.Preset(name); err == nil && p.Command[0] != "{gastown}" {
			ps = append(ps, p)
		}
	}
	return slices.DeleteFunc(lookAtAgents(ctx, env, "", ps), func(a api.AgentInfo) bool { return a.Path == "" })
}

// lookAtAgents finds the programs of presets. Nothing is started but what tells a version or who is
// signed in; a program of the person's own is not started at all: it may know neither.
func lookAtAgents(ctx context.Context, env []string, exe string, ps []agents.Preset) []api.AgentInfo {
	out := make([]api.AgentInfo, len(ps))
	var all sync.WaitGroup
	for i, p := range ps {
		argv := p.Argv(agents.Polecat, agents.Vars{Gastown: exe})
		a := &out[i]
		a.Name, a.Program, a.Own, a.For = p.Name, argv[0], p.Own, []string{}
		if a.Path = proc.LookPath(argv[0], env); strings.Contains(argv[0], "/") && !filepath.IsAbs(argv[0]) {
			a.Path = argv[0] // each worktree has its own
		}
		if a.Path == "" {
			continue
		}
		if len(p.Check) > 0 {
			all.Go(func() { a.Version = versionOf(ctx, a.Path, p.Check[1:], env) })
		}
		if len(p.Login) > 0 {
			all.Go(func() {
				text, _, _ := printed(ctx, env, loginLimit, a.Path, p.Login[1:]...)
				a.SignedIn = signedIn(text)
			})
		}
	}
	all.Wait()
	return out
}

// presetNames are all agents that can be named, those of settings last.
func presetNames(cfg *config.Config) []string {
	var names []string
	for _, p := range agents.Builtin() {
		names = append(names, p.Name)
	}
	own := slices.Sorted(maps.Keys(cfg.Agents))
	return append(names, slices.DeleteFunc(own, func(n string) bool { return slices.Contains(names, n) })...)
}

func (t *Town) agentsList(ctx context.Context, _ api.Caller, _ api.Empty) ([]api.AgentInfo, error) {
	cfg, err := t.config()
	if err != nil {
		return nil, err
	}
	var ps []agents.Preset
	var bad []api.AgentInfo
	for _, name := range presetNames(cfg) {
		p, _, err := t.preset(name)
		if err != nil {
			bad = append(bad, api.AgentInfo{Name: name, For: []string{}, Wrong: beads.Clean(err.Error(), 300)})
			continue
		}
		ps = append(ps, p)
	}
	out := append(lookAtAgents(ctx, t.deps.Env, t.deps.Exe, ps), bad...)
	for i := range out {
		for _, use := range []struct{ what, spec string }{{"mayor", cfg.Town.Mayor}, {"polecat", cfg.Town.Polecat}} {
			if name, _, _ := strings.Cut(use.spec, ":"); name == out[i].Name {
				out[i].For = append(out[i].For, use.what)
			}
		}
	}
	return out, nil
}

// agentsTest says how an agent would be started, and starts only what tells its version.
func (t *Town) agentsTest(ctx context.Context, _ api.Caller, r api.NameReq) (out api.AgentTested, err error) {
	p, model, err := t.preset(r.Name)
	if err != nil {
		return out, err
	}
	out.AgentInfo = lookAtAgents(ctx, t.deps.Env, t.deps.Exe, []agents.Preset{p})[0]
	v := agents.Vars{Gastown: t.deps.Exe, Model: model, Role: "{role}", Task: "{task}", Session: "{session}"}
	out.Polecat, out.Mayor = p.Argv(agents.Polecat, v), p.Argv(agents.Mayor, v)
	out.Env = slices.Sorted(maps.Keys(p.Env))
	for _, key := range p.Keys {
		if _, ok := t.lookupEnv(key); ok {
			out.Env = append(out.Env, key)
		}
	}
	switch {
	case out.Path == "":
		out.Msg = notInstalled(p.Name, out.Program)
	case out.SignedIn != nil && !*out.SignedIn:
		out.Msg = "nobody is logged in: start " + out.Program + " once by hand"
	case len(p.Check) > 0 && out.Version == "":
		out.Msg = out.Program + " did not say its version within " + versionLimit.String()
	case p.Own:
		out.Works, out.Msg = true, "the program is there; as it is your own it was not started"
	default:
		out.Works, out.Msg = true, "the program is there and answers"
	}
	return out, nil
}

// printed is what a program prints within limit.
func printed(ctx context.Context, env []string, limit time.Duration, path string, args ...string) (text string, code int, err error) {
	var b strings.Builder
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	code, err = proc.Run(ctx, proc.Cmd{Argv: append([]string{path}, args...), Dir: "/", Env: env, Stdout: &b, Grace: time.Millisecond})
	return b.String(), code, err
}

// signedIn is whether an agent says that somebody is signed in; nil: it does not say so that it can
// be read.
func signedIn(text string) *bool {
	var status struct {
		LoggedIn *bool `json:"loggedIn"`
	}
	if json.Unmarshal([]byte(text), &status) != nil {
		return nil
	}
	return status.LoggedIn
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
