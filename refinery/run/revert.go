package run

import (
	"context"
	"fmt"
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
	if in, err := r.contains(ctx, v.Landed, tip); err != nil {
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
	if before == "" {
		return "", fault.Refusedf("revert %s: %.10s is no landing of it alone", v.Attempt, v.Landed).WithHint("revert it by hand, as a bead of its own")
	}
	m, at, err := r.unmerge(ctx, tip, v.Landed, before)
	if err != nil {
		return "", err
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

// unmerge applies the way from landed back to before on the tree of tip, which is
// given too.
func (r *Runner) unmerge(ctx context.Context, tip, landed, before string) (m git.Merge, at string, err error) {
	trees := [3]string{}
	for i, c := range []string{landed, tip, before} {
		if trees[i], err = r.Repo.TreeOf(ctx, c); err != nil {
			return m, "", fmt.Errorf("tree of %s: %w", c, err)
		}
	}
	stub := git.Ident{Name: "gastown", Email: "gastown@localhost", When: time.Unix(0, 0)}
	var made [3]string
	for i, tree := range trees {
		var parents []string
		if i > 0 {
			parents = made[:1]
		}
		if made[i], err = r.Repo.CommitTree(ctx, git.NewCommit{Tree: tree, Parents: parents, Message: "gastown", Author: stub}); err != nil {
			return m, "", fmt.Errorf("prepare the revert of %s: %w", landed, err)
		}
	}
	if m, err = r.Repo.MergeTree(ctx, made[1], made[2]); err != nil {
		return m, "", fmt.Errorf("revert %s: %w", landed, err)
	}
	return m, trees[1], nil
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
