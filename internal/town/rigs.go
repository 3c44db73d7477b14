package town

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"gastown/agents"
	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/api"
	"gastown/internal/config"
	"gastown/internal/fault"
	"gastown/internal/git"
	"gastown/internal/proc"
	"gastown/refinery"
)

func (t *Town) rigList(ctx context.Context, who api.Caller, _ api.Empty) ([]api.Rig, error) {
	cfg, err := t.config()
	if err != nil {
		return nil, err
	}
	out := []api.Rig{}
	for _, name := range rigNames(cfg) {
		r, err := t.rigShow(ctx, who, api.NameReq{Name: name})
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

func rigNames(cfg *config.Config) []string {
	names := make([]string, 0, len(cfg.Rigs))
	for n := range cfg.Rigs {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

func (t *Town) rigShow(ctx context.Context, who api.Caller, r api.NameReq) (out api.Rig, err error) {
	name, rc, err := t.meant(ctx, who, r.Name)
	if err != nil {
		return out, err
	}
	out = api.Rig{
		Name: name, Origin: rc.Origin, Repo: t.repoDir(name), Branch: rc.Branch, Prefix: rc.Prefix, Deliver: rc.Deliver,
		Approve: cmp.Or(strings.Join(rc.Approve, ","), "none"), Ungated: rc.Ungated, Permissions: rc.Permissions, Setup: rc.Setup, Gates: []api.GateSpec{},
	}
	for _, g := range rc.Gates {
		s := api.GateSpec{Name: g.Name, Run: g.Run, Env: g.Env}
		if g.Timeout > 0 {
			s.Timeout = g.Timeout.String()
		}
		if g.Silence > 0 {
			s.Silence = g.Silence.String()
		}
		out.Gates = append(out.Gates, s)
	}
	err = t.store.View(func(tx *store.Tx) error {
		q, err := t.queue(tx, name)
		if err != nil {
			return err
		}
		out.Main, out.Landed, out.Refinery = q.Target, q.Total, refineryState(t.asShown(q), t.queueConfig(name))
		halt, err := ownHalt(tx, name)
		if err != nil {
			return err
		}
		out.Paused, out.Frozen = halt != agents.Going, halt == agents.Frozen
		d, err := delivery(tx, name)
		out.Undelivered, out.NotBecause = d.undelivered(rc, q)
		return err
	})
	if err != nil {
		return out, err
	}
	if out.Main == "" {
		if repo, err := t.repo(ctx, name); err == nil {
			out.Main, _ = repo.ResolveCommit(ctx, "refs/heads/"+rc.Branch) // a rig never gated: nothing is stored yet
		}
	}
	return out, nil
}

func (t *Town) rigRemove(ctx context.Context, who api.Caller, r api.NameReq) (out api.Ack, err error) {
	if r.Name == "" {
		return out, fault.Usagef("rig remove: which rig?")
	}
	name, rc, err := t.rig(r.Name)
	if err != nil {
		return out, err
	}
	err = t.store.View(func(tx *store.Tx) error {
		live, err := tx.LiveAttempts()
		if err != nil {
			return err
		}
		for _, a := range live {
			if a.Rig == name {
				return fault.Refusedf("rig %q: polecat %s works there", name, a.Polecat).WithHint("stop it first: gastown polecat kill %s", a.Polecat)
			}
		}
		q, err := t.queue(tx, name)
		if err == nil && len(q.Entries) > 0 {
			return fault.Refusedf("rig %q: in its queue: %s", name, beads.Count(len(q.Entries), "merge request")).WithHint("land or drop them first: gastown queue list")
		}
		return err
	})
	if err != nil {
		return out, err
	}
	was, _ := t.rigShow(ctx, who, r) // one that nobody can read can be removed, too
	if err := t.edit(func(data []byte) ([]byte, error) { return config.RemoveRig(data, name) }); err != nil {
		return out, err
	}
	if t.host != nil {
		t.host.rigRemoved(name)
	}
	var over []*proposal
	if err := t.update(func(tx *store.Tx) (err error) {
		over, err = forgetPRs(tx, name)
		return errors.Join(err, forgetRig(tx, name), tx.Append(beads.Event{Kind: beads.EvRigRemoved, Actor: who.Name, Rig: name, Text: "removed rig " + name}))
	}); err != nil {
		return out, err
	}
	t.clearRepo(ctx, name, over)
	t.unregister(rc.Origin)
	var open []string
	for _, p := range over {
		if p.rec.URL != "" {
			open = append(open, p.rec.URL)
		}
	}
	out.Msg = fmt.Sprintf("rig %s is no longer in the town; its repository stays in %s", name, t.path("rigs", name))
	if left := notThere(was); left != "" {
		out.Msg += fmt.Sprintf("; %s (git pull %s %s brings them)", left, t.repoDir(name), rc.Branch)
	}
	if len(open) > 0 {
		out.Msg += "; still open over there: " + strings.Join(open, ", ")
	}
	return out, nil
}

// clearRepo takes out of a removed rig's repository what nobody looks for there any more.
func (t *Town) clearRepo(ctx context.Context, rig string, over []*proposal) {
	repo, err := t.repo(ctx, rig)
	if err != nil {
		return // there is nothing to take out
	}
	// The Mayor's checkout holds nothing of its own; one that stays only confuses.
	err = repo.WorktreeRemove(ctx, t.path("mayor", rig), git.RemoveForced)
	for _, p := range over {
		err = errors.Join(err, t.dropTheirs(ctx, repo, p))
	}
	if err != nil {
		t.deps.Log.Warn("what is left of a removed rig", "rig", rig, "err", err)
	}
}

// forgetRig takes a removed rig's queue and problems out of the store. What is kept of its
// delivery says that its repository is not a leftover (clearClone).
func forgetRig(tx *store.Tx, rig string) error {
	ns, err := tx.Notices()
	for _, n := range ns {
		if n.Rig == rig {
			err = errors.Join(err, tx.DeleteNotice(n.Key))
		}
	}
	d, derr := delivery(tx, rig)
	return errors.Join(err, derr, tx.PutKV(kvDelivery+rig, d), tx.DeleteQueue(rig), tx.DeleteKV(kvRed+rig), forgetSetup(tx, rig),
		tx.DeleteKV(kvPausedRig+rig), tx.DeleteKV(kvFrozenRig+rig), tx.DeleteKV(kvPersonHalt+rig))
}

// rigGate adds gates to a rig. What waits for one is tested then.
func (t *Town) rigGate(ctx context.Context, who api.Caller, r api.RigGateReq) (api.Rig, error) {
	name, _, err := t.rig(r.Name)
	if err != nil {
		return api.Rig{}, err
	}
	gates, err := newGates(r.Gates)
	if err != nil {
		return api.Rig{}, err
	}
	if len(gates) == 0 {
		return api.Rig{}, fault.Usagef("rig gate: say what is to be run")
	}
	if err := t.edit(func(data []byte) ([]byte, error) {
		for _, g := range gates {
			if data, err = config.AddGate(data, name, g); err != nil {
				return nil, err
			}
		}
		return data, nil
	}); err != nil {
		return api.Rig{}, err
	}
	err = t.update(func(tx *store.Tx) error {
		for _, g := range gates {
			text := fmt.Sprintf("added gate %s to rig %s: %s", g.Name, name, beads.Clean(g.Run, 200))
			if err := tx.Append(beads.Event{Kind: beads.EvQueueChanged, Actor: who.Name, Rig: name, Text: text}); err != nil {
				return err
			}
		}
		return t.feed(tx, name, refinery.Tick{})
	})
	if err != nil {
		return api.Rig{}, err
	}
	return t.rigShow(ctx, who, api.NameReq{Name: name})
}

func (t *Town) rigUngated(ctx context.Context, who api.Caller, r api.RigUngatedReq) (api.Rig, error) {
	name, _, err := t.rig(r.Name)
	if err != nil {
		return api.Rig{}, err
	}
	if err := t.edit(func(data []byte) ([]byte, error) {
		return config.Set(data, "rig."+name+".ungated", fmt.Sprint(r.Ungated))
	}); err != nil {
		return api.Rig{}, err
	}
	text := "rig " + name + " lands nothing without gates"
	if r.Ungated {
		text = "accepted that rig " + name + " lands work without gates"
	}
	err = t.update(func(tx *store.Tx) error {
		if err := tx.Append(beads.Event{Kind: beads.EvQueueChanged, Actor: who.Name, Rig: name, Text: text}); err != nil {
			return err
		}
		return t.feed(tx, name, refinery.Tick{})
	})
	if err != nil {
		return api.Rig{}, err
	}
	return t.rigShow(ctx, who, api.NameReq{Name: name})
}

// showMain moves mayor/RIG, the Mayor's read-only checkout of a rig's main, to its tip.
func (t *Town) showMain(ctx context.Context, rig string) error {
	_, _, err := t.rig(rig)
	if err != nil {
		return err
	}
	repo, err := t.repo(ctx, rig)
	if err != nil {
		return err
	}
	tip, err := t.target(ctx, rig)
	if err != nil {
		return step(err, "rig %q", rig)
	}
	path := t.path("mayor", rig)
	wt, err := repo.OpenWorktree(path)
	if errors.Is(err, git.ErrNoWorktree) {
		_, err = repo.WorktreeAddDetached(ctx, path, tip)
		return step(err, "show the Mayor main of %q", rig)
	}
	if err != nil {
		return err
	}
	_, err = wt.CheckoutDetached(ctx, tip, git.CleanAll)
	if err != nil && ctx.Err() == nil && !proc.RunningIn(path, "git") {
		// What a git left that was killed there stands for ever, and nothing in it is anybody's own.
		if err = repo.WorktreeRemove(ctx, path, git.RemoveForced); err == nil {
			_, err = repo.WorktreeAddDetached(ctx, path, tip)
		}
	}
	return step(err, "show the Mayor main of %q", rig)
}
