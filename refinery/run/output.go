package run

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Caps of a gate's output: what is kept of a log, and what an agent is told.
const (
	keepHead  = 4 << 20 // 8 MiB in all (refinery.md A5)
	keepTail  = 4 << 20
	freeStep  = 1 << 20   // no call for less
	hardCap   = 256 << 20 // where the middle of a file cannot be freed
	tailLines = 200       // domain.md
	tailBytes = 32 << 10
)

// output is the log of one gate: a regular file that the gate appends to, so that
// nobody waits for a pipe that a stray child holds open. While the gate runs, what
// is past the cap is given back to the file system from the middle of the file, which
// loses nothing at its end; finish closes the gap.
type output struct {
	path  string
	file  *os.File
	size  int64 // at the last look
	freed int64 // the file is a hole from keepHead to here
	lost  int64 // bytes cut off where holes cannot be made
}

func newOutput(path string) (*output, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("make log directory: %w", err)
	}
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return nil, fmt.Errorf("replace log %q: %w", path, err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("make log %q: %w", path, err)
	}
	return &output{path: path, file: f}, nil
}

// grown reports whether anything was written since the last look, and enforces the cap.
func (o *output) grown() bool {
	st, err := o.file.Stat()
	if err != nil {
		return false
	}
	grown := st.Size() != o.size
	o.size = st.Size()
	if from, to := max(o.freed, keepHead), o.size-keepTail; to-from >= freeStep {
		o.free(from, to)
	}
	return grown
}

// free gives the blocks between two offsets back. On a file system that cannot, the
// log is cut at its head once it is far too long.
func (o *output) free(from, to int64) {
	if punch(o.file, from, to-from) == nil {
		o.freed = to
		return
	}
	if o.size > hardCap && o.file.Truncate(keepHead) == nil {
		o.lost += o.size - keepHead
		o.size, o.freed = keepHead, 0
	}
}

func (o *output) note(s string) { _, _ = o.file.WriteString(s) }

// finish puts the log in its final form, closes it and gives its path and last
// lines. Nobody writes to it any more.
func (o *output) finish() (path, tail string) {
	defer func() { _ = o.file.Close() }()
	st, err := o.file.Stat()
	if err != nil {
		return o.path, ""
	}
	size := st.Size()
	if size > keepHead+keepTail || o.lost > 0 {
		size = o.join(size)
	}
	return o.path, lastLines(string(o.last(size, tailBytes)))
}

// join leaves head, a mark and the newest part, and gives the new size.
func (o *output) join(size int64) int64 {
	end := o.last(size, min(keepTail, max(0, size-keepHead)))
	if o.file.Truncate(min(keepHead, size)) != nil {
		return size
	}
	o.note(fmt.Sprintf("\n[gastown: %d bytes cut here]\n", max(0, size+o.lost-keepHead-int64(len(end)))))
	_, _ = o.file.Write(end)
	st, err := o.file.Stat()
	if err != nil {
		return size
	}
	return st.Size()
}

// last is the end of the file, at most n bytes.
func (o *output) last(size, n int64) []byte {
	buf := make([]byte, min(size, n))
	read, _ := o.file.ReadAt(buf, size-int64(len(buf)))
	return buf[:read]
}

// lastLines is the end of a log as plain text.
func lastLines(s string) string {
	s = strings.TrimRight(plain(s), "\n")
	lines := strings.Split(s, "\n")
	if len(lines) > tailLines {
		lines = lines[len(lines)-tailLines:]
	}
	return strings.Join(lines, "\n")
}

// plain drops escape sequences and control characters but newline and tab.
func plain(s string) string {
	var b strings.Builder
	rs := []rune(strings.ToValidUTF8(s, "�"))
	for i := 0; i < len(rs); i++ {
		switch c := rs[i]; {
		case c == '\x1b':
			i = escapeEnd(rs, i)
		case c == '\n' || c == '\t':
			b.WriteRune(c)
		case c < 0x20 || c >= 0x7f && c < 0xa0:
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}

// escapeEnd is the index of the last rune of the escape sequence that begins at i.
// One that does not end on its line is only its first rune.
func escapeEnd(rs []rune, i int) int {
	if i+1 >= len(rs) || rs[i+1] != '[' {
		return min(i+1, len(rs)-1)
	}
	for j := i + 2; j < len(rs) && rs[j] != '\n'; j++ {
		if rs[j] >= 0x40 && rs[j] <= 0x7e {
			return j
		}
	}
	return i + 1
}
