package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"gastown/beads"
	"gastown/refinery"
)

func now(o Options) time.Time {
	if o.Now == nil {
		return time.Now().UTC()
	}
	return o.Now().UTC()
}

// Check lets bbolt look at every page of the file. Slow: seconds for a large town.
func (s *Store) Check() error {
	return s.db.View(func(tx *bbolt.Tx) error {
		var errs []error
		for err := range tx.Check() {
			errs = append(errs, fmt.Errorf("check store %q: %w", s.path, err))
		}
		return errors.Join(errs...)
	})
}

// Verify checks what must be true of the records among themselves and names every breach.
func (s *Store) Verify() error {
	return s.View(func(t *Tx) error {
		v := &verifier{t: t, live: map[beads.ID]int{}, newest: map[beads.ID]*beads.Attempt{}}
		for _, step := range []func() error{v.readAttempts, v.readQueues, v.checkBeads, v.checkIndexes, v.checkEvents} {
			if err := step(); err != nil {
				return err
			}
		}
		return errors.Join(v.errs...)
	})
}

type verifier struct {
	t      *Tx
	errs   []error
	live   map[beads.ID]int
	newest map[beads.ID]*beads.Attempt
	queued map[beads.ID]int // attempt by bead
	byBead map[beads.ID]*beads.Bead
}

func (v *verifier) fail(format string, args ...any) {
	v.errs = append(v.errs, fmt.Errorf("verify: "+format, args...))
}

func (v *verifier) readAttempts() error {
	all, err := v.t.Attempts()
	if err != nil {
		return err
	}
	polecats := map[string]beads.ID{}
	for _, a := range all {
		v.newest[a.Bead] = a // they come in the order of N
		if !a.State.Live() {
			continue
		}
		v.live[a.Bead]++
		if other, busy := polecats[a.Polecat]; busy {
			v.fail("polecat %q: live at %s and %s", a.Polecat, other, a.Bead)
		}
		polecats[a.Polecat] = a.Bead
		if v.t.bucket(indexLive).Get(attemptKey(a.Bead, a.N)) == nil {
			v.fail("attempt %q: live, not in the index", a.Key())
		}
	}
	return nil
}

func (v *verifier) readQueues() error {
	queues, err := v.t.Queues()
	if err != nil {
		return err
	}
	v.queued = map[beads.ID]int{}
	for _, q := range queues {
		for _, e := range q.Entries {
			if n, twice := v.queued[e.Bead]; twice {
				v.fail("queue %q: bead %s twice, attempts %d and %d", q.Rig, e.Bead, n, e.N)
			}
			v.queued[e.Bead] = e.N
		}
		for _, p := range parts(q) {
			v.queued[p.Bead] = p.N
		}
	}
	return nil
}

// parts is what a queue holds beyond its entries: a candidate under way and a landing not yet settled.
func parts(q *refinery.Queue) []refinery.Part {
	var out []refinery.Part
	if q.Run != nil {
		out = append(out, q.Run.Parts...)
	}
	if q.Intent != nil {
		out = append(out, q.Intent.Parts...)
	}
	return out
}

func (v *verifier) checkBeads() error {
	all, err := v.t.Beads()
	if err != nil {
		return err
	}
	v.byBead = make(map[beads.ID]*beads.Bead, len(all))
	for _, b := range all {
		v.byBead[b.ID] = b
		v.checkBead(b)
	}
	for id := range v.newest {
		if v.byBead[id] == nil {
			v.fail("attempt %q: of a bead that does not exist", v.newest[id].Key())
		}
	}
	for id, n := range v.queued {
		if b := v.byBead[id]; b == nil || b.Status != beads.Submitted || b.LastAttempt != n {
			v.fail("queue: attempt %s is queued, its bead is not submitted by it", beads.AttemptKey(id, n))
		}
	}
	return nil
}

func (v *verifier) checkBead(b *beads.Bead) {
	a := v.newest[b.ID]
	last := 0
	if a != nil {
		last = a.N
	}
	_, queued := v.queued[b.ID]
	delivered := a != nil && a.State == beads.Delivered
	switch {
	case b.LastAttempt != last:
		v.fail("bead %q: last attempt %d, stored are %d", b.ID, b.LastAttempt, last)
	case v.live[b.ID] > 1:
		v.fail("bead %q: %d live attempts", b.ID, v.live[b.ID])
	}
	if working := b.Status == beads.Working; working != (v.live[b.ID] > 0) {
		v.fail("bead %q: %s with %d live attempts", b.ID, b.Status, v.live[b.ID])
	}
	if submitted := b.Status == beads.Submitted; submitted != delivered || submitted && !queued {
		v.fail("bead %q: %s, newest attempt submitted %t, in the queue %t", b.ID, b.Status, delivered, queued)
	}
	if (b.Status == beads.Closed) != (b.ClosedAt != nil) {
		v.fail("bead %q: %s, closed_at set %t", b.ID, b.Status, b.ClosedAt != nil)
	}
	if v.t.bucket(indexStatus).Get(statusKey(b.Status, b.ID)) == nil {
		v.fail("bead %q: not in the index of %s", b.ID, b.Status)
	}
}

func (v *verifier) checkIndexes() error {
	for k := range scan(v.t.bucket(indexStatus), nil) {
		status, id, _ := bytes.Cut(k, []byte{0})
		if b := v.byBead[beads.ID(id)]; b == nil || string(b.Status) != string(status) {
			v.fail("index of %s: bead %q is not", status, id)
		}
	}
	for k := range scan(v.t.bucket(indexLive), nil) {
		id, n, _ := bytes.Cut(k, []byte{0})
		a, err := v.t.Attempt(beads.ID(id), int(binary.BigEndian.Uint64(n)))
		if err != nil || !a.State.Live() {
			v.fail("index of live attempts: %q is not", id)
		}
	}
	return nil
}

func (v *verifier) checkEvents() error {
	var last uint64
	for k := range scan(v.t.bucket(bucketEvents), nil) {
		seq := binary.BigEndian.Uint64(k)
		if last != 0 && seq != last+1 {
			v.fail("events: %d after %d", seq, last)
		}
		last = seq
	}
	if top := v.t.LastSeq(); last > top {
		v.fail("events: newest is %d, counted to %d", last, top)
	}
	return nil
}
