package town

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"gastown/agents"
	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/api"
	"gastown/internal/fault"
	"gastown/internal/proc"
	"gastown/worktree"
)

// freezeLimit is how long a freeze waits for the polecats to stand still: a checkpoint of a large worktree takes seconds.
const freezeLimit = 30 * time.Second

// ownHalt is what a person said of the town, or with a name of that rig alone.
func ownHalt(tx *store.Tx, rig string) (agents.Halt, error) {
	frozen, paused := kvFrozen, kvPaused
	if rig != "" {
		frozen, paused = kvFrozenRig+rig, kvPausedRig+rig
	}
	var f, p bool
	_, ferr := tx.GetKV(frozen, &f)
	_, perr := tx.GetKV(paused, &p)
	switch err := errors.Join(ferr, perr); {
	case f:
		return agents.Frozen, err
	case p:
		return agents.Paused, err
	default:
		return agents.Going, err
	}
}

// haltOf is what holds for a rig: its own halt, or the town's.
func haltOf(tx *store.Tx, rig string) (agents.Halt, error) {
	town, terr := ownHalt(tx, "")
	own, err := ownHalt(tx, rig)
	return own.With(town), errors.Join(terr, err)
}

func putHalt(tx *store.Tx, rig string, h agents.Halt) error {
	frozen, paused := kvFrozen, kvPaused
	if rig != "" {
		frozen, paused = kvFrozenRig+rig, kvPausedRig+rig
	}
	return errors.Join(tx.PutKV(frozen, h == agents.Frozen), tx.PutKV(paused, h != agents.Going))
}

// pause starts nothing new; polecats at work and the Refinery go on.
func (t *Town) pause(ctx context.Context, who api.Caller, r api.NameReq) (api.Ack, error) {
	return t.halt(ctx, who, r.Name, agents.Paused)
}

// freeze makes the polecats stand still besides, each after a checkpoint of its work. The Refinery
// goes on with what was submitted: that work is done, and costs no model.
func (t *Town) freeze(ctx context.Context, who api.Caller, r api.NameReq) (api.Ack, error) {
	return t.halt(ctx, who, r.Name, agents.Frozen)
}

// resume ends a pause and a freeze.
func (t *Town) resume(ctx context.Context, who api.Caller, r api.NameReq) (api.Ack, error) {
	return t.halt(ctx, who, r.Name, agents.Going)
}

func (t *Town) halt(ctx context.Context, who api.Caller, rig string, to agents.Halt) (out api.Ack, err error) {
	what := "the town"
	if rig != "" {
		if rig, _, err = t.rig(rig); err != nil {
			return out, err
		}
		what = "rig " + rig
	}
	kind, text := haltText(what, to)
	var was agents.Halt
	err = t.update(func(tx *store.Tx) (err error) {
		var theirs bool // a person's, as it is
		_, kerr := tx.GetKV(kvPersonHalt+rig, &theirs)
		if was, err = ownHalt(tx, rig); errors.Join(err, kerr) != nil {
			return errors.Join(err, kerr)
		}
		person := who.Role == "person"
		switch {
		case to == agents.Going && was != agents.Going && theirs && !person:
			return fault.Refusedf("resume: %s is %s by the person, so it is theirs to let go on", what, was)
		case was == to || was == agents.Frozen && to == agents.Paused:
			if !person || theirs {
				return nil
			}
			return tx.PutKV(kvPersonHalt+rig, true) // and they mean it
		}
		return errors.Join(putHalt(tx, rig, to), tx.PutKV(kvPersonHalt+rig, to != agents.Going && (person || theirs)),
			tx.Append(beads.Event{Kind: kind, Actor: who.Name, Rig: rig, Text: text}))
	})
	if err != nil {
		return out, err
	}
	if was == agents.Frozen && to == agents.Paused {
		return api.Ack{Msg: what + " is frozen already, and starts nothing"}, nil
	}
	if t.host != nil {
		text += t.host.steady(ctx, rig, to)
	}
	if to == agents.Going {
		text += t.stillHalted(rig)
	}
	return api.Ack{Msg: text}, nil
}

// haltText is the event's kind and what a person is told.
func haltText(what string, h agents.Halt) (kind, text string) {
	switch h {
	case agents.Paused:
		return beads.EvTownPaused, what + " is paused: no polecat starts; what runs goes on"
	case agents.Frozen:
		return beads.EvTownFrozen, what + " is frozen: no polecat starts, those at work stand still"
	}
	return beads.EvTownResumed, what + " goes on"
}

// stillHalted says what is halted yet after a resume of the town or of one rig.
func (t *Town) stillHalted(rig string) string {
	var left []string
	err := t.store.View(func(tx *store.Tx) error {
		names := rigNames(t.settings())
		if rig != "" {
			names = []string{""}
		}
		for _, name := range names {
			h, err := ownHalt(tx, name)
			if err != nil {
				return err
			}
			if h != agents.Going && name == "" {
				left = append(left, "the town is still "+string(h))
			} else if h != agents.Going {
				left = append(left, "rig "+name+" is still "+string(h))
			}
		}
		return nil
	})
	if err != nil || len(left) == 0 {
		return ""
	}
	return "; " + strings.Join(left, ", ")
}

