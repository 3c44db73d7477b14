package store

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"gastown/internal/fault"
)

// backupTime is the time in a backup's name, in UTC; it sorts.
const backupTime = "20060102T150405Z"

// BackupDir is where the backups of the store at path belong.
func BackupDir(path string) string { return filepath.Join(filepath.Dir(path), "backups") }

// Backup writes one consistent copy of the store to w while others go on reading and writing.
func (s *Store) Backup(w io.Writer) error {
	return s.db.View(func(tx *bbolt.Tx) error {
		if _, err := tx.WriteTo(w); err != nil {
			return fmt.Errorf("back up store %q: %w", s.path, err)
		}
		return nil
	})
}

// BackupTo writes a backup to the file to, whole or not at all, and makes its directory.
func (s *Store) BackupTo(to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return fmt.Errorf("back up store %q: %w", s.path, err)
	}
	return writeWhole(to, s.Backup)
}

// Restore puts the backup from in the place of the store at path, after checking it. What was at path
// is kept beside it; its new name is returned ("" if there was nothing). Refused while the store is held.
func Restore(path, from string, o Options) (kept string, err error) {
	if err := inspect(path, from); err != nil {
		return "", err
	}
	release, err := lockOut(path, o)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, release()) }()
	src, err := os.Open(from)
	if err != nil {
		return "", fault.NotFoundf("backup %q: %w", from, err)
	}
	defer func() { _ = src.Close() }() // was only read
	if _, statErr := os.Lstat(path); statErr == nil {
		if kept, err = keep(path, now(o)); err != nil {
			return "", err
		}
	}
	return kept, writeWhole(path, func(w io.Writer) error {
		_, err := io.Copy(w, src)
		return err
	})
}

// keep gives the store at path a second name, of this second, that nothing else has.
func keep(path string, at time.Time) (kept string, err error) {
	first := path + ".before-" + at.Format(backupTime)
	kept = first
	for n := 2; ; n++ {
		err := os.Link(path, kept)
		if err == nil {
			return kept, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return "", fmt.Errorf("keep store %q: %w", path, err)
		}
		kept = fmt.Sprintf("%s-%d", first, n)
	}
}

// inspect opens a backup of the store at path to read only and checks all of it.
func inspect(path, from string) error {
	if _, err := os.Stat(from); errors.Is(err, fs.ErrNotExist) {
		return fault.NotFoundf("backup %q: there is no such file", from).WithHint("those of this town are in %s", BackupDir(path))
	}
	s, err := Open(from, Options{ReadOnly: true})
	if err == nil {
		err = errors.Join(s.Check(), s.Close())
	}
	if err != nil { // what Open advises is about a store, not about a backup
		return fault.Unavailablef("backup %q: %w", from, err).WithHint("take another one of %s; nothing was changed", BackupDir(path))
	}
	return nil
}

// lockOut takes the lock of the store at path if there is a file that can be locked, damaged or not.
func lockOut(path string, o Options) (release func() error, err error) {
	if whole(path) != nil {
		return func() error { return nil }, nil // nobody can have it open
	}
	if o.Timeout <= 0 {
		o.Timeout = lockWait
	}
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: o.Timeout, OpenFile: openExisting})
	if errors.Is(err, berrors.ErrTimeout) {
		return nil, held(path, o)
	}
	if err != nil {
		return func() error { return nil }, nil // damaged: what is being repaired
	}
	return db.Close, nil
}

// writeWhole writes a file beside to, flushes it and moves it there.
func writeWhole(to string, write func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(to), filepath.Base(to)+".new-*") // 0600
	if err != nil {
		return fmt.Errorf("write %q: %w", to, err)
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone already where it was renamed
	w := bufio.NewWriterSize(f, 1<<20)         // few large writes
	if err := errors.Join(write(w), w.Flush(), f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write %q: %w", to, err)
	}
	if err := os.Rename(f.Name(), to); err != nil {
		return fmt.Errorf("write %q: %w", to, err)
	}
	return syncDir(filepath.Dir(to))
}
