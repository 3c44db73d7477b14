package refinery

import (
	"fmt"
	"time"

	"gastown/beads"
)

// watch looks at the clock: answers that do not come, gates that hang.
func (m *machine) watch() {
	r := m.q.Run
	if r == nil {
		return
	}
	if !r.Stopping && r.Phase == PhaseGate && r.Key != m.key {
		m.stopGate(StopSettings)
		return
	}
	m.watchHung()
	due := overdue(r)
	if m.now.Before(due) {
		return
	}
	switch {
	case r.Stopping:
		m.fail(fmt.Sprintf("gate %q was told to end and does not (pid %d)", m.gateName(r.Gate), r.PID), "end it by hand, then "+m.restart())
		m.forget()
	case r.Phase == PhaseBuild:
		m.forget()
		m.errored(fmt.Sprintf("build candidate: no answer for %s", buildLimit))
	case r.Phase == PhaseLand:
		m.forget()
		m.errored(fmt.Sprintf("land on %s: no answer for %s", m.cfg.Branch, landLimit))
	case r.Phase == PhaseGate:
		m.stopGate(StopOverdue)
	}
}

// overdue is when the run should have had an answer.
func overdue(r *Run) time.Time {
	switch {
	case r.Stopping:
		return r.StopAt.Add(stopLimit)
	case r.Phase == PhaseBuild:
		return r.PhaseSince.Add(buildLimit)
	case r.Phase == PhaseLand:
		return r.PhaseSince.Add(landLimit)
	case r.PID == 0:
		return r.PhaseSince.Add(max(prepareLimit, r.Timeout))
	}
	return r.PhaseSince.Add(r.Timeout + overdueSlack)
}

// watchHung keeps Run.HungSince and Run.Talks true to the facts.
func (m *machine) watchHung() {
	r := m.q.Run
	at, talks := hungAt(m.q, m.cfg)
	if at.IsZero() || m.now.Before(at) {
		r.HungSince, r.Talks = time.Time{}, false
		return
	}
	if !r.HungSince.IsZero() {
		return
	}
	r.HungSince, r.Talks = at, talks
	m.emit(Note{Kind: beads.EvHung, Bead: m.runBead(), N: m.runN(), Text: hungText(m.q, m.gateName(r.Gate), m.now)})
}

func hungText(q Queue, gate string, now time.Time) string {
	return fmt.Sprintf("gate %q: %s", gate, q.Run.stuck(now))
}

// stuck says in what way the running gate hangs.
func (r *Run) stuck(now time.Time) string {
	if r.Talks {
		return fmt.Sprintf("still running after %s", age(now.Sub(r.PhaseSince)))
	}
	return fmt.Sprintf("no output for %s", age(now.Sub(r.lastSign())))
}

// lastSign is when the running gate wrote something last, or began.
func (r *Run) lastSign() time.Time {
	if r.LastOutput.After(r.PhaseSince) {
		return r.LastOutput
	}
	return r.PhaseSince
}

// hungAt is when the running gate counts as hung unless something happens: no
// output for its silence, or, with output (talks), no end for its silence or twice its
// usual time, whichever is longer. Zero: never.
func hungAt(q Queue, cfg Config) (at time.Time, talks bool) {
	r := q.Run
	if r == nil || r.Phase != PhaseGate || r.Stopping || r.Gate >= len(cfg.Gates) {
		return at, false
	}
	g := cfg.Gates[r.Gate]
	_, silence := q.Limit(g)
	silent := r.lastSign().Add(silence)
	stuck := r.PhaseSince.Add(max(silence, 2*q.Usual[g.Name]))
	if stuck.Before(silent) {
		return stuck, stuck.Sub(r.lastSign()) < silence/2 // else it has as good as fallen silent
	}
	return silent, false
}

// Next is when Step needs a Tick at the latest; zero: not before another event.
func Next(q Queue, now time.Time, cfg Config) time.Time {
	if r := q.Run; r != nil {
		next := overdue(r)
		if at, _ := hungAt(q, cfg); r.HungSince.IsZero() && !at.IsZero() && at.Before(next) {
			next = at
		}
		return next
	}
	if q.Stop != nil && q.Stop.Kind == Failed {
		return time.Time{}
	}
	if q.Intent == nil && (cfg.Full || runnable(q, cfg) < 0 && !upstreamDue(q, cfg)) {
		return time.Time{}
	}
	if q.backsOff(now) {
		return q.NotBefore
	}
	return now
}

// Ready reports whether a run begins as soon as there is a place for its gates.
func Ready(q Queue, now time.Time, cfg Config) bool {
	cfg.Full = false
	at := Next(q, now, cfg)
	return q.Run == nil && !at.IsZero() && !at.After(now)
}

// show derives what the contract calls refinery.state.
func (m *machine) show() {
	s, reason, hint := m.state()
	if s != m.q.State {
		m.q.State, m.q.Since = s, m.now
	}
	m.q.Reason, m.q.Hint = reason, hint
}

