package tui

import (
	"strings"
	"testing"

	"gastown/beads"
)

// That agents ask nothing is said in words, at every size and in every mode.
func TestBypassIsShownAtEverySize(t *testing.T) {
	for _, size := range [][2]int{{200, 60}, {120, 40}, {80, 24}, {59, 15}, {40, 10}} {
		for _, bypass := range []bool{true, false} {
			h := sampleHost(size[0], size[1])
			h.view.Status.Rigs[0].Bypass = bypass
			p := drive(t, h, size[0], size[1])
			for _, key := range []string{"", "ctrl+]", "z"} {
				if key != "" {
					p.keys(key)
				}
				if strings.Contains(p.screen(), "BYPASS") != bypass {
					t.Errorf("%v after %q, bypass %t:\n%s", size, key, bypass, p.screen())
				}
			}
		}
	}
}

// A question in a terminal has no answer here; the key says where it has one.
func TestAQuestionInATerminalIsAnsweredThere(t *testing.T) {
	for _, key := range []string{"A", "tab A"} {
		h := sampleHost(120, 40)
		for i := range h.view.Status.Polecats {
			if c := &h.view.Status.Polecats[i]; c.State == beads.Asking {
				c.AtTerminal = beads.AtDialog
			}
		}
		p := drive(t, h, 120, 40)
		p.keys("ctrl+]")
		p.keys(strings.Fields(key)...)
		p.wantToast("slit asks in its terminal: t opens it")
		if len(p.m.stack) > 0 {
			t.Errorf("%s opened a dialog", key)
		}
	}
}
