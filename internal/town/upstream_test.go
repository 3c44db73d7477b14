package town

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/api"
	"gastown/internal/fault"
	"gastown/refinery"
)

// hub gives the rig a bare remote that it pushes to, and another person's clone of it.
func (l *lab) hub(settings string) (hub, ada string) {
	l.t.Helper()
	hub, ada = filepath.Join(l.root, "hub.git"), filepath.Join(l.root, "ada")
	l.git(l.root, "init", "-q", "--bare", "-b", "main", hub)
	l.git(l.src, "remote", "add", "origin", hub)
	l.git(l.src, "push", "-q", "origin", "main")
	l.git(l.root, "clone", "-q", hub, ada)
	data, err := os.ReadFile(filepath.Join(l.dir, "town.toml"))
	if err != nil {
		l.t.Fatal(err)
	}
	text := strings.Replace(string(data), "deliver = \"none\"", "", 1)
	text = strings.Replace(text, "ungated = true", "", 1)
	l.write("T/town.toml", strings.Replace(text, "[rig.app]\n", "[rig.app]\ndeliver = \"push\"\n", 1)+"\n"+settings+"\n")
	return hub, ada
}

// pushes commits a file in somebody's clone of the hub and pushes it.
func (l *lab) pushes(dir, name, text string, flags ...string) string {
	l.t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
		l.t.Fatal(err)
	}
	l.git(dir, "add", ".")
	l.git(dir, "commit", "-q", "-m", "write "+name)
	l.git(dir, append(append([]string{"push", "-q"}, flags...), "origin", "HEAD:main")...)
	return l.git(dir, "rev-parse", "HEAD")
}

func (l *lab) fetch(choice refinery.UpstreamChoice) api.RigFetched {
	l.t.Helper()
	out, err := api.RigFetch.Do(l.t.Context(), l.person(), api.RigFetchReq{Name: "app", Choice: choice})
	if err != nil {
		l.t.Fatal(err)
	}
	return out
}

func (l *lab) has(dir, commit, path string) bool {
	l.t.Helper()
	return l.git(dir, "ls-tree", "--name-only", commit, path) != ""
}

const redOnBad = "[[rig.app.gate]]\nname = \"ok\"\nrun = \"test ! -e bad\""

func TestWhatOthersPushedIsGatedAndTakenIn(t *testing.T) {
	l := newLab(t, "")
	hub, ada := l.hub(redOnBad)
	theirs := l.pushes(ada, "theirs", "1")
	one := l.create("one")
	l.sling(one)
	l.awaitStatus(one, beads.Closed)
	l.await("both are at the hub", func() bool {
		return l.status().Rigs[0].Undelivered == 0 && l.has(hub, "main", "theirs") && l.has(hub, "main", string(one)+".txt")
	})
	if l.git(hub, "merge-base", "main", theirs) != theirs {
		t.Error("their commit is not in the history")
	}
	l.git(ada, "pull", "-q", "--rebase")
	theirs = l.pushes(ada, "more", "2")
	two := l.create("two") // lands on a main without it, so that the two lines are merged
	l.sling(two)
	l.await("both are at the hub", func() bool {
		return l.status().Rigs[0].Undelivered == 0 && l.has(hub, "main", "more") && l.has(hub, "main", string(two)+".txt")
	})
	if l.git(hub, "merge-base", "main", theirs) != theirs {
		t.Error("their second commit is not in the history")
	}
	l.gone()
}

