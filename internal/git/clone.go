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

// CloneOptions says what CloneBare takes over.
type CloneOptions struct {
	// Branch is the target branch ("main"). "": Checkout.Target; of a URL its HEAD,
	// then main, master or the only one; for a source without a repository,
	// init.defaultBranch.
	Branch string
}

// Cloned is what CloneBare found and made.
type Cloned struct {
	Repo *Repo
	// Branch is the target as a full ref. HEAD of Repo names it.
	Branch string
	// Tip is its commit; "" when the source has none yet (see InitRoot).
	Tip string
	// Head is the full ref that the source, a directory, is on; "" when that is none.
	Head string
	// NoRepo is true when the source was a directory without a repository.
	NoRepo bool
}

// CloneBare makes a bare repository of the town's own at dst, which must not
// exist, from a local directory (objects are hard-linked) or a URL. The source's
// branches come as refs/remotes/origin/*; of refs/heads only the target branch is
// made. A directory that is no repository, a repository without a commit and a
// remote without a branch all give a repository with an unborn target. No remote
// is configured in it. On error nothing is left at dst.
func (g *Runner) CloneBare(ctx context.Context, src, dst string, o CloneOptions) (Cloned, error) {
	if o.Branch != "" {
		if err := CheckBranch(o.Branch); err != nil {
			return Cloned{}, err
		}
	}
	abs, err := filepath.Abs(dst)
	if err != nil {
		return Cloned{}, fmt.Errorf("clone %q: %w", src, err)
	}
	if err := os.MkdirAll(filepath.Dir(abs), 0o700); err != nil {
		return Cloned{}, fmt.Errorf("clone %q: %w", src, err)
	}
	real, err := realPath(abs)
	if err != nil {
		return Cloned{}, fmt.Errorf("clone %q: %w", src, err)
	}
	if _, err := os.Lstat(real); err == nil {
		return Cloned{}, fault.Refusedf("clone %q: %s exists already", src, real)
	}
	// Made beside dst and renamed: a crash leaves no half repository under the name.
	tmp, err := os.MkdirTemp(filepath.Dir(real), ".clone-")
	if err != nil {
		return Cloned{}, fmt.Errorf("clone %q: %w", src, err)
	}
	defer os.RemoveAll(tmp)
	c, err := g.cloneInto(ctx, src, filepath.Join(tmp, "repo.git"), o)
	if err == nil {
		err = os.Rename(filepath.Join(tmp, "repo.git"), real)
	}
	if err != nil {
		return Cloned{}, fmt.Errorf("clone %q: %w", src, err)
	}
	c.Repo = g.repo(real)
	return c, nil
}

func (g *Runner) cloneInto(ctx context.Context, src, dst string, o CloneOptions) (Cloned, error) {
	source, branch, head := src, o.Branch, ""
	noRepo := false
	if src == "" {
		noRepo = true
	} else if IsLocal(src) {
		co, err := g.OpenCheckout(ctx, src)
		switch {
		case errors.Is(err, ErrNoCheckout):
			noRepo = true
		case err != nil:
			return Cloned{}, err
		default:
			if err := sha1Only(co.Format); err != nil { // an empty one does not hand it on
				return Cloned{}, err
			}
			source, head = co.Top, co.Branch
			if branch == "" {
				if branch, err = co.Target(ctx); err != nil {
					return Cloned{}, err
				}
			}
		}
	}
	if noRepo {
		if _, _, err := g.run(ctx, call{pre: openPins, env: g.open, args: []string{"init", "--bare", "--quiet", "--object-format=sha1", "--template=", dst}}); err != nil {
			return Cloned{}, err
		}
		branch = firstOf(branch, g.defaultBranch(ctx))
	} else if err := g.clone(ctx, source, dst); err != nil {
		return Cloned{}, err
	}
	r := g.repo(dst) // only for the steps below; CloneBare gives the final one
	defer g.forget(dst)
	if format, err := r.output(ctx, "rev-parse", "--show-object-format"); err != nil {
		return Cloned{}, err
	} else if err := sha1Only(format); err != nil {
		return Cloned{}, err
	}
	if err := r.own(ctx); err != nil {
		return Cloned{}, err
	}
	c, err := r.settleBranches(ctx, branch)
	c.NoRepo, c.Head = noRepo, head
	return c, err
}

// sha1Only refuses repositories whose objects have longer names: indexes and refs are written here with
// git's plumbing, which wants names of the right length for what is not there, too.
func sha1Only(format string) error {
	if format == "sha1" {
		return nil
	}
	return fault.Refusedf("its objects are named by %s, and only SHA-1 repositories are supported", strings.ToUpper(format))
}

func (g *Runner) forget(dir string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.repos, dir)
}

func (g *Runner) clone(ctx context.Context, source, dst string) error {
	pre := append(slices.Clone(openPins), "-c", "core.logAllRefUpdates=true")
	_, _, err := g.run(ctx, call{pre: pre, env: g.open, dir: filepath.Dir(dst),
		args: []string{"clone", "--bare", "--quiet", "--template=", "--no-recurse-submodules", "--", source, dst}})
	return err
}

