package proc

import (
	"fmt"
	"os"
	"runtime"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// openPTY returns the two ends of a new terminal of the given size.
func openPTY(size Size) (master, slave *os.File, err error) {
	m, slave, err := pty.Open()
	if err != nil {
		return nil, nil, fmt.Errorf("open terminal: %w", err)
	}
	if master, err = pollable(m); err != nil {
		_ = slave.Close()
		return nil, nil, fmt.Errorf("open terminal: %w", err)
	}
	if err := setSize(master, size); err != nil {
		_ = master.Close()
		_ = slave.Close()
		return nil, nil, err
	}
	return master, slave, nil
}

// pollable takes over f and returns a handle whose Close ends a pending Read. creack/pty calls f.Fd, which makes a file
// blocking for good. On macOS terminals are left alone: kqueue loses events of /dev/ptmx.
func pollable(f *os.File) (*os.File, error) {
	if runtime.GOOS == "darwin" {
		return f, nil
	}
	defer f.Close()
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), f.Name()), nil
}

func setSize(master *os.File, size Size) error {
	conn, err := master.SyscallConn()
	if err != nil {
		return fmt.Errorf("resize terminal: %w", err)
	}
	var inner error
	err = conn.Control(func(fd uintptr) {
		inner = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ,
			&unix.Winsize{Row: uint16(size.Rows), Col: uint16(size.Cols)})
	})
	if err == nil {
		err = inner
	}
	if err != nil {
		return fmt.Errorf("resize terminal to %dx%d: %w", size.Cols, size.Rows, err)
	}
	return nil
}

func signalName(s unix.Signal) string {
	if name := unix.SignalName(s); name != "" {
		return name
	}
	return fmt.Sprintf("signal %d", int(s))
}
