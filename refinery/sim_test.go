package refinery

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gastown/beads"
)

var (
	simRuns = flag.Int("sim.runs", 500, "runs of TestSimulation, 30 beads each")
	simSeed = flag.Uint64("sim.seed", 1, "first seed of TestSimulation")
	simTell = flag.Bool("sim.tell", false, "print every event and effect of TestSimulation")
)

// TestSimulation lives the life of a queue again and again, each from its seed, and
// checks the invariants of refinery.md after every event.
func TestSimulation(t *testing.T) {
	var next, events, landed, back, wrong, gates, took atomic.Int64
	var wg sync.WaitGroup
	begun := time.Now()
	for range runtime.GOMAXPROCS(0) {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for !t.Failed() {
				i := next.Add(1) - 1
				if i >= int64(*simRuns) {
					return
				}
				s := newSim(*simSeed+uint64(i), 30)
				func() {
					defer func() {
						if p := recover(); p != nil {
							t.Errorf("%v (again: -run Simulation -sim.runs=1 -sim.seed=%d)", p, s.seed)
						}
					}()
					s.live()
				}()
				events.Add(int64(s.events))
				landed.Add(int64(len(s.settled)))
				back.Add(int64(s.back))
				wrong.Add(int64(s.wrong))
				gates.Add(int64(s.gates))
				took.Add(int64(s.took))
			}
		}()
	}
	wg.Wait()
	t.Logf("%d runs, %d events, %d landed, %d gate runs, %d sent back, %d of them for two flakes in a row, %d tips of the origin taken in; %s",
		*simRuns, events.Load(), landed.Load(), gates.Load(), back.Load(), wrong.Load(), took.Load(), time.Since(begun).Round(time.Millisecond))
}

// sim is a target, a runner, polecats that try again, people and accidents around one
// queue. A tree is the set of changes in it; a change is an attempt, "ma-07/1", or a
// commit of somebody else, "ext3".
type sim struct {
	seed  uint64
	rnd   *rand.Rand
	q     Queue
	cfg   Config
	now   time.Time
	kinds map[beads.ID]*kind
	wait  []Entry // submitted later

	commits map[string]simCommit
	target  string
	origin  string // what the remote branch is at; it gets the target, and pushes of others
	known   string // what it had when it was last in step
	pending Action
	stopped bool   // the pending gate was told to end
	filed   string // red tree that a bead was filed for
	fixes   int    // beads filed for a red target, or by a person for it

	down   bool            // what gates use is broken: all trees are red
	hit    map[string]bool // tree: its last run was red for nothing but the present or last outage
	unjust int             // beads that were sent back for the present outage

	green    map[string]bool // tree and key: passed every gate in one run
	passes   int             // gates passed in the run
	gated    map[string]int  // tree and key: runs that were not asked to be fresh
	flaked   map[string]int  // tree: times it failed for nothing
	settled  map[beads.ID]string
	first    map[beads.ID]time.Time
	tree     string // of the last candidate
	baseTree string
	parts    []Part

	makes  bool // each gate run installs a tool that it uses
	quiet  bool // no accidents at all: a key is gated once
	calm   bool // no more accidents, and people repair what is stopped
	exts   int
	events int
	gates  int
	back   int
	wrong  int
	pushes int // to the origin
	took   int // tips of the origin that came in
}

// kind is what is wrong with a bead.
type kind struct {
	red, hung, broken int      // so many of its first attempts fail, hang, break the gate
	file              string   // conflicts with others that change it
	word              string   // green alone, red beside another with the same word
	above             beads.ID // its first attempt contains that bead's first attempt
	refused           bool     // its first attempt was sent back or taken out, and it has not landed
	let               bool     // a person lets in the refused work that it contains
	fix               bool     // it mends a red target, from the attempt after its red ones
	asks              bool     // it changes what a person is asked about, which only its candidate shows
	gone              bool     // dropped, or with a person
}

type simCommit struct {
	parent, tree string
	second       string // of a merge of the origin
	has          []string
}

