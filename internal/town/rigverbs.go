package town

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/api"
	"gastown/internal/fault"
	"gastown/internal/git"
	"gastown/internal/proc"
	"gastown/refinery"
)

func (t *Town) rigDeliver(ctx context.Context, _ api.Caller, r api.NameReq) (out api.RigDelivered, err error) {
	name, rc, err := t.rig(r.Name)
	if err != nil {
		return out, err
	}
	if rc.Deliver == "none" || rc.Deliver == "" {
		return out, fault.Refusedf("rig %q: delivery is off", name).WithHint("turn it on with: gastown config set rig.%s.deliver checkout", name)
	}
	var was deliveryState
	if err := t.store.View(func(tx *store.Tx) (err error) { was, err = delivery(tx, name); return err }); err != nil {
		return out, err
	}
	d, err := t.deliver(ctx, name)
	if err != nil {
		return out, err
	}
	out = api.RigDelivered{Rig: name, Mode: rc.Deliver, Undelivered: d.Pending, Reason: d.Reason}
	if d.Pending == 0 && d.Commit != was.Commit {
		repo, err := t.repo(ctx, name)
		if err != nil {
			return out, err
		}
		if out.Delivered, err = t.landings(ctx, repo, was.Commit, d.Commit); err != nil {
			return out, err
		}
	}
	return out, nil
}

// checkLimit bounds a gate without a timeout of its own in rig check.
const checkLimit = 30 * time.Minute

// rigCheck runs setup and gates once on the rig's main, in a worktree of its own.
func (t *Town) rigCheck(ctx context.Context, _ api.Caller, r api.NameReq) (out api.RigChecked, err error) {
	name, rc, err := t.rig(r.Name)
	if err != nil {
		return out, err
	}
	repo, err := t.repo(ctx, name)
	if err != nil {
		return out, err
	}
	tip, err := repo.ResolveCommit(ctx, "refs/heads/"+rc.Branch)
	if err != nil {
		return out, err
	}
	dir, err := os.MkdirTemp(t.path("rigs", name), "check-")
	if err != nil {
		return out, err
	}
	path := filepath.Join(dir, "main")
	wt, err := repo.WorktreeAddDetached(ctx, path, tip)
	if err != nil {
		return out, err
	}
	defer func() {
		rerr := repo.WorktreeRemove(context.WithoutCancel(ctx), path, git.RemoveForced)
		if rerr == nil {
			rerr = os.RemoveAll(dir)
		}
		if err == nil {
			err = rerr
		}
	}()
	out = api.RigChecked{Rig: name, Main: tip, Runs: []api.GateRun{}, Green: true}
	env := t.plainEnv()
	if rc.Setup != "" {
		if !t.checkRun(ctx, &out, "setup", rc.Setup, checkLimit, wt.Path(), dir, env) {
			return out, nil
		}
	}
	for _, g := range rc.Gates {
		limit := g.Timeout
		if limit == 0 {
			limit = checkLimit
		}
		if !t.checkRun(ctx, &out, g.Name, g.Run, limit, wt.Path(), dir, t.withNamed(env, g.Env)) {
			return out, nil
		}
	}
	out.Green = out.Green && len(rc.Gates) > 0
	return out, nil
}

// checkRun runs one command of rig check and reports whether it passed.
func (t *Town) checkRun(ctx context.Context, out *api.RigChecked, name, run string, limit time.Duration, dir, tmp string, env []string) bool {
	res := api.GateRun{Name: name, Run: run, Outcome: refinery.Pass}
	began := t.deps.Now()
	log := filepath.Join(tmp, "log")
	err := func() error {
		f, err := os.OpenFile(log, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		defer f.Close()
		p, err := proc.Start(proc.Spec{Argv: []string{"sh", "-c", run}, Dir: dir, Env: env, Output: f})
		if err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		select {
		case <-p.Done():
		case <-ctx.Done():
			res.Outcome = refinery.TimedUp
			if err := p.Stop(context.WithoutCancel(ctx), proc.StopPlan{Grace: time.Second}); err != nil {
				return err
			}
		}
		e := p.Exit()
		res.Code = e.Code
		switch {
		case res.Outcome == refinery.TimedUp, e.Code == 0:
		case e.Code == 126 || e.Code == 127:
			res.Outcome = refinery.Broken
		case e.Signal != 0:
			res.Outcome = refinery.Infra
		default:
			res.Outcome = refinery.Fail
		}
		return nil
	}()
	res.Took = t.deps.Now().Sub(began)
	if err != nil {
		res.Outcome, res.Tail = refinery.Broken, err.Error()
	} else if data, rerr := os.ReadFile(log); rerr == nil {
		res.Tail = lastLines(beads.CleanText(string(data)), 20)
	}
	out.Runs = append(out.Runs, res)
	out.Green = res.Outcome == refinery.Pass
	return out.Green
}

// teardown runs the rig's teardown command in a worktree that is about to go. Its failure
// keeps nothing.
func (t *Town) teardown(ctx context.Context, rig, path string) error {
	_, rc, err := t.rig(rig)
	if err != nil || rc.Teardown == "" {
		return err
	}
	if _, err := os.Stat(path); err != nil {
		return nil // never came to be
	}
	ctx, cancel := context.WithTimeout(ctx, gitLimit)
	defer cancel()
	spec := proc.Spec{Argv: []string{"sh", "-c", rc.Teardown}, Dir: path, Env: t.plainEnv()}
	if t.host != nil {
		spec.Exe = t.host.exe() // so that a next host finds it, should this one be killed
	}
	p, err := proc.Start(spec)
	if err != nil {
		return err
	}
	select {
	case <-p.Done():
	case <-ctx.Done():
		return p.Stop(context.WithoutCancel(ctx), proc.StopPlan{})
	}
	if e := p.Exit(); e.Code != 0 {
		return fmt.Errorf("teardown %q: %s", rc.Teardown, e)
	}
	return nil
}
