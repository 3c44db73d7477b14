package git

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gastown/internal/proc"
)

// An update of a checkout that is killed half way leaves files of both commits under the old
// one, and perhaps a lock. Git refuses to go on from there, and to a person it looks like
// work of their own. It is healed exactly (refinery.md A5), or refused and left as it is: a
// file that is neither the old commit's nor the new one's, nor the beginning of the new one's
// as a killed write leaves it, is a person's.

// heal ends an update that was begun and not seen to end. A *DeliveryError says that it
// cannot, and that nothing was changed. What the person did to other files stays.
func (r *Repo) heal(ctx context.Context, c *Checkout, m Move) error {
	dir, busy, err := c.holder(ctx, m.Branch)
	if err != nil {
		return err
	}
	if dir == "" || dir != m.Dir {
		return nil // the branch is not checked out there any more
	}
	h := healing{r: r, c: c, m: m}
	if busy {
		return h.refuse(CheckoutBusy)
	}
	if tip, err := c.Tip(ctx, m.Branch); err != nil || tip != m.Old {
		return err // it came to its end, or the person moved on
	}
	if there, err := c.hasCommit(ctx, m.New); err != nil || !there {
		return err // the files come after the objects
	}
	if err := h.locks(ctx); err != nil {
		return err
	}
	if err := h.look(ctx); err != nil {
		return err
	}
	if !h.begun {
		return nil
	}
	return h.apply(ctx)
}

// hasCommit reports whether the checkout's repository has a commit.
func (c *Checkout) hasCommit(ctx context.Context, hash string) (bool, error) {
	if err := checkRev(hash); err != nil {
		return false, err
	}
	out, err := c.g.readIn(ctx, c.Top, 1, "rev-parse", "--verify", "--quiet", hash+"^{commit}")
	return strings.TrimSpace(out) == hash, err
}

type healing struct {
	r     *Repo
	c     *Checkout
	m     Move
	torn  []string // to be removed: the beginning of what the new commit has there
	index []string // lines for update-index --index-info
	begun bool     // something is not the old commit's any more
}

func (h *healing) refuse(p DeliveryProblem, paths ...string) error {
	return &DeliveryError{Problem: p, Checkout: h.m.Dir, Branch: h.m.Branch, Have: h.m.Old, Paths: paths}
}

// changeIn runs a call that changes the checkout; only healing does.
func (h *healing) changeIn(ctx context.Context, in string, okCode int, args ...string) error {
	c := call{pre: openPins, dir: h.m.Dir, env: h.c.g.open, args: args, in: []byte(in), okCode: okCode}
	_, _, err := h.c.g.run(ctx, c)
	if err != nil {
		return fmt.Errorf("heal %q: %w", h.m.Dir, err)
	}
	return nil
}

// locks removes those that our killed git left: made after the update began, with no git at
// work there. Anybody else's stay, and nothing is healed until they are gone.
func (h *healing) locks(ctx context.Context) error {
	locks, err := h.c.locks(ctx, h.m.Dir, h.m.Branch)
	if err != nil {
		return err
	}
	for _, file := range locks {
		st, err := os.Lstat(file)
		if err != nil {
			continue // gone by now
		}
		if st.ModTime().Before(h.m.At) || proc.RunningIn(h.m.Dir, "git") || proc.RunningIn(h.c.GitDir, "git") {
			return h.refuse(CheckoutLocked, file)
		}
		if err := os.Remove(file); err != nil {
			return fmt.Errorf("heal %q: %w", h.m.Dir, err)
		}
	}
	return nil
}

// locks lists the lock files that an update of dir, where branch is checked out, would meet.
func (c *Checkout) locks(ctx context.Context, dir, branch string) (found []string, err error) {
	out, err := c.g.readIn(ctx, dir, 0, "rev-parse", "--absolute-git-dir")
	if err != nil {
		return nil, fmt.Errorf("locks of %q: %w", dir, err)
	}
	private := strings.TrimSuffix(out, "\n")
	for _, file := range []string{
		filepath.Join(private, "index"), filepath.Join(private, "HEAD"), filepath.Join(c.GitDir, filepath.FromSlash(branch)),
	} {
		if _, err := os.Lstat(file + lockSuffix); err == nil {
			found = append(found, file+lockSuffix)
		}
	}
	return found, nil
}

