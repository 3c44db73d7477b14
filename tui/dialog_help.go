package tui

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"
)

// firstKey is one row of the first page of the help.
type firstKey struct {
	text    string
	intents []Intent
}

// firstKeys are what a person needs on the first day. All others are found by typing.
func firstKeys() []firstKey {
	one := func(text string, in ...Intent) firstKey { return firstKey{text, in} }
	return []firstKey{
		one("move, also k j", Up, Down), one("next pane", NextPane),
		one("beads polecats queue events", GoBeads, GoPolecats, GoRefinery, GoEvents),
		one("type to the Mayor", GoTerminal), one("open the row", Open), one("back one level", Back),
		one("restart the Refinery", RestartRefinery), one("restart the agent", RestartAgent),
		one("assign or reassign", Assign), one("kill, keep the work", Kill), one("undo (30 s)", UndoLast),
		one("revive killed work", Revive), one("type to the polecat", Attach), one("diff, remarks on lines", ShowDiff),
		one("nudge: mail to the polecat", Nudge), one("answer a question", AnswerAsk), one("new bead", NewBead),
		one("filter the list", Filter), one("command", CommandLine), one("what needs you", ShowProblems),
		one("events", ShowEvents), one("convoys", ShowConvoys), one("gate log", ShowLog),
		one("zoom this pane", ZoomPane), one("quit (asks)", QuitDialog),
	}
}

// helpDialog is ?: the first keys, and with a word typed every key and command that has it.
type helpDialog struct {
	scroller // of the first page, where it is longer than the screen
	find     input
	at       list
	keys     []binding
}

func newHelp(keys []binding) *helpDialog { return &helpDialog{keys: keys} }

func (d *helpDialog) scope() Scope    { return InList }
func (d *helpDialog) wantsText() bool { return true }

// hit is one row of what was found.
type hit struct {
	keys, help, where string
	run               func(m *model) tea.Cmd // nil: it holds elsewhere
}

// hits are the keys and commands that have the words.
func (d *helpDialog) hits() []hit {
	want := strings.ToLower(d.find.String())
	has := func(texts ...string) bool { return strings.Contains(strings.ToLower(strings.Join(texts, " ")), want) }
	var out []hit
	for _, b := range d.keys {
		keys := strings.Join(b.keys, " ")
		if want == "" || !has(keys, b.help, b.scope.String()) {
			continue
		}
		h := hit{keys: keys, help: b.help, where: b.scope.String()}
		if b.scope == Town {
			h.run = func(m *model) tea.Cmd { return m.run(b.intent) }
		}
		out = append(out, h)
	}
	for _, c := range allCommands() {
		if want == "" || !has(":"+c.name, c.help) {
			continue
		}
		out = append(out, hit{keys: ":" + c.usage(), help: c.help, where: "command", run: func(m *model) tea.Cmd {
			line := newCommand()
			line.in.set(c.name + " ")
			m.push(line)
			return nil
		}})
	}
	return out
}

func (d *helpDialog) handle(m *model, ev event) (verdict, tea.Cmd) {
	found := d.hits()
	if d.find.String() == "" && ev.text == "" && d.move(lookup(m.keys, keyName(ev.key))) {
		return consumed, nil
	}
	switch ev.key.Code {
	case tea.KeyEscape:
		return closed, nil
	case tea.KeyEnter, tea.KeyKpEnter:
		if d.at.at < len(found) && found[d.at.at].run != nil {
			m.remove(d)
			return consumed, found[d.at.at].run(m)
		}
		return closed, nil
	case tea.KeyUp:
		d.at.at = max(d.at.at-1, 0)
		return consumed, nil
	case tea.KeyDown:
		d.at.at = max(min(d.at.at+1, len(found)-1), 0)
		return consumed, nil
	}
	if ev.key.Keystroke() == "ctrl+c" {
		return closed, nil
	}
	if ev.text == "?" && len(d.find.String()) == 0 {
		return closed, nil
	}
	if d.find.edit(ev) {
		d.at = list{}
	}
	return consumed, nil
}

// click implements clicker: it runs what was found, or a key of the first page.
func (d *helpDialog) click(m *model, row, x int, _ bool) tea.Cmd {
	text := m.textAt(m.top.inner(), m.top.y+1+row)
	if d.find.String() != "" {
		if found := d.hits(); row >= 2 && d.at.top+row-2 < len(found) && found[d.at.top+row-2].run != nil {
			m.remove(d)
			return found[d.at.top+row-2].run(m)
		}
		return nil
	}
	label := labelAt(text, x, m.charset)
	for _, k := range firstKeys() {
		if len(k.intents) == 1 && strings.HasSuffix(label, k.text) {
			m.remove(d)
			return m.run(k.intents[0])
		}
	}
	return nil
}

func (d *helpDialog) draw(m *model, w, h int) face {
	f := face{title: "KEYS  (type to search)", foot: []string{"type to find any key or command", "Esc"}, grow: true}
	f.rows = append(f.rows, d.find.draw(m, w, "find: ", true), spaces(w))
	if d.find.String() == "" {
		page := d.firstPage(m, w)
		f.rows = append(f.rows, d.window(page, h-2)...)
		return f
	}
	f.foot = []string{"Enter run it now", "Esc"}
	found := d.hits()
	if len(found) == 0 {
		f.rows = append(f.rows, m.text(w, m.dim, "no key and no command has this word"))
	}
	d.at.at = max(min(d.at.at, len(found)-1), 0)
	top := d.at.fit(len(found), h-2, true)
	for i := top; i < min(top+max(h-2, 0), len(found)); i++ {
		x := found[i]
		n := m.line(w, "").put("", "   ")
		if i == d.at.at {
			n = m.line(w, m.picked).put(m.accent, " "+m.marker+" ")
		}
		n.cell(m.accent, x.keys, 22).cell("", x.help, max(w-3-23-16, 8))
		f.rows = append(f.rows, n.put(m.dim, x.where).end())
	}
	return f
}

// firstPage is the first keys in two columns, and the two modes.
func (d *helpDialog) firstPage(m *model, w int) []string {
	var cells []hit
	for _, row := range firstKeys() {
		c := hit{help: row.text}
		for _, b := range d.keys {
			if b.scope == Town && slices.Contains(row.intents, b.intent) {
				c.keys = strings.TrimSpace(c.keys + " " + b.keys[0])
			}
		}
		cells = append(cells, c)
	}
	var rows []string
	half, text := (len(cells)+1)/2, max(w/2-12, 16)
	if w < 70 {
		half, text = len(cells), max(w-12, 16)
	}
	for i := range half {
		n := m.line(w, "").put("", " ")
		for j := i; j < len(cells); j += half {
			n.cell(m.accent, cells[j].keys, 8).cell("", cells[j].help, text).put("", " ")
		}
		rows = append(rows, n.end())
	}
	return append(rows, spaces(w),
		m.line(w, "").put("", " ").put("1", "TYPE").put("", "  every key goes to the agent, but "+m.townKeyText()+": the board").end(),
		m.line(w, "").put("", " ").put("1", "TOWN").put("", "  single letters act on the board; m goes back to the Mayor").end(),
		m.text(w, m.dim, "Ctrl-5 sends the same byte as Ctrl-]. [keys] in town.toml chooses another."))
}
