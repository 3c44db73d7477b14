package beads

import (
	"fmt"
	"time"
)

// Proof is what the gates say of an attempt's tests without its change: the base with only
// its test files on it. Tests that are red there and green on its own tree test something.
type Proof struct {
	Outcome ProofOutcome  `json:"outcome"`
	Files   int           `json:"files,omitempty"` // test files that it changes
	Gate    string        `json:"gate,omitempty"`  // that was red, or gave no answer
	Took    time.Duration `json:"took_ns,omitempty"`
	Log     string        `json:"log,omitempty"` // path of the output
	Commit  string        `json:"commit,omitempty"`
	At      time.Time     `json:"at,omitzero"`
}

// ProofOutcome is what a Proof found.
type ProofOutcome string

// The outcomes of a proof. None of them keeps a bead from landing.
const (
	ProofPending ProofOutcome = "pending"        // waits for a moment when no candidate is gated
	ProofRed     ProofOutcome = "red_before"     // red without the change, green with it
	ProofGreen   ProofOutcome = "green_before"   // the tests pass without the change
	ProofNone    ProofOutcome = "no_tests"       // it changes no test file
	ProofOnly    ProofOutcome = "only_tests"     // it changes nothing but test files
	ProofUnclear ProofOutcome = "not_conclusive" // the gates gave no verdict
)

// Text is the proof in words; "" before there is one.
func (p *Proof) Text() string {
	if p == nil {
		return ""
	}
	files := "1 test file"
	if p.Files != 1 {
		files = fmt.Sprintf("%d test files", p.Files)
	}
	switch p.Outcome {
	case ProofRed:
		return fmt.Sprintf("red before, green after (gate %s, %s)", Clean(p.Gate, 40), files)
	case ProofGreen:
		return fmt.Sprintf("tests pass without the change (%s)", files)
	case ProofNone:
		return "no test files changed"
	case ProofOnly:
		return fmt.Sprintf("only test files changed (%d)", p.Files)
	case ProofUnclear:
		return fmt.Sprintf("not conclusive: gate %s gave no verdict without the change", Clean(p.Gate, 40))
	}
	return ""
}
