package town

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/config"
	"gastown/internal/git"
	"gastown/refinery"
	"gastown/refinery/run"
)

// An origin is looked at this often when there is nothing to deliver; one that cannot be
// reached, less and less often.
const (
	lookEvery = 3 * time.Minute
	lookMost  = 30 * time.Minute
)

// Delivery is tried again after these times, the last one for ever, while something is undelivered.
func deliveryRetry(tries int) time.Duration {
	return min(time.Duration(tries)*15*time.Second, 5*time.Minute)
}

// deliveryState is where a rig and its origin stand to each other.
type deliveryState struct {
	Commit  string    `json:"commit"`            // newest commit that was brought over
	Pending int       `json:"pending,omitempty"` // landings after it
	Reason  string    `json:"reason,omitempty"`  // why not
	Tries   int       `json:"tries,omitempty"`
	At      time.Time `json:"at,omitzero"`

	To   string `json:"to,omitempty"`   // the origin's address that Seen is about
	Seen string `json:"seen,omitempty"` // what its branch was at when the target last had all of it

	// Move is an update of a person's checkout that was begun and not seen to end.
	Move *git.Move `json:"move,omitempty"`

	look time.Duration // until the next look without a reason
}

// wait is when to try again; 0: not before something happens.
func (d deliveryState) wait() time.Duration {
	if d.Pending > 0 {
		return deliveryRetry(d.Tries)
	}
	return d.look
}

func delivery(tx *store.Tx, rig string) (d deliveryState, err error) {
	_, err = tx.GetKV(kvDelivery+rig, &d)
	return d, err
}

// reaches reports whether a rig's settings say that its origin is looked at unasked.
func reaches(rc config.Rig) bool {
	return rc.Origin != "" && rc.Deliver != "" && rc.Deliver != config.DeliverNone
}

