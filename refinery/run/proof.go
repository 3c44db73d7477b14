package run

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	"gastown/beads"
	"gastown/internal/git"
	"gastown/refinery"
)

// ProofReq asks what the gates say of an attempt's tests without its change.
type ProofReq struct {
	Bead   beads.ID
	N      int
	Base   string // what the change is to; empty: what the landing stands on
	Commit string // the change: a candidate that is green, or a landing
	Tests  []string
	Gates  []refinery.Gate
	Limit  func(refinery.Gate) time.Duration // how long a gate may run
	// Done takes the result, unless the proof was given up for work of the queue.
	Done func(beads.Proof)
}

// Prove runs a proof in the gate's worktree while the queue needs it for nothing: the next
// action ends it. It reports whether it was begun.
func (r *Runner) Prove(ctx context.Context, q ProofReq) bool {
	none := func(error) refinery.Event { return nil }
	return r.beginIf(ctx, idle, 0, false, func(ctx context.Context, j *job) refinery.Event {
		p, err := r.prove(ctx, j, q)
		if ctx.Err() != nil || p.Outcome == beads.ProofPending {
			return nil // given up; it is asked for again
		}
		if err != nil {
			p.Outcome, p.Gate = beads.ProofUnclear, clean(err.Error())
		}
		q.Done(p)
		return nil
	}, none)
}

// Proving reports whether a proof is under way.
func (r *Runner) Proving() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last != nil && r.last.seq == 0 && !idle(r.last)
}

// EndProof gives up the proof that is under way, if there is one.
func (r *Runner) EndProof() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last != nil && r.last.seq == 0 {
		r.last.cancel()
	}
}

// idle reports whether an action has been answered.
func idle(last *job) bool {
	if last == nil {
		return true
	}
	select {
	case <-last.done:
		return true
	default:
		return false
	}
}

func (r *Runner) prove(ctx context.Context, j *job, q ProofReq) (p beads.Proof, err error) {
	p = beads.Proof{Outcome: beads.ProofUnclear, Commit: q.Commit}
	if q.Base == "" {
		if q.Base, err = r.landedOn(ctx, q); err != nil {
			return p, err
		}
	}
	changes, err := r.Repo.DiffNames(ctx, q.Base, q.Commit)
	if err != nil {
		return p, err
	}
	var tests []git.Change
	for _, c := range changes {
		if refinery.TestFile(q.Tests, c.Path) {
			tests = append(tests, c)
		}
	}
	p.Files = len(tests)
	switch len(tests) {
	case 0:
		p.Outcome = beads.ProofNone
		return p, nil
	case len(changes):
		p.Outcome = beads.ProofOnly
		return p, nil
	}
	commit, tree, err := r.testsAlone(ctx, q, tests)
	if err != nil {
		return p, err
	}
	for i, g := range q.Gates {
		a := refinery.RunGate{Index: i, Gate: g, Bead: q.Bead, N: q.N, Commit: commit, Tree: tree, Timeout: q.Limit(g)}
		done, ok := r.gate(ctx, j, a).(refinery.GateDone)
		if !ok {
			return p, fmt.Errorf("gate %q gave no answer", g.Name)
		}
		p.Gate, p.Log = g.Name, done.Log
		p.Took += done.Took
		switch done.Outcome {
		case refinery.Pass:
			continue
		case refinery.Fail:
			p.Outcome = beads.ProofRed
		case refinery.Stopped:
			p.Outcome = beads.ProofPending
		}
		return p, nil
	}
	p.Outcome, p.Gate = beads.ProofGreen, ""
	return p, nil
}

// testsAlone makes the commit that has the base and only the change's test files.
func (r *Runner) testsAlone(ctx context.Context, q ProofReq, tests []git.Change) (commit, tree string, err error) {
	if tree, err = r.Repo.Overlay(ctx, q.Base, tests); err != nil {
		return "", "", err
	}
	who, err := r.Ident(ctx)
	if err != nil {
		return "", "", err
	}
	commit, err = r.Repo.CommitTree(ctx, git.NewCommit{
		Tree: tree, Parents: []string{q.Base}, Message: "The tests of " + clean(key(q.Bead, q.N)) + " without its change", Author: who.At(time.Unix(0, 0)),
	})
	return commit, tree, err
}

// landedOn is the commit that a landing stands on: the first one on the target's own line
// that is not of the attempt. In linear history an attempt is several commits.
func (r *Runner) landedOn(ctx context.Context, q ProofReq) (string, error) {
	const most = 500 // commits of one attempt
	log, err := r.Repo.Log(ctx, git.LogOptions{From: q.Commit, FirstParent: git.FirstParent, Max: most})
	if err != nil {
		return "", err
	}
	for _, c := range log {
		if c.Trailer("Attempt") != key(q.Bead, q.N) {
			return c.Hash, nil
		}
		if len(c.Parents) > 1 {
			return c.Parents[0], nil // a merge is all of its landing
		}
	}
	return "", fmt.Errorf("nothing below the landing of %s", key(q.Bead, q.N))
}

// proofLog is where the output of a proof's gate goes: it has no number in the queue.
func (r *Runner) proofLog(a refinery.RunGate) string {
	return filepath.Join(r.LogDir, "proof-"+fileName(string(a.Bead)+"-"+strconv.Itoa(a.N))+"-"+fileName(a.Gate.Name)+".log")
}

// tell gives an answer about a run of the queue; a proof is none.
func (r *Runner) tell(seq uint64, ev refinery.Event) {
	if seq != 0 {
		r.Emit(ev)
	}
}
