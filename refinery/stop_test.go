package refinery

import (
	"strings"
	"testing"
	"time"

	"gastown/beads"
)

// TestAStopIsInTheLog: once, when the queue stops by itself.
func TestAStopIsInTheLog(t *testing.T) {
	d := newDrive(t)
	stops := func() (texts []string) {
		for _, e := range d.all {
			if n, ok := e.(Note); ok && n.Kind == beads.EvPaused {
				texts = append(texts, n.Text)
			}
		}
		return texts
	}
	d.submit("a")
	d.built("m0")
	d.gate(Broken)
	d.gate(Broken) // on the target, too
	if got := stops(); len(got) != 1 || !strings.HasPrefix(got[0], `merge queue stopped: gate "test"`) || !strings.Contains(got[0], "exit 127") {
		t.Fatalf("%q", got)
	}
	d.submit("b") // nothing new stops
	d.send(Resume{By: "you"})
	d.built("m0")
	d.gate(Broken)
	d.gate(Broken)
	if got := stops(); len(got) != 2 {
		t.Errorf("%q", got)
	}
}

func TestWhyOfAHungGate(t *testing.T) {
	d := newDrive(t)
	d.submit("a")
	d.built("m0")
	d.send(GateStarted{Seq: d.q.Run.Seq, PID: 7})
	d.after(5*time.Minute, Tick{})
	if got := WhyNot(d.q, "a", d.now.Add(3*time.Second)); got != "the gate of a looks hung: no output for 5m3s." {
		t.Error(got)
	}
}
