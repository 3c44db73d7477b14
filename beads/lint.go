package beads

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Severity says whether a Problem stops what was asked for.
type Severity string

// The severities.
const (
	SevError   Severity = "error"
	SevWarning Severity = "warning"
)

// Problem is one thing wrong with a bead, a plan or a file.
type Problem struct {
	Line     int      `json:"line,omitempty"` // from 1; 0: not in a line
	Msg      string   `json:"msg"`
	Severity Severity `json:"severity"`
}

// Failing reports whether one of ps is an error.
func Failing(ps []Problem) bool {
	return slices.ContainsFunc(ps, func(p Problem) bool { return p.Severity == SevError })
}

const acceptance = "Acceptance Criteria"

// Sections lists the sections that a bead of type t must have, by bd's rules.
func Sections(t Type) []string {
	switch t {
	case Bug:
		return []string{"Steps to Reproduce", acceptance}
	case Task, Feature, "story":
		return []string{acceptance}
	case Epic:
		return []string{"Success Criteria"}
	case Decision:
		return []string{"Decision", "Rationale", "Alternatives"}
	case Spike:
		return []string{"Goal", "Findings"}
	}
	return nil
}

// Lint checks the structure of a bead before an agent is paid to read it. A section is there when
// a field of its own holds it or a line of the text begins with its name as a heading or a label.
func Lint(b *Bead) []Problem {
	var out []Problem
	add := func(sev Severity, format string, args ...any) {
		out = append(out, Problem{Msg: fmt.Sprintf(format, args...), Severity: sev})
	}
	switch n := utf8.RuneCountInString(b.Title); {
	case strings.TrimSpace(b.Title) == "":
		add(SevError, "no title")
	case n > maxTitle:
		add(SevError, "title of %d characters, at most %d", n, maxTitle)
	}
	if b.Priority < 0 || b.Priority > 4 {
		add(SevError, "priority %d, want 0 to 4", b.Priority)
	}
	if strings.TrimSpace(b.Description) == "" {
		add(SevWarning, "no description")
	}
	for _, section := range Sections(b.Type) {
		if !hasSection(b, section) {
			add(SevWarning, "no section %q, which a %s should have", section, b.Type)
		}
	}
	return out
}

func hasSection(b *Bead, name string) bool {
	if (name == acceptance || name == "Success Criteria") && strings.TrimSpace(b.AcceptanceCriteria) != "" {
		return true
	}
	for _, text := range []string{b.Description, b.Design, b.AcceptanceCriteria, b.Notes} {
		for line := range strings.Lines(text) {
			line = strings.ToLower(strings.TrimLeft(line, "#*_ \t-"))
			if rest, ok := strings.CutPrefix(line, strings.ToLower(name)); ok {
				rest = strings.TrimLeft(rest, "*_ \t")
				if strings.TrimSpace(rest) == "" || rest[0] == ':' || rest[0] == '#' {
					return true
				}
			}
		}
	}
	return false
}
