package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Agents can write to the repository that their worktrees share. Two files there would change what every call of
// ours sees: shallow cuts history off, so that main looks rewritten, and objects/info/alternates borrows objects
// from a directory that may go, and with it what has landed. What they say is made true, or they go.

// foreign is what was last seen of these files.
type foreign struct {
	mu      sync.Mutex
	shallow stamp // as it was found to be true
}

type stamp struct {
	at   time.Time
	size int64
}

// guard looks at both files before a call. Where neither is there, and where nothing changed, it starts no process.
func (r *Repo) guard(ctx context.Context) error {
	r.st.foreign.mu.Lock()
	defer r.st.foreign.mu.Unlock()
	shallow, alternates := filepath.Join(r.dir, "shallow"), filepath.Join(r.dir, "objects", "info", "alternates")
	if now, there := stampOf(shallow); there && now != r.st.foreign.shallow {
		if err := r.uncut(ctx, shallow); err != nil {
			return fmt.Errorf("look where the history of %q is cut off: %w", r.dir, err)
		}
		r.st.foreign.shallow, _ = stampOf(shallow)
	}
	if _, there := stampOf(alternates); there {
		if err := r.takeOver(ctx, alternates); err != nil {
			return fmt.Errorf("take over what %q borrows: %w", r.dir, err)
		}
	}
	return nil
}

func stampOf(file string) (s stamp, there bool) {
	info, err := os.Lstat(file)
	if err != nil {
		return s, false
	}
	return stamp{info.ModTime(), info.Size()}, true
}

// alone is a call that is not guarded.
func (r *Repo) alone(ctx context.Context, in string, args ...string) ([]byte, error) {
	c := r.call(args...)
	c.repo, c.in = nil, []byte(in)
	_, out, err := r.g.run(ctx, c)
	return out, err
}

// uncut drops the commits from a shallow file whose parents are all there, and the history behind them: it goes
// on. Those of a shallow clone stay.
func (r *Repo) uncut(ctx context.Context, file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var cut []string
	for hash := range strings.FieldsSeq(string(data)) {
		if isHash(hash) {
			cut = append(cut, hash)
		}
	}
	joined, left, err := r.withParents(ctx, cut)
	if err != nil || len(joined) == 0 && len(left) > 0 {
		return err
	}
	if len(left) == 0 && len(joined) == 0 { // it names nothing
		return os.Remove(file)
	}
	tmp := file + ".gastown"
	if err := os.WriteFile(tmp, []byte(strings.Join(left, "\n")+"\n"), 0o600); err != nil {
		return err
	}
	c := r.call("rev-list", "--quiet", "--stdin")
	c.repo, c.env, c.in = nil, append(slices.Clone(c.env), "GIT_SHALLOW_FILE="+tmp), []byte(strings.Join(joined, "\n")+"\n")
	if len(left) == 0 {
		c.env[len(c.env)-1] = "GIT_SHALLOW_FILE=" // none
	}
	if _, _, err := r.g.run(ctx, c); err != nil {
		return errors.Join(ctx.Err(), os.Remove(tmp)) // not all of it is there: it is cut off
	}
	if len(left) == 0 {
		return errors.Join(os.Remove(tmp), os.Remove(file))
	}
	return os.Rename(tmp, file)
}

// withParents parts commits into those whose parents are all in the repository, and the others. What is no
// commit of it is in neither.
func (r *Repo) withParents(ctx context.Context, commits []string) (with, without []string, err error) {
	if len(commits) == 0 {
		return nil, nil, nil
	}
	out, err := r.alone(ctx, strings.Join(commits, "\n")+"\n", "cat-file", "--batch")
	if err != nil {
		return nil, nil, err
	}
	parents := map[string][]string{} // of a commit, as the object itself says
	var of string
	var all []string
	for line := range strings.Lines(string(out)) {
		switch f := strings.Fields(line); {
		case len(f) == 3 && f[1] == "commit" && slices.Contains(commits, f[0]):
			of, parents[f[0]] = f[0], nil
		case len(f) == 2 && f[0] == "parent" && isHash(f[1]) && of != "":
			parents[of], all = append(parents[of], f[1]), append(all, f[1])
		case len(f) == 0:
			of = "" // its message begins
		}
	}
	if len(all) > 0 {
		if out, err = r.alone(ctx, strings.Join(all, "\n")+"\n", "cat-file", "--batch-check"); err != nil {
			return nil, nil, err
		}
	}
	missing := func(p string) bool { return bytes.Contains(out, []byte(p+" missing\n")) }
	for _, c := range commits {
		ps, there := parents[c]
		switch {
		case !there:
		case slices.ContainsFunc(ps, missing):
			without = append(without, c)
		default:
			with = append(with, c)
		}
	}
	return with, without, nil
}

// takeOver copies everything that refs reach into a pack of the repository's own, and then forgets where else
// objects are.
func (r *Repo) takeOver(ctx context.Context, file string) error {
	if _, err := r.alone(ctx, "", "repack", "-a", "-q", "--no-write-bitmap-index"); err != nil {
		return err
	}
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
