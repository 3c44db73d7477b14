package git

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gastown/internal/fault"
)

// ErrNotDelivered says that a person's checkout was left as it is. The error in
// the chain is a *DeliveryError.
var ErrNotDelivered error = fault.Refusedf("the checkout was not moved")

// DeliveryProblem is why a checkout was left as it is.
type DeliveryProblem string

const (
	// CheckoutDirty means that Paths are edited.
	CheckoutDirty DeliveryProblem = "dirty"
	// CheckoutBlocked means that Paths, which are not in the repository there, stand where new files go.
	CheckoutBlocked DeliveryProblem = "blocked"
	// CheckoutDiverged means that the branch there has commits that the commit
	// to be delivered has not.
	CheckoutDiverged DeliveryProblem = "diverged"
	// CheckoutBusy means that a merge, rebase or bisect of that branch is under way.
	CheckoutBusy DeliveryProblem = "busy"
	// CheckoutLocked means that git works there, or was killed: Paths are its lock files.
	CheckoutLocked DeliveryProblem = "locked"
)

// DeliveryError tells why and what is in the way.
type DeliveryError struct {
	Problem  DeliveryProblem
	Checkout string   // the directory
	Branch   string   // full ref
	Have     string   // where the branch is
	Paths    []string // of CheckoutDirty, CheckoutBlocked and CheckoutLocked
}

// Error is "not delivered: README.md is edited".
func (e *DeliveryError) Error() string {
	switch e.Problem {
	case CheckoutDiverged:
		return fmt.Sprintf("not delivered: %s of %s has commits of its own (%s)", e.Branch, e.Checkout, short(e.Have))
	case CheckoutBusy:
		return fmt.Sprintf("not delivered: a merge, rebase or bisect is under way in %s", e.Checkout)
	}
	if e.Problem == CheckoutLocked {
		return fmt.Sprintf("not delivered: git is at work in %s, or was killed: %s is there", e.Checkout, strings.Join(e.Paths, ", "))
	}
	what := "edited"
	if e.Problem == CheckoutBlocked {
		what = "in the way, and not committed there"
	}
	switch len(e.Paths) {
	case 0:
		return fmt.Sprintf("not delivered: %s has changes", e.Checkout)
	case 1:
		return fmt.Sprintf("not delivered: %s is %s", e.Paths[0], what)
	}
	return fmt.Sprintf("not delivered: %s and %d more are %s", e.Paths[0], len(e.Paths)-1, what)
}

// Unwrap makes errors.Is(err, ErrNotDelivered) true.
func (e *DeliveryError) Unwrap() error { return ErrNotDelivered }

// Delivery is what PushCheckout did.
type Delivery struct {
	Old, New string // values of the branch; equal when there was nothing to do
	// Moved is the directory whose files were updated; "" when the branch is
	// checked out nowhere.
	Moved string
}

// Move is an update of a person's checkout: its branch, and with it the files where it is
// checked out. It is stored before it begins, so that one that was killed half way is known.
type Move struct {
	Dir    string    `json:"dir"`    // whose files move
	Branch string    `json:"branch"` // full ref
	Old    string    `json:"old"`
	New    string    `json:"new"`
	At     time.Time `json:"at"`
}

