package tui

import (
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"gastown/agents"
)

// toast is a short message above the status bar.
type toast struct {
	keys   []string // what to press, as labels; they come first and are never cut
	text   string
	mark   byte
	sticky bool // until a key
	waits  bool // until a verb ends
	seq    int
}

type toastMsg int

const (
	toastFor  = 4 * time.Second // how long a toast that is no error stays
	toastRows = 6               // at most; a longer answer is opened in a dialog
	longToast = 3               // rows of an answer that is opened instead
)

// say shows a toast for a while.
func (m *model) say(text string, mark byte) {
	m.toast = toast{text: m.here(text), mark: mark, seq: m.toast.seq + 1}
}

// fail shows an error until a key is pressed.
func (m *model) fail(text, hint string) {
	text = m.here(text)
	if hint != "" {
		text += " (" + m.here(hint) + ")"
	}
	m.toast = toast{text: text, mark: '!', sticky: true, seq: m.toast.seq + 1}
}

// refuse says why a key did nothing.
func (m *model) refuse(text string) { m.say(text, '.') }

func (m *model) clearToast() {
	m.toast = toast{seq: m.toast.seq}
	m.typed.offer = ""
}

// toastTimer ends a new toast after a while, unless it stays for another reason.
func (m *model) toastTimer() tea.Cmd {
	t := m.toast
	if t.seq == m.timers.toast || t.text == "" || t.sticky || t.waits {
		return nil
	}
	m.timers.toast = t.seq
	return m.after(toastFor, toastMsg(t.seq))
}

// toastLines is the text in rows of w cells, all of it where that is possible.
func (m *model) toastLines(w int) []string {
	const glue = "\x1f" // a blank at which wrap does not break
	text := m.toast.text
	if len(m.toast.keys) > 0 {
		text = strings.ReplaceAll(strings.Join(m.toast.keys, "  ")+"  ", " ", glue) + text
	}
	lines := wrap(text, w)
	most := max(min(toastRows, m.layout.size.Rows/3), 1)
	if len(lines) > most {
		lines[most-1] = cut(lines[most-1]+" "+lines[most], w, m.more)
	}
	for i, s := range lines {
		lines[i] = strings.ReplaceAll(s, glue, " ")
	}
	return lines[:min(len(lines), most)]
}

// layToast puts the toast over the foot of the screen: as many rows as its text needs. What stands there
// for longer stays in sight below it.
func (m *model) layToast(rows []string) []string {
	m.told = rect{}
	if m.toast.text == "" || m.layout.foot.h == 0 {
		return rows
	}
	w := m.layout.foot.w
	st := m.words(m.toast.mark).and("1")
	var out []string
	for i, s := range m.toastLines(w - 4) {
		n := m.line(w, "").put("", " ")
		if m.toast.mark != 0 && i == 0 {
			n.put(m.glyph(m.toast.mark), string(m.toast.mark)).put("", " ")
		} else if m.toast.mark != 0 {
			n.put("", "  ")
		}
		out = append(out, n.put(st, s).end())
	}
	y := m.layout.foot.y + 1 - len(out)
	if len(m.standing()) > 0 {
		y--
	}
	m.told = rect{m.layout.foot.x, y, w, len(out)}
	return m.lay(rows, placed{m.told.x, y, w, out})
}

// standing are the labels that stay at the foot of the board: what the next key would end or take back.
func (m *model) standing() []string {
	if m.mode != inTown || len(m.stack) > 0 {
		return nil
	}
	var out []string
	if what, left := m.undoable(); left > 0 {
		out = append(out, fmt.Sprintf("u undo: %s (%s)", what, exact(left)))
	}
	switch m.haltShown() {
	case agents.Paused:
		out = append(out, "P freezes, again goes on")
	case agents.Frozen:
		out = append(out, "P goes on")
	case agents.Going:
	}
	return out
}

// undoable is what u would take back, and for how long it can.
func (m *model) undoable() (what string, left time.Duration) {
	v := m.facts.view
	if v.Undo == "" {
		return "", 0
	}
	if v.UndoUntil.IsZero() {
		return clean(v.Undo), time.Second
	}
	return clean(v.Undo), max(v.UndoUntil.Sub(m.clock), 0)
}

// clickToast presses the key of a label in the toast; elsewhere in it, and for one that waits for a key, the
// click takes it away.
func (m *model) clickToast(x, y int) (tea.Cmd, bool) {
	t := m.told
	if !t.has(x, y) {
		if m.toast.sticky {
			m.clearToast()
		}
		return nil, false
	}
	const mark = 3
	if keys := width(strings.Join(m.toast.keys, "  ")); y == t.y && x < t.x+mark+keys {
		return m.pressLabel(rect{t.x + mark, t.y, keys, 1}, x, y), true
	}
	m.clearToast()
	return nil, true
}
