package git

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gastown/internal/fault"
)

// Checkout is a person's own repository. The program reads it; the only calls
// that change it are Repo.PushCheckout, which may have to end what an earlier one
// that was killed had begun, and, for a directory that has no
// repository yet and only when the person said so, Runner.InitCheckout.
type Checkout struct {
	g *Runner
	// Top is the root of its files; for a bare repository the repository itself.
	Top string
	// Sub is the part of the given path below Top, "." for none.
	Sub string
	// GitDir is its common git directory.
	GitDir string
	// Bare is true for a repository without files.
	Bare bool
	// Branch is the full ref HEAD names, which may be unborn; "" when detached.
	Branch string
	// Head is the commit of HEAD; "" when unborn.
	Head string
	// Shallow is true when its history is cut off.
	Shallow bool
	// Format is how its objects are named, "sha1" or "sha256".
	Format string
}

// ErrNoCheckout says that a directory holds no git repository: an empty one, or
// one inside a repository that has nothing in it.
var ErrNoCheckout error = fault.NotFoundf("not a git repository")

// readVerbs are the only git calls made in a Checkout, by their first words.
var readVerbs = [][]string{
	{"rev-parse"}, {"status"}, {"ls-files"}, {"--literal-pathspecs", "ls-files"}, {"hash-object", "--"}, {"for-each-ref"}, {"cat-file"}, {"symbolic-ref", "--quiet", "HEAD"},
	{"worktree", "list"}, {"remote", "get-url"}, {"remote", "-v"}, {"config", "--get"}, {"config", "-z", "--get"}, {"check-ignore", "--"},
}

// readOnly reports whether the call is one of readVerbs.
func readOnly(args []string) bool {
	return slices.ContainsFunc(readVerbs, func(v []string) bool {
		return len(args) >= len(v) && slices.Equal(args[:len(v)], v)
	})
}

// readIn runs one reading call in a directory that is not ours, with the person's
// configuration. A verb that could change something is ErrForbidden.
func (g *Runner) readIn(ctx context.Context, dir string, okCode int, args ...string) (string, error) {
	if !readOnly(args) {
		return "", fmt.Errorf("git %s in %q: %w", args[0], dir, ErrForbidden)
	}
	_, out, err := g.run(ctx, call{pre: openPins, dir: dir, env: g.open, args: args, okCode: okCode})
	return string(out), err
}

// OpenCheckout looks at the repository that holds path. A directory without one
// is ErrNoCheckout; a path that does not exist is ErrNotExist.
func (g *Runner) OpenCheckout(ctx context.Context, path string) (*Checkout, error) {
	real, err := realPath(path)
	if err != nil {
		return nil, fmt.Errorf("open checkout %q: %w", path, err)
	}
	if st, err := os.Stat(real); err != nil || !st.IsDir() {
		return nil, &fault.Error{Kind: fault.NotFound, Msg: fmt.Sprintf("%q is no directory", path), Err: ErrNotExist}
	}
	if !insideRepo(real) {
		return nil, fmt.Errorf("open checkout %q: %w", path, ErrNoCheckout)
	}
	out, err := g.readIn(ctx, real, 0, "rev-parse", "--is-bare-repository", "--is-inside-work-tree", "--is-shallow-repository", "--show-object-format", "--git-common-dir")
	if err != nil {
		return nil, fmt.Errorf("open checkout %q: %w", path, err)
	}
	f := strings.SplitN(strings.TrimSuffix(out, "\n"), "\n", 5)
	if len(f) != 5 {
		return nil, fmt.Errorf("open checkout %q: cannot read %q", path, out)
	}
	c := &Checkout{g: g, Bare: f[0] == "true", Shallow: f[2] == "true", Format: f[3], Top: real, Sub: ".", GitDir: f[4]}
	if !filepath.IsAbs(c.GitDir) {
		c.GitDir = filepath.Join(real, c.GitDir)
	}
	if f[1] == "true" {
		if err := c.findTop(ctx, real); err != nil {
			return nil, fmt.Errorf("open checkout %q: %w", path, err)
		}
	} else {
		c.Bare, c.Top = true, c.GitDir // in a bare repository, or inside a .git directory
	}
	return c, c.refresh(ctx)
}

