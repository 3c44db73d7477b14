package refinery

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"gastown/beads"
)

// Limits of the state machine itself. They bound how long the queue can wait for an
// answer that does not come; all are far above what the steps take.
const (
	buildLimit   = 2 * time.Minute  // building a candidate takes milliseconds
	landLimit    = 2 * time.Minute  // and so does moving a ref
	prepareLimit = 10 * time.Minute // checking out a large tree
	overdueSlack = 15 * time.Second // after a gate's timeout, for the runner to end it
	stopLimit    = 10 * time.Second // for a told gate to end; the runner needs under 1 s
	errWindow    = 30 * time.Second // suture's decay: this many errors in it are a failure
	errsInWindow = 3
	errsInRow    = 6 // slower errors than that, without one success between
	maxBackoff   = 16 * time.Second
	keepVerdicts = 64
	keepLanded   = 50
	keepRestarts = 20
)

// Step is the whole Refinery: it takes the queue, one event and the time and gives
// the next queue and what to do. It is total, gives the same for the same, and
// shares nothing mutable with its input.
func Step(q Queue, ev Event, now time.Time, cfg Config) (Queue, []Effect) {
	m := &machine{q: clone(q), now: now, cfg: cfg}
	m.key = m.look()
	before, stopped := problems(q), q.Stop
	m.apply(ev)
	m.watch()
	m.lift()
	m.unpropose()
	m.unchain()
	m.advance()
	if m.q.Run != nil {
		m.q.Began = m.q.Run.StartedAt
	}
	m.retracted(q)
	m.show()
	m.report(before)
	m.tellStop(stopped)
	return m.q, m.out
}

// machine is one Step under way.
type machine struct {
	q   Queue
	now time.Time
	cfg Config
	key string // what a verdict holds for besides the tree: gates and tools
	out []Effect
}

func (m *machine) emit(e ...Effect) { m.out = append(m.out, e...) }

func (m *machine) apply(ev Event) {
	switch ev := ev.(type) {
	case Submit:
		m.onSubmit(ev)
	case Hold:
		m.onHold(ev)
	case Release:
		m.onRelease(ev)
	case Approve:
		m.onApprove(ev)
	case Ask:
		m.onAsk(ev)
	case Drop:
		m.onDrop(ev)
	case Reject:
		m.onReject(ev)
	case Pause:
		m.onPause(ev)
	case Resume:
		m.onResume(ev)
	case Restart:
		m.onRestart(ev)
	case TargetMoved:
		m.onTargetMoved(ev)
	case Restarted:
		m.onRestarted(ev)
	case OriginAt:
		m.onOriginAt(ev)
	case Choose:
		m.onChoose(ev)
	case Proposed, ForgeSays, ForgeStale, ForgeMerged, ForgeReturned:
		m.onForge(ev)
	case Crashed:
		m.onCrashed(ev)
	default:
		m.answer(ev)
	}
}

// onCrashed starts the run over. A landing is in Intent, and is looked for again.
func (m *machine) onCrashed(ev Crashed) {
	if r := m.q.Run; r != nil && r.Phase == PhaseGate {
		m.emit(StopGate{Seq: r.Seq, Quit: true})
	}
	m.forget()
	m.errored("internal error: " + ev.Err)
}

// answer takes what the runner says; one that is not of the run in progress, or not
// of its phase, is dropped.
func (m *machine) answer(ev Event) {
	switch ev := ev.(type) {
	case Built:
		if m.expects(ev.Seq, PhaseBuild) {
			m.onBuilt(ev)
		}
	case GateStarted:
		if m.expects(ev.Seq, PhaseGate) && ev.Gate == m.q.Run.Gate {
			m.onGateStarted(ev)
		}
	case Output:
		if m.expects(ev.Seq, PhaseGate) {
			m.onOutput(ev)
		}
	case GateDone:
		if m.expects(ev.Seq, PhaseGate) && ev.Gate == m.q.Run.Gate {
			m.onGateDone(ev)
		}
	case Published:
		if m.expects(ev.Seq, PhaseLand) {
			m.landed()
		}
	case PublishLost:
		if m.expects(ev.Seq, PhaseLand) {
			m.onPublishLost(ev)
		}
	case PublishRefused:
		if m.expects(ev.Seq, PhaseLand) {
			m.refused(ev)
		}
	case PublishErr:
		if m.expects(ev.Seq, PhaseLand) {
			m.forget()
			m.errored(fmt.Sprintf("land on %s: %s", m.cfg.Branch, ev.Err))
		}
	}
}