func newSim(seed uint64, n int) *sim {
	s := &sim{
		seed: seed, rnd: rand.New(rand.NewPCG(seed, 30)), now: start(), q: Queue{Rig: "app", Target: "root"}, target: "root", origin: "root", known: "root",
		kinds: map[beads.ID]*kind{}, commits: map[string]simCommit{"root": {tree: "root", has: []string{"root"}}},
		green: map[string]bool{}, gated: map[string]int{}, flaked: map[string]int{}, hit: map[string]bool{}, settled: map[beads.ID]string{}, first: map[beads.ID]time.Time{},
		cfg: Config{Branch: "main", Confirm: true, Batch: true, Gates: []Gate{{Name: "test", Run: "x"}}},
	}
	s.quiet = s.percent(20)
	s.makes = !s.quiet && s.percent(10)
	s.install("go")
	if s.percent(10) { // it was red before anybody came
		s.commits["root"] = simCommit{tree: treeOf([]string{"root", "old!"}), has: []string{"root", "old!"}}
	}
	if s.percent(30) {
		s.cfg.Gates = append(s.cfg.Gates, Gate{Name: "lint", Run: "y"})
	}
	for i := range n {
		id := beads.ID(fmt.Sprintf("ma-%02d", i))
		k := &kind{}
		switch c := s.rnd.IntN(100); {
		case c < 10:
			k.red = 1 + s.rnd.IntN(3)
		case c < 13:
			k.hung = 1
		case c < 14 && !s.quiet:
			k.broken = 1
		case c < 24:
			k.file = []string{"a.go", "b.go"}[s.rnd.IntN(2)]
		case c < 30:
			k.word = "api"
		case c < 33 && i > 0:
			k.above = beads.ID(fmt.Sprintf("ma-%02d", s.rnd.IntN(i)))
		case c < 37:
			k.asks = true
		}
		s.kinds[id] = k
		e := Entry{Bead: id, N: 1, Priority: 1 + s.rnd.IntN(4), Tip: string(id) + "/1", AskFirst: s.percent(5)}
		if s.percent(4) {
			e.Priority = 0
		}
		if i > 0 && s.percent(10) {
			e.Needs = []beads.ID{beads.ID(fmt.Sprintf("ma-%02d", s.rnd.IntN(i)))}
		}
		s.wait = append(s.wait, e)
	}
	return s
}

// install puts another version of a tool in place.
func (s *sim) install(name string) {
	tools := Tools{}
	for path, state := range s.cfg.Tools {
		tools[path] = state
	}
	tools[name] = fmt.Sprint(s.events)
	s.cfg.Tools = tools
}

func (s *sim) percent(n int) bool { return s.rnd.IntN(100) < n }

func (s *sim) accident(perMille int) bool {
	return !s.calm && !s.quiet && s.rnd.IntN(1000) < perMille
}

func (s *sim) fail(format string, args ...any) {
	panic(fmt.Sprintf("seed %d, event %d: %s", s.seed, s.events, fmt.Sprintf(format, args...)))
}

// live goes on until every bead landed, was dropped or is with a person.
func (s *sim) live() {
	for len(s.wait) > 0 || len(s.q.Entries) > 0 || s.q.Run != nil || s.q.Upstream != nil {
		if s.calm = s.events > 600; s.calm {
			s.down = false
		}
		s.now = s.now.Add(time.Millisecond) // no two answers come at once
		s.cfg.Full = s.accident(200)
		if s.events > 6000 {
			s.fail("does not drain: %s %q, %d entries, run %+v", s.q.State, s.q.Reason, len(s.q.Entries), s.q.Run)
		}
		c := s.rnd.IntN(100)
		switch {
		case len(s.wait) > 0 && c < 25:
			e := s.wait[0]
			s.wait = s.wait[1:]
			s.submit(e)
		case s.accident(60):
			s.happens()
		case s.pending != nil && c < 85:
			s.answer()
		default:
			s.pass()
		}
	}
	for id, k := range s.kinds {
		if s.settled[id] == "" && !k.gone {
			s.fail("%s is lost", id)
		}
	}
	for id, c := range s.settled {
		if !slices.Contains(s.line(s.q.Target), c) {
			s.fail("%s settled and is not in the target", id)
		}
	}
}

