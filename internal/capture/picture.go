package main

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
)

// picture is rows of a screen under the name of their place in README.md.
type picture struct {
	name string
	rows []string
}

// place puts a picture between its marks, as a block of code.
func place(text []byte, p picture) ([]byte, error) {
	begin, end := fmt.Sprintf("<!-- capture:%s -->\n", p.name), "<!-- capture:end -->\n"
	before, rest, ok := bytes.Cut(text, []byte(begin))
	if !ok {
		return nil, fmt.Errorf("%s has no place for the picture %q: no line %q", readme, p.name, strings.TrimSpace(begin))
	}
	_, after, ok := bytes.Cut(rest, []byte(end))
	if !ok {
		return nil, fmt.Errorf("the picture %q in %s has no end: no line %q", p.name, readme, strings.TrimSpace(end))
	}
	block := begin + "```\n" + strings.Join(p.rows, "\n") + "\n```\n" + end
	return slices.Concat(before, []byte(block), after), nil
}

// frame cuts the first box out of a screen whose upper left and lower right corners are these. Without one it is
// the whole screen.
func frame(rows []string, from, to rune) []string {
	top := slices.IndexFunc(rows, func(row string) bool { return strings.ContainsRune(row, from) })
	low := slices.IndexFunc(rows, func(row string) bool { return strings.ContainsRune(row, to) })
	if top < 0 || low < top {
		return rows
	}
	left, right := slices.Index([]rune(rows[top]), from), slices.Index([]rune(rows[low]), to)
	var out []string
	for _, row := range rows[top : low+1] { // all characters of our own pictures are one cell wide
		cells := []rune(row)
		out = append(out, strings.TrimRight(string(cells[min(left, len(cells)):min(right+1, len(cells))]), " "))
	}
	return out
}

// private refuses a picture that tells about this machine or who sits at it.
func (s *studio) private(p picture) error {
	host, err := os.Hostname()
	if err != nil {
		host = ""
	}
	text := strings.Join(p.rows, "\n")
	for _, word := range []string{s.dir, os.TempDir() + "/", os.Getenv("HOME"), os.Getenv("USER"), host} {
		if len(word) > 1 && strings.Contains(text, word) {
			return fmt.Errorf("the picture %q shows %q, which is of this machine:\n%s", p.name, word, text)
		}
	}
	return nil
}
