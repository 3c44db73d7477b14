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

// A checkout that an update would meet edited is looked at again this soon: the person mends it, and sees what comes of
// that. On a large one, which a look takes long at, that takes no more than a share of the time.
const (
	checkoutEvery = 3 * time.Second
	checkoutShare = 30
)

// checkoutRetry is when to look again at a checkout at which a look took so long.
func checkoutRetry(took time.Duration) time.Duration {
	return min(max(checkoutEvery, checkoutShare*took), deliveryRetry(1))
}

// deliveryState is where a rig and its origin stand to each other.
type deliveryState struct {
	Way    string    `json:"way,omitempty"`    // of delivery that all of this is about
	Commit string    `json:"commit"`           // newest commit that was brought over
	Landed int       `json:"landed,omitempty"` // how many had landed with it: refinery.Queue.Total then
	Off    bool      `json:"off,omitempty"`    // delivery was off since: what landed waits for it
	Reason string    `json:"reason,omitempty"` // why what landed since was not
	Tries  int       `json:"tries,omitempty"`
	Told   int       `json:"told,omitempty"` // how many landings a person was told wait for it
	At     time.Time `json:"at,omitzero"`

	To   string `json:"to,omitempty"`   // the origin's address that Seen is about
	Seen string `json:"seen,omitempty"` // what its branch was at when the target last had all of it

	// Move is an update of a person's checkout that was begun and not seen to end.
	Move *git.Move `json:"move,omitempty"`

	was  string        // Seen when it was read
	left int           // landings that are still to be brought over
	soon time.Duration // until the next look at a checkout that is in the way
	look time.Duration // until the next look without a reason
}

// wait is when to try again; 0: not before something happens.
func (d deliveryState) wait() time.Duration {
	switch {
	case d.left > 0 && d.soon > 0:
		return d.soon
	case d.left > 0:
		return deliveryRetry(d.Tries)
	}
	return d.look
}

// way names how and where a rig's work is delivered. What was brought over one way says nothing of
// another.
func way(rc config.Rig) string { return rc.Deliver + " " + rc.Branch + " " + rc.Origin }

// undelivered counts what has landed in a rig and is not where settings say that it goes, and says
// why the last try failed. What has just landed is on its way and not counted, with delivery off
// nothing is to go anywhere, and what a forge merged is there.
func (d deliveryState) undelivered(rc config.Rig, q refinery.Queue) (n int, why string) {
	switch {
	case !reaches(rc) || rc.Deliver == config.DeliverPR:
		return 0, ""
	case d.Way != way(rc):
		return q.Total, ""
	case d.Reason == "" && !d.Off:
		return 0, ""
	}
	return max(q.Total-d.Landed, 0), d.Reason
}

func delivery(tx *store.Tx, rig string) (d deliveryState, err error) {
	_, err = tx.GetKV(kvDelivery+rig, &d)
	d.was = d.Seen
	return d, err
}

// putDelivery stores how a delivery stands. What the Refinery took in since that was read stays seen.
func putDelivery(tx *store.Tx, rig string, d deliveryState) error {
	stored, err := delivery(tx, rig)
	if stored.Seen != d.was {
		d.Seen = stored.Seen
	}
	return errors.Join(err, tx.PutKV(kvDelivery+rig, d))
}

