package town

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"gastown/agents"
	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/config"
	"gastown/internal/git"
	"gastown/internal/proc"
	"gastown/worktree"
)

const (
	setupLimit = 10 * time.Minute // of a rig's setup command
	setupTail  = 3                // lines of its output that are quoted
)

// setupFailed is a rig's setup that did not work in a worktree.
type setupFailed struct {
	rig, of string // of is what settings say
	key     string // of the setting that failed
	how     string
	log     string // the end of what it printed
	path    string // of all that it printed; empty: nothing
}

func (e *setupFailed) Error() string {
	text := e.key + " failed: " + e.how
	if tail := strings.TrimSpace(lastLines(strings.TrimSpace(e.log), setupTail)); tail != "" {
		text += ": " + beads.Clean(strings.ReplaceAll(tail, "\n", " / "), 200)
	}
	return text
}

// setupOf is all that a rig's settings say of what is done in a new worktree.
func setupOf(rc config.Rig) string {
	return strings.Join(slices.Concat([]string{rc.Setup}, rc.Copy, []string{""}, rc.Link), "\x00")
}

// setUp brings ignored files into a worktree and runs the rig's setup command there, as settings say;
// what it prints goes to the file log. Where that fails the error is a *setupFailed.
func (h *Host) setUp(ctx context.Context, rig string, rc config.Rig, wt *git.Worktree, env []string, log string) error {
	failed := setupFailed{rig: rig, of: setupOf(rc)}
	if git.IsLocal(rc.Origin) && rc.Origin != "" {
		for key, from := range map[string]worktree.PrepareSpec{"copy": {Copy: rc.Copy}, "link": {Link: rc.Link}} {
			from.Source = rc.Origin
			if _, err := worktree.Prepare(ctx, wt, from); ctx.Err() != nil {
				return ctx.Err()
			} else if err != nil {
				failed.key, failed.how = "rig."+rig+"."+key, err.Error()
				return &failed
			}
		}
	}
	if rc.Setup == "" {
		return nil
	}
	failed.key, failed.path = "rig."+rig+".setup", log
	f, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("setup: %w", err)
	}
	defer f.Close()
	p, err := proc.Start(proc.Spec{Argv: []string{"sh", "-c", rc.Setup}, Dir: wt.Path(), Env: env, Output: f, Exe: h.exe()})
	if err != nil {
		return fmt.Errorf("setup %q: %w", rc.Setup, err)
	}
	limit := time.NewTimer(setupLimit)
	defer limit.Stop()
	select {
	case <-p.Done():
		if p.Exit().Code == 0 {
			return nil
		}
		failed.how = p.Exit().String()
	case <-limit.C:
		failed.how = "it was stopped after " + setupLimit.String()
		err = p.Stop(context.WithoutCancel(ctx), proc.StopPlan{Grace: killGrace})
	case <-ctx.Done():
		return errors.Join(ctx.Err(), p.Stop(context.WithoutCancel(ctx), proc.StopPlan{Grace: killGrace}))
	}
	data, _ := os.ReadFile(log) // its end is kept where it can be read
	failed.log = lastLines(beads.CleanText(string(data)), 200)
	return errors.Join(&failed, err)
}

// setup readies the attempt's worktree. Where that fails it is found out whose fault it is: the
// rig's, if it fails on the target too, or that of the work that the attempt begins with.
func (w *worker) setup(wt *git.Worktree, rc config.Rig, env []string) error {
	err := w.h.setUp(w.ctx, w.rig, rc, wt, env, w.logPath()+".setup")
	failed, ok := errors.AsType[*setupFailed](err)
	if err == nil {
		err = w.h.setupWorks(w.rig)
	}
	if !ok {
		return err
	}
	w.log, w.rigFault = failed.log, failed
	if !w.carries {
		return err
	}
	there := w.h.trySetup(w.ctx, w.rig)
	if w.rigFault, _ = errors.AsType[*setupFailed](there); there == nil {
		return fmt.Errorf("%w (it works without the work of before)", err)
	}
	return err
}

// trySetup runs a rig's setup on its target alone, in a worktree as deep as those of polecats and gates.
func (h *Host) trySetup(ctx context.Context, rig string) (err error) {
	r := h.rigHost(rig)
	if r == nil {
		return fmt.Errorf("rig %q is not open", rig)
	}
	r.setups.Lock() // there is one place
	defer r.setups.Unlock()
	_, rc, err := h.t.rig(rig)
	if err != nil {
		return err
	}
	repo, err := h.t.repo(ctx, rig)
	if err != nil {
		return err
	}
	target, err := h.t.target(ctx, rig)
	if err != nil {
		return err
	}
	id, err := h.t.ident(ctx, rc.Origin)
	if err != nil {
		return err
	}
	path := h.t.path("rigs", rig, "setup", "1")
	if err := repo.WorktreeRemove(ctx, path, git.RemoveForced); err != nil { // a former host's
		return err
	}
	wt, err := repo.WorktreeAddDetached(ctx, path, target)
	if err != nil {
		return err
	}
	defer func() {
		ctx := context.WithoutCancel(ctx)
		err = errors.Join(err, h.t.teardown(ctx, rig, path), repo.WorktreeRemove(ctx, path, git.RemoveForced))
	}()
	env := h.agentEnv(id, map[string]string{"GASTOWN_RIG": rig, "GASTOWN_TARGET": target})
	return h.setUp(ctx, rig, rc, wt, env, h.t.path("logs", "setup-"+rig+".log"))
}

