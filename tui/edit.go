package tui

import (
	"context"
	"io"
	"strings"

	tea "charm.land/bubbletea/v2"

	"gastown/beads"
	"gastown/internal/api"
	"gastown/internal/fault"
)

// editMsg is the end of the person's editor.
type editMsg struct {
	bead beads.ID // empty: a new one
	text string
	err  error
}

// editJob runs the person's editor while the screen is suspended.
type editJob struct {
	edit func(text string) (string, error)
	text string
}

// Run implements tea.ExecCommand.
func (j *editJob) Run() (err error) {
	j.text, err = j.edit(j.text)
	return err
}

// SetStdin implements tea.ExecCommand; the editor has the terminal itself.
func (j *editJob) SetStdin(io.Reader) {}

// SetStdout implements tea.ExecCommand.
func (j *editJob) SetStdout(io.Writer) {}

// SetStderr implements tea.ExecCommand.
func (j *editJob) SetStderr(io.Writer) {}

// editBead is o: title, description and acceptance of a bead in $EDITOR.
func (m *model) editBead() tea.Cmd {
	return m.onBead(func(r beadRow) tea.Cmd {
		return m.editText(r.bead.ID, beadText(&r.bead.Bead))
	})
}

func (m *model) editText(id beads.ID, text string) tea.Cmd {
	if m.edit == nil {
		m.refuse("no editor can be started here")
		return nil
	}
	job := &editJob{edit: m.edit, text: text}
	return tea.Exec(job, func(err error) tea.Msg { return editMsg{bead: id, text: job.text, err: err} })
}

// The parts of a bead as text. A line of its own that says so begins the acceptance criteria.
const acceptHead = "## Accepted when"

const editHelp = "<!-- First line: the title. Below it: the description. Save and leave to keep it; an empty title keeps the bead as it was. -->"

func beadText(b *beads.Bead) string {
	return b.Title + "\n\n" + strings.TrimSpace(b.Description) + "\n\n" + acceptHead + "\n\n" +
		strings.TrimSpace(b.AcceptanceCriteria) + "\n\n" + editHelp + "\n"
}

// readBeadText takes apart what beadText made and a person changed.
func readBeadText(text string) (title, description, accept string) {
	text = strings.ReplaceAll(beads.CleanText(text), editHelp, "")
	title, rest, _ := strings.Cut(strings.TrimLeft(text, "\n \t"), "\n")
	description, accept, _ = strings.Cut("\n"+rest, "\n"+acceptHead)
	return strings.TrimSpace(title), strings.TrimSpace(description), strings.TrimSpace(accept)
}

// edited keeps what came back from the editor.
func (m *model) edited(msg editMsg) tea.Cmd {
	if msg.err != nil {
		text, hint := explain(msg.err)
		m.fail("editor: "+text, hint)
		return nil
	}
	title, description, accept := readBeadText(msg.text)
	if title == "" {
		m.refuse("no title, so nothing is changed")
		return nil
	}
	if msg.bead == "" {
		delete(m.unsent, "new bead")
		return m.create(api.BeadCreateReq{Title: title, Description: description, Accept: accept, Rig: m.rig})
	}
	r, ok := m.beadByID(string(msg.bead))
	if ok && r.bead.Title == title && strings.TrimSpace(r.bead.Description) == description && strings.TrimSpace(r.bead.AcceptanceCriteria) == accept {
		m.refuse("nothing is changed")
		return nil
	}
	id := msg.bead
	return m.call("edit "+string(id), func(ctx context.Context, d api.Doer) (string, error) {
		b, err := api.BeadUpdate.Do(ctx, d, api.BeadUpdateReq{Bead: id, Title: &title, Description: &description, Accept: &accept})
		if err != nil {
			return "", err
		}
		if b.ID == "" {
			return "", fault.Failf("edit %s: no answer", id)
		}
		return string(b.ID) + " is changed: " + b.Title, nil
	})
}

func (m *model) create(req api.BeadCreateReq) tea.Cmd {
	return m.callMaking("new bead", func(ctx context.Context, d api.Doer) (string, beads.ID, error) {
		b, err := api.BeadCreate.Do(ctx, d, req)
		return string(b.ID) + " created: " + b.Title, b.ID, err
	})
}

