package refinery

import (
	"fmt"
	"slices"
	"time"

	"gastown/beads"
)

func (m *machine) onSubmit(ev Submit) {
	e := ev.Entry
	e.Needs = slices.Clone(e.Needs)
	if e.QueuedAt.IsZero() {
		e.QueuedAt = m.now
	}
	if e.SubmittedAt.IsZero() {
		e.SubmittedAt = e.QueuedAt
	}
	if t, ok := m.q.First[e.Bead]; ok && t.Before(e.SubmittedAt) {
		e.SubmittedAt = t
	}
	e.State, e.Since = EntryQueued, m.now
	if e.Held {
		e.State = EntryHeld
	}
	i := index(m.q, e.Bead)
	if i < 0 {
		m.q.Entries = append(m.q.Entries, e)
		m.urgent(e)
		return
	}
	old := m.q.Entries[i]
	if old.N >= e.N || m.q.Landing(e.Bead) {
		return
	}
	m.interruptFor(e.Bead)
	if old.SubmittedAt.Before(e.SubmittedAt) {
		e.SubmittedAt = old.SubmittedAt
	}
	m.q.Entries[i] = e
	m.urgent(e)
}

func (m *machine) onHold(ev Hold) {
	i := index(m.q, ev.Bead)
	if i < 0 {
		return
	}
	e := &m.q.Entries[i]
	if e.Held && (e.PersonHeld || !ev.Person) {
		return
	}
	e.Held, e.HeldBy, e.PersonHeld = true, ev.By, ev.Person
	m.changed(ev.Bead, ev.By, "held "+string(ev.Bead))
	if m.q.Landing(ev.Bead) {
		return
	}
	m.interruptFor(ev.Bead)
	m.enter(&m.q.Entries[i], EntryHeld)
}

func (m *machine) onRelease(ev Release) {
	i := index(m.q, ev.Bead)
	if i < 0 || !m.q.Entries[i].Held {
		return
	}
	e := &m.q.Entries[i]
	if e.PersonHeld && !ev.Person {
		m.changed(ev.Bead, ev.By, fmt.Sprintf("%s stays held: that is for the person to say", ev.Bead))
		return
	}
	if e.Carries != "" {
		e.Let, e.Carries = append(e.Let, e.Carries), ""
	}
	e.Held, e.HeldBy, e.PersonHeld, e.Why, e.Hint = false, "", false, "", ""
	m.changed(ev.Bead, ev.By, "released "+string(ev.Bead))
	if e.Green != nil && !e.Approved && e.State == EntryHeld {
		m.enter(e, EntryApprove)
		return
	}
	if e.State == EntryHeld {
		m.enter(e, EntryQueued)
	}
}

func (m *machine) onApprove(ev Approve) {
	i := index(m.q, ev.Bead)
	if i < 0 || m.q.Entries[i].State != EntryApprove || m.q.Entries[i].Green == nil {
		return
	}
	e := &m.q.Entries[i]
	if ev.Tree != "" && ev.Tree != e.Green.Tree {
		m.changed(ev.Bead, ev.By, "not approved: it is another tree by now, "+short(e.Green.Tree))
		return
	}
	e.Approved, e.Yes = true, e.Green.Change
	m.changed(ev.Bead, ev.By, "approved "+short(e.Green.Tree))
	m.enter(e, EntryQueued)
}

// onAsk has its candidate built anew: what a yes is for is found out with it. One that needs no yes any more goes on
// with what is known green.
func (m *machine) onAsk(ev Ask) {
	i := index(m.q, ev.Bead)
	if i < 0 || m.q.Entries[i].AskFirst == (ev.Why != "") || m.q.Landing(ev.Bead) {
		return
	}
	if e := &m.q.Entries[i]; ev.Why == "" {
		e.AskFirst, e.AskWhy, e.Approved, e.Yes, e.Green = false, "", false, "", nil
		m.changed(ev.Bead, "", "needs no yes any more")
		if e.State == EntryApprove {
			m.enter(e, EntryQueued)
		}
		return
	}
	m.q.Entries[i].AskFirst, m.q.Entries[i].AskWhy = true, oneLine(ev.Why)
	m.interruptFor(ev.Bead)
	m.changed(ev.Bead, "", "needs a person's yes: "+oneLine(ev.Why))
}

func (m *machine) onDrop(ev Drop) {
	i := index(m.q, ev.Bead)
	if i < 0 {
		delete(m.q.First, ev.Bead)
		return
	}
	if m.q.Landing(ev.Bead) {
		m.changed(ev.Bead, ev.By, "not dropped: it is landing")
		return
	}
	m.interruptFor(ev.Bead)
	m.remove(i)
	delete(m.q.First, ev.Bead)
	m.q.Bounced++
	m.changed(ev.Bead, ev.By, "dropped from the queue")
}

