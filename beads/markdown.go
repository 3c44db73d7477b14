package beads

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"
)

// defaultPriority is what bd gives a bead without one.
const defaultPriority = 2

type markdown struct{ heading, keyed, field, bullet, fence *regexp.Regexp }

// patterns are compiled by the first plan that is read: every other command would pay for them at start.
var patterns = sync.OnceValue(func() markdown {
	return markdown{
		heading: regexp.MustCompile(`^ {0,3}(#{1,6})[ \t]+(.*?)[ \t]*#*[ \t]*$`),
		keyed:   regexp.MustCompile(`^\[([A-Za-z0-9][A-Za-z0-9._-]*)\]\s+(.+)$`),
		field: regexp.MustCompile(`(?i)^ {0,3}(?:[-*+] )?[*_]{0,2}(type|priority|needs|depends on|labels?|agent|` +
			`acceptance(?: criteria)?)(?:[*_]{0,2}:|:[*_]{0,2})(?:\s+(.*)|)$`),
		bullet: regexp.MustCompile(`^\s*(?:[-*+]|\d{1,3}[.)])\s+(\[[ xX]\]\s+)?(.*\S)\s*$`),
		fence:  regexp.MustCompile("^ {0,3}(`{3,}|~{3,})\\s*([^`]*)$"),
	}
})

// contextTitles are sections that are talk unless a field line says otherwise.
var contextTitles = []string{
	"overview", "context", "background", "goals", "goal", "non-goals", "notes", "note", "out of scope", "summary",
	"introduction", "motivation", "references", "risks", "open questions", "definition of done", "acceptance", "acceptance criteria",
	"success criteria",
}

// section is a heading and what is below it up to the next one.
type section struct {
	level int // 0: the text before the first heading
	title string
	line  int // of the heading, from 1
	body  []string
}

func (s section) heading() string { return strings.Repeat("#", s.level) + " " + s.title }

// split cuts Markdown at its headings; those inside fenced code are none.
func split(src string) []section {
	src = strings.TrimPrefix(CleanText(src), "\ufeff")
	sections := []section{{}}
	fence := ""
	for i, line := range strings.Split(src, "\n") {
		in := fence != ""
		fence = fenceAfter(fence, line)
		if m := patterns().heading.FindStringSubmatch(line); m != nil && !in && len(m[1]) <= 4 {
			sections = append(sections, section{level: len(m[1]), title: m[2], line: i + 1})
			continue
		}
		last := &sections[len(sections)-1]
		last.body = append(last.body, line)
	}
	return sections
}

// fenceAfter is the fence that is open after line; "" for none.
func fenceAfter(open, line string) string {
	m := patterns().fence.FindStringSubmatch(line)
	switch {
	case m == nil:
		return open
	case open == "":
		return m[1]
	case strings.HasPrefix(m[1], open) && strings.TrimSpace(m[2]) == "":
		return ""
	}
	return open
}

// isBead is the rule that Plan states. accept: a heading with the acceptance list follows; inside: below a ## bead.
func (s section) isBead(accept, inside bool) bool {
	if s.level != 2 && s.level != 3 {
		return false
	}
	fields, boxes, script := false, false, false
	fence := ""
	for _, line := range s.body {
		in := fence != ""
		fence = fenceAfter(fence, line)
		if in {
			continue
		}
		if fence != "" {
			lang, _, _ := strings.Cut(strings.TrimSpace(patterns().fence.FindStringSubmatch(line)[2]), " ")
			script = script || slices.Contains([]string{"sh", "bash", "shell"}, strings.ToLower(lang))
			continue
		}
		_, _, isField := field(line)
		_, box := listItem(line)
		fields, boxes = fields || isField, boxes || box
	}
	if inside || isTalk(s.title) {
		return fields
	}
	return fields || boxes || script || accept
}

func isTalk(title string) bool {
	return slices.Contains(contextTitles, strings.ToLower(strings.TrimRight(title, ": ")))
}

func isAcceptance(title string) bool {
	switch strings.ToLower(strings.TrimRight(title, ": ")) {
	case "acceptance", "acceptance criteria":
		return true
	}
	return false
}

// field takes a field line apart; name is in lower case.
func field(line string) (name, value string, ok bool) {
	m := patterns().field.FindStringSubmatch(line)
	if m == nil {
		return "", "", false
	}
	name = strings.ToLower(m[1])
	if strings.HasPrefix(name, "acceptance") {
		name = "acceptance"
	}
	return name, strings.TrimSpace(m[2]), true
}

// listItem is the text of a list item, and whether it has a check box; "" for any other line.
func listItem(line string) (text string, box bool) {
	m := patterns().bullet.FindStringSubmatch(line)
	if m == nil {
		return "", false
	}
	return m[2], m[1] != ""
}

// criteria is an acceptance section as a list: items without their boxes, everything else as it is.
func criteria(body []string) string {
	var out []string
	fence := ""
	for _, line := range body {
		in := fence != ""
		fence = fenceAfter(fence, line)
		if item, _ := listItem(line); item != "" && !in {
			line = strings.Repeat(" ", len(line)-len(strings.TrimLeft(line, " "))) + "- " + item
		}
		out = append(out, line)
	}
	return trimBlank(strings.Join(out, "\n"))
}

func joinLines(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "\n" + b
}

// list is a comma-separated value; "none" and "-" are empty.
func list(value string) []string {
	var out []string
	for _, s := range strings.Split(value, ",") {
		s = strings.Trim(strings.TrimSpace(s), "`\"[]")
		if s != "" && s != "-" && !strings.EqualFold(s, "none") {
			out = append(out, s)
		}
	}
	return out
}

// trimBlank takes blank lines off both ends and blanks off the end.
func trimBlank(s string) string {
	lines := strings.Split(strings.TrimRight(s, " \t\n"), "\n")
	for len(lines) > 0 && strings.TrimSpace(lines[0]) == "" {
		lines = lines[1:]
	}
	return strings.Join(lines, "\n")
}

// Slug is s in lower case with everything but letters and digits as single hyphens.
func Slug(s string) string {
	var b strings.Builder
	gap := false
	for _, r := range strings.ToLower(s) {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			gap = b.Len() > 0
			continue
		}
		if gap {
			b.WriteByte('-')
			gap = false
		}
		b.WriteRune(r)
	}
	return b.String()
}

// ParsePriority reads P0 to P4, 0 to 4, or bd's words.
func ParsePriority(s string) (int, bool) {
	s = strings.ToLower(strings.TrimSpace(s))
	if i := slices.Index([]string{"critical", "high", "medium", "low", "backlog"}, s); i >= 0 {
		return i, true
	}
	n, err := strconv.Atoi(strings.TrimPrefix(s, "p"))
	return n, err == nil && n >= 0 && n <= 4 && len(s) <= 2
}

// Template is the skeleton of a specification that `gastown plan --template` prints.
const Template = `# Name of the plan

What is wanted and why, in a few lines. Every agent gets this text.

## Context

What they must know: where things are, what exists, what has been decided.

## [store] A title that says what will be true

Type: feature
Priority: P1

What to do, and where.

Acceptance:
- [ ] something a person or a test can check
- [ ] the tests pass

## [cli] Another bead

Type: task
Needs: store

What to do. It starts when "store" has landed.

### Acceptance criteria

- something a person or a test can check

## Out of scope

What not to do.
`
