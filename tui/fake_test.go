package tui

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"gastown/agents"
	"gastown/beads"
	"gastown/internal/api"
	"gastown/internal/vt"
	"gastown/refinery"
)

// noon is the time of every drawing.
func noon() time.Time { return time.Date(2026, 3, 4, 14, 3, 11, 0, time.Local) }

func ago(d time.Duration) time.Time { return noon().Add(-d) }

// fakeTerm is a terminal whose program is the test.
type fakeTerm struct {
	vt.Terminal
	mu      sync.Mutex
	sent    []string
	resized []Size
	err     error
}

func newFakeTerm(cols, rows int, text string) *fakeTerm {
	t := &fakeTerm{Terminal: vt.New(cols, rows, vt.Options{})}
	_, _ = t.Write([]byte(strings.ReplaceAll(text, "\n", "\r\n")))
	return t
}

func (t *fakeTerm) Send(p []byte) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sent = append(t.sent, string(p))
	return t.err
}

func (t *fakeTerm) Paste(text string) error { return t.Send([]byte("paste:" + text)) }

func (t *fakeTerm) Resize(cols, rows int) {
	t.mu.Lock()
	t.resized = append(t.resized, Size{cols, rows})
	t.mu.Unlock()
	t.Terminal.Resize(cols, rows)
}

func (t *fakeTerm) typed() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.Join(t.sent, "")
}

// fakeHost is a town that remembers what was asked of it.
type fakeHost struct {
	mu    sync.Mutex
	view  *api.View
	terms map[string]*fakeTerm
	calls []string
	slots []Size
	do    func(verb string, req any) (any, error)
	bell  chan struct{}

	prints string // what a line prints
	// broken makes View panic.
	broken bool
}

func newFakeHost(v *api.View) *fakeHost {
	return &fakeHost{view: v, terms: map[string]*fakeTerm{}, bell: make(chan struct{}, 1)}
}

// close ends the terminals: each holds megabytes.
func (h *fakeHost) close() {
	for _, term := range h.terms {
		_ = term.Close()
	}
}

func (h *fakeHost) View() *api.View {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.broken {
		panic("view")
	}
	return h.view
}

func (h *fakeHost) set(v *api.View) {
	h.mu.Lock()
	h.view = v
	h.mu.Unlock()
	h.ring()
}

func (h *fakeHost) ring() {
	select {
	case h.bell <- struct{}{}:
	default:
	}
}

func (h *fakeHost) Changes() (<-chan struct{}, func()) { return h.bell, func() {} }

func (h *fakeHost) Terminal(name string) (Terminal, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range h.view.Status.Polecats {
		if catKey(&c) == name {
			name = c.Name
		}
	}
	t, ok := h.terms[name]
	if !ok {
		return nil, false
	}
	return t, true
}

func (h *fakeHost) SlotSize(cols, rows int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.slots = append(h.slots, Size{cols, rows})
}

// Do records the call and answers with a zero result unless the test says otherwise.
func (h *fakeHost) Do(_ context.Context, verb string, req any) (any, error) {
	h.mu.Lock()
	h.calls = append(h.calls, fmt.Sprintf("%s %+v", verb, req))
	do := h.do
	h.mu.Unlock()
	if do != nil {
		if res, err := do(verb, req); res != nil || err != nil {
			return res, err
		}
	}
	for _, v := range api.Table() {
		if v.Name == verb {
			return v.Value(v.NewRes()), nil
		}
	}
	return nil, fmt.Errorf("no verb %s", verb)
}

func (h *fakeHost) asked() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return strings.Join(h.calls, "\n")
}

// line remembers what was typed after a colon.
func (h *fakeHost) line(_ context.Context, _ api.Doer, args []string) (string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls = append(h.calls, "shell "+strings.Join(args, "|"))
	return h.prints, nil
}

func fakeUsage() map[string]string {
	return map[string]string{
		"bead create": "TITLE...", "sling": "BEAD...", "why": "BEAD", "queue list": "[RIG]", "convoy show": "CONVOY", "polecat show": "POLECAT", "mayor agent": "PRESET",
		"mail send": "TO TEXT...", "bead update": "BEAD", "polecat nudge": "POLECAT|BEAD TEXT...", "plan": "[FILE|-]",
	}
}

