package town

import (
	"cmp"
	"runtime"

	"gastown/beads/store"
	"gastown/refinery"
)

// gatePlaces is how many rigs' gates run at once on this machine. They run at a lower priority
// than agents and the screen; more of them at a time would make each land later.
func gatePlaces() int { return max(2, runtime.NumCPU()/2) }

// full reports whether there is no place for a rig's gates now: other rigs' use them, or have
// their turn first, which goes to who began longest ago. A gate that hangs uses no place, and
// neither does a proof: it gives way (see giveWay).
func (t *Town) full(tx *store.Tx, rig string) (bool, error) {
	qs, err := t.live(tx)
	if err != nil {
		return false, err
	}
	now, mine := t.deps.Now(), refinery.Queue{Rig: rig}
	for _, q := range qs {
		if q.Rig == rig {
			mine = q
		}
	}
	taken := 0
	for _, q := range qs {
		if q.Rig == rig {
			continue
		}
		if gates(q) || turn(q, mine) < 0 && refinery.Ready(q, now, t.queueConfig(q.Rig)) {
			taken++
		}
	}
	return taken >= gatePlaces(), nil
}

// turn orders two queues by whose run begins first.
func turn(a, b refinery.Queue) int {
	return cmp.Or(a.Began.Compare(b.Began), cmp.Compare(a.Rig, b.Rig))
}

// gates reports whether a queue's run uses a place.
func gates(q refinery.Queue) bool { return q.Run != nil && q.Run.HungSince.IsZero() }

// live are the queues that somebody drives: of rigs in the settings and, where there is a host,
// opened by it.
func (t *Town) live(tx *store.Tx) (out []refinery.Queue, err error) {
	qs, err := tx.Queues()
	rigs := t.settings().Rigs
	for _, q := range qs {
		if _, there := rigs[q.Rig]; there && (t.host == nil || t.host.opened(q.Rig)) {
			out = append(out, *q)
		}
	}
	return out, err
}

// room reports whether a proof may begin: gates and proofs leave a place.
func (h *Host) room(tx *store.Tx, rig string) (bool, error) {
	if full, err := h.t.full(tx, rig); full || err != nil {
		return false, err
	}
	running, proofs, err := h.running(tx)
	return running+len(proofs) < gatePlaces(), err
}

// giveWay ends proofs until gates and proofs fit the machine's places again.
func (h *Host) giveWay() {
	err := h.t.store.View(func(tx *store.Tx) error {
		running, proofs, err := h.running(tx)
		for _, r := range proofs[:min(len(proofs), max(0, running+len(proofs)-gatePlaces()))] {
			r.runner.EndProof()
		}
		return err
	})
	if err != nil {
		h.t.deps.Log.Warn("places for gates", "err", err)
	}
}

// running counts the gates that use a place, and finds the rigs that prove something.
func (h *Host) running(tx *store.Tx) (n int, proofs []*rigHost, err error) {
	qs, err := h.t.live(tx)
	for _, q := range qs {
		if gates(q) {
			n++
		}
	}
	for _, r := range h.rigHosts() {
		if r.runner.Proving() {
			proofs = append(proofs, r)
		}
	}
	return n, proofs, err
}
