package town

import (
	"fmt"
	"strings"
	"testing"

	"gastown/beads"
	"gastown/internal/api"
)

// kept are the refs that hold frozen tips.
func (l *lab) kept() string {
	l.t.Helper()
	return strings.ReplaceAll(l.git(l.repo(), "for-each-ref", "--format=%(refname:lstrip=3)", keepPrefix), "\n", " ")
}

// TestNoTipIsKeptOfWhatLanded: in linear history the tips themselves are not in main.
func TestNoTipIsKeptOfWhatLanded(t *testing.T) {
	for _, history := range []string{"merge", "linear"} {
		t.Run(history, func(t *testing.T) {
			l := newLab(t, `gate = [{name = "check", run = "test ! -e bad"}]`)
			if _, err := api.ConfigSet.Do(t.Context(), l.person(), api.ConfigReq{Key: "refinery.history", Value: history}); err != nil {
				t.Fatal(err)
			}
			var ids []beads.ID
			for i := range 4 {
				ids = append(ids, l.create(fmt.Sprint(i)))
			}
			l.sling(ids[1:]...)
			// One is sent back, and goes on from its own tip.
			l.job(ids[0], `if [ -e bad ]; then git rm -q bad; else touch bad; git add bad; fi; git commit -q -m "$GASTOWN_ATTEMPT"; exec gastown done`)
			l.sling(ids[0])
			for _, id := range ids {
				l.awaitStatus(id, beads.Closed)
			}
			if l.attempt(ids[0]).N != 2 {
				t.Errorf("%+v", l.attempt(ids[0]))
			}
			if _, err := api.QueueRevert.Do(t.Context(), l.person(), api.BeadReq{Bead: ids[1]}); err != nil {
				t.Fatal(err)
			}
			l.await("reverted", func() bool { return l.bead(ids[1]).Status == beads.Open })
			l.await("nothing is kept", func() bool { return l.kept() == "" })
			l.gone()
		})
	}
}

// TestKeptTipsOfBefore: what an older version left is cleared away when the host starts, and what may still be wanted stays.
func TestKeptTipsOfBefore(t *testing.T) {
	l := newLab(t, "")
	if _, err := api.ConfigSet.Do(t.Context(), l.person(), api.ConfigReq{Key: "refinery.history", Value: "linear"}); err != nil {
		t.Fatal(err)
	}
	id := l.create("landed")
	other := l.create("another landing, so that its tip is not simply main")
	l.sling(other)
	l.awaitStatus(other, beads.Closed)
	l.sling(id)
	l.awaitStatus(id, beads.Closed)
	l.awaitNobody()
	l.await("nothing is kept", func() bool { return l.kept() == "" })
	a := l.attempt(id)
	l.down()
	l.git(l.repo(), "update-ref", beads.KeepRef(id, a.N), a.Tip)
	work := l.git(l.repo(), "commit-tree", "main^{tree}", "-p", "main", "-m", "sent back for good")
	l.git(l.repo(), "update-ref", beads.KeepRef("ap-zzz", 1), work)
	l.up()
	l.await("its tip is dropped", func() bool { return l.kept() == "ap-zzz/1" })
}