// onReject sends an entry back by somebody's word.
func (m *machine) onReject(ev Reject) {
	i := index(m.q, ev.Bead)
	if i < 0 {
		return
	}
	if m.q.Landing(ev.Bead) {
		m.changed(ev.Bead, ev.By, "not sent back: it is landing")
		return
	}
	m.interruptFor(ev.Bead)
	m.rejected(i, SendBack{Why: "sent back by " + ev.By, Log: ev.Text, By: ev.By, Person: ev.Person})
}

func (m *machine) changed(bead beads.ID, by, text string) {
	m.emit(Note{Kind: beads.EvQueueChanged, Bead: bead, By: by, Text: text})
}

func (m *machine) onPause(ev Pause) {
	if m.q.Paused && (m.q.PersonPaused || !ev.Person) {
		return
	}
	m.q.Paused, m.q.PausedBy, m.q.PausedFor, m.q.PersonPaused = true, ev.By, oneLine(ev.Reason), ev.Person
	m.emit(Note{Kind: beads.EvPaused, By: ev.By, Text: "merge queue paused", Reason: m.q.PausedFor})
	m.interrupt(StopPause)
}

func (m *machine) onResume(ev Resume) {
	m.retryUpstream()
	if !m.q.Paused && m.q.Stop == nil {
		return
	}
	if m.stopped(MainRed) {
		m.forgetRed()
	}
	m.clearStop()
	if m.q.Moved() && !m.q.Paused {
		return // a restart puts the target back
	}
	if m.q.Paused && m.q.PersonPaused && !ev.Person {
		m.emit(Note{Kind: beads.EvPaused, By: ev.By, Text: fmt.Sprintf("merge queue stays paused: %s paused it", m.q.PausedBy)})
		return
	}
	m.q.Paused, m.q.PausedBy, m.q.PausedFor, m.q.PersonPaused = false, "", "", false
	m.emit(Note{Kind: beads.EvResumed, By: ev.By, Text: "merge queue resumed"})
}

func (m *machine) onRestart(ev Restart) {
	m.q.Restarts = append(m.q.Restarts, m.now)
	if over := len(m.q.Restarts) - keepRestarts; over > 0 {
		m.q.Restarts = slices.Delete(m.q.Restarts, 0, over)
	}
	m.q.Fresh, m.q.Churn = true, nil
	m.forgetRed()
	m.clearStop()
	text := "merge queue restarted"
	if r := m.q.Run; r != nil && r.Phase == PhaseGate {
		text = fmt.Sprintf("gate %q ended after %s and started over", m.gateName(r.Gate), age(m.now.Sub(r.PhaseSince)))
	}
	m.emit(Note{Kind: beads.EvRestarted, By: ev.By, Text: text})
	m.interrupt(StopRestart)
}

// interrupt ends the run in progress. A candidate being built is forgotten at once:
// the answer will be stale. A landing is left alone.
func (m *machine) interrupt(why StopReason) {
	r := m.q.Run
	if r == nil {
		return
	}
	switch r.Phase {
	case PhaseBuild:
		m.forget()
	case PhaseGate:
		m.stopGate(why)
	}
}

func (m *machine) interruptFor(bead beads.ID) {
	if r := m.q.Run; r != nil && r.has(bead) {
		m.interrupt(StopEntry)
	}
}

func (m *machine) stopGate(why StopReason) {
	r := m.q.Run
	if r.Stopping {
		if why == StopRestart || r.StopWhy == StopOverdue {
			r.StopWhy = why
		}
		return
	}
	r.Stopping, r.StopWhy, r.StopAt, r.HungSince = true, why, m.now, time.Time{}
	m.emit(StopGate{Seq: r.Seq, Quit: why == StopRestart || why == StopOverdue})
}

// oneLine keeps a text that came from elsewhere to one line of a notice.
func oneLine(s string) string {
	const most = 300 // wider than any line it is shown on
	out := make([]rune, 0, len(s))
	for _, r := range s {
		if r < 0x20 || r == 0x7f || r >= 0x80 && r < 0xa0 {
			r = ' '
		}
		if len(out) == most {
			return string(out) + "…"
		}
		out = append(out, r)
	}
	return string(out)
}

// age is a duration for a person.
func age(d time.Duration) time.Duration {
	if d < time.Minute {
		return d.Round(100 * time.Millisecond)
	}
	return d.Round(time.Second)
}
