package tui

import (
	"context"
	"fmt"

	tea "charm.land/bubbletea/v2"

	"gastown/internal/api"
	"gastown/refinery"
)

// restartRefinery is r: at once when the Refinery is stuck or idle, after a question when a
// gate runs within its limits.
func (m *model) restartRefinery(info *api.RefineryInfo) tea.Cmd {
	if info == nil {
		m.refuse("no rig, so no refinery")
		return nil
	}
	if !needsAsking(info.State) {
		return m.restartRig(info.Rig)
	}
	text := "The refinery of " + clean(info.Rig) + " is at work and within its limits."
	for _, e := range info.Queue {
		if e.State == refinery.EntryGating || e.State == refinery.EntryLanding {
			text = fmt.Sprintf("%s: %s has run for %s", clean(string(e.Bead)), orWord(clean(e.Phase), "landing"), exact(m.clock.Sub(e.Since)))
			if e.Usual > 0 {
				text += " (usually " + exact(e.Usual) + ")"
			}
			text += "."
		}
	}
	rig, run := info.Rig, runOf(info)
	m.push(&askDialog{
		over: func(m *model) string {
			if now := m.refineryOf(rig); now == nil || runOf(now) != run {
				return "What ran is through; r asks about what runs now"
			}
			return ""
		},
		title: "RESTART THE REFINERY?",
		lines: []string{text, "Restarting stops the gate and runs it again. The queue keeps its order; it is not counted as a try."},
		yes:   "restart anyway", run: func(m *model) tea.Cmd { return m.restartRig(rig) },
	})
	return nil
}

// runOf numbers what a Refinery is at work on; 0: nothing.
func runOf(info *api.RefineryInfo) uint64 {
	if info.Run == nil {
		return 0
	}
	return info.Run.Seq
}

// refineryOf is the Refinery of a rig, nil when there is none.
func (m *model) refineryOf(rig string) *api.RefineryInfo {
	for i := range m.facts.view.Refineries {
		if r := &m.facts.view.Refineries[i]; r.Rig == rig {
			return r
		}
	}
	return nil
}

// rigMeant is the rig that a key means: of the row that the person went to in the merge queue, else the one that needs
// it most.
func (m *model) rigMeant() *api.RefineryInfo {
	if l := &m.lists[paneRefinery]; m.focus == paneRefinery && l.chosen {
		if rows := m.shownMRs(); l.at < len(rows) {
			return rows[l.at].info
		}
	}
	if m.rig != "" {
		for i := range m.facts.view.Refineries {
			if r := &m.facts.view.Refineries[i]; r.Rig == m.rig && badness(r.State) >= badness(m.facts.worst.State) {
				return r
			}
		}
	}
	return m.facts.worst
}

func (m *model) restartRig(rig string) tea.Cmd {
	several := len(m.facts.view.Refineries) > 1
	return m.call("restart refinery", func(ctx context.Context, d api.Doer) (string, error) {
		infos, err := api.RefineryRestart.Do(ctx, d, api.NameReq{Name: rig})
		if err != nil {
			return "", err
		}
		text := "refinery restarted"
		if several {
			text = "refinery of " + rig + " restarted"
		}
		for _, i := range infos {
			e := firstInLine(i.Queue)
			switch {
			case i.Rig != rig:
			case i.Note != "":
				text += ": " + i.Note
			case e != nil:
				text += ": " + string(e.Bead) + " first again"
			}
		}
		return text, nil
	})
}

// firstInLine is the merge request that is tested next, or is now; nil when all wait for a person.
func firstInLine(queue []api.QueueEntry) *api.QueueEntry {
	for i := range queue {
		if e := &queue[i]; e.State != refinery.EntryHeld && e.State != refinery.EntryApprove {
			return e
		}
	}
	return nil
}
