package tui

import (
	"fmt"
	"testing"

	"gastown/beads"
)

// BenchmarkScreen draws 500 beads at 200x60: a whole frame must stay far below 30 ms.
func BenchmarkScreen(b *testing.B) {
	h := sampleHost(200, 60)
	for i := range 500 {
		s := beadSpec{id: fmt.Sprintf("gt-%04d", i), title: "Some task with a title 登录 of usual length", prio: 2, status: beads.Open}
		h.view.Beads = append(h.view.Beads, s.bead())
	}
	m := fixedModel(h, 200, 60)
	m.mode = inTown
	m.picture(true)
	for b.Loop() {
		m.reload()
		m.dirty = true
		m.View()
	}
}
