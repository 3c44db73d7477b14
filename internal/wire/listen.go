package wire

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"

	"gastown/internal/fault"
)

// Listener is the town's socket, bound. Its Close removes the socket file, unless
// another server has bound the path since.
type Listener struct {
	*net.UnixListener
	path string
	file fs.FileInfo
}

// Listen binds path, mode 0600 in a directory of mode 0700 that belongs to this user. A
// socket file that a dead server left is removed; where somebody answers, or where
// something other than a socket is in the way, the error is of kind Unavailable.
func Listen(path string) (*Listener, error) {
	if err := privateDir(filepath.Dir(path)); err != nil {
		return nil, fault.Unavailablef("socket %q: %w", path, err)
	}
	unlock, err := lockFile(path + ".lock")
	if err != nil {
		return nil, fault.Unavailablef("socket %q: %w", path, err)
	}
	defer unlock()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if errors.Is(err, syscall.EADDRINUSE) {
		if err := removeStale(path); err != nil {
			return nil, err
		}
		l, err = net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	}
	if err != nil {
		return nil, fault.Unavailablef("socket %q: %w", path, err)
	}
	l.SetUnlinkOnClose(false)
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fault.Unavailablef("socket %q: %w", path, err), l.Close())
	}
	file, err := os.Lstat(path)
	if err != nil {
		return nil, errors.Join(fault.Unavailablef("socket %q: %w", path, err), l.Close())
	}
	return &Listener{UnixListener: l, path: path, file: file}, nil
}

// Close stops listening and removes the socket file if it is still this listener's.
func (l *Listener) Close() error {
	if now, err := os.Lstat(l.path); err == nil && os.SameFile(now, l.file) {
		if err := os.Remove(l.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return errors.Join(fmt.Errorf("remove socket %q: %w", l.path, err), l.UnixListener.Close())
		}
	}
	return l.UnixListener.Close()
}

// privateDir makes dir, or sees to it that nobody else can reach into it.
func privateDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("%q is not a directory", dir)
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok && int(st.Uid) != os.Getuid() {
		return fmt.Errorf("directory %q belongs to another user", dir)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return os.Chmod(dir, 0o700)
	}
	return nil
}

// lockFile keeps two servers from judging the same stale socket at once: the second
// would remove what the first has just bound. The file stays, the lock ends with unlock.
func lockFile(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock %q: %w", path, err), f.Close())
	}
	return func() { _ = f.Close() }, nil
}

func removeStale(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return fault.Unavailablef("socket %q: %w", path, err)
	}
	if info.Mode().Type() != fs.ModeSocket {
		return fault.Unavailablef("socket %q: something that is not a socket is in its place", path).
			WithHint("move it away")
	}
	conn, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
	if err == nil {
		_ = conn.Close()
		return fault.Unavailablef("socket %q: another host answers on it", path)
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return fault.Unavailablef("socket %q: %w", path, err)
	}
	if err := os.Remove(path); err != nil {
		return fault.Unavailablef("remove stale socket %q: %w", path, err)
	}
	return nil
}
