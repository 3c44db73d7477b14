package town

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/api"
	"gastown/internal/fault"
)

// undoFor is how long `u` can take an action back.
const undoFor = 30 * time.Second

// undoable is the last action that `u` takes back: one step, or several of one action, such as a
// kill of all marked polecats.
type undoable struct {
	action uint64 // 0: it stands alone
	until  time.Time
	steps  []undoStep
}

// undoStep takes one thing back; what came of it is told to the person.
type undoStep struct {
	what string
	do   func(context.Context, api.Caller) (api.Slung, error)
}

// what names the action.
func (u *undoable) what() string {
	if n := len(u.steps); n > 1 {
		return fmt.Sprintf("%s and %d more", u.steps[0].what, n-1)
	}
	return u.steps[0].what
}

// canUndo remembers the last action for `u`. A step of the same action joins those before it.
func (h *Host) canUndo(action uint64, steps ...undoStep) {
	h.mu.Lock()
	u := &undoable{action: action}
	if h.undo != nil && action != 0 && h.undo.action == action {
		u.steps = h.undo.steps
	}
	u.steps = append(u.steps[:len(u.steps):len(u.steps)], steps...)
	u.until = h.t.deps.Now().Add(undoFor)
	h.undo, h.lasting = u, nil
	h.mu.Unlock()
	h.changed()
}

// undo takes the last action back, the newest step first. Steps that fail can be tried again.
// Where the last one lasts it says so, and takes the one before back when it is asked again.
func (t *Town) undo(ctx context.Context, who api.Caller, _ api.Empty) (out api.Ack, err error) {
	h := t.host
	h.mu.Lock()
	u, last := h.undo, h.lasting
	h.lasting = nil
	if u != nil && t.deps.Now().After(u.until) {
		u = nil
	}
	if last == nil || t.deps.Now().After(last.until) {
		last, h.undo = nil, nil
	}
	h.mu.Unlock()
	if last != nil {
		return out, last.refused(u)
	}
	if u == nil {
		return out, fault.Refusedf("undo: nothing to take back (an action can be undone for %s)", undoFor).WithHint("kept work comes back any time: gastown rescue list")
	}
	left := &undoable{action: u.action, until: u.until}
	var msg string
	for i := len(u.steps) - 1; i >= 0; i-- {
		s, serr := u.steps[i].do(ctx, who)
		msg = s.Msg
		if serr != nil {
			err = errors.Join(err, serr)
			left.steps = append([]undoStep{u.steps[i]}, left.steps...)
		}
	}
	defer h.changed()
	if err != nil {
		h.mu.Lock()
		if h.undo == nil {
			h.undo = left
		}
		h.mu.Unlock()
		return out, err
	}
	if len(u.steps) == 1 {
		return api.Ack{Msg: "undid the " + u.what() + ": " + msg}, nil
	}
	return api.Ack{Msg: "undid the " + u.what()}, nil
}

// canUnsling lets a person take a sling back. What the Mayor slings is not in the way of a person's own undo.
func (t *Town) canUnsling(who api.Caller, action uint64, olds []*beads.Bead) {
	if t.host == nil || who.Role != "person" || len(olds) == 0 {
		return
	}
	steps := make([]undoStep, len(olds))
	for i, old := range olds {
		steps[i] = undoStep{"sling of " + string(old.ID), func(ctx context.Context, who api.Caller) (api.Slung, error) {
			return t.unsling(ctx, who, old)
		}}
	}
	t.host.canUndo(action, steps...)
}