func (c *Checkout) findTop(ctx context.Context, real string) error {
	top, err := c.g.readIn(ctx, real, 0, "rev-parse", "--show-toplevel")
	if err != nil {
		return err
	}
	c.Top = strings.TrimSuffix(top, "\n")
	if c.Sub, err = filepath.Rel(c.Top, real); err != nil || c.Sub == "." {
		return err
	}
	// Below the root: a part of that repository only if it has files of it.
	tracked, err := c.g.readIn(ctx, real, 0, "ls-files", "-z", "--", ".")
	if err == nil && tracked == "" {
		return ErrNoCheckout
	}
	return err
}

// refresh reads HEAD.
func (c *Checkout) refresh(ctx context.Context) error {
	out, err := c.g.readIn(ctx, c.Top, 1, "symbolic-ref", "--quiet", "HEAD")
	if err != nil {
		return fmt.Errorf("read HEAD of %q: %w", c.Top, err)
	}
	c.Branch = strings.TrimSpace(out)
	out, err = c.g.readIn(ctx, c.Top, 1, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
	if err != nil {
		return fmt.Errorf("read HEAD of %q: %w", c.Top, err)
	}
	c.Head = strings.TrimSpace(out)
	return nil
}

// insideRepo reports whether dir or one above it looks like a git repository, so
// that git's refusal of a damaged one is not taken for "no repository".
func insideRepo(dir string) bool {
	for {
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
			return true
		}
		_, herr := os.Lstat(filepath.Join(dir, "HEAD"))
		_, oerr := os.Lstat(filepath.Join(dir, "objects"))
		if herr == nil && oerr == nil {
			return true
		}
		if dir == filepath.Dir(dir) {
			return false
		}
		dir = filepath.Dir(dir)
	}
}

// CommonDir is the git directory that all worktrees of the repository share that holds dir; "" where
// none does. It reads a few small files and starts no process: every start of the program may ask.
func CommonDir(dir string) string {
	for {
		dot := filepath.Join(dir, ".git")
		if st, err := os.Stat(dot); err == nil && !st.IsDir() { // of a linked worktree, or kept elsewhere
			dot = below(dir, strings.TrimPrefix(readLine(dir, ".git"), "gitdir: "))
		}
		for _, found := range []string{dot, dir} { // dir: a bare repository
			if !gitDir(found) {
				continue
			}
			if common := readLine(found, "commondir"); common != "" {
				found = below(found, common)
			}
			if real, err := filepath.EvalSymlinks(found); err == nil {
				return real
			}
		}
		if dir == filepath.Dir(dir) {
			return ""
		}
		dir = filepath.Dir(dir)
	}
}

// Among names the repository that would have dir, which may not exist yet, among its files: its root.
// "" for none, also where that repository ignores dir.
func (g *Runner) Among(ctx context.Context, dir string) (root string, err error) {
	near := dir
	for st, err := os.Stat(near); err != nil || !st.IsDir(); st, err = os.Stat(near) {
		if near == filepath.Dir(near) {
			return "", nil
		}
		near = filepath.Dir(near)
	}
	common := CommonDir(near)
	if common == "" {
		return "", nil
	}
	if out, err := g.readIn(ctx, near, 1, "rev-parse", "--show-toplevel"); err != nil {
		return common, nil // bare, or inside of a .git
	} else if root = strings.TrimSuffix(out, "\n"); root == near && near == dir {
		return root, nil
	}
	ignored, err := g.readIn(ctx, near, 1, "check-ignore", "--", dir)
	if err != nil || ignored != "" {
		return "", err
	}
	return root, nil
}

// below is path, seen from dir.
func below(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// gitDir reports whether dir looks like a git directory: a bare one, a .git, or that of a linked worktree.
func gitDir(dir string) bool {
	if _, err := os.Lstat(filepath.Join(dir, "HEAD")); err != nil {
		return false
	}
	for _, name := range []string{"objects", "commondir"} {
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			return true
		}
	}
	return false
}

