package agents

import (
	"fmt"
	"slices"
	"strings"
)

// Role is what an agent is in the town.
type Role string

// The roles.
const (
	Mayor   Role = "mayor"
	Polecat Role = "polecat"
)

// Preset says how one agent program is driven: data, not code. Arguments may hold the
// variables of Vars in braces.
type Preset struct {
	Name    string
	Command []string // program and arguments common to all roles
	Args    []string // of the person's own, after the role's
	Roles   map[Role][]string
	Model   []string // arguments that choose {model}; left out without one
	Resume  []string // replace SessionArgs when a session is resumed
	Session []string // arguments that name a new session {session}
	// Task hands {task} over as the last arguments; empty for an agent that asks `gastown prime`.
	Task []string
	Env  map[string]string
	// Keys are the variables it needs to reach its model though they look like secrets, which no
	// agent is given otherwise.
	Keys []string
	// Files names the program whose own files are settled before each start, so that it asks
	// nothing: "claude", or empty.
	Files string
	// Check is how its version is asked for, within two seconds.
	Check []string
	// Login is how it is asked whether it is signed in: it prints JSON with "loggedIn" and uses no
	// model; empty for a program that cannot say.
	Login []string
	// Own marks a command of the person's own, which is told nothing but its environment.
	Own bool
}

// Vars fill a preset's arguments.
type Vars struct {
	Gastown string // path of this program
	Model   string
	Session string
	Role    string // the role text
	Task    string
	Resume  bool
	// Commands are shell lines that the rig's settings run and an agent may run too.
	Commands []string
	// Bypass has the agent do everything without asking, where its preset can be told so.
	Bypass bool
	// Dirs are the person's own directories that an agent may read, absolute.
	Dirs []string
}

// Builtin is the table of presets that need no settings.
func Builtin() []Preset {
	return []Preset{
		{
			// The built-in agent: no model, only scripts.
			Name:    "scripted",
			Command: []string{"{gastown}", "__agent"},
			Roles:   map[Role][]string{Mayor: {"mayor"}, Polecat: {"polecat"}},
		},
		{
			// Claude Code in its own terminal: the role text rides on the system prompt, the task is
			// the first prompt, the town's verbs are tools; see claude.go.
			Name:    "claude",
			Command: []string{"claude"},
			Roles: map[Role][]string{
				Mayor:   claudeFlags("default"), // whatever is not allowed is asked
				Polecat: claudeFlags("{mode}"),
			},
			Model:   []string{"--model", "{model}"},
			Session: []string{"--session-id", "{session}"},
			Resume:  []string{"--resume", "{session}"},
			Task:    []string{"--", "{task}"},
			// Else it searches for the town's tools before each first use.
			Env:   map[string]string{"ENABLE_TOOL_SEARCH": "false"},
			Files: "claude",
			Keys: []string{
				"ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN",
				"CLAUDE_CODE_MAX_OUTPUT_TOKENS", "MAX_MCP_OUTPUT_TOKENS", "MAX_THINKING_TOKENS",
			},
			Check: []string{"claude", "--version"},
			Login: []string{"claude", "auth", "status"},
		},
	}
}

// Custom is a preset as settings write it: a change to a built-in one, or a command.
type Custom struct {
	Extends string
	Command []string
	Args    []string
	Env     map[string]string
}

// Resolve finds a preset by PRESET[:MODEL] among the built-in ones and those of settings.
// The error names what is known.
func Resolve(custom map[string]Custom, spec string) (Preset, string, error) {
	name, model, _ := strings.Cut(spec, ":")
	p, err := find(custom, name, nil)
	if err != nil {
		return Preset{}, "", err
	}
	if model != "" && len(p.Model) == 0 {
		return Preset{}, "", fmt.Errorf("agent %q takes no model, but %q asks for one", name, spec)
	}
	return p, model, nil
}

func find(custom map[string]Custom, name string, seen []string) (Preset, error) {
	if slices.Contains(seen, name) {
		return Preset{}, fmt.Errorf("agent %q extends itself", name)
	}
	if c, ok := custom[name]; ok {
		if c.Extends == "" {
			return Preset{Name: name, Command: c.Command, Args: c.Args, Env: c.Env, Own: true}, nil
		}
		var p Preset
		var err error
		if c.Extends == name { // a change to the built-in of the same name
			p, err = builtin(name)
		} else {
			p, err = find(custom, c.Extends, append(seen, name))
		}
		if err != nil {
			return Preset{}, err
		}
		p.Name = name
		if len(c.Command) > 0 {
			p.Command = c.Command
		}
		p.Args = append(slices.Clone(p.Args), c.Args...)
		p.Env = mergeEnv(p.Env, c.Env)
		return p, nil
	}
	return builtin(name)
}

func builtin(name string) (Preset, error) {
	known := Builtin()
	for _, p := range known {
		if p.Name == name {
			return p, nil
		}
	}
	names := make([]string, len(known))
	for i, p := range known {
		names[i] = p.Name
	}
	return Preset{}, fmt.Errorf("no agent preset %q; built in: %s; others go under [agent.NAME] in town.toml", name, strings.Join(names, ", "))
}

func mergeEnv(a, b map[string]string) map[string]string {
	out := make(map[string]string, len(a)+len(b))
	for k, v := range a {
		out[k] = v
	}
	for k, v := range b {
		out[k] = v
	}
	return out
}

// Bypasses reports whether a polecat's agent, started so, does everything without asking. Of a
// program of the person's own nothing is known.
func (p Preset) Bypasses(v Vars) bool {
	return p.Files == "claude" && (v.Bypass || slices.Contains(p.Args, "--dangerously-skip-permissions") || hasPair(p.Args, "--permission-mode", bypassMode))
}

// Argv is the whole command line for a role. A preset of the person's own is started as it
// was written.
func (p Preset) Argv(role Role, v Vars) []string {
	argv := slices.Clone(p.Command)
	argv = append(argv, p.Roles[role]...)
	if v.Model != "" {
		argv = append(argv, p.Model...)
	}
	if v.Session != "" {
		if v.Resume && len(p.Resume) > 0 {
			argv = append(argv, p.Resume...)
		} else {
			argv = append(argv, p.Session...)
		}
	}
	argv = append(argv, p.Args...)
	if role == Polecat && v.Task != "" {
		argv = append(argv, p.Task...)
	}
	if p.Own {
		return argv
	}
	fill := map[string]string{
		"{gastown}": v.Gastown, "{model}": v.Model, "{session}": v.Session,
		"{role}": v.Role, "{task}": v.Task, "{mcp}": claudeMCP(v.Gastown), "{settings}": claudeSettings(role, v, p.Bypasses(v)), "{mode}": claudeMode(v),
	}
	for i, a := range argv {
		if val, ok := fill[a]; ok { // whole arguments only: text of a task is never expanded again
			argv[i] = val
		}
	}
	return argv
}
