package cli

import (
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"gastown/beads"
	"gastown/internal/fault"
)

// titleWidth is how much of a title a table on a terminal shows; elsewhere it is whole.
const titleWidth = 60

// page is text for a person, written at once. What comes from beads and agents cannot
// break a line of it nor reach the terminal's controls.
type page struct {
	b   strings.Builder
	now time.Time
	tty bool
}

func (a *app) page() *page { return &page{now: a.env.Now(), tty: a.env.IsTTY} }

func (p *page) flush(w io.Writer) error {
	if _, err := io.WriteString(w, beads.CleanText(p.b.String())); err != nil {
		return fault.Failf("write the answer: %w", err)
	}
	return nil
}

// line prints one line; string arguments are trimmed and cannot add another.
func (p *page) line(format string, args ...any) {
	for i, arg := range args {
		if v := reflect.ValueOf(arg); v.IsValid() && v.Kind() == reflect.String {
			args[i] = one(v.String())
		}
	}
	p.b.WriteString(strings.TrimRight(fmt.Sprintf(format, args...), " ") + "\n")
}

// text prints text of several lines as it is, indented.
func (p *page) text(indent, s string) {
	s = strings.TrimRight(beads.CleanText(s), "\n")
	for line := range strings.SplitSeq(s, "\n") {
		p.b.WriteString(strings.TrimRight(indent+line, " ") + "\n")
	}
}

// field prints a labelled value, nothing when it is empty.
func (p *page) field(label, format string, args ...any) {
	value := fmt.Sprintf(format, args...)
	if one(value) != "" {
		p.line("%-11s %s", label, value)
	}
}

// section prints a heading and, indented, its text; nothing when that is empty.
func (p *page) section(heading, text string) {
	if strings.TrimSpace(text) == "" {
		return
	}
	p.line("")
	p.line("%s", heading)
	p.text("  ", text)
}

// title is a title as a table has it.
func (p *page) title(s string) string {
	if p.tty {
		return beads.Clean(s, titleWidth)
	}
	return one(s)
}

// age is how long ago t was, in one unit.
func (p *page) age(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return short(p.now.Sub(t))
}

// table prints rows below a head, columns aligned; cells are one line each. A column
// that has nothing to say in any row is left out.
func (p *page) table(indent string, head []string, rows [][]string) {
	width := make([]int, len(head))
	for _, row := range rows {
		for i, cell := range row {
			row[i] = one(cell)
			width[i] = max(width[i], utf8.RuneCountInString(row[i]))
		}
	}
	for _, row := range append([][]string{head}, rows...) {
		var line strings.Builder
		line.WriteString(indent)
		for i, cell := range row {
			if width[i] == 0 {
				continue
			}
			if cell == "" && head[i] != "" {
				cell = "-"
			}
			pad := max(width[i], utf8.RuneCountInString(head[i])) - utf8.RuneCountInString(cell)
			line.WriteString(cell + strings.Repeat(" ", pad+2))
		}
		p.b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
}

// list is a table, or a word for none.
func (p *page) list(none string, head []string, rows [][]string) {
	if len(rows) == 0 {
		p.line("%s", none)
		return
	}
	p.table("", head, rows)
}

// one is s as one line without anything a terminal acts on.
func one(s string) string { return beads.Clean(s, 0) }

// short is a duration in its largest unit.
func short(d time.Duration) string {
	switch {
	case d < time.Second:
		return "0s"
	case d < time.Minute:
		return strconv.Itoa(int(d.Seconds())) + "s"
	case d < time.Hour:
		return strconv.Itoa(int(d.Minutes())) + "m"
	case d < 48*time.Hour:
		h, m := int(d.Hours()), int(d.Minutes())%60
		if h < 10 && m > 0 {
			return fmt.Sprintf("%dh%02dm", h, m)
		}
		return strconv.Itoa(h) + "h"
	}
	return strconv.Itoa(int(d.Hours())/24) + "d"
}

// sha is a commit as people read it.
func sha(commit string) string {
	if len(commit) > 8 {
		return commit[:8]
	}
	return commit
}

func diff(added, removed int) string {
	if added == 0 && removed == 0 {
		return ""
	}
	return fmt.Sprintf("+%d -%d", added, removed)
}

// typed is a name as a shell takes it for one word.
func typed(name string) string {
	if name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-_./:@%+=,", r)
	}) {
		return name
	}
	return "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
}

// countVerb is a number with what so many do.
func countVerb(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + more
}

func ids(list []beads.ID) string {
	out := make([]string, len(list))
	for i, id := range list {
		out[i] = string(id)
	}
	return strings.Join(out, ", ")
}
