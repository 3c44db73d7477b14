package demo

import (
	"context"
	"fmt"
	"time"

	"gastown/internal/api"
)

// Tempo is how fast the demo goes.
type Tempo int

const (
	// Fast is without any pause, for a run that nobody watches.
	Fast Tempo = iota
	// Watched is paced for a person: gates of one to two seconds, agents that rest between steps.
	Watched
)

const (
	// watchedPace is between the steps of an agent that is watched; it is $GASTOWN_PACE then.
	watchedPace = 1200 * time.Millisecond
	// watchedTest is before each test of a watched gate, in seconds: 2 tests at first, 13 in the
	// end, so 0.2 to 1.3 seconds.
	watchedTest = "0.1"
	// gateTimeout is a hundred times what the gates take on a slow machine.
	gateTimeout = "60s"
	// gateSilence is far above the time between two lines of a gate.
	gateSilence = "20s"
)

// Pace is what $GASTOWN_PACE should be for the agents.
func (t Tempo) Pace() time.Duration {
	if t == Watched {
		return watchedPace
	}
	return 0
}

// Gates are the gates of the sample project.
func (t Tempo) Gates() []api.GateSpec {
	test := "sh test/run.sh"
	if t == Watched {
		test = "DEMO_PACE=" + watchedTest + " " + test
	}
	return []api.GateSpec{
		{Name: "lint", Run: "sh test/lint.sh", Timeout: gateTimeout, Silence: gateSilence},
		{Name: "test", Run: test, Timeout: gateTimeout, Silence: gateSilence},
	}
}

// Setup fits out a new town for the demo: the built-in agent as Mayor and polecats, and the sample
// project in source as its one rig. In a town that has the rig it changes nothing.
func Setup(ctx context.Context, d api.Doer, source string, tempo Tempo) error {
	rigs, err := api.RigList.Do(ctx, d, api.Empty{})
	if err != nil {
		return fmt.Errorf("set up the demo: %w", err)
	}
	for _, r := range rigs {
		if r.Name == Rig {
			return nil
		}
	}
	for _, set := range []api.ConfigReq{
		{Key: "town.mayor", Value: Preset},
		{Key: "town.polecat", Value: Preset},
	} {
		if _, err := api.ConfigSet.Do(ctx, d, set); err != nil {
			return fmt.Errorf("set up the demo: %w", err)
		}
	}
	_, err = api.RigAdd.Do(ctx, d, api.RigAddReq{
		Name: Rig, Source: source, Branch: "main", Prefix: "we", Deliver: "none", Gates: tempo.Gates(),
	})
	if err != nil {
		return fmt.Errorf("set up the demo: %w", err)
	}
	return nil
}
