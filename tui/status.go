package tui

import (
	"fmt"
	"slices"
	"strings"

	"gastown/agents"
	"gastown/refinery"
)

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
			text = "asks " + itoa(m.facts.asks)
		}
		out = append(out, part{text, m.words('?')})
	}
	if m.facts.bad > 0 {
		text := "!" + itoa(m.facts.bad)
		if m.layout.kind == wide {
			text = m.facts.trouble()
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

// footRow is the row above the status bar: what stays for a while, then hints or the newest events.
func (m *model) footRow() string {
	w := m.layout.foot.w
	switch {
	case m.layout.kind == drawer && m.mode == typing, m.layout.kind == listOnly && m.mode == typing:
		return m.typingFoot(w)
	}
	n := m.line(w, "").put("", " ")
	standing := m.standing()
	for _, s := range standing {
		n.put(m.yellow.and("1"), s).put("", "  ")
	}
	board := m.mode != typing && m.over() == nil // else keys of the board do nothing now
	switch {
	case m.layout.kind != split && board:
		return n.join(m.hintRow(n.left))
	case m.layout.kind != split:
		return n.end()
	case board && len(standing) == 0: // news matter more than what ? says too
		n.put(m.dim, fitHints(m.hintsHere([]Intent{ShowProblems, ShowConvoys, ShowEvents}), n.left))
	}
	return n.join(m.ticker(n.left))
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

// paneKeys are the keys of the focused pane, those that matter most first: where the selected row needs the person, the answer.
func (m *model) paneKeys() []Intent {
	in := m.usualKeys()
	if r, ok := m.selectedBead(); ok && r.glyph == '?' {
		in = leading(AnswerAsk, in)
	}
	return in
}

// leading is the keys with one of them in front.
func leading(first Intent, in []Intent) []Intent {
	return append([]Intent{first}, slices.DeleteFunc(in, func(i Intent) bool { return i == first })...)
}

func (m *model) usualKeys() []Intent {
	switch m.focus {
	case paneCats:
		return []Intent{Attach, ShowDiff, AnswerAsk, Nudge, Kill, Assign, RestartAgent, Revive}
	case paneRefinery:
		return []Intent{RestartRefinery, ShowLog, ShowDiff, BounceEntry, HoldEntry}
	case paneEvents:
		return []Intent{Open, ShowEvents}
	case paneBeads, panes:
	}
	return []Intent{Open, Assign, Kill, Attach, ShowDiff}
}

// hintRow is the keys of the focused pane, then those that hold everywhere, in w cells.
func (m *model) hintRow(w int) string {
	in := m.paneKeys()
	hung := m.facts.worst != nil && m.facts.worst.State == refinery.Hung
	switch {
	case m.layout.kind == listOnly:
		in = append([]Intent{NextPane, GoTerminal}, in...)
		if hung {
			in = leading(RestartRefinery, in)
		}
	case m.layout.kind == drawer && hung:
		in = leading(RestartRefinery, in)
	case m.layout.kind == drawer:
		if m.focus == paneBeads {
			in = append(in, RestartRefinery)
		}
	default:
		in = append(in, ShowProblems, ShowConvoys, ShowEvents, ShowCost, Filter, m.rigHint(), CommandLine, PauseTown, ZoomPane, QuitDialog)
	}
	const help = "  ? keys"
	return m.line(w, "").put(m.dim, fitHints(m.hintsHere(in), w-len(help)-1)+help).end()
}

// hintsHere are hints in the words of the focused pane.
func (m *model) hintsHere(in []Intent) []string {
	out := hintsIn(m.keys, m.paneScope(), in...)
	if at, rows := m.lists[paneRefinery].at, m.shownMRs(); at < len(rows) {
		out = asRelease(out, rows[at].mr)
	}
	if i := slices.Index(out, "Tab next pane"); i >= 0 && m.layout.kind == listOnly {
		out[i] = "Tab pane"
	}
	return out
}
