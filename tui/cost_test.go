package tui

import (
	"strings"
	"testing"
	"time"

	"gastown/internal/api"
)

// TestCostSaysHowLong: time is known of every agent; what none of them tells has no column.
func TestCostSaysHowLong(t *testing.T) {
	p := drive(t, sampleHost(120, 40), 120, 40)
	p.keys("ctrl+]")
	told := func(told bool) {
		p.change(func(v *api.View) {
			for _, b := range v.Beads {
				for _, a := range b.Attempts {
					a.StartedAt, a.EndedAt = p.clock.now().Add(-time.Hour), p.clock.now().Add(-50*time.Minute)
					if !told {
						a.CostUSD, a.Tokens = nil, nil
					}
				}
			}
		})
	}
	told(true)
	p.keys("$")
	p.wantDialog("TRIES   AT WORK    TOKENS       COST")
	p.wantDialog("10m00s")
	told(false)
	p.wantDialog("COST  50m00s at work in all")
	p.wantDialog("No agent told its tokens or its cost")
	if strings.Contains(p.dialog(), "n/a") {
		t.Errorf("there is nothing to say of what is not known:\n%s", p.dialog())
	}
}
