package tui

import (
	"context"
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"gastown/beads"
	"gastown/internal/api"
)

// catKey names the attempt that a polecat works on. Names are given again at once, so that whatever is asked about a
// polecat belongs to its attempt: once that has ended, no answer acts on another.
func catKey(c *api.PolecatInfo) string { return beads.AttemptKey(c.Bead, c.Attempt) }

// catByKey is the polecat of an attempt, nil when that has ended.
func (m *model) catByKey(key string) *api.PolecatInfo {
	for _, r := range m.facts.cats {
		if r.cat.Bead != "" && catKey(r.cat) == key {
			return r.cat
		}
	}
	return nil
}

// catNamed is the polecat at work that a name or a bead id means, nil when none is.
func (m *model) catNamed(name string) *api.PolecatInfo {
	for _, r := range m.facts.cats {
		if r.cat.Bead != "" && (r.cat.Name == name || string(r.cat.Bead) == name || catKey(r.cat) == name) {
			return r.cat
		}
	}
	return nil
}

// showEnded shows what an attempt that ended had on its terminal: in the left slot, where that still has it and is
// covered, else in its log.
func (m *model) showEnded(a *beads.Attempt) tea.Cmd {
	if m.layout.kind < split && m.term.key == a.Key() && m.term.had {
		m.setMode(typing)
		return nil
	}
	d := &endedDialog{key: "log " + a.Key(), attempt: a, textDialog: textDialog{
		title: fmt.Sprintf("%s %s, TRY %d, ENDED", strings.ToUpper(clean(a.Polecat)), clean(string(a.Bead)), a.N), text: []string{"reading ..."},
	}}
	m.push(d)
	return m.fetch(d.key, func(ctx context.Context, h api.Doer) (string, error) {
		log, err := api.PolecatLog.Do(ctx, h, api.PeekReq{Name: a.Key(), Lines: logLines})
		return log.Text, err
	})
}

// endedDialog is the log of an attempt that ended, from its end.
type endedDialog struct {
	textDialog
	key     string // of what was asked for
	attempt *beads.Attempt
}

// receive implements receiver.
func (d *endedDialog) receive(f fetchedMsg) {
	if f.key != d.key {
		return
	}
	d.text = strings.Split(strings.TrimRight(f.text, "\n"), "\n")
	if f.err != nil {
		text, _ := explain(f.err)
		d.text = []string{text}
	}
	d.text = append(d.text, "", clean(d.attempt.Polecat)+" "+endText(d.attempt, beadRow{})+".")
	d.top = len(d.text) // clamped as it is drawn
}

// followTry moves the left slot from an attempt that ended to the next one at its bead, unless somebody reads or
// types there: keys go to whom they were meant for.
func (m *model) followTry() {
	id, n, err := beads.ParseAttemptKey(m.term.key)
	if err != nil || m.mode == typing || m.term.live || m.scrolling() {
		return
	}
	if r, _ := m.beadByID(string(id)); r.last != nil && r.last.N > n {
		m.term.attach(r.last.Polecat, r.last.Key())
	}
}

// outcome is how an attempt ended, as a clause: "slit submitted gt-c9d". Of one that lives it is empty.
func (m *model) outcome(name, key string) string {
	if m.catByKey(key) != nil {
		return ""
	}
	name = clean(name)
	id, n, err := beads.ParseAttemptKey(key)
	if err != nil {
		return name + " has ended"
	}
	r, _ := m.beadByID(string(id))
	if r.bead == nil {
		return name + " has ended"
	}
	for _, a := range r.bead.Attempts {
		if a.N == n {
			return name + " " + endText(a, r)
		}
	}
	return name + " has ended"
}

// endText says what became of an attempt.
func endText(a *beads.Attempt, r beadRow) string {
	id, why := clean(string(a.Bead)), ""
	if a.Why != "" {
		why = ": " + clean(a.Why)
	}
	switch a.State {
	case beads.Delivered:
		if r.mr != nil && r.mr.Attempt == a.N {
			return fmt.Sprintf("submitted %s, number %d in the queue", id, r.mr.Position)
		}
		return "submitted " + id
	case beads.Landed:
		return "submitted " + id + ", which has landed"
	case beads.Rejected:
		return "submitted " + id + ", which was sent back" + why
	case beads.Killed:
		return "was stopped" + why
	case beads.Lost:
		if strings.HasPrefix(a.Why, "ended ") { // in words already
			return clean(a.Why)
		}
		return "ended without done" + why
	}
	return "has ended"
}
