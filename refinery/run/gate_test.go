package run

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gastown/internal/proc"
	"gastown/refinery"
)

// gateOnce runs one gate on a commit with one more file.
func (r *rig) gateOnce(script string, change func(*refinery.RunGate)) refinery.GateDone {
	r.t.Helper()
	r.begin(script, change)
	return r.doneGate()
}

func (r *rig) begin(script string, change func(*refinery.RunGate)) {
	r.t.Helper()
	tip := r.work(map[string]string{"a.txt": "a\n"})
	tree, err := r.repo.TreeOf(context.Background(), tip)
	if err != nil {
		r.t.Fatal(err)
	}
	g := refinery.RunGate{Seq: 1, Gate: refinery.Gate{Name: "test", Run: script}, Bead: "ma-1", N: 1, Commit: tip, Tree: tree, Timeout: 20 * time.Second}
	if change != nil {
		change(&g)
	}
	r.run.Do(context.Background(), g)
}

func (r *rig) doneGate() refinery.GateDone {
	r.t.Helper()
	for {
		if d, ok := r.next().(refinery.GateDone); ok {
			return d
		}
	}
}

// started waits until the gate has printed "ready".
func (r *rig) started() {
	r.t.Helper()
	for {
		if _, ok := r.next().(refinery.Output); ok {
			return
		}
	}
}

// alone fails when a process of a gate is left.
func (r *rig) alone() {
	r.t.Helper()
	for _, s := range r.begun {
		if n := proc.KillMarked(s.Marker); n > 0 {
			r.t.Fatalf("%d processes survived their gate", n)
		}
	}
}

func TestGateMatrix(t *testing.T) {
	short := func(g *refinery.RunGate) { g.Timeout = 700 * time.Millisecond }
	for _, tc := range []struct {
		name, script string
		want         refinery.Outcome
		code         int
		change       func(*refinery.RunGate)
	}{
		{"passes", "test -f a.txt", refinery.Pass, 0, nil},
		{"fails", "echo no; exit 3", refinery.Fail, 3, nil},
		{"fails 125", "exit 125", refinery.Fail, 125, nil},
		{"git's own 128", "exit 128", refinery.Fail, 128, nil},
		{"255", "exit 255", refinery.Fail, 255, nil},
		{"cannot execute", "./a.txt", refinery.Broken, 126, nil},
		{"not found", "no-such-program --test", refinery.Broken, 127, nil},
		{"kills itself", "kill -9 $$", refinery.Infra, 137, nil},
		{"its child is killed", "sh -c 'kill -9 $$'; exit $?", refinery.Infra, 137, nil},
		{"says 139", "exit 139", refinery.Infra, 139, nil},
		{"hangs", "sleep 1000", refinery.TimedUp, 0, short},
		{"ignores every signal", "trap '' TERM INT HUP QUIT; while :; do sleep 1000; done", refinery.TimedUp, 0, short},
		{"hangs, its grandchild has the output", "sleep 1000 & sleep 1000", refinery.TimedUp, 0, short},
		{"hangs in sessions of its own", "for i in 1 2 3; do setsid sleep 1000 & done; setsid sh -c 'setsid sleep 1000 & sleep 1000'", refinery.TimedUp, 0, short},
		{"prints for ever", "yes gastown", refinery.TimedUp, 0, short},
		{"leaves a daemon", "setsid sleep 1000 & exit 0", refinery.Pass, 0, nil},
		{"forks 50", "i=0; while [ $i -lt 50 ]; do i=$((i+1)); setsid sleep 1000 & done; exit 1", refinery.Fail, 1, nil},
		{"forks 50 and hangs", "i=0; while [ $i -lt 50 ]; do i=$((i+1)); setsid sleep 1000 & done; wait", refinery.TimedUp, 0, short},
		{"reads its input", "if read x; then exit 1; fi; cat; exit 0", refinery.Pass, 0, nil},
		{"kills its group", "kill -9 0", refinery.Infra, 137, nil},
		{"binary output", "head -c 100000 /dev/urandom; exit 1", refinery.Fail, 1, nil},
		{"syntax error", "if", refinery.Fail, 2, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(t)
			begun := time.Now()
			d := r.gateOnce(tc.script, tc.change)
			if d.Outcome != tc.want || d.Code != tc.code || d.Seq != 1 {
				t.Fatalf("%+v, want %s %d", d, tc.want, tc.code)
			}
			if took := time.Since(begun); took > 10*time.Second {
				t.Fatalf("took %s", took)
			}
			r.alone()
			if left, _ := filepath.Glob(filepath.Join(r.run.TempDir, "gastown-gate-*")); len(left) > 0 {
				t.Fatalf("TMPDIR is left: %v", left)
			}
		})
	}
}

