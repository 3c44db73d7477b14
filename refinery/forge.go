package refinery

import (
	"slices"

	"gastown/beads"
)

// EntryPR is a green merge request whose pull request waits for the forge to merge it.
const EntryPR EntryState = "pr"

// Proposed says where an entry's pull request is.
type Proposed struct {
	Bead beads.ID
	N    int
	URL  string
}

// ForgeMerged says that the forge merged an entry's pull request, in whatever style, and that
// the target has Commit.
type ForgeMerged struct {
	Bead   beads.ID
	N      int
	Commit string
}

// ForgeReturned says that an entry's pull request will not be merged as it is: it was closed,
// its checks are red, or somebody commented on it.
type ForgeReturned struct {
	Bead beads.ID
	N    int
	Why  string // one line
	Log  string // for the agent
}

// Propose says that an entry is green and its pull request is wanted. It stands for the event
// refinery.queue.
type Propose struct {
	Bead beads.ID
	N    int
}

func (Propose) effect()      {}
func (Propose) record()      {}
func (Proposed) event()      {}
func (ForgeMerged) event()   {}
func (ForgeReturned) event() {}

// propose leaves a green candidate to the forge.
func (m *machine) propose() {
	for _, p := range m.q.Run.Parts {
		if i := index(m.q, p.Bead); i >= 0 {
			m.emit(Propose{Bead: p.Bead, N: p.N})
		}
	}
	m.enterParts(EntryPR)
	m.q.Run = nil
}

// unpropose takes back what waits for a forge that the rig does not use any more: it lands
// here like all else.
func (m *machine) unpropose() {
	if m.cfg.Forge {
		return
	}
	for i := range m.q.Entries {
		e := &m.q.Entries[i]
		if e.State != EntryPR {
			continue
		}
		text := "lands here: the rig does not deliver by pull requests any more"
		if e.PR != "" {
			text += "; " + e.PR + " stays open over there"
		}
		e.PR = ""
		m.enter(e, EntryQueued)
		m.changed(e.Bead, "", text)
	}
}

// waitsForForge is the index of an attempt's entry that waits for the forge, or -1.
func (m *machine) waitsForForge(bead beads.ID, n int) int {
	return slices.IndexFunc(m.q.Entries, func(e Entry) bool { return e.Bead == bead && e.N == n && e.State == EntryPR })
}

func (m *machine) onForge(ev Event) {
	switch ev := ev.(type) {
	case Proposed:
		if i := m.waitsForForge(ev.Bead, ev.N); i >= 0 {
			m.q.Entries[i].PR = oneLine(ev.URL)
		}
	case ForgeMerged:
		if i := m.waitsForForge(ev.Bead, ev.N); i >= 0 {
			m.remove(i)
			m.settled(Part{Bead: ev.Bead, N: ev.N, Commit: ev.Commit})
		}
	case ForgeReturned:
		if i := m.waitsForForge(ev.Bead, ev.N); i >= 0 {
			m.rejected(i, SendBack{Why: oneLine(ev.Why), Log: ev.Log})
		}
	}
}