func (s *sim) submit(e Entry) {
	k := s.kinds[e.Bead]
	if k.gone || s.settled[e.Bead] != "" {
		return
	}
	if _, ok := s.first[e.Bead]; !ok {
		s.first[e.Bead] = s.now
	}
	s.send(Submit{e})
}

// pass lets time go by, and a person do what the queue waits for.
func (s *sim) pass() {
	next := Next(s.q, s.now, s.cfg)
	switch {
	case s.person():
	case s.q.State == MainRed && (s.calm || s.percent(30)):
		s.mend()
	case s.q.Moved() && (s.calm || s.percent(30)): // somebody puts it back
		s.target = s.q.Target
		s.send(TargetMoved{Commit: s.target, Known: s.target})
	case (s.q.State == Paused || s.q.State == Failed) && (s.calm || s.percent(30)):
		if s.percent(50) {
			s.send(Restart{})
		}
		s.send(Resume{})
	case !next.IsZero() && next.After(s.now) && (s.pending == nil || s.accident(20)):
		s.now = next
		s.send(Tick{})
	case s.pending != nil || !next.IsZero():
		s.now = s.now.Add(time.Second)
		s.send(Tick{})
	default:
		for _, e := range slices.Clone(s.q.Entries) {
			if e.State == EntryHeld {
				s.aside(e)
			}
			if e.State == EntryApprove {
				s.send(Approve{Bead: e.Bead, Tree: e.Green.Tree})
			}
		}
		s.now = s.now.Add(time.Minute)
		s.send(Tick{})
	}
	if s.percent(20) {
		s.look()
		s.deliver()
	}
}

// drop takes a bead out of the queue for good.
func (s *sim) drop(id beads.ID) {
	s.kinds[id].gone, s.kinds[id].refused = true, true
	s.send(Drop{Bead: id})
}

// aside is what people do about an entry that is held.
func (s *sim) aside(e Entry) {
	switch c := s.rnd.IntN(4); {
	case e.Why == "" || c == 0:
		s.kinds[e.Bead].let = s.kinds[e.Bead].let || e.Carries != ""
		s.send(Release{Bead: e.Bead, Person: true})
	case c == 1:
		s.drop(e.Bead)
	default:
		s.send(Reject{Bead: e.Bead, By: "me", Text: "it breaks the gate"})
	}
}

// mend is what people do about a red target.
func (s *sim) mend() {
	fixing := slices.ContainsFunc(s.q.Entries, func(e Entry) bool { return e.Fix }) || slices.ContainsFunc(s.wait, func(e Entry) bool { return e.Fix })
	switch {
	case s.steady(s.commits[s.target].tree) == Pass:
		clear(s.gated) // red verdicts are not believed any more
		s.send(Resume{})
	case fixing && s.percent(80):
		s.now = s.now.Add(time.Second)
		s.send(Tick{})
	default:
		s.file(0)
	}
}

// file makes a bead that mends the target once so many attempts did not.
func (s *sim) file(red int) {
	id := beads.ID(fmt.Sprintf("fix-%02d", s.fixes))
	s.fixes++
	s.kinds[id] = &kind{fix: true, red: red}
	s.wait = slices.Insert(s.wait, 0, Entry{Bead: id, N: 1, Tip: string(id) + "/1", Fix: true})
}

// happens is one accident, or one person.
func (s *sim) happens() {
	some := func() beads.ID {
		if len(s.q.Entries) == 0 {
			return "none"
		}
		return s.q.Entries[s.rnd.IntN(len(s.q.Entries))].Bead
	}
	switch s.rnd.IntN(13) {
	case 0:
		s.send(Hold{Bead: some()})
	case 1:
		s.send(Release{Bead: some()})
	case 2:
		if id := some(); s.percent(20) && id != "none" && !s.q.Landing(id) {
			s.drop(id)
		}
	case 3:
		s.send(Approve{Bead: some()})
	case 4:
		s.send(Pause{})
	case 5:
		s.send(Restart{})
	case 6, 7, 8:
		s.crash()
	case 9:
		s.stray()
	case 10:
		what := "fine"
		if s.percent(30) {
			what = "red"
		}
		s.remote(what)
	case 11:
		if s.percent(60) {
			s.install("go")
			s.send(Tick{})
		} else {
			s.send(Resume{})
		}
	case 12:
		if s.down = !s.down && s.percent(50); s.down {
			s.unjust, s.hit = 0, map[string]bool{}
		}
	}
}

