package tui

import (
	"fmt"
	"strings"
	"time"

	"gastown/agents"
	"gastown/refinery"
)

// toast is a short message in the row above the status bar.
type toast struct {
	text   string
	mark   byte
	sticky bool // until a key
	waits  bool // until a verb ends
	seq    int
}

type toastMsg int

// toastFor is how long a toast that is no error stays.
const toastFor = 4 * time.Second

// segment is one part of the status bar; a smaller rank is kept longer.
type segment struct {
	rank  int
	parts []part
}

func (s segment) width() int {
	n := 0
	for _, p := range s.parts {
		n += width(p.text)
	}
	return n
}

// statusBar is the truth in one line. When there is no room it drops, from the end of this
// order: mode, alarms, refinery, spend, beads, polecats, limits, hints.
func (m *model) statusBar() string {
	w := m.layout.size.Cols
	segs := m.segments()
	for {
		total := 0
		for _, s := range segs {
			total += s.width() + 3
		}
		if total-2 <= w || len(segs) == 1 {
			break
		}
		drop := 0
		for i := range segs {
			if segs[i].rank >= segs[drop].rank {
				drop = i
			}
		}
		segs = append(segs[:drop:drop], segs[drop+1:]...)
	}
	n := m.line(w, m.strip)
	for i, s := range segs {
		if i == 1 {
			n.put(m.border, m.sep).put("", " ") // the mark of the mode ends with a blank of its own
		} else if i > 1 {
			n.put(m.border, " "+m.sep+" ")
		}
		for _, p := range s.parts {
			n.put(p.st, p.text)
		}
	}
	return n.end()
}

func (m *model) segments() []segment {
	segs := []segment{m.modeSegment()}
	add := func(rank int, parts ...part) {
		if len(parts) > 0 {
			segs = append(segs, segment{rank, parts})
		}
	}
	add(1, m.bypassParts()...)
	add(1, m.alarmParts()...)
	board := m.mode == inTown
	if !(m.layout.kind == drawer && !board) {
		if c := m.counts(">=^o#+x"); c != "" {
			label := "beads "
			if m.layout.kind == drawer || m.layout.kind == listOnly {
				label = ""
			}
			add(4, part{label, m.dim}, part{c, ""})
		}
		add(5, m.catParts()...)
		add(2, m.refineryParts()...)
	} else {
		hint := m.townKey() + " = board"
		if f := m.facts.worst; f != nil && f.State == refinery.Hung {
			hint += ", then r"
		}
		add(3, part{hint, m.dim})
	}
	if text := m.limitText(); text != "" {
		add(6, part{text, m.yellow})
	}
	if text, ok := m.spend(); ok {
		add(3, part{text, ""})
	}
	if board && m.layout.kind != listOnly {
		hint := "? help  : cmd"
		if m.layout.kind == drawer {
			hint = "?help"
		}
		add(7, part{hint, m.dim})
	}
	if m.layout.kind == wide && m.version != "" {
		add(8, part{m.version, m.dim})
	}
	return segs
}

func (m *model) modeSegment() segment {
	text, st := " TOWN ", m.town
	switch {
	case m.scrolling(), m.mode == typing && m.term.scroll > 0:
		text, st = " SCROLL "+clean(m.term.name)+" ", m.typing
	case m.mode == typing && m.dead():
		text, st = " "+m.deadWord()+" ", m.typing
	case m.mode == typing:
		text, st = " TYPE "+clean(m.term.name)+" ", m.typing
	case m.haltShown() != agents.Going:
		text = " " + haltWord(m.haltShown()) + " "
	case m.filtering() || m.filters[m.focus] != "":
		text = " FILTER "
	case m.layout.kind == wide:
		text = " TOWN " + [...]string{"beads", "polecats", "refinery", "events"}[m.focus] + " "
	}
	return segment{0, []part{{text, st}}}
}

// scrolling reports scroll mode.
func (m *model) scrolling() bool {
	_, ok := m.over().(*scrollMode)
	return ok
}

func (m *model) alarmParts() []part {
	var out []part
	if m.facts.asks > 0 {
		text := "?" + itoa(m.facts.asks)
		if m.layout.kind == wide {
			text = "needs you " + itoa(m.facts.asks)
		}
		out = append(out, part{text, m.words('?')})
	}
	if m.facts.bad > 0 {
		text := "!" + itoa(m.facts.bad)
		if m.layout.kind == wide {
			text = "stalled " + itoa(m.facts.bad)
		}
		if len(out) > 0 {
			out = append(out, part{" ", ""})
		}
		out = append(out, part{text, m.words('!').and("1")})
	}
	if m.mode == typing && len(out) > 0 {
		out = append(out, part{" (" + m.townKey() + " !)", m.dim})
	}
	return out
}

