package town

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/git"
	"gastown/refinery"
	"gastown/refinery/run"
)

// rigHost is one rig's Refinery in this host: a goroutine that hands actions to the runner
// in the order of their commits, and one that does the follow-up work of a landing.
type rigHost struct {
	h      *Host
	name   string
	runner *run.Runner
	ctx    context.Context // ends with the host, or when the rig is removed
	cancel context.CancelFunc
	left   chan struct{} // closed when the runner has answered everything

	mu      sync.Mutex
	pending []refinery.Effect
	settled []beads.ID    // whose kept tips are to be dropped
	wake    chan struct{} // one merged element
	after   chan struct{} // one merged element: something landed
	proofs  sync.Mutex    // held while the next proof is chosen
	setups  chan struct{} // full while the setup is tried on the target

	retrying atomic.Bool // the host tries the setup again

	way string // of delivery, as the loop saw it last

	// Guarded by the host's mutex.
	outSeq uint64
	outAt  time.Time
}

// openRig makes the rig's runner. Its goroutines start with start.
func (h *Host) openRig(ctx context.Context, name string) (*rigHost, error) {
	_, rc, err := h.t.rig(name)
	if err != nil {
		return nil, err
	}
	repo, err := h.t.repo(ctx, name)
	if err != nil {
		return nil, err
	}
	r := &rigHost{h: h, name: name, way: way(rc), left: make(chan struct{}), wake: make(chan struct{}, 1), after: make(chan struct{}, 1), setups: make(chan struct{}, 1)}
	r.ctx, r.cancel = context.WithCancel(h.ctx)
	r.runner = &run.Runner{
		Rig: name, Repo: repo, Git: h.t.git, GateDir: h.t.path("rigs", name, "gate"), LogDir: h.t.path("logs", "gates", name), TempDir: h.t.deps.Temp,
		Env: h.gateEnv(), Lookup: h.t.lookupEnv, Exe: h.exe(),
		Ident: func(ctx context.Context) (git.Ident, error) { return h.t.ident(ctx, rc.Origin) },
		Emit:  r.emit, Rested: h.ring, FoldsCase: h.t.foldsCase(name),

		Refused: func() (map[string]beads.ID, error) { return h.t.refused(name) },
	}
	return r, nil
}

// start begins the rig's work. Its queue has been through the inventory.
func (r *rigHost) start() {
	r.h.mu.Lock()
	r.h.rigs[r.name] = r
	r.h.mu.Unlock()
	r.h.spawn("refinery "+r.name, r.live)
	r.h.spawn("deliver "+r.name, r.follow)
	r.h.spawn("main of "+r.name, r.watchTarget)
}

// rigHost is the hold on one rig; nil: it is not opened in this host.
func (h *Host) rigHost(rig string) *rigHost {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.rigs[rig]
}

// opened reports whether a rig's Refinery runs in this host.
func (h *Host) opened(rig string) bool { return h.rigHost(rig) != nil }

// rigAdded takes up a rig that was added while the host runs.
func (h *Host) rigAdded(ctx context.Context, name string) {
	if err := h.recoverRig(ctx, name); err != nil {
		h.problem("rig/"+name, name, "", fmt.Sprintf("rig %s: %v", name, err), "gastown doctor")
	}
}

// rigRemoved lets a rig go that is no longer in the settings.
func (h *Host) rigRemoved(name string) {
	h.mu.Lock()
	r := h.rigs[name]
	delete(h.rigs, name)
	h.mu.Unlock()
	if r != nil {
		r.cancel()
		<-r.left
	}
}