// stray is an agent that moves the target itself: onto its own commit, or back.
func (s *sim) stray() {
	s.exts++
	name := fmt.Sprint("ext", s.exts)
	has := append(slices.Clone(s.commits[s.target].has), name)
	s.commits[name] = simCommit{parent: s.target, tree: treeOf(has), has: has}
	if up := s.commits[s.target].parent; up != "" && s.percent(20) {
		name = up
	}
	s.target = name
	if s.percent(50) {
		s.send(TargetMoved{Commit: name, Known: s.q.Target})
	}
}

// crash leaves the stored queue and the repository. What was under way may have been
// done.
func (s *sim) crash() {
	if p, ok := s.pending.(Publish); ok && s.percent(50) {
		s.swap(p.Intent)
	}
	s.pending, s.stopped = nil, false
	data, err := json.Marshal(s.q)
	if err != nil {
		s.fail("%v", err)
	}
	s.q = Queue{}
	if err := json.Unmarshal(data, &s.q); err != nil {
		s.fail("%v", err)
	}
	ev := Restarted{Target: s.target}
	if in := s.q.Intent; in != nil {
		ev.IntentDone = slices.Contains(s.line(s.target), in.New)
	}
	s.send(ev)
}

func treeOf(has []string) string {
	has = slices.Clone(has)
	slices.Sort(has)
	return strings.Join(has, " ")
}

func (s *sim) line(c string) []string {
	var l []string
	for ; c != ""; c = s.commits[c].parent {
		l = append(l, c)
	}
	return l
}

// answer performs the pending action and reports it.
func (s *sim) answer() {
	if s.accident(5) {
		s.send(Crashed{Err: "index out of range"})
		return
	}
	a := s.pending
	switch a := a.(type) {
	case Build:
		s.pending = nil
		s.send(s.build(a))
	case RunGate:
		if !s.stopped && s.percent(50) {
			s.send(GateStarted{Seq: a.Seq, Gate: a.Index, PID: 1})
			return
		}
		s.pending = nil
		s.send(s.gate(a))
	case Publish:
		s.pending = nil
		done := s.swap(a.Intent)
		switch {
		case s.accident(100):
			s.send(PublishErr{Seq: a.Seq, Err: "lost contact"})
		case done:
			s.send(Published{Seq: a.Seq, Old: a.Intent.Old, New: a.Intent.New})
		default:
			s.send(PublishLost{Seq: a.Seq, Now: s.target})
		}
	}
}

func (s *sim) build(a Build) Built {
	if a.Upstream != nil {
		return s.buildUpstream(a)
	}
	if s.accident(30) {
		return Built{Seq: a.Seq, Err: "disk full"}
	}
	if a.Target != s.target {
		return Built{Seq: a.Seq, Base: s.target, Err: "it is not at " + a.Target}
	}
	ev := Built{Seq: a.Seq, Base: s.target, BaseTree: s.commits[s.target].tree}
	at := s.target
	for i, p := range a.Parts {
		has, problem := s.merge(a, i, at)
		if problem != nil && i > 0 {
			if _, problem = s.merge(a, i, s.target); problem == nil {
				break // only with the batch
			}
		}
		if problem != nil {
			problem.Seq, problem.Base, problem.BaseTree = a.Seq, ev.Base, ev.BaseTree
			s.parts = []Part{{Bead: p.Bead, N: p.N}}
			return *problem
		}
		c := at + "+" + p.Tip
		if i > 0 {
			c = at + p.Tip
		}
		s.commits[c] = simCommit{parent: at, tree: treeOf(has), has: has}
		at = c
		made := Part{Bead: p.Bead, N: p.N, Tip: p.Tip, Commit: c}
		if s.kinds[p.Bead].asks {
			made.Ask = "it changes CI"
		}
		if p.Change || made.Ask != "" {
			made.Change = p.Tip
		}
		ev.Parts = append(ev.Parts, made)
	}
	ev.Commit, ev.Tree = at, s.commits[at].tree
	s.tree, s.baseTree, s.parts = ev.Tree, ev.BaseTree, ev.Parts
	return ev
}

