package agents

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
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
	// Edits are a polecat's arguments when it asks for what it may not do by itself, Bypass when it
	// asks nothing; empty: the program knows no such choice.
	Edits, Bypass []string
	Model         []string // arguments that choose {model}; left out without one
	Resume        []string // replace SessionArgs when a session is resumed
	Session       []string // arguments that name a new session {session}
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
	// Silence is how long a polecat may show no sign of life before the person is told; 0: not known,
	// see SilenceLimit.
	Silence time.Duration
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
	// Trust are directories of the town's own that the agent's program is not to ask about, and
	// Writes those outside its working directory that it needs to write, such as git's; absolute.
	Trust, Writes []string
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
				Mayor:   append(claudeFlags(), "--permission-mode", "default"), // whatever is not allowed is asked
				Polecat: claudeFlags(),
			},
			Edits:   []string{"--permission-mode", "acceptEdits"},
			Bypass:  []string{"--permission-mode", "bypassPermissions"},
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
			Check:   []string{"claude", "--version"},
			Silence: DrawsSilence,
			Login:   []string{"claude", "auth", "status"},
		},
		{
			// Codex in its own terminal; see codex.go.
			Name:    "codex",
			Command: []string{"codex"},
			Roles: map[Role][]string{
				Mayor:   append(codexFlags(), codexSandboxed()...),
				Polecat: codexFlags(),
			},
			Edits:  codexSandboxed(),
			Bypass: []string{"--dangerously-bypass-approvals-and-sandbox"},
			Model:  []string{"--model", "{model}"},
			Task:   []string{"--", "{task}"},
			Keys:   []string{"OPENAI_API_KEY", "CODEX_API_KEY"},
			Check:  []string{"codex", "--version"}, Silence: DrawsSilence,
		},
		{
			// Gemini CLI; it takes no role and no tool server by flags, so the role goes before the
			// task and the verbs are the command line. See gemini.go.
			Name:    "gemini",
			Command: []string{"gemini", "--skip-trust"},
			Roles:   map[Role][]string{Mayor: {"--prompt-interactive", "{role}"}},
			Edits:   geminiEdits(),
			Bypass:  []string{"--approval-mode", "yolo"},
			Model:   []string{"--model", "{model}"},
			Task:    []string{"--prompt-interactive", "{brief}"},
			Keys:    []string{"GEMINI_API_KEY", "GOOGLE_API_KEY"},
			Check:   []string{"gemini", "--version"}, Silence: DrawsSilence,
		},
		{
			// opencode; the role goes before the task. See gemini.go.
			Name:    "opencode",
			Command: []string{"opencode"},
			Roles:   map[Role][]string{Mayor: {"--prompt", "{role}"}},
			Bypass:  []string{"--auto"},
			Model:   []string{"--model", "{model}"},
			Task:    []string{"--prompt", "{brief}"},
			Env:     map[string]string{"OPENCODE_CONFIG_CONTENT": "{opencode-config}"},
			Keys:    []string{"ANTHROPIC_API_KEY", "OPENAI_API_KEY", "GEMINI_API_KEY", "OPENROUTER_API_KEY"},
			Check:   []string{"opencode", "--version"}, Silence: DrawsSilence,
		},
	}
}

// Custom is a preset as settings write it: a change to a built-in one, or a command.
type Custom struct {
	Extends string
	Command []string
	Args    []string
	Env     map[string]string
	Silence time.Duration
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
			return Preset{Name: name, Command: c.Command, Args: c.Args, Env: c.Env, Silence: c.Silence, Own: true}, nil
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
		p.Silence = cmp.Or(c.Silence, p.Silence)
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
	if p.Own || len(p.Bypass) == 0 {
		return false
	}
	return v.Bypass || hasArgs(p.Args, p.Bypass) || p.Files == "claude" && slices.Contains(p.Args, "--dangerously-skip-permissions")
}

// hasArgs reports whether args have a flag, with its value if it takes one, in either form.
func hasArgs(args, flag []string) bool {
	joined := strings.Join(flag, "=")
	for i := range args {
		if args[i] == joined || i+len(flag) <= len(args) && slices.Equal(args[i:i+len(flag)], flag) {
			return true
		}
	}
	return false
}

// Argv is the whole command line for a role. A preset of the person's own is started as it
// was written.
func (p Preset) Argv(role Role, v Vars) []string {
	argv := slices.Clone(p.Command)
	argv = append(argv, p.Roles[role]...)
	if role == Polecat {
		if v.Bypass && len(p.Bypass) > 0 {
			argv = append(argv, p.Bypass...)
		} else {
			argv = append(argv, p.Edits...)
		}
	}
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
	fill := p.fill(role, v)
	for i, a := range argv {
		if val, ok := fill[a]; ok { // whole arguments only: text of a task is never expanded again
			argv[i] = val
		}
	}
	return argv
}

// Environ is what it adds to its environment, as NAME=VALUE, sorted.
func (p Preset) Environ(role Role, v Vars) []string {
	fill, out := p.fill(role, v), make([]string, 0, len(p.Env))
	for _, name := range slices.Sorted(maps.Keys(p.Env)) {
		val := p.Env[name]
		if filled, ok := fill[val]; ok && !p.Own {
			val = filled
		}
		out = append(out, name+"="+val)
	}
	return out
}

// fill are the values of the variables in a preset's arguments.
func (p Preset) fill(role Role, v Vars) map[string]string {
	out := codexFill(role, v)
	maps.Copy(out, map[string]string{
		"{gastown}": v.Gastown, "{model}": v.Model, "{session}": v.Session,
		"{role}": v.Role, "{task}": v.Task, "{brief}": v.Role + "\n" + v.Task, "{gemini-tools}": geminiTools(v), "{opencode-config}": opencodeConfig(role, v), "{mcp}": claudeMCP(v.Gastown), "{settings}": claudeSettings(role, v, p.Bypasses(v)),
	})
	return out
}
