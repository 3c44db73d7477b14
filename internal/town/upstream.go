package town

import (
	"context"
	"errors"
	"fmt"

	"gastown/agents"
	"gastown/beads/store"
	"gastown/internal/api"
	"gastown/internal/config"
	"gastown/internal/fault"
	"gastown/internal/git"
	"gastown/refinery"
	"gastown/refinery/run"
)

// upstreamRef keeps what was fetched from a rig's origin until the target has it.
const upstreamRef = "refs/gt/upstream"

// look asks the rig's origin where its branch is, brings over what the town has not, and
// tells the Refinery when the target has not all of it. was.Seen is what it had when the two
// were last in step; it is moved on here.
func (t *Town) look(ctx context.Context, rig string, rc config.Rig, was *deliveryState) (seen run.Seen, err error) {
	repo, err := t.repo(ctx, rig)
	if err != nil {
		return seen, err
	}
	r := &run.Runner{Rig: rig, Repo: repo, Git: t.git}
	if seen, err = r.See(ctx, run.Delivery{Mode: run.Mode(rc.Deliver), Origin: rc.Origin, Branch: rc.Branch}); err != nil {
		return seen, err
	}
	if seen.To != was.To {
		was.To, was.Seen = seen.To, ""
	}
	target, err := t.target(ctx, rig)
	if err != nil {
		return seen, err
	}
	ev := refinery.OriginAt{
		From: fmt.Sprintf("%s of %s", rc.Branch, git.Shown(seen.To)), Follow: rc.Deliver == config.DeliverPR,
		Pull: fmt.Sprintf("git pull --no-rebase %s %s", agents.ShellQuote(repo.Dir()), rc.Branch),
	}
	if seen.Tip == "" && was.Seen != "" { // renamed or deleted: to make it again is not ours to decide
		ev.Known, ev.Rewritten = was.Seen, true
	}
	if seen.Tip != "" {
		if err := r.FetchTip(ctx, seen, rc.Branch, upstreamRef, target); err != nil {
			return seen, err
		}
		if err = t.originAt(ctx, repo, rig, target, seen, *was, &ev); err != nil {
			return seen, err
		}
		if ev.Dropped, err = t.dropped(ctx, repo, rig, seen.Tip); err != nil {
			return seen, err
		}
	}
	if ev.Tip == "" && seen.Tip != "" {
		was.Seen = seen.Tip
	}
	moved := false
	err = t.update(func(tx *store.Tx) error {
		q, err := t.queue(tx, rig)
		if err != nil {
			return err
		}
		d, err := delivery(tx, rig)
		if err != nil {
			return err
		}
		if moved = d.Seen != was.was; moved { // the Refinery took in something since
			was.To, was.Seen, was.was = d.To, d.Seen, d.Seen
			return nil
		}
		if d.To != was.To || d.Seen != was.Seen {
			d.To, d.Seen = was.To, was.Seen
			if err := putDelivery(tx, rig, d); err != nil {
				return err
			}
			was.was = d.Seen
		}
		u := q.Upstream
		if u == nil && ev.Tip == "" && !ev.Rewritten || u != nil && u.Tip == ev.Tip && (u.Known != "") == ev.Rewritten && u.Follow == ev.Follow {
			return nil
		}
		return t.feed(tx, rig, ev)
	})
	if err == nil && moved {
		return t.look(ctx, rig, rc, was)
	}
	return seen, err
}

// originAt compares the origin's tip with the target; an empty Tip: the target has it all.
func (t *Town) originAt(ctx context.Context, repo *git.Repo, rig, target string, seen run.Seen, was deliveryState, ev *refinery.OriginAt) error {
	in, err := repo.IsAncestor(ctx, seen.Tip, target)
	if err != nil {
		return err
	}
	ev.Known = was.Seen
	ev.Rewritten = was.Seen != "" && !contained(ctx, repo, was.Seen, seen.Tip)
	if in && !ev.Rewritten {
		return nil
	}
	if ev.Rewritten {
		if ev.Lost, err = t.lost(ctx, repo, rig, ev.Known, seen.Tip); err != nil {
			return err
		}
	}
	ev.Tip = seen.Tip
	ev.Commits, err = repo.CountCommits(ctx, target, seen.Tip)
	return err
}

