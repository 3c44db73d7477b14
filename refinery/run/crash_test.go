package run

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/git"
	"gastown/refinery"
)

var crashTrials = flag.Int("crash.trials", 150, "trials of TestCrashSweep; 0: every point once, before and after its step; more than that: the rest in pairs")

// TestCrashSweep stops a host at a store write, a git call or the start of a gate, with
// the step done or not, lets a new one go on from what is on the disk, and expects what
// an undisturbed host comes to: the same commits, each bead settled or sent back once.
// Every third trial, and each beyond the first round over all points, stops the second host
// too, early in its recovery.
func TestCrashSweep(t *testing.T) {
	for _, history := range []string{historyMerge, historyLinear} {
		t.Run(history, func(t *testing.T) { sweep(t, history) })
	}
}

func sweep(t *testing.T, history string) {
	calm := newCrash(t, "", history)
	if err := calm.run("0", 0); err != nil {
		t.Fatal(err)
	}
	want, points, gates := calm.result(), calm.count("n"), calm.count("gates")
	if !strings.HasPrefix(want, "settled ma-1 ma-3 ma-4, back ma-2, total 3, strays ["+calm.ext+"]") {
		t.Fatal(want)
	}
	all := 2*points + gates
	trials := all
	if *crashTrials > 0 {
		trials = *crashTrials / 2 // of each history
	}
	for i := range trials {
		k := i % all
		if trials < all {
			k = i * all / trials
			if i%2 == 1 {
				k ^= 1 // some with the step done
			}
		}
		at, after, second := strconv.Itoa(1+k/2), k%2 == 1, 0
		if k >= 2*points {
			at, after = fmt.Sprint("g", 1+k-2*points), false
		}
		if i%3 == 2 || i >= all {
			second = 1 + (i/3+i/all*11)%40
		}
		t.Run(fmt.Sprintf("%s,after=%t,then=%d", at, after, second), func(t *testing.T) {
			t.Parallel()
			c := newCrash(t, "", history)
			c.after(after)
			if err := c.run(at, second); err != nil {
				t.Fatal(err)
			}
			if got := c.result(); got != want {
				t.Fatalf("%s\nwant %s", got, want)
			}
			if c.died == 0 {
				t.Fatalf("never stopped: %d points", c.count("n"))
			}
		})
	}
	t.Logf("%d writes and git calls, %d gates; %d trials", points, gates, trials)
}

// TestCrashSweepSeesMutants plants what the sweep is there to find.
func TestCrashSweepSeesMutants(t *testing.T) {
	calm := newCrash(t, "", historyMerge)
	if err := calm.run("0", 0); err != nil {
		t.Fatal(err)
	}
	want := calm.result()
	for mutant, at := range map[string]string{ // undisturbed, or stopped as the first or second landing is decided
		"ref before intent": "land2", "verdict before gate": "0", "branch by name": "0", "no compare-and-swap": "0", "no confirm": "0", "force reset": "land1",
	} {
		t.Run(mutant, func(t *testing.T) {
			c := newCrash(t, mutant, historyMerge)
			c.after(true)
			// That it cannot even go on is seen too.
			if err := c.run(at, 0); err == nil && c.result() == want {
				t.Fatal("not seen")
			}
		})
	}
}

// crash is a host in miniature whose every step is a point to stop it at. What is on
// the disk survives: the repository, the store, the worktree, the logs.
type crash struct {
	t      *testing.T
	r      *rig
	dir    string // of the points: n, at, after, dead
	st     *store.Store
	q      refinery.Queue
	now    time.Time
	mutant string
	died   int
	lands  int
	ext    string

	run1   *Runner
	events chan refinery.Event
	cancel context.CancelFunc
}

var errDied = errors.New("the host died")

