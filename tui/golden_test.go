package tui

import (
	"context"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/charmbracelet/x/exp/golden"

	"gastown/internal/api"
	"gastown/internal/vt"
)

// stage is a real program on an emulated terminal.
type stage struct {
	t     *testing.T
	host  *fakeHost
	outer vt.Terminal
	in    *io.PipeWriter
	sizes chan Size
	wrote chan struct{}
	ended chan struct{}
	out   Outcome
	err   error
	guard *Guard
	clock *fakeClock
	mu    sync.Mutex
	bytes int
	raw   strings.Builder
}

// fakeClock stands still unless it is moved.
type fakeClock struct {
	mu sync.Mutex
	at time.Time
}

func (c *fakeClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *fakeClock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func (s *stage) Write(p []byte) (int, error) {
	s.mu.Lock()
	s.bytes += len(p)
	s.raw.Write(p)
	s.mu.Unlock()
	n, err := s.outer.Write(p)
	select {
	case s.wrote <- struct{}{}:
	default:
	}
	return n, err
}

func plainEnv() []string { return []string{"TERM=xterm-256color", "COLORTERM=truecolor"} }

// perform starts the program; it ends with the test.
func perform(t *testing.T, h *fakeHost, cols, rows int, change func(*Screen)) (*stage, context.CancelFunc) {
	t.Helper()
	return performWith(t, h, cols, rows, change, func(reply func([]byte)) vt.Options { return vt.Options{Reply: reply} })
}

// performOn is perform on a terminal of the test's own kind.
func performOn(t *testing.T, h *fakeHost, cols, rows int, kind func(reply func([]byte)) vt.Options) (*stage, context.CancelFunc) {
	t.Helper()
	return performWith(t, h, cols, rows, nil, kind)
}

func performWith(t *testing.T, h *fakeHost, cols, rows int, change func(*Screen), kind func(reply func([]byte)) vt.Options) (*stage, context.CancelFunc) {
	t.Helper()
	pr, pw := io.Pipe()
	s := &stage{t: t, host: h, in: pw, wrote: make(chan struct{}, 1), ended: make(chan struct{}), sizes: make(chan Size),
		guard: NewGuard(), clock: &fakeClock{at: noon()}}
	s.outer = vt.New(cols, rows, kind(func(p []byte) { _, _ = pw.Write(p) }))
	screen := Screen{In: pr, Out: s, Env: plainEnv(), Cols: cols, Rows: rows, Now: s.clock.now, Sizes: s.sizes, Guard: s.guard, Version: "v0.1.0", Line: h.line, Usage: fakeUsage()}
	if change != nil {
		change(&screen)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer close(s.ended)
		s.out, s.err = Run(ctx, h, screen)
	}()
	t.Cleanup(func() {
		cancel()
		_ = pr.Close()
		<-s.ended
		_ = s.outer.Close()
	})
	return s, cancel
}

func (s *stage) text() string { return strings.Join(s.outer.Text(), "\n") }

// await waits until the screen shows want.
func (s *stage) await(want string) {
	s.t.Helper()
	s.until("screen to show "+want, func() bool { return strings.Contains(s.text(), want) })
}

func (s *stage) until(what string, ok func() bool) {
	s.t.Helper()
	limit, look := time.NewTimer(10*time.Second), time.NewTicker(5*time.Millisecond)
	defer limit.Stop()
	defer look.Stop()
	for !ok() {
		select {
		case <-s.wrote:
		case <-look.C:
		case <-s.ended:
			if !ok() {
				s.t.Fatalf("waiting for %s: the program ended: %v\n%s", what, s.err, s.text())
			}
		case <-limit.C:
			s.t.Fatalf("waiting for %s:\n%s", what, s.text())
		}
	}
}

// press types; the clock moves on, as if a person did.
func (s *stage) press(keys string) {
	s.t.Helper()
	s.clock.move(time.Second)
	if _, err := io.WriteString(s.in, keys); err != nil {
		s.t.Fatal(err)
	}
}

// aligned checks that no row is wider than the screen and that the right border is straight.
func aligned(t *testing.T, rows []string, cols int) {
	t.Helper()
	for y, row := range rows {
		if w := width(row); w > cols {
			t.Errorf("row %d is %d cells wide, the screen %d: %q", y, w, cols, row)
		}
	}
}

func TestGolden(t *testing.T) {
	for _, c := range []struct {
		name       string
		cols, rows int
		keys       string
		await      string
	}{
		{"200x60", 200, 60, "\x1d", " TOWN beads "},
		{"120x40", 120, 40, "\x1d", " TOWN "},
		{"120x40-typing", 120, 40, "", " TYPE mayor "},
		{"80x24", 80, 24, "\x1d", " TOWN "},
		{"80x24-typing", 80, 24, "", " TYPE mayor "},
		{"59x15", 59, 15, "\x1d", " TOWN "},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, _ := perform(t, sampleHost(c.cols, c.rows), c.cols, c.rows, nil)
			s.await(" TYPE mayor ")
			if c.keys != "" {
				s.press(c.keys)
			}
			s.await(c.await)
			rows := s.outer.Text()
			aligned(t, rows, c.cols)
			picture(t, s, c.name)
			golden.RequireEqual(t, []byte(strings.Join(rows, "\n")+"\n"))
		})
	}
}

