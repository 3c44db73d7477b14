package worktree

import (
	"bytes"
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

// ErrNotOnHead says that a worktree stands on another commit than the one the
// rescue belongs on.
var ErrNotOnHead error = fault.Refusedf("the worktree is not on the commit the work was kept from")

// ErrInTheWay says that a worktree has changes that Restore would overwrite.
var ErrInTheWay error = fault.Refusedf("the worktree has changes of its own")

// restorePrefix begins the names of files that Restore is writing.
const restorePrefix = ".gastown-restore-"

// Restore brings a rescue (by its full ref) back as uncommitted changes: index,
// tracked and untracked files as they were. HEAD of the worktree must be the
// rescue's Head (any, when that was unborn); files that differ from HEAD already
// must be the rescue's own, so it can be repeated after a crash. A merge,
// cherry-pick or revert goes on where it was; a rebase does not, its files stay
// in the rescue. No branch moves and the rescue stays.
func Restore(ctx context.Context, wt *git.Worktree, ref string) (Rescue, error) {
	r, s, err := load(ctx, wt.Repo(), ref)
	if err != nil {
		return r, err
	}
	if err := restore(ctx, wt, r, s); err != nil {
		return r, fmt.Errorf("restore %q: %w", ref, err)
	}
	return r, nil
}

func restore(ctx context.Context, wt *git.Worktree, r Rescue, s state) error {
	head, err := wt.Head(ctx)
	if err != nil {
		return err
	}
	if head.Commit != r.Head && !s.Unborn {
		return fmt.Errorf("it is on %.12s, the work on %.12s: %w", head.Commit, r.Head, ErrNotOnHead)
	}
	if r.Clean {
		return nil
	}
	root, err := os.OpenRoot(wt.Path())
	if err != nil {
		return err
	}
	defer root.Close()
	if err := sweepRestore(root); err != nil {
		return err
	}
	changes, err := plan(ctx, wt.Repo(), r, head.Commit)
	if err != nil {
		return err
	}
	if err := nothingInTheWay(ctx, wt, changes, s); err != nil {
		return err
	}
	if err := writeFiles(ctx, wt.Repo(), root, changes); err != nil {
		return err
	}
	if err := restoreIndex(ctx, wt, root, s); err != nil {
		return err
	}
	return restoreOperation(ctx, wt, r)
}

// plan lists the files to be written or removed: tracked ones against head,
// untracked ones all. An untracked file wins over a tracked one that was deleted.
func plan(ctx context.Context, repo *git.Repo, r Rescue, head string) ([]git.Change, error) {
	tracked, err := repo.DiffNames(ctx, head, r.Commit)
	if err != nil {
		return nil, err
	}
	empty, err := repo.EmptyTree(ctx)
	if err != nil {
		return nil, err
	}
	loose, err := repo.DiffNames(ctx, empty, r.Commit+"^3")
	if err != nil {
		return nil, err
	}
	there := map[string]int{}
	for i, ch := range loose {
		there[ch.Path] = i
	}
	tracked = slices.DeleteFunc(tracked, func(ch git.Change) bool {
		i, ok := there[ch.Path]
		if ok && ch.Status == 'D' {
			loose[i].Status = 'M' // HEAD has a file there that may be overwritten
		}
		return ok && ch.Status == 'D'
	})
	// Removals first: a file may stand where a directory must be, and the other way round.
	all := append(tracked, loose...)
	slices.SortStableFunc(all, func(a, b git.Change) int {
		return boolInt(a.Status != 'D') - boolInt(b.Status != 'D')
	})
	return all, nil
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// nothingInTheWay refuses when a path that differs from HEAD holds neither what
// the rescue has for it nor the beginning of an earlier Restore.
func nothingInTheWay(ctx context.Context, wt *git.Worktree, changes []git.Change, s state) error {
	st, err := wt.Status(ctx, git.WithoutIgnored)
	if err != nil {
		return err
	}
	mine := map[string]git.Change{}
	for _, ch := range changes {
		mine[ch.Path] = ch
	}
	indexed := map[string]bool{}
	for _, e := range s.Index {
		indexed[string(e.Path)] = true
	}
	dirty := map[string]bool{}
	for _, p := range st.Untracked {
		dirty[p] = true
	}
	for _, e := range st.Entries {
		if e.Unmerged || e.Work != '.' {
			dirty[e.Path] = true
		} else if _, ok := mine[e.Path]; !ok && !indexed[e.Path] {
			return fmt.Errorf("%q is staged: %w", e.Path, ErrInTheWay)
		}
	}
	for p := range dirty {
		ch, ok := mine[p]
		if !ok && !indexed[p] {
			return fmt.Errorf("%q is changed: %w", p, ErrInTheWay)
		}
		if same, err := isWritten(ctx, wt, p, ch); err != nil {
			return err
		} else if ok && !same {
			return fmt.Errorf("%q is changed: %w", p, ErrInTheWay)
		}
	}
	// Ignored files are not in the status; they must not be overwritten either.
	for _, ch := range changes {
		if ch.Status == 'A' && !dirty[ch.Path] {
			if same, err := isWritten(ctx, wt, ch.Path, ch); err != nil {
				return err
			} else if _, lerr := os.Lstat(filepath.Join(wt.Path(), ch.Path)); lerr == nil && !same {
				return fmt.Errorf("%q is there: %w", ch.Path, ErrInTheWay)
			}
		}
	}
	return nil
}

// isWritten reports whether the file is already what the change makes of it.
func isWritten(ctx context.Context, wt *git.Worktree, p string, ch git.Change) (bool, error) {
	full := filepath.Join(wt.Path(), p)
	st, err := os.Lstat(full)
	switch {
	case errors.Is(err, fs.ErrNotExist) || isNotDir(err):
		return true, nil // removed, or still to be written
	case err != nil:
		return false, err
	case ch.Status == 'D' || !st.Mode().IsRegular() && st.Mode()&fs.ModeSymlink == 0:
		return st.IsDir(), nil
	case st.Mode()&fs.ModeSymlink != 0:
		if ch.NewMode != "120000" {
			return false, nil
		}
		target, err := os.Readlink(full)
		if err != nil {
			return false, err
		}
		blob, err := wt.Repo().WriteBlob(ctx, []byte(target))
		return blob == ch.NewHash, err
	}
	h, err := wt.Repo().HashFiles(ctx, []string{full})
	return err == nil && h[0] == ch.NewHash, err
}

// sweepRestore removes what a crash left half written.
func sweepRestore(root *os.Root) error {
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return err
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), restorePrefix) {
			if err := root.Remove(e.Name()); err != nil {
				return err
			}
		}
	}
	return nil
}

