package tui

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"gastown/beads"
	"gastown/internal/api"
	"gastown/internal/fault"
	"gastown/refinery"
)

func TestEventsFilterAndJump(t *testing.T) {
	h := sampleHost(120, 40)
	h.view.Events[1].Bead = "gt-a1f"
	p := drive(t, h, 120, 40)
	p.keys("ctrl+]", "e", "/", "c", "l", "a", "i", "m", "enter")
	p.wantDialog("claimed gt-a1f")
	if strings.Contains(p.dialog(), "hung") {
		t.Error("the filter lets others pass")
	}
	p.keys("enter")
	if got := p.m.lists[paneBeads].key; len(p.m.stack) > 0 || got != "gt-a1f" {
		t.Errorf("Enter jumped to %s", got)
	}
	p.keys("e", "g", "G", "up", "y")
	p.wantToast("copied")
	p.keys("/", "z", "z", "z", "enter")
	p.wantDialog("No event has these words")
	p.keys("esc")
	p.wantDialog("claimed gt-a1f")
	p.keys("esc")
	if len(p.m.stack) != 0 {
		t.Error("Esc does not close")
	}
}

// TestBeadSaysWhyItIsNow: an open bead that gets on is asked about again.
func TestBeadSaysWhyItIsNow(t *testing.T) {
	h := sampleHost(120, 40)
	why := "it waits for gt-a1f"
	h.do = func(verb string, _ any) (any, error) {
		if verb == api.Why.Name() {
			return api.WhyRes{Why: why}, nil
		}
		return nil, nil
	}
	p := drive(t, h, 120, 40)
	p.keys("ctrl+]", "enter")
	p.wantDialog(why)
	d, _ := p.m.stack[0].(*beadDialog)
	v := *h.View()
	v.Beads = slices.Clone(v.Beads)
	for i := range v.Beads {
		if v.Beads[i].ID == d.id {
			v.Beads[i].Status, v.Beads[i].MergeCommit = beads.Closed, "a91c7e2"
		}
	}
	why = "it has landed"
	h.set(&v)
	p.send(changedMsg{})
	p.wantDialog(why)
	before := len(h.asked())
	again := *h.View()
	h.set(&again)
	p.send(changedMsg{})
	if len(h.asked()) != before {
		t.Error("it is asked again without need")
	}
}

// TestBeadShowsItsEvidenceFirst: what was done and tested stands above a long description.
func TestBeadShowsItsEvidenceFirst(t *testing.T) {
	h := sampleHost(80, 24)
	v := *h.View()
	v.Beads = slices.Clone(v.Beads)
	for i := range v.Beads {
		if v.Beads[i].ID == "gt-c9d" {
			v.Beads[i].Description = strings.Repeat("One more wish.\n", 60)
		}
	}
	h.set(&v)
	p := drive(t, h, 80, 24)
	p.keys("ctrl+]", "enter")
	for _, want := range []string{"try 1", "gates build", "what       One more wish."} {
		p.wantDialog(want)
	}
	p.keys("G")
	p.wantDialog("said ")
}

// TestEventsFollow: while following the newest is selected; a selected older one stays.
func TestEventsFollow(t *testing.T) {
	h := sampleHost(120, 40)
	p := drive(t, h, 120, 40)
	p.keys("ctrl+]", "e")
	d, _ := p.m.stack[0].(*eventsDialog)
	add := func(seq uint64) {
		v := *h.View()
		v.Events = append(append([]beads.Event{}, v.Events...), beads.Event{Seq: seq, Kind: "x", Text: fmt.Sprint("new ", seq), At: noon()})
		h.set(&v)
		p.send(changedMsg{})
	}
	add(8)
	if all, at := d.shown(p.m); all[at].Seq != 8 {
		t.Errorf("following, %d is selected", all[at].Seq)
	}
	p.keys("down")
	add(9)
	if all, at := d.shown(p.m); all[at].Seq != 7 {
		t.Errorf("after down, %d is selected, want 7", all[at].Seq)
	}
	p.keys("f")
	if all, at := d.shown(p.m); all[at].Seq != 9 {
		t.Errorf("f does not follow: %d", all[at].Seq)
	}
}

