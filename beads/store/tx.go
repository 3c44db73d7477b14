package store

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"iter"
	"time"

	"go.etcd.io/bbolt"

	"gastown/beads"
	"gastown/internal/fault"
	"gastown/refinery"
)

// Tx is one transaction. It is not safe for concurrent use and dies with the function it was given to.
// Writing in a View is an error.
type Tx struct {
	s     *Store
	tx    *bbolt.Tx
	rev   uint64 // of this write transaction's records; 0: none yet
	wrote bool
}

// Now is the time of the store's clock.
func (t *Tx) Now() time.Time { return t.s.now().UTC() }

func (t *Tx) bucket(name string) *bbolt.Bucket { return t.tx.Bucket([]byte(name)) }

func (t *Tx) put(bucket string, key, value []byte) error {
	t.wrote = true
	if err := t.bucket(bucket).Put(key, value); err != nil {
		return fmt.Errorf("write %s %q: %w", bucket, key, err)
	}
	return nil
}

func (t *Tx) del(bucket string, key []byte) error {
	t.wrote = true
	if err := t.bucket(bucket).Delete(key); err != nil {
		return fmt.Errorf("delete %s %q: %w", bucket, key, err)
	}
	return nil
}

func (t *Tx) next(bucket string) (uint64, error) {
	t.wrote = true
	n, err := t.bucket(bucket).NextSequence()
	if err != nil {
		return 0, fmt.Errorf("number in %s: %w", bucket, err)
	}
	return n, nil
}

// putRev writes a record of a cached table, under this transaction's revision.
func (t *Tx) putRev(bucket string, key []byte, v any) error {
	if t.rev == 0 {
		rev, err := t.next(bucketMeta)
		if err != nil {
			return err
		}
		t.rev = rev
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write %s %q: %w", bucket, key, err)
	}
	return t.put(bucket, key, append(be64(t.rev), raw...))
}

func queueTable() table[refinery.Queue]  { return table[refinery.Queue]{bucketQueues} }
func convoyTable() table[beads.Convoy]   { return table[beads.Convoy]{bucketConvoys} }
func mailTable() table[beads.Message]    { return table[beads.Message]{bucketMail} }
func grantTable() table[beads.Grant]     { return table[beads.Grant]{bucketTokens} }
func eventTable() table[beads.Event]     { return table[beads.Event]{bucketEvents} }
func noticeTable() table[beads.Notice]   { return table[beads.Notice]{bucketNotices} }
func beadTable() table[beads.Bead]       { return table[beads.Bead]{bucketBeads} }
func attemptTable() table[beads.Attempt] { return table[beads.Attempt]{bucketAttempts} }

// Queue is the merge queue of a rig; nil if none was stored yet.
func (t *Tx) Queue(rig string) (*refinery.Queue, error) { return queueTable().get(t, []byte(rig)) }

// Queues lists the merge queues by rig name.
func (t *Tx) Queues() ([]*refinery.Queue, error) { return queueTable().all(t) }

// PutQueue stores the merge queue of q.Rig.
func (t *Tx) PutQueue(q *refinery.Queue) error {
	if q.Rig == "" {
		return fmt.Errorf("write queue: no rig")
	}
	return queueTable().put(t, []byte(q.Rig), q)
}

// DeleteQueue forgets the merge queue of a rig.
func (t *Tx) DeleteQueue(rig string) error { return t.del(bucketQueues, []byte(rig)) }

// Convoy finds a convoy by name.
func (t *Tx) Convoy(name string) (*beads.Convoy, error) {
	c, err := convoyTable().get(t, []byte(name))
	if err == nil && c == nil {
		err = fault.NotFoundf("convoy %q: no such convoy", name).WithHint("gastown convoy list")
	}
	return c, err
}

// Convoys lists the convoys by name.
func (t *Tx) Convoys() ([]*beads.Convoy, error) { return convoyTable().all(t) }

// PutConvoy stores a convoy under its name.
func (t *Tx) PutConvoy(c *beads.Convoy) error {
	if c.Name == "" {
		return fmt.Errorf("write convoy: no name")
	}
	return convoyTable().put(t, []byte(c.Name), c)
}

// DeleteConvoy forgets a convoy; its beads stay.
func (t *Tx) DeleteConvoy(name string) error { return t.del(bucketConvoys, []byte(name)) }

// AddMail stores a new message and gives it its id, and the store's time where it has none.
func (t *Tx) AddMail(m *beads.Message) error {
	id, err := t.next(bucketMail)
	if err != nil {
		return err
	}
	m.ID = id
	if m.At.IsZero() {
		m.At = t.Now()
	}
	return t.PutMail(m)
}

// Mail finds a message by id.
func (t *Tx) Mail(id uint64) (*beads.Message, error) {
	m, err := mailTable().get(t, be64(id))
	if err == nil && m == nil {
		err = fault.NotFoundf("mail %d: no such message", id).WithHint("gastown mail inbox")
	}
	return m, err
}

// PutMail stores a changed message.
func (t *Tx) PutMail(m *beads.Message) error {
	if m.ID == 0 {
		return fmt.Errorf("write mail: no id")
	}
	return mailTable().put(t, be64(m.ID), m)
}

