package town

import (
	"fmt"
	"strings"
	"testing"

	"gastown/beads"
	"gastown/internal/api"
)

// TestATryThatEndedBetweenCommitAndDone: the next one is told what its branch has, and has only to submit it.
func TestATryThatEndedBetweenCommitAndDone(t *testing.T) {
	l := newLab(t, "")
	id := l.create("one")
	l.job(id, `gastown prime | tell prime$GASTOWN_ATTEMPT
[ -e one ] || echo x > one
git add -A
git diff --cached --quiet || git commit -qm "$GASTOWN_BEAD" || exit
[ $GASTOWN_ATTEMPT != 1 ] || exit 3
exec gastown done`)
	l.sling(id)
	l.awaitStatus(id, beads.Submitted)
	if got := l.told("prime2"); !strings.Contains(got, "It begins with 1 commit of earlier attempts: git log ") {
		t.Error(got)
	}
	if got := l.bead(id).Attempts; len(got) != 2 || got[0].Commits != 1 || got[0].Carried != 0 || got[1].Commits != 1 || got[1].Carried != 1 {
		t.Errorf("%+v, %+v", got[0], got[1])
	}
}

// TestWhoSlungABeadIsKept over tries that end by themselves.
func TestWhoSlungABeadIsKept(t *testing.T) {
	l := newLab(t, "")
	id := l.create("one")
	l.job(id, "exit 3")
	l.sling(id)
	l.awaitState(id, 1, beads.Lost)
	if b := l.bead(id); b.Attempts[0].Slung == nil || b.Sling != nil && (b.Sling.By != "you" || !b.Sling.At.Equal(b.Attempts[0].Slung.At) || b.Sling.NotBefore.IsZero()) {
		t.Errorf("%+v", b.Sling)
	}
	l.awaitState(id, 2, beads.Lost)
	if a := l.bead(id).Attempts[1]; a.Slung == nil || a.Slung.By != "you" {
		t.Errorf("%+v", a.Slung)
	}
}

// TestATryIsCountedByWhatItDidItself, as it was at its end, however short it was.
func TestATryIsCountedByWhatItDidItself(t *testing.T) {
	l := newLab(t, "")
	id := l.create("one")
	l.job(id, `case $GASTOWN_ATTEMPT in
1) echo x > one; git add .; git commit -qm one; exit 3 ;;
2) printf 'a\nb\n' > two; exit 3 ;;
3) gastown prime | tell prime; exec sleep 1000 ;;
4) git add .; git commit -qm two; echo y > three; gastown prime | tell primed; exec sleep 1000 ;;
esac`)
	l.sling(id)
	kill := func() {
		t.Helper()
		if _, err := api.PolecatKill.Do(t.Context(), l.person(), api.KillReq{Name: string(id)}); err != nil {
			t.Fatal(err)
		}
	}
	l.told("prime")
	kill()
	if _, err := api.PolecatRevive.Do(t.Context(), l.person(), api.NameReq{Name: string(id)}); err != nil {
		t.Fatal(err)
	}
	l.told("primed")
	kill()
	var got []string
	for _, a := range l.bead(id).Attempts {
		got = append(got, fmt.Sprintf("%d carried, %d commits, %d files +%d -%d, %d dirty", a.Carried, a.Commits, a.Files, a.Added, a.Removed, a.Dirty))
	}
	want := []string{
		"0 carried, 1 commits, 1 files +1 -0, 0 dirty",
		"1 carried, 0 commits, 1 files +2 -0, 1 dirty",
		"1 carried, 0 commits, 0 files +0 -0, 1 dirty",
		"1 carried, 1 commits, 1 files +1 -0, 1 dirty",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
