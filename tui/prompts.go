package tui

import (
	"context"
	"fmt"

	tea "charm.land/bubbletea/v2"

	"gastown/beads"
	"gastown/internal/api"
)

// answerCat answers what a polecat asks: here, or where its program asks it.
func (m *model) answerCat(c *api.PolecatInfo) tea.Cmd {
	if c.AtTerminal != "" {
		m.refuse(clean(c.Name) + " asks in its terminal: t opens it")
		return nil
	}
	m.push(newAnswer(c))
	return nil
}

// newAnswer is A.
func newAnswer(c *api.PolecatInfo) *promptDialog {
	name, key, question := c.Name, catKey(c), c.Question
	return &promptDialog{
		over: func(m *model) string {
			if c := m.catByKey(key); c != nil && (c.State != beads.Asking || c.Question != question) {
				return clean(name) + " asks that no more"
			}
			return m.outcome(name, key)
		},
		title: clean(name) + " asks (" + clean(string(c.Bead)) + ")", label: "answer  ", foot: []string{"Enter answer", "Ctrl-O in $EDITOR"}, in: input{lines: true},
		key: "answer " + key, keepWhenEmpty: true, above: []string{clean(c.Question)},
		enter: func(m *model, text string) tea.Cmd {
			return m.call("answer "+name, func(ctx context.Context, d api.Doer) (string, error) {
				ack, err := api.PolecatAnswer.Do(ctx, d, api.AnswerReq{Name: key, Text: text, Question: question})
				return ack.Msg, err
			})
		},
	}
}

// setPriority is p. What is closed has none to set.
func (m *model) setPriority(r beadRow) tea.Cmd {
	if r.bead.Status == beads.Closed {
		m.refuse(clean(string(r.bead.ID)) + " is " + r.word + "; :reopen opens it again")
		return nil
	}
	m.push(newPriority(r))
	return nil
}

// newPriority is p: the next key is the priority.
func newPriority(r beadRow) *choiceDialog {
	id := r.bead.ID
	return &choiceDialog{
		title: "PRIORITY of " + clean(string(id)),
		lines: []string{fmt.Sprintf("now P%d", r.bead.Priority)},
		keys:  priorityButtons(),
		pick: func(m *model, key string) (bool, tea.Cmd) {
			if len(key) != 1 || key[0] < '0' || key[0] > '4' {
				return false, nil
			}
			p := int(key[0] - '0')
			return true, m.call("priority of "+string(id), func(ctx context.Context, d api.Doer) (string, error) {
				_, err := api.BeadUpdate.Do(ctx, d, api.BeadUpdateReq{Bead: id, Priority: &p})
				return fmt.Sprintf("%s is P%d", id, p), err
			})
		},
	}
}

// priorityButtons are the keys of p, with what their ends mean.
func priorityButtons() []string { return []string{"0  highest", "1", "2", "3", "4  lowest"} }

// choiceDialog waits for one key, which is its text: it may come as fast as a hand does.
type choiceDialog struct {
	title string
	lines []string
	keys  []string // as buttons
	pick  func(m *model, key string) (bool, tea.Cmd)
}

func (d *choiceDialog) scope() Scope    { return InAsk }
func (d *choiceDialog) wantsText() bool { return true }

func (d *choiceDialog) handle(m *model, ev event) (verdict, tea.Cmd) {
	if ok, cmd := d.pick(m, keyName(ev.key)); ok {
		return closed, cmd
	}
	if ev.intent == Open {
		return closed, nil
	}
	return ignored, nil
}

func (d *choiceDialog) draw(m *model, w, _ int) face {
	f := face{title: d.title, foot: []string{"Esc cancel"}, keep: []string{spaces(w), m.buttons(w, d.keys...)}}
	for _, s := range d.lines {
		for _, row := range wrap(s, w-2) {
			f.rows = append(f.rows, m.text(w, "", row))
		}
	}
	return f
}

// askDialog is a question whose answer is Cancel unless y is pressed.
type askDialog struct {
	guarded
	title string
	lines []string
	yes   string
	run   func(*model) tea.Cmd
	over  func(*model) string             // why there is nothing to say yes to any more; nil, "": there is
	also  map[Intent]func(*model) tea.Cmd // what may be looked at before
}

// ended is why what a dialog is about is over, "" while it is not.
func ended(m *model, over func(*model) string) string {
	if over == nil {
		return ""
	}
	return over(m)
}

