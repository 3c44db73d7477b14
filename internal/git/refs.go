package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Ref is a ref and the object it names.
type Ref struct {
	Name   string // "refs/heads/main"
	Hash   string
	When   time.Time // of the commit or tag; zero when the object has none
	Commit string    // Hash, peeled when it is a tag
	Body   string    // the whole message; only from ForEachRef with WithMessage
}

// RefUpdate is one step of a transaction.
type RefUpdate struct {
	Ref string
	New string // "": delete
	Old string // "": whatever it is; ZeroHash: it must not exist
}

// Resolve returns the commit that each revision names, in order, in one process.
// A revision that names none is an error wrapping ErrNotExist.
func (r *Repo) Resolve(ctx context.Context, revs ...string) ([]string, error) {
	hashes, err := r.lookup(ctx, "^{commit}", revs)
	if err != nil {
		return nil, err
	}
	for i, h := range hashes {
		if h == "" {
			return nil, fmt.Errorf("resolve %q: %w", revs[i], ErrNotExist)
		}
	}
	return hashes, nil
}

// ResolveCommit returns the commit that rev names, or ErrNotExist.
func (r *Repo) ResolveCommit(ctx context.Context, rev string) (string, error) {
	h, err := r.Resolve(ctx, rev)
	if err != nil {
		return "", err
	}
	return h[0], nil
}

// Lookup is Resolve that gives "" for revisions that name no commit.
func (r *Repo) Lookup(ctx context.Context, revs ...string) ([]string, error) {
	return r.lookup(ctx, "^{commit}", revs)
}

// TreeOf returns the tree of a commit (or the tree itself), or ErrNotExist.
func (r *Repo) TreeOf(ctx context.Context, rev string) (string, error) {
	h, err := r.lookup(ctx, "^{tree}", []string{rev})
	if err != nil {
		return "", err
	}
	if h[0] == "" {
		return "", fmt.Errorf("tree of %q: %w", rev, ErrNotExist)
	}
	return h[0], nil
}

func (r *Repo) lookup(ctx context.Context, peel string, revs []string) ([]string, error) {
	if len(revs) == 0 {
		return nil, nil
	}
	if err := checkRevs(revs...); err != nil {
		return nil, err
	}
	c := r.call("cat-file", "--batch-check=%(objectname)")
	c.in = []byte(strings.Join(revs, peel+"\n") + peel + "\n")
	_, out, err := r.g.run(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("resolve %q: %w", revs, err)
	}
	lines := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	if len(lines) != len(revs) {
		return nil, fmt.Errorf("resolve %q: %d answers", revs, len(lines))
	}
	for i, l := range lines {
		if !isHash(l) { // "NAME missing", "NAME ambiguous"
			lines[i] = ""
		}
	}
	return lines, nil
}

func isHash(s string) bool {
	if len(s) != 40 && len(s) != 64 {
		return false
	}
	return strings.Trim(s, "0123456789abcdef") == ""
}

// IsAncestor reports whether commit a is b or an ancestor of b.
func (r *Repo) IsAncestor(ctx context.Context, a, b string) (bool, error) {
	if err := checkRevs(a, b); err != nil {
		return false, err
	}
	c := r.call("merge-base", "--is-ancestor", a, b)
	c.okCode = 1
	code, _, err := r.g.run(ctx, c)
	if err != nil {
		return false, fmt.Errorf("is %s an ancestor of %s: %w", short(a), short(b), err)
	}
	return code == 0, nil
}

// Within reports whether commit is tip or in its history. One that is not in the repository is in no
// history; a tip has to be there.
func (r *Repo) Within(ctx context.Context, commit, tip string) (bool, error) {
	if commit == tip {
		return true, nil
	}
	found, err := r.Lookup(ctx, commit)
	if err != nil || found[0] == "" {
		return false, err
	}
	return r.IsAncestor(ctx, commit, tip)
}

// MergeBase returns the best common ancestor, or "" when there is none.
func (r *Repo) MergeBase(ctx context.Context, a, b string) (string, error) {
	if err := checkRevs(a, b); err != nil {
		return "", err
	}
	c := r.call("merge-base", a, b)
	c.okCode = 1
	_, out, err := r.g.run(ctx, c)
	if err != nil {
		return "", fmt.Errorf("merge base of %s and %s: %w", short(a), short(b), err)
	}
	return strings.TrimSpace(string(out)), nil
}

