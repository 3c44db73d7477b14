package refinery

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"gastown/beads"
)

// allowance is how long an entry of a priority lets later ones of a higher priority
// pass it: earliest deadline first, so nothing starves. A P0 is what mends or reverts, so
// it goes before all but what has been due for half a day: bounded, as all are.
func allowance(priority int) time.Duration {
	table := [...]time.Duration{-12 * time.Hour, 10 * time.Minute, 30 * time.Minute, 100 * time.Minute, 300 * time.Minute}
	return table[min(max(priority, 0), len(table)-1)]
}

// Deadline orders the queue: the first submission of the bead plus what its
// priority allows.
func (e Entry) Deadline() time.Time { return e.SubmittedAt.Add(allowance(e.Priority)) }

// Ordered is the queue in the order it is worked, whatever each entry waits for.
func Ordered(q Queue) []Entry {
	es := slices.Clone(q.Entries)
	slices.SortStableFunc(es, inOrder)
	return es
}

func inOrder(a, b Entry) int {
	return cmp.Or(a.Deadline().Compare(b.Deadline()), strings.Compare(string(a.Bead), string(b.Bead)))
}

func before(a, b Entry) bool { return inOrder(a, b) < 0 }

// Position is the place of a bead in the queue from 1, or 0.
func Position(q Queue, bead beads.ID) int {
	return 1 + slices.IndexFunc(Ordered(q), func(e Entry) bool { return e.Bead == bead })
}

// Landing reports whether the landing of a bead was decided: it can no more be
// dropped or replaced.
func (q Queue) Landing(bead beads.ID) bool {
	return q.Intent != nil && slices.ContainsFunc(q.Intent.Parts, func(p Part) bool { return p.Bead == bead })
}

func index(q Queue, bead beads.ID) int {
	return slices.IndexFunc(q.Entries, func(e Entry) bool { return e.Bead == bead })
}

// runnable is the index of the entry to work on next, or -1.
func runnable(q Queue, cfg Config) int {
	batch, _ := take(q, cfg)
	if len(batch) == 0 {
		return -1
	}
	return index(q, batch[0].Bead)
}

// eligible reports whether an entry can be worked on after those before it in its
// batch.
func eligible(q Queue, e Entry, batch []Entry) bool {
	if e.State != EntryQueued || e.Held || waitsFor(q, e, batch) != "" {
		return false
	}
	if q.Stop == nil {
		return true
	}
	// The target is red: only what may be its fix, and each once.
	return e.RedOn != q.Stop.Commit && (e.Priority == 0 || e.QueuedAt.After(q.Stop.At))
}

// waitsFor is the queued blocker of an entry that is not in the batch before it, or
// "". One that waits for the entry itself is not counted: a circle would stand for ever.
func waitsFor(q Queue, e Entry, batch []Entry) beads.ID {
	for _, n := range e.Needs {
		if slices.ContainsFunc(batch, func(b Entry) bool { return b.Bead == n }) {
			continue
		}
		if n != e.Bead && index(q, n) >= 0 && !needs(q, n, e.Bead, map[beads.ID]bool{}) {
			return n
		}
	}
	return ""
}

// needs reports whether a needs b, directly or not, within the queue.
func needs(q Queue, a, b beads.ID, seen map[beads.ID]bool) bool {
	i := index(q, a)
	if i < 0 || seen[a] {
		return false
	}
	seen[a] = true
	for _, n := range q.Entries[i].Needs {
		if n == b || needs(q, n, b, seen) {
			return true
		}
	}
	return false
}

// WhyNot says in one sentence why a bead has not landed.
func WhyNot(q Queue, bead beads.ID, now time.Time) string {
	i := index(q, bead)
	if i < 0 {
		for _, l := range q.Landed {
			if l.Bead == bead {
				return fmt.Sprintf("%s landed as %s.", bead, short(l.Commit))
			}
		}
		return fmt.Sprintf("%s is not in the merge queue.", bead)
	}
	e := q.Entries[i]
	switch e.State {
	case EntryHeld:
		if e.Why != "" {
			return fmt.Sprintf("%s is held: %s.", bead, e.Why)
		}
		if e.HeldBy != "" {
			return fmt.Sprintf("%s is held by %s.", bead, e.HeldBy)
		}
		return fmt.Sprintf("%s is held.", bead)
	case EntryApprove:
		if e.AskWhy != "" {
			return fmt.Sprintf("%s is green and waits for a person's yes: %s.", bead, e.AskWhy)
		}
		return fmt.Sprintf("%s is green and waits for a person's yes.", bead)
	case EntryPR:
		return whyProposed(e)
	case EntryLanding:
		return tried(q, fmt.Sprintf("%s is being landed", bead))
	case EntryGating:
		return whyGating(q, bead, now)
	}
	return whyQueued(q, e, now)
}

