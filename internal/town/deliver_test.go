package town

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/git"
)

// TestAnUpdateKilledWithItsHostIsHealedAtTheNextStart leaves a checkout as a power cut does:
// some files are new, the index and the branch are old, a lock lies about.
func TestAnUpdateKilledWithItsHostIsHealedAtTheNextStart(t *testing.T) {
	l := newLab(t, "")
	one := l.create("one")
	l.job(one, "echo 1 > README.md; echo new > other; git add .; git commit -qm one; exec gastown done")
	l.sling(one)
	l.awaitStatus(one, beads.Closed)
	was, tip := l.git(l.src, "rev-parse", "HEAD"), l.git(l.repo(), "rev-parse", "main")
	l.crash(func(tx *store.Tx) error {
		data, err := os.ReadFile(filepath.Join(l.dir, "town.toml"))
		if err != nil {
			return err
		}
		l.write("T/town.toml", strings.Replace(string(data), `deliver = "none"`, `deliver = "checkout"`, 1))
		l.git(l.src, "fetch", "-q", filepath.Join(l.dir, "rigs", "app", "repo.git"), "main")
		l.write("src/README.md", "1\n")
		l.write("src/.git/index.lock", "")
		return tx.PutKV(kvDelivery+"app", deliveryState{Move: &git.Move{Dir: l.src, Branch: "refs/heads/main", Old: was, New: tip, At: time.Now().Add(-time.Minute)}})
	})
	l.up()
	l.await("healed", func() bool { return l.git(l.src, "rev-parse", "HEAD") == tip })
	l.await("told", func() bool { return l.status().Rigs[0].Undelivered == 0 })
	if got := l.git(l.src, "diff", "HEAD") + l.git(l.src, "status", "--porcelain"); got != "" || !l.has(l.src, "HEAD", "other") {
		t.Error(got)
	}
}
