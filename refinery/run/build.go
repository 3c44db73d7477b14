package run

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"gastown/internal/git"
	"gastown/refinery"
)

const candidateRef = "refs/gt/candidate"

// build makes the candidate without a worktree. The same parts on the same base
// give the same commits.
func (r *Runner) build(ctx context.Context, a refinery.Build) refinery.Event {
	ctx, cancel := context.WithTimeout(ctx, gitLimit)
	defer cancel()
	ev, err := r.candidate(ctx, a)
	ev.Seq = a.Seq
	if err != nil {
		ev.Err = err.Error()
	}
	return ev
}

func (r *Runner) candidate(ctx context.Context, a refinery.Build) (ev refinery.Built, err error) {
	if a.History != "" && a.History != "merge" {
		return ev, fmt.Errorf("history %q is not available: only \"merge\" is", a.History)
	}
	if ev, err = r.base(ctx, a); err != nil {
		return ev, err
	}
	who, err := r.Ident(ctx)
	if err != nil {
		return ev, fmt.Errorf("find the identity to land with: %w", err)
	}
	at, tree := ev.Base, ev.BaseTree
	for _, p := range a.Parts {
		var next refinery.Built
		if next, err = r.part(ctx, a, p, who, at, tree); err != nil || next.Commit == "" || next.AlreadyIn != "" || next.Conflict != nil {
			next.Base, next.BaseTree = ev.Base, ev.BaseTree
			return next, err
		}
		at, tree = next.Commit, next.Tree
		ev.Parts = append(ev.Parts, refinery.Part{Bead: p.Bead, N: p.N, Commit: at})
	}
	if err := r.Repo.UpdateRef(ctx, candidateRef, at, "", "gastown: candidate"); err != nil {
		return ev, fmt.Errorf("keep candidate %s: %w", at, err)
	}
	ev.Commit, ev.Tree = at, tree
	return ev, nil
}

// base reads the target and checks that it still has what it had.
func (r *Runner) base(ctx context.Context, a refinery.Build) (refinery.Built, error) {
	var ev refinery.Built
	base, err := r.Repo.ResolveCommit(ctx, branchRef(a.Branch))
	if err != nil {
		return ev, fmt.Errorf("resolve %q: %w", branchRef(a.Branch), err)
	}
	ev.Base = base
	if a.Target != "" {
		kept, err := r.contains(ctx, a.Target, base)
		if err != nil {
			return ev, fmt.Errorf("compare %s with %s: %w", a.Target, base, err)
		}
		if !kept {
			ev.Rewritten = true
			return ev, fmt.Errorf("%s at %s does not contain %s", a.Branch, base, a.Target)
		}
	}
	if ev.BaseTree, err = r.Repo.TreeOf(ctx, base); err != nil {
		return ev, fmt.Errorf("tree of %s: %w", base, err)
	}
	return ev, nil
}

