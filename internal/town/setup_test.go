package town

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/api"
)

// addRig is a second rig without a setup, and a bead of it.
func addRig(l *lab) beads.ID {
	l.t.Helper()
	other := filepath.Join(l.root, "other")
	l.git(l.root, "clone", "-q", l.src, other)
	if _, err := api.RigAdd.Do(l.t.Context(), l.person(), api.RigAddReq{Name: "other", Source: other, Prefix: "ot", Ungated: true}); err != nil {
		l.t.Fatal(err)
	}
	b, err := api.BeadCreate.Do(l.t.Context(), l.person(), api.BeadCreateReq{Title: "elsewhere", Rig: "other"})
	if err != nil {
		l.t.Fatal(err)
	}
	return b.ID
}

// unblamed fails the test unless beads wait, with no strike against them and no more than one attempt.
func unblamed(l *lab, ids ...beads.ID) {
	l.t.Helper()
	l.awaitNobody()
	for _, id := range ids {
		b := l.bead(id)
		if b.Status != beads.Open || b.Failures != 0 || len(b.Attempts) > 1 {
			l.t.Errorf("%s: %s, %d failures, %d attempts", id, b.Status, b.Failures, len(b.Attempts))
		}
	}
}

func TestASetupThatFailsIsTheRigsAndBlamesNobody(t *testing.T) {
	l := newLab(t, `setup = "echo reading; echo boom: no compiler >&2; exit 9"`)
	ids := []beads.ID{l.create("one"), l.create("two"), l.create("three"), l.create("four")}
	elsewhere := addRig(l)
	l.sling(ids...)
	var said api.Problem
	l.await("it is tried again", func() bool {
		var s struct{ Tries int }
		err := l.town.store.View(func(tx *store.Tx) error { _, err := tx.GetKV(kvSetup+"app", &s); return err })
		return err == nil && s.Tries >= 2
	})
	unblamed(l, ids...)
	if ps := l.status().Problems; len(ps) != 1 {
		t.Fatalf("problems: %+v", ps)
	} else {
		said = ps[0]
	}
	if said.Rig != "app" || !strings.Contains(said.What, "rig.app.setup failed: exit 9: reading / boom: no compiler") || !strings.Contains(said.Do, "gastown config set rig.app.setup VALUE") {
		t.Errorf("told: %+v", said)
	}
	if a := l.attempt(ids[0]); !strings.Contains(a.Why, "exit 9") || !strings.Contains(a.Log, "reading\nboom") {
		t.Errorf("why %q, log %q", a.Why, a.Log)
	}
	if why, err := api.Why.Do(t.Context(), l.person(), api.BeadReq{Bead: ids[3]}); err != nil || !strings.Contains(why.Why, "rig.app.setup failed") {
		t.Errorf("why: %+v, %v", why, err)
	}
	if got := l.git(l.repo(), "for-each-ref", "--format=%(refname)", "refs/heads", "refs/gt"); got != "refs/heads/main" {
		t.Errorf("refs: %s", got)
	}
	var breakers map[string]any
	if err := l.town.store.View(func(tx *store.Tx) error { _, err := tx.GetKV(kvBreakers, &breakers); return err }); err != nil || len(breakers) > 0 {
		t.Errorf("breakers: %v (%v)", breakers, err)
	}
	l.sling(elsewhere)
	l.awaitStatus(elsewhere, beads.Closed)
	if _, err := api.ConfigSet.Do(t.Context(), l.person(), api.ConfigReq{Key: "rig.app.setup", Value: "true"}); err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		l.awaitStatus(id, beads.Closed)
	}
	l.gone()
}

// TestASlingTriesASetupAgain: whoever slings has mended what the setup needs, and need not wait.
func TestASlingTriesASetupAgain(t *testing.T) {
	l := newLab(t, `setup = "! [ -e ../../../../down ]"`) // in the town's directory
	l.write("T/down", "")
	id := l.create("any")
	l.sling(id)
	l.await("told", func() bool { return len(l.status().Problems) == 1 })
	unblamed(l, id)
	failsOften(l, 10)
	if err := os.Remove(filepath.Join(l.dir, "down")); err != nil {
		t.Fatal(err)
	}
	l.sling(id)
	l.awaitStatus(id, beads.Closed)
	l.gone()
}

