package town

import (
	"context"
	"errors"
	"fmt"
	"sync"
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
	wake    chan struct{} // one merged element
	after   chan struct{} // one merged element: something landed
	proofs  sync.Mutex    // held while the next proof is chosen

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
	r := &rigHost{h: h, name: name, left: make(chan struct{}), wake: make(chan struct{}, 1), after: make(chan struct{}, 1)}
	r.ctx, r.cancel = context.WithCancel(h.ctx)
	r.runner = &run.Runner{
		Rig: name, Repo: repo, Git: h.t.git, GateDir: h.t.path("rigs", name, "gate"), LogDir: h.t.path("logs", "gates"), TempDir: h.t.deps.Temp,
		Env: h.gateEnv(), Lookup: h.t.lookupEnv, Exe: h.exe(),
		Ident: func(ctx context.Context) (git.Ident, error) { return h.t.ident(ctx, rc.Origin) },
		Emit:  r.emit,
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
}

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
	if _, ok := e.(refinery.Settle); ok {
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
				r.runner.Do(r.ctx, a)
			}
		}
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
	if err := r.feed(ev); err != nil {
		r.h.t.deps.Log.Error("refinery event", "rig", r.name, "event", fmt.Sprintf("%T", ev), "err", err)
		r.h.problem("refinery/"+r.name, r.name, "", fmt.Sprintf("the Refinery of %s could not record what happened: %v", r.name, err), "gastown refinery restart "+r.name)
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

func (r *rigHost) feed(ev ...refinery.Event) error {
	return r.h.t.update(func(tx *store.Tx) error { return r.h.t.feed(tx, r.name, ev...) })
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

// Delivery is tried again after these times, the last one for ever, while something is undelivered.
func deliveryRetry(tries int) time.Duration {
	return min(time.Duration(tries)*15*time.Second, 5*time.Minute)
}

// deliveryState is where delivery of a rig stands.
type deliveryState struct {
	Commit  string    `json:"commit"`            // newest commit that was brought over
	Pending int       `json:"pending,omitempty"` // landings after it
	Reason  string    `json:"reason,omitempty"`  // why not
	Tries   int       `json:"tries,omitempty"`
	At      time.Time `json:"at,omitzero"`
}

func delivery(tx *store.Tx, rig string) (d deliveryState, err error) {
	_, err = tx.GetKV(kvDelivery+rig, &d)
	return d, err
}

// lastPass bounds the follow-up of a landing that came just before the host stopped.
const lastPass = 10 * time.Second

// follow does what a landing leaves to be done: the Mayor's checkout moves, refs of what is
// in main go, and delivery. None of it can undo or hold up a landing. At the end it does so
// once more for what landed last.
func (r *rigHost) follow() {
	timer := time.NewTimer(0) // once at the start, for what a former host left
	defer timer.Stop()
	whole := false // the last pass came to its end
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
				r.pass(ctx)
			}
			return
		case <-r.after:
		case <-timer.C:
		}
		timer.Stop()
		d := r.pass(r.ctx)
		whole = r.ctx.Err() == nil
		if d.Pending > 0 {
			timer.Reset(deliveryRetry(d.Tries))
		}
	}
}

// pass does the follow-up work once.
func (r *rigHost) pass(ctx context.Context) deliveryState {
	if err := r.h.t.showMain(ctx, r.name); err != nil && ctx.Err() == nil {
		r.h.t.deps.Log.Warn("the Mayor's checkout", "rig", r.name, "err", err)
	}
	if err := r.dropKept(ctx); err != nil && ctx.Err() == nil {
		r.h.t.deps.Log.Warn("refs of landed work", "rig", r.name, "err", err)
	}
	d, err := r.h.t.deliver(ctx, r.name)
	if err != nil && ctx.Err() == nil {
		r.h.t.deps.Log.Warn("deliver", "rig", r.name, "err", err)
	}
	return d
}

// dropKept deletes the frozen tips that are proven to be in the target.
func (r *rigHost) dropKept(ctx context.Context) error {
	refs, err := r.runner.Repo.ForEachRef(ctx, "refs/gt/keep/")
	if err != nil {
		return err
	}
	tip, err := r.h.t.target(ctx, r.name)
	if err != nil {
		return err
	}
	for _, ref := range refs {
		queued, err := r.queued(ref.Commit)
		if err != nil || queued {
			continue
		}
		in, err := r.runner.Repo.IsAncestor(ctx, ref.Commit, tip)
		if err != nil {
			return err
		}
		if in {
			if err := r.runner.Repo.DeleteRef(ctx, ref.Name, ref.Hash); err != nil {
				return err
			}
		}
	}
	return nil
}

