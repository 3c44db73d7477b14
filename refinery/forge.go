package refinery

import (
	"cmp"
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

// ForgeSays is why the forge cannot merge an entry's pull request as it stands; an empty Text
// takes that back.
type ForgeSays struct {
	Bead beads.ID
	N    int
	Text string // one line
	Hint string
}

// ForgeMerged says that the forge merged a pull request, in whatever style, and that the
// target has Commit. It does so whether or not the queue waited for that: Parts are what the
// pull request had in it, by Bead and N, and by Commit where the target has that one too.
type ForgeMerged struct {
	Parts  []Part
	Commit string
}

// ForgeStale says that an entry's pull request conflicts with the target as it is by now: it is
// built and gated once more, and goes back if it conflicts here too.
type ForgeStale struct {
	Bead beads.ID
	N    int
}

// ForgeReturned says that an entry's pull request will not be merged as it is: it was closed,
// its checks are red, or somebody asked for changes.
type ForgeReturned struct {
	Bead beads.ID
	N    int
	Why  string // one line
	Log  string // for the agent
	By   string // who asked for it, if a person did
	Ask  bool   // a person here decides what becomes of it
	Tip  string // what its branch has by now, if others went on with it
}

// Propose says that an entry is green and its pull request is wanted. It stands for the event
// refinery.queue.
type Propose struct {
	Bead beads.ID
	N    int
}

// Retract says that an entry waits for the forge no more, and not because it landed: whoever
// looks at its pull request is to be told.
type Retract struct {
	Bead beads.ID
	N    int
}

func (Propose) effect()      {}
func (Propose) record()      {}
func (Retract) effect()      {}
func (Retract) record()      {}
func (Proposed) event()      {}
func (ForgeSays) event()     {}
func (ForgeStale) event()    {}
func (ForgeMerged) event()   {}
func (ForgeReturned) event() {}

// propose leaves a green candidate to the forge.
func (m *machine) propose() {
	r := m.q.Run
	for _, p := range r.Parts {
		if i := index(m.q, p.Bead); i >= 0 && m.q.Entries[i].State != EntryPR {
			m.emit(Propose{Bead: p.Bead, N: p.N})
		}
	}
	m.enterParts(EntryPR)
	m.chained(r)
	m.q.Run = nil
}

// unpropose takes back what waits for a forge that the rig does not use any more: it lands
// here like all else.
func (m *machine) unpropose() {
	if m.cfg.Forge {
		return
	}
	for i := range m.q.Entries {
		if e := &m.q.Entries[i]; e.State == EntryPR {
			m.interruptFor(e.Bead) // also what is built on it
			m.enter(e, EntryQueued)
			m.changed(e.Bead, "", "lands here: the rig does not deliver by pull requests any more")
		}
	}
}

// retracted tells what was proposed before this step, is not any more and did not land.
func (m *machine) retracted(before Queue) {
	for i := range m.q.Entries {
		if e := &m.q.Entries[i]; e.State != EntryPR {
			e.PR, e.Says, e.SaysHint, e.Place, e.Chain = "", "", "", 0, nil
		}
	}
	for _, e := range before.Entries {
		if e.State != EntryPR || m.waitsForForge(e.Bead, e.N) >= 0 {
			continue
		}
		if !slices.ContainsFunc(m.out, func(eff Effect) bool { s, ok := eff.(Settle); return ok && s.Bead == e.Bead }) {
			m.emit(Retract{Bead: e.Bead, N: e.N})
		}
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
			e := &m.q.Entries[i]
			e.PR, e.Says, e.SaysHint = oneLine(ev.URL), "", ""
		}
	case ForgeSays:
		if i := m.waitsForForge(ev.Bead, ev.N); i >= 0 {
			m.q.Entries[i].Says, m.q.Entries[i].SaysHint = oneLine(ev.Text), oneLine(ev.Hint)
		}
	case ForgeMerged:
		m.forgeMerged(ev)
	case ForgeStale:
		if i := m.waitsForForge(ev.Bead, ev.N); i >= 0 {
			m.interruptFor(ev.Bead)
			m.enter(&m.q.Entries[i], EntryQueued)
			m.changed(ev.Bead, "", "is built anew: its pull request conflicts with "+m.cfg.Branch)
		}
	case ForgeReturned:
		if i := m.waitsForForge(ev.Bead, ev.N); i >= 0 {
			m.interruptFor(ev.Bead)
			m.rejected(i, SendBack{Why: oneLine(ev.Why), Log: ev.Log, By: oneLine(ev.By), Person: ev.By != "", StrikeOut: ev.Ask, Tip: ev.Tip})
		}
	}
}

// forgeMerged settles what the forge merged. It may have been taken back here meanwhile, held,
// or be in the queue with a later attempt: it is in the target all the same.
func (m *machine) forgeMerged(ev ForgeMerged) {
	for _, p := range ev.Parts {
		if i := index(m.q, p.Bead); i >= 0 {
			if m.q.Landing(p.Bead) || m.q.Entries[i].N < p.N {
				continue // its landing settles it; or it is not of this queue
			}
			m.interruptFor(p.Bead)
			m.remove(i)
		}
		m.settled(Part{Bead: p.Bead, N: p.N, Commit: cmp.Or(p.Commit, ev.Commit)})
	}
}
