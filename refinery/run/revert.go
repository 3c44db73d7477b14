package run

import (
	"context"
	"fmt"
	"strings"
	"time"

	"gastown/internal/fault"
	"gastown/internal/git"
)

// Revert is the wish to take a landed attempt out of the target again.
type Revert struct {
	Branch  string // its name, for messages
	On      string // tip of the target
	Landed  string // its last commit on the target's line
	Attempt string // key of the attempt
	Tip     string // what was submitted, on
	Base    string // the target of then
	With    string // another bead that came in as Landed, if one did
	Title   string
	At      time.Time
}

// Revert makes a commit on the tip of the target that takes a landing back, whatever
// landed since. It moves nothing: the commit is to go through the queue like any
// other. Where later work is in the way, that is a refusal which names the files.
func (r *Runner) Revert(ctx context.Context, v Revert) (commit string, err error) {
	tip, err := r.Repo.ResolveCommit(ctx, v.On)
	if err != nil {
		return "", fmt.Errorf("resolve %q, the tip of %s: %w", v.On, v.Branch, err)
	}
	if in, err := r.Repo.Within(ctx, v.Landed, tip); err != nil {
		return "", fmt.Errorf("look for %s in %s: %w", v.Landed, v.Branch, err)
	} else if !in {
		return "", fault.Refusedf("revert %s: %.10s is not in %s", v.Attempt, v.Landed, v.Branch)
	}
	line, err := r.Repo.Log(ctx, git.LogOptions{From: v.Landed, FirstParent: git.FirstParent, Max: mostPicks + 1})
	if err != nil {
		return "", fmt.Errorf("line of %s: %w", v.Landed, err)
	}
	before := ""
	for _, c := range line {
		if c.Trailer("Attempt") != v.Attempt || len(c.Parents) == 0 {
			break
		}
		before = c.Parents[0]
		if len(c.Parents) > 1 {
			break // a merge is all of its landing, whatever the commits below it say
		}
	}
	if before == "" && v.With != "" {
		return "", fault.Refusedf("revert %s: it was merged together with %s, as one commit %.10s", v.Attempt, clean(v.With), v.Landed).WithHint("make a bead that takes it out by hand")
	}
	if before == "" {
		if before, err = r.mergedOn(ctx, v, line); err != nil {
			return "", fmt.Errorf("look how %s was merged: %w", v.Attempt, err)
		}
	}
	if before == "" {
		return "", fault.Refusedf("revert %s: %.10s is no landing of it alone", v.Attempt, v.Landed).WithHint("revert it by hand, as a bead of its own")
	}
	m, err := r.mergeFrom(ctx, v.Landed, tip, before)
	if err != nil {
		return "", fmt.Errorf("revert %s: %w", v.Landed, err)
	}
	at, err := r.Repo.TreeOf(ctx, tip)
	if err != nil {
		return "", fmt.Errorf("tree of %s: %w", tip, err)
	}
	if !m.Clean {
		var files []string
		for _, f := range m.Conflicts {
			files = append(files, clean(f.Path))
		}
		return "", fault.Refusedf("revert %s: later work builds on it in %s", v.Attempt, names(files)).WithHint("make a bead that takes it out by hand")
	}
	if m.Tree == at {
		return "", fault.Refusedf("revert %s: nothing of it is left in %s", v.Attempt, v.Branch)
	}
	who, err := r.Ident(ctx)
	if err != nil {
		return "", fmt.Errorf("find the identity to revert with: %w", err)
	}
	commit, err = r.Repo.CommitTree(ctx, git.NewCommit{
		Tree: m.Tree, Parents: []string{tip}, Author: who.At(v.At),
		Message: fmt.Sprintf("Revert %q\n\nThis takes %s out again, which landed as %s.\n", clean(v.Title), clean(v.Attempt), v.Landed),
	})
	if err != nil {
		return "", fmt.Errorf("commit the revert of %s: %w", v.Attempt, err)
	}
	return commit, nil
}

// mergedOn is the commit that a forge put an attempt's work on: by a merge, as one commit, or
// as copies of its commits, which keep author, date and message. line is the target's from
// there. It is empty where others' commits came with it.
func (r *Runner) mergedOn(ctx context.Context, v Revert, line []git.Commit) (string, error) {
	if v.Tip == "" || len(line) == 0 || len(line[0].Parents) == 0 {
		return "", nil
	}
	if v.Landed == v.Tip { // pushed there as it is
		return r.ownBase(ctx, v)
	}
	if len(line[0].Parents) > 1 {
		return line[0].Parents[0], nil
	}
	if in, err := r.Repo.Within(ctx, v.Tip, v.Landed); err != nil || in {
		return "", err // with others' commits on top
	}
	own, err := r.Repo.Log(ctx, git.LogOptions{From: v.Tip, Not: []string{v.Landed}, Max: mostPicks + 1})
	if err != nil {
		return "", err
	}
	left, all := map[string]int{}, 0
	for _, c := range own {
		if len(c.Parents) == 1 {
			left[copied(c)]++
			all++
		}
	}
	before, copies := line[0].Parents[0], 0
	for _, c := range line {
		if len(c.Parents) != 1 || left[copied(c)] == 0 {
			break
		}
		left[copied(c)]--
		copies++
		before = c.Parents[0]
	}
	if copies > 0 {
		if copies < all {
			return "", nil
		}
		return before, nil
	}
	// One commit for all of it; but not where its work was there before.
	m, err := r.Repo.MergeTree(ctx, before, v.Tip)
	if err != nil {
		return "", err
	}
	if tree, err := r.Repo.TreeOf(ctx, before); err != nil || m.Clean && m.Tree == tree {
		return "", err
	}
	return before, nil
}

// ownBase is what an attempt's commits are on; empty where a merge among them brought others' work in.
func (r *Runner) ownBase(ctx context.Context, v Revert) (string, error) {
	if v.Base == "" {
		return "", nil
	}
	own, err := r.Repo.Log(ctx, git.LogOptions{From: v.Tip, Not: []string{v.Base}})
	for _, c := range own {
		if len(c.Parents) != 1 {
			return "", err
		}
	}
	return v.Base, err
}

// copied is what a copy of a commit has in common with it.
func copied(c git.Commit) string {
	return fmt.Sprintf("%q %q %d %q", c.Author.Name, c.Author.Email, c.Author.When.Unix(), strings.TrimSpace(c.Message))
}

// mergeFrom applies the way from base to theirs on the tree of ours, whatever the histories of the three have in
// common: it merges stand-ins with a history of their own.
func (r *Runner) mergeFrom(ctx context.Context, base, ours, theirs string) (m git.Merge, err error) {
	stub := git.Ident{Name: "gastown", Email: "gastown@localhost", When: time.Unix(0, 0)}
	var made []string
	for _, c := range []string{base, ours, theirs} {
		tree, err := r.Repo.TreeOf(ctx, c)
		if err != nil {
			return m, fmt.Errorf("tree of %s: %w", c, err)
		}
		stand, err := r.Repo.CommitTree(ctx, git.NewCommit{Tree: tree, Parents: made[:min(1, len(made))], Message: "gastown", Author: stub})
		if err != nil {
			return m, fmt.Errorf("stand in for %s: %w", c, err)
		}
		made = append(made, stand)
	}
	return r.Repo.MergeTree(ctx, made[1], made[2])
}

// names are the first few of many.
func names(list []string) string {
	const shown = 3
	text := ""
	for i, s := range list[:min(len(list), shown)] {
		if i > 0 {
			text += ", "
		}
		text += s
	}
	if more := len(list) - shown; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
