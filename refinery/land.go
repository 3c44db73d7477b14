package refinery

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"gastown/beads"
)

// The empty tree in SHA-1 and SHA-256 repositories. A target without a file says
// nothing about a gate: a candidate that fails on it has nobody else to blame.
const (
	emptyTree1   = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
	emptyTree256 = "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321"
)

func emptyTree(tree string) bool { return tree == emptyTree1 || tree == emptyTree256 }

func (m *machine) onBuilt(ev Built) {
	if m.foreign(ev.Base) {
		m.moved(ev.Base)
		return
	}
	if ev.Base != "" && ev.Base != Gone {
		m.q.Target = ev.Base
	}
	switch {
	case m.q.Run.Upstream != "":
		m.upstreamBuilt(ev)
	case ev.Missing != "":
		m.missing(ev)
	case ev.Err != "":
		m.forget()
		m.errored("build candidate: " + ev.Err)
	case ev.Conflict != nil:
		m.succeeded()
		c := ev.Conflict
		m.sendBack(c.Bead, SendBack{Why: cmp.Or(oneLine(c.Why), "conflict with "+m.cfg.Branch+conflictIn(c.Files)), Log: c.Detail, Files: slices.Clone(c.Files)})
	case ev.AlreadyIn != "":
		m.succeeded()
		m.alreadyIn(ev)
	case ev.Waits != nil:
		m.waits(*ev.Waits)
	case ev.Carries != nil:
		m.carries(*ev.Carries)
	case m.q.Run.Key != m.key:
		m.forget() // the settings changed; its trailer names the old gates
	case ev.Commit == "" || ev.Tree == "" || ev.Base == "" || ev.BaseTree == "":
		m.forget()
		m.errored("build candidate: the answer is incomplete")
	default:
		m.built(ev)
	}
}

func (m *machine) built(ev Built) {
	r := m.q.Run
	r.Base, r.BaseTree, r.Commit, r.Tree, r.PhaseSince = ev.Base, ev.BaseTree, ev.Commit, ev.Tree, m.now
	if !m.cut(ev.Parts) || !m.builtUnder(ev.Under) {
		m.forget()
		m.errored("build candidate: the answer has other parts")
		return
	}
	if m.asked(ev.Parts) && len(r.Parts) > 1 {
		m.forget() // it goes alone
		return
	}
	m.gateOrJudge()
}

// asked notes what the candidate turned out to need a person's yes for, and reports whether that is news: the
// target may have moved since the entry was submitted, and what agents say of it is not believed.
func (m *machine) asked(built []Part) (news bool) {
	for _, p := range built {
		i := index(m.q, p.Bead)
		if p.Ask == "" || i < 0 {
			continue
		}
		e := &m.q.Entries[i]
		e.Plain = false
		if e.AskFirst || e.Wished {
			continue
		}
		e.AskFirst, e.AskWhy, news = true, oneLine(p.Ask), true
		m.changed(p.Bead, "", "needs a person's yes: "+oneLine(p.Ask))
	}
	return news
}

// cut takes over what was built of the run's parts; those after it go back to their
// place: they do not merge with the ones before them, and may with the target.
func (m *machine) cut(built []Part) bool {
	r := m.q.Run
	if len(built) == 0 && len(r.Parts) == 1 {
		return true
	}
	if len(built) == 0 || len(built) > len(r.Parts) {
		return false
	}
	for i, p := range built {
		if p.Bead != r.Parts[i].Bead || p.N != r.Parts[i].N {
			return false
		}
		r.Parts[i].Commit, r.Parts[i].Change = p.Commit, p.Change
	}
	for _, p := range r.Parts[len(built):] {
		if i := index(m.q, p.Bead); i >= 0 {
			m.enter(&m.q.Entries[i], EntryQueued)
		}
	}
	r.Parts = r.Parts[:len(built)]
	return true
}

// waits makes an entry wait for the bead whose work it contains.
func (m *machine) waits(w Waits) {
	i := index(m.q, w.Bead)
	m.forget()
	if i < 0 || slices.Contains(m.q.Entries[i].Needs, w.On) {
		m.errored(fmt.Sprintf("build candidate: %s contains the work of %s and waits for it", w.Bead, w.On))
		return
	}
	m.q.Entries[i].Needs = append(m.q.Entries[i].Needs, w.On)
}

// carries holds an entry that would land what was refused. That may be meant: a person says so.
func (m *machine) carries(c Carries) {
	m.aside(c.Bead, fmt.Sprintf("it contains the work of %s, which was sent back or taken out of the queue", c.Of),
		fmt.Sprintf("look at it (gastown diff %s), then release it, or send it back", c.Bead))
	if i := index(m.q, c.Bead); i >= 0 {
		m.q.Entries[i].Carries, m.q.Entries[i].PersonHeld = c.Of, true
	}
}

