package refinery

import (
	"slices"
	"strings"
)

// Programs are the names that a gate's command seems to run: the first word of each of its
// parts. It reads no shell; a name too many or too few makes a verdict older or younger
// than it is, never wrong for the tree it is of.
func Programs(run string) []string {
	seen := map[string]bool{}
	for _, part := range strings.FieldsFunc(strings.ReplaceAll(run, "\\\n", " "), func(r rune) bool { return strings.ContainsRune("&|;()\n`{}", r) }) {
		for _, word := range strings.Fields(part) {
			word = strings.Trim(word, `"'!$`)
			if word == "" || assignment(word) || slices.Contains([]string{"env", "exec", "time", "nice", "command", "if", "then", "else", "do", "while", "until", "!"}, word) {
				continue
			}
			if program(word) {
				seen[word] = true
			}
			break
		}
	}
	var out []string
	for name := range seen {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

func assignment(word string) bool {
	name, _, ok := strings.Cut(word, "=")
	return ok && program(name)
}

func program(word string) bool {
	for i, r := range word {
		plain := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_./", r)
		if !plain && (i == 0 || !strings.ContainsRune("+-", r)) {
			return false
		}
	}
	return word != ""
}
