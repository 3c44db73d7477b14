package town

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gastown/internal/api"
	"gastown/internal/config"
)

func TestFindAgents(t *testing.T) {
	bin := t.TempDir()
	lib := filepath.Join(bin, "node_modules", "@google", "gemini-cli")
	if err := os.MkdirAll(filepath.Join(lib, "bundle"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		filepath.Join(bin, "claude"):              "#!/bin/sh\necho '2.1.330 (Claude Code)'\n",
		filepath.Join(bin, "codex"):               "#!/bin/sh\necho WARNING >&2\necho codex-cli 0.169.0\n",
		filepath.Join(bin, "mine"):                "#!/bin/sh\ntouch \"$0.ran\"\n",
		filepath.Join(bin, "opencode"):            "#!/bin/sh\nexit 1\n",
		filepath.Join(lib, "bundle", "gemini.js"): "#!/bin/sh\nexit 1\n",
		filepath.Join(lib, "package.json"):        `{"version": "0.61.0"}`,
	} {
		if err := os.WriteFile(name, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(lib, "bundle", "gemini.js"), filepath.Join(bin, "gemini")); err != nil {
		t.Fatal(err)
	}
	found := func(name, program, version string, own bool) api.AgentInfo {
		return api.AgentInfo{Name: name, Program: program, Path: filepath.Join(bin, program), Version: version, Own: own, For: []string{}}
	}
	want := []api.AgentInfo{
		found("claude", "claude", "2.1.330 (Claude Code)", false), found("codex", "codex", "codex-cli 0.169.0", false),
		found("gemini", "gemini", "0.61.0", false), found("opencode", "opencode", "", false),
		found("fast", "claude", "2.1.330 (Claude Code)", false), found("mine", "mine", "", true),
	}
	cfg, err := config.Parse("town.toml", []byte("[agent.mine]\ncommand = [\"mine\"]\n[agent.gone]\ncommand = [\"gone\"]\n[agent.fast]\nextends = \"claude\"\n"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, FindAgents(context.Background(), []string{"PATH=" + bin}, cfg)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := os.Stat(filepath.Join(bin, "mine.ran")); err == nil {
		t.Error("the person's own program was started")
	}
	if got := FindAgents(context.Background(), []string{"PATH=/nowhere"}, nil); len(got) > 0 {
		t.Errorf("found %v", got)
	}
}