// writeFiles performs the changes inside root; each file appears whole.
func writeFiles(ctx context.Context, repo *git.Repo, root *os.Root, changes []git.Change) error {
	var names []string
	var write []git.Change
	for _, ch := range changes {
		switch {
		case ch.Status == 'D':
			if err := removeFile(root, ch.Path); err != nil {
				return err
			}
		case ch.NewMode == "160000": // a submodule's commit: its files are not ours to write
		default:
			names, write = append(names, ch.NewHash), append(write, ch)
		}
	}
	return repo.Blobs(ctx, names, func(i int, _ int64, content io.Reader) error {
		if err := writeFile(root, write[i], content); err != nil {
			return fmt.Errorf("write %q: %w", write[i].Path, err)
		}
		return nil
	})
}

func writeFile(root *os.Root, ch git.Change, content io.Reader) error {
	name := filepath.FromSlash(ch.Path)
	if dir := filepath.Dir(name); dir != "." {
		if err := root.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	tmp := restorePrefix + ch.NewHash
	if ch.NewMode == "120000" {
		target, err := io.ReadAll(content)
		if err != nil {
			return err
		}
		if err := root.Symlink(string(target), tmp); err != nil {
			return err
		}
		return root.Rename(tmp, name)
	}
	perm := fs.FileMode(0o644)
	if ch.NewMode == "100755" {
		perm = 0o755
	}
	f, err := root.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, perm)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, content)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return root.Rename(tmp, name)
}

