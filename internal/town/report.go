package town

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"gastown/agents"
	agentrun "gastown/agents/run"
	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/api"
	"gastown/internal/fault"
)

// kvLimits is the ends of the usage limits that agents are at, by preset.
const kvLimits = "limits"

// report is what an agent's program says of itself. Most reports change nothing and write nothing.
func (t *Town) report(_ context.Context, who api.Caller, r api.ReportReq) (out api.Ack, err error) {
	s := agents.Sign{Doing: agents.Doing(r.State), Text: beads.Clean(r.Text, 300), Prompt: r.Prompt, Until: r.Until}
	switch s.Doing {
	case agents.Works, agents.Limits:
	case agents.Asks:
		if s.Prompt != beads.AtPrompt {
			s.Prompt = beads.AtDialog
		}
		if s.Text == "" {
			s.Text = "something: look at its terminal"
		}
	default:
		return out, fault.Usagef("report: state %q: want working, asking or limited", r.State)
	}
	switch who.Role {
	case "mayor":
		return t.mayorReports(s)
	case "polecat":
		return t.polecatReports(who, s)
	}
	return out, fault.Refusedf("report: only an agent's program can say this")
}

func (t *Town) polecatReports(who api.Caller, s agents.Sign) (out api.Ack, err error) {
	heed := func(tx *store.Tx) (*beads.Attempt, *beads.Attempt, bool, error) {
		a, _, err := t.me(tx, who)
		if err != nil {
			return nil, nil, false, err
		}
		next, changed, err := agents.Heed(a, s, t.deps.Now())
		return a, next, changed, refuse(err)
	}
	w, err := t.worker(who.Name)
	if err == nil && s.Doing == agents.Asks { // what runs now is not what it asks for
		w.asks(s.Text)
	}
	if err == nil && s.Doing == agents.Works {
		w.works(s.Did())
	}
	changed := false
	err = t.store.View(func(tx *store.Tx) error {
		_, _, changed, err = heed(tx)
		return err
	})
	if err != nil || !changed {
		return api.Ack{Msg: "noted"}, err
	}
	err = t.update(func(tx *store.Tx) error {
		a, next, changed, err := heed(tx)
		if err != nil || !changed {
			return err
		}
		if err := tx.PutAttempt(next); err != nil {
			return err
		}
		switch {
		case next.State == beads.Limited:
			return errors.Join(t.limit(tx, next.Preset, next.Polecat, next.LimitedUntil), tx.Append(signEvent(beads.EvLimited, next, "is at its usage limit until "+next.LimitedUntil.Local().Format("15:04"))))
		case next.State == beads.Asking:
			return tx.Append(signEvent(beads.EvAsked, next, "asks in its terminal: "+next.Question))
		case a.State == beads.Asking:
			return tx.Append(signEvent(beads.EvAnswered, next, "goes on"))
		case a.State == beads.Limited: // its model answers again, or is about to be asked
			return errors.Join(unlimit(tx, next.Preset), tx.Append(signEvent(beads.EvUnlimited, next, "goes on after its usage limit")))
		}
		return nil
	})
	return api.Ack{Msg: "noted"}, err
}

func signEvent(kind string, a *beads.Attempt, text string) beads.Event {
	return beads.Event{Kind: kind, Actor: a.Polecat, Rig: a.Rig, Bead: a.Bead, Attempt: a.N, Polecat: a.Polecat, Text: a.Polecat + " " + text}
}

// mayorReports notes the Mayor's limit: its account is the polecats' too.
func (t *Town) mayorReports(s agents.Sign) (out api.Ack, err error) {
	out.Msg = "noted"
	if s.Doing != agents.Limits {
		return out, nil
	}
	preset, _, _ := strings.Cut(t.mayorInfo().Agent, ":")
	until := s.LimitEnd(t.deps.Now())
	return out, t.update(func(tx *store.Tx) error {
		return errors.Join(t.limit(tx, preset, "mayor", until), tx.Append(beads.Event{Kind: beads.EvLimited, Actor: "mayor", Text: "the Mayor is at its usage limit until " + until.Local().Format("15:04")}))
	})
}

// limitsOf are the limits that hold at now, by preset.
func limitsOf(tx *store.Tx, now time.Time) (map[string]time.Time, error) {
	all := map[string]time.Time{}
	_, err := tx.GetKV(kvLimits, &all)
	maps.DeleteFunc(all, func(_ string, until time.Time) bool { return !until.After(now) })
	return all, err
}