func conflictIn(files []string) string {
	const shown = 3
	if len(files) == 0 {
		return ""
	}
	if len(files) > shown {
		return fmt.Sprintf(" in %s and %d more", oneLine(strings.Join(files[:shown], ", ")), len(files)-shown)
	}
	return " in " + oneLine(strings.Join(files, ", "))
}

// green goes on with a candidate whose tree is known green, or needs no gate.
func (m *machine) green() {
	r := m.q.Run
	if r.Upstream != "" {
		m.landUpstream()
		return
	}
	if len(r.Parts) == 0 {
		if m.q.RedTree == r.Tree {
			m.forgetRed() // what made it red may have made others red
		}
		m.redGone(r.Base)
		m.forget()
		return
	}
	for _, p := range r.Parts {
		i := index(m.q, p.Bead)
		if i < 0 {
			m.forget()
			return
		}
		if e := &m.q.Entries[i]; e.State != EntryPR && e.AskFirst && (!e.Approved || e.Yes != p.Change) {
			m.askFor(e, len(r.Parts), Candidate{Base: r.below().Commit, Commit: r.Commit, Tree: r.Tree, Change: p.Change})
			return
		}
	}
	if m.cfg.Forge {
		m.propose()
		return
	}
	r.Phase, r.PhaseSince = PhaseLand, m.now
	m.q.Intent = &Intent{Seq: r.Seq, Old: r.Base, New: r.Commit, Tree: r.Tree, Parts: slices.Clone(r.Parts), At: m.now}
	m.enterParts(EntryLanding)
	m.emit(Publish{Seq: r.Seq, Branch: m.cfg.Branch, Intent: m.intent()})
}

// askFor leaves a green candidate to a person. In a batch it was green with others:
// its own tree is next.
func (m *machine) askFor(e *Entry, parts int, c Candidate) {
	if e.Approved {
		m.changed(e.Bead, "", "needs another yes: its change is not what was approved, as the target moved in the same files")
	}
	e.Approved, e.Yes, e.Green = false, "", nil
	m.forget()
	if parts == 1 {
		e.Green = &c
		m.enter(e, EntryApprove)
	}
}

// judge decides whom a red candidate is blamed on: nobody, before the base is
// known green.
func (m *machine) judge() {
	r := m.q.Run
	known := m.verdict(r.Tree)
	if known == nil {
		m.forget()
		return
	}
	v := *known
	if r.Upstream != "" {
		m.judgeUpstream(v)
		return
	}
	if len(r.Parts) == 0 {
		if m.cfg.Confirm && v.Runs < 2 {
			m.regate()
			return
		}
		m.mainRed(v)
		return
	}
	base := m.verdict(r.below().Tree)
	switch {
	case m.doubtful(base):
		m.gateUnder()
	case base != nil && base.Outcome != Pass && m.cfg.Confirm && base.Runs < 2:
		m.q.Fresh = true // a restart came between its red run and the confirming one
		m.gateBase()
	case base != nil && base.Outcome == Pass && m.stale(*base):
		m.q.Fresh = true
		m.gateBase()
	case len(r.Parts) > 1 && (base == nil || base.Outcome == Pass):
		m.halve()
	case emptyTree(r.BaseTree), base != nil && base.Outcome == Pass:
		m.blame(v)
	case base == nil:
		m.gateBase()
	default:
		red := *base
		if i := index(m.q, m.runBead()); i >= 0 {
			if m.q.Entries[i].Fix && m.stopped(MainRed) {
				m.unfixed(v)
				return
			}
			m.q.Entries[i].RedOn = r.Base
		}
		m.mainRed(red)
	}
}

// staleAfter is how old the verdict of a green target may be before somebody is blamed on it.
// What gates use beside the tree (a database, a certificate, the date) may have changed since.
const staleAfter = 10 * time.Minute

// stale reports whether the target is to be gated once more before a blame: its verdict is
// old, or somebody else was blamed on it already, and one cause may lie behind both.
func (m *machine) stale(base Verdict) bool {
	var usual time.Duration
	for _, g := range m.cfg.Gates {
		usual += m.q.Usual[g.Name]
	}
	if m.now.Sub(base.At) > max(staleAfter, 4*usual) { // a run, its confirming one, and as much again
		return true
	}
	at := m.q.Blamed
	return m.cfg.Confirm && len(m.q.Run.Parts) == 1 && at.After(base.At) && !at.After(m.now) // the clock may have been set back
}

