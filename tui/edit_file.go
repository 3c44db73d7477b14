package tui

import (
	"io"

	tea "charm.land/bubbletea/v2"
)

// fileMsg is the end of the person's editor on a file.
type fileMsg struct {
	path string
	err  error
}

// fileJob runs the person's editor on a file while the screen is suspended.
type fileJob struct{ run func() error }

// Run implements tea.ExecCommand.
func (j fileJob) Run() error { return j.run() }

// SetStdin implements tea.ExecCommand; the editor has the terminal itself.
func (j fileJob) SetStdin(io.Reader) {}

// SetStdout implements tea.ExecCommand.
func (j fileJob) SetStdout(io.Writer) {}

// SetStderr implements tea.ExecCommand.
func (j fileJob) SetStderr(io.Writer) {}

// openFile opens the file under the cursor where the polecat has it. What is only in commits is not there to edit.
func (d *diffDialog) openFile(m *model) tea.Cmd {
	r, ok := m.beadByID(string(d.id))
	switch {
	case m.file == nil:
		m.refuse("no editor can be started here")
		return nil
	case !ok || r.cat == nil || r.cat.Worktree == "":
		m.refuse("no polecat works on it now, so there is no worktree to edit in")
		return nil
	case d.doc == nil || d.doc.fileAt(d.at) < 0:
		return nil
	case d.try != 0 && r.cat.Attempt != d.doc.diff.Attempt:
		m.refuse("this is attempt " + itoa(d.doc.diff.Attempt) + ", whose worktree is gone; > shows the one at work")
		return nil
	}
	open, dir, path := m.file, r.cat.Worktree, d.doc.files[d.doc.fileAt(d.at)].path
	return tea.Exec(fileJob{func() error { return open(dir, path) }}, func(err error) tea.Msg { return fileMsg{path, err} })
}

// fileEdited says how the editor ended; the diff shows the change when it is opened anew.
func (m *model) fileEdited(msg fileMsg) tea.Cmd {
	if msg.err != nil {
		text, hint := explain(msg.err)
		m.fail("editor: "+clean(text), hint)
		return nil
	}
	m.say("back from "+clean(msg.path)+"; its polecat sees what you saved", '+')
	for _, o := range m.stack {
		if d, ok := o.(*diffDialog); ok {
			return d.read(m)
		}
	}
	return nil
}
