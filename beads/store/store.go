package store

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"gastown/beads"
	"gastown/internal/fault"
)

// Options of Open; the zero value is fine.
type Options struct {
	Timeout  time.Duration    // how long to wait for the lock; 0: one second
	Now      func() time.Time // times of events, and names of backups; nil: time.Now
	ReadOnly bool             // shares the lock with other readers; Update is refused
	// Terminal names the terminal of the process that holds the lock, for whoever finds it held. May be nil.
	Terminal func(pid int) string
	// NoSync leaves flushing to the system: a power cut can lose everything. For tests and the demo.
	NoSync  bool
	maxSize int // of the file in bytes, for tests of a full disk
}

// Store is an open town.db. Its methods are safe for concurrent use; Update calls run one after another.
type Store struct {
	db       *bbolt.DB
	path     string
	now      func() time.Time
	beads    cache[beads.Bead]
	attempts cache[beads.Attempt]

	mu       sync.Mutex
	watchers map[chan struct{}]struct{}
}

// Path is the file the store is in.
func (s *Store) Path() string { return s.path }

// Close waits for running transactions and gives the lock back.
func (s *Store) Close() error {
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("close store %q: %w", s.path, err)
	}
	return nil
}

// Update runs fn in one write transaction. Whatever fn returns an error for, or panics in, leaves no
// trace; a transaction that wrote nothing is not committed. Watchers are rung once it is on disk.
// Calling Update or View of the same store inside fn deadlocks.
func (s *Store) Update(fn func(*Tx) error) error {
	btx, err := s.db.Begin(true)
	if err != nil {
		return s.writeError("begin", err)
	}
	defer func() { _ = btx.Rollback() }() // an error after Commit, and then meant to be one
	t := &Tx{s: s, tx: btx}
	if err := fn(t); err != nil {
		return err
	}
	if !t.wrote {
		return nil
	}
	if err := btx.Commit(); err != nil {
		return s.writeError("commit", err)
	}
	s.ring()
	return nil
}

// View runs fn on one consistent state. It never waits for a writer.
func (s *Store) View(fn func(*Tx) error) error {
	btx, err := s.db.Begin(false)
	if err != nil {
		return fmt.Errorf("read store %q: %w", s.path, err)
	}
	defer func() { _ = btx.Rollback() }() // cannot fail for a reader
	return fn(&Tx{s: s, tx: btx})
}

func (s *Store) writeError(step string, err error) error {
	if errors.Is(err, berrors.ErrDatabaseReadOnly) {
		return fault.Refusedf("store %q: opened to read only", s.path)
	}
	return fmt.Errorf("%s store %q: %w", step, s.path, err)
}

// Watch gives a channel that holds one element whenever something was committed since it was last
// read. It never blocks a writer. cancel ends it; the channel is not closed.
func (s *Store) Watch() (ch <-chan struct{}, cancel func()) {
	c := make(chan struct{}, 1) // one merged element
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.watchers == nil {
		s.watchers = map[chan struct{}]struct{}{}
	}
	s.watchers[c] = struct{}{}
	return c, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.watchers, c)
	}
}

func (s *Store) ring() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.watchers {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}
