package town

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/git"
	"gastown/internal/proc"
	"gastown/refinery"
)

// helperVar marks the git processes of a town, whoever started them; its value is the town's directory.
const helperVar = "GASTOWN_HELPER"

// helperWait is how long git processes of a killed host may take to end; they take milliseconds.
const helperWait = 10 * time.Second

// recover takes the inventory of what a former host left behind, before anything is started:
// its processes end, every live attempt's work goes to a ref and its bead is ready to go on,
// worktrees of ended attempts go, and each Refinery learns what is true in git.
func (h *Host) recover(ctx context.Context) error {
	var all []*beads.Attempt
	var rec mayorRecord
	err := h.t.update(func(tx *store.Tx) (err error) {
		if all, err = tx.Attempts(); err != nil {
			return err
		}
		if _, err = tx.GetKV(kvMayor, &rec); err != nil {
			return err
		}
		return forgetTroubles(tx)
	})
	if err != nil {
		return err
	}
	proc.KillShims(h.exe())
	killLeft(rec.Marker, rec.Proc)
	for _, a := range all {
		if a.Marker != "" {
			killLeft(a.Marker, a.Proc)
		}
	}
	if proc.AwaitMarked(helperVar, h.t.Dir, helperWait) {
		h.clearLocks(ctx)
	} else {
		h.t.deps.Log.Warn("git of a former host still runs")
	}
	for _, a := range all {
		if !a.State.Live() {
			continue
		}
		if err := h.recoverAttempt(a); err != nil {
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

// clearLocks takes away what git processes left that were killed with a former host. None runs now.
func (h *Host) clearLocks(ctx context.Context) {
	for _, rig := range rigNames(h.t.settings()) {
		repo, err := h.t.repo(ctx, rig)
		if err != nil {
			continue // recoverRig tells
		}
		if gone, err := repo.ClearLocks(); err != nil || len(gone) > 0 {
			h.t.deps.Log.Warn("locks of a former host's git", "rig", rig, "removed", gone, "err", err)
		}
	}
}

// forgetTroubles takes back what a former host could not do and this one tries again.
func forgetTroubles(tx *store.Tx) error {
	ns, err := tx.Notices()
	for _, n := range ns {
		if kind, _, _ := strings.Cut(n.Key, "/"); kind == "agent" || kind == "attempt" || kind == "worktree" || kind == "rig" || kind == "refinery" {
			err = errors.Join(err, tx.DeleteNotice(n.Key))
		}
	}
	return err
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
func (h *Host) recoverAttempt(a *beads.Attempt) error {
	w := h.newWorker(a, "")
	defer w.stop()
	return w.finish(shutdownEnding()).err
}

// present opens the attempt's worktree as worktree does, and makes its directory again where
// somebody deleted it: without that its commits and its index could be kept by nobody.
func (w *worker) present(ctx context.Context) (*git.Worktree, error) {
	wt, err := w.worktree(ctx)
	if wt == nil {
		return nil, err
	}
	made, err := wt.RestoreMissing(ctx)
	if err != nil || !made {
		return wt, err
	}
	w.remade = true
	w.h.t.deps.Log.Warn("a worktree was deleted and is made again", "attempt", beads.AttemptKey(w.bead, w.n), "path", wt.Path())
	back := w.fromCheckpoint(ctx, wt)
	return wt, w.h.t.update(func(tx *store.Tx) error {
		return tx.Append(beads.Event{Kind: beads.EvRestored, Actor: "host", Rig: w.rig, Bead: w.bead, Attempt: w.n, Polecat: w.name,
			Text: fmt.Sprintf("the directory of %s was deleted: %s", w.name, back)})
	})
}

// recoverRig clears away what no live attempt owns and feeds the inventory to the Refinery.
func (h *Host) recoverRig(ctx context.Context, rig string) error {
	repo, err := h.t.repo(ctx, rig)
	if err != nil {
		return err
	}
	if err := h.sweep(ctx, repo, rig); err != nil { // the Refinery can do without
		h.problem("rig/"+rig, rig, "", fmt.Sprintf("rig %s: clear away what ended attempts left: %v", rig, err), "gastown doctor")
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
	for _, a := range ended {
		if a.Worktree != "" { // not cleared away yet
			h.sweepAttempt(ctx, a)
		}
	}
	var landed []beads.ID
	for _, a := range ended {
		if a.State == beads.Landed && a.Tip != "" {
			landed = append(landed, a.Bead)
		}
	}
	return errors.Join(h.sweepUnused(ctx, repo, rig, ended), h.sweepKept(ctx, repo, ended), h.t.dropKept(ctx, rig, landed...))
}

// sweepAttempt clears away one ended attempt.
func (h *Host) sweepAttempt(ctx context.Context, a *beads.Attempt) {
	w := h.newWorker(a, "")
	defer w.stop()
	if r, err := w.keepLate(ctx); err == nil {
		w.cleanUp(ctx, r)
	} else {
		w.stays(err)
	}
}

// sweepUnused discards the branches, and with them the worktrees, of attempts that ended before
// they began: all others' are gone, or their worktree stays and was told.
func (h *Host) sweepUnused(ctx context.Context, repo *git.Repo, rig string, ended []*beads.Attempt) error {
	refs, err := repo.ForEachRef(ctx, "refs/heads/gt/")
	if err != nil || len(refs) == 0 {
		return err
	}
	unused := map[string]*beads.Attempt{}
	for _, a := range ended {
		if a.Worktree == "" && a.StartedAt.IsZero() && a.Tip == "" {
			unused["refs/heads/"+a.Branch] = a
		}
	}
	for _, ref := range refs {
		if a := unused[ref.Name]; a != nil {
			err = errors.Join(err, h.t.discard(ctx, rig, a.Bead, a.N))
		}
	}
	return err
}

// sweepKept deletes the frozen tips of submissions that never came to be, where another ref
// has them: their attempt ended between the one and the other.
func (h *Host) sweepKept(ctx context.Context, repo *git.Repo, ended []*beads.Attempt) error {
	kept, err := repo.RefHashes(ctx, keepPrefix)
	if err != nil || len(kept) == 0 {
		return err
	}
	for _, a := range ended {
		name := beads.KeepRef(a.Bead, a.N)
		if a.Tip != "" || kept[name] == "" {
			continue
		}
		other, err := repo.Containing(ctx, kept[name], "refs/gt/rescue/", "refs/heads/")
		if err != nil {
			return err
		}
		if other == "" {
			continue
		}
		if err := repo.DeleteRef(ctx, name, kept[name]); err != nil {
			return err
		}
	}
	return nil
}

// settingsEvery is how often the host looks whether town.toml was changed by hand.
const settingsEvery = 3 * time.Second

// watchSettings puts a town.toml that was changed by hand in force, and on the screen what is
// wrong with it, also while nothing else happens. It reads no more than the file's time.
func (h *Host) watchSettings() {
	tick := time.NewTicker(settingsEvery)
	defer tick.Stop()
	seen := h.t.settingsAt()
	for {
		select {
		case <-h.ctx.Done():
			return
		case <-tick.C:
		}
		info, err := os.Stat(settingsPath(h.t.Dir))
		if err == nil && !info.ModTime().Equal(seen) {
			seen = info.ModTime()
			for _, r := range h.rigHosts() { // gates, and what needs a yes, may have changed
				if err := r.feed(refinery.Tick{}); err != nil {
					h.t.deps.Log.Error("refinery after a change of settings", "rig", r.name, "err", err)
				}
			}
			h.ring()
		}
	}
}
