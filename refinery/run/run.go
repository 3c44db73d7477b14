// Package run performs what package refinery decides for one rig: it builds the
// candidate, runs its gates, moves the target branch by compare-and-swap and
// delivers what landed. It decides nothing: every action is answered by one event.
package run

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"gastown/beads"
	"gastown/internal/git"
	"gastown/refinery"
)

// Runner performs the actions of one rig, one at a time. Use one per rig and do not
// copy it.
type Runner struct {
	Rig     string    // required; GASTOWN_RIG of gates
	Repo    *git.Repo // required
	Git     *git.Runner
	GateDir string   // required; absolute, owned by the Refinery: rigs/NAME/gate
	LogDir  string   // required; one file per gate run
	TempDir string   // parent of a gate's TMPDIR; empty: the system's
	Env     []string // of gates, already filtered
	// Lookup gives the variables that a gate's settings name beyond Env; may be nil.
	Lookup func(name string) (value string, ok bool)
	Exe    string // for the shim of package proc; empty: this program
	// FoldsCase reports whether the repository is used where names that differ in case only are one; nil: it is not.
	FoldsCase func(ctx context.Context) bool
	// Ident is who lands; required.
	Ident func(ctx context.Context) (git.Ident, error)
	// Refused gives the tips of attempts that were sent back or taken out of the queue and whose
	// bead has not landed; may be nil.
	Refused func() (map[string]beads.ID, error)
	// Emit takes the answers; required. It is called by one goroutine at a time for
	// each action and may block.
	Emit func(refinery.Event)
	// Rested is called when an action is over, which is after its answer was taken: a proof may begin now. It must not
	// block; may be nil.
	Rested func()

	mu   sync.Mutex
	last *job
	wg   sync.WaitGroup
}

// job is one action under way.
type job struct {
	seq     uint64 // 0: a proof
	publish bool   // never ended from outside
	cancel  context.CancelFunc
	stop    chan refinery.StopGate // holds one
	done    chan struct{}          // its answer was emitted
}

// Do starts an action and returns at once. An action that was given up by the
// refinery is ended before the next begins, but a publish, which is waited for. When
// ctx ends the action does too, and is still answered.
func (r *Runner) Do(ctx context.Context, a refinery.Action) {
	switch a := a.(type) {
	case refinery.StopGate:
		r.stopGate(a)
	case refinery.Build:
		r.begin(ctx, a.Seq, false, func(ctx context.Context, _ *job) refinery.Event { return r.build(ctx, a) },
			func(err error) refinery.Event { return refinery.Built{Seq: a.Seq, Err: err.Error()} })
	case refinery.RunGate:
		r.begin(ctx, a.Seq, false, func(ctx context.Context, j *job) refinery.Event { return r.gate(ctx, j, a) },
			func(err error) refinery.Event {
				return refinery.GateDone{Seq: a.Seq, Gate: a.Index, Outcome: refinery.Infra, Err: err.Error()}
			})
	case refinery.Publish:
		r.begin(ctx, a.Seq, true, func(ctx context.Context, _ *job) refinery.Event { return r.publish(ctx, a) },
			func(err error) refinery.Event { return refinery.PublishErr{Seq: a.Seq, Err: err.Error()} })
	}
}

// Wait returns when every action given to Do was answered.
func (r *Runner) Wait() { r.wg.Wait() }

// begin runs perform after the action before it. A panic in it becomes its answer.
func (r *Runner) begin(ctx context.Context, seq uint64, publish bool, perform func(context.Context, *job) refinery.Event, failed func(error) refinery.Event) {
	r.beginIf(ctx, func(*job) bool { return true }, seq, publish, perform, failed)
}

// beginIf is begin where may says so of the action before, in one step: what comes between
// would be ended by this one.
func (r *Runner) beginIf(ctx context.Context, may func(last *job) bool, seq uint64, publish bool, perform func(context.Context, *job) refinery.Event, failed func(error) refinery.Event) bool {
	ctx, cancel := context.WithCancel(ctx)
	j := &job{seq: seq, publish: publish, cancel: cancel, stop: make(chan refinery.StopGate, 1), done: make(chan struct{})}
	r.mu.Lock()
	before := r.last
	if !may(before) {
		r.mu.Unlock()
		cancel()
		return false
	}
	r.last = j
	r.wg.Add(1)
	r.mu.Unlock()
	go func() {
		defer r.wg.Done()
		defer cancel()
		defer func() {
			close(j.done)
			if r.Rested != nil {
				r.Rested()
			}
		}()
		if before != nil {
			if !before.publish {
				before.cancel()
			}
			<-before.done
		}
		if ev := contained(func() refinery.Event { return perform(ctx, j) }, failed); ev != nil {
			r.Emit(ev)
		}
	}()
	return true
}

// contained turns a panic into an error answer.
func contained(perform func() refinery.Event, failed func(error) refinery.Event) (ev refinery.Event) {
	defer func() {
		if p := recover(); p != nil {
			ev = failed(fmt.Errorf("internal error: %v", p))
		}
	}()
	return perform()
}

func (r *Runner) stopGate(a refinery.StopGate) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last == nil || r.last.seq != a.Seq {
		return // it has been answered, or never came this far
	}
	select {
	case r.last.stop <- a:
	default: // told already
	}
}

// Inventory looks at what an earlier host left: it ends the processes of its gate
// and finds out whether a stored landing was done.
func (r *Runner) Inventory(ctx context.Context, q refinery.Queue, branch string) refinery.Restarted {
	var ev refinery.Restarted
	if q.Run != nil && q.Run.Marker != "" {
		ev.Killed = killMarked(q.Run.Marker)
	}
	tip, err := r.tip(ctx, branch)
	if err != nil {
		ev.Err = err.Error()
		return ev
	}
	if tip == refinery.Gone && q.Target == "" {
		ev.Err = fmt.Sprintf("there is no branch %q", branchRef(branch))
		return ev
	}
	ev.Target = tip
	if q.Intent != nil && tip != refinery.Gone {
		if ev.IntentDone, err = r.Repo.Within(ctx, q.Intent.New, tip); err != nil {
			ev.Err = fmt.Sprintf("look for %s in %s: %v", q.Intent.New, branch, err)
		}
	}
	return ev
}

// Look reports where the target is, for a host that polls; nil when it is as known.
func (r *Runner) Look(ctx context.Context, known, branch string) (*refinery.TargetMoved, error) {
	tip, err := r.tip(ctx, branch)
	if err != nil || tip == known {
		return nil, err
	}
	return &refinery.TargetMoved{Commit: tip, Known: known}, nil
}

func branchRef(branch string) string {
	if strings.HasPrefix(branch, "refs/") {
		return branch
	}
	return "refs/heads/" + branch
}

// key names an attempt in messages.
func key(bead beads.ID, n int) string { return beads.AttemptKey(bead, n) }

// gitLimit bounds the git calls of one build or publish; they take milliseconds.
const gitLimit = 60 * time.Second
