package vt

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/clipperhouse/displaywidth"
	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t testing.TB, cols, rows int) *emulator {
	t.Helper()
	term := New(cols, rows, Options{})
	t.Cleanup(func() { _ = term.Close() })
	return term.(*emulator)
}

func write(t testing.TB, term Terminal, s string) {
	t.Helper()
	if n, err := term.Write([]byte(s)); n != len(s) || err != nil {
		t.Fatalf("wrote %d of %d: %v", n, len(s), err)
	}
}

var sgrOnly = regexp.MustCompile(`\x1b\[[0-9;:]*m`)

// checkRow fails unless row is SGR and printable text of exactly cols cells, with a reset at its end.
func checkRow(t interface{ Fatalf(string, ...any) }, row string, cols int) {
	if !strings.HasSuffix(row, "\x1b[m") {
		t.Fatalf("no reset at the end of %q", row)
	}
	text := sgrOnly.ReplaceAllString(row, "")
	for _, r := range text {
		if hidden(r) {
			t.Fatalf("%U in %q", r, row)
		}
	}
	if w := displaywidth.String(text); w != cols {
		t.Fatalf("%d cells instead of %d: %q", w, cols, text)
	}
}

func checkFrame(t interface{ Fatalf(string, ...any) }, term Terminal, cols, rows int) {
	f := term.Frame()
	if f.Cols != cols || f.Rows != rows || len(f.Lines) != rows {
		t.Fatalf("frame is %dx%d with %d lines, want %dx%d", f.Cols, f.Rows, len(f.Lines), cols, rows)
	}
	if f.Cursor.X < 0 || f.Cursor.X >= cols || f.Cursor.Y < 0 || f.Cursor.Y >= rows {
		t.Fatalf("cursor at %+v of %dx%d", f.Cursor, cols, rows)
	}
	for y, row := range f.Lines {
		checkRow(t, row, cols)
		if row != term.RenderLine(y) {
			t.Fatalf("RenderLine(%d) differs", y)
		}
	}
	for i := range min(f.Scrollback, 50) {
		checkRow(t, term.ScrollbackLine(i), cols)
	}
}

// nasty are pieces that break emulators, renderers or terminals.
var nasty = []string{
	"plain", " ", "\r\n", "\n", "\t", "\b", "\x1b", "\x1b[", "\x9b", "\x00", "\x7f", "\x07", "\xff", "\xe4\xbd", "\u009b31m",
	"你好", "한국어", "\u1112\u1161\u11ab", "ｶﾞ", "e\u0301", "\u0301", "\u0301\u0302\u0303", "❤\ufe0f", "1\ufe0f\u20e3",
	"👩\u200d💻", "👩", "\u200d", "💻", "👍🏽", "🏽", "🇩🇪", "🇩", "🇪", "🏴\U000e0067\U000e0062\U000e007f",
	"שלום", "العربية", "\u202e", "\u2066", "\u200f", "\u061c", "\ufeff", "\u00ad", "\u0600", "\u0903", "क\u094dष", "क\u094d",
	"\u2028", "\ufffd", "\ufdd0", "\u3164", "ﷺ", "\u0e33", "\U0001f468\u200d\U0001f469\u200d\U0001f467",
	"\x1b[31m", "\x1b[1;38;2;1;2;3m", "\x1b[48;5;200m", "\x1b[4:3m", "\x1b[m", "\x1b[8m", "\x1b[H", "\x1b[5;5H", "\x1b[99;99H",
	"\x1b[2J", "\x1b[3J", "\x1b[K", "\x1b[1K", "\x1b[L", "\x1b[M", "\x1b[9M", "\x1b[P", "\x1b[@", "\x1b[X", "\x1b[S", "\x1b[T",
	"\x1b[2;4r", "\x1b[r", "\x1b[?69h", "\x1b[3;7s", "\x1b[?69l", "\x1bM", "\x1bD", "\x1bE", "\x1b7", "\x1b8", "\x1b[s", "\x1b[u",
	"\x1b[?1049h", "\x1b[?1049l", "\x1b[?47h", "\x1b[?6h", "\x1b[?6l", "\x1b[?7l", "\x1b[?7h", "\x1bc", "\x1b(0", "\x1b(B", "\x0e",
	"\x1b[70000b", "\x1b[9999I", "\x1b[6n", "\x1b[c", "\x1b[?u", "\x1b[>7u", "\x1b[<9u", "\x1b[=1;3u", "\x1b[5 q", "\x1b[99 q",
	"\x1b]0;title\x07", "\x1b]2;a;b\x1b[31m\u202e\x07", "\x1b]8;;http://x\x1b\\", "\x1b]8;;\x1b\\", "\x1b]52;c;aGk=\x07", "\x1b]4;1;?\x07",
	"\x1b]10;?\x07", "\x1bP+q544e\x1b\\", "\x1bP$qm\x1b\\", "\x1b_Gi=1\x1b\\", "\x1b^x\x1b\\", "\x1b[?2026h", "\x1b[?2026l", "\x1b[18t",
	"\x1b]0;✳ Ü“└\x07", "\x1b_é└✳\x1b\\", "\x1bPqÜ└\x1b\\", "\x1b]0;✳", "\u009c", "└", "Ü",
}

