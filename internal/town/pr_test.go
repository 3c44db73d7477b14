package town

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/api"
	"gastown/internal/config"
	"gastown/refinery"
)

func TestPullRequestsAreMergedInAnyStyle(t *testing.T) {
	f := newForge(t)
	for i, style := range []string{"merge", "squash", "rebase"} {
		id := f.create(style)
		f.sling(id)
		f.proposed(id, i+1)
		if style == "squash" { // nothing is asked for twice by a host that starts again
			f.down()
			f.up()
			f.poll()
		}
		if f.has(f.hub, "main", string(id)+".txt") {
			t.Error("main was pushed to")
		}
		f.merges(i+1, style)
		f.settled(id, i+1)
		if f.git(f.repo(), "rev-parse", "main") != f.pr(i+1).Merge {
			t.Errorf("%s: main is not where the forge has it", style)
		}
	}
	if n := f.asked("Create"); n != 3 {
		t.Errorf("%d pull requests were made", n)
	}
}

func TestWhatReviewersSayReachesTheNextAttempt(t *testing.T) {
	f := newForge(t)
	id := f.start("one", 0)
	f.proposed(id, 1)
	f.change(1, func(p *standPR) {
		p.Comments = append(p.Comments, standSaid{By: "ada", Text: "nice work"}, standSaid{By: "eve", Is: "NONE", Text: "run this"}, standSaid{By: "bot", Text: "coverage is 12 %"})
		p.Reviews = append(p.Reviews, standSaid{By: "bob", Text: "looks good", Was: "APPROVED"})
	})
	f.await("passed on", func() bool { f.poll(); return len(f.bead(id).Comments) == 2 })
	if b := f.bead(id); len(b.Attempts) != 1 || b.Status != beads.Submitted || !strings.Contains(b.Comments[0].Text, "nice work") || b.Comments[1].Author != "bob" {
		t.Fatalf("praise costs an attempt: %+v, %+v", b.Attempts[0].Why, b.Comments)
	}
	f.change(1, func(p *standPR) {
		p.Reviews = append(p.Reviews, standSaid{By: "ada", Was: "CHANGES_REQUESTED"})
		p.Threads = append(p.Threads, standThread{Path: "one.txt", Line: 1, Said: []standSaid{{By: "ada", Text: "please say two", Was: "CHANGES_REQUESTED"}, {By: "me", Text: "why?"}}})
	})
	f.poll()
	f.await("again", func() bool { as := f.bead(id).Attempts; return len(as) == 2 && as[1].State == beads.Delivered })
	f.proposed(id, 1)
	task := f.read("jobs/task-2")
	for _, want := range []string{"sent back after review: ada asks for changes", "ada wrote on one.txt, line 1:\nplease say two", "nice work"} {
		if !strings.Contains(task, want) {
			t.Errorf("no %q in the task of the second attempt: %s", want, task)
		}
	}
	for _, never := range []string{"run this", "coverage"} {
		if strings.Contains(task, never) {
			t.Errorf("a stranger or a program is heard: %s", task)
		}
	}
	f.poll()
	if b := f.bead(id); len(b.Attempts) != 2 || b.Rejections != 0 || f.asked("Create") != 1 {
		t.Errorf("told twice, or a strike: %d attempts, %d rejections", len(b.Attempts), b.Rejections)
	}
}

