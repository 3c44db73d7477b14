// Package scripted is the built-in agent: a program that acts as Mayor or as polecat without a
// model, so that the whole job runs on a fresh machine and in tests. It is a client of the verbs
// like any agent, in a process of its own under a terminal, and says what it is. It owns no state;
// it does not start processes other than the scripts of the beads it is given.
package scripted

import (
	"context"
	"errors"
	"io"
	"time"

	"gastown/internal/api"
)

// Env is what an agent process has.
type Env struct {
	In     io.Reader           // required for Mayor: the terminal
	Out    io.Writer           // required
	Getenv func(string) string // required
	Doer   api.Doer            // required: the town, by the agent's token
	// Environ is the complete environment for the scripts of beads, as KEY=VALUE. Polecat needs it.
	Environ []string
	// Dir is the worktree; empty: the working directory of this process.
	Dir string
	// Pace is waited between the steps, for a person who looks on; zero: $GASTOWN_PACE, else none.
	Pace time.Duration
	// Now tells the time; nil: time.Now.
	Now func() time.Time
}

// ready fills what was left out and complains about what cannot be.
func (e Env) ready() (Env, error) {
	if e.Out == nil || e.Getenv == nil || e.Doer == nil {
		return e, errors.New("scripted agent: output, environment or town missing")
	}
	if e.Now == nil {
		e.Now = time.Now
	}
	if e.Pace == 0 {
		if d, err := time.ParseDuration(e.Getenv("GASTOWN_PACE")); err == nil && d > 0 {
			e.Pace = d
		}
	}
	return e, nil
}

// rest waits for one pace; false when ctx ended.
func (e Env) rest(ctx context.Context) bool { return wait(ctx, e.Pace) }

// wait waits for d; false when ctx ended before.
func wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