// UpdateRef moves ref from old to new in one compare-and-swap: old "" does not
// compare, ZeroHash creates only. why goes into the reflog. Losing is a *CASError
// (ErrCASLost); a ref that is already at new is success.
func (r *Repo) UpdateRef(ctx context.Context, ref, newHash, old, why string) error {
	return r.UpdateRefs(ctx, why, RefUpdate{Ref: ref, New: newHash, Old: old})
}

// DeleteRef removes ref if it is at old ("": wherever it is). A ref that is
// already gone is success.
func (r *Repo) DeleteRef(ctx context.Context, ref, old string) error {
	return r.UpdateRefs(ctx, "", RefUpdate{Ref: ref, Old: old})
}

// refLimit bounds a change of refs, which nothing else ends.
const refLimit = time.Minute

// UpdateRefs performs all updates or none, in one process. Once begun it is not cancelled: a git
// that is ended while it holds the lock of a ref leaves the lock to stand in everybody's way. It is idempotent: when
// every ref already has its new value, that is success. Otherwise a ref that is
// not at its Old makes it a *CASError.
func (r *Repo) UpdateRefs(ctx context.Context, why string, updates ...RefUpdate) error {
	if len(updates) == 0 {
		return nil
	}
	var in bytes.Buffer
	for _, u := range updates {
		if err := CheckRef(u.Ref); err != nil {
			return err
		}
		if (u.New != "" && !isHash(u.New)) || (u.Old != "" && !isHash(u.Old)) {
			return fmt.Errorf("update %q: %q -> %q: %w", u.Ref, u.Old, u.New, ErrBadName)
		}
		if u.New == "" {
			fmt.Fprintf(&in, "delete %s\x00%s\x00", u.Ref, u.Old)
			continue
		}
		fmt.Fprintf(&in, "update %s\x00%s\x00%s\x00", u.Ref, u.New, u.Old)
	}
	if why == "" {
		why = "gastown"
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), refLimit)
	defer cancel()
	c := r.call("update-ref", "-m", strings.ReplaceAll(why, "\n", " "), "--no-deref", "-z", "--stdin")
	c.in = in.Bytes()
	for try := 0; ; try++ {
		_, _, err := r.g.run(ctx, c)
		if err == nil {
			return nil
		}
		var ee *ExitError
		if !errors.As(err, &ee) {
			return fmt.Errorf("update refs: %w", err)
		}
		done, lost, lookErr := r.whyFailed(ctx, updates)
		switch {
		case lookErr != nil:
			return fmt.Errorf("update refs: %w (and %v)", err, lookErr)
		case done:
			return nil
		case lost != nil:
			return lost
		case try == 2 || isLocked(ee.Stderr): // every ref is where it should be, yet git says no
			return fmt.Errorf("update refs: %w", err)
		}
	}
}

// whyFailed looks at the refs after a failed transaction.
func (r *Repo) whyFailed(ctx context.Context, updates []RefUpdate) (done bool, lost, err error) {
	names := make([]string, len(updates))
	for i, u := range updates {
		names[i] = u.Ref
	}
	have, err := r.lookup(ctx, "", names)
	if err != nil {
		return false, nil, err
	}
	done = true
	for i, u := range updates {
		h := have[i]
		if h != u.New {
			done = false
		}
		want := u.Old
		if want == ZeroHash {
			want = ""
		}
		if u.Old != "" && h != want && lost == nil {
			lost = &CASError{Ref: u.Ref, Want: u.Old, Have: h}
		}
	}
	return done, lost, nil
}

// ForEachRef lists the refs below the prefixes ("refs/gt/rescue"), sorted by
// name; no prefix lists all. Messages are not read.
func (r *Repo) ForEachRef(ctx context.Context, prefixes ...string) ([]Ref, error) {
	return r.forEachRef(ctx, "", prefixes)
}

// RefHashes gives what the refs below a prefix name. It does not look at the objects: they may be lost.
func (r *Repo) RefHashes(ctx context.Context, prefix string) (map[string]string, error) {
	if !strings.HasPrefix(prefix, "refs/") {
		return nil, fmt.Errorf("list refs below %q: %w", prefix, ErrBadName)
	}
	out, err := r.output(ctx, "for-each-ref", "--format=%(refname) %(objectname)", prefix)
	if err != nil {
		return nil, fmt.Errorf("list refs below %q: %w", prefix, err)
	}
	found := map[string]string{}
	for line := range strings.Lines(out) {
		if name, hash, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			found[name] = hash
		}
	}
	return found, nil
}

