package town

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/api"
	"gastown/internal/fault"
	"gastown/internal/git"
	"gastown/refinery"
	"gastown/refinery/run"
)

// reverts is the type of the dependency of a revert on the bead it takes out. It blocks nothing.
const reverts beads.DepType = "reverts"

// queueRevert takes a landed bead out of the target again: a revert is a bead of its own, submitted
// at once, urgent, and gated like any other. The bead that it takes out is open again when the
// revert lands; a revert that is red goes to an agent with its log, as all work does.
func (t *Town) queueRevert(ctx context.Context, who api.Caller, r api.BeadReq) (out api.QueueEntry, err error) {
	b, a, err := t.landedBead(r.Bead)
	if err != nil {
		return out, err
	}
	_, rc, err := t.rig(b.Rig)
	if err != nil {
		return out, err
	}
	repo, err := t.repo(ctx, b.Rig)
	if err != nil {
		return out, err
	}
	now := t.deps.Now()
	maker := &run.Runner{
		Rig: b.Rig, Repo: repo, Git: t.git,
		Ident: func(ctx context.Context) (git.Ident, error) { return t.ident(ctx, rc.Origin) },
	}
	target, err := t.target(ctx, b.Rig)
	if err != nil {
		return out, err
	}
	with, err := t.mergedWith(b)
	if err != nil {
		return out, err
	}
	tip, err := maker.Revert(ctx, run.Revert{
		Branch: rc.Branch, On: target, Landed: b.MergeCommit, Attempt: a.Key(), Tip: a.Tip, Base: a.Base, With: with, Title: b.Title, At: now,
	})
	if err != nil {
		return out, err
	}
	base, err := repo.ResolveCommit(ctx, tip+"^")
	if err != nil {
		return out, err
	}
	made, err := t.madeCommit(ctx, repo, b.Rig, base, base, tip)
	if err != nil {
		return out, err
	}
	made.wished = who.Role == "person"
	err = t.update(func(tx *store.Tx) error {
		if _, err := revertable(tx, b.ID); err != nil {
			return err // somebody else asked for it meanwhile
		}
		rb, err := t.revertBead(tx, b, who, rc.Prefix, now)
		if err != nil {
			return err
		}
		out, err = t.submitMade(tx, who, rb, made, "revert", fmt.Sprintf("%s asked to take %s out of %s again: %s", who.Name, b.ID, rc.Branch, rb.ID))
		return err
	})
	return out, err
}

// made is a commit that no polecat's attempt is about, ready to be submitted.
type made struct {
	base, tip, subject string
	commits            int
	stat               git.Stat
	ask                string // why its change needs a person's yes
	wished             bool   // a person asked for just this change, which is their yes
}

// madeCommit freezes a commit and says what is in it. The objects come first and then the ref,
// so that the store never names a commit that nothing keeps.
func (t *Town) madeCommit(ctx context.Context, repo *git.Repo, rig, target, base, tip string) (m made, err error) {
	m = made{base: base, tip: tip}
	if err = repo.Harden(ctx, tip, base); err != nil {
		return m, err
	}
	if err = repo.UpdateRef(ctx, madeRef(tip), tip, "", "gastown: submitted"); err != nil {
		return m, step(err, "freeze %.9s", tip)
	}
	if m.stat, err = repo.DiffStat(ctx, base, tip); err != nil {
		return m, err
	}
	log, err := repo.Log(ctx, git.LogOptions{From: tip, Not: []string{target}, Max: 1000})
	if err != nil {
		return m, err
	}
	if m.commits = len(log); m.commits > 0 {
		m.subject, _, _ = strings.Cut(log[0].Message, "\n")
	}
	m.ask, err = t.gateLike(ctx, repo, rig, tip)
	return m, err
}

