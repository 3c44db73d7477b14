package tui

// The least rows of each pane, with its border.
const (
	leastBeads, leastCats, leastRefinery = 6, 5, 5
	leastEvents                          = 10 // beside the Refinery
)

// fitPanes shares the board's rows by what each pane has to show. A pane that shrank keeps its rows
// until the next minute, so that nothing jumps while agents come and go.
func (m *model) fitPanes(anew bool) {
	if m.layout.stack.h == 0 {
		return
	}
	need := m.needs()
	for i := range need {
		if !anew {
			need[i] = max(need[i], m.needed[i])
		}
	}
	m.needed = need
	m.layout.pile(lend(shares(m.layout.stack.h), need))
}

// needs is how many rows beads, polecats and Refinery would fill.
func (m *model) needs() [3]int {
	const border, heading = 2, 1
	beads := border + heading + len(m.shownBeads())
	if m.layout.kind == wide {
		beads += stripHeight
	}
	busy, idle := m.shownCats()
	cats := border + heading + len(busy) + min(len(idle), 1)
	w := m.layout.refinery.w - border
	queue := border + heading + len(m.shownMRs()) + len(m.refineryTail(w, m.layout.stack.h))
	if m.layout.kind == wide {
		queue = max(queue, leastEvents)
	}
	return [3]int{max(beads, leastBeads), max(cats, leastCats), max(queue, leastRefinery)}
}
