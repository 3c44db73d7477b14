package town

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gastown/beads"
	"gastown/internal/git"
	"gastown/worktree"
)

const (
	// checkpointEvery is how old the last checkpoint of changed files gets: a snapshot of 20,000 files takes
	// half a second.
	checkpointEvery = 5 * time.Minute
	// checkpointShare keeps that cheap for the largest worktrees, too: one that took 10 s is the last for 1000 s.
	checkpointShare = 100
)

// mark is what a checkpoint was made of, as far as a look tells.
type mark struct {
	git.Stat
	commits, dirty int
	head           string
}

// checkpointIfDue keeps what is not committed on the attempt's wip ref, if there is something new. It
// ends at once when somebody asks for the attempt's end, which keeps all of it anyway.
func (w *worker) checkpointIfDue() {
	now := w.h.t.deps.Now()
	if w.nextCheckpoint.IsZero() {
		w.nextCheckpoint = now.Add(w.h.checkpoints)
	}
	if now.Before(w.nextCheckpoint) || w.standing() || w.gone() {
		return
	}
	w.look() // it may change files and print nothing
	l := w.lookNow()
	m := mark{l.Stat, l.commits, l.dirty, l.head}
	if l.dirty == 0 || m == w.checkpointed {
		w.nextCheckpoint = now.Add(w.h.checkpoints)
		return
	}
	if _, err := w.snapshot(w.ctx, beads.WipRef(w.bead, w.n)); err != nil {
		if w.ctx.Err() == nil {
			w.h.t.deps.Log.Warn("checkpoint", "polecat", w.name, "err", err)
		}
	} else {
		w.checkpointed = m
	}
	after := w.h.t.deps.Now()
	w.nextCheckpoint = after.Add(max(w.h.checkpoints, checkpointShare*after.Sub(now)))
}

// checkpoint keeps the worktree as it is on the attempt's wip ref, which goes when the attempt ends.
func (w *worker) checkpoint() (worktree.Rescue, error) {
	return w.snapshot(w.h.ctx, beads.WipRef(w.bead, w.n))
}

// fromCheckpoint brings the files of the last checkpoint back into a worktree that was made again, and
// says what is back. Where they do not fit any more the checkpoint stays on its ref.
func (w *worker) fromCheckpoint(ctx context.Context, wt *git.Worktree) (back string) {
	ref := beads.WipRef(w.bead, w.n)
	r, err := worktree.Load(ctx, wt.Repo(), ref)
	if err == nil && !r.Clean {
		if _, err = worktree.Restore(ctx, wt, ref); err == nil {
			return fmt.Sprintf("its commits and its files as they were at %s are back", r.When.Local().Format("15:04"))
		}
		w.keepCheckpoint = true
		return fmt.Sprintf("its commits and what was added to its index are back; its other files as they were at %s are on %s", r.When.Local().Format("15:04"), ref)
	}
	if err != nil && !errors.Is(err, git.ErrNotExist) {
		w.h.t.deps.Log.Warn("read the checkpoint", "polecat", w.name, "err", err)
	}
	return "its commits and what was added to its index are back, other files are gone"
}

// dropCheckpoint deletes the wip ref of an ended attempt, whose work is on its own refs.
func (w *worker) dropCheckpoint(ctx context.Context) error {
	if w.keepCheckpoint {
		return nil
	}
	repo, err := w.h.t.repo(ctx, w.rig)
	if err != nil {
		return err
	}
	ref := beads.WipRef(w.bead, w.n)
	at, err := repo.Lookup(ctx, ref)
	if err != nil || at[0] == "" {
		return err
	}
	return repo.DeleteRef(ctx, ref, at[0])
}
