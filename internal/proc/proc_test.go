package proc

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func TestExit(t *testing.T) {
	for _, code := range []int{0, 1, 126, 127, 137} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			p := start(t, Spec{Argv: helperArgv("exit", fmt.Sprint(code))})
			if got := wait(t, p); got != (Exit{Code: code}) {
				t.Errorf("got %+v", got)
			}
		})
	}
	t.Run("killed by another", func(t *testing.T) {
		dir := t.TempDir()
		p := start(t, Spec{Argv: helperArgv("stubborn", dir)})
		mustAwait(t, dir, "stubborn")
		if err := syscall.Kill(p.ChildPID(), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		if got := wait(t, p); got != (Exit{Code: -1, Signal: 9}) {
			t.Errorf("got %+v", got)
		}
	})
}

func TestCannotStart(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	plain := file("plain", "x", 0o644)
	binary := file("garbage", "\x00\x01\x02", 0o755)
	script := file("script", "#!/no/such/interpreter\n", 0o755)
	for _, c := range []struct {
		name, op string
		spec     Spec
		want     error
	}{
		{"nowhere in PATH", OpLookup, Spec{Argv: []string{"no-such-program"}}, fs.ErrNotExist},
		{"no file", OpLookup, Spec{Argv: []string{"/no/such/file"}}, fs.ErrNotExist},
		{"not executable", OpLookup, Spec{Argv: []string{plain}}, fs.ErrPermission},
		{"in PATH, not executable", OpLookup, Spec{Argv: []string{"plain"}, Env: []string{"PATH=" + dir}}, fs.ErrPermission},
		{"directory", OpLookup, Spec{Argv: []string{dir}}, fs.ErrPermission},
		{"no format", OpExec, Spec{Argv: []string{binary}}, syscall.ENOEXEC},
		{"no interpreter", OpExec, Spec{Argv: []string{script}}, fs.ErrNotExist},
		{"no directory", OpDir, Spec{Argv: []string{"sh"}, Dir: filepath.Join(dir, "gone")}, fs.ErrNotExist},
		{"shim is none", OpShim, Spec{Argv: []string{"sh"}, Exe: "/bin/cat"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.spec.Dir == "" {
				c.spec.Dir = dir
			}
			if c.spec.Env == nil {
				c.spec.Env = os.Environ()
			}
			_, err := Start(c.spec)
			var se *StartError
			if !errors.As(err, &se) || se.Op != c.op || c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("got %v", err)
			}
		})
	}
	for _, spec := range []Spec{{}, {Argv: []string{"sh"}}, {Argv: []string{"sh"}, Dir: "/\x00"}} {
		if _, err := Start(spec); err == nil {
			t.Errorf("%+v started", spec)
		}
	}
}

