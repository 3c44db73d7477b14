package main

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/charmbracelet/x/term"

	agentrun "gastown/agents/run"
	"gastown/internal/proc"
)

// listenVerb makes this test binary an agent that writes down what its terminal tells it.
const listenVerb = "__listen"

// listen is that agent: each byte that is typed goes to DIR/NAME.typed, and a w for each SIGWINCH to DIR/NAME.winch.
// It stays until it is stopped.
func listen(dir string) int {
	name := os.Getenv("GASTOWN_POLECAT")
	if name == "" {
		name = "mayor"
	}
	if _, err := term.MakeRaw(os.Stdin.Fd()); err != nil {
		fmt.Println(err)
		return 1
	}
	note := func(kind string, text []byte) {
		f, err := os.OpenFile(filepath.Join(dir, name+"."+kind), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err == nil {
			_, _ = f.Write(text)
			_ = f.Close()
		}
	}
	winch := make(chan os.Signal, 100)
	signal.Notify(winch, syscall.SIGWINCH)
	go func() {
		for range winch {
			note("winch", []byte("w"))
		}
	}()
	fmt.Print("I am " + name + "\r\n  登录 👩‍👩‍👧 ⚠️ e\u0301 עברית end\r\n  May I run npm install?\r\n  1  Allow once\r\n  2  Deny\r\n") // a permission dialog, as good as any
	buf := make([]byte, 100)
	for {
		n, err := os.Stdin.Read(buf)
		if err != nil {
			return 0
		}
		note("typed", buf[:n])
	}
}

// desk is the real program, host and screen, on a terminal.
type desk struct {
	t    *testing.T
	dir  string // what the agents write down
	town string
	env  []string
	s    *agentrun.Session
}

func newDesk(t *testing.T, cols, rows int, settings ...string) *desk {
	t.Helper()
	root := t.TempDir()
	d := &desk{t: t, dir: filepath.Join(root, "heard"), town: filepath.Join(root, "T")}
	d.env = []string{"HOME=" + filepath.Join(root, "home"), "PATH=" + os.Getenv("PATH"), "GIT_CONFIG_NOSYSTEM=1", "TERM=xterm-256color", "COLORTERM=truecolor", "TMPDIR=" + root,
		"GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.com", "GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.com"}
	src := filepath.Join(root, "src")
	for _, dir := range []string{d.dir, src, filepath.Join(root, "home")} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	d.run("git", "init", "-q", "-b", "main", src)
	d.run("git", "-C", src, "commit", "-q", "--allow-empty", "-m", "first")
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	d.run("gastown", "init", d.town)
	text := fmt.Sprintf("[town]\nmayor = \"ear\"\npolecat = \"ear\"\n[agent.ear]\ncommand = [%q, %q, %q]\n", exe, listenVerb, d.dir)
	if err := os.WriteFile(filepath.Join(d.town, "town.toml"), []byte(text+strings.Join(settings, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	d.run("gastown", "--town", d.town, "rig", "add", "app", src, "--ungated")
	d.run("gastown", "--town", d.town, "bead", "create", "Listen well")
	d.s, err = agentrun.Start(agentrun.Options{Name: "screen", Size: proc.Size{Cols: cols, Rows: rows}, Spec: proc.Spec{
		Argv: []string{"gastown", "--town", d.town}, Dir: root, Env: d.env, Exe: exe,
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = d.s.Stop(t.Context(), 20*time.Second)
		<-d.s.Done()
	})
	return d
}

func (d *desk) run(argv ...string) string {
	d.t.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = d.env
	out, err := cmd.CombinedOutput()
	if err != nil {
		d.t.Fatalf("%s: %v: %s", strings.Join(argv, " "), err, out)
	}
	return string(out)
}

func (d *desk) text() string { return strings.Join(d.s.Terminal().Text(), "\n") }

// await waits for a fact; press is typed first, and again while the fact does not come: keys that come too soon
// after a change of the screen are dropped on purpose.
func (d *desk) await(press, what string, is func() bool) {
	d.t.Helper()
	limit, tick := time.NewTimer(patience), time.NewTicker(10*time.Millisecond)
	defer limit.Stop()
	defer tick.Stop()
	for n := 0; ; n++ {
		if is() {
			return
		}
		if press != "" && n%200 == 0 {
			if err := d.s.Send([]byte(press)); err != nil {
				d.t.Fatal(err)
			}
		}
		select {
		case <-tick.C:
		case <-d.s.Done():
			d.t.Fatalf("waiting for %s: the program has ended:\n%s", what, d.text())
		case <-limit.C:
			d.t.Fatalf("waiting for %s, not within %s:\n%s", what, patience, d.text())
		}
	}
}

// press types until the screen shows want; hide until it does not.
func (d *desk) press(keys, want string) {
	d.t.Helper()
	d.await(keys, want, func() bool { return strings.Contains(d.text(), want) })
}

func (d *desk) hide(keys, gone string) {
	d.t.Helper()
	d.await(keys, "no "+gone, func() bool { return !strings.Contains(d.text(), gone) })
}

// heard is what an agent wrote down of a kind.
func (d *desk) heard(name, kind string) string {
	data, err := os.ReadFile(filepath.Join(d.dir, name+"."+kind))
	if err != nil && !os.IsNotExist(err) {
		d.t.Fatal(err)
	}
	return string(data)
}

// TestAgentsTerminals: what reaches an agent's terminal from the real program, and what never does.
func TestAgentsTerminals(t *testing.T) {
	d := newDesk(t, 80, 24)
	d.press("", "I am mayor")
	d.press("", " TYPE mayor ")

	typed := ""
	for _, key := range []string{"\x1b", "\t", "\x1b[Z", "\x03", "\x02", "\x0f"} { // Esc, Tab, Shift-Tab, Ctrl-C, Ctrl-B, Ctrl-O
		if err := d.s.Send([]byte(key)); err != nil {
			t.Fatal(err)
		}
		typed += key
		d.await("", fmt.Sprintf("the child to get %q", typed), func() bool { return d.heard("mayor", "typed") == typed })
	}
	for _, key := range []string{"\x1d", "\x1b[93;5u", "\x1b[27;5;93~", "\x1b[20~"} { // the town keys, as terminals write them
		d.press(key, " TOWN ")
		d.press(key, " TYPE mayor ")
	}

	// Focus, drawer, attach, dialogs, zoom: nobody's size changes.
	d.press("\x1d", " TOWN ")
	d.press("a", "ASSIGN")
	d.hide("\r", "ASSIGN")
	d.press("2", "2 POLECATS 1/")
	d.press("3", "3 REFINERY")
	d.press("1", "> ") // its bead is at work
	d.press("t", " TYPE toast ")
	d.press("", "I am toast")
	d.press("\x1d", " TOWN ")
	for _, dialog := range [][2]string{{"?", "KEYS"}, {"\r", "BEAD "}, {"x", "KILL POLECAT"}, {"d", "DIFF "}, {"D", "DEPENDENCIES"}, {"!", "PROBLEMS"}, {"c", "CONVOYS"}, {":", "COMMAND"}} {
		d.press(dialog[0], dialog[1])
		d.hide("\x1b", dialog[1])
	}
	d.press(">", "\n╔═ 1 BEADS") // the drawer over the whole window
	d.hide(">", "\n╔═ 1 BEADS")
	d.press("m", " TYPE mayor ")

	// A nudge while the agent shows a dialog types nothing into it.
	d.run("gastown", "--town", d.town, "polecat", "nudge", "toast", "1\n")
	d.press("\x1d", " TOWN ")
	d.press("N", "TELL toast")
	d.press("1", "message  1")
	d.hide("\r", "TELL toast")

	for _, name := range []string{"mayor", "toast"} {
		if n := len(d.heard(name, "winch")); n != 0 {
			t.Errorf("%s got %d SIGWINCH", name, n)
		}
	}
	if got := d.heard("mayor", "typed"); got != typed {
		t.Errorf("the Mayor got %q, want %q", got, typed)
	}
	if got := d.heard("toast", "typed"); got != "" {
		t.Errorf("toast got %q", got)
	}
	d.s.Resize(120, 40) // a slot of fewer columns: nobody is told before he is typed to
	d.press("", "┌─ MAYOR")
	d.settle()
	d.press("m", " TYPE mayor ")
	d.await("z", "the Mayor to be told of its new size", func() bool { return d.heard("mayor", "winch") == "w" })
	if n := len(d.heard("toast", "winch")); n != 0 {
		t.Errorf("toast got %d SIGWINCH, and nobody typed to it", n)
	}
	d.s.Resize(200, 60) // more room: everybody gets it at once, once
	for name, want := range map[string]string{"mayor": "ww", "toast": "w"} {
		d.await("", name+" to be told of a new size", func() bool { return d.heard(name, "winch") == want })
	}
}

// TestADrainSaysWhatItWaitsFor, on the terminal that the screen has left, and Ctrl-C ends it there.
func TestADrainSaysWhatItWaitsFor(t *testing.T) {
	d := newDesk(t, 100, 30)
	d.press("", "I am mayor")
	d.press("\x1d", " TOWN ")
	d.press("a", "ASSIGN")
	d.hide("\r", "ASSIGN")
	d.press("1", "> ")
	d.press("q", "d  drain")
	d.press("d", "draining: waits for toast (")
	if text := d.text(); !strings.Contains(text, "Ctrl-C stops them now, their work is kept") || strings.Contains(text, "1 BEADS") {
		t.Errorf("the terminal shows:\n%s", text)
	}
	if err := d.s.Send([]byte("\x03")); err != nil {
		t.Fatal(err)
	}
	select {
	case <-d.s.Done():
	case <-time.After(patience):
		t.Fatal("Ctrl-C does not end the drain")
	}
	if code := d.s.Exit().Code; code != 0 {
		t.Errorf("exit %d:\n%s", code, d.text())
	}
}

// TestASecondScreenIsToldWhereTheFirstIs, and what to do about it.
func TestASecondScreenIsToldWhereTheFirstIs(t *testing.T) {
	d := newDesk(t, 100, 30)
	d.press("", "I am mayor")
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	second, err := agentrun.Start(agentrun.Options{Name: "second", Size: proc.Size{Cols: 300, Rows: 30}, Spec: proc.Spec{
		Argv: []string{"gastown", "--town", d.town}, Dir: d.dir, Env: d.env, Exe: exe,
	}})
	if err != nil {
		t.Fatal(err)
	}
	<-second.Done()
	text := strings.Join(second.Terminal().Text(), "\n")
	if !regexp.MustCompile(`is run by process \d+ on (pts/|ttys)\d+ already`).MatchString(text) || !strings.Contains(text, "go on there; ") || second.Exit().Code != 5 {
		t.Errorf("exit %d:\n%s", second.Exit().Code, text)
	}
}

// TestChosenTownKey: [keys] town is heeded; what it does not name reaches the agent.
func TestChosenTownKey(t *testing.T) {
	d := newDesk(t, 80, 24, "[keys]\ntown = [\"f8\", \"alt+t\"]")
	d.press("", " TYPE mayor ")
	d.press("", "F8 (or Alt-T) = board")
	if err := d.s.Send([]byte("\x1d")); err != nil {
		t.Fatal(err)
	}
	d.await("", "the child to get Ctrl-]", func() bool { return d.heard("mayor", "typed") == "\x1d" })
	d.press("\x1b[19~", " TOWN ") // F8
	d.press("\x1bt", " TYPE mayor ")
	if got := d.heard("mayor", "typed"); got != "\x1d" {
		t.Errorf("the Mayor got %q", got)
	}
}

// TestKeysDoctor: it shows what arrives, measures what is drawn, and leaves the terminal as it was.
func TestKeysDoctor(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	d := &desk{t: t}
	d.s, err = agentrun.Start(agentrun.Options{Name: "doctor", Size: proc.Size{Cols: 100, Rows: 30}, Spec: proc.Spec{
		Argv: []string{"gastown", "keys", "doctor"}, Dir: home, Exe: exe, Env: []string{"HOME=" + home, "PATH=" + os.Getenv("PATH"), "TERM=xterm-256color", "LANG=C.UTF-8"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = d.s.Stop(t.Context(), 20*time.Second)
		<-d.s.Done()
	})
	d.press("", "15 cells, as they should be")
	d.press("", "the screen draws   lines")
	d.press("", "WHAT THE SCREEN DOES")
	d.press("\x1d", "1d                         Ctrl-]           leads to the board and back")
	d.press("\x1b[A", "1b 5b 41                   Up               goes to the agent")
	if err := d.s.Send([]byte("\x03\x03")); err != nil {
		t.Fatal(err)
	}
	<-d.s.Done()
	if m := d.s.Terminal().Frame().Modes; m.Kitty != 0 {
		t.Errorf("the keyboard's mode stays: %+v", m)
	}
}

// TestASlowTrialOfGatesIsSkipped by Enter, and what is typed after it goes to the screen.
func TestASlowTrialOfGatesIsSkipped(t *testing.T) {
	programs := map[string]string{}
	for _, name := range []string{"sleep", "gastown"} {
		path, err := exec.LookPath(name) // before newFirst hides them
		if err != nil {
			t.Fatal(err)
		}
		programs[name] = path
	}
	f := newFirst(t)
	f.write("src/app/Makefile", "test:\n\tsleep 600\n")
	f.write("bin/claude", "#!/bin/sh\necho '2.1.330 (Claude Code)'\n")
	for name, path := range programs {
		if err := os.Symlink(path, filepath.Join(f.home, "bin", name)); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.Command("git", "-C", f.repo, "commit", "-qam", "slow").CombinedOutput(); err != nil {
		t.Fatalf("git commit: %v: %s", err, out)
	}
	d := &desk{t: t, town: filepath.Join(f.home, "gastown")}
	var err error
	d.s, err = agentrun.Start(agentrun.Options{Name: "screen", Size: proc.Size{Cols: 100, Rows: 30}, Spec: proc.Spec{
		Argv: []string{"gastown"}, Dir: f.repo, Env: append(os.Environ(), "TERM=xterm-256color", "TMPDIR="+f.home), Exe: filepath.Join(f.home, "bin", "gastown"),
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = d.s.Stop(t.Context(), 20*time.Second)
		<-d.s.Done()
	})
	d.press("", "Enter takes all of it")
	d.press("\r", "Enter skips that")
	d.press("", "runs  make test")
	d.press("\r", " TOWN ") // its Mayor ends at once, so the board is open
	d.press("3", "3 REFINERY")
	d.press("q", "QUIT")
}
