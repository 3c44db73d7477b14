package tui

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"gastown/beads"
	"gastown/internal/api"
	"gastown/refinery"
)

func TestLend(t *testing.T) {
	for _, c := range []struct{ share, need, want [3]int }{
		{[3]int{17, 9, 11}, [3]int{10, 5, 5}, [3]int{17, 9, 11}},    // enough for all: as drawn
		{[3]int{17, 9, 11}, [3]int{100, 5, 6}, [3]int{26, 5, 6}},    // beads get what the others do not need
		{[3]int{17, 9, 11}, [3]int{20, 5, 11}, [3]int{20, 6, 11}},   // and no more than they need
		{[3]int{17, 9, 11}, [3]int{10, 13, 14}, [3]int{10, 13, 14}}, // the other way round
		{[3]int{17, 9, 11}, [3]int{100, 12, 6}, [3]int{20, 11, 6}},  // two share what one lends
		{[3]int{17, 9, 11}, [3]int{100, 100, 100}, [3]int{17, 9, 11}},
	} {
		if got := lend(c.share, c.need); got != c.want {
			t.Errorf("lend(%v, %v) = %v, want %v", c.share, c.need, got, c.want)
		}
	}
}

// busyTown is two rigs with more beads than rows; nothing was worked on yet.
func busyTown(h *fakeHost) {
	twoRigs(h, 83)
	v := *h.View()
	v.Status.Polecats, v.Status.Problems = nil, nil
	v.Refineries = append([]api.RefineryInfo{}, v.Refineries...)
	v.Refineries[0].Queue, v.Refineries[0].Run, v.Refineries[0].Tail, v.Refineries[0].RefineryState = nil, nil, nil, api.RefineryState{State: refinery.Idle}
	v.Beads = append([]api.Bead{}, v.Beads...)
	for i := range v.Beads {
		if b := &v.Beads[i]; b.Status != beads.Closed {
			b.Status, b.Attempts = beads.Open, nil
		}
	}
	h.set(&v)
}

// TestEmptyPanesLendTheirRows to a board with more beads than rows, and get them back when they need them.
func TestEmptyPanesLendTheirRows(t *testing.T) {
	for _, size := range []Size{{120, 40}, {200, 60}} {
		h := sampleHost(size.Cols, size.Rows)
		busyTown(h)
		p := drive(t, h, size.Cols, size.Rows)
		least := shares(p.m.layout.stack.h)[0]
		if got := p.m.layout.beads.h; got < least+5 {
			t.Errorf("%v: the board has %d rows of %d, its share is %d:\n%s", size, got, p.m.layout.stack.h, least, p.screen())
		}
		full := sampleHost(size.Cols, size.Rows)
		twoRigs(full, 83)
		h.set(full.View())
		p.send(changedMsg{})
		for _, want := range []string{"slit", "rust", "toast", "nux", "dag", "idle 1"} {
			if !strings.Contains(p.screen(), want) {
				t.Errorf("%v: no room for polecat %s:\n%s", size, want, p.screen())
			}
		}
	}
}

// TestPanesStayWhileAgentsComeAndGo: what grew gives its rows back after a while, not at once.
func TestPanesStayWhileAgentsComeAndGo(t *testing.T) {
	h := sampleHost(120, 40)
	twoRigs(h, 83)
	p := drive(t, h, 120, 40)
	quiet := sampleHost(120, 40)
	busyTown(quiet)
	more := sampleHost(120, 40)
	twoRigs(more, 83)
	more.view.Status.Polecats = append(more.view.Status.Polecats, catSpec{"ada", "claude", "gt-e12", "", beads.Running, time.Minute, time.Second, 1, 0, 0, 0}.info())
	h.set(more.View())
	p.send(changedMsg{})
	before := p.m.layout.cats
	h.set(quiet.View())
	p.send(changedMsg{})
	if p.m.layout.cats != before {
		t.Errorf("polecats that left moved the panes at once: %v, before %v", p.m.layout.cats, before)
	}
	p.wait(time.Minute)
	if got := p.m.layout.cats.h; got >= before.h {
		t.Errorf("a minute later the pane still has %d rows", got)
	}
}

// TestColumnsByNeed: at every width a title can be read, and the age and the way to restart are there.
func TestColumnsByNeed(t *testing.T) {
	for _, town := range []string{"one rig", "two rigs", "nothing begun"} {
		h := sampleHost(100, 45)
		defer h.close()
		switch town {
		case "two rigs":
			twoRigs(h, 83)
		case "nothing begun":
			busyTown(h)
		}
		for cols := 100; cols <= 240; cols++ {
			m := fixedModel(h, cols, 45)
			m.mode = inTown
			rows := m.screenRows()
			text := plainRow(strings.Join(rows, "\n"))
			want := []string{"AGE", "r restart", "Rate-limit mid"}
			if cols >= wideCols {
				want = append(want, "Add OAuth callback route")
			}
			if town != "nothing begun" {
				want = append(want, " WAIT│")
			}
			for _, w := range want {
				if !strings.Contains(text, w) {
					t.Fatalf("%s, %d columns: no %q:\n%s", town, cols, w, text)
				}
			}
			for _, head := range []string{"COST", "TOK", "CLI", "WAITS FOR"} {
				board := plainRow(rows[2])
				if town == "nothing begun" && head != "WAITS FOR" && strings.Contains(board, head) {
					t.Fatalf("%d columns: a column %s with nothing in it: %s", cols, head, board)
				}
			}
		}
	}
}

// TestBusyPolecatsAreRead: what a polecat asks is seen for more than a word, at every width.
func TestBusyPolecatsAreRead(t *testing.T) {
	h := sampleHost(100, 45)
	defer h.close()
	for cols := 100; cols <= 240; cols++ {
		m := fixedModel(h, cols, 45)
		m.mode = inTown
		if text := plainRow(strings.Join(m.screenRows(), "\n")); !strings.Contains(text, "asks: may I run") {
			t.Fatal(fmt.Sprint(cols, " columns:\n", text))
		}
	}
}