// RefsWithin is ForEachRef for those whose commit is in the history of commit.
func (r *Repo) RefsWithin(ctx context.Context, commit string, prefixes ...string) ([]Ref, error) {
	if err := checkRev(commit); err != nil {
		return nil, err
	}
	return r.forEachRef(ctx, "", prefixes, "--merged="+commit)
}

// ForEachRefMessage is ForEachRef with the commit messages in Body.
func (r *Repo) ForEachRefMessage(ctx context.Context, prefixes ...string) ([]Ref, error) {
	return r.forEachRef(ctx, "%(contents)", prefixes)
}

func (r *Repo) forEachRef(ctx context.Context, body string, prefixes []string, opts ...string) ([]Ref, error) {
	for _, p := range prefixes {
		if !strings.HasPrefix(p, "refs/") {
			return nil, fmt.Errorf("list refs below %q: %w", p, ErrBadName)
		}
	}
	opts = append(opts, "--format=%(refname)%00%(objectname)%00%(*objectname)%00%(creatordate:unix)%00"+body+"%00")
	_, out, err := r.g.run(ctx, r.call(slices.Concat([]string{"for-each-ref"}, opts, prefixes)...))
	if err != nil {
		return nil, fmt.Errorf("list refs: %w", err)
	}
	f := strings.Split(string(out), "\x00")
	var refs []Ref
	for i := 0; i+4 < len(f); i += 5 {
		ref := Ref{Name: strings.TrimPrefix(f[i], "\n"), Hash: f[i+1], Commit: f[i+2], Body: f[i+4]}
		if ref.Commit == "" {
			ref.Commit = ref.Hash
		}
		if sec, err := strconv.ParseInt(f[i+3], 10, 64); err == nil {
			ref.When = time.Unix(sec, 0)
		}
		refs = append(refs, ref)
	}
	return refs, nil
}

// Containing returns one ref below the prefixes whose history has commit, or "".
func (r *Repo) Containing(ctx context.Context, commit string, prefixes ...string) (string, error) {
	if err := checkRev(commit); err != nil {
		return "", err
	}
	args := append([]string{"for-each-ref", "--count=1", "--format=%(refname)", "--contains=" + commit}, prefixes...)
	out, err := r.output(ctx, args...)
	if err != nil {
		return "", fmt.Errorf("find a ref that holds %s: %w", short(commit), err)
	}
	return out, nil
}

// ReflogValues returns every value that ref has had, newest first, from its
// reflog. A ref without a reflog has none.
func (r *Repo) ReflogValues(ctx context.Context, ref string) ([]string, error) {
	entries, err := r.Reflog(ctx, ref)
	var values []string
	for _, e := range entries {
		values = append(values, e.Hash)
	}
	return values, err
}

// ReflogEntry is one value of a ref and the reason written with it.
type ReflogEntry struct{ Hash, Why string }

// Reflog is ReflogValues with reasons.
func (r *Repo) Reflog(ctx context.Context, ref string) ([]ReflogEntry, error) {
	if err := CheckRef(ref); err != nil {
		return nil, err
	}
	h, err := r.lookup(ctx, "", []string{ref})
	if err != nil || h[0] == "" {
		return nil, err
	}
	_, out, err := r.g.run(ctx, r.call("log", "-z", "-g", "--no-show-signature", "--format=%H%x00%gs", ref, "--"))
	if err != nil {
		return nil, fmt.Errorf("reflog of %s: %w", ref, err)
	}
	var entries []ReflogEntry
	f := splitNUL(out)
	for i := 0; i+1 < len(f); i += 2 {
		entries = append(entries, ReflogEntry{f[i], f[i+1]})
	}
	return entries, nil
}

// HeadBranch is the full ref that HEAD names: the target branch. It may not exist.
func (r *Repo) HeadBranch(ctx context.Context) (string, error) {
	out, err := r.output(ctx, "symbolic-ref", "--quiet", "HEAD")
	if err != nil {
		return "", fmt.Errorf("read HEAD of %q: %w", r.dir, err)
	}
	return out, nil
}

// SetHead makes HEAD name branch (a full ref).
func (r *Repo) SetHead(ctx context.Context, branch string) error {
	if err := CheckRef(branch); err != nil {
		return err
	}
	if _, err := r.output(ctx, "symbolic-ref", "-m", "gastown: target branch", "HEAD", branch); err != nil {
		return fmt.Errorf("set HEAD to %q: %w", branch, err)
	}
	return nil
}
