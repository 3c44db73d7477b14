package town

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/api"
	"gastown/refinery"
)

// gated gives the rig a gate, of the town that is down.
func gated(l *lab, run string) {
	l.t.Helper()
	l.down()
	data, err := os.ReadFile(filepath.Join(l.dir, "town.toml"))
	if err != nil {
		l.t.Fatal(err)
	}
	l.write("T/town.toml", strings.Replace(string(data), "ungated = true", "", 1)+"\n[[rig.app.gate]]\nname = \"test\"\nrun = '''"+run+"'''\n")
	l.up()
}

func TestARedMainIsFiledAndMended(t *testing.T) {
	l := newLab(t, "")
	gated(l, "echo looks; ! ls | grep -q broke")
	one := l.create("innocent")
	tip := l.git(l.repo(), "rev-parse", "main")
	// main is red from its start: a push that no gate saw.
	l.down()
	l.write("src/broken", "")
	l.git(l.src, "add", ".")
	l.git(l.src, "commit", "-qm", "breaks it")
	l.git(l.src, "push", "-q", l.repo(), "HEAD:main")
	l.open()
	err := l.town.update(func(tx *store.Tx) error {
		q, err := l.town.queue(tx, "app")
		if err != nil {
			return err
		}
		q.Target = ""
		return tx.PutQueue(&q)
	})
	if err != nil || tip == "" {
		t.Fatal(err)
	}
	l.up()
	l.sling(one)
	var fix beads.ID
	l.await("a bead for the red main", func() bool {
		for _, b := range l.list() {
			if b.CreatedBy == "refinery" {
				fix = b.ID
			}
		}
		return fix != ""
	})
	b := l.bead(fix)
	if b.Priority != 0 || b.Type != beads.Bug || !strings.Contains(b.Title, "gate test fails at") || !strings.Contains(b.Description, "looks") || b.Status != beads.Open {
		t.Fatalf("%+v", b.Bead)
	}
	if s := l.bead(one); s.Status != beads.Submitted || s.Rejections != 0 {
		t.Fatalf("it is blamed: %+v", s.Bead)
	}
	if w, err := api.Why.Do(t.Context(), l.person(), api.BeadReq{Bead: one}); err != nil || !strings.Contains(w.Hint, "gastown sling "+string(fix)) {
		t.Errorf("what helps: %q (%v)", w.Hint, err)
	}
	if _, err := api.RefineryResume.Do(t.Context(), l.person(), api.NameReq{}); err != nil {
		t.Fatal(err)
	}
	l.await("red again", func() bool { return l.status().Rigs[0].Refinery.State == refinery.MainRed })
	if n := len(l.list()); n != 2 {
		t.Fatalf("%d beads, want 2: it is filed once", n)
	}
	l.job(fix, "if [ -e tried ]; then git rm -q broken; fi; echo x > tried; git add .; git commit -qm fix; exec gastown done")
	l.sling(fix)
	l.awaitStatus(fix, beads.Closed)
	l.awaitStatus(one, beads.Closed)
	if as := l.bead(fix).Attempts; len(as) != 2 || as[0].State != beads.Rejected || !strings.Contains(as[0].Why, "still red") {
		t.Fatalf("the first fix mends nothing and comes back: %+v", as[0])
	}
	l.gone()
}

func (l *lab) list() []api.Bead {
	l.t.Helper()
	all, err := api.BeadList.Do(l.t.Context(), l.person(), api.BeadListReq{})
	if err != nil {
		l.t.Fatal(err)
	}
	return all
}

