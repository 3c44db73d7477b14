package refinery

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"gastown/beads"
)

var costTrials = flag.Int("cost.trials", 400, "trials of 30 beads for each line of TestGateRunsPerChange")

// cost is how many gate runs a queue of 30 beads took.
type cost struct{ search, confirm, base, merged int }

// TestGateRunsPerChange counts gate runs for each change that lands, beside what
// other ways need and what no way can beat (refinery.md A3, A4).
func TestGateRunsPerChange(t *testing.T) {
	var table strings.Builder
	table.WriteString("gate runs per merged change; 30 queued, one slot, no flakes\n")
	table.WriteString("p      bound  serial  bors8   ours (p known)  of bound  with confirming and base runs  ours (p learnt)\n")
	for _, p := range []float64{0, .05, .1, .2} {
		var known, learnt cost
		bors, borsMerged := 0, 0
		rnd := rand.New(rand.NewPCG(7, uint64(p*100)))
		for range *costTrials {
			red := make([]bool, 30)
			for i := range red {
				red[i] = rnd.Float64() < p
			}
			known.add(spend(t, red, p, true))
			learnt.add(spend(t, red, p, false))
			r, m := borsRuns(red, 8)
			bors, borsMerged = bors+r, borsMerged+m
		}
		bound := entropy(p) / (1 - p)
		if p == 0 {
			bound = 1.0 / 30
		}
		per := func(n int, c cost) float64 { return float64(n) / float64(c.merged) }
		ours := per(known.search, known)
		fmt.Fprintf(&table, "%.2f   %.3f  %.3f   %.3f   %.3f           %.3f     %.3f                          %.3f\n",
			p, bound, 1/(1-p), float64(bors)/float64(borsMerged), ours, ours/bound, per(known.search+known.confirm+known.base, known), per(learnt.search, learnt))
		if p >= .05 && ours > 1.10*bound {
			t.Errorf("p %.2f: %.3f runs for each merged change, more than 1.10 times the bound %.3f", p, ours, bound)
		}
	}
	t.Log("\n" + table.String())
}

func (c *cost) add(o cost) {
	c.search += o.search
	c.confirm += o.confirm
	c.base += o.base
	c.merged += o.merged
}

func entropy(p float64) float64 {
	if p <= 0 || p >= 1 {
		return 0
	}
	return -p*math.Log2(p) - (1-p)*math.Log2(1-p)
}

// spend lets Step work off the beads; with known, it is told their rate.
func spend(t *testing.T, red []bool, rate float64, known bool) (c cost) {
	q := Queue{Rig: "app"}
	cfg := Config{Branch: "main", Confirm: true, Batch: true, Gates: []Gate{{Name: "test", Run: "x"}}}
	target, now := "root", start()
	bad := map[beads.ID]bool{}
	var todo []Event
	todo = append(todo, Pause{})
	for i := range red {
		id := beads.ID(fmt.Sprintf("ma-%02d", i))
		bad[id] = red[i]
		todo = append(todo, Submit{Entry{Bead: id, N: 1, Priority: 2, Tip: string(id)}})
	}
	todo = append(todo, Resume{})
	for len(todo) > 0 {
		if known {
			q.Red = max(rate, leastRate)
		}
		ev := todo[0]
		todo = todo[1:]
		var out []Effect
		now = now.Add(time.Second)
		q, out = Step(q, ev, now, cfg)
		for _, e := range out {
			switch e := e.(type) {
			case Build:
				ev := Built{Seq: e.Seq, Base: target, BaseTree: target, Commit: target}
				for _, p := range e.Parts {
					ev.Commit += " " + p.Tip
					ev.Parts = append(ev.Parts, Part{Bead: p.Bead, N: p.N, Tip: p.Tip, Commit: ev.Commit})
				}
				ev.Tree = ev.Commit
				todo = append(todo, ev)
			case RunGate:
				switch {
				case e.Fresh:
					c.confirm++
				case e.Bead == "" && e.Batch == nil:
					c.base++
				default:
					c.search++
				}
				done := GateDone{Seq: e.Seq, Outcome: Pass, Took: time.Second}
				for _, x := range strings.Fields(e.Tree) {
					if bad[beads.ID(x)] {
						done.Outcome, done.Code = Fail, 1
					}
				}
				todo = append(todo, done)
			case Publish:
				target = e.Intent.New
				todo = append(todo, Published{Seq: e.Seq, Old: e.Intent.Old, New: e.Intent.New})
			case Settle:
				c.merged++
			}
		}
	}
	if want := len(red) - count(red); c.merged != want || len(q.Entries) > 0 {
		t.Fatalf("%d landed, want %d; left %+v", c.merged, want, q.Entries)
	}
	return c
}

func count(red []bool) (n int) {
	for _, r := range red {
		if r {
			n++
		}
	}
	return n
}

// borsRuns is bors: a batch, and when it is red both halves for themselves.
func borsRuns(red []bool, size int) (runs, merged int) {
	var batch func(b []bool)
	batch = func(b []bool) {
		runs++
		switch {
		case count(b) == 0:
			merged += len(b)
		case len(b) > 1:
			batch(b[:len(b)/2])
			batch(b[len(b)/2:])
		}
	}
	for len(red) > 0 {
		n := min(size, len(red))
		batch(red[:n])
		red = red[n:]
	}
	return runs, merged
}
