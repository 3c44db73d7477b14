package tui

import (
	"slices"
	"strings"
	"testing"
	"time"

	"gastown/beads"
	"gastown/internal/api"
	"gastown/refinery"
)

// twoQueues is a town of two rigs: myapp is idle with one entry that is held, site hangs in a gate behind one that is queued.
func twoQueues(cols, rows int) *fakeHost {
	h := sampleHost(cols, rows)
	v := sampleView()
	mine, site := &v.Refineries[0], v.Refineries[0]
	site.Rig, site.Queue = "site", []api.QueueEntry{
		{Bead: "gt-a0d", Title: "Encrypt", Rig: "site", State: refinery.EntryQueued, Position: 1, Queued: ago(time.Hour), Expected: noon().Add(time.Second)},
		{Bead: "gt-a0e", Title: "OAuth", Rig: "site", State: refinery.EntryGating, Position: 2, Phase: "test", Queued: ago(time.Minute), Since: ago(time.Minute)},
	}
	mine.Queue = []api.QueueEntry{{Bead: "gt-f20", Title: "Settings", Rig: "myapp", State: refinery.EntryHeld, Position: 1, Queued: ago(time.Hour)}}
	mine.State, mine.Phase, mine.Run, mine.Tail = refinery.Idle, "", nil, nil
	v.Refineries = append(v.Refineries, site)
	v.Status.Rigs = []api.StatusRig{{Name: "myapp", Refinery: mine.RefineryState}, {Name: "site", Refinery: site.RefineryState}}
	v.Status.Problems[0].Who, v.Status.Problems[0].Rig = "refinery site", "site"
	h.set(v)
	h.do = func(verb string, _ any) (any, error) {
		if verb == api.RefineryRestart.Name() {
			return v.Refineries, nil
		}
		return nil, nil
	}
	return h
}

// TestRestartIsOfTheRigThatIsMeant: a problem's own, the one a title speaks of, the hung one; another only where the person went to its row.
func TestRestartIsOfTheRigThatIsMeant(t *testing.T) {
	for _, c := range []struct{ keys, want string }{
		{"r", "site"}, {"3 r", "site"}, {"! r", "site"}, {"3 up up r", "myapp"}, {"2 r", "site"}, {"L r", "site"}, {"3 up up L r", "myapp"},
	} {
		p := drive(t, twoQueues(120, 40), 120, 40)
		p.keys("ctrl+]")
		p.keys(strings.Fields(c.keys)...)
		p.wantCall("refinery.restart {Name:" + c.want + "}")
	}
	p := drive(t, twoQueues(120, 40), 120, 40)
	p.keys("ctrl+]", "3", "up", "up", "1")
	p.clickOn("r restart ─")
	p.wantCall("refinery.restart {Name:site}")
	p.wantToast("refinery of site restarted: gt-a0d first again")
}

// TestRestartNamesWhatRunsFirst: an entry that is held is first in the list, not in line.
func TestRestartNamesWhatRunsFirst(t *testing.T) {
	h := twoQueues(120, 40)
	h.view.Refineries[1].Queue[0].State = refinery.EntryHeld
	p := drive(t, h, 120, 40)
	p.keys("ctrl+]", "r")
	p.wantToast("gt-a0e first again")
}

// TestLogIsOfOneMergeRequest: heading, text and keys are of the same one, wherever L was pressed.
func TestLogIsOfOneMergeRequest(t *testing.T) {
	for _, keys := range []string{"L", "3 L", "! L", "3 up up L"} {
		h := twoQueues(120, 40)
		p := drive(t, h, 120, 40)
		p.keys("ctrl+]")
		p.keys(strings.Fields(keys)...)
		if keys == "3 up up L" { // of myapp, where nothing was tested yet
			p.wantCall("refinery.log {Rig:myapp")
			continue
		}
		p.wantCall("refinery.log {Rig: Bead:gt-a0e")
		p.wantDialog("gt-a0e OAuth")
		if strings.Contains(p.dialog(), "lands in") {
			t.Errorf("%s: a hung gate promises a landing:\n%s", keys, p.dialog())
		}
		p.keys("space")
		p.wantCall("queue.hold {Bead:gt-a0e}")
	}
	h := twoQueues(120, 40)
	h.view.Refineries[1].Queue[1].State = refinery.EntryHeld
	h.view.Refineries[1].Queue[1].Gates = []refinery.GateResult{{Gate: "build", Outcome: refinery.Pass}}
	p := drive(t, h, 120, 40)
	p.keys("ctrl+]", "3", "down", "down", "L")
	p.wantDialog("Space release")
	p.keys("b")
	p.wantDialog("BOUNCE gt-a0e?")
}

// TestLogOfAFinishedGate: between two runs it says of whom the log is, and how that went.
func TestLogOfAFinishedGate(t *testing.T) {
	h := twoQueues(120, 40)
	p := drive(t, h, 120, 40)
	p.change(func(v *api.View) {
		r := &v.Refineries[1]
		r.State, r.Run, r.Queue = refinery.Idle, nil, nil
		for i := range v.Beads {
			if b := &v.Beads[i]; b.ID == "gt-9c1" {
				b.Attempts = []*beads.Attempt{{Bead: b.ID, N: 2, Rig: "site", State: beads.Landed, Gates: []beads.GateRun{{Gate: "test", Outcome: "pass", Took: 14 * time.Second}}}}
			}
		}
		v.Refineries = slices.Clone(v.Refineries[1:])
	})
	p.keys("ctrl+]", "L")
	p.wantCall("refinery.log {Rig: Bead:gt-9c1")
	p.wantDialog("gt-9c1 Session table schema · landed · try 2")
	p.wantDialog("gates test + 14s")
	p.keys("space")
	p.wantNo("queue.hold")
	p.wantToast("in no queue now")
}

// TestReviveSaysWhereKilledWorkIs: the polecat that was killed is no longer in its pane.
func TestReviveSaysWhereKilledWorkIs(t *testing.T) {
	p := drive(t, sampleHost(120, 40), 120, 40)
	p.change(func(v *api.View) { v.Status.Polecats = nil })
	p.keys("ctrl+]", "2", "v")
	p.wantToast("select that (1) and press v")
	p.keys("d")
	p.wantToast("1 goes to the beads")
}
