package proc

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

func TestRun(t *testing.T) {
	run := func(ctx context.Context, in string, argv ...string) (int, string, error) {
		var out bytes.Buffer
		c := Cmd{Argv: argv, Env: []string{"PATH=/usr/bin:/bin"}, Stdin: strings.NewReader(in), Stdout: &out, Grace: time.Minute}
		code, err := Run(ctx, c)
		return code, out.String(), err
	}
	if code, out, err := run(t.Context(), "hello", "cat"); code != 0 || out != "hello" || err != nil {
		t.Errorf("cat: %d %q %v", code, out, err)
	}
	if code, _, err := run(t.Context(), strings.Repeat("x", 1<<20), "sh", "-c", "exit 3"); code != 3 || err != nil {
		t.Errorf("exit 3: %d %v", code, err)
	}
	if code, _, err := run(t.Context(), "", "sh", "-c", "kill -9 $$"); code != -1 || err == nil || !strings.Contains(err.Error(), "SIGKILL") {
		t.Errorf("kill: %d %v", code, err)
	}
	if code, _, err := run(t.Context(), "", "no-such-program"); code != -1 || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing: %d %v", code, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := run(ctx, "", "true"); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled before: %v", err)
	}
}

// A helper of a program that has a terminal is no background job of it.
func TestRunUnderATerminal(t *testing.T) {
	p := start(t, Spec{Argv: helperArgv("runner"), PTY: &Size{80, 24}})
	b, _ := io.ReadAll(p.PTY())
	if e := wait(t, p); e.Code != 0 || !strings.Contains(string(b), "from the helper\r\ncode 0 <nil>") {
		t.Errorf("%+v %q", e, b)
	}
}

func TestRunCancelled(t *testing.T) {
	for _, c := range []struct {
		name  string
		mode  string
		grace time.Duration
	}{
		{"ends on TERM", "flood", time.Minute},
		{"ignores TERM", "stubborn", 20 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			ctx, cancel := context.WithCancelCause(t.Context())
			why := errors.New("no longer wanted")
			go func() {
				await(dir, c.mode)
				cancel(why)
			}()
			var out counter
			code, err := Run(ctx, Cmd{Argv: helperArgv(c.mode, dir), Env: os.Environ(), Stdout: &out, Grace: c.grace})
			if code != -1 || !errors.Is(err, why) {
				t.Errorf("%d %v", code, err)
			}
			gone(t, []int{mustAwait(t, dir, c.mode)})
		})
	}
}

// A process that outlives the helper and holds its output must not hold Run.
func TestRunLeakedPipe(t *testing.T) {
	dir := t.TempDir()
	var out bytes.Buffer
	began := time.Now()
	_, err := Run(t.Context(), Cmd{Argv: helperArgv("leak", dir), Env: os.Environ(), Stdout: &out})
	if !errors.Is(err, exec.ErrWaitDelay) || time.Since(began) > 20*time.Second {
		t.Errorf("%v after %v", err, time.Since(began))
	}
	if pid := mustAwait(t, dir, "stubborn"); pid > 0 {
		leftover, _ := os.FindProcess(pid)
		_ = leftover.Kill()
		gone(t, []int{pid})
	}
}

type counter int

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}