func (m *machine) expects(seq uint64, p Phase) bool {
	return m.q.Run != nil && m.q.Run.Seq == seq && m.q.Run.Phase == p
}

// advance starts the next work if there is none and nothing forbids it. It runs
// after every event: the queue moves by its state, never by a message.
func (m *machine) advance() {
	if m.q.Run != nil || m.stopped(Failed) || m.q.backsOff(m.now) {
		return
	}
	if m.q.Intent != nil {
		m.redo()
		return
	}
	if m.cfg.Full {
		return
	}
	if upstreamDue(m.q, m.cfg) {
		m.buildUpstream()
		return
	}
	if batch, of := take(m.q, m.cfg); len(batch) > 0 {
		m.build(batch, of)
	}
}

// backsOff reports whether the queue waits after an error. A time that is further off than any
// back-off was set by a clock that has been put right since.
func (q Queue) backsOff(now time.Time) bool {
	return now.Before(q.NotBefore) && q.NotBefore.Sub(now) <= maxBackoff
}

func (m *machine) stopped(kind State) bool { return m.q.Stop != nil && m.q.Stop.Kind == kind }

func (m *machine) build(batch []Entry, of int) {
	m.q.Seq++
	r := &Run{Seq: m.q.Seq, Of: of, Phase: PhaseBuild, Key: m.key, StartedAt: m.now, PhaseSince: m.now}
	eff := Build{Seq: m.q.Seq, Branch: m.cfg.Branch, Target: m.q.Target, History: m.cfg.History, Gates: slices.Clone(m.cfg.Gates)}
	for _, e := range m.under(batch) {
		r.Under = append(r.Under, Part{Bead: e.Bead, N: e.N, Tip: e.Tip})
		eff.Under = append(eff.Under, e.build())
	}
	for _, e := range batch {
		r.Parts = append(r.Parts, Part{Bead: e.Bead, N: e.N, Tip: e.Tip})
		eff.Parts = append(eff.Parts, e.build())
	}
	for _, e := range m.q.Entries {
		if !r.has(e.Bead) {
			eff.Others = append(eff.Others, BuildPart{Bead: e.Bead, N: e.N, Tip: e.Tip})
		}
	}
	m.q.Run, m.q.OriginLast = r, false
	m.enterParts(EntryGating)
	m.emit(eff)
}

// build is the entry as a part to be built.
func (e Entry) build() BuildPart {
	return BuildPart{
		Bead: e.Bead, N: e.N, Polecat: e.Polecat, Title: e.Title, Tip: e.Tip, Date: e.QueuedAt,
		Needs: slices.Clone(e.Needs), Let: slices.Clone(e.Let), Change: e.AskFirst,
	}
}

// Carries reports whether a candidate is of a bead.
func (r *Run) Carries(bead beads.ID) bool { return holds(r.Parts, bead) }

// has reports whether a bead is in a candidate: it is of it, or built on it.
func (r *Run) has(bead beads.ID) bool { return r.Carries(bead) || holds(r.Under, bead) }

func holds(parts []Part, bead beads.ID) bool {
	return slices.ContainsFunc(parts, func(p Part) bool { return p.Bead == bead })
}

// redo asks for the stored intent once more, which is safe at any time: whoever
// performs it looks first whether it was done.
func (m *machine) redo() {
	in := m.q.Intent
	m.q.Seq++
	in.Seq = m.q.Seq
	m.q.Run = &Run{
		Seq: in.Seq, Parts: slices.Clone(in.Parts), Phase: PhaseLand, Base: in.Old, Commit: in.New, Tree: in.Tree,
		Upstream: in.Upstream, Key: m.key, StartedAt: m.now, PhaseSince: m.now,
	}
	m.enterParts(EntryLanding)
	m.emit(Publish{Seq: in.Seq, Branch: m.cfg.Branch, Intent: m.intent()})
}

// intent is a copy of the stored one, for an effect.
func (m *machine) intent() Intent {
	in := *m.q.Intent
	in.Parts = slices.Clone(in.Parts)
	return in
}