// look finds out what every changed path is, and changes nothing.
func (h *healing) look(ctx context.Context) error {
	changes, err := h.r.DiffNames(ctx, h.m.Old, h.m.New)
	if err != nil {
		return err
	}
	var paths []string
	for _, ch := range changes {
		paths = append(paths, ch.Path)
	}
	index, err := h.entries(ctx, paths)
	if err != nil {
		return err
	}
	files, err := h.files(ctx, changes)
	if err != nil {
		return err
	}
	var theirs []string
	for _, ch := range changes {
		before, after := side{ch.OldMode, ch.OldHash}, side{ch.NewMode, ch.NewHash}
		staged, now := index[ch.Path], files[ch.Path]
		if staged != before.orAbsent() && staged != after.orAbsent() {
			theirs = append(theirs, ch.Path)
			continue
		}
		want := before.orAbsent()
		switch {
		case after.gitlink() || before.gitlink():
			continue // its files are another repository's
		case now == before.orAbsent():
		case now == after.orAbsent():
			want = after.orAbsent()
		case now == absent(): // removed, and its new content not written yet
		default:
			torn, err := h.isTorn(ctx, ch)
			if err != nil {
				return err
			}
			if !torn {
				theirs = append(theirs, ch.Path)
				continue
			}
			h.torn = append(h.torn, ch.Path)
		}
		h.begun = h.begun || now != before.orAbsent() || staged != before.orAbsent()
		if want != staged {
			h.index = append(h.index, want.line(ch.Path))
		}
	}
	theirs = append(theirs, h.strangers(changes, files)...)
	if len(theirs) > 0 {
		return h.refuse(CheckoutDirty, uniq(theirs)...)
	}
	return nil
}

// side is what one commit, the index or the directory has at a path.
type side struct{ mode, hash string }

func absent() side { return side{} }

func (s side) orAbsent() side {
	if strings.Trim(s.mode, "0") == "" {
		return absent()
	}
	return s
}

func (s side) gitlink() bool { return s.mode == "160000" }

func (s side) line(path string) string {
	if s == absent() {
		return "0 " + ZeroHash + "\t" + path + "\x00"
	}
	return s.mode + " " + s.hash + " 0\t" + path + "\x00"
}

// atOnce is how many paths one git call is given.
const atOnce = 200

// entries is what the index has at the paths; a path in conflict has a side of its own kind.
func (h *healing) entries(ctx context.Context, paths []string) (map[string]side, error) {
	found := map[string]side{}
	for some := range slices.Chunk(paths, atOnce) {
		out, err := h.c.g.readIn(ctx, h.m.Dir, 0, append([]string{"--literal-pathspecs", "ls-files", "-s", "-z", "--full-name", "--"}, some...)...)
		if err != nil {
			return nil, fmt.Errorf("heal %q: %w", h.m.Dir, err)
		}
		for _, e := range splitNUL([]byte(out)) {
			info, path, _ := strings.Cut(e, "\t")
			f := strings.Fields(info)
			if len(f) != 3 {
				return nil, fmt.Errorf("heal %q: cannot read %q", h.m.Dir, e)
			}
			if f[2] != "0" {
				f[0] = "conflict"
			}
			found[path] = side{f[0], f[1]}
		}
	}
	return found, nil
}