func TestARedOriginStaysOutAndIsTold(t *testing.T) {
	l := newLab(t, "")
	hub, ada := l.hub(redOnBad)
	l.pushes(ada, "bad", "1")
	l.fetch("")
	l.await("told", func() bool { return len(l.status().Problems) > 0 })
	if p := l.status().Problems[0].What; !strings.Contains(p, "main of "+hub) || !strings.Contains(p, `is red: gate "ok" fails`) {
		t.Error(p)
	}
	one := l.create("one")
	l.sling(one)
	l.awaitStatus(one, beads.Closed)
	l.await("waits", func() bool { return l.status().Rigs[0].Undelivered == 1 })
	l.await("the delivery waits for the red origin", func() bool {
		return slices.ContainsFunc(l.notices(), func(s string) bool { return strings.Contains(s, "not delivered") && strings.Contains(s, " is red") })
	})
	if ps := l.status().Problems; len(ps) != 1 || ps[0].Key == "delivery/app" { // one thing, said once
		t.Errorf("problems: %+v", ps)
	}
	l.git(ada, "rm", "-q", "bad")
	l.git(ada, "commit", "-q", "-m", "repair")
	l.git(ada, "push", "-q", "origin", "HEAD:main")
	if out, err := api.RigDeliver.Do(t.Context(), l.person(), api.NameReq{Name: "app"}); err != nil {
		t.Errorf("%+v %v", out, err)
	}
	l.await("delivered", func() bool {
		return l.status().Rigs[0].Undelivered == 0 && l.has(hub, "main", string(one)+".txt") && len(l.status().Problems) == 0
	})
	l.gone()
}

func TestARewrittenOriginWaitsForAChoice(t *testing.T) {
	for _, choice := range []refinery.UpstreamChoice{refinery.TakeTheirs, refinery.KeepOurs} {
		t.Run(string(choice), func(t *testing.T) {
			l := newLab(t, "")
			hub, ada := l.hub(redOnBad)
			one := l.create("one")
			l.sling(one)
			l.await("delivered", func() bool { return l.has(hub, "main", string(one)+".txt") && l.status().Rigs[0].Undelivered == 0 })
			was := l.git(hub, "rev-parse", "main")
			if _, err := api.RigFetch.Do(t.Context(), l.person(), api.RigFetchReq{Choice: choice}); !fault.Is(err, fault.Refused) {
				t.Errorf("nothing to choose: %v", err)
			}
			forced := l.pushes(ada, "forced", "1", "--force")
			out := l.fetch("")
			if !out.Rewritten || !strings.Contains(out.Hint, "--accept") {
				t.Errorf("%+v", out)
			}
			two := l.create("two")
			l.sling(two)
			l.awaitStatus(two, beads.Submitted)
			st := l.status()
			if st.Rigs[0].Refinery.State != refinery.Paused || len(st.Problems) != 1 || !strings.Contains(st.Problems[0].What, "was rewritten") {
				t.Errorf("%+v, problems %+v", st.Rigs[0].Refinery, st.Problems)
			}
			if why, err := api.Why.Do(t.Context(), l.person(), api.BeadReq{Bead: two}); err != nil || !strings.Contains(why.Why, "was rewritten") {
				t.Errorf("%+v %v", why, err)
			}
			l.fetch(choice)
			l.awaitStatus(two, beads.Closed)
			if choice == refinery.KeepOurs {
				l.await("not delivered", func() bool { return l.status().Rigs[0].Undelivered == 1 })
				if got := l.git(hub, "rev-parse", "main"); got != forced {
					t.Errorf("the hub was moved to %s", got)
				}
				l.awaitNobody()
				return
			}
			l.await("delivered", func() bool { return l.has(hub, "main", string(two)+".txt") && l.has(hub, "main", "forced") })
			if l.git(hub, "merge-base", was, "main") != was {
				t.Error("what landed before is lost")
			}
			l.gone()
		})
	}
}