func TestLogFollowsAndFinds(t *testing.T) {
	h := sampleHost(120, 40)
	n := 3000
	h.do = func(verb string, _ any) (any, error) {
		if verb != api.RefineryLog.Name() {
			return nil, nil
		}
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "line %d\n", i)
		}
		return api.Peeked{Text: b.String(), From: "logs/x"}, nil
	}
	p := drive(t, h, 120, 40)
	p.keys("ctrl+]", "L")
	p.wantDialog("line 2999")
	n = 3005
	v := *h.View()
	h.set(&v)
	p.wait(2 * time.Second)
	p.send(changedMsg{})
	p.wantDialog("line 3004")
	p.keys("/", "l", "i", "n", "e", " ", "7", "7", "enter")
	p.wantDialog("line 77")
	p.keys("n")
	p.wantDialog("line 770")
	p.keys("/", "n", "o", "n", "e", "enter")
	p.wantDialog("not found: none")
	p.keys("f")
	p.wantDialog("following")
	p.keys("r")
	p.wantCall("refinery.restart")
}

// TestLongLogOpensAtOnce: 100,000 lines within the time a key may take.
func TestLongLogOpensAtOnce(t *testing.T) {
	text := strings.Repeat("=== RUN   TestSomethingThatPrintsALot/with/a/name\n", 100_000)
	h := sampleHost(120, 40)
	h.do = func(verb string, _ any) (any, error) {
		if verb == api.RefineryLog.Name() {
			return api.Peeked{Text: text}, nil
		}
		return nil, nil
	}
	p := drive(t, h, 120, 40)
	p.keys("ctrl+]")
	took := quickest(func() {
		p.m.stack = nil
		p.keys("L", "g", "G")
	})
	if took > 200*time.Millisecond {
		t.Errorf("%v to open a log of 100,000 lines and walk it", took)
	}
}

func TestBounce(t *testing.T) {
	p := drive(t, sampleHost(120, 40), 120, 40)
	p.keys("ctrl+]", "3", "b", "enter")
	p.wantNo("queue.drop")
	p.keys("b", "y")
	p.wantCall("queue.drop {Bead:gt-a0e}")
}

func TestRevert(t *testing.T) {
	p := drive(t, sampleHost(120, 40), 120, 40)
	p.keys("ctrl+]", "U")
	p.wantToast("has not landed")
	p.m.show("gt-9c1")
	p.keys("U", "enter")
	p.wantNo("queue.revert")
	p.keys("U", "y")
	p.wantCall("queue.revert {Bead:gt-9c1}")
}

func TestConvoy(t *testing.T) {
	p := drive(t, sampleHost(120, 40), 120, 40)
	p.keys("ctrl+]", "c", "down", "down", "down")
	p.wantDialog("wave 2")
	p.wantDialog("held up by refinery")
	p.keys("P")
	p.wantCall("convoy.pause {Name:auth-revamp}")
	p.keys("y")
	p.wantToast("copied the convoy")
	p.keys("enter")
	if d, ok := p.m.stack[0].(*beadDialog); !ok || d.id != "gt-a1f" {
		t.Error("Enter does not open the bead")
	}
	if got := p.m.convoyMarkdown(&p.h.view.Convoys[0]); !strings.Contains(got, "- [x] gt-9c1 Session table schema (merged)\n") {
		t.Errorf("Markdown:\n%s", got)
	}
}

func TestCostSaysWhatIsNotKnown(t *testing.T) {
	h := sampleHost(120, 40)
	p := drive(t, h, 120, 40)
	p.keys("ctrl+]", "$")
	p.wantDialog("$4.12")
	for i := range h.view.Beads {
		for _, a := range h.view.Beads[i].Attempts {
			a.CostUSD = nil
		}
	}
	p.wantDialog("n/a")
}

func TestZoom(t *testing.T) {
	p := drive(t, sampleHost(120, 40), 120, 40)
	p.keys("ctrl+]", "z")
	if strings.Contains(p.screen(), "MAYOR") || !strings.Contains(p.screen(), "WAITS FOR") {
		t.Error("z does not show the pane alone")
	}
	p.keys("2")
	if !strings.Contains(p.screen(), "2 POLECATS") || strings.Contains(p.screen(), "1 BEADS") {
		t.Error("another pane is not zoomed")
	}
	p.keys("z")
	if !strings.Contains(p.screen(), "MAYOR") {
		t.Error("z does not go back")
	}
}