// Whatever is written and however the size changes, rows stay exact and clean.
func TestRowsAreExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cols, rows := rapid.IntRange(1, 20).Draw(t, "cols"), rapid.IntRange(1, 8).Draw(t, "rows")
		term := New(cols, rows, Options{Scrollback: 20})
		defer term.Close()
		t.Repeat(map[string]func(*rapid.T){
			"write": func(t *rapid.T) {
				for _, s := range rapid.SliceOfN(rapid.SampledFrom(nasty), 1, 12).Draw(t, "pieces") {
					_, _ = term.Write([]byte(s))
				}
			},
			"text": func(t *rapid.T) { _, _ = term.Write([]byte(rapid.String().Draw(t, "text"))) },
			"bytes": func(t *rapid.T) {
				_, _ = term.Write(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes"))
			},
			"resize": func(t *rapid.T) {
				cols, rows = rapid.IntRange(1, 20).Draw(t, "cols"), rapid.IntRange(1, 8).Draw(t, "rows")
				term.Resize(cols, rows)
			},
			"": func(t *rapid.T) {
				checkFrame(t, term, cols, rows)
				for _, s := range append(term.Text(), term.History(30)...) {
					if strings.IndexFunc(s, hidden) >= 0 {
						t.Fatalf("text %q", s)
					}
				}
				if title := term.Frame().Title; strings.IndexFunc(title, hidden) >= 0 {
					t.Fatalf("title %q", title)
				}
			},
		})
	})
}

func FuzzWrite(f *testing.F) {
	for _, s := range nasty {
		f.Add([]byte(s+"x"+s), uint8(10), uint8(4))
	}
	f.Fuzz(func(t *testing.T, p []byte, cols, rows uint8) {
		c, r := int(cols%40)+1, int(rows%12)+1
		term := New(c, r, Options{})
		defer term.Close()
		_, _ = term.Write(p)
		checkFrame(t, term, c, r)
		term.Resize(r, c)
		checkFrame(t, term, r, c)
	})
}

// How the bytes are cut into writes changes nothing, even within a character, a grapheme or a sequence.
func TestSplitsDoNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := []byte(strings.Join(rapid.SliceOfN(rapid.SampledFrom(nasty), 1, 20).Draw(t, "pieces"), ""))
		whole, cut := New(12, 4, Options{}), New(12, 4, Options{})
		defer whole.Close()
		defer cut.Close()
		_, _ = whole.Write(all)
		for rest := all; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "n")
			_, _ = cut.Write(rest[:n])
			rest = rest[n:]
		}
		if d := cmp.Diff(whole.Frame().Lines, cut.Frame().Lines); d != "" {
			t.Fatalf("%q: %s", all, d)
		}
	})
}

type recording struct {
	Cols, Rows int
	Resizes    []struct{ Cols, Rows, Offset int }
}

