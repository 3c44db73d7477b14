package town

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/api"
	"gastown/internal/fault"
)

// undoFor is how long `u` can take an action back.
const undoFor = 30 * time.Second

// undoable is an action that `u` takes back: one step, or several of one action, such as a kill of
// all marked polecats. Or it is one that lasts, and has no steps. It is not changed once it is remembered.
type undoable struct {
	action uint64 // 0: it stands alone
	until  time.Time
	steps  []undoStep
	lasts  *lasting
}

// undoStep takes one thing back; what came of it is told to the person.
type undoStep struct {
	what  string
	bead  beads.ID
	stops bool                   // whoever works on the bead then is stopped
	over  func(*beads.Bead) bool // the bead has gone on, so that it cannot be taken back any more; nil: it always can
	do    func(context.Context, api.Caller) (string, error)
}

// gone reports whether a bead's work is through, or on its way to main.
func gone(b *beads.Bead) bool {
	return b.Status == beads.Submitted || b.Status == beads.Closed && b.Ending() != beads.CloseDropped
}

// goneOrAsks is gone, and that a person has to decide on the bead first.
func goneOrAsks(b *beads.Bead) bool { return gone(b) || b.Status == beads.NeedsYou }

// what names the action.
func (u *undoable) what() string {
	if n := len(u.steps); n > 1 {
		return fmt.Sprintf("%s and %d more", u.steps[0].what, n-1)
	}
	return u.steps[0].what
}

// canUndo remembers an action of a person for `u`. A step of the same action as the newest joins that. What an agent does
// is not in the way of a person's own undo.
func (t *Town) canUndo(who api.Caller, action uint64, steps ...undoStep) {
	h := t.host
	if h == nil || who.Role != "person" || len(steps) == 0 {
		return
	}
	h.remember(&undoable{action: action, steps: steps}, func(newest *undoable) bool {
		return newest.lasts == nil && action != 0 && newest.action == action
	})
	h.changed()
}

// remember puts what a person did on top of what was done before, or joins it with the newest.
func (h *Host) remember(u *undoable, joins func(newest *undoable) bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	u.until = h.t.deps.Now().Add(undoFor)
	h.forgetOld()
	if n := len(h.undos); n > 0 && joins(h.undos[n-1]) {
		u.steps = slices.Concat(h.undos[n-1].steps, u.steps)
		h.undos = h.undos[:n-1]
	}
	h.undos = append(h.undos, u)
}

