package town

import (
	"errors"
	"fmt"
	"strings"

	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/api"
	"gastown/internal/config"
	"gastown/internal/fault"
	"gastown/refinery"
)

// put stores a bead at a caller's word, with its event; old is nil for a new one. Every verb that
// writes a bead comes by here: what is a person's to decide is judged by what the bead would become.
func (t *Town) put(tx *store.Tx, who api.Caller, old, b *beads.Bead, ev beads.Event) error {
	if who.Role != "person" {
		if why := beads.Reserved(old, b, t.asking(b.Rig)); why != "" {
			return fault.Refusedf("%s: %s", named(old, b), why).WithHint("tell the person: gastown mail send you TEXT")
		}
	}
	ev.Actor, ev.Rig, ev.Bead = who.Name, b.Rig, b.ID
	return errors.Join(tx.PutBead(b), tx.Append(ev))
}

// named is a bead in a refusal: one that is not made has no id.
func named(old, b *beads.Bead) string {
	if old == nil {
		return fmt.Sprintf("bead %q", beads.Clean(b.Title, 60))
	}
	return string(b.ID)
}

// asking are the labels with which a rig asks for a person's yes.
func (t *Town) asking(rig string) []string {
	asks := t.settings().Rigs[rig].Approve
	if len(asks) == 1 && asks[0] == config.ApproveAll {
		return nil
	}
	return asks
}

// insert gives b an id and its blockers, and stores it with its event.
func (t *Town) insert(tx *store.Tx, b *beads.Bead, prefix string, parent beads.ID, deps []beads.ID, who api.Caller) error {
	id, err := tx.NewID(prefix, parent, b)
	switch {
	case err != nil && parent != "":
		return fault.Refusedf("%w", err)
	case err != nil:
		return err
	}
	b.ID = id
	for i := range b.Dependencies {
		b.Dependencies[i].IssueID = id
	}
	for _, on := range deps {
		other, err := findBead(tx, on)
		if err != nil {
			return step(err, "dependency")
		}
		b.Dependencies = append(b.Dependencies, beads.Dependency{IssueID: id, DependsOn: other.ID, Type: beads.Blocks, CreatedAt: b.CreatedAt, CreatedBy: who.Name})
	}
	return t.put(tx, who, nil, b, beads.Event{Kind: beads.EvBeadCreated, Text: "created " + string(b.ID) + ": " + beads.Clean(b.Title, 200)})
}

// edit makes of a bead what it becomes, and of both what the event says; the bead itself is no change.
type edit func(*store.Tx, *beads.Bead) (*beads.Bead, error)

// change is one update of one bead with its event, in a transaction. say is the event's text, of the bead
// before and after.
func (t *Town) change(who api.Caller, id beads.ID, ev beads.Event, say func(old, now *beads.Bead) string, f edit) (out api.Bead, err error) {
	err = t.update(func(tx *store.Tx) error {
		b, err := findBead(tx, id)
		if err != nil {
			return err
		}
		if err := own(who, string(b.ID)); err != nil {
			return err
		}
		c, err := f(tx, b)
		if err != nil {
			return refuse(err)
		}
		if c != b {
			c.UpdatedAt = t.deps.Now().UTC()
			ev.Text = say(b, c)
			if err := t.put(tx, who, b, c, ev); err != nil {
				return err
			}
		}
		if c.Status == beads.Submitted { // it may need a person's yes by now
			if err := t.feed(tx, c.Rig, refinery.Tick{}); err != nil {
				return err
			}
		}
		out, err = t.outside(tx, c)
		return err
	})
	return out, err
}

// changed is the text of an event: what was done to a bead, and what is different by it.
func changed(did string) func(old, now *beads.Bead) string {
	return func(old, now *beads.Bead) string {
		return strings.TrimSuffix(did+" "+string(now.ID)+": "+strings.Join(beads.Changes(old, now), ", "), ": ")
	}
}

// refuse turns an illegal transition into a refusal.
func refuse(err error) error {
	var te *beads.TransitionError
	if errors.As(err, &te) {
		return fault.Refusedf("%w", err)
	}
	return err
}
