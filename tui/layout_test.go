package tui

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestArrange(t *testing.T) {
	for _, c := range []struct {
		cols, rows int
		kind       kind
		slot       Size
		beads      rect
	}{
		{200, 60, wide, Size{84, 55}, rect{86, 1, 114, 26}},
		{160, 50, wide, Size{68, 45}, rect{70, 1, 90, 21}},
		{159, 50, split, Size{82, 45}, rect{84, 1, 75, 21}},
		{120, 40, split, Size{62, 35}, rect{64, 1, 56, 17}},
		{100, 30, split, Size{51, 25}, rect{53, 1, 47, 12}},
		{120, 29, drawer, Size{120, 26}, rect{50, 1, 70, 26}},
		{99, 40, drawer, Size{99, 37}, rect{41, 1, 58, 37}},
		{80, 24, drawer, Size{80, 21}, rect{33, 1, 47, 21}},
		{60, 16, drawer, Size{60, 13}, rect{14, 1, 46, 13}},
		{59, 16, listOnly, Size{59, 14}, rect{0, 1, 59, 14}},
		{60, 15, listOnly, Size{60, 13}, rect{0, 1, 60, 13}},
		{59, 15, listOnly, Size{59, 13}, rect{0, 1, 59, 13}},
		{19, 10, tooSmall, Size{19, 10}, rect{}},
		{1, 1, tooSmall, Size{1, 1}, rect{}},
	} {
		l := arrange(c.cols, c.rows)
		if l.kind != c.kind || (Size{l.slot.w, l.slot.h}) != c.slot || l.beads != c.beads {
			t.Errorf("arrange(%d, %d) = kind %d, slot %dx%d, beads %v; want %d, %v, %v",
				c.cols, c.rows, l.kind, l.slot.w, l.slot.h, l.beads, c.kind, c.slot, c.beads)
		}
	}
}

// TestArrangeCovers: in the layouts side by side each cell belongs to one rectangle.
func TestArrangeCovers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cols, rows := rapid.IntRange(splitCols, 400).Draw(t, "cols"), rapid.IntRange(splitRows, 150).Draw(t, "rows")
		l := arrange(cols, rows)
		seen := make([]int, cols*rows)
		for _, r := range []rect{l.header, l.foot, l.status, l.left, l.beads, l.cats, l.refinery, l.event} {
			for y := r.y; y < r.y+r.h; y++ {
				for x := r.x; x < r.x+r.w; x++ {
					seen[y*cols+x]++
				}
			}
		}
		for i, n := range seen {
			if n != 1 {
				t.Fatalf("%dx%d: cell %d,%d is in %d rectangles", cols, rows, i%cols, i/cols, n)
			}
		}
	})
}

// TestEveryRowExact: whatever the size, mode and focus, every row is exactly as wide as the
// screen, and there are exactly as many rows as it has.
func TestEveryRowExact(t *testing.T) {
	h := sampleHost(80, 24)
	rapid.Check(t, func(t *rapid.T) {
		cols, rows := rapid.IntRange(1, 260).Draw(t, "cols"), rapid.IntRange(1, 90).Draw(t, "rows")
		m := fixedModel(h, cols, rows)
		m.mode = mode(rapid.IntRange(0, 1).Draw(t, "mode"))
		m.focus = paneID(rapid.IntRange(0, int(panes)-1).Draw(t, "focus"))
		if rapid.Bool().Draw(t, "attached") {
			m.term.attach("slit", "gt-c9d/1")
		}
		m.ascii = rapid.Bool().Draw(t, "ascii")
		m.dress()
		m.picture(true)
		if m.mode == inTown {
			in := rapid.SampledFrom([]Intent{None, Open, Kill, Assign, Help, ShowProblems, ShowEvents, ShowLog, CommandLine, NewBead, AnswerAsk, QuitDialog, ShowDiff, Nudge, ShowConvoys, ShowCost, ScrollBack, ZoomPane, NextRig, WidenMayor, NarrowMayor}).Draw(t, "dialog")
			m.run(in)
		}
		got := m.screenRows()
		for i := range m.stack {
			if _, ok := m.stack[i].(unseen); !ok {
				got = m.lay(got, m.dialog(m.stack[i], true))
			}
		}
		if len(got) != rows {
			t.Fatalf("%d rows on a screen of %d", len(got), rows)
		}
		for y, row := range got {
			if w := rowWidth(row); w != cols {
				t.Fatalf("row %d is %d cells wide, want %d: %q", y, w, cols, row)
			}
		}
	})
}

// TestWhatABorderKeepsIsSeen however long the title and the state are.
func TestWhatABorderKeepsIsSeen(t *testing.T) {
	l := look{charset: unicodeSet()}
	for n := range 60 {
		b := box{title: "3 REFINERY", right: "r restart", keep: true, state: part{strings.Repeat("x", n), ""}}
		for _, w := range []int{47, 56, 60} {
			if top := l.box(b, w, 3)[0]; !strings.Contains(top, " r restart ") || width(top) != w {
				t.Errorf("%d cells, a state of %d: %s", w, n, top)
			}
		}
	}
}