func TestGateThatDamagesItsWorktree(t *testing.T) {
	for name, script := range map[string]string{
		"deletes it":            `rm -rf "$PWD"`,
		"deletes .git":          "rm -f .git",
		"writes garbage .git":   "echo garbage > .git",
		"points .git elsewhere": "echo 'gitdir: /tmp' > .git",
		"empties HEAD":          `: > "$(git rev-parse --git-dir)/HEAD"`,
		"corrupts the index":    `echo garbage > "$(git rev-parse --git-dir)/index"`,
		"leaves index.lock":     `: > "$(git rev-parse --git-dir)/index.lock"`,
		"commits":               "git -c user.name=x -c user.email=x commit -q --allow-empty -m x",
		"edits and litters":     "echo x > README.md; echo x > new; mkdir -p sub/.git; echo x > sub/f; echo x > cache",
		"takes rights away":     "mkdir d; echo x > d/f; chmod 500 d; chmod 500 .",
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			if d := r.gateOnce(script+"; exit 0", nil); d.Outcome != refinery.Pass {
				t.Fatalf("%+v", d)
			}
			check := `test "$(cat README.md)" = hello && test -f a.txt && test ! -e new && test ! -e sub && test ! -e d && git status --porcelain`
			if d := r.gateOnce(check, nil); d.Outcome != refinery.Pass || d.Tail != "" {
				t.Fatalf("%+v", d)
			}
		})
	}
}

func TestGateKeepsCachesUnlessFresh(t *testing.T) {
	r := newRig(t)
	r.gateOnce("echo built > cache; pwd", nil)
	if d := r.gateOnce("cat cache", nil); d.Tail != "built" {
		t.Fatalf("%+v", d)
	}
	if d := r.gateOnce("test ! -e cache; pwd", func(g *refinery.RunGate) { g.Fresh = true }); d.Outcome != refinery.Pass || d.Tail != filepath.Join(r.run.GateDir, "1") {
		t.Fatalf("%+v", d)
	}
}

func TestGateRunsOnExactlyTheTree(t *testing.T) {
	r := newRig(t)
	d := r.gateOnce("true", func(g *refinery.RunGate) { g.Tree = strings.Repeat("0", 40) })
	if d.Outcome != refinery.Infra || !strings.Contains(d.Err, "not at") {
		t.Fatalf("%+v", d)
	}
}

func TestGateEnvironment(t *testing.T) {
	r := newRig(t)
	d := r.gateOnce("env; git rev-parse HEAD; nice; test -d $TMPDIR", func(g *refinery.RunGate) { g.Gate.Env = []string{"DATABASE_URL", "UNSET"} })
	if d.Outcome != refinery.Pass {
		t.Fatalf("%+v", d)
	}
	for _, want := range []string{"CI=1", "GIT_TERMINAL_PROMPT=0", "SECRET_FREE=1", "DATABASE_URL=value of DATABASE_URL", "GASTOWN_BEAD=ma-1", "GASTOWN_ATTEMPT=1", "GASTOWN_RIG=app", "GASTOWN_GATE=test", "10"} {
		if !strings.Contains("\n"+d.Tail+"\n", "\n"+want+"\n") {
			t.Errorf("no %q in %s", want, d.Tail)
		}
	}
	for _, bad := range []string{"GASTOWN_TOKEN", "GIT_DIR", "UNSET="} {
		if strings.Contains(d.Tail, bad) {
			t.Errorf("%s in the gate's environment", bad)
		}
	}
}

func TestLogIsCapped(t *testing.T) {
	r := newRig(t)
	d := r.gateOnce("echo first; head -c 60000000 /dev/zero | tr '\\0' x | fold; echo last; exit 1", nil)
	st, err := os.Stat(d.Log)
	if err != nil || st.Size() > keepHead+keepTail+1000 || st.Size() < keepHead {
		t.Fatalf("%v %d", err, st.Size())
	}
	data, err := os.ReadFile(d.Log)
	if err != nil || !strings.HasPrefix(string(data), "first\nxxx") || !strings.HasSuffix(string(data), "last\n") || !strings.HasSuffix(d.Tail, "last") {
		t.Fatalf("%v %.20q %.20q", err, data, data[len(data)-20:])
	}
	if !strings.Contains(string(data), "bytes cut here]") {
		t.Fatal("the cut is not marked")
	}
}

