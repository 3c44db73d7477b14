package town

import (
	"cmp"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gastown/beads"
	"gastown/beads/store"
	"gastown/refinery"
)

// What is kept of the output of a rig's gates, each file of which has at most 8 MiB: the newest ones, and those that
// something still names.
const (
	keepLogs     = 200
	keepLogBytes = 200 << 20
)

// rotateGateLogs deletes the oldest output of a rig's gates.
func (t *Town) rotateGateLogs(rig string) error {
	old, err := oldLogs(t.path("logs", "gates", rig), keepLogs, keepLogBytes)
	if err != nil || len(old) == 0 {
		return err
	}
	text, err := t.unfinished(rig)
	if err != nil {
		return err
	}
	for _, file := range old {
		if !strings.Contains(text, filepath.Base(file)) {
			err = errors.Join(err, os.Remove(file))
		}
	}
	return err
}

// oldLogs are the files of a directory beyond the newest, by number and by size.
func oldLogs(dir string, most int, bytes int64) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	type log struct {
		path string
		at   time.Time
		size int64
	}
	var logs []log
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
			logs = append(logs, log{filepath.Join(dir, e.Name()), info.ModTime(), info.Size()})
		}
	}
	slices.SortFunc(logs, func(a, b log) int { return cmp.Or(b.at.Compare(a.at), strings.Compare(b.path, a.path)) })
	var old []string
	for i, l := range logs {
		if bytes -= l.size; i >= most || bytes < 0 && i > 0 { // the last one is wanted, however long
			old = append(old, l.path)
		}
	}
	return old, nil
}

// unfinished is the text of all that is not over in a rig: its queue, its problems, and beads that are not closed with their
// attempts. A log that is named in it may still be asked for.
func (t *Town) unfinished(rig string) (string, error) {
	var all []any
	err := t.store.View(func(tx *store.Tx) error {
		q, err := t.queue(tx, rig)
		if err != nil {
			return err
		}
		q.Verdicts = slices.DeleteFunc(slices.Clone(q.Verdicts), func(v refinery.Verdict) bool { return v.Outcome == refinery.Pass && !waitsGreen(q, v.Tree) })
		ns, err := tx.Notices()
		all = append(all, q, ns)
		for _, s := range []beads.Status{beads.Open, beads.Working, beads.Submitted, beads.NeedsYou, beads.Deferred} {
			bs, berr := tx.BeadsWith(s)
			err = errors.Join(err, berr)
			for _, b := range bs {
				as, aerr := tx.AttemptsOf(b.ID)
				all, err = append(all, b, as), errors.Join(err, aerr)
			}
		}
		return err
	})
	if err != nil {
		return "", err
	}
	data, err := json.Marshal(all)
	return string(data), err
}

// waitsGreen reports whether an entry with that tree is green and waits for a person, who may read how that went.
func waitsGreen(q refinery.Queue, tree string) bool {
	return slices.ContainsFunc(q.Entries, func(e refinery.Entry) bool { return e.Green != nil && e.Green.Tree == tree })
}
