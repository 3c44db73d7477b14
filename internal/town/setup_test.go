package town

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gastown/agents"
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

// TestASetupThatWorksOnlyOnTheTargetAlone is tried by one polecat at a time, three times, and then waits for a person, who
// is told once.
func TestASetupThatWorksOnlyOnTheTargetAlone(t *testing.T) {
	l := newLab(t, `setup = "case $PWD in */wt/*) [ -e ../../../../go ];; esac"`) // in the town's directory
	ids := []beads.ID{l.create("one"), l.create("two"), l.create("three")}
	l.sling(ids...)
	l.await("told", func() bool { return len(l.status().Problems) == 1 })
	first := l.status().Problems[0]
	l.await("it is given up", func() bool { return brokenSetupOf(l).Phase == agents.SetupStuck })
	attempts := 0
	for _, id := range ids {
		b := l.bead(id)
		attempts += len(b.Attempts)
		if b.Failures != 0 || b.Status == beads.NeedsYou {
			t.Errorf("%s: %s, %d failures", id, b.Status, b.Failures)
		}
	}
	if attempts > len(ids)+3 {
		t.Errorf("%d attempts", attempts)
	}
	if ps := l.status().Problems; len(ps) != 1 || ps[0].Key != first.Key || !strings.Contains(ps[0].Do, "a sling tries it again") {
		t.Errorf("problems: %+v", ps)
	}
	l.write("T/go", "")
	l.sling(ids[2])
	for _, id := range ids {
		l.awaitStatus(id, beads.Closed)
	}
	l.gone()
}

// brokenSetupOf is what is stored of the setup of app.
func brokenSetupOf(l *lab) (s agents.Setup) {
	l.t.Helper()
	if err := l.town.store.View(func(tx *store.Tx) error { _, err := tx.GetKV(kvSetup+"app", &s); return err }); err != nil {
		l.t.Fatal(err)
	}
	return s
}

// TestWhatBeganBeforeAPersonActedDecidesNothing: a try of the setup as it was before it was mended does not make the
// person wait who mended it.
func TestWhatBeganBeforeAPersonActedDecidesNothing(t *testing.T) {
	l := newLab(t, `setup = "cd ../../../..; r=0; [ -e down ] && r=1; echo x >> runs; while [ -e hold ]; do sleep 0.01; done; exit $r"`)
	l.write("T/down", "")
	id := l.create("any")
	l.sling(id)
	l.await("told", func() bool { return len(l.status().Problems) == 1 })
	unblamed(l, id)
	failsOften(l, 10)
	before := l.text("runs")
	l.write("T/hold", "")
	l.sling(id)
	l.await("it is tried", func() bool { return len(l.text("runs")) > len(before) })
	for _, f := range []string{"down", "hold"} { // mended while it is tried
		if f == "hold" {
			l.sling(id)
		}
		if err := os.Remove(filepath.Join(l.dir, f)); err != nil {
			t.Fatal(err)
		}
	}
	l.awaitStatus(id, beads.Closed)
	l.gone()
}

// TestNobodyIsToldOfASetupThatIsNoMore: once settings say another one, what was told of the old one is taken back, though
// nothing waits for it, and nothing is looked at again and again.
func TestNobodyIsToldOfASetupThatIsNoMore(t *testing.T) {
	l := newLab(t, `setup = "exit 9"`)
	id := l.create("any")
	l.sling(id)
	l.await("told", func() bool { return len(l.status().Problems) == 1 })
	unblamed(l, id)
	if _, err := api.BeadClose.Do(t.Context(), l.person(), api.BeadCloseReq{Bead: id}); err != nil {
		t.Fatal(err)
	}
	if next := l.host.dispatch(); !next.IsZero() {
		t.Errorf("nothing waits, and it looks again at %s", next)
	}
	l.set("rig.app.setup", "true")
	l.await("taken back", func() bool { return len(l.status().Problems) == 0 })
	other := l.create("other")
	l.sling(other)
	l.awaitStatus(other, beads.Closed)
	if s := brokenSetupOf(l); s.Why != "" {
		t.Errorf("it works, and is kept as broken: %+v", s)
	}
}

// TestATryOfTheSetupEndsWithItsAttempt also where it waits for somebody else's.
func TestATryOfTheSetupEndsWithItsAttempt(t *testing.T) {
	l := newLab(t, `setup = "true"`)
	r := l.host.rigHost("app")
	r.setups <- struct{}{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if failed, err := l.host.trySetup(ctx, "app"); failed != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("%v, %v", failed, err)
	}
	<-r.setups
}

// TestCopiesComeBeforeLinks as they always did: a file that is copied makes its directory.
func TestCopiesComeBeforeLinks(t *testing.T) {
	l := newLab(t, "copy = [\"data/*.local\"]\nlink = [\"data\"]")
	l.write("src/.gitignore", "data\n")
	if err := os.Mkdir(filepath.Join(l.src, "data"), 0o755); err != nil {
		t.Fatal(err)
	}
	l.write("src/data/a.local", "mine\n")
	l.git(l.src, "add", ".gitignore")
	l.git(l.src, "commit", "-q", "-m", "ignore")
	for range 10 {
		if failed, err := l.host.trySetup(t.Context(), "app"); failed != nil || err != nil {
			t.Fatal(failed, err)
		}
	}
}

// TestWhatCannotBeCopiedIsNobodysFault.
func TestWhatCannotBeCopiedIsNobodysFault(t *testing.T) {
	l := newLab(t, `copy = ["*.env"]`)
	if err := os.Rename(l.src, l.src+".moved"); err != nil {
		t.Fatal(err)
	}
	id := l.create("any")
	l.sling(id)
	l.await("told", func() bool {
		return slices.ContainsFunc(l.status().Problems, func(p api.Problem) bool { return strings.Contains(p.What, "rig.app.copy failed") })
	})
	unblamed(l, id)
	l.set("rig.app.copy", "[]")
	l.awaitStatus(id, beads.Closed)
}

// failsOften makes a rig's failing setup look as if it had failed so often.
func failsOften(l *lab, tries int) {
	l.t.Helper()
	err := l.town.update(func(tx *store.Tx) error {
		s, _, _, err := l.town.brokenSetup(tx, "app")
		for range tries { // on the target
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
