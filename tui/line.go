package tui

import (
	"context"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"gastown/internal/api"
)

// hasOption reports whether a line says something in the way of options.
func hasOption(arg string) bool {
	return slices.ContainsFunc(splitLine(arg), func(w string) bool { return len(w) > 1 && w[0] == '-' })
}

// splitLine is the words of a line. A quote at the beginning of a word keeps what is up to the next one together;
// elsewhere it is a letter, as in don't.
func splitLine(line string) []string {
	var words []string
	for line = strings.TrimSpace(line); line != ""; line = strings.TrimSpace(line) {
		word, rest, _ := strings.Cut(line, " ")
		if q := line[0]; q == '"' || q == '\'' {
			if quoted, after, ok := strings.Cut(line[1:], line[:1]); ok {
				word, rest = quoted, after
			}
		}
		words, line = append(words, word), rest
	}
	return words
}

// runLine performs a line with options as the shell does. Without a bead the selected one is meant.
func (m *model) runLine(c command, arg string) tea.Cmd {
	words := splitLine(arg)
	if r, ok := m.selectedBead(); ok && strings.HasPrefix(words[0], "-") && strings.HasPrefix(strings.Trim(c.args, "["), "BEAD") {
		words = append([]string{string(r.bead.ID)}, words...)
	}
	var over func(*model) string
	if cat := m.catNamed(words[0]); cat != nil && strings.HasPrefix(c.name, "polecat ") {
		words[0] = catKey(cat)
		over = func(m *model) string { return m.outcome(cat.Name, catKey(cat)) }
	}
	label, args := strings.TrimSpace(c.name+" "+arg), append(strings.Fields(c.name), words...)
	perform := func(m *model) tea.Cmd {
		shell := m.shell
		return m.call(label, func(ctx context.Context, d api.Doer) (string, error) { return shell(ctx, d, args) })
	}
	why := asking()[strings.ReplaceAll(c.name, " ", ".")]
	if why == "" {
		return perform(m)
	}
	m.push(&askDialog{title: strings.ToUpper(clean(label)) + "?", lines: []string{why}, yes: "do it", run: perform, over: over})
	return nil
}
