package run

import (
	"fmt"
	"testing"
	"time"

	"gastown/refinery"
)

// BenchmarkThirtyQueued lands 30 beads behind a gate of one second that nothing fails.
// The aim is 6 s in all.
func BenchmarkThirtyQueued(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		r := newRig(b, "sleep 1")
		var tips []string
		for i := range 30 {
			tips = append(tips, r.work(map[string]string{fmt.Sprintf("%02d.txt", i): "x\n"}))
		}
		b.StartTimer()
		begun := time.Now()
		r.together(tips...)
		all := r.quiet()
		gates, landed := len(effects[refinery.RunGate](all)), len(effects[refinery.Settle](all))
		if landed != 30 {
			b.Fatalf("%d landed", landed)
		}
		b.ReportMetric(float64(gates), "gates")
		b.ReportMetric(float64(time.Since(begun)-time.Duration(gates)*time.Second)/float64(landed)/1e6, "ms-beyond-gates/bead")
	}
}
