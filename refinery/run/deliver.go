package run

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gastown/internal/fault"
	"gastown/internal/git"
)

// Mode is where landed work goes beyond the town's own repository.
type Mode string

// The modes of delivery.
const (
	DeliverNone     Mode = "none"
	DeliverCheckout Mode = "checkout"
	DeliverPush     Mode = "push"
	DeliverPR       Mode = "pr"
)

// How long another machine may take. A connection that hangs ends then, with all its
// processes.
const (
	lookLimit  = time.Minute
	carryLimit = 15 * time.Minute // a fetch or a push
)

// Delivery is one wish to bring Commit to a person's repository. It may be repeated.
type Delivery struct {
	Mode   Mode
	Origin string // the rig's origin: a directory or a URL
	Branch string
	Commit string
	At     *Seen // from See; nil: it is looked at first
	// Left is an update of a checkout that was begun and not seen to end; Journal stores
	// one before it begins, and nil when it is over. Only for DeliverCheckout; may be nil.
	Left    *git.Move
	Journal func(*git.Move) error
}

// Delivered is what a delivery came to. Where nothing moved and nothing is wrong
// with the town, Refused says what is in the way, and Err is nil.
type Delivered struct {
	Moved   bool   // something changed over there
	Refused string // "README.md is edited"; empty: Commit is there
}

// Seen is where the branch of an origin is.
type Seen struct {
	To  string // what is fetched from and pushed to
	Tip string // "" when there is no such branch
}

// See looks at the origin's branch over there, and changes nothing.
func (r *Runner) See(ctx context.Context, d Delivery) (Seen, error) {
	to, err := r.Remote(ctx, d)
	if err != nil {
		return Seen{}, err
	}
	if git.IsLocal(to) && git.CommonDir(to) == "" {
		if st, err := os.Stat(to); err == nil && st.IsDir() {
			return Seen{To: to}, nil // no repository yet, and so no branch
		}
	}
	tip, err := r.remoteTip(ctx, to, branchRef(d.Branch))
	return Seen{To: to, Tip: tip}, err
}

// FetchTip brings the commit that was seen, with its history, into the repository under
// keep, unless keep or one of have contains it. That the commit can be found is not enough: git
// unpacks commits before their files, and a fetch that was killed in between left no ref.
func (r *Runner) FetchTip(ctx context.Context, s Seen, branch, keep string, have ...string) error {
	if r.within(ctx, s.Tip, append(have, keep)...) {
		return nil
	}
	ctx, cancel := limited(ctx, carryLimit)
	defer cancel()
	if err := r.Repo.Fetch(ctx, s.To, "+"+branchRef(branch)+":"+keep); err != nil {
		return err
	}
	if !r.within(ctx, s.Tip, keep) {
		return fault.Failf("fetch from %q: its %s moved meanwhile", git.Shown(s.To), branch)
	}
	return nil
}

// within reports whether commit is in the history of one of these. What cannot be walked through is not.
func (r *Runner) within(ctx context.Context, commit string, tips ...string) bool {
	found, err := r.Repo.Lookup(ctx, tips...)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(found, func(tip string) bool {
		in, err := r.Repo.Within(ctx, commit, tip)
		return tip != "" && err == nil && in
	})
}

func limited(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, d, fmt.Errorf("no end after %s", d))
}

// Deliver brings a landed commit to the origin. It verifies by looking, forces
// nothing and undoes nothing.
func (r *Runner) Deliver(ctx context.Context, d Delivery) (Delivered, error) {
	switch d.Mode {
	case DeliverNone, "":
		return Delivered{}, nil
	case DeliverCheckout:
		return r.deliverCheckout(ctx, d)
	case DeliverPush:
		return r.deliverPush(ctx, d)
	}
	return Delivered{}, fault.Refusedf("deliver %q is not available", d.Mode).WithHint("use checkout or push")
}

func (r *Runner) deliverCheckout(ctx context.Context, d Delivery) (Delivered, error) {
	co, err := r.Git.OpenCheckout(ctx, d.Origin)
	if errors.Is(err, git.ErrNoCheckout) {
		co, err = r.makeCheckout(ctx, d)
	}
	if err != nil {
		return Delivered{}, fmt.Errorf("deliver: %w", err)
	}
	got, err := r.Repo.PushCheckout(ctx, co, d.Commit, branchRef(d.Branch), d.Left, d.Journal)
	if e := (*git.DeliveryError)(nil); errors.As(err, &e) {
		return Delivered{Refused: strings.TrimPrefix(e.Error(), "not delivered: ")}, nil
	}
	if err != nil {
		return Delivered{}, fmt.Errorf("deliver to %q: %w", d.Origin, err)
	}
	return Delivered{Moved: got.Old != got.New}, nil
}