// push queues an action; it never blocks.
func (r *rigHost) push(e refinery.Effect) {
	switch e := e.(type) {
	case refinery.Settle:
		r.mu.Lock()
		r.settled = append(r.settled, e.Bead)
		r.mu.Unlock()
		r.landed()
		return
	case refinery.TookIn, refinery.Propose, refinery.Retract:
		r.landed()
		return
	}
	r.mu.Lock()
	r.pending = append(r.pending, e)
	r.mu.Unlock()
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// deliverNow has a rig's follow-up work done soon.
func (h *Host) deliverNow(rig string) {
	if r := h.rigHost(rig); r != nil {
		r.landed()
	}
}

func (r *rigHost) landed() {
	select {
	case r.after <- struct{}{}:
	default:
	}
}

// live hands over actions until the host stops, and then waits for the runner.
func (r *rigHost) live() {
	defer close(r.left)
	for {
		select {
		case <-r.ctx.Done():
			r.runner.Wait()
			return
		case <-r.wake:
		}
		r.mu.Lock()
		batch := r.pending
		r.pending = nil
		r.mu.Unlock()
		for _, e := range batch {
			if a, ok := e.(refinery.Action); ok {
				r.makeRoom(a)
				r.runner.Do(r.ctx, a)
			}
		}
	}
}

// makeRoom ends what a gate goes before, and deletes old output of gates before there is more of it.
func (r *rigHost) makeRoom(a refinery.Action) {
	if _, ok := a.(refinery.RunGate); !ok {
		return
	}
	r.h.giveWay()
	if err := r.h.t.rotateGateLogs(r.name); err != nil {
		r.h.t.deps.Log.Warn("old output of gates", "rig", r.name, "err", err)
	}
}

// emit takes the runner's answers. Output is noted in memory unless it ends a hang.
func (r *rigHost) emit(ev refinery.Event) {
	if out, ok := ev.(refinery.Output); ok {
		r.h.mu.Lock()
		r.outSeq, r.outAt = out.Seq, out.At
		r.h.mu.Unlock()
		if !r.hung() {
			r.h.touched()
			return
		}
	}
	if r.ctx.Err() != nil {
		return // the inventory of the next start sees what is true then
	}
	key, refused := "refinery/"+r.name, false
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		err := r.feed(ev)
		if err == nil {
			break
		}
		r.h.t.deps.Log.Error("refinery event", "rig", r.name, "event", fmt.Sprintf("%T", ev), "err", err)
		if !refused {
			refused = true
			r.h.problem(key, r.name, "", fmt.Sprintf("the Refinery of %s cannot record what happened, and keeps trying: %v", r.name, err), "gastown doctor")
		}
		select {
		case <-r.ctx.Done():
			return
		case <-time.After(wait):
		}
	}
	if refused {
		r.h.solved(key)
	}
}

func (r *rigHost) hung() bool {
	hung := false
	err := r.h.t.store.View(func(tx *store.Tx) error {
		q, err := r.h.t.queue(tx, r.name)
		hung = q.State == refinery.Hung
		return err
	})
	return err == nil && hung
}

// feed records what nobody asked for. Where that gives up with a panic, the Refinery starts over,
// and stands when it does so again and again: the host and the other rigs go on.
func (r *rigHost) feed(ev refinery.Event) error {
	record := func(ev refinery.Event) error {
		return r.h.t.update(func(tx *store.Tx) error { return r.h.t.feed(tx, r.name, ev) })
	}
	err := record(ev)
	if crash, ok := errors.AsType[*panicked](err); ok {
		r.h.t.deps.Log.Error("the Refinery crashed", "rig", r.name, "event", fmt.Sprintf("%T", ev), "panic", crash.cause, "stack", crash.stack)
		err = record(refinery.Crashed{Err: crash.cause})
	}
	return err
}

