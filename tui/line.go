package tui

import (
	"context"
	"fmt"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"gastown/beads"
	"gastown/internal/api"
)

// option is what a line gives an option, and whether it has it.
func option(words []string, name string) (value string, ok bool) {
	for i, w := range words {
		if value, ok = strings.CutPrefix(w, name+"="); ok {
			return value, true
		}
		if w == name {
			return strings.Join(words[i+1:min(i+2, len(words))], ""), true
		}
	}
	return "", false
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

// unexpected is the first word that the screen's own command does not take, "" where it takes them all.
func (c command) unexpected(arg string) string {
	takes := len(strings.Fields(c.args))
	for i, w := range splitLine(arg) {
		if i >= takes || len(w) > 1 && w[0] == '-' {
			return w
		}
	}
	return ""
}

// perform runs a command with what was typed after it: on the screen, or as the shell does where that takes more.
func (m *model) perform(c command, arg string) tea.Cmd {
	more := c.unexpected(arg)
	switch {
	case c.run != nil && more == "":
		return c.run(m, strings.Join(splitLine(arg), " "))
	case isVerb(c.name):
		return m.runLine(c, arg)
	}
	m.fail(fmt.Sprintf("%s: unexpected argument %q", c.name, more), "usage: :"+c.usage())
	return nil
}

// runLine performs a line as the shell does. Where it has options and no bead, the selected one is meant.
func (m *model) runLine(c command, arg string) tea.Cmd {
	if m.shell == nil {
		m.refuse("no command line is here")
		return nil
	}
	if r, ok := m.selectedBead(); ok && strings.HasPrefix(strings.TrimSpace(arg), "-") && strings.HasPrefix(strings.Trim(c.args, "["), "BEAD") {
		arg = string(r.bead.ID) + " " + arg
	}
	words := m.withRig(c.name, splitLine(arg))
	var over func(*model) string
	if len(words) > 0 && strings.HasPrefix(c.name, "polecat ") {
		if cat := m.catNamed(words[0]); cat != nil {
			words[0] = catKey(cat)
			over = func(m *model) string { return m.outcome(cat.Name, catKey(cat)) }
		}
	}
	label, args := strings.TrimSpace(c.name+" "+arg), append(strings.Fields(c.name), words...)
	perform := func(m *model) tea.Cmd {
		shell := m.shell
		return m.callMaking(label, func(ctx context.Context, d api.Doer) (text string, made beads.ID, err error) {
			text, err = shell(ctx, d, args)
			if id, _, ok := strings.Cut(text, " "); ok && err == nil && c.name == "bead create" {
				made = beads.ID(id)
			}
			return strings.Trim(text, "\n"), made, err
		})
	}
	why := question(strings.ReplaceAll(c.name, " ", "."), words)
	if why == "" {
		return perform(m)
	}
	m.push(&askDialog{title: strings.ToUpper(clean(label)) + "?", lines: []string{why}, yes: "do it", run: perform, over: over})
	return nil
}

// withRig says of which rig something new is, where there are several: the one that is shown alone, else that of the
// selected row.
func (m *model) withRig(name string, words []string) []string {
	makes := name == "bead create" || name == "plan"
	if !makes || len(m.facts.view.Status.Rigs) < 2 || slices.ContainsFunc(words, func(w string) bool { return strings.HasPrefix(w, "--rig") }) {
		return words
	}
	rig := m.rig
	if r, ok := m.selectedBead(); ok && rig == "" {
		rig = r.bead.Rig
	}
	if rig == "" {
		return words
	}
	return append(words, "--rig", rig)
}

// quoted is a word as it must be typed.
func quoted(s string) string {
	if strings.Contains(s, " ") {
		return `"` + s + `"`
	}
	return s
}