// Inbox lists the messages to one reader, oldest first; everyone's for "".
func (t *Tx) Inbox(to string) ([]*beads.Message, error) {
	all, err := mailTable().all(t)
	if err != nil || to == "" {
		return all, err
	}
	var out []*beads.Message
	for _, m := range all {
		if m.To == to {
			out = append(out, m)
		}
	}
	return out, nil
}

// PutNotice stores a notice under its key, in the place of an older one.
func (t *Tx) PutNotice(n *beads.Notice) error {
	if n.Key == "" {
		return fmt.Errorf("write notice: no key")
	}
	return noticeTable().put(t, []byte(n.Key), n)
}

// Notices lists the notices by key.
func (t *Tx) Notices() ([]*beads.Notice, error) { return noticeTable().all(t) }

// DeleteNotice forgets a notice; one that is not there costs nothing.
func (t *Tx) DeleteNotice(key string) error {
	if t.bucket(bucketNotices).Get([]byte(key)) == nil {
		return nil
	}
	return t.del(bucketNotices, []byte(key))
}

// PutGrant stores what a token allows. The token itself is not kept, only its hash.
func (t *Tx) PutGrant(token string, g *beads.Grant) error {
	if token == "" {
		return fmt.Errorf("write grant: no token")
	}
	return grantTable().put(t, tokenKey(token), g)
}

// Grant is what a token allows.
func (t *Tx) Grant(token string) (*beads.Grant, error) {
	g, err := grantTable().get(t, tokenKey(token))
	if err == nil && g == nil {
		err = fault.Refusedf("token: not valid in this town (any more)")
	}
	return g, err
}

// Revoke takes back every grant that match picks.
func (t *Tx) Revoke(match func(*beads.Grant) bool) error {
	var gone [][]byte
	for k, raw := range scan(t.bucket(bucketTokens), nil) {
		g, err := grantTable().decode(k, raw)
		if err != nil {
			return err
		}
		if match(g) {
			gone = append(gone, k)
		}
	}
	for _, k := range gone {
		if err := t.del(bucketTokens, k); err != nil {
			return err
		}
	}
	return nil
}

func tokenKey(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// GetKV reads the JSON value of key into v; false if there is none.
func (t *Tx) GetKV(key string, v any) (bool, error) {
	raw := t.bucket(bucketKV).Get([]byte(key))
	if raw == nil {
		return false, nil
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return false, fmt.Errorf("read kv %q: %w", key, err)
	}
	return true, nil
}

// PutKV stores v as JSON under key.
func (t *Tx) PutKV(key string, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write kv %q: %w", key, err)
	}
	return t.put(bucketKV, []byte(key), raw)
}

// DeleteKV forgets key; one that is not there costs nothing.
func (t *Tx) DeleteKV(key string) error {
	if t.bucket(bucketKV).Get([]byte(key)) == nil {
		return nil
	}
	return t.del(bucketKV, []byte(key))
}

// Keys goes over the keys of the kv bucket that begin with prefix, in order.
func (t *Tx) Keys(prefix string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for k := range scan(t.bucket(bucketKV), []byte(prefix)) {
			if !yield(string(k)) {
				return
			}
		}
	}
}

// Append writes an event: it gets the next Seq, and the store's time where it has none. It is true
// if and only if the rest of the transaction is.
func (t *Tx) Append(e beads.Event) error {
	seq, err := t.next(bucketEvents)
	if err != nil {
		return err
	}
	e.Seq = seq
	if e.At.IsZero() {
		e.At = t.Now()
	}
	t.bucket(bucketEvents).FillPercent = 1 // keys only grow: full pages, not half-full ones
	return eventTable().put(t, be64(seq), &e)
}

// LastSeq is the Seq of the newest event ever written; 0 before the first.
func (t *Tx) LastSeq() uint64 { return t.bucket(bucketEvents).Sequence() }

// Events lists events after since, oldest first, at most limit of them (0: all).
func (t *Tx) Events(since uint64, limit int) ([]beads.Event, error) {
	var out []beads.Event
	c := t.bucket(bucketEvents).Cursor()
	for k, raw := c.Seek(be64(since + 1)); k != nil && (limit <= 0 || len(out) < limit); k, raw = c.Next() {
		e, err := eventTable().decode(k, raw)
		if err != nil {
			return nil, err
		}
		out = append(out, *e)
	}
	return out, nil
}

// EventsTail lists the newest n events, oldest first.
func (t *Tx) EventsTail(n int) ([]beads.Event, error) {
	k, _ := t.bucket(bucketEvents).Cursor().Last()
	if k == nil || n <= 0 {
		return nil, nil
	}
	last := binary.BigEndian.Uint64(k)
	return t.Events(last-min(last, uint64(n)), 0)
}

// PruneEvents deletes the oldest events but for the newest keep, and says how many went. Run it
// when there are some thousands to delete, not after each event.
func (t *Tx) PruneEvents(keep int) (int, error) {
	b := t.bucket(bucketEvents)
	limit := b.Sequence() - min(b.Sequence(), uint64(max(keep, 0)))
	var gone [][]byte
	for k := range scan(b, nil) {
		if binary.BigEndian.Uint64(k) > limit {
			break
		}
		gone = append(gone, k)
	}
	for _, k := range gone {
		if err := t.del(bucketEvents, k); err != nil {
			return 0, err
		}
	}
	return len(gone), nil
}