// limit notes that nothing of a preset starts before until.
func (t *Town) limit(tx *store.Tx, preset, by string, until time.Time) error {
	all, err := limitsOf(tx, t.deps.Now())
	if err != nil {
		return fmt.Errorf("limit of %s, by %s: %w", preset, by, err)
	}
	if until.After(all[preset]) {
		all[preset] = until.UTC()
	}
	return tx.PutKV(kvLimits, all)
}

// unlimit forgets the limit of a preset.
func unlimit(tx *store.Tx, preset string) error {
	all := map[string]time.Time{}
	if _, err := tx.GetKV(kvLimits, &all); err != nil {
		return err
	}
	if _, ok := all[preset]; !ok {
		return nil
	}
	delete(all, preset)
	return tx.PutKV(kvLimits, all)
}

// limitList is the limits as status has them.
func limitList(tx *store.Tx, now time.Time) ([]api.Limit, error) {
	all, err := limitsOf(tx, now)
	out := []api.Limit{}
	for _, preset := range slices.Sorted(maps.Keys(all)) {
		out = append(out, api.Limit{Agent: preset, Until: all[preset]})
	}
	return out, err
}

// wakeLimited starts the agents again whose limit is over and that did not go on by themselves. It
// says when to look again; zero: there is none.
func (h *Host) wakeLimited() time.Time {
	var due []string
	var next time.Time
	err := h.t.store.View(func(tx *store.Tx) error {
		live, err := tx.LiveAttempts()
		if err != nil {
			return err
		}
		due, next = agents.Overdue(live, h.t.deps.Now())
		limits, err := limitsOf(tx, h.t.deps.Now())
		for _, until := range limits { // the screen says until when
			next = sooner(next, until)
		}
		return err
	})
	if err != nil {
		h.t.deps.Log.Error("look for limited agents", "err", err)
		return h.t.deps.Now().Add(time.Second)
	}
	workers := h.workersNow()
	for _, key := range due {
		if w := workers[key]; w != nil {
			w.request(ending{kind: endRestart, by: "host", why: "its usage limit is over"})
		}
	}
	return next
}

// sooner is the earlier of two times; zero is never.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// dialogWatch finds out that a dialog in an agent's terminal was answered though nothing says so
// yet: what it asked for runs.
type dialogWatch struct {
	question string
	before   []int // the program's own children when it asked
	new      []int // those that were not there at the last look
}

// answered looks at the children of the program. A command that was allowed is a new one that
// stays for two looks; hooks and helpers are gone by then.
func (d *dialogWatch) answered(question string, children []int) bool {
	if d.question != question {
		return false // it asked while nobody looked, or something else since
	}
	var fresh []int
	for _, pid := range children {
		if slices.Contains(d.before, pid) {
			continue
		}
		if slices.Contains(d.new, pid) {
			return true
		}
		fresh = append(fresh, pid)
	}
	d.new = fresh
	return false
}

// asks notes what the program runs while it asks.
func (w *worker) asks(question string) {
	s := w.sessionNow()
	if s == nil {
		return
	}
	children := s.Proc().Children()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dialog = dialogWatch{question: question, before: children}
}

// works notes what the program says it did last; empty: a new turn.
func (w *worker) works(did string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tells = true
	if did != "" {
		w.did = did
	}
}

// doing is what the polecat does, in one line: what its program said it did last, or, of one that
// says nothing of itself, the newest line of its terminal.
func (w *worker) doing(s *agentrun.Session) string {
	w.mu.Lock()
	tells, did := w.tells, w.did
	w.mu.Unlock()
	if tells {
		return did
	}
	return lastPrinted(s.Tail(20), w.h.sizeNow().Cols)
}

// watchDialog looks after a polecat that asks in a dialog.
func (w *worker) watchDialog() {
	s := w.sessionNow()
	a, _, err := w.attempt()
	if err != nil || s == nil || a.State != beads.Asking || a.AtTerminal != beads.AtDialog {
		return
	}
	children := s.Proc().Children()
	w.mu.Lock()
	answered := w.dialog.answered(a.Question, children)
	w.mu.Unlock()
	if !answered {
		return
	}
	who := api.Caller{Name: w.name, Role: "polecat", Rig: w.rig, Bead: string(w.bead), Attempt: w.n}
	if _, err := w.h.t.polecatReports(who, agents.Sign{Doing: agents.Works, Text: a.Question}); err != nil && !fault.Is(err, fault.Refused) {
		w.h.t.deps.Log.Error("note an answered dialog", "polecat", w.name, "err", err)
	}
}
