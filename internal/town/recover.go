package town

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/git"
	"gastown/internal/proc"
	"gastown/refinery"
	"gastown/worktree"
)

// recover takes the inventory of what a former host left behind, before anything is started:
// its processes end, every live attempt's work goes to a ref and its bead is ready to go on,
// worktrees of ended attempts go, and each Refinery learns what is true in git.
func (h *Host) recover(ctx context.Context) error {
	var live []*beads.Attempt
	var rec mayorRecord
	err := h.t.store.View(func(tx *store.Tx) (err error) {
		if live, err = tx.LiveAttempts(); err != nil {
			return err
		}
		_, err = tx.GetKV(kvMayor, &rec)
		return err
	})
	if err != nil {
		return err
	}
	killLeft(rec.Marker, rec.Proc)
	for _, a := range live {
		killLeft(a.Marker, a.Proc)
	}
	for _, a := range live {
		if err := h.recoverAttempt(ctx, a); err != nil {
			// The attempt stays as it is for the next start: nothing is lost, and it holds one slot.
			h.problem("attempt/"+a.Key(), a.Rig, a.Bead, fmt.Sprintf("attempt %s could not be recovered: %v", a.Key(), err), "gastown doctor")
		}
	}
	for _, rig := range rigNames(h.t.settings()) {
		if err := h.recoverRig(ctx, rig); err != nil {
			h.problem("rig/"+rig, rig, "", fmt.Sprintf("rig %s: %v", rig, err), "gastown doctor")
		}
	}
	return nil
}

// killLeft ends what is left of a process tree of a former host.
func killLeft(marker string, id *beads.ProcID) {
	if id != nil {
		proc.KillTree(proc.ID{PID: id.PID, Start: id.Start, Boot: id.Boot})
	}
	if marker != "" {
		proc.KillMarked(marker)
	}
}

// recoverAttempt ends an attempt whose process went with its host. A worker does it: it is
// an ending like any other.
func (h *Host) recoverAttempt(ctx context.Context, a *beads.Attempt) error {
	w := h.newWorker(a, "")
	defer w.stop()
	defer close(w.done)
	if a.Base == "" { // it was claimed and no more
		return w.recordEnd(ending{kind: endShutdown, why: "the host stopped"}, worktree.Rescue{}, false)
	}
	r := w.finish(ending{kind: endShutdown, why: "the host stopped"})
	return r.err
}

// recoverRig clears away what no live attempt owns and feeds the inventory to the Refinery.
func (h *Host) recoverRig(ctx context.Context, rig string) error {
	repo, err := h.t.repo(ctx, rig)
	if err != nil {
		return err
	}
	if err := h.sweep(ctx, repo, rig); err != nil {
		return err
	}
	r, err := h.openRig(ctx, rig)
	if err != nil {
		return err
	}
	var q refinery.Queue
	if err := h.t.store.View(func(tx *store.Tx) (err error) { q, err = h.t.queue(tx, rig); return err }); err != nil {
		return err
	}
	ev := r.runner.Inventory(ctx, q, h.t.queueConfig(rig).Branch)
	r.start()
	return r.feed(ev)
}

// sweep removes the worktrees and branches of ended attempts that a former host did not get
// to. Worktrees with something that is on no ref stay and are told.
func (h *Host) sweep(ctx context.Context, repo *git.Repo, rig string) error {
	if err := repo.Prune(ctx); err != nil {
		return err
	}
	var ended []*beads.Attempt
	err := h.t.store.View(func(tx *store.Tx) error {
		all, err := tx.Attempts()
		for _, a := range all {
			if a.Rig == rig && !a.State.Live() {
				ended = append(ended, a)
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	of := map[string]*beads.Attempt{}
	for _, a := range ended {
		of["refs/heads/"+a.Branch] = a
	}
	trees, err := repo.WorktreeList(ctx)
	if err != nil {
		return err
	}
	root := h.t.path("rigs", rig, "wt")
	for _, wt := range trees {
		a := of[wt.Branch]
		if a == nil {
			a = h.byPath(ended, wt.Path)
		}
		if a == nil || filepath.Dir(wt.Path) != root {
			continue
		}
		w := h.newWorker(a, "")
		r, err := w.keepLate(ctx)
		if err == nil {
			w.cleanUp(ctx, r)
		} else {
			h.problem("worktree/"+a.Key(), rig, a.Bead, fmt.Sprintf("the worktree %s stays: %v", wt.Path, err), "gastown doctor")
		}
		w.stop()
	}
	return h.sweepBranches(ctx, repo, of)
}

// byPath is the newest ended attempt whose polecat's worktree is at path.
func (h *Host) byPath(ended []*beads.Attempt, path string) *beads.Attempt {
	var found *beads.Attempt
	for _, a := range ended {
		if h.t.worktreeDir(a.Rig, a.Polecat) == path && (found == nil || a.CreatedAt.After(found.CreatedAt)) {
			found = a
		}
	}
	return found
}

// sweepBranches deletes branches of ended attempts whose tip another ref keeps.
func (h *Host) sweepBranches(ctx context.Context, repo *git.Repo, of map[string]*beads.Attempt) error {
	refs, err := repo.ForEachRef(ctx, "refs/heads/gt/")
	if err != nil {
		return err
	}
	for _, ref := range refs {
		if of[ref.Name] == nil {
			continue
		}
		kept, err := repo.Containing(ctx, ref.Commit, "refs/gt/", "refs/remotes/")
		if err != nil {
			return err
		}
		if kept == "" {
			head, err := repo.HeadBranch(ctx)
			if err != nil {
				return err
			}
			if in, err := repo.IsAncestor(ctx, ref.Commit, head); err != nil || !in {
				continue
			}
		}
		if err := repo.DeleteRef(ctx, ref.Name, ref.Hash); err != nil {
			return err
		}
	}
	return nil
}

// Upkeep of the store while the host runs.
const (
	backupEvery = time.Hour
	keepBackups = 24
	keepEvents  = 200_000
)

// housekeeping backs the store up every hour in which something was written, and bounds the
// event log. An idle town writes nothing.
func (h *Host) housekeeping() {
	tick := time.NewTicker(backupEvery)
	defer tick.Stop()
	var last uint64
	for {
		select {
		case <-h.ctx.Done():
			return
		case <-tick.C:
		}
		var seq uint64
		if err := h.t.store.View(func(tx *store.Tx) error { seq = tx.LastSeq(); return nil }); err != nil || seq == last {
			continue
		}
		last = seq
		name := "town-" + h.t.deps.Now().UTC().Format("20060102T150405") + ".db"
		err := h.t.store.BackupTo(h.t.path("backups", name))
		if err == nil {
			err = h.rotateBackups()
		}
		if err == nil {
			err = h.t.update(func(tx *store.Tx) error { _, err := tx.PruneEvents(keepEvents); return err })
		}
		if err != nil {
			h.problem("backup", "", "", fmt.Sprintf("the hourly backup failed: %v", err), "look at the free space of "+h.t.Dir)
			continue
		}
		h.solved("backup")
	}
}

// rotateBackups deletes the oldest hourly backups beyond keepBackups.
func (h *Host) rotateBackups() error {
	names, err := filepath.Glob(h.t.path("backups", "town-*.db")) // sorted, and so by time
	if err != nil {
		return err
	}
	for len(names) > keepBackups {
		if err := os.Remove(names[0]); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		names = names[1:]
	}
	return nil
}
