package town

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/api"
)

// Upkeep of the store while the host runs.
const (
	backupEvery = time.Hour
	keepBackups = 24
	keepEvents  = 200_000
)

// backup answers the verb: a backup now, whether or not something changed.
func (t *Town) backup(_ context.Context, _ api.Caller, _ api.Empty) (api.BackedUp, error) {
	path, err := t.backUp()
	return api.BackedUp{Path: path}, err
}

// backUp writes a backup into backups/, and deletes the oldest ones beyond keepBackups.
func (t *Town) backUp() (path string, err error) {
	path = t.path("backups", "town-"+t.deps.Now().UTC().Format("20060102T150405.000")+".db") // no two alike
	if err := t.store.BackupTo(path); err != nil {
		return "", err
	}
	names, err := t.backups()
	for err == nil && len(names) > keepBackups {
		if err = os.Remove(names[0]); errors.Is(err, os.ErrNotExist) {
			err = nil
		}
		names = names[1:]
	}
	return path, err
}

// backups are the paths of those that backUp wrote, oldest first.
func (t *Town) backups() ([]string, error) {
	return filepath.Glob(t.path("backups", "town-*.db")) // sorted, and so by time
}

// housekeeping backs the store up at the start, every hour and at the stop, each time only if
// something was written since the last backup, and bounds the event log.
func (h *Host) housekeeping() {
	tick := time.NewTicker(backupEvery)
	defer tick.Stop()
	for {
		h.backUpChanged()
		select {
		case <-h.ctx.Done():
			return
		case <-tick.C:
		}
		err := h.t.update(func(tx *store.Tx) error { _, err := tx.PruneEvents(keepEvents); return err })
		if err != nil {
			h.t.deps.Log.Error("prune the events", "err", err)
		}
	}
}

// backUpChanged backs the store up unless the newest backup has all of it.
func (h *Host) backUpChanged() {
	h.backingUp.Lock()
	defer h.backingUp.Unlock()
	seq, changed, err := h.t.changedSince(h.backedUp)
	if err == nil && !changed {
		return
	}
	if err == nil {
		_, err = h.t.backUp()
	}
	if err != nil {
		h.problem("backup", "", "", fmt.Sprintf("the backup of the store failed: %v", err), "look at the free space of "+h.t.Dir)
		return
	}
	h.backedUp = seq
	h.solved("backup")
}

// changedSince reports whether something was written after event number last, and the newest
// number. That a host or a Mayor came and went is nothing to keep: who starts the town twenty
// times a day keeps the backups of days.
func (t *Town) changedSince(last uint64) (seq uint64, changed bool, err error) {
	const enough = 100 // comings and goings are some at a time
	err = t.store.View(func(tx *store.Tx) error {
		seq = tx.LastSeq()
		evs, err := tx.Events(last, enough)
		changed = seq < last || len(evs) == enough || slices.ContainsFunc(evs, func(e beads.Event) bool {
			return e.Kind != beads.EvTownUp && e.Kind != beads.EvTownDown && e.Kind != beads.EvMayor
		})
		return err
	})
	return seq, changed, err
}

// lastBackedUp is the number of the newest event in the newest backup; 0: there is none that can
// be read.
func (t *Town) lastBackedUp() (seq uint64) {
	names, err := t.backups()
	if err != nil || len(names) == 0 {
		return 0
	}
	s, err := store.Open(names[len(names)-1], store.Options{ReadOnly: true})
	if err != nil {
		return 0
	}
	defer s.Close() // was only read
	if err := s.View(func(tx *store.Tx) error { seq = tx.LastSeq(); return nil }); err != nil {
		return 0
	}
	return seq
}
