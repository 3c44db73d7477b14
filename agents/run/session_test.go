package run

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"gastown/internal/proc"
)

var small = proc.Size{Cols: 40, Rows: 6}

func TestEcho(t *testing.T) {
	before := time.Now()
	s := start(t, small, "echo")
	s.see(t, "ready")
	if err := s.Send([]byte("hello\n")); err != nil {
		t.Fatal(err)
	}
	s.see(t, "you said hello")
	if s.Started().Before(before) || s.FirstOutput().Before(s.Started()) || s.LastOutput().Before(s.FirstOutput()) {
		t.Errorf("started %v, first %v, last %v", s.Started(), s.FirstOutput(), s.LastOutput())
	}
	if err := s.Send([]byte{4}); err != nil { // end of file
		t.Fatal(err)
	}
	<-s.Done()
	if e := s.Exit(); e != (proc.Exit{}) {
		t.Errorf("exit %+v", e)
	}
	if err := s.Send([]byte("x")); !errors.Is(err, ErrEnded) {
		t.Errorf("send to a dead program: %v", err)
	}
	s.Resize(10, 3) // must not matter
	if got := s.Tail(1); len(got) != 1 || got[0] != "you said hello" {
		t.Errorf("tail %q", got)
	}
}

func TestDiesAtOnce(t *testing.T) {
	for range 10 { // what it printed last must be there, however fast it went
		s := start(t, small, "exit", "3")
		<-s.Done()
		if s.Exit().Code != 3 || !strings.Contains(strings.Join(s.Tail(5), ""), "goodbye") {
			t.Errorf("%+v %q", s.Exit(), s.Tail(5))
		}
	}
}

func TestCannotStart(t *testing.T) {
	o := Options{Name: "ghost", Spec: proc.Spec{Argv: []string{"no-such-agent"}, Dir: t.TempDir()}, Size: small}
	if _, err := Start(o); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), `"ghost"`) {
		t.Errorf("got %v", err)
	}
	o.Log = filepath.Join(t.TempDir(), "no", "such", "directory")
	if _, err := Start(o); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// A megabyte goes in while ten (see flood) come out.
func TestPasteDuringFlood(t *testing.T) {
	paste := strings.Repeat("the quick brown fox jumps over the lazy dog ", 1<<20/44)
	s := start(t, small, "exchange", fmt.Sprint(len(paste)), fmt.Sprint(flood))
	s.see(t, "ready")
	if err := s.Paste(paste); err != nil {
		t.Fatal(err)
	}
	s.see(t, fmt.Sprintf("sum %x", sum([]byte(paste))))
	<-s.Done()
}

func sum(p []byte) []byte {
	h := sha256.Sum256(p)
	return h[:6]
}

func TestDeafProgram(t *testing.T) {
	s := start(t, small, "deaf")
	s.see(t, "ready")
	big := bytes.Repeat([]byte("x"), queueLimit/2)
	var err error
	for range 4 {
		if err = s.Send(big); err != nil {
			break
		}
	}
	if !errors.Is(err, ErrFull) {
		t.Fatalf("got %v", err)
	}
	if err := s.Stop(t.Context(), time.Minute); err != nil { // a writer that waits must not hold the end
		t.Fatal(err)
	}
}

func TestResize(t *testing.T) {
	s := start(t, small, "winch")
	s.see(t, "ready")
	s.Resize(40, 6)
	s.Resize(60, 10)
	s.see(t, "winch 1 60x10")
	s.Resize(60, 10)
	s.Resize(0, 0)
	s.see(t, "winch 2 1x1")
	s.Resize(50, 7)
	s.see(t, "winch 3 50x7")
	if f := s.Terminal().Frame(); f.Cols != 50 || f.Rows != 7 {
		t.Errorf("emulator is %dx%d", f.Cols, f.Rows)
	}
}

func TestQueriesAreAnswered(t *testing.T) {
	s := start(t, proc.Size{Cols: 80, Rows: 6}, "query")
	s.see(t, `heard "\x1b[1;1R" "\x1b[?62;1;6;22c"`)
}

func TestPasteIsWrappedOnDemand(t *testing.T) {
	s := start(t, proc.Size{Cols: 80, Rows: 6}, "paste")
	s.see(t, "ready")
	if err := s.Paste("a\nb\x1b[201~"); err != nil {
		t.Fatal(err)
	}
	if err := s.Send([]byte("!")); err != nil {
		t.Fatal(err)
	}
	s.see(t, `heard "\x1b[200~a\rb[201~\x1b[201~!"`)
}

func TestStopEndsTheTree(t *testing.T) {
	s := start(t, small, "tree", "child")
	s.see(t, "ready")
	pids := s.Proc().Tree()
	if len(pids) < 2 {
		t.Errorf("tree %v", pids)
	}
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			if err := s.Stop(t.Context(), 10*time.Millisecond); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if e := s.Exit(); e.Signal != int(syscall.SIGKILL) || !e.Stopped {
		t.Errorf("exit %+v", e)
	}
	for _, pid := range pids {
		if syscall.Kill(pid, 0) == nil {
			t.Errorf("process %d survives", pid)
		}
	}
}

func TestStopIsCancelled(t *testing.T) {
	s := start(t, small, "tree", "child")
	s.see(t, "ready")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Stop(ctx, time.Hour); err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	<-s.Done()
}

// An OnChange that hangs holds nothing but itself; what it missed comes as one call.
func TestSlowOnChange(t *testing.T) {
	release, calls := make(chan struct{}), make(chan struct{}, 1000)
	s, err := Start(Options{
		Name: "echo", Size: small,
		Spec: proc.Spec{Argv: helperArgv("exchange", "1", "100000"), Dir: t.TempDir(), Env: os.Environ()},
		OnChange: func() {
			calls <- struct{}{}
			<-release
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Send([]byte("x")); err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !strings.Contains(strings.Join(s.Tail(3), ""), fmt.Sprintf("sum %x", sum([]byte("x")))) {
		<-tick.C
	}
	if n := len(calls); n != 1 {
		t.Errorf("%d calls while the first one hangs", n)
	}
	close(release)
	<-s.Done()
	if n := len(calls); n < 2 || n > 4 { // what it missed, the end, and perhaps a last byte in between
		t.Errorf("%d calls", n)
	}
}

func TestLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	s := startWith(t, Options{Size: small, Log: path}, "exit", "0")
	<-s.Done()
	b, err := os.ReadFile(path)
	if err != nil || string(b) != "goodbye\r\n" {
		t.Errorf("%q %v", b, err)
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
}

func TestLogIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	l, err := openLog(path)
	if err != nil {
		t.Fatal(err)
	}
	piece := bytes.Repeat([]byte("x"), 100_000)
	for i := range 150 {
		piece[0] = byte(i)
		l.write(piece)
	}
	if err := l.close(); err != nil {
		t.Fatal(err)
	}
	now, _ := os.Stat(path)
	old, err := os.Stat(path + ".1")
	if err != nil || now.Size()+old.Size() > 2*logHalf || now.Size()+old.Size() < logHalf {
		t.Errorf("%v %v %v", now, old, err)
	}
	b, _ := os.ReadFile(path)
	if last := b[len(b)-len(piece)]; last != 149 {
		t.Errorf("ends with piece %d", last)
	}
}