// play feeds a recorded session in parts of at most most bytes, and compares what is seen with what tmux 3.3a showed after
// so many bytes.
func play(t *testing.T, term Terminal, name string, most int, rnd *rand.Rand) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name+".raw"))
	if err != nil {
		t.Fatal(err)
	}
	var rec recording
	meta, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err == nil {
		err = json.Unmarshal(meta, &rec)
	}
	if err != nil {
		t.Fatal(err)
	}
	shown, err := txtar.ParseFile(filepath.Join("testdata", name+".txtar"))
	if err != nil {
		t.Fatal(err)
	}
	term.Resize(rec.Cols, rec.Rows)
	for at := 0; at < len(raw); {
		end := min(at+1+rnd.IntN(most), len(raw))
		for _, f := range shown.Files {
			if n, _ := strconv.Atoi(f.Name); at < n && n < end {
				end = n
			}
		}
		for _, r := range rec.Resizes {
			if r.Offset == at {
				term.Resize(r.Cols, r.Rows)
			} else if at < r.Offset && r.Offset < end {
				end = r.Offset
			}
		}
		write(t, term, string(raw[at:end]))
		at = end
		for _, f := range shown.Files {
			if f.Name != strconv.Itoa(at) {
				continue
			}
			seen := strings.TrimRight(strings.Join(term.Text(), "\n"), "\n") + "\n"
			if d := cmp.Diff(string(f.Data), seen); d != "" {
				t.Errorf("after %d bytes of %s (-tmux +here):\n%s", at, name, d)
			}
		}
	}
}

func TestRecordings(t *testing.T) {
	for _, name := range []string{"claude-inline", "claude"} {
		t.Run(name, func(t *testing.T) {
			whole := open(t, 80, 24)
			play(t, whole, name, 1<<20, rand.New(rand.NewPCG(1, 1)))
			if whole.Panics() != 0 {
				t.Errorf("%d panics", whole.Panics())
			}
			for seed := range uint64(4) {
				cut := open(t, 80, 24)
				play(t, cut, name, 200, rand.New(rand.NewPCG(seed, 2)))
				if d := cmp.Diff(whole.Text(), cut.Text()); d != "" {
					t.Errorf("cut by seed %d: %s", seed, d)
				}
			}
			for _, size := range [][2]int{{120, 40}, {33, 7}, {1, 1}, {200, 60}, {80, 24}} {
				whole.Resize(size[0], size[1])
				checkFrame(t, whole, size[0], size[1])
			}
		})
	}
}

func TestShrinkKeepsTheCursorRow(t *testing.T) {
	term := open(t, 10, 6)
	write(t, term, "1\r\n2\r\n3\r\n4\r\n5\r\n\x1b[31m你>")
	term.Resize(10, 2)
	if d := cmp.Diff([]string{"5", "你>"}, term.Text()); d != "" {
		t.Error(d)
	}
	if f := term.Frame(); f.Cursor.Y != 1 || f.Cursor.X != 3 || f.Scrollback != 4 {
		t.Errorf("%+v", f)
	}
	if d := cmp.Diff([]string{"1", "2", "3", "4", "5", "你>"}, term.History(9)); d != "" {
		t.Error(d)
	}
	if !strings.Contains(term.RenderLine(1), "31m你>") {
		t.Errorf("%q", term.RenderLine(1))
	}
	term.Resize(10, 6) // blank rows come below
	if d := cmp.Diff([]string{"5", "你>", "", "", "", ""}, term.Text()); d != "" {
		t.Error(d)
	}
}

func TestScrollbackIsBounded(t *testing.T) {
	term := open(t, 20, 3)
	for i := range 3000 {
		write(t, term, fmt.Sprintf("line %d\r\n", i))
	}
	f := term.Frame()
	if f.Scrollback != DefaultScrollback || !strings.Contains(term.ScrollbackLine(f.Scrollback-1), "line 2997") {
		t.Errorf("%d, last %q", f.Scrollback, term.ScrollbackLine(f.Scrollback-1))
	}
	if d := cmp.Diff([]string{"line 2998", "line 2999"}, term.History(2)); d != "" {
		t.Error(d)
	}
	if term.ScrollbackLine(-1) != "" || term.ScrollbackLine(f.Scrollback) != "" {
		t.Error("lines out of range")
	}
	write(t, term, "\x1b[?1049h"+strings.Repeat("x\r\n", 100))
	if s := screens(term.emu); s == nil || s[1].Scrollback() != nil {
		t.Error("x/vt has changed inside: the alternate screen has a history")
	}
	if len(term.History(100)) > 3 {
		t.Error("history of the main screen shown under the alternate one")
	}
	write(t, term, "\x1b[?1049l\x1b[3J")
	if f := term.Frame(); f.Scrollback != 0 || term.Text()[1] != "line 2999" {
		t.Errorf("after ED 3: %d %q", f.Scrollback, term.Text())
	}
}