// TestASetupThatWorksOnlyOnTheTargetAlone is waited for as one that does not, and one polecat at a time tries it.
func TestASetupThatWorksOnlyOnTheTargetAlone(t *testing.T) {
	l := newLab(t, `setup = "case $PWD in */wt/*) [ -e ../../../../go ];; esac"`) // in the town's directory
	ids := []beads.ID{l.create("one"), l.create("two"), l.create("three")}
	l.sling(ids...)
	tries, attempts := 0, 0
	l.await("three polecats tried it after the first", func() bool {
		var s struct{ Tries int }
		err := l.town.store.View(func(tx *store.Tx) error { _, err := tx.GetKV(kvSetup+"app", &s); return err })
		tries = s.Tries
		return err == nil && tries >= 4
	})
	for _, id := range ids {
		b := l.bead(id)
		attempts += len(b.Attempts)
		if b.Failures != 0 || b.Status == beads.NeedsYou {
			t.Errorf("%s: %s, %d failures", id, b.Status, b.Failures)
		}
	}
	if attempts > len(ids)+tries {
		t.Errorf("%d attempts in %d tries", attempts, tries)
	}
	l.write("T/go", "")
	for _, id := range ids {
		l.awaitStatus(id, beads.Closed)
	}
	l.gone()
}

// failsOften makes a rig's failing setup look as if it had failed so often.
func failsOften(l *lab, tries int) {
	l.t.Helper()
	err := l.town.update(func(tx *store.Tx) error {
		s, _, err := l.town.brokenSetup(tx, "app")
		for range tries {
			s = s.Failed(s.Of, s.Target, s.Why, l.town.deps.Now(), 0)
		}
		if err == nil {
			err = tx.PutKV(kvSetup+"app", s)
		}
		return err
	})
	if err != nil {
		l.t.Fatal(err)
	}
}

// TestASetupThatOnlyABeadsOwnWorkBreaks is that bead's, and starts nobody else's wait.
func TestASetupThatOnlyABeadsOwnWorkBreaks(t *testing.T) {
	l := newLab(t, `setup = "! [ -e broken ] && ! [ -e ../../../../down ]"`)
	id := l.create("breaks it")
	l.job(id, "touch broken; git add .; git commit -q -m wip; exit 3")
	l.sling(id)
	l.awaitStatus(id, beads.NeedsYou)
	b := l.bead(id)
	if n := len(b.Attempts); n != 3 || b.Failures != 3 || !strings.Contains(b.Reason, "rig.app.setup failed: exit 1") || !strings.Contains(b.Reason, "works without the work of before") {
		t.Errorf("%d attempts, %d failures, %q", n, b.Failures, b.Reason)
	}
	other := l.create("other")
	l.sling(other)
	l.awaitStatus(other, beads.Closed)
	for _, p := range l.status().Problems {
		if p.Rig == "app" && p.Bead == "" {
			t.Errorf("told of the rig: %+v", p)
		}
	}
	// Where it fails without that work too, nobody can tell, and it is the rig's.
	l.write("T/down", "")
	l.sling(id)
	l.await("the rig's", func() bool {
		var s struct{ Tries int }
		err := l.town.store.View(func(tx *store.Tx) error { _, err := tx.GetKV(kvSetup+"app", &s); return err })
		return err == nil && s.Tries > 0
	})
	l.awaitNobody()
	if b := l.bead(id); b.Status != beads.Open || b.Failures != 0 {
		t.Errorf("%s, %d failures: %q", b.Status, b.Failures, b.Reason)
	}
	if left, err := os.ReadDir(filepath.Join(l.dir, "rigs", "app", "setup")); err == nil && len(left) > 1 {
		t.Errorf("left: %v", left)
	}
}
