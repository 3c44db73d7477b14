package town

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gastown/beads"
	"gastown/internal/api"
)

// A polecat that prints nothing and does nothing is told to the person, and taken back when it goes on. One that
// computes in silence is not, and neither is one that waits for an answer. Nothing is stopped.
func TestAStalledPolecatIsTold(t *testing.T) {
	l := newLabOf(t, "polecats = 4", "", func(l *lab) {
		l.write("src/README.md", "one\n")
		l.git(l.src, "init", "-q", "-b", "main")
		l.git(l.src, "add", ".")
		l.git(l.src, "commit", "-q", "-m", "first")
	})
	if _, err := api.ConfigSet.Do(t.Context(), l.person(), api.ConfigReq{Key: "agent.mine.silence", Value: "4s"}); err != nil {
		t.Fatal(err)
	}
	stuck, busy, asks := l.create("stuck"), l.create("busy"), l.create("asks")
	l.job(stuck, "mkfifo p; pwd | tell stuck; read x < p; echo I go on; exec sleep 1000")
	l.job(busy, "echo . | tell busy; while :; do :; done")
	l.job(asks, "echo . | tell asks; exec gastown escalate 'which colour?'")
	l.sling(stuck, busy, asks)
	dir := l.told("stuck")
	l.told("busy")
	l.told("asks")
	of := func(id beads.ID) (out []string) {
		for _, p := range l.status().Problems {
			if p.Bead == id {
				out = append(out, p.Key+" "+p.Level)
			}
		}
		return out
	}
	l.await("the stuck one is told", func() bool { return len(of(stuck)) == 1 })
	if got := of(stuck); got[0] != "stalled/"+string(stuck)+" hung" {
		t.Errorf("told as %s", got)
	}
	if got := of(busy); len(got) != 0 {
		t.Errorf("the one that computes: %s", got)
	}
	if got := of(asks); len(got) != 1 || !strings.HasPrefix(got[0], "asks/") {
		t.Errorf("the one that asks: %s", got)
	}
	for _, id := range []beads.ID{stuck, busy, asks} {
		if a := l.attempt(id); !a.State.Live() {
			t.Errorf("%s was stopped", a.Key())
		}
	}
	f, err := os.OpenFile(filepath.Join(dir, "p"), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("go\n"); err != nil {
		t.Fatal(err)
	}
	f.Close()
	l.await("it is taken back", func() bool { return len(of(stuck)) == 0 })
}
