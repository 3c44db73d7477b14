package refinery

import (
	"fmt"
	"time"

	"gastown/beads"
)

// Expected is when a bead lands if its gates take their usual time and all that goes
// before it is green. It is not known (ok is false) for what waits for a person, while
// the queue stands or a gate hangs, and before every gate has passed once.
func Expected(q Queue, bead beads.ID, now time.Time, cfg Config) (at time.Time, ok bool) {
	i := index(q, bead)
	if i < 0 || q.Paused || q.Stop != nil || q.Run != nil && !q.Run.HungSince.IsZero() || len(cfg.Gates) == 0 && !cfg.Ungated {
		return at, false
	}
	var whole time.Duration // of all gates once
	for _, g := range cfg.Gates {
		u, known := q.Usual[g.Name]
		if !known {
			return at, false
		}
		whole += u
	}
	left := runLeft(q, now, cfg)
	e := q.Entries[i]
	if e.State == EntryGating || e.State == EntryLanding {
		return now.Add(left), true
	}
	ahead, waits := 0, false
	for _, o := range Ordered(q) {
		if o.State != EntryQueued {
			continue
		}
		if o.Bead == bead {
			waits = true
			break
		}
		ahead++
	}
	if !waits {
		return at, false
	}
	size := 1
	if cfg.Batch {
		size = batchSize(q.Rate())
	}
	rounds := ahead/size + 1
	if e.AskFirst && !e.Approved {
		return at, false // it lands when somebody says so
	}
	return now.Add(left + time.Duration(rounds)*whole), true
}

// runLeft is what the run in progress still takes as a rule; one that is over its usual
// time takes a moment more.
func runLeft(q Queue, now time.Time, cfg Config) time.Duration {
	r := q.Run
	if r == nil {
		return 0
	}
	var left time.Duration
	for k, g := range cfg.Gates {
		switch {
		case r.Phase == PhaseLand || r.Phase == PhaseGate && k < r.Gate:
		case r.Phase == PhaseGate && k == r.Gate:
			left += max(q.Usual[g.Name]-now.Sub(r.PhaseSince), 0)
		default:
			left += q.Usual[g.Name]
		}
	}
	return left
}

// Step says in words which part of its work the run is: a batch, a half of a red set, the
// target itself; "" for one bead alone.
func (r *Run) Step() string {
	n := len(r.Parts)
	switch {
	case n == 0 && r.Phase == PhaseGate:
		return "the target itself"
	case r.Of > 0 && n == 1:
		return fmt.Sprintf("halving: 1 of %d red together", r.Of)
	case r.Of > 0:
		return fmt.Sprintf("halving: %d of %d red together", n, r.Of)
	case n > 1:
		return fmt.Sprintf("batch of %d", n)
	}
	return ""
}