// unsling makes a bead wait again as it did before it was slung. Work that was begun is kept.
func (t *Town) unsling(ctx context.Context, who api.Caller, old *beads.Bead) (out api.Slung, err error) {
	out = api.Slung{Bead: old.ID, Msg: string(old.ID) + " waits again for a sling"}
	if w, err := t.worker(string(old.ID)); err == nil && w.bead == old.ID {
		_, err = t.end(ctx, w, ending{kind: endReassign, by: who.Name, why: "its sling was taken back", nobody: true})
		return out, err
	}
	_, err = t.change(who, old.ID, beads.Event{Kind: beads.EvBeadUpdated}, changed("took back the sling of"), func(_ *store.Tx, b *beads.Bead) (*beads.Bead, error) {
		if b.Status != beads.Open {
			return nil, fault.Refusedf("undo: %s is %s by now", b.ID, b.Status)
		}
		c := b.Clone()
		c.Sling, c.Stopped, c.Agent = old.Sling, old.Stopped, old.Agent
		return c, nil
	})
	return out, err
}

// canUnchange lets a person take a change of a bead's fields back.
func (t *Town) canUnchange(who api.Caller, r api.BeadUpdateReq, old *beads.Bead) {
	if t.host == nil || who.Role != "person" {
		return
	}
	t.host.canUndo(r.Action, undoStep{"change of " + string(old.ID), func(_ context.Context, who api.Caller) (api.Slung, error) {
		b, err := t.change(who, old.ID, beads.Event{Kind: beads.EvBeadUpdated}, changed("took back a change of"), func(_ *store.Tx, b *beads.Bead) (*beads.Bead, error) {
			c := b.Clone()
			back(&c.Title, r.Title, old.Title)
			back(&c.Description, r.Description, old.Description)
			back(&c.AcceptanceCriteria, r.Accept, old.AcceptanceCriteria)
			back(&c.Design, r.Design, old.Design)
			back(&c.Notes, r.Notes, old.Notes)
			back(&c.Priority, r.Priority, old.Priority)
			back(&c.Agent, r.Agent, old.Agent)
			back(&c.NeedsCode, r.NeedsCode, old.NeedsCode)
			if r.Labels != nil {
				c.Labels = old.Labels
			}
			if r.Type != nil {
				c.Type, c.NeedsCode = old.Type, old.NeedsCode
			}
			if r.Defer != nil {
				return restored(c, old, t.deps.Now())
			}
			return c, nil
		})
		return api.Slung{Bead: b.ID, Msg: fmt.Sprintf("%s is as it was (P%d)", b.ID, b.Priority)}, err
	}})
}

// back puts a field that was set back, unless somebody has set it anew since.
func back[T comparable](now, set *T, old T) {
	if set != nil && *now == *set {
		*now = old
	}
}

// canUnclose lets a person take the close of a bead back.
func (t *Town) canUnclose(who api.Caller, action uint64, old *beads.Bead) {
	if t.host == nil || who.Role != "person" {
		return
	}
	t.host.canUndo(action, undoStep{"close of " + string(old.ID), func(_ context.Context, who api.Caller) (api.Slung, error) {
		b, err := t.change(who, old.ID, beads.Event{Kind: beads.EvBeadReopened}, changed("took back the close of"), func(_ *store.Tx, b *beads.Bead) (*beads.Bead, error) {
			return restored(b, old, t.deps.Now())
		})
		return api.Slung{Bead: old.ID, Msg: fmt.Sprintf("%s is %s again", old.ID, b.Status)}, err
	}})
}

// restored is b with the status that old had, by moves that the table allows: to open, and on from there.
func restored(b, old *beads.Bead, now time.Time) (*beads.Bead, error) {
	c := b
	if on, ok := beads.ByHand(b.Status, beads.Open); ok {
		var err error
		if c, err = b.Apply(on, now); err != nil {
			return nil, err
		}
	} else if b.Status != beads.Open {
		return nil, fault.Refusedf("undo: %s is %s by now", b.ID, b.Status)
	}
	var err error
	switch old.Status {
	case beads.Deferred:
		c, err = c.Apply(beads.Defer, now)
	case beads.NeedsYou:
		c, err = c.Asked(old.Reason, now)
	default:
		c = c.Clone()
	}
	if err != nil {
		return nil, err
	}
	c.DeferUntil, c.Sling, c.Next, c.Stopped, c.Rejections, c.Failures = old.DeferUntil, old.Sling, old.Next, old.Stopped, old.Rejections, old.Failures
	return c, nil
}
