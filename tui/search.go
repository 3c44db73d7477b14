package tui

import (
	"strings"

	tea "charm.land/bubbletea/v2"
)

// search finds text in lines: typed after /, gone on with by n and N.
type search struct {
	words  input
	typing bool
	miss   bool // the last look found nothing
}

func (s *search) begin() { s.words, s.typing, s.miss = input{}, true, false }

// key takes a key while the text is typed.
func (s *search) key(ev event) {
	switch ev.key.Code {
	case tea.KeyEnter, tea.KeyKpEnter:
		s.typing = false
	case tea.KeyEscape:
		s.typing, s.words, s.miss = false, input{}, false
	default:
		s.words.edit(ev)
	}
}

// in is the nearest line from at on that has the text, going round at the ends: at itself too
// when by is 0.
func (s *search) in(lines []string, at, by int) int {
	want := strings.ToLower(s.words.String())
	s.miss = false
	if want == "" || len(lines) == 0 {
		return at
	}
	step, from := 1, at+by
	if by < 0 {
		step = -1
	}
	for n := range lines {
		i := ((from+n*step)%len(lines) + len(lines)) % len(lines)
		if strings.Contains(strings.ToLower(lines[i]), want) {
			return i
		}
	}
	s.miss = true
	return at
}

func (s *search) draw(m *model, w int) string { return s.words.draw(m, w, "/", true) }
