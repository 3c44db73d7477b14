package tui

import (
	"fmt"
	"strings"
	"time"

	"gastown/beads"
	"gastown/internal/api"
)

// criticalPath is the longest chain of beads of a convoy that wait for each other, the first to start first. Only
// open ones count; a chain of one is none.
func (m *model) criticalPath(c *api.Convoy) []beads.ID {
	in := map[beads.ID]beadRow{}
	for _, id := range c.Beads {
		if r, ok := m.beadByID(string(id)); ok && r.bead.Status != beads.Closed {
			in[id] = r
		}
	}
	best := map[beads.ID][]beads.ID{} // the longest chain that ends with a bead
	busy := map[beads.ID]bool{}
	var chain func(id beads.ID) []beads.ID
	chain = func(id beads.ID) []beads.ID {
		if done, ok := best[id]; ok || busy[id] { // a circle ends where it closes
			return done
		}
		busy[id] = true
		var longest []beads.ID
		for _, on := range in[id].bead.BlockedBy {
			if _, ok := in[on]; ok {
				if got := chain(on); len(got) > len(longest) {
					longest = got
				}
			}
		}
		busy[id] = false
		best[id] = append(longest[:len(longest):len(longest)], id)
		return best[id]
	}
	var out []beads.ID
	for _, id := range c.Beads {
		if _, ok := in[id]; ok {
			if got := chain(id); len(got) > len(out) {
				out = got
			}
		}
	}
	if len(out) < 2 {
		return nil
	}
	return out
}

// leastLanded is how many beads must have landed before a guess is made of them.
const leastLanded = 3

// timeLeft guesses how long a convoy takes yet, from how long its landed beads took from their first attempt to their
// landing: the longest chain one after the other, or all that is left over the polecats there are. ok is false
// before enough have landed.
func (m *model) timeLeft(c *api.Convoy, path int) (left time.Duration, ok bool) {
	var took time.Duration
	landed, open := 0, 0
	for _, id := range c.Beads {
		r, found := m.beadByID(string(id))
		switch {
		case !found:
		case r.bead.Status != beads.Closed:
			open++
		case r.bead.MergeCommit != "" && r.bead.ClosedAt != nil && len(r.bead.Attempts) > 0:
			took += r.bead.ClosedAt.Sub(r.bead.Attempts[0].CreatedAt)
			landed++
		}
	}
	if landed < leastLanded || open == 0 || took <= 0 {
		return 0, false
	}
	mean, polecats := took/time.Duration(landed), max(m.facts.view.Status.Cap, 1)
	rounds := max(path, (open+polecats-1)/polecats, 1)
	return mean * time.Duration(rounds), true
}

// aheadText says what of a convoy takes longest and about how long; empty when neither is known.
func (m *model) aheadText(c *api.Convoy) string {
	path := m.criticalPath(c)
	var parts []string
	if len(path) > 0 {
		ids := make([]string, len(path))
		for i, id := range path {
			ids[i] = clean(string(id))
		}
		parts = append(parts, "critical path "+strings.Join(ids, " > "))
	}
	if left, ok := m.timeLeft(c, len(path)); ok && c.State == beads.ConvoyLaunched {
		parts = append(parts, fmt.Sprintf("about %s to go, as the landed ones took", age(max(left, time.Minute))))
	}
	return strings.Join(parts, " "+m.dot+" ")
}
