package tui

import (
	"strings"
	"testing"
	"time"

	"gastown/beads"
	"gastown/internal/api"
)

func TestCriticalPathAndTimeLeft(t *testing.T) {
	h := sampleHost(120, 40)
	p := drive(t, h, 120, 40)
	c := &api.Convoy{Convoy: beads.Convoy{Name: "c", State: beads.ConvoyLaunched, Beads: []beads.ID{"gt-9c1", "gt-9c0", "gt-9bf", "gt-b2c", "gt-a1f", "gt-f21", "gt-f22", "gt-gone"}}}
	if got := p.m.aheadText(c); got != "critical path gt-b2c > gt-f21" {
		t.Errorf("without numbers: %q", got)
	}
	v := sampleView()
	for i := range v.Beads {
		b := &v.Beads[i]
		switch b.ID {
		case "gt-f22": // a longer chain, and a circle
			b.BlockedBy = []beads.ID{"gt-f21"}
		case "gt-b2c":
			b.BlockedBy = []beads.ID{"gt-f22"}
		case "gt-9c1", "gt-9c0", "gt-9bf":
			b.Attempts = []*beads.Attempt{{Bead: b.ID, N: 1, CreatedAt: b.ClosedAt.Add(-10 * time.Minute), State: beads.Landed}}
		}
	}
	v.Status.Cap = 2
	h.set(v)
	p.send(changedMsg{})
	got := p.m.aheadText(c)
	if !strings.Contains(got, "gt-f21") || strings.Count(got, ">") != 2 || !strings.Contains(got, "about 30m to go") {
		t.Errorf("ahead: %q", got)
	}
	v = sampleView()
	v.Status.Cap = 0
	h.set(v)
	p.send(changedMsg{})
	if got := p.m.aheadText(&api.Convoy{Convoy: beads.Convoy{Beads: []beads.ID{"gt-e12", "gt-9c1"}}}); got != "" {
		t.Errorf("of one bead: %q", got)
	}
}
