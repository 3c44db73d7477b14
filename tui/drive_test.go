package tui

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"

	"gastown/beads"
	"gastown/internal/api"
	"gastown/internal/fault"
	"gastown/refinery"
)

// player drives a model: commands run at once, timers when the clock is moved.
type player struct {
	t      *testing.T
	m      *model
	h      *fakeHost
	clock  *fakeClock
	timers []timer
	quit   bool
}

type timer struct {
	at  time.Time
	msg tea.Msg
}

// fixedModel is a model whose commands nobody runs.
func fixedModel(h *fakeHost, cols, rows int) *model {
	return newModel(ports{
		ctx: context.Background(), host: h, now: noon,
		after: func(time.Duration, tea.Msg) tea.Cmd { return nil },
		post:  func(_ string, f func() error) { _ = f() },
		guard: func(c tea.Cmd) tea.Cmd { return c }, shell: h.line, usage: fakeUsage(),
	}, Screen{Cols: cols, Rows: rows}, colorprofile.TrueColor)
}

func drive(t *testing.T, h *fakeHost, cols, rows int) *player {
	t.Helper()
	p := &player{t: t, h: h, clock: &fakeClock{at: noon()}}
	t.Cleanup(h.close)
	p.m = fixedModel(h, cols, rows)
	p.m.now = p.clock.now
	p.m.after = func(d time.Duration, msg tea.Msg) tea.Cmd {
		p.timers = append(p.timers, timer{p.clock.now().Add(d), msg})
		return nil
	}
	p.run(p.m.Init())
	p.wait(time.Second)
	return p
}

// send gives messages to the model and runs what comes of them.
func (p *player) send(msgs ...tea.Msg) {
	for _, msg := range msgs {
		_, cmd := p.m.Update(msg)
		p.run(cmd)
		p.m.View()
	}
}

func (p *player) run(cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	switch msg := cmd().(type) {
	case nil:
	case tea.BatchMsg:
		for _, c := range msg {
			p.run(c)
		}
	case tea.QuitMsg:
		p.quit = true
	default:
		p.send(msg)
	}
}

// wait moves the clock and fires the timers as they become due.
func (p *player) wait(d time.Duration) {
	end := p.clock.now().Add(d)
	for {
		slices.SortStableFunc(p.timers, func(a, b timer) int { return a.at.Compare(b.at) })
		if len(p.timers) == 0 || p.timers[0].at.After(end) {
			break
		}
		next := p.timers[0]
		p.timers = p.timers[1:]
		if late := next.at.Sub(p.clock.now()); late > 0 {
			p.clock.move(late)
		}
		p.send(next.msg)
	}
	p.clock.move(end.Sub(p.clock.now()))
}

// keys presses keys as a person does, one at a time: "x", "ctrl+]", "enter".
func (p *player) keys(names ...string) {
	for _, name := range names {
		p.send(pressOf(name))
		p.wait(400 * time.Millisecond)
	}
}

func pressOf(name string) tea.KeyPressMsg {
	special := map[string]rune{
		"enter": tea.KeyEnter, "esc": tea.KeyEscape, "tab": tea.KeyTab, "up": tea.KeyUp, "down": tea.KeyDown,
		"left": tea.KeyLeft, "right": tea.KeyRight, "f9": tea.KeyF9, "backspace": tea.KeyBackspace, "pgdown": tea.KeyPgDown, "pgup": tea.KeyPgUp,
	}
	k := tea.KeyPressMsg{}
	if rest, ok := strings.CutPrefix(name, "ctrl+"); ok {
		k.Mod, name = tea.ModCtrl, rest
	}
	if rest, ok := strings.CutPrefix(name, "shift+"); ok {
		k.Mod, name = tea.ModShift, rest
	}
	if c, ok := special[name]; ok {
		k.Code = c
		return k
	}
	k.Code = []rune(strings.ToLower(name))[0]
	if name == "space" {
		k.Code, name = ' ', " "
	}
	if k.Mod == 0 {
		k.Text = name
	}
	return k
}

func (p *player) screen() string { return plainRow(strings.Join(p.m.screenRows(), "\n")) }

func (p *player) wantCall(want string) {
	p.t.Helper()
	if !strings.Contains(p.h.asked(), want) {
		p.t.Errorf("asked %q, want %q; toast %q", p.h.asked(), want, p.m.toast.text)
	}
}