func (d *askDialog) scope() Scope    { return InAsk }
func (d *askDialog) wantsText() bool { return false }

func (d *askDialog) handle(m *model, ev event) (verdict, tea.Cmd) {
	switch ev.intent {
	case Yes:
		if ended(m, d.over) != "" {
			return closed, nil
		}
		return closed, d.run(m)
	case Open:
		return closed, nil
	}
	if look := d.also[ev.intent]; look != nil {
		return consumed, look(m)
	}
	return ignored, nil
}

func (d *askDialog) draw(m *model, w, _ int) face {
	f := face{title: d.title, right: "default: Cancel", foot: []string{"Esc or Enter cancel"}}
	if why := ended(m, d.over); why != "" {
		f.rows, f.foot = m.note(w, why+"."), []string{"Esc"}
		return f
	}
	for _, s := range d.lines {
		for _, row := range wrap(s, w-2) {
			f.rows = append(f.rows, m.text(w, "", row))
		}
	}
	f.keep = []string{spaces(w), m.buttons(w, "y  "+d.yes)}
	return f
}

// buttons is the row of choices: Cancel first, as it is the default.
func (m *model) buttons(w int, others ...string) string {
	n := m.line(w, "").put("", "   ").put("7", "[ Cancel ]")
	for _, o := range others {
		n.put("", "    ").put("1", cut(o, 1, "")).put("", o[len(cut(o, 1, "")):])
	}
	return n.end()
}

// quitDialog is q.
type quitDialog struct {
	guarded
	busy int
}

func (d *quitDialog) scope() Scope    { return InQuit }
func (d *quitDialog) wantsText() bool { return false }

func (d *quitDialog) handle(m *model, ev event) (verdict, tea.Cmd) {
	switch ev.intent {
	case StopAll:
		return closed, m.leave(Stop)
	case DrainAll:
		return closed, m.leave(Drain)
	case Open:
		return closed, nil
	}
	return ignored, nil
}

func (d *quitDialog) draw(m *model, w, _ int) face {
	f := face{title: "QUIT", right: "default: Cancel", foot: []string{"Esc or Enter cancel"}}
	button := "y  quit"
	if d.busy > 0 {
		f.title, button = "QUIT  "+beads.Count(d.busy, "polecat")+" at work", "y  stop all now"
		stops := "agents stop; their work resumes at the next start"
		if m.passing {
			stops = "agents stop"
		}
		f.rows = append(f.rows, spaces(w))
		f.rows = append(f.rows, m.choice(w, "s", "stop all now", stops)...)
		f.rows = append(f.rows, m.choice(w, "d", "drain", "the screen closes, and says what is waited for; polecats finish what they do; Ctrl-C stops them")...)
	}
	texts := []string{"The town lives in this window: when it ends, Mayor and polecats stop.", "Nothing is lost: beads, queue, branches and uncommitted work are kept."}
	if m.passing {
		texts = []string{"The demo's town is deleted when it ends."}
	}
	f.rows = append(f.rows, spaces(w))
	for _, s := range texts {
		for _, row := range wrap(s, w-2) {
			f.rows = append(f.rows, m.text(w, m.dim, row))
		}
	}
	f.rows = append(f.rows, spaces(w))
	f.keep = []string{m.buttons(w, button)}
	return f
}

// leave ends the screen; with the mouse once its button is up: after the end nobody reads that, and the shell would take
// it for text.
func (m *model) leave(how Quit) tea.Cmd {
	m.result = Outcome{how}
	if m.mouse.held {
		m.leaving = true
		return m.after(releaseWait, leaveMsg{})
	}
	return tea.Quit
}

// awaitRelease ends the screen when the button is up, or when that was awaited for long enough. Whatever comes before does
// nothing: the person has left.
func (m *model) awaitRelease(msg tea.Msg) tea.Cmd {
	switch msg.(type) {
	case tea.MouseReleaseMsg, leaveMsg:
		return tea.Quit
	}
	return nil
}

// choice is the rows of a key, what it does and what comes of that.
func (m *model) choice(w int, key, what, why string) []string {
	const col = 5 + 15
	var rows []string
	for i, s := range wrap(why, max(w-col-1, 10)) {
		if i > 0 {
			key, what = " ", ""
		}
		rows = append(rows, m.line(w, "").put("", "  ").put(m.accent.and("1"), key).put("", "  ").cell("", what, 14).put(m.dim, s).end())
	}
	return rows
}
