package agents

import (
	"slices"
	"strings"
	"testing"
)

func TestResolve(t *testing.T) {
	custom := map[string]Custom{
		"mine":   {Command: []string{"my-agent", "--auto"}, Args: []string{"-v"}},
		"fast":   {Extends: "claude", Args: []string{"--model", "sonnet"}},
		"faster": {Extends: "fast", Args: []string{"--quick"}, Env: map[string]string{"A": "1"}},
		"claude": {Extends: "claude", Command: []string{"/opt/claude"}},
		"round":  {Extends: "trip"},
		"trip":   {Extends: "round"},
		"lost":   {Extends: "nowhere"},
	}
	for spec, want := range map[string]string{
		"scripted":     "{gastown} __agent",
		"mine":         "my-agent --auto -v",
		"claude":       "/opt/claude ",
		"claude:opus":  "/opt/claude ",
		"fast":         "/opt/claude ", // it extends what "claude" is here
		"faster":       "/opt/claude ",
		"faster:opus4": "/opt/claude ",
	} {
		p, model, err := Resolve(custom, spec)
		if err != nil {
			t.Errorf("%s: %v", spec, err)
			continue
		}
		name, wantModel, _ := strings.Cut(spec, ":")
		argv := strings.Join(append(slices.Clone(p.Command), append(slices.Clone(p.Roles[Polecat]), p.Args...)...), " ")
		if p.Name != name || model != wantModel || !strings.HasPrefix(argv, want) {
			t.Errorf("%s: %q, model %q: %s", spec, p.Name, model, argv)
		}
	}
	if p, _, err := Resolve(custom, "faster"); err != nil || !slices.Equal(p.Args, []string{"--model", "sonnet", "--quick"}) || p.Env["A"] != "1" {
		t.Errorf("faster: %+v, %v", p, err)
	}
	for spec, want := range map[string]string{
		"gemini":       "built in: scripted, claude",
		"":             "no agent preset",
		"round":        "extends itself",
		"lost":         `no agent preset "nowhere"`,
		"scripted:gpt": "takes no model",
		"mine:gpt":     "takes no model",
	} {
		if _, _, err := Resolve(custom, spec); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", spec, err, want)
		}
	}
	if len(Builtin()[1].Args) != 0 {
		t.Error("the built-in table was changed")
	}
}

func TestArgv(t *testing.T) {
	p := Preset{
		Command: []string{"agent"}, Args: []string{"--mine"},
		Roles: map[Role][]string{Mayor: {"--chat", "{role}"}, Polecat: {"--role", "{role}"}},
		Model: []string{"-m", "{model}"}, Session: []string{"--new", "{session}"}, Resume: []string{"--again", "{session}"},
		Task: []string{"--", "{task}"},
	}
	v := Vars{Gastown: "/run/gastown", Model: "opus", Session: "s-1", Role: "you are {task}", Task: "{role}"}
	resumed, plain := v, Vars{Role: "r"}
	resumed.Resume = true
	own := Preset{Command: []string{"my", "{task}"}, Args: []string{"{role}"}, Own: true}
	for what, c := range map[string]struct {
		got  []string
		want string
	}{
		"polecat": {p.Argv(Polecat, v), "agent|--role|you are {task}|-m|opus|--new|s-1|--mine|--|{role}"},
		"resumed": {p.Argv(Polecat, resumed), "agent|--role|you are {task}|-m|opus|--again|s-1|--mine|--|{role}"},
		"mayor":   {p.Argv(Mayor, plain), "agent|--chat|r|--mine"},
		"own":     {own.Argv(Polecat, v), "my|{task}|{role}"},
	} {
		if got := strings.Join(c.got, "|"); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", what, got, c.want)
		}
	}
	if p.Roles[Polecat][1] != "{role}" || p.Task[1] != "{task}" {
		t.Error("Argv changed the preset")
	}
	for _, b := range Builtin() {
		if got := b.Argv(Polecat, v); len(got) == 0 || strings.Contains(got[0], "{") {
			t.Errorf("%s: %q", b.Name, got)
		}
	}
}
