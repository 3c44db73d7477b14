package refinery

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"gastown/beads"
)

// Batches are nested prefixes (refinery.md A3, the binomial group test of Sobel and
// Groll): what is ready is chained in its order and its tip is gated. Green, all of
// it lands. Red, its left half is next; when that lands, the rest on top of it is the
// tree that was red, so the verdict is known without a run.
const (
	priorRate   = 0.10 // of red beads, until there is experience (refinery.md A5)
	rateWeight  = 20   // beads that the estimate remembers
	leastRate   = 1e-6 // zero means that there is no estimate yet
	usualBatch  = 8    // past this a red batch costs more latency than runs
	calmBatch   = 32   // while failures are rare
	calmRate    = 0.03
	aloneAfter  = 2 // times sent back; such a bead would cost others its runs
	keepFlakes  = 20
	keepTails   = 8 // verdicts whose last lines are kept; older ones were told
	urgentShare = 2 // a P0 ends a gate that has more than 1/urgentShare of its usual time left
)

// Rate is the estimated share of red beads.
func (q Queue) Rate() float64 {
	if q.Red <= 0 {
		return priorRate
	}
	return q.Red
}

// judged counts one bead as landed (0) or sent back for its gates (1).
func (m *machine) judged(red float64) {
	p := m.q.Rate()
	m.q.Red = max(leastRate, p+(red-p)/rateWeight)
}

// batchSize is how many beads make a batch whose chance to be green is about even:
// then its gate run tells most.
func batchSize(rate float64) int {
	most := usualBatch
	if rate < calmRate {
		most = calmBatch
	}
	if rate <= 0 {
		return most
	}
	if rate >= 1 {
		return 1
	}
	return min(max(int(math.Round(math.Ln2/-math.Log1p(-rate))), 1), most)
}

// alone reports whether an entry shares no candidate: an urgent one, one that failed
// twice, and one whose own tree a person is to see.
func alone(e Entry) bool {
	return e.Priority == 0 || e.SentBack >= aloneAfter || e.AskFirst && !e.Approved
}

// take is what to work on next, in landing order, and the size of the red set that
// it is the first half of, or 0.
func take(q Queue, cfg Config) (batch []Entry, of int) {
	if q.Paused || q.Upstream.Asks() || len(cfg.Gates) == 0 && !cfg.Ungated {
		return nil, 0
	}
	if q.Stop != nil && q.Stop.Kind != MainRed {
		return nil, 0
	}
	most := calmBatch
	if !cfg.Batch || cfg.Forge || q.Stop != nil {
		most = 1 // on a red target each is tried for itself
	}
	var list []Entry
	for _, e := range Ordered(q) {
		if !eligible(q, e, append(q.chain(cfg, e), list...)) {
			continue
		}
		if alone(e) {
			if len(list) == 0 {
				list = append(list, e)
			}
			break
		}
		if list = append(list, e); len(list) >= most {
			break
		}
	}
	if len(list) < 2 {
		return list, 0
	}
	n, of := share(q, list)
	return list[:min(n, len(list))], of
}

// share is how many of the entries that are next to take at once.
func share(q Queue, list []Entry) (n, of int) {
	n = batchSize(q.Rate())
	s := q.Suspects
	if len(s) == 0 {
		return n, 0
	}
	at := slices.IndexFunc(list, s[0].is)
	switch {
	case at < 0:
		return n, 0
	case at > 0:
		return min(n, at), 0 // newcomers that go first stay apart from a red set
	}
	same := 0
	for same < len(s) && same < len(list) && s[same].is(list[same]) {
		same++
	}
	if same < len(s) {
		return min(n, same), 0 // one of the set is gone: what is left may be green
	}
	return max(1, same/2), same
}

func (p Part) is(e Entry) bool { return p.Bead == e.Bead && p.N == e.N }

// halve keeps a set of entries that did not pass together; take goes on from it.
func (m *machine) halve() {
	m.q.Suspects = nil
	for _, p := range m.q.Run.Parts {
		m.q.Suspects = append(m.q.Suspects, Part{Bead: p.Bead, N: p.N})
	}
	m.forget()
}

// landedSuspects takes what landed off the red set.
func (m *machine) landedSuspects(parts []Part) {
	s := m.q.Suspects
	same := func(a, b Part) bool { return a.Bead == b.Bead && a.N == b.N }
	switch {
	case len(parts) <= len(s) && slices.EqualFunc(parts, s[:len(parts)], same):
		m.q.Suspects = slices.Clone(s[len(parts):])
	case slices.ContainsFunc(parts, func(p Part) bool { return slices.ContainsFunc(s, func(o Part) bool { return o.Bead == p.Bead }) }):
		m.q.Suspects = nil
	}
	if len(m.q.Suspects) == 0 {
		m.q.Suspects = nil
	}
}

// flaky records a gate that failed on a tree and then passed on it.
func (m *machine) flaky(v Verdict) {
	f := Flake{Gate: v.Gate, Tree: v.Tree, Outcome: v.Outcome, Log: v.Log, At: m.now}
	for _, p := range m.q.Run.Parts {
		f.Beads = append(f.Beads, p.Bead)
	}
	m.q.Flakes = slices.Insert(m.q.Flakes, 0, f)
	if len(m.q.Flakes) > keepFlakes {
		m.q.Flakes = m.q.Flakes[:keepFlakes]
	}
	m.emit(Note{
		Kind: beads.EvGateDone, Bead: m.runBead(), N: m.runN(),
		Text: fmt.Sprintf("gate %q is flaky: it failed on %s, then passed in a fresh worktree", v.Gate, m.subject()),
	})
}

// urgent ends the gate of others for a P0 that goes before them, unless it is nearly
// done.
func (m *machine) urgent(e Entry) {
	r := m.q.Run
	if r == nil || e.Priority != 0 || r.Phase != PhaseGate || r.Stopping || len(r.Parts) == 0 || m.q.Stop != nil || !eligible(m.q, e, nil) {
		return
	}
	i := index(m.q, r.Parts[0].Bead)
	if i < 0 || !before(e, m.q.Entries[i]) {
		return
	}
	var left, all time.Duration
	for k, g := range m.cfg.Gates {
		u, known := m.q.Usual[g.Name]
		if !known {
			return
		}
		all += u
		if k >= r.Gate {
			left += u
		}
	}
	if left -= m.now.Sub(r.PhaseSince); left > all/urgentShare {
		m.interrupt(StopUrgent)
	}
}

// subject is what the run gates, in words.
func (m *machine) subject() string {
	if u := m.q.Run.Upstream; u != "" {
		return "the origin's " + short(u)
	}
	if len(m.q.Run.Parts) == 0 {
		return m.cfg.Branch + " itself"
	}
	if n := len(m.q.Run.Under); n > 0 {
		return fmt.Sprintf("%s after %d of its convoy", names(m.q.Run.Parts), n)
	}
	return names(m.q.Run.Parts)
}

// names lists the beads of a candidate, the first few by name.
func names(parts []Part) string {
	const shown = 4
	var s []string
	for _, p := range parts[:min(len(parts), shown)] {
		s = append(s, string(p.Bead))
	}
	text := strings.Join(s, ", ")
	if more := len(parts) - shown; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