func TestWidenMayor(t *testing.T) {
	h := sampleHost(120, 40)
	p := drive(t, h, 120, 40)
	p.keys("ctrl+]", "+", "+")
	p.wait(time.Second)
	if got := h.terms[MayorName].resized; got[len(got)-1] != (Size{70, 35}) {
		t.Errorf("the Mayor was resized %v", got)
	}
	for range 20 {
		p.keys("_")
	}
	p.wait(time.Second)
	if got := p.m.layout.left.w; got != leastSlot {
		t.Errorf("the slot is %d wide", got)
	}
	p.wantToast("no further")
}

func TestScrollMode(t *testing.T) {
	h := sampleHost(120, 40)
	for i := range 100 {
		_, _ = fmt.Fprintf(h.terms[MayorName], "old line %d\r\n", i)
	}
	p := drive(t, h, 120, 40)
	p.send(changedMsg{})
	p.keys("ctrl+]", "[", "k", "k")
	if p.m.term.scroll != 2 || !strings.Contains(p.screen(), " SCROLL mayor ") {
		t.Errorf("%d rows back:\n%s", p.m.term.scroll, p.screen())
	}
	p.keys("/", "l", "i", "n", "e", " ", "7", "enter")
	if !strings.Contains(p.screen(), "old line 7") {
		t.Error("search does not find")
	}
	p.keys("y")
	p.wantToast("copied 3")
	p.keys("esc")
	if p.m.term.scroll != 0 || len(p.m.stack) != 0 {
		t.Error("Esc does not leave scroll mode")
	}
	if got := h.terms[MayorName].typed(); got != "" {
		t.Errorf("the child got %q", got)
	}
}

func TestNewBead(t *testing.T) {
	p := drive(t, sampleHost(120, 40), 120, 40)
	p.keys("ctrl+]", "n", "enter")
	p.wantNothing()
	p.keys("d", "o", "tab", "i", "t", "tab", "o", "k", "enter")
	p.wantCall("bead.create {Title:do Description:it Priority:<nil> Type: Accept:ok")
}

func TestEditInEditor(t *testing.T) {
	p := drive(t, sampleHost(120, 40), 120, 40)
	p.keys("ctrl+]", "o")
	p.wantToast("no editor")
	job := &editJob{edit: func(text string) (string, error) {
		return strings.Replace(text, "Login button + redirect 登录按钮", "Login only", 1), nil
	}}
	r, _ := p.m.beadByID("gt-c9d")
	job.text = beadText(&r.bead.Bead)
	if err := job.Run(); err != nil {
		t.Fatal(err)
	}
	p.send(editMsg{bead: "gt-c9d", text: job.text})
	p.wantCall("bead.update {Bead:gt-c9d")
	p.send(editMsg{bead: "gt-c9d", text: editHelp})
	p.wantToast("nothing is changed")
}

func TestBeadText(t *testing.T) {
	b := &beads.Bead{Title: "A title", Description: "Two\n\nparagraphs", AcceptanceCriteria: "- one\n- two"}
	title, description, accept := readBeadText(beadText(b))
	if title != b.Title || description != b.Description || accept != b.AcceptanceCriteria {
		t.Errorf("came back as %q, %q, %q", title, description, accept)
	}
}

// twoRigs is the sample with a second rig and many beads.
func twoRigs(h *fakeHost, n int) {
	v := sampleView()
	second := v.Refineries[0]
	second.Rig, second.Queue, second.Run = "site", nil, nil
	second.State, second.Phase, second.Tail = "idle", "", nil
	v.Refineries = append(v.Refineries, second)
	v.Status.Rigs = append(v.Status.Rigs, api.StatusRig{Name: "site", Branch: "main", Main: "77b01c4", Refinery: second.RefineryState})
	for i := range n {
		b := beadSpec{id: fmt.Sprintf("si-%03d", i), title: fmt.Sprintf("Page %d of the site 网站", i), prio: i % 5, status: beads.Open, age: time.Hour}.bead()
		b.Rig = "site"
		v.Beads = append(v.Beads, b)
	}
	h.set(v)
}

