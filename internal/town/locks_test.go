package town

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/api"
	"gastown/internal/fault"
	"gastown/refinery"
)

// TestTheMayorsCheckoutOutlivesALock: a git that was killed there leaves one, and nothing else
// would ever take it away.
func TestTheMayorsCheckoutOutlivesALock(t *testing.T) {
	for _, name := range []string{"HEAD.lock", "index.lock"} {
		l := newLab(t, "")
		l.write("T/rigs/app/repo.git/worktrees/app/"+name, "")
		id := l.create("one")
		l.sling(id)
		l.awaitStatus(id, beads.Closed)
		l.await("the Mayor sees it with "+name, func() bool {
			_, err := os.Stat(filepath.Join(l.dir, "mayor", "app", string(id)+".txt"))
			return err == nil && l.git(filepath.Join(l.dir, "mayor", "app"), "rev-parse", "HEAD") == l.git(l.repo(), "rev-parse", "main")
		})
		l.down()
	}
}

// TestLocksOfADeadGitHoldNothingUp: an agent's git was killed while the host runs. Whatever it had locked is free
// again, without a restart.
func TestLocksOfADeadGitHoldNothingUp(t *testing.T) {
	l := newLab(t, "")
	for _, name := range []string{"packed-refs.lock", "refs/heads/main.lock", "refs/gt/candidate.lock", "config.lock"} {
		file := filepath.Join(l.repo(), name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	id := l.create("one")
	l.sling(id)
	l.awaitStatus(id, beads.Closed)
	l.await("nothing is kept", func() bool { return l.kept() == "" })
	l.gone()
	if !strings.Contains(l.log.String(), "locks of a git that was killed") {
		t.Error("the log says nothing of them")
	}
}

// TestALockThatIsHeldIsShown, and waited for.
func TestALockThatIsHeldIsShown(t *testing.T) {
	l := newLab(t, "")
	holder := exec.Command("git", "cat-file", "--batch")
	holder.Dir, holder.Env = l.repo(), l.env()
	in, err := holder.StdinPipe()
	if err == nil {
		err = holder.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	l.write("T/rigs/app/repo.git/refs/heads/main.lock", "")
	id := l.create("one")
	l.sling(id)
	l.await("the lock is shown", func() bool {
		return strings.Contains(l.status().Rigs[0].Refinery.Reason, "main.lock")
	})
	why, err := api.Why.Do(t.Context(), l.person(), api.BeadReq{Bead: id})
	if err != nil || !strings.Contains(why.Why, "main.lock") {
		t.Errorf("%+v, %v", why, err)
	}
	_, _ = in.Close(), holder.Wait()
	l.awaitStatus(id, beads.Closed)
	l.gone()
}

func TestARigThatIsRemovedLeavesNothingBehind(t *testing.T) {
	l := newLab(t, "")
	id := l.create("one")
	l.sling(id)
	l.awaitStatus(id, beads.Closed)
	err := l.town.update(func(tx *store.Tx) error {
		return tx.PutNotice(&beads.Notice{Key: "app/refinery/app/broken", Rig: "app", Text: "a gate cannot run"})
	})
	if err != nil {
		t.Fatal(err)
	}
	ack, err := api.RigRemove.Do(t.Context(), l.person(), api.NameReq{Name: "app"})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(ack.Msg, "; 1 bead landed in the town alone; "+l.src+" has not got them (git pull "+l.repo()+" main brings them)") {
		t.Error(ack.Msg)
	}
	err = l.town.store.View(func(tx *store.Tx) error {
		q, err := tx.Queue("app")
		if q != nil {
			t.Errorf("its queue is kept: %+v", q)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if ps := l.status().Problems; len(ps) != 0 {
		t.Errorf("problems of a rig that is gone: %+v", ps)
	}
	if l.town.deps.Config != "" {
		if data, err := os.ReadFile(filepath.Join(l.town.deps.Config, "towns.toml")); err == nil && strings.Contains(string(data), l.src) {
			t.Errorf("it is still registered: %s", data)
		}
	}
	// Its repository has what landed: a rig of that name does not take its place.
	if _, err := api.RigAdd.Do(t.Context(), l.person(), api.RigAddReq{Name: "app", Source: l.src, Ungated: true}); !fault.Is(err, fault.Refused) {
		t.Errorf("added over it: %v", err)
	}
	if !l.has(l.repo(), "main", string(id)+".txt") {
		t.Error("the repository of the removed rig is gone")
	}
}

// TestARigThatCannotBeOpenedHoldsNoPlace: nobody ends the run that its queue still names.
func TestARigThatCannotBeOpenedHoldsNoPlace(t *testing.T) {
	l := newLab(t, "")
	l.down()
	l.write("T/town.toml", l.text("town.toml")+"\n[rig.dead1]\nbranch = \"main\"\nprefix = \"d1\"\n[rig.dead2]\nbranch = \"main\"\nprefix = \"d2\"\n")
	l.open()
	err := l.town.update(func(tx *store.Tx) error {
		for _, rig := range []string{"dead1", "dead2"} {
			if err := tx.PutQueue(&refinery.Queue{Rig: rig, State: refinery.Gating, Run: &refinery.Run{Seq: 1, Phase: refinery.PhaseGate}}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	l.up()
	b, err := api.BeadCreate.Do(t.Context(), l.person(), api.BeadCreateReq{Title: "one", Rig: "app"})
	if err != nil {
		t.Fatal(err)
	}
	l.sling(b.ID)
	l.awaitStatus(b.ID, beads.Closed)
}

func (l *lab) text(name string) string {
	l.t.Helper()
	data, err := os.ReadFile(filepath.Join(l.dir, name))
	if err != nil {
		l.t.Fatal(err)
	}
	return string(data)
}
