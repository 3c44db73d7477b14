package run

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"gastown/internal/git"
	"gastown/refinery"
)

// mostPicks is the number of commits that are carried over one by one; more than any
// attempt makes on purpose, and each costs a few git calls.
const mostPicks = 100

// linear puts the commits of a part on at one by one, with their authors, or, where
// they cannot be told apart (merges among them, conflicts on the way that the end
// does not have), as one commit.
func (r *Runner) linear(ctx context.Context, a refinery.Build, p refinery.BuildPart, who git.Ident, at point, tip, common string) (ev refinery.Built, err error) {
	m, err := r.Repo.MergeTree(ctx, at.commit, tip)
	if err != nil {
		return ev, fmt.Errorf("merge %s into %s: %w", tip, at.commit, err)
	}
	all, err := r.Repo.Log(ctx, git.LogOptions{From: tip, Not: []string{at.commit}, Max: mostPicks + 1})
	if err != nil {
		return ev, fmt.Errorf("commits of %s: %w", key(p.Bead, p.N), err)
	}
	left, err := r.Repo.NotIn(ctx, at.commit, tip)
	if err != nil {
		return ev, err
	}
	picked, ok, err := r.pick(ctx, a, p, who, at, all, left)
	if err != nil {
		return ev, err
	}
	some := len(left) < len(all) // the target has the others under another hash
	switch {
	case ok && (m.Clean && picked.tree == m.Tree || !m.Clean && some):
	case m.Clean:
		picked.tree = m.Tree
		if m.Tree != at.tree {
			picked.commit, err = r.Repo.CommitTree(ctx, git.NewCommit{
				Tree: m.Tree, Parents: []string{at.commit}, Message: message(a, p), Author: who.At(p.Date),
			})
			if err != nil {
				return ev, fmt.Errorf("commit the work of %s: %w", key(p.Bead, p.N), err)
			}
		}
	default:
		ev.Conflict = r.conflict(ctx, a, p, m, sides{at.commit, tip, common})
		return ev, nil
	}
	if picked.tree == at.tree {
		ev.AlreadyIn, ev.Commit = p.Bead, at.commit
		return ev, nil
	}
	ev.Commit, ev.Tree = picked.commit, picked.tree
	return ev, nil
}

// pick carries the commits named in left over to at, if each fits.
func (r *Runner) pick(ctx context.Context, a refinery.Build, p refinery.BuildPart, who git.Ident, at point, all []git.Commit, left []string) (point, bool, error) {
	if len(all) > mostPicks {
		return at, false, nil
	}
	byHash := map[string]git.Commit{}
	for _, c := range all {
		if len(c.Parents) != 1 {
			return at, false, nil
		}
		byHash[c.Hash] = c
	}
	for _, hash := range left {
		c, known := byHash[hash]
		if !known {
			return at, false, nil
		}
		tree, clean, err := r.carry(ctx, c, at.tree)
		if err != nil || !clean {
			return at, false, err
		}
		if tree == at.tree {
			continue // nothing left of it
		}
		commit, err := r.Repo.CommitTree(ctx, git.NewCommit{
			Tree: tree, Parents: []string{at.commit}, Message: carried(c.Message, a, p), Author: c.Author, Committer: who.At(p.Date),
		})
		if err != nil {
			return at, false, fmt.Errorf("commit %.9s of %s: %w", hash, key(p.Bead, p.N), err)
		}
		at = point{commit, tree}
	}
	return at, true, nil
}

// carry applies the change of a commit to a tree: a merge of both over a base made of
// the tree of the commit's parent.
func (r *Runner) carry(ctx context.Context, c git.Commit, onto string) (tree string, clean bool, err error) {
	before, err := r.Repo.TreeOf(ctx, c.Parents[0])
	if err != nil {
		return "", false, fmt.Errorf("tree before %.9s: %w", c.Hash, err)
	}
	stub := func(tree string, parents ...string) string {
		if err != nil {
			return ""
		}
		var made string
		made, err = r.Repo.CommitTree(ctx, git.NewCommit{Tree: tree, Parents: parents, Message: "gastown", Author: c.Committer})
		return made
	}
	base := stub(before)
	ours, theirs := stub(onto, base), stub(c.Tree, base)
	if err != nil {
		return "", false, fmt.Errorf("carry %.9s over: %w", c.Hash, err)
	}
	m, err := r.Repo.MergeTree(ctx, ours, theirs)
	if err != nil {
		return "", false, fmt.Errorf("carry %.9s over: %w", c.Hash, err)
	}
	return m.Tree, m.Clean, nil
}

// ours are the lines that only a landing writes.
var ours = regexp.MustCompile(`(?im)^[ \t]*(bead|attempt|polecat|gate)[ \t]*:.*\n?`)

// carried is the message of a commit as it lands: its own text, without lines that
// look like ours, and our trailers.
func carried(text string, a refinery.Build, p refinery.BuildPart) string {
	const most = 16 << 10
	text = strings.Map(func(c rune) rune {
		switch {
		case c == '\n', c == '\t':
			return c
		case unicode.In(c, unicode.Zl, unicode.Zp), c == '\r':
			return '\n'
		case unicode.IsControl(c), unicode.Is(unicode.Cf, c):
			return -1
		}
		return c
	}, strings.ToValidUTF8(text, "�"))
	text = strings.TrimSpace(ours.ReplaceAllString(text, ""))
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "")
	}
	if text == "" {
		return message(a, p)
	}
	sep := "\n\n"
	if i := strings.LastIndex(text, "\n\n"); i >= 0 && onlyTrailers(text[i+2:]) {
		sep = "\n" // into the block that is there
	}
	return text + sep + trailers(a, p)
}

// onlyTrailers reports whether git takes a message's last paragraph for trailers: with one line
// of prose in it ("Note: see the docs" below a sentence) it does not.
func onlyTrailers(paragraph string) bool {
	for line := range strings.SplitSeq(paragraph, "\n") {
		if !trailer.MatchString(line) {
			return false
		}
	}
	return true
}

var trailer = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]*: \S`)