// removeFile removes a file and the directories it leaves empty.
func removeFile(root *os.Root, p string) error {
	name := filepath.FromSlash(p)
	if st, err := root.Lstat(name); err != nil || st.IsDir() {
		return nil // gone already, or a directory took its place
	}
	if err := root.Remove(name); err != nil {
		return err
	}
	for dir := filepath.Dir(name); dir != "."; dir = filepath.Dir(dir) {
		if root.Remove(dir) != nil {
			break // not empty
		}
	}
	return nil
}

// restoreIndex gives the recorded paths their entries; all others are HEAD's.
func restoreIndex(ctx context.Context, wt *git.Worktree, root *os.Root, s state) error {
	var info, intents bytes.Buffer
	if s.Unborn {
		if _, err := wt.Run(ctx, nil, "", "read-tree", "--empty"); err != nil {
			return err
		}
	}
	for _, e := range s.Index {
		info.WriteString(zeroMode + string(e.Path) + "\x00")
	}
	for _, e := range s.Index {
		switch {
		case e.IntentToAdd:
			intents.WriteString(string(e.Path) + "\x00")
		case len(e.Stages) > 0:
			for _, st := range e.Stages {
				fmt.Fprintf(&info, "%s %s %d\t%s\x00", st.Mode, st.Hash, st.Stage, e.Path)
			}
		case e.Mode != "0":
			fmt.Fprintf(&info, "%s %s\t%s\x00", e.Mode, e.Hash, e.Path)
		}
	}
	if info.Len() > 0 {
		if _, err := wt.Run(ctx, info.Bytes(), "", "update-index", "-z", "--index-info"); err != nil {
			return fmt.Errorf("restore the index: %w", err)
		}
	}
	if intents.Len() > 0 {
		if err := intend(ctx, wt, root, s, intents.Bytes()); err != nil {
			return fmt.Errorf("restore intents to add: %w", err)
		}
	}
	// Only saves later calls from reading every file; it fails where files differ.
	_, err := wt.Run(ctx, nil, "", "update-index", "-q", "--refresh")
	if ee := (*git.ExitError)(nil); errors.As(err, &ee) {
		return nil
	}
	return err
}

// intend marks paths as intended to be added. git wants a file there: one that
// was deleted stands in for the moment.
func intend(ctx context.Context, wt *git.Worktree, root *os.Root, s state, paths []byte) error {
	var standIns []string
	for _, e := range s.Index {
		name := filepath.FromSlash(string(e.Path))
		if _, err := root.Lstat(name); !e.IntentToAdd || err == nil {
			continue
		}
		if dir := path.Dir(name); dir != "." {
			if err := root.MkdirAll(dir, 0o755); err != nil {
				return err
			}
		}
		f, err := root.Create(name)
		if err != nil {
			return err
		}
		if err := f.Close(); err != nil {
			return err
		}
		standIns = append(standIns, string(e.Path))
	}
	_, err := wt.Run(ctx, paths, "", "--literal-pathspecs", "add", "--intent-to-add", "--force", "--pathspec-from-file=-", "--pathspec-file-nul")
	for _, p := range standIns {
		err = errors.Join(err, removeFile(root, p))
	}
	return err
}

// restoreOperation puts a merge, cherry-pick or revert back in progress.
func restoreOperation(ctx context.Context, wt *git.Worktree, r Rescue) error {
	if r.Operation != "merge" && r.Operation != "cherry-pick" && r.Operation != "revert" {
		return nil
	}
	for _, name := range resumable {
		data, err := wt.Repo().Show(ctx, r.Commit+"^4", "gitdir/"+name, 0)
		if errors.Is(err, git.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(wt.GitDir(), name), data, 0o600); err != nil {
			return fmt.Errorf("restore %s: %w", name, err)
		}
	}
	return nil
}
