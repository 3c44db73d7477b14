package town

import (
	"log/slog"

	"gastown/beads"
	"gastown/beads/store"
)

// logEvents writes what happens into the host's log, which is read where the store cannot be: after a
// crash, or in a report. It ends when the host has written its last event.
func (h *Host) logEvents() {
	committed, cancel := h.t.store.Watch()
	defer cancel()
	for {
		h.logged = h.logSince(h.logged)
		select {
		case <-h.ctx.Done(): // shutdown goes on from here
			return
		case <-committed:
		}
	}
}

// logSince logs the events after number since, and returns the newest number.
func (h *Host) logSince(since uint64) uint64 {
	var evs []beads.Event
	err := h.t.store.View(func(tx *store.Tx) (err error) {
		evs, err = tx.Events(since, 0)
		return err
	})
	if err != nil {
		h.t.deps.Log.Error("read the events", "err", err)
		return since
	}
	for _, e := range evs {
		attrs := []slog.Attr{slog.String("by", e.Actor)}
		for _, a := range []slog.Attr{slog.String("rig", e.Rig), slog.String("bead", string(e.Bead)), slog.String("polecat", e.Polecat), slog.String("reason", e.Reason)} {
			if a.Value.String() != "" {
				attrs = append(attrs, a)
			}
		}
		h.t.deps.Log.LogAttrs(h.ctx, slog.LevelInfo, e.Kind+": "+e.Text, attrs...)
		since = e.Seq
	}
	return since
}