// tick lets time pass in the queue when it is due, and says when it is due next.
func (r *rigHost) tick() time.Time {
	next := func() time.Time {
		var at time.Time
		err := r.h.t.store.View(func(tx *store.Tx) error {
			q, err := r.h.t.queue(tx, r.name)
			if err != nil {
				return err
			}
			cfg := r.h.t.queueConfig(r.name)
			cfg.Full, err = r.h.t.full(tx, r.name)
			at = refinery.Next(q, r.h.t.deps.Now(), cfg)
			return err
		})
		if err != nil {
			r.h.t.deps.Log.Error("refinery", "rig", r.name, "err", err)
		}
		return at
	}
	at := next()
	if at.IsZero() || at.After(r.h.t.deps.Now()) {
		return at
	}
	if err := r.feed(refinery.Tick{}); err != nil {
		r.h.t.deps.Log.Error("refinery tick", "rig", r.name, "err", err)
		return r.h.t.deps.Now().Add(time.Second)
	}
	at = next()
	if soon := r.h.t.deps.Now().Add(50 * time.Millisecond); !at.IsZero() && at.Before(soon) {
		return soon // time alone did not move it: look again, but do not spin
	}
	return at
}

// redirect rings for what has landed already when settings send it elsewhere than before. Only the
// host's loop calls it.
func (r *rigHost) redirect() {
	if _, rc, err := r.h.t.rig(r.name); err == nil && way(rc) != r.way {
		r.way = way(rc)
		r.landed()
	}
}

// showAgain is when the Mayor's checkout is tried again that could not be moved.
const showAgain = 15 * time.Second

// lastPass bounds the follow-up of a landing that came just before the host stopped. A checkout
// whose git was ended by that stop leaves a lock, which takes some seconds to be known for dead.
const lastPass = 20 * time.Second

// follow does what a landing leaves to be done: the Mayor's checkout moves, refs of what is
// in main go, and delivery. None of it can undo or hold up a landing. At the end it does so
// once more for what landed last.
func (r *rigHost) follow() {
	timer := time.NewTimer(0) // once at the start, for what a former host left
	defer timer.Stop()
	whole := false // the last pass came to its end
	look := false  // at the origin, whether or not there is something to deliver
	for {
		select {
		case <-r.ctx.Done():
			<-r.left // nothing lands any more
			select {
			case <-r.after:
				whole = false
			default:
			}
			if !whole && r.h.ctx.Err() != nil {
				ctx, cancel := context.WithTimeout(context.WithoutCancel(r.ctx), lastPass)
				defer cancel()
				r.pass(ctx, false)
			}
			return
		case <-r.after:
		case <-timer.C:
			look = true
		}
		timer.Stop()
		d, done := r.pass(r.ctx, look)
		look = false
		whole = done && r.ctx.Err() == nil
		if wait := d.wait(); wait > 0 {
			timer.Reset(wait)
		}
	}
}

// dropSettled clears away what is kept of the work that landed since it last did.
func (r *rigHost) dropSettled(ctx context.Context) error {
	r.mu.Lock()
	ids := r.settled
	r.settled = nil
	r.mu.Unlock()
	err := r.h.t.dropKept(ctx, r.name, ids...)
	if err != nil {
		r.mu.Lock()
		r.settled = append(ids, r.settled...)
		r.mu.Unlock()
	}
	return err
}

// pass does the follow-up work once; with look it asks the origin what it gained, too. It is not
// done where something of the town's own is left to be tried again.
func (r *rigHost) pass(ctx context.Context, look bool) (d deliveryState, done bool) {
	behind := false // git works there, or something is in its way
	if err := r.dropSettled(ctx); err != nil && ctx.Err() == nil {
		behind = true
		r.h.t.deps.Log.Warn("refs of landed work", "rig", r.name, "err", err)
	}
	if err := r.h.t.showMain(ctx, r.name); err != nil && ctx.Err() == nil {
		behind = true
		r.h.t.deps.Log.Warn("the Mayor's checkout", "rig", r.name, "err", err)
	}
	d, err := r.h.t.deliver(ctx, r.name, look)
	if err != nil && ctx.Err() == nil {
		r.h.t.deps.Log.Warn("deliver", "rig", r.name, "err", err)
	}
	if behind {
		d.look = showAgain
	}
	return d, !behind
}
