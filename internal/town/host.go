package town

import (
	"context"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"gastown/agents"
	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/api"
	"gastown/internal/fault"
	"gastown/internal/proc"
	"gastown/internal/wire"
	"gastown/refinery"
)

// HostOptions say how a town is hosted.
type HostOptions struct {
	Size  proc.Size // of every agent's terminal; zero: 120x40
	Pause string    // not empty: nothing starts, and this is why
	// Checkpoints is the least time between two of one attempt; 0: five minutes.
	Checkpoints time.Duration
}

// Host is the process's hold on a running town: the loop that turns committed state into
// actions, and the agents and Refineries that perform them. One goroutine plans; every
// attempt, every rig and the Mayor has one of its own.
type Host struct {
	t       *Town
	ctx     context.Context // ends when the host stops
	cancel  context.CancelFunc
	leaving context.Context // ends before that, when the agents are to end
	leave   context.CancelFunc
	started time.Time
	socket  string        // its path
	bell    chan struct{} // one merged element: something outside the store changed
	work    sync.WaitGroup
	ready   chan struct{} // closed when the inventory is done and work goes on, or when that failed
	failed  error         // why it failed; read after ready
	left    chan struct{} // closed when the host has stopped
	wish    chan bool     // one element: stop, true to drain first

	starting sync.Mutex        // held from a claim until its worker is in workers
	unusable map[string]string // agents that beads wait for and why they cannot start, by notice; under starting
	mayoring sync.Mutex        // held while the Mayor is being started or stopped

	backingUp sync.Mutex // held while a backup is made of what changed
	logged    uint64     // number of the newest event in the host's log; of the goroutine that writes it, then of shutdown
	backedUp  uint64     // number of the newest event in the newest backup

	mu      sync.Mutex
	workers map[string]*worker // by attempt key
	stuck   map[string]bool    // polecats whose worktree could not be removed
	rigs    map[string]*rigHost
	mayor   *mayor
	size    proc.Size
	undos   []*undoable // what a person did last, the newest last
	show    shown
	drain   bool

	checkpoints time.Duration

	faces map[chan struct{}]struct{} // screens to ring

	notices chan struct{} // one merged element: look whether something new needs a person

	radar *radar
	views viewCache
	gen   atomic.Uint64
	shown atomic.Bool // a screen shows the town, and says how large terminals are
}

// binDir holds the copy of this program that agents call, so that replacing the file on
// disk changes nothing for those at work.
func (h *Host) binDir() string { return h.t.path("run", "bin") }

func (h *Host) installSelf() error {
	dst := filepath.Join(h.binDir(), "gastown")
	if err := os.MkdirAll(h.binDir(), 0o700); err != nil {
		return fmt.Errorf("prepare run/bin: %w", err)
	}
	return step(copyFile(h.t.deps.Exe, dst, 0o700), "copy this program into the town")
}

// listen opens the socket. Whoever holds the store's lock owns the town, so a socket that is
// there already is a leftover.
func (h *Host) listen() (_ net.Listener, err error) {
	if h.socket, err = h.chooseSocket(); err != nil {
		return nil, err
	}
	return wire.Listen(h.socket)
}

func (h *Host) serve(l net.Listener) {
	err := wire.Serve(h.ctx, l, wire.Server{Do: h.t.DoToken, Anyone: anyone, Version: h.t.deps.Version})
	if err != nil && h.ctx.Err() == nil {
		h.t.deps.Log.Error("the socket closed", "err", err)
	}
}

// anyone takes a caller without a token for the person at the keyboard, unless it is an agent
// or a gate that dropped its own.
func anyone(pid int) error {
	if pid != 0 && proc.UnderOurShim(pid) {
		return fault.Refusedf("this is an agent's or a gate's process, and its token is missing").WithHint("keep GASTOWN_TOKEN in the environment; gates have none and may not call the town")
	}
	return nil
}

// spawn starts a goroutine of the host's; Stop waits for it. A panic in it is the program's
// to handle: Deps.Guard restores the terminal and ends it.
func (h *Host) spawn(name string, f func()) {
	h.work.Go(func() { h.t.deps.Guard("host: "+name, f) })
}

// ring wakes the loop for a change that is not in the store.
func (h *Host) ring() {
	select {
	case h.bell <- struct{}{}:
	default:
	}
}

// loop plans whenever something was committed, something outside the store changed, or a
// time came that the last plan waited for.
func (h *Host) loop() {
	committed, cancel := h.t.store.Watch()
	defer cancel()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-h.ctx.Done():
			return
		case <-committed:
		case <-h.bell:
		case <-timer.C:
		}
		h.changed()
		h.radar.ring()
		h.ringNotices()
		next := h.plan()
		timer.Stop()
		if !next.IsZero() {
			timer.Reset(max(next.Sub(h.t.deps.Now()), time.Millisecond))
		}
	}
}

// plan makes the world match the store once, and says when time alone may change the plan.
func (h *Host) plan() time.Time {
	next := sooner(h.undefer(), sooner(h.dispatch(), h.wakeLimited()))
	for _, r := range h.rigHosts() {
		next = sooner(next, r.tick())
		r.prove()
		r.redirect()
	}
	return next
}

