package tui

import (
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

// helpDialog is ?: the first keys, with Tab all of them, and with a word typed every key and command that
// has it.
type helpDialog struct {
	scroller // of a page, where it is longer than the screen
	find     input
	at       list
	keys     []binding
	commands []command
	all      bool     // the second page is shown
	page     []cellOf // what stands where on the page, as last drawn
}

// cellOf is one key of a page: where it stands, and what a click on it does.
type cellOf struct {
	row, x, w int
	run       func(m *model) tea.Cmd
}

func newHelp(m *model) *helpDialog { return &helpDialog{keys: m.keys, commands: m.allCommands()} }

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
		keys := keyNames(b.keys)
		if want == "" || !has(keys, b.help, b.scope.String()) {
			continue
		}
		h := hit{keys: keys, help: b.help, where: b.scope.String()}
		if b.scope == Town {
			h.run = func(m *model) tea.Cmd { return m.run(b.intent) }
		}
		out = append(out, h)
	}
	for _, c := range d.commands {
		if want == "" || !has(":"+c.name, c.help) {
			continue
		}
		out = append(out, hit{keys: ":" + c.usage(), help: c.help, where: "command", run: func(m *model) tea.Cmd {
			line := m.newCommand()
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
	case tea.KeyTab:
		if d.find.String() == "" {
			d.all, d.scroller = !d.all, scroller{}
		}
		return consumed, nil
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

// click implements clicker: it runs what was found, or a key of the page.
func (d *helpDialog) click(m *model, row, x int, _ bool) tea.Cmd {
	const above = 2
	if d.find.String() != "" {
		if found := d.hits(); row >= above && d.at.top+row-above < len(found) && found[d.at.top+row-above].run != nil {
			m.remove(d)
			return found[d.at.top+row-above].run(m)
		}
		return nil
	}
	for _, c := range d.page {
		if c.row == d.top+row-above && x >= c.x && x < c.x+c.w && row >= above {
			m.remove(d)
			return c.run(m)
		}
	}
	return nil
}

func (d *helpDialog) draw(m *model, w, h int) face {
	f := face{title: "KEYS  (type to search)"}
	f.rows = append(f.rows, d.find.draw(m, w, "find: ", true), spaces(w))
	if d.find.String() == "" {
		page, next := d.firstPage(m, w), "Tab all keys"
		if d.all {
			page, next = d.allKeys(m, w), "Tab first keys"
			f.grow = true
		}
		f.rows = append(f.rows, d.window(page, h-2)...)
		f.foot = []string{next, "type to find a key or command", "Esc"}
		return f
	}
	d.rows = 0
	f.grow, f.foot = true, []string{"Enter run it now", "Esc"}
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
	first, cols := firstKeys(), 2
	if w < 70 {
		cols = 1
	}
	half, col := (len(first)+cols-1)/cols, w/cols
	d.page = nil
	var rows []string
	for i := range half {
		n := m.line(w, "")
		for j := 0; i+j*half < len(first); j++ {
			row, x := first[i+j*half], 1+j*col
			n.put("", spaces(x-(w-n.left)))
			d.firstKey(n, row, i, x, col-10)
		}
		rows = append(rows, n.end())
	}
	return append(rows, spaces(w),
		m.line(w, "").put("", " ").put("1", "TYPE").put("", "  every key goes to the agent, but "+m.townKeyText()+": the board").end(),
		m.line(w, "").put("", " ").put("1", "TOWN").put("", "  single letters act on the board; m goes back to the Mayor").end(),
		m.text(w, m.dim, "Ctrl-5 sends the same byte as Ctrl-]. [keys] in town.toml chooses another."),
		m.text(w, m.dim, "A key does nothing? In a shell, gastown keys doctor shows what arrives."))
}

// firstKey writes one row of the first page; each of several keys on it can be clicked by itself.
func (d *helpDialog) firstKey(n *line, row firstKey, y, x, w int) {
	var keys []string
	for _, in := range row.intents {
		for _, b := range d.keys {
			if b.scope == Town && b.intent == in {
				keys = append(keys, keyText(b.keys[0]))
			}
		}
	}
	const keyCol = 8
	words := strings.Fields(row.text)
	at := func(i, from, width int) {
		in := row.intents[i]
		d.page = append(d.page, cellOf{y, from, width, func(m *model) tea.Cmd { return m.run(in) }})
	}
	switch {
	case len(row.intents) == 1:
		at(0, x, keyCol+1+width(row.text))
	case len(words) == len(row.intents): // one word for each
		k, t := x, x+keyCol+1
		for i := range words {
			at(i, k, width(keys[i]))
			at(i, t, width(words[i]))
			k, t = k+width(keys[i])+1, t+width(words[i])+1
		}
	}
	n.cell(n.look.accent, strings.Join(keys, " "), keyCol).put("", cut(row.text, w, n.look.more))
}

// allKeys is the whole keymap, by where a key holds.
func (d *helpDialog) allKeys(m *model, w int) []string {
	d.page = nil
	var rows []string
	for scope := Town; scope <= lastScope; scope++ {
		begun := false
		for _, b := range d.keys {
			if b.scope != scope {
				continue
			}
			if !begun {
				if len(rows) > 0 {
					rows = append(rows, spaces(w))
				}
				rows, begun = append(rows, m.text(w, "1", strings.ToUpper(scope.String()))), true
			}
			if scope == Town {
				in := b.intent
				d.page = append(d.page, cellOf{len(rows), 1, w - 2, func(m *model) tea.Cmd { return m.run(in) }})
			}
			rows = append(rows, m.line(w, "").put("", "   ").cell(m.accent, keyNames(b.keys), 13).put("", b.help).end())
		}
	}
	return rows
}
