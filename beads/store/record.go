package store

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"iter"
	"sync"

	"go.etcd.io/bbolt"
)

// The buckets. The two indexes hold keys alone.
const (
	bucketMeta     = "meta" // schema; its sequence is the revision
	bucketBeads    = "beads"
	bucketAttempts = "attempts" // bead 0x00 N
	bucketEvents   = "events"   // seq
	bucketQueues   = "queues"   // rig
	bucketConvoys  = "convoys"  // name
	bucketMail     = "mail"     // id
	bucketTokens   = "tokens"   // SHA-256 of the token
	bucketKV       = "kv"
	bucketNotices  = "notices"    // key
	indexStatus    = "idx_status" // status 0x00 bead
	indexLive      = "idx_live"   // bead 0x00 N
)

func buckets() []string {
	return []string{
		bucketMeta, bucketBeads, bucketAttempts, bucketEvents, bucketQueues, bucketConvoys,
		bucketMail, bucketTokens, bucketKV, bucketNotices, indexStatus, indexLive,
	}
}

// revSize is the length of the revision in front of a cached record: the number of the
// transaction that wrote it. Equal revisions of a key are equal values.
const revSize = 8

// table is a bucket whose values are JSON of T.
type table[T any] struct{ name string }

func (tb table[T]) get(t *Tx, key []byte) (*T, error) {
	raw := t.bucket(tb.name).Get(key)
	if raw == nil {
		return nil, nil
	}
	return tb.decode(key, raw)
}

func (tb table[T]) decode(key, raw []byte) (*T, error) {
	v := new(T)
	if err := json.Unmarshal(raw, v); err != nil {
		return nil, fmt.Errorf("read %s %q: %w", tb.name, key, err)
	}
	return v, nil
}

func (tb table[T]) put(t *Tx, key []byte, v *T) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write %s %q: %w", tb.name, key, err)
	}
	return t.put(tb.name, key, raw)
}

func (tb table[T]) all(t *Tx) ([]*T, error) {
	var out []*T
	for k, raw := range scan(t.bucket(tb.name), nil) {
		v, err := tb.decode(k, raw)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// scan goes over the keys of b that begin with prefix, in order. Keys and values die with the transaction.
func scan(b *bbolt.Bucket, prefix []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func([]byte, []byte) bool) {
		c := b.Cursor()
		for k, v := c.Seek(prefix); k != nil && bytes.HasPrefix(k, prefix); k, v = c.Next() {
			if !yield(k, v) {
				return
			}
		}
	}
}

func be64(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// cache keeps decoded records by key and revision, shared by all transactions. It is filled by
// reading committed records alone, so a transaction that is rolled back cannot leave anything in it,
// and a reader of an older state cannot see a newer record.
type cache[T any] struct {
	mu sync.RWMutex
	m  map[string]cached[T]
}

type cached[T any] struct {
	rev uint64
	v   *T
}

// read decodes raw, the record of key, or finds it decoded. skip is the revision of the running
// write transaction (0 in a reader): its records are not committed yet and are not kept.
func (c *cache[T]) read(tb table[T], key, raw []byte, skip uint64) (*T, error) {
	if len(raw) < revSize {
		return nil, fmt.Errorf("read %s %q: record of %d bytes", tb.name, key, len(raw))
	}
	rev := binary.BigEndian.Uint64(raw)
	c.mu.RLock()
	have, ok := c.m[string(key)]
	c.mu.RUnlock()
	if ok && have.rev == rev && rev != skip {
		return have.v, nil
	}
	v, err := tb.decode(key, raw[revSize:])
	if err != nil || rev == skip {
		return v, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.m == nil {
		c.m = map[string]cached[T]{}
	}
	if now, ok := c.m[string(key)]; !ok || now.rev < rev {
		c.m[string(key)] = cached[T]{rev, v}
	}
	return v, nil
}
