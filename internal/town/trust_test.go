package town

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gastown/beads"
	"gastown/internal/api"
	"gastown/internal/fault"
	"gastown/refinery"
)

func (l *lab) mayor() api.Doer { return l.town.As(api.Caller{Name: "mayor", Role: "mayor"}) }

// standsMoved waits until the rig's Refinery stands because main was moved.
func (l *lab) standsMoved() {
	l.t.Helper()
	l.await("it stands", func() bool {
		st := l.status().Rigs[0].Refinery
		return st.State == refinery.Failed && strings.Contains(st.Reason, "not by the Refinery")
	})
}

// TestAMainThatOthersMovedIsPutBack: agents share the repository's refs. Whoever restarts a
// Refinery that stands for that lets nothing land that no gate saw, and loses nothing.
func TestAMainThatOthersMovedIsPutBack(t *testing.T) {
	l := newLab(t, "")
	gated(l, "test ! -e bad")
	main := l.git(l.repo(), "rev-parse", "main")
	stray := l.git(l.repo(), "commit-tree", "main^{tree}", "-p", "main", "-m", "unseen")
	for _, who := range []api.Doer{l.mayor(), l.person()} {
		for _, how := range []string{"update-ref refs/heads/main " + stray, "update-ref -d refs/heads/main"} {
			l.git(l.repo(), strings.Fields(how)...)
			l.standsMoved() // though nobody submits anything
			infos, err := api.RefineryRestart.Do(t.Context(), who, api.NameReq{})
			if err != nil || !strings.Contains(infos[0].Note, "main is back at "+main[:9]) {
				t.Fatalf("%s: %+v, %v", how, infos, err)
			}
			if evs, err := api.GetEvents.Do(t.Context(), who, api.EventsReq{}); err != nil || !slices.ContainsFunc(evs, func(ev beads.Event) bool { return strings.HasPrefix(ev.Text, "put main back at "+main[:9]) }) {
				t.Errorf("%+v, %v", evs, err)
			}
			if now := l.git(l.repo(), "rev-parse", "main"); now != main || l.status().Rigs[0].Refinery.State != refinery.Idle {
				t.Errorf("%s: main is at %s, want %s; %+v", how, now, main, l.status().Rigs[0].Refinery)
			}
		}
	}
	if kept := l.git(l.repo(), "rev-parse", "refs/gt/stray/"+stray); kept != stray {
		t.Errorf("what stood there is at %s", kept)
	}

	// Put back by hand, it goes on by itself: with the host, and over a restart of it.
	for _, down := range []bool{false, true} {
		l.git(l.repo(), "update-ref", "refs/heads/main", stray)
		l.standsMoved()
		if down {
			l.down()
		}
		l.git(l.repo(), "update-ref", "refs/heads/main", main)
		if down {
			l.up()
		}
		l.await("it goes on", func() bool { return l.status().Rigs[0].Refinery.State == refinery.Idle })
	}
	id := l.create("one")
	l.sling(id)
	l.awaitStatus(id, beads.Closed)
}

// TestAnAgentThatMergesItselfLandsNothingRed: its own commit stands on main, and a restart tests
// it like everybody's.
func TestAnAgentThatMergesItselfLandsNothingRed(t *testing.T) {
	for _, file := range []string{"good", "bad"} {
		t.Run(file, func(t *testing.T) {
			l := newLab(t, "")
			gated(l, "test ! -e bad")
			id := l.create("one")
			l.job(id, "test -e "+file+" && { gastown escalate --no-wait 'what now?'; sleep 60; }; echo x > "+file+"; git add .; git commit -qm x; git update-ref refs/heads/main HEAD; exec gastown done")
			l.sling(id)
			l.standsMoved()
			infos, err := api.RefineryRestart.Do(t.Context(), l.person(), api.NameReq{Name: "app"})
			if err != nil || !strings.Contains(infos[0].Note, "the work of "+string(id)) {
				t.Fatalf("%+v, %v", infos, err)
			}
			l.await("judged", func() bool { b := l.bead(id); return b.Status == beads.Closed || b.Rejections > 0 })
			if b := l.bead(id); (b.Status == beads.Closed) != (file == "good") {
				t.Errorf("%s: %s, %s", file, b.Status, b.CloseReason)
			}
			if has := l.has(l.repo(), "main", "bad"); has {
				t.Error("what is red is on main")
			}
		})
	}
}

