package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"gastown/internal/fault"
)

// Registry is towns.toml: which town a repository belongs to.
type Registry struct {
	Towns map[string]string // repository root -> town directory, both absolute
}

const registryText = "# Which gastown town each repository belongs to. Written by \"gastown rig add\".\n\n[towns]\n"

// LoadRegistry reads towns.toml. A file that does not exist is an empty registry.
func LoadRegistry(path string) (Registry, error) {
	r := Registry{Towns: map[string]string{}}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return r, fmt.Errorf("read the list of towns: %w", err)
	}
	d, err := parseDocument(path, data)
	if err != nil {
		return r, err
	}
	for _, e := range d.entries {
		town, ok := e.value.(string)
		if len(e.path) != 2 || e.path[0] != "towns" || !ok {
			return r, fault.Usagef("%s:%d: %s: want a repository = a town, as texts, below [towns]", path, e.line, showPath(e.path))
		}
		r.Towns[e.path[1]] = town
	}
	return r, nil
}

// Lookup returns the town of the repository that dir is in: that of the nearest
// directory above it that is listed.
func (r Registry) Lookup(dir string) (town string, ok bool) {
	for {
		if town, ok := r.Towns[dir]; ok {
			return town, true
		}
		if dir == filepath.Dir(dir) {
			return "", false
		}
		dir = filepath.Dir(dir)
	}
}

// Register writes down that the repository at root belongs to town, making the
// file and its directory where needed. Towns of other hosts are kept: the file is
// changed under a lock. Writing the same again changes nothing.
func Register(path, root, town string) error {
	return editRegistry(path, func(d *document) ([]byte, error) {
		if e, ok := d.find([]string{"towns", root}); ok && e.value == town {
			return d.data, nil
		}
		return d.set([]string{"towns", root}, town)
	})
}

// Unregister removes the repository at root from the list if it is there as town's;
// one that is not is success.
func Unregister(path, root, town string) error {
	return editRegistry(path, func(d *document) ([]byte, error) {
		e, ok := d.find([]string{"towns", root})
		if !ok || e.value != town {
			return d.data, nil
		}
		return d.splice(e.lineStart, e.lineEnd, ""), nil
	})
}

func editRegistry(path string, f func(d *document) ([]byte, error)) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("write the list of towns: %w", err)
	}
	unlock, err := lockFile(path + ".lock")
	if err != nil {
		return fmt.Errorf("write the list of towns: %w", err)
	}
	defer unlock()
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		data, err = []byte(registryText), nil
	}
	if err != nil {
		return fmt.Errorf("write the list of towns: %w", err)
	}
	d, err := parseDocument(path, data)
	if err != nil {
		return err
	}
	out, err := f(d)
	if err != nil || string(out) == string(data) && len(d.entries) > 0 {
		return err
	}
	return WriteFile(path, out)
}

// lockFile waits for an advisory lock, held for the few milliseconds of an edit.
func lockFile(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		if err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != syscall.EINTR {
			break
		}
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() { _ = f.Close() }, nil // closing gives the lock back
}