// Status lists what the agents will not see: changes and untracked files. It
// uses the person's configuration (filters, ignore files) and writes nothing.
func (c *Checkout) Status(ctx context.Context) (Status, error) {
	if c.Bare {
		return Status{Head: c.Head, Branch: c.Branch}, nil
	}
	out, err := c.g.readIn(ctx, c.Top, 0, statusArgs(WithoutIgnored)...)
	if err != nil {
		return Status{}, fmt.Errorf("status of %q: %w", c.Top, err)
	}
	return parseStatus([]byte(out))
}

// Tip is the commit of a ref (a full name) in the checkout; "" when there is none.
func (c *Checkout) Tip(ctx context.Context, ref string) (string, error) {
	if err := CheckRef(ref); err != nil {
		return "", err
	}
	out, err := c.g.readIn(ctx, c.Top, 1, "rev-parse", "--verify", "--quiet", ref+"^{commit}")
	if err != nil {
		return "", fmt.Errorf("read %s of %q: %w", ref, c.Top, err)
	}
	return strings.TrimSpace(out), nil
}

// Target is the branch ("main") that work on the repository lands on where nobody says: the one
// that its remote calls default, main or master, else the one it is on. A person often has a branch
// of their own checked out; that is not where others expect their work. "" when it is detached and
// has none of these.
func (c *Checkout) Target(ctx context.Context) (string, error) {
	out, err := c.g.readIn(ctx, c.Top, 0, "for-each-ref", "--format=%(refname) %(symref)", "refs/heads", "refs/remotes/origin/HEAD")
	if err != nil {
		return "", fmt.Errorf("branches of %q: %w", c.Top, err)
	}
	has, remote := map[string]bool{}, ""
	for line := range strings.Lines(out) {
		name, symref, _ := strings.Cut(strings.TrimSpace(line), " ")
		if name == "refs/remotes/origin/HEAD" {
			remote = strings.TrimPrefix(symref, "refs/remotes/origin/")
		} else {
			has[strings.TrimPrefix(name, "refs/heads/")] = true
		}
	}
	on := strings.TrimPrefix(c.Branch, "refs/heads/")
	wanted := []string{remote, "main", "master"}
	if on == "master" {
		wanted[1] = on
	}
	for _, b := range wanted {
		if has[b] {
			return b, nil
		}
	}
	return on, nil
}

// PushURL is where the checkout's remote would push to; "" without that remote.
func (c *Checkout) PushURL(ctx context.Context, remote string) (string, error) {
	if remote == "" || strings.HasPrefix(remote, "-") {
		return "", fmt.Errorf("remote %q: %w", remote, ErrBadName)
	}
	out, err := c.g.readIn(ctx, c.Top, 2, "remote", "get-url", "--push", remote)
	if err != nil {
		return "", fmt.Errorf("remote %q of %q: %w", remote, c.Top, err)
	}
	return strings.TrimSpace(out), nil
}

// InitCheckout makes an ordinary repository with an unborn branch in a directory
// that has none, for a person who asked for it. Files in it are not touched; one
// that is a repository already is left as it is.
func (g *Runner) InitCheckout(ctx context.Context, dir, branch string) (*Checkout, error) {
	if err := CheckBranch(branch); err != nil {
		return nil, err
	}
	real, err := realPath(dir)
	if err != nil {
		return nil, fmt.Errorf("init %q: %w", dir, err)
	}
	if _, err := os.Lstat(filepath.Join(real, ".git")); errors.Is(err, fs.ErrNotExist) {
		if _, _, err := g.run(ctx, call{pre: openPins, dir: real, env: g.open, args: []string{"init", "--quiet", "--object-format=sha1", "--initial-branch=" + branch, "--", "."}}); err != nil {
			return nil, fmt.Errorf("init %q: %w", dir, err)
		}
	}
	return g.OpenCheckout(ctx, real)
}
