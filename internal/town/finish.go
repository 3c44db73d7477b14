package town

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/fault"
	"gastown/internal/git"
	"gastown/internal/proc"
	"gastown/worktree"
)

// finish ends an attempt: its work is on a ref before its process is touched, its process
// tree is gone before the store says so, and its worktree goes last. An error means that
// nothing was lost; where the work could not be kept nothing was stopped.
func (w *worker) finish(e ending) ended {
	ctx := context.WithoutCancel(w.h.ctx)
	a, _, err := w.attempt()
	switch {
	case err != nil:
		return ended{err: err}
	case !a.State.Live():
		return w.submitted(ctx, e)
	case a.Worktree == "":
		return w.finishUnused(ctx, e)
	}
	if !w.gone() {
		if _, err := w.keep(ctx); err != nil { // before anything is stopped
			if e.kind == endShutdown {
				w.stopAgent(ctx, killGrace) // it would end with this process anyway; its files stay
			}
			return ended{err: step(err, "keep the work of %s", w.name)}
		}
	}
	killed := w.stopAgent(ctx, killGrace)
	r, err := w.keep(ctx) // what the agent wrote while it was being stopped
	if err != nil {
		return ended{killed: killed, err: step(err, "keep the work of %s", w.name)}
	}
	kept := w.holds(r)
	if err := w.recordEnd(ctx, e, r, kept); err != nil {
		if now, _, aerr := w.attempt(); aerr == nil && !now.State.Live() {
			return w.submitted(ctx, e) // its done was quicker
		}
		return ended{killed: killed, err: err}
	}
	if !kept && r.Ref != "" {
		if err := w.dropEmpty(ctx, r); err == nil {
			r.Ref = ""
		}
	}
	w.cleanUp(ctx, r)
	return ended{rescue: r, kept: kept, killed: killed, over: true}
}

// submitted ends the session of an attempt whose submission was accepted. What the agent
// wrote after done goes to a rescue ref. Who asked for another end is told that it came late.
func (w *worker) submitted(ctx context.Context, e ending) ended {
	timer := time.NewTimer(submitGrace)
	defer timer.Stop()
	select {
	case <-w.exited():
	case <-timer.C:
	case <-w.h.leaving.Done():
	}
	killed := w.stopAgent(ctx, killGrace)
	r, err := w.keepLate(ctx)
	if err != nil {
		return ended{killed: killed, err: err}
	}
	w.cleanUp(ctx, r)
	if err := w.h.t.dropKept(ctx, w.rig, w.bead); err != nil { // it may have landed by now
		w.h.t.deps.Log.Warn("refs of landed work", "attempt", beads.AttemptKey(w.bead, w.n), "err", err)
	}
	out := ended{rescue: r, killed: killed, over: true}
	if e.kind == endKill || e.kind == endReassign || e.kind == endRestart {
		out.err = fault.Refusedf("%s submitted %s before it could be stopped", w.name, w.bead)
	}
	return out
}

// finishUnused ends an attempt in whose worktree no agent ever was: what is in it was made by
// the host, and whatever it started from is on its own ref.
func (w *worker) finishUnused(ctx context.Context, e ending) ended {
	killed := w.stopAgent(ctx, killGrace)
	if err := w.recordEnd(ctx, e, worktree.Rescue{}, false); err != nil {
		return ended{killed: killed, err: err}
	}
	if err := w.h.t.discard(ctx, w.rig, w.bead, w.n); err != nil {
		w.stays(err)
	}
	return ended{killed: killed, over: true}
}

// keepLate keeps what is in the worktree beyond the frozen tip; usually nothing.
func (w *worker) keepLate(ctx context.Context) (worktree.Rescue, error) {
	wt, err := w.present(ctx)
	if wt == nil {
		return worktree.Rescue{}, err
	}
	st, err := wt.Status(ctx, git.WithoutIgnored)
	if err != nil {
		return worktree.Rescue{}, err
	}
	a, _, err := w.attempt()
	if err != nil {
		return worktree.Rescue{}, err
	}
	if st.Clean() && (st.Head == a.Tip || a.Tip == "" && st.Head == a.Base) {
		return worktree.Rescue{}, nil
	}
	r, err := w.keep(ctx)
	if err != nil || r.Ref == "" || r.Ref == a.Rescue {
		return r, err
	}
	return r, w.h.t.update(func(tx *store.Tx) error {
		a, err := tx.Attempt(w.bead, w.n)
		if err != nil {
			return err
		}
		c := a.Clone()
		c.Rescue = r.Ref
		return errors.Join(tx.PutAttempt(c), tx.Append(beads.Event{Kind: beads.EvRescued, Actor: "host", Rig: w.rig, Bead: w.bead, Attempt: w.n, Polecat: w.name, Text: fmt.Sprintf("kept on %s what %s wrote after its attempt", r.Ref, w.name)}))
	})
}

// worktree opens the attempt's worktree; nil when there is none.
func (w *worker) worktree(ctx context.Context) (*git.Worktree, error) {
	repo, err := w.h.t.repo(ctx, w.rig)
	if err != nil {
		return nil, err
	}
	wt, err := repo.OpenWorktree(w.path())
	if errors.Is(err, git.ErrNoWorktree) {
		return nil, nil
	}
	return wt, err
}

