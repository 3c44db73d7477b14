package git

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Trailer is a "Key: value" line at the end of a message.
type Trailer struct{ Key, Value string }

// Commit is a commit as Log gives it.
type Commit struct {
	Hash, Tree string
	Parents    []string
	Author     Ident
	Committer  Ident
	Subject    string
	Message    string // all of it
	Trailers   []Trailer
}

// Trailer returns the last value of the trailer, compared without case, or "".
func (c Commit) Trailer(key string) string {
	for i := len(c.Trailers) - 1; i >= 0; i-- {
		if strings.EqualFold(c.Trailers[i].Key, key) {
			return c.Trailers[i].Value
		}
	}
	return ""
}

// LogOptions narrows a Log.
type LogOptions struct {
	From        string   // required: newest commit
	Not         []string // commits whose history is left out
	FirstParent LogHistory
	Max         int      // 0: all
	Paths       []string // only commits that change one of these, literally
}

// LogHistory says which parents a Log follows.
type LogHistory int

const (
	// AllParents follows every parent.
	AllParents LogHistory = iota
	// FirstParent follows first parents only: one entry per landing.
	FirstParent
)

const logFormat = "--format=%H%x00%T%x00%P%x00%an%x00%ae%x00%ad%x00%cn%x00%ce%x00%cd%x00%B%x00" +
	"%(trailers:only=true,unfold=true,separator=%x1e,key_value_separator=%x1f)"

// logFields is the number of fields in logFormat.
const logFields = 11

// Log lists commits, newest first.
func (r *Repo) Log(ctx context.Context, o LogOptions) ([]Commit, error) {
	if err := checkRevs(append([]string{o.From}, o.Not...)...); err != nil {
		return nil, err
	}
	args := []string{"log", "-z", "--no-show-signature", "--no-notes", "--no-mailmap", "--encoding=UTF-8", "--date=raw", logFormat}
	if o.FirstParent == FirstParent {
		args = append(args, "--first-parent")
	}
	if o.Max > 0 {
		args = append(args, "--max-count="+strconv.Itoa(o.Max))
	}
	args = append(args, o.From)
	for _, n := range o.Not {
		args = append(args, "^"+n)
	}
	_, out, err := r.g.run(ctx, r.call(append(append(args, "--"), o.Paths...)...))
	if err != nil {
		return nil, fmt.Errorf("log of %s: %w", short(o.From), err)
	}
	if len(out) == 0 {
		return nil, nil
	}
	var commits []Commit
	f := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
	for i := 0; i+logFields <= len(f); i += logFields {
		commits = append(commits, parseCommit(f[i:i+logFields]))
	}
	return commits, nil
}

func parseCommit(f []string) Commit {
	c := Commit{Hash: f[0], Tree: f[1], Parents: strings.Fields(f[2]), Message: f[9]}
	c.Author = Ident{Name: f[3], Email: f[4], When: parseRawDate(f[5])}
	c.Committer = Ident{Name: f[6], Email: f[7], When: parseRawDate(f[8])}
	c.Subject, _, _ = strings.Cut(strings.TrimLeft(f[9], "\n"), "\n")
	for _, t := range strings.Split(f[10], "\x1e") {
		if k, v, ok := strings.Cut(t, "\x1f"); ok {
			c.Trailers = append(c.Trailers, Trailer{k, strings.TrimSpace(v)})
		}
	}
	return c
}

// parseRawDate reads "1700000000 +0200".
func parseRawDate(s string) time.Time {
	secs, zone, _ := strings.Cut(s, " ")
	sec, err := strconv.ParseInt(secs, 10, 64)
	if err != nil {
		return time.Time{}
	}
	off, _ := strconv.Atoi(zone)
	return time.Unix(sec, 0).In(time.FixedZone("", (off/100*60+off%100)*60))
}

// CountCommits returns how many commits are in the history of to and not of from, nor of those besides.
func (r *Repo) CountCommits(ctx context.Context, from, to string, besides ...string) (int, error) {
	args := []string{"rev-list", "--count", to}
	for _, not := range append([]string{from}, besides...) {
		args = append(args, "^"+not)
	}
	if err := checkRevs(append(besides, from, to)...); err != nil {
		return 0, err
	}
	out, err := r.output(ctx, append(args, "--")...)
	if err != nil {
		return 0, fmt.Errorf("count commits %s..%s: %w", short(from), short(to), err)
	}
	n, err := strconv.Atoi(out)
	if err != nil {
		return 0, fmt.Errorf("count commits: %w", err)
	}
	return n, nil
}