// standing is how a rig's delivery and its queue stand.
func (t *Town) standing(rig string) (d deliveryState, q refinery.Queue, err error) {
	err = t.store.View(func(tx *store.Tx) (err error) {
		if d, err = delivery(tx, rig); err != nil {
			return err
		}
		q, err = t.queue(tx, rig)
		return err
	})
	return d, q, err
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
	was, q, err := t.standing(rig) // before the tip: one that lands now is brought over, and counted once more
	if err != nil {
		return was, err
	}
	landed := q.Total
	tip, err := t.target(ctx, rig)
	if err != nil {
		return now, err
	}
	var leaving time.Duration
	if rc.Deliver != config.DeliverPR {
		if leaving, err = t.leaveForge(ctx, rig, rc); err != nil {
			t.deps.Log.Warn("pull requests of before", "rig", rig, "err", err) // delivery does not wait for it
		}
	}
	if !reaches(rc) {
		now = was // still true when delivery is turned on again
		now.look = leaving
		now.Off, now.Reason, now.Tries = was.Way != "", "", 0
		return t.recordDelivery(rig, rc, was, now)
	}
	if rc.Deliver == config.DeliverPR {
		return t.followForge(ctx, rig, rc, was)
	}
	if was.Way != way(rc) {
		was = deliveryState{Way: way(rc), To: was.To, Seen: was.Seen, Move: was.Move, was: was.was}
	}
	began := t.deps.Now()
	idle := was.Commit == tip && was.Landed == landed && was.Move == nil
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
	now = was
	now.At = t.deps.Now().UTC()
	if why == "" {
		now.Commit, now.Seen, now.Landed, now.Off, now.Reason, now.Tries = tip, tip, landed, false, "", 0
	} else {
		now = now.refused(why, err == nil && rc.Deliver == config.DeliverCheckout, now.At.Sub(began))
	}
	return t.recordDelivery(rig, rc, was, now)
}

// refused is how it stands after a try that took so long and met what is in the way: in a checkout, or elsewhere.
func (d deliveryState) refused(why string, checkout bool, took time.Duration) deliveryState {
	if d.Reason, d.Tries = why, d.Tries+1; checkout {
		d.Tries, d.soon = 1, checkoutRetry(took)
	}
	return d
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
			return errors.Join(err, putDelivery(tx, rig, d))
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

// recordDelivery stores what became of a delivery, and tells a person what is in its way.
func (t *Town) recordDelivery(rig string, rc config.Rig, was, now deliveryState) (deliveryState, error) {
	_, q, err := t.standing(rig)
	now.left, _ = now.undelivered(rc, q)
	if err != nil || was.Commit == now.Commit && was.Landed == now.Landed && was.Off == now.Off && was.Reason == now.Reason && now.Tries == was.Tries && now.Seen == was.Seen && now.left == was.Told {
		return now, err
	}
	err = t.update(func(tx *store.Tx) error {
		q, err := t.queue(tx, rig)
		if err != nil {
			return err
		}
		key, why := "delivery/"+rig, ""
		now.left, why = now.undelivered(rc, q)
		now.Told = now.left
		if err := putDelivery(tx, rig, now); err != nil {
			return err
		}
		text := fmt.Sprintf("%d landed, not delivered: %s", now.left, why)
		notice := &beads.Notice{Key: key, At: t.deps.Now().UTC(), Rig: rig, Text: text, Hint: "it is tried again by itself; now: gastown rig deliver " + rig}
		if q.Upstream != nil && q.Upstream.Choice == refinery.KeepOurs {
			notice.Hint = "to take in what it has now: gastown rig fetch " + rig + " --accept"
		}
		switch {
		case now.left > 0 && was.Reason != now.Reason && (was.Reason == "" || now.soon == 0): // a person at work is told once
			return errors.Join(tx.PutNotice(notice), tx.Append(beads.Event{Kind: beads.EvNotDelivered, Actor: "refinery", Rig: rig, Text: text}))
		case now.left > 0:
			return tx.PutNotice(notice)
		case now.Landed > was.Landed: // else the origin has it all from elsewhere, or nothing has landed yet
			return errors.Join(tx.DeleteNotice(key), tx.Append(beads.Event{Kind: beads.EvDeliveredTo, Actor: "refinery", Rig: rig, Text: fmt.Sprintf("delivered %s up to %.10s", rig, now.Commit)}))
		}
		return tx.DeleteNotice(key)
	})
	return now, err
}

// tookIn records that the target has what the origin had at a commit.
func (t *Town) tookIn(tx *store.Tx, rig string, r refinery.TookIn) error {
	d, err := delivery(tx, rig)
	if err != nil {
		return err
	}
	d.Seen = r.Tip
	return errors.Join(putDelivery(tx, rig, d), tx.Append(beads.Event{Kind: beads.EvOrigin, Actor: "refinery", Rig: rig, Text: r.Text}))
}
