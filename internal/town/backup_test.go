package town

import (
	"os"
	"slices"
	"testing"
	"time"

	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/api"
)

func TestBackupsAtTheStartAndTheStopWhereSomethingChanged(t *testing.T) {
	l := newLab(t, "")
	l.await("a backup at the start", func() bool { return len(l.backups()) > 0 })
	id := l.create("later than the start")
	l.down()
	if ids := l.inNewestBackup(); !slices.Contains(ids, id) {
		t.Errorf("the backup at the stop has %v, not %s", ids, id)
	}
	before, at := l.backups(), l.newestAt()
	l.up()
	l.host.backUpChanged() // after that at the start, if there was one
	l.down()
	if after := l.backups(); !slices.Equal(after, before) || !l.newestAt().Equal(at) {
		t.Errorf("a start without a change made a backup: %v, before %v", after, before)
	}
}

func TestBackupVerbMakesOneThatRestores(t *testing.T) {
	l := newLab(t, "")
	id := l.create("kept")
	b, err := api.Backup.Do(t.Context(), l.person(), api.Empty{})
	if err != nil {
		t.Fatal(err)
	}
	lost := l.create("after it")
	l.down()
	if _, err := Restore(l.dir, b.Path); err != nil {
		t.Fatal(err)
	}
	l.open()
	list, err := api.BeadList.Do(t.Context(), l.person(), api.BeadListReq{})
	if err != nil || len(list) != 1 || list[0].ID != id {
		t.Errorf("restored %v, %v; want %s and not %s", list, err, id, lost)
	}
}

func (l *lab) backups() []string {
	l.t.Helper()
	names, err := (&Town{Dir: l.dir}).backups()
	if err != nil {
		l.t.Fatal(err)
	}
	return names
}

func (l *lab) newestAt() time.Time {
	l.t.Helper()
	names := l.backups()
	info, err := os.Stat(names[len(names)-1])
	if err != nil {
		l.t.Fatal(err)
	}
	return info.ModTime()
}

func (l *lab) inNewestBackup() (ids []beads.ID) {
	l.t.Helper()
	names := l.backups()
	s, err := store.Open(names[len(names)-1], store.Options{ReadOnly: true})
	if err != nil {
		l.t.Fatal(err)
	}
	defer s.Close()
	err = s.View(func(tx *store.Tx) error {
		ids = slices.Collect(tx.IDs(""))
		return nil
	})
	if err != nil {
		l.t.Fatal(err)
	}
	return ids
}
