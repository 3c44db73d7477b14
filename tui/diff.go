package tui

import (
	"fmt"
	"strconv"
	"strings"

	"gastown/beads"
	"gastown/internal/api"
)

// diffDoc is a unified diff, taken apart once, so that drawing a window of 100,000 lines
// touches only what is shown. The lines share the text's memory.
type diffDoc struct {
	diff  api.Diff
	lines []string
	no    []int32 // line number in the new file, or of a removed line in the old one; 0: none
	files []diffPart
	hunks []int // lines that begin one

	digits int // of the longest line number
}

// diffPart is one file of the diff: its lines are [from, to).
type diffPart struct {
	path           string
	added, removed int
	binary         bool
	from, to       int
}

// newDiffDoc reads a diff. It is called off Update.
func newDiffDoc(d api.Diff) *diffDoc {
	doc := &diffDoc{diff: d}
	text := strings.TrimSuffix(d.Text, "\n")
	if text == "" {
		return doc
	}
	all := strings.Split(text, "\n")
	doc.lines = all[:0]
	doc.no = make([]int32, 0, len(all))
	var before, after int32 // next line numbers
	in := false
	for _, s := range all {
		i := len(doc.lines)
		if !in && isNoise(s) {
			continue
		}
		doc.lines, doc.no = append(doc.lines, s), append(doc.no, 0)
		switch {
		case strings.HasPrefix(s, "diff --git "):
			doc.file(i)
			doc.lines[i] = doc.files[len(doc.files)-1].path
			in = false
		case strings.HasPrefix(s, "@@"):
			before, after = hunkStart(s)
			doc.hunks = append(doc.hunks, i)
			in = true
		case !in || s == "" || s[0] == '\\':
		case s[0] == '+':
			doc.no[i] = after
			after++
		case s[0] == '-':
			doc.no[i] = before
			before++
		default:
			doc.no[i] = after
			before, after = before+1, after+1
		}
	}
	doc.file(len(doc.lines))
	doc.files = doc.files[:len(doc.files)-1]
	most := int32(0)
	for _, n := range doc.no {
		most = max(most, n)
	}
	doc.digits = max(len(itoa(int(most))), 4)
	return doc
}

// isNoise reports lines of a file's head that the name and the marks say already.
func isNoise(s string) bool {
	return strings.HasPrefix(s, "index ") || strings.HasPrefix(s, "--- ") || strings.HasPrefix(s, "+++ ")
}

// isName reports whether line i is the name of a file.
func (d *diffDoc) isName(i int) bool {
	f := d.fileAt(i)
	return f >= 0 && d.files[f].from == i
}

// file begins a file at line i and ends the one before.
func (d *diffDoc) file(i int) {
	if n := len(d.files); n > 0 {
		d.files[n-1].to = i
	}
	p := diffPart{from: i, to: i}
	if n := len(d.files); n < len(d.diff.Files) {
		f := d.diff.Files[n]
		p.path, p.added, p.removed, p.binary = clean(f.Path), f.Added, f.Removed, f.Binary
	}
	d.files = append(d.files, p)
}

// hunkStart reads "@@ -41,6 +41,14 @@".
func hunkStart(s string) (before, after int32) {
	at := func(mark string) int32 {
		_, rest, _ := strings.Cut(s, mark)
		end := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
		n, _ := strconv.ParseInt(rest[:max(end, 0)], 10, 32)
		return int32(n)
	}
	return at(" -"), at(" +")
}

// fileAt is the file that line i belongs to; -1 when there is none.
func (d *diffDoc) fileAt(i int) int {
	for n := len(d.files) - 1; n >= 0; n-- {
		if i >= d.files[n].from {
			return n
		}
	}
	return -1
}

// hunkAt is the hunk line i belongs to, counted from 1 within its file, and how many that has.
func (d *diffDoc) hunkAt(i int) (n, of int) {
	f := d.fileAt(i)
	if f < 0 {
		return 0, 0
	}
	for _, h := range d.hunks {
		if h < d.files[f].from || h >= d.files[f].to {
			continue
		}
		of++
		if h <= i {
			n++
		}
	}
	return n, of
}

// step is the nearest of marks after (or before) line i; i when there is none.
func step(marks []int, i, by int) int {
	if by > 0 {
		for _, m := range marks {
			if m > i {
				return m
			}
		}
		return i
	}
	for n := len(marks) - 1; n >= 0; n-- {
		if marks[n] < i {
			return marks[n]
		}
	}
	return i
}

func (d *diffDoc) fileStarts() []int {
	out := make([]int, len(d.files))
	for i, f := range d.files {
		out[i] = f.from
	}
	return out
}

// place names a line for a person and an agent: path:number.
func (d *diffDoc) place(i int) string {
	f := d.fileAt(i)
	if f < 0 {
		return ""
	}
	if d.no[i] == 0 {
		return d.files[f].path
	}
	if strings.HasPrefix(d.lines[i], "-") {
		return fmt.Sprintf("%s:%d (removed)", d.files[f].path, d.no[i])
	}
	return fmt.Sprintf("%s:%d", d.files[f].path, d.no[i])
}

// key names the attempt.
func (d *diffDoc) key() string { return beads.AttemptKey(d.diff.Bead, d.diff.Attempt) }

// remark is what the person says of one line.
type remark struct {
	place, quote, text string
}

// review is remarks as the agent reads them.
func review(d api.Diff, remarks []remark) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Review of %s, attempt %d:\n", d.Bead, d.Attempt)
	for _, r := range remarks {
		fmt.Fprintf(&b, "\n%s\n", r.place)
		if strings.TrimSpace(r.quote) != "" {
			fmt.Fprintf(&b, "> %s\n", r.quote)
		}
		b.WriteString(r.text + "\n")
	}
	return b.String()
}