// TestACommitIsAdopted: what was made outside of any bead lands through the queue, by a person's word.
func TestACommitIsAdopted(t *testing.T) {
	l := newLab(t, "")
	gated(l, "test ! -e bad")
	commit := func(file string) string {
		l.git(l.repo(), "worktree", "add", "-q", "--detach", filepath.Join(l.root, file), "main")
		l.write(file+"/"+file, "x")
		l.git(filepath.Join(l.root, file), "add", ".")
		l.git(filepath.Join(l.root, file), "commit", "-q", "-m", "add "+file)
		return l.git(filepath.Join(l.root, file), "rev-parse", "HEAD")
	}
	good, bad := commit("fine"), commit("bad")
	if _, err := api.QueueAdopt.Do(t.Context(), l.mayor(), api.AdoptReq{Commit: good}); !fault.Is(err, fault.Refused) {
		t.Errorf("the Mayor adopted a commit: %v", err)
	}
	e, err := api.QueueAdopt.Do(t.Context(), l.person(), api.AdoptReq{Commit: good})
	if err != nil {
		t.Fatal(err)
	}
	l.awaitStatus(e.Bead, beads.Closed)
	if b := l.bead(e.Bead); b.Title != "Take in add fine" || !l.has(l.repo(), "main", "fine") {
		t.Errorf("%+v", b)
	}
	if e, err = api.QueueAdopt.Do(t.Context(), l.person(), api.AdoptReq{Commit: bad}); err != nil {
		t.Fatal(err)
	}
	l.await("sent back", func() bool { return l.bead(e.Bead).Rejections > 0 })
	for _, commit := range []string{good, "no-such-commit"} {
		if _, err := api.QueueAdopt.Do(t.Context(), l.person(), api.AdoptReq{Commit: commit}); err == nil {
			t.Errorf("adopted %s", commit)
		}
	}
}

func TestAnAgentKeepsTheLabelsThatAskForAYes(t *testing.T) {
	l := newLab(t, `approve = ["risky"]`)
	b, err := api.BeadCreate.Do(t.Context(), l.person(), api.BeadCreateReq{Title: "one", Labels: []string{"risky", "ui"}})
	if err != nil {
		t.Fatal(err)
	}
	l.job(b.ID, "gastown bead update $GASTOWN_BEAD --label ui 2>&1 | tell said; echo x > x; git add .; git commit -qm x; exec gastown done")
	l.sling(b.ID)
	l.await("green", func() bool {
		return l.bead(b.ID).Status == beads.Closed || l.queued(b.ID).State == refinery.EntryApprove
	})
	if got := l.bead(b.ID); got.Status == beads.Closed {
		t.Fatal("it landed without a yes")
	}
	if said := l.told("said"); !strings.Contains(said, "risky") {
		t.Error(said)
	}
	if _, err := api.BeadUpdate.Do(t.Context(), l.mayor(), api.BeadUpdateReq{Bead: b.ID, Labels: new([]string{})}); !fault.Is(err, fault.Refused) {
		t.Errorf("the Mayor took the label away: %v", err)
	}
	if _, err := api.BeadUpdate.Do(t.Context(), l.mayor(), api.BeadUpdateReq{Bead: b.ID, Labels: new([]string{"risky"})}); err != nil {
		t.Error(err)
	}
}

func (l *lab) queued(id beads.ID) api.QueueEntry {
	l.t.Helper()
	e, err := api.QueueShow.Do(l.t.Context(), l.person(), api.BeadReq{Bead: id})
	if err != nil && !fault.Is(err, fault.Refused) {
		l.t.Fatal(err)
	}
	return e
}