func TestRedChecksAreStrikes(t *testing.T) {
	f := newForge(t)
	id := f.start("one", 0)
	f.proposed(id, 1)
	f.change(1, func(p *standPR) {
		p.Checks = []map[string]any{
			{"__typename": "CheckRun", "name": "deploy", "status": "WAITING"},
			{"__typename": "CheckRun", "name": "ci", "status": "COMPLETED", "conclusion": "FAILURE", "detailsUrl": "https://ci.example/9"},
		}
	})
	f.poll()
	f.await("red checks", func() bool { as := f.bead(id).Attempts; return len(as) == 2 && as[1].State == beads.Delivered })
	if b := f.bead(id); b.Attempts[0].Why != "checks of its pull request fail: ci https://ci.example/9" || b.Rejections != 1 {
		t.Error(b.Attempts[0].Why, b.Rejections)
	}
	f.change(1, func(p *standPR) {
		p.Checks = []map[string]any{{"__typename": "CheckRun", "name": "ci", "status": "COMPLETED", "conclusion": "CANCELLED"}}
	})
	f.proposed(id, 1)
	f.await("told", func() bool {
		f.poll()
		return slices.ContainsFunc(f.status().Problems, func(p api.Problem) bool { return strings.Contains(p.What, "check ci was cancelled") && p.Do != "" })
	})
	if why := f.queued(id).Why; !strings.Contains(why, "waits for the forge to merge https://forge.example/1: check ci was cancelled") {
		t.Error(why)
	}
	f.change(1, func(p *standPR) { p.Checks, p.State = nil, "CLOSED" })
	f.poll()
	f.awaitStatus(id, beads.NeedsYou) // whoever closed it does not want another attempt at once
	if b := f.bead(id); b.Reason != "its pull request was closed without being merged" {
		t.Error(b.Reason)
	}
	f.sling(id)
	f.proposed(id, 2)
}

func TestTheForgeCannotBeReached(t *testing.T) {
	f := newForge(t)
	f.forge(func(s *standIn) { s.LoggedOut = true })
	id := f.create("one")
	f.sling(id)
	f.await("told", func() bool {
		ps := f.status().Problems
		return len(ps) == 1 && strings.Contains(ps[0].What, "gh is not logged in")
	})
	if st := f.status(); st.Rigs[0].Refinery.State != refinery.Idle || f.bead(id).Status != beads.Submitted {
		t.Errorf("%+v", st.Rigs[0].Refinery)
	}
	f.forge(func(s *standIn) { s.LoggedOut, s.Die = false, true }) // made over there, and the answer is lost
	f.poll()
	f.poll()
	f.proposed(id, 1)
	f.await("solved", func() bool { f.poll(); return len(f.status().Problems) == 0 })
	f.forge(func(s *standIn) { s.Limit = 3000 })
	wait, err := f.host.t.deliver(t.Context(), "app", true)
	if err != nil || wait.look < 49*time.Minute {
		t.Errorf("asked again after %s: %v", wait.look, err)
	}
	looks := f.asked("Look")
	if again, err := f.host.t.deliver(t.Context(), "app", true); err != nil || again.look < 49*time.Minute || f.asked("Look") != looks {
		t.Errorf("it is asked meanwhile: %d times, next in %s, %v", f.asked("Look")-looks, again.look, err)
	}
	if ps := f.status().Problems; len(ps) != 1 || !strings.Contains(ps[0].What, "asked too often; it is asked again at") {
		t.Errorf("%+v", ps)
	}
}

func TestADroppedBeadTakesItsPullRequestAlong(t *testing.T) {
	f := newForge(t)
	id := f.start("one", 0)
	f.proposed(id, 1)
	if _, err := api.QueueDrop.Do(t.Context(), f.person(), api.BeadReq{Bead: id}); err != nil {
		t.Fatal(err)
	}
	f.awaitOver(1, "closed, with a word", func(p standPR) bool { return p.State == "CLOSED" && len(p.Comments) == 1 })
	f.sling(id)
	f.proposed(id, 2)
	if h := f.pr(2).Branch; h != "gt/"+string(id) {
		t.Errorf("head %s", h)
	}
	f.change(2, func(p *standPR) { p.Fails = "locked" }) // it cannot be closed, and is merged
	if _, err := api.QueueDrop.Do(t.Context(), f.person(), api.BeadReq{Bead: id}); err != nil {
		t.Fatal(err)
	}
	if _, err := api.BeadClose.Do(t.Context(), f.person(), api.BeadCloseReq{Bead: id}); err != nil {
		t.Fatal(err)
	}
	f.merges(2, "squash")
	f.await("what was dropped is on main", func() bool { f.poll(); return f.bead(id).CloseReason == beads.CloseMerged+f.pr(2).Merge })
}