// part merges one entry onto at, whose tree is given.
func (r *Runner) part(ctx context.Context, a refinery.Build, p refinery.BuildPart, who git.Ident, at, tree string) (ev refinery.Built, err error) {
	tip, err := r.Repo.ResolveCommit(ctx, p.Tip)
	if errors.Is(err, git.ErrNotExist) {
		ev.Missing = p.Bead
		return ev, fmt.Errorf("commit %q of %s is not in the repository", p.Tip, key(p.Bead, p.N))
	}
	if err != nil {
		return ev, fmt.Errorf("resolve %q of %s: %w", p.Tip, key(p.Bead, p.N), err)
	}
	common, err := r.Repo.MergeBase(ctx, at, tip)
	if err != nil {
		return ev, fmt.Errorf("merge base of %s and %s: %w", at, tip, err)
	}
	if common == "" {
		ev.Conflict = &refinery.Conflict{Bead: p.Bead, N: p.N, Detail: fmt.Sprintf("%s has no commit in common with %s. Start again from %s.", tip, a.Branch, a.Branch)}
		return ev, nil
	}
	landed, err := r.landedAs(ctx, p, common, tip, at)
	if err != nil {
		return ev, err
	}
	if landed != "" {
		ev.AlreadyIn, ev.Commit = p.Bead, landed
		return ev, nil
	}
	m, err := r.Repo.MergeTree(ctx, at, tip)
	switch {
	case err != nil:
		return ev, fmt.Errorf("merge %s into %s: %w", tip, at, err)
	case !m.Clean:
		ev.Conflict = conflict(a, p, m, at)
		return ev, nil
	case m.Tree == tree:
		ev.AlreadyIn, ev.Commit = p.Bead, at
		return ev, nil
	}
	ev.Tree = m.Tree
	ev.Commit, err = r.Repo.CommitTree(ctx, git.NewCommit{
		Tree: m.Tree, Parents: []string{at, tip}, Message: message(a, p), Author: who.At(p.Date),
	})
	if err != nil {
		return ev, fmt.Errorf("commit the merge of %s: %w", key(p.Bead, p.N), err)
	}
	return ev, nil
}

// landedAs finds the attempt in the target: by ancestry, then by its trailer on the
// target's own line, which only landings write.
func (r *Runner) landedAs(ctx context.Context, p refinery.BuildPart, common, tip, at string) (string, error) {
	if common == at {
		return "", nil // nothing landed since it was cut
	}
	const most = 2000 // landings since then
	log, err := r.Repo.Log(ctx, git.LogOptions{From: at, Not: []string{common}, FirstParent: git.FirstParent, Max: most})
	if err != nil {
		return "", fmt.Errorf("look for %s in the target: %w", key(p.Bead, p.N), err)
	}
	for _, c := range log {
		if c.Trailer("Attempt") == key(p.Bead, p.N) {
			return c.Hash, nil
		}
	}
	if common == tip {
		return tip, nil
	}
	return "", nil
}

func conflict(a refinery.Build, p refinery.BuildPart, m git.Merge, at string) *refinery.Conflict {
	c := &refinery.Conflict{Bead: p.Bead, N: p.N}
	var text strings.Builder
	fmt.Fprintf(&text, "Merging this work into %s (now at %s) conflicts in:\n", a.Branch, at)
	for _, f := range m.Conflicts {
		c.Files = append(c.Files, f.Path)
		fmt.Fprintf(&text, "  %s:", clean(f.Path))
		for _, s := range f.Stages {
			fmt.Fprintf(&text, " %s %.9s", [...]string{"?", "base", a.Branch, "yours"}[min(max(s.Stage, 0), 3)], s.Hash)
		}
		text.WriteByte('\n')
	}
	c.Detail = text.String()
	return c
}

// message is the landing commit's. Nothing in it can start a line of its own.
func message(a refinery.Build, p refinery.BuildPart) string {
	title := clean(p.Title)
	if title == "" {
		title = "Land " + clean(string(p.Bead))
	}
	gates := "none"
	if len(a.Gates) > 0 {
		gates = clean(strings.Join(a.Gates, ", "))
	}
	return fmt.Sprintf("%s\n\nBead: %s\nAttempt: %s\nPolecat: %s\nGate: %s\n",
		title, clean(string(p.Bead)), clean(key(p.Bead, p.N)), clean(p.Polecat), gates)
}

// clean makes one line of a text from outside: no control, format (bidi) or line
// separator characters, at most as long as a subject line may sensibly be.
func clean(s string) string {
	const most = 200
	s = strings.Map(func(c rune) rune {
		switch {
		case unicode.IsSpace(c), unicode.In(c, unicode.Zl, unicode.Zp):
			return ' '
		case unicode.IsControl(c), unicode.Is(unicode.Cf, c), c == unicode.ReplacementChar:
			return -1
		}
		return c
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if rs := []rune(s); len(rs) > most {
		s = string(rs[:most]) + "…"
	}
	return s
}