func TestRigFilter(t *testing.T) {
	h := sampleHost(120, 40)
	twoRigs(h, 83)
	p := drive(t, h, 120, 40)
	p.keys("ctrl+]", "f")
	if n := len(p.m.shownBeads()); n != 17 {
		t.Errorf("%d beads of the first rig", n)
	}
	p.keys("f")
	if n := len(p.m.shownBeads()); n != 83 || len(p.m.shownMRs()) != 0 {
		t.Errorf("%d beads of the second rig", n)
	}
	if !strings.Contains(p.screen(), "only site") {
		t.Error("the board does not say what it leaves out")
	}
	p.keys("r")
	p.wantCall("refinery.restart {Name:myapp}") // the hung one is meant, whatever is shown
	p.keys("f")
	if n := len(p.m.shownBeads()); n != 100 {
		t.Errorf("%d beads of all rigs", n)
	}
}

// emptyHost is a town with a rig, a Mayor and nothing to do.
func emptyHost(cols, rows int) *fakeHost {
	h := sampleHost(cols, rows)
	h.set(&api.View{
		Mayor: api.MayorInfo{State: "running", Agent: "claude"}, Starts: 1, Spec: "docs/spec.md",
		Status:     api.Status{Cap: 3, Rigs: []api.StatusRig{{Name: "myapp", Branch: "main"}}},
		Refineries: []api.RefineryInfo{{Rig: "myapp", RefineryState: api.RefineryState{State: "idle"}}},
	})
	return h
}

// TestFirstWordsAreTypedNeverSent: by a digit, by Enter; the person sends them.
func TestFirstWordsAreTypedNeverSent(t *testing.T) {
	for keys, want := range map[string]string{
		"1": "Look at docs/spec.md and plan it.", "3": "What can I ask you here?",
		"enter": "Look at docs/spec.md and plan it.", "down enter": "Propose three small beads for a start.",
	} {
		p := drive(t, emptyHost(120, 40), 120, 40)
		p.keys("ctrl+]")
		p.wantToast("? all keys")
		if !strings.Contains(p.screen(), "1  Look at docs/spec.md") {
			t.Errorf("nothing is offered:\n%s", p.screen())
		}
		p.keys(strings.Fields(keys)...)
		if got := p.h.terms[MayorName].typed(); got != want {
			t.Errorf("%s typed %q, want %q", keys, got, want)
		}
		if p.m.mode != typing {
			t.Errorf("%s: the person cannot send it", keys)
		}
		p.wantNothing()
	}
	p := drive(t, emptyHost(120, 40), 120, 40)
	if !strings.Contains(p.screen(), "Ctrl-], then 1, 2 or") {
		t.Errorf("while the person types, 1 types 1:\n%s", p.screen())
	}
	p = drive(t, emptyHost(80, 24), 80, 24)
	p.wantToast("Ctrl-], then 1, types the first sentence for you: Look at docs/spec.md")
	for agent, want := range map[string]string{"claude": "1  Ask me what I want to build", "scripted": "1  help"} {
		p = drive(t, emptyHost(120, 40), 120, 40)
		p.change(func(v *api.View) { v.Spec, v.Mayor.Agent = "", agent })
		if !strings.Contains(p.screen(), want) || strings.Contains(p.screen(), "spec.md") {
			t.Errorf("%s is offered what is not there:\n%s", agent, p.screen())
		}
	}
	p = drive(t, sampleHost(120, 40), 120, 40) // a town with beads offers none
	p.keys("ctrl+]", "2")
	if p.m.focus != paneCats {
		t.Error("2 does not go to the polecats")
	}
}

// TestApprove: a green merge request that waits for a yes gets it for the tree that was tested.
func TestApprove(t *testing.T) {
	h := sampleHost(120, 40)
	e := &h.view.Refineries[0].Queue[0]
	e.State, e.Ask, e.Green = refinery.EntryApprove, "a person's yes is wanted", &refinery.Candidate{Tree: "4b825dc"}
	p := drive(t, h, 120, 40)
	p.keys("ctrl+]", "3", "A", "enter")
	p.wantNo("queue.approve")
	p.keys("A", "y")
	p.wantCall("queue.approve {Bead:gt-a0e Tree:4b825dc}")
	if got := p.m.toast.text; got != "gt-a0e has your yes" { // true for as long as it is read
		t.Errorf("the toast says %q", got)
	}
}