func TestStopIsQuick(t *testing.T) {
	for name, script := range map[string]string{
		"sleeps":        "echo ready; sleep 1000",
		"ignores all":   "trap '' TERM INT HUP QUIT; echo ready; while :; do sleep 1000; done",
		"has sessions":  "for i in 1 2 3 4 5; do setsid sleep 1000 & done; echo ready; setsid sleep 1000",
		"is very quiet": "echo ready >&2; exec sleep 1000",
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.begin(script, nil)
			r.started()
			begun := time.Now()
			r.run.Do(context.Background(), refinery.StopGate{Seq: 1, Quit: true})
			d := r.doneGate()
			if took := time.Since(begun); took > time.Second {
				t.Fatalf("took %s", took)
			}
			if d.Outcome != refinery.Stopped {
				t.Fatalf("%+v", d)
			}
			r.alone()
		})
	}
}

// What a gate prints right after something else is told too, though nothing comes after it.
func TestTheLastOfTheOutputIsTold(t *testing.T) {
	r := newRig(t)
	r.begin("echo first; until test -e ../second; do sleep 0.01; done; echo last; exec sleep 1000", nil)
	r.started()
	if err := os.WriteFile(filepath.Join(r.run.GateDir, "second"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r.started()
	r.run.Do(context.Background(), refinery.StopGate{Seq: 1})
	if d := r.doneGate(); !strings.Contains(d.Tail, "last") {
		t.Fatalf("%+v", d)
	}
}

func TestQuitGetsADump(t *testing.T) {
	r := newRig(t)
	r.begin(`sh -c 'trap "echo dump; exit 1" QUIT; echo ready; while :; do read x; sleep 0.01; done'; true`, nil)
	r.started()
	r.run.Do(context.Background(), refinery.StopGate{Seq: 1, Quit: true})
	if d := r.doneGate(); !strings.Contains(d.Tail, "dump") {
		t.Fatalf("%+v", d)
	}
}

func TestRestartKeepsOrderAndLands(t *testing.T) {
	r := newRig(t, "echo ready; test -e ../go || { touch ../go; sleep 1000; }")
	r.submit("ma-1", r.work(map[string]string{"a.txt": "a\n"}))
	r.submit("ma-2", r.work(map[string]string{"b.txt": "b\n"}))
	for ready := false; !ready; {
		ev := r.next()
		r.step(ev)
		_, ready = ev.(refinery.Output)
	}
	begun := time.Now()
	r.seen = nil
	r.step(refinery.Restart{By: "me"})
	if r.q.State != refinery.Restarting {
		t.Fatal(r.q.State)
	}
	again := until[refinery.RunGate](r)
	if took := time.Since(begun); took > time.Second || !again.Fresh || again.Bead != "ma-1" {
		t.Fatalf("%s, %+v", took, again)
	}
	if s := until[refinery.Settle](r); s.Bead != "ma-1" {
		t.Fatalf("%+v", s)
	}
	if s := until[refinery.Settle](r); s.Bead != "ma-2" {
		t.Fatalf("%+v", s)
	}
	r.alone()
}

func TestStopBeforeTheGateStarts(t *testing.T) {
	r := newRig(t)
	r.begin("sleep 1000", nil)
	r.run.Do(context.Background(), refinery.StopGate{Seq: 1})
	if d := r.doneGate(); d.Outcome != refinery.Stopped {
		t.Fatalf("%+v", d)
	}
	r.alone()
}

func TestGivenUpGateIsEndedFirst(t *testing.T) {
	r := newRig(t)
	r.begin("echo ready; sleep 1000", nil)
	r.started()
	r.begin("true", func(g *refinery.RunGate) { g.Seq = 2 })
	if d := r.doneGate(); d.Seq != 1 || d.Outcome != refinery.Stopped {
		t.Fatalf("%+v", d)
	}
	if d := r.doneGate(); d.Seq != 2 || d.Outcome != refinery.Pass {
		t.Fatalf("%+v", d)
	}
	r.alone()
}

func TestBrokenGatePausesAndBlamesNobody(t *testing.T) {
	r := newRig(t, "no-such-program")
	r.submit("ma-1", r.work(map[string]string{"a.txt": "a\n"}))
	p := until[refinery.Problem](r)
	if r.q.State != refinery.Paused || len(r.q.Entries) != 1 || !strings.Contains(p.Text, `gate "test" cannot run (exit 127)`) || !strings.Contains(p.Text, "no-such-program") {
		t.Fatalf("%s %+v", r.q.State, p)
	}
}