// dispatch starts what agents.Plan decides. The decision is made again inside the
// transaction that claims, so that two of them can never start one bead twice.
func (h *Host) dispatch() time.Time {
	h.starting.Lock()
	defer h.starting.Unlock()
	var d agents.Decision
	var w agents.World
	var moved []string
	err := h.t.store.View(func(tx *store.Tx) (err error) {
		w, moved, err = h.world(tx)
		d = agents.Plan(w)
		return err
	})
	if err != nil {
		h.t.deps.Log.Error("plan", "err", err)
		return h.t.deps.Now().Add(time.Second)
	}
	if h.tellUnusable(w) {
		d.Next = sooner(d.Next, h.t.deps.Now().Add(lookAgain))
	}
	h.setupsMoved(moved)
	h.retrySetups(d.Setups)
	if slices.ContainsFunc(w.Candidates, func(c agents.Candidate) bool { _, broken := w.Setups[c.Bead.Rig]; return broken }) { // settings may change by hand
		d.Next = sooner(d.Next, h.t.deps.Now().Add(lookAgain))
	}
	if len(d.Starts) == 0 {
		return d.Next
	}
	var claimed []*worker
	err = h.t.update(func(tx *store.Tx) error {
		claimed = nil
		w, _, err := h.world(tx)
		if err != nil {
			return err
		}
		d = agents.Plan(w)
		for _, s := range d.Starts {
			token := h.t.deps.Token()
			a, err := store.Claim(tx, store.ClaimReq{Bead: s.Bead, Polecat: s.Polecat, Preset: s.Preset, Model: s.Model, Token: token, By: "host", Now: w.Now})
			if err != nil {
				return err
			}
			claimed = append(claimed, h.newWorker(a, token))
		}
		return nil
	})
	if err != nil {
		h.t.deps.Log.Error("claim", "err", err)
		return h.t.deps.Now().Add(time.Second)
	}
	for _, w := range claimed {
		h.launch(w)
	}
	return d.Next
}

// world is what the plan decides on, and the rigs whose setup is another than the one that failed.
func (h *Host) world(tx *store.Tx) (w agents.World, moved []string, err error) {
	cfg := h.t.settings()
	w = agents.World{
		Now: h.t.deps.Now(), Cap: cfg.Town.Polecats, RigHalts: map[string]agents.Halt{},
		Breakers: map[string]agents.Breaker{}, Setups: map[string]agents.Setup{},
	}
	if w.Limits, err = limitsOf(tx, w.Now); err != nil {
		return w, moved, err
	}
	if w.Live, err = tx.LiveAttempts(); err != nil {
		return w, moved, err
	}
	h.mu.Lock()
	for _, one := range h.workers {
		w.Leaving = append(w.Leaving, one.name)
	}
	w.Leaving = slices.AppendSeq(w.Leaving, maps.Keys(h.stuck))
	h.mu.Unlock()
	w.Stopped = h.stopped()
	if w.Halt, err = ownHalt(tx, ""); err != nil {
		return w, moved, err
	}
	for _, rig := range rigNames(cfg) {
		if w.RigHalts[rig], err = ownHalt(tx, rig); err != nil {
			return w, moved, err
		}
		s, broken, other, err := h.t.brokenSetup(tx, rig)
		if err != nil {
			return w, moved, err
		}
		if broken {
			w.Setups[rig] = s
		}
		if other {
			moved = append(moved, rig)
		}
	}
	if _, err = tx.GetKV(kvBreakers, &w.Breakers); err != nil {
		return w, moved, err
	}
	w.Candidates, err = h.t.candidates(tx, cfg.Town.Dispatch == "auto", w.Now)
	h.radar.tell(&w)
	return w, moved, err
}

// stopped says why nothing at all may start; empty: work may.
func (h *Host) stopped() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.drain {
		return "the town is draining"
	}
	return ""
}

// candidates are the beads that someone wishes to start and that can.
func (t *Town) candidates(tx *store.Tx, auto bool, now time.Time) ([]agents.Candidate, error) {
	open, err := tx.BeadsWith(beads.Open)
	if err != nil {
		return nil, err
	}
	launched, err := launchedBeads(tx)
	if err != nil {
		return nil, err
	}
	open = slices.DeleteFunc(open, func(b *beads.Bead) bool { return !b.Wished(launched[b.ID], auto) })
	if len(open) == 0 {
		return nil, nil
	}
	_, g, err := graph(tx)
	if err != nil {
		return nil, err
	}
	var out []agents.Candidate
	slices.SortFunc(open, beads.ReadyOrder)
	for _, b := range open {
		if !g.Ready(b, now) {
			continue
		}
		c := agents.Candidate{Bead: b}
		spec := b.Agent
		if spec == "" {
			spec = t.settings().Town.Polecat
		}
		p, model, err := t.preset(spec)
		if err == nil {
			err = t.inTown(b)
		}
		if err != nil {
			c.Err = err.Error()
		} else if program := t.absent(p); program != "" {
			c.Err = notInstalled(p.Name, program)
		}
		c.Spec, c.Preset, c.Model = spec, p.Name, model
		out = append(out, c)
	}
	return out, nil
}