// TestAYesIsSeenAndSaidFromAnywhere: a change that waits for it needs the person, with its gates green, and A goes to it.
func TestAYesIsSeenAndSaidFromAnywhere(t *testing.T) {
	waiting := func(cols, rows int) *player {
		p := drive(t, sampleHost(cols, rows), cols, rows)
		p.change(func(v *api.View) {
			r := &v.Refineries[0]
			r.State, r.Phase, r.Run, r.Tail = refinery.Idle, "", nil, nil
			r.Queue = []api.QueueEntry{{
				Bead: "gt-a0e", Title: "OAuth", Attempt: 1, Rig: "myapp", Position: 1, State: refinery.EntryApprove, Since: ago(time.Minute), Queued: ago(time.Minute),
				Ask: "the rig asks for every change", Green: &refinery.Candidate{Tree: "4b825dc"},
			}}
			v.Status.Problems = nil
			for i := range v.Status.Polecats {
				if c := &v.Status.Polecats[i]; c.State == beads.Asking {
					c.State = beads.Running
				}
			}
			for i := range v.Beads {
				if b := &v.Beads[i]; b.ID == "gt-c9d" {
					b.Attempts = nil
				}
			}
		})
		p.keys("ctrl+]")
		return p
	}
	p := waiting(120, 40)
	for _, want := range []string{"? gt-a0e P1", "3 REFINERY  ? waits for you", "b+ v+ t+ l+ yes?", "A land it"} {
		if !strings.Contains(p.screen(), want) {
			t.Errorf("no %q:\n%s", want, p.screen())
		}
	}
	if p.m.facts.beads[0].bead.ID != "gt-a0e" {
		t.Errorf("first is %s", p.m.facts.beads[0].bead.ID)
	}
	p.m.show("gt-e12")
	p.keys("A")
	p.wantDialog("Its gates are green. The rig asks for every change.")
	if p.m.lists[paneBeads].key != "gt-a0e" {
		t.Error("A does not go to the bead")
	}
	p.keys("d")
	if _, ok := p.m.over().(*diffDialog); !ok {
		t.Error("d does not show what the yes is for")
	}
	p.keys("esc", "y")
	p.wantCall("queue.approve {Bead:gt-a0e Tree:4b825dc}")
	p = waiting(200, 60)
	if !strings.Contains(p.screen(), "your yes (A)") {
		t.Errorf("it does not say what it waits for:\n%s", p.screen())
	}
	p.m.show("gt-a0e")
	p.keys(":")
	p.typeText("queue approve")
	p.keys("enter", "y")
	p.wantCall("queue.approve {Bead:gt-a0e Tree:4b825dc}")
}

// TestAGoesToWhatNeedsADecision: where nobody asks, the first bead that waits for the person opens.
func TestAGoesToWhatNeedsADecision(t *testing.T) {
	p := drive(t, sampleHost(120, 40), 120, 40)
	p.change(func(v *api.View) {
		v.Status.Polecats = nil
		for i := range v.Beads {
			if b := &v.Beads[i]; b.ID == "gt-e12" {
				b.Status, b.Reason = beads.NeedsYou, "3 attempts failed"
			}
		}
	})
	p.keys("ctrl+]", "2", "A")
	p.wantDialog("BEAD gt-e12")
}

// TestDiffOpensTheFile: o in the diff opens the file under the cursor where the polecat has it.
func TestDiffOpensTheFile(t *testing.T) {
	h := diffHost(2, 1)
	v := sampleView()
	v.Status.Polecats[2].Worktree = "/town/rigs/myapp/wt/slit"
	h.set(v)
	p := drive(t, h, 120, 40)
	p.keys("ctrl+]", "d", "o")
	p.wantToast("no editor")
	d, ok := p.m.stack[0].(*diffDialog)
	if !ok || d.doc == nil {
		t.Fatalf("on top: %+v", p.m.stack[0])
	}
	p.m.file = func(dir, path string) error { return fault.Refusedf("%s in %s", path, dir) }
	if d.openFile(p.m) == nil {
		t.Error("no job for the editor")
	}
	p.send(fileMsg{path: "a.go"})
	p.wantToast("back from a.go")
	if n := p.count("diff"); n != 2 {
		t.Errorf("the diff was read %d times, want again", n)
	}
	p.send(fileMsg{path: "a.go", err: fault.Refusedf("leads out of the worktree")})
	p.wantToast("editor: leads out of the worktree")
	v = sampleView()
	h.set(v)
	p.send(changedMsg{})
	p.keys("o")
	p.wantToast("no polecat works on it now")
}

