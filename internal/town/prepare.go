package town

import (
	"fmt"
	"path/filepath"
	"strings"

	"gastown/beads"
	"gastown/internal/config"
	"gastown/internal/git"
	"gastown/worktree"
)

// prepare cuts the worktree from a recorded base and brings in what the attempt starts from.
func (w *worker) prepare(repo *git.Repo, rc config.Rig, a *beads.Attempt) (*git.Worktree, *beads.Attempt, error) {
	s, err := w.beginning(repo, a)
	if err != nil {
		return nil, nil, err
	}
	if a.Base == "" {
		base, err := w.base(repo, rc, s)
		if err != nil {
			return nil, nil, step(err, "base of %s", a.Key())
		}
		if a, err = w.edit(func(a *beads.Attempt) { a.Base = base }); err != nil {
			return nil, nil, err
		}
	}
	from, note, err := w.from(repo, rc, a, s)
	if err != nil {
		return nil, nil, err
	}
	if w.carries = from != a.Base || s.rescue != ""; w.carries && a.Began == "" {
		if a, err = w.carry(repo, a, from, s); err != nil {
			return nil, nil, err
		}
	}
	wt, err := worktree.Ensure(w.ctx, repo, worktree.Spec{
		Root: filepath.Dir(w.path()), Path: w.path(), Branch: "refs/heads/" + a.Branch, Base: from,
	})
	if err != nil {
		return nil, nil, step(err, "worktree of %s", a.Key())
	}
	if s.rescue != "" && a.Worktree == "" {
		if _, err := worktree.Restore(w.ctx, wt, s.rescue); err != nil {
			return nil, nil, step(err, "bring %s back", s.rescue)
		}
	}
	if note != "" && (a.Start == nil || !strings.Contains(a.Start.Note, note)) {
		a, err = w.edit(func(a *beads.Attempt) {
			s := beads.Start{}
			if a.Start != nil {
				s = *a.Start
			}
			s.Note = strings.TrimSpace(s.Note + "\n" + note)
			a.Start = &s
		})
	}
	return wt, a, err
}

// carry records what the attempt has from earlier ones, so that it is not taken for its own.
func (w *worker) carry(repo *git.Repo, a *beads.Attempt, from string, s beginning) (*beads.Attempt, error) {
	n, err := repo.CountCommits(w.ctx, a.Base, from)
	if err != nil {
		return nil, step(err, "what %s has from before", a.Key())
	}
	return w.edit(func(a *beads.Attempt) {
		if a.Began, a.Carried = from, n; s.rescue != "" {
			a.Began = s.kept
		}
	})
}

// beginning is what an attempt starts from beyond the target branch.
type beginning struct {
	commit string // of an earlier attempt; empty: none
	rescue string // ref with uncommitted work on top of commit; empty: none
	kept   string // commit of rescue
}

func (w *worker) beginning(repo *git.Repo, a *beads.Attempt) (beginning, error) {
	if a.Start == nil {
		return beginning{}, nil
	}
	if a.Start.Rescue == "" {
		return beginning{commit: a.Start.Commit}, nil
	}
	r, err := worktree.Load(w.ctx, repo, a.Start.Rescue)
	if err != nil {
		return beginning{}, step(err, "kept work %s", a.Start.Rescue)
	}
	if r.Clean {
		return beginning{commit: r.Head}, nil
	}
	return beginning{commit: r.Head, rescue: r.Ref, kept: r.Commit}, nil
}

// base is the commit of the target branch that an attempt is cut from: its tip, but where
// uncommitted work comes back, which fits only where it was.
func (w *worker) base(repo *git.Repo, rc config.Rig, s beginning) (string, error) {
	tip, err := w.h.t.target(w.ctx, w.rig)
	if err != nil || s.rescue == "" || s.commit == "" {
		return tip, err
	}
	old, err := repo.MergeBase(w.ctx, s.commit, tip)
	if err != nil || old == "" {
		return tip, err
	}
	return old, nil
}

// from is the commit an attempt's branch starts at: the base; or the tip of an earlier
// attempt with the base merged in; or, where that conflicts, that tip, and a note of the files.
func (w *worker) from(repo *git.Repo, rc config.Rig, a *beads.Attempt, s beginning) (commit, note string, err error) {
	switch {
	case s.rescue != "" && s.commit == "":
		return a.Base, "", nil
	case s.rescue != "":
		return s.commit, "Your uncommitted work from before is back in the worktree, as it was.", nil
	case s.commit == "":
		return a.Base, "", nil
	}
	if in, err := repo.IsAncestor(w.ctx, s.commit, a.Base); err != nil || in {
		return a.Base, "", err
	}
	if in, err := repo.IsAncestor(w.ctx, a.Base, s.commit); err != nil || in {
		return s.commit, "", err
	}
	m, err := repo.MergeTree(w.ctx, s.commit, a.Base)
	if err != nil {
		return "", "", step(err, "merge %s into the work of before", rc.Branch)
	}
	if !m.Clean {
		var files []string
		for _, c := range m.Conflicts {
			files = append(files, c.Path)
		}
		return s.commit, fmt.Sprintf("The work of before conflicts with %s as it is now (%s, in $GASTOWN_TARGET) in: %s.\nMerge it yourself, resolve these files and commit.", rc.Branch, a.Base, strings.Join(files, ", ")), nil
	}
	id, err := w.h.t.ident(w.ctx, rc.Origin)
	if err != nil {
		return "", "", err
	}
	commit, err = repo.CommitTree(w.ctx, git.NewCommit{
		Tree: m.Tree, Parents: []string{s.commit, a.Base}, Message: "Merge " + rc.Branch + " into " + a.Branch + "\n", Author: id.At(a.CreatedAt),
	})
	return commit, "", step(err, "merge %s into the work of before", rc.Branch)
}