func TestState(t *testing.T) {
	term := open(t, 20, 3)
	if f := term.Frame(); !f.Cursor.Visible || f.Cursor.Shape != CursorBlock || f.Modes != (Modes{}) {
		t.Errorf("at first: %+v", f)
	}
	gen := term.Gen()
	write(t, term, "\x1b]2;a;b\u202e\x1b\\\x1b[?25l\x1b[5 q\x1b[?1h\x1b[?2004h\x1b[?1002h\x1b[?1006h\x1b[?1004h\x1b[?2026h\x1b[?1049h\x07\x1b[>7u\x1b[>4;2m")
	f := term.Frame()
	if f.Gen == gen {
		t.Error("same generation")
	}
	want := Modes{AppCursor: true, BracketedPaste: true, Focus: true, Mouse: true, MouseMotion: true, MouseSGR: true, Kitty: 7, ModifyOther: 2}
	if f.Title != "a;b" || f.Cursor.Visible || f.Cursor.Shape != CursorBar || !f.Cursor.Blink || !f.AltScreen || !f.Sync || f.Bells != 1 || f.Modes != want {
		t.Errorf("set: %+v", f)
	}
	write(t, term, "\x1b[=8;2u")
	if k := term.Modes().Kitty; k != 15 {
		t.Errorf("kitty %d", k)
	}
	write(t, term, "\x1b[<u\x1bc")
	if f := term.Frame(); !f.Cursor.Visible || f.Modes != (Modes{}) {
		t.Errorf("reset: %+v", f)
	}
}