func (m *machine) blame(v Verdict) {
	if (m.cfg.Confirm || v.Outcome == TimedUp) && v.Runs < 2 {
		m.regate()
		return
	}
	m.judged(1)
	m.q.Blamed = m.now
	tree := m.q.Run.Tree
	why := fmt.Sprintf("gate %q failed: exit %d", v.Gate, v.Code)
	if crashed(v.Code) {
		why = fmt.Sprintf("gate %q crashed twice: exit %d, signal %d", v.Gate, v.Code, v.Code-128)
	}
	if v.Outcome == TimedUp {
		why = fmt.Sprintf("gate %q hung twice", v.Gate)
	}
	m.sendBack(m.runBead(), SendBack{Why: why, Log: v.Tail, LogPath: v.Log, Gate: v.Gate, Outcome: v.Outcome})
	// A new attempt with the same tree is gated again: the gate may be flaky.
	m.q.Verdicts = slices.DeleteFunc(m.q.Verdicts, func(o Verdict) bool { return o.Tree == tree })
}

// gateBase gates the target itself. The candidate's verdict is kept, so its entry
// is not gated again after it.
func (m *machine) gateBase() {
	r := m.q.Run
	m.forget()
	m.q.Seq++
	m.q.Run = &Run{
		Seq: m.q.Seq, Base: r.Base, BaseTree: r.BaseTree, Commit: r.Base, Tree: r.BaseTree,
		Key: r.Key, StartedAt: m.now, PhaseSince: m.now,
	}
	m.startGate(0)
}

// mainRed stops the queue: entries keep their places and nobody is blamed.
func (m *machine) mainRed(v Verdict) {
	commit, tree := m.q.Run.Base, m.q.Run.BaseTree
	m.forget()
	m.redTarget(v, commit, tree)
}

// redTarget stops the queue with a target that is known to be red.
func (m *machine) redTarget(v Verdict, commit, tree string) {
	how := fmt.Sprintf("exit %d", v.Code)
	if v.Outcome == TimedUp {
		how = "hung"
	}
	if !v.Passed.IsZero() {
		how += fmt.Sprintf("; it passed there %s before, so look at what it uses", age(m.now.Sub(v.Passed)))
	}
	at := m.now
	if m.stopped(MainRed) && m.q.Stop.Commit == commit {
		at = m.q.Stop.At
	}
	m.q.Stop = &Stop{
		Kind: MainRed, Key: m.key, Commit: commit, At: at,
		Reason: fmt.Sprintf("gate %q fails on %s itself at %s (%s)", v.Gate, m.cfg.Branch, short(commit), how),
		Hint:   "submit a fix, or run `gastown refinery resume " + m.q.Rig + "` to gate it again; log: " + v.Log,
	}
	m.fileRed(v, commit, tree, how)
}

// sendBack rejects the attempt of a bead in the run and ends the run.
func (m *machine) sendBack(bead beads.ID, eff SendBack) {
	i := index(m.q, bead)
	m.forget()
	if i >= 0 {
		m.rejected(i, eff)
	}
}

// rejected takes an entry out and sends it back; its bead keeps its place in time.
func (m *machine) rejected(i int, eff SendBack) {
	e := m.q.Entries[i]
	if m.q.First == nil {
		m.q.First = map[beads.ID]time.Time{}
	}
	m.q.First[e.Bead] = e.SubmittedAt
	m.q.Bounced++
	m.remove(i)
	eff.Bead, eff.N = e.Bead, e.N
	eff.StrikeOut = eff.StrikeOut || !eff.Person && e.SentBack+1 >= beads.MaxRejections
	m.emit(eff)
}

func (m *machine) alreadyIn(ev Built) {
	i := index(m.q, ev.AlreadyIn)
	m.forget()
	if i < 0 {
		return
	}
	e := m.q.Entries[i]
	m.remove(i)
	delete(m.q.First, e.Bead)
	m.emit(Settle{Bead: e.Bead, N: e.N, Commit: ev.Commit, AlreadyIn: true})
}

// missing holds an entry whose commits are gone: sending it back would lose them
// for good without a person knowing.
func (m *machine) missing(ev Built) {
	m.aside(ev.Missing, ev.Err, "drop it, or restore its commit and release it")
}