// bypassParts is the badge of rigs whose agents ask nothing: in the one row that every layout has.
func (m *model) bypassParts() []part {
	var rigs []string
	for _, r := range m.facts.view.Status.Rigs {
		if r.Bypass {
			rigs = append(rigs, clean(r.Name))
		}
	}
	if len(rigs) == 0 {
		return nil
	}
	text := "BYPASS"
	if m.layout.kind == wide {
		text += " " + strings.Join(rigs, ", ")
	}
	return []part{{text, m.words('!').and("1")}}
}

func (m *model) catParts() []part {
	s := m.facts.view.Status
	if m.layout.kind == wide {
		return []part{{"polecats ", m.dim}, {fmt.Sprintf("%d/%d busy", m.facts.busy, s.Cap), ""}}
	}
	return []part{{"cats ", m.dim}, {fmt.Sprintf("%d/%d", m.facts.busy, s.Cap), ""}}
}

func (m *model) refineryParts() []part {
	f := m.facts.worst
	if f == nil {
		return nil
	}
	word, mark := refineryWord(f, m.clock)
	st := m.words(mark)
	if mark == '!' {
		st = st.and("1")
	}
	if mark == '.' {
		st = ""
	}
	if m.layout.kind == wide && len(f.Queue) > 0 {
		word += fmt.Sprintf(", %d queued", len(f.Queue))
	}
	return []part{{"refinery ", m.dim}, {word, st}}
}

func (m *model) limitText() string {
	var out []string
	for _, l := range m.facts.view.Status.Limits {
		out = append(out, clean(l.Agent)+" limit til "+clock(l.Until))
	}
	return strings.Join(out, ", ")
}

// footRow is the row above the status bar: a toast, else hints or the newest events.
func (m *model) footRow() string {
	w := m.layout.foot.w
	if m.toast.text != "" {
		st := m.words(m.toast.mark)
		n := m.line(w, "").put("", " ")
		if m.toast.mark != 0 {
			n.put(m.glyph(m.toast.mark), string(m.toast.mark)).put("", " ")
		}
		return n.put(st.and("1"), m.toast.text).end()
	}
	switch {
	case m.layout.kind == drawer && m.mode == typing, m.layout.kind == listOnly && m.mode == typing:
		return m.typingFoot(w)
	case m.layout.kind == split:
		return m.ticker(w)
	}
	return m.hintRow(w)
}

// typingFoot keeps the town in sight while the terminal covers it.
func (m *model) typingFoot(w int) string {
	n := m.line(w, "").put("", " ")
	if m.layout.kind == listOnly {
		return n.put(m.accent, m.typingHint()).end()
	}
	if c := m.counts(order); c != "" {
		n.put(m.dim, "beads ").put("", c).put(m.border, " "+m.sep+" ")
	}
	for _, p := range m.catParts() {
		n.put(p.st, p.text)
	}
	if parts := m.refineryParts(); parts != nil {
		n.put(m.border, " "+m.sep+" ")
		for _, p := range parts {
			n.put(p.st, p.text)
		}
	}
	if _, done, total := m.progress(); total > 0 {
		n.put(m.border, " "+m.sep+" ").put("", fmt.Sprintf("%d/%d", done, total))
	}
	return n.end()
}

// hintRow is the keys that matter most.
func (m *model) hintRow(w int) string {
	intents := []Intent{
		Open, Assign, Kill, Attach, ShowDiff, Nudge, AnswerAsk, UndoLast, ShowConvoys, ShowProblems, ShowEvents, ShowCost, ShowLog,
		Filter, CommandLine, Help, ZoomPane, m.rigHint(), QuitDialog,
	}
	switch m.layout.kind {
	case drawer:
		intents = []Intent{Open, Assign, Kill, Attach, ShowDiff, RestartRefinery, Help}
	case listOnly:
		intents = []Intent{RestartRefinery, Assign, Kill, GoTerminal, Help}
	}
	return m.line(w, "").put("", " ").put(m.dim, fitHints(hints(m.keys, intents...), w-2)).end()
}

// say shows a toast for a while.
func (m *model) say(text string, mark byte) {
	m.toast = toast{text: clean(text), mark: mark, seq: m.toast.seq + 1}
}

// fail shows an error until a key is pressed.
func (m *model) fail(text, hint string) {
	text = clean(text)
	if hint != "" {
		text += " (" + clean(hint) + ")"
	}
	m.toast = toast{text: text, mark: '!', sticky: true, seq: m.toast.seq + 1}
}

// refuse says why a key did nothing.
func (m *model) refuse(text string) { m.say(text, '.') }
