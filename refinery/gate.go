package refinery

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"gastown/beads"
)

// Defaults of a gate (domain.md).
const (
	defaultSilence = 5 * time.Minute
	minTimeout     = time.Minute
	timeoutFactor  = 10               // times the usual time
	unknownTimeout = 30 * time.Minute // until the usual time is known
)

// GateKey names a gate set: two sets with one key mean the same verdicts.
func GateKey(gates []Gate) string {
	h := sha256.New()
	for _, g := range gates {
		fmt.Fprintf(h, "%q %q %q\n", g.Name, g.Run, g.Env)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// Limit is how long a gate may run, and Silence how long without output before it
// is shown as hung.
func (q Queue) Limit(g Gate) (timeout, silence time.Duration) {
	silence = g.Silence
	if silence <= 0 {
		silence = defaultSilence
	}
	if g.Timeout > 0 {
		return g.Timeout, silence
	}
	if u, ok := q.Usual[g.Name]; ok {
		return max(minTimeout, timeoutFactor*u), silence
	}
	return unknownTimeout, silence
}

func (m *machine) gateName(i int) string {
	if i < 0 || i >= len(m.cfg.Gates) {
		return "?"
	}
	return m.cfg.Gates[i].Name
}

// startGate asks for gate i on the candidate of the run.
func (m *machine) startGate(i int) {
	r, g := m.q.Run, m.cfg.Gates[i]
	r.Phase, r.Gate, r.GateName, r.PhaseSince = PhaseGate, i, g.Name, m.now
	r.PID, r.Marker, r.Log = 0, "", ""
	r.LastOutput, r.HungSince, r.Talks = time.Time{}, time.Time{}, false
	r.Timeout, _ = m.q.Limit(g)
	eff := RunGate{
		Seq: r.Seq, Index: i, Gate: g, Commit: r.Commit, Tree: r.Tree, Fresh: i == 0 && m.q.Fresh, Timeout: r.Timeout,
	}
	if i == 0 {
		m.q.Fresh = false
		r.Results, r.Tools = nil, m.cfg.Tools
	}
	eff.Bead, eff.N = m.runBead(), m.runN()
	if len(r.Parts) > 1 {
		for _, p := range r.Parts {
			eff.Batch = append(eff.Batch, p.Bead)
		}
	}
	m.emit(eff)
}

// regate runs the gates of the same candidate once more in a fresh worktree.
func (m *machine) regate() {
	m.q.Seq++
	m.q.Run.Seq = m.q.Seq
	m.q.Fresh = true
	m.startGate(0)
}

func (m *machine) onGateStarted(ev GateStarted) {
	r := m.q.Run
	r.PID, r.Marker, r.Log, r.PhaseSince = ev.PID, ev.Marker, ev.Log, m.now
	m.emit(Note{Kind: beads.EvGateStarted, Bead: m.runBead(), N: m.runN(), Text: fmt.Sprintf("gate %q on %s%s", m.gateName(r.Gate), m.subject(), m.stepNote())})
}

// stepNote is the part of a search that the run is, in brackets; nothing for a plain one.
func (m *machine) stepNote() string {
	if s := m.q.Run.Step(); s != "" && len(m.q.Run.Parts) > 0 {
		return " (" + s + ")"
	}
	return ""
}

func (m *machine) onOutput(ev Output) {
	if ev.At.After(m.q.Run.LastOutput) {
		m.q.Run.LastOutput = ev.At
	}
}

func (m *machine) onGateDone(ev GateDone) {
	r := m.q.Run
	if r.Stopping {
		why := r.StopWhy
		r.Stopping, r.StopWhy, r.StopAt = false, "", time.Time{}
		if why != StopOverdue || ev.Outcome != TimedUp {
			// The runner has a timeout of its own: where that did not end the gate the clock
			// has jumped, as over a night with the lid closed.
			m.forget()
			return
		}
	}
	if r.Key != m.key {
		m.forget() // the settings changed under it
		return
	}
	r.HungSince, r.Talks = time.Time{}, false
	res := GateResult{Gate: m.gateName(r.Gate), Outcome: ev.Outcome, Code: ev.Code, Took: ev.Took, Log: ev.Log, At: m.now}
	r.Results = append(r.Results, res)
	if ev.Outcome != Stopped {
		m.emit(Note{
			Kind: beads.EvGateDone, Bead: m.runBead(), N: m.runN(), Reason: oneLine(ev.Err),
			Text: fmt.Sprintf("gate %q on %s%s: %s after %s", res.Gate, m.subject(), m.stepNote(), ev.Outcome, age(ev.Took)),
		})
	}
	m.outcome(ev)
}

// outcome acts on how a gate of the run in progress ended.
func (m *machine) outcome(ev GateDone) {
	r := m.q.Run
	switch ev.Outcome {
	case Pass:
		m.passed(ev)
	case Fail:
		m.succeeded()
		m.record(ev)
		m.judge()
	case TimedUp:
		m.succeeded()
		m.record(ev)
		if len(r.Parts) > 1 { // one more run of all of it would tell less than one of its half
			m.judge()
			return
		}
		m.tried(func(e *Entry) *int { return &e.Hangs })
		if m.verdict(r.Tree).Runs < 2 { // of exactly this tree, whatever hung before
			m.regate()
			return
		}
		m.judge()
	case Infra:
		m.tried(func(e *Entry) *int { return &e.Infra })
		switch r.Infra++; {
		case r.Infra < 2:
			m.regate()
		case crashed(ev.Code):
			ev.Outcome = Fail // no accident: it crashed in a fresh worktree, too
			m.record(ev)
			m.record(ev) // for both runs
			m.judge()
		default:
			m.unable(ev, "was ended from outside twice")
		}
	case Broken:
		m.unable(ev, "cannot run")
	default:
		m.forget()
		m.errored(fmt.Sprintf("gate %q was ended and nobody asked for it", m.gateName(ev.Gate)))
	}
}

// crashed reports whether a program ended by a signal that it brought upon itself, as 128+N: of
// a test that crashes, unlike one that somebody killed.
func crashed(code int) bool {
	const ill, trap, abrt, bus, fpe, segv, sys = 4, 5, 6, 7, 8, 11, 31
	return slices.Contains([]int{ill, trap, abrt, bus, fpe, segv, sys}, code-128)
}

// unable is a gate that gave no verdict. Nobody is blamed. Where it does run on the target, the
// candidate stands aside until somebody has looked, and the queue goes on; else it pauses.
func (m *machine) unable(ev GateDone, how string) {
	r := m.q.Run
	if ev.Code != 0 {
		how += fmt.Sprintf(" (exit %d)", ev.Code)
	}
	gate := fmt.Sprintf("gate %q", m.gateName(ev.Gate))
	why := how
	if ev.Err != "" {
		why += ": " + ev.Err
	} else if last := lastLine(ev.Tail); last != "" {
		why += ": " + last
	}
	base := m.verdict(r.below().Tree)
	switch {
	case m.doubtful(base):
		m.gateUnder()
	case len(r.Parts) == 0 && r.Upstream == "" || emptyTree(r.BaseTree):
		m.q.Stop = &Stop{
			Kind: Paused, Reason: oneLine(gate + " " + why), Key: m.key, At: m.now,
			Hint: "correct the gate in town.toml; try it again with " + m.restart(),
		}
		m.forget()
	case base == nil || base.Outcome == Pass && m.stale(*base):
		m.q.Fresh = base != nil
		m.gateBase()
	case r.Upstream != "":
		m.upstreamStays(fmt.Sprintf("cannot be tested: %s %s", gate, how), "look at its log: "+ev.Log)
	case len(r.Parts) > 1:
		m.halve()
	default:
		m.q.Blamed = m.now
		m.aside(m.runBead(), fmt.Sprintf("%s runs on %s, but with this change it %s", gate, m.cfg.Branch, why),
			fmt.Sprintf("send it back with `gastown queue reject %s TEXT`, or release it (Space) to try again", m.runBead()))
	}
}

// aside holds an entry of the run that the Refinery can neither land nor send back, and ends the run.
func (m *machine) aside(bead beads.ID, why, hint string) {
	m.forget()
	if i := index(m.q, bead); i >= 0 {
		e := &m.q.Entries[i]
		e.Held, e.Why, e.Hint = true, oneLine(why), hint
		m.enter(e, EntryHeld)
	}
}

func (m *machine) passed(ev GateDone) {
	m.succeeded()
	r := m.q.Run
	name := m.gateName(r.Gate)
	if m.q.Usual == nil {
		m.q.Usual = map[string]time.Duration{}
	}
	if u, ok := m.q.Usual[name]; ok {
		m.q.Usual[name] = (3*u + ev.Took) / 4
	} else {
		m.q.Usual[name] = ev.Took
	}
	if r.Gate+1 < len(m.cfg.Gates) {
		m.startGate(r.Gate + 1)
		return
	}
	if v := m.verdict(r.Tree); v != nil && v.Outcome != Pass {
		m.flaky(*v)
	}
	m.record(GateDone{Outcome: Pass, Log: ev.Log})
	m.green()
}

// tried counts a run without a verdict for people to see, where one entry was gated.
func (m *machine) tried(n func(*Entry) *int) {
	if i := index(m.q, m.runBead()); i >= 0 {
		*n(&m.q.Entries[i])++
	}
}

func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}

// runBead is the one bead of the run; a batch and the target itself have none.
func (m *machine) runBead() beads.ID {
	if len(m.q.Run.Parts) != 1 {
		return ""
	}
	return m.q.Run.Parts[0].Bead
}

func (m *machine) runN() int {
	if len(m.q.Run.Parts) != 1 {
		return 0
	}
	return m.q.Run.Parts[0].N
}

// record stores what the run's gates say of its tree.
func (m *machine) record(ev GateDone) {
	r := m.q.Run
	v := Verdict{
		Tree: r.Tree, Key: r.Key, Outcome: ev.Outcome, Code: ev.Code, Log: ev.Log, Runs: 1, At: m.now,
	}
	if ev.Outcome != Pass {
		v.Gate, v.Tail = m.gateName(ev.Gate), ev.Tail
	}
	if old := m.verdict(r.Tree); old != nil {
		v.Passed = old.Passed
		switch {
		case (old.Outcome == Pass) == (v.Outcome == Pass):
			v.Runs += old.Runs // red is red: by an exit, or by a hang
		case old.Outcome == Pass:
			v.Passed = old.At
		}
	}
	if v.Outcome == Pass {
		v.Passed = time.Time{}
	}
	m.q.Verdicts = slices.DeleteFunc(m.q.Verdicts, func(o Verdict) bool { return o.Tree == v.Tree && o.Key == v.Key })
	m.q.Verdicts = slices.Insert(m.q.Verdicts, 0, v)
	if len(m.q.Verdicts) > keepVerdicts {
		m.q.Verdicts = m.q.Verdicts[:keepVerdicts]
	}
	for i := keepTails; i < len(m.q.Verdicts); i++ {
		m.q.Verdicts[i].Tail = ""
	}
}

// verdict is what is known of a tree under the gates of today, or nil.
func (m *machine) verdict(tree string) *Verdict {
	for i := range m.q.Verdicts {
		if v := &m.q.Verdicts[i]; v.Tree == tree && v.Key == m.key {
			return v
		}
	}
	return nil
}

// forgetRed drops every verdict but green ones, so that a person's "again" means it.
func (m *machine) forgetRed() {
	m.q.Verdicts = slices.DeleteFunc(m.q.Verdicts, func(v Verdict) bool { return v.Outcome != Pass })
	m.q.Suspects = nil
	m.retryUpstream()
	for i := range m.q.Entries {
		m.q.Entries[i].RedOn = ""
	}
}