func TestEnvironmentIsComplete(t *testing.T) {
	out := output(t)
	p := start(t, Spec{Argv: []string{"env"}, Env: []string{"PATH=/usr/bin:/bin", "A=1\xff", "GASTOWN_PROC=old"}, Output: out})
	wait(t, p)
	got := strings.Split(strings.TrimSpace(text(t, out)), "\n")
	slices.Sort(got)
	want := []string{"A=1\xff", "GASTOWN_PROC=" + p.Marker(), "PATH=/usr/bin:/bin"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

// The shim must leave no trace in what the child inherits: no ignored or blocked signals, no files, no O_NONBLOCK.
func TestChildIsBornClean(t *testing.T) {
	out := output(t)
	wait(t, start(t, Spec{Argv: []string{"sh", "-c", "grep -E '^Sig(Blk|Ign)' /proc/self/status; ls /proc/self/fd | wc -l"}, Output: out}))
	// ls itself opens the directory: 0 1 2 3.
	if got := strings.Join(strings.Fields(text(t, out)), " "); got != "SigBlk: 0000000000000000 SigIgn: 0000000000000000 4" {
		t.Errorf("got %q", got)
	}

	p := start(t, Spec{Argv: helperArgv("flags"), PTY: &Size{80, 24}})
	b, _ := io.ReadAll(p.PTY())
	wait(t, p)
	if n := strings.Count(string(b), "nonblock=false tty=true err=<nil>"); n != 3 {
		t.Errorf("got %q", b)
	}
}

func TestNice(t *testing.T) {
	nice := func(by int) int {
		out := output(t)
		wait(t, start(t, Spec{Argv: []string{"sh", "-c", "cut -d' ' -f19 /proc/self/stat"}, Output: out, Nice: by}))
		n, err := strconv.Atoi(strings.TrimSpace(text(t, out)))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if ours := nice(0); nice(7) != min(ours+7, 19) { // these tests may be nice themselves
		t.Errorf("%d, not 7 more than %d", nice(7), ours)
	}
}

func TestPTY(t *testing.T) {
	p := start(t, Spec{Argv: helperArgv("winch"), PTY: &Size{80, 24}})
	lines := bufio.NewScanner(p.PTY())
	expect := func(want string) {
		t.Helper()
		for lines.Scan() {
			if got := strings.TrimSpace(lines.Text()); strings.Contains(got, want) {
				return
			} else if strings.Contains(got, "winch") {
				t.Fatalf("got %q, want %q", got, want)
			}
		}
		t.Fatalf("no %q: %v", want, lines.Err())
	}
	resize := func(c, r int) {
		t.Helper()
		if err := p.Resize(Size{c, r}); err != nil {
			t.Fatal(err)
		}
	}
	expect("ready")
	resize(80, 24)
	resize(100, 30)
	expect("winch 1 is 100x30")
	resize(100, 30)
	resize(0, -1)
	expect("winch 2 is 1x1")
	resize(1, 1)
	if _, err := p.PTY().WriteString("q\n"); err != nil {
		t.Fatal(err)
	}
	expect("total 2")
	if e := wait(t, p); e != (Exit{}) {
		t.Errorf("exit %+v", e)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if err := p.Resize(Size{9, 9}); err == nil {
		t.Error("resized a closed terminal")
	}
}

func TestInterruptKeyReachesTheChild(t *testing.T) {
	p := start(t, Spec{Argv: helperArgv("winch"), PTY: &Size{80, 24}})
	lines := bufio.NewScanner(p.PTY())
	for lines.Scan() && !strings.Contains(lines.Text(), "ready") {
	}
	if _, err := p.PTY().Write([]byte{3}); err != nil {
		t.Fatal(err)
	}
	if e := wait(t, p); e.Signal != int(syscall.SIGINT) || e.Stopped {
		t.Errorf("exit %+v", e)
	}
}

func TestStop(t *testing.T) {
	t.Run("first signal is enough", func(t *testing.T) {
		p := start(t, Spec{Argv: []string{"sleep", "300"}})
		if err := p.Stop(t.Context(), StopPlan{First: syscall.SIGTERM, Grace: time.Minute}); err != nil {
			t.Fatal(err)
		}
		if e := p.Exit(); e != (Exit{Code: -1, Signal: 15, Stopped: true}) {
			t.Errorf("exit %+v", e)
		}
	})
	t.Run("a stopped child hears it too", func(t *testing.T) {
		p := start(t, Spec{Argv: []string{"sleep", "300"}})
		if err := syscall.Kill(p.ChildPID(), syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		if err := p.Stop(t.Context(), StopPlan{First: syscall.SIGTERM, Grace: time.Minute}); err != nil {
			t.Fatal(err)
		}
		if e := p.Exit(); e.Signal != 15 {
			t.Errorf("exit %+v", e)
		}
	})
	t.Run("ignored, then killed", func(t *testing.T) {
		dir := t.TempDir()
		p := start(t, Spec{Argv: helperArgv("stubborn", dir)})
		mustAwait(t, dir, "stubborn")
		if err := p.Stop(t.Context(), StopPlan{First: syscall.SIGTERM, Grace: 50 * time.Millisecond}); err != nil {
			t.Fatal(err)
		}
		if e := p.Exit(); e != (Exit{Code: -1, Signal: 9, Stopped: true}) {
			t.Errorf("exit %+v", e)
		}
	})
	t.Run("many at once, and again", func(t *testing.T) {
		dir := t.TempDir()
		p := start(t, Spec{Argv: helperArgv("stubborn", dir)})
		mustAwait(t, dir, "stubborn")
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if err := p.Stop(t.Context(), StopPlan{First: syscall.SIGTERM, Grace: 20 * time.Millisecond}); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if err := p.Stop(t.Context(), StopPlan{}); err != nil {
			t.Error(err)
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		dir := t.TempDir()
		p := start(t, Spec{Argv: helperArgv("stubborn", dir)})
		mustAwait(t, dir, "stubborn")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := p.Stop(ctx, StopPlan{First: syscall.SIGTERM, Grace: time.Hour}); err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		wait(t, p)
	})
	t.Run("prints for ever, nobody reads", func(t *testing.T) {
		dir := t.TempDir()
		p := start(t, Spec{Argv: helperArgv("flood", dir), PTY: &Size{80, 24}})
		mustAwait(t, dir, "flood")
		if err := p.Stop(t.Context(), StopPlan{First: syscall.SIGTERM, Grace: time.Minute}); err != nil {
			t.Fatal(err)
		}
		if e := p.Exit(); e.Signal != 15 {
			t.Errorf("exit %+v", e)
		}
	})
}

func TestShimIsStopped(t *testing.T) {
	dir := t.TempDir()
	p := start(t, Spec{Argv: helperArgv("tree", dir, "double-empty")})
	pids := []int{mustAwait(t, dir, "stubborn"), mustAwait(t, dir, "main")}
	if err := syscall.Kill(p.ID().PID, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if err := p.Stop(t.Context(), StopPlan{}); err != nil {
		t.Fatal(err)
	}
	gone(t, pids)
}

func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		p, err := Start(Spec{Argv: []string{"true"}, Dir: "/", Env: []string{"PATH=/usr/bin:/bin"}})
		if err != nil {
			b.Fatal(err)
		}
		<-p.Done()
	}
}
