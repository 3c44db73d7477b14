package tui

import (
	"strings"

	tea "charm.land/bubbletea/v2"
)

// input is one line of text being typed.
type input struct {
	text []rune
	at   int
}

func (p *input) String() string { return strings.TrimSpace(string(p.text)) }

func (p *input) set(s string) {
	p.text = []rune(s)
	p.at = len(p.text)
}

// edit applies a key or pasted text and reports whether it was one for an input.
func (p *input) edit(ev event) bool {
	if p.editKey(ev.key) {
		return true
	}
	if ev.text == "" {
		return false
	}
	add := []rune(clean(ev.text))
	if ev.text == " " {
		add = []rune{' '}
	}
	p.text = append(p.text[:p.at:p.at], append(add, p.text[p.at:]...)...)
	p.at += len(add)
	return true
}

func (p *input) editKey(k tea.Key) bool {
	switch k.Keystroke() {
	case "backspace", "shift+backspace", "ctrl+h":
		if p.at > 0 {
			p.text = append(p.text[:p.at-1:p.at-1], p.text[p.at:]...)
			p.at--
		}
	case "delete":
		if p.at < len(p.text) {
			p.text = append(p.text[:p.at:p.at], p.text[p.at+1:]...)
		}
	case "left", "ctrl+b":
		p.at = max(p.at-1, 0)
	case "right", "ctrl+f":
		p.at = min(p.at+1, len(p.text))
	case "home", "ctrl+a":
		p.at = 0
	case "end", "ctrl+e":
		p.at = len(p.text)
	case "ctrl+u":
		p.text, p.at = append([]rune(nil), p.text[p.at:]...), 0
	case "ctrl+w", "alt+backspace":
		to := p.at
		for to > 0 && p.text[to-1] == ' ' {
			to--
		}
		for to > 0 && p.text[to-1] != ' ' {
			to--
		}
		p.text, p.at = append(p.text[:to:to], p.text[p.at:]...), to
	default:
		return false
	}
	return true
}

// draw is the text with a block where the cursor is, its end in sight.
func (p *input) draw(m *model, w int, label string, active bool) string {
	n := m.line(w, "").put("", " ").put(m.dim, label)
	if !active {
		return n.put("", string(p.text)).end()
	}
	from := 0
	for from < p.at && width(string(p.text[from:p.at])) > n.left-2 {
		from++
	}
	n.put("", string(p.text[from:p.at]))
	under, rest := " ", ""
	if p.at < len(p.text) {
		under, rest = string(p.text[p.at]), string(p.text[p.at+1:])
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
	keepWhenEmpty bool // Enter without text does nothing
}

func (d *promptDialog) scope() Scope    { return InInput }
func (d *promptDialog) wantsText() bool { return true }

func (d *promptDialog) handle(m *model, ev event) (verdict, tea.Cmd) {
	switch ev.key.Code {
	case tea.KeyEnter, tea.KeyKpEnter:
		if d.in.String() == "" && d.keepWhenEmpty {
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
