package run

import (
	"context"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"unicode"

	"gastown/internal/git"
)

// A tree can hold what no checkout can, or should. Git itself refuses to add most of it, and objects can be made
// without git's checks: only what an agent adds or changes is looked at, the target is the person's.

const (
	linkMost  = 4 << 10 // bytes of a symbolic link's target
	wrongMost = 10      // of what is wrong that is told
)

// Unfit says what is wrong with the change from one tree (or commit) to another, and what to do about it, or
// nothing: paths that are git's own, links out of the repository, and, where the repository is used on a file
// system that does not tell case apart, names that would be one there.
func (r *Runner) Unfit(ctx context.Context, from, to string, changes []git.Change) (why, detail string, err error) {
	var wrong []string
	var links []git.Change
	adds := false
	seen := map[string]bool{}
	for _, c := range changes {
		if c.Status == 'D' {
			continue
		}
		adds = adds || c.Status == 'A'
		switch {
		case gitsOwn(c.Path):
			wrong = append(wrong, fmt.Sprintf("%s is a path of git's own, which no checkout can have", clean(c.Path)))
		case seen[c.Path]:
			wrong = append(wrong, fmt.Sprintf("%s is in the tree twice", clean(c.Path)))
		case c.NewMode == "120000":
			links = append(links, c)
		}
		seen[c.Path] = true
	}
	more, err := r.links(ctx, links)
	if err != nil {
		return "", "", err
	}
	wrong = append(wrong, more...)
	if adds {
		if more, err = r.sameButCase(ctx, from, to); err != nil {
			return "", "", err
		}
		wrong = append(wrong, more...)
	}
	if len(wrong) == 0 {
		return "", "", nil
	}
	why = wrong[0]
	if n := len(wrong) - 1; n > 0 {
		why += fmt.Sprintf(", and %d more", n)
	}
	return why, "This cannot land:\n  " + strings.Join(wrong[:min(len(wrong), wrongMost)], "\n  ") +
		"\nTake it out or give it another name, in a new commit.\n", nil
}

// gitsOwn reports whether a path is one that git keeps for itself, on any file system: some leave characters out,
// or know a file by a short name.
func gitsOwn(p string) bool {
	for part := range strings.SplitSeq(p, "/") {
		plain := strings.Map(func(c rune) rune {
			if unicode.Is(unicode.Cf, c) {
				return -1
			}
			return unicode.ToLower(c)
		}, part)
		plain, _, _ = strings.Cut(plain, ":")
		plain = strings.TrimRight(plain, " .")
		if part == "" || part == "." || part == ".." || plain == ".git" || plain == "git~1" {
			return true
		}
	}
	return false
}

// links says which symbolic links lead out of the repository, or into what is git's own.
func (r *Runner) links(ctx context.Context, links []git.Change) (wrong []string, err error) {
	var hashes []string
	for _, c := range links {
		hashes = append(hashes, c.NewHash)
	}
	err = r.Repo.Blobs(ctx, hashes, func(i int, size int64, content io.Reader) error {
		name := links[i].Path
		data, err := io.ReadAll(io.LimitReader(content, linkMost))
		if err != nil {
			return err
		}
		to := string(data)
		leads := path.Clean(path.Join(path.Dir(name), to))
		switch {
		case strings.EqualFold(path.Base(name), ".gitmodules"):
			wrong = append(wrong, fmt.Sprintf("%s is a link, which git refuses", clean(name)))
		case size > linkMost || path.IsAbs(to) || leads == ".." || strings.HasPrefix(leads, "../"):
			wrong = append(wrong, fmt.Sprintf("the link %s leads out of the repository, to %s", clean(name), clean(to)))
		case leads != "." && gitsOwn(leads):
			wrong = append(wrong, fmt.Sprintf("the link %s leads to %s, which is git's own", clean(name), clean(to)))
		}
		return nil
	})
	return wrong, err
}

// sameButCase names paths that came to differ in case only, where that matters.
func (r *Runner) sameButCase(ctx context.Context, from, to string) (wrong []string, err error) {
	if r.FoldsCase == nil || !r.FoldsCase(ctx) {
		return nil, nil
	}
	now, err := r.Repo.Paths(ctx, to)
	if err != nil {
		return nil, err
	}
	clashes := folded(now)
	if len(clashes) == 0 {
		return nil, nil
	}
	before, err := r.Repo.Paths(ctx, from)
	if err != nil {
		return nil, err
	}
	known := folded(before)
	for _, c := range clashes {
		if !slices.Contains(known, c) {
			wrong = append(wrong, fmt.Sprintf("%s and %s differ in case only, and this repository is used where they are one file (core.ignoreCase)", clean(c[0]), clean(c[1])))
		}
	}
	return wrong, nil
}

// folded finds the pairs of paths in one directory that differ in case only.
func folded(paths []string) (pairs [][2]string) {
	first := map[string]string{}
	for _, p := range paths {
		key := path.Dir(p) + "/" + strings.Map(fold, path.Base(p))
		if other, ok := first[key]; ok {
			pairs = append(pairs, [2]string{other, p})
		} else {
			first[key] = p
		}
	}
	return pairs
}

// fold is one rune for all that differ in case only.
func fold(c rune) rune {
	least := c
	for f := unicode.SimpleFold(c); f != c; f = unicode.SimpleFold(f) {
		least = min(least, f)
	}
	return least
}
