package scripted

import (
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/clipperhouse/displaywidth"
	"golang.org/x/sys/unix"

	"gastown/beads"
)

const (
	promptText = "> "
	// plainWidth is where lines are broken when the output is no terminal.
	plainWidth = 100
	// leastWidth is the narrowest terminal text is broken for; below that the terminal does it.
	leastWidth = 20
)

// screen prints a conversation. The terminal's own line discipline echoes and edits what is
// typed, so the screen never knows whether a line is half typed, and leaves it alone.
type screen struct {
	mu        sync.Mutex
	out       io.Writer
	prompting bool // the cursor is behind a prompt
}

// say prints text, broken into lines, cleaned of whatever could move a cursor.
func (s *screen) say(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	width, _ := s.width()
	for _, line := range wrap(beads.CleanText(fmt.Sprintf(format, args...)), width) {
		_, _ = io.WriteString(s.out, line+"\n") // a terminal that is gone ends the reading side
	}
}

func (s *screen) prompt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.prompting = true
	_, _ = io.WriteString(s.out, promptText)
}

// entered notes that the person ended the line behind the prompt.
func (s *screen) entered() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.prompting = false
}

// notice prints text without being asked. On a terminal it goes above the prompt and what is
// typed behind it; elsewhere on a line of its own, with the prompt again after it.
func (s *screen) notice(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	width, terminal := s.width()
	lines := wrap(beads.CleanText(fmt.Sprintf(format, args...)), width)
	switch {
	case !s.prompting:
		_, _ = io.WriteString(s.out, strings.Join(lines, "\n")+"\n")
	case terminal:
		for _, line := range lines {
			_, _ = io.WriteString(s.out, above(line))
		}
	default:
		_, _ = io.WriteString(s.out, "\n"+strings.Join(lines, "\n")+"\n"+promptText)
	}
}

// above inserts line over the cursor's line. The cursor is saved; an index makes room when its
// line is the last one; the line is inserted, which moves the prompt down by one; the cursor goes
// back and one down, where a terminal stops at its last line, so that both cases end well.
func above(line string) string {
	return "\x1b7\x1bD\x1b[A\r\x1b[L" + line + "\x1b8\x1b[B"
}

// width is how many cells a line may have, and whether the output is a terminal.
func (s *screen) width() (int, bool) {
	f, ok := s.out.(interface{ Fd() uintptr })
	if !ok {
		return plainWidth, false
	}
	size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return plainWidth, false
	}
	return max(int(size.Col)-1, leastWidth), true
}

// wrap breaks text into lines of at most width cells, at spaces where it can. What is broken off
// keeps the indentation of its line.
func wrap(text string, width int) []string {
	var out []string
	for line := range strings.SplitSeq(strings.ReplaceAll(text, "\t", "    "), "\n") {
		indent := line[:len(line)-len(strings.TrimLeft(line, " "))]
		if len(indent) > width/2 {
			indent = ""
		}
		for displaywidth.String(line) > width {
			cut := breakAt(line, width, len(indent))
			out = append(out, strings.TrimRight(line[:cut], " "))
			line = indent + strings.TrimLeft(line[cut:], " ")
		}
		out = append(out, line)
	}
	return out
}

// breakAt is the byte at which a line too wide is broken: behind the last space up to which it fits
// and that is not indentation, else where the width is full.
func breakAt(line string, width, indent int) int {
	used, end, space := 0, 0, 0
	g := displaywidth.StringGraphemes(line)
	for g.Next() {
		next := end + len(g.Value())
		if g.Value() == " " && end > indent {
			space = next
		}
		if used += g.Width(); used > width && end > indent {
			break
		}
		end = next
	}
	if space > 0 {
		return space
	}
	return end
}
