package town

import (
	"context"
	"fmt"

	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/api"
	"gastown/internal/fault"
)

func (t *Town) polecatRevive(_ context.Context, who api.Caller, r api.NameReq) (out api.Slung, err error) {
	id, n, err := t.ended(r.Name)
	if err != nil {
		return out, err
	}
	return t.revive(who, revival{bead: id, n: n})
}

// ended finds the newest ended attempt that a polecat's name, a bead id or BEAD/N means.
func (t *Town) ended(name string) (id beads.ID, n int, err error) {
	err = t.store.View(func(tx *store.Tx) error {
		if bead, num, perr := beads.ParseAttemptKey(name); perr == nil {
			b, err := findBead(tx, bead)
			if err != nil {
				return err
			}
			id, n = b.ID, num
			_, err = tx.Attempt(id, n)
			return err
		}
		if b, err := findBead(tx, beads.ID(name)); err == nil {
			id = b.ID
			return nil
		}
		all, err := tx.Attempts()
		if err != nil {
			return err
		}
		var newest *beads.Attempt
		for _, a := range all {
			if a.Polecat == name && !a.State.Live() && a.State != beads.Landed && (newest == nil || a.EndedAt.After(newest.EndedAt)) {
				newest = a
			}
		}
		if newest == nil {
			return fault.NotFoundf("polecat %q: no ended work of that name", name).WithHint("see: gastown rescue list")
		}
		id, n = newest.Bead, newest.N
		return nil
	})
	return id, n, err
}

// revival says which attempt's work comes back.
type revival struct {
	bead    beads.ID
	n       int    // 0: the newest that kept something, or else the newest
	polecat string // who goes on with it; empty: the one who had it
	anyway  bool   // also where the attempt kept nothing: its bead goes on as it had begun
}

// revivable says why the kept work of a bead cannot come back now, and what helps.
func revivable(b *beads.Bead) error {
	switch b.Status {
	case beads.Working:
		return fault.Refusedf("restore %s: polecat %s works on it", b.ID, b.Assignee).WithHint("stop that one first: gastown polecat kill %s; or read the kept work: gastown rescue show %s", b.Assignee, b.ID)
	case beads.Submitted:
		return fault.Refusedf("restore %s: it is in the merge queue", b.ID).WithHint("take it out first: gastown queue drop %s; or read the kept work: gastown rescue show %s", b.ID, b.ID)
	case beads.Closed:
		return fault.Refusedf("restore %s: it is closed", b.ID).WithHint("open it first: gastown bead reopen %s; or read the kept work: gastown rescue show %s", b.ID, b.ID)
	}
	return nil
}

// revive slings a bead so that its next attempt starts from the kept work of an earlier one.
func (t *Town) revive(who api.Caller, v revival) (out api.Slung, err error) {
	id, n, polecat := v.bead, v.n, v.polecat
	err = t.update(func(tx *store.Tx) error {
		b, err := tx.Bead(id)
		if err != nil {
			return err
		}
		if err := revivable(b); err != nil {
			return err
		}
		as, err := tx.AttemptsOf(id)
		if err != nil {
			return err
		}
		var from *beads.Attempt
		for _, a := range as {
			if n == 0 && (a.Rescue != "" || from == nil || from.Rescue == "") || a.N == n {
				from = a
			}
		}
		if from == nil {
			return fault.NotFoundf("%s: it has no earlier attempt", id)
		}
		if n != 0 && from.Rescue == "" && !v.anyway {
			return fault.Refusedf("attempt %s: it left nothing to restore", from.Key())
		}
		c, err := t.slung(tx, b, who, "restore", "", "")
		if err != nil {
			return err
		}
		if polecat == "" {
			polecat = from.Polecat
		}
		c.Next = from.Start
		if from.Rescue != "" {
			c.Next = &beads.Start{Rescue: from.Rescue, Session: from.Session}
			if from.Start != nil {
				c.Next.Note, c.Next.Rejected = from.Start.Note, from.Start.Rejected
			}
		}
		if c.Next == nil {
			c.Next = &beads.Start{}
		}
		next := *c.Next
		next.Same = polecat
		c.Next = &next
		return t.put(tx, who, b, c, beads.Event{Kind: beads.EvRestored, Polecat: polecat, Text: fmt.Sprintf("brought the work of %s on %s back", from.Polecat, c.ID)})
	})
	if err != nil {
		return out, err
	}
	s, err := t.startNow([]beads.ID{id})
	if err != nil {
		return out, err
	}
	return s[0], nil
}