// preset finds an agent by PRESET[:MODEL] among the built-in ones and those of settings.
func (t *Town) preset(spec string) (agents.Preset, string, error) {
	p, model, err := t.settings().Preset(spec)
	if err != nil {
		return p, model, fault.NotFoundf("%w", err).WithHint("settings: %s; see what is there: gastown doctor", settingsPath(t.Dir))
	}
	return p, model, nil
}

// Stop ends the host: with drain after the polecats at work and the running landing are
// through, else at once with all work kept on refs. It returns when everything has ended.
func (h *Host) Stop(drain bool) {
	select {
	case h.wish <- drain:
	default:
	}
	<-h.left
}

// Run waits until ctx ends or someone asks the host to stop, and stops it. The caller closes
// the town.
func (h *Host) Run(ctx context.Context) {
	drain := false
	select {
	case <-ctx.Done():
	case drain = <-h.wish:
	}
	<-h.ready // the inventory is not left half way
	if drain {
		h.awaitDrained(ctx)
	}
	h.shutdown()
}

// Left is closed when the host has stopped.
func (h *Host) Left() <-chan struct{} { return h.left }

func (h *Host) awaitDrained(ctx context.Context) {
	h.mu.Lock()
	h.drain = true
	h.mu.Unlock()
	seen, cancel := h.Changes()
	defer cancel()
	for {
		if len(h.Awaited()) == 0 {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-h.wish: // asked again: at once
			return
		case <-seen:
		}
	}
}

// Awaited is what a drain waits for: the polecats at work, with what they wait for themselves, and the queues that still
// move without a person.
func (h *Host) Awaited() []string {
	var out []string
	for _, w := range h.workersNow() {
		if w.standing() { // it would never be through: it is stopped, its work kept
			continue
		}
		text := fmt.Sprintf("%s (%s)", w.name, w.bead)
		if a, _, err := w.attempt(); err == nil && a.State == beads.Asking {
			_, do := howToAnswer(w.name, a.AtTerminal)
			text = fmt.Sprintf("%s (%s, which asks: %s)", w.name, w.bead, do)
		}
		out = append(out, text)
	}
	slices.Sort(out)
	err := h.t.store.View(func(tx *store.Tx) error {
		qs, err := tx.Queues()
		for _, q := range qs {
			if q.Run != nil || q.Intent != nil {
				out = append(out, "the refinery of "+q.Rig)
			}
		}
		return err
	})
	if err != nil {
		h.t.deps.Log.Error("look what a drain waits for", "err", err)
	}
	return out
}

// shutdown ends agents with their work kept, then the Refineries and the loop.
func (h *Host) shutdown() {
	h.mu.Lock()
	h.drain = true
	h.mu.Unlock()
	h.starting.Lock() // whatever was claimed before is in workers now, and nothing is any more
	workers := slices.Collect(maps.Values(h.workersNow()))
	h.starting.Unlock()
	h.leave()
	for _, w := range workers {
		<-w.done
	}
	h.stopMayor()
	h.cancel()
	for _, r := range h.rigHosts() {
		<-r.left
	}
	h.work.Wait()
	err := h.t.update(func(tx *store.Tx) error {
		return tx.Append(beads.Event{Kind: beads.EvTownDown, Actor: "host", Text: "the host is down"})
	})
	if err != nil {
		h.t.deps.Log.Error("say goodbye", "err", err)
	}
	h.logSince(h.logged)
	h.backUpChanged()
	_ = os.Remove(h.socket) // the next host replaces it anyway
	close(h.left)
}

func (h *Host) workersNow() map[string]*worker {
	h.mu.Lock()
	defer h.mu.Unlock()
	return maps.Clone(h.workers)
}

func (h *Host) rigHosts() []*rigHost {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := make([]*rigHost, 0, len(h.rigs))
	for _, r := range h.rigs {
		out = append(out, r)
	}
	return out
}

// SetSize is the geometry that agents' terminals start with: that of the screen's left slot. The screen itself tells those
// that run, as not each change is for each of them.
func (h *Host) SetSize(s proc.Size) {
	h.mu.Lock()
	h.size = s
	h.mu.Unlock()
}

// Info is the host as status shows it.
func (h *Host) info() *api.HostInfo {
	return &api.HostInfo{PID: os.Getpid(), StartedAt: h.started.UTC(), Version: h.t.deps.Version}
}

// outputAt is when a rig's running gate last wrote something; it is kept out of the store,
// which would be written once a second for it.
func (h *Host) outputAt(rig string, seq uint64) time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	if r := h.rigs[rig]; r != nil && r.outSeq == seq {
		return r.outAt
	}
	return time.Time{}
}

// perform hands an action to its rig's goroutine. It never blocks.
func (h *Host) perform(rig string, do refinery.Effect) {
	if r := h.rigHost(rig); r != nil {
		r.push(do)
	}
}
