package tui

import (
	"slices"
	"strings"
	"unicode"

	"gastown/internal/api"
)

// What the town says of a next step is written for a shell. On the screen the same step is a key, or a : command.

// keyOf is the key that does on a selected row what a verb does by name.
func keyOf(verb string) Intent {
	switch verb {
	case api.BeadShow.Name():
		return Open
	case api.GetDiff.Name():
		return ShowDiff
	case api.QueueApprove.Name(), api.PolecatAnswer.Name():
		return AnswerAsk
	case api.QueueRevert.Name():
		return RevertLanded
	case api.PolecatPeek.Name(), api.PolecatAttach.Name():
		return Attach
	case api.PolecatNudge.Name():
		return Nudge
	case api.PolecatKill.Name():
		return Kill
	case api.PolecatRestart.Name():
		return RestartAgent
	case api.PolecatRevive.Name():
		return Revive
	case api.PolecatReassign.Name(), api.Sling.Name():
		return Assign
	case api.RefineryRestart.Name():
		return RestartRefinery
	case api.RefineryLog.Name():
		return ShowLog
	}
	return None
}

// here is a text of the town with keys and : commands for those of a shell. A key acts on the row that the text
// is about, so that a command about anything else stays a command.
func (f *facts) here(text string, about ...string) string {
	const shell, onScreen = "gastown ", " on the screen"
	var out strings.Builder
	for {
		i := strings.Index(text, shell)
		if i < 0 {
			break
		}
		before, words, after := text[:i], text[i+len(shell):], ""
		if quoted := strings.HasSuffix(before, "`"); quoted {
			before = before[:len(before)-1]
			words, after, _ = strings.Cut(words, "`")
		} else {
			words, after = f.commandOf(words)
		}
		fields := strings.Fields(words)
		n, verb := verbOf(fields)
		if n == 0 || forAgents(verb) { // for a shell indeed
			out.WriteString(text[:i+len(shell)])
			text = text[i+len(shell):]
			continue
		}
		way := f.wayTo(verb, fields, n, about)
		if key, rest, ok := strings.Cut(after, onScreen+")"); ok && len(key) == len(" (k") && key[:2] == " (" {
			if strings.TrimLeft(rest, ".;,") != "" || !strings.HasPrefix(way, key[2:]) {
				way = key[2:]
			}
			after = rest
		}
		out.WriteString(before + way)
		text = after
	}
	return out.String() + text
}

// here is a text of the town, clean, in the screen's own keys and commands.
func (m *model) here(text string, about ...string) string { return m.facts.here(clean(text), about...) }

// forAgents reports whether a verb is what an agent types in its own shell.
func forAgents(verb string) bool {
	switch verb {
	case api.Prime.Name(), api.Done.Name(), api.Escalate.Name(), api.Report.Name():
		return true
	}
	return false
}

// wayTo is the key for a command about the selected row, else the command.
func (f *facts) wayTo(verb string, words []string, n int, about []string) string {
	args := words[n:]
	if in := keyOf(verb); in != None && len(args) > 0 && slices.Contains(about, args[0]) {
		return hints(keymap(), in)[0]
	}
	return ":" + strings.Join(words, " ")
}

// commandOf parts a command that is not quoted from what follows it in its sentence.
func (f *facts) commandOf(text string) (words, rest string) {
	fields := strings.Fields(text)
	end, _ := verbOf(fields)
	for end < len(fields) && !strings.ContainsAny(fields[max(end-1, 0)], ",;)") && fields[end][0] != '(' && f.isArgument(strings.TrimRight(fields[end], ".,;)")) {
		end++
	}
	at := 0
	for _, word := range fields[:end] {
		at += strings.Index(text[at:], word) + len(word)
	}
	words = strings.TrimRight(text[:at], ".,;)")
	return words, text[len(words):]
}

// verbOf is the verb that a command's words begin with, and of how many it is.
func verbOf(words []string) (n int, verb string) {
	for n := min(3, len(words)); n > 0; n-- {
		name := strings.Join(words[:n], ".")
		if slices.ContainsFunc(api.Table(), func(v api.Verb) bool { return v.Name == name }) {
			return n, name
		}
	}
	return 0, ""
}

// isArgument reports whether a word after a command belongs to it: it is a name, an option or a placeholder, and not
// the next word of the sentence.
func (f *facts) isArgument(word string) bool {
	odd := func(r rune) bool {
		return unicode.IsUpper(r) || unicode.IsDigit(r) || strings.ContainsRune(`-/._"'`, r)
	}
	if strings.ContainsFunc(word, odd) {
		return true
	}
	s := f.view.Status
	return slices.ContainsFunc(s.Rigs, func(r api.StatusRig) bool { return r.Name == word }) ||
		slices.ContainsFunc(s.Polecats, func(p api.PolecatInfo) bool { return p.Name == word })
}