func (p *player) wantNothing() {
	p.t.Helper()
	if p.h.asked() != "" {
		p.t.Errorf("asked %q, want nothing", p.h.asked())
	}
}

func (p *player) wantNo(call string) {
	p.t.Helper()
	if strings.Contains(p.h.asked(), call) {
		p.t.Errorf("asked %q, want no %q", p.h.asked(), call)
	}
}

func (p *player) wantToast(want string) {
	p.t.Helper()
	if !strings.Contains(p.m.toast.text, want) {
		p.t.Errorf("toast %q, want %q", p.m.toast.text, want)
	}
}

func TestTypingReachesTheTerminal(t *testing.T) {
	p := drive(t, sampleHost(120, 40), 120, 40)
	p.keys("esc", "tab", "shift+tab", "ctrl+c", "ctrl+b", "ctrl+o", "q", "x", "enter", "?")
	if got, want := p.h.terms[MayorName].typed(), "\x1b\t\x1b[Z\x03\x02\x0fqx\r?"; got != want {
		t.Errorf("the child got %q, want %q", got, want)
	}
	p.wantNothing()
	if len(p.m.stack) > 0 {
		t.Error("a dialog opened while typing")
	}
}

// TestTypingBeforeTheMayorIsThere: it gets what was typed while it started; Enter starts no second one.
func TestTypingBeforeTheMayorIsThere(t *testing.T) {
	h := sampleHost(120, 40)
	mayor := h.terms[MayorName]
	delete(h.terms, MayorName)
	v := *h.View()
	v.Mayor.State = "starting"
	h.set(&v)
	p := drive(t, h, 120, 40)
	p.keys("h", "i", "enter")
	p.wantNothing()
	if text := p.screen(); !strings.Contains(text, "The Mayor is starting") {
		t.Errorf("the screen does not say so:\n%s", text)
	}
	h.terms[MayorName] = mayor
	now := *h.View()
	now.Mayor.State = "running"
	h.set(&now)
	p.send(changedMsg{})
	if got := mayor.typed(); got != "hi\r" {
		t.Errorf("the Mayor got %q", got)
	}
}

func TestTownKeyNeverReachesTheChild(t *testing.T) {
	for _, k := range []tea.KeyPressMsg{
		{Code: ']', Mod: tea.ModCtrl}, {Code: 0x1d}, {Code: tea.KeyF9}, {Code: 'ü', BaseCode: ']', Mod: tea.ModCtrl},
		{Code: ']', Mod: tea.ModCtrl | tea.ModNumLock},
	} {
		p := drive(t, sampleHost(120, 40), 120, 40)
		p.send(k)
		if p.m.mode != inTown {
			t.Errorf("%v did not go to the board", k)
		}
		p.wait(time.Second)
		p.send(k)
		if p.m.mode != typing {
			t.Errorf("%v did not go back", k)
		}
		if got := p.h.terms[MayorName].typed(); got != "" {
			t.Errorf("%v reached the child as %q", k, got)
		}
	}
}

func TestKeysQueuedAtAChangeOfModeAreDropped(t *testing.T) {
	p := drive(t, sampleHost(120, 40), 120, 40)
	p.send(pressOf("ctrl+]"), pressOf("x"), pressOf("r"))
	p.wait(time.Second)
	p.wantNothing()
	if len(p.m.stack) > 0 {
		t.Error("a queued key opened a dialog")
	}
	p.send(pressOf("m"))
	p.send(pressOf("z"))
	p.wait(time.Second)
	if got := p.h.terms[MayorName].typed(); got != "" {
		t.Errorf("the child got %q", got)
	}
}

func TestRestartRefinery(t *testing.T) {
	h := sampleHost(120, 40)
	h.do = func(verb string, _ any) (any, error) {
		if verb == api.RefineryRestart.Name() {
			return h.view.Refineries, nil
		}
		return nil, nil
	}
	p := drive(t, h, 120, 40)
	p.keys("ctrl+]", "r")
	p.wantCall("refinery.restart {Name:myapp}")
	p.wantToast("refinery restarted: gt-a0e first again")
	p.wait(5 * time.Second)
	if p.m.toast.text != "" {
		t.Errorf("the toast %q stays", p.m.toast.text)
	}
}

