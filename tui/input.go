package tui

import (
	"strings"

	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"
)

// input is one line of text being typed: the editing is that of Bubbles' textinput, the
// drawing is ours, exact to the cell. The zero value is empty and ready.
type input struct {
	line *textinput.Model // nil: nothing was typed yet
}

func (p *input) model() *textinput.Model {
	if p.line == nil {
		m := textinput.New()
		m.Focus() // a field that is not focused takes no keys; its blinking is not asked for
		p.line = &m
	}
	return p.line
}

func (p *input) String() string { return strings.TrimSpace(p.model().Value()) }

// raw is the text with the blanks around it.
func (p *input) raw() string { return p.model().Value() }

func (p *input) set(s string) {
	p.model().SetValue(s)
	p.model().CursorEnd()
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
		*m, _ = m.Update(tea.PasteMsg{Content: clean(ev.text)})
		return true
	}
	*m, _ = m.Update(tea.KeyPressMsg(ev.key))
	return ev.text != "" || m.Value() != value || m.Position() != at || editing(ev.key)
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
	n := m.line(w, "").put("", " ").put(m.dim, label)
	text, at := p.runes()
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

// promptDialog asks for one line.
type promptDialog struct {
	in            input
	title, label  string
	above         []string // rows of explanation
	foot          string
	each          func(m *model, text string) // after each key
	enter         func(m *model, text string) tea.Cmd
	cancel        func(m *model)
	keepWhenEmpty bool                  // Enter without text does nothing
	over          func(m *model) string // why nobody is there to take it any more; nil, "": somebody is
}

func (d *promptDialog) scope() Scope    { return InInput }
func (d *promptDialog) wantsText() bool { return true }

func (d *promptDialog) handle(m *model, ev event) (verdict, tea.Cmd) {
	switch ev.key.Code {
	case tea.KeyEnter, tea.KeyKpEnter:
		if d.in.String() == "" && d.keepWhenEmpty || ended(m, d.over) != "" {
			return consumed, nil
		}
		return closed, d.enter(m, d.in.String())
	case tea.KeyEscape:
		if d.cancel != nil {
			d.cancel(m)
		}
		return closed, nil
	}
	if ev.key.Keystroke() == "ctrl+c" {
		if d.cancel != nil {
			d.cancel(m)
		}
		return closed, nil
	}
	if d.in.edit(ev) && d.each != nil {
		d.each(m, d.in.String())
	}
	return consumed, nil
}

func (d *promptDialog) draw(m *model, w, _ int) face {
	f := face{title: d.title, foot: []string{d.foot, "Esc cancel"}}
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
	f.rows = append(f.rows, d.in.draw(m, w, d.label, true))
	return f
}
