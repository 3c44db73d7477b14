package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	agentrun "gastown/agents/run"
	"gastown/internal/api"
	"gastown/internal/proc"
)

// TestAttachToAHostWithoutAScreen: what a person types reaches the Mayor's program under `gastown up`, what it
// prints is shown in this terminal's size, and Ctrl-] leaves it running.
func TestAttachToAHostWithoutAScreen(t *testing.T) {
	root := t.TempDir()
	heard, dir := filepath.Join(root, "heard"), filepath.Join(root, "T")
	d := &desk{t: t, dir: heard, town: dir}
	d.env = []string{"HOME=" + root, "PATH=" + os.Getenv("PATH"), "GIT_CONFIG_NOSYSTEM=1", "TERM=xterm-256color", "TMPDIR=" + root}
	if err := os.Mkdir(heard, 0o700); err != nil {
		t.Fatal(err)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	d.run("gastown", "init", dir)
	settings := fmt.Sprintf("[town]\nmayor = \"ear\"\npolecat = \"ear\"\n[agent.ear]\ncommand = [%q, %q, %q]\n", exe, listenVerb, heard)
	if err := os.WriteFile(filepath.Join(dir, "town.toml"), []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	start := func(name string, argv ...string) *agentrun.Session {
		s, err := agentrun.Start(agentrun.Options{Name: name, Size: proc.Size{Cols: 60, Rows: 12}, Spec: proc.Spec{
			Argv: append([]string{"gastown", "--town", dir}, argv...), Dir: root, Env: d.env, Exe: exe,
		}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = s.Stop(t.Context(), 20*time.Second)
			<-s.Done()
		})
		return s
	}
	up := start("up", "up")
	d.s = up
	d.await("", "the host", func() bool { return strings.Contains(d.text(), "is up (pid") })
	d.s = start("attached", "mayor", "attach")
	d.await("", "the Mayor", func() bool {
		return strings.Contains(d.text(), "I am mayor") && strings.Contains(d.text(), "mayor · Ctrl-] leaves")
	})
	if err := d.s.Send([]byte("hello\x1b[A")); err != nil {
		t.Fatal(err)
	}
	d.await("", "what was typed", func() bool { return d.heard("mayor", "typed") == "hello\x1b[A" })
	d.await("", "the size", func() bool { return d.heard("mayor", "winch") != "" })
	d.s.Resize(50, 9)
	d.await("", "another size", func() bool { return strings.Contains(d.text(), "I am mayor") && len(d.heard("mayor", "winch")) > 1 })
	if err := d.s.Send([]byte("!\x1dnever")); err != nil {
		t.Fatal(err)
	}
	<-d.s.Done()
	if e := d.s.Exit(); e.Code != 0 {
		t.Errorf("it left with %s: %s", e, d.text())
	}
	if got := d.heard("mayor", "typed"); got != "hello\x1b[A!" {
		t.Errorf("typed: %q", got)
	}
	if out := d.run("gastown", "--town", dir, "mayor", "status"); !strings.HasPrefix(out, "running") {
		t.Errorf("the Mayor: %s", out)
	}
}

func TestAPaneDrawsWhatChanged(t *testing.T) {
	var v pane
	a := api.Attached{Name: "nux", Cols: 10, Rows: 4, Lines: []string{"one       ", "two       ", "three     ", "four      "}, X: 2, Y: 3, Cursor: true}
	first := v.draw(a, 20, 3)
	if strings.Contains(first, "two") || !strings.Contains(first, "three") || !strings.Contains(first, "four") || !strings.Contains(first, "Ctrl-] leaves") {
		t.Errorf("the rows with the cursor, and how to leave: %q", first)
	}
	if !strings.HasSuffix(first, "\x1b[2;3H\x1b[?25h") || !strings.Contains(first, "\x1b[?1l\x1b[?2004l") {
		t.Errorf("cursor and modes: %q", first)
	}
	if again := v.draw(a, 20, 3); again != "\x1b[?25l\x1b[2;3H\x1b[?25h" {
		t.Errorf("nothing changed: %q", again)
	}
	a.Lines[3], a.Arrows, a.Cursor = "FOUR      ", true, false
	if next := v.draw(a, 20, 3); !strings.Contains(next, "FOUR") || strings.Contains(next, "three") || !strings.HasSuffix(next, "\x1b[?1h\x1b[?2004l") {
		t.Errorf("one line and a mode: %q", next)
	}
	if narrow := v.draw(a, 5, 1); !strings.Contains(narrow, "FOUR") || strings.Contains(narrow, "leaves") {
		t.Errorf("one row: %q", narrow)
	}
}
