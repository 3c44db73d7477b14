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
	right := splitBody(&l, body, extra)
	if cols < wideCols {
		l.kind = split
		l.beads, l.cats, l.refinery = stack3(right)
		return l
	}
	l.kind = wide
	l.beads, l.cats, l.refinery = stack3(right)
	low := l.refinery
	lw := low.w * 54 / 100
	l.refinery = rect{low.x, low.y, lw, low.h}
	l.event = rect{low.x + lw, low.y, low.w - lw, low.h}
	return l
}

// splitBody places the left slot and returns what is left for the board.
func splitBody(l *layout, body rect, extra int) rect {
	w := (body.w*53 + 50) / 100
	if body.w >= wideCols {
		w = 86
	}
	w = max(min(w+extra, body.w-leastBoard), leastSlot)
	l.left = rect{body.x, body.y, w, body.h}
	l.slot = l.left.inner()
	return rect{body.x + w, body.y, body.w - w, body.h}
}

// stack3 shares the rows of r: 46 % beads, 24 % polecats, the rest Refinery.
func stack3(r rect) (a, b, c rect) {
	ha := max(r.h*46/100, 6)
	hb := max((r.h*49+100)/200, 5)
	a = rect{r.x, r.y, r.w, ha}
	b = rect{r.x, r.y + ha, r.w, hb}
	c = rect{r.x, r.y + ha + hb, r.w, r.h - ha - hb}
	return a, b, c
}
