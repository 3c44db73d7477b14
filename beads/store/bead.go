package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"sync"

	"gastown/beads"
	"gastown/internal/fault"
)

// decodeShare is how many beads are worth another goroutine: some 6 ms of decoding.
const decodeShare = 500

// Bead finds a bead by id.
func (t *Tx) Bead(id beads.ID) (*beads.Bead, error) {
	b, err := t.bead(id)
	if err == nil && b == nil {
		err = fault.NotFoundf("bead %q: no such bead", id).WithHint("gastown bead list")
	}
	return b, err
}

// HasBead reports whether a bead exists, without reading it.
func (t *Tx) HasBead(id beads.ID) bool { return t.bucket(bucketBeads).Get([]byte(id)) != nil }

// bead is nil without an error where there is none.
func (t *Tx) bead(id beads.ID) (*beads.Bead, error) {
	key := []byte(id)
	raw := t.bucket(bucketBeads).Get(key)
	if raw == nil {
		return nil, nil
	}
	return t.s.beads.read(beadTable(), key, raw, t.rev)
}

// PutBead stores a bead, new or changed. The store does not keep b itself.
func (t *Tx) PutBead(b *beads.Bead) error {
	if !beads.ValidID(b.ID) {
		return fault.Usagef("bead %q: not an id", beads.Clean(string(b.ID), 60))
	}
	if b.Status == "" {
		return fmt.Errorf("write bead %q: no status", b.ID)
	}
	old, err := t.bead(b.ID)
	if err != nil {
		return err
	}
	if old != nil && old.Status != b.Status {
		if err := t.del(indexStatus, statusKey(old.Status, b.ID)); err != nil {
			return err
		}
	}
	if old == nil || old.Status != b.Status {
		if err := t.put(indexStatus, statusKey(b.Status, b.ID), []byte{}); err != nil {
			return err
		}
	}
	return t.putRev(bucketBeads, []byte(b.ID), b)
}

// DeleteBead forgets a bead that no attempt was ever made of (creating it is being undone).
func (t *Tx) DeleteBead(id beads.ID) error {
	b, err := t.Bead(id)
	if err != nil {
		return err
	}
	for range scan(t.bucket(bucketAttempts), attemptPrefix(id)) {
		return fault.Refusedf("bead %q: it has attempts, close it instead", id)
	}
	if err := t.del(indexStatus, statusKey(b.Status, id)); err != nil {
		return err
	}
	return t.del(bucketBeads, []byte(id))
}