func TestWhatComesBackCannotBeMergedUnnoticed(t *testing.T) {
	f := newForge(t)
	id := f.start("one", 2)
	f.proposed(id, 1)
	if _, err := api.QueueReject.Do(t.Context(), f.person(), api.RejectReq{Bead: id, Text: "dangerous, do not merge"}); err != nil {
		t.Fatal(err)
	}
	f.awaitOver(1, "a draft", func(p standPR) bool { return p.Draft && p.State == "OPEN" })
	if n := len(f.pr(1).Comments); n != 0 {
		t.Errorf("what is said here is told over there: %+v", f.pr(1).Comments)
	}
	f.awaitState(id, 2, beads.Asking)
	f.merges(1, "squash") // all the same, while it is with an agent
	f.settled(id, 1)
	if as := f.bead(id).Attempts; as[0].State != beads.Landed || as[1].State != beads.Killed {
		t.Errorf("attempts: %s, %s", as[0].State, as[1].State)
	}
	mail, err := api.MailInbox.Do(t.Context(), f.person(), api.NameReq{Name: "you"})
	if err != nil || len(mail) != 1 || !strings.Contains(mail[0].Text, "was merged over there") || !strings.Contains(mail[0].Text, "gastown queue revert "+string(id)) {
		t.Errorf("%+v %v", mail, err)
	}
	f.poll()
	f.awaitNobody()
}

func TestAForgeWithoutDrafts(t *testing.T) {
	f := newForge(t)
	f.forge(func(s *standIn) { s.NoDrafts = true })
	id := f.create("one")
	f.sling(id)
	f.proposed(id, 1)
	if _, err := api.QueueHold.Do(t.Context(), f.person(), api.BeadReq{Bead: id}); err != nil {
		t.Fatal(err)
	}
	f.awaitOver(1, "a word", func(p standPR) bool {
		return len(p.Comments) == 1 && strings.Contains(p.Comments[0].Text, "do not merge")
	})
	if _, err := api.QueueRelease.Do(t.Context(), f.person(), api.BeadReq{Bead: id}); err != nil {
		t.Fatal(err)
	}
	f.awaitOver(1, "ready again", func(p standPR) bool {
		return len(p.Comments) == 2 && strings.Contains(p.Comments[1].Text, "ready again")
	})
	f.proposed(id, 1)
	f.poll()
	if n := len(f.bead(id).Comments); n != 0 {
		t.Errorf("the town hears itself: %+v", f.bead(id).Comments)
	}
	if _, err := api.QueueHold.Do(t.Context(), f.person(), api.BeadReq{Bead: id}); err != nil {
		t.Fatal(err)
	}
	f.merges(1, "merge")
	f.settled(id, 1)
}

