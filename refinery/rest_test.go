package refinery

import (
	"strings"
	"testing"
	"time"
)

func TestAtRestNothingIsBeingDone(t *testing.T) {
	d := newDrive(t)
	d.submit("ma-1", "ma-2")
	d.built("B")
	d.state(Gating)
	before := asJSON(t, d.q)
	q, later := AtRest(d.q), d.now.Add(9*time.Hour)
	if q.State != Idle || q.Run != nil || q.Entries[0].State != EntryQueued {
		t.Errorf("%s, %+v, %+v", q.State, q.Run, q.Entries)
	}
	if why := WhyNot(q, "ma-1", later); why != "ma-1 waits for the host, which is not running." {
		t.Errorf("why: %s", why)
	}
	if asJSON(t, d.q) != before {
		t.Error("it changed its input")
	}
	d.send(Pause{By: "you"})
	if q := AtRest(d.q); q.State != Paused || !strings.Contains(WhyNot(q, "ma-1", later), "does not move") {
		t.Errorf("paused: %s, %s", q.State, WhyNot(q, "ma-1", later))
	}
	if q := AtRest(Queue{State: Hung}); q.State != Idle || q.Reason != "" {
		t.Errorf("empty: %+v", q)
	}
}
