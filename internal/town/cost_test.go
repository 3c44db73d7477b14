package town

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gastown/beads"
	"gastown/internal/api"
)

func TestSpentSumsWhatIsKnown(t *testing.T) {
	at := time.Date(2026, 5, 6, 23, 0, 0, 0, time.UTC)
	attempt := func(id beads.ID, n int, polecat string, started time.Duration, took time.Duration) *beads.Attempt {
		a := &beads.Attempt{Bead: id, N: n, Polecat: polecat, Rig: "app", Preset: "mine", CreatedAt: at, StartedAt: at.Add(started)}
		if took > 0 {
			a.EndedAt = a.StartedAt.Add(took)
		}
		return a
	}
	priced := attempt("ma-1", 2, "nux", 2*time.Hour, time.Hour)
	priced.CostUSD, priced.Tokens = new(1.5), new(int64(900))
	never := attempt("ma-2", 1, "toast", 0, 0)
	never.StartedAt, never.EndedAt = time.Time{}, at
	all := []*beads.Attempt{attempt("ma-1", 1, "toast", 0, time.Minute), priced, never, attempt("ma-3", 1, "slit", 0, 0)}
	titles := map[beads.ID]string{"ma-1": "One", "ma-2": "Two", "ma-3": "Three"}
	now := at.Add(10 * time.Minute)
	for by, want := range map[string][]api.Spent{
		"bead": {
			{Name: "ma-1", Title: "One", Attempts: 2, Time: 61 * time.Minute, CostUSD: new(1.5), Tokens: new(int64(900)), Unsaid: true},
			{Name: "ma-3", Title: "Three", Attempts: 1, Time: 10 * time.Minute, Unsaid: true},
			{Name: "ma-2", Title: "Two", Attempts: 1, Unsaid: true},
		},
		"polecat": {
			{Name: "nux", Attempts: 1, Time: time.Hour, CostUSD: new(1.5), Tokens: new(int64(900))},
			{Name: "slit", Attempts: 1, Time: 10 * time.Minute, Unsaid: true},
			{Name: "toast", Attempts: 2, Time: time.Minute, Unsaid: true},
		},
		"day": {
			{Name: "2026-05-06", Attempts: 3, Time: 11 * time.Minute, Unsaid: true},
			{Name: "2026-05-07", Attempts: 1, Time: time.Hour, CostUSD: new(1.5), Tokens: new(int64(900))},
		},
	} {
		if diff := cmp.Diff(want, spent(all, titles, by, now, time.UTC)); diff != "" {
			t.Errorf("by %s (-want +got):\n%s", by, diff)
		}
	}
	for _, s := range spent(all, titles, "bead", time.Time{}, time.UTC) {
		if s.Name == "ma-3" && s.Time != 0 {
			t.Errorf("without a host it works: %+v", s)
		}
	}
	if got := spent(nil, nil, "attempt", now, time.UTC); got == nil || len(got) != 0 {
		t.Errorf("of nothing: %v", got)
	}
}
