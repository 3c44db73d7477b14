package agents

import (
	"slices"
	"time"

	"gastown/beads"
)

// SetupPhase is what comes next for a rig's setup that failed.
type SetupPhase string

// The phases. One polecat goes first in those where the setup may work: a worktree of its own may be another matter.
const (
	SetupWaits   SetupPhase = ""        // it is tried on the target alone at Until
	SetupPassed  SetupPhase = "passed"  // it worked there: one polecat goes first
	SetupChanged SetupPhase = "changed" // settings or the target are others than it failed with: one polecat goes first
	SetupStuck   SetupPhase = "stuck"   // it works on the target and not for polecats: until a person acts
)

// setupFlops is how often a setup fails for a polecat right after it worked on the target, until a person has to act.
const setupFlops = 3

// Setup is a rig's setup that failed where nobody's work was in it: whatever begins there meets the
// same, so nothing does until it is seen to work. What began before At says nothing about it.
type Setup struct {
	Of     string     `json:"of"`     // what failed, as settings say it
	Target string     `json:"target"` // the commit that it failed on
	Why    string     `json:"why"`
	Tries  int        `json:"tries"` // that failed in a row
	Flops  int        `json:"flops,omitempty"`
	Since  time.Time  `json:"since"`
	At     time.Time  `json:"at"`             // when this was found out, or a person asked for a try
	Until  time.Time  `json:"until,omitzero"` // when it is tried again; zero: at once
	Phase  SetupPhase `json:"phase,omitempty"`
}

// Failed is the setup after one more failure; of and target are what failed now.
func (s Setup) Failed(of, target, why string, now time.Time, unit float64) Setup {
	n := Setup{Of: of, Target: target, Why: why, Tries: s.Tries + 1, Flops: s.Flops, Since: s.Since, At: now}
	n.Until = now.Add(Backoff(n.Tries, unit))
	if n.Since.IsZero() {
		n.Since = now
	}
	if s.Phase == SetupPassed {
		n.Flops++
	}
	if n.Flops >= setupFlops {
		n.Phase, n.Until = SetupStuck, time.Time{}
	}
	return n
}

// Passed is the setup after it worked on the target.
func (s Setup) Passed(now time.Time) Setup {
	s.Phase, s.At, s.Until = SetupPassed, now, time.Time{}
	return s
}

// Asked is the setup after a person acted: it is tried at once.
func (s Setup) Asked(now time.Time) Setup {
	if s.Phase == SetupStuck {
		s.Phase = SetupPassed
	}
	s.At, s.Until, s.Flops = now, time.Time{}, 0
	return s
}

// Moved is the setup where settings and the target are these, and whether it failed with others.
func (s Setup) Moved(of, target string, now time.Time) (Setup, bool) {
	if s.Of == of && s.Target == target {
		return s, false
	}
	return Setup{Of: of, Target: target, Why: s.Why, Tries: s.Tries, Since: s.Since, At: now, Phase: SetupChanged}, true
}

// setUp says why nothing begins in a rig whose setup does not work, beside starts, until when if time alone may
// change that, and whether it is to be tried now.
func (w World) setUp(rig string, starts []Start) (why string, until time.Time, try bool) {
	s, broken := w.Setups[rig]
	if !broken {
		return "", time.Time{}, false
	}
	switch s.Phase {
	case SetupStuck:
		return s.Why + "; it works on the target alone, and waits for a person: a sling tries it again", time.Time{}, false
	case SetupPassed, SetupChanged:
		begins := slices.ContainsFunc(w.Live, func(a *beads.Attempt) bool { return a.Rig == rig && a.State == beads.Starting })
		if !begins && !slices.ContainsFunc(starts, func(s Start) bool { return s.Rig == rig }) {
			return "", time.Time{}, false
		}
	case SetupWaits:
		if s.Until.After(w.Now) {
			return s.Why + "; it is tried again in " + (s.Until.Sub(w.Now).Truncate(time.Second) + time.Second).String(), s.Until, false
		}
		try = true
	}
	return s.Why + "; it is being tried again", time.Time{}, try
}
