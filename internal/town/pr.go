package town

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/config"
	"gastown/internal/fault"
	"gastown/internal/git"
	"gastown/refinery"
	"gastown/refinery/run"
)

// Pull requests: one for each bead, also of a convoy with a branch of its own.

// pollEvery is how often the forge is asked about pull requests that are open.
const pollEvery = 30 * time.Second

// pullRequest is what is kept of a bead's pull request. It is stored before the first call
// of gh, which therefore may be done again: an open one of the branch is found.
type pullRequest struct {
	N      int      `json:"attempt"`
	Head   string   `json:"head"` // its branch
	Number int      `json:"number,omitempty"`
	URL    string   `json:"url,omitempty"`
	Told   []string `json:"told,omitempty"` // remarks that an agent was told
}

func pullRequestOf(tx *store.Tx, id beads.ID) (p pullRequest, err error) {
	_, err = tx.GetKV(kvPR+string(id), &p)
	return p, err
}

// forge opens the pull requests of green beads and asks how those that are open stand. One
// that cannot be reached is told and tried again; the queue is not to blame.
func (t *Town) forge(ctx context.Context, rig string, rc config.Rig, seen run.Seen) (waiting bool, err error) {
	if rc.Deliver != config.DeliverPR {
		return false, nil
	}
	repo, err := t.repo(ctx, rig)
	if err != nil {
		return false, err
	}
	var entries []refinery.Entry
	err = t.store.View(func(tx *store.Tx) error {
		q, err := t.queue(tx, rig)
		for _, e := range q.Entries {
			if e.State == refinery.EntryPR {
				entries = append(entries, e)
			}
		}
		return err
	})
	f := run.Forge{Env: t.deps.Env, Dir: t.Dir, Repo: seen.To}
	if err := errors.Join(err, t.closePRs(ctx, f, rig)); err != nil {
		return true, err // first, as a bead that comes back would find its old one open
	}
	r := &run.Runner{Rig: rig, Repo: repo, Git: t.git}
	for _, e := range entries {
		err = errors.Join(err, step(t.forgeOne(ctx, r, f, rig, rc, e, seen.To), "pull request of %s", e.Bead))
	}
	return len(entries) > 0, err
}

// dropPR notes that a bead's pull request is to be closed: it is wanted no more, and somebody
// could merge it.
func dropPR(tx *store.Tx, rig string, id beads.ID) error {
	p, err := pullRequestOf(tx, id)
	if err != nil || p.Number == 0 {
		return err
	}
	var ns []int
	if _, err := tx.GetKV(kvPRDrop+rig, &ns); err != nil {
		return err
	}
	n, url := p.Number, p.URL
	p.Number, p.URL = 0, ""
	return errors.Join(tx.PutKV(kvPRDrop+rig, append(ns, n)), tx.PutKV(kvPR+string(id), p),
		tx.Append(beads.Event{Kind: beads.EvOrigin, Actor: "refinery", Rig: rig, Bead: id, Text: fmt.Sprintf("%s is taken back, and closed over there", url)}))
}

