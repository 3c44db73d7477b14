package tui

import (
	"strings"
	"testing"
)

func TestKeymapIsUnique(t *testing.T) {
	type place struct {
		scope Scope
		key   string
	}
	seen := map[place]Intent{}
	for _, b := range keymap() {
		if b.help == "" {
			t.Errorf("%v has no help", b.keys)
		}
		if len(b.keys) == 0 {
			t.Errorf("intent %d has no key", b.intent)
		}
		for _, k := range b.keys {
			p := place{b.scope, k}
			if was, ok := seen[p]; ok {
				t.Errorf("%s means both %d and %d %s", k, was, b.intent, b.scope)
			}
			seen[p] = b.intent
		}
	}
}

func TestEveryIntentHasAKey(t *testing.T) {
	has := map[Intent]bool{}
	for _, b := range keymap() {
		has[b.intent] = true
	}
	for in := None + 1; in <= lastIntent; in++ {
		if !has[in] {
			t.Errorf("intent %d has no key", in)
		}
	}
}

// TestIssueKeys: the keys that people were promised.
func TestIssueKeys(t *testing.T) {
	for key, want := range map[string]Intent{
		"up": Up, "down": Down, "tab": NextPane, "enter": Open, "a": Assign, "x": Kill, "u": UndoLast, "t": Attach,
		"r": RestartRefinery, "?": Help, "q": QuitDialog, "m": GoTerminal, "0": GoTerminal, "1": GoBeads, "4": GoEvents,
		"d": ShowDiff, "A": AnswerAsk, "w": ShowWhy, "!": ShowProblems, "U": RevertLanded, "P": PauseTown, "L": ShowLog, "R": RestartAgent, "n": NewBead, ":": CommandLine,
	} {
		if got := lookup(keymap(), key, InBeads); got != want {
			t.Errorf("%s means %d, want %d", key, got, want)
		}
	}
}

func TestHintsStartWithTheirKey(t *testing.T) {
	for _, b := range keymap() {
		if b.hint == "" {
			continue
		}
		key := strings.ToLower(strings.Fields(b.hint)[0])
		found := strings.Contains(key, "/")
		for _, k := range b.keys {
			found = found || strings.EqualFold(k, key)
		}
		if !found {
			t.Errorf("the hint %q names no key of %v", b.hint, b.keys)
		}
	}
}