// submitMade submits a commit as the one attempt of a new bead, in the caller's name.
func (t *Town) submitMade(tx *store.Tx, who api.Caller, b *beads.Bead, m made, how, text string) (out api.QueueEntry, err error) {
	now := t.deps.Now()
	if _, err := store.Claim(tx, store.ClaimReq{Bead: b.ID, Polecat: who.Name, Preset: how, By: who.Name, Now: now}); err != nil {
		return out, err
	}
	b, a, err := store.Step(tx, b.ID, 1, beads.Submit, now, func(_ *beads.Bead, a *beads.Attempt) {
		a.Base, a.Tip, a.Commits, a.Files, a.Added, a.Removed = m.base, m.tip, m.commits, m.stat.Files, m.stat.Added, m.stat.Removed
	})
	if err != nil {
		return out, err
	}
	e, err := queueEntry(tx, b, a)
	if err != nil {
		return out, err
	}
	e.Plain, e.Wished = m.ask == "", m.wished
	if !e.Wished {
		e.AskWhy = t.asks(b, m.ask)
		e.AskFirst = e.AskWhy != ""
	}
	if err := tx.Append(beads.Event{Kind: beads.EvSubmitted, Actor: who.Name, Rig: b.Rig, Bead: b.ID, Attempt: 1, Text: text}); err != nil {
		return out, err
	}
	if err := t.feed(tx, b.Rig, refinery.Submit{Entry: e}); err != nil {
		return out, err
	}
	return t.entry(tx, b.ID)
}

// landedBead is a bead that landed, with the attempt that did.
func (t *Town) landedBead(id beads.ID) (b *beads.Bead, a *beads.Attempt, err error) {
	err = t.store.View(func(tx *store.Tx) error {
		if b, err = findBead(tx, id); err != nil {
			return err
		}
		if b, err = revertable(tx, b.ID); err != nil {
			return err
		}
		if a, err = landedAttempt(tx, b); err == nil && a == nil {
			err = fault.Refusedf("revert %s: no attempt of it is %.10s", b.ID, b.MergeCommit)
		}
		return err
	})
	return b, a, err
}

// landedAttempt is the attempt at a bead that is in the target; not always the newest: a forge merges
// what it was shown. It is nil where none is.
func landedAttempt(tx *store.Tx, b *beads.Bead) (*beads.Attempt, error) {
	as, err := tx.AttemptsOf(b.ID)
	for _, a := range slices.Backward(as) {
		if a.Merge == b.MergeCommit {
			return a, err
		}
	}
	return nil, err
}

// mergedWith is another bead that came in as the same commit, or "": a forge can make one commit of
// a convoy.
func (t *Town) mergedWith(b *beads.Bead) (with string, err error) {
	err = t.store.View(func(tx *store.Tx) error {
		all, err := tx.Beads()
		for _, o := range all {
			if o.ID != b.ID && o.Rig == b.Rig && o.MergeCommit == b.MergeCommit {
				with = string(o.ID)
			}
		}
		return err
	})
	return with, err
}

// revertable is a bead that landed and that nothing takes out yet.
func revertable(tx *store.Tx, id beads.ID) (*beads.Bead, error) {
	b, err := tx.Bead(id)
	if err != nil {
		return nil, err
	}
	if b.Status != beads.Closed || b.MergeCommit == "" {
		return nil, fault.Refusedf("revert %s: it has not landed, it is %s", b.ID, b.Status)
	}
	if by, err := reverting(tx, b.ID); err != nil {
		return nil, err
	} else if by != "" {
		return nil, fault.Refusedf("revert %s: %s does it already", b.ID, by).WithHint("gastown why %s", by)
	}
	return b, nil
}

// reverting is the bead that is to take another out and has not landed yet; empty: none.
func reverting(tx *store.Tx, id beads.ID) (beads.ID, error) {
	all, err := tx.Beads()
	for _, o := range all {
		if o.Status != beads.Closed && revertOf(o) == id {
			return o.ID, err
		}
	}
	return "", err
}

// revertOf is the bead that b takes out, or "".
func revertOf(b *beads.Bead) beads.ID {
	for _, d := range b.Dependencies {
		if d.Type == reverts {
			return d.DependsOn
		}
	}
	return ""
}

