package town

import (
	"fmt"
	"time"

	"gastown/beads"
	"gastown/beads/store"
)

// undefer opens the beads again whose date has come, and says when the next one's does; zero: none has a date.
func (h *Host) undefer() (next time.Time) {
	now := h.t.deps.Now()
	var due []beads.ID
	err := h.t.store.View(func(tx *store.Tx) error {
		put, err := tx.BeadsWith(beads.Deferred)
		for _, b := range put {
			switch until := b.DeferUntil; {
			case until == nil:
			case until.After(now):
				next = sooner(next, *until)
			default:
				due = append(due, b.ID)
			}
		}
		return err
	})
	if err == nil && len(due) > 0 {
		err = h.t.update(func(tx *store.Tx) error {
			for _, id := range due {
				if err := undeferOne(tx, id, now); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err != nil {
		h.t.deps.Log.Error("look for deferred beads", "err", err)
		return now.Add(time.Second)
	}
	return next
}

func undeferOne(tx *store.Tx, id beads.ID, now time.Time) error {
	b, err := tx.Bead(id)
	if err != nil || b.Status != beads.Deferred || b.DeferUntil == nil || b.DeferUntil.After(now) {
		return err // somebody changed it meanwhile
	}
	c, err := b.Apply(beads.Undefer, now)
	if err != nil {
		return err
	}
	if err := tx.PutBead(c); err != nil {
		return err
	}
	return tx.Append(beads.Event{Kind: beads.EvBeadReopened, Actor: "host", Rig: b.Rig, Bead: b.ID, Text: fmt.Sprintf("opened %s again; it was deferred until %s", b.ID, b.DeferUntil.Format(time.RFC3339))})
}
