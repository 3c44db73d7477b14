package git

import (
	"context"
	"fmt"
	"net/url"
)

// PushLFS uploads the LFS objects that commit needs to a remote that is about to get it. A
// commit that uses none is success. Where git-lfs is missing the error wraps ErrNoLFS.
func (r *Repo) PushLFS(ctx context.Context, remote, commit string) error {
	addr, err := checkRemote(remote)
	if err != nil {
		return err
	}
	uses, err := r.usesLFS(ctx, commit)
	if err != nil || !uses {
		return err
	}
	if !r.hasLFS(ctx) {
		return fmt.Errorf("push to %q: %w", Shown(remote), ErrNoLFS)
	}
	if err := r.cleanConfig(ctx, r.configFiles()...); err != nil {
		return err
	}
	if _, _, err := r.g.run(ctx, r.openCall("lfs", "push", addr, commit)); err != nil {
		return fmt.Errorf("push LFS objects to %q: %w", Shown(remote), unknown(err))
	}
	return nil
}

// shareLFS brings the LFS objects of what a person's branch is about to gain into their repository: their git
// looks for them there, or at a remote that has not heard of them. Where git-lfs is missing their files are
// pointers, and nothing is wanted. What the town has not itself is left to their git.
func (r *Repo) shareLFS(ctx context.Context, c *Checkout, branch, old, commit string) error {
	uses, err := r.usesLFS(ctx, commit)
	if err != nil || !uses || !r.hasLFS(ctx) {
		return err
	}
	to := (&url.URL{Scheme: "file", Path: c.Top}).String()
	share := r.openCall("lfs", "pre-push", to, to)
	share.pre = append(share.pre, "-c", "lfs.allowIncompletePush=true")
	share.in = []byte(fmt.Sprintf("%s %s %s %s\n", branch, commit, branch, firstOf(old, ZeroHash)))
	if _, _, err := r.g.run(ctx, share); err != nil {
		return fmt.Errorf("bring LFS objects to %q: %w", c.Top, err)
	}
	return nil
}

// usesLFS reports whether a commit names files for LFS, in any of its directories.
func (r *Repo) usesLFS(ctx context.Context, commit string) (bool, error) {
	if err := checkRev(commit); err != nil {
		return false, err
	}
	c := r.call("grep", "--quiet", "--fixed-strings", "-e", "filter=lfs", commit, "--", ":(glob)**/.gitattributes")
	c.okCode = 1
	code, _, err := r.g.run(ctx, c)
	if err != nil {
		return false, fmt.Errorf("look for LFS in %s: %w", short(commit), err)
	}
	return code == 0, nil
}

func (r *Repo) hasLFS(ctx context.Context) bool {
	_, _, err := r.g.run(ctx, r.openCall("lfs", "version"))
	return err == nil
}