// TestRemarksSendBack: remarks on a change that waits for a yes are a no.
func TestRemarksSendBack(t *testing.T) {
	h := sampleHost(120, 40)
	e := &h.view.Refineries[0].Queue[0]
	e.Bead, e.Attempt, e.State, e.Green = "gt-a1f", 1, refinery.EntryApprove, &refinery.Candidate{Tree: "4b825dc"}
	h.do = func(verb string, _ any) (any, error) {
		if verb == api.GetDiff.Name() {
			d := sampleDiff()
			d.Bead, d.Attempt = e.Bead, e.Attempt
			return d, nil
		}
		return nil, nil
	}
	p := drive(t, h, 120, 40)
	p.keys("ctrl+]")
	p.m.show(e.Bead)
	p.keys("d", "j", "c", "n", "o", "enter")
	p.wantDialog("C send it back with 1 remark")
	p.keys("C")
	p.wantCall("queue.reject {Bead:" + string(e.Bead))
	p.wantNo("bead.comment")
}

// TestBatchIsShown: the pane says which part of a search runs, and how long it may take.
func TestBatchIsShown(t *testing.T) {
	h := sampleHost(120, 40)
	r := &h.view.Refineries[0]
	r.Step, r.State = "halving: 2 of 4 red together", refinery.Gating
	r.Usual = map[string]time.Duration{r.Gates[r.Run.Gate]: 40 * time.Second}
	r.Queue[0].State, r.Queue[0].Expected = refinery.EntryGating, noon().Add(95*time.Second)
	p := drive(t, h, 120, 40)
	for _, want := range []string{"halving: 2 of 4", "lands in ~", " of ~40s"} {
		if !strings.Contains(p.screen(), want) {
			t.Errorf("%q is not shown:\n%s", want, p.screen())
		}
	}
}

func TestASentenceEndsOnce(t *testing.T) {
	for in, want := range map[string]string{"": "", "red": "red.", "it says so.": "it says so.", "which port?": "which port?", "cut…": "cut…"} {
		if got := sentence(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// TestConvoyUsesItsWidth: the bar is as long as the dialog, and no title is cut while there is room beside it.
func TestConvoyUsesItsWidth(t *testing.T) {
	h := sampleHost(80, 24)
	v := *h.View()
	v.Beads[2].Title = "Add an OAuth callback route, longer"
	h.set(&v)
	p := drive(t, h, 80, 24)
	p.keys("ctrl+]", "c")
	p.wantDialog("callback route, longer")
	for _, row := range strings.Split(p.dialog(), "\n") {
		if strings.Contains(row, "[+") && (!strings.HasSuffix(row, "] ║") || strings.ContainsAny(strings.Trim(row, "║ "), " ")) {
			t.Errorf("the bar: %q", row)
		}
	}
	done := *h.View()
	done.Convoys = []api.Convoy{done.Convoys[0]}
	done.Convoys[0].Closed = done.Convoys[0].Total
	done.Status.Problems = nil
	h.set(&done)
	p.send(changedMsg{})
	p.wantDialog("all of it is done")
	if strings.Contains(p.dialog(), "P pause") || strings.Contains(p.dialog(), "P launch") {
		t.Errorf("a convoy that is done can be paused:\n%s", p.dialog())
	}
}

// TestDepsCursorIsOnABead, whichever way it comes.
func TestDepsCursorIsOnABead(t *testing.T) {
	p := drive(t, sampleHost(120, 40), 120, 40)
	p.keys("ctrl+]")
	p.m.show("gt-f20")
	p.keys("D")
	d, _ := p.m.over().(*depsDialog)
	for _, key := range []string{"down", "down", "down", "up", "up", "up", "g", "G", "g"} {
		p.keys(key)
		if d.rows[d.at.at].id == "" {
			t.Errorf("after %s the cursor is on %q", key, d.rows[d.at.at].head)
		}
	}
}