// merge puts a part on a commit: what it has then, or why not.
func (s *sim) merge(a Build, i int, at string) ([]string, *Built) {
	p, has := a.Parts[i], s.commits[at].has
	k := s.kinds[p.Bead]
	for _, x := range has {
		id, _, _ := strings.Cut(x, "/")
		if beads.ID(id) == p.Bead {
			return nil, &Built{AlreadyIn: p.Bead, Commit: at}
		}
	}
	if k.above != "" && p.N == 1 {
		for _, o := range slices.Concat(a.Others, a.Parts[i+1:]) {
			if o.Bead == k.above && !slices.Contains(p.Needs, o.Bead) {
				return nil, &Built{Waits: &Waits{Bead: p.Bead, On: o.Bead}}
			}
		}
		if s.kinds[k.above].refused && !slices.Contains(p.Let, k.above) {
			return nil, &Built{Carries: &Carries{Bead: p.Bead, Of: k.above}}
		}
	}
	if k.file != "" && s.changes(has, k.file, p.Bead) {
		return nil, &Built{Conflict: &Conflict{Bead: p.Bead, N: p.N, Files: []string{k.file}}}
	}
	if k.fix && p.N > k.red {
		has = slices.DeleteFunc(slices.Clone(has), func(x string) bool { return strings.HasSuffix(x, "!") })
	}
	return append(slices.Clone(has), p.Tip), nil
}

// changes reports whether one of the changes is in the file.
func (s *sim) changes(has []string, file string, but beads.ID) bool {
	return slices.ContainsFunc(has, func(x string) bool {
		id, _, _ := strings.Cut(x, "/")
		k := s.kinds[beads.ID(id)]
		return beads.ID(id) != but && k != nil && k.file == file
	})
}

// truth is what a gate without accidents says of a tree now.
func (s *sim) truth(tree string) Outcome {
	out := s.steady(tree)
	if s.down && out != Broken {
		return Fail
	}
	return out
}

// steady is truth while what the gate uses works.
func (s *sim) steady(tree string) Outcome {
	words, out := 0, Pass
	for _, x := range strings.Fields(tree) {
		if strings.HasSuffix(x, "!") {
			return Fail
		}
		id, n, ok := strings.Cut(x, "/")
		k := s.kinds[beads.ID(id)]
		if !ok || k == nil {
			continue
		}
		try := int(n[0] - '0')
		switch {
		case try <= k.broken:
			return Broken
		case try <= k.red:
			out = Fail
		case try <= k.hung && out == Pass:
			out = TimedUp
		}
		if k.word != "" {
			words++
		}
	}
	if words > 1 && out == Pass {
		return Fail
	}
	return out
}

func (s *sim) gate(a RunGate) GateDone {
	done := GateDone{Seq: a.Seq, Gate: a.Index, Outcome: s.truth(a.Tree), Took: time.Second}
	if a.Index == 0 {
		s.passes = 0
	}
	if s.makes {
		s.install("own")
	}
	s.gates++
	switch {
	case s.stopped && s.percent(70):
		done.Outcome = Stopped
	case s.accident(10):
		done.Outcome = Infra
	case s.accident(3):
		done.Outcome = Broken
	case done.Outcome == Pass && s.percent(2):
		done.Outcome = Fail
		s.flaked[a.Tree]++
	}
	switch done.Outcome {
	case Fail:
		done.Code = 1
		if s.hit[a.Tree] = s.down && s.steady(a.Tree) == Pass; s.hit[a.Tree] {
			s.flaked[a.Tree]++
		}
	case Broken:
		done.Code = 127
	case Pass:
		if s.passes++; s.passes == len(s.cfg.Gates) && !s.stopped {
			s.green[a.Tree+s.q.Run.Key] = true
		}
	}
	s.stopped = false
	return done
}

