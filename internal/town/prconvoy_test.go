package town

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gastown/beads"
	"gastown/internal/api"
	"gastown/refinery"
)

// convoy launches beads that commit the number of each attempt to a file of their own, as one
// pull request.
func (f *forgeLab) convoy(name string, titles ...string) (ids []beads.ID) {
	f.t.Helper()
	data, err := os.ReadFile(filepath.Join(f.dir, "town.toml"))
	if err != nil {
		f.t.Fatal(err)
	}
	f.down()
	f.write("T/town.toml", strings.Replace(string(data), "[rig.app]\n", "[rig.app]\npr = \"convoy\"\n", 1))
	f.up()
	for _, title := range titles {
		id := f.create(title)
		f.job(id, fmt.Sprintf(`gastown prime > "$OUT/task-%[1]s-$GASTOWN_ATTEMPT"; echo $GASTOWN_ATTEMPT > %[1]s.txt; git add .; git commit -qm "%[1]s $GASTOWN_ATTEMPT"; exec gastown done`, title))
		ids = append(ids, id)
	}
	if _, err := api.ConvoyCreate.Do(f.t.Context(), f.person(), api.ConvoyCreateReq{Name: name, Beads: ids}); err != nil {
		f.t.Fatal(err)
	}
	if _, err := api.ConvoyLaunch.Do(f.t.Context(), f.person(), api.NameReq{Name: name}); err != nil {
		f.t.Fatal(err)
	}
	return ids
}

// showsAll waits until pull request n has the newest attempts of all the beads.
func (f *forgeLab) showsAll(n int, ids ...beads.ID) {
	f.t.Helper()
	f.await("all of them are proposed", func() bool {
		f.poll()
		body := f.pr(n).Body
		for _, id := range ids {
			if f.bead(id).PR != fmt.Sprintf("https://forge.example/%d", n) || f.bead(id).Status != beads.Submitted || f.queued(id).State != refinery.EntryPR || !strings.Contains(body, string(id)) {
				return false
			}
		}
		return !f.pr(n).Draft
	})
}

func TestAConvoyIsOnePullRequest(t *testing.T) {
	f := newForge(t)
	ids := f.convoy("Three things", "one", "two", "three")
	f.await("opened", func() bool { return f.asked("Create") == 1 })
	f.showsAll(1, ids...)
	p := f.pr(1)
	if p.Title != "Three things" || p.Branch != "gt/convoy-three-things" || !strings.Contains(p.Body, "3 of the 3 beads") {
		t.Errorf("%+v", p)
	}
	f.change(1, func(p *standPR) {
		p.Threads = append(p.Threads, standThread{Path: "two.txt", Line: 1, Said: []standSaid{{By: "ada", Text: "not this"}}})
	})
	f.poll()
	f.awaitState(ids[1], 2, beads.Delivered)
	f.showsAll(1, ids...)
	for i, name := range []string{"one", "two", "three"} {
		want, n := "1", len(f.bead(ids[i]).Attempts)
		if name == "two" {
			want = "2"
		}
		if got := f.git(f.hub, "show", p.Branch+":"+name+".txt"); got != want || fmt.Sprint(n) != want {
			t.Errorf("%s: %s after %d attempts", name, got, n)
		}
	}
	if !strings.Contains(f.read("jobs/task-two-2"), "ada wrote on two.txt, line 1:\nnot this") || f.asked("Create") != 1 {
		t.Error("it did not come back as it should")
	}
	f.merges(1, "merge")
	for _, id := range ids {
		f.await("settled", func() bool { f.poll(); return f.bead(id).Status == beads.Closed })
		if m := f.bead(id).MergeCommit; m == f.pr(1).Merge || !strings.Contains(f.git(f.repo(), "log", "-1", "--format=%B", m), "Bead: "+string(id)) {
			t.Errorf("%s landed as %s", id, m)
		}
	}
	if _, err := api.QueueRevert.Do(t.Context(), f.person(), api.BeadReq{Bead: ids[1]}); err != nil {
		t.Error(err)
	}
}

func TestAConvoyThatWasSquashed(t *testing.T) {
	f := newForge(t)
	ids := f.convoy("both", "one", "two")
	f.await("opened", func() bool { return f.asked("Create") == 1 })
	f.showsAll(1, ids...)
	f.merges(1, "squash")
	for _, id := range ids {
		f.settled(id, 1)
	}
	if _, err := api.QueueRevert.Do(t.Context(), f.person(), api.BeadReq{Bead: ids[0]}); err == nil || !strings.Contains(err.Error(), "was merged together with "+string(ids[1])) {
		t.Errorf("one of two that are one commit: %v", err)
	}
}

