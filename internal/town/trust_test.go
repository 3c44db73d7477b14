package town

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gastown/beads"
	"gastown/internal/api"
	"gastown/internal/fault"
	"gastown/refinery"
)

// settings changes town.toml of the lab while its host is down.
func (l *lab) settings(old, now string) {
	l.t.Helper()
	l.down()
	data, err := os.ReadFile(filepath.Join(l.dir, "town.toml"))
	if err != nil || !strings.Contains(string(data), old) {
		l.t.Fatalf("town.toml has no %q (%v):\n%s", old, err, data)
	}
	l.write("T/town.toml", strings.Replace(string(data), old, now, 1))
	l.up()
}

func (l *lab) mayor() api.Doer { return l.town.As(api.Caller{Name: "mayor", Role: "mayor"}) }

// TestAnAgentDoesNotAcceptAMovedMain: agents share the repository's refs, and the Mayor is asked to
// mend a Refinery that stands.
func TestAnAgentDoesNotAcceptAMovedMain(t *testing.T) {
	l := newLab(t, "")
	main := l.git(l.repo(), "rev-parse", "main")
	bad := l.git(l.repo(), "commit-tree", "main^{tree}", "-p", "main", "-m", "unseen")
	id := l.create("one")
	l.git(l.repo(), "update-ref", "refs/heads/main", bad)
	l.sling(id)
	l.await("it stands", func() bool { return l.status().Rigs[0].Refinery.State == refinery.Failed })
	if _, err := api.RefineryRestart.Do(t.Context(), l.mayor(), api.NameReq{}); !fault.Is(err, fault.Refused) {
		t.Errorf("the Mayor restarted it: %v", err)
	}
	if _, err := api.RefineryResume.Do(t.Context(), l.mayor(), api.NameReq{Name: "app"}); !fault.Is(err, fault.Refused) {
		t.Errorf("the Mayor resumed it: %v", err)
	}
	if st := l.status().Rigs[0]; st.Refinery.State != refinery.Failed || st.Main != main {
		t.Errorf("%+v", st)
	}
	if _, err := api.RefineryRestart.Do(t.Context(), l.person(), api.NameReq{}); err != nil {
		t.Fatal(err)
	}
	l.awaitStatus(id, beads.Closed)
}

func TestAnAgentKeepsTheLabelsThatAskForAYes(t *testing.T) {
	l := newLab(t, `approve = ["risky"]`)
	b, err := api.BeadCreate.Do(t.Context(), l.person(), api.BeadCreateReq{Title: "one", Labels: []string{"risky", "ui"}})
	if err != nil {
		t.Fatal(err)
	}
	l.job(b.ID, "gastown bead update $GASTOWN_BEAD --label ui 2>&1 | tell said; echo x > x; git add .; git commit -qm x; exec gastown done")
	l.sling(b.ID)
	l.await("green", func() bool {
		return l.bead(b.ID).Status == beads.Closed || l.queued(b.ID).State == refinery.EntryApprove
	})
	if got := l.bead(b.ID); got.Status == beads.Closed {
		t.Fatal("it landed without a yes")
	}
	if said := l.told("said"); !strings.Contains(said, "risky") {
		t.Error(said)
	}
	if _, err := api.BeadUpdate.Do(t.Context(), l.mayor(), api.BeadUpdateReq{Bead: b.ID, Labels: new([]string{})}); !fault.Is(err, fault.Refused) {
		t.Errorf("the Mayor took the label away: %v", err)
	}
	if _, err := api.BeadUpdate.Do(t.Context(), l.mayor(), api.BeadUpdateReq{Bead: b.ID, Labels: new([]string{"risky"})}); err != nil {
		t.Error(err)
	}
}

func (l *lab) queued(id beads.ID) api.QueueEntry {
	l.t.Helper()
	e, err := api.QueueShow.Do(l.t.Context(), l.person(), api.BeadReq{Bead: id})
	if err != nil && !fault.Is(err, fault.Refused) {
		l.t.Fatal(err)
	}
	return e
}

// TestAYesIsAskedForLate: the wish to see a change may come while it is in the queue.
func TestAYesIsAskedForLate(t *testing.T) {
	l := newLab(t, `approve = ["risky"]`)
	gated(l, `while ! [ -e "`+l.root+`/open" ]; do sleep 0.05; done`)
	id := l.create("one")
	l.sling(id)
	l.await("it is gated", func() bool { return l.queued(id).Phase == "test" })
	if _, err := api.BeadUpdate.Do(t.Context(), l.person(), api.BeadUpdateReq{Bead: id, Labels: new([]string{"risky"})}); err != nil {
		t.Fatal(err)
	}
	l.write("open", "")
	l.await("judged", func() bool { return l.bead(id).Status == beads.Closed || l.queued(id).State == refinery.EntryApprove })
	if b := l.bead(id); b.Status == beads.Closed {
		t.Fatal("it landed without a yes")
	}
	if _, err := api.QueueApprove.Do(t.Context(), l.person(), api.ApproveReq{Bead: id}); err != nil {
		t.Fatal(err)
	}
	l.awaitStatus(id, beads.Closed) // one yes is enough
}