// lost counts the landings that are in what an origin had and not in what it has, not even amended.
func (t *Town) lost(ctx context.Context, repo *git.Repo, rig, had, has string) (n int, err error) {
	gone, err := repo.Log(ctx, git.LogOptions{From: had, Not: []string{has}})
	if err != nil {
		return 0, err
	}
	instead, err := repo.Log(ctx, git.LogOptions{From: has, Not: []string{had}})
	if err != nil {
		return 0, err
	}
	dropped, amended := map[string]bool{}, map[string]bool{}
	for _, c := range gone {
		dropped[c.Hash] = true
	}
	for _, c := range instead {
		amended[c.Trailer("Attempt")] = true
	}
	err = t.store.View(func(tx *store.Tx) error {
		as, err := tx.Attempts()
		for _, a := range as {
			if a.Rig == rig && dropped[a.Merge] && !amended[a.Key()] {
				n++
			}
		}
		return err
	})
	return n, err
}

// dropped reports whether the origin has no more what the Refinery was told of last.
func (t *Town) dropped(ctx context.Context, repo *git.Repo, rig, tip string) (bool, error) {
	told := ""
	err := t.store.View(func(tx *store.Tx) error {
		q, err := t.queue(tx, rig)
		if q.Upstream != nil {
			told = q.Upstream.Tip
		}
		return err
	})
	return told != "" && !contained(ctx, repo, told, tip), err
}

// contained reports whether commit is in the history of tip; where that cannot be found out it is not,
// and what is empty is in every one.
func contained(ctx context.Context, repo *git.Repo, commit, tip string) bool {
	if commit == "" || tip == "" {
		return commit == ""
	}
	in, err := repo.Within(ctx, commit, tip)
	return err == nil && in
}

// unreached counts looks at a rig's origin that failed in a row.
func (t *Town) unreached(rig string, failed bool) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !failed {
		delete(t.failed, rig)
		return 0
	}
	t.failed[rig]++
	return t.failed[rig]
}

// rigFetch looks at a rig's origin now, whatever settings say about delivery, and takes a
// person's choice about one that was rewritten.
func (t *Town) rigFetch(ctx context.Context, who api.Caller, r api.RigFetchReq) (out api.RigFetched, err error) {
	name, rc, err := t.meant(ctx, who, r.Name)
	if err != nil {
		return out, err
	}
	if rc.Origin == "" {
		return out, fault.Refusedf("rig %q: it has no origin, its repository is the town's own", name)
	}
	leave, err := t.reach(ctx, name)
	if err != nil {
		return out, err
	}
	defer leave()
	var was deliveryState
	if err := t.store.View(func(tx *store.Tx) (err error) { was, err = delivery(tx, name); return err }); err != nil {
		return out, err
	}
	seen, err := t.look(ctx, name, rc, &was)
	if err != nil {
		return out, err
	}
	out = api.RigFetched{Rig: name, Origin: git.Shown(seen.To), Tip: seen.Tip}
	err = t.update(func(tx *store.Tx) error {
		q, err := t.queue(tx, name)
		if err != nil {
			return err
		}
		if r.Choice != "" {
			if err := t.choose(tx, who, name, q, r.Choice); err != nil {
				return err
			}
			if q, err = t.queue(tx, name); err != nil {
				return err
			}
		}
		if u := q.Upstream; u != nil {
			out.New, out.Rewritten, out.Why = u.Commits, u.Asks(), q.Undelivered()
			if u.Asks() {
				out.Hint = q.Hint
			} else {
				out.Hint = u.Hint
			}
		}
		return nil
	})
	if err == nil && t.host != nil {
		t.host.deliverNow(name)
	}
	return out, err
}

// choose takes a person's decision about a rewritten origin.
func (t *Town) choose(tx *store.Tx, who api.Caller, rig string, q refinery.Queue, choice refinery.UpstreamChoice) error {
	if choice != refinery.TakeTheirs && choice != refinery.KeepOurs {
		return fault.Usagef("rig fetch: choose %q or %q, not %q", refinery.TakeTheirs, refinery.KeepOurs, choice)
	}
	if who.Role != "person" {
		return fault.Refusedf("rig %q: what becomes of a rewritten origin is for the person to choose", rig)
	}
	if q.Upstream == nil || q.Upstream.Known == "" {
		return fault.Refusedf("rig %q: its origin was not rewritten, there is nothing to choose", rig)
	}
	if q.Upstream.Tip == "" && choice == refinery.TakeTheirs { // made again as one that never was
		d, err := delivery(tx, rig)
		d.Seen = ""
		if err = errors.Join(err, putDelivery(tx, rig, d)); err != nil {
			return err
		}
	}
	return t.feed(tx, rig, refinery.Choose{Choice: choice, By: who.Name})
}
