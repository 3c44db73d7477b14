package worktree

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"gastown/internal/git"
)

// snapshotTries is how often a worktree that changes while it is read is read anew.
const snapshotTries = 3

// SnapshotSpec says where a snapshot goes. All fields are required but Who and Base.
type SnapshotSpec struct {
	Ref string    // full ref: refs/gt/rescue/BEAD/N or refs/gt/wip/BEAD/N
	At  time.Time // date of the commits
	Who git.Ident // author; zero: the program's own
	// Base is a commit below HEAD that survives a power cut with its history. What is above it is brought to
	// the disk before the ref moves; empty: all of it.
	Base string
}

// Snapshot keeps the uncommitted state of a worktree on a ref: index, tracked
// changes and untracked files; ignored files are named in Lost and not kept.
// Worktree, index and branch are not touched, so it can be taken while an agent
// works. Where nothing is uncommitted the ref names HEAD itself. What the ref kept
// before stays reachable from a new rescue. On error the ref is as it was.
func Snapshot(ctx context.Context, wt *git.Worktree, s SnapshotSpec) (Rescue, error) {
	if !strings.HasPrefix(s.Ref, "refs/gt/") {
		return Rescue{}, fmt.Errorf("snapshot to %q: %w", s.Ref, git.ErrBadName)
	}
	if err := git.CheckRef(s.Ref); err != nil {
		return Rescue{}, err
	}
	var c captured
	var err error
	for try := 0; ; try++ {
		if c, err = capture(ctx, wt); err == nil {
			break
		}
		if try+1 == snapshotTries || ctx.Err() != nil {
			return Rescue{}, fmt.Errorf("snapshot of %q: %w", wt.Path(), err)
		}
	}
	r, err := keep(ctx, wt, s, c)
	if err != nil {
		return Rescue{}, fmt.Errorf("snapshot of %q: %w", wt.Path(), err)
	}
	return r, nil
}

// keep turns what was captured into commits and moves the ref.
func keep(ctx context.Context, wt *git.Worktree, s SnapshotSpec, c captured) (Rescue, error) {
	repo := wt.Repo()
	olds, err := repo.Lookup(ctx, s.Ref)
	if err != nil {
		return Rescue{}, err
	}
	old := olds[0]
	r := parseRescue(git.Ref{Name: s.Ref, Commit: c.head.Commit, When: s.At})
	if c.clean && old != "" && strings.HasPrefix(s.Ref, RescuePrefix) && old != c.head.Commit {
		// Something was kept here, and now nothing is uncommitted: keep both.
		if c, err = emptyCapture(ctx, wt, c); err != nil {
			return Rescue{}, err
		}
	}
	if !c.clean {
		if r.Commit, err = commit(ctx, repo, s, c, old); err != nil {
			return Rescue{}, err
		}
	}
	if r.Commit != old {
		var hard []string
		if s.Base != "" {
			hard = []string{s.Base}
		}
		// What was lost before cannot be kept; all else is.
		if err := repo.Harden(ctx, r.Commit, hard...); err != nil && !errors.Is(err, git.ErrNotExist) {
			return Rescue{}, err
		}
		if old == "" {
			old = git.ZeroHash
		}
		if err := repo.UpdateRef(ctx, s.Ref, r.Commit, old, "gastown: snapshot"); err != nil {
			return Rescue{}, err
		}
	}
	r.Clean, r.Head, r.Branch = c.clean, c.head.Commit, c.head.Branch
	r.Operation, r.Stat = c.state.Operation, c.stat
	r.Files, r.Lost = toStrings(c.state.Files), toStrings(c.state.Lost)
	return r, nil
}

// emptyCapture is a clean state in the shape of one that is not.
func emptyCapture(ctx context.Context, wt *git.Worktree, c captured) (captured, error) {
	tree, err := wt.Repo().TreeOf(ctx, c.head.Commit)
	if err != nil {
		return c, err
	}
	empty, err := wt.Repo().EmptyTree(ctx)
	if err != nil {
		return c, err
	}
	blob, err := wt.Repo().WriteBlob(ctx, []byte(fmt.Sprintf(`{"version":%d,"head":%q,"branch":%q,"files":null}`, stateVersion, c.head.Commit, c.head.Branch)))
	if err != nil {
		return c, err
	}
	c.clean, c.index, c.work, c.loose = false, tree, tree, empty
	c.meta, err = wt.Repo().MakeTree(ctx, []git.TreeEntry{{Mode: "100644", Type: "blob", Hash: blob, Name: "state.json"}})
	return c, err
}

// commit writes the commits of a snapshot and returns the outer one.
func commit(ctx context.Context, repo *git.Repo, s SnapshotSpec, c captured, old string) (string, error) {
	who := s.Who
	if who.Name == "" {
		who = git.FallbackIdent()
	}
	who = who.At(s.At)
	head := c.head.Commit
	if head == "" { // unborn: something for the first parent to be
		empty, err := repo.EmptyTree(ctx)
		if err != nil {
			return "", err
		}
		if head, err = repo.CommitTree(ctx, git.NewCommit{Tree: empty, Message: "unborn", Author: git.FallbackIdent().At(time.Unix(0, 0))}); err != nil {
			return "", err
		}
	}
	mentions := slices.Clone(c.mentions)
	if old != "" && old != head && strings.HasPrefix(s.Ref, RescuePrefix) {
		mentions = append(mentions, old)
	}
	parents := []string{head}
	for _, p := range []git.NewCommit{
		{Tree: c.index, Parents: []string{head}, Message: "index"},
		{Tree: c.loose, Message: "untracked files"},
		{Tree: c.meta, Parents: mentions, Message: "state"},
	} {
		p.Author = who
		hash, err := repo.CommitTree(ctx, p)
		if err != nil {
			return "", err
		}
		parents = append(parents, hash)
	}
	return repo.CommitTree(ctx, git.NewCommit{Tree: c.work, Parents: parents, Message: rescueMessage(c.state, c.stat), Author: who})
}
