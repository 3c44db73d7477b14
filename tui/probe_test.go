package tui

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"gastown/internal/vt"
)

func TestWantsASCII(t *testing.T) {
	for env, want := range map[string]string{
		"":                               "",
		"TERM=xterm":                     "",
		"TERM=dumb":                      "TERM=dumb",
		"LANG=C.UTF-8":                   "",
		"LANG=C":                         "LANG=C",
		"LANG=de_DE.UTF-8 LC_ALL=C":      "LC_ALL=C",
		"LC_ALL=en_US.utf8 LANG=C":       "",
		"LC_CTYPE=de_DE.ISO-8859-1":      "LC_CTYPE=de_DE.ISO-8859-1",
		"LC_ALL= LANG=POSIX TERM=screen": "LANG=POSIX",
	} {
		if got := wantsASCII(strings.Fields(env)); got != want {
			t.Errorf("%q: %q, want %q", env, got, want)
		}
	}
}

// unseenByte is one that is in no picture drawn with ASCII only.
func hasWide(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r >= 0x2500 && r < 0x2600 || r == '…' || r == '·' || r == '▸' })
}

// TestScreenDrawsASCIIWhereItMust: by the environment at once, by what the terminal says as soon as it says it.
func TestScreenDrawsASCIIWhereItMust(t *testing.T) {
	s, _ := perform(t, asciiTown(80, 24), 80, 24, func(sc *Screen) { sc.Env = append(plainEnv(), "LC_ALL=C") })
	s.await(" TYPE mayor ")
	s.press("\x1d")
	s.await(" TOWN ")
	if hasWide(s.text()) {
		t.Errorf("with LC_ALL=C:\n%s", s.text())
	}

	s, _ = perform(t, asciiTown(80, 24), 80, 24, nil)
	s.await(" TYPE mayor ")
	s.press("\x1d")
	s.await(" TOWN ")
	asked := func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return strings.Contains(s.raw.String(), "\x1b[6n")
	}
	s.until("the screen to ask where the cursor is", asked)
	s.press("2")
	s.await("2 POLECATS")
	if !hasWide(s.text()) {
		t.Errorf("a terminal that agrees gets no lines:\n%s", s.text())
	}
	for y, row := range s.outer.Text() { // what was written unseen is gone
		if strings.Contains(row, "┐└┘") {
			t.Errorf("row %d shows the probe: %q", y, row)
		}
	}
}

// TestScreenDrawsASCIIOnAWideTerminal: one that gives lines two cells.
func TestScreenDrawsASCIIOnAWideTerminal(t *testing.T) {
	s, _ := performOn(t, asciiTown(80, 24), 80, 24, func(reply func([]byte)) vt.Options {
		return vt.Options{Reply: func(p []byte) {
			var y, x int
			if n, _ := fmt.Sscanf(string(p), "\x1b[%d;%dR", &y, &x); n == 2 {
				p = fmt.Appendf(nil, "\x1b[%d;%dR", y, 2*x-1)
			}
			reply(p)
		}}
	})
	s.await(" TYPE mayor ")
	s.press("\x1d")
	s.until("the screen to draw in ASCII", func() bool { return strings.Contains(s.text(), " TOWN ") && !hasWide(s.text()) })
	if _, err := io.WriteString(s.in, "\x1b[24;50R"); err != nil { // nobody asked
		t.Fatal(err)
	}
	s.press("3")
	s.await("3 REFINERY")
}

// asciiTown has no text that is none.
func asciiTown(cols, rows int) *fakeHost {
	h := sampleHost(cols, rows)
	for i := range h.view.Beads {
		h.view.Beads[i].Title = "A plain title"
	}
	return h
}

// TestDoctorMeasures: what a terminal answers, with keys typed meanwhile, and one that does not answer.
func TestDoctorMeasures(t *testing.T) {
	var out strings.Builder
	d := &doctor{out: &out, chunks: make(chan []byte, 9), keys: defaultTownKeys()}
	d.chunks <- []byte("a\x1b[20~\x1b[7;31R")
	if cells, ok := d.measure("─"); !ok || cells != 30 || string(d.early) != "a\x1b[20~" {
		t.Errorf("%d cells %v, early %q", cells, ok, d.early)
	}
	close(d.chunks)
	if _, ok := d.measure("─"); ok {
		t.Error("an answer from nowhere")
	}
	out.Reset()
	d.run()
	for _, want := range []string{"does not say where its cursor is", "61                         a                goes to the agent", "1b 5b 32 30 7e             F9               leads to the board and back"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	out.Reset()
	if d.showAll([]byte("\x03x\x03\x03y")) != true || strings.Contains(out.String(), "79") {
		t.Errorf("Ctrl-C twice does not end it:\n%s", out.String())
	}
}
