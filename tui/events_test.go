package tui

import (
	"strings"
	"testing"
	"time"

	"gastown/beads"
)

// TestEventsSayOfWhat: an event names its bead, and without one its rig where there are several; nothing twice.
func TestEventsSayOfWhat(t *testing.T) {
	h := sampleHost(200, 60)
	twoRigs(h, 3)
	m := fixedModel(h, 200, 60)
	for _, c := range []struct {
		event     beads.Event
		line, row string
	}{
		{beads.Event{Kind: beads.EvQueueChanged, Actor: "you", Rig: "site", Bead: "si-001", Text: "held"}, "you: si-001 held", "si-001 held"},
		{beads.Event{Kind: beads.EvHung, Actor: "refinery", Rig: "site", Bead: "si-001", Text: `gate "unit": no output for 10s`}, `refinery: si-001 gate "unit": no output for 10s`, `si-001 gate "unit": no output for 10s`},
		{beads.Event{Kind: beads.EvRestarted, Actor: "you", Rig: "site", Text: "merge queue restarted"}, "you: site: merge queue restarted", "site: merge queue restarted"},
		{beads.Event{Kind: beads.EvSubmitted, Actor: "dag", Polecat: "dag", Bead: "si-002", Text: "dag submitted si-002: 1 commit"}, "dag submitted si-002: 1 commit", "submitted si-002: 1 commit"},
		{beads.Event{Kind: beads.EvMail, Actor: "you", Polecat: "dag", Bead: "si-002", Text: "you nudged dag on si-002: go on"}, "you nudged dag on si-002: go on", "nudged dag on si-002: go on"},
		{beads.Event{Kind: beads.EvLost, Actor: "host", Polecat: "dag", Bead: "si-002", Text: "dag could not start on si-002: no such program", Reason: "no such program"}, "dag could not start on si-002: no such program", "could not start on si-002: no such program"},
		{beads.Event{Kind: beads.EvKilled, Actor: "you", Polecat: "dag", Bead: "si-002", Text: "you killed dag on si-002", Reason: "too slow"}, "you killed dag on si-002", "killed dag on si-002 (too slow)"},
		{beads.Event{Kind: beads.EvTownUp, Actor: "host", Text: "the host is up"}, "host: the host is up", "the host is up"},
	} {
		if got := m.eventText(c.event); got != c.line {
			t.Errorf("a line %q, want %q", got, c.line)
		}
		if got := afterName(m.eventDetail(c.event), eventWho(c.event)); got != c.row {
			t.Errorf("a row %q, want %q", got, c.row)
		}
	}
}

// TestLongEventIsReadInFull: the selected one, whatever the width.
func TestLongEventIsReadInFull(t *testing.T) {
	for _, size := range []Size{{80, 24}, {120, 40}} {
		h := sampleHost(size.Cols, size.Rows)
		v := *h.View()
		text := "slit asks: " + strings.Repeat("which of these ports shall it be, ", 4) + "or none?"
		v.Events = append(v.Events, beads.Event{Seq: 99, Kind: beads.EvAsked, Actor: "slit", Polecat: "slit", Bead: "gt-c9d", Text: text, At: noon()})
		h.set(&v)
		p := drive(t, h, size.Cols, size.Rows)
		p.keys("ctrl+]", "e")
		p.wait(time.Second)
		words := strings.Join(strings.Fields(strings.ReplaceAll(p.dialog(), "║", " ")), " ")
		if !strings.Contains(words, "shall it be, or none?") || !strings.Contains(words, "14:03 slit: (gt-c9d) asks:") {
			t.Errorf("%v:\n%s", size, p.dialog())
		}
	}
}
