package town

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/api"
	"gastown/internal/fault"
)

// TestEveryVerbHasAHandler holds the handlers against the table.
func TestEveryVerbHasAHandler(t *testing.T) {
	have := handlers()
	var want []string
	for _, v := range api.Table() {
		want = append(want, v.Name)
	}
	slices.Sort(want)
	if got := keys(have); !slices.Equal(got, want) {
		t.Errorf("handlers of %v\nwant %v", got, want)
	}
}

func TestTheCapHoldsAndAllIsLanded(t *testing.T) {
	l := newLab(t, "")
	var ids []beads.ID
	for range 30 {
		ids = append(ids, l.create("one of many"))
	}
	changed, cancel := l.town.store.Watch()
	defer cancel()
	l.sling(ids...)
	limit := time.NewTimer(2 * patience)
	defer limit.Stop()
	for most := 0; ; {
		var live []*beads.Attempt
		var closed []*beads.Bead
		err := l.town.store.View(func(tx *store.Tx) (err error) {
			if live, err = tx.LiveAttempts(); err != nil {
				return err
			}
			closed, err = tx.BeadsWith(beads.Closed)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		names := map[string]bool{}
		for _, a := range live {
			names[a.Polecat] = true
		}
		most = max(most, len(live))
		if len(live) > 3 || len(names) != len(live) {
			t.Fatalf("%d live attempts of %d polecats", len(live), len(names))
		}
		if len(closed) == len(ids) {
			if most != 3 {
				t.Errorf("at most %d at once", most)
			}
			break
		}
		select {
		case <-changed:
		case <-limit.C:
			t.Fatalf("%d of %d landed", len(closed), len(ids))
		}
	}
	l.gone()
	for _, id := range ids {
		if n := l.landed()[string(id)]; n != 1 {
			t.Errorf("%s landed %d times", id, n)
		}
	}
}

func TestPauseStartsNothing(t *testing.T) {
	l := newLab(t, "")
	id := l.create("waits")
	for _, what := range []string{"", "app"} {
		if _, err := api.Pause.Do(t.Context(), l.person(), api.NameReq{Name: what}); err != nil {
			t.Fatal(err)
		}
		s := l.sling(id)
		if s[0].Polecat != "" || !strings.Contains(s[0].Msg, "paused") || len(l.bead(id).Attempts) != 0 {
			t.Errorf("pause %q: %+v", what, s)
		}
		if _, err := api.Resume.Do(t.Context(), l.person(), api.NameReq{Name: what}); err != nil {
			t.Fatal(err)
		}
		if what == "" {
			l.awaitStatus(id, beads.Closed)
			id = l.create("waits too")
		}
	}
	l.awaitStatus(id, beads.Closed)
	l.gone()
}

func TestANameIsFreeWhenItsWorktreeIsGone(t *testing.T) {
	l := newLab(t, `teardown = "pwd > ../../../../../jobs/tearing; while ! [ -e ../../../../../jobs/go ]; do sleep 0.02; done"`)
	first, second := l.create("first"), l.create("second")
	l.sling(first)
	l.told("tearing")
	if s := l.sling(second); s[0].Polecat == "toast" || s[0].Polecat == "" {
		t.Errorf("slung: %+v", s)
	}
	l.write("jobs/go", "")
	l.awaitStatus(second, beads.Closed)
	l.gone()
}

func TestDeliver(t *testing.T) {
	l := newLab(t, "")
	if _, err := api.ConfigSet.Do(t.Context(), l.person(), api.ConfigReq{Key: "rig.app.deliver", Value: "checkout"}); err != nil {
		t.Fatal(err)
	}
	l.write("src/README.md", "edited\n")
	one, two := l.create("one"), l.create("two")
	l.job(one, "echo 1 > README.md; git commit -qam one; exec gastown done")
	l.sling(one)
	l.await("not delivered", func() bool { return l.status().Rigs[0].Undelivered == 1 })
	if st := l.status(); len(st.Problems) != 1 || !strings.Contains(st.Problems[0].What, "1 landed, not delivered") || !strings.Contains(st.Problems[0].What, "README.md") {
		t.Errorf("problems: %+v", st.Problems)
	}
	if data, err := os.ReadFile(filepath.Join(l.src, "README.md")); err != nil || string(data) != "edited\n" {
		t.Errorf("README.md: %q (%v)", data, err)
	}
	l.git(l.src, "checkout", "-q", "README.md")
	l.sling(two)
	l.await("delivered", func() bool {
		return l.status().Rigs[0].Undelivered == 0 && l.git(l.src, "rev-parse", "HEAD") == l.git(l.repo(), "rev-parse", "main") && l.bead(two).Status == beads.Closed
	})
	l.await("nothing to tell", func() bool { return len(l.status().Problems) == 0 })
	l.gone()
}

// TestWhySaysWhereALandingIs: a landing that is not delivered is nowhere in the person's checkout.
func TestWhySaysWhereALandingIs(t *testing.T) {
	l := newLab(t, "")
	id := l.create("one")
	l.sling(id)
	l.awaitStatus(id, beads.Closed)
	got, err := api.Why.Do(t.Context(), l.person(), api.BeadReq{Bead: id})
	if err != nil || !strings.Contains(got.Why, "in the town alone") || got.Hint != "gastown config set rig.app.deliver checkout" {
		t.Errorf("why: %+v, %v", got, err)
	}
	l.gone()
}

// TestTheLastLandingIsFollowedUp stops the host right after a landing, drained or not.
func TestTheLastLandingIsFollowedUp(t *testing.T) {
	l := newLab(t, "")
	if _, err := api.ConfigSet.Do(t.Context(), l.person(), api.ConfigReq{Key: "rig.app.deliver", Value: "checkout"}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		id := l.create("last")
		l.sling(id)
		l.awaitStatus(id, beads.Closed)
		l.down()
		main := l.git(l.repo(), "rev-parse", "main")
		if got := l.git(filepath.Join(l.dir, "mayor", "app"), "rev-parse", "HEAD"); got != main {
			t.Errorf("the Mayor sees %s, main is %s", got, main)
		}
		if got := l.git(l.src, "rev-parse", "HEAD"); got != main {
			t.Errorf("delivered %s, main is %s", got, main)
		}
		if got := l.git(l.repo(), "for-each-ref", "refs/gt/keep", "refs/heads/gt"); got != "" {
			t.Errorf("refs left: %s", got)
		}
		l.up()
	}
}

func TestDownWhileGatingThenUpLandsOnce(t *testing.T) {
	l := newLab(t, "")
	if _, err := api.RigRemove.Do(t.Context(), l.person(), api.NameReq{Name: "app"}); err != nil {
		t.Fatal(err)
	}
	// A rig that is added while the host runs.
	gate := api.GateSpec{Name: "wait", Run: "echo $$ > " + l.jobs + "/gating; while ! [ -e " + l.jobs + "/go ]; do sleep 0.02; done"}
	if _, err := api.RigAdd.Do(t.Context(), l.person(), api.RigAddReq{Name: "app2", Source: l.src, Gates: []api.GateSpec{gate}}); err != nil {
		t.Fatal(err)
	}
	id := l.create("gated")
	l.sling(id)
	pid := l.told("gating")
	l.down()
	if left := alive(pid); len(left) > 0 {
		t.Errorf("the gate outlived its host: %v", left)
	}
	if err := os.Remove(filepath.Join(l.jobs, "gating")); err != nil {
		t.Fatal(err)
	}
	l.up()
	l.told("gating")
	l.write("jobs/go", "")
	l.awaitStatus(id, beads.Closed)
	l.awaitNobody()
	if got := l.git(filepath.Join(l.dir, "rigs", "app2", "repo.git"), "log", "--format=%(trailers:key=Bead,valueonly)", "--grep=Bead: "+string(id), "main"); strings.TrimSpace(got) != string(id) {
		t.Errorf("landed: %q", got)
	}
}

func TestOneHostATown(t *testing.T) {
	l := newLab(t, "")
	begun := time.Now()
	other, err := Open(l.dir, l.town.deps)
	if !fault.Is(err, fault.Unavailable) {
		t.Fatalf("a second owner: %v, %v", other, err)
	}
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("it took %s to say so", took)
	}
}

func TestTheMayorIsOne(t *testing.T) {
	l := newLab(t, "")
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			if _, err := api.MayorRestart.Do(t.Context(), l.person(), api.Empty{}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	info, err := api.MayorStatus.Do(t.Context(), l.person(), api.Empty{})
	if err != nil || info.State != "running" {
		t.Fatalf("mayor: %+v, %v", info, err)
	}
	err = l.town.store.View(func(tx *store.Tx) error {
		var rec mayorRecord
		_, err := tx.GetKV(kvMayor, &rec)
		if rec.Proc == nil || rec.Marker == "" {
			t.Errorf("recorded: %+v", rec)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	p, err := os.FindProcess(info.PID)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	l.await("the Mayor's end is told", func() bool { return l.status().Mayor.State != "running" })
	if p := l.oneProblem("failed", "mayor"); !strings.Contains(p.What, "does not run: ") || !strings.Contains(p.What, "killed by SIGKILL") {
		t.Errorf("told as %+v", p)
	}
	id := l.create("works without a Mayor")
	l.sling(id)
	l.awaitStatus(id, beads.Closed)
	if _, err := api.MayorRestart.Do(t.Context(), l.person(), api.Empty{}); err != nil {
		t.Fatal(err)
	}
	l.gone()
}

func TestSettingsChangeWhileTheHostRuns(t *testing.T) {
	l := newLab(t, "")
	if _, err := api.ConfigSet.Do(t.Context(), l.person(), api.ConfigReq{Key: "town.polecats", Value: "0"}); err != nil {
		t.Fatal(err)
	}
	id := l.create("waits")
	if s := l.sling(id); s[0].Polecat != "" || !strings.Contains(s[0].Msg, "town.polecats is 0") {
		t.Errorf("slung: %+v", s)
	}
	if _, err := api.ConfigSet.Do(t.Context(), l.person(), api.ConfigReq{Key: "town.polecats", Value: "1"}); err != nil {
		t.Fatal(err)
	}
	l.awaitStatus(id, beads.Closed)
	l.gone()
}

// TestRecover brings the town into the states that a kill leaves between two steps, and wants the
// host to go on from each: one landing, nothing left.
func TestRecover(t *testing.T) {
	for name, broken := range map[string]func(*lab, *beads.Attempt){
		"claimed and no more": func(*lab, *beads.Attempt) {},
		"a base and no worktree": func(l *lab, a *beads.Attempt) {
			a.Base = l.git(l.repo(), "rev-parse", "main")
		},
		"a branch and no worktree": func(l *lab, a *beads.Attempt) {
			a.Base = l.git(l.repo(), "rev-parse", "main")
			l.git(l.repo(), "branch", a.Branch, "main")
		},
		"a worktree whose files are not written": func(l *lab, a *beads.Attempt) {
			a.Base = l.git(l.repo(), "rev-parse", "main")
			l.git(l.repo(), "branch", a.Branch, "main")
			l.git(l.repo(), "worktree", "add", "-q", "--no-checkout", "--lock", "--reason", "gastown: checkout not finished", l.wt("toast"), a.Branch)
		},
		"a worktree that setup was at": func(l *lab, a *beads.Attempt) {
			a.Base = l.git(l.repo(), "rev-parse", "main")
			l.git(l.repo(), "worktree", "add", "-q", "-b", a.Branch, l.wt("toast"), "main")
			l.write("T/rigs/app/wt/toast/half-built", "x")
		},
		"an agent at work that had committed": func(l *lab, a *beads.Attempt) {
			a.Base = l.git(l.repo(), "rev-parse", "main")
			a.Worktree, a.State, a.StartedAt = l.wt("toast"), beads.Running, time.Now()
			l.git(l.repo(), "worktree", "add", "-q", "-b", a.Branch, l.wt("toast"), "main")
			l.write("T/rigs/app/wt/toast/mine.txt", "kept\n")
			l.git(l.wt("toast"), "add", ".")
			l.git(l.wt("toast"), "commit", "-q", "-m", "half")
			l.write("T/rigs/app/wt/toast/loose.txt", "kept too\n")
		},
		"a git killed while it committed": func(l *lab, a *beads.Attempt) {
			a.Base = l.git(l.repo(), "rev-parse", "main")
			a.Worktree, a.State, a.StartedAt = l.wt("toast"), beads.Running, time.Now()
			l.git(l.repo(), "worktree", "add", "-q", "-b", a.Branch, l.wt("toast"), "main")
			l.write("T/rigs/app/wt/toast/mine.txt", "kept\n")
			for _, lock := range []string{"refs/heads/" + a.Branch + ".lock", "worktrees/toast/index.lock", "worktrees/toast/HEAD.lock", "packed-refs.lock"} {
				l.write("T/rigs/app/repo.git/"+lock, "")
			}
		},
		"a tip frozen and no submission": func(l *lab, a *beads.Attempt) {
			a.Base = l.git(l.repo(), "rev-parse", "main")
			a.Worktree, a.State, a.StartedAt = l.wt("toast"), beads.Running, time.Now()
			l.git(l.repo(), "worktree", "add", "-q", "-b", a.Branch, l.wt("toast"), "main")
			l.write("T/rigs/app/wt/toast/mine.txt", "kept\n")
			l.git(l.wt("toast"), "add", ".")
			l.git(l.wt("toast"), "commit", "-q", "-m", "whole")
			l.git(l.repo(), "update-ref", beads.KeepRef(a.Bead, a.N), a.Branch)
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, "")
			id := l.create("one")
			l.crash(func(tx *store.Tx) error {
				b, err := tx.Bead(id)
				if err != nil {
					return err
				}
				c := b.Clone()
				c.Sling = &beads.Sling{By: "you"}
				if err := tx.PutBead(c); err != nil {
					return err
				}
				a, err := store.Claim(tx, store.ClaimReq{Bead: id, Polecat: "toast", Preset: "mine", Token: "old"})
				if err != nil {
					return err
				}
				a = a.Clone()
				broken(l, a)
				return tx.PutAttempt(a)
			})
			l.up()
			l.awaitStatus(id, beads.Closed)
			l.gone()
			if n := l.landed()[string(id)]; n != 1 {
				t.Errorf("landed %d times", n)
			}
			b := l.bead(id)
			if len(b.Attempts) != 2 || b.Attempts[0].State != beads.Lost || b.Failures != 0 {
				t.Errorf("%d attempts, the first %s, %d failures", len(b.Attempts), b.Attempts[0].State, b.Failures)
			}
			files := l.git(l.repo(), "ls-tree", "--name-only", "main")
			if kept := b.Attempts[0].Rescue != ""; kept != strings.Contains(files, "mine.txt") || strings.Contains(files, "half-built") {
				t.Errorf("rescue %q, files %q", b.Attempts[0].Rescue, files)
			}
		})
	}
}

// TestRecoverClearsAwayWhatEnded has an attempt that landed, and whose worktree had not gone; its agent
// had written something after done.
func TestRecoverClearsAwayWhatEnded(t *testing.T) {
	l := newLab(t, "")
	id := l.create("one")
	l.sling(id)
	l.awaitStatus(id, beads.Closed)
	l.gone()
	if a := l.attempt(id); a.Worktree != "" || a.Proc != nil || a.Marker != "" {
		t.Errorf("what is gone is recorded: %+v", a)
	}
	l.crash(func(tx *store.Tx) error {
		a, err := tx.Attempt(id, 1)
		if err != nil {
			return err
		}
		a = a.Clone()
		a.Worktree = l.wt("toast")
		l.git(l.repo(), "worktree", "add", "-q", "-b", a.Branch, a.Worktree, a.Tip)
		l.write("T/rigs/app/wt/toast/late.txt", "late\n")
		return tx.PutAttempt(a)
	})
	l.up()
	l.gone()
	if a := l.attempt(id); a.State != beads.Landed || a.Worktree != "" || a.Rescue != beads.RescueRef(id, 1) {
		t.Errorf("attempt: %+v", a)
	}
	if got, err := api.RescueShow.Do(t.Context(), l.person(), api.RescueReq{What: string(id)}); err != nil || !strings.Contains(got.Text, "late") {
		t.Errorf("rescue: %+v, %v", got, err)
	}
}

// TestAPlaceThatIsTakenIsLeftAlone: files of nobody's stand where a polecat's worktree would go.
func TestAPlaceThatIsTakenIsLeftAlone(t *testing.T) {
	l := newLab(t, "")
	if err := os.MkdirAll(l.wt("toast"), 0o755); err != nil {
		t.Fatal(err)
	}
	l.write("T/rigs/app/wt/toast/whose.txt", "mine\n")
	id := l.create("one")
	l.sling(id)
	l.awaitStatus(id, beads.Closed)
	if a := l.attempt(id); a.Polecat == "toast" {
		t.Error("toast worked there")
	}
	if data, err := os.ReadFile(filepath.Join(l.wt("toast"), "whose.txt")); err != nil || string(data) != "mine\n" {
		t.Errorf("the file: %q, %v", data, err)
	}
	if err := os.RemoveAll(l.wt("toast")); err != nil {
		t.Fatal(err)
	}
	l.gone()
}

// TestChangedSettingsWakeTheHost: nothing but the file changes, and the screen tells what is wrong with it.
func TestChangedSettingsWakeTheHost(t *testing.T) {
	l := newLab(t, "")
	ctx, cancel := context.WithCancel(t.Context())
	h := &Host{t: l.town, ctx: ctx, bell: make(chan struct{}, 1)} // whose bell nobody else rings
	var work sync.WaitGroup
	work.Go(h.watchSettings)
	defer work.Wait()
	defer cancel()
	path := filepath.Join(l.dir, "town.toml")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	wrong := append(data, "\nnonsense = [\n"...)
	l.await("the bell", func() bool { // changed again and again: the watcher may not have looked at it yet
		wrong = append(wrong, '\n')
		if err := os.WriteFile(path, wrong, 0o600); err != nil {
			t.Fatal(err)
		}
		select {
		case <-h.bell:
			return true
		default:
			return false
		}
	})
	if !slices.ContainsFunc(l.status().Problems, func(p api.Problem) bool { return p.Key == "settings" }) {
		t.Error("what is wrong is not told")
	}
}

// TestEmptySettingsTakeNoRigAway: a file that somebody is about to write is empty for a moment.
func TestEmptySettingsTakeNoRigAway(t *testing.T) {
	l := newLab(t, "")
	if err := os.WriteFile(filepath.Join(l.dir, "town.toml"), []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	l.await("it is told", func() bool {
		return slices.ContainsFunc(l.status().Problems, func(p api.Problem) bool {
			return p.Key == "settings" && strings.Contains(p.What, "is empty")
		})
	})
	if rigs := l.status().Rigs; len(rigs) != 1 {
		t.Errorf("rigs: %+v", rigs)
	}
}
