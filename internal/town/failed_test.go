package town

import (
	"strings"
	"testing"
	"time"

	"gastown/beads"
	"gastown/internal/api"
	"gastown/refinery"
)

// TestARefineryThatKeepsFailingStops: three errors in half a minute are a failure with a
// reason, not a loop; a restart goes on where it was.
func TestARefineryThatKeepsFailingStops(t *testing.T) {
	l := newLab(t, "")
	first := l.create("lands")
	l.sling(first)
	l.awaitStatus(first, beads.Closed)
	l.git(l.repo(), "update-ref", "-d", "refs/gt/candidate")
	l.git(l.repo(), "update-ref", "refs/gt/candidate/x", "main") // where the candidate's ref has to go
	id := l.create("waits")
	begun := time.Now()
	l.sling(id)
	l.await("the Refinery has failed", func() bool { return l.status().Rigs[0].Refinery.State == refinery.Failed })
	if took := time.Since(begun); took > 30*time.Second {
		t.Errorf("it took %s", took)
	}
	st := l.status()
	if r := st.Rigs[0].Refinery; !strings.Contains(r.Reason, "candidate") || !strings.Contains(r.Hint, "gastown refinery restart") {
		t.Errorf("%+v", r)
	}
	if len(st.Problems) != 1 || !strings.Contains(st.Problems[0].What, "candidate") {
		t.Errorf("problems: %+v", st.Problems)
	}
	log, err := api.RefineryLog.Do(t.Context(), l.person(), api.LogReq{Rig: "app"})
	if lines := strings.Split(log.Text, "\n"); err != nil || !strings.Contains(lines[0], st.Rigs[0].Refinery.Reason) ||
		!strings.Contains(log.Text, "gastown refinery restart") || !strings.Contains(log.Text, "landed "+string(first)) {
		t.Errorf("its log: %+v (%v)", log, err)
	}
	why, err := api.Why.Do(t.Context(), l.person(), api.BeadReq{Bead: id})
	if err != nil || !strings.Contains(why.Why, "does not move") {
		t.Errorf("%+v (%v)", why, err)
	}
	if b := l.bead(id); b.Status != beads.Submitted || b.Rejections != 0 {
		t.Errorf("it is blamed: %+v", b.Bead)
	}
	l.git(l.repo(), "update-ref", "-d", "refs/gt/candidate/x")
	if _, err := api.RefineryRestart.Do(t.Context(), l.person(), api.NameReq{}); err != nil {
		t.Fatal(err)
	}
	l.awaitStatus(id, beads.Closed)
	l.gone()
}
