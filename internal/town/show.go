package town

import (
	"context"

	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/api"
)

// shown is the bead that somebody asked the screen to show. It is forgotten with the host: a
// cursor is nothing to remember.
type shown struct {
	bead beads.ID
	gen  uint64
}

// showBead answers the verb show: the screen moves its cursor when it sees the next view.
func (t *Town) showBead(_ context.Context, _ api.Caller, r api.BeadReq) (out api.Ack, err error) {
	err = t.store.View(func(tx *store.Tx) error {
		b, err := findBead(tx, r.Bead)
		if err != nil {
			return err
		}
		h := t.host
		h.mu.Lock()
		h.show = shown{b.ID, h.show.gen + 1}
		h.mu.Unlock()
		out.Msg = "the screen shows " + string(b.ID)
		return nil
	})
	if err == nil {
		t.host.changed()
	}
	return out, err
}