func newCrash(t *testing.T, mutant, history string) *crash {
	r := newRig(t)
	c := &crash{t: t, r: r, dir: filepath.Join(filepath.Dir(r.run.GateDir), "points"), mutant: mutant, now: time.Now()}
	for _, d := range []string{c.dir, filepath.Join(c.dir, "bin")} {
		if err := os.Mkdir(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	// The git of the host: each call is a point.
	c.write("bin/git", `#!/bin/sh
[ -e "$CRASH/dead" ] && exit 137
read n < "$CRASH/n"; n=$((n+1)); echo $n > "$CRASH/n"
read at < "$CRASH/at"
[ $n = $at ] || exec /usr/bin/git "$@"
[ -e "$CRASH/after" ] && /usr/bin/git "$@"
: > "$CRASH/dead"
exit 137
`)
	c.write("n", "0\n")
	c.write("gates", "0\n") // starts of gates: counted apart, as they run beside writes
	c.write("at", "0\n")
	// An agent moves the target, and its branch, just before the first gate passes; somebody has
	// it put back. The first gate on ma-4 without ma-2 fails for nothing.
	c.ext = r.work(map[string]string{"ext.txt": "x"})
	moved := r.work(map[string]string{"3.txt": "x", "late.txt": "x"})
	three := r.work(map[string]string{"3.txt": "x"})
	r.cfg.Gates = []refinery.Gate{{Name: "test", Timeout: time.Minute, Run: fmt.Sprintf(`CRASH=%q
read n < "$CRASH/gates"; n=$((n+1)); echo $n > "$CRASH/gates"
read at < "$CRASH/at"
if [ g$n = $at ]; then : > "$CRASH/dead"; sleep 100; fi
g="/usr/bin/git --git-dir=%s"
test -f bad && exit 1
if [ -f 4.txt ] && [ ! -e "$CRASH/flaked" ]; then : > "$CRASH/flaked"; exit 1; fi
if [ ! -e "$CRASH/pushed" ]; then
	$g update-ref refs/heads/main %s %s
	$g update-ref refs/heads/work-3 %s
	: > "$CRASH/pushed"
fi
exit 0`, c.dir, r.repo.Dir(), c.ext, r.root, moved)}}
	r.cfg.History, r.cfg.Batch, r.cfg.Confirm = history, true, mutant != "no confirm"

	var err error
	if c.st, err = store.Open(c.db(), store.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.st.Close() })
	q := refinery.Queue{Rig: "app", Target: r.root, Paused: true}
	if err := r.repo.UpdateRef(t.Context(), "refs/heads/work-3", three, "", "work"); err != nil {
		t.Fatal(err)
	}
	if mutant == "branch by name" {
		three = "refs/heads/work-3"
	}
	for i, tip := range []string{r.work(map[string]string{"1.txt": "x"}), r.work(map[string]string{"2.txt": "x", "bad": ""}), three, r.work(map[string]string{"4.txt": "x"})} {
		at := time.Date(2026, 1, 2, 4, i, 0, 0, time.UTC)
		q, _ = refinery.Step(q, refinery.Submit{Entry: refinery.Entry{
			Bead: beads.ID(fmt.Sprintf("ma-%d", i+1)), N: 1, Polecat: "amber", Title: "Add", Tip: tip, Priority: 2, QueuedAt: at, SubmittedAt: at,
		}}, at, r.cfg)
	}
	q.Paused = false
	if err := c.st.Update(func(tx *store.Tx) error { return tx.PutQueue(&q) }); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *crash) db() string { return filepath.Join(c.dir, "town.db") }

func (c *crash) write(name, text string) {
	if err := os.WriteFile(filepath.Join(c.dir, name), []byte(text), 0o700); err != nil {
		c.t.Fatal(err)
	}
}

func (c *crash) after(yes bool) {
	if yes {
		c.write("after", "")
	}
}

func (c *crash) is(name string) bool {
	_, err := os.Stat(filepath.Join(c.dir, name))
	return err == nil
}

func (c *crash) count(what string) int {
	data, err := os.ReadFile(filepath.Join(c.dir, what))
	if err != nil {
		c.t.Fatal(err)
	}
	n, _ := strconv.Atoi(strings.TrimSpace(string(data)))
	return n
}

// run lives until the queue is empty; the host is stopped at a point, and the next one
// so many points into its life.
func (c *crash) run(at string, second int) error {
	c.write("at", at+"\n")
	for lives := 0; lives < 10; lives++ {
		err := c.life()
		c.end()
		if !errors.Is(err, errDied) {
			return err
		}
		c.died++
		if second > 0 {
			c.write("at", fmt.Sprintf("%d\n", c.count("n")+second))
			second = 0
		}
		_ = os.Remove(filepath.Join(c.dir, "dead"))
		if err := c.st.Close(); err != nil {
			return err
		}
		if c.st, err = store.Open(c.db(), store.Options{}); err != nil {
			return err
		}
	}
	return errors.New("died again and again")
}

// end is the end of a host: what its runner still says is lost.
func (c *crash) end() {
	if c.cancel == nil {
		return
	}
	c.cancel()
	done := make(chan struct{})
	go func() { c.run1.Wait(); close(done) }()
	for {
		select {
		case <-c.events:
		case <-done:
			c.cancel = nil
			return
		}
	}
}

func (c *crash) life() error {
	ctx, cancel := context.WithCancel(context.Background())
	c.cancel, c.events = cancel, make(chan refinery.Event, 1)
	events := c.events
	env := []string{"PATH=" + filepath.Join(c.dir, "bin") + ":/usr/local/bin:/usr/bin:/bin", "HOME=" + c.dir, "CRASH=" + c.dir}
	g := git.New(env)
	old := c.r.run
	c.run1 = &Runner{Rig: "app", Git: g, GateDir: old.GateDir, LogDir: old.LogDir, TempDir: old.TempDir, Env: env, Ident: old.Ident,
		Emit: func(ev refinery.Event) { events <- ev }}
	repo, err := g.OpenRepo(ctx, c.r.repo.Dir())
	if c.is("dead") {
		return errDied
	}
	if err != nil {
		return err
	}
	c.run1.Repo = repo
	if _, err := repo.ClearLocks(); err != nil {
		return err
	}
	var q *refinery.Queue
	if err := c.st.View(func(tx *store.Tx) (err error) { q, err = tx.Queue("app"); return err }); err != nil {
		return err
	}
	c.q = *q
	if c.mutant == "force reset" && c.q.Target != "" {
		_ = repo.UpdateRef(ctx, "refs/heads/main", c.q.Target, "", "reset")
	}
	inv := c.run1.Inventory(ctx, c.q, "main")
	if c.is("dead") {
		return errDied
	}
	if err := c.step(ctx, inv); err != nil {
		return err
	}
	for range 500 {
		if c.q.Run == nil {
			if len(c.q.Entries) == 0 {
				return nil
			}
			if c.q.Moved() {
				if _, err := c.run1.PutBack(ctx, "main", c.q.Target); c.is("dead") {
					return errDied
				} else if err != nil {
					return err
				}
				if err := c.step(ctx, refinery.TargetMoved{Commit: c.q.Target, Known: c.q.Target}); err != nil {
					return err
				}
				continue
			}
			next := refinery.Next(c.q, c.now, c.r.cfg)
			if next.IsZero() {
				return fmt.Errorf("the queue stands: %s %s", c.q.State, c.q.Reason)
			}
			c.now = next
			if err := c.step(ctx, refinery.Tick{}); err != nil {
				return err
			}
			continue
		}
		ev, err := c.next()
		if err != nil {
			return err
		}
		if err := c.step(ctx, ev); err != nil {
			return err
		}
	}
	return errors.New("no end")
}

// next waits for the runner, or for the death of the host meanwhile.
func (c *crash) next() (refinery.Event, error) {
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	give := time.After(60 * time.Second)
	for {
		select {
		case ev := <-c.events:
			if c.is("dead") {
				return nil, errDied
			}
			return ev, nil
		case <-look.C:
			if c.is("dead") {
				return nil, errDied
			}
		case <-give:
			return nil, errors.New("the runner is silent")
		}
	}
}

// step stores what an event leads to, in one transaction with its records, and then
// acts on it. The write is a point.
func (c *crash) step(ctx context.Context, ev refinery.Event) error {
	q, effects := refinery.Step(c.q, ev, c.now, c.r.cfg)
	n := c.count("n") + 1
	c.write("n", fmt.Sprintf("%d\n", n))
	data, err := os.ReadFile(filepath.Join(c.dir, "at"))
	if err != nil {
		return err
	}
	at := strings.TrimSpace(string(data))
	dies := at == strconv.Itoa(n)
	for _, e := range effects {
		if p, ok := e.(refinery.Publish); ok {
			c.lands++
			dies = dies || at == fmt.Sprint("land", c.lands)
			if c.mutant == "ref before intent" {
				_ = c.r.repo.UpdateRef(ctx, "refs/heads/main", p.Intent.New, p.Intent.Old, "early")
			}
		}
	}
	if dies && (!c.is("after") || c.mutant == "ref before intent") {
		c.write("dead", "")
		return errDied
	}
	err = c.st.Update(func(tx *store.Tx) error {
		var told []string
		if _, err := tx.GetKV("told", &told); err != nil {
			return err
		}
		for _, e := range effects {
			switch e := e.(type) {
			case refinery.Settle:
				told = append(told, "settled "+string(e.Bead))
			case refinery.SendBack:
				told = append(told, "back "+string(e.Bead))
			}
		}
		return errors.Join(tx.PutKV("told", told), tx.PutQueue(&q))
	})
	if err != nil {
		return err
	}
	if dies {
		c.write("dead", "")
		return errDied
	}
	c.q = q
	for _, e := range effects {
		if a, ok := e.(refinery.Action); ok {
			c.act(ctx, a)
		}
	}
	return nil
}

func (c *crash) act(ctx context.Context, a refinery.Action) {
	switch a := a.(type) {
	case refinery.RunGate:
		if c.mutant == "verdict before gate" {
			c.events <- refinery.GateDone{Seq: a.Seq, Gate: a.Index, Outcome: refinery.Pass}
			return
		}
	case refinery.Publish:
		if c.mutant == "no compare-and-swap" {
			_ = c.r.repo.UpdateRef(ctx, "refs/heads/main", a.Intent.New, "", "no look")
			c.events <- refinery.Published{Seq: a.Seq, Old: a.Intent.Old, New: a.Intent.New}
			return
		}
	}
	c.run1.Do(ctx, a)
}

// result is what is to be the same whatever happened.
func (c *crash) result() string {
	var q *refinery.Queue
	var told []string
	err := c.st.View(func(tx *store.Tx) (err error) {
		if q, err = tx.Queue("app"); err == nil {
			_, err = tx.GetKV("told", &told)
		}
		return err
	})
	if err != nil {
		c.t.Fatal(err)
	}
	var settled, back []string
	for _, s := range told {
		if id, ok := strings.CutPrefix(s, "settled "); ok {
			settled = append(settled, id)
		} else {
			back = append(back, strings.TrimPrefix(s, "back "))
		}
	}
	slices.Sort(settled)
	refs, err := c.r.repo.ForEachRef(context.Background(), StrayRef(""))
	if err != nil {
		c.t.Fatal(err)
	}
	var strays []string // what was found on main and put there by others: nothing of ours
	for _, ref := range refs {
		strays = append(strays, ref.Commit)
	}
	return fmt.Sprintf("settled %s, back %s, total %d, strays %v, main %s",
		strings.Join(settled, " "), strings.Join(back, " "), q.Total, strays, c.r.tip())
}
