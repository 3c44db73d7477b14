package town

import (
	"testing"

	"gastown/beads/store"
	"gastown/internal/api"
	"gastown/refinery"
)

// A Refinery that hangs, or whose main is red, is one problem, however long it lasts: not its state and its notice.
func TestAStateIsOneProblem(t *testing.T) {
	for _, c := range []struct {
		run   string
		state refinery.State
		level string
	}{
		{"echo begun; exec sleep 1000'''\nsilence = '''200ms", refinery.Hung, "hung"},
		{"false", refinery.MainRed, "failed"},
	} {
		t.Run(string(c.state), func(t *testing.T) {
			l := newLab(t, "")
			gated(l, c.run)
			l.sling(l.create("one"))
			l.await("the Refinery is "+string(c.state), func() bool { return l.status().Rigs[0].Refinery.State == c.state })
			told := l.notices()
			if len(told) != 1 {
				t.Fatalf("notices: %q", told)
			}
			if c.state == refinery.Hung {
				l.sling(l.create("two")) // the queue moves on
				l.await("it says by now how long that is", func() bool { return l.status().Rigs[0].Refinery.Reason != told[0] })
			}
			l.oneProblem(c.level, "refinery app")
		})
	}
}

// notices are the texts of those that the store keeps.
func (l *lab) notices() (out []string) {
	l.t.Helper()
	err := l.town.store.View(func(tx *store.Tx) error {
		all, err := tx.Notices()
		for _, n := range all {
			out = append(out, n.Text)
		}
		return err
	})
	if err != nil {
		l.t.Fatal(err)
	}
	return out
}

func (l *lab) oneProblem(level, who string) api.Problem {
	l.t.Helper()
	ps := l.status().Problems
	if len(ps) != 1 || ps[0].Level != level || ps[0].Who != who {
		l.t.Fatalf("problems: %+v, want one of %s, %s", ps, who, level)
	}
	return ps[0]
}
