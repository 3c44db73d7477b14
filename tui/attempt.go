package tui

import (
	"fmt"

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
		return "ended without done" + why
	}
	return "has ended"
}