// forgetGone drops what can no longer be taken back because its bead has gone on: it would be offered in vain, and be in
// the way of what was done before.
func (h *Host) forgetGone() {
	h.mu.Lock()
	h.forgetOld()
	undos := slices.Clone(h.undos)
	h.mu.Unlock()
	if len(undos) == 0 {
		return
	}
	over := map[*undoable][]undoStep{} // what is left of those that lose a step
	err := h.t.store.View(func(tx *store.Tx) error {
		for _, u := range undos {
			left := slices.DeleteFunc(slices.Clone(u.steps), func(s undoStep) bool {
				if s.over == nil {
					return false
				}
				b, err := tx.Bead(s.bead)
				return err == nil && s.over(b)
			})
			if len(left) < len(u.steps) {
				over[u] = left
			}
		}
		return nil
	})
	if err != nil {
		h.t.deps.Log.Error("look at what can be undone", "err", err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for i, u := range h.undos { // one that was taken off meanwhile is under way
		if left, ok := over[u]; ok {
			c := *u
			c.steps = left
			h.undos[i] = &c
		}
	}
	h.undos = slices.DeleteFunc(h.undos, func(u *undoable) bool { return u.lasts == nil && len(u.steps) == 0 })
}

// forgetOld drops what can no longer be taken back; h.mu is held.
func (h *Host) forgetOld() {
	now := h.t.deps.Now()
	h.undos = slices.DeleteFunc(h.undos, func(u *undoable) bool { return !now.Before(u.until) })
}

// undoNext is what undo takes back next, after what lasts; nil: nothing. h.mu is held.
func (h *Host) undoNext() *undoable {
	h.forgetOld()
	for _, u := range slices.Backward(h.undos) {
		if u.lasts == nil {
			return u
		}
	}
	return nil
}

// undoNow is what `u` would take back, who is stopped by that, and until when it can; empty: there is nothing, or what
// was done after it lasts, which `u` says first.
func (h *Host) undoNow() (what string, until time.Time) {
	h.forgetGone()
	h.mu.Lock()
	defer h.mu.Unlock()
	u := h.undoNext()
	if u == nil || u != h.undos[len(h.undos)-1] {
		return "", time.Time{}
	}
	var stopped []string
	for _, s := range u.steps {
		for _, w := range h.workers {
			if s.stops && w.bead == s.bead {
				stopped = append(stopped, w.name)
			}
		}
	}
	what = u.what()
	if len(stopped) > 0 {
		what += ", which stops " + strings.Join(stopped, ", ")
	}
	return what, u.until
}

// undo takes the newest action back that was not taken back yet, its newest step first: a second undo takes back the one
// before, and nothing is ever done again. Steps that fail can be tried again. Where the newest one lasts it says so, and
// goes on to the one before when it is asked again.
func (t *Town) undo(ctx context.Context, who api.Caller, _ api.Empty) (out api.Ack, err error) {
	h := t.host
	h.forgetGone()
	h.mu.Lock()
	h.forgetOld()
	var u *undoable
	if n := len(h.undos); n > 0 {
		u, h.undos = h.undos[n-1], h.undos[:n-1]
	}
	next := h.undoNext()
	h.mu.Unlock()
	if u == nil {
		return out, fault.Refusedf("undo: nothing to take back (an action can be undone for %s)", undoFor).WithHint("kept work comes back any time: gastown rescue list")
	}
	defer h.changed()
	if u.lasts != nil {
		return out, u.lasts.refused(next)
	}
	left := &undoable{action: u.action, until: u.until}
	var done []string
	for i := len(u.steps) - 1; i >= 0; i-- {
		msg, serr := u.steps[i].do(ctx, who)
		if serr != nil {
			err = errors.Join(err, serr)
			left.steps = append([]undoStep{u.steps[i]}, left.steps...)
			continue
		}
		done = append(done, msg)
	}
	if err != nil {
		h.mu.Lock()
		h.undos = append(h.undos, left)
		h.mu.Unlock()
		return out, err
	}
	return api.Ack{Msg: "undid the " + u.what() + ": " + strings.Join(done, "; ")}, nil
}

// goesOn says that a bead is worked on again, or what that waits for.
func goesOn(s api.Slung) string {
	if s.Polecat != "" {
		return fmt.Sprintf("%s goes on with %s, attempt %d", s.Polecat, s.Bead, s.Attempt)
	}
	return fmt.Sprintf("%s goes on from its work later: %s", s.Bead, strings.TrimPrefix(s.Msg, "recorded; "))
}

// canUnsling lets a person take a sling back.
func (t *Town) canUnsling(who api.Caller, action uint64, olds []*beads.Bead) {
	steps := make([]undoStep, len(olds))
	for i, old := range olds {
		steps[i] = undoStep{"sling of " + string(old.ID), old.ID, true, goneOrAsks, func(ctx context.Context, who api.Caller) (string, error) {
			return t.unsling(ctx, who, old)
		}}
	}
	t.canUndo(who, action, steps...)
}

// unsling makes a bead what it was before it was slung. Who works on it is stopped; work that was begun is kept.
func (t *Town) unsling(ctx context.Context, who api.Caller, old *beads.Bead) (string, error) {
	waits, stopped := string(old.ID)+" waits again for a sling", ""
	if w, err := t.worker(string(old.ID)); err == nil && w.bead == old.ID {
		r, err := t.end(ctx, w, ending{kind: endReassign, by: who.Name, why: "its sling was taken back", nobody: true})
		if stopped = w.name + " is stopped, with nothing to keep; "; r.kept {
			stopped = w.name + " is stopped and its work kept for the next; "
		}
		if err != nil || old.Status == beads.Open {
			return stopped + waits, err
		}
	}
	b, err := t.change(who, old.ID, beads.Event{Kind: beads.EvBeadUpdated}, changed("took back the sling of"), func(_ *store.Tx, b *beads.Bead) (*beads.Bead, error) {
		if b.Status != beads.Open {
			return nil, fault.Refusedf("undo: %s is %s by now", b.ID, b.Status)
		}
		c, err := restored(b, old, t.deps.Now())
		if err != nil {
			return nil, err
		}
		if c.Agent = old.Agent; b.LastAttempt != old.LastAttempt {
			c.Next = b.Next // what was begun meanwhile
		}
		return c, nil
	})
	if b.Reason != "" {
		waits = fmt.Sprintf("%s needs you again: %s", old.ID, b.Reason)
	}
	return stopped + waits, err
}

// canUnchange lets a person take a change of a bead's fields back.
func (t *Town) canUnchange(who api.Caller, r api.BeadUpdateReq, old *beads.Bead) {
	over := gone
	if r.Defer == nil {
		over = nil
	}
	t.canUndo(who, r.Action, undoStep{"change of " + string(old.ID), old.ID, false, over, func(_ context.Context, who api.Caller) (string, error) {
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
		return fmt.Sprintf("%s is as it was (P%d)", b.ID, b.Priority), err
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
	t.canUndo(who, action, undoStep{"close of " + string(old.ID), old.ID, false, gone, func(_ context.Context, who api.Caller) (string, error) {
		b, err := t.change(who, old.ID, beads.Event{Kind: beads.EvBeadReopened}, changed("took back the close of"), func(_ *store.Tx, b *beads.Bead) (*beads.Bead, error) {
			return restored(b, old, t.deps.Now())
		})
		return fmt.Sprintf("%s is %s again", old.ID, b.Status), err
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
	c.StatusSince = old.StatusSince
	return c, nil
}
