package town

import (
	"strings"
	"testing"

	"gastown/beads"
	"gastown/internal/api"
	"gastown/internal/fault"
	"gastown/refinery"
)

// TestKeptCommitsAreShown: work that was all committed is work.
func TestKeptCommitsAreShown(t *testing.T) {
	l := newLab(t, "")
	id := l.create("one")
	l.job(id, "for n in first second; do echo $n > $n; git add .; git commit -qm \"the $n\"; done; echo . | tell at; exec sleep 1000")
	l.sling(id)
	l.told("at")
	if _, err := api.RescueRestore.Do(t.Context(), l.person(), api.RescueReq{What: string(id)}); !fault.Is(err, fault.NotFound) {
		t.Errorf("nothing is kept yet: %v", err)
	}
	if _, err := api.PolecatKill.Do(t.Context(), l.person(), api.KillReq{Name: string(id)}); err != nil {
		t.Fatal(err)
	}
	got, err := api.RescueShow.Do(t.Context(), l.person(), api.RescueReq{What: string(id)})
	if err != nil || !strings.HasPrefix(got.Text, string(id)+"/1 of toast, killed: 2 commits beyond ") || !strings.Contains(got.Text, ", 0 paths not committed\n") ||
		strings.Index(got.Text, "the first") > strings.Index(got.Text, "the second") || !strings.Contains(got.Text, "+second") {
		t.Errorf("%q, %v", got.Text, err)
	}
	if d, err := api.GetDiff.Do(t.Context(), l.person(), api.DiffReq{Bead: id, Attempt: 1}); err != nil || !strings.Contains(d.Text, "+second") {
		t.Errorf("%+v, %v", d, err)
	}
	l.sling(id)
	l.awaitStatus(id, beads.Working)
	_, err = api.RescueRestore.Do(t.Context(), l.person(), api.RescueReq{What: string(id)})
	if !fault.Is(err, fault.Refused) || !strings.HasPrefix(err.Error(), "restore "+string(id)+": polecat ") {
		t.Error(err)
	}
}

// TestNoGatesAreToldOnce, whether anything waits for them or not.
func TestNoGatesAreToldOnce(t *testing.T) {
	l := newLab(t, "")
	if _, err := api.RigUngated.Do(t.Context(), l.person(), api.RigUngatedReq{Name: "app"}); err != nil {
		t.Fatal(err)
	}
	told := func() {
		t.Helper()
		if ps := l.status().Problems; len(ps) != 1 || !strings.Contains(ps[0].Do, "gastown rig ungated app") || ps[0].Since.IsZero() {
			t.Errorf("%+v", ps)
		}
	}
	told() // before anything waits for them
	if r := l.host.Refresh().Refineries[0]; r.State != refinery.NoGates || r.Reason == "" || r.Hint == "" {
		t.Errorf("the Refinery: %+v", r.RefineryState)
	}
	id := l.create("one")
	l.sling(id)
	l.awaitStatus(id, beads.Submitted)
	told()
}