// TestWhatAPersonHoldsAndPausesIsTheirs, and what the Mayor does so the Mayor may take back.
func TestWhatAPersonHoldsAndPausesIsTheirs(t *testing.T) {
	l := newLab(t, "")
	gated(l, "true")
	ctx, app := t.Context(), api.NameReq{Name: "app"}
	refused := func(what string, err error) {
		t.Helper()
		if !fault.Is(err, fault.Refused) {
			t.Errorf("the Mayor may %s: %v", what, err)
		}
	}
	ok := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ok(api.RefineryPause.Do(ctx, l.mayor(), app))
	ok(api.RefineryResume.Do(ctx, l.mayor(), app))
	ok(api.RefineryPause.Do(ctx, l.mayor(), app))
	ok(api.RefineryPause.Do(ctx, l.person(), app)) // and means it
	for _, name := range []string{"", "app"} {
		what := api.NameReq{Name: name}
		for _, halt := range []api.Command[api.NameReq, api.Ack]{api.Pause, api.Freeze} {
			ok(halt.Do(ctx, l.mayor(), what))
			ok(api.Resume.Do(ctx, l.mayor(), what))
			ok(halt.Do(ctx, l.mayor(), what))
			ok(halt.Do(ctx, l.person(), what)) // and means it
			if _, err := api.Resume.Do(ctx, l.mayor(), what); !fault.Is(err, fault.Refused) {
				t.Errorf("the Mayor lets %q go on that the person halted: %v", name, err)
			}
			ok(api.Resume.Do(ctx, l.person(), what))
		}
	}
	id := l.create("one")
	l.job(id, "gastown bead update $GASTOWN_BEAD -p 0 2>&1 | tell said; echo x > x; git add .; git commit -qm x; exec gastown done")
	l.sling(id)
	l.awaitStatus(id, beads.Submitted)
	if said := l.told("said"); !strings.Contains(said, "what goes first") {
		t.Errorf("a polecat set its own priority: %s", said)
	}
	one := api.BeadReq{Bead: id}
	ok(api.QueueHold.Do(ctx, l.mayor(), one))
	ok(api.QueueRelease.Do(ctx, l.mayor(), one))
	ok(api.QueueHold.Do(ctx, l.mayor(), one))
	ok(api.QueueHold.Do(ctx, l.person(), one))
	_, err := api.RefineryResume.Do(ctx, l.mayor(), app)
	refused("resume what the person paused", err)
	_, err = api.QueueRelease.Do(ctx, l.mayor(), one)
	refused("release what the person holds", err)
	if why := l.queued(id).Why; why != string(id)+" is held by you." {
		t.Error(why)
	}
	ok(api.RefineryResume.Do(ctx, l.person(), app))
	if e := l.queued(id); e.State != refinery.EntryHeld {
		t.Errorf("%+v", e)
	}
	ok(api.QueueRelease.Do(ctx, l.person(), one))
	l.awaitStatus(id, beads.Closed)
}

// TestAYesIsAskedForLate: the wish to see a change may come while it is in the queue.
func TestAYesIsAskedForLate(t *testing.T) {
	l := newLab(t, `approve = ["risky"]`)
	gated(l, `while ! [ -e "`+l.root+`/open" ]; do sleep 0.05; done`)
	id := l.create("one")
	l.sling(id)
	l.await("it is gated", func() bool { return l.queued(id).Phase == "test" })
	if _, err := api.BeadUpdate.Do(t.Context(), l.person(), api.BeadUpdateReq{Bead: id, Labels: new([]string{"risky"})}); err != nil {
		t.Fatal(err)
	}
	l.write("open", "")
	l.await("judged", func() bool { return l.bead(id).Status == beads.Closed || l.queued(id).State == refinery.EntryApprove })
	if b := l.bead(id); b.Status == beads.Closed {
		t.Fatal("it landed without a yes")
	}
	if _, err := api.QueueApprove.Do(t.Context(), l.person(), api.ApproveReq{Bead: id}); err != nil {
		t.Fatal(err)
	}
	l.awaitStatus(id, beads.Closed) // one yes is enough
}

