package town

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"gastown/beads"
	"gastown/internal/config"
)

func TestAnAgentIsNotToldOfTheTerminalOutside(t *testing.T) {
	for name, want := range map[string]bool{
		"TMUX": true, "TERM_PROGRAM": true, "KITTY_WINDOW_ID": true, "CLAUDECODE": true, "ZELLIJ": true, "COLUMNS": true,
		"PATH": false, "LANG": false, "TERM": false, "CLAUDE_CONFIG_DIR": false, "ANTHROPIC_BASE_URL": false, "NO_COLOR": false, "COLORFGBG": false,
	} {
		if outside(name) != want {
			t.Errorf("%s: %t", name, !want)
		}
	}
}

func TestWhatARigLetsAnAgentRunAndRead(t *testing.T) {
	cfg := config.Default()
	cfg.Rigs = map[string]config.Rig{
		"b": {Origin: "/home/me/b", Setup: "npm ci", Gates: []config.Gate{{Run: "npm test"}, {Run: "npm run lint"}}},
		"a": {Origin: "/home/me/b"},
		"u": {Origin: "git@example.com:me/u.git"},
		"n": {},
	}
	if diff := cmp.Diff([]string{"/home/me/b"}, origins(cfg)); diff != "" {
		t.Errorf("origins (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"npm ci", "npm test", "npm run lint"}, commandsOf(cfg.Rigs["b"])); diff != "" {
		t.Errorf("commands (-want +got):\n%s", diff)
	}
}

func TestSessionsOfAnAttempt(t *testing.T) {
	if diff := cmp.Diff([]string{"mine", "before"}, sessions(&beads.Attempt{Session: "mine", Start: &beads.Start{Session: "before"}})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{""}, sessions(&beads.Attempt{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
