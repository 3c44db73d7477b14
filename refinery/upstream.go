package refinery

import (
	"fmt"
	"slices"
	"time"

	"gastown/beads"
)

// UpstreamChoice is what a person decided about an origin that was rewritten.
type UpstreamChoice string

// The choices. None of them forces or resets anything, here or there.
const (
	TakeTheirs UpstreamChoice = "accept" // merge what it has now; where the branch is gone, make it again
	KeepOurs   UpstreamChoice = "keep"   // leave it, and deliver nothing there
)

// Upstream is what the rig's origin has on the target branch and the target has not. It is
// a candidate of its own: built, gated and published like a bead's, and nobody is blamed.
type Upstream struct {
	Tip     string         `json:"tip"`              // empty: the branch is gone over there
	From    string         `json:"from"`             // the origin, in words
	At      time.Time      `json:"at"`               // seen at; the date of its merge
	Commits int            `json:"commits"`          // that the target has not
	Known   string         `json:"known,omitempty"`  // what the origin had and has no more: it was rewritten
	Lost    int            `json:"lost,omitempty"`   // landings that went with it over there
	Pull    string         `json:"pull,omitempty"`   // the command with which a person merges it in a checkout of the origin
	Choice  UpstreamChoice `json:"choice,omitempty"` // about that
	Follow  bool           `json:"follow,omitempty"` // the forge decides what is on the target: red is taken in too
	Why     string         `json:"why,omitempty"`    // why it could not be taken in, one line
	Hint    string         `json:"hint,omitempty"`
	On      string         `json:"on,omitempty"` // the target on which that was so
}

// OriginAt says what the origin's branch is at, as far as the target has it not. The host
// has brought Tip into the repository. An empty Tip: the target has all of it, or, Rewritten, the
// branch that had Known is gone.
type OriginAt struct {
	Tip       string
	From      string
	Commits   int
	Known     string // what it had when it was last in step with the target
	Rewritten bool   // Tip does not descend from Known
	Lost      int    // landings in Known and not in Tip
	Pull      string // see Upstream
	Dropped   bool   // Tip does not descend from the Upstream.Tip told before
	Follow    bool
}

// Choose is a person's decision about an origin that was rewritten.
type Choose struct {
	Choice UpstreamChoice
	By     string
}

// TookIn says that the target has Tip, which came from the origin. It stands for the event
// refinery.origin.
type TookIn struct {
	Tip  string
	Old  string // the target before; equal to Commit: it was in already
	Text string
	// Commit is the target now.
	Commit string
}

func (OriginAt) event() {}
func (Choose) event()   {}
func (TookIn) effect()  {}
func (TookIn) record()  {}

// UpstreamState answers a Build of the origin's tip that gave no candidate.
type UpstreamState string

// The reasons not to build one.
const (
	UpstreamIn   UpstreamState = "in"   // the target has it
	UpstreamGone UpstreamState = "gone" // it is not in the repository
)

// gone reports whether the branch over there is renamed or deleted.
func (u *Upstream) gone() bool { return u.Tip == "" }

// Asks reports whether the queue waits for a Choose.
func (u *Upstream) Asks() bool { return u != nil && u.Known != "" && u.Choice == "" }

// OriginTold reports whether a person is told why what the origin has stays out; deliveries wait for that too.
func (q Queue) OriginTold() bool {
	u := q.Upstream
	return u != nil && (u.Why != "" || u.Asks())
}

// Undelivered is why nothing can be delivered to the origin meanwhile, or "".
func (q Queue) Undelivered() string {
	u := q.Upstream
	switch {
	case u == nil:
		return ""
	case u.Choice == KeepOurs && u.gone():
		return fmt.Sprintf("%s is gone, and is not made again", u.From)
	case u.Choice == KeepOurs:
		return fmt.Sprintf("%s was rewritten, and ours is kept", u.From)
	case u.Asks() && u.gone():
		return fmt.Sprintf("%s is gone", u.From)
	case u.Asks():
		return fmt.Sprintf("%s was rewritten", u.From)
	case u.Why != "":
		return u.Why
	}
	return fmt.Sprintf("%s moved on by itself (%s); that is tested and taken in first", u.From, short(u.Tip))
}

// upstreamDue reports whether the origin's tip is what to work on next: in turn with the
// entries when it is new, and when it could not be taken in, again on another target once
// nothing else is to do.
func upstreamDue(q Queue, cfg Config) bool {
	u := q.Upstream
	if u == nil || u.Asks() || u.Choice == KeepOurs || q.Paused || len(cfg.Gates) == 0 && !cfg.Ungated {
		return false
	}
	if q.Stop != nil && q.Stop.Kind != MainRed {
		return false
	}
	if u.Why == "" && !q.OriginLast {
		return true
	}
	return (u.Why == "" || u.On != q.Target) && runnable(q, cfg) < 0
}

