package store

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	berrors "go.etcd.io/bbolt/errors"

	"gastown/beads"
	"gastown/internal/fault"
	"gastown/refinery"
)

func TestClaimRefusesWithTheReason(t *testing.T) {
	s := newStore(t)
	future := epoch.Add(time.Hour)
	deferred := bead("ma-def")
	deferred.DeferUntil = &future
	closed := bead("ma-clo")
	closed.Status, closed.ClosedAt = beads.Closed, new(epoch)
	gate := bead("ma-gat")
	gate.Type = "gate"
	parent := bead("ma-par", on("ma-one", beads.Blocks))
	put(t, s, bead("ma-one"), bead("ma-two", on("ma-one", beads.Blocks)), bead("ma-mis", on("ma-zzz", beads.Blocks)),
		parent, bead("ma-par.1", on("ma-par", beads.ParentChild)), deferred, closed, gate, bead("ma-fre", on("ma-clo", beads.Blocks)))
	cases := []struct {
		bead beads.ID
		kind fault.Kind
		want string
	}{
		{"ma-none", fault.NotFound, `bead "ma-none": no such bead`},
		{"ma-two", fault.Refused, `bead "ma-two": blocked by ma-one`},
		{"ma-mis", fault.Refused, `bead "ma-mis": blocked by ma-zzz (no such bead)`},
		{"ma-par.1", fault.Refused, `bead "ma-par.1": blocked by ma-one`},
		{"ma-def", fault.Refused, `bead "ma-def": deferred until 2026-05-01T13:00:00Z`},
		{"ma-clo", fault.Refused, `bead "ma-clo": it is closed`},
		{"ma-gat", fault.Refused, `bead "ma-gat": of a kind that is not worked on`},
	}
	for _, c := range cases {
		_, err := claim(s, c.bead, "toast")
		if !fault.Is(err, c.kind) || err.Error() != c.want {
			t.Errorf("claim %s: got %v, want %s", c.bead, err, c.want)
		}
	}
	if _, err := claim(s, "ma-fre", "toast"); err != nil {
		t.Error(err)
	}
	if _, err := claim(s, "ma-one", "toast"); !fault.Is(err, fault.Refused) || !strings.Contains(err.Error(), "busy with ma-fre") {
		t.Errorf("a busy polecat: %v", err)
	}
	if _, err := claim(s, "ma-fre", "nux"); !fault.Is(err, fault.Refused) || !strings.Contains(err.Error(), "toast works on it") {
		t.Errorf("a bead that is worked on: %v", err)
	}
	if err := s.Verify(); err != nil {
		t.Error(err)
	}
}

