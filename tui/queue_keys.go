package tui

import (
	"context"
	"fmt"

	tea "charm.land/bubbletea/v2"

	"gastown/beads"
	"gastown/internal/api"
	"gastown/refinery"
)

// revert is U: a landed bead is taken out again, through the same gates.
func (m *model) revert() tea.Cmd {
	return m.onBead(func(r beadRow) tea.Cmd {
		id := r.bead.ID
		if r.bead.Status != beads.Closed || r.bead.MergeCommit == "" {
			m.refuse(clean(string(id)) + " has not landed, so there is nothing to revert")
			return nil
		}
		landed := r.bead.MergeCommit
		m.push(&askDialog{
			over: func(m *model) string {
				if r, _ := m.beadByID(string(id)); r.bead == nil || r.bead.MergeCommit != landed {
					return clean(string(id)) + " was taken out by now"
				}
				return ""
			},
			title: "REVERT " + clean(string(id)) + "?",
			lines: []string{clean(r.bead.Title), "A change that takes " + short(r.bead.MergeCommit) + " back goes through the queue and its gates; then the bead is open again."},
			yes:   "revert",
			run: func(m *model) tea.Cmd {
				return m.call("revert "+string(id), func(ctx context.Context, d api.Doer) (string, error) {
					q, err := api.QueueRevert.Do(ctx, d, api.BeadReq{Bead: id})
					return fmt.Sprintf("the revert of %s %s", id, entryWord(q.State)), err
				})
			},
		})
		return nil
	})
}

// entryOf is the merge request of an attempt, nil when it is in no queue.
func (m *model) entryOf(id beads.ID, attempt int) *api.QueueEntry {
	for _, r := range m.facts.mrs {
		if r.mr.Bead == id && r.mr.Attempt == attempt {
			return r.mr
		}
	}
	return nil
}

// leftQueue says that an attempt is in no queue any more, "" while it is.
func (m *model) leftQueue(id beads.ID, attempt int) string {
	if m.entryOf(id, attempt) != nil {
		return ""
	}
	return "attempt " + clean(beads.AttemptKey(id, attempt)) + " has left the queue"
}

// bounce is b: the merge request goes back to its polecat.
func (m *model) bounce(e *api.QueueEntry) tea.Cmd {
	id, attempt := e.Bead, e.Attempt
	m.push(&askDialog{
		over:  func(m *model) string { return m.leftQueue(id, attempt) },
		title: "BOUNCE " + clean(string(id)) + "?",
		lines: []string{"It leaves the merge queue and is open again; its commits are kept, and its next attempt goes on from them."}, yes: "bounce",
		run: func(m *model) tea.Cmd {
			return m.call("bounce "+string(id), func(ctx context.Context, d api.Doer) (string, error) {
				b, err := api.QueueDrop.Do(ctx, d, api.BeadReq{Bead: id})
				return fmt.Sprintf("%s is %s again", id, b.Status), err
			})
		},
	})
	return nil
}

// hold is Space on a merge request: it is held back, or released.
func (m *model) hold(e *api.QueueEntry) tea.Cmd {
	verb, label := api.QueueHold, "hold "
	if e.State == refinery.EntryHeld {
		verb, label = api.QueueRelease, "release "
	}
	id := e.Bead
	return m.call(label+string(id), func(ctx context.Context, d api.Doer) (string, error) {
		q, err := verb.Do(ctx, d, api.BeadReq{Bead: id})
		return string(id) + " " + entryWord(q.State), err
	})
}

// entryWord is where a merge request stands, as a clause.
func entryWord(s refinery.EntryState) string {
	switch s {
	case refinery.EntryQueued:
		return "waits in the queue"
	case refinery.EntryGating:
		return "is being tested"
	case refinery.EntryApprove:
		return "is green and waits for your yes"
	case refinery.EntryHeld:
		return "is held back"
	case refinery.EntryLanding:
		return "is landing"
	}
	return "is " + string(s)
}

// onEntry runs f on the selected merge request.
func (m *model) onEntry(f func(*api.QueueEntry) tea.Cmd) tea.Cmd {
	at, rows := m.lists[paneRefinery].at, m.shownMRs()
	if at >= len(rows) {
		m.refuse("nothing is queued")
		return nil
	}
	return f(rows[at].mr)
}
