package town

import (
	"fmt"
	"time"

	"gastown/agents"
	"gastown/beads"
	"gastown/internal/api"
)

// silenceLook is the longest time between two looks at a silent polecat's processes: each reads the whole process table.
const silenceLook = time.Minute

// watchSilence finds out that a polecat at work shows no sign of life any more, and tells the person. It is a thing to
// look at, no verdict: nothing is stopped, and nothing is typed. What it knows is the host's alone, and kept in memory.
func (w *worker) watchSilence() {
	s := w.sessionNow()
	if s == nil {
		return
	}
	now, output := w.h.t.deps.Now(), s.LastOutput()
	if output.IsZero() {
		output = s.Started()
	}
	every := min(silenceLook, w.silence/4)
	if w.standing() { // as it was told to
		w.calm = agents.Calm{}
		return
	}
	if now.Sub(output) < every {
		w.calm = agents.Calm{}
		w.setStalled(false)
		return
	}
	if now.Sub(w.calmAt) < every {
		return
	}
	w.calmAt = now
	if a, _, err := w.attempt(); err != nil || a.State != beads.Running { // whoever asks or is limited waits for something
		w.calm = agents.Calm{}
		w.setStalled(false)
		return
	}
	use := s.Proc().Use()
	var stalled bool
	w.calm, stalled = w.calm.See(agents.Activity{At: now, Output: output, CPU: use.CPU, Timed: use.Timed, PIDs: use.PIDs}, w.silence)
	w.setStalled(stalled)
}

// setStalled notes whether the polecat shows no sign of life; it is told once.
func (w *worker) setStalled(on bool) {
	w.mu.Lock()
	was := w.stalled
	w.stalled = on
	w.mu.Unlock()
	if was == on {
		return
	}
	if on {
		w.tell(beads.EvStalled, fmt.Sprintf("%s prints nothing and does nothing on %s", w.name, w.bead))
	} else {
		w.tell(beads.EvAwake, w.name+" shows signs of life again")
	}
	w.h.changed()
}

// isStalled reports whether the polecat shows no sign of life.
func (w *worker) isStalled() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.stalled
}

// stallProblem is a polecat that shows no sign of life, for the person.
func stallProblem(p api.PolecatInfo) api.Problem {
	since := p.Quiet
	if since.IsZero() {
		since = p.Since
	}
	return api.Problem{
		Key: "stalled/" + string(p.Bead), Who: p.Name, What: "prints nothing and does nothing; it may be stuck", Since: since,
		Do: "gastown polecat peek " + p.Name + " (t on the screen) shows its terminal, gastown polecat restart " + p.Name + " (R on the screen) starts it again", Bead: p.Bead, Rig: p.Rig, Level: "hung",
	}
}