// swap is the compare-and-swap of the target; it reports whether the target has it.
func (s *sim) swap(in Intent) bool {
	if slices.Contains(s.line(s.target), in.New) {
		return true
	}
	if s.target != in.Old {
		return false
	}
	c := s.commits[in.New]
	ok := false
	for key := range s.green {
		ok = ok || strings.HasPrefix(key, in.Tree)
	}
	if !ok || c.tree != in.Tree {
		s.fail("invariant 1: the target takes %q, which is not green", in.Tree)
	}
	if in.Upstream != "" {
		if !s.contains(in.Old, in.New) || !s.contains(in.Upstream, in.New) || len(in.Parts) > 0 {
			s.fail("%q lands without %q or %q", in.New, in.Old, in.Upstream)
		}
	} else if n := slices.Index(s.line(in.New), in.Old); n != len(in.Parts) {
		s.fail("invariant 14: %d commits for %d beads", n, len(in.Parts))
	}
	ids := map[string]bool{}
	for _, x := range c.has {
		id, _, _ := strings.Cut(x, "/")
		if ids[id] {
			s.fail("invariant 3: %s twice in %q", id, c.tree)
		}
		ids[id] = true
	}
	for i, p := range in.Parts {
		k := s.kinds[p.Bead]
		if p.N != 1 || k.above == "" || k.let || k.above == p.Bead {
			continue
		}
		if slices.ContainsFunc(in.Parts[:i], func(o Part) bool { return o.Bead == k.above }) || s.settled[k.above] != "" {
			continue
		}
		if j := index(s.q, k.above); (j >= 0 || s.kinds[k.above].refused) && !needs(s.q, k.above, p.Bead, map[beads.ID]bool{}) {
			s.fail("invariant 11: %s lands the work of %s, which waits or was refused", p.Bead, k.above)
		}
	}
	s.target = in.New
	return true
}

func (s *sim) send(ev Event) {
	s.events++
	old := s.q
	next, out := Step(old, ev, s.now, s.cfg)
	s.q = next
	if *simTell {
		fmt.Printf("%d %T%+v -> %s %+v\n", s.events, ev, ev, next.State, out)
	}
	for _, e := range out {
		s.effect(old, e)
	}
	s.check(ev)
	if s.pending != nil && (s.q.Run == nil || s.q.Run.Seq != actionSeq(s.pending)) {
		if p, ok := s.pending.(Publish); ok && s.percent(50) {
			s.swap(p.Intent) // given up by the queue, and done all the same
		}
		s.pending, s.stopped = nil, false
	}
}

func actionSeq(a Action) uint64 {
	switch a := a.(type) {
	case Build:
		return a.Seq
	case RunGate:
		return a.Seq
	case Publish:
		return a.Seq
	}
	return 0
}