// errored counts an error of the runner: back-off first, failure when they repeat.
func (m *machine) errored(text string) {
	m.q.LastErr = oneLine(text)
	m.q.Errs = append(m.q.Errs, m.now)
	recent := 0
	for _, t := range m.q.Errs {
		if m.now.Sub(t) <= errWindow {
			recent++
		}
	}
	if recent >= errsInWindow || len(m.q.Errs) >= errsInRow {
		m.fail(m.q.LastErr, "try again with "+m.restart())
		return
	}
	// 1 s, then 4 s: the third error still falls into the window.
	m.q.NotBefore = m.now.Add(time.Second << (2 * (recent - 1)))
}

func (m *machine) succeeded() {
	m.q.Errs, m.q.LastErr, m.q.NotBefore = nil, "", time.Time{}
}

// fail stops the queue until a person restarts it.
func (m *machine) fail(reason, hint string) {
	m.q.Stop = &Stop{Kind: Failed, Reason: oneLine(reason), Hint: hint, At: m.now}
}

// lift ends a stop whose ground is gone: other gates, another target.
func (m *machine) lift() {
	s := m.q.Stop
	if s == nil || s.Kind == Failed {
		return
	}
	if s.Key != m.key || s.Kind == MainRed && s.Commit != m.q.Target {
		m.clearStop()
	}
}

// Moved reports whether the queue stands because others moved the target.
func (q Queue) Moved() bool { return q.Stop != nil && q.Stop.Kind == Failed && q.Stop.Commit != "" }

// clearStop lets the queue try again what had stopped it. A target that others moved is not
// tried again: it is put back, and until then nothing is built on it.
func (m *machine) clearStop() {
	if m.q.Moved() {
		return
	}
	m.q.Stop = nil
	m.succeeded()
}

// forget ends the run without a result; its entries are queued at their place.
func (m *machine) forget() {
	m.enterParts(EntryQueued)
	m.q.Run = nil
}

func (m *machine) enterParts(s EntryState) {
	if m.q.Run == nil {
		return
	}
	for _, p := range m.q.Run.Parts {
		if i := index(m.q, p.Bead); i >= 0 && m.q.Entries[i].N == p.N && m.q.Entries[i].State != EntryPR {
			m.enter(&m.q.Entries[i], s) // what is proposed stays so while it is looked at again
		}
	}
}

func (m *machine) enter(e *Entry, s EntryState) {
	if s == EntryQueued && e.Held {
		s = EntryHeld
	}
	if e.State != s {
		e.State, e.Since = s, m.now
	}
}

func (m *machine) remove(i int) {
	gone := m.q.Entries[i].Bead
	if slices.ContainsFunc(m.q.Suspects, func(p Part) bool { return p.Bead == gone }) {
		m.q.Suspects = nil
	}
	m.q.Entries = slices.Delete(m.q.Entries, i, i+1)
}

// clone copies everything a Step may change.
func clone(q Queue) Queue {
	q.Entries = slices.Clone(q.Entries)
	for i := range q.Entries {
		e := &q.Entries[i]
		e.Needs, e.Let, e.Chain = slices.Clone(e.Needs), slices.Clone(e.Let), slices.Clone(e.Chain)
		if e.Green != nil {
			g := *e.Green
			e.Green = &g
		}
	}
	if q.Run != nil {
		r := *q.Run
		r.Parts, r.Under, r.Results = slices.Clone(r.Parts), slices.Clone(r.Under), slices.Clone(r.Results)
		q.Run = &r
	}
	if q.Intent != nil {
		in := *q.Intent
		in.Parts = slices.Clone(in.Parts)
		q.Intent = &in
	}
	if q.Upstream != nil {
		u := *q.Upstream
		q.Upstream = &u
	}
	if q.Stop != nil {
		s := *q.Stop
		q.Stop = &s
	}
	q.Landed, q.Restarts = slices.Clone(q.Landed), slices.Clone(q.Restarts)
	q.Verdicts, q.Errs = slices.Clone(q.Verdicts), slices.Clone(q.Errs)
	q.Suspects, q.Flakes = slices.Clone(q.Suspects), slices.Clone(q.Flakes)
	q.Usual, q.First, q.Churn = maps.Clone(q.Usual), maps.Clone(q.First), maps.Clone(q.Churn)
	return q
}