// tried ends a sentence about what is under way with why it is so again.
func tried(q Queue, text string) string {
	if why := again(q); why != "" {
		text += ", " + why
	}
	return text + "."
}

func whyProposed(e Entry) string {
	text := fmt.Sprintf("%s waits for the forge to merge %s", e.Bead, e.PR)
	if e.PR == "" {
		text = fmt.Sprintf("%s is green, and its pull request is being opened", e.Bead)
	}
	if e.Says != "" {
		text += ": " + e.Says
	}
	return text + "."
}

func whyGating(q Queue, bead beads.ID, now time.Time) string {
	r := q.Run
	switch {
	case r == nil:
		return fmt.Sprintf("%s is next.", bead)
	case r.Stopping:
		return fmt.Sprintf("the gate of %s is being ended (%s).", bead, r.StopWhy)
	case r.Phase == PhaseBuild:
		return tried(q, fmt.Sprintf("%s is being merged with the target", bead))
	case !r.HungSince.IsZero():
		return fmt.Sprintf("the gate of %s looks hung: %s.", bead, r.stuck(now))
	}
	with := ""
	switch n := len(r.Parts) - 1; {
	case n > 0 && r.Of > 0:
		with = fmt.Sprintf(" and %d more, half of %d that are red together,", n, r.Of)
	case n > 0:
		with = fmt.Sprintf(" and %d more", n)
	case r.Of > 0:
		with = fmt.Sprintf(", one of %d that are red together,", r.Of)
	}
	return fmt.Sprintf("gate %q of %s%s has been running for %s of at most %s.", r.GateName, bead, with, age(now.Sub(r.PhaseSince)), age(r.Timeout))
}

func whyQueued(q Queue, e Entry, now time.Time) string {
	if q.State == Failed || q.State == Paused || q.State == NoGates || q.State == MainRed && !eligible(q, e, nil) {
		return fmt.Sprintf("the merge queue does not move: %s.", q.Reason)
	}
	if n := waitsFor(q, e, nil); n != "" {
		return fmt.Sprintf("%s waits for %s, which must land first.", e.Bead, n)
	}
	if q.Run != nil && q.Run.Upstream != "" {
		return fmt.Sprintf("what the origin gained is being tested first; %s waits for its turn.", e.Bead)
	}
	if q.Run != nil && len(q.Run.Parts) == 0 && q.Run.Phase == PhaseGate {
		return fmt.Sprintf("the target itself is being gated, because a candidate failed on it; %s waits for its turn.", e.Bead)
	}
	if q.Run == nil && q.backsOff(now) {
		return fmt.Sprintf("the Refinery tries again in %s: %s.", age(q.NotBefore.Sub(now)), q.LastErr)
	}
	if q.Run == nil && q.State == Idle && q.Reason != "" && q.LastErr == "" {
		return fmt.Sprintf("%s %s.", e.Bead, q.Reason)
	}
	switch n := ahead(q, e); n {
	case 0:
		return fmt.Sprintf("%s is next.", e.Bead)
	case 1:
		return fmt.Sprintf("%s waits for its turn; one goes first.", e.Bead)
	default:
		return fmt.Sprintf("%s waits for its turn; %d go first.", e.Bead, n)
	}
}

// ahead counts who goes before an entry: what waits for a person is passed by.
func ahead(q Queue, e Entry) int {
	n := 0
	for _, o := range Ordered(q) {
		switch {
		case o.Bead == e.Bead:
			return n
		case o.State == EntryQueued || o.State == EntryGating || o.State == EntryLanding:
			n++
		}
	}
	return n
}
