package refinery

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"gastown/beads"
)

// Tools are files that gates run: by path, what changes when the file does.
type Tools map[string]string

// churns is how many changes under a running gate show that the gate makes them.
const churns = 2

// Key names what a verdict holds for besides the tree: the gates, and the tools but those that
// the gates make themselves.
func (q Queue) Key(gates []Gate) string {
	var names []string
	for path := range q.Tools {
		if q.Churn[path] < churns {
			names = append(names, path)
		}
	}
	if len(names) == 0 {
		return GateKey(gates)
	}
	slices.Sort(names)
	h := sha256.New()
	for _, path := range names {
		fmt.Fprintf(h, "%q %q\n", path, q.Tools[path])
	}
	return GateKey(gates) + "-" + hex.EncodeToString(h.Sum(nil)[:4])
}

// look takes in what the tools are now, and gives the key of the step. A run keeps its own
// through all its gates: a gate that installs a tool and then uses it would else never come to
// a verdict.
func (m *machine) look() string {
	r, now := m.q.Run, m.cfg.Tools
	if r == nil || r.Phase != PhaseGate {
		if now != nil {
			m.q.Tools = now
		}
		return m.q.Key(m.cfg.Gates)
	}
	if now != nil {
		for path, was := range r.Tools {
			if is, there := now[path]; there && is != was {
				m.churned(path)
			}
		}
		r.Tools = now
	}
	if gates := GateKey(m.cfg.Gates); r.Key == gates || strings.HasPrefix(r.Key, gates+"-") {
		return r.Key
	}
	return m.q.Key(m.cfg.Gates)
}

// churned counts a change of a tool under a running gate.
func (m *machine) churned(path string) {
	if m.q.Churn == nil {
		m.q.Churn = map[string]int{}
	}
	if m.q.Churn[path]++; m.q.Churn[path] == churns {
		m.emit(Note{Kind: beads.EvGateDone, Text: fmt.Sprintf("the gates change %s while they run: which one it is says nothing about a verdict any more", oneLine(path))})
	}
}

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
