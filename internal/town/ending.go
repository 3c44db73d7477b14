package town

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"gastown/agents"
	"gastown/beads"
	"gastown/beads/store"
	"gastown/worktree"
)

// recordEnd writes what became of the attempt and what its bead starts from next.
func (w *worker) recordEnd(ctx context.Context, e ending, r worktree.Rescue, kept bool) error {
	now := w.h.t.deps.Now()
	did, err := w.ownWork(ctx, r)
	if err != nil { // the numbers are for the eye; what they count is kept
		w.h.t.deps.Log.Warn("count what was done", "attempt", beads.AttemptKey(w.bead, w.n), "err", err)
	}
	return w.h.t.update(func(tx *store.Tx) error {
		b, err := tx.Bead(w.bead)
		if err != nil {
			return err
		}
		end := w.ending(e, b, r, kept, did, now)
		if _, _, err = store.Step(tx, w.bead, w.n, end.on, now, end.edit); err != nil {
			return err
		}
		if err := w.countStart(tx, e, kept, end.why, now); err != nil {
			return err
		}
		if e.kind == endSetup {
			if err := w.h.setupFails(tx, w.rigFault); err != nil {
				return err
			}
		}
		evs := []beads.Event{{Kind: end.kind, Actor: end.by, Text: end.text, Reason: e.why}}
		if end.on == beads.Ask {
			evs = append(evs, beads.Event{Kind: beads.EvNeedsYou, Actor: "host", Text: fmt.Sprintf("%s needs you: %s", w.bead, end.why)})
		}
		if kept {
			evs = append(evs, beads.Event{Kind: beads.EvRescued, Actor: "host", Text: fmt.Sprintf("kept the work of %s on %s", w.name, r.Ref)})
		}
		for _, ev := range evs {
			ev.Rig, ev.Bead, ev.Attempt, ev.Polecat = w.rig, w.bead, w.n, w.name
			if err := tx.Append(ev); err != nil {
				return err
			}
		}
		return nil
	})
}

// ownWork is what the attempt did itself, by what was kept of it: not what it began with.
func (w *worker) ownWork(ctx context.Context, r worktree.Rescue) (l look, err error) {
	a, _, err := w.attempt()
	if err != nil || r.Commit == "" || a.Base == "" {
		return l, err
	}
	repo, err := w.h.t.repo(ctx, w.rig)
	if err != nil {
		return l, err
	}
	ctx, cancel := context.WithTimeout(ctx, gitLimit)
	defer cancel()
	began := cmp.Or(a.Began, a.Base)
	if l.commits, err = repo.CountCommits(ctx, began, r.Head, a.Base); err != nil {
		return l, err
	}
	l.dirty = len(r.Files)
	if in, err := repo.IsAncestor(ctx, a.Base, began); err != nil || !in {
		began = a.Base // it had to merge that itself: what came with it is no work of its own
	}
	l.Stat, err = worktree.Changed(ctx, repo, began, r.Commit)
	return l, err
}

// verdict is an ending put into the words of the tables.
type verdict struct {
	on   beads.Action
	kind string // of the event
	by   string
	text string
	why  string
	edit func(*beads.Bead, *beads.Attempt)
}

func (w *worker) ending(e ending, b *beads.Bead, r worktree.Rescue, kept bool, did look, now time.Time) verdict {
	v := verdict{on: beads.Lose, kind: beads.EvLost, by: "host", why: e.why}
	next := func(a *beads.Attempt) *beads.Start {
		if !kept {
			return a.Start
		}
		s := &beads.Start{Rescue: r.Ref, Same: w.name, Session: a.Session}
		if a.Start != nil {
			s.Note, s.Rejected = a.Start.Note, a.Start.Rejected
		}
		return s
	}
	finish := func(a *beads.Attempt) {
		a.Why, a.Log = v.why, w.log
		if kept {
			a.Rescue = r.Ref
		}
		a.Commits, a.Files, a.Added, a.Removed, a.Dirty = did.commits, did.Files, did.Added, did.Removed, did.dirty
	}
	switch e.kind {
	case endKill:
		v.on, v.kind, v.by = beads.Kill, beads.EvKilled, e.by
		v.text = fmt.Sprintf("%s killed %s; %s waits for a sling", e.by, w.name, w.bead)
		v.edit = func(b *beads.Bead, a *beads.Attempt) {
			finish(a)
			b.Next, b.Sling, b.Stopped = a.Start, nil, true
		}
	case endReassign:
		v.on, v.kind, v.by = beads.Kill, beads.EvKilled, e.by
		v.text = fmt.Sprintf("%s took %s from %s", e.by, w.bead, w.name)
		v.edit = func(b *beads.Bead, a *beads.Attempt) {
			finish(a)
			b.Next = handOff(next(a), w.name, e.note)
			b.Sling, b.Stopped = nil, e.nobody
			if !e.nobody {
				b.Sling = &beads.Sling{At: now.UTC(), By: e.by, Polecat: e.to}
			}
			if e.agent != "" {
				b.Agent, b.Next.Session = e.agent, ""
			}
		}
	case endShutdown, endSetup:
		v.text = fmt.Sprintf("%s stopped with the host; %s goes on when it is up", w.name, w.bead)
		if e.kind == endSetup {
			v.text = fmt.Sprintf("%s did not start on %s, which waits until it can", w.name, w.bead)
		}
		v.edit = func(b *beads.Bead, a *beads.Attempt) {
			finish(a)
			b.Failures-- // neither the agent's doing nor the bead's
			b.Next, b.Sling = again(next(a), w.name), slungAgain(a, "host", now)
		}
	default:
		v.why = w.exitText(e)
		v.text = fmt.Sprintf("%s on %s %s", w.name, w.bead, v.why)
		if b.Failures+1 >= agents.MaxFailures {
			v.on = beads.Ask
		}
		v.edit = func(b *beads.Bead, a *beads.Attempt) {
			finish(a)
			a.Exit = v.why
			b.Next = next(a)
			if v.on == beads.Ask {
				b.Failures++
				b.Reason, b.Sling = fmt.Sprintf("%d attempts in a row failed; the last %s", b.Failures, v.why), nil
				return
			}
			wait := agents.Backoff(b.Failures+1, w.h.t.deps.Rand())
			b.Sling = slungAgain(a, "host", now)
			b.Sling.NotBefore = now.Add(wait).UTC()
		}
	}
	return v
}