const chat = `> We need OAuth login. Split it so three polecats can work
  without stepping on each other.

* I made a convoy "auth-revamp" with 13 beads. The order is
  session table -> callback route -> UI. Three are ready now:

    gt-a1f  Add OAuth callback route        P1  -> toast
    gt-b2c  Session store in bbolt          P1  -> nux
    gt-c9d  Login button + redirect         P2  -> slit

* toast finished gt-a0e and put it in the merge queue.

* Refinery has not reported for 12 minutes. It is stuck in
  the "test" gate of gt-a0e. Press r on the board to
  restart it; gt-a0e goes back to the head of the queue.

> `

func usd(f float64) *float64 { return &f }
func tok(n int64) *int64     { return &n }

type beadSpec struct {
	id, title string
	prio      int
	status    beads.Status
	age       time.Duration
	blocked   string
	reason    string
}

func (s beadSpec) bead() api.Bead {
	at := ago(s.age)
	b := api.Bead{Bead: beads.Bead{
		ID: beads.ID(s.id), Title: s.title, Priority: s.prio, Status: s.status, Type: beads.Feature, Rig: "myapp",
		CreatedAt: at, UpdatedAt: at, CreatedBy: "mayor", NeedsCode: true, Reason: s.reason,
	}}
	for _, id := range strings.Fields(s.blocked) {
		b.BlockedBy = append(b.BlockedBy, beads.ID(id))
		b.Dependencies = append(b.Dependencies, beads.Dependency{IssueID: b.ID, DependsOn: beads.ID(id), Type: beads.Blocks})
	}
	b.Ready = s.status == beads.Open && s.blocked == ""
	if s.status == beads.Closed {
		b.ClosedAt, b.CloseReason, b.MergeCommit = &at, "merged 5be0144c", "5be0144c"
	}
	return b
}

type catSpec struct {
	name, agent, bead, doing string
	state                    beads.AttemptState
	age, quiet               time.Duration
	added, removed, commits  int
	cost                     float64
}

func (s catSpec) info() api.PolecatInfo {
	c := api.PolecatInfo{
		Name: s.name, Rig: "myapp", Bead: beads.ID(s.bead), Agent: s.agent, State: s.state, Since: ago(s.age),
		Attempt: 1, Commits: s.commits, Added: s.added, Removed: s.removed, Doing: s.doing, Terminal: s.bead != "",
	}
	if s.bead == "" {
		return c
	}
	c.Files, c.Dirty, c.Quiet, c.Model = 7, 1, ago(s.quiet), "opus"
	c.CostUSD, c.Tokens = usd(s.cost), tok(int64(s.cost*320000))
	c.Branch, c.PIDs = "gt/"+s.bead+"/1", []int{47112, 47190}
	if s.state == beads.Asking {
		c.Question = s.doing
	}
	c.Stalled = s.state == beads.Running && s.quiet > agents.DefaultSilence
	return c
}