// makeCheckout makes a repository of an empty directory: who wants work delivered there wants it to be one.
func (r *Runner) makeCheckout(ctx context.Context, d Delivery) (*git.Checkout, error) {
	if files, err := os.ReadDir(d.Origin); err != nil {
		return nil, err
	} else if len(files) > 0 || git.CommonDir(d.Origin) != "" {
		return nil, fault.Refusedf("%s is not a git repository, and not an empty directory outside of one", d.Origin).WithHint("git init %q", d.Origin)
	}
	return r.Git.InitCheckout(ctx, d.Origin, d.Branch)
}

// Remote is where the origin's branch lives: the origin itself, or, to push from a directory
// with a remote of its own, that remote. A mode that cannot work there is refused.
func (r *Runner) Remote(ctx context.Context, d Delivery) (string, error) {
	local := git.IsLocal(d.Origin)
	switch {
	case d.Mode == DeliverCheckout && !local:
		return "", fault.Refusedf("%s is no directory on this machine", git.Shown(d.Origin)).WithHint("deliver there with push, or pr")
	case d.Mode != DeliverPush && d.Mode != DeliverPR || !local:
		return d.Origin, nil
	}
	co, err := r.Git.OpenCheckout(ctx, d.Origin)
	if errors.Is(err, git.ErrNoCheckout) {
		return "", fault.Refusedf("%s is not a git repository, so it has no remote to push to", d.Origin)
	}
	if err != nil {
		return "", err
	}
	url, err := co.PushURL(ctx, "origin")
	if err != nil {
		return "", fmt.Errorf("deliver from %q: %w", d.Origin, err)
	}
	switch {
	case url == "" && !co.Bare:
		return "", fault.Refusedf("%s has no remote to push to", d.Origin).WithHint("git -C %q remote add origin URL; or deliver to the checkout itself", d.Origin)
	case url == "":
		return d.Origin, nil
	case git.IsLocal(url) && !filepath.IsAbs(url):
		return filepath.Join(co.Top, url), nil
	}
	return url, nil
}

// deliverPush pushes, if that is a fast-forward over there.
func (r *Runner) deliverPush(ctx context.Context, d Delivery) (Delivered, error) {
	if d.At == nil {
		seen, err := r.See(ctx, d)
		if fault.Is(err, fault.Refused) {
			return Delivered{Refused: err.Error()}, nil
		}
		if err != nil {
			return Delivered{}, err
		}
		d.At = &seen
	}
	to, have, ref := d.At.To, d.At.Tip, branchRef(d.Branch)
	if have == d.Commit {
		return Delivered{}, nil
	}
	if have != "" {
		behind, err := r.Repo.Within(ctx, have, d.Commit)
		if err != nil {
			return Delivered{}, fmt.Errorf("compare with %q: %w", git.Shown(to), err)
		}
		if !behind {
			return r.notBehind(ctx, d, to, have)
		}
	}
	if err := r.push(ctx, d, to, have); err != nil {
		if e := (*git.RejectedError)(nil); errors.As(err, &e) {
			return Delivered{Refused: fmt.Sprintf("%s refused the push: %s", git.Shown(to), e.Why)}, nil
		}
		return Delivered{}, err
	}
	have, err := r.remoteTip(ctx, to, ref)
	if err != nil || have == d.Commit {
		return Delivered{Moved: true}, err
	}
	return Delivered{}, fault.Failf("deliver to %q: its %s is at %s after the push", git.Shown(to), d.Branch, have)
}

func (r *Runner) push(ctx context.Context, d Delivery, to, have string) error {
	ctx, cancel := limited(ctx, carryLimit)
	defer cancel()
	if err := r.Repo.PushLFS(ctx, to, d.Commit); err != nil {
		return err
	}
	return r.Repo.Push(ctx, to, d.Commit, branchRef(d.Branch), have)
}

// notBehind says why a remote that is not simply older got nothing.
func (r *Runner) notBehind(ctx context.Context, d Delivery, to, have string) (Delivered, error) {
	if ahead, err := r.Repo.Within(ctx, d.Commit, have); err != nil || ahead {
		return Delivered{}, err // it has the commit, and more
	}
	return Delivered{Refused: fmt.Sprintf("%s of %s moved on by itself (%.9s)", d.Branch, git.Shown(to), have)}, nil
}

func (r *Runner) remoteTip(ctx context.Context, remote, ref string) (string, error) {
	ctx, cancel := limited(ctx, lookLimit)
	defer cancel()
	refs, err := r.Git.LsRemote(ctx, remote, ref)
	if err != nil {
		return "", err
	}
	for _, x := range refs {
		if x.Name == ref {
			return x.Hash, nil
		}
	}
	return "", nil
}
