package tui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/term"
)

// answerWait is how long a terminal may take to say where its cursor is.
const answerWait = 500 * time.Millisecond

// sample is text whose width terminals disagree about, and the cells that the screen counts on.
type sample struct {
	name, text string
	cells      int
	lines      bool // the screen is drawn with it
}

func samples() []sample {
	return []sample{
		{"lines and marks", probeText(), width(probeText()), true},
		{"wide characters", "登录", 4, false},
		{"joined emoji", "👩‍👩‍👧", 2, false},
		{"emoji by selector", "⚠️", 2, false},
		{"combined accents", "e\u0301a\u0308\u0323", 2, false},
	}
}

// Doctor shows on the terminal of s what its keys send and how wide it draws, until Ctrl-C is pressed twice.
func Doctor(ctx context.Context, s Screen) error {
	in, ok := s.In.(term.File)
	if !ok || !term.IsTerminal(in.Fd()) {
		return errors.New("keys doctor: no terminal")
	}
	old, err := term.MakeRaw(in.Fd())
	if err != nil {
		return fmt.Errorf("keys doctor: %w", err)
	}
	// The screen asks for the same, so that keys arrive here as they do there.
	_, _ = io.WriteString(s.Out, ansi.SetModifyOtherKeys2+ansi.PushKittyKeyboard(ansi.KittyDisambiguateEscapeCodes))
	defer func() {
		_, _ = io.WriteString(s.Out, ansi.PopKittyKeyboard(1)+reset)
		_ = term.Restore(in.Fd(), old)
	}()
	input, err := uv.NewCancelReader(in)
	if err != nil {
		return fmt.Errorf("keys doctor: %w", err)
	}
	defer context.AfterFunc(ctx, func() { input.Cancel() })()
	d := &doctor{out: s.Out, chunks: make(chan []byte), keys: s.TownKeys, env: s.Env}
	if len(d.keys) == 0 {
		d.keys = defaultTownKeys()
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		d.read(input)
	}()
	d.run()
	input.Cancel()
	for range d.chunks { // what was on its way
	}
	<-ended
	return nil
}

// doctor is one run of Doctor. What it reads comes in chunks, as the terminal sends it.
type doctor struct {
	out    io.Writer
	chunks chan []byte
	keys   []string
	env    []string
	early  []byte // keys that came before an answer
	ctrlC  bool
}

func (d *doctor) read(in io.Reader) {
	defer close(d.chunks)
	for {
		buf := make([]byte, 256)
		n, err := in.Read(buf)
		if n > 0 {
			d.chunks <- buf[:n]
		}
		if err != nil {
			return
		}
	}
}

func (d *doctor) say(format string, args ...any) {
	_, _ = io.WriteString(d.out, strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", "\r\n")+"\r\n")
}

func (d *doctor) run() {
	d.say("What this terminal sends for keys, and how wide it draws. Ctrl-C twice ends.\n")
	for _, name := range []string{"TERM", "COLORTERM", "LC_ALL", "LC_CTYPE", "LANG", "NO_COLOR"} {
		for _, e := range d.env {
			if v, ok := strings.CutPrefix(e, name+"="); ok && v != "" {
				d.say("%-18s %s", name, clean(v))
			}
		}
	}
	d.widths()
	d.say("%-18s %s  ([keys] town in town.toml)\n", "town keys", keyNames(d.keys))
	d.say("%-26s %-16s %s", "BYTES", "KEY", "WHAT THE SCREEN DOES WITH IT")
	if d.showAll(d.early) {
		return
	}
	for chunk := range d.chunks {
		if d.showAll(chunk) {
			return
		}
	}
}

// widths measures each sample, and says how the screen draws for it.
func (d *doctor) widths() {
	why := wantsASCII(d.env)
	for _, s := range samples() {
		got, ok := d.measure(s.text)
		text := fmt.Sprintf("%d cells, as they should be", got)
		switch {
		case !ok:
			text = "the terminal does not say where its cursor is"
		case got != s.cells:
			text = fmt.Sprintf("%d cells, not %d", got, s.cells)
			if !s.lines {
				text += ": titles are drawn with plainer ones"
			}
		}
		if s.lines && ok && got != s.cells && why == "" {
			why = "they are not one cell wide"
		}
		d.say("%-18s %s  %s", s.name, s.text, text)
	}
	if why != "" {
		d.say("%-18s ASCII only, because %s", "the screen draws", why)
		return
	}
	d.say("%-18s lines (gastown --ascii: none)", "the screen draws")
}

// measure writes a text at the beginning of a line, asks where the cursor is, and clears the line again.
func (d *doctor) measure(text string) (cells int, ok bool) {
	_, _ = io.WriteString(d.out, "\r"+text+ansi.RequestCursorPositionReport)
	defer func() { _, _ = io.WriteString(d.out, "\r\x1b[K") }()
	timer := time.NewTimer(answerWait)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			return 0, false
		case chunk, open := <-d.chunks:
			if !open {
				return 0, false
			}
			var y, x int
			at := strings.LastIndex(string(chunk), "\x1b[")
			if at >= 0 {
				if n, _ := fmt.Sscanf(string(chunk[at:]), "\x1b[%d;%dR", &y, &x); n == 2 {
					d.early = append(d.early, chunk[:at]...)
					return x - 1, true
				}
			}
			d.early = append(d.early, chunk...)
		}
	}
}

// showAll shows the keys of a chunk, and reports whether the person has had enough.
func (d *doctor) showAll(chunk []byte) (enough bool) {
	var decoder uv.EventDecoder
	for len(chunk) > 0 {
		n, ev := decoder.Decode(chunk)
		if n < 1 {
			n = 1
		}
		raw := chunk[:n]
		chunk = chunk[n:]
		name, what := fmt.Sprintf("%T", ev), "nothing"
		if k, ok := ev.(uv.KeyPressEvent); ok {
			name, what = keyText(keyName(tea.Key(k))), d.meaning(tea.Key(k))
			again := k.Keystroke() == "ctrl+c"
			if again && d.ctrlC {
				return true
			}
			d.ctrlC = again
		}
		d.say("%-26s %-16s %s", fmt.Sprintf("% x", raw), clean(name), what)
	}
	return false
}

// meaning is what becomes of a key while a person types to an agent.
func (d *doctor) meaning(k tea.Key) string {
	switch {
	case isTownKey(d.keys, k):
		return "leads to the board and back"
	case k.Keystroke() == "ctrl+c":
		return "goes to the agent; once more ends this"
	}
	return "goes to the agent"
}
