package town

import (
	"os"
	"strings"
	"testing"

	"gastown/beads"
	"gastown/internal/api"
	"gastown/internal/fault"
)

// stopped reports whether all of these processes, as a job wrote their numbers, are stopped.
func stopped(pids string) bool {
	for _, pid := range strings.Fields(pids) {
		stat, err := os.ReadFile("/proc/" + pid + "/stat")
		if err != nil || !strings.Contains(string(stat), ") T ") {
			return false
		}
	}
	return true
}

func (l *lab) halt(c api.Command[api.NameReq, api.Ack], rig string) string {
	l.t.Helper()
	ack, err := c.Do(l.t.Context(), l.person(), api.NameReq{Name: rig})
	if err != nil {
		l.t.Fatal(err)
	}
	return ack.Msg
}

// steps is an agent with a child, which leaves uncommitted work and goes on when the test says so.
const steps = `
echo half >> README.md
sleep 1000 & child=$!
echo $$ $child | tell pids
until [ -e "$OUT/go" ]; do sleep 0.01; done
kill $child
git commit -q -a -m whole
exec gastown done
`

func TestFreezeStandsStillAndGoesOn(t *testing.T) {
	l := newLab(t, "")
	one, two := l.create("one"), l.create("two")
	l.job(one, steps)
	l.sling(one)
	pids := l.told("pids")
	l.awaitState(one, 1, beads.Running) // the agent may be quicker than the host is to record it

	if msg := l.halt(api.Freeze, ""); !strings.Contains(msg, "toast; a checkpoint") {
		t.Errorf("freeze says %q", msg)
	}
	l.await("the agent and its child are stopped", func() bool { return stopped(pids) })
	if got := l.git(l.repo(), "show", beads.WipRef(one, 1)+":README.md"); !strings.HasSuffix(got, "half") {
		t.Errorf("the checkpoint has %q", got)
	}
	st := l.status()
	if !st.Paused || !st.Frozen || len(st.Polecats) != 1 || !st.Polecats[0].Frozen || len(st.Problems) > 0 {
		t.Errorf("status: %+v", st)
	}
	if s := l.sling(two); s[0].Attempt != 0 || !strings.Contains(s[0].Msg, "the town is frozen") {
		t.Errorf("slung while frozen: %+v", s)
	}
	if _, err := api.PolecatRestart.Do(t.Context(), l.person(), api.NameReq{Name: "toast"}); !fault.Is(err, fault.Refused) {
		t.Errorf("restarted while frozen: %v", err)
	}
	if w, err := api.Why.Do(t.Context(), l.person(), api.BeadReq{Bead: one}); err != nil || !strings.Contains(w.Why, "frozen") {
		t.Errorf("why: %+v, %v", w, err)
	}
	if msg := l.halt(api.Pause, ""); !strings.Contains(msg, "frozen already") {
		t.Errorf("a pause says %q", msg)
	}
	l.write("jobs/go", "")
	if !stopped(pids) {
		t.Error("a pause woke it")
	}
	if msg := l.halt(api.Resume, ""); msg != "the town goes on" {
		t.Errorf("resume says %q", msg)
	}
	l.awaitStatus(one, beads.Closed)
	l.awaitStatus(two, beads.Closed)
	l.gone()
	if got := l.git(l.repo(), "for-each-ref", "refs/gt/wip"); got != "" {
		t.Errorf("checkpoints left: %s", got)
	}
	if n := len(l.bead(one).Attempts); n != 1 {
		t.Errorf("%d attempts for one freeze", n)
	}
}

// A frozen polecat is killed, and drained, as any other; its work is kept.
func TestFrozenPolecatEnds(t *testing.T) {
	l := newLab(t, "")
	one, two := l.create("one"), l.create("two")
	l.job(one, messy)
	l.job(two, "echo $$ | tell pid; exec sleep 1000")
	l.sling(one, two)
	l.told("content")
	pid := l.told("pid")
	l.halt(api.Freeze, "app")
	k, err := api.PolecatKill.Do(t.Context(), l.person(), api.KillReq{Name: string(one)})
	if err != nil || k.Rescue == "" || len(k.Kept) != 4 {
		t.Errorf("killed: %+v, %v", k, err)
	}
	l.host.Stop(true) // would wait for ever for one that stands still
	<-l.ran
	if left := alive(pid); len(left) > 0 {
		t.Errorf("left alive: %v", left)
	}
	l.host = nil
	l.down()
}

// What was said survives the host: nothing starts, and what was at work goes on after a resume.
func TestFreezeSurvivesTheHost(t *testing.T) {
	l := newLab(t, "")
	id := l.create("one")
	l.job(id, steps)
	l.sling(id)
	l.told("pids")
	l.halt(api.Freeze, "app")
	l.down()
	l.up()
	st := l.status()
	if st.Paused || st.Frozen || !st.Rigs[0].Paused || !st.Rigs[0].Frozen || len(st.Polecats) != 0 {
		t.Fatalf("status after a restart: %+v", st)
	}
	if msg := l.halt(api.Pause, ""); !strings.Contains(msg, "is paused") {
		t.Errorf("pause: %q", msg)
	}
	if msg := l.halt(api.Resume, "app"); !strings.Contains(msg, "rig app goes on; the town is still paused") {
		t.Errorf("resume of the rig: %q", msg)
	}
	if n := len(l.bead(id).Attempts); n != 1 {
		t.Fatalf("%d attempts in a halted town", n)
	}
	l.job(id, "git status --short | tell status; git commit -q -a -m whole; exec gastown done")
	l.halt(api.Resume, "")
	if got := l.told("status"); got != "M README.md" {
		t.Errorf("it went on with %q", got)
	}
	l.awaitStatus(id, beads.Closed)
}

// An agent that was about to start when the town was frozen starts only when it goes on.
func TestFreezeHoldsAStartBack(t *testing.T) {
	l := newLab(t, `setup = "echo $$ > ../../setup; until [ -e ../../go ]; do sleep 0.01; done"`)
	id := l.create("one")
	l.sling(id)
	l.await("setup runs", func() bool { _, err := os.Stat(l.dir + "/rigs/app/setup"); return err == nil })
	l.halt(api.Freeze, "")
	l.write("T/rigs/app/go", "")
	l.await("setup is through", func() bool {
		return l.attempt(id).Worktree != "" || len(alive(mustRead(t, l.dir+"/rigs/app/setup"))) == 0
	})
	if p := l.status().Polecats; len(p) != 1 || p[0].Terminal {
		t.Errorf("polecats: %+v", p)
	}
	l.halt(api.Resume, "")
	l.awaitStatus(id, beads.Closed)
}

func mustRead(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
