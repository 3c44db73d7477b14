package main

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
)

// demoName begins the name of a demo's own directory.
const demoName = "gastown-demo-"

// demoDir makes a directory for a demo that keeps nothing, and clears away those of demos that were killed. It is held
// by a lock until leave, which removes it.
func demoDir() (dir string, leave func() error, err error) {
	clearDemos()
	if dir, err = os.MkdirTemp("", demoName); err != nil {
		return "", nil, err
	}
	held, err := hold(dir)
	if err != nil {
		return "", nil, errors.Join(err, os.RemoveAll(dir))
	}
	return dir, func() error { return errors.Join(os.RemoveAll(dir), held.Close()) }, nil
}

// clearDemos removes the towns of demos whose process is gone. One without its database is only just begun, or none.
func clearDemos() {
	dirs, err := filepath.Glob(filepath.Join(os.TempDir(), demoName+"*"))
	if err != nil {
		return
	}
	for _, dir := range dirs {
		if info, err := os.Lstat(dir); err != nil || !info.IsDir() {
			continue
		}
		held, err := hold(dir)
		if err != nil {
			continue
		}
		if db, err := hold(filepath.Join(dir, "town.db")); err == nil {
			_ = os.RemoveAll(dir) // what is left of it is for the next demo
			_ = db.Close()
		}
		_ = held.Close()
	}
}

// hold takes the lock of a file or directory that is there, which ends with the process; an error where somebody has it.
func hold(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}
