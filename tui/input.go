package tui

import (
	"slices"
	"strings"

	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"

	"gastown/beads"
)

// input is a text being typed, in one row: the editing is that of Bubbles' textinput, the
// drawing is ours, exact to the cell. The zero value is empty and ready.
type input struct {
	line  *textinput.Model // nil: nothing was typed yet
	lines bool             // it may have several lines; else a pasted line break is a blank
}

// lineBreak stands for the end of a line in the row.
const lineBreak = "\u23ce"

func (p *input) model() *textinput.Model {
	if p.line == nil {
		m := textinput.New()
		m.Focus() // a field that is not focused takes no keys; its blinking is not asked for
		p.line = &m
	}
	return p.line
}

func (p *input) String() string {
	return strings.TrimSpace(strings.ReplaceAll(p.model().Value(), lineBreak, "\n"))
}

// raw is the text with the blanks around it.
func (p *input) raw() string { return p.model().Value() }

func (p *input) set(s string) {
	p.model().SetValue(p.oneRow(s))
	p.model().CursorEnd()
}

// oneRow is a text as it stands in the row.
func (p *input) oneRow(s string) string {
	if !p.lines {
		return s
	}
	rows := strings.Split(strings.Trim(beads.CleanText(s), "\n"), "\n")
	for i := range rows {
		rows[i] = cleanLine(rows[i])
	}
	return strings.Join(rows, lineBreak)
}

// runes is the text, and where in it the cursor is.
func (p *input) runes() (text []rune, at int) {
	m := p.model()
	return []rune(m.Value()), m.Position()
}

// edit applies a key or pasted text and reports whether it was one for an input.
func (p *input) edit(ev event) bool {
	m := p.model()
	value, at := m.Value(), m.Position()
	if len(ev.key.Text) == 0 && ev.text != "" { // a paste
		text := p.oneRow(ev.text)
		if !p.lines {
			text = clean(text)
		}
		*m, _ = m.Update(tea.PasteMsg{Content: text})
		return true
	}
	if p.lines && breaks(ev.key) {
		*m, _ = m.Update(tea.PasteMsg{Content: lineBreak})
		return true
	}
	*m, _ = m.Update(tea.KeyPressMsg(ev.key))
	return ev.text != "" || m.Value() != value || m.Position() != at || editing(ev.key)
}

// enters reports whether a key is Enter alone, which sends; breaks, whether it is one that begins a new line.
func enters(k tea.Key) bool {
	return (k.Code == tea.KeyEnter || k.Code == tea.KeyKpEnter) && k.Mod&^lockMods == 0
}

func breaks(k tea.Key) bool {
	switch k.Keystroke() {
	case "ctrl+j", "alt+enter", "shift+enter":
		return true
	}
	return false
}

// editing reports whether a key belongs to a text field even where it changed nothing.
func editing(k tea.Key) bool {
	switch k.Keystroke() {
	case "backspace", "delete", "left", "right", "home", "end", "ctrl+a", "ctrl+e", "ctrl+u", "ctrl+w", "ctrl+k":
		return true
	}
	return false
}

// draw is the text with a block where the cursor is, its end in sight.
func (p *input) draw(m *model, w int, label string, active bool) string {
	text, at := p.runes()
	if n := strings.Count(string(text), lineBreak); n > 0 {
		label += itoa(n+1) + " lines  "
	}
	n := m.line(w, "").put("", " ").put(m.dim, label)
	if m.ascii {
		text = []rune(strings.ReplaceAll(string(text), lineBreak, "|"))
	}
	if !active {
		return n.put("", string(text)).end()
	}
	from := 0
	for from < at && width(string(text[from:at])) > n.left-2 {
		from++
	}
	n.put("", string(text[from:at]))
	under, rest := " ", ""
	if at < len(text) {
		under, rest = string(text[at]), string(text[at+1:])
	}
	return n.put("7", under).put("", rest).end()
}

// promptDialog asks for a text.
type promptDialog struct {
	in            input
	title, label  string
	above         []string // rows of explanation
	foot          []string
	enter         func(m *model, text string) tea.Cmd
	also          func(m *model, text string) tea.Cmd // Ctrl-T: enter, and something more; may be nil
	key           string                              // what the text is for: one that is not sent is kept, see writer
	keepWhenEmpty bool                                // Enter without text does nothing
	over          func(m *model) string               // why nobody is there to take it any more; nil, "": somebody is
}

func (d *promptDialog) scope() Scope    { return InInput }
func (d *promptDialog) wantsText() bool { return true }

func (d *promptDialog) handle(m *model, ev event) (verdict, tea.Cmd) {
	stroke := ev.key.Keystroke()
	switch {
	case enters(ev.key):
		return d.send(m, d.enter)
	case stroke == "ctrl+t" && d.also != nil:
		return d.send(m, d.also)
	case stroke == "ctrl+o" && d.in.lines:
		return consumed, d.inEditor(m)
	case stroke == "esc" || stroke == "ctrl+c":
		return closed, nil
	}
	if ev.key.Code == tea.KeyPgUp || ev.key.Code == tea.KeyPgDown {
		return ignored, nil // the text above the line, where it is long
	}
	d.in.edit(ev)
	return consumed, nil
}

// send gives the text on, if there is one and somebody to take it.
func (d *promptDialog) send(m *model, to func(*model, string) tea.Cmd) (verdict, tea.Cmd) {
	text := d.in.String()
	if text == "" && d.keepWhenEmpty || ended(m, d.over) != "" {
		return consumed, nil
	}
	cmd := to(m, text)
	if cmd != nil {
		m.sent(d)
	}
	return closed, cmd
}

// draft implements writer.
func (d *promptDialog) draft(m *model) (string, []*input) {
	if ended(m, d.over) != "" {
		return "", nil // there is nobody to write to any more
	}
	return d.key, []*input{&d.in}
}

// inEditor writes the text in $EDITOR.
func (d *promptDialog) inEditor(m *model) tea.Cmd {
	if m.edit == nil {
		m.refuse("no editor can be started here")
		return nil
	}
	job := &editJob{edit: m.edit, text: d.in.String() + "\n"}
	return tea.Exec(job, func(err error) tea.Msg { return writtenMsg{d, job.text, err} })
}

// writtenMsg is a dialog's text as it came back from the editor.
type writtenMsg struct {
	d    *promptDialog
	text string
	err  error
}

func (m *model) written(msg writtenMsg) {
	if msg.err != nil {
		text, hint := explain(msg.err)
		m.fail("editor: "+text, hint)
		return
	}
	msg.d.in.set(msg.text)
}

func (d *promptDialog) draw(m *model, w, _ int) face {
	f := face{title: d.title, foot: append(slices.Clone(d.foot), "Esc cancel")}
	if why := ended(m, d.over); why != "" {
		f.rows, f.foot = append(m.note(w, why+"."), spaces(w), d.in.draw(m, w, d.label, false)), []string{"Esc"}
		return f
	}
	for _, s := range d.above {
		for _, row := range wrap(s, w-2) {
			f.rows = append(f.rows, m.text(w, "", row))
		}
	}
	if len(d.above) > 0 {
		f.rows = append(f.rows, spaces(w))
	}
	f.keep = []string{d.in.draw(m, w, d.label, true)}
	return f
}
