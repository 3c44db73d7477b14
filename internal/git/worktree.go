package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gastown/internal/fault"
)

// Worktree is a checkout that the town made of one of its repositories. Get one
// from Repo.WorktreeAdd, WorktreeAddDetached or OpenWorktree.
type Worktree struct {
	repo   *Repo
	path   string
	gitDir string // the private part: REPO/worktrees/ID
}

// ErrNoWorktree says that a path is not a registered worktree of the repository.
var ErrNoWorktree error = fault.NotFoundf("not a worktree of this repository")

// OpenWorktree opens the worktree registered for path. It reads git's own
// registration, never a search upwards, so a directory inside another repository
// cannot be mistaken for it. The directory itself may be missing.
func (r *Repo) OpenWorktree(path string) (*Worktree, error) {
	real, err := realPath(path)
	if err != nil {
		return nil, fmt.Errorf("open worktree %q: %w", path, err)
	}
	admins, err := os.ReadDir(filepath.Join(r.dir, "worktrees"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open worktree %q: %w", path, err)
	}
	for _, a := range admins {
		dir := filepath.Join(r.dir, "worktrees", a.Name())
		data, err := os.ReadFile(filepath.Join(dir, "gitdir"))
		if err != nil {
			continue
		}
		if filepath.Dir(strings.TrimSuffix(string(data), "\n")) == real {
			return &Worktree{repo: r, path: real, gitDir: dir}, nil
		}
	}
	return nil, fmt.Errorf("open worktree %q: %w", path, ErrNoWorktree)
}

// Path is the worktree's absolute directory.
func (w *Worktree) Path() string { return w.path }

// GitDir is the worktree's private directory inside the repository.
func (w *Worktree) GitDir() string { return w.gitDir }

// Repo is the repository the worktree belongs to.
func (w *Worktree) Repo() *Repo { return w.repo }

// call is a pinned call in the worktree. Both directories are named, so git
// searches for neither.
func (w *Worktree) call(ctx context.Context, args ...string) (call, error) {
	if err := w.check(ctx); err != nil {
		return call{}, err
	}
	pre := slices.Concat(pins, w.repo.g.userPrefs(ctx), []string{"--git-dir=" + w.gitDir, "--work-tree=" + w.path})
	return call{pre: pre, args: args, dir: w.path, env: w.repo.g.pinned, repo: w.repo}, nil
}

// check makes sure that a call would reach this worktree's repository and that
// no configuration written by an agent takes part in it.
func (w *Worktree) check(ctx context.Context) error {
	data, err := os.ReadFile(filepath.Join(w.gitDir, "commondir"))
	if err != nil {
		return fmt.Errorf("worktree %q: %w", w.path, err)
	}
	common := strings.TrimSpace(string(data))
	if !filepath.IsAbs(common) {
		common = filepath.Join(w.gitDir, common)
	}
	if filepath.Clean(common) != w.repo.dir {
		return fmt.Errorf("worktree %q points at %q: %w", w.path, common, ErrNotOurs)
	}
	return w.repo.cleanConfig(ctx, filepath.Join(w.repo.dir, "config"), filepath.Join(w.gitDir, "config.worktree"))
}

// Run performs one git verb in the worktree with the pins and returns its output.
// in may be nil; index, when not "", is an index file used instead of the
// worktree's own. Exit codes other than 0 are an *ExitError.
func (w *Worktree) Run(ctx context.Context, in []byte, index string, args ...string) ([]byte, error) {
	c, err := w.call(ctx, args...)
	if err != nil {
		return nil, err
	}
	c.in = in
	if index != "" {
		c.env = append(slices.Clone(c.env), "GIT_INDEX_FILE="+index)
	}
	_, out, err := w.repo.g.run(ctx, c)
	return out, err
}

// Status compares the worktree, its index and HEAD. Nothing is written.
func (w *Worktree) Status(ctx context.Context, ignored IgnoredFiles) (Status, error) {
	out, err := w.Run(ctx, nil, "", statusArgs(ignored)...)
	if err != nil {
		return Status{}, fmt.Errorf("status of %q: %w", w.path, err)
	}
	return parseStatus(out)
}

// Head is where a worktree stands.
type Head struct {
	Branch string // full ref; "" when detached
	Commit string // "" when unborn
}

// Head reads branch and commit of the worktree.
func (w *Worktree) Head(ctx context.Context) (Head, error) {
	c, err := w.call(ctx, "symbolic-ref", "--quiet", "HEAD")
	if err != nil {
		return Head{}, err
	}
	c.okCode = 1
	_, out, err := w.repo.g.run(ctx, c)
	if err != nil {
		return Head{}, fmt.Errorf("head of %q: %w", w.path, err)
	}
	h := Head{Branch: strings.TrimSpace(string(out))}
	out, err = w.Run(ctx, []byte("HEAD^{commit}\n"), "", "cat-file", "--batch-check=%(objectname)")
	if err != nil {
		return Head{}, fmt.Errorf("head of %q: %w", w.path, err)
	}
	if hash := strings.TrimSpace(string(out)); isHash(hash) {
		h.Commit = hash
	}
	return h, nil
}

// DiffStat sums up what differs from base (a commit) to the files of the
// worktree, commits and uncommitted changes together. Untracked files are not in it.
func (w *Worktree) DiffStat(ctx context.Context, base string) (Stat, error) {
	if err := checkRev(base); err != nil {
		return Stat{}, err
	}
	out, err := w.Run(ctx, nil, "", "diff", "--numstat", "-z", "--no-renames", "--no-ext-diff", "--no-textconv", base, "--")
	if err != nil {
		return Stat{}, fmt.Errorf("diff stat of %q: %w", w.path, err)
	}
	var s Stat
	for _, f := range parseNumstat(out) {
		s.Files++
		s.Added += f.Added
		s.Removed += f.Removed
	}
	return s, nil
}

// Diff is the text of DiffStat, cut at o.MaxBytes.
func (w *Worktree) Diff(ctx context.Context, base string, o DiffOptions) (text string, cut bool, err error) {
	if err := checkRev(base); err != nil {
		return "", false, err
	}
	c, err := w.call(ctx, append([]string{"diff", "-M", "--no-ext-diff", "--no-textconv", "--no-color", base, "--"}, o.Paths...)...)
	if err != nil {
		return "", false, err
	}
	c.pre = append(c.pre, "--literal-pathspecs")
	return w.repo.cappedText(ctx, c, o.MaxBytes, "diff of "+w.path)
}

// CheckoutDetached makes the worktree exactly commit: HEAD detached there, index
// and tracked files reset, untracked and ignored files removed where clean says
// so. It returns the state of the tracked files afterwards. For worktrees the
// Refinery and the Mayor own: whatever was there is lost, also what a program that
// ran there told git to leave out or to take for unchanged.
func (w *Worktree) CheckoutDetached(ctx context.Context, commit string, clean CleanMode) (Status, error) {
	if err := checkRev(commit); err != nil {
		return Status{}, err
	}
	head := []string{"update-ref", "--no-deref", "-m", "gastown: checkout", "HEAD", commit}
	// Where nobody changed a file, only what differs between the two commits is written and
	// looked at: half the time of a reset in a large tree. The status proves it.
	st, err := w.become(ctx, []string{"read-tree", "-m", "-u", "--no-recurse-submodules", "HEAD", commit}, head, clean.args())
	if err != nil || !st.Clean() {
		st, err = w.become(ctx, head, []string{"reset", "--hard", "--quiet", "--no-recurse-submodules"}, clean.args())
	}
	if err == nil {
		err = copyFile(w.ownIndex(), filepath.Join(w.gitDir, "index"))
	}
	if err != nil {
		return Status{}, fmt.Errorf("check out %s in %q: %w", short(commit), w.path, err)
	}
	return st, nil
}

// become performs the steps of a checkout on the own index and looks at the result.
func (w *Worktree) become(ctx context.Context, steps ...[]string) (Status, error) {
	for _, name := range []string{"config.worktree", "info/sparse-checkout", "index.lock"} {
		if err := os.RemoveAll(filepath.Join(w.gitDir, name)); err != nil {
			return Status{}, err
		}
	}
	for _, args := range steps {
		if _, err := w.Run(ctx, nil, w.ownIndex(), args...); err != nil {
			return Status{}, err
		}
	}
	out, err := w.Run(ctx, nil, w.ownIndex(), statusArgs(TrackedOnly)...)
	if err != nil {
		return Status{}, err
	}
	return parseStatus(out)
}

// ownIndex is the index that CheckoutDetached works with. Programs that run in the worktree
// have a copy of it: flags they set there (skip-worktree, assume-unchanged) would hide from
// the next checkout what they left behind.
func (w *Worktree) ownIndex() string { return filepath.Join(w.gitDir, "gastown.index") }

// copyFile replaces to by the content of from; nobody sees half of it.
func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	tmp := to + ".new"
	out, err := os.OpenFile(tmp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if err = errors.Join(err, out.Close()); err != nil {
		return errors.Join(err, os.Remove(tmp))
	}
	return os.Rename(tmp, to)
}

// CleanMode says what CheckoutDetached removes besides changes.
type CleanMode int

const (
	// KeepIgnored removes untracked files, keeps ignored ones (build caches).
	KeepIgnored CleanMode = iota
	// CleanAll removes everything that is not in the commit.
	CleanAll
)

func (m CleanMode) args() []string {
	if m == CleanAll {
		return []string{"clean", "-ffdx", "--quiet"}
	}
	return []string{"clean", "-ffd", "--quiet"}
}

// Ignored returns those of the paths (relative, in the worktree) that git ignores.
func (w *Worktree) Ignored(ctx context.Context, paths []string) ([]string, error) {
	if len(paths) == 0 {
		return nil, nil
	}
	c, err := w.call(ctx, "check-ignore", "-z", "--stdin")
	if err != nil {
		return nil, err
	}
	c.in, c.okCode = []byte(strings.Join(paths, "\x00")+"\x00"), 1
	_, out, err := w.repo.g.run(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("ignored files of %q: %w", w.path, err)
	}
	return splitNUL(out), nil
}

// Exclude makes the paths (relative, slash-separated) invisible to git status in
// all worktrees of the repository. Repeating it changes nothing.
func (r *Repo) Exclude(paths ...string) error {
	return r.locked(func() error {
		file := filepath.Join(r.dir, "info", "exclude")
		old, err := os.ReadFile(file)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("read %q: %w", file, err)
		}
		have := strings.Split(string(old), "\n")
		data := bytes.NewBuffer(old)
		if len(old) > 0 && old[len(old)-1] != '\n' {
			data.WriteByte('\n')
		}
		n := data.Len()
		for _, p := range paths {
			if line := "/" + excludeQuote.Replace(p); !slices.Contains(have, line) {
				data.WriteString(line + "\n")
				have = append(have, line)
			}
		}
		if data.Len() == n {
			return nil
		}
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			return fmt.Errorf("write %q: %w", file, err)
		}
		tmp := file + ".gastown"
		if err := os.WriteFile(tmp, data.Bytes(), 0o600); err != nil {
			return fmt.Errorf("write %q: %w", file, err)
		}
		return os.Rename(tmp, file)
	})
}

var excludeQuote = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, ` `, `\ `)
