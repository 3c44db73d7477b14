package tui

import (
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"

	"gastown/internal/api"
	"gastown/internal/vt"
)

// restored checks that the outer terminal is as a shell wants it.
func (s *stage) restored() {
	s.t.Helper()
	<-s.ended
	f := s.outer.Frame()
	if f.AltScreen || !f.Cursor.Visible || f.Modes != (vt.Modes{}) {
		s.t.Errorf("left behind: alternate screen %v, cursor %v, modes %+v", f.AltScreen, f.Cursor.Visible, f.Modes)
	}
}

func TestEndsClean(t *testing.T) {
	begin := func(t *testing.T, h *fakeHost) (*stage, func()) {
		s, cancel := perform(t, h, 120, 40, nil)
		s.await(" TYPE mayor ")
		return s, cancel
	}
	t.Run("q", func(t *testing.T) {
		s, _ := begin(t, sampleHost(120, 40))
		s.press("\x1d")
		s.await(" TOWN ")
		s.press("q")
		s.await("stop all now")
		s.press("s")
		s.restored()
		if s.err != nil || s.out.Quit != Stop {
			t.Errorf("outcome %v, error %v", s.out, s.err)
		}
	})
	t.Run("context", func(t *testing.T) { // how main says SIGTERM and SIGHUP
		s, cancel := begin(t, sampleHost(120, 40))
		cancel()
		s.restored()
		if s.err != nil || s.out.Quit != Ended {
			t.Errorf("outcome %v, error %v", s.out, s.err)
		}
	})
	t.Run("panic in Update", func(t *testing.T) {
		h := sampleHost(120, 40)
		s, _ := begin(t, h)
		h.mu.Lock()
		h.broken = true
		h.mu.Unlock()
		h.ring()
		s.restored()
		s.panicked("Update")
	})
	t.Run("panic in a verb", func(t *testing.T) {
		h := sampleHost(120, 40)
		h.do = func(string, any) (any, error) { panic("verb") }
		s, _ := begin(t, h)
		s.press("\x1d")
		s.await(" TOWN ")
		s.press("r")
		s.restored()
		s.panicked("command")
	})
	t.Run("panic in a goroutine of the caller", func(t *testing.T) {
		s, _ := begin(t, sampleHost(120, 40))
		s.guard.Go("host loop", func() { panic("loop") })
		s.restored()
		s.panicked("host loop")
	})
}

func (s *stage) panicked(where string) {
	s.t.Helper()
	var p *PanicError
	if !errors.Is(s.err, ErrPanic) || !errors.As(s.err, &p) || p.Where != where || len(p.Stack) == 0 {
		s.t.Errorf("error %v, want a panic in %s", s.err, where)
	}
}

// TestIdleWritesNothing: a ring without a change writes no byte.
func TestIdleWritesNothing(t *testing.T) {
	h := sampleHost(120, 40)
	s, _ := perform(t, h, 120, 40, nil)
	s.await(" TYPE mayor ")
	_, _ = h.terms[MayorName].Write([]byte("\r\nlast words"))
	h.ring()
	s.await("last words")
	// What is written from here on is after the next mark; a hidden terminal and rings are not.
	s.mu.Lock()
	before := s.bytes
	s.mu.Unlock()
	for range 50 {
		_, _ = h.terms["nux"].Write([]byte("hidden"))
		h.ring()
	}
	_, _ = h.terms[MayorName].Write([]byte("X"))
	h.ring()
	s.await("last wordsX")
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := s.bytes - before; n > 120 {
		t.Errorf("%d bytes for one new character", n)
	}
}

func TestRawKeysReachTheChild(t *testing.T) {
	h := sampleHost(120, 40)
	s, _ := perform(t, h, 120, 40, nil)
	s.await(" TYPE mayor ")
	want := ""
	for _, k := range []string{"\t", "\x1b[Z", "\x03", "\x02", "\x0f", "\x12", "\x14", "\x07", "é", "登", "\r", "\x7f", "\x1b"} {
		if _, err := io.WriteString(s.in, k); err != nil {
			t.Fatal(err)
		}
		want += k
		s.typed(want)
	}
	for _, k := range []string{"\x1b[93;5u", "\x1b[27;5;93~", "\x1d", "\x1b[20~"} {
		s.press(k)
		s.await(" TOWN ")
		s.press(k)
		s.await(" TYPE mayor ")
	}
	s.typed(want)
}

