package proc

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// kinds are the ways a descendant can try to leave.
var kinds = []string{"plain", "group", "setsid", "double", "double-empty", "itself"}

// gone fails the test unless all pids are dead within two seconds.
func gone(t *testing.T, pids []int) {
	t.Helper()
	for _, pid := range pids {
		if !waitUntil(2*time.Second, func() bool { _, alive := lookup(pid); return !alive }) {
			t.Errorf("process %d survives", pid)
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

func TestTreeDiesWithItsMain(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			dir := t.TempDir()
			p := start(t, Spec{Argv: helperArgv("tree", dir, kind)})
			pids := []int{mustAwait(t, dir, "stubborn"), mustAwait(t, dir, "main")}
			p.Signal(syscall.SIGUSR1)
			if e := wait(t, p); e.Code != 0 || e.Err != "" {
				t.Errorf("exit %+v", e)
			}
			for _, pid := range pids { // Done means now, not soon
				if _, alive := lookup(pid); alive {
					t.Errorf("process %d alive after Done", pid)
				}
			}
		})
	}
}

func TestTreeDiesByStop(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			dir := t.TempDir()
			p := start(t, Spec{Argv: helperArgv("tree", dir, kind), PTY: &Size{80, 24}})
			pids := []int{mustAwait(t, dir, "stubborn"), mustAwait(t, dir, "main")}
			want := 2
			if kind == "itself" {
				want = 1
			}
			if !waitUntil(20*time.Second, func() bool { return len(p.Tree()) >= want }) { // one may be between two parents
				t.Errorf("tree %v", p.Tree())
			}
			if err := p.Stop(t.Context(), StopPlan{First: syscall.SIGTERM, Grace: 10 * time.Millisecond}); err != nil {
				t.Fatal(err)
			}
			gone(t, pids)
			if p.Tree() != nil || Alive(p.ID()) {
				t.Error("still alive by its own word")
			}
		})
	}
}

func TestTreeDiesWithItsHost(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			dir := t.TempDir()
			argv := helperArgv("host", dir, kind)
			host := exec.CommandContext(context.Background(), argv[0], argv[1:]...)
			host.Stderr = os.Stderr
			if err := host.Start(); err != nil {
				t.Fatal(err)
			}
			pids := []int{mustAwait(t, dir, "stubborn"), mustAwait(t, dir, "main")}
			var id ID
			waitUntil(20*time.Second, func() bool {
				b, err := os.ReadFile(filepath.Join(dir, "id"))
				return err == nil && json.Unmarshal(b, &id) == nil
			})
			if !Alive(id) {
				t.Errorf("shim %+v is not alive", id)
			}
			_ = host.Process.Kill()
			_ = host.Wait()
			gone(t, append(pids, id.PID))
			if n := KillTree(id); n != 0 {
				t.Errorf("%d left for KillTree", n)
			}
		})
	}
}

// A killed shim loses its children to init; the host finds them by group and marker.
func TestTreeDiesWithItsShim(t *testing.T) {
	for _, kind := range []string{"plain", "group", "setsid", "double", "itself"} {
		t.Run(kind, func(t *testing.T) {
			dir := t.TempDir()
			p := start(t, Spec{Argv: helperArgv("tree", dir, kind)})
			pids := []int{mustAwait(t, dir, "stubborn"), mustAwait(t, dir, "main")}
			if err := syscall.Kill(p.ID().PID, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			if e := wait(t, p); e.Err == "" || e.Code != -1 {
				t.Errorf("exit %+v", e)
			}
			gone(t, pids)
		})
	}
}

func TestLeftovers(t *testing.T) {
	t.Run("by id", func(t *testing.T) {
		dir := t.TempDir()
		p := start(t, Spec{Argv: helperArgv("tree", dir, "double-empty")})
		pids := []int{mustAwait(t, dir, "stubborn"), mustAwait(t, dir, "main")}
		if n := KillTree(p.ID()); n < 3 {
			t.Errorf("killed %d", n)
		}
		gone(t, pids)
	})
	t.Run("by marker", func(t *testing.T) {
		dir := t.TempDir()
		p := start(t, Spec{Argv: helperArgv("tree", dir, "double")})
		pids := []int{mustAwait(t, dir, "stubborn"), mustAwait(t, dir, "main"), p.ID().PID}
		if n := KillMarked(p.Marker()); n < 2 {
			t.Errorf("killed %d", n)
		}
		gone(t, pids)
		wait(t, p)
	})
	t.Run("not ours", func(t *testing.T) {
		me, _ := lookup(os.Getpid())
		mine := ID{PID: me.pid, Start: me.start, Boot: BootID()}
		if !Alive(mine) {
			t.Error("we are dead")
		}
		for _, id := range []ID{
			{}, {PID: me.pid, Start: me.start + 1, Boot: BootID()}, {PID: me.pid, Start: me.start, Boot: "other"},
		} {
			if Alive(id) || KillTree(id) != 0 {
				t.Errorf("%+v taken for ours", id)
			}
		}
		if KillMarked("") != 0 || KillMarked("no such marker") != 0 {
			t.Error("killed somebody")
		}
	})
}

// A grandchild that holds the output must neither keep Done away nor live on.
func TestLeakedOutput(t *testing.T) {
	dir := t.TempDir()
	p := start(t, Spec{Argv: helperArgv("leak", dir), Output: output(t)})
	if e := wait(t, p); e != (Exit{}) {
		t.Errorf("exit %+v", e)
	}
	gone(t, []int{mustAwait(t, dir, "stubborn")})
}

// Forking without end is slower than looking and killing.
func TestForkStorm(t *testing.T) {
	p := start(t, Spec{Argv: []string{"sh", "-c", `i=0; while [ $i -lt 200 ]; do setsid sleep 300 & i=$((i+1)); done; wait`}})
	if !waitUntil(20*time.Second, func() bool { return len(p.Tree()) > 50 }) {
		t.Fatal("no storm")
	}
	if err := p.Stop(t.Context(), StopPlan{}); err != nil {
		t.Fatal(err)
	}
	gone(t, p.Tree())
}

// TestUse: a tree that computes uses time, one that sleeps does not, and its processes are named.
func TestUse(t *testing.T) {
	busy := start(t, Spec{Argv: []string{"/bin/sh", "-c", "while :; do :; done"}})
	calm := start(t, Spec{Argv: []string{"/bin/sh", "-c", "sleep 1000 & wait"}})
	if !waitUntil(10*time.Second, func() bool { return len(calm.Use().PIDs) == 2 }) {
		t.Errorf("calm: %+v", calm.Use())
	}
	if u := busy.Use(); u.Timed && !waitUntil(10*time.Second, func() bool { return busy.Use().CPU > u.CPU+50*time.Millisecond }) {
		t.Errorf("busy: %+v, then %+v", u, busy.Use())
	}
	if u := calm.Use(); u.CPU > time.Second {
		t.Errorf("calm: %+v", u)
	}
}
