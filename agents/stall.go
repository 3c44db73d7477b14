package agents

import (
	"slices"
	"time"
)

// How long a polecat may show no sign of life before the person is told. Programs that draw while they wait for their
// model print all the time; of others nothing is known, and they may well wait in silence.
const (
	DrawsSilence   = 10 * time.Minute
	DefaultSilence = 20 * time.Minute
)

// restShare is the part of one processor that a program which only waits may use: its timers do.
const restShare = 0.02

// Activity is what was seen of a polecat's program at one moment.
type Activity struct {
	At     time.Time
	Output time.Time     // it printed last; or started, when it never did
	CPU    time.Duration // of all its processes so far
	Timed  bool          // the machine tells CPU
	PIDs   []int         // its processes, sorted
}

// Calm watches for signs of life: output, processor time, processes that come or go. Silence alone is no sign of
// death: an agent may wait for a build, or for its model.
type Calm struct {
	last  Activity
	since time.Time // nothing happened since
}

// See takes another look. stalled says that there was no sign of life for limit; for twice that where processor time
// is not known.
func (c Calm) See(a Activity, limit time.Duration) (next Calm, stalled bool) {
	next = Calm{last: a, since: c.since}
	if c.last.At.IsZero() || busy(c.last, a) {
		next.since = a.At
	}
	if !a.Timed {
		limit *= 2
	}
	return next, a.At.Sub(next.since) >= limit
}

// busy reports whether something happened between two looks.
func busy(before, now Activity) bool {
	spent := now.CPU - before.CPU
	return now.Output.After(before.At) || !slices.Equal(before.PIDs, now.PIDs) ||
		spent < 0 || float64(spent) > restShare*float64(now.At.Sub(before.At))
}

// SilenceLimit is how long a polecat of this preset may be silent.
func (p Preset) SilenceLimit() time.Duration {
	if p.Silence > 0 {
		return p.Silence
	}
	return DefaultSilence
}
