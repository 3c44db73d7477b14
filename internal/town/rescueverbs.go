package town

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/api"
	"gastown/internal/fault"
	"gastown/internal/git"
	"gastown/worktree"
)

// rescues lists kept work of all rigs, newest first.
func (t *Town) rescueList(ctx context.Context, _ api.Caller, _ api.Empty) ([]api.Rescue, error) {
	cfg, err := t.config()
	if err != nil {
		return nil, err
	}
	out := []api.Rescue{}
	for _, rig := range rigNames(cfg) {
		repo, err := t.repo(ctx, rig)
		if err != nil {
			return nil, err
		}
		rs, err := worktree.Rescues(ctx, repo)
		if err != nil {
			return nil, step(err, "rig %q", rig)
		}
		for _, r := range rs {
			full, err := worktree.Load(ctx, repo, r.Ref)
			if err != nil {
				return nil, err
			}
			files := full.Files
			if files == nil {
				files = []string{}
			}
			out = append(out, api.Rescue{Rig: rig, Bead: beads.ID(r.Bead), Attempt: r.N, Ref: r.Ref, Commit: r.Commit, At: r.When, Files: files})
		}
	}
	slices.SortStableFunc(out, func(a, b api.Rescue) int { return b.At.Compare(a.At) })
	return out, nil
}

// rescue finds the kept work that BEAD or BEAD/N means.
func (t *Town) rescue(what string) (rig string, a *beads.Attempt, err error) {
	id, n, err := t.ended(what)
	if err != nil {
		return "", nil, err
	}
	err = t.store.View(func(tx *store.Tx) error {
		as, err := tx.AttemptsOf(id)
		for _, c := range as {
			if c.Rescue != "" && (n == 0 || c.N == n) {
				a = c
			}
		}
		return err
	})
	if err == nil && a == nil {
		err = fault.NotFoundf("rescue %q: nothing is kept of it", what).WithHint("see: gastown rescue list")
	}
	if err != nil {
		return "", nil, err
	}
	return a.Rig, a, nil
}

func (t *Town) rescueShow(ctx context.Context, _ api.Caller, r api.RescueReq) (out api.Peeked, err error) {
	rig, a, err := t.rescue(r.What)
	if err != nil {
		return out, err
	}
	repo, err := t.repo(ctx, rig)
	if err != nil {
		return out, err
	}
	work, err := worktree.Load(ctx, repo, a.Rescue)
	if err != nil {
		return out, err
	}
	head, err := kept(ctx, repo, a, work)
	if err != nil {
		return out, err
	}
	text, cut, err := worktree.Show(ctx, repo, a.Rescue, a.Base, diffLimit)
	if err != nil {
		return out, err
	}
	if cut {
		text += "\nthe rest is left out: it is too long\n"
	}
	return api.Peeked{Text: beads.CleanText(head + "\n" + text), From: a.Rescue}, nil
}

// kept says in a few lines what a rescue holds: commits that the attempt's base has not, and paths
// that were not committed.
func kept(ctx context.Context, repo *git.Repo, a *beads.Attempt, r worktree.Rescue) (string, error) {
	const most = 20 // commits and paths that are named
	var commits []git.Commit
	var err error
	if r.Head != "" && a.Base != "" {
		if commits, err = repo.Log(ctx, git.LogOptions{From: r.Head, Not: []string{a.Base}}); err != nil {
			return "", step(err, "commits of %s", a.Key())
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s of %s, %s: %s beyond %.10s, %s not committed\n", a.Key(), a.Polecat, a.State, beads.Count(len(commits), "commit"), a.Base, beads.Count(len(r.Files), "path"))
	for _, c := range slices.Backward(commits[:min(len(commits), most)]) { // oldest first
		fmt.Fprintf(&b, "  %.10s %s\n", c.Hash, beads.Clean(c.Subject, 100))
	}
	for _, f := range r.Files[:min(len(r.Files), most)] {
		fmt.Fprintf(&b, "  not committed: %s\n", beads.Clean(f, 200))
	}
	return b.String(), nil
}

func (t *Town) rescueRestore(_ context.Context, who api.Caller, r api.RescueReq) (out api.Slung, err error) {
	if r.Polecat != "" {
		if err := polecatName(r.Polecat); err != nil {
			return out, err
		}
	}
	_, a, err := t.rescue(r.What)
	if err != nil {
		return out, err
	}
	return t.revive(who, revival{bead: a.Bead, n: a.N, polecat: r.Polecat})
}

// rescueRetention is how long kept work is safe from prune (domain: 14 days at least).
const rescueRetention = 14 * 24 * time.Hour

func (t *Town) rescuePrune(ctx context.Context, who api.Caller, r api.PruneReq) ([]api.Rescue, error) {
	if r.Age == 0 {
		r.Age = rescueRetention
	}
	if r.Age < rescueRetention {
		return nil, fault.Refusedf("rescue prune: kept work stays for 14 days, %s is less", r.Age)
	}
	all, err := t.rescueList(ctx, who, api.Empty{})
	if err != nil {
		return nil, err
	}
	out := []api.Rescue{}
	for _, k := range all {
		if t.deps.Now().Sub(k.At) < r.Age {
			continue
		}
		out = append(out, k)
		if r.DryRun {
			continue
		}
		repo, err := t.repo(ctx, k.Rig)
		if err != nil {
			return out, err
		}
		if err := worktree.Drop(ctx, repo, k.Ref, k.Commit); err != nil {
			return out, err
		}
	}
	return out, nil
}
