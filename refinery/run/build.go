package run

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"gastown/beads"
	"gastown/internal/git"
	"gastown/refinery"
)

const (
	candidateRef = "refs/gt/candidate"

	historyMerge  = "merge"
	historyLinear = "linear"
)

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
	switch a.History {
	case "", historyMerge, historyLinear:
	default:
		return ev, fmt.Errorf("history %q is not available: %q and %q are", a.History, historyMerge, historyLinear)
	}
	if ev, err = r.base(ctx, a); err != nil {
		return ev, err
	}
	if a.Upstream != nil {
		up, err := r.upstream(ctx, a, point{ev.Base, ev.BaseTree})
		up.Base, up.BaseTree = ev.Base, ev.BaseTree
		if err == nil && up.Commit != "" {
			if err = r.Repo.Harden(ctx, up.Commit, ev.Base, a.Upstream.Tip); err == nil {
				err = r.keepCandidate(ctx, up.Commit)
			}
		}
		return up, err
	}
	who, err := r.Ident(ctx)
	if err != nil {
		return ev, fmt.Errorf("find the identity to land with: %w", err)
	}
	base := point{ev.Base, ev.BaseTree}
	at := base
	a.Parts = slices.Concat(a.Under, a.Parts)
	for i := range a.Parts {
		next, ends, err := r.put(ctx, a, i, who, at, base)
		if ends {
			break
		}
		if err != nil || next.Commit == "" || next.AlreadyIn != "" {
			next.Base, next.BaseTree, next.Parts = ev.Base, ev.BaseTree, nil
			return next, err
		}
		at = point{next.Commit, next.Tree}
		ev.Parts = append(ev.Parts, next.Parts...)
	}
	n := len(a.Under)
	ev.Under, ev.Parts = ev.Parts[:n:n], ev.Parts[n:]
	if err := r.keepCandidate(ctx, at.commit); err != nil {
		return ev, err
	}
	ev.Commit, ev.Tree = at.commit, at.tree
	return ev, nil
}

// put adds part i to a candidate that is at at. A candidate ends before a part that does not fit
// there and does fit the target; but not where it is a chain, which has to take them all.
func (r *Runner) put(ctx context.Context, a refinery.Build, i int, who git.Ident, at, base point) (next refinery.Built, ends bool, err error) {
	next, err = r.fitPart(ctx, a, i, who, at)
	if i == 0 || err != nil || next.Commit != "" && next.AlreadyIn == "" {
		return next, false, err
	}
	alone, err := r.fitPart(ctx, a, i, who, base)
	switch {
	case err != nil || alone.Commit == "" || alone.AlreadyIn != "":
		return alone, false, err
	case len(a.Under) == 0:
		return next, true, nil
	case next.AlreadyIn != "": // those before it have all of it
		p := a.Parts[i]
		made := refinery.Part{Bead: p.Bead, N: p.N, Tip: p.Tip, Commit: at.commit, Tree: at.tree}
		if p.Change {
			made.Change = change(nil)
		}
		return refinery.Built{Commit: at.commit, Tree: at.tree, Parts: []refinery.Part{made}}, false, nil
	}
	return next, false, nil
}

func (r *Runner) keepCandidate(ctx context.Context, commit string) error {
	if err := r.Repo.UpdateRef(ctx, candidateRef, commit, "", "gastown: candidate"); err != nil {
		return fmt.Errorf("keep candidate %s: %w", commit, err)
	}
	return nil
}

// point is where a part is put on.
type point struct{ commit, tree string }

