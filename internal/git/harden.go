package git

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"gastown/internal/fault"
)

// hardeners is how many files are brought to the disk at once: a journal takes several in one write.
const hardeners = 8

// Harden makes what tip has and the hard commits have not survive a power cut, as theirs does: every object
// is on the disk when it returns. Git's own default leaves objects to the system, which writes them half a
// minute later, and our pins do not help where an object was there already. A lost object is ErrNotExist; all
// others are on the disk then, too.
func (r *Repo) Harden(ctx context.Context, tip string, hard ...string) error {
	objects, err := r.added(ctx, tip, hard)
	if err == nil {
		err = r.sync(ctx, objects)
	}
	if err != nil {
		return fmt.Errorf("bring %s to the disk: %w", short(tip), err)
	}
	return nil
}

// Whole is an error unless every object is there that tip has and the others have not.
func (r *Repo) Whole(ctx context.Context, tip string, others ...string) error {
	if err := checkRevs(append([]string{tip}, others...)...); err != nil {
		return err
	}
	args := []string{"rev-list", "--objects", "--quiet", tip}
	for _, o := range others {
		args = append(args, "^"+o)
	}
	if _, err := r.output(ctx, append(args, "--")...); err != nil {
		return fmt.Errorf("look for all of %s: %w", short(tip), err)
	}
	return nil
}

// added lists the objects of tip's history that those of the others have not, and perhaps some they have. It
// costs as much as changed, and not as much as there is: a commit has no other objects than those in which it
// differs from its first parent, which is one of the others' or looked at too.
func (r *Repo) added(ctx context.Context, tip string, others []string) ([]string, error) {
	if err := checkRevs(append([]string{tip}, others...)...); err != nil {
		return nil, err
	}
	args := []string{"log", "--format=%H %T", "--raw", "-r", "-t", "--root", "--diff-merges=first-parent", "--no-abbrev", "--no-renames",
		"--no-show-signature", "--no-notes", "--no-decorate", "--no-mailmap", tip}
	for _, o := range others {
		args = append(args, "^"+o)
	}
	out, err := r.output(ctx, append(args, "--")...)
	if err != nil {
		return nil, err
	}
	var all []string
	for line := range strings.SplitSeq(out, "\n") {
		f := strings.Fields(line)
		switch {
		case len(f) == 2 && isHash(f[0]):
			all = append(all, f...)
		case len(f) > 5 && strings.HasPrefix(f[0], ":") && f[1] != "160000" && strings.Trim(f[3], "0") != "":
			all = append(all, f[3])
		}
	}
	return uniq(all), nil
}

// sync brings objects to the disk, and then says which there are not. Packs are on the disk already: git makes
// them no other way.
func (r *Repo) sync(ctx context.Context, objects []string) error {
	dir := filepath.Join(r.dir, "objects")
	dirs := []string{dir}
	var files, packed []string
	var lost error
	for _, hash := range objects {
		sub := filepath.Join(dir, hash[:2])
		info, err := os.Stat(filepath.Join(sub, hash[2:]))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			packed = append(packed, hash)
		case err != nil:
			return err
		case info.Size() == 0: // what a power cut leaves, of a git that did not wait for the disk
			lost = fault.Failf("object %s is empty: %w", hash, ErrNotExist)
		default:
			files, dirs = append(files, filepath.Join(sub, hash[2:])), append(dirs, sub)
		}
	}
	if len(packed) > 0 {
		dirs = append(dirs, filepath.Join(dir, "pack"))
	}
	// The names of files after the files.
	if err := errors.Join(syncAll(files), syncAll(uniq(dirs))); err != nil {
		return err
	}
	if lost != nil {
		return lost
	}
	return r.there(ctx, packed)
}

// there is ErrNotExist unless every object can be found.
func (r *Repo) there(ctx context.Context, objects []string) error {
	found, err := r.lookup(ctx, "", objects)
	if err != nil {
		return err
	}
	for i, hash := range found {
		if hash == "" {
			return fmt.Errorf("object %s: %w", objects[i], ErrNotExist)
		}
	}
	return nil
}

// syncAll waits until files or directories are on the disk.
func syncAll(paths []string) error {
	next := make(chan string)
	errs := make([]error, min(hardeners, len(paths)))
	var work sync.WaitGroup
	for i := range errs {
		work.Go(func() {
			for path := range next {
				errs[i] = errors.Join(errs[i], syncOne(path))
			}
		})
	}
	for _, path := range paths {
		next <- path
	}
	close(next)
	work.Wait()
	return errors.Join(errs...)
}

func syncOne(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
