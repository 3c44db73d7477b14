package tui

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"gastown/internal/fault"
)

// commandDialog is the : line with the commands that fit what is typed, or what may follow
// the one that is.
type commandDialog struct {
	in   input
	at   list
	all  []command
	back int // how far back in the history; 0: the line is new
}

func (m *model) newCommand() *commandDialog { return &commandDialog{all: m.allCommands()} }

func (d *commandDialog) scope() Scope    { return InInput }
func (d *commandDialog) wantsText() bool { return true }
func (d *commandDialog) longer() bool    { return d.at.longer() }

// mostHistory is how many command lines are remembered.
const mostHistory = 100

// proposal is one row below the line.
type proposal struct {
	text, help string // text is the whole line that it stands for
	cmd        command
	arg        string
}

// match is what the line may become: commands by name, else words for the argument, else
// commands whose help has the text.
func (d *commandDialog) match(m *model) []proposal {
	line := strings.TrimLeft(d.in.raw(), " ")
	text := strings.ToLower(line)
	var out []proposal
	for _, c := range d.all {
		if strings.HasPrefix(c.name, strings.TrimRight(text, " ")) && (!strings.HasSuffix(text, " ") || c.name == strings.TrimRight(text, " ") && c.args == "") {
			out = append(out, proposal{text: c.name, help: c.help, cmd: c})
		}
	}
	if c, arg, ok := d.named(line); ok {
		words := m.wordsFor(c, arg)
		for _, w := range words {
			out = append(out, proposal{text: c.name + " " + w.text, help: w.help, cmd: c, arg: w.text})
		}
		if len(words) == 0 || strings.TrimSpace(arg) == "" {
			first := proposal{text: strings.TrimRight(line, " "), help: c.help, cmd: c, arg: strings.TrimSpace(arg)}
			if len(out) == 0 || out[0].text != first.text {
				out = append([]proposal{first}, out...)
			}
		}
	}
	if len(out) > 0 || text == "" {
		return out
	}
	for _, c := range d.all {
		if strings.Contains(c.name+" "+c.help, text) {
			out = append(out, proposal{text: c.name, help: c.help, cmd: c})
		}
	}
	return out
}

// named is the command with the longest name that the line begins with, and what follows.
func (d *commandDialog) named(line string) (c command, arg string, ok bool) {
	for _, each := range d.all {
		if rest, is := strings.CutPrefix(line, each.name+" "); is && len(each.name) > len(c.name) {
			c, arg, ok = each, rest, true
		}
	}
	return c, arg, ok
}

// wordsFor completes the last word of an argument: an option, its value, or a bead, polecat, agent, rig or convoy, by
// what the argument's name says.
func (m *model) wordsFor(c command, typed string) []proposal {
	head, typed := "", strings.TrimLeft(typed, " ")
	if i := strings.LastIndexByte(typed, ' '); i >= 0 {
		head, typed = typed[:i+1], typed[i+1:]
	}
	var out []proposal
	add := func(text, help string) {
		if strings.Contains(strings.ToLower(text), strings.ToLower(typed)) {
			out = append(out, proposal{text: head + text, help: help})
		}
	}
	if strings.HasPrefix(typed, "-") {
		for _, o := range m.opts[c.name] {
			if strings.HasPrefix(o.Name, typed) {
				add(o.Name, strings.TrimSpace(o.Value+"  "+o.Help))
			}
		}
		return out
	}
	kind, _, _ := strings.Cut(strings.Trim(strings.SplitN(c.args+" ", " ", 2)[0], "[]."), "[")
	if words := strings.Fields(head); len(words) > 0 && strings.HasPrefix(words[len(words)-1], "--") {
		kind = map[string]string{"--agent": "AGENT", "--rig": "RIG", "--polecat": "POLECAT", "--to": "POLECAT", "--dep": "BEAD", "--parent": "BEAD"}[words[len(words)-1]]
	} else if head != "" && !strings.Contains(c.args, "...") {
		return nil
	}
	switch kind {
	case "AGENT", "PRESET":
		for _, a := range m.facts.view.Agents {
			add(a.Spec, a.Says)
		}
	case "BEAD":
		for _, r := range m.facts.beads {
			add(string(r.bead.ID), string(r.glyph)+" "+clean(r.bead.Title))
		}
	case "POLECAT", "POLECAT|BEAD", "TO":
		for _, r := range m.facts.cats {
			if r.cat.Bead != "" {
				add(r.cat.Name, string(r.glyph)+" "+clean(string(r.cat.Bead)))
			}
		}
		if kind == "TO" {
			add(MayorName, "")
		}
	case "RIG":
		for _, r := range m.facts.view.Status.Rigs {
			add(r.Name, clean(r.Branch))
		}
	case "CONVOY":
		for _, c := range m.facts.view.Convoys {
			add(quoted(c.Name), fmt.Sprintf("%d/%d", c.Closed, c.Total))
		}
	}
	return out
}

