package git

import (
	"fmt"
	"path/filepath"
	"strings"

	"gastown/internal/fault"
)

// Sentinels for callers that must choose. All of them carry a fault kind.
var (
	// ErrNotExist says that a revision, ref or path is not in the repository.
	ErrNotExist error = fault.NotFoundf("not in the repository")
	// ErrCASLost says that a ref did not have the value the caller expected.
	// The error in the chain is a *CASError.
	ErrCASLost error = fault.Refusedf("the ref has moved")
	// ErrNotOurs says that a directory is not a repository or worktree that the
	// town made; nothing was changed in it.
	ErrNotOurs error = fault.Refusedf("not a repository of this town")
	// ErrForbidden says that a changing verb was asked for in a person's checkout.
	ErrForbidden error = fault.Refusedf("the verb would change a checkout that is not the town's")
	// ErrBadName says that a ref, revision or path cannot be given to git safely.
	ErrBadName error = fault.Usagef("not a usable name")
	// ErrNoLFS says that a commit uses git LFS and the machine has no git-lfs: its large
	// files would be missing on the other side.
	ErrNoLFS error = fault.Refusedf("it uses git LFS and git-lfs is not installed, so its large files would be missing there")
	// ErrRejected says that the other side of a push refused it.
	ErrRejected error = fault.Refusedf("the other repository refused the push")
)

// ExitError is a git process that ended with a code the caller did not expect.
type ExitError struct {
	Verb   string // "merge-tree"
	Code   int
	Stderr string // trimmed, at most 4 KiB
}

// Error is one line: the verb, the code and git's own last words.
func (e *ExitError) Error() string {
	msg := lastLine(e.Stderr)
	if msg == "" {
		return fmt.Sprintf("git %s: exit %d", e.Verb, e.Code)
	}
	return fmt.Sprintf("git %s: exit %d: %s", e.Verb, e.Code, msg)
}

// CASError is a compare-and-swap that lost.
type CASError struct {
	Ref  string
	Want string // the value the caller expected; ZeroHash: none
	Have string // the value found; ZeroHash: none
}

// Error names the ref and both values.
func (e *CASError) Error() string {
	return fmt.Sprintf("update %s: is at %s, expected %s", e.Ref, short(e.Have), short(e.Want))
}

// Unwrap makes errors.Is(err, ErrCASLost) true.
func (e *CASError) Unwrap() error { return ErrCASLost }

// lastLine is the line of git's messages that says most: the first "fatal:" or
// "error:", else the last one.
func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	for _, l := range lines {
		if strings.HasPrefix(l, "fatal: ") || strings.HasPrefix(l, "error: ") {
			return strings.TrimSpace(l)
		}
	}
	return strings.TrimSpace(lines[len(lines)-1])
}

func short(hash string) string {
	switch {
	case hash == ZeroHash || hash == "":
		return "nothing"
	case len(hash) > 12:
		return hash[:12]
	}
	return hash
}

// CheckRef reports whether ref is a full ref name that git accepts and that is
// safe as an argument. The error wraps ErrBadName.
func CheckRef(ref string) error {
	bad := func(why string) error { return fmt.Errorf("ref %q: %s: %w", ref, why, ErrBadName) }
	if !strings.HasPrefix(ref, "refs/") {
		return bad("not a full name")
	}
	if strings.HasSuffix(ref, "/") || strings.HasSuffix(ref, ".") || strings.Contains(ref, "..") ||
		strings.Contains(ref, "//") || strings.Contains(ref, "@{") {
		return bad("malformed")
	}
	for _, r := range ref {
		if r < ' ' || r == 0x7f || strings.ContainsRune(" ~^:?*[\\", r) {
			return bad(fmt.Sprintf("has %q", r))
		}
	}
	for _, part := range strings.Split(ref, "/") {
		if strings.HasPrefix(part, ".") || strings.HasSuffix(part, ".lock") {
			return bad("malformed")
		}
	}
	return nil
}

// CheckBranch reports whether name ("main", "release/1.2") is usable as a branch:
// what git accepts, less what reads as an option, a hash or a ref of its own.
func CheckBranch(name string) error {
	if name == "" || name == "HEAD" || name == "@" || strings.HasPrefix(name, "-") || strings.HasPrefix(name, "refs/") {
		return fmt.Errorf("branch %q: %w", name, ErrBadName)
	}
	if err := CheckRef("refs/heads/" + name); err != nil {
		return fmt.Errorf("branch %q: %w", name, ErrBadName)
	}
	return nil
}

// checkRev refuses revisions that git could read as options or as two of them.
func checkRev(rev string) error {
	if rev == "" || strings.HasPrefix(rev, "-") || strings.ContainsAny(rev, "\n\x00") || strings.Contains(rev, "..") {
		return fmt.Errorf("revision %q: %w", rev, ErrBadName)
	}
	return nil
}

func checkRevs(revs ...string) error {
	for _, r := range revs {
		if err := checkRev(r); err != nil {
			return err
		}
	}
	return nil
}

// checkPath refuses paths of a tree that leave it.
func checkPath(path string) error {
	if path == "" || strings.ContainsRune(path, 0) || !filepath.IsLocal(path) {
		return fmt.Errorf("path %q: %w", path, ErrBadName)
	}
	return nil
}