// A row filled to its last column leaves a wrap behind, which belongs to that place and not to where the cursor goes.
func TestRestoredCursorDoesNotWrap(t *testing.T) {
	full := "\x1b[3;1H" + strings.Repeat("x", 20)
	for _, tt := range []struct{ name, in, want string }{
		{"DECRC", "\x1b[2;1H\x1b7" + full + "\x1b8ab", "|ab|xxxxxxxxxxxxxxxxxxxx|"},
		{"SCORC", "\x1b[2;1H\x1b[s" + full + "\x1b[uab", "|ab|xxxxxxxxxxxxxxxxxxxx|"},
		{"1048", "\x1b[2;1H\x1b[?1048h" + full + "\x1b[?1048lab", "|ab|xxxxxxxxxxxxxxxxxxxx|"},
		{"saved at the end", full + "\x1b7\x1b[1;1Hab\x1b8c", "ab||xxxxxxxxxxxxxxxxxxxx|c"},
		{"other screen", "\x1b[2;1H\x1b[?1049h" + full + "\x1b[?1049lab", "|ab||"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			term := open(t, 20, 4)
			write(t, term, tt.in)
			var rows []string
			for _, row := range term.Text() {
				rows = append(rows, strings.TrimRight(row, " "))
			}
			if got := strings.Join(rows, "|"); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

func TestFramesDoNotChange(t *testing.T) {
	term := open(t, 10, 2)
	write(t, term, "one\r\ntwo")
	before := term.Frame()
	copied := slices.Clone(before.Lines)
	write(t, term, "\x1b[H\x1b[Kother")
	after := term.Frame()
	if d := cmp.Diff(copied, before.Lines); d != "" {
		t.Error(d)
	}
	if before.Lines[0] == after.Lines[0] || before.Lines[1] != after.Lines[1] {
		t.Errorf("%q, %q", before.Lines, after.Lines)
	}
}

func TestReplies(t *testing.T) {
	for _, c := range []struct{ ask, want string }{
		{"\x1b[c", "\x1b[?62;1;6;22c"},
		{"\x1b[>c", "\x1b[>1;10;0c"},
		{"\x1b[5n", "\x1b[0n"},
		{"ab\x1b[6n", "\x1b[1;3R"},
		{"\x1b[?6n", "\x1b[?1;1R"},
		{"\x1b[?2004h\x1b[?2004$p", "\x1b[?2004;1$y"},
		{"\x1b[?1004$p", "\x1b[?1004;2$y"},
		{"\x1b[?2026$p", "\x1b[?2026;2$y"},
		{"\x1b[?2027$p", "\x1b[?2027;3$y"},
		{"\x1b[?2031$p", "\x1b[?2031;0$y"},
		{"\x1b[>q", "\x1bP>|gastown\x1b\\"},
		{"\x1b[>5u\x1b[?u", "\x1b[?5u"},
		{"\x1b]11;?\x07", "\x1b]11;rgb:0000/0000/0000\x07"},
		{"\x1b]4;1;?\x07", "\x1b]4;1;rgb:8080/0000/0000\x1b\\"},
		{"\x1b[18t", "\x1b[8;24;80t"},
		{"\x1b[14t", "\x1b[4;480;800t"},
		{"\x1bP$qm\x1b\\", "\x1bP0$r\x1b\\"},
		{"\x1bP+q544e\x1b\\", "\x1bP0+r\x1b\\"},
		{"\x1b[>q\x1b[c\x1b[5n", "\x1bP>|gastown\x1b\\\x1b[?62;1;6;22c\x1b[0n"}, // in order
	} {
		got := make(chan string, 100)
		term := New(80, 24, Options{Reply: func(p []byte) { got <- string(p) }})
		write(t, term, c.ask)
		all := ""
		for len(all) < len(c.want) {
			select {
			case s := <-got:
				all += s
			case <-time.After(10 * time.Second):
				t.Fatalf("%q: got %q, want %q", c.ask, all, c.want)
			}
		}
		if all != c.want {
			t.Errorf("%q: got %q, want %q", c.ask, all, c.want)
		}
		_ = term.Close()
	}
}

// A Reply that hangs must not stop the program's output.
func TestHangingReply(t *testing.T) {
	release := make(chan struct{})
	term := New(80, 24, Options{Reply: func([]byte) { <-release }})
	write(t, term, strings.Repeat("\x1b[c", 10000)+"still here")
	if !slices.Contains(term.Text(), "still here") {
		t.Errorf("%q", term.Text())
	}
	close(release)
	_ = term.Close()
	if _, err := term.Write([]byte("x")); err == nil {
		t.Error("wrote after Close")
	}
	if !slices.Contains(term.Text(), "still here") {
		t.Error("picture lost by Close")
	}
}

// A panic in the emulator costs the screen, not the program, and not what the program has set.
func TestPanicIsContained(t *testing.T) {
	term := open(t, 20, 5)
	term.emu.RegisterOscHandler(7777, func([]byte) bool { panic("as x/vt does in insert line") })
	write(t, term, strings.Repeat("old\r\n", 9)+"\x1b[?2004h\x1b[?1049hscreen\x1b]7777;\x07")
	write(t, term, "\r\nnew")
	f := term.Frame()
	if term.Panics() != 1 || !f.Modes.BracketedPaste || !f.AltScreen || f.Scrollback != 5 {
		t.Errorf("%d panics, %+v", term.Panics(), f)
	}
	checkFrame(t, term, 20, 5)
	if term.Text()[1] != "new" {
		t.Errorf("%q", term.Text())
	}
}

func TestConcurrentUse(t *testing.T) {
	term := New(40, 10, Options{Reply: func([]byte) {}})
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			for n := range 200 {
				switch i {
				case 0:
					_, _ = term.Write([]byte("你好 \x1b[31mworld\x1b[c\r\n"))
				case 1:
					term.Resize(20+n%30, 5+n%9)
				case 2:
					_ = term.Frame()
					_ = term.History(20)
				case 3:
					_ = term.Modes()
					_ = term.Text()
				}
			}
		})
	}
	all.Wait()
	_ = term.Close()
}

func BenchmarkFrame(b *testing.B) {
	term := open(b, 140, 59)
	write(b, term, strings.Repeat("the quick \x1b[31mbrown\x1b[m fox ", 400))
	for b.Loop() {
		write(b, term, "\x1b[Hx")
		_ = term.Frame()
	}
}
