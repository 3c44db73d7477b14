package tui

import "time"

// The least rows of each pane, with its border.
const (
	leastBeads, leastCats, leastRefinery = 6, 5, 5
	leastEvents                          = 10 // beside the Refinery
)

// calm is how long a pane keeps rows that it no longer needs, so that nothing jumps while agents come and go.
const calm = 20 * time.Second

// fitPanes shares the board's rows by what each pane has to show.
func (m *model) fitPanes(anew bool) {
	if m.layout.stack.h == 0 {
		return
	}
	need, now := m.needs(), m.now()
	for i := range need {
		if !anew && now.Sub(m.grew) < calm {
			need[i] = max(need[i], m.needed[i])
		}
		if !anew && need[i] > m.needed[i] {
			m.grew = now
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
	if len(busy)+len(idle) == 0 {
		cats = border + len(m.noCats(m.layout.cats.w-border))
	}
	w := m.layout.refinery.w - border
	queue := border + len(m.refineryTail(w, m.layout.stack.h))
	if n := len(m.shownMRs()); n > 0 {
		queue += heading + n
	} else {
		queue += len(wrap(m.emptyQueue(), w-m.margin()-1))
	}
	if m.layout.kind == wide {
		queue = max(queue, leastEvents)
	}
	return [3]int{max(beads, leastBeads), max(cats, leastCats), max(queue, leastRefinery)}
}
