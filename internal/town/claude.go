package town

import (
	"context"
	"path/filepath"
	"slices"
	"strings"

	"gastown/agents"
	agentrun "gastown/agents/run"
	"gastown/beads"
	"gastown/internal/config"
	"gastown/internal/git"
	"gastown/internal/proc"
)

// presetEnv is an agent's environment with what its preset adds.
func (h *Host) presetEnv(p agents.Preset, env []string) []string {
	env = h.t.withNamed(env, p.Keys)
	for k, v := range p.Env {
		env = append(env, k+"="+v)
	}
	env = lastWins(env)
	const key = "ANTHROPIC_API_KEY"
	if c, ok := claudeFiles(p, env); ok && !c.UsesKey(getenv(env, key)) {
		env = slices.DeleteFunc(env, func(kv string) bool { return strings.HasPrefix(kv, key+"=") })
	}
	return env
}

// settle answers, in the files of an agent's program, what it would ask before its first prompt:
// that the directories are trusted, which the town made itself.
func (h *Host) settle(ctx context.Context, p agents.Preset, env []string, trust ...string) error {
	c, ok := claudeFiles(p, env)
	if !ok || proc.LookPath(p.Command[0], env) == "" { // where there is no such program its start says so
		return nil
	}
	key := getenv(env, "ANTHROPIC_API_KEY")
	a := agentrun.Answers{Trust: withReal(trust...), Key: key, SignedIn: key != "" || getenv(env, "ANTHROPIC_AUTH_TOKEN") != "" || getenv(env, "CLAUDE_CODE_OAUTH_TOKEN") != ""}
	return c.Settle(ctx, a)
}

// withReal are directories, each with what it is without links where that differs: programs know
// a directory by either.
func withReal(dirs ...string) []string {
	var out []string
	for _, dir := range dirs {
		out = append(out, dir)
		if real, err := filepath.EvalSymlinks(dir); err == nil && real != dir {
			out = append(out, real)
		}
	}
	return out
}

// gitWrites are the directories that a commit in a worktree writes to: not those of the
// repository's hooks and settings.
func gitWrites(repo string, wt *git.Worktree) []string {
	return withReal(filepath.Join(repo, "objects"), filepath.Join(repo, "refs"), filepath.Join(repo, "logs"), wt.GitDir())
}

func claudeFiles(p agents.Preset, env []string) (agentrun.Claude, bool) {
	if p.Files != "claude" {
		return agentrun.Claude{}, false
	}
	return agentrun.ClaudeIn(func(name string) string { return getenv(env, name) })
}

// session chooses what an agent goes on with in dir: the first of the sessions that its program
// can resume, else a new one.
func (h *Host) session(p agents.Preset, env []string, dir string, known ...string) (id string, resume bool) {
	if len(p.Session) == 0 {
		return "", false
	}
	if c, ok := claudeFiles(p, env); ok && len(p.Resume) > 0 {
		for _, id := range known {
			if id != "" && c.HasSession(dir, id) {
				return id, true
			}
		}
	}
	return h.t.deps.Token(), false
}

// sessions are what an attempt may go on with: its own, else that of the attempt before.
func sessions(a *beads.Attempt) []string {
	out := []string{a.Session}
	if a.Start != nil {
		out = append(out, a.Start.Session)
	}
	return out
}

// commandsOf are the shell lines that a rig's settings run.
func commandsOf(rc config.Rig) []string {
	var out []string
	if rc.Setup != "" {
		out = append(out, rc.Setup)
	}
	for _, g := range rc.Gates {
		out = append(out, g.Run)
	}
	return out
}

// origins are the person's own checkouts.
func origins(cfg *config.Config) []string {
	var out []string
	for _, name := range rigNames(cfg) {
		if o := cfg.Rigs[name].Origin; o != "" && git.IsLocal(o) && filepath.IsAbs(o) && !slices.Contains(out, o) {
			out = append(out, o)
		}
	}
	return out
}

// outside reports whether a variable describes the terminal that the host is in, or the agent
// that started it. Neither is what a new agent is in.
func outside(name string) bool {
	if slices.Contains([]string{
		"TMUX", "TMUX_PANE", "STY", "TERM_PROGRAM", "TERM_PROGRAM_VERSION", "TERM_SESSION_ID", "LC_TERMINAL", "LC_TERMINAL_VERSION",
		"VTE_VERSION", "WT_SESSION", "WINDOWID", "COLUMNS", "LINES", "CLAUDECODE", "CLAUDE_CODE_ENTRYPOINT", "CLAUDE_CODE_SSE_PORT",
	}, name) {
		return true
	}
	for _, p := range []string{"KITTY_", "ITERM_", "WEZTERM_", "GHOSTTY_", "ALACRITTY_", "KONSOLE_", "ZELLIJ"} {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	return false
}
