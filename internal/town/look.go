package town

import (
	"context"
	"errors"
	"time"

	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/git"
)

// look is what was last seen in a worktree.
type look struct {
	at time.Time
	git.Stat
	commits int
	dirty   int
	head    string   // newest commit
	paths   []string // that are not committed; the first radarPaths
}

// lookIfBusy refreshes what is shown of the worktree if the agent did something since.
func (w *worker) lookIfBusy() {
	s := w.sessionNow()
	w.mu.Lock()
	last := w.stat.at
	w.mu.Unlock()
	if s == nil || s.LastOutput().Before(last) {
		return
	}
	w.look()
}

// look measures the worktree. What cannot be read keeps the numbers from before.
func (w *worker) look() {
	ctx, cancel := context.WithTimeout(w.h.ctx, gitLimit)
	defer cancel()
	l, err := w.h.t.lookAt(ctx, w.rig, w.path(), w.bead, w.n)
	if err != nil {
		return
	}
	w.mu.Lock()
	same := w.stat.Stat == l.Stat && w.stat.commits == l.commits && w.stat.dirty == l.dirty && w.stat.head == l.head
	w.stat = l
	w.mu.Unlock()
	if !same {
		w.h.changed()
		w.h.radar.ring()
	}
}

func (w *worker) lookNow() look {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.stat
}

// lookAt measures an attempt's worktree against its base.
func (t *Town) lookAt(ctx context.Context, rig, path string, id beads.ID, n int) (look, error) {
	at := t.deps.Now()
	var base string
	err := t.store.View(func(tx *store.Tx) error {
		a, err := tx.Attempt(id, n)
		if err == nil {
			base = a.Base
		}
		return err
	})
	if err != nil || base == "" {
		return look{}, errors.Join(err, errNoBase)
	}
	repo, err := t.repo(ctx, rig)
	if err != nil {
		return look{}, err
	}
	wt, err := repo.OpenWorktree(path)
	if err != nil {
		return look{}, err
	}
	st, err := wt.Status(ctx, git.WithoutIgnored)
	if err != nil {
		return look{}, err
	}
	stat, err := wt.DiffStat(ctx, base)
	if err != nil {
		return look{}, err
	}
	commits := 0
	if st.Head != "" {
		if commits, err = repo.CountCommits(ctx, base, st.Head); err != nil {
			return look{}, err
		}
	}
	paths := st.Dirty()
	return look{at: at, Stat: stat, commits: commits, dirty: len(paths), head: st.Head, paths: paths[:min(len(paths), radarPaths)]}, nil
}

// errNoBase says that an attempt's worktree was not cut yet.
var errNoBase = errors.New("no base yet")