// PushCheckout moves branch (a full ref) of a person's repository forward to
// commit, by git's own guarded update: where the branch is checked out, the files
// move with it, if that checkout has no changes. It never forces, runs no hook
// there and changes no setting. A branch that has the commit already is success.
// Anything in the way is a *DeliveryError and leaves all as it was.
//
// An update that was killed half way is known by its journal: left is one that was begun
// and not seen to end, and is healed or refused first. journal stores one before any file
// is touched, and nil once it is over. Both may be nil.
func (r *Repo) PushCheckout(ctx context.Context, c *Checkout, commit, branch string, left *Move, journal func(*Move) error) (Delivery, error) {
	if journal == nil {
		journal = func(*Move) error { return nil }
	}
	if left != nil {
		if err := r.heal(ctx, c, *left); err != nil {
			return Delivery{Old: left.Old, New: left.Old}, err
		}
		if err := journal(nil); err != nil {
			return Delivery{}, err
		}
	}
	if err := errors.Join(CheckRef(branch), checkRev(commit)); err != nil {
		return Delivery{}, err
	}
	old, err := c.Tip(ctx, branch)
	if err != nil {
		return Delivery{}, err
	}
	fail := func(p DeliveryProblem, dir string, paths ...string) (Delivery, error) {
		return Delivery{Old: old, New: old}, &DeliveryError{Problem: p, Checkout: dir, Branch: branch, Have: old, Paths: paths}
	}
	if old != "" {
		switch rel, err := r.relation(ctx, old, commit); {
		case err != nil:
			return Delivery{}, err
		case rel == contains:
			return Delivery{Old: old, New: old}, nil
		case rel == apart:
			return fail(CheckoutDiverged, c.Top)
		}
	}
	dir, busy, err := c.holder(ctx, branch)
	if err != nil {
		return Delivery{}, err
	}
	if busy {
		return fail(CheckoutBusy, firstOf(dir, c.Top))
	}
	if dir != "" {
		problem, paths, err := r.inTheWay(ctx, c, dir, old, commit)
		if err != nil {
			return Delivery{}, err
		}
		if len(paths) > 0 {
			return fail(problem, dir, paths...)
		}
	}
	if dir != "" {
		if locks, err := c.locks(ctx, dir, branch); err != nil {
			return Delivery{}, err
		} else if len(locks) > 0 { // before we begin: not ours
			return fail(CheckoutLocked, dir, locks...)
		}
	}
	if err := r.cleanConfig(ctx, r.configFiles()...); err != nil {
		return Delivery{}, err
	}
	if err := r.shareLFS(ctx, c, branch, old, commit); err != nil {
		return Delivery{}, err
	}
	if dir != "" && old != "" {
		m := &Move{Dir: dir, Branch: branch, Old: old, New: commit, At: time.Now().Add(-mtimeGrain)}
		if err := journal(m); err != nil {
			return Delivery{Old: old, New: old}, err
		}
	}
	perr := r.push(ctx, c.Top, []string{"--receive-pack=" + receivePack}, commit+":"+branch)
	now, err := c.Tip(ctx, branch)
	if err != nil {
		return Delivery{}, err
	}
	if dir != "" && old != "" && (now != old || r.untouched(ctx, c, dir, branch)) {
		if err := journal(nil); err != nil {
			return Delivery{Old: old, New: now}, err
		}
	}
	if now == commit { // verified by looking
		return Delivery{Old: old, New: now, Moved: dir}, nil
	}
	if errors.Is(perr, ErrRejected) && dir != "" { // it changed between our look and git's
		if problem, paths, err := r.inTheWay(ctx, c, dir, old, commit); err == nil && len(paths) > 0 {
			return fail(problem, dir, paths...)
		}
	}
	if perr == nil {
		perr = fault.Failf("the branch is at %s", short(now))
	}
	return Delivery{Old: old, New: now}, fmt.Errorf("deliver to %q: %w", c.Top, perr)
}

// mtimeGrain is how much earlier than our clock a file system may date what is made now.
const mtimeGrain = 2 * time.Second

// untouched reports whether the checkout has no changes and no locks, so that an update that
// was refused has left nothing.
func (r *Repo) untouched(ctx context.Context, c *Checkout, dir, branch string) bool {
	if locks, err := c.locks(ctx, dir, branch); err != nil || len(locks) > 0 {
		return false
	}
	paths, err := c.edited(ctx, dir)
	return err == nil && len(paths) == 0
}

// edited lists the tracked files of dir that are changed or staged.
func (c *Checkout) edited(ctx context.Context, dir string) ([]string, error) {
	out, err := c.g.readIn(ctx, dir, 0, "status", "--porcelain=v2", "-z", "--branch", "--no-renames", "--untracked-files=no", "--ignore-submodules=all")
	if err != nil {
		return nil, fmt.Errorf("status of %q: %w", dir, err)
	}
	st, err := parseStatus([]byte(out))
	return st.Dirty(), err
}

// receivePack is the receiving side's program. git gives it to a shell with the
// path quoted by git; the text itself is constant.
const receivePack = "git -c receive.denyCurrentBranch=updateInstead -c receive.autogc=false -c core.hooksPath=/dev/null" +
	" -c core.fsmonitor=false -c core.fsync=all -c gc.auto=0 -c maintenance.auto=false receive-pack"

type relation int

