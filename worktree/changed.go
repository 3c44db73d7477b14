package worktree

import (
	"context"
	"strings"

	"gastown/internal/git"
)

// Changed sums up what differs between two states of a worktree: each is a commit, or one that Snapshot made, untracked
// files included. One that was committed meanwhile has not changed.
func Changed(ctx context.Context, repo *git.Repo, from, to string) (git.Stat, error) {
	before, err := wholeTree(ctx, repo, from)
	if err != nil {
		return git.Stat{}, err
	}
	after, err := wholeTree(ctx, repo, to)
	if err != nil {
		return git.Stat{}, err
	}
	return repo.DiffStat(ctx, before, after)
}

// wholeTree is a commit's tree with the untracked files that were kept with it.
func wholeTree(ctx context.Context, repo *git.Repo, commit string) (string, error) {
	list, err := repo.Log(ctx, git.LogOptions{From: commit, Max: 1})
	if err != nil || len(list) == 0 || len(list[0].Parents) < 3 || !strings.HasPrefix(list[0].Message, rescueSubject+": ") {
		return commit, err
	}
	empty, err := repo.EmptyTree(ctx)
	if err != nil {
		return "", err
	}
	loose, err := repo.DiffNames(ctx, empty, list[0].Parents[2])
	if err != nil || len(loose) == 0 {
		return commit, err
	}
	return repo.Overlay(ctx, commit, loose)
}