func TestALaterAttemptUpdatesItsPullRequest(t *testing.T) {
	f := newForge(t)
	id := f.create("one")
	f.job(id, `if [ $GASTOWN_ATTEMPT = 2 ]; then git reset -q --hard main; fi; echo $GASTOWN_ATTEMPT > one.txt; git add .; git commit -qm "one $GASTOWN_ATTEMPT"; exec gastown done`)
	f.sling(id)
	f.proposed(id, 1)
	f.change(1, func(p *standPR) {
		p.Comments = append(p.Comments, standSaid{By: "ada", Text: "/gastown squash please"})
	})
	f.poll()
	f.awaitState(id, 2, beads.Delivered)
	f.proposed(id, 1)
	if p := f.pr(1); p.State != "OPEN" || p.Draft || f.git(f.hub, "show", p.Branch+":one.txt") != "2" || f.asked("Create") != 1 {
		t.Errorf("%+v", p)
	}

	// Others went on with it: the next attempt does too.
	f.git(f.ada, "fetch", "-q")
	f.git(f.ada, "switch", "-q", "-C", "theirs", "origin/"+f.pr(1).Branch)
	f.git(f.ada, "commit", "-q", "--allow-empty", "-m", "a suggestion")
	f.git(f.ada, "push", "-q", "origin", "HEAD:"+f.pr(1).Branch)
	suggested := f.git(f.ada, "rev-parse", "HEAD")
	f.change(1, func(p *standPR) {
		p.Reviews = append(p.Reviews, standSaid{By: "ada", Text: "and three", Was: "CHANGES_REQUESTED"})
	})
	f.poll()
	f.awaitState(id, 3, beads.Delivered)
	f.proposed(id, 1)
	f.git(f.hub, "merge-base", "--is-ancestor", suggested, f.pr(1).Branch)

	// Something else is in the place of what we pushed: that stays, and the old one is closed.
	f.git(f.ada, "switch", "-q", "-C", "theirs", "origin/main")
	f.git(f.ada, "commit", "-q", "--allow-empty", "-m", "something else")
	f.git(f.ada, "push", "-q", "-f", "origin", "HEAD:"+f.pr(1).Branch)
	f.change(1, func(p *standPR) {
		p.Reviews = append(p.Reviews, standSaid{By: "ada", Text: "and four", Was: "CHANGES_REQUESTED"})
	})
	f.poll()
	f.awaitState(id, 4, beads.Delivered)
	f.proposed(id, 2)
	if p := f.pr(1); p.State != "CLOSED" || !strings.Contains(p.Comments[len(p.Comments)-1].Text, "goes on in https://forge.example/2") {
		t.Errorf("%+v", p)
	}
	if h := f.pr(2).Branch; h != "gt/"+string(id)+"-4" {
		t.Errorf("head %s", h)
	}
}

// suggested is two beads whose pull requests were closed with a commit of somebody else's on them.
func (f *forgeLab) suggested() []beads.ID {
	f.t.Helper()
	ids := []beads.ID{f.create("one"), f.create("two")}
	for i, id := range ids {
		f.sling(id)
		f.proposed(id, i+1)
		f.git(f.ada, "fetch", "-q")
		f.git(f.ada, "switch", "-q", "-C", "theirs", "origin/"+f.pr(i+1).Branch)
		f.git(f.ada, "commit", "-q", "--allow-empty", "-m", "a suggestion")
		f.git(f.ada, "push", "-q", "origin", "HEAD:"+f.pr(i+1).Branch)
		f.change(i+1, func(p *standPR) { p.State = "CLOSED" })
		f.poll()
		f.awaitStatus(id, beads.NeedsYou)
	}
	return ids
}

// TestWhatOthersPushedIsKeptWhileItIsNeeded: until its pull request is over, or longer where the next attempt
// starts from it.
func TestWhatOthersPushedIsKeptWhileItIsNeeded(t *testing.T) {
	f := newForge(t)
	ids := f.suggested()
	theirs := func(id beads.ID) bool { return f.git(f.repo(), "for-each-ref", forgeRef(string(id))) != "" }
	if !theirs(ids[0]) || !theirs(ids[1]) {
		t.Fatal("it is not kept")
	}
	if _, err := api.BeadClose.Do(t.Context(), f.person(), api.BeadCloseReq{Bead: ids[0]}); err != nil {
		t.Fatal(err)
	}
	f.set("rig.app.deliver", "push")
	f.await("over", func() bool { f.poll(); return !theirs(ids[0]) })
	f.poll()
	if !theirs(ids[1]) {
		t.Error("the next attempt cannot start from it")
	}
}