func TestRestartHealthyRefineryAsks(t *testing.T) {
	h := sampleHost(120, 40)
	h.view.Refineries[0].State = refinery.Gating
	p := drive(t, h, 120, 40)
	p.send(pressOf("ctrl+]"))
	p.wait(time.Second)
	p.send(pressOf("r"))
	p.wait(60 * time.Millisecond)
	p.send(pressOf("y"))
	p.wait(60 * time.Millisecond)
	p.wantNothing() // the dialog is deaf at first
	p.wait(time.Second)
	p.keys("enter")
	p.wantNothing()
	p.keys("r", "y")
	p.wantCall("refinery.restart")
}

func TestPasteOnTheBoardRunsNothing(t *testing.T) {
	p := drive(t, sampleHost(120, 40), 120, 40)
	p.keys("ctrl+]")
	p.send(tea.PasteMsg{Content: "xrayx\n"})
	p.wantNothing()
	p.wantToast("6 characters pasted here, nothing was run")
	p.keys("m")
	if got := p.h.terms[MayorName].typed(); got != "paste:xrayx\n" {
		t.Errorf("the Mayor got %q", got)
	}
	if p.m.mode != typing {
		t.Error("m did not go to the Mayor")
	}
}

func TestBurstRunsNothing(t *testing.T) {
	p := drive(t, sampleHost(120, 40), 120, 40)
	p.keys("ctrl+]")
	for _, k := range []string{"x", "r", "a", "y", "x", "enter"} {
		p.send(pressOf(k))
		p.clock.move(time.Millisecond)
	}
	p.wait(time.Second)
	p.wantNothing()
	if len(p.m.stack) > 0 {
		t.Error("a burst opened a dialog")
	}
	if p.m.typed.offer != "xrayx\n" {
		t.Errorf("offers %q", p.m.typed.offer)
	}
	p.keys("esc", "x", "y")
	p.wantCall("polecat.kill {Name:gt-c9d/1")
}

func TestHeldArrowMovesAtOnce(t *testing.T) {
	p := drive(t, sampleHost(120, 40), 120, 40)
	p.keys("ctrl+]")
	for range 8 {
		p.send(pressOf("j"))
		p.clock.move(16 * time.Millisecond)
	}
	if at := p.m.lists[paneBeads].at; at != 8 {
		t.Errorf("row %d after 8 repeats, want 8", at)
	}
}

func TestKill(t *testing.T) {
	p := drive(t, sampleHost(120, 40), 120, 40)
	p.keys("ctrl+]", "x", "enter")
	p.wantNo("polecat.kill") // Enter is Cancel
	p.keys("x", "esc")
	p.wantNo("polecat.kill")
	p.keys("x", "y")
	p.wantCall("polecat.kill {Name:gt-c9d/1")
	p.keys("G", "x")
	p.wantToast("no polecat works here")
}

func TestReassign(t *testing.T) {
	p := drive(t, sampleHost(120, 40), 120, 40)
	p.keys("ctrl+]", "a", "down", "down", "tab", "g", "o", " ", "o", "n", "enter")
	p.wantCall("polecat.reassign {Name:gt-c9d/1 To:ace Agent: Note:go on Nobody:false")
}

// TestReassignAsks: the polecat at work is stopped by nobody who did not look, not by a burst and not by Enter alone.
func TestReassignAsks(t *testing.T) {
	p := drive(t, sampleHost(120, 40), 120, 40)
	p.keys("ctrl+]")
	p.send(pressOf("a"))
	p.clock.move(40 * time.Millisecond)
	p.send(pressOf("enter"))
	p.wait(time.Second)
	p.wantNothing()
	p.keys("esc")
	p.send(pressOf("a"))
	p.wait(burstWindow)
	p.send(pressOf("down"), pressOf("enter"))
	p.wait(time.Second)
	p.wantNothing()
	p.keys("esc", "a", "enter")
	p.wantNothing()
	if len(p.m.stack) != 0 {
		t.Error("Cancel does not close")
	}
}