// queued reports whether a tip is still in the queue.
func (r *rigHost) queued(tip string) (bool, error) {
	found := false
	err := r.h.t.store.View(func(tx *store.Tx) error {
		q, err := r.h.t.queue(tx, r.name)
		for _, e := range q.Entries {
			found = found || e.Tip == tip
		}
		return err
	})
	return found, err
}

// deliver brings what landed to the rig's own repository, as settings say, and records how
// that went.
func (t *Town) deliver(ctx context.Context, rig string) (deliveryState, error) {
	_, rc, err := t.rig(rig)
	if err != nil {
		return deliveryState{}, err
	}
	repo, err := t.repo(ctx, rig)
	if err != nil {
		return deliveryState{}, err
	}
	tip, err := t.target(ctx, rig)
	if err != nil {
		return deliveryState{}, err
	}
	var was deliveryState
	if err := t.store.View(func(tx *store.Tx) (err error) { was, err = delivery(tx, rig); return err }); err != nil {
		return was, err
	}
	if rc.Deliver == "none" || rc.Deliver == "" || rc.Origin == "" {
		return t.recordDelivery(rig, was, deliveryState{Commit: was.Commit})
	}
	if was.Commit == tip && was.Pending == 0 {
		return was, nil
	}
	d := &run.Runner{Rig: rig, Repo: repo, Git: t.git}
	got, err := d.Deliver(ctx, run.Delivery{Mode: run.Mode(rc.Deliver), Origin: rc.Origin, Branch: rc.Branch, Commit: tip})
	if ctx.Err() != nil {
		return was, ctx.Err()
	}
	now := deliveryState{Commit: tip, At: t.deps.Now().UTC()}
	if err != nil {
		got.Refused = beads.Clean(err.Error(), 300)
	}
	if got.Refused != "" {
		now = deliveryState{Commit: was.Commit, Reason: got.Refused, Tries: was.Tries + 1, At: now.At}
		if now.Pending, err = t.landings(ctx, repo, was.Commit, tip); err != nil {
			return was, err
		}
	}
	return t.recordDelivery(rig, was, now)
}

// landings counts the first-parent commits of the target after a commit; empty: those that
// this town landed.
func (t *Town) landings(ctx context.Context, repo *git.Repo, after, tip string) (int, error) {
	opts := git.LogOptions{From: tip, FirstParent: git.FirstParent}
	if after != "" {
		opts.Not = []string{after}
	}
	log, err := repo.Log(ctx, opts)
	n := 0
	for _, c := range log {
		if c.Trailer("Bead") != "" {
			n++
		}
	}
	return n, err
}

func (t *Town) recordDelivery(rig string, was, now deliveryState) (deliveryState, error) {
	if was.Commit == now.Commit && was.Pending == now.Pending && was.Reason == now.Reason && now.Tries == was.Tries {
		return now, nil
	}
	return now, t.update(func(tx *store.Tx) error {
		if err := tx.PutKV(kvDelivery+rig, now); err != nil {
			return err
		}
		key := "delivery/" + rig
		switch {
		case now.Pending > 0 && was.Reason != now.Reason:
			text := fmt.Sprintf("%d landed, not delivered: %s", now.Pending, now.Reason)
			return errors.Join(
				tx.PutNotice(&beads.Notice{Key: key, At: t.deps.Now().UTC(), Rig: rig, Text: text, Hint: "it is tried again by itself; now: gastown rig deliver " + rig}),
				tx.Append(beads.Event{Kind: beads.EvNotDelivered, Actor: "refinery", Rig: rig, Text: text}),
			)
		case now.Pending > 0:
			return tx.PutNotice(&beads.Notice{Key: key, At: now.At, Rig: rig, Text: fmt.Sprintf("%d landed, not delivered: %s", now.Pending, now.Reason), Hint: "it is tried again by itself; now: gastown rig deliver " + rig})
		case now.Commit != was.Commit && now.Commit != "":
			return errors.Join(tx.DeleteNotice(key), tx.Append(beads.Event{Kind: beads.EvDeliveredTo, Actor: "refinery", Rig: rig, Text: fmt.Sprintf("delivered %s up to %.10s", rig, now.Commit)}))
		}
		return tx.DeleteNotice(key)
	})
}