func (t *Town) revertBead(tx *store.Tx, b *beads.Bead, who api.Caller, prefix string, now time.Time) (*beads.Bead, error) {
	req := api.BeadCreateReq{
		Title: "Revert: " + beads.Clean(b.Title, 400), Type: "bug", Priority: new(0),
		Description: fmt.Sprintf("Takes %s (%s) out again, which landed as %s.", b.ID, b.Title, b.MergeCommit),
	}
	rb, err := t.newBead(req, b.Rig, who.Name)
	if err != nil {
		return nil, err
	}
	rb.Dependencies = append(rb.Dependencies, beads.Dependency{DependsOn: b.ID, Type: reverts, CreatedAt: now.UTC(), CreatedBy: who.Name})
	return rb, t.insert(tx, rb, prefix, "", nil, who)
}

// revertLanded brings to the store what the landing of rb did, if that is a revert: the bead that it took out is
// open again. Where that is a revert itself, it is what it had taken out that came back, and so on down.
func (t *Town) revertLanded(tx *store.Tx, rb *beads.Bead, now time.Time) error {
	id, out := revertOf(rb), true
	if id == "" {
		return nil
	}
	b, err := tx.Bead(id)
	for seen := 0; err == nil && revertOf(b) != "" && seen < mostReverts; seen++ {
		out = !out
		b, err = tx.Bead(revertOf(b))
	}
	switch {
	case err != nil:
		return err
	case out:
		return t.takenOut(tx, b, rb, now)
	}
	return t.broughtBack(tx, b, rb, now)
}

// mostReverts bounds the reverts of reverts that are followed: a dependency may be typed by hand, in a circle.
const mostReverts = 100

// takenOut opens a bead again that rb took out of the target. Nothing starts by itself on it.
func (t *Town) takenOut(tx *store.Tx, b, rb *beads.Bead, now time.Time) error {
	if b.Status != beads.Closed {
		return nil
	}
	a, err := landedAttempt(tx, b)
	if err == nil && a == nil { // closed by hand meanwhile
		a, err = tx.Attempt(b.ID, b.LastAttempt)
	}
	if err != nil {
		return err
	}
	out := a.Clone()
	out.Why = "taken out again by " + string(rb.ID)
	was := b.MergeCommit
	if b, err = b.Apply(beads.Reopen, now); err != nil {
		return refuse(err)
	}
	b.Stopped = true
	b.Next = &beads.Start{Note: fmt.Sprintf("This bead landed as %s and was taken out again by %s (%s). Its work is not in the target any more; git log %s shows it, and git cherry-pick brings back what is good of it.", was, rb.ID, rb.MergeCommit, a.Tip)}
	return errors.Join(tx.PutBead(b), tx.PutAttempt(out), tx.Append(beads.Event{
		Kind: beads.EvBeadReopened, Actor: "refinery", Rig: b.Rig, Bead: b.ID, Text: fmt.Sprintf("opened %s again: %s took it out", b.ID, rb.ID),
	}))
}

// broughtBack closes a bead as merged, as it was before it was taken out: rb has put its work into the target again.
// One that is at work again, or submitted, goes on.
func (t *Town) broughtBack(tx *store.Tx, b, rb *beads.Bead, now time.Time) error {
	if b.Status == beads.Working || b.Status == beads.Submitted || b.MergeCommit != "" {
		return nil
	}
	as, err := tx.AttemptsOf(b.ID)
	if err != nil {
		return err
	}
	i := len(as) - 1
	for i >= 0 && (as[i].State != beads.Landed || as[i].Merge == "") {
		i--
	}
	if i < 0 {
		return nil
	}
	back := as[i].Clone()
	back.Why = ""
	if b, err = b.Apply(beads.Overtake, now); err != nil {
		return refuse(err)
	}
	b.Stopped = false
	b.MergeCommit, b.CloseReason = back.Merge, beads.CloseMerged+back.Merge
	return errors.Join(tx.PutBead(b), tx.PutAttempt(back), tx.Append(beads.Event{
		Kind: beads.EvBeadClosed, Actor: "refinery", Rig: b.Rig, Bead: b.ID, Attempt: back.N, Text: fmt.Sprintf("%s is in again: %s brought it back", b.ID, rb.ID),
	}))
}