// setupFails records that a rig's setup fails on its target, and tells a person.
func (h *Host) setupFails(tx *store.Tx, f *setupFailed) error {
	now := h.t.deps.Now().UTC()
	var s agents.Setup
	known, err := tx.GetKV(kvSetup+f.rig, &s)
	q, qerr := h.t.queue(tx, f.rig)
	if err = errors.Join(err, qerr); err != nil || known && s.Of == f.of && s.Target == q.Target && s.Until.After(now) {
		return err // what began beside this one has told already
	}
	s = s.Failed(f.of, q.Target, beads.Clean(f.Error(), 400), now, h.t.deps.Rand())
	n := beads.Notice{Key: kvSetup + f.rig, At: s.Since, Rig: f.rig, Text: fmt.Sprintf("nothing starts in rig %s: %s", f.rig, s.Why)}
	n.Hint = fmt.Sprintf("mend it, or change it: gastown config set %s VALUE; it is tried again by itself, and at once by a sling", f.key)
	if f.path != "" {
		n.Hint += "; all that it printed: " + f.path
	}
	if !known {
		err = tx.Append(beads.Event{Kind: beads.EvProblem, Actor: "host", Rig: f.rig, Text: n.Text})
	}
	return errors.Join(err, tx.PutKV(kvSetup+f.rig, s), tx.PutNotice(&n))
}

// brokenSetup is what is known of a rig's setup that fails. It is to be tried at once where settings
// or the target are not those that it failed with.
func (t *Town) brokenSetup(tx *store.Tx, rig string) (s agents.Setup, broken bool, err error) {
	if broken, err = tx.GetKV(kvSetup+rig, &s); !broken || err != nil {
		return s, broken, err
	}
	q, err := t.queue(tx, rig)
	if of := setupOf(t.settings().Rigs[rig]); s.Target != q.Target || s.Of != of {
		s.Of, s.Target, s.Until, s.Works = of, q.Target, time.Time{}, false
	}
	return s, true, err
}

// trySetupNow lets a rig's setup that fails be tried without a wait: a person has acted.
func (t *Town) trySetupNow(tx *store.Tx, rig string) error {
	s, broken, err := t.brokenSetup(tx, rig)
	if !broken || err != nil {
		return err
	}
	s.Until, s.Works = time.Time{}, false
	return tx.PutKV(kvSetup+rig, s)
}

// retrySetups tries the setups of rigs whose beads wait for nothing else, each one once at a time.
// starting is held.
func (h *Host) retrySetups(rigs []string) {
	for _, rig := range rigs {
		r := h.rigHost(rig)
		if r == nil || !r.retrying.CompareAndSwap(false, true) {
			continue
		}
		h.spawn("setup of "+rig, func() {
			defer h.ring()
			defer r.retrying.Store(false)
			r.retrySetup()
		})
	}
}

func (r *rigHost) retrySetup() {
	var s agents.Setup // as it is tried
	err := r.h.t.store.View(func(tx *store.Tx) (err error) {
		s, _, err = r.h.t.brokenSetup(tx, r.name)
		return err
	})
	if err == nil {
		err = r.h.trySetup(r.ctx, r.name)
	}
	if r.ctx.Err() != nil {
		return
	}
	failed, ok := errors.AsType[*setupFailed](err)
	if err != nil && !ok {
		failed = &setupFailed{rig: r.name, of: s.Of, key: "rig." + r.name + ".setup", how: err.Error()}
	}
	err = r.h.t.update(func(tx *store.Tx) error {
		if r.ctx.Err() != nil { // the rig was removed
			return nil
		}
		if failed != nil {
			return r.h.setupFails(tx, failed)
		}
		if _, broken, err := r.h.t.brokenSetup(tx, r.name); !broken || err != nil {
			return err
		}
		s.Works = true // one polecat goes first: a worktree of its own may be another matter
		return errors.Join(tx.PutKV(kvSetup+r.name, s), tx.DeleteNotice(kvSetup+r.name))
	})
	if err != nil {
		r.h.t.deps.Log.Error("record a try of a setup", "rig", r.name, "err", err)
	}
}

// setupWorks notes that a rig's setup worked for a polecat.
func (h *Host) setupWorks(rig string) error {
	broken := false
	err := h.t.store.View(func(tx *store.Tx) (err error) {
		_, broken, err = h.t.brokenSetup(tx, rig)
		return err
	})
	if !broken || err != nil {
		return err
	}
	return h.t.update(func(tx *store.Tx) error { return forgetSetup(tx, rig) })
}

// forgetSetup takes back that a rig's setup fails.
func forgetSetup(tx *store.Tx, rig string) error {
	return errors.Join(tx.DeleteKV(kvSetup+rig), tx.DeleteNotice(kvSetup+rig))
}
