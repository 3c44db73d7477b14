package agents

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	mcpConfig = `{"mcpServers":{"gastown":{"command":"/t/run/bin/gastown","args":["mcp"]}}}`
	call      = `[{"hooks":[{"type":"command","command":"'/t/run/bin/gastown' report --hook claude","timeout":10}]}]`
	goesOn    = `{"autoContinueAtUsageLimit":true,"hooks":{`
	mayorSet  = goesOn + `"StopFailure":` + call + `},"permissions":{"allow":["mcp__gastown","Bash(gastown:*)","Read(//home/me/app/**)"],"deny":[]}}`
	catSet    = goesOn + `"PermissionRequest":` + call + `,"PostToolUse":` + call + `,"PostToolUseFailure":` + call + `,"Stop":` + call + `,"StopFailure":` + call + `,"UserPromptSubmit":` + call +
		`},"permissions":{"allow":["mcp__gastown","Bash(gastown:*)","Bash(git:*)","Bash(npm ci:*)","Bash(go vet ./...:*)","Bash(go test ./...:*)"],"deny":["Bash(git push:*)"]}}`
)

func TestArgv(t *testing.T) {
	common := func(settings, mode string) []string {
		return []string{"--append-system-prompt", "You are.", "--mcp-config", mcpConfig, "--strict-mcp-config", "--settings", settings, "--permission-mode", mode}
	}
	mayor := Vars{Gastown: "/t/run/bin/gastown", Role: "You are.", Session: "s-1", Dirs: []string{"/home/me/app"}}
	cat := Vars{
		Gastown: "/t/run/bin/gastown", Role: "You are.", Session: "s-1", Task: "-p {session}",
		Commands: []string{"npm ci", "go vet ./... && go test ./...", "go test ./..."},
	}
	resumed, opus := cat, cat
	resumed.Resume, opus.Model = true, "opus"
	said := cat
	said.Bypass = true
	bypass := strings.TrimSuffix(catSet, "}") + `,"skipDangerousModePermissionPrompt":true}`
	custom := map[string]Custom{
		"fast": {Extends: "claude", Args: []string{"--model", "haiku"}},
		"free": {Extends: "claude", Args: []string{"--permission-mode", "bypassPermissions"}},
		"here": {Extends: "fast", Command: []string{"/opt/claude"}},
		"mine": {Command: []string{"my-agent", "{task}"}, Args: []string{"--auto"}},
	}
	for _, c := range []struct {
		name, spec string
		role       Role
		vars       Vars
		want       []string
	}{
		{"mayor", "claude", Mayor, mayor, slices.Concat([]string{"claude"}, common(mayorSet, "default"), []string{"--session-id", "s-1"})},
		{"polecat", "claude", Polecat, cat, slices.Concat([]string{"claude"}, common(catSet, "acceptEdits"), []string{"--session-id", "s-1", "--", "-p {session}"})},
		{"resumed", "claude", Polecat, resumed, slices.Concat([]string{"claude"}, common(catSet, "acceptEdits"), []string{"--resume", "s-1", "--", "-p {session}"})},
		{"model", "claude:opus", Polecat, opus, slices.Concat([]string{"claude"}, common(catSet, "acceptEdits"), []string{"--model", "opus", "--session-id", "s-1", "--", "-p {session}"})},
		{"own arguments", "fast", Polecat, cat, slices.Concat([]string{"claude"}, common(catSet, "acceptEdits"), []string{"--session-id", "s-1", "--model", "haiku", "--", "-p {session}"})},
		{"own program", "here", Polecat, cat, slices.Concat([]string{"/opt/claude"}, common(catSet, "acceptEdits"), []string{"--session-id", "s-1", "--model", "haiku", "--", "-p {session}"})},
		{"full bypass", "free", Polecat, cat, slices.Concat([]string{"claude"}, common(bypass, "acceptEdits"), []string{"--session-id", "s-1", "--permission-mode", "bypassPermissions", "--", "-p {session}"})},
		{"bypass of the rig", "claude", Polecat, said, slices.Concat([]string{"claude"}, common(bypass, "bypassPermissions"), []string{"--session-id", "s-1", "--", "-p {session}"})},
		{"scripted", "scripted", Polecat, said, []string{"/t/run/bin/gastown", "__agent", "polecat"}},
		{"one's own", "mine", Polecat, cat, []string{"my-agent", "{task}", "--auto"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, model, err := Resolve(custom, c.spec)
			if err != nil {
				t.Fatal(err)
			}
			if model != c.vars.Model {
				t.Errorf("model %q, want %q", model, c.vars.Model)
			}
			if diff := cmp.Diff(c.want, p.Argv(c.role, c.vars)); diff != "" {
				t.Errorf("arguments (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPresetsThatExtendClaudeKeepItsKeysAndFiles(t *testing.T) {
	p, _, err := Resolve(map[string]Custom{"fast": {Extends: "claude", Command: []string{"/opt/claude"}}}, "fast")
	if err != nil {
		t.Fatal(err)
	}
	if p.Files != "claude" || !slices.Contains(p.Keys, "ANTHROPIC_API_KEY") || p.Env["ENABLE_TOOL_SEARCH"] != "false" {
		t.Errorf("got %+v", p)
	}
	mine, _, err := Resolve(map[string]Custom{"mine": {Command: []string{"x"}}}, "mine")
	if err != nil || mine.Files != "" || len(mine.Keys) > 0 {
		t.Errorf("a program of one's own: %+v, %v", mine, err)
	}
}

func TestWhatAShellLineAllows(t *testing.T) {
	for line, want := range map[string][]string{
		"make test":                       {"make test"},
		" go vet ./...; go test ./... \n": {"go vet ./...", "go test ./..."},
		"a && b || c | d & e":             {"a", "b", "c", "d", "e"},
		`sh -c "a && b"`:                  {`sh -c "a && b"`},
		"test -z $(gofmt -l .) && go vet": {"test -z $(gofmt -l .) && go vet"},
		"":                                nil,
	} {
		if diff := cmp.Diff(want, parts(line)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", line, diff)
		}
	}
	// Whatever is in a path, the flags stay JSON.
	for _, text := range []string{claudeMCP(`/a "b"/<c>&/é` + "\n"), claudeSettings(Mayor, Vars{Gastown: "/it's", Dirs: []string{`/a"\`}}, false)} {
		if !json.Valid([]byte(text)) || strings.Contains(text, "\n") {
			t.Errorf("not one line of JSON: %s", text)
		}
	}
}