// TestAnAmendedCommitIsTakenIn: what a person changed in a commit of theirs that the town has already comes in as
// they left it, also where a landing is between, and the choice holds for what they commit next.
func TestAnAmendedCommitIsTakenIn(t *testing.T) {
	l := newLab(t, "")
	hub, ada := l.hub(redOnBad)
	delivered := func(name, text string) {
		t.Helper()
		l.await(name+" is "+text, func() bool {
			return l.git(hub, "rev-parse", "main") == l.git(l.repo(), "rev-parse", "main") && l.has(hub, "main", name) && l.git(hub, "show", "main:"+name) == text
		})
	}
	amend := func(name, text string) {
		t.Helper()
		l.git(ada, "pull", "-q", "--ff-only")
		if err := os.WriteFile(filepath.Join(ada, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		l.git(ada, "add", ".")
		l.git(ada, "commit", "-q", "--amend", "--no-edit")
		l.git(ada, "push", "-q", "--force", "origin", "HEAD:main")
		if out := l.fetch(""); !out.Rewritten {
			t.Fatalf("%+v", out)
		}
		l.fetch(refinery.TakeTheirs)
	}
	l.pushes(ada, "note", "one")
	l.fetch("")
	l.await("taken in", func() bool { return l.has(l.repo(), "main", "note") })
	l.fetch("")
	amend("note", "two")
	delivered("note", "two")

	one := l.create("one")
	l.sling(one)
	delivered(string(one)+".txt", string(one))
	amend("note", "three") // the landing itself
	delivered("note", "three")
	delivered(string(one)+".txt", string(one))

	l.git(ada, "pull", "-q", "--ff-only")
	l.pushes(ada, "secret", "s")
	l.fetch("")
	l.await("taken in", func() bool { return l.has(l.repo(), "main", "secret") })
	l.fetch("")
	if _, err := api.RefineryPause.Do(t.Context(), l.person(), api.NameReq{}); err != nil {
		t.Fatal(err)
	}
	l.git(ada, "reset", "-q", "--hard", "HEAD^")
	l.git(ada, "push", "-q", "--force", "origin", "HEAD:main")
	l.fetch(refinery.TakeTheirs)
	l.pushes(ada, "next", "n") // a commit on top of what was chosen
	if out := l.fetch(""); out.Rewritten {
		t.Errorf("it asks again: %+v", out)
	}
	if _, err := api.RefineryResume.Do(t.Context(), l.person(), api.NameReq{}); err != nil {
		t.Fatal(err)
	}
	delivered("next", "n")
	if l.has(hub, "main", "secret") {
		t.Error("what was dropped came back")
	}
	l.gone()
}

// TestWhatIsTakenInStaysSeen: also where a delivery ends that began before.
func TestWhatIsTakenInStaysSeen(t *testing.T) {
	l := newLab(t, "")
	_, rc, err := l.town.rig("app")
	if err != nil {
		t.Fatal(err)
	}
	was, _, err := l.town.standing("app")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.town.update(func(tx *store.Tx) error {
		return l.town.tookIn(tx, "app", refinery.TookIn{Tip: "theirs"})
	}); err != nil {
		t.Fatal(err)
	}
	now := was
	now.Reason, now.Tries = "it is away", 1
	if _, err := l.town.recordDelivery("app", rc, was, now); err != nil {
		t.Fatal(err)
	}
	if d, _, err := l.town.standing("app"); err != nil || d.Seen != "theirs" || d.Tries != 1 {
		t.Errorf("%+v, %v", d, err)
	}
}

// TestAnOriginBranchThatIsGoneWaitsForAChoice: it was renamed over there, and nothing is pushed under the old name unasked.
func TestAnOriginBranchThatIsGoneWaitsForAChoice(t *testing.T) {
	for _, choice := range []refinery.UpstreamChoice{refinery.TakeTheirs, refinery.KeepOurs, ""} {
		t.Run("choice "+string(choice), func(t *testing.T) {
			l := newLab(t, "")
			hub, _ := l.hub(redOnBad)
			one := l.create("one")
			l.sling(one)
			l.await("delivered", func() bool { return l.has(hub, "main", string(one)+".txt") && l.status().Rigs[0].Undelivered == 0 })
			l.git(hub, "branch", "-m", "main", "trunk")
			branches := func() string {
				return strings.ReplaceAll(l.git(hub, "for-each-ref", "--format=%(refname:short)"), "\n", " ")
			}
			two := l.create("two")
			l.sling(two)
			l.await("it asks", func() bool { return l.status().Rigs[0].Refinery.State == refinery.Paused })
			st := l.status()
			if len(st.Problems) == 0 || !strings.Contains(st.Problems[0].What, "main of "+hub+" is gone") || !strings.Contains(st.Rigs[0].Refinery.Hint, "make it again") {
				t.Errorf("%+v, problems %+v", st.Rigs[0].Refinery, st.Problems)
			}
			if out := l.fetch(""); !out.Rewritten || !strings.Contains(out.Why, "is gone") {
				t.Errorf("%+v", out)
			}
			if got := branches(); got != "trunk" {
				t.Errorf("branches over there: %s", got)
			}
			if choice == "" { // put back
				l.git(hub, "branch", "-m", "trunk", "main")
			}
			l.fetch(choice)
			l.awaitStatus(two, beads.Closed)
			if choice == refinery.KeepOurs {
				l.await("not delivered", func() bool { return l.status().Rigs[0].Undelivered > 0 })
				if got := branches(); got != "trunk" {
					t.Errorf("branches over there: %s", got)
				}
				l.awaitNobody()
				return
			}
			l.await("delivered", func() bool {
				return branches() != "trunk" && l.has(hub, "main", string(two)+".txt") && l.status().Rigs[0].Undelivered == 0
			})
			l.gone()
		})
	}
}

func TestAPersonsOwnCommitsInTheCheckoutAreTakenIn(t *testing.T) {
	l := newLab(t, "")
	if _, err := api.ConfigSet.Do(t.Context(), l.person(), api.ConfigReq{Key: "rig.app.deliver", Value: "checkout"}); err != nil {
		t.Fatal(err)
	}
	l.write("src/own", "mine\n")
	l.git(l.src, "add", "own")
	l.git(l.src, "commit", "-q", "-m", "my own")
	one := l.create("one")
	l.sling(one)
	l.await("both", func() bool {
		return l.status().Rigs[0].Undelivered == 0 && l.has(l.src, "HEAD", "own") && l.has(l.src, "HEAD", string(one)+".txt")
	})
	if got := l.git(l.src, "status", "--porcelain"); got != "" {
		t.Error(got)
	}
	l.gone()
}

func TestFetchOfARigThatDeliversNothing(t *testing.T) {
	l := newLab(t, "")
	l.write("src/own", "mine\n")
	l.git(l.src, "add", "own")
	l.git(l.src, "commit", "-q", "-m", "my own")
	if out := l.fetch(""); out.New != 1 {
		t.Errorf("%+v", out)
	}
	l.await("taken in", func() bool { return l.has(l.repo(), "main", "own") })
	if out := l.fetch(""); out.New != 0 || out.Why != "" {
		t.Errorf("%+v", out)
	}
}

func TestAnOriginThatCannotBeReachedHoldsNothingUp(t *testing.T) {
	l := newLab(t, "")
	hub, _ := l.hub(redOnBad)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", `Basic realm="private"`)
		http.Error(w, "who are you?", http.StatusUnauthorized)
	}))
	defer s.Close()
	l.git(l.src, "remote", "set-url", "origin", strings.Replace(s.URL, "://", "://ada:letmein@", 1)+"/hub.git")
	one := l.create("one")
	l.sling(one)
	l.awaitStatus(one, beads.Closed)
	l.await("told", func() bool { return len(l.status().Problems) > 0 })
	ps := l.status().Problems
	if n := l.status().Rigs[0].Undelivered; n != 1 || len(ps) != 1 || !strings.Contains(ps[0].What, "1 landed, not delivered: look at") || !strings.Contains(ps[0].What, "Authentication failed") || strings.Contains(ps[0].What, "letmein") {
		t.Errorf("%+v", ps)
	}
	landed := l.git(l.repo(), "rev-parse", "main")
	l.git(l.src, "remote", "set-url", "origin", hub)
	if out, err := api.RigDeliver.Do(t.Context(), l.person(), api.NameReq{Name: "app"}); err != nil || out.Undelivered != 0 {
		t.Errorf("%+v %v", out, err)
	}
	if got := l.git(hub, "rev-parse", "main"); got != landed {
		t.Errorf("the hub is at %s, landed was %s", got, landed)
	}
	l.gone()
}
