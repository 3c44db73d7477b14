package tui

// rect is a rectangle in cells.
type rect struct{ x, y, w, h int }

func (r rect) has(x, y int) bool { return x >= r.x && x < r.x+r.w && y >= r.y && y < r.y+r.h }

// inner is the rectangle without its border.
func (r rect) inner() rect { return rect{r.x + 1, r.y + 1, max(r.w-2, 0), max(r.h-2, 0)} }

// kind is one of the layouts.
type kind int

const (
	tooSmall kind = iota // nothing fits
	listOnly             // below 60x16: the board alone
	drawer               // below 100 columns or 30 rows: the board slides over the terminal
	split                // 100 to 159 columns
	wide                 // 160 columns and more
)

// The sizes where layouts change.
const (
	splitCols, splitRows = 100, 30
	wideCols             = 160
	drawCols, drawRows   = 60, 16
	tinyCols, tinyRows   = 20, 4
)

// What widening and narrowing leave each side.
const leastBoard, leastSlot = 47, 40

// layout is where everything goes. Empty rectangles are not drawn.
type layout struct {
	kind                         kind
	size                         Size
	header, foot, status         rect
	left                         rect // the left slot with its border, if it has one
	slot                         rect // the cells of the agent's terminal
	beads, cats, refinery, event rect
	bordered                     bool // the left slot has a border
	stack                        rect // beads, polecats and Refinery, one below the other; empty where they share one place
}

// arrange is a pure function of the size. The slot depends on nothing else, so that focus,
// attaching, the drawer and dialogs never resize an agent.
func arrange(cols, rows int) layout { return arrangeShare(cols, rows, 0) }

// arrangeShare is arrange with extra columns given to the left slot, as far as there are any.
func arrangeShare(cols, rows, extra int) layout {
	l := layout{size: Size{cols, rows}}
	switch {
	case cols < tinyCols || rows < tinyRows:
		l.slot = rect{0, 0, max(cols, 1), max(rows, 1)}
		return l
	case cols < drawCols || rows < drawRows:
		l.kind = listOnly
		l.header = rect{0, 0, cols, 1}
		l.foot = rect{0, rows - 1, cols, 1}
		l.slot = rect{0, 1, cols, rows - 2}
		l.left, l.beads, l.cats, l.refinery, l.event = l.slot, l.slot, l.slot, l.slot, l.slot
		return l
	}
	l.header = rect{0, 0, cols, 1}
	l.foot = rect{0, rows - 2, cols, 1}
	l.status = rect{0, rows - 1, cols, 1}
	body := rect{0, 1, cols, rows - 3}
	if cols < splitCols || rows < splitRows {
		l.kind = drawer
		l.left, l.slot = body, body
		w := min(max(cols*59/100, 46), cols)
		over := rect{cols - w, body.y, w, body.h}
		l.beads, l.cats, l.refinery, l.event = over, over, over, over
		return l
	}
	l.bordered = true
	l.kind = split
	if cols >= wideCols {
		l.kind = wide
	}
	l.stack = splitBody(&l, body, extra)
	l.pile(shares(l.stack.h))
	return l
}

// splitBody places the left slot and returns what is left for the board. A wide board has more to
// show than the Mayor, whose text is seldom wider than 80 cells.
func splitBody(l *layout, body rect, extra int) rect {
	w := (body.w*53 + 50) / 100
	if body.w >= wideCols {
		w = min(max(body.w*43/100, 70), 86)
	}
	w = max(min(w+extra, body.w-leastBoard), leastSlot)
	l.left = rect{body.x, body.y, w, body.h}
	l.slot = l.left.inner()
	return rect{body.x + w, body.y, body.w - w, body.h}
}

// pile puts the panes of the board one below the other, as high as they are given. In the wide
// layout the events stand beside the Refinery.
func (l *layout) pile(h [3]int) {
	r := l.stack
	l.beads = rect{r.x, r.y, r.w, h[0]}
	l.cats = rect{r.x, r.y + h[0], r.w, h[1]}
	l.refinery = rect{r.x, r.y + h[0] + h[1], r.w, h[2]}
	if l.kind == wide {
		low := l.refinery
		l.refinery.w = low.w * 54 / 100
		l.event = rect{low.x + l.refinery.w, low.y, low.w - l.refinery.w, low.h}
	}
}

// shares is how many of h rows beads, polecats and Refinery have when each has enough to show.
func shares(h int) [3]int {
	a, b := max(h*46/100, 6), max((h*49+100)/200, 5)
	return [3]int{a, b, h - a - b}
}

// lend gives rows that a pane does not need to those that need more than their share, one by one.
// While each has what it needs the shares stay, so that panes seldom move.
func lend(share, need [3]int) [3]int {
	out := share
	for {
		from, lent := -1, false
		for i := range out {
			if spare := out[i] - need[i]; spare > 0 && (from < 0 || spare > out[from]-need[from]) {
				from = i
			}
		}
		for i := range out {
			if from >= 0 && need[i] > out[i] && out[from] > need[from] {
				out[i], out[from], lent = out[i]+1, out[from]-1, true
			}
		}
		if !lent {
			return out
		}
	}
}
