package tui

import (
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
)

// Lines and marks that are no ASCII are one cell wide, or they are not drawn: some terminals give them two, and one that
// reads no UTF-8 gives each of their bytes one. The screen asks where the cursor is after them.

// probeAfter is when the first picture is there, over which the probe is written.
const probeAfter = 100 * time.Millisecond

type probeMsg struct{}

// probeText is every character that is drawn beside text.
func probeText() string {
	s := unicodeSet()
	out := ""
	for _, g := range []string{s.single.all(), s.double.all(), s.marker, s.more, s.dot} {
		for _, r := range g {
			if !strings.ContainsRune(out, r) {
				out += string(r)
			}
		}
	}
	return out
}

// probe writes the characters, unseen, into the last row, asks where the cursor is then, and writes the row anew: all at
// once, so that it is as Bubble Tea believes it to be.
// The return before the cursor is put back ends the wrap that a full row leaves behind, which some terminals keep.
func (m *model) probe() tea.Cmd {
	text, rows := probeText(), m.layout.size.Rows
	if m.ascii || m.layout.size.Cols < 3*width(text) || rows < 2 || len(m.drawn) < rows {
		return nil
	}
	m.probing = true
	return tea.Raw(fmt.Sprintf("\x1b7\x1b[%d;1H\x1b[8m%s\x1b[m\x1b[6n\x1b[%d;1H%s\r\x1b8", rows, text, rows, m.drawn[rows-1]))
}

// probed draws in ASCII from now on where the characters were not as wide as they should be.
func (m *model) probed(at tea.CursorPositionMsg) tea.Cmd {
	if !m.probing {
		return nil
	}
	m.probing = false
	if at.X == width(probeText()) {
		return nil
	}
	m.ascii = true
	m.dress()
	return tea.ClearScreen
}

// wantsASCII reports whether an environment says that a terminal takes nothing else, and what says it.
func wantsASCII(env []string) (why string) {
	get := func(name string) string {
		out := ""
		for _, e := range env {
			if v, ok := strings.CutPrefix(e, name+"="); ok {
				out = v
			}
		}
		return out
	}
	if get("TERM") == "dumb" {
		return "TERM=dumb"
	}
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		v := get(name)
		if v == "" {
			continue
		}
		if l := strings.ToLower(v); !strings.Contains(l, "utf-8") && !strings.Contains(l, "utf8") {
			return name + "=" + v
		}
		return ""
	}
	return "" // nothing is said; the probe will tell
}