func (d *commandDialog) handle(m *model, ev event) (verdict, tea.Cmd) {
	found := d.match(m)
	at := max(min(d.at.at, len(found)-1), 0)
	switch ev.key.Code {
	case tea.KeyEscape:
		return closed, nil
	case tea.KeyEnter, tea.KeyKpEnter:
		return d.enter(m, found, at)
	case tea.KeyTab:
		if len(found) > 0 {
			d.in.set(found[at].text + " ")
			d.at = list{}
		}
		return consumed, nil
	case tea.KeyUp:
		if d.at.at == 0 {
			d.recall(m, 1)
			return consumed, nil
		}
		d.at.at--
		return consumed, nil
	case tea.KeyDown:
		if d.back > 0 {
			d.recall(m, -1)
			return consumed, nil
		}
		d.at.at = max(min(d.at.at+1, len(found)-1), 0)
		return consumed, nil
	}
	if ev.key.Keystroke() == "ctrl+c" {
		return closed, nil
	}
	if d.in.edit(ev) {
		d.at, d.back = list{}, 0
	}
	return consumed, nil
}

// enter runs the selected proposal.
func (d *commandDialog) enter(m *model, found []proposal, at int) (verdict, tea.Cmd) {
	line := d.in.String()
	if line == "" && d.at.at == 0 {
		return closed, nil
	}
	if len(found) == 0 { // the row below says so; the line can be mended
		return consumed, nil
	}
	return d.take(m, found[at])
}

// take runs a proposal, or asks for the word that it needs.
func (d *commandDialog) take(m *model, p proposal) (verdict, tea.Cmd) {
	if missing := strings.TrimSpace(p.cmd.args); p.arg == "" && missing != "" && !strings.HasPrefix(missing, "[") {
		d.in.set(p.cmd.name + " ") // it needs a word more
		d.at = list{}
		return consumed, nil
	}
	m.said = append(m.said, strings.TrimSpace(p.cmd.name+" "+p.arg))
	m.said = m.said[max(len(m.said)-mostHistory, 0):]
	m.remove(d)
	return consumed, m.perform(p.cmd, p.arg)
}

// unknown says that the line begins with no command, and with which it may have been meant to.
func (d *commandDialog) unknown() string {
	text := "no such command"
	names := make([]string, len(d.all))
	for i, c := range d.all {
		names[i] = c.name
	}
	if near := fault.Nearest(strings.Fields(d.in.String()), names); len(near) > 0 {
		text += "; did you mean :" + strings.Join(near, " or :") + "?"
	}
	return text
}

// click implements clicker: a command that needs no word runs, another is taken over into the line.
func (d *commandDialog) click(m *model, row, _ int, again bool) tea.Cmd {
	const above = 2 // the line and a blank row
	found := d.match(m)
	i := d.at.top + row - above
	if row < above || i >= len(found) {
		return nil
	}
	if again || found[i].cmd.args == "" {
		_, cmd := d.take(m, found[i])
		return cmd
	}
	d.in.set(found[i].text + " ")
	d.at = list{}
	return nil
}

// keyFor is the first key of an intent of the board, "" for none.
func (m *model) keyFor(in Intent) string {
	for _, b := range m.keys {
		if b.intent == in && b.scope == Town {
			return keyText(b.keys[0])
		}
	}
	return ""
}

// recall goes back (or forth) in what was typed before.
func (d *commandDialog) recall(m *model, by int) {
	d.back = max(min(d.back+by, len(m.said)), 0)
	if d.back == 0 {
		d.in.set("")
		return
	}
	d.in.set(m.said[len(m.said)-d.back])
}

func (d *commandDialog) draw(m *model, w, h int) face {
	f := face{title: ": COMMAND", foot: []string{"Tab complete", "Up history", "Enter run", "Esc"}, grow: true}
	f.rows = append(f.rows, d.in.draw(m, w, ":", true), spaces(w))
	found := d.match(m)
	if d.in.String() == "" {
		found = nil
		for _, c := range d.all {
			found = append(found, proposal{text: c.usage(), help: c.help, cmd: c})
		}
	}
	if len(found) == 0 {
		for _, s := range wrap(d.unknown(), w-2) {
			f.rows = append(f.rows, m.text(w, m.words('!'), s))
		}
	}
	d.at.at = max(min(d.at.at, len(found)-1), 0)
	top := d.at.fit(len(found), h-2, true)
	for i := top; i < min(top+h-2, len(found)); i++ {
		n := m.line(w, "").put("", "   ")
		if i == d.at.at && (d.in.String() != "" || i > 0) {
			n = m.line(w, m.picked).put(m.accent, " "+m.marker+" ")
		}
		text := clean(found[i].text)
		if found[i].arg == "" && !strings.Contains(text, "[") && text == found[i].cmd.name {
			text = found[i].cmd.usage()
		}
		key := ""
		if found[i].arg == "" {
			key = m.keyFor(found[i].cmd.key)
		}
		f.rows = append(f.rows, n.cell("", text, min(max(w/2-9, 10), 34)).cell(m.accent, key, 6).put(m.dim, found[i].help).end())
	}
	return f
}
