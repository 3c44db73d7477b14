package store

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"gastown/internal/fault"
)

const (
	lockWait = time.Second // a one-shot command holds the lock for milliseconds
	// A reader blocks a writer that must map a bigger file, for as long as it reads (3 s for a 3 s reader,
	// measured). 256 MiB of address space is more than a town ever needs and costs nothing until used.
	mmapSize  = 256 << 20
	growBy    = 1 << 20 // how much the file grows at a time; bbolt's 16 MiB is a lot for a small town
	pageHead  = 16      // bytes in front of a bbolt meta page's fields
	boltMagic = 0xED0CDAED
)

// Open opens the store at path and takes its lock, or creates it where there was none. It never
// makes a new file where an old one is missing, empty or damaged. An older schema is backed up
// and migrated; a newer one is refused.
func Open(path string, o Options) (*Store, error) { return open(path, o, current()) }

func open(path string, o Options, sc schema) (*Store, error) {
	if o.Timeout <= 0 {
		o.Timeout = lockWait
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if err := ensure(path, o, sc); err != nil {
		return nil, err
	}
	var file *os.File
	openFile := func(name string, flag int, perm os.FileMode) (_ *os.File, err error) {
		file, err = openExisting(name, flag, perm)
		return file, err
	}
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{
		Timeout: o.Timeout, ReadOnly: o.ReadOnly, NoSync: o.NoSync, NoGrowSync: o.NoSync, NoStatistics: true,
		FreelistType: bbolt.FreelistMapType, InitialMmapSize: mapSize(), MaxSize: o.maxSize,
		OpenFile: openFile,
	})
	switch {
	case errors.Is(err, berrors.ErrTimeout):
		return nil, held(path, o)
	case errors.Is(err, fs.ErrPermission):
		return nil, fault.Unavailablef("store %q: %w", path, err).WithHint("the file must be readable and writable by you")
	case err != nil:
		return nil, damaged(path, err)
	}
	if !same(file, path) {
		return nil, errors.Join(fault.Unavailablef("store %q: it was replaced while its lock was waited for", path).WithHint("try again"), db.Close())
	}
	db.AllocSize = growBy
	s := &Store{db: db, path: path, now: o.Now}
	if err := s.settle(sc, o.ReadOnly); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return s, nil
}

// same reports whether path still names the file that was locked: a restore moves another there.
func same(f *os.File, path string) bool {
	locked, err := f.Stat()
	if err != nil {
		return false
	}
	named, err := os.Stat(path)
	return err == nil && os.SameFile(locked, named)
}

// mapSize: Windows makes the file as large as its mapping.
func mapSize() int {
	if runtime.GOOS == "windows" {
		return 0
	}
	return mmapSize
}

// settle is what remains to do once the lock is ours: say so, look at the schema, migrate.
func (s *Store) settle(sc schema, readOnly bool) error {
	have, err := s.version()
	if err != nil {
		return err
	}
	switch {
	case have > sc.version:
		return fault.Unavailablef("store %q: written by a newer gastown (schema %d, this one knows %d)", s.path, have, sc.version).
			WithHint("use the newer gastown, or `gastown restore` a backup from before it")
	case readOnly && have < sc.version:
		return fault.Unavailablef("store %q: schema %d is older than %d and was opened to read only", s.path, have, sc.version)
	case readOnly:
		return nil
	}
	if err := writeOwner(s.path, s.now()); err != nil {
		return err
	}
	return s.migrate(sc, have)
}

// ensure makes sure that a whole store file is at path.
func ensure(path string, o Options, sc schema) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if existed(path) || o.ReadOnly {
			return fault.Unavailablef("store %q: the file is gone", path).
				WithHint("`gastown restore FILE` with one of %s", BackupDir(path))
		}
		return create(path, sc)
	case err != nil:
		return fault.Unavailablef("store %q: %w", path, err)
	case !info.Mode().IsRegular():
		return damaged(path, errors.New("not a regular file"))
	}
	return whole(path)
}

// existed reports whether there was a store at path before: every owner leaves its name.
func existed(path string) bool {
	if _, err := os.Lstat(ownerPath(path)); err == nil {
		return true
	}
	old, err := filepath.Glob(filepath.Join(BackupDir(path), "*.db"))
	return err == nil && len(old) > 0
}

