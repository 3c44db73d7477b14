package town

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
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
	want := []Agent{
		{"claude", filepath.Join(bin, "claude"), "2.1.330 (Claude Code)", false},
		{"codex", filepath.Join(bin, "codex"), "codex-cli 0.169.0", false},
		{"gemini", filepath.Join(bin, "gemini"), "0.61.0", false},
		{"opencode", filepath.Join(bin, "opencode"), "", false},
	}
	if diff := cmp.Diff(want, FindAgents(context.Background(), []string{"PATH=" + bin})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := FindAgents(context.Background(), []string{"PATH=/nowhere"}); len(got) > 0 {
		t.Errorf("found %v", got)
	}
}
