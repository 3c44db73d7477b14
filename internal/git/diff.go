package git

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// Stat is the size of a difference. Lines of binary files count as none.
type Stat struct {
	Files   int `json:"files"`
	Added   int `json:"added"`
	Removed int `json:"removed"`
}

// Change is one path that differs between two trees. Renames are a delete and an add.
type Change struct {
	Path             string
	Status           byte // 'A', 'D', 'M' or 'T' (type changed)
	OldMode, NewMode string
	OldHash, NewHash string
}

// DiffStat sums up what changed from a to b (commits or trees).
func (r *Repo) DiffStat(ctx context.Context, a, b string) (Stat, error) {
	files, err := r.DiffFiles(ctx, a, b)
	var s Stat
	for _, f := range files {
		s.Files++
		s.Added += f.Added
		s.Removed += f.Removed
	}
	return s, err
}

// FileStat is the size of the change of one file.
type FileStat struct {
	Path           string
	Added, Removed int
	Binary         bool
}

// DiffFiles is DiffStat by file.
func (r *Repo) DiffFiles(ctx context.Context, a, b string) ([]FileStat, error) {
	if err := checkRevs(a, b); err != nil {
		return nil, err
	}
	_, out, err := r.g.run(ctx, r.call("diff-tree", "-r", "-z", "--numstat", "--no-renames", "--no-ext-diff", "--no-textconv", a, b, "--"))
	if err != nil {
		return nil, fmt.Errorf("diff stat of %s and %s: %w", short(a), short(b), err)
	}
	return parseNumstat(out), nil
}

func parseNumstat(out []byte) []FileStat {
	var files []FileStat
	for _, l := range splitNUL(out) {
		p := strings.SplitN(l, "\t", 3)
		if len(p) != 3 {
			continue
		}
		f := FileStat{Path: p[2], Binary: p[0] == "-"}
		f.Added, _ = strconv.Atoi(p[0])
		f.Removed, _ = strconv.Atoi(p[1])
		files = append(files, f)
	}
	return files
}

// DiffNames lists the paths that differ from a to b (commits or trees).
func (r *Repo) DiffNames(ctx context.Context, a, b string) ([]Change, error) {
	if err := checkRevs(a, b); err != nil {
		return nil, err
	}
	_, out, err := r.g.run(ctx, r.call("diff-tree", "-r", "-z", "--raw", "--no-abbrev", "--no-renames", a, b, "--"))
	if err != nil {
		return nil, fmt.Errorf("changed paths of %s and %s: %w", short(a), short(b), err)
	}
	var changes []Change
	f := splitNUL(out)
	for i := 0; i+1 < len(f); i += 2 {
		p := strings.Fields(strings.TrimPrefix(f[i], ":"))
		if len(p) != 5 || p[4] == "" {
			return nil, fmt.Errorf("changed paths of %s and %s: cannot read %q", short(a), short(b), f[i])
		}
		changes = append(changes, Change{Path: f[i+1], Status: p[4][0], OldMode: p[0], NewMode: p[1], OldHash: p[2], NewHash: p[3]})
	}
	return changes, nil
}

// Paths lists everything in a tree (or that of a commit), directories too, in order.
func (r *Repo) Paths(ctx context.Context, rev string) ([]string, error) {
	if err := checkRev(rev); err != nil {
		return nil, err
	}
	_, out, err := r.g.run(ctx, r.call("ls-tree", "-r", "-t", "-z", "--name-only", "--full-tree", rev))
	if err != nil {
		return nil, fmt.Errorf("paths of %s: %w", short(rev), err)
	}
	return splitNUL(out), nil
}

// DiffOptions narrows a Diff.
type DiffOptions struct {
	MaxBytes int      // 0: 4 MiB; the text is cut there
	Paths    []string // only these, literally
	// IgnoreCR leaves out differences in carriage returns at line ends.
	IgnoreCR bool
}

// Diff returns the change from a to b (commits or trees) as text, and whether it
// was cut. Whoever prints it strips control characters.
func (r *Repo) Diff(ctx context.Context, a, b string, o DiffOptions) (text string, cut bool, err error) {
	if err := checkRevs(a, b); err != nil {
		return "", false, err
	}
	args := []string{"diff-tree", "-r", "-p", "-M", "--no-ext-diff", "--no-textconv", "--no-color"}
	if o.IgnoreCR {
		args = append(args, "--ignore-cr-at-eol")
	}
	c := r.call(append(append(args, a, b, "--"), o.Paths...)...)
	c.pre = append(c.pre, "--literal-pathspecs")
	return r.cappedText(ctx, c, o.MaxBytes, "diff of "+short(a)+" and "+short(b))
}

func (r *Repo) cappedText(ctx context.Context, c call, maxBytes int, what string) (string, bool, error) {
	if maxBytes == 0 {
		maxBytes = 4 << 20
	}
	out := capped{max: maxBytes}
	c.out = &out
	if _, _, err := r.g.run(ctx, c); err != nil {
		return "", false, fmt.Errorf("%s: %w", what, err)
	}
	return out.String(), out.cut, nil
}