// TestGoldenTowns: other towns than the sample, where the least fits.
func TestGoldenTowns(t *testing.T) {
	for _, c := range []struct {
		name       string
		cols, rows int
		ascii      bool
		town       func(*fakeHost)
		keys       string
		await      string
	}{
		{"two-rigs-80x24", 80, 24, false, func(h *fakeHost) { twoRigs(h, 83) }, "\x1d", "2 rigs"},
		{"two-rigs-80x24-one", 80, 24, false, func(h *fakeHost) { twoRigs(h, 83) }, "\x1dff", "only site"},
		{"two-rigs-200x60", 200, 60, false, func(h *fakeHost) { twoRigs(h, 83) }, "\x1d", "2 rigs: myapp"},
		{"hard-80x24", 80, 24, false, hardTown, "\x1d", " TOWN "},
		{"hard-120x40", 120, 40, false, hardTown, "\x1d", " TOWN "},
		{"hard-59x15", 59, 15, false, hardTown, "\x1d", " TOWN "},
		{"ascii-120x40", 120, 40, true, func(*fakeHost) {}, "\x1d", " TOWN "},
		{"ascii-200x60", 200, 60, true, func(*fakeHost) {}, "\x1d", " TOWN "},
		{"empty-80x24", 80, 24, false, emptyTown, "\x1d", "1  Look at"},
		{"empty-120x40", 120, 40, false, emptyTown, "\x1d", "1  Look at"},
		{"zoom-120x40", 120, 40, false, func(*fakeHost) {}, "\x1dz", "WAITS FOR"},
		{"diff-120x40", 120, 40, false, func(h *fakeHost) { h.do = diffHost(1, 1).do }, "\x1dd", "hunk 1 of 2"},
		{"help-59x15", 59, 15, false, func(*fakeHost) {}, "\x1d?", "PgDn more"},
		{"diff-59x15", 59, 15, false, func(h *fakeHost) { h.do = diffHost(1, 1).do }, "\x1dd", "hunk 1 of 2"},
		{"no-mayor-80x24", 80, 24, false, noMayor, "", "then Enter: try"},
		{"no-mayor-120x40", 120, 40, false, noMayor, "", "m, then Enter: try again"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := sampleHost(c.cols, c.rows)
			c.town(h)
			s, _ := perform(t, h, c.cols, c.rows, func(sc *Screen) { sc.ASCII = c.ascii })
			s.await(map[bool]string{true: " TYPE mayor ", false: " TOWN "}[h.terms[MayorName] != nil])
			for _, key := range c.keys {
				s.press(string(key))
				if key == '\x1d' {
					s.await(" TOWN ")
				}
			}
			s.await(c.await)
			rows := s.outer.Text()
			aligned(t, rows, c.cols)
			picture(t, s, c.name)
			golden.RequireEqual(t, []byte(strings.Join(rows, "\n")+"\n"))
		})
	}
}