// files is what the directory has at the changed paths, as git would store it. What is no
// file or link is left out of the map's sense: a side of its own kind.
func (h *healing) files(ctx context.Context, changes []Change) (map[string]side, error) {
	found := map[string]side{}
	modes, err := h.c.g.readIn(ctx, h.m.Dir, 1, "config", "--get", "--type=bool", "core.fileMode")
	if err != nil {
		return nil, fmt.Errorf("heal %q: %w", h.m.Dir, err)
	}
	told := strings.TrimSpace(modes) != "false"
	var plain []string
	for _, ch := range changes {
		full := filepath.Join(h.m.Dir, filepath.FromSlash(ch.Path))
		st, err := os.Lstat(full)
		switch {
		case err != nil: // not there, or a file where its directory would be
			found[ch.Path] = absent()
		case st.Mode().IsRegular():
			mode := "100644"
			if told && st.Mode()&0o100 != 0 || !told && ch.NewMode == "100755" {
				mode = "100755"
			}
			found[ch.Path] = side{mode: mode}
			plain = append(plain, ch.Path)
		case st.Mode()&os.ModeSymlink != 0:
			hash, err := h.link(ctx, full)
			if err != nil {
				return nil, err
			}
			found[ch.Path] = side{"120000", hash}
		case st.IsDir():
			found[ch.Path] = absent() // strangers looks inside
		default:
			found[ch.Path] = side{mode: "special"}
		}
	}
	for some := range slices.Chunk(plain, atOnce) {
		out, err := h.c.g.readIn(ctx, h.m.Dir, 0, append([]string{"hash-object", "--"}, some...)...)
		if err != nil {
			return nil, fmt.Errorf("heal %q: %w", h.m.Dir, err)
		}
		hashes := strings.Fields(out)
		if len(hashes) != len(some) {
			return nil, fmt.Errorf("heal %q: %d hashes for %d files", h.m.Dir, len(hashes), len(some))
		}
		for i, path := range some {
			found[path] = side{found[path].mode, hashes[i]}
		}
	}
	return found, nil
}

// link is the hash of a symbolic link's content.
func (h *healing) link(ctx context.Context, full string) (string, error) {
	target, err := os.Readlink(full)
	if err != nil {
		return "", err
	}
	return h.r.WriteBlob(ctx, []byte(target))
}

// isTorn reports whether the file at a path is what a killed write of the new content leaves:
// a beginning of it.
func (h *healing) isTorn(ctx context.Context, ch Change) (bool, error) {
	if ch.Status == 'D' || ch.NewMode == "120000" {
		return false, nil
	}
	full := filepath.Join(h.m.Dir, filepath.FromSlash(ch.Path))
	if st, err := os.Lstat(full); err != nil || !st.Mode().IsRegular() {
		return false, nil //nolint:nilerr // it went meanwhile: a person's doing
	}
	have, err := os.ReadFile(full)
	if err != nil {
		return false, fmt.Errorf("heal %q: %w", h.m.Dir, err)
	}
	whole, err := h.c.g.readIn(ctx, h.m.Dir, 0, "cat-file", "--filters", h.m.New+":"+ch.Path)
	if err != nil {
		return false, fmt.Errorf("heal %q: %w", h.m.Dir, err)
	}
	return len(have) <= len(whole) && bytes.Equal(have, []byte(whole[:len(have)])), nil
}

// strangers lists files that are in no commit and stand where a new directory or file goes.
func (h *healing) strangers(changes []Change, files map[string]side) []string {
	known := map[string]bool{}
	for _, ch := range changes {
		known[ch.Path] = true
	}
	var open []Change
	for _, ch := range changes {
		if files[ch.Path] == absent() && ch.Status != 'D' {
			ch.Status = 'A' // for collisions: it is to be made
			open = append(open, ch)
		}
	}
	for path := range known {
		open = append(open, Change{Path: path, Status: 'D'})
	}
	return collisions(h.m.Dir, open)
}

// apply makes files, index and branch the new commit's. Every step may be killed and the
// whole done again.
func (h *healing) apply(ctx context.Context) error {
	for _, p := range h.torn {
		if err := os.Remove(filepath.Join(h.m.Dir, filepath.FromSlash(p))); err != nil && !os.IsNotExist(err) {
			return fmt.Errorf("heal %q: %w", h.m.Dir, err)
		}
	}
	if len(h.index) > 0 {
		if err := h.changeIn(ctx, strings.Join(h.index, ""), 0, "update-index", "-z", "--index-info"); err != nil {
			return err
		}
	}
	if err := h.changeIn(ctx, "", 1, "update-index", "-q", "--ignore-submodules", "--refresh"); err != nil {
		return err
	}
	if err := h.changeIn(ctx, "", 0, "read-tree", "-m", "-u", h.m.Old, h.m.New); err != nil {
		return err
	}
	return h.changeIn(ctx, "", 0, "update-ref", "-m", "gastown: deliver", h.m.Branch, h.m.New, h.m.Old)
}
