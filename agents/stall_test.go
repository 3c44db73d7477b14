package agents

import (
	"testing"
	"time"
)

func TestCalm(t *testing.T) {
	const limit = 20 * time.Minute
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	still := func(n int) Activity {
		return Activity{At: start.Add(time.Duration(n) * time.Minute), Output: start.Add(-time.Minute), CPU: time.Second, Timed: true, PIDs: []int{1, 2}}
	}
	with := func(f func(n int, a *Activity)) func(int) Activity {
		return func(n int) Activity {
			a := still(n)
			f(n, &a)
			return a
		}
	}
	for _, c := range []struct {
		name string
		look func(minute int) Activity
		at   int // minute of the alarm; 0: none in an hour
	}{
		{"nothing at all", still, 20},
		{"it prints at minute 15", with(func(n int, a *Activity) {
			if n >= 15 {
				a.Output = start.Add(14*time.Minute + 30*time.Second)
			}
		}), 35},
		{"it computes", with(func(n int, a *Activity) { a.CPU += time.Duration(n) * 10 * time.Second }), 0},
		{"its timers tick", with(func(n int, a *Activity) { a.CPU += time.Duration(n) * 500 * time.Millisecond }), 20},
		{"it starts commands in silence", with(func(n int, a *Activity) { a.PIDs = []int{1, 2 + n} }), 0},
		{"a command ends at minute 10", with(func(n int, a *Activity) {
			if n >= 10 {
				a.PIDs, a.CPU = []int{1}, 0
			}
		}), 30},
		{"the machine does not tell", with(func(_ int, a *Activity) { a.Timed, a.CPU = false, 0 }), 40},
	} {
		t.Run(c.name, func(t *testing.T) {
			var calm Calm
			at := 0
			for n := range 60 {
				var stalled bool
				if calm, stalled = calm.See(c.look(n), limit); stalled && at == 0 {
					at = n
				}
			}
			if at != c.at {
				t.Errorf("told at minute %d, want %d", at, c.at)
			}
		})
	}
}

func TestSilenceLimit(t *testing.T) {
	custom := map[string]Custom{"mine": {Command: []string{"x"}}, "slow": {Extends: "claude", Silence: time.Hour}}
	for name, want := range map[string]time.Duration{"claude": DrawsSilence, "opencode": DrawsSilence, "scripted": DefaultSilence, "mine": DefaultSilence, "slow": time.Hour} {
		p, _, err := Resolve(custom, name)
		if err != nil || p.SilenceLimit() != want {
			t.Errorf("%s: %v (%v), want %v", name, p.SilenceLimit(), err, want)
		}
	}
}
