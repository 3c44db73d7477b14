package scripted

import "strings"

// Script is the text of the first fenced block marked sh in a bead's description; false when
// there is none. The fence may be indented; that much indentation is taken off its lines.
func Script(description string) (string, bool) {
	var block []string
	fence, indent, found := "", 0, false
	for line := range strings.SplitSeq(strings.ReplaceAll(description, "\r\n", "\n"), "\n") {
		bare := strings.TrimLeft(line, " ")
		ticks := len(bare) - len(strings.TrimLeft(bare, "`"))
		switch {
		case fence == "" && ticks >= 3:
			fence, indent = bare[:ticks], len(line)-len(bare)
			word, _, _ := strings.Cut(strings.TrimSpace(bare[ticks:]), " ")
			found = word == "sh"
		case fence != "" && ticks >= len(fence) && strings.TrimSpace(bare[ticks:]) == "":
			if found {
				return strings.Join(block, "\n") + "\n", true
			}
			fence = ""
		case found:
			block = append(block, line[min(indent, len(line)-len(bare)):])
		}
	}
	return "", false
}

// mayorAnswer is the text of the line "Mayor-answer: TEXT" of a description: what a person who
// wrote the spec wants this agent to say when the bead's polecat asks.
func mayorAnswer(description string) (string, bool) {
	for line := range strings.SplitSeq(description, "\n") {
		name, text, ok := strings.Cut(line, ":")
		if text = strings.TrimSpace(text); ok && text != "" && strings.EqualFold(strings.TrimSpace(name), "mayor-answer") {
			return text, true
		}
	}
	return "", false
}