// TestNoBurstStopsTheTown: the most drastic dialog hears no key that was typed with the one that opened it.
func TestNoBurstStopsTheTown(t *testing.T) {
	for _, then := range []string{"s", "d", "y"} {
		for _, gap := range []time.Duration{20 * time.Millisecond, 100 * time.Millisecond, 200 * time.Millisecond} {
			p := drive(t, sampleHost(120, 40), 120, 40)
			p.keys("ctrl+]")
			p.send(pressOf("q"))
			p.wait(gap)
			p.send(pressOf(then))
			p.wait(time.Second)
			if p.quit {
				t.Errorf("q and %s after %s stop the town", then, gap)
			}
			if _, ok := p.m.over().(*quitDialog); !ok {
				t.Errorf("q and %s after %s: no dialog", then, gap)
			}
		}
	}
	p := drive(t, sampleHost(120, 40), 120, 40)
	p.keys("ctrl+]", "q", "s")
	if !p.quit || p.m.result.Quit != Stop {
		t.Error("s does not stop the town")
	}
}

// TestQuitOfAnIdleTown: y, as everywhere; nothing is said of work that there is none of, nor of a town that is deleted.
func TestQuitOfAnIdleTown(t *testing.T) {
	p := drive(t, emptyHost(80, 24), 80, 24)
	p.keys("ctrl+]", "q")
	p.wantDialog("y  quit")
	if text := p.dialog(); strings.Contains(text, "drain") || strings.Contains(text, "resumes") {
		t.Errorf("nobody is at work:\n%s", text)
	}
	p.m.passing = true
	p.wantDialog("The demo's town is deleted when it ends.")
	p.keys("enter")
	if p.quit {
		t.Error("Enter quits")
	}
	p.keys("q", "y")
	if !p.quit || p.m.result.Quit != Stop {
		t.Error("y does not quit")
	}
}

// TestEveryDeciderIsDeafAtFirst: whatever is asked, a key that came with the question is no answer.
func TestEveryDeciderIsDeafAtFirst(t *testing.T) {
	for _, keys := range [][]string{{"x"}, {"q"}, {"a"}, {"3", "b"}, {"space", "x"}, {":", "d", "o", "w", "n", "enter"}} {
		p := drive(t, sampleHost(120, 40), 120, 40)
		p.keys("ctrl+]")
		p.keys(keys[:len(keys)-1]...)
		p.send(pressOf(keys[len(keys)-1]))
		p.wait(burstWindow)
		top := p.m.over()
		if d, ok := top.(decider); !ok || !d.decides() {
			t.Errorf("%v opens %T, which listens at once", keys, top)
			continue
		}
		for _, key := range []string{"enter", "y", "s", "d", "esc"} {
			p.send(pressOf(key))
		}
		p.wait(burstWindow)
		if p.m.over() != top || p.quit {
			t.Errorf("%v: a key was heard", keys)
		}
		for _, verb := range []string{"polecat.kill", "polecat.reassign", "queue.drop", "down"} {
			p.wantNo(verb + " {")
		}
	}
}

// TestAFastPriority: what takes text or a choice takes it as fast as a hand types.
func TestAFastPriority(t *testing.T) {
	p := drive(t, sampleHost(120, 40), 120, 40)
	p.keys("ctrl+]")
	p.send(pressOf("p"), pressOf("0"))
	p.wait(time.Second)
	p.wantCall("bead.update {Bead:gt-c9d")
	p.send(pressOf("n"), pressOf("d"), pressOf("o"))
	p.wait(time.Second)
	p.keys("enter")
	p.wantCall("bead.create {Title:do")
}

func TestReassignToNobody(t *testing.T) {
	p := drive(t, sampleHost(120, 40), 120, 40)
	p.keys("ctrl+]", "a", "G", "enter")
	p.wantCall("polecat.reassign {Name:gt-c9d/1 To: Agent: Note: Nobody:true")
}

func TestAssignReady(t *testing.T) {
	p := drive(t, sampleHost(120, 40), 120, 40)
	p.keys("ctrl+]")
	p.m.show("gt-e12")
	p.keys("a", "enter")
	p.wantCall("sling {Beads:[gt-e12]")
	p.m.show("gt-a0e")
	p.keys("a")
	p.wantToast("merge queue")
}