// sampleView is the town of the drawings, with titles that are hard to draw.
func sampleView() *api.View {
	v := &api.View{Gen: 1, At: noon()}
	cats := []catSpec{
		{"toast", "claude", "gt-a1f", "go test ./auth", beads.Running, 12 * time.Minute, 4 * time.Second, 212, 31, 3, 1.20},
		{"nux", "claude", "gt-b2c", "edit store/session.go", beads.Running, 22 * time.Minute, time.Second, 96, 12, 1, 0.88},
		{"slit", "codex", "gt-c9d", "may I run npm install?", beads.Asking, 9 * time.Minute, 2 * time.Minute, 80, 4, 1, 0.61},
		{"rust", "claude", "gt-d04", "", beads.Running, 48 * time.Minute, 31 * time.Minute, 12, 0, 0, 0.94},
		{"dag", "claude", "gt-e11", "", beads.Limited, 2 * time.Hour, time.Hour, 5, 0, 0, 0.49},
		{name: "ace", agent: "codex", state: "idle"},
	}
	limited := map[string]time.Time{"gt-e11": noon().Add(27 * time.Minute)}
	for _, c := range cats {
		v.Status.Polecats = append(v.Status.Polecats, c.info())
	}
	for _, s := range []beadSpec{
		{id: "gt-c9d", title: "Login button + redirect 登录按钮", prio: 2, status: beads.Working, age: 9 * time.Minute},
		{id: "gt-d04", title: "Rate-limit middleware", prio: 1, status: beads.Working, age: 31 * time.Minute},
		{id: "gt-a1f", title: "Add OAuth callback route", prio: 1, status: beads.Working, age: 12 * time.Minute},
		{id: "gt-b2c", title: "Session store in bbolt", prio: 1, status: beads.Working, age: 22 * time.Minute},
		{id: "gt-a0e", title: "OAuth client config", prio: 1, status: beads.Submitted, age: 44 * time.Minute},
		{id: "gt-a0d", title: "Encrypt tokens at rest 🔐👨‍👩‍👧", prio: 2, status: beads.Submitted, age: 51 * time.Minute},
		{id: "gt-e11", title: "Logout endpoint", prio: 2, status: beads.Working, age: 2 * time.Hour},
		{id: "gt-e12", title: "Docs: auth flow", prio: 3, status: beads.Open, age: 2 * time.Hour},
		{id: "gt-f20", title: "Settings page ⚠️ עברית", prio: 2, status: beads.Open, age: 2 * time.Hour, blocked: "gt-a1f gt-e11"},
		{id: "gt-f21", title: "Session timeout banner", prio: 2, status: beads.Open, age: 2 * time.Hour, blocked: "gt-b2c"},
		{id: "gt-f22", title: "E2E login test \x1b[31mred\x1b[0m\u202e", prio: 3, status: beads.Open, age: 2 * time.Hour, blocked: "gt-a1f gt-b2c gt-c9d"},
		{id: "gt-9c1", title: "Session table schema", prio: 1, status: beads.Closed, age: time.Hour},
		{id: "gt-9c0", title: "Add oauth2 dependency", prio: 2, status: beads.Closed, age: time.Hour},
		{id: "gt-9bf", title: "Cookie flags", prio: 2, status: beads.Closed, age: time.Hour},
		{id: "gt-9be", title: "Config loader", prio: 2, status: beads.Closed, age: 2 * time.Hour},
		{id: "gt-9bd", title: "Log format", prio: 3, status: beads.Closed, age: 2 * time.Hour},
		{id: "gt-9bc", title: "Makefile", prio: 3, status: beads.Closed, age: 3 * time.Hour},
	} {
		b := s.bead()
		for _, c := range cats {
			if c.bead == s.id {
				b.Attempts = []*beads.Attempt{{
					Bead: b.ID, N: 1, Polecat: c.name, Preset: c.agent, State: c.state, CreatedAt: ago(s.age), StartedAt: ago(s.age), CostUSD: usd(c.cost),
					Tokens: tok(int64(c.cost * 320000)), Branch: "gt/" + s.id + "/1", Base: "a91c7e2ff0", LimitedUntil: limited[s.id],
				}}
			}
		}
		v.Beads = append(v.Beads, b)
	}
	b := &v.Beads[0]
	b.Comments = []beads.Comment{{Author: "you", Text: "Review of gt-c9d, attempt 1:\n\nweb/login.tsx:12\n> + const x\nname it", CreatedAt: ago(5 * time.Minute)}}
	b.Attempts[0].Gates = []beads.GateRun{{Gate: "build", Outcome: "pass", Took: 14 * time.Second}, {Gate: "test", Outcome: "fail", Took: 70 * time.Second}}
	sampleRefinery(v)
	v.Convoys = []api.Convoy{{
		Convoy: beads.Convoy{Name: "auth-revamp", State: beads.ConvoyLaunched, Beads: []beads.ID{"gt-9c1", "gt-9c0", "gt-a0e", "gt-a1f", "gt-c9d", "gt-f20"}},
		Total:  13, Closed: 4, Waves: [][]beads.ID{{"gt-9c1", "gt-9c0"}, {"gt-a0e", "gt-a1f", "gt-c9d"}, {"gt-f20"}},
	}}
	v.Mayor = api.MayorInfo{State: "running", Agent: "claude"}
	v.Status.Cap, v.Status.Town = 6, "/home/me/gastown"
	v.Status.Beads = api.Counts{Open: 4, Working: 5, Submitted: 2, Closed: 6, Ready: 1, Blocked: 3}
	v.Status.Problems = []api.Problem{
		{Key: "hung", Who: "refinery", What: "gate test of gt-a0e: no progress", Since: ago(12 * time.Minute), Do: "r restart", Rig: "myapp", Level: "hung"},
		{Key: "rust", Who: "rust", What: "no output, no CPU", Since: ago(31 * time.Minute), Do: "R restart agent", Bead: "gt-d04", Level: "hung"},
		{Key: "slit", Who: "slit", What: "may I run npm install?", Since: ago(9 * time.Minute), Do: "A answer", Bead: "gt-c9d", Level: "asks"},
		{Key: "dag", Who: "dag", What: "claude usage limit", Since: ago(4 * time.Minute), Do: "resumes 14:30", Bead: "gt-e11", Level: "wait"},
	}
	return v
}

