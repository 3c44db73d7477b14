package tui

import (
	"strings"
	"testing"
)

// TestDrawerTabs: each tab names the keys of the others, and the way on; all of them can be clicked.
func TestDrawerTabs(t *testing.T) {
	for _, size := range []Size{{60, 16}, {80, 24}, {99, 40}} {
		p := drive(t, sampleHost(size.Cols, size.Rows), size.Cols, size.Rows)
		p.keys("ctrl+]")
		p.clickOn("2 polecats 5")
		if p.m.focus != paneCats {
			t.Fatalf("%v: pane %d", size, p.m.focus)
		}
		p.wantSeen("t terminal")
		p.clickOn("3 queue 2")
		if p.m.focus != paneRefinery {
			t.Fatalf("%v: pane %d", size, p.m.focus)
		}
		p.wantSeen("r restart")
		p.wantSeen("L log")
		x, y := p.spot("r restart")
		if label := labelAt(p.m.textAt(p.m.layout.beads, y), x-p.m.layout.beads.x, p.m.charset); label != "r restart" {
			t.Errorf("%v: the label is %q", size, label)
		}
		p.clickOn("Tab next pane")
		if p.m.focus != paneBeads {
			t.Fatalf("%v: pane %d", size, p.m.focus)
		}
		p.clickOn("3 queue 2")
		p.clickOn("m mayor")
		if p.m.mode != typing {
			t.Errorf("%v: m mayor does not type", size)
		}
	}
}

// TestDrawerTabsOfAnEmptyTown: a count is no key.
func TestDrawerTabsOfAnEmptyTown(t *testing.T) {
	h := sampleHost(80, 24)
	busyTown(h)
	p := drive(t, h, 80, 24)
	p.keys("ctrl+]")
	p.clickOn("polecats 0")
	if p.m.mode != inTown || p.m.focus != paneCats {
		t.Errorf("mode %d, pane %d", p.m.mode, p.m.focus)
	}
	p.keys("1", "/", "o", "a", "u", "t", "h", "enter")
	p.wantSeen("/oauth")
	p.wantSeen("2 │ 3 ═╗")
}

// TestListOnlySaysThatThereAreOtherPanes.
func TestListOnlySaysThatThereAreOtherPanes(t *testing.T) {
	p := drive(t, sampleHost(59, 15), 59, 15)
	p.keys("ctrl+]")
	for _, want := range []paneID{paneCats, paneRefinery, paneBeads} {
		p.clickOn("Tab pane")
		if p.m.focus != want {
			t.Errorf("pane %d, want %d", p.m.focus, want)
		}
	}
}

// TestDrawerTellsTheSelectedRow: what its columns cut is read below the list, whichever row is selected.
func TestDrawerTellsTheSelectedRow(t *testing.T) {
	h := sampleHost(80, 24)
	v := *h.View()
	title := "A title that is much longer than the twenty cells which a drawer has for it"
	v.Beads[0].Title = title
	v.Status.Polecats[2].Question = "May I run npm install --save-dev @testing-library/react, and write the lock file?"
	h.set(&v)
	p := drive(t, h, 80, 24)
	p.keys("ctrl+]")
	words := func() string {
		var out []string
		for _, row := range strings.Split(p.picture(), "\n") {
			if at := strings.Index(row, "║"); at >= 0 {
				out = append(out, strings.Fields(strings.ReplaceAll(row[at:], "║", " "))...)
			}
		}
		return strings.Join(out, " ")
	}
	if !strings.Contains(words(), title) {
		t.Errorf("the title is not read in full:\n%s", p.picture())
	}
	rows := p.m.lists[paneBeads].page
	p.keys("down")
	p.m.View()
	if p.m.lists[paneBeads].page != rows {
		t.Error("the list changes its height with the row")
	}
	p.keys("2")
	if !strings.Contains(words(), "write the lock file?") {
		t.Errorf("the question is not read in full:\n%s", p.picture())
	}
}
