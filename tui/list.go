package tui

import "slices"

// list is the place in a list: the selected row by its key, so that it follows the thing and
// not the row.
type list struct {
	key    string
	at     int
	top    int
	chosen bool // the person went to the row
	rows   int  // of the list, as last drawn
	page   int  // rows shown, as last drawn
}

// longer reports whether there are rows below those shown.
func (l *list) longer() bool { return l.top+l.page < l.rows }

// follow finds the selected key among keys again. Where nobody chose a row it is the first, what needs a person most;
// with hold it stays even so: a key may act on it now.
func (l *list) follow(keys []string, hold bool) {
	if len(keys) == 0 {
		l.at, l.top, l.key = 0, 0, ""
		return
	}
	if !l.chosen && !hold {
		l.at, l.key = 0, keys[0]
		return
	}
	if i := slices.Index(keys, l.key); i >= 0 {
		l.at = i
		return
	}
	l.at = min(l.at, len(keys)-1)
	l.key = keys[l.at]
}

// goTo moves to row i.
func (l *list) goTo(i int, keys []string) {
	if len(keys) == 0 {
		return
	}
	l.at = min(max(i, 0), len(keys)-1)
	l.key, l.chosen = keys[l.at], true
}

// move answers an intent that moves in a list; page is the height of a page.
func (l *list) move(in Intent, keys []string, page int) bool {
	switch in {
	case Up:
		l.goTo(l.at-1, keys)
	case Down:
		l.goTo(l.at+1, keys)
	case PageUp:
		l.goTo(l.at-max(page, 1), keys)
	case PageDown:
		l.goTo(l.at+max(page, 1), keys)
	case Top:
		l.goTo(0, keys)
	case Bottom:
		l.goTo(len(keys)-1, keys)
	default:
		return false
	}
	return true
}

// fit is the first of the h rows shown of n. In a list that is acted on the selected row is among them; another one
// shows its top, unless it was scrolled: what needs a person is there.
func (l *list) fit(n, h int, acted bool) int {
	if h < 1 {
		return 0
	}
	if acted {
		l.top = min(max(l.top, l.at-h+1), l.at)
	}
	l.top = max(min(l.top, n-h), 0)
	l.rows, l.page = n, h
	return l.top
}

// scroller is the place in a text: the first row shown.
type scroller struct {
	top  int
	rows int // of the text, as last drawn
	page int // rows shown, as last drawn
}

func (s *scroller) move(in Intent) bool {
	switch in {
	case Up:
		s.top--
	case Down:
		s.top++
	case PageUp:
		s.top -= max(s.page-1, 1)
	case PageDown:
		s.top += max(s.page-1, 1)
	case Top:
		s.top = 0
	case Bottom:
		s.top = s.rows
	default:
		return false
	}
	s.clamp()
	return true
}

// longer reports whether there is more below what is shown.
func (s *scroller) longer() bool { return s.top+s.page < s.rows }

func (s *scroller) clamp() {
	s.page = max(s.page, 0)
	s.top = max(min(s.top, s.rows-s.page), 0)
}

// window is the part of rows that is shown in h rows.
func (s *scroller) window(rows []string, h int) []string {
	h = max(h, 0)
	s.rows, s.page = len(rows), h
	s.clamp()
	return rows[s.top:min(s.top+h, len(rows))]
}