// TestRestartOfAnAgentAsks: what it is in the middle of is cut short; one that shows no sign of life is restarted at once.
func TestRestartOfAnAgentAsks(t *testing.T) {
	p := drive(t, sampleHost(120, 40), 120, 40)
	p.keys("ctrl+]", "R", "enter")
	p.wantNothing()
	p.m.show("gt-d04")
	p.keys("R")
	p.wantCall("polecat.restart {Name:gt-d04/1}")
}

// TestAClosedBeadHasNoPriority to set.
func TestAClosedBeadHasNoPriority(t *testing.T) {
	p := drive(t, sampleHost(120, 40), 120, 40)
	p.keys("ctrl+]")
	p.m.show("gt-9c1")
	p.keys("p", "0")
	p.wantNothing()
	p.wantToast("gt-9c1 is merged; :reopen opens it again")
}

func TestOtherVerbs(t *testing.T) {
	for _, c := range []struct {
		keys string
		want string
	}{
		{"R y", "polecat.restart {Name:gt-c9d/1}"},
		{"P", "pause {Name:}"},
		{"n d o enter", "bead.create {Title:do"},
		{"p 0", "bead.update {Bead:gt-c9d"},
		{"A n o enter", "polecat.answer {Name:gt-c9d/1 Text:no Question:may I run npm install?}"},
		{"3 space", "queue.hold {Bead:gt-a0e}"},
		{"enter", "why {Bead:gt-c9d}"},
		{"L", "refinery.log {Rig: Bead:gt-a0e"},
		{": p a u s e enter", "pause {Name:}"},
		{": d e l i v e r enter", "rig.deliver {Name:myapp}"},
		{": s l i n g space g t - e 1 2 enter", "sling {Beads:[gt-e12]"},
		{": u n g a t e d enter y", "rig.ungated {Name:myapp Ungated:true}"},
	} {
		t.Run(c.keys, func(t *testing.T) {
			p := drive(t, sampleHost(120, 40), 120, 40)
			p.keys("ctrl+]")
			p.keys(strings.Fields(c.keys)...)
			p.wantCall(c.want)
		})
	}
}

// TestTheNewBeadIsSelected: the next key is about what the person has just written.
func TestTheNewBeadIsSelected(t *testing.T) {
	h := sampleHost(120, 40)
	h.do = func(verb string, _ any) (any, error) {
		if verb == api.BeadCreate.Name() {
			return api.Bead{Bead: beads.Bead{ID: "gt-new", Title: "do"}}, nil
		}
		return nil, nil
	}
	p := drive(t, h, 120, 40)
	p.keys("ctrl+]", "2", "n", "d", "o", "enter")
	p.change(func(v *api.View) {
		v.Beads = append(v.Beads, beadSpec{id: "gt-new", title: "do", status: beads.Open}.bead())
	})
	if r, _ := p.m.selectedBead(); r.bead == nil || r.bead.ID != "gt-new" {
		t.Errorf("selected: %+v", r.bead)
	}
	p.keys("a", "enter")
	p.wantCall("sling {Beads:[gt-new]")
}

// TestToastsSayNothingTwice: the bead and the verb are named once.
func TestToastsSayNothingTwice(t *testing.T) {
	for text, want := range map[string]string{
		"sling gt-e12: it waits for gt-a1f": "sling gt-e12: it waits for gt-a1f", "gt-e12: it is closed": "sling gt-e12: it is closed", "no such bead": "sling gt-e12: no such bead",
	} {
		h := sampleHost(120, 40)
		h.do = func(string, any) (any, error) { return nil, fault.Refusedf("%s", text) }
		p := drive(t, h, 120, 40)
		p.keys("ctrl+]")
		p.m.show("gt-e12")
		p.keys("a", "enter")
		if p.m.toast.text != want {
			t.Errorf("%q becomes %q, want %q", text, p.m.toast.text, want)
		}
	}
	h := sampleHost(120, 40)
	h.do = func(string, any) (any, error) {
		return []api.Slung{{Bead: "gt-e12", Polecat: "rust", Attempt: 1, Msg: "polecat rust, attempt 1"}}, nil
	}
	p := drive(t, h, 120, 40)
	p.keys("ctrl+]")
	p.m.show("gt-e12")
	p.keys("a", "enter")
	p.wantToast("rust takes gt-e12, attempt 1")
}