func (s *sim) effect(old Queue, e Effect) {
	switch e := e.(type) {
	case Build:
		if u := s.q.Upstream; u.Asks() || e.Upstream != nil && (u == nil || u.Choice == KeepOurs || u.Tip != e.Upstream.Tip) {
			s.fail("invariant 13: %+v is built with the origin at %+v", e, u)
		}
		s.order(e)
		s.pending, s.stopped = e, false
	case RunGate:
		s.pending, s.stopped = e, false
		if e.Gate.Run != s.cfg.Gates[e.Index].Run {
			s.fail("invariant 9: another gate than the settings'")
		}
		if key := e.Tree + s.q.Run.Key; e.Index == 0 && !e.Fresh && s.quiet {
			if s.gated[key]++; s.gated[key] > 1 {
				s.fail("invariant 6: %q is gated again", e.Tree)
			}
		}
	case Publish:
		if s.q.Intent == nil || s.q.Intent.New != e.Intent.New {
			s.fail("invariant 4: publish without its intent stored")
		}
		if (old.Intent == nil || old.Intent.New != e.Intent.New) && (!s.green[e.Intent.Tree+s.q.Run.Key] || !strings.HasPrefix(s.q.Run.Key, GateKey(s.cfg.Gates))) {
			s.fail("invariant 1: %q is to land and is not green under the gates of now", e.Intent.Tree)
		}
		s.pending, s.stopped = e, false
	case StopGate:
		s.stopped = true
		if a, ok := s.pending.(RunGate); ok {
			s.gated[a.Tree+old.Run.Key] = 0
			if s.q.Run != nil && s.q.Run.StopWhy == StopOverdue {
				s.flaked[a.Tree]++ // the clock jumped: it counts as a hang
			}
		}
	case Settle:
		s.settle(old, e)
	case SendBack:
		s.sentBack(e)
	case FileRed:
		if s.filed == e.Tree || s.steady(e.Tree) == Pass && s.flaked[e.Tree] < 2 {
			s.fail("invariant 7: a bead is filed again, or for a green target: %+v", e)
		}
		s.filed = e.Tree
		s.file(s.rnd.IntN(2))
	case RedGone:
		if s.filed == "" {
			s.fail("invariant 7: %+v was never told red", e)
		}
		s.filed = ""
		clear(s.gated)
		s.wait = slices.DeleteFunc(s.wait, func(e Entry) bool { // taken back unworked
			_, begun := s.first[e.Bead]
			unworked := e.Fix && !begun
			s.kinds[e.Bead].gone = s.kinds[e.Bead].gone || unworked
			return unworked
		})
	case TookIn:
		if !s.contains(e.Tip, s.target) {
			s.fail("invariant 13: %s of the origin is said to be in the target", e.Tip)
		}
		s.took++
	}
}

func (s *sim) settle(old Queue, e Settle) {
	if was := s.settled[e.Bead]; was != "" {
		s.fail("invariant 3: %s landed as %s and %s", e.Bead, was, e.Commit)
	}
	s.settled[e.Bead] = e.Commit
	if i := index(old, e.Bead); s.kinds[e.Bead].asks && (i < 0 || !old.Entries[i].Approved) {
		s.fail("%s landed without a person's yes", e.Bead)
	}
	s.kinds[e.Bead].refused = false
	if !slices.Contains(s.line(s.q.Target), e.Commit) {
		s.fail("%s settled as %s, which is not in the target", e.Bead, e.Commit)
	}
	if e.AlreadyIn {
		s.fail("invariant 4: the landing of %s was lost and found again by luck", e.Bead)
	}
	if in := old.Intent; in != nil && (s.q.Intent != nil || !slices.ContainsFunc(in.Parts, func(p Part) bool { return p.Bead == e.Bead && p.Commit == e.Commit })) {
		s.fail("invariant 4: %s is not settled with its intent", e.Bead)
	}
}

// sentBack checks the blame, and lets the polecat try again.
func (s *sim) sentBack(e SendBack) {
	s.back++
	k := s.kinds[e.Bead]
	k.refused = true
	switch {
	case e.By != "":
	case len(s.parts) != 1 || s.parts[0].Bead != e.Bead:
		s.fail("%s is sent back for %+v", e.Bead, s.parts)
	case len(e.Files) > 0:
		if !s.changes(s.commits[s.target].has, e.Files[0], e.Bead) {
			s.fail("invariant 12: %s does not conflict with the target", e.Bead)
		}
		k.file = "" // it merged the target in
	case s.steady(s.baseTree) != Pass && !k.fix: // who is there to mend it may fail to
		s.fail("invariant 7: %s is blamed on the red base %q", e.Bead, s.baseTree)
	case s.steady(s.tree) == Pass && s.flaked[s.tree] < 2:
		s.fail("invariant 6: %s is blamed for one flake", e.Bead)
	case !k.fix && s.steady(s.tree) == Pass && s.hit[s.tree]:
		if s.unjust++; s.unjust > 1 {
			s.fail("invariant 7: %s is the second one that is blamed for one outage", e.Bead)
		}
	case s.steady(s.tree) == Pass:
		s.wrong++
	case s.steady(s.tree) == Broken:
		s.fail("invariant 8: %s is blamed for a broken gate", e.Bead)
	default:
		k.word = ""
	}
	if e.StrikeOut {
		k.gone = true
		return
	}
	again := Entry{Bead: e.Bead, N: e.N + 1, SentBack: e.N, Priority: 2, Fix: k.fix, Tip: fmt.Sprintf("%s/%d", e.Bead, e.N+1)}
	if k.fix {
		again.Priority = 0
	}
	s.wait = append(s.wait, again)
}