// reach makes one goroutine at a time deal with a rig's origin: two updates of one checkout
// would each take the other's for a person's work.
func (t *Town) reach(ctx context.Context, rig string) (leave func(), err error) {
	t.mu.Lock()
	turn := t.reaching[rig]
	if turn == nil {
		turn = make(chan struct{}, 1)
		t.reaching[rig] = turn
	}
	t.mu.Unlock()
	select {
	case turn <- struct{}{}:
		return func() { <-turn }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// deliver brings what landed to the rig's own repository, as settings say, and records how
// that went. What the origin gained meanwhile goes to the Refinery first; with look it is
// asked for that even when there is nothing to deliver.
func (t *Town) deliver(ctx context.Context, rig string, look bool) (now deliveryState, err error) {
	_, rc, err := t.rig(rig)
	if err != nil {
		return now, err
	}
	leave, err := t.reach(ctx, rig)
	if err != nil {
		return now, err
	}
	defer leave()
	tip, err := t.target(ctx, rig)
	if err != nil {
		return now, err
	}
	var was deliveryState
	if err := t.store.View(func(tx *store.Tx) (err error) { was, err = delivery(tx, rig); return err }); err != nil {
		return was, err
	}
	if !reaches(rc) {
		now = was
		now.Pending, now.Reason, now.Tries = 0, "", 0
		return t.recordDelivery(rig, was, now)
	}
	if rc.Deliver == config.DeliverPR {
		return t.followForge(ctx, rig, rc, was)
	}
	idle := was.Commit == tip && was.Pending == 0 && was.Move == nil
	was.look = lookEvery
	if idle && !look {
		return was, nil
	}
	seen, err := t.look(ctx, rig, rc, &was)
	if ctx.Err() != nil {
		return was, ctx.Err()
	}
	if err != nil && idle {
		was.look = min(lookEvery<<min(t.unreached(rig, true), 8), lookMost)
		return was, err
	}
	t.unreached(rig, false)
	why := ""
	if err == nil {
		why, err = t.undelivered(rig)
	}
	if err == nil && why == "" && !idle {
		why, err = t.bring(ctx, rig, rc, seen, tip, &was)
	}
	if ctx.Err() != nil {
		return was, ctx.Err()
	}
	if err != nil {
		why = beads.Clean(err.Error(), 300)
	}
	return t.delivered(ctx, rig, tip, why, was)
}

// delivered records what became of a delivery of tip: why it was refused, or nothing.
func (t *Town) delivered(ctx context.Context, rig, tip, why string, was deliveryState) (deliveryState, error) {
	now := was
	now.At = t.deps.Now().UTC()
	if why == "" {
		now.Commit, now.Seen, now.Pending, now.Reason, now.Tries = tip, tip, 0, "", 0
		return t.recordDelivery(rig, was, now)
	}
	repo, err := t.repo(ctx, rig)
	if err != nil {
		return was, err
	}
	now.Reason, now.Tries = why, was.Tries+1
	if now.Pending, err = t.landings(ctx, repo, was.Commit, tip); err != nil {
		return was, err
	}
	return t.recordDelivery(rig, was, now)
}

// undelivered is why the Refinery lets nothing go to the origin now.
func (t *Town) undelivered(rig string) (why string, err error) {
	err = t.store.View(func(tx *store.Tx) error {
		q, err := t.queue(tx, rig)
		why = q.Undelivered()
		return err
	})
	return why, err
}

// bring moves the origin's branch to tip. Why it does not is looked at once more: it may
// have moved between our look and the push.
func (t *Town) bring(ctx context.Context, rig string, rc config.Rig, seen run.Seen, tip string, was *deliveryState) (why string, err error) {
	repo, err := t.repo(ctx, rig)
	if err != nil {
		return "", err
	}
	d := &run.Runner{Rig: rig, Repo: repo, Git: t.git}
	journal := func(m *git.Move) error {
		was.Move = m
		return t.update(func(tx *store.Tx) error {
			d, err := delivery(tx, rig)
			d.Move = m
			return errors.Join(err, tx.PutKV(kvDelivery+rig, d))
		})
	}
	got, err := d.Deliver(ctx, run.Delivery{
		Mode: run.Mode(rc.Deliver), Origin: rc.Origin, Branch: rc.Branch, Commit: tip, At: &seen, Left: was.Move, Journal: journal,
	})
	if err != nil || got.Refused == "" {
		return "", err
	}
	if _, err := t.look(ctx, rig, rc, was); err != nil {
		return got.Refused, nil
	}
	if why, err = t.undelivered(rig); why != "" || err != nil {
		return why, err
	}
	return got.Refused, nil
}

// landings counts the first-parent commits of the target after a commit; empty: those that
// this town landed.
func (t *Town) landings(ctx context.Context, repo *git.Repo, after, tip string) (int, error) {
	opts := git.LogOptions{From: tip, FirstParent: git.FirstParent}
	if after != "" {
		opts.Not = []string{after}
	}
	log, err := repo.Log(ctx, opts)
	n := 0
	for _, c := range log {
		if c.Trailer("Bead") != "" {
			n++
		}
	}
	return n, err
}

func (t *Town) recordDelivery(rig string, was, now deliveryState) (deliveryState, error) {
	if was.Commit == now.Commit && was.Pending == now.Pending && was.Reason == now.Reason && now.Tries == was.Tries && now.Seen == was.Seen {
		return now, nil
	}
	return now, t.update(func(tx *store.Tx) error {
		if err := tx.PutKV(kvDelivery+rig, now); err != nil {
			return err
		}
		key := "delivery/" + rig
		text := fmt.Sprintf("%d landed, not delivered: %s", now.Pending, now.Reason)
		notice := &beads.Notice{Key: key, At: t.deps.Now().UTC(), Rig: rig, Text: text, Hint: "it is tried again by itself; now: gastown rig deliver " + rig}
		if q, err := t.queue(tx, rig); err == nil && q.Upstream != nil && q.Upstream.Choice == refinery.KeepOurs {
			notice.Hint = "to take in what it has now: gastown rig fetch " + rig + " --accept"
		}
		switch {
		case now.Pending > 0 && was.Reason != now.Reason:
			return errors.Join(tx.PutNotice(notice), tx.Append(beads.Event{Kind: beads.EvNotDelivered, Actor: "refinery", Rig: rig, Text: text}))
		case now.Pending > 0:
			return tx.PutNotice(notice)
		case now.Commit != was.Commit && now.Commit != "":
			return errors.Join(tx.DeleteNotice(key), tx.Append(beads.Event{Kind: beads.EvDeliveredTo, Actor: "refinery", Rig: rig, Text: fmt.Sprintf("delivered %s up to %.10s", rig, now.Commit)}))
		}
		return tx.DeleteNotice(key)
	})
}

// tookIn records that the target has what the origin had at a commit.
func (t *Town) tookIn(tx *store.Tx, rig string, r refinery.TookIn) error {
	d, err := delivery(tx, rig)
	if err != nil {
		return err
	}
	d.Seen = r.Tip
	return errors.Join(tx.PutKV(kvDelivery+rig, d), tx.Append(beads.Event{Kind: beads.EvOrigin, Actor: "refinery", Rig: rig, Text: r.Text}))
}
