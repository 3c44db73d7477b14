package agents

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestArgvOfOtherPrograms(t *testing.T) {
	v := Vars{
		Gastown: "/t/gastown", Role: "You \"are\".\n", Task: "-- do {role}", Session: "s-1",
		Trust: []string{"/t/wt/a", "/t/repo.git"}, Writes: []string{"/t/repo.git/refs"}, Commands: []string{"go vet ./... && go test ./...", "sh -c 'a, b'"},
	}
	all := v
	all.Bypass = true
	codex := func(role string) []string {
		return []string{
			"codex", "--no-daemon", "-c", "check_for_update_on_startup=false", "-c", "allow_login_shell=false",
			"-c", `projects={"/t/wt/a"={trust_level="trusted"},"/t/repo.git"={trust_level="trusted"}}`,
			"-c", `mcp_servers.gastown={command="/t/gastown",args=["mcp"],default_tools_approval_mode="approve",tool_timeout_sec=3600,env_vars=["GASTOWN_TOWN","GASTOWN_SOCKET","GASTOWN_TOKEN","GASTOWN_ROLE"]}`,
			"-c", `developer_instructions="You \"are\".\n` + role + `"`,
		}
	}
	const sandboxed = `Your shell's sandbox keeps the gastown command from reaching the town: call your gastown tools instead.\n`
	edits := func(writes string) []string {
		return []string{"-c", `permissions.gastown={extends=":workspace",filesystem={` + writes + `}}`, "-c", "default_permissions=gastown", "--ask-for-approval", "on-request"}
	}
	const tools = "run_shell_command(gastown),run_shell_command(git add),run_shell_command(git commit),run_shell_command(git status)," +
		"run_shell_command(git diff),run_shell_command(git log),run_shell_command(git show),run_shell_command(go vet ./...),run_shell_command(go test ./...)"
	const brief = "You \"are\".\n\n-- do {role}"
	mayor := v
	mayor.Task, mayor.Writes = "", nil
	for _, c := range []struct {
		name, spec string
		role       Role
		vars       Vars
		bypasses   bool
		want       []string
	}{
		{"codex", "codex", Polecat, v, false, slices.Concat(codex(sandboxed), edits(`"/t/repo.git/refs"="write"`), []string{"--", "-- do {role}"})},
		{"codex, bypass", "codex", Polecat, all, true, append(codex(""), "--dangerously-bypass-approvals-and-sandbox", "--", "-- do {role}")},
		{"codex, Mayor", "codex", Mayor, mayor, false, slices.Concat(codex(sandboxed), edits(""))},
		{"gemini", "gemini", Polecat, v, false, []string{"gemini", "--skip-trust", "--approval-mode", "auto_edit", "--allowed-tools", tools, "--prompt-interactive", brief}},
		{"gemini, bypass", "gemini", Polecat, all, true, []string{"gemini", "--skip-trust", "--approval-mode", "yolo", "--prompt-interactive", brief}},
		{"opencode", "opencode", Polecat, v, false, []string{"opencode", "--prompt", brief}},
		{"opencode, bypass", "opencode", Polecat, all, true, []string{"opencode", "--auto", "--prompt", brief}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, _, err := Resolve(nil, c.spec)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, p.Argv(c.role, c.vars)); diff != "" {
				t.Errorf("arguments (-want +got):\n%s", diff)
			}
			if got := p.Bypasses(c.vars); got != c.bypasses {
				t.Errorf("bypasses: %t", got)
			}
		})
	}
}

func TestBypassByArgumentsOfTheirOwn(t *testing.T) {
	for _, c := range []struct {
		extends string
		args    []string
		want    bool
	}{
		{"claude", []string{"--permission-mode=bypassPermissions"}, true},
		{"claude", []string{"--dangerously-skip-permissions"}, true},
		{"claude", []string{"--permission-mode", "plan"}, false},
		{"codex", []string{"--dangerously-bypass-approvals-and-sandbox"}, true},
		{"opencode", []string{"--auto"}, true},
		{"opencode", nil, false},
	} {
		p, _, err := Resolve(map[string]Custom{"x": {Extends: c.extends, Args: c.args}}, "x")
		if err != nil || p.Bypasses(Vars{}) != c.want {
			t.Errorf("%s %q: %t, %v", c.extends, c.args, !c.want, err)
		}
	}
}

func TestOpencodeIsToldByItsEnvironment(t *testing.T) {
	p, _, err := Resolve(map[string]Custom{"oc": {Extends: "opencode", Env: map[string]string{"A": "b"}}}, "oc")
	if err != nil {
		t.Fatal(err)
	}
	const head = `OPENCODE_CONFIG_CONTENT={"autoupdate":false,"mcp":{"gastown":{"command":["/t/gastown","mcp"],"enabled":true,"type":"local"}}`
	v := Vars{Gastown: "/t/gastown", Commands: []string{`sh -c "x"`}}
	rules := `,"permission":{"bash":{"*":"ask","gastown *":"allow","git *":"allow","sh -c \"x\"":"allow","sh -c \"x\" *":"allow","git push*":"deny"},"edit":"allow"}}`
	if diff := cmp.Diff([]string{"A=b", head + rules}, p.Environ(Polecat, v)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, role := range []Role{Mayor, Polecat} {
		v.Bypass = role == Polecat
		env := p.Environ(role, v)
		if env[1] != head+"}" || !json.Valid([]byte(strings.TrimPrefix(env[1], "OPENCODE_CONFIG_CONTENT="))) {
			t.Errorf("%s: %s", role, env)
		}
	}
}