// order checks a choice against the rules, written once more.
func (s *sim) order(b Build) {
	if b.Upstream != nil {
		return
	}
	due := func(e Entry) string {
		d := []time.Duration{-720, 10, 30, 100, 300}[e.Priority] * time.Minute
		return s.first[e.Bead].Add(d).Format("2006-01-02T15:04:05.000000000") + string(e.Bead)
	}
	taken := map[beads.ID]bool{}
	for _, p := range b.Parts {
		taken[p.Bead] = true
	}
	last := s.q.Entries[index(s.q, b.Parts[len(b.Parts)-1].Bead)]
	for _, e := range s.q.Entries {
		if taken[e.Bead] {
			if e.Tip != fmt.Sprintf("%s/%d", e.Bead, e.N) {
				s.fail("invariant 2: %+v is not what was submitted", e)
			}
			if len(b.Parts) > 1 && (e.Priority == 0 || e.SentBack > 1 || e.AskFirst && !e.Approved || s.q.Stop != nil) {
				s.fail("invariant 10: %s shares a candidate", e.Bead)
			}
			continue
		}
		if e.State == EntryQueued && !e.Held && s.q.Stop == nil && waitsFor(s.q, e, nil) == "" && due(e) < due(last) {
			s.fail("invariant 10: %s is passed over for %s", e.Bead, last.Bead)
		}
	}
}

// check holds the queue against itself after an event.
func (s *sim) check(ev Event) {
	r := s.q.Run
	in := func(parts []Part, id beads.ID) bool {
		return slices.ContainsFunc(parts, func(p Part) bool { return p.Bead == id })
	}
	for _, e := range s.q.Entries {
		if !e.SubmittedAt.Equal(s.first[e.Bead]) {
			s.fail("invariant 10: %s lost its time", e.Bead)
		}
		gating := r != nil && r.Phase != PhaseLand && in(r.Parts, e.Bead)
		landing := r != nil && r.Phase == PhaseLand && in(r.Parts, e.Bead)
		if r != nil && r.Stopping && e.State != EntryGating {
			gating = false // held, or a newer attempt, while its gate ends
		}
		if gating != (e.State == EntryGating) || landing && e.State != EntryLanding {
			s.fail("after %T: %s is %s, run %+v", ev, e.Bead, e.State, r)
		}
		if s.settled[e.Bead] != "" {
			s.fail("invariant 3: %s landed and is in the queue", e.Bead)
		}
	}
	if st := s.q.Stop; st != nil && st.Kind == Failed && st.Commit != "" && s.exts == 0 {
		s.fail("after %T: our own landing counts as somebody else's: %s", ev, st.Reason)
	}
	for _, v := range s.q.Verdicts {
		if v.Outcome != Pass && v.Outcome != Fail && v.Outcome != TimedUp {
			s.fail("invariant 8: verdict %+v", v)
		}
	}
	if r != nil && (s.pending == nil || actionSeq(s.pending) != r.Seq) {
		s.fail("after %T: run %+v without an action", ev, r)
	}
	if len(s.q.Suspects) > calmBatch || len(s.q.Verdicts) > keepVerdicts || s.q.Red < 0 || s.q.Red > 1 {
		s.fail("out of bounds: %d suspects, %d verdicts, rate %v", len(s.q.Suspects), len(s.q.Verdicts), s.q.Red)
	}
	if s.q.State == Idle && r == nil && !s.cfg.Full && runnable(s.q, s.cfg) >= 0 && Next(s.q, s.now, s.cfg).IsZero() {
		s.fail("stands still")
	}
}