func (m *machine) state() (s State, reason, hint string) {
	q := &m.q
	r := q.Run
	switch {
	case r != nil && r.Stopping && r.StopWhy == StopRestart:
		return Restarting, "", ""
	case m.stopped(Failed):
		return Failed, q.Stop.Reason, q.Stop.Hint
	case q.Paused:
		reason = "paused"
		if q.PausedBy != "" {
			reason += " by " + q.PausedBy
		}
		if q.PausedFor != "" {
			reason += ": " + q.PausedFor
		}
		return Paused, reason, "run `gastown refinery resume " + q.Rig + "`"
	case q.Upstream.Asks():
		return Paused, q.Upstream.rewrote(), q.Upstream.chooseHint(q.Rig)
	case q.Stop != nil:
		return q.Stop.Kind, q.Stop.Reason, q.Stop.Hint
	case len(m.cfg.Gates) == 0 && !m.cfg.Ungated:
		reason, hint = Gateless(q.Rig)
		return NoGates, reason, hint
	case r == nil && m.cfg.Full && q.LastErr == "" && runnable(*q, m.cfg) >= 0:
		return Idle, "waits for the gates of another rig: as many run as this machine has places for", ""
	case r == nil:
		return Idle, q.LastErr, ""
	case r.Phase == PhaseLand:
		return Landing, again(*q), ""
	case !r.HungSince.IsZero():
		return Hung, hungText(*q, m.gateName(r.Gate), m.now), m.restart() + " restarts it; its timeout ends it otherwise"
	}
	return Gating, again(*q), ""
}

// Gateless says what it means that a rig has no gates, and what helps.
func Gateless(rig string) (reason, hint string) {
	return "no gate is set, so nothing merges", "add one: `gastown rig gate " + rig + " 'COMMAND'`; or accept landing without: `gastown rig ungated " + rig + "`"
}

// again says that what is under way is tried again, and why.
func again(q Queue) string {
	if q.LastErr == "" {
		return ""
	}
	return "tried again after: " + q.LastErr
}

// ProblemKey is the key of the problem that a Refinery in a state which waits for a person is.
func ProblemKey(rig string, s State) string { return "refinery/" + rig + "/" + string(s) }

// problems lists what a person should know of, by key.
func problems(q Queue) []Problem {
	key := "refinery/" + q.Rig + "/"
	var ps []Problem
	if s := q.Stop; s != nil {
		kind := s.Kind
		if s.Kind == Paused {
			kind = "broken"
		}
		ps = append(ps, Problem{Key: ProblemKey(q.Rig, kind), Text: s.Reason, Hint: s.Hint})
	}
	if r := q.Run; r != nil && !r.HungSince.IsZero() {
		ps = append(ps, Problem{Key: ProblemKey(q.Rig, Hung), Text: q.Reason, Hint: q.Hint})
	}
	if q.State == NoGates && len(q.Entries) > 0 {
		ps = append(ps, Problem{Key: ProblemKey(q.Rig, NoGates), Text: q.Reason, Hint: q.Hint})
	}
	if u := q.Upstream; u != nil && u.Why != "" {
		ps = append(ps, Problem{Key: key + "origin/" + short(u.Tip), Text: u.Why, Hint: u.Hint})
	} else if u.Asks() {
		ps = append(ps, Problem{Key: key + "rewritten/" + short(u.Tip), Text: u.rewrote(), Hint: u.chooseHint(q.Rig)})
	}
	for _, e := range q.Entries {
		if e.SaysHint != "" {
			ps = append(ps, Problem{Key: key + "pr/" + string(e.Bead), Text: string(e.Bead) + ": its pull request: " + e.Says, Hint: e.SaysHint})
		}
		if e.Why != "" {
			ps = append(ps, Problem{Key: key + "aside/" + string(e.Bead), Text: string(e.Bead) + ": " + e.Why, Hint: e.Hint})
		}
	}
	return ps
}

// tellStop notes that the queue stopped by itself in this step: a pause that a person did not ask for
// is in the log like one that they did.
func (m *machine) tellStop(before *Stop) {
	if s := m.q.Stop; s != nil && (before == nil || before.Kind != s.Kind || before.Commit != s.Commit) {
		m.emit(Note{Kind: beads.EvPaused, Text: "merge queue stopped: " + s.Reason})
	}
}

// report tells which problems began and ended in this step.
func (m *machine) report(before []Problem) {
	after := problems(m.q)
	has := func(ps []Problem, key string) bool {
		for _, p := range ps {
			if p.Key == key {
				return true
			}
		}
		return false
	}
	for _, p := range before {
		if !has(after, p.Key) {
			m.emit(ProblemGone{Key: p.Key})
		}
	}
	for _, p := range after {
		if !has(before, p.Key) {
			m.emit(p)
		}
	}
}

// restart is how a person starts the Refinery anew, from a shell and on the screen.
func (m *machine) restart() string {
	return "`gastown refinery restart " + m.q.Rig + "` (r on the screen)"
}