// landed settles the intent: the target has it.
func (m *machine) landed() {
	in := m.q.Intent
	if in == nil {
		m.forget()
		return
	}
	m.q.Run, m.q.Intent, m.q.Target = nil, nil, in.New
	m.succeeded()
	if in.Upstream != "" {
		m.upstreamLanded(*in)
		return
	}
	m.landedSuspects(in.Parts)
	for _, p := range in.Parts {
		commit := p.Commit
		if commit == "" {
			commit = in.New
		}
		if i := index(m.q, p.Bead); i >= 0 {
			m.remove(i)
		}
		m.settled(Part{Bead: p.Bead, N: p.N, Commit: commit})
	}
	m.redGone(in.New) // after the landing of its fix is settled
}

// settled closes the bead of a part that is in the target.
func (m *machine) settled(p Part) {
	delete(m.q.First, p.Bead)
	m.q.Total++
	m.judged(0)
	m.q.Landed = slices.Insert(m.q.Landed, 0, LandedBead{Bead: p.Bead, N: p.N, Commit: p.Commit, At: m.now})
	if len(m.q.Landed) > keepLanded {
		m.q.Landed = m.q.Landed[:keepLanded]
	}
	m.emit(Settle{Bead: p.Bead, N: p.N, Commit: p.Commit})
}

func (m *machine) onPublishLost(ev PublishLost) {
	m.forget()
	m.q.Intent, m.q.Suspects = nil, nil
	if m.foreign(ev.Now) {
		m.moved(ev.Now)
	}
}

// refused drops a landing that would not have been what was gated. One of ours is wrong, and
// no retry makes it right: what it was to land waits for a person, a batch in halves first.
func (m *machine) refused(ev PublishRefused) {
	m.q.Intent = nil
	switch r := m.q.Run; {
	case len(r.Parts) > 1:
		m.halve()
	case len(r.Parts) == 1:
		m.aside(m.runBead(), "landing refused: "+ev.Why, "nothing was moved; drop it, or release it to build it anew")
	default:
		m.forget()
		m.fail("landing refused: "+ev.Why, "nothing was moved; keep the log, then build it anew with "+m.restart())
	}
}

func (m *machine) onTargetMoved(ev TargetMoved) {
	switch {
	case ev.Known != m.q.Target || m.q.Intent != nil:
		// It was seen before a landing, or in the middle of one.
	case m.foreign(ev.Commit):
		m.moved(ev.Commit)
	case m.q.Moved():
		m.q.Stop = nil // it was put back
	}
}

// foreign reports whether the target is where no landing put it.
func (m *machine) foreign(tip string) bool {
	return tip != "" && m.q.Target != "" && tip != m.q.Target
}

// moved stops the queue: no gate saw what is on the target now. Agents share its ref.
func (m *machine) moved(tip string) {
	m.interrupt(StopTarget)
	reason := fmt.Sprintf("%s was moved from %s to %s, and not by the Refinery: nothing on it was tested", m.cfg.Branch, short(m.q.Target), short(tip))
	if tip == Gone {
		reason = fmt.Sprintf("%s was deleted, and not by the Refinery; it was at %s", m.cfg.Branch, short(m.q.Target))
	}
	m.fail(reason, m.restart()+" puts it back and keeps what is there now on a ref")
	m.q.Stop.Commit = tip
}

// onRestarted begins the life of a new host: the run of the old one is forgotten
// without counting a try, and a landing that was decided is settled, redone or dropped.
func (m *machine) onRestarted(ev Restarted) {
	m.forget()
	if m.stopped(Failed) && m.q.Stop.Commit == "" {
		m.q.Stop = nil
	}
	m.succeeded()
	if ev.Killed > 0 {
		m.emit(Note{Kind: beads.EvRestarted, Text: fmt.Sprintf("ended what a gate left over: %d of its processes", ev.Killed)})
	}
	if ev.Err != "" {
		m.fail(ev.Err, "try again with "+m.restart())
		return
	}
	if in := m.q.Intent; in != nil {
		switch {
		case ev.IntentDone || ev.Target == in.New:
			m.landed()
		case ev.Target != in.Old:
			m.q.Intent = nil
			m.releaseLanding()
		}
	}
	if m.foreign(ev.Target) {
		m.moved(ev.Target)
		return
	}
	if m.q.Moved() {
		m.q.Stop = nil // it was put back
	}
	if ev.Target != "" {
		m.q.Target = ev.Target
	}
}

// releaseLanding queues every entry of a dropped intent again.
func (m *machine) releaseLanding() {
	for i := range m.q.Entries {
		if m.q.Entries[i].State == EntryLanding {
			m.enter(&m.q.Entries[i], EntryQueued)
		}
	}
}

func short(commit string) string {
	return commit[:min(len(commit), 9)]
}
