package tui

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"gastown/beads"
	"gastown/internal/api"
	"gastown/internal/fault"
	"gastown/refinery"
)

// doneMsg is the end of a verb that was called.
type doneMsg struct {
	label string   // what was under way
	title string   // of the dialog that shows the text; empty: it is a toast where it is short
	text  string   // what is now true
	made  beads.ID // that the cursor goes to
	err   error
}

// call runs f off Update; its text becomes a toast. The same label runs once at a time.
func (m *model) call(label string, f func(ctx context.Context, d api.Doer) (string, error)) tea.Cmd {
	return m.callMaking(label, func(ctx context.Context, d api.Doer) (string, beads.ID, error) {
		text, err := f(ctx, d)
		return text, "", err
	})
}

// callMaking is call of a verb that makes a bead, to which the cursor goes.
func (m *model) callMaking(label string, f func(ctx context.Context, d api.Doer) (string, beads.ID, error)) tea.Cmd {
	if m.busy[label] {
		m.refuse(label + " is under way")
		return nil
	}
	m.busy[label], m.called = true, label
	m.say(label+" ...", '.')
	m.toast.waits = true
	ctx, host := m.ctx, m.host
	return m.guard(func() tea.Msg {
		text, made, err := f(ctx, host)
		return doneMsg{label: label, text: text, made: made, err: err}
	})
}

func (m *model) done(msg doneMsg) tea.Cmd {
	delete(m.busy, msg.label)
	m.made = cmp.Or(msg.made, m.made)
	m.showMade()
	kept := m.sentOr(msg.label, msg.err == nil)
	if msg.err != nil {
		if !errors.Is(msg.err, context.Canceled) {
			text, hint := explain(msg.err)
			if kept {
				hint = strings.TrimPrefix(hint+"; what you wrote is kept", "; ")
			}
			m.fail(msg.label+": "+unsaid(msg.label, text), hint)
		}
		return nil
	}
	if msg.title != "" {
		m.push(&textDialog{title: msg.title, text: strings.Split(msg.text, "\n")})
		return nil
	}
	if strings.Contains(msg.text, "\n") || len(wrap(clean(msg.text), m.layout.foot.w-4)) >= longToast {
		m.clearToast()
		m.push(&textDialog{title: strings.ToUpper(clean(msg.label)), text: strings.Split(msg.text, "\n")})
		return nil
	}
	m.say(orWord(msg.text, msg.label+": done"), '+')
	return nil
}

// explain is an error for a person, with its hint.
func explain(err error) (text, hint string) {
	var f *fault.Error
	if errors.As(err, &f) {
		return f.Msg, f.Hint
	}
	return err.Error(), ""
}

// fetch asks for text for an overlay; key finds it again.
func (m *model) fetch(key string, f func(ctx context.Context, d api.Doer) (string, error)) tea.Cmd {
	ctx, host := m.ctx, m.host
	return m.guard(func() tea.Msg {
		text, err := f(ctx, host)
		return fetchedMsg{key: key, text: text, err: err}
	})
}

// onBead runs f on the selected bead.
func (m *model) onBead(f func(beadRow) tea.Cmd) tea.Cmd {
	if r, ok := m.selectedBead(); ok {
		return f(r)
	}
	if m.focus != paneBeads {
		m.refuse("no bead is selected here; 1 goes to the beads")
		return nil
	}
	m.refuse("no bead is selected")
	return nil
}

// onPolecat runs f on the polecat of the selected row.
func (m *model) onPolecat(what string, f func(*api.PolecatInfo) tea.Cmd) tea.Cmd {
	if c, ok := m.selectedCat(); ok && c.Bead != "" {
		return f(c)
	}
	m.refuse("no polecat works here, so there is nothing to " + what)
	return nil
}

