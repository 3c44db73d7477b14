package beads

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Line is one bead of an import.
type Line struct {
	N    int   // from 1
	Bead *Bead // what the line says, its gaps filled in; the id may be empty

	has  map[string]bool // fields the line gives
	word Status          // its status as written
}

// New is the bead of a line whose id is not here yet. That it landed elsewhere is kept as a field of
// its own: nothing of it is on a target branch of ours.
func (l Line) New() *Bead {
	b := l.Bead.Clone()
	if b.MergeCommit == "" {
		return b
	}
	if b.Extra == nil {
		b.Extra = map[string]json.RawMessage{}
	}
	b.Extra["merge_commit"], _ = marshal(b.MergeCommit) // a string has a JSON form
	b.MergeCommit = ""
	return b
}

// Over lays a line over the bead of its id that is here. What the line does not give stays, and so does
// what only this town knows: how the bead ended, its attempts and slings. Comments are joined. The
// status moves as it may by hand; left says why it does not, or is empty.
func (l Line) Over(old *Bead, now time.Time) (c *Bead, left string) {
	c, left = l.moved(old, now)
	in := l.Bead
	take(l, "title", &c.Title, in.Title)
	take(l, "description", &c.Description, in.Description)
	take(l, "design", &c.Design, in.Design)
	take(l, "acceptance_criteria", &c.AcceptanceCriteria, in.AcceptanceCriteria)
	take(l, "notes", &c.Notes, in.Notes)
	take(l, "priority", &c.Priority, in.Priority)
	if l.has["issue_type"] {
		c.Retype(in.Type)
	}
	take(l, "assignee", &c.Assignee, in.Assignee)
	take(l, "labels", &c.Labels, in.Labels)
	take(l, "dependencies", &c.Dependencies, in.Dependencies)
	take(l, "estimated_minutes", &c.EstimatedMinutes, in.EstimatedMinutes)
	take(l, "external_ref", &c.ExternalRef, in.ExternalRef)
	take(l, "due_at", &c.DueAt, in.DueAt)
	take(l, "defer_until", &c.DeferUntil, in.DeferUntil)
	for _, m := range in.Comments {
		if !slices.ContainsFunc(c.Comments, func(o Comment) bool { return same(o, m) }) {
			c.Comments = append(c.Comments, m)
		}
	}
	c.Metadata = joined(c.Metadata, in.Metadata)
	for name, raw := range in.Extra {
		if c.Extra == nil {
			c.Extra = map[string]json.RawMessage{}
		}
		c.Extra[name] = raw
	}
	c.UpdatedAt = in.UpdatedAt
	return c, left
}

func take[T any](l Line, name string, to *T, from T) {
	if l.has[name] {
		*to = from
	}
}

// moved is old with the status that the line says, where somebody may set it by hand.
func (l Line) moved(old *Bead, now time.Time) (c *Bead, left string) {
	to := l.word
	if to == old.Status || to != Open && to != Deferred && to != Closed {
		return old.Clone(), ""
	}
	on, ok := ByHand(old.Status, to)
	if !ok || on == Reopen && old.MergeCommit != "" {
		return old.Clone(), fmt.Sprintf("it stays %s, the file says %s", old.Status, to)
	}
	c, err := old.Apply(on, now)
	if err != nil {
		return old.Clone(), err.Error()
	}
	if on == Drop {
		if c.ClosedAt = l.Bead.ClosedAt; l.Bead.CloseReason != "" {
			c.CloseReason = CloseDropped + ": closed elsewhere, " + l.Bead.CloseReason
		}
	}
	return c, ""
}

// same reports whether two remarks are one: by id, and where one has none by what they say.
func same(a, b Comment) bool {
	if a.ID != "" && b.ID != "" {
		return a.ID == b.ID
	}
	return a.Author == b.Author && a.Text == b.Text
}

// joined is metadata with that of a line laid over it: by key where both are objects.
func joined(old, line json.RawMessage) json.RawMessage {
	var a, b map[string]json.RawMessage
	switch {
	case len(line) == 0 || bytes.Equal(old, line):
		return old
	case json.Unmarshal(old, &a) != nil || json.Unmarshal(line, &b) != nil:
		return line
	}
	maps.Copy(a, b)
	if raw, err := marshal(a); err == nil {
		return raw
	}
	return line
}