func TestClaimTakesWhatTheBeadHolds(t *testing.T) {
	s := newStore(t)
	b := bead("ma-one")
	b.Sling = &beads.Sling{At: epoch, By: "mayor"}
	b.Next = &beads.Start{Note: "the gate failed"}
	put(t, s, b)
	a, err := claim(s, "ma-one", "toast")
	if err != nil {
		t.Fatal(err)
	}
	err = s.View(func(tx *Tx) error {
		got, err := tx.Bead("ma-one")
		if err != nil {
			return err
		}
		if got.Status != beads.Working || got.Assignee != "toast" || got.Sling != nil || got.Next != nil || got.LastAttempt != 1 || got.StartedAt == nil {
			t.Errorf("bead %+v", got)
		}
		if a.N != 1 || a.State != beads.Starting || a.Branch != "gt/ma-one/1" || a.Start.Note != "the gate failed" {
			t.Errorf("attempt %+v", a)
		}
		g, err := tx.Grant("toast-ma-one")
		if err != nil || g.Bead != "ma-one" || g.Attempt != 1 || g.Role != "polecat" {
			t.Errorf("grant %+v, %v", g, err)
		}
		events, err := tx.Events(0, 0)
		if err != nil || len(events) != 1 || events[0].Kind != beads.EvClaimed || events[0].Seq != 1 {
			t.Errorf("events %+v, %v", events, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestOneOf64ClaimsWins(t *testing.T) {
	rounds := 1000 // the number failures.md class 14 asks for
	if testing.Short() {
		rounds = 50
	}
	s := newStore(t)
	for round := range rounds {
		id := beads.ID(fmt.Sprintf("ma-%04d", round))
		put(t, s, bead(id))
		var won atomic.Int32
		var wg sync.WaitGroup
		for i := range 64 {
			wg.Go(func() {
				_, err := claim(s, id, fmt.Sprintf("p%d-%d", round, i))
				switch {
				case err == nil:
					won.Add(1)
				case !fault.Is(err, fault.Refused):
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 {
			t.Fatalf("round %d: %d won", round, won.Load())
		}
		err := s.Update(func(tx *Tx) error {
			_, _, err := Step(tx, id, 1, beads.Kill, epoch, nil)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Verify(); err != nil {
		t.Error(err)
	}
}

func TestStepFollowsABeadToItsEnd(t *testing.T) {
	s := newStore(t)
	put(t, s, bead("ma-one"))
	if _, err := claim(s, "ma-one", "toast"); err != nil {
		t.Fatal(err)
	}
	step := func(n int, act beads.Action) error {
		return s.Update(func(tx *Tx) error {
			b, a, err := Step(tx, "ma-one", n, act, epoch, func(b *beads.Bead, a *beads.Attempt) { a.Tip = "abc" })
			if err != nil {
				return err
			}
			q := &refinery.Queue{Rig: "app"}
			if b.Status == beads.Submitted {
				q.Entries = []refinery.Entry{{Bead: b.ID, N: a.N}}
			}
			return tx.PutQueue(q)
		})
	}
	if err := step(1, beads.Submit); err != nil {
		t.Fatal(err)
	}
	if err := s.View(func(tx *Tx) error { _, err := tx.Grant("toast-ma-one"); return err }); !fault.Is(err, fault.Refused) {
		t.Errorf("the token outlived its attempt: %v", err)
	}
	var te *beads.TransitionError
	if err := step(1, beads.Kill); !fault.Is(err, fault.Refused) || !errors.As(err, &te) {
		t.Errorf("kill what is submitted: %v", err)
	}
	if err := s.Verify(); err != nil {
		t.Error(err)
	}
	if err := step(1, beads.Reject); err != nil {
		t.Fatal(err)
	}
	if _, err := claim(s, "ma-one", "nux"); err != nil {
		t.Fatal(err)
	}
	if err := step(1, beads.Submit); !fault.Is(err, fault.Refused) {
		t.Errorf("an old attempt: %v", err)
	}
	if err := step(2, beads.Ask); err != nil {
		t.Fatal(err)
	}
	if err := s.Verify(); err != nil {
		t.Error(err)
	}
}

func TestARolledBackTransactionLeavesNothing(t *testing.T) {
	s := newStore(t)
	put(t, s, bead("ma-one"))
	stop := errors.New("stop")
	change := func(title string, end error) error {
		return s.Update(func(tx *Tx) error {
			b, err := tx.Bead("ma-one")
			if err != nil {
				return err
			}
			c := b.Clone()
			c.Title = title
			if err := errors.Join(tx.PutBead(c), tx.Append(beads.Event{Kind: beads.EvBeadUpdated})); err != nil {
				return err
			}
			if got, err := tx.Bead("ma-one"); err != nil || got.Title != title {
				t.Errorf("inside: %v, %v", got, err)
			}
			return end
		})
	}
	ch, cancel := s.Watch()
	defer cancel()
	if err := change("rolled back", stop); !errors.Is(err, stop) {
		t.Fatal(err)
	}
	func() {
		defer func() { _ = recover() }()
		_ = s.Update(func(tx *Tx) error {
			if err := tx.PutBead(bead("ma-two")); err != nil {
				return err
			}
			panic("in the middle")
		})
	}()
	check := func(want string, events uint64) {
		t.Helper()
		err := s.View(func(tx *Tx) error {
			b, err := tx.Bead("ma-one")
			if err != nil || b.Title != want || tx.HasBead("ma-two") || tx.LastSeq() != events {
				t.Errorf("got %+v, %v, %d events", b, err, tx.LastSeq())
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	check("title of ma-one", 0)
	if len(ch) != 0 {
		t.Error("rung for nothing")
	}
	if err := change("kept", nil); err != nil { // the same revision number as what was rolled back
		t.Fatal(err)
	}
	check("kept", 1)
	if len(ch) != 1 {
		t.Error("not rung")
	}
}

func TestAReaderSeesOneState(t *testing.T) {
	s := newStore(t)
	put(t, s, bead("ma-one"), bead("ma-two"))
	err := s.View(func(old *Tx) error {
		changed := bead("ma-one")
		changed.Title = "new"
		put(t, s, changed)
		if err := s.View(func(tx *Tx) error { // fills the cache with the new one
			b, err := tx.Bead("ma-one")
			if err == nil && b.Title != "new" {
				t.Errorf("new reader: %q", b.Title)
			}
			return err
		}); err != nil {
			return err
		}
		b, err := old.Bead("ma-one")
		if err == nil && b.Title != "title of ma-one" {
			t.Errorf("old reader: %q", b.Title)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var first, second *beads.Bead
	for _, into := range []**beads.Bead{&first, &second} {
		if err := s.View(func(tx *Tx) (err error) { *into, err = tx.Bead("ma-two"); return err }); err != nil {
			t.Fatal(err)
		}
	}
	if first != second {
		t.Error("decoded twice")
	}
}

func TestAnUpdateThatWritesNothingIsNotCommitted(t *testing.T) {
	s := newStore(t)
	ch, cancel := s.Watch()
	defer cancel()
	before := fileBytes(t, s.Path())
	if err := s.Update(func(tx *Tx) error { _, err := tx.Beads(); return err }); err != nil {
		t.Fatal(err)
	}
	if len(ch) != 0 || !bytes.Equal(before, fileBytes(t, s.Path())) {
		t.Error("something was written")
	}
}

func TestWatchMergesAndEnds(t *testing.T) {
	s := newStore(t)
	ch, cancel := s.Watch()
	for i := range 3 {
		put(t, s, bead(beads.ID(fmt.Sprintf("ma-%03d", i))))
	}
	if len(ch) != 1 {
		t.Errorf("%d elements", len(ch))
	}
	<-ch
	cancel()
	put(t, s, bead("ma-end"))
	if len(ch) != 0 {
		t.Error("rung after its end")
	}
}

func TestVerifyFindsBreaches(t *testing.T) {
	s := newStore(t)
	working, submitted, closed := bead("ma-wor"), bead("ma-sub"), bead("ma-clo")
	working.Status, submitted.Status, closed.Status = beads.Working, beads.Submitted, beads.Closed
	open := bead("ma-ope")
	open.ClosedAt, open.LastAttempt = new(epoch), 3
	put(t, s, working, submitted, closed, open)
	err := s.Update(func(tx *Tx) error {
		return errors.Join(
			tx.PutAttempt(&beads.Attempt{Bead: "ma-two", N: 1, Polecat: "a", State: beads.Running}),
			tx.PutAttempt(&beads.Attempt{Bead: "ma-two", N: 2, Polecat: "a", State: beads.Running}),
			tx.PutQueue(&refinery.Queue{Rig: "app", Entries: []refinery.Entry{{Bead: "ma-ope", N: 3}}}),
			tx.put(indexStatus, statusKey(beads.Open, "ma-wor"), []byte{}),
			tx.del(indexStatus, statusKey(beads.Open, "ma-ope")),
			tx.del(indexLive, attemptKey("ma-two", 1)),
			tx.put(indexLive, attemptKey("ma-two", 7), []byte{}),
		)
	})
	if err != nil {
		t.Fatal(err)
	}
	err = s.Verify()
	if err == nil {
		t.Fatal("nothing found")
	}
	for _, want := range []string{
		`polecat "a": live at ma-two and ma-two`, `"ma-wor": working with 0 live`, `"ma-sub": submitted, newest`,
		`"ma-clo": closed, closed_at set false`, `"ma-ope": open, closed_at set true`, `"ma-ope": last attempt 3`,
		`ma-ope/3 is queued`, `index of open: bead "ma-wor" is not`, `"ma-ope": not in the index`,
		`"ma-two/1": live, not in the index`, `index of live attempts: "ma-two" is not`, `of a bead that does not exist`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("not found: %s\nin %v", want, err)
		}
	}
}

func TestAFullDiskChangesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "town.db")
	s := openTest(t, path, Options{NoSync: true, maxSize: 2 << 20})
	put(t, s, bead("ma-one"))
	big := bead("ma-big")
	big.Description = strings.Repeat("x", 4<<20)
	err := s.Update(func(tx *Tx) error { return tx.PutBead(big) })
	if !errors.Is(err, berrors.ErrMaxSizeReached) {
		t.Fatalf("got %v", err)
	}
	put(t, s, bead("ma-two")) // small things still fit
	err = s.View(func(tx *Tx) error {
		if tx.HasBead("ma-big") || !tx.HasBead("ma-one") || !tx.HasBead("ma-two") {
			t.Error("wrong beads")
		}
		return nil
	})
	if err := errors.Join(err, s.Check(), s.Verify()); err != nil {
		t.Error(err)
	}
}

func fileBytes(t testing.TB, path string) []byte {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