func orWord(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func (m *model) restartMayor() tea.Cmd {
	return m.call("restart mayor", func(ctx context.Context, d api.Doer) (string, error) {
		info, err := api.MayorRestart.Do(ctx, d, api.Empty{})
		return "mayor " + info.State, err
	})
}

// askRestartAgent is R: at once where the polecat shows no sign of life, else after a question, as it works.
func (m *model) askRestartAgent(c *api.PolecatInfo) tea.Cmd {
	if c.Stalled {
		return m.restartAgent(c)
	}
	name, key := c.Name, catKey(c)
	m.push(&askDialog{
		over:  func(m *model) string { return m.outcome(name, key) },
		title: "RESTART " + clean(name) + "?",
		lines: []string{clean(name) + " is " + clean(string(c.State)) + ". Its program is stopped and started again in the same worktree; what it is in the middle of is cut short."},
		yes:   "restart",
		run: func(m *model) tea.Cmd {
			if c := m.catByKey(key); c != nil {
				return m.restartAgent(c)
			}
			return nil
		},
	})
	return nil
}

func (m *model) restartAgent(c *api.PolecatInfo) tea.Cmd {
	key := catKey(c)
	return m.call("restart "+c.Name, func(ctx context.Context, d api.Doer) (string, error) {
		ack, err := api.PolecatRestart.Do(ctx, d, api.NameReq{Name: key})
		return ack.Msg, err
	})
}

func (m *model) kill(name, key string) tea.Cmd {
	return m.call("kill "+name, func(ctx context.Context, d api.Doer) (string, error) {
		k, err := api.PolecatKill.Do(ctx, d, api.KillReq{Name: key, Reason: "killed on the screen"})
		if err != nil {
			return "", err
		}
		return orWord(k.Msg, k.Polecat+" stopped, work kept"), nil
	})
}

func (m *model) undo() tea.Cmd {
	v := m.facts.view
	if v.Undo == "" || !v.UndoUntil.IsZero() && m.now().After(v.UndoUntil) {
		m.refuse("nothing to undo; killed work comes back with v")
		return nil
	}
	return m.call("undo the "+v.Undo, func(ctx context.Context, d api.Doer) (string, error) {
		ack, err := api.Undo.Do(ctx, d, api.Empty{})
		return ack.Msg, err
	})
}

// revive is v: the bead goes on from what its last attempts kept.
func (m *model) revive() tea.Cmd {
	if _, ok := m.selectedBead(); !ok && m.focus == paneCats { // who was killed is no longer there
		m.refuse("killed work is with its bead: select that (1) and press v")
		return nil
	}
	return m.onBead(func(r beadRow) tea.Cmd {
		switch {
		case r.cat != nil:
			m.refuse(clean(r.cat.Name) + " works on it, so there is nothing to revive")
			return nil
		case r.last == nil:
			m.refuse("nobody has worked on " + clean(string(r.bead.ID)) + " yet, so there is nothing to revive")
			return nil
		}
		return m.reviveWork(r.bead.ID, string(r.bead.ID))
	})
}

// reviveWork slings a bead from what an attempt at it, BEAD/N, has kept; of a bead alone, from the newest that kept some.
func (m *model) reviveWork(id beads.ID, what string) tea.Cmd {
	return m.call("revive "+string(id), func(ctx context.Context, d api.Doer) (string, error) {
		s, err := api.PolecatRevive.Do(ctx, d, api.NameReq{Name: what})
		return slungText(s), err
	})
}

func (m *model) assign() tea.Cmd {
	return m.onBead(func(r beadRow) tea.Cmd {
		switch r.bead.Status {
		case beads.Submitted:
			m.refuse(string(r.bead.ID) + " is in the merge queue; nothing to assign")
			return nil
		case beads.Closed:
			m.refuse(string(r.bead.ID) + " is closed; :reopen opens it again")
			return nil
		}
		m.push(newAssign(m, r))
		return nil
	})
}

func (m *model) sling(req api.SlingReq) tea.Cmd {
	return m.call("sling "+joinIDs(req.Beads), func(ctx context.Context, d api.Doer) (string, error) {
		out, err := api.Sling.Do(ctx, d, req)
		var texts []string
		for _, s := range out {
			texts = append(texts, slungText(s))
		}
		return strings.Join(texts, "; "), err
	})
}

func (m *model) reassign(req api.ReassignReq) tea.Cmd {
	return m.call("reassign "+req.Name, func(ctx context.Context, d api.Doer) (string, error) {
		s, err := api.PolecatReassign.Do(ctx, d, req)
		return slungText(s), err
	})
}

// answer is A: what the selected row asks, else the first question of a polecat, the first change that waits for a yes,
// the first bead that needs a decision.
func (m *model) answer() tea.Cmd {
	if r, ok := m.selectedBead(); ok && r.mr != nil && r.mr.State == refinery.EntryApprove {
		m.push(newApproval(m, r.mr))
		return nil
	}
	if c, ok := m.selectedCat(); ok && c.State == beads.Asking {
		return m.answerCat(c)
	}
	if r, ok := m.selectedBead(); ok && r.bead.Status == beads.NeedsYou {
		return m.openBead(r.bead.ID)
	}
	for _, r := range m.facts.cats {
		if r.cat.State == beads.Asking {
			return m.answerCat(r.cat)
		}
	}
	for _, r := range m.facts.mrs {
		if r.mr.State == refinery.EntryApprove {
			m.show(r.mr.Bead)
			m.push(newApproval(m, r.mr))
			return nil
		}
	}
	for _, r := range m.facts.beads {
		if r.bead.Status == beads.NeedsYou {
			m.show(r.bead.ID)
			return m.openBead(r.bead.ID)
		}
	}
	m.refuse("nobody asks anything")
	return nil
}

// approveBead is :approve, by a bead's name.
func approveBead(m *model, id beads.ID) tea.Cmd {
	for _, r := range m.facts.mrs {
		if r.mr.Bead == id && r.mr.State == refinery.EntryApprove {
			m.push(newApproval(m, r.mr))
			return nil
		}
	}
	m.fail(clean(string(id))+" does not wait for a yes", "")
	return nil
}

// newApproval asks for the yes that a green merge request waits for.
func newApproval(m *model, e *api.QueueEntry) *askDialog {
	req := api.ApproveReq{Bead: e.Bead}
	if e.Green != nil {
		req.Tree = e.Green.Tree // a yes to what was tested, not to what may come
	}
	ask := clean(orWord(e.Ask, e.Why))
	if ask != "" {
		ask = " " + strings.ToUpper(ask[:1]) + ask[1:] + "."
	}
	lines := []string{clean(e.Title), "Its gates are green." + ask, "d shows what it changes."}
	bead, attempt := e.Bead, e.Attempt
	return &askDialog{
		over: func(m *model) string {
			now := m.entryOf(bead, attempt)
			if now == nil || now.State != refinery.EntryApprove || req.Tree != "" && (now.Green == nil || now.Green.Tree != req.Tree) {
				return clean(string(bead)) + " does not wait for that yes any more"
			}
			return ""
		},
		also:  map[Intent]func(*model) tea.Cmd{ShowDiff: func(m *model) tea.Cmd { return m.diffOf(bead) }},
		title: "LAND " + clean(string(e.Bead)) + "?", lines: lines, yes: "land it",
		run: func(m *model) tea.Cmd {
			return m.call("approve "+string(req.Bead), func(ctx context.Context, d api.Doer) (string, error) {
				_, err := api.QueueApprove.Do(ctx, d, req)
				return string(req.Bead) + " has your yes", err // how far it is the queue shows: it may land meanwhile
			})
		},
	}
}

// copyID is y: the id of the bead, or of a polecat's row its branch.
func (m *model) copyID() tea.Cmd {
	if c, ok := m.selectedCat(); ok && m.focus == paneCats && c.Branch != "" {
		branch := clean(c.Branch)
		m.say("copied "+branch, '+')
		return tea.SetClipboard(branch)
	}
	return m.onBead(func(r beadRow) tea.Cmd {
		id := clean(string(r.bead.ID))
		m.say("copied "+id, '+')
		return tea.SetClipboard(id)
	})
}

// openBead opens the details of a bead and asks why it is where it is.
func (m *model) openBead(id beads.ID) tea.Cmd {
	r, _ := m.beadByID(string(id)) // gone: the dialog says so
	m.push(&beadDialog{id: id, state: r.state()})
	return m.askWhy(id)
}

func (m *model) askWhy(id beads.ID) tea.Cmd {
	return m.fetch("why "+string(id), func(ctx context.Context, d api.Doer) (string, error) {
		w, err := api.Why.Do(ctx, d, api.BeadReq{Bead: id})
		if w.Hint != "" {
			w.Why += " " + w.Hint
		}
		return w.Why, err
	})
}

// countsSeconds reports whether something on the screen shows seconds: a gate at work.
func (m *model) countsSeconds() bool {
	if _, left := m.undoable(); left > 0 && m.mode == inTown {
		return true
	}
	for _, r := range m.facts.view.Refineries {
		switch r.State {
		case refinery.Gating:
			return true
		case refinery.Hung:
			if m.now().Sub(r.Since) < time.Minute {
				return true
			}
		}
	}
	return false
}

// slungText says what became of one bead's sling.
func slungText(s api.Slung) string {
	if s.Polecat != "" {
		return s.Polecat + " takes " + string(s.Bead) + ", attempt " + itoa(s.Attempt)
	}
	return string(s.Bead) + ": " + s.Msg
}

// unsaid is a text without what its label says already: "sling X" and "sling X: it waits", "hold X" and "X: ...".
func unsaid(label, text string) string {
	if rest, ok := strings.CutPrefix(text, label+": "); ok {
		return rest
	}
	if i := strings.LastIndexByte(label, ' '); i >= 0 {
		if rest, ok := strings.CutPrefix(text, label[i+1:]+": "); ok {
			return rest
		}
	}
	return text
}

// why says why a bead has not started, or not landed, and what helps.
func (m *model) why(r beadRow) tea.Cmd {
	id, about := r.bead.ID, []string{string(r.bead.ID), r.bead.Rig}
	label, ctx, host, facts := "why "+string(id), m.ctx, m.host, m.facts
	return m.guard(func() tea.Msg {
		res, err := api.Why.Do(ctx, host, api.BeadReq{Bead: id})
		rows := wrap(facts.here(clean(res.Why), about...), textCells-4)
		if res.Hint != "" {
			rows = append(append(rows, ""), wrap(facts.here(clean(res.Hint), about...), textCells-4)...)
		}
		return doneMsg{label: label, title: "WHY " + string(id), text: strings.Join(rows, "\n"), err: err}
	})
}