func (m *machine) onOriginAt(ev OriginAt) {
	old := m.q.Upstream
	r := m.q.Run
	if ev.Dropped && r != nil && r.Upstream != "" {
		m.interrupt(StopTarget)
	}
	if ev.Tip == "" && !ev.Rewritten || ev.Tip != "" && ev.Tip == m.q.Target {
		m.q.Upstream = nil
		return
	}
	u := &Upstream{Tip: ev.Tip, From: oneLine(ev.From), At: m.now, Commits: ev.Commits, Follow: ev.Follow, Pull: ev.Pull}
	if ev.Rewritten {
		u.Known, u.Lost = ev.Known, ev.Lost
	}
	if old != nil && old.Known != "" && u.Known != "" && (old.Choice == KeepOurs || old.Tip == u.Tip || old.Choice == TakeTheirs && !ev.Dropped) {
		u.Choice = old.Choice // the choice was about leaving Known behind
	}
	if old != nil && old.Tip == u.Tip && old.Known == u.Known && old.Follow == u.Follow {
		return // known, with what was found about it
	}
	m.q.Upstream = u
	text := fmt.Sprintf("%s moved on by itself to %s (%s)", u.From, short(u.Tip), beads.Count(u.Commits, "commit"))
	if u.Asks() {
		m.interrupt(StopTarget)
		text = u.rewrote()
	}
	m.emit(Note{Kind: beads.EvOrigin, Text: text})
}

func (u *Upstream) rewrote() string {
	if u.gone() {
		return fmt.Sprintf("%s is gone: it was at %s, and has been renamed or deleted", u.From, short(u.Known))
	}
	text := fmt.Sprintf("%s was rewritten: %s, which it had, is not in %s", u.From, short(u.Known), short(u.Tip))
	if u.Lost > 0 {
		text += fmt.Sprintf(", nor what landed since (%d)", u.Lost)
	}
	return text
}

func (u *Upstream) chooseHint(rig string) string {
	theirs := "take in what it has now, on top of what it had, which stays in the history"
	switch {
	case u.gone():
		theirs = "make it again with what the town has"
	case u.Lost > 0:
		theirs = "merge what it has now with what landed"
	}
	return fmt.Sprintf("%[2]s: `gastown rig fetch %[1]s --accept`; or leave it and deliver nothing there: `gastown rig fetch %[1]s --keep`", rig, theirs)
}

func (m *machine) onChoose(ev Choose) {
	u := m.q.Upstream
	if u == nil || u.Known == "" || u.Choice == ev.Choice {
		return
	}
	u.Choice, u.Why, u.Hint, u.On = ev.Choice, "", "", ""
	text := fmt.Sprintf("chose to take in what %s has since it was rewritten", u.From)
	if ev.Choice == KeepOurs {
		text = fmt.Sprintf("chose to leave %s as it is and to deliver nothing there", u.From)
		if r := m.q.Run; r != nil && r.Upstream != "" {
			m.interrupt(StopTarget)
		}
	} else if u.gone() {
		text = fmt.Sprintf("chose to make %s again", u.From)
		m.q.Upstream = nil
	}
	m.emit(Note{Kind: beads.EvOrigin, By: ev.By, Text: text})
}

func (m *machine) buildUpstream() {
	u := m.q.Upstream
	m.q.Seq++
	m.q.OriginLast = true
	m.q.Run = &Run{Seq: m.q.Seq, Upstream: u.Tip, Phase: PhaseBuild, Key: m.key, StartedAt: m.now, PhaseSince: m.now}
	up := BuildUpstream{Tip: u.Tip, Date: u.At}
	if u.Lost == 0 {
		up.Instead = u.Known
	}
	m.emit(Build{Seq: m.q.Seq, Branch: m.cfg.Branch, Target: m.q.Target, History: m.cfg.History, Upstream: &up})
}

// upstreamBuilt is onBuilt for a candidate that carries the origin's tip.
func (m *machine) upstreamBuilt(ev Built) {
	r := m.q.Run
	switch {
	case ev.Upstream == UpstreamIn:
		m.succeeded()
		m.tookIn(r.Upstream, ev.Base, ev.Base)
		m.forget()
	case ev.Upstream == UpstreamGone:
		m.forgetUpstream(r.Upstream) // the next look brings it
		m.forget()
	case ev.Err != "":
		m.forget()
		m.errored("build candidate: " + ev.Err)
	case ev.Conflict != nil:
		m.succeeded()
		m.upstreamStays("does not merge with "+m.cfg.Branch+": conflict"+conflictIn(ev.Conflict.Files), m.mergeHint())
	case r.Key != m.key:
		m.forget() // the settings changed: perhaps no gate is left
	case ev.Commit == "" || ev.Tree == "" || ev.Base == "" || ev.BaseTree == "":
		m.forget()
		m.errored("build candidate: the answer is incomplete")
	default:
		r.Base, r.BaseTree, r.Commit, r.Tree, r.PhaseSince = ev.Base, ev.BaseTree, ev.Commit, ev.Tree, m.now
		m.gateOrJudge()
	}
}

