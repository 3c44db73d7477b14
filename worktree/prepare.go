package worktree

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"gastown/internal/fault"
	"gastown/internal/git"
)

// PrepareSpec says what a worktree gets from a person's checkout besides the
// commit. Patterns are relative and slash-separated, as for path.Match.
type PrepareSpec struct {
	Source string   // required: the person's checkout
	Copy   []string // files or directories to copy: ".env", "config/*.local"
	Link   []string // files or directories to link to: "node_modules"
}

// Prepared is what Prepare did.
type Prepared struct {
	Copied, Linked []string // paths in the worktree
	Missing        []string // patterns that matched nothing
	Kept           []string // paths that were in the worktree already and stay as they are
}

// Prepare brings the files in and hides those that git does not already ignore
// through the repository's own info/exclude. Nothing outside Source is read and
// nothing in the worktree is overwritten, so it can be repeated. A link that leads
// out of Source is an error.
func Prepare(ctx context.Context, wt *git.Worktree, s PrepareSpec) (Prepared, error) {
	if len(s.Copy)+len(s.Link) == 0 {
		return Prepared{}, nil // also where there is no source any more
	}
	src, err := os.OpenRoot(s.Source)
	if err != nil {
		return Prepared{}, fmt.Errorf("prepare from %q: %w", s.Source, err)
	}
	defer src.Close()
	dst, err := os.OpenRoot(wt.Path())
	if err != nil {
		return Prepared{}, fmt.Errorf("prepare %q: %w", wt.Path(), err)
	}
	defer dst.Close()

	p := preparer{src: src, dst: dst, source: s.Source}
	for _, pattern := range s.Copy {
		if err := p.each(pattern, p.copy); err != nil {
			return p.done, fmt.Errorf("copy %q: %w", pattern, err)
		}
	}
	for _, pattern := range s.Link {
		if err := p.each(pattern, p.link); err != nil {
			return p.done, fmt.Errorf("link %q: %w", pattern, err)
		}
	}
	return p.done, hide(ctx, wt, slices.Concat(p.done.Copied, p.done.Linked, p.done.Kept))
}

type preparer struct {
	src, dst *os.Root
	source   string
	done     Prepared
}

// each calls f for every path that the pattern matches.
func (p *preparer) each(pattern string, f func(name string) error) error {
	clean := path.Clean(strings.TrimSuffix(pattern, "/"))
	if !filepath.IsLocal(clean) || clean == "." || clean == ".git" || strings.HasPrefix(clean, ".git/") {
		return fault.Usagef("it must name something below the checkout")
	}
	names, err := fs.Glob(p.src.FS(), clean)
	if err != nil {
		return fault.Usagef("bad pattern: %w", err)
	}
	if len(names) == 0 {
		p.done.Missing = append(p.done.Missing, pattern)
	}
	for _, name := range names {
		if name == ".git" || strings.HasPrefix(name, ".git/") {
			continue
		}
		if err := f(name); err != nil {
			return err
		}
	}
	return nil
}

// copy copies one file or directory; links inside the source are followed, links
// out of it are refused by os.Root.
func (p *preparer) copy(name string) error {
	st, err := p.src.Stat(name)
	if err != nil {
		return err
	}
	if !st.IsDir() {
		made, err := p.copyFile(name, st.Mode())
		if made {
			p.done.Copied = append(p.done.Copied, name)
		} else if err == nil {
			p.done.Kept = append(p.done.Kept, name)
		}
		return err
	}
	entries, err := fs.ReadDir(p.src.FS(), name)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() == ".git" {
			continue
		}
		if e.Type()&fs.ModeSymlink != 0 {
			if st, err := p.src.Stat(path.Join(name, e.Name())); err == nil && st.IsDir() {
				continue // a linked directory could lead back to where we are
			}
		}
		if err := p.copy(path.Join(name, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// copyFile copies one file unless something of that name is there.
func (p *preparer) copyFile(name string, mode fs.FileMode) (made bool, err error) {
	if !mode.IsRegular() {
		return false, nil
	}
	in, err := p.src.Open(name)
	if err != nil {
		return false, err
	}
	defer in.Close()
	if err := p.mkdir(name); err != nil {
		return false, err
	}
	if _, err := p.dst.Lstat(name); err == nil {
		return false, nil
	}
	tmp := restorePrefix + "copy"
	out, err := p.dst.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode.Perm()|0o600)
	if err != nil {
		return false, err
	}
	_, err = io.Copy(out, in)
	if err = errors.Join(err, out.Close()); err == nil {
		err = p.dst.Rename(tmp, name)
	}
	if err != nil {
		return false, errors.Join(err, p.dst.Remove(tmp))
	}
	return true, nil
}

// link makes a symbolic link to one file or directory of the source.
func (p *preparer) link(name string) error {
	if _, err := p.src.Stat(name); err != nil { // also: it leads out of the source
		return err
	}
	target, err := filepath.Abs(filepath.Join(p.source, filepath.FromSlash(name)))
	if err != nil {
		return err
	}
	if err := p.mkdir(name); err != nil {
		return err
	}
	if have, err := p.dst.Readlink(name); err == nil && have == target {
		p.done.Linked = append(p.done.Linked, name) // ours, from before: still to be hidden
		return nil
	}
	if _, err := p.dst.Lstat(name); err == nil {
		p.done.Kept = append(p.done.Kept, name)
		return nil
	}
	if err := p.dst.Symlink(target, name); err != nil {
		return err
	}
	p.done.Linked = append(p.done.Linked, name)
	return nil
}

func (p *preparer) mkdir(name string) error {
	if dir := path.Dir(name); dir != "." {
		return p.dst.MkdirAll(dir, 0o755)
	}
	return nil
}

// hide excludes those of the paths that git would show: neither ignored nor
// tracked. Paths kept from an earlier call are among them, as that one may have
// ended before this step.
func hide(ctx context.Context, wt *git.Worktree, paths []string) error {
	if len(paths) == 0 {
		return nil
	}
	ignored, err := wt.Ignored(ctx, paths)
	if err != nil {
		return err
	}
	tracked, err := wt.Run(ctx, nil, "", append([]string{"--literal-pathspecs", "ls-files", "-z", "--"}, paths...)...)
	if err != nil {
		return err
	}
	already := map[string]bool{}
	for _, p := range append(ignored, strings.Split(string(tracked), "\x00")...) {
		already[p] = true
	}
	var show []string
	for _, p := range paths {
		if !already[p] {
			show = append(show, p)
		}
	}
	if len(show) == 0 {
		return nil
	}
	return wt.Repo().Exclude(show...)
}
