package town

import (
	"fmt"
	"time"

	"gastown/beads"
	"gastown/beads/store"
	"gastown/refinery"
	"gastown/refinery/run"
)

// proving is what a proof is of.
type proving struct {
	attempt      *beads.Attempt
	base, commit string
}

// proves reports whether a rig's landings are proven: it has gates, and nobody switched it off.
func (t *Town) proves(rig string) bool {
	rc := t.settings().Rigs[rig]
	return rc.Proof && len(rc.Gates) > 0
}

// toProve is what to prove next in a rig whose queue rests: what waits for a person's yes
// first, then what landed, the newest first.
func (t *Town) toProve(tx *store.Tx, q refinery.Queue) (*proving, error) {
	for _, e := range q.Entries {
		if e.State != refinery.EntryApprove || e.Green == nil {
			continue
		}
		a, err := tx.Attempt(e.Bead, e.N)
		if err != nil {
			return nil, err
		}
		if a.Proof == nil || a.Proof.Commit != e.Green.Commit {
			return &proving{a, e.Green.Base, e.Green.Commit}, nil
		}
	}
	for _, l := range q.Landed {
		a, err := tx.Attempt(l.Bead, l.N)
		if err != nil {
			continue // its bead was imported anew, or is gone
		}
		if a.Proof != nil && a.Proof.Outcome == beads.ProofPending && a.Merge != "" {
			return &proving{a, "", a.Merge}, nil
		}
	}
	return nil, nil
}

// prove begins the next proof if the rig's Refinery rests. The next action of the queue ends
// it, so it holds up nothing but what has no hurry.
func (r *rigHost) prove() {
	t := r.h.t
	if !t.proves(r.name) || r.ctx.Err() != nil || !r.proofs.TryLock() {
		return
	}
	defer r.proofs.Unlock()
	var what *proving
	cfg := t.queueConfig(r.name)
	usual := map[string]time.Duration{}
	err := t.store.View(func(tx *store.Tx) error {
		q, err := t.queue(tx, r.name)
		if err != nil || !refinery.Resting(q, cfg) {
			return err
		}
		if room, err := r.h.room(tx, r.name); err != nil || !room {
			return err
		}
		for _, g := range cfg.Gates {
			usual[g.Name], _ = q.Limit(g)
		}
		what, err = t.toProve(tx, q)
		return err
	})
	if err != nil {
		t.deps.Log.Warn("proof", "rig", r.name, "err", err)
	}
	if what == nil {
		return
	}
	tests := t.settings().Rigs[r.name].Tests
	if tests == nil {
		tests = refinery.TestPatterns()
	}
	a := what.attempt
	r.runner.Prove(r.ctx, run.ProofReq{
		Bead: a.Bead, N: a.N, Base: what.base, Commit: what.commit, Tests: tests, Gates: cfg.Gates,
		Limit: func(g refinery.Gate) time.Duration { return usual[g.Name] },
		Done:  func(p beads.Proof) { r.proven(a, p) },
	})
}

// proven keeps what a proof found.
func (r *rigHost) proven(of *beads.Attempt, p beads.Proof) {
	t := r.h.t
	p.At = t.deps.Now().UTC()
	err := t.update(func(tx *store.Tx) error {
		a, err := tx.Attempt(of.Bead, of.N)
		if err != nil {
			return nil //nolint:nilerr // it is gone: nobody asks any more
		}
		c := a.Clone()
		c.Proof = &p
		if err := tx.PutAttempt(c); err != nil {
			return err
		}
		if p.Outcome == beads.ProofNone { // no news
			return nil
		}
		return tx.Append(beads.Event{Kind: beads.EvGateDone, Actor: "refinery", Rig: a.Rig, Bead: a.Bead, Attempt: a.N, Polecat: a.Polecat, Text: fmt.Sprintf("proof of %s: %s", a.Bead, p.Text())})
	})
	if err != nil {
		t.deps.Log.Error("keep a proof", "rig", r.name, "bead", of.Bead, "err", err)
	}
}
