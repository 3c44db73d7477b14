package agents

import (
	"strings"
	"testing"

	"gastown/beads"
)

// TestATaskSaysHowTheAttemptBeforeEnded: in one line, and the newest rejection with its log stays.
func TestATaskSaysHowTheAttemptBeforeEnded(t *testing.T) {
	const rejection = "Attempt 1 was sent back by the merge queue: gate test failed\n\nFAIL: TestX"
	none, sentBack := beads.Start{}, beads.Start{Note: rejection, Rejected: 1}
	ended := func(n int, s beads.AttemptState, why string) *beads.Attempt {
		return &beads.Attempt{Bead: "ap-1", N: n, Polecat: "nux", State: s, Why: why, Merge: "0123456789abcdef"}
	}
	for name, c := range map[string]struct {
		before *beads.Attempt
		start  beads.Start
		want   string
	}{
		"the first":         {nil, none, ""},
		"crashed":           {ended(1, beads.Lost, "ended without gastown done (exit 3); it last printed: boom"), none, "Attempt 1 (nux) did not finish: ended without gastown done (exit 3); it last printed: boom"},
		"several lines":     {ended(1, beads.Lost, "one\ntwo"), none, "Attempt 1 (nux) did not finish: one two"},
		"killed":            {ended(1, beads.Killed, "off the track"), beads.Start{Note: "Taken over from nux: mind the edges"}, "Attempt 1 (nux) was stopped: off the track\n\nTaken over from nux: mind the edges"},
		"sent back":         {ended(1, beads.Rejected, "gate test failed"), sentBack, rejection},
		"crashed after it":  {ended(2, beads.Lost, "could not start: x"), sentBack, "Attempt 2 (nux) did not finish: could not start: x\n\n" + rejection},
		"a note that went":  {ended(2, beads.Rejected, "gate lint failed"), sentBack, "Attempt 2 was sent back: gate lint failed\n\n" + rejection},
		"in other words":    {ended(1, beads.Rejected, "gate lint failed"), beads.Start{Note: "Lint said no.", Rejected: 1}, "Lint said no."},
		"landed, opened":    {ended(1, beads.Landed, ""), none, "Attempt 1 (nux) landed, as 0123456789; the bead was opened again."},
		"without a reason ": {ended(1, beads.Lost, ""), none, "Attempt 1 (nux) did not finish"},
	} {
		a := &beads.Attempt{Bead: "ap-1", N: 3, Start: &c.start}
		_, got, _ := strings.Cut(TaskOf(&beads.Bead{ID: "ap-1", NeedsCode: true}, a, c.before, nil, nil), "## From the attempt before\n\n")
		if got = strings.TrimSpace(got); got != c.want {
			t.Errorf("%s:\n%s\nwant:\n%s", name, got, c.want)
		}
	}
}

// TestATaskSaysWhatTheBranchHasAlready: who tries again must not look for something to commit.
func TestATaskSaysWhatTheBranchHasAlready(t *testing.T) {
	task := func(carried int) string {
		return TaskOf(&beads.Bead{ID: "ap-1", NeedsCode: true}, &beads.Attempt{Bead: "ap-1", N: 3, Base: "0123456789abcdef", Carried: carried}, nil, nil, nil)
	}
	if got := task(0); strings.Contains(got, "already") {
		t.Error(got)
	}
	if got := task(2); !strings.Contains(got, "\n## On your branch already\n\nIt begins with 2 commits of earlier attempts: git log 0123456789..\nWhere they do all that is asked here, gastown done is all that is left to do.\n") {
		t.Error(got)
	}
}
