package run

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// logHalf is the size at which a log is set aside as NAME.1 and begun anew: both together hold the last 4 to 8 MiB.
const logHalf = 4 << 20

// logFile keeps the raw end of a session's output for people. It belongs to one goroutine. A failing disk stops the log
// and never the session. Nil is a log that keeps nothing.
type logFile struct {
	path string
	f    *os.File // nil after an error
	size int64
}

// openLog opens path for appending, readable by its owner only.
func openLog(path string) (*logFile, error) {
	if path == "" {
		return nil, nil
	}
	l := &logFile{path: path}
	return l, l.open(os.O_APPEND)
}

func (l *logFile) open(flag int) error {
	f, err := os.OpenFile(l.path, os.O_WRONLY|os.O_CREATE|flag, 0o600)
	if err != nil {
		return fmt.Errorf("open log: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		_ = f.Close()
		return fmt.Errorf("open log: %w", err)
	}
	l.f, l.size = f, info.Size()
	return nil
}

func (l *logFile) write(p []byte) {
	if l == nil || l.f == nil {
		return
	}
	if l.size+int64(len(p)) > logHalf {
		l.rotate()
	}
	if l.f == nil {
		return
	}
	n, err := l.f.Write(p)
	l.size += int64(n)
	if err != nil {
		_ = l.close()
	}
}

// rotate sets the present file aside in place of the one before.
func (l *logFile) rotate() {
	_ = l.close()
	if err := os.Rename(l.path, l.path+".1"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return
	}
	_ = l.open(os.O_TRUNC) // without it the log ends here
}

func (l *logFile) close() error {
	if l == nil || l.f == nil {
		return nil
	}
	f := l.f
	l.f = nil
	return f.Close()
}