// change names a difference by the content of every file in it.
func change(changes []git.Change) string {
	h := sha256.New()
	for _, c := range changes {
		fmt.Fprintf(h, "%q %s %s %s %s\n", c.Path, c.OldMode, c.OldHash, c.NewMode, c.NewHash)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// base reads the target, which must be where it is known to be.
func (r *Runner) base(ctx context.Context, a refinery.Build) (ev refinery.Built, err error) {
	if ev.Base, err = r.tip(ctx, a.Branch); err != nil {
		return ev, err
	}
	switch {
	case ev.Base == refinery.Gone:
		return ev, fmt.Errorf("there is no branch %q", branchRef(a.Branch))
	case a.Target != "" && a.Target != ev.Base:
		return ev, fmt.Errorf("%s is at %s, not at %s", a.Branch, ev.Base, a.Target)
	}
	if ev.BaseTree, err = r.Repo.TreeOf(ctx, ev.Base); err != nil {
		return ev, fmt.Errorf("tree of %s: %w", ev.Base, err)
	}
	return ev, nil
}

// tip is where a branch is, or refinery.Gone.
func (r *Runner) tip(ctx context.Context, branch string) (string, error) {
	tip, err := r.Repo.ResolveCommit(ctx, branchRef(branch))
	if errors.Is(err, git.ErrNotExist) {
		return refinery.Gone, nil
	}
	if err != nil {
		return "", fmt.Errorf("look at %q: %w", branch, err)
	}
	return tip, nil
}

// fitPart is part for what may be landed: it says so where the result must not be in the target, or where the
// entry has lost something, so that the others can go on.
func (r *Runner) fitPart(ctx context.Context, a refinery.Build, i int, who git.Ident, at point) (refinery.Built, error) {
	ev, err := r.part(ctx, a, i, who, at)
	p := a.Parts[i]
	if err == nil && ev.Commit != "" && ev.AlreadyIn == "" {
		ev, err = r.fit(ctx, a, p, at, ev)
	}
	if err != nil && ev.Missing == "" && ctx.Err() == nil && r.Repo.Whole(ctx, p.Tip, at.commit) != nil {
		ev.Missing, err = p.Bead, fmt.Errorf("a part of commit %s of %s is not in the repository: %w", p.Tip, key(p.Bead, p.N), err)
	}
	return ev, err
}

// fit judges what a part is in the target, and has it outlive a power cut: from now on it may be landed. The
// entry's tip does since it was submitted.
func (r *Runner) fit(ctx context.Context, a refinery.Build, p refinery.BuildPart, at point, ev refinery.Built) (refinery.Built, error) {
	changes, err := r.Repo.DiffNames(ctx, at.tree, ev.Tree)
	if err != nil {
		return ev, err
	}
	if why, detail, err := r.Unfit(ctx, at.tree, ev.Tree, changes); why != "" || err != nil {
		return refinery.Built{Conflict: &refinery.Conflict{Bead: p.Bead, N: p.N, Why: why, Detail: detail}}, err
	}
	made := refinery.Part{Bead: p.Bead, N: p.N, Tip: p.Tip, Commit: ev.Commit, Tree: ev.Tree}
	if made.Ask, err = r.Asks(ctx, changes, a.Gates); err != nil {
		return ev, err
	}
	if p.Change || made.Ask != "" {
		made.Change = change(changes)
	}
	ev.Parts = []refinery.Part{made}
	return ev, r.Repo.Harden(ctx, ev.Commit, at.commit, p.Tip)
}

// part puts one entry onto at. The result has a commit, or why there is none.
func (r *Runner) part(ctx context.Context, a refinery.Build, i int, who git.Ident, at point) (ev refinery.Built, err error) {
	p := a.Parts[i]
	tip, err := r.Repo.ResolveCommit(ctx, p.Tip)
	if errors.Is(err, git.ErrNotExist) {
		ev.Missing = p.Bead
		return ev, fmt.Errorf("commit %q of %s is not in the repository", p.Tip, key(p.Bead, p.N))
	}
	if err != nil {
		return ev, fmt.Errorf("resolve %q of %s: %w", p.Tip, key(p.Bead, p.N), err)
	}
	common, err := r.Repo.MergeBase(ctx, at.commit, tip)
	if err != nil {
		return ev, fmt.Errorf("merge base of %s and %s: %w", at.commit, tip, err)
	}
	if common == "" {
		ev.Conflict = &refinery.Conflict{Bead: p.Bead, N: p.N, Detail: fmt.Sprintf("%s has no commit in common with %s. Start again from %s.", tip, a.Branch, a.Branch)}
		return ev, nil
	}
	landed, err := r.landedAs(ctx, a, p, who, span{common, tip, at.commit})
	if err != nil {
		return ev, err
	}
	if landed != "" {
		ev.AlreadyIn, ev.Commit = p.Bead, landed
		return ev, nil
	}
	if found, err := r.contained(ctx, a, i, tip, at.commit, &ev); found || err != nil {
		return ev, err
	}
	if a.History == historyLinear {
		return r.linear(ctx, a, p, who, at, tip, common)
	}
	m, err := r.Repo.MergeTree(ctx, at.commit, tip)
	switch {
	case err != nil:
		return ev, fmt.Errorf("merge %s into %s: %w", tip, at.commit, err)
	case !m.Clean:
		ev.Conflict = r.conflict(ctx, a, p, m, sides{at.commit, tip, common})
		return ev, nil
	case m.Tree == at.tree:
		ev.AlreadyIn, ev.Commit = p.Bead, at.commit
		return ev, nil
	}
	ev.Tree = m.Tree
	ev.Commit, err = r.Repo.CommitTree(ctx, git.NewCommit{
		Tree: m.Tree, Parents: []string{at.commit, tip}, Message: message(a, p), Author: who.At(p.Date),
	})
	if err != nil {
		return ev, fmt.Errorf("commit the merge of %s: %w", key(p.Bead, p.N), err)
	}
	return ev, nil
}

// contained finds another bead's tip in a part: of one in the queue, but not before this part
// in the candidate, or of one that was refused. Landing the part would land that ungated and
// unseen, or against what was said of it.
func (r *Runner) contained(ctx context.Context, a refinery.Build, i int, tip, at string, ev *refinery.Built) (found bool, err error) {
	p := a.Parts[i]
	refused := map[string]beads.ID{}
	if r.Refused != nil {
		if refused, err = r.Refused(); err != nil {
			return false, fmt.Errorf("look for refused work in %s: %w", key(p.Bead, p.N), err)
		}
	}
	queued, waiting := map[string]beads.ID{}, map[beads.ID]bool{}
	for _, o := range slices.Concat(a.Others, a.Parts[i+1:]) {
		queued[o.Tip], waiting[o.Bead] = o.Bead, true
	}
	other := func(of map[string]beads.ID, tip string, known []beads.ID) (beads.ID, bool) {
		on, ok := of[tip]
		return on, ok && on != p.Bead && !slices.Contains(known, on)
	}
	const most = 2000 // commits of one attempt
	log, err := r.Repo.Log(ctx, git.LogOptions{From: tip, Not: []string{at}, Max: most})
	if err != nil {
		return false, fmt.Errorf("look for other beads in %s: %w", key(p.Bead, p.N), err)
	}
	for _, c := range log {
		if on, ok := other(queued, c.Hash, p.Needs); ok {
			ev.Waits = &refinery.Waits{Bead: p.Bead, On: on}
			return true, nil
		}
		if of, ok := other(refused, c.Hash, p.Let); ok && waiting[of] {
			ev.Waits = &refinery.Waits{Bead: p.Bead, On: of} // it came back, and is better now
			return true, nil
		} else if ok {
			ev.Carries = &refinery.Carries{Bead: p.Bead, Of: of}
			return true, nil
		}
	}
	return false, nil
}

// span is an attempt's tip and the target, with what they have in common.
type span struct{ common, tip, at string }

// landedAs finds the attempt in the target: by ancestry, or by a commit of the target's own
// line that names it. The origin's commits are on that line too and may name anything: the
// commit must be the very one that landing the attempt there makes.
func (r *Runner) landedAs(ctx context.Context, a refinery.Build, p refinery.BuildPart, who git.Ident, s span) (string, error) {
	if s.common == s.at {
		return "", nil // nothing landed since it was cut
	}
	if s.common == s.tip {
		return s.tip, nil
	}
	const (
		most  = 2000 // landings since then
		tries = 3    // each costs a build; a landing that is not found has nothing left to merge
	)
	log, err := r.Repo.Log(ctx, git.LogOptions{From: s.at, Not: []string{s.common}, FirstParent: git.FirstParent, Max: most})
	if err != nil {
		return "", fmt.Errorf("look for %s in the target: %w", key(p.Bead, p.N), err)
	}
	for i, tried := 0, 0; i < len(log) && tried < tries; i++ {
		if log[i].Trailer("Attempt") != key(p.Bead, p.N) {
			continue
		}
		last := log[i]
		for i+1 < len(log) && log[i+1].Trailer("Attempt") == key(p.Bead, p.N) {
			i++
		}
		tried++
		if made, err := r.remade(ctx, a, p, who, log[i], s.tip); err != nil || made == last.Hash {
			return made, err
		}
	}
	return "", nil
}

// remade is what landing the attempt where first was put gives in linear history: in the
// other, a landing has the tip for a parent and is found by that.
func (r *Runner) remade(ctx context.Context, a refinery.Build, p refinery.BuildPart, who git.Ident, first git.Commit, tip string) (string, error) {
	if len(first.Parents) != 1 {
		return "", nil
	}
	below := first.Parents[0]
	tree, err := r.Repo.TreeOf(ctx, below)
	if err != nil {
		return "", fmt.Errorf("tree below %s: %w", first.Hash, err)
	}
	common, err := r.Repo.MergeBase(ctx, below, tip)
	if err != nil || common == "" {
		return "", err
	}
	ev, err := r.linear(ctx, a, p, who, point{below, tree}, tip, common)
	if err != nil || ev.Conflict != nil || ev.AlreadyIn != "" {
		return "", err
	}
	return ev.Commit, nil
}

// message is the landing commit's. Nothing in it can start a line of its own.
func message(a refinery.Build, p refinery.BuildPart) string {
	title := clean(p.Title)
	if title == "" {
		title = "Land " + clean(string(p.Bead))
	}
	return title + "\n\n" + trailers(a, p)
}

// trailers say what a commit of the target landed; landedAs finds them, and believes none.
func trailers(a refinery.Build, p refinery.BuildPart) string {
	var gates []string
	for _, g := range a.Gates {
		gates = append(gates, g.Name)
	}
	if len(gates) == 0 {
		gates = []string{"none"}
	}
	return fmt.Sprintf("Bead: %s\nAttempt: %s\nPolecat: %s\nGate: %s\n",
		clean(string(p.Bead)), clean(key(p.Bead, p.N)), clean(p.Polecat), clean(strings.Join(gates, ", ")))
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
