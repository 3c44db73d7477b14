package config

import (
	"strings"

	"gastown/internal/fault"
)

var bareKey = lazy(`^[A-Za-z0-9_-]+$`)

// showKey is one part of a key as TOML writes it.
func showKey(s string) string {
	if bareKey().MatchString(s) {
		return s
	}
	return quote(s)
}

// showPath is a key as a person writes it, without the numbers of elements.
func showPath(path []string) string {
	var parts []string
	for _, p := range path {
		if !strings.HasPrefix(p, "#") {
			parts = append(parts, showKey(p))
		}
	}
	return strings.Join(parts, ".")
}

// unknown is the error for a key that is in no schema.
func (d *document) unknown(line int, path []string) *fault.Error {
	err := fault.Usagef("%s: unknown key %s", d.at(line), showPath(path))
	if s := suggest(path); s != "" {
		return err.WithHint("did you mean %s?", s)
	}
	return err
}

// suggest is the schema's key closest to path, "" when none is close. It compares
// part by part: a wrong part must be within two letters.
func suggest(path []string) string {
	best, bestDist := "", 3
	for _, s := range schema() {
		parts := strings.Split(s.pattern, ".")
		if len(parts) < len(path) {
			continue
		}
		total := 0
		shown := make([]string, 0, len(path))
		for i, p := range path {
			switch {
			case parts[i] == "*":
				shown = append(shown, p)
			case parts[i] == "#":
				if !strings.HasPrefix(p, "#") {
					total += bestDist
				}
			default:
				total += distance(p, parts[i])
				shown = append(shown, parts[i])
			}
		}
		if total > 0 && total < bestDist {
			best, bestDist = showPath(shown), total
		}
	}
	return best
}

// distance is how many letters must be added, removed or replaced.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diag := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := diag
			if a[i-1] != b[j-1] {
				cost++
			}
			diag = row[j]
			row[j] = min(cost, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}