// TestRefusedWorkDoesNotLandInsideAnother: an agent merged a branch that a person had said no to.
func TestRefusedWorkDoesNotLandInsideAnother(t *testing.T) {
	for _, how := range []string{"rejected", "dropped"} {
		t.Run(how, func(t *testing.T) {
			l := newLab(t, "")
			gated(l, "true")
			if _, err := api.RefineryPause.Do(t.Context(), l.person(), api.NameReq{}); err != nil {
				t.Fatal(err)
			}
			evil, two := l.create("evil"), l.create("two")
			l.job(evil, "[ $GASTOWN_ATTEMPT = 1 ] || sleep 1000; echo x > evil; git add .; git commit -qm x; exec gastown done")
			l.sling(evil)
			l.awaitStatus(evil, beads.Submitted)
			tip := l.bead(evil).Attempts[0].Tip
			if how == "dropped" {
				if _, err := api.QueueDrop.Do(t.Context(), l.person(), api.BeadReq{Bead: evil}); err != nil {
					t.Fatal(err)
				}
			} else if _, err := api.QueueReject.Do(t.Context(), l.person(), api.RejectReq{Bead: evil, Text: "no, dangerous"}); err != nil {
				t.Fatal(err)
			}
			l.job(two, "git merge -q --no-edit "+tip+"; echo y > y; git add .; git commit -qm y; exec gastown done")
			l.sling(two)
			l.awaitStatus(two, beads.Submitted)
			if _, err := api.RefineryResume.Do(t.Context(), l.person(), api.NameReq{}); err != nil {
				t.Fatal(err)
			}
			l.await("held", func() bool { return l.bead(two).Status == beads.Closed || l.queued(two).State == refinery.EntryHeld })
			if e := l.queued(two); l.has(l.repo(), "main", "evil") || !strings.Contains(e.Why, "the work of "+string(evil)) {
				t.Fatalf("%+v", e)
			}
			if _, err := api.QueueRelease.Do(t.Context(), l.mayor(), api.BeadReq{Bead: two}); !fault.Is(err, fault.Refused) {
				t.Errorf("the Mayor let it in: %v", err)
			}
			if _, err := api.QueueRelease.Do(t.Context(), l.person(), api.BeadReq{Bead: two}); err != nil {
				t.Fatal(err)
			}
			l.awaitStatus(two, beads.Closed)
		})
	}
}

// TestWhatAsksCannotBeHidden: not by moving main while done is called, and not in what a gate runs.
func TestWhatAsksCannotBeHidden(t *testing.T) {
	l := newLab(t, "")
	gated(l, "if [ -e check.sh ]; then sh check.sh; fi")
	adds := l.create("adds what the gate runs, which loosens nothing")
	l.job(adds, "echo true > check.sh; git add .; git commit -qm x; exec gastown done")
	l.sling(adds)
	l.awaitStatus(adds, beads.Closed)
	moves, loosens := l.create("moves main"), l.create("loosens the gate")
	l.job(moves, `mkdir -p .github/workflows; echo evil > .github/workflows/ci.yml; git add .; git commit -qm x
old=$(git rev-parse main); git update-ref refs/heads/main HEAD; gastown done; git update-ref refs/heads/main $old`)
	l.job(loosens, "echo exit 0 > check.sh; git add .; git commit -qm x; exec gastown done")
	for id, what := range map[beads.ID]string{moves: "ci.yml", loosens: "check.sh (what the gate test runs)"} {
		l.sling(id)
		l.awaitStatus(id, beads.Submitted)
		if e := l.queued(id); !strings.Contains(e.Ask, what) {
			t.Errorf("%+v", e)
		}
	}
}

// TestAYesThatIsNotAskedForAnyMore: what waited goes on when the setting goes; what the change itself asks for stays
// asked. A person's revert is their yes; its gate's output can be read while it waits for another's.
func TestAYesThatIsNotAskedForAnyMore(t *testing.T) {
	l := newLab(t, `approve = "all"`)
	gated(l, "echo looked; true")
	plain, ci := l.create("plain"), l.create("ci")
	l.job(ci, "echo x > Jenkinsfile; git add .; git commit -qm x; exec gastown done")
	l.sling(plain, ci)
	for _, id := range []beads.ID{plain, ci} {
		l.await(string(id)+" waits for a yes", func() bool { return l.queued(id).State == refinery.EntryApprove })
		if p, err := api.RefineryLog.Do(t.Context(), l.person(), api.LogReq{Bead: id}); err != nil || !strings.Contains(p.Text, "looked") {
			t.Errorf("the log of %s: %+v, %v", id, p, err)
		}
	}
	if _, err := api.ConfigSet.Do(t.Context(), l.person(), api.ConfigReq{Key: "rig.app.approve", Value: "none"}); err != nil {
		t.Fatal(err)
	}
	l.awaitStatus(plain, beads.Closed)
	if e := l.queued(ci); e.State != refinery.EntryApprove {
		t.Errorf("a change of the CI's configuration is %s", e.State)
	}
	if _, err := api.ConfigSet.Do(t.Context(), l.person(), api.ConfigReq{Key: "rig.app.approve", Value: "all"}); err != nil {
		t.Fatal(err)
	}
	e, err := api.QueueRevert.Do(t.Context(), l.person(), api.BeadReq{Bead: plain})
	if err != nil {
		t.Fatal(err)
	}
	l.awaitStatus(e.Bead, beads.Closed)
}