func TestAnotherToolchainAnotherVerdict(t *testing.T) {
	dir := t.TempDir()
	tool := filepath.Join(dir, "mytool")
	put := func(text string, at int64) {
		t.Helper()
		if err := os.WriteFile(tool, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(tool, time.Time{}, time.Unix(at, 0)); err != nil {
			t.Fatal(err)
		}
	}
	gates := []refinery.Gate{{Name: "test", Run: "CI=1 cd sub && mytool test ./...\n./local"}}
	put("one", 1)
	was := tools(gates, dir)
	if len(was) != 2 || was[tool] == "" || was["machine"] == "" {
		t.Fatalf("%q", was)
	}
	if !maps.Equal(tools(gates, dir), was) {
		t.Fatal("it is another without a change")
	}
	put("two", 2)
	if maps.Equal(tools(gates, dir), was) {
		t.Fatal("a changed program is the same toolchain")
	}
}

func TestVerdictsOfAnotherToolchainDoNotCount(t *testing.T) {
	l := newLab(t, "")
	l.write("jobs/bin/mytool", "#!/bin/sh\necho run >> "+l.jobs+"/runs\ntest -e ap\n")
	gated(l, l.jobs+"/bin/mytool")
	id := l.create("red at first")
	runs := func() int {
		data, _ := os.ReadFile(filepath.Join(l.jobs, "runs"))
		return strings.Count(string(data), "\n")
	}
	l.sling(id)
	l.await("main is red", func() bool { return l.status().Rigs[0].Refinery.State == refinery.MainRed })
	if n := runs(); n != 3 {
		t.Fatalf("%d runs: the candidate, main, main again", n)
	}
	l.write("jobs/bin/mytool", "#!/bin/sh\necho run >> "+l.jobs+"/runs\ntrue\n")
	if _, err := api.QueueHold.Do(t.Context(), l.person(), api.BeadReq{Bead: id}); err != nil {
		t.Fatal(err)
	}
	if _, err := api.QueueRelease.Do(t.Context(), l.person(), api.BeadReq{Bead: id}); err != nil {
		t.Fatal(err)
	}
	l.awaitStatus(id, beads.Closed)
	l.await("its bead is taken back", func() bool {
		for _, b := range l.list() {
			if b.CreatedBy == "refinery" {
				return b.Status == beads.Closed && strings.Contains(b.CloseReason, "green again")
			}
		}
		return false
	})
	l.gone()
}

func TestRejectSendsRemarksBack(t *testing.T) {
	l := newLab(t, `approve = "all"`)
	id := l.create("reviewed")
	l.job(id, "gastown prime > ../../../../../jobs/primed; echo x >> x; git add .; git commit -qm x; exec gastown done")
	l.sling(id)
	waits := func() bool {
		e, err := api.QueueShow.Do(t.Context(), l.person(), api.BeadReq{Bead: id})
		return err == nil && e.State == refinery.EntryApprove
	}
	l.await("it waits for a yes", waits)
	if _, err := api.QueueReject.Do(t.Context(), l.person(), api.RejectReq{Bead: id, Text: " "}); err == nil {
		t.Fatal("rejected without a word")
	}
	b, err := api.QueueReject.Do(t.Context(), l.person(), api.RejectReq{Bead: id, Text: "name it better\nplease"})
	if err != nil || b.Status != beads.Open || b.Rejections != 0 {
		t.Fatalf("%+v (%v)", b.Bead, err)
	}
	l.await("the second attempt waits", func() bool { return len(l.bead(id).Attempts) == 2 && waits() })
	data, err := os.ReadFile(filepath.Join(l.jobs, "primed"))
	if err != nil || !strings.Contains(string(data), "name it better\nplease") || strings.Count(string(data), "was sent back") != 1 {
		t.Fatalf("its next attempt was told: %q (%v)", data, err)
	}
	if as := l.bead(id).Attempts; as[0].State != beads.Rejected || as[0].Why != "sent back by you" {
		t.Fatalf("%+v", as[0])
	}
	if _, err := api.QueueApprove.Do(t.Context(), l.person(), api.ApproveReq{Bead: id}); err != nil {
		t.Fatal(err)
	}
	l.awaitStatus(id, beads.Closed)
	l.gone()
}

func TestALandingIsProven(t *testing.T) {
	l := newLab(t, "")
	gated(l, "! [ -e a_test.go ] || [ -e a.go ]")
	id, plain := l.create("with a test"), l.create("without")
	l.job(id, "echo x > a.go; echo x > a_test.go; git add .; git commit -qm x; exec gastown done")
	l.sling(id, plain)
	proof := func(id beads.ID) *beads.Proof {
		if as := l.bead(id).Attempts; len(as) == 1 {
			return as[0].Proof
		}
		return nil
	}
	l.await("its proof", func() bool { return proof(id) != nil && proof(id).Outcome == beads.ProofRed })
	l.await("the other's", func() bool { return proof(plain) != nil && proof(plain).Outcome == beads.ProofNone })
	infos, err := api.RefineryStatus.Do(t.Context(), l.person(), api.NameReq{})
	if err != nil || len(infos[0].Landed) != 2 {
		t.Fatalf("%+v (%v)", infos, err)
	}
	for _, x := range infos[0].Landed {
		if x.Proof == nil || x.Proof.Text() == "" {
			t.Errorf("%s has no proof", x.Bead)
		}
	}
	if _, err := api.ConfigSet.Do(t.Context(), l.person(), api.ConfigReq{Key: "rig.app.proof", Value: "false"}); err != nil {
		t.Fatal(err)
	}
	off := l.create("switched off")
	l.sling(off)
	l.awaitStatus(off, beads.Closed)
	if p := proof(off); p != nil {
		t.Errorf("proven though it is off: %+v", p)
	}
	l.gone()
}

func TestOverlapsAreSeenAndAvoided(t *testing.T) {
	l := newLab(t, "")
	one, two := l.create("one"), l.create("two")
	for id, text := range map[beads.ID]string{one: "from one", two: "from two"} {
		l.job(id, "echo "+text+" > README.md; git commit -qam x; echo ready; while ! [ -e ../../../../../jobs/go ]; do sleep 0.02; done; exec gastown done")
	}
	l.sling(one, two)
	clash := func(id beads.ID) string {
		for _, o := range l.bead(id).Overlaps {
			if o.Conflict {
				return o.Text()
			}
		}
		return ""
	}
	l.await("the conflict is seen", func() bool {
		return clash(one) == "conflicts with "+string(two)+" in README.md" && clash(two) == "conflicts with "+string(one)+" in README.md"
	})
	for _, p := range l.status().Polecats {
		if len(p.Overlaps) != 1 {
			t.Errorf("polecat %s: %+v", p.Name, p.Overlaps)
		}
	}
	// What names the file that they change starts after what does not.
	if _, err := api.ConfigSet.Do(t.Context(), l.person(), api.ConfigReq{Key: "town.polecats", Value: "2"}); err != nil {
		t.Fatal(err)
	}
	first, err := api.BeadCreate.Do(t.Context(), l.person(), api.BeadCreateReq{Title: "also in README.md"})
	if err != nil {
		t.Fatal(err)
	}
	other := l.create("elsewhere")
	l.sling(first.ID, other)
	if _, err := api.ConfigSet.Do(t.Context(), l.person(), api.ConfigReq{Key: "town.polecats", Value: "3"}); err != nil {
		t.Fatal(err)
	}
	l.await("one more starts", func() bool { return len(l.bead(first.ID).Attempts)+len(l.bead(other).Attempts) > 0 })
	if n := len(l.bead(first.ID).Attempts); n > 0 && len(l.bead(other).Attempts) == 0 {
		t.Errorf("the one that collides starts first")
	}
	l.write("jobs/go", "")
	for _, id := range []beads.ID{first.ID, other} {
		l.awaitStatus(id, beads.Closed)
	}
	l.await("one of two lands", func() bool { return l.bead(one).Status == beads.Closed || l.bead(two).Status == beads.Closed })
	for _, id := range []beads.ID{one, two} {
		l.job(id, "git checkout -q --ours . 2>/dev/null || true; git reset -q --hard main; echo again > "+string(id)+"; git add .; git commit -qm again; exec gastown done")
	}
	l.awaitStatus(one, beads.Closed)
	l.awaitStatus(two, beads.Closed)
}

// TestASetupThatFailsBlamesNobody: what it fetches may not be there today. The first bead that it
// fails with stands aside; with the second one main is tried, and the queue says so.
func TestASetupThatFailsBlamesNobody(t *testing.T) {
	l := newLab(t, `setup = "! [ -e ../../../../down ]"`) // in the town's directory
	gated(l, "true")
	one := l.create("one")
	l.sling(one)
	l.awaitStatus(one, beads.Closed)
	two, three := l.create("two"), l.create("three")
	l.job(two, "echo x > x; git add .; git commit -qm x; until [ -e ../../../../ready ]; do sleep 0.1; done; touch ../../../../down; exec gastown done")
	l.job(three, "touch ../../../../ready; echo y > y; git add .; git commit -qm y; until [ -e ../../../../down ]; do sleep 0.1; done; exec gastown done")
	l.sling(two, three)
	l.await("it stands", func() bool { return l.status().Rigs[0].Refinery.State == refinery.Paused })
	const says = "the setup command failed (exit 1)"
	if why := l.status().Rigs[0].Refinery.Reason; !strings.Contains(why, says) {
		t.Error(why)
	}
	aside := ""
	for _, id := range []beads.ID{two, three} {
		b := l.bead(id)
		if b.Status != beads.Submitted || b.Rejections > 0 {
			t.Errorf("%s, rejected %d times", b.Status, b.Rejections)
		}
		if e := l.queued(id); e.State == refinery.EntryHeld {
			aside = string(id)
			if !strings.Contains(e.Why, says) {
				t.Error(e.Why)
			}
		}
	}
	if err := os.Remove(filepath.Join(l.dir, "down")); err != nil {
		t.Fatal(err)
	}
	if _, err := api.RefineryRestart.Do(t.Context(), l.person(), api.NameReq{}); err != nil {
		t.Fatal(err)
	}
	if _, err := api.QueueRelease.Do(t.Context(), l.mayor(), api.BeadReq{Bead: beads.ID(aside)}); err != nil {
		t.Fatal(err) // what the Refinery itself set aside the Mayor may try again
	}
	l.awaitStatus(two, beads.Closed)
	l.awaitStatus(three, beads.Closed)
}

// TestAGateThatInstallsItsTool lands: the program it runs is another after each run.
func TestAGateThatInstallsItsTool(t *testing.T) {
	l := newLab(t, "")
	tool := filepath.Join(l.jobs, "bin", "mytool")
	l.write("jobs/bin/mytool", "#!/bin/sh\nexit 0\n")
	gated(l, "echo run >> "+l.jobs+"/runs; cp "+tool+" "+tool+".new; mv "+tool+".new "+tool+"\n"+tool+" && ! [ -e bad ]")
	good, bad := l.create("good"), l.create("bad")
	l.sling(good)
	l.awaitStatus(good, beads.Closed)
	l.job(bad, "[ $GASTOWN_ATTEMPT = 1 ] || sleep 1000; echo x > bad; git add .; git commit -qm x; exec gastown done")
	l.sling(bad)
	l.await("sent back", func() bool { return l.bead(bad).Rejections == 1 })
	data, err := os.ReadFile(filepath.Join(l.jobs, "runs"))
	if n := strings.Count(string(data), "\n"); err != nil || n > 8 {
		t.Errorf("%d gate runs, %v", n, err)
	}
}