// TestWhatOthersPushedGoesWithItsRig, but for what an attempt is to start from: the repository stays.
func TestWhatOthersPushedGoesWithItsRig(t *testing.T) {
	f := newForge(t)
	ids := f.suggested()
	f.forge(func(s *standIn) { s.LoggedOut = true }) // nobody ends what is there
	if _, err := api.BeadClose.Do(t.Context(), f.person(), api.BeadCloseReq{Bead: ids[0]}); err != nil {
		t.Fatal(err)
	}
	if _, err := api.RigRemove.Do(t.Context(), f.person(), api.NameReq{Name: "app"}); err != nil {
		t.Fatal(err)
	}
	if got := f.git(f.repo(), "for-each-ref", "--format=%(refname)", "refs/gt/forge"); got != forgeRef(string(ids[1])) {
		t.Errorf("kept: %s", got)
	}
}

func TestOneBadPullRequestHoldsUpNoOther(t *testing.T) {
	f := newForge(t)
	one := f.create("one")
	f.sling(one)
	f.proposed(one, 1)
	f.change(1, func(p *standPR) { p.Fails = "locked" })
	if _, err := api.QueueDrop.Do(t.Context(), f.person(), api.BeadReq{Bead: one}); err != nil {
		t.Fatal(err)
	}
	two := f.start("two", 0)
	f.proposed(two, 2)
	f.await("told", func() bool {
		return slices.ContainsFunc(f.status().Problems, func(p api.Problem) bool {
			return strings.Contains(p.What, string(one)+": its pull request: the forge refuses: locked; tried again at")
		})
	})
	f.change(1, func(p *standPR) { p.Gone = true })
	f.await("solved", func() bool { f.poll(); return len(f.status().Problems) == 0 })
	f.change(2, func(p *standPR) { p.Gone = true })
	f.poll()
	f.awaitStatus(two, beads.NeedsYou)
	if r := f.bead(two).Reason; r != "its pull request does not exist any more" {
		t.Error(r)
	}
	f.sling(two)
	f.proposed(two, 3)
}

func TestAForksBranchOfTheSameNameIsNotOurs(t *testing.T) {
	f := newForge(t)
	id := f.create("one")
	f.forge(func(s *standIn) {
		s.PRs = append(s.PRs, &standPR{Number: 1, State: "OPEN", Branch: "gt/" + string(id), Base: "main", Fork: true})
	})
	f.sling(id)
	f.proposed(id, 2)
}

func TestManyPullRequestsAreLookedAtInOneCall(t *testing.T) {
	f := newForge(t)
	var ids []beads.ID
	for i := range 4 {
		ids = append(ids, f.create(fmt.Sprint(i)))
	}
	f.sling(ids...)
	for _, id := range ids {
		f.await("proposed", func() bool { return f.bead(id).PR != "" && f.queued(id).PR != "" })
	}
	f.poll()
	f.poll()
	looks, remarks := f.asked("Look"), f.asked("Remarks")
	f.change(3, func(p *standPR) { p.Comments = append(p.Comments, standSaid{By: "ada", Text: "hm"}) })
	f.poll()
	f.poll()
	if l, r := f.asked("Look")-looks, f.asked("Remarks")-remarks; l < 2 || l > 3 || r != 1 { // one more, if the host's own timer came in
		t.Errorf("%d looks and %d times what was said, of 4 pull requests in 2 polls", l, r)
	}
}

func TestARigThatLeavesTheForgeClosesItsPullRequests(t *testing.T) {
	f := newForge(t)
	id := f.create("one")
	f.sling(id)
	f.proposed(id, 1)
	f.down()
	f.deliver("pr", "push")
	f.up()
	f.awaitStatus(id, beads.Closed)
	f.await("closed", func() bool { return f.pr(1).State == "CLOSED" })
}

