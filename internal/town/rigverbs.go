package town

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/api"
	"gastown/internal/fault"
	"gastown/internal/git"
	"gastown/internal/proc"
	"gastown/refinery"
	"gastown/refinery/run"
)

func (t *Town) rigDeliver(ctx context.Context, who api.Caller, r api.NameReq) (out api.RigDelivered, err error) {
	name, rc, err := t.meant(ctx, who, r.Name)
	if err != nil {
		return out, err
	}
	if rc.Deliver == "none" || rc.Deliver == "" {
		return out, fault.Refusedf("rig %q: delivery is off", name).WithHint("turn it on with: gastown config set rig.%s.deliver checkout", name)
	}
	d, q, err := t.standing(name)
	if err != nil {
		return out, err
	}
	was, _ := d.undelivered(rc, q)
	t.rested("") // a person wants it tried now
	if d, err = t.deliver(ctx, name, true); err != nil {
		return out, err
	}
	return api.RigDelivered{Rig: name, Mode: rc.Deliver, Delivered: max(was-d.left, 0), Undelivered: d.left, Reason: d.Reason}, nil
}

// checkLimit bounds a gate without a timeout of its own in rig check.
const checkLimit = 30 * time.Minute

func (t *Town) rigCheck(ctx context.Context, who api.Caller, r api.NameReq) (api.RigChecked, error) {
	name, _, err := t.meant(ctx, who, r.Name)
	if err != nil {
		return api.RigChecked{}, err
	}
	out, err := t.CheckRig(ctx, name, func(api.GateRun) {})
	if err != nil {
		return out, err
	}
	return out, t.Checked(who, out)
}

// Checked notes in the log how a check went, where it is seen after whatever printed it is gone.
func (t *Town) Checked(who api.Caller, c api.RigChecked) error {
	if len(c.Runs) == 0 {
		return nil
	}
	last, took := c.Runs[len(c.Runs)-1], time.Duration(0)
	for _, r := range c.Runs {
		took += r.Took
	}
	text := fmt.Sprintf("the gates of %s pass on %s as it is, in %s", c.Rig, t.queueConfig(c.Rig).Branch, took.Round(100*time.Millisecond))
	if !c.Green {
		text = fmt.Sprintf("gate %s of %s is not green on %s as it is (%s, exit %d)", last.Name, c.Rig, t.queueConfig(c.Rig).Branch, last.Outcome, last.Code)
	}
	return t.update(func(tx *store.Tx) error {
		return errors.Join(t.trySetupNow(tx, c.Rig), tx.Append(beads.Event{Kind: beads.EvRigChecked, Actor: who.Name, Rig: c.Rig, Text: text}))
	})
}

// CheckRig runs setup and gates once on the rig's main, by the Refinery's own runner and in a
// gate worktree of its own, so that what it says is what the queue will say. tell is called
// when a gate starts, its outcome empty then, and again when it has ended.
func (t *Town) CheckRig(ctx context.Context, rig string, tell func(api.GateRun)) (out api.RigChecked, err error) {
	name, rc, err := t.rig(rig)
	if err != nil {
		return out, err
	}
	repo, err := t.repo(ctx, name)
	if err != nil {
		return out, err
	}
	out = api.RigChecked{Rig: name, Runs: []api.GateRun{}}
	if out.Main, err = t.target(ctx, name); err != nil {
		return out, err
	}
	tree, err := repo.TreeOf(ctx, out.Main)
	if err != nil {
		return out, err
	}
	dir, err := os.MkdirTemp(t.path("rigs", name), "check-")
	if err != nil {
		return out, err
	}
	answers := make(chan refinery.Event, 16) // of one gate at a time: started, output once a second, done
	runner := &run.Runner{
		Rig: name, Repo: repo, Git: t.git, GateDir: dir, LogDir: filepath.Join(dir, "logs"), TempDir: t.deps.Temp,
		Env: t.plainEnv(), Lookup: t.lookupEnv,
		Ident: func(ctx context.Context) (git.Ident, error) { return t.ident(ctx, rc.Origin) },
		Emit:  func(ev refinery.Event) { answers <- ev },
	}
	defer func() {
		runner.Wait()
		path := filepath.Join(dir, "1")
		rerr := repo.WorktreeRemove(context.WithoutCancel(ctx), path, git.RemoveForced)
		if rerr == nil {
			rerr = os.RemoveAll(dir)
		}
		err = errors.Join(err, rerr)
	}()
	out.Green = len(rc.Gates) > 0
	for i, g := range t.queueConfig(name).Gates { // the first one runs the setup too
		one := api.GateRun{Name: g.Name, Run: rc.Gates[min(i, len(rc.Gates)-1)].Run}
		tell(one)
		runner.Do(ctx, refinery.RunGate{Seq: uint64(i) + 1, Index: i, Gate: g, Commit: out.Main, Tree: tree, Timeout: cmp.Or(g.Timeout, checkLimit)})
		done := gateDone(answers)
		one.Outcome, one.Code, one.Took = done.Outcome, done.Code, done.Took
		one.Tail = lastLines(beads.CleanText(strings.TrimSpace(done.Tail+"\n"+done.Err)), 20)
		out.Runs = append(out.Runs, one)
		tell(one)
		if ctx.Err() != nil {
			return out, ctx.Err()
		}
		if done.Outcome != refinery.Pass {
			out.Green = false
			break
		}
	}
	return out, nil
}

// gateDone waits for the end of a gate; the runner answers every RunGate with one.
func gateDone(answers <-chan refinery.Event) refinery.GateDone {
	for {
		if done, ok := (<-answers).(refinery.GateDone); ok {
			return done
		}
	}
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