// stilling asks a worker to look whether its polecat is to stand still. The answer comes on reply.
type stilling struct{ reply chan stilled }

// stilled says where a polecat's work was put before it was made to stand still.
type stilled struct {
	frozen bool
	err    error
}

// steady makes every polecat of a rig (all rigs, if it is empty) do as the store says, and says how that went.
func (h *Host) steady(ctx context.Context, rig string, to agents.Halt) string {
	ctx, cancel := context.WithTimeout(ctx, freezeLimit)
	defer cancel()
	h.ring()
	asked := map[*worker]stilling{}
	for _, w := range h.workersNow() {
		if rig != "" && w.rig != rig {
			continue
		}
		q := stilling{make(chan stilled, 1)}
		select {
		case w.still <- q:
			if w.sessionNow() != nil { // else its agent has yet to start, and waits then
				asked[w] = q
			}
		default: // it is about to look
		}
	}
	var still, bad []string
	for w, q := range asked {
		select {
		case s := <-q.reply:
			if s.frozen {
				still = append(still, w.name)
			}
			if s.err != nil {
				bad = append(bad, fmt.Sprintf("%s: %v", w.name, s.err))
			}
		case <-w.done:
		case <-ctx.Done():
			bad = append(bad, w.name+": not yet")
		}
	}
	h.changed()
	return steadyText(still, bad, to)
}

func steadyText(still, bad []string, to agents.Halt) string {
	slices.Sort(still)
	slices.Sort(bad)
	out := ""
	if to == agents.Frozen && len(still) > 0 {
		out = fmt.Sprintf(" (%s; a checkpoint of their work is kept)", strings.Join(still, ", "))
	}
	if len(bad) > 0 {
		out += "; " + strings.Join(bad, "; ")
	}
	return out
}

// halted is what holds for the worker's rig.
func (w *worker) halted() (h agents.Halt, err error) {
	err = w.h.t.store.View(func(tx *store.Tx) (err error) {
		h, err = haltOf(tx, w.rig)
		return err
	})
	return h, err
}

// heed makes the polecat stand still or go on, as the store says. Its work goes to a checkpoint
// first; should that fail, it stands still all the same, as that loses nothing.
func (w *worker) heed() stilled {
	s := w.sessionNow()
	h, err := w.halted()
	if s == nil || err != nil {
		return stilled{err: err}
	}
	switch want := h == agents.Frozen; {
	case want == w.standing():
		return stilled{frozen: want}
	case want:
		kept, kerr := w.checkpoint()
		n, err := s.Proc().Freeze(w.h.ctx)
		if errors.Is(err, proc.ErrGone) {
			return stilled{}
		}
		if err == nil {
			w.setStanding(true)
			w.tell(beads.EvTownFrozen, fmt.Sprintf("%s stands still (%s)%s", w.name, map[bool]string{true: "1 process", false: strconv.Itoa(n) + " processes"}[n == 1], keptAt(kept)))
		}
		return stilled{frozen: err == nil, err: errors.Join(step(kerr, "checkpoint"), err)}
	}
	if err := s.Proc().Thaw(w.h.ctx); err != nil && !errors.Is(err, proc.ErrGone) {
		return stilled{frozen: true, err: err}
	}
	w.setStanding(false)
	w.tell(beads.EvTownResumed, w.name+" goes on")
	return stilled{}
}

func keptAt(r worktree.Rescue) string {
	if r.Ref == "" {
		return ""
	}
	return ", its work is kept on " + r.Ref
}

// standing reports whether the polecat was made to stand still.
func (w *worker) standing() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.frozen
}

func (w *worker) setStanding(on bool) {
	w.mu.Lock()
	w.frozen = on
	w.mu.Unlock()
	w.h.changed()
}

func (w *worker) tell(kind, text string) {
	err := w.h.t.update(func(tx *store.Tx) error {
		return tx.Append(beads.Event{Kind: kind, Actor: "host", Rig: w.rig, Bead: w.bead, Attempt: w.n, Polecat: w.name, Text: text})
	})
	if err != nil {
		w.h.t.deps.Log.Error("record an event", "kind", kind, "polecat", w.name, "err", err)
	}
}

// awaitGoing holds a start back while the rig is frozen.
func (w *worker) awaitGoing() error {
	for {
		h, err := w.halted()
		if err != nil || h != agents.Frozen {
			return err
		}
		select {
		case q := <-w.still:
			q.reply <- stilled{}
		case <-w.ctx.Done():
			return w.ctx.Err()
		}
	}
}

// refuseFrozen is an error while a rig is frozen: what would run must not start.
func (t *Town) refuseFrozen(rig, what string) error {
	return t.store.View(func(tx *store.Tx) error {
		h, err := haltOf(tx, rig)
		if err == nil && h == agents.Frozen {
			return fault.Refusedf("%s: it is frozen", what).WithHint("let it go on first: gastown resume")
		}
		return err
	})
}
