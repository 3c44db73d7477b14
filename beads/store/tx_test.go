package store

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	berrors "go.etcd.io/bbolt/errors"

	"gastown/beads"
	"gastown/internal/fault"
	"gastown/refinery"
)

func TestEvents(t *testing.T) {
	s := newStore(t)
	err := s.Update(func(tx *Tx) error {
		for range 10 {
			if err := tx.Append(beads.Event{Kind: beads.EvTownUp}); err != nil {
				return err
			}
		}
		if n, err := tx.PruneEvents(6); n != 4 || err != nil {
			t.Errorf("pruned %d, %v", n, err)
		}
		return tx.Append(beads.Event{Kind: beads.EvTownDown, At: epoch.Add(time.Hour)})
	})
	if err != nil {
		t.Fatal(err)
	}
	seqs := func(es []beads.Event, err error) string {
		if err != nil {
			return err.Error()
		}
		var out []string
		for _, e := range es {
			out = append(out, fmt.Sprint(e.Seq))
		}
		return strings.Join(out, " ")
	}
	err = s.View(func(tx *Tx) error {
		for _, c := range []struct{ got, want string }{
			{seqs(tx.Events(0, 0)), "5 6 7 8 9 10 11"},
			{seqs(tx.Events(0, 2)), "5 6"},
			{seqs(tx.Events(9, 0)), "10 11"},
			{seqs(tx.Events(11, 0)), ""},
			{seqs(tx.EventsTail(2)), "10 11"},
			{seqs(tx.EventsTail(100)), "5 6 7 8 9 10 11"},
			{seqs(tx.EventsTail(0)), ""},
		} {
			if c.got != c.want {
				t.Errorf("got %q, want %q", c.got, c.want)
			}
		}
		tail, err := tx.EventsTail(2)
		if err == nil && (!tail[0].At.Equal(epoch) || !tail[1].At.Equal(epoch.Add(time.Hour))) {
			t.Errorf("times %v", tail)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Verify(); err != nil {
		t.Error(err)
	}
}

func TestSmallRecords(t *testing.T) {
	s := newStore(t)
	err := s.Update(func(tx *Tx) error {
		m := &beads.Message{From: "mayor", To: "toast", Text: "hello"}
		errs := []error{
			tx.PutConvoy(&beads.Convoy{Name: "auth", Beads: []beads.ID{"ma-one"}, State: beads.ConvoyPlanned}),
			tx.AddMail(m), tx.AddMail(&beads.Message{To: "mayor"}),
			tx.PutNotice(&beads.Notice{Key: "disk", Text: "full"}),
			tx.PutKV("paused", true), tx.PutKV("paused.app", 3), tx.DeleteKV("none"), tx.DeleteNotice("none"),
			tx.PutQueue(&refinery.Queue{Rig: "app", Total: 7}),
			tx.PutGrant("secret", &beads.Grant{Role: "mayor"}),
		}
		if m.ID != 1 || !m.At.Equal(epoch) {
			t.Errorf("mail %+v", m)
		}
		m.Read = true
		return errors.Join(append(errs, tx.PutMail(m))...)
	})
	if err != nil {
		t.Fatal(err)
	}
	err = s.View(func(tx *Tx) error {
		if q, err := tx.Queue("app"); err != nil || q.Total != 7 {
			t.Errorf("queue %+v, %v", q, err)
		}
		if q, err := tx.Queue("other"); err != nil || q != nil {
			t.Errorf("queue %+v, %v", q, err)
		}
		if in, err := tx.Inbox("toast"); err != nil || len(in) != 1 || !in[0].Read {
			t.Errorf("inbox %+v, %v", in, err)
		}
		var n int
		if ok, err := tx.GetKV("paused.app", &n); err != nil || !ok || n != 3 {
			t.Errorf("kv %d, %v, %v", n, ok, err)
		}
		var keys []string
		for k := range tx.Keys("paused") {
			keys = append(keys, k)
		}
		if diff := cmp.Diff([]string{"paused", "paused.app"}, keys); diff != "" {
			t.Error(diff)
		}
		if _, err := tx.Convoy("none"); !fault.Is(err, fault.NotFound) {
			t.Error(err)
		}
		if _, err := tx.Mail(9); !fault.Is(err, fault.NotFound) {
			t.Error(err)
		}
		if err := tx.PutKV("x", 1); !errors.Is(err, berrors.ErrTxNotWritable) {
			t.Errorf("a write in View: %v", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(fileBytes(t, s.Path()), []byte("secret")) {
		t.Error("the token is in the file")
	}
}

func TestIDsAndCounts(t *testing.T) {
	s := newStore(t)
	put(t, s, bead("ma-a1b"), bead("ma-a1b.1"), bead("ma-a1b.2"), bead("ma-x-a1b"), bead("mab-a1b"))
	err := s.Update(func(tx *Tx) error {
		if n := tx.CountBeads("ma"); n != 1 {
			t.Errorf("%d beads of ma", n)
		}
		if id, err := tx.NewID("ma", "ma-a1b", bead("")); err != nil || id != "ma-a1b.3" {
			t.Errorf("child %q, %v", id, err)
		}
		if id, err := tx.NewID("ma", "", bead("")); err != nil || len(id) != 6 || tx.HasBead(id) {
			t.Errorf("new %q, %v", id, err)
		}
		if n := tx.CountStatus()[beads.Open]; n != 5 {
			t.Errorf("%d open", n)
		}
		if open, err := tx.BeadsWith(beads.Open); err != nil || len(open) != 5 {
			t.Errorf("%d open, %v", len(open), err)
		}
		return tx.DeleteBead("ma-a1b.2")
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Verify(); err != nil {
		t.Error(err)
	}
	bad := bead("ma a")
	if err := s.Update(func(tx *Tx) error { return tx.PutBead(bad) }); !fault.Is(err, fault.Usage) {
		t.Error(err)
	}
}

func TestAttemptsAndDeletion(t *testing.T) {
	s := newStore(t)
	waits := on("ma-par", beads.WaitsFor)
	waits.Metadata = []byte(`{"gate":"all-children"}`)
	put(t, s, bead("ma-par"), bead("ma-kid", on("ma-par", beads.ParentChild)), bead("ma-fan", waits))
	if _, err := claim(s, "ma-fan", "toast"); !fault.Is(err, fault.Refused) || !strings.Contains(err.Error(), "blocked by ma-par") {
		t.Errorf("got %v", err)
	}
	for n := range 2 {
		if _, err := claim(s, "ma-par", "toast"); err != nil {
			t.Fatal(err)
		}
		err := s.Update(func(tx *Tx) error { _, _, err := Step(tx, "ma-par", n+1, beads.Lose, epoch, nil); return err })
		if err != nil {
			t.Fatal(err)
		}
	}
	err := s.Update(func(tx *Tx) error {
		as, err := tx.AttemptsOf("ma-par")
		if err != nil || len(as) != 2 || as[1].N != 2 || as[1].State != beads.Lost || as[1].EndedAt.IsZero() {
			t.Errorf("got %+v, %v", as, err)
		}
		fan, err := tx.Bead("ma-fan")
		if err != nil {
			return err
		}
		if by, err := tx.BlockedBy(fan); err != nil || !cmp.Equal(by, []beads.ID{"ma-par"}) {
			t.Errorf("got %v, %v", by, err)
		}
		if err := tx.DeleteBead("ma-par"); !fault.Is(err, fault.Refused) {
			t.Errorf("got %v", err)
		}
		return errors.Join(tx.DeleteBead("ma-kid"), tx.PutConvoy(&beads.Convoy{Name: "c"}), tx.DeleteConvoy("c"),
			tx.PutQueue(&refinery.Queue{Rig: "app"}), tx.DeleteQueue("app"),
			tx.PutNotice(&beads.Notice{Key: "k"}), tx.DeleteNotice("k"), tx.PutKV("k", 1), tx.DeleteKV("k"))
	})
	if err := errors.Join(err, s.Verify()); err != nil {
		t.Fatal(err)
	}
	err = s.View(func(tx *Tx) error {
		convoys, e1 := tx.Convoys()
		queues, e2 := tx.Queues()
		notices, e3 := tx.Notices()
		if len(convoys)+len(queues)+len(notices) > 0 || tx.HasBead("ma-kid") {
			t.Error("something is left")
		}
		return errors.Join(e1, e2, e3)
	})
	if err != nil {
		t.Error(err)
	}
}