// mergeHint says how what conflicts with the target is merged by hand.
func (m *machine) mergeHint() string {
	hint := fmt.Sprintf("have a bead merge it, which lands like any other: `git merge %s`", short(m.q.Run.Upstream))
	if u := m.q.Upstream; u != nil && u.Pull != "" {
		hint = fmt.Sprintf("merge it in your checkout of it: `%s`; or %s", u.Pull, hint)
	}
	return hint
}

// gateOrJudge goes on with a built candidate by what is known of its tree.
func (m *machine) gateOrJudge() {
	switch v := m.verdict(m.q.Run.Tree); {
	case len(m.cfg.Gates) == 0:
		m.green()
	case v == nil:
		m.startGate(0)
	case v.Outcome == Pass:
		m.green()
	default:
		m.judge()
	}
}

// landUpstream decides to publish the origin's tip.
func (m *machine) landUpstream() {
	r := m.q.Run
	r.Phase, r.PhaseSince = PhaseLand, m.now
	m.q.Intent = &Intent{Seq: r.Seq, Old: r.Base, New: r.Commit, Tree: r.Tree, Upstream: r.Upstream, At: m.now}
	m.emit(Publish{Seq: r.Seq, Branch: m.cfg.Branch, Intent: m.intent()})
}

// judgeUpstream decides about a red candidate of the origin: nobody here is blamed.
func (m *machine) judgeUpstream(v Verdict) {
	r := m.q.Run
	if (m.cfg.Confirm || v.Outcome == TimedUp) && v.Runs < 2 {
		m.regate()
		return
	}
	if u := m.q.Upstream; u != nil && u.Tip == r.Upstream && u.Follow {
		m.landUpstream() // it is on the forge's branch already
		return
	}
	how := fmt.Sprintf("exit %d", v.Code)
	if v.Outcome == TimedUp {
		how = "hung"
	}
	tree := r.Tree
	m.upstreamStays(fmt.Sprintf("is red: gate %q fails with it (%s)", v.Gate, how),
		fmt.Sprintf("it is taken in once a later commit there is green; tried again by `gastown refinery resume %s`; log: %s", m.q.Rig, v.Log))
	// When it is tried again it is gated again: the gate may be flaky.
	m.q.Verdicts = slices.DeleteFunc(m.q.Verdicts, func(o Verdict) bool { return o.Tree == tree })
}

// upstreamStays ends the run: the target goes on without the origin's tip.
func (m *machine) upstreamStays(why, hint string) {
	r := m.q.Run
	if u := m.q.Upstream; u != nil && u.Tip == r.Upstream {
		on := r.Base
		if on == "" {
			on = m.q.Target
		}
		u.Why, u.Hint, u.On = fmt.Sprintf("%s at %s %s", u.From, short(u.Tip), why), hint, on
	}
	m.forget()
}

// tookIn records that the target has the origin's tip.
func (m *machine) tookIn(tip, old, now string) {
	from, n := "the origin", 0
	if u := m.q.Upstream; u != nil {
		from, n = u.From, u.Commits
	}
	text := fmt.Sprintf("took in %s at %s (%s)", from, short(tip), beads.Count(n, "commit"))
	if old == now {
		text = fmt.Sprintf("%s at %s is in %s already", from, short(tip), m.cfg.Branch)
	}
	m.forgetUpstream(tip)
	m.emit(TookIn{Tip: tip, Old: old, Commit: now, Text: text})
}

// upstreamLanded settles an intent that carries the origin's tip.
func (m *machine) upstreamLanded(in Intent) {
	m.tookIn(in.Upstream, in.Old, in.New)
	if m.q.Suspects = nil; len(m.cfg.Gates) == 0 {
		return
	}
	switch v := m.verdict(in.Tree); {
	case v == nil:
	case v.Outcome == Pass:
		m.redGone(in.New)
	default: // the forge merged it all the same
		m.redTarget(*v, in.New, in.Tree)
	}
}

func (m *machine) forgetUpstream(tip string) {
	if u := m.q.Upstream; u != nil && u.Tip == tip {
		m.q.Upstream = nil
	}
}

// retryUpstream tries again what could not be taken in.
func (m *machine) retryUpstream() {
	if u := m.q.Upstream; u != nil {
		u.Why, u.Hint, u.On = "", "", ""
	}
}
