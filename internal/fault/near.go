package fault

import "strings"

// Nearest are the names that a person may have meant who typed words that are none: those that end with the first word
// ("answer": "polecat answer"), else the one that the words begin, with two letters wrong at most. Of many there is none.
func Nearest(typed, names []string) []string {
	const most, wrong = 3, 2
	if len(typed) == 0 {
		return nil
	}
	var ending, like []string
	best := min(wrong+1, len(typed[0]))
	for _, name := range names {
		words := strings.Fields(name)
		if len(words) > 1 && words[len(words)-1] == typed[0] {
			ending = append(ending, name)
		}
		begin := strings.Join(typed[:min(len(words), len(typed))], " ")
		far := Distance(begin, name)
		if strings.HasPrefix(name, begin) {
			far = min(far, 1) // cut short, not wrong
		}
		if far > 0 && far < best {
			best, like = far, []string{name}
		}
	}
	switch {
	case len(ending) == 0:
		return like
	case len(ending) > most:
		return nil
	}
	return ending
}

// Distance is the number of single-character edits between two words.
func Distance(a, b string) int {
	prev := make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := range len(a) {
		cur := make([]int, len(b)+1)
		cur[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			cur[j+1] = min(prev[j]+cost, prev[j+1]+1, cur[j]+1)
		}
		prev = cur
	}
	return prev[len(b)]
}
