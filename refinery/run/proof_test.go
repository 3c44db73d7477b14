package run

import (
	"context"
	"strings"
	"testing"
	"time"

	"gastown/beads"
	"gastown/refinery"
)

func (r *rig) proof(commit string) beads.Proof {
	r.t.Helper()
	done := make(chan beads.Proof, 1)
	if !r.run.Prove(context.Background(), r.proofReq(commit, func(p beads.Proof) { done <- p })) {
		r.t.Fatal("the runner is busy")
	}
	r.run.Wait()
	select {
	case p := <-done:
		return p
	default:
		return beads.Proof{}
	}
}

func (r *rig) proofReq(commit string, done func(beads.Proof)) ProofReq {
	return ProofReq{
		Bead: "ma-1", N: 1, Base: r.root, Commit: commit, Tests: refinery.TestPatterns(), Gates: r.cfg.Gates,
		Limit: func(refinery.Gate) time.Duration { return 20 * time.Second }, Done: done,
	}
}

func TestProof(t *testing.T) {
	r := newRig(t, "! [ -e a_test.go ] || [ -e a.go ]", "! [ -e c_test.go ]  || exit 127")
	for _, c := range []struct {
		name, files string
		want        beads.ProofOutcome
		text        string
	}{
		{"red without the change", "a.go a_test.go", beads.ProofRed, "red before, green after (gate test, 1 test file)"},
		{"green without it", "b.go b_test.go", beads.ProofGreen, "tests pass without the change (1 test file)"},
		{"no tests", "b.go", beads.ProofNone, "no test files changed"},
		{"nothing but tests", "b_test.go", beads.ProofOnly, "only test files changed (1)"},
		{"a gate that cannot run", "c.go c_test.go", beads.ProofUnclear, "not conclusive: gate lint gave no verdict without the change"},
	} {
		files := map[string]string{}
		for _, f := range strings.Fields(c.files) {
			files[f] = "x\n"
		}
		if p := r.proof(r.work(files)); p.Outcome != c.want || p.Text() != c.text {
			t.Errorf("%s: %+v %q", c.name, p, p.Text())
		}
	}
	if len(r.events) > 0 {
		t.Errorf("a proof is told to the queue: %+v", <-r.events)
	}
}

func TestProofOfALanding(t *testing.T) {
	for _, history := range []string{"merge", "linear"} {
		r := newRig(t, "! [ -e a_test.go ] || [ -e a.go ]")
		r.cfg.History = history
		r.submit("ma-1", r.work(map[string]string{"a.go": "x\n", "a_test.go": "x\n"}))
		landed := until[refinery.Settle](r)
		r.run.Wait()
		q := r.proofReq(landed.Commit, nil)
		q.Base = ""
		done := make(chan beads.Proof, 1)
		q.Done = func(p beads.Proof) { done <- p }
		if !r.run.Prove(context.Background(), q) {
			t.Fatal("busy")
		}
		if p := <-done; p.Outcome != beads.ProofRed {
			t.Errorf("%s: %+v", history, p)
		}
	}
}

// TestAProofBeginsOnceTheRunnerRests: whoever asks when the last answer came may be too early, and is told.
func TestAProofBeginsOnceTheRunnerRests(t *testing.T) {
	r := newRig(t)
	rested := make(chan struct{}, 1)
	r.run.Rested = func() { rested <- struct{}{} }
	r.begin("true", nil)
	r.doneGate()
	<-rested
	if !r.run.Prove(context.Background(), r.proofReq(r.root, func(beads.Proof) {})) {
		t.Error("it is busy after it said that it rests")
	}
	<-rested
	r.run.Wait()
}

func TestTheQueueEndsAProof(t *testing.T) {
	r := newRig(t, "if [ -e a_test.go ] && ! [ -e a.go ]; then sleep 600; fi")
	given := false
	if !r.run.Prove(context.Background(), r.proofReq(r.work(map[string]string{"a.go": "x\n", "a_test.go": "x\n"}), func(beads.Proof) { given = true })) {
		t.Fatal("busy")
	}
	if r.run.Prove(context.Background(), r.proofReq(r.root, func(beads.Proof) { given = true })) {
		t.Fatal("two at once")
	}
	begun := time.Now()
	r.submit("ma-2", r.work(map[string]string{"b.go": "x\n"}))
	until[refinery.Settle](r)
	if took := time.Since(begun); took > 10*time.Second || given {
		t.Errorf("the landing took %s; the proof was given: %v", took, given)
	}
}
