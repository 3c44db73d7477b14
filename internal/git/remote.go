package git

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"gastown/internal/fault"
)

// checkRemote refuses addresses that git would read as an option or a helper
// program. Local paths are made absolute.
func checkRemote(remote string) (string, error) {
	if remote == "" || strings.ContainsAny(remote, "\x00\n") || strings.Contains(remote, "::") {
		return "", fmt.Errorf("repository %q: %w", remote, ErrBadName)
	}
	if IsLocal(remote) {
		return filepath.Abs(remote)
	}
	if strings.HasPrefix(remote, "-") {
		return "", fmt.Errorf("repository %q: %w", remote, ErrBadName)
	}
	return remote, nil
}

// Shown is an address as a person may see it: without the name and password that a URL
// can carry.
func Shown(remote string) string {
	if IsLocal(remote) {
		return remote
	}
	scheme, rest, ok := strings.Cut(remote, "://")
	host, path, _ := strings.Cut(rest, "/")
	if at := strings.LastIndex(host, "@"); ok && at >= 0 {
		return scheme + "://" + host[at+1:] + "/" + path
	}
	return remote
}

// Fetch brings objects and refs from a local path or URL, with the person's git
// configuration. refspecs are full ("+refs/heads/*:refs/remotes/origin/*").
// Nothing but the named refs changes; FETCH_HEAD is not written.
func (r *Repo) Fetch(ctx context.Context, remote string, refspecs ...string) error {
	addr, err := checkRemote(remote)
	if err != nil {
		return err
	}
	for _, s := range refspecs {
		if strings.HasPrefix(s, "-") {
			return fmt.Errorf("refspec %q: %w", s, ErrBadName)
		}
	}
	err = r.locked(func() error {
		if err := r.cleanConfig(ctx, r.configFiles()...); err != nil {
			return err
		}
		c := r.openCall(append([]string{"fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance",
			"--no-recurse-submodules", "--atomic", "--end-of-options", addr}, refspecs...)...)
		_, _, err := r.g.run(ctx, c)
		return err
	})
	if err != nil {
		return fmt.Errorf("fetch from %q: %w", Shown(remote), unknown(err))
	}
	return nil
}

// Push puts commit on the ref (a full name) of a remote, with the person's git
// configuration. lease is the value the ref must have there ("" or ZeroHash: it
// must not exist). Only fast-forwards are asked for, never force. A ref that is at
// commit already is success; a refusal wraps ErrRejected.
func (r *Repo) Push(ctx context.Context, remote, commit, ref, lease string) error {
	if err := errors.Join(CheckRef(ref), checkRev(commit)); err != nil {
		return err
	}
	if lease == ZeroHash {
		lease = ""
	}
	if lease != "" {
		if ok, err := r.IsAncestor(ctx, lease, commit); err != nil {
			return fmt.Errorf("push to %q: %w", Shown(remote), err)
		} else if !ok {
			return fmt.Errorf("push to %q: %s is not ahead of %s: %w", Shown(remote), short(commit), short(lease), ErrRejected)
		}
	}
	// With a lease git would accept any move; the check above keeps it a
	// fast-forward from exactly the leased value.
	return r.pushLeased(ctx, remote, commit, ref, lease)
}

// PushOver is Push that replaces what the ref has over there, if that is exactly lease: for a
// branch that only we write, whose old value the caller knows to be ours.
func (r *Repo) PushOver(ctx context.Context, remote, commit, ref, lease string) error {
	if err := errors.Join(CheckRef(ref), checkRev(commit), checkRev(lease)); err != nil {
		return err
	}
	return r.pushLeased(ctx, remote, commit, ref, lease)
}

func (r *Repo) pushLeased(ctx context.Context, remote, commit, ref, lease string) error {
	addr, err := checkRemote(remote)
	if err != nil {
		return err
	}
	if err := r.cleanConfig(ctx, r.configFiles()...); err != nil {
		return err
	}
	err = r.push(ctx, addr, nil, "--force-with-lease="+ref+":"+lease, commit+":"+ref)
	if err == nil {
		return nil
	}
	if refs, lerr := r.g.LsRemote(ctx, remote, ref); lerr == nil && len(refs) == 1 && refs[0].Hash == commit {
		return nil
	}
	return fmt.Errorf("push to %q: %w", Shown(remote), unknown(err))
}

// unknown says in plain words that a remote wants credentials which git was not given. It
// changes the words only.
func unknown(err error) error {
	var e *ExitError
	if !errors.As(err, &e) || !strings.Contains(e.Stderr, "terminal prompts disabled") {
		return err
	}
	return fault.Failf("it asks who you are, and git's configuration gives no credentials: %w", err).
		WithHint("set a credential helper that needs no typing, or use an ssh key of an agent; try with: GIT_TERMINAL_PROMPT=0 git ls-remote URL")
}

// push runs one push and turns git's per-ref answer into ErrRejected.
func (r *Repo) push(ctx context.Context, addr string, opts []string, args ...string) error {
	i := len(args) - 1
	all := slices.Concat([]string{"push", "--porcelain", "--no-verify", "--no-follow-tags", "--recurse-submodules=no", "--no-signed"},
		opts, args[:i], []string{"--end-of-options", addr, args[i]})
	_, out, err := r.g.run(ctx, r.openCall(all...))
	if err == nil {
		return nil
	}
	for _, l := range strings.Split(string(out), "\n") {
		if why, ok := strings.CutPrefix(l, "!\t"); ok {
			_, why, _ = strings.Cut(why, "\t")
			return &RejectedError{Why: why, Err: err}
		}
	}
	return err
}

// RejectedError is a push that the other side answered with a refusal.
type RejectedError struct {
	Why string // git's words: "[rejected] (fetch first)"
	Err error
}

// Error gives git's words.
func (e *RejectedError) Error() string { return "refused: " + e.Why }

// Unwrap makes errors.Is(err, ErrRejected) true.
func (e *RejectedError) Unwrap() []error { return []error{ErrRejected, e.Err} }

// LsRemote lists the refs of a local path or URL whose names match the patterns
// (all without one), with the person's git configuration. HEAD comes as a Ref
// named "HEAD".
func (g *Runner) LsRemote(ctx context.Context, remote string, patterns ...string) ([]Ref, error) {
	addr, err := checkRemote(remote)
	if err != nil {
		return nil, err
	}
	_, out, err := g.run(ctx, call{pre: openPins, dir: "/", env: append(slices.Clone(g.open), "GIT_CEILING_DIRECTORIES=/"),
		args: append([]string{"ls-remote", "--quiet", "--end-of-options", addr}, patterns...)})
	if err != nil {
		return nil, fmt.Errorf("look at %q: %w", Shown(remote), unknown(err))
	}
	var refs []Ref
	for _, l := range strings.Split(string(out), "\n") {
		if hash, name, ok := strings.Cut(l, "\t"); ok && !strings.HasSuffix(name, "^{}") {
			refs = append(refs, Ref{Name: name, Hash: hash, Commit: hash})
		}
	}
	return refs, nil
}