const (
	apart    relation = iota // neither is in the other's history
	behind                   // the first is an ancestor of the second
	contains                 // the first has the second in its history
)

// relation compares a commit of another repository with one of ours.
func (r *Repo) relation(ctx context.Context, theirs, ours string) (relation, error) {
	known, err := r.Lookup(ctx, theirs)
	if err != nil || known[0] == "" {
		return apart, err
	}
	if ok, err := r.IsAncestor(ctx, ours, theirs); err != nil || ok {
		return contains, err
	}
	if ok, err := r.IsAncestor(ctx, theirs, ours); err != nil || ok {
		return behind, err
	}
	return apart, nil
}

// holder finds the directory where branch is checked out ("" for none) and
// whether an unfinished operation there holds on to the branch.
func (c *Checkout) holder(ctx context.Context, branch string) (dir string, busy bool, err error) {
	out, err := c.g.readIn(ctx, c.Top, 0, "worktree", "list", "--porcelain", "-z")
	if err != nil {
		return "", false, fmt.Errorf("worktrees of %q: %w", c.Top, err)
	}
	for _, block := range strings.Split(out, "\x00\x00") {
		l := strings.Split(strings.Trim(block, "\x00"), "\x00")
		if slices.Contains(l, "branch "+branch) && !slices.Contains(l, "bare") {
			dir = strings.TrimPrefix(l[0], "worktree ")
		}
	}
	dirs := []string{c.GitDir}
	linked, _ := os.ReadDir(filepath.Join(c.GitDir, "worktrees"))
	for _, e := range linked {
		dirs = append(dirs, filepath.Join(c.GitDir, "worktrees", e.Name()))
	}
	for _, d := range dirs {
		head := readLine(d, "HEAD") == "ref: "+branch
		for _, f := range []string{"rebase-merge/head-name", "rebase-apply/head-name"} {
			busy = busy || readLine(d, f) == branch
		}
		busy = busy || "refs/heads/"+readLine(d, "BISECT_START") == branch
		for _, f := range []string{"MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "rebase-merge", "rebase-apply"} {
			if _, err := os.Lstat(filepath.Join(d, f)); err == nil && head {
				busy = true
			}
		}
	}
	return dir, busy, nil
}

// readLine is the first line of a small file, "" when it cannot be read.
func readLine(dir, name string) string {
	data, _ := os.ReadFile(filepath.Join(dir, name))
	line, _, _ := strings.Cut(string(data), "\n")
	return line
}

// inTheWay lists what an update of the files in dir from old to commit would
// meet: tracked changes of any kind (git refuses them), and untracked or ignored
// files where new ones belong (git would overwrite ignored ones).
func (r *Repo) inTheWay(ctx context.Context, c *Checkout, dir, old, commit string) (DeliveryProblem, []string, error) {
	if paths, err := c.edited(ctx, dir); err != nil || len(paths) > 0 {
		return CheckoutDirty, paths, err
	}
	if old == "" {
		var err error
		if old, err = r.EmptyTree(ctx); err != nil {
			return "", nil, err
		}
	}
	changes, err := r.DiffNames(ctx, old, commit)
	if err != nil {
		return "", nil, err
	}
	return CheckoutBlocked, collisions(dir, changes), nil
}

// collisions lists the files below dir that stand where changes add files and
// that the changes do not themselves remove.
func collisions(dir string, changes []Change) []string {
	gone := map[string]bool{}
	for _, ch := range changes {
		if ch.Status == 'D' {
			gone[ch.Path] = true
		}
	}
	var found []string
	for _, ch := range changes {
		if ch.Status != 'A' {
			continue
		}
		// A file where a directory must be.
		blocked := false
		for p := path.Dir(ch.Path); p != "." && !blocked; p = path.Dir(p) {
			if st, err := os.Lstat(filepath.Join(dir, p)); err == nil && !st.IsDir() {
				blocked = true
				if !gone[p] {
					found = append(found, p)
				}
			}
		}
		if blocked {
			continue
		}
		_ = filepath.WalkDir(filepath.Join(dir, ch.Path), func(p string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return nil // not there, or only a directory
			}
			rel, err := filepath.Rel(dir, p)
			if rel = filepath.ToSlash(rel); err == nil && !gone[rel] {
				found = append(found, rel)
			}
			return nil
		})
	}
	return uniq(found)
}