// keep snapshots the worktree to the attempt's rescue ref. Without a worktree there is
// nothing to keep and the result is zero.
func (w *worker) keep(ctx context.Context) (worktree.Rescue, error) {
	return w.snapshot(ctx, beads.RescueRef(w.bead, w.n))
}

// snapshot keeps the worktree as it is on a ref.
func (w *worker) snapshot(ctx context.Context, ref string) (worktree.Rescue, error) {
	wt, err := w.present(ctx)
	if wt == nil {
		return worktree.Rescue{}, err
	}
	_, rc, err := w.h.t.rig(w.rig)
	if err != nil {
		return worktree.Rescue{}, err
	}
	id, err := w.h.t.ident(ctx, rc.Origin)
	if err != nil {
		return worktree.Rescue{}, err
	}
	a, _, err := w.attempt()
	if err != nil {
		return worktree.Rescue{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, gitLimit)
	defer cancel()
	return worktree.Snapshot(ctx, wt, worktree.SnapshotSpec{Ref: ref, At: w.h.t.deps.Now(), Who: id, Base: a.Base})
}

// holds reports whether a rescue has anything that the base does not.
func (w *worker) holds(r worktree.Rescue) bool {
	if r.Ref == "" {
		return false
	}
	a, _, err := w.attempt()
	return err != nil || !r.Clean || r.Head != a.Base
}

func (w *worker) dropEmpty(ctx context.Context, r worktree.Rescue) error {
	repo, err := w.h.t.repo(ctx, w.rig)
	if err != nil {
		return err
	}
	return worktree.Drop(ctx, repo, r.Ref, r.Commit)
}

// stopAgent ends the whole process tree and counts what it was.
func (w *worker) stopAgent(ctx context.Context, grace time.Duration) int {
	s := w.sessionNow()
	if s == nil {
		return 0
	}
	n := len(s.Proc().Tree())
	if err := s.Stop(ctx, grace); err != nil {
		w.h.t.deps.Log.Error("stop agent", "polecat", w.name, "err", err)
	}
	<-s.Done()
	w.unlock(ctx)
	return n
}

// unlock takes away the lock files of a git that was killed with the agent's tree.
func (w *worker) unlock(ctx context.Context) {
	wt, _ := w.worktree(ctx)
	if wt == nil {
		return // the error is met again by whoever needs the worktree
	}
	if gone, err := wt.ClearLocks("refs/heads/" + beads.BranchName(w.bead, w.n)); err != nil || len(gone) > 0 {
		w.h.t.deps.Log.Warn("locks of a git that was killed", "polecat", w.name, "removed", gone, "err", err)
	}
}

// failedStart ends an attempt whose agent never ran.
func (w *worker) failedStart(err error) {
	w.h.t.deps.Log.Error("start attempt", "attempt", beads.AttemptKey(w.bead, w.n), "err", err)
	why := "could not start: " + beads.Clean(err.Error(), 300)
	var se *proc.StartError
	if errors.As(err, &se) {
		why = fmt.Sprintf("could not start its program: %s", beads.Clean(se.Error(), 300))
	}
	if errors.Is(err, worktree.ErrOccupied) {
		w.h.stuckAt(w.name) // by something that is not ours to remove
	}
	kind := endExit
	if w.rigFault != nil {
		kind = endSetup
	}
	r := w.finish(ending{kind: kind, why: why})
	if r.err != nil {
		w.stopAgent(context.WithoutCancel(w.h.ctx), killGrace)
		w.h.stuckAt(w.name)
		w.h.t.deps.Log.Error("end attempt", "attempt", beads.AttemptKey(w.bead, w.n), "err", r.err)
		w.h.problem("attempt/"+beads.AttemptKey(w.bead, w.n), w.rig, w.bead, fmt.Sprintf("attempt of %s: %v", w.name, r.err), "look at "+w.path())
	}
}

// relaunch stops the agent and readies the same attempt for another start in the same worktree.
func (w *worker) relaunch(e ending) error {
	ctx := context.WithoutCancel(w.h.ctx)
	a, _, err := w.attempt()
	if err != nil {
		return err
	}
	if a.Worktree != "" {
		if _, err := w.keep(ctx); err != nil {
			return step(err, "keep the work of %s", w.name)
		}
	}
	w.stopAgent(ctx, killGrace)
	err = w.h.t.update(func(tx *store.Tx) error {
		a, err := tx.Attempt(w.bead, w.n)
		if err != nil {
			return err
		}
		c, err := a.Apply(beads.Relaunch, w.h.t.deps.Now())
		if err != nil {
			return refuse(err)
		}
		c.Proc, c.Marker, c.Question, c.Answer = nil, "", "", ""
		if a.State == beads.Limited {
			err = unlimit(tx, a.Preset)
		}
		return errors.Join(err, tx.PutAttempt(c), tx.Append(beads.Event{Kind: beads.EvStarted, Actor: e.by, Rig: w.rig, Bead: w.bead, Attempt: w.n, Polecat: w.name, Reason: e.why, Text: fmt.Sprintf("%s restarted %s on %s", e.by, w.name, w.bead)}))
	})
	if err != nil {
		return err
	}
	w.tried, w.rigFault = false, nil
	w.mu.Lock()
	defer w.mu.Unlock()
	w.session = nil
	w.ctx, w.stop = context.WithCancel(w.h.leaving)
	if len(w.end) > 0 {
		w.stop() // asked again meanwhile
	}
	return nil
}