// InitBare makes an empty repository of the town's own at dst with an unborn branch.
func (g *Runner) InitBare(ctx context.Context, dst, branch string) (*Repo, error) {
	if err := CheckBranch(branch); err != nil {
		return nil, err
	}
	c, err := g.CloneBare(ctx, "", dst, CloneOptions{Branch: branch})
	return c.Repo, err
}

// own configures a fresh repository as the town's.
func (r *Repo) own(ctx context.Context) error {
	for _, kv := range [][2]string{
		{"core.repositoryformatversion", "1"},  // makes git honour the extension below
		{"extensions.preciousObjects", "true"}, // gc, prune and repack -d refuse: agents commit beside them
		{"core.logAllRefUpdates", "true"},      // reflog of the target = every value it had
		{"gc.auto", "0"}, {"core.bare", "true"}, {ownerMark, "true"},
	} {
		if _, err := r.output(ctx, "config", "--file", filepath.Join(r.dir, "config"), kv[0], kv[1]); err != nil {
			return fmt.Errorf("configure %s: %w", kv[0], err)
		}
	}
	if err := os.MkdirAll(filepath.Join(r.dir, "info"), 0o700); err != nil {
		return err
	}
	return r.cleanConfig(ctx, r.configFiles()...) // remote.origin goes: nothing can be pushed by name
}

// settleBranches moves the cloned branches below refs/remotes/origin and leaves
// the target branch alone below refs/heads, in one transaction.
func (r *Repo) settleBranches(ctx context.Context, branch string) (Cloned, error) {
	heads, err := r.ForEachRef(ctx, "refs/heads")
	if err != nil {
		return Cloned{}, err
	}
	if branch == "" {
		if branch, err = r.pickBranch(ctx, heads); err != nil {
			return Cloned{}, err
		}
	}
	if err := CheckBranch(branch); err != nil {
		return Cloned{}, err
	}
	c := Cloned{Branch: "refs/heads/" + branch}
	var names []string
	var drop, add []RefUpdate
	for _, h := range heads {
		names = append(names, strings.TrimPrefix(h.Name, "refs/heads/"))
		add = append(add, RefUpdate{Ref: "refs/remotes/origin/" + names[len(names)-1], New: h.Hash})
		drop = append(drop, RefUpdate{Ref: h.Name, Old: h.Hash})
		if h.Name == c.Branch {
			c.Tip = h.Hash
		}
	}
	if c.Tip == "" && len(heads) > 0 {
		return Cloned{}, fault.NotFoundf("it has no branch %q", branch).WithHint("its branches: %s", strings.Join(names, ", "))
	}
	if err := r.SetHead(ctx, c.Branch); err != nil {
		return Cloned{}, err
	}
	if err := r.UpdateRefs(ctx, "gastown: clone", append(add, drop...)...); err != nil {
		return Cloned{}, err
	}
	if c.Tip != "" { // made anew, so that its reflog begins with its first value
		err = r.UpdateRef(ctx, c.Branch, c.Tip, ZeroHash, "gastown: clone")
	}
	return c, err
}

// pickBranch finds the target of a clone whose source names none.
func (r *Repo) pickBranch(ctx context.Context, heads []Ref) (string, error) {
	head := ""
	if out, err := r.output(ctx, "symbolic-ref", "--quiet", "HEAD"); err == nil {
		head = out
	}
	has := func(name string) bool {
		return slices.ContainsFunc(heads, func(r Ref) bool { return r.Name == name })
	}
	switch {
	case head != "" && (has(head) || len(heads) == 0):
		return strings.TrimPrefix(head, "refs/heads/"), nil
	case has("refs/heads/main"):
		return "main", nil
	case has("refs/heads/master"):
		return "master", nil
	case len(heads) == 1:
		return strings.TrimPrefix(heads[0].Name, "refs/heads/"), nil
	case len(heads) == 0:
		return "main", nil
	}
	return "", fault.Refusedf("its HEAD names no branch").WithHint("name one with --branch")
}

func (g *Runner) defaultBranch(ctx context.Context) string {
	_, out, err := g.run(ctx, call{dir: "/", env: g.open, okCode: 1, args: []string{"config", "--get", "init.defaultBranch"}})
	if b := strings.TrimSpace(string(out)); err == nil && CheckBranch(b) == nil {
		return b
	}
	return "main"
}

// IsLocal reports whether src names a directory of this machine and not a URL
// ("https://...", "git@host:path").
func IsLocal(src string) bool {
	if strings.Contains(src, "://") {
		return false
	}
	if _, err := os.Stat(src); err == nil {
		return true
	} else if !errors.Is(err, fs.ErrNotExist) {
		return true
	}
	colon, slash := strings.Index(src, ":"), strings.Index(src, "/")
	return colon < 0 || (slash >= 0 && slash < colon)
}