func TestBranchesOfPullRequests(t *testing.T) {
	for key, want := range map[string]string{
		"ap-1": "gt/ap-1", "Own.id": "gt/_4fwn.id", "convoy/app/Three things, at last": "gt/convoy-three-things-at-last", "convoy/app/日本": "gt/convoy-_e6_97_a5_e6_9c_ac",
	} {
		if got := prBranch(key); got != want {
			t.Errorf("%s: %s", key, got)
		}
	}
}

// TestAConvoyTakesOverABeadsOwnPullRequest: that one is closed, as nobody is to merge it any more.
func TestAConvoyTakesOverABeadsOwnPullRequest(t *testing.T) {
	f := newForge(t)
	id := f.create("one")
	f.job(id, `while [ $GASTOWN_ATTEMPT = 2 ] && [ ! -e "$OUT/go" ]; do sleep 0.1; done
echo $GASTOWN_ATTEMPT > one.txt; git add .; git commit -qm "one $GASTOWN_ATTEMPT"; exec gastown done`)
	f.sling(id)
	f.proposed(id, 1)
	if _, err := api.QueueReject.Do(t.Context(), f.person(), api.RejectReq{Bead: id, Text: "not so"}); err != nil {
		t.Fatal(err)
	}
	f.awaitOver(1, "a draft", func(p standPR) bool { return p.Draft })
	f.set("rig.app.pr", "convoy")
	if _, err := api.ConvoyCreate.Do(t.Context(), f.person(), api.ConvoyCreateReq{Name: "both", Beads: []beads.ID{id}}); err != nil {
		t.Fatal(err)
	}
	f.write("jobs/go", "")
	f.await("the convoy is proposed", func() bool { f.poll(); return f.asked("Create") == 2 })
	f.awaitOver(1, "closed", func(p standPR) bool { return p.State == "CLOSED" })
	f.showsAll(2, id)
	if c := f.pr(1).Comments; !strings.Contains(c[len(c)-1].Text, `taken over by that of convoy "both"`) {
		t.Errorf("%+v", c)
	}
	f.merges(2, "merge")
	f.await("settled", func() bool { f.poll(); return f.bead(id).Status == beads.Closed })
	if url := f.bead(id).PR; url != "https://forge.example/2" {
		t.Error(url)
	}
}

func TestAConvoyThatConflictsWithMain(t *testing.T) {
	f := newForge(t)
	ids := f.convoy("both", "one", "two")
	f.await("opened", func() bool { return f.asked("Create") == 1 })
	f.showsAll(1, ids...)
	f.job(ids[0], "exec gastown escalate hm")
	f.write("ada/one.txt", "somebody else's\n")
	f.git(f.ada, "add", ".")
	f.git(f.ada, "commit", "-q", "-m", "theirs")
	f.git(f.ada, "push", "-q", "origin", "HEAD:main")
	f.change(1, func(p *standPR) { p.Clash = true })
	f.await("sent back", func() bool { f.poll(); return len(f.bead(ids[0]).Attempts) == 2 })
	if why := f.bead(ids[0]).Attempts[0].Why; !strings.Contains(why, "conflict with main in one.txt") {
		t.Error(why)
	}
	f.change(1, func(p *standPR) { p.Clash = false })
	f.await("the other is proposed alone", func() bool {
		f.poll()
		return f.queued(ids[1]).State == refinery.EntryPR && strings.Contains(f.pr(1).Body, "1 of the 2 beads") && !f.pr(1).Draft
	})
	if n := len(f.bead(ids[1]).Attempts); n != 1 {
		t.Errorf("who did not conflict has %d attempts", n)
	}
}

// TestAProposedChangeIsApprovedThere: where a rig's changes begin to wait for a yes, it gets its own at the forge.
func TestAProposedChangeIsApprovedThere(t *testing.T) {
	f := newForge(t)
	ids := f.convoy("both", "one", "two")
	f.await("opened", func() bool { return f.asked("Create") == 1 })
	f.showsAll(1, ids...)
	if _, err := api.ConfigSet.Do(t.Context(), f.person(), api.ConfigReq{Key: "rig.app.approve", Value: "all"}); err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		if e := f.queued(id); e.State != refinery.EntryPR || e.Ask != "" {
			t.Errorf("%s: %s, asked about: %s", id, e.State, e.Ask)
		}
	}
}