// Beads lists every bead by id. What was not read since it changed is decoded, on all processors
// where that is much: the first look at 10,000 beads is 130 ms of work.
func (t *Tx) Beads() ([]*beads.Bead, error) {
	var keys, raws [][]byte
	for k, raw := range scan(t.bucket(bucketBeads), nil) {
		keys, raws = append(keys, k), append(raws, raw)
	}
	out := make([]*beads.Bead, len(keys))
	workers := min(runtime.GOMAXPROCS(0), 1+len(keys)/decodeShare)
	errs := make([]error, workers)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := len(keys) * w / workers; i < len(keys)*(w+1)/workers && errs[w] == nil; i++ {
				out[i], errs[w] = t.s.beads.read(beadTable(), keys[i], raws[i], t.rev)
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return out, nil
}

// BeadsWith lists the beads of one status by id.
func (t *Tx) BeadsWith(status beads.Status) ([]*beads.Bead, error) {
	var out []*beads.Bead
	prefix := statusKey(status, "")
	for k := range scan(t.bucket(indexStatus), prefix) {
		b, err := t.Bead(beads.ID(k[len(prefix):]))
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, nil
}

// CountStatus counts the beads of each status without reading them.
func (t *Tx) CountStatus() map[beads.Status]int {
	out := map[beads.Status]int{}
	for k := range scan(t.bucket(indexStatus), nil) {
		status, _, _ := bytes.Cut(k, []byte{0})
		out[beads.Status(status)]++
	}
	return out
}

// IDs goes over the ids that begin with prefix, in order, without reading the beads.
func (t *Tx) IDs(prefix string) iter.Seq[beads.ID] {
	return func(yield func(beads.ID) bool) {
		for k := range scan(t.bucket(bucketBeads), []byte(prefix)) {
			if !yield(beads.ID(k)) {
				return
			}
		}
	}
}

// CountBeads counts the top-level beads whose ids have the prefix.
func (t *Tx) CountBeads(prefix string) int {
	n := 0
	for id := range t.IDs(prefix + "-") {
		if beads.Prefix(id) == prefix && beads.Parent(id) == "" {
			n++
		}
	}
	return n
}

// NewID is a fresh id for a bead with this prefix, or a child of parent where that is not empty.
// The bead's Title, Description, CreatedBy and CreatedAt go into the hash.
func (t *Tx) NewID(prefix string, parent beads.ID, b *beads.Bead) (beads.ID, error) {
	if parent != "" {
		return beads.ChildID(parent, t.IDs(string(parent)+"."))
	}
	return beads.NewID(prefix, t.CountBeads(prefix), t.HasBead, b.Title, b.Description, b.CreatedBy, b.CreatedAt)
}

// BlockedBy lists what keeps a bead from being ready, reading only the beads that can.
func (t *Tx) BlockedBy(b *beads.Bead) ([]beads.ID, error) {
	g, err := t.graphOf(b)
	if err != nil {
		return nil, err
	}
	return g.BlockedBy(b.ID), nil
}

// graphOf is the graph of b, its ancestors and the blockers of each: all that b's readiness hangs on.
func (t *Tx) graphOf(b *beads.Bead) (*beads.Graph, error) {
	set := map[beads.ID]*beads.Bead{b.ID: b}
	for queue := []*beads.Bead{b}; len(queue) > 0; queue = queue[1:] {
		for _, d := range queue[0].Dependencies {
			if d.Gate() != "" { // asks for the children of a bead, which are found by reading all
				all, err := t.Beads()
				if err != nil {
					return nil, err
				}
				return beads.NewGraph(slices.Values(all)), nil
			}
			if _, seen := set[d.DependsOn]; seen || !d.Type.Blocking() {
				continue
			}
			on, err := t.bead(d.DependsOn)
			if err != nil {
				return nil, err
			}
			if on == nil {
				continue
			}
			set[on.ID] = on
			if d.Type == beads.ParentChild {
				queue = append(queue, on)
			}
		}
	}
	return beads.NewGraph(func(yield func(*beads.Bead) bool) {
		for _, b := range set {
			if !yield(b) {
				return
			}
		}
	}), nil
}

func statusKey(s beads.Status, id beads.ID) []byte {
	return append(append([]byte(s), 0), id...)
}

// Attempt finds attempt n of a bead.
func (t *Tx) Attempt(id beads.ID, n int) (*beads.Attempt, error) {
	key := attemptKey(id, n)
	raw := t.bucket(bucketAttempts).Get(key)
	if raw == nil {
		return nil, fault.NotFoundf("attempt %q: no such attempt", beads.AttemptKey(id, n))
	}
	return t.s.attempts.read(attemptTable(), key, raw, t.rev)
}

// PutAttempt stores an attempt, new or changed. The store does not keep a itself.
func (t *Tx) PutAttempt(a *beads.Attempt) error {
	if !beads.ValidID(a.Bead) || a.N < 1 {
		return fmt.Errorf("write attempt %q: not an attempt", a.Key())
	}
	key := attemptKey(a.Bead, a.N)
	indexed := t.bucket(indexLive).Get(key) != nil
	var err error
	switch {
	case a.State.Live() && !indexed:
		err = t.put(indexLive, key, []byte{})
	case !a.State.Live() && indexed:
		err = t.del(indexLive, key)
	}
	if err != nil {
		return err
	}
	return t.putRev(bucketAttempts, key, a)
}

// AttemptsOf lists the attempts at a bead, oldest first.
func (t *Tx) AttemptsOf(id beads.ID) ([]*beads.Attempt, error) {
	return t.attempts(attemptPrefix(id))
}

// Attempts lists every attempt, by bead and number.
func (t *Tx) Attempts() ([]*beads.Attempt, error) { return t.attempts(nil) }

func (t *Tx) attempts(prefix []byte) ([]*beads.Attempt, error) {
	var out []*beads.Attempt
	for k, raw := range scan(t.bucket(bucketAttempts), prefix) {
		a, err := t.s.attempts.read(attemptTable(), k, raw, t.rev)
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}

// LiveAttempts lists the attempts a polecat is at, by bead.
func (t *Tx) LiveAttempts() ([]*beads.Attempt, error) {
	var out []*beads.Attempt
	for k := range scan(t.bucket(indexLive), nil) {
		raw := t.bucket(bucketAttempts).Get(k)
		a, err := t.s.attempts.read(attemptTable(), k, raw, t.rev)
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}

func attemptPrefix(id beads.ID) []byte { return append([]byte(id), 0) }

func attemptKey(id beads.ID, n int) []byte {
	return binary.BigEndian.AppendUint64(attemptPrefix(id), uint64(n))
}