// newBeadDialog is n: title, description and acceptance criteria of a new bead.
type newBead struct {
	fields [3]input
	labels [3]string
	at     int
	rigs   []string
	rig    int
}

func newBeadDialog(m *model) *newBead {
	d := &newBead{labels: [3]string{"title   ", "what    ", "accept  "}, fields: [3]input{{}, {lines: true}, {lines: true}}}
	for i, r := range m.facts.view.Status.Rigs {
		d.rigs = append(d.rigs, r.Name)
		if r.Name == m.rig {
			d.rig = i
		}
	}
	if r, ok := m.selectedBead(); ok && m.rig == "" {
		for i, name := range d.rigs {
			if name == r.bead.Rig {
				d.rig = i
			}
		}
	}
	return d
}

func (d *newBead) scope() Scope    { return InForm }
func (d *newBead) wantsText() bool { return true }

// draft implements writer.
func (d *newBead) draft(*model) (string, []*input) {
	return "new bead", []*input{&d.fields[0], &d.fields[1], &d.fields[2]}
}

// paste splits a text of several lines that was pasted as the title: the rest is what is to be done.
func (d *newBead) paste(ev event) {
	title, rest, more := strings.Cut(strings.TrimLeft(beads.CleanText(ev.text), "\n "), "\n")
	if d.at == 0 && more && len(ev.key.Text) == 0 {
		d.fields[1].edit(event{text: rest})
		ev.text = title
	}
	d.fields[d.at].edit(ev)
}

func (d *newBead) handle(m *model, ev event) (verdict, tea.Cmd) {
	if enters(ev.key) {
		req := d.request()
		if req.Title == "" {
			d.at = 0
			return consumed, nil
		}
		cmd := m.create(req)
		if cmd != nil {
			m.sent(d)
		}
		return closed, cmd
	}
	switch ev.key.Code {
	case tea.KeyEscape:
		return closed, nil
	case tea.KeyTab:
		by := 1
		if ev.key.Mod == tea.ModShift {
			by = len(d.fields) - 1
		}
		d.at = (d.at + by) % len(d.fields)
		return consumed, nil
	case tea.KeyDown:
		d.at = min(d.at+1, len(d.fields)-1)
		return consumed, nil
	case tea.KeyUp:
		d.at = max(d.at-1, 0)
		return consumed, nil
	}
	switch ev.key.Keystroke() {
	case "ctrl+c":
		return closed, nil
	case "ctrl+r":
		if len(d.rigs) > 1 {
			d.rig = (d.rig + 1) % len(d.rigs)
		}
		return consumed, nil
	case "ctrl+o":
		r := d.request()
		return closed, m.editText("", beadText(&beads.Bead{Title: r.Title, Description: r.Description, AcceptanceCriteria: r.Accept}))
	}
	d.paste(ev)
	return consumed, nil
}

// click implements clicker: the field that is typed in.
func (d *newBead) click(_ *model, row, _ int, _ bool) tea.Cmd {
	const above = 2
	if i := row - above; i >= 0 && i < len(d.fields) {
		d.at = i
	}
	return nil
}

func (d *newBead) request() api.BeadCreateReq {
	r := api.BeadCreateReq{Title: d.fields[0].String(), Description: d.fields[1].String(), Accept: d.fields[2].String()}
	if len(d.rigs) > 1 {
		r.Rig = d.rigs[d.rig]
	}
	return r
}

func (d *newBead) draw(m *model, w, _ int) face {
	f := face{title: "NEW BEAD", foot: []string{"Enter create", "Tab next field", "Ctrl-O in $EDITOR", "Esc cancel"}}
	if len(d.rigs) > 1 {
		f.right = "rig " + clean(d.rigs[d.rig])
		f.foot = append(f.foot, "Ctrl-R rig")
	}
	f.rows = append(f.rows, m.text(w, m.dim, "One task. It starts when it is assigned (a)."), spaces(w))
	for i := range d.fields {
		f.rows = append(f.rows, d.fields[i].draw(m, w, d.labels[i], i == d.at))
	}
	return f
}