// hardTown has titles that terminals disagree about: CJK, emoji with VS16 and ZWJ, flags,
// combining marks, right to left, and what attacks a terminal.
func hardTown(h *fakeHost) {
	v := sampleView()
	for i, title := range []string{
		"登录按钮 and 重定向 로그인 ログイン", "Family 👨‍👩‍👧 and flag 🏳️‍🌈 🇳🇱 done", "Warning ⚠️ heart ❤️ keycap 1️⃣", "Cafe\u0301 e\u0301tude combining a\u0308\u0323",
		"עברית and العربية mixed", "नमस्ते दुनिया", "\x1b[31mred\x1b[0m \x1b]0;title\a \u202eevil", "half ｶﾞｷﾞ full ＡＢＣ", "soft\u00adhyphen zero\u200bwidth",
	} {
		v.Beads[i].Title = title
	}
	h.set(v)
}

func emptyTown(h *fakeHost) { h.set(emptyHost(80, 24).view) }

func noMayor(h *fakeHost) {
	delete(h.terms, MayorName)
	v := sampleView()
	v.Mayor = api.MayorInfo{State: "failed", Agent: "claude", Why: "it ended with exit status 1", Last: []string{"> hello", "Invalid API key. Please run /login"}}
	h.set(v)
}

// picture leaves the screen with its colours in $TUI_PICTURES, for tools that draw it.
func picture(t *testing.T, s *stage, name string) {
	t.Helper()
	dir := os.Getenv("TUI_PICTURES")
	if dir == "" {
		return
	}
	f := s.outer.Frame()
	if err := os.WriteFile(dir+"/"+name+".ansi", []byte(strings.Join(f.Lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestGoldenDialogs looks at every dialog where the least fits.
func TestGoldenDialogs(t *testing.T) {
	for _, c := range []struct {
		name, keys, await string
	}{
		{"bead", "\r", "BEAD gt-c9d"},
		{"kill", "x", "KILL POLECAT slit?"},
		{"reassign", "a", "REASSIGN gt-c9d"},
		{"quit", "q", "QUIT  5 polecats"},
		{"help", "?", "KEYS  (type to search)"},
		{"problems", "!", "PROBLEMS 4"},
		{"events", "e", "EVENTS"},
		{"log", "L", "REFINERY LOG"},
		{"command", ":", ": COMMAND"},
		{"new", "n", "NEW BEAD"},
		{"answer", "A", "slit asks (gt-c9d)"},
		{"diff", "d", "hunk 1 of 2"},
		{"nudge", "N", "TELL slit"},
		{"convoy", "c", "CONVOY auth-revamp"},
		{"cost", "$", "COST  $4.12"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := sampleHost(80, 24)
			h.do = func(verb string, _ any) (any, error) {
				switch verb {
				case api.GetDiff.Name():
					return sampleDiff(), nil
				case api.PolecatPreview.Name():
					return samplePreview(h), nil
				case api.Why.Name():
					return api.WhyRes{Why: "slit waits for your answer since 14:01."}, nil
				case api.RefineryLog.Name():
					return api.Peeked{Text: "$ go test ./...\nok  \tmyapp/store\t0.8s\n=== RUN   TestCallbackTimeout\n", From: "logs/gate-12.log"}, nil
				}
				return nil, nil
			}
			s, _ := perform(t, h, 80, 24, nil)
			s.await(" TYPE mayor ")
			s.press("\x1d")
			s.await(" TOWN ")
			s.press(c.keys)
			s.await(c.await)
			switch c.name {
			case "bead":
				s.await("since 14:01")
			case "log":
				s.await("TestCallbackTimeout")
			case "kill":
				s.await("2 processes")
			}
			rows := s.outer.Text()
			aligned(t, rows, 80)
			picture(t, s, "80x24-"+c.name)
			golden.RequireEqual(t, []byte(strings.Join(rows, "\n")+"\n"))
		})
	}
}
