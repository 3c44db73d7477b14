package tui

import (
	"testing"

	"gastown/beads"
)

// The Mayor talks about a bead and moves the person's cursor to it, once.
func TestShowMovesTheCursor(t *testing.T) {
	p := drive(t, newFakeHost(sampleView()), 120, 40)
	show := func(id beads.ID, gen uint64) {
		v := *p.h.View()
		v.Show, v.ShowGen = id, gen
		p.h.set(&v)
		p.send(changedMsg{})
	}
	keys := p.m.rowKeys(paneBeads)
	third, last := keys[2], keys[len(keys)-1]
	focus := p.m.focus
	show(beads.ID(third), 1)
	if got := p.m.lists[paneBeads].key; got != third {
		t.Errorf("the cursor is on %s, want %s", got, third)
	}
	p.m.lists[paneBeads].goTo(0, keys)
	show(beads.ID(third), 1) // another change of the town, not another wish
	if got := p.m.lists[paneBeads].key; got != keys[0] {
		t.Errorf("the cursor was moved again, to %s", got)
	}
	p.m.filters[paneBeads] = "nothing has this"
	show(beads.ID(last), 2)
	if got := p.m.lists[paneBeads].key; got != last || p.m.filters[paneBeads] != "" {
		t.Errorf("the cursor is on %s behind the filter %q, want %s", got, p.m.filters[paneBeads], last)
	}
	show("gone", 3)
	if got := p.m.lists[paneBeads].key; got != last || p.m.focus != focus {
		t.Errorf("the cursor is on %s, focus %d", got, p.m.focus)
	}
}