// closePRs closes what dropPR noted.
func (t *Town) closePRs(ctx context.Context, f run.Forge, rig string) error {
	var ns []int
	if err := t.store.View(func(tx *store.Tx) error { _, err := tx.GetKV(kvPRDrop+rig, &ns); return err }); err != nil {
		return err
	}
	for _, n := range ns {
		pr, err := f.View(ctx, n)
		if err == nil && pr.State == "OPEN" {
			err = f.Close(ctx, n)
		}
		if err != nil {
			return step(err, "close pull request %d", n)
		}
		err = t.update(func(tx *store.Tx) error {
			var left []int
			if _, err := tx.GetKV(kvPRDrop+rig, &left); err != nil {
				return err
			}
			return tx.PutKV(kvPRDrop+rig, slices.DeleteFunc(left, func(x int) bool { return x == n }))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *Town) forgeOne(ctx context.Context, r *run.Runner, f run.Forge, rig string, rc config.Rig, e refinery.Entry, to string) error {
	var p pullRequest
	if err := t.store.View(func(tx *store.Tx) (err error) { p, err = pullRequestOf(tx, e.Bead); return err }); err != nil {
		return err
	}
	if p.N != e.N || p.Number == 0 {
		return t.openPR(ctx, r, f, rig, rc, e, p, to)
	}
	pr, err := f.View(ctx, p.Number)
	if err != nil {
		return err
	}
	why, text, told := pr.Returned(e.Tip, p.Told)
	switch {
	case pr.State == "MERGED" && pr.MergeCommit != nil:
		target, err := t.target(ctx, rig)
		if err != nil || !contained(ctx, r.Repo, pr.MergeCommit.Oid, target) {
			return err // the target is on its way there
		}
		return t.update(func(tx *store.Tx) error {
			return t.feed(tx, rig, refinery.ForgeMerged{Bead: e.Bead, N: e.N, Commit: pr.MergeCommit.Oid})
		})
	case why == "":
		return nil
	}
	p.Told = told
	if pr.State == "CLOSED" {
		p.Number = 0
	}
	return t.update(func(tx *store.Tx) error {
		return errors.Join(tx.PutKV(kvPR+string(e.Bead), p), t.feed(tx, rig, refinery.ForgeReturned{Bead: e.Bead, N: e.N, Why: why, Log: text}))
	})
}

// openPR pushes an entry's tip to its own branch and makes the pull request, or finds the
// one that is open for it.
func (t *Town) openPR(ctx context.Context, r *run.Runner, f run.Forge, rig string, rc config.Rig, e refinery.Entry, p pullRequest, to string) error {
	if p.Head == "" {
		p.Head = "gt/" + beads.RefSafe(e.Bead)
	}
	p.N, p.Number = e.N, 0
	if err := t.update(func(tx *store.Tx) error { return tx.PutKV(kvPR+string(e.Bead), p) }); err != nil {
		return err
	}
	err := r.Propose(ctx, to, p.Head, e.Tip)
	if own := fmt.Sprintf("gt/%s-%d", beads.RefSafe(e.Bead), e.N); (fault.Is(err, fault.Refused) || errors.Is(err, git.ErrRejected)) && p.Head != own {
		// What is there is not where this began: nothing is forced, it gets a branch of its own.
		p.Head = own
		if err := t.update(func(tx *store.Tx) error { return tx.PutKV(kvPR+string(e.Bead), p) }); err != nil {
			return err
		}
		err = r.Propose(ctx, to, p.Head, e.Tip)
	}
	if err != nil {
		return err
	}
	body := ""
	err = t.store.View(func(tx *store.Tx) error {
		b, err := tx.Bead(e.Bead)
		if err == nil {
			body = beads.CleanText(b.Description)
		}
		return err
	})
	if err != nil {
		return err
	}
	pr, err := f.Open(ctx, p.Head, rc.Branch, beads.Clean(e.Title, 200), fmt.Sprintf("%s\n\nBead: %s\n", body, e.Bead))
	if err != nil {
		return err
	}
	p.Number, p.URL = pr.Number, beads.Clean(pr.URL, 300)
	return t.update(func(tx *store.Tx) error {
		return errors.Join(tx.PutKV(kvPR+string(e.Bead), p), t.feed(tx, rig, refinery.Proposed{Bead: e.Bead, N: e.N, URL: p.URL}),
			tx.Append(beads.Event{Kind: beads.EvOrigin, Actor: "refinery", Rig: rig, Bead: e.Bead, Attempt: e.N, Text: fmt.Sprintf("%s is proposed: %s", e.Bead, p.URL)}))
	})
}

// followForge is deliver for a rig whose forge moves the target: the target follows it, and
// pull requests are looked after.
func (t *Town) followForge(ctx context.Context, rig string, rc config.Rig, was deliveryState) (deliveryState, error) {
	was.look = lookEvery
	seen, err := t.look(ctx, rig, rc, &was)
	waiting := false
	if err == nil {
		waiting, err = t.forge(ctx, rig, rc, seen)
	}
	if ctx.Err() != nil {
		return was, ctx.Err()
	}
	key := "pr/" + rig
	if err != nil {
		was.look = min(pollEvery<<min(t.unreached(rig, true), 6), lookMost)
		text, hint := beads.Clean(err.Error(), 300), "it is tried again by itself; now: gastown rig deliver "+rig
		if h := fault.From(err).Hint; h != "" {
			hint = h
		}
		return was, t.update(func(tx *store.Tx) error {
			return tx.PutNotice(&beads.Notice{Key: key, At: t.deps.Now().UTC(), Rig: rig, Text: text, Hint: hint})
		})
	}
	t.unreached(rig, false)
	if waiting {
		was.look = pollEvery
	}
	return was, t.update(func(tx *store.Tx) error {
		ns, err := tx.Notices()
		if err != nil || !slices.ContainsFunc(ns, func(n *beads.Notice) bool { return n.Key == key }) {
			return err
		}
		return tx.DeleteNotice(key)
	})
}

// prURL is the address of a bead's pull request, or "".
func prURL(tx *store.Tx, id beads.ID) (string, error) {
	p, err := pullRequestOf(tx, id)
	return p.URL, err
}