// slungAgain is the wish that an attempt was begun for, once more; else, as where a convoy began it, one of by.
func slungAgain(a *beads.Attempt, by string, now time.Time) *beads.Sling {
	if a.Slung == nil {
		return &beads.Sling{At: now.UTC(), By: by}
	}
	return &beads.Sling{At: a.Slung.At, By: a.Slung.By}
}

// again is a start by the same polecat.
func again(s *beads.Start, polecat string) *beads.Start {
	out := beads.Start{}
	if s != nil {
		out = *s
	}
	out.Same = polecat
	return &out
}

// handOff adds the note for the next polecat.
func handOff(s *beads.Start, from, note string) *beads.Start {
	out := beads.Start{}
	if s != nil {
		out = *s
	}
	out.Same = ""
	if note == "" {
		note = "the work so far is in the worktree, uncommitted changes included."
	}
	out.Note = strings.TrimSpace(out.Note + "\nTaken over from " + from + ": " + note)
	return &out
}

// exitText says in words how an attempt failed, with the last line that its program printed. It goes on
// from the polecat's name.
func (w *worker) exitText(e ending) string {
	if e.why != "" {
		return e.why
	}
	s := w.sessionNow()
	if s == nil {
		return "could not start"
	}
	text := fmt.Sprintf("ended without gastown done (%s)", s.Exit())
	if w.remade {
		text = fmt.Sprintf("lost its worktree, which was deleted, and ended (%s)", s.Exit())
	}
	if line := lastPrinted(s.Tail(20), w.h.sizeNow().Cols); line != "" {
		text += "; it last printed: " + line
	}
	return text
}

// lastPrinted is the last line of a terminal of so many columns, put together again where it was
// wrapped. A row that ends with a border is whole: a program drew it.
func lastPrinted(rows []string, cols int) string {
	for i := len(rows) - 1; i >= 0; i-- {
		if strings.TrimSpace(rows[i]) == "" {
			continue
		}
		line := rows[i]
		for ; i > 0 && utf8.RuneCountInString(rows[i-1]) >= cols && !drawn(rows[i-1]); i-- {
			line = rows[i-1] + line
		}
		return beads.Clean(line, 160)
	}
	return ""
}

// drawn reports whether a row ends with a character of a box.
func drawn(row string) bool {
	r, _ := utf8.DecodeLastRuneInString(row)
	return r >= 0x2500 && r <= 0x259f
}

// countStart keeps the breaker of the agent's preset: an agent that ended at once without
// doing anything failed to start.
func (w *worker) countStart(tx *store.Tx, e ending, kept bool, why string, now time.Time) error {
	if e.kind != endExit || !w.tried {
		return nil
	}
	a, err := tx.Attempt(w.bead, w.n)
	if err != nil {
		return err
	}
	breakers := map[string]agents.Breaker{}
	if _, err := tx.GetKV(kvBreakers, &breakers); err != nil {
		return err
	}
	br := breakers[a.Preset]
	if kept || !a.StartedAt.IsZero() && now.Sub(a.StartedAt) >= agents.QuickEnd {
		return resetBreaker(tx, a.Preset)
	}
	br = br.Failed(w.bead, why, now.UTC())
	breakers[a.Preset] = br
	if br.Open() {
		err = tx.PutNotice(&beads.Notice{Key: "breaker/" + a.Preset, At: now.UTC(), Rig: w.rig, Text: fmt.Sprintf("agent %s failed to start on %d beads in a row: %s", a.Preset, len(br.Beads), why), Hint: "mend it, then sling a bead again"})
	}
	return errors.Join(err, tx.PutKV(kvBreakers, breakers))
}