// create builds an empty store beside path and links it there once it is on disk, so that a power
// cut leaves a whole file or none, and of two creators one wins.
func create(path string, sc schema) (err error) {
	tmp, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".new-*")
	if err != nil {
		return fault.Unavailablef("create store %q: %w", path, err)
	}
	defer func() { _ = os.Remove(tmp.Name()) }() // gone already where it was renamed
	if err := tmp.Close(); err != nil {
		return fmt.Errorf("create store %q: %w", path, err)
	}
	db, err := bbolt.Open(tmp.Name(), 0o600, &bbolt.Options{FreelistType: bbolt.FreelistMapType, Timeout: lockWait})
	if err != nil {
		return fmt.Errorf("create store %q: %w", path, err)
	}
	if err := errors.Join(db.Update(sc.init), db.Close()); err != nil {
		return fmt.Errorf("create store %q: %w", path, err)
	}
	err = os.Link(tmp.Name(), path)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		err = os.Rename(tmp.Name(), path) // a file system without links
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return fault.Unavailablef("create store %q: %w", path, err)
	}
	return syncDir(filepath.Dir(path))
}

// openExisting is bbolt's way to its file, without the right to create one.
func openExisting(name string, flag int, perm os.FileMode) (*os.File, error) {
	return os.OpenFile(name, flag&^os.O_CREATE, perm)
}

// whole checks that the file is as long as its newest meta page says. bbolt maps the file, and
// touching a page that is not there would end the process.
func whole(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fault.Unavailablef("store %q: %w", path, err)
	}
	defer func() { _ = f.Close() }() // was only read
	pages, size := uint64(0), uint64(os.Getpagesize())
	if first, n, ok := readMeta(f, 0); ok {
		pages, size = first, n
	}
	if second, n, ok := readMeta(f, int64(size)); ok {
		pages, size = max(pages, second), n
	}
	info, err := f.Stat()
	if err != nil {
		return fault.Unavailablef("store %q: %w", path, err)
	}
	if pages == 0 {
		return damaged(path, errors.New("not a store (no valid first page)"))
	}
	if uint64(info.Size()) < pages*size {
		return damaged(path, fmt.Errorf("truncated: %d bytes of %d", info.Size(), pages*size))
	}
	return nil
}

// readMeta reads the count of pages and the size of one from the meta page at offset.
func readMeta(f *os.File, offset int64) (pages, size uint64, ok bool) {
	var b [pageHead + 64]byte
	if _, err := f.ReadAt(b[:], offset); err != nil {
		return 0, 0, false
	}
	m := b[pageHead:]
	if binary.NativeEndian.Uint32(m) != boltMagic {
		return 0, 0, false
	}
	return binary.NativeEndian.Uint64(m[40:]), uint64(binary.NativeEndian.Uint32(m[8:])), true
}

func damaged(path string, err error) error {
	return fault.Unavailablef("store %q: %w", path, err).
		WithHint("`gastown restore FILE` with one of %s; the file is left as it is", BackupDir(path))
}

// ErrHeld is in the errors about a store that another process has open.
var ErrHeld = errors.New("the store is held")

func held(path string, opt Options) error {
	e := fault.Error{Kind: fault.Unavailable, Msg: fmt.Sprintf("store %q: held by another process", path), Err: ErrHeld}
	if o, ok := ReadOwner(path); ok {
		where := ""
		if opt.Terminal != nil {
			if tty := opt.Terminal(o.PID); tty != "" {
				where = " on " + tty
			}
		}
		e.Msg = fmt.Sprintf("store %q: held by process %d%s since %s", path, o.PID, where, o.Since.Local().Format("2006-01-02 15:04"))
		e.Hint = "that gastown owns the town; stop it with `gastown down`"
	}
	return &e
}

// Owner is the process that took the store's lock last.
type Owner struct {
	PID   int       `json:"pid"`
	Since time.Time `json:"since"`
}

func ownerPath(path string) string { return path + ".owner" }

// ReadOwner is who took the lock of the store at path last. Whether they still hold it only the lock tells.
func ReadOwner(path string) (Owner, bool) {
	var o Owner
	raw, err := os.ReadFile(ownerPath(path))
	if err != nil || json.Unmarshal(raw, &o) != nil {
		return Owner{}, false
	}
	return o, o.PID > 0
}

// ownerSize is what an Owner is padded to: written over in place, it needs no room on a full disk.
const ownerSize = 96

// writeOwner leaves our name for whoever finds the lock held. It is also how a later start knows that
// there was a store here, so it is never removed.
func writeOwner(path string, now time.Time) error {
	raw, err := json.Marshal(Owner{PID: os.Getpid(), Since: now.UTC().Truncate(time.Second)})
	if err != nil {
		return fmt.Errorf("name owner of store %q: %w", path, err)
	}
	f, err := os.OpenFile(ownerPath(path), os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return fault.Unavailablef("name owner of store %q: %w", path, err)
	}
	_, err = fmt.Fprintf(f, "%-*s\n", ownerSize, raw)
	if err := errors.Join(err, f.Close()); err != nil {
		return fault.Unavailablef("name owner of store %q: %w", path, err)
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync directory %q: %w", dir, err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil && runtime.GOOS != "windows" {
		return fmt.Errorf("sync directory %q: %w", dir, err)
	}
	return nil
}