func sampleRefinery(v *api.View) {
	state := api.RefineryState{State: refinery.Hung, Phase: "test gt-a0e", Since: ago(12 * time.Minute)}
	v.Status.Rigs = []api.StatusRig{{Name: "myapp", Branch: "main", Main: "a91c7e2ff0", Landed: 4, Refinery: state}}
	v.Refineries = []api.RefineryInfo{{
		Rig: "myapp", RefineryState: state, Branch: "main", Main: "a91c7e2ff0", Gates: []string{"build", "vet", "test", "lint"}, Total: 4,
		Queue: []api.QueueEntry{
			{Bead: "gt-a0e", Title: "OAuth client config", Rig: "myapp", State: refinery.EntryGating, Position: 1, Phase: "test",
				Queued: ago(44 * time.Minute), Since: ago(12 * time.Minute), Why: "gate test",
				Gates: []refinery.GateResult{{Gate: "build", Outcome: refinery.Pass}, {Gate: "vet", Outcome: refinery.Pass}}},
			{Bead: "gt-a0d", Title: "Encrypt tokens at rest 🔐👨‍👩‍👧", Rig: "myapp", State: refinery.EntryQueued, Position: 2, Queued: ago(9 * time.Minute), Why: "behind gt-a0e"},
		},
		Run:  &refinery.Run{Phase: refinery.PhaseGate, Gate: 2, PID: 48211, PhaseSince: ago(13 * time.Minute), LastOutput: ago(12 * time.Minute)},
		Tail: []string{"ok   myapp/store  0.8s", "=== RUN   TestCallbackTimeout"},
		Landed: []api.LandedBead{
			{LandedBead: refinery.LandedBead{Bead: "gt-9c1", Commit: "a91c7e2ff", At: ago(22 * time.Minute)}},
			{LandedBead: refinery.LandedBead{Bead: "gt-9c0", Commit: "5be0144", At: ago(41 * time.Minute)}},
			{LandedBead: refinery.LandedBead{Bead: "gt-9bf", Commit: "77b01c4", At: ago(58 * time.Minute)}},
		},
	}}
	for i, e := range []beads.Event{
		{Kind: beads.EvConvoyCreated, Actor: "mayor", Text: "made convoy auth-revamp (13)", At: ago(25 * time.Minute)},
		{Kind: beads.EvClaimed, Polecat: "toast", Text: "toast claimed gt-a1f", At: ago(24 * time.Minute)},
		{Kind: beads.EvLanded, Actor: "refinery", Text: "gt-9c1 landed a91c7e2", At: ago(22 * time.Minute)},
		{Kind: beads.EvGateStarted, Actor: "refinery", Text: "gt-a0e gate test started", At: ago(12 * time.Minute)},
		{Kind: beads.EvStarted, Polecat: "toast", Text: "toast started go test ./auth", At: ago(2 * time.Minute)},
		{Kind: beads.EvAsked, Polecat: "slit", Text: "slit asks to run npm install", At: ago(time.Minute)},
		{Kind: beads.EvHung, Actor: "refinery", Text: "refinery hung on gt-a0e", At: ago(0)},
	} {
		e.Seq = uint64(i + 1)
		v.Events = append(v.Events, e)
	}
}

// sampleHost is a host with the sample view and the terminals it names.
func sampleHost(cols, rows int) *fakeHost {
	h := newFakeHost(sampleView())
	l := arrange(cols, rows)
	for _, name := range []string{MayorName, "toast", "nux", "slit", "rust", "dag"} {
		text := chat
		if name != MayorName {
			text = "I am " + name + "\n"
		}
		h.terms[name] = newFakeTerm(l.slot.w, l.slot.h, text)
	}
	return h
}

// samplePreview is what a kill of slit would do.
func samplePreview(h *fakeHost) api.KillPreview {
	k := api.KillPreview{
		Uncommitted: []string{"web/login.tsx", "web/new.tsx"}, Ignored: []string{"node_modules/", "dist/", ".env"},
		Processes: []api.Process{{PID: 47112, Name: "codex"}, {PID: 47190, Name: "node"}},
	}
	for _, c := range h.View().Status.Polecats {
		if c.Name == "slit" {
			k.PolecatInfo = c
			k.Dirty = 2
		}
	}
	return k
}
