package run

import (
	"context"
	"errors"
	"fmt"
	"strings"

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

// Delivery is one wish to bring Commit to a person's repository. It may be repeated.
type Delivery struct {
	Mode   Mode
	Origin string // the rig's origin: a directory or a URL
	Branch string
	Commit string
}

// Delivered is what a delivery came to. Where nothing moved and nothing is wrong
// with the town, Refused says what is in the way, and Err is nil.
type Delivered struct {
	Moved   bool   // something changed over there
	Refused string // "README.md is edited"; empty: Commit is there
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
	if err != nil {
		return Delivered{}, fmt.Errorf("deliver to %q: %w", d.Origin, err)
	}
	got, err := r.Repo.PushCheckout(ctx, co, d.Commit, branchRef(d.Branch))
	if e := (*git.DeliveryError)(nil); errors.As(err, &e) {
		return Delivered{Refused: strings.TrimPrefix(e.Error(), "not delivered: ")}, nil
	}
	if err != nil {
		return Delivered{}, fmt.Errorf("deliver to %q: %w", d.Origin, err)
	}
	return Delivered{Moved: got.Old != got.New}, nil
}

// deliverPush pushes to the origin, or, where that is a directory with a remote of
// its own, to that remote.
func (r *Runner) deliverPush(ctx context.Context, d Delivery) (Delivered, error) {
	to := d.Origin
	if git.IsLocal(to) {
		co, err := r.Git.OpenCheckout(ctx, to)
		if err != nil {
			return Delivered{}, fmt.Errorf("deliver to %q: %w", to, err)
		}
		url, err := co.PushURL(ctx, "origin")
		if err != nil {
			return Delivered{}, fmt.Errorf("deliver from %q: %w", d.Origin, err)
		}
		if url == "" && !co.Bare {
			return Delivered{Refused: fmt.Sprintf("%s has no remote to push to", d.Origin)}, nil
		}
		if url != "" {
			to = url
		}
	}
	ref := branchRef(d.Branch)
	have, err := r.remoteTip(ctx, to, ref)
	if err != nil {
		return Delivered{}, err
	}
	if have == d.Commit {
		return Delivered{}, nil
	}
	if have != "" {
		behind, err := r.contains(ctx, have, d.Commit)
		if err != nil {
			return Delivered{}, fmt.Errorf("compare with %q: %w", to, err)
		}
		if !behind {
			return r.notBehind(ctx, d, to, have)
		}
	}
	if err := r.Repo.Push(ctx, to, d.Commit, ref, have); err != nil {
		if e := (*git.RejectedError)(nil); errors.As(err, &e) {
			return Delivered{Refused: fmt.Sprintf("%s refused the push: %s", to, e.Why)}, nil
		}
		return Delivered{}, fmt.Errorf("deliver to %q: %w", to, err)
	}
	if have, err = r.remoteTip(ctx, to, ref); err != nil || have == d.Commit {
		return Delivered{Moved: true}, err
	}
	return Delivered{}, fault.Failf("deliver to %q: its %s is at %s after the push", to, d.Branch, have)
}

// notBehind says why a remote that is not simply older got nothing.
func (r *Runner) notBehind(ctx context.Context, d Delivery, to, have string) (Delivered, error) {
	if ahead, err := r.contains(ctx, d.Commit, have); err != nil || ahead {
		return Delivered{}, err // it has the commit, and more
	}
	return Delivered{Refused: fmt.Sprintf("%s of %s moved on by itself (%.9s)", d.Branch, to, have)}, nil
}

func (r *Runner) remoteTip(ctx context.Context, remote, ref string) (string, error) {
	refs, err := r.Git.LsRemote(ctx, remote, ref)
	if err != nil {
		return "", fmt.Errorf("look at %q: %w", remote, err)
	}
	for _, x := range refs {
		if x.Name == ref {
			return x.Hash, nil
		}
	}
	return "", nil
}