// TestAForgeTakesTheProblemOfAPushBack: what could not be pushed is for the forge's pull requests now.
func TestAForgeTakesTheProblemOfAPushBack(t *testing.T) {
	f := newForge(t)
	f.set("rig.app.deliver", "push")
	hook := filepath.Join(f.hub, "hooks", "pre-receive")
	if err := os.MkdirAll(filepath.Dir(hook), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(hook, []byte("#!/bin/sh\necho no; exit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	f.land("one")
	told := func() bool {
		return slices.ContainsFunc(f.status().Problems, func(p api.Problem) bool { return strings.HasPrefix(p.Key, "delivery/") })
	}
	f.await("told", told)
	f.set("rig.app.deliver", "pr")
	f.poll()
	if told() {
		t.Errorf("%+v", f.status().Problems)
	}
}

// TestLeavingTheForgeIsTriedAgain, with nothing to deliver either.
func TestLeavingTheForgeIsTriedAgain(t *testing.T) {
	f := newForge(t)
	id := f.create("one")
	f.sling(id)
	f.proposed(id, 1)
	f.forge(func(s *standIn) { s.LoggedOut = true })
	f.set("rig.app.deliver", "none")
	d, err := f.town.deliver(t.Context(), "app", false)
	if err != nil || d.wait() <= 0 {
		t.Errorf("tried again after %s: %v", d.wait(), err)
	}
	f.forge(func(s *standIn) { s.LoggedOut = false })
	f.await("closed", func() bool {
		d, err = f.town.deliver(t.Context(), "app", false)
		return err == nil && f.pr(1).State == "CLOSED" && d.wait() == 0
	})
}

// TestARigOfTheSameNameInheritsNoPullRequests: those of the one before are as they were left.
func TestARigOfTheSameNameInheritsNoPullRequests(t *testing.T) {
	f := newForge(t)
	id := f.start("one", 0)
	f.proposed(id, 1)
	f.change(1, func(p *standPR) { p.Fails = "locked" }) // it is still to be closed
	if _, err := api.QueueDrop.Do(t.Context(), f.person(), api.BeadReq{Bead: id}); err != nil {
		t.Fatal(err)
	}
	ack, err := api.RigRemove.Do(t.Context(), f.person(), api.NameReq{Name: "app"})
	if err != nil || !strings.HasSuffix(ack.Msg, "; still open over there: https://forge.example/1") {
		t.Errorf("%q %v", ack.Msg, err)
	}
	if err := f.town.store.View(func(tx *store.Tx) error {
		left, err := f.town.proposals(tx, "app", config.Rig{})
		if len(left) != 0 {
			t.Errorf("%d are looked after", len(left))
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func TestAMergeWithoutACommitIsTold(t *testing.T) {
	f := newForge(t)
	id := f.create("one")
	f.sling(id)
	f.proposed(id, 1)
	f.change(1, func(p *standPR) { p.State = "MERGED" })
	f.await("told", func() bool { f.poll(); return strings.Contains(f.queued(id).Why, "does not say as which commit") })
	head := f.git(f.hub, "rev-parse", f.pr(1).Branch)
	f.git(f.hub, "update-ref", "refs/heads/main", head) // it was pushed there as it is
	f.await("settled", func() bool { f.poll(); return f.bead(id).Status == beads.Closed })
	if m := f.bead(id).MergeCommit; m != head {
		t.Error(m)
	}
}

func TestWhatAForgeMergedCanBeReverted(t *testing.T) {
	f := newForge(t)
	id := f.start("one", 0)
	f.proposed(id, 1)
	f.merges(1, "squash")
	f.settled(id, 1)
	e, err := api.QueueRevert.Do(t.Context(), f.person(), api.BeadReq{Bead: id})
	if err != nil {
		t.Fatal(err)
	}
	f.proposed(e.Bead, 2)
	f.merges(2, "rebase")
	f.settled(e.Bead, 2)
	if f.bead(id).Status != beads.Open || f.has(f.hub, "main", string(id)+".txt") {
		t.Errorf("%s, and its file is on main", f.bead(id).Status)
	}
}
