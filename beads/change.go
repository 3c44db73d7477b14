package beads

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ByHand is the action that leads from one status to another where somebody sets it: on the command
// line, or by a file that is imported. What else the table allows is done by attempts and the queue.
func ByHand(from, to Status) (Action, bool) {
	for _, on := range []Action{Resolve, Drop, Reopen, Defer, Undefer} {
		if at, err := Move(from, on); err == nil && at == to {
			return on, true
		}
	}
	return "", false
}

// Reserved says what in a change only a person may do; empty: nothing. old is nil for a new bead,
// asks are labels that make a bead wait for a person's yes.
func Reserved(old, b *Bead, asks []string) string {
	if old == nil {
		old = &Bead{Type: b.Type, NeedsCode: b.Type.NeedsCode()}
	}
	exempt := func(b *Bead) bool { return b.Type.NeedsCode() && !b.NeedsCode }
	switch {
	case old.NeedsCode && !b.NeedsCode, exempt(b) && !exempt(old):
		return "that it needs no code is for the person to say"
	case old.NeedsCode && old.Status != Closed && b.Status == Closed:
		return "it needs code: landing closes it, and only the person drops it"
	}
	for _, l := range asks {
		if slices.Contains(old.Labels, l) && !slices.Contains(b.Labels, l) {
			return fmt.Sprintf("its label %s makes it wait for the person's yes, so it is theirs to take away", l)
		}
	}
	return ""
}

// Changes says what is different in b, each from what to what, for one line of an event.
func Changes(old, b *Bead) []string {
	var out []string
	say := func(name, was, is string) {
		switch shortWas, shortIs := shown(was), shown(is); {
		case was == is:
		case shortWas == shortIs:
			out = append(out, name+" changed")
		default:
			out = append(out, name+" "+shortWas+" -> "+shortIs)
		}
	}
	say("status", string(old.Status), string(b.Status))
	say("priority", "P"+strconv.Itoa(old.Priority), "P"+strconv.Itoa(b.Priority))
	say("type", string(old.Type), string(b.Type))
	say("needs code", yesNo(old.NeedsCode), yesNo(b.NeedsCode))
	say("labels", strings.Join(old.Labels, ","), strings.Join(b.Labels, ","))
	say("deferred until", when(old.DeferUntil), when(b.DeferUntil))
	say("agent", old.Agent, b.Agent)
	say("waits for", waits(old), waits(b))
	say("title", quoted(old.Title), quoted(b.Title))
	say("description", quoted(old.Description), quoted(b.Description))
	say("acceptance criteria", quoted(old.AcceptanceCriteria), quoted(b.AcceptanceCriteria))
	say("design", quoted(old.Design), quoted(b.Design))
	say("notes", quoted(old.Notes), quoted(b.Notes))
	say("assignee", old.Assignee, b.Assignee)
	say("due", when(old.DueAt), when(b.DueAt))
	say("estimate", strconv.Itoa(old.EstimatedMinutes), strconv.Itoa(b.EstimatedMinutes))
	say("external", old.ExternalRef, b.ExternalRef)
	say("comments", strconv.Itoa(len(old.Comments)), strconv.Itoa(len(b.Comments)))
	if !bytes.Equal(old.Metadata, b.Metadata) {
		out = append(out, "metadata changed")
	}
	if !maps.EqualFunc(old.Extra, b.Extra, slices.Equal) {
		out = append(out, "other fields changed")
	}
	return out
}

// shown is a value as one short word or quotation.
func shown(s string) string {
	const most = 40 // two of them, and what they are of, are read in one line
	if s == "" {
		return "none"
	}
	short := Clean(s, most)
	if s[0] == '"' && !strings.HasSuffix(short, `"`) {
		short += `"`
	}
	return short
}

func quoted(s string) string {
	if s == "" {
		return ""
	}
	return `"` + s + `"`
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func when(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// waits is what b depends on, with the kind where that is not the usual one.
func waits(b *Bead) string {
	var out []string
	for _, d := range b.Dependencies {
		on := string(d.DependsOn)
		if d.Type != Blocks {
			on += " (" + string(d.Type) + ")"
		}
		out = append(out, on)
	}
	return strings.Join(out, ", ")
}
