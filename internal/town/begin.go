package town

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"

	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/proc"
)

// StartHost makes this process the town's host: the inventory of what a former host left
// behind comes first, then the socket opens and work goes on. Stop it with Stop.
func (t *Town) StartHost(ctx context.Context, o HostOptions) (*Host, error) {
	h, err := t.BeginHost(ctx, o)
	if err != nil {
		return nil, err
	}
	if err := h.Err(); err != nil { // ctx ends the inventory too
		h.cancel()
		h.work.Wait()
		t.host = nil
		return nil, err
	}
	return h, nil
}

// BeginHost is StartHost that does not wait for the inventory, so that a screen can show meanwhile what was
// committed last. Nothing starts and no verb is performed before it is done; where it fails the host stops, and Err
// says why.
func (t *Town) BeginHost(ctx context.Context, o HostOptions) (*Host, error) {
	if o.Size.Cols <= 0 || o.Size.Rows <= 0 {
		o.Size = proc.Size{Cols: 120, Rows: 40}
	}
	if o.Checkpoints <= 0 {
		o.Checkpoints = checkpointEvery
	}
	hctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	h := &Host{
		t: t, ctx: hctx, cancel: cancel, started: t.deps.Now(), size: o.Size, checkpoints: o.Checkpoints,
		radar: newRadar(), notices: make(chan struct{}, 1),
		bell: make(chan struct{}, 1), ready: make(chan struct{}), left: make(chan struct{}), wish: make(chan bool, 1),
		workers: map[string]*worker{}, stuck: map[string]bool{}, rigs: map[string]*rigHost{}, faces: map[chan struct{}]struct{}{},
	}
	h.leaving, h.leave = context.WithCancel(hctx)
	sock, err := h.listen()
	if err != nil {
		cancel()
		return nil, err
	}
	t.host = h
	h.spawn("start", func() {
		defer close(h.ready)
		if h.failed = h.open(ctx, sock); h.failed != nil {
			select {
			case h.wish <- false:
			default: // it is to stop in any case
			}
		}
	})
	return h, nil
}

// wait waits until the host is at work, and says why it is not.
func (h *Host) wait(ctx context.Context) error {
	select {
	case <-h.ready:
		return h.failed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Ready is closed when the host is at work, or could not begin; Err tells which.
func (h *Host) Ready() <-chan struct{} { return h.ready }

// Err is why the host could not begin its work; nil: it could. It waits until that is known.
func (h *Host) Err() error {
	<-h.ready
	return h.failed
}

// open prepares the directory, recovers, and starts the goroutines.
func (h *Host) open(ctx context.Context, sock net.Listener) error {
	if err := h.installSelf(); err != nil {
		return errors.Join(err, sock.Close())
	}
	// Hosts before logged their own events.
	if err := h.t.store.View(func(tx *store.Tx) error { h.logged = tx.LastSeq(); return nil }); err != nil {
		return errors.Join(err, sock.Close())
	}
	if err := h.recover(ctx); err != nil {
		return errors.Join(step(err, "inventory"), sock.Close())
	}
	err := h.t.update(func(tx *store.Tx) error {
		return tx.Append(beads.Event{Kind: beads.EvTownUp, Actor: "host", Text: fmt.Sprintf("the host is up, pid %d", os.Getpid())})
	})
	if err != nil {
		return errors.Join(err, sock.Close())
	}
	h.t.reclaim()
	h.backedUp = h.t.lastBackedUp()
	h.startMayor("")
	h.spawn("socket", func() { h.serve(sock) })
	h.spawn("loop", h.loop)
	h.spawn("log", h.logEvents)
	h.spawn("housekeeping", h.housekeeping)
	h.spawn("settings", h.watchSettings)
	h.spawn("radar", h.watchOverlaps)
	h.spawn("notices", h.watchNotices)
	return nil
}