// killedView is the sample where a person killed what worked on gt-e12, with work that is kept.
func killedView() *api.View {
	v := sampleView()
	v.Agents = []api.AgentChoice{{Spec: "claude", Usual: true, Models: true, Says: "the usual agent here"}, {Spec: "codex", Models: true, Says: "installed"}, {Spec: "mine", Says: "a program of yours"}}
	for i := range v.Beads {
		if b := &v.Beads[i]; b.ID == "gt-e12" {
			b.Stopped, b.LastAttempt = true, 4
			b.Attempts = []*beads.Attempt{{
				Bead: b.ID, N: 4, Polecat: "toast", Preset: "claude", State: beads.Killed, Rescue: "refs/gt/rescue/gt-e12/4", EndedAt: ago(3 * time.Minute), Commits: 1, Files: 2, Added: 14,
			}}
		}
	}
	return v
}

// TestKilledWorkIsSeenAndOffered: the row says so, and a offers to go on from what was kept before anything else.
func TestKilledWorkIsSeenAndOffered(t *testing.T) {
	h := sampleHost(200, 60)
	h.set(killedView())
	p := drive(t, h, 200, 60)
	p.keys("ctrl+]")
	p.m.show("gt-e12")
	for _, want := range []string{"x killed", "work kept (v)", "its work is kept: v goes on from it"} {
		if !strings.Contains(p.screen(), want) {
			t.Errorf("no %q:\n%s", want, p.screen())
		}
	}
	if r, _ := p.m.beadByID("gt-e12"); age(noon().Sub(r.since)) != "3m" || r.who != "toast" {
		t.Errorf("since %v, by %s", r.since, r.who)
	}
	p.keys("a")
	p.wantDialog("from what toast did in try 4: 1 commit · 2 files +14 -0")
	p.wantDialog("any free polecat, or a new one, from the start, with claude")
	p.keys("esc")
	v := killedView()
	v.Agents[0].Missing = "claude"
	h.set(v)
	p.send(changedMsg{})
	p.keys("a")
	p.wantDialog("claude, the usual agent, is not installed: choose another")
	p.keys("enter")
	p.wantCall("polecat.revive {Name:gt-e12/4}")
	p.keys("a", "down", "enter")
	p.wantCall("sling {Beads:[gt-e12] Agent: Polecat:")
	p.keys("v")
	p.wantCall("polecat.revive {Name:gt-e12}")
	p.m.show("gt-c9d")
	p.keys("v")
	p.wantToast("slit works on it")
}

// TestAssignOffersAgents: those that are installed, a model for one that takes it; also to who takes over.
func TestAssignOffersAgents(t *testing.T) {
	h := sampleHost(80, 24)
	h.set(killedView())
	p := drive(t, h, 80, 24)
	p.keys("ctrl+]")
	p.m.show("gt-f20")
	p.change(func(v *api.View) {
		for i := range v.Beads {
			if b := &v.Beads[i]; b.ID == "gt-f20" {
				b.BlockedBy, b.Ready = nil, true
			}
		}
	})
	p.keys("a", "down", "down", "enter")
	p.wantCall("sling {Beads:[gt-f20] Agent:codex Polecat:")
	p.keys("a", "tab", "o", "p", "u", "s", "enter")
	p.wantCall("sling {Beads:[gt-f20] Agent:claude:opus Polecat:")
	p.keys("a", "G", "tab")
	if d, ok := p.m.over().(*assignDialog); !ok || d.field != 0 {
		t.Error("a program that takes no model is asked for one")
	}
	p.keys("esc")
	p.m.show("gt-c9d")
	p.keys("a", "down", "down", "down", "tab", "o", "5", "tab")
	p.typeText("go on")
	p.keys("enter")
	p.wantCall("polecat.reassign {Name:gt-c9d/1 To: Agent:codex:o5 Note:go on Nobody:false")
}

func TestUndo(t *testing.T) {
	h := sampleHost(120, 40)
	p := drive(t, h, 120, 40)
	p.keys("ctrl+]", "u")
	p.wantNothing()
	p.wantToast("nothing to undo")
	v := sampleView()
	v.Undo, v.UndoUntil = "kill slit", noon().Add(time.Minute)
	h.set(v)
	p.send(changedMsg{})
	p.keys("u")
	p.wantCall("undo")
}