// typed waits until the Mayor's program got exactly want.
func (s *stage) typed(want string) {
	s.t.Helper()
	term := s.host.terms[MayorName]
	s.until("the child to get "+strconv.Quote(want), func() bool { return len(term.typed()) >= len(want) })
	if got := term.typed(); got != want {
		s.t.Fatalf("the child got %q, want %q", got, want)
	}
}

func TestBracketedPasteReachesTheChild(t *testing.T) {
	h := sampleHost(120, 40)
	s, _ := perform(t, h, 120, 40, nil)
	s.await(" TYPE mayor ")
	s.press("\x1b[200~two\nlines\x1b[201~")
	s.typed("paste:two\nlines")
}

func TestNoColor(t *testing.T) {
	s, _ := perform(t, sampleHost(120, 40), 120, 40, func(sc *Screen) { sc.Env = []string{"TERM=xterm-256color", "NO_COLOR=1"} })
	s.await(" TYPE mayor ")
	s.press("\x1d")
	s.await(" TOWN ")
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, bad := range []string{"38;2;", "48;2;", "38;5;", "\x1b[31m", "\x1b[94m"} {
		if strings.Contains(s.raw.String(), bad) {
			t.Errorf("NO_COLOR, but %q was written", bad)
		}
	}
}

func TestASCII(t *testing.T) {
	h := sampleHost(120, 40)
	v := sampleView()
	for i := range v.Beads {
		v.Beads[i].Title = "plain title that is quite a bit too long for its column"
	}
	v.Refineries[0].Queue[1].Title = "plain"
	h.set(v)
	s, _ := perform(t, h, 120, 40, func(sc *Screen) { sc.ASCII = true })
	s.await(" TYPE mayor ")
	s.press("\x1d")
	s.await(" TOWN ")
	for _, keys := range []string{"x", "a", "?", "\r"} {
		s.press(keys)
		s.until("a dialog", func() bool { return strings.Contains(s.text(), "Esc") })
		for _, r := range s.text() {
			if r > 0x7e {
				t.Fatalf("%q on an ASCII screen:\n%s", r, s.text())
			}
		}
		s.press("\x1b")
		s.until("the board", func() bool { return !strings.Contains(s.text(), "Esc") })
	}
}

func TestResize(t *testing.T) {
	s, _ := perform(t, sampleHost(120, 40), 120, 40, nil)
	s.await(" TYPE mayor ")
	s.outer.Resize(80, 24)
	s.sizes <- Size{80, 24}
	s.await("TYPING")
	s.until("the slot's new size", func() bool {
		s.host.mu.Lock()
		defer s.host.mu.Unlock()
		return len(s.host.slots) == 2 && s.host.slots[1] == Size{80, 21}
	})
}

func TestGuard(t *testing.T) {
	g := NewGuard()
	if g.Err() != nil {
		t.Fatal("a new guard has an error")
	}
	g.Go("first", func() { panic("one") })
	g.Wait()
	g.Go("second", func() { panic("two") })
	g.Wait()
	<-g.Failed()
	if err := g.Err(); err == nil || err.Error() != "panic in first: one" {
		t.Errorf("kept %v", err)
	}
}

func TestRunNeedsATerminal(t *testing.T) {
	if _, err := Run(t.Context(), newFakeHost(&api.View{}), Screen{}); err == nil {
		t.Error("a screen without a terminal")
	}
}

// TestLightBackground: the colours follow the terminal's background.
func TestLightBackground(t *testing.T) {
	s, _ := perform(t, sampleHost(120, 40), 120, 40, nil)
	s.await(" TYPE mayor ")
	light := strings.TrimPrefix(string(lightPalette().accent), "38;2;")
	s.press("\x1d")
	s.await(" TOWN ")
	looks := 0
	s.until("light colours", func() bool {
		if looks%100 == 0 { // the emulator's own answer, which is dark, may come after the first
			_, _ = io.WriteString(s.in, "\x1b]11;rgb:ffff/ffff/ffff\x07")
		}
		looks++
		return strings.Contains(strings.Join(s.outer.Frame().Lines, ""), light)
	})
	picture(t, s, "120x40-light")
}
