package proc

import (
	"errors"
	"syscall"
	"testing"
	"time"
)

// stopped reports whether a process is where a signal of job control leaves it.
func stopped(pid int) bool {
	p, ok := lookup(pid)
	return ok && p.stopped
}

func TestFreezeStopsTheWholeTree(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			dir := t.TempDir()
			p := start(t, Spec{Argv: helperArgv("tree", dir, kind), PTY: &Size{80, 24}})
			pids := []int{mustAwait(t, dir, "stubborn"), mustAwait(t, dir, "main")}
			for range 2 { // a second time changes nothing
				if n, err := p.Freeze(t.Context()); err != nil || n < len(p.Tree()) {
					t.Fatalf("froze %d of %d: %v", n, len(p.Tree()), err)
				}
			}
			for _, pid := range pids {
				if !waitUntil(2*time.Second, func() bool { return stopped(pid) }) {
					t.Errorf("process %d goes on", pid)
				}
			}
			if err := p.Thaw(t.Context()); err != nil {
				t.Fatal(err)
			}
			for _, pid := range pids {
				if !waitUntil(2*time.Second, func() bool { return !stopped(pid) }) {
					t.Errorf("process %d is still stopped", pid)
				}
			}
			p.Signal(syscall.SIGUSR1)
			if e := wait(t, p); e.Code != 0 || e.Err != "" {
				t.Errorf("exit %+v", e)
			}
			gone(t, pids)
			if _, err := p.Freeze(t.Context()); !errors.Is(err, ErrGone) {
				t.Errorf("freeze of an ended tree: %v", err)
			}
		})
	}
}

// A frozen tree ends as any other: the first signal is heard, and what ignores it is killed.
func TestFrozenTreeEndsByStop(t *testing.T) {
	dir := t.TempDir()
	p := start(t, Spec{Argv: helperArgv("tree", dir, "setsid"), PTY: &Size{80, 24}})
	pids := []int{mustAwait(t, dir, "stubborn"), mustAwait(t, dir, "main")}
	if _, err := p.Freeze(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := p.Stop(t.Context(), StopPlan{First: syscall.SIGUSR1, Grace: 20 * time.Second}); err != nil {
		t.Fatal(err)
	}
	if e := p.Exit(); e.Code != 0 {
		t.Errorf("it did not hear the signal: %+v", e)
	}
	gone(t, pids)
}

// What somebody else had stopped stays so.
func TestThawLeavesTheStoppedOfOthers(t *testing.T) {
	dir := t.TempDir()
	p := start(t, Spec{Argv: helperArgv("tree", dir, "setsid")})
	other, main := mustAwait(t, dir, "stubborn"), mustAwait(t, dir, "main")
	if err := syscall.Kill(other, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	waitUntil(2*time.Second, func() bool { return stopped(other) })
	if _, err := p.Freeze(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := p.Thaw(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !waitUntil(2*time.Second, func() bool { return !stopped(main) }) || !stopped(other) {
		t.Errorf("main stopped: %v, the other: %v", stopped(main), stopped(other))
	}
}
