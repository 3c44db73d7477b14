package tui

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"
)

// verdict is what an overlay made of an event.
type verdict int

const (
	consumed verdict = iota
	ignored          // the board may have it, after the overlay closed
	closed
)

// event is what reaches an overlay: a key with its meaning, or pasted text.
type event struct {
	intent Intent
	key    tea.Key
	text   string
}

// overlay is one dialog of the stack.
type overlay interface {
	scope() Scope
	// wantsText is whether printable keys are text now.
	wantsText() bool
	handle(m *model, ev event) (verdict, tea.Cmd)
	// draw gives title, right title, rows of w cells and the hints; h is how many rows fit.
	draw(m *model, w, h int) face
}

// face is what an overlay shows. Rows that do not fit are scrolled by the frame; keep stays below them.
type face struct {
	title, right string
	rows         []string
	keep         []string // seen at every size: what answers a question
	foot         []string
	mark         byte // colours right
	grow         bool // takes all the height there is
}

// longer is an overlay that scrolls by itself, and whether there is more of it than is shown.
type longer interface{ longer() bool }

// receiver is an overlay that asked for text.
type receiver interface {
	receive(f fetchedMsg)
}

// watcher is an overlay that may have to look again when the town changed.
type watcher interface {
	changed(m *model) tea.Cmd
}

// broad is an overlay that takes the width there is: its lines are code.
type broad interface{ broad() bool }

const broadest = 160 // cells; longer lines of code are rare and hard to read

// decider is an overlay in which one key does something that is felt: it defaults to Cancel, and is deaf at first, so
// that a key meant for something else answers nothing.
type decider interface{ decides() bool }

// guarded is the part of overlays that are deciders whatever they show.
type guarded struct{}

func (guarded) decides() bool { return true }

func (m *model) push(o overlay) {
	m.stack = append(m.stack, o)
	m.opened, m.frame = m.now(), scroller{}
	m.typed.held, m.typed.recent = nil, nil
	m.restore(o)
}

// over is the overlay on top, nil when the board is free.
func (m *model) over() overlay {
	if n := len(m.stack); n > 0 {
		return m.stack[n-1]
	}
	return nil
}

// deaf reports whether the dialog on top does not listen yet.
func (m *model) deaf() bool {
	d, ok := m.over().(decider)
	return ok && d.decides() && m.now().Sub(m.opened) < dialogGrace
}

// toOverlay gives an event to the top of the stack.
func (m *model) toOverlay(ev event) tea.Cmd {
	if m.deaf() {
		return nil
	}
	top := m.over()
	v, cmd := top.handle(m, ev)
	switch v {
	case closed:
		m.remove(top)
	case ignored:
		if ev.intent == Back || ev.intent == Interrupt || ev.intent == QuitDialog {
			m.remove(top)
			return cmd
		}
		if ev.intent == Redraw {
			return tea.Batch(cmd, m.run(Redraw))
		}
		m.frame.move(ev.intent)
	case consumed:
	}
	return cmd
}

// remove takes an overlay off the stack, wherever it is by now.
func (m *model) remove(o overlay) {
	for i := range m.stack {
		if m.stack[i] == o {
			m.stack = append(m.stack[:i:i], m.stack[i+1:]...)
			m.frame = scroller{}
			m.keep(o)
			return
		}
	}
}

// deliver gives fetched text to the overlays that wait for it.
func (m *model) deliver(f fetchedMsg) {
	for _, o := range m.stack {
		if r, ok := o.(receiver); ok {
			r.receive(f)
		}
	}
}

// dialog draws an overlay in the middle of the screen.
func (m *model) dialog(o overlay, top bool) placed {
	cols, rows := m.layout.size.Cols, m.layout.size.Rows
	w := min(cols, max(80, min(cols*5/6, 100)))
	if b, ok := o.(broad); ok && b.broad() {
		w = min(cols, broadest)
	}
	limit := max(rows-3, 3)
	switch {
	case rows >= 40:
		limit = rows - 8
	case rows < drawRows:
		limit = max(rows-1, 3)
	}
	f := o.draw(m, w-2, limit-2)
	room := max(limit-2-len(f.keep), 0)
	more := len(f.rows) > room
	if more && top {
		f.rows = m.frame.window(f.rows, room)
	}
	if l, ok := o.(longer); ok && l.longer() {
		more = true
	}
	body := slices.Concat(f.rows[:min(len(f.rows), room)], f.keep[max(len(f.keep)-limit+2, 0):])
	h := min(len(body)+2, limit)
	if f.grow {
		h = limit
	}
	b := box{title: f.title, right: f.right, mark: f.mark, focused: top, body: body[:min(len(body), max(h-2, 0))]}
	if b.foot, b.footRight = waysOut(f.foot, more); width(b.footRight) > w-6 {
		b.footRight = "Esc"
	}
	return placed{x: (cols - w) / 2, y: max((rows-1-h)/2, 0), w: w, rows: m.box(b, w, h)}
}

// waysOut parts the hints of a dialog from those that are seen at every width: how to see the rest, and
// how to leave.
func waysOut(hints []string, more bool) (rest []string, out string) {
	if more {
		out = "PgDn more"
	}
	for _, s := range hints {
		if strings.HasPrefix(s, "Esc") {
			out = strings.TrimSpace(out + "  " + s)
			continue
		}
		rest = append(rest, s)
	}
	return rest, out
}

// say builds a row of a dialog with a margin.
func (m *model) text(w int, st sty, s string) string {
	return m.line(w, "").put("", " ").put(st, s).end()
}

// fact is a row of a dialog with a dim label.
func (m *model) fact(w int, label, text string, st sty) []string {
	const col = 11
	lines := wrap(text, w-col-2)
	if len(lines) == 0 {
		return nil
	}
	rows := make([]string, 0, len(lines))
	for i, s := range lines {
		l := ""
		if i == 0 {
			l = label
		}
		rows = append(rows, m.line(w, "").put("", " ").cell(m.dim, l, col-1).put(st, s).end())
	}
	return rows
}
