package town

import (
	"cmp"
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
	rig, of string    // of is what settings say
	on      string    // the commit that was there
	begun   time.Time // when
	key     string    // of the setting that failed; empty: it could not be tried
	how     string
	log     string // the end of what it printed
	path    string // of all that it printed; empty: nothing
}

func (e *setupFailed) Error() string {
	text := e.key + " failed: " + e.how
	if e.key == "" {
		text = "its setup cannot be tried: " + e.how
	}
	if tail := strings.TrimSpace(lastLines(strings.TrimSpace(e.log), setupTail)); tail != "" {
		text += ": " + beads.Clean(strings.ReplaceAll(tail, "\n", " / "), 200)
	}
	return text
}

// setupOf is all that a rig's settings say of what is done in a new worktree.
func setupOf(rc config.Rig) string {
	return strings.Join(slices.Concat([]string{rc.Setup}, rc.Copy, []string{""}, rc.Link), "\x00")
}

// setUp brings ignored files into a worktree of a commit and runs the rig's setup command there, as settings say;
// what it prints goes to the file log. Where that fails the error is a *setupFailed.
func (h *Host) setUp(ctx context.Context, rig string, rc config.Rig, wt *git.Worktree, on string, env []string, log string) error {
	failed := setupFailed{rig: rig, of: setupOf(rc), on: on, begun: h.t.deps.Now()}
	if git.IsLocal(rc.Origin) && rc.Origin != "" {
		for _, one := range []struct {
			key  string
			what worktree.PrepareSpec
		}{{"copy", worktree.PrepareSpec{Copy: rc.Copy}}, {"link", worktree.PrepareSpec{Link: rc.Link}}} {
			one.what.Source = rc.Origin
			if _, err := worktree.Prepare(ctx, wt, one.what); ctx.Err() != nil {
				return ctx.Err()
			} else if err != nil {
				failed.key, failed.how = "rig."+rig+"."+one.key, err.Error()
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
func (w *worker) setup(wt *git.Worktree, rc config.Rig, base string, env []string) error {
	begun := w.h.t.deps.Now()
	err := w.h.setUp(w.ctx, w.rig, rc, wt, base, env, w.logPath()+".setup")
	failed, ok := errors.AsType[*setupFailed](err)
	if err == nil {
		err = w.h.setupWorks(w.rig, begun)
	}
	if !ok {
		return err
	}
	w.log = failed.log
	if !w.carries {
		w.rigFault = failed
		return err
	}
	there, terr := w.h.trySetup(w.ctx, w.rig)
	if terr == nil && there == nil {
		err = fmt.Errorf("%w (it works without the work of before)", err)
	}
	w.rigFault = there
	return errors.Join(err, terr)
}

// trySetup runs a rig's setup on its target alone, in a worktree as deep as those of polecats and gates, one at a
// time. The error is that the context has ended.
func (h *Host) trySetup(ctx context.Context, rig string) (*setupFailed, error) {
	begun := h.t.deps.Now()
	err := h.setUpTarget(ctx, rig)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	failed, ok := errors.AsType[*setupFailed](err)
	if err != nil && !ok { // of git or of the disk, and nobody's work
		failed = &setupFailed{rig: rig, of: setupOf(h.t.settings().Rigs[rig]), begun: begun, how: err.Error()}
	}
	return failed, nil
}

func (h *Host) setUpTarget(ctx context.Context, rig string) (err error) {
	r := h.rigHost(rig)
	if r == nil {
		return fmt.Errorf("rig %q is not open", rig)
	}
	select {
	case r.setups <- struct{}{}:
		defer func() { <-r.setups }()
	case <-ctx.Done():
		return ctx.Err()
	}
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
	return h.setUp(ctx, rig, rc, wt, target, env, h.t.path("logs", "setup-"+rig+".log"))
}

// setupFails records that a rig's setup fails where nobody's work is in it, and tells a person. What began before
// the newest that is known says nothing new.
func (h *Host) setupFails(tx *store.Tx, f *setupFailed) error {
	now := h.t.deps.Now().UTC()
	var s agents.Setup
	known, err := tx.GetKV(kvSetup+f.rig, &s)
	if err != nil || known && f.begun.Before(s.At) {
		return err
	}
	s = s.Failed(f.of, cmp.Or(f.on, s.Target), beads.Clean(f.Error(), 400), now, h.t.deps.Rand())
	n := beads.Notice{Key: kvSetup + f.rig, At: s.Since, Rig: f.rig, Text: fmt.Sprintf("nothing starts in rig %s: %s", f.rig, s.Why)}
	if n.Hint = "mend it"; f.key != "" {
		n.Hint += ", or change it: gastown config set " + f.key + " VALUE"
	}
	if s.Phase == agents.SetupStuck {
		n.Text += "; it works on the target alone"
		n.Hint += "; a sling tries it again"
	} else {
		n.Hint += "; it is tried again by itself while beads wait, and at once by a sling"
	}
	if f.path != "" {
		n.Hint += "; all that it printed: " + f.path
	}
	if !known {
		err = tx.Append(beads.Event{Kind: beads.EvProblem, Actor: "host", Rig: f.rig, Text: n.Text})
	}
	return errors.Join(err, tx.PutKV(kvSetup+f.rig, s), tx.PutNotice(&n))
}

// brokenSetup is what is known of a rig's setup that fails, and whether settings or the target have moved since that
// was stored.
func (t *Town) brokenSetup(tx *store.Tx, rig string) (s agents.Setup, broken, moved bool, err error) {
	if broken, err = tx.GetKV(kvSetup+rig, &s); !broken || err != nil {
		return s, broken, false, err
	}
	q, err := t.queue(tx, rig)
	s, moved = s.Moved(setupOf(t.settings().Rigs[rig]), q.Target, t.deps.Now().UTC())
	return s, true, moved, err
}

// trySetupNow lets a rig's setup that fails be tried without a wait: a person has acted.
func (t *Town) trySetupNow(tx *store.Tx, rig string) error {
	s, broken, _, err := t.brokenSetup(tx, rig)
	if !broken || err != nil {
		return err
	}
	return tx.PutKV(kvSetup+rig, s.Asked(t.deps.Now().UTC()))
}

// setupsMoved stores of rigs that their setup is another than the one that failed, or on another target, and takes back what was
// told of that one: nobody knows of this one.
func (h *Host) setupsMoved(rigs []string) {
	if len(rigs) == 0 {
		return
	}
	err := h.t.update(func(tx *store.Tx) error {
		for _, rig := range rigs {
			s, broken, moved, err := h.t.brokenSetup(tx, rig)
			if err == nil && broken && moved {
				err = errors.Join(tx.PutKV(kvSetup+rig, s), tx.DeleteNotice(kvSetup+rig))
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		h.t.deps.Log.Error("record that a setup is another one", "err", err)
	}
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
	begun := r.h.t.deps.Now()
	failed, err := r.h.trySetup(r.ctx, r.name)
	if err != nil {
		return
	}
	err = r.h.t.update(func(tx *store.Tx) error {
		var s agents.Setup
		switch known, err := tx.GetKV(kvSetup+r.name, &s); {
		case err != nil || !known || begun.Before(s.At) || r.ctx.Err() != nil: // or the rig was removed
			return err
		case failed != nil:
			failed.begun = begun
			return r.h.setupFails(tx, failed)
		}
		return tx.PutKV(kvSetup+r.name, s.Passed(r.h.t.deps.Now().UTC())) // what was told stays until it works for a polecat
	})
	if err != nil {
		r.h.t.deps.Log.Error("record a try of a setup", "rig", r.name, "err", err)
	}
}

// setupWorks notes that a rig's setup, which began then, worked for a polecat.
func (h *Host) setupWorks(rig string, begun time.Time) error {
	news := func(tx *store.Tx) (bool, error) {
		var s agents.Setup
		known, err := tx.GetKV(kvSetup+rig, &s)
		return known && !begun.Before(s.At), err
	}
	is := false
	err := h.t.store.View(func(tx *store.Tx) (err error) {
		is, err = news(tx)
		return err
	})
	if !is || err != nil {
		return err
	}
	return h.t.update(func(tx *store.Tx) error {
		if is, err := news(tx); !is || err != nil {
			return err
		}
		return forgetSetup(tx, rig)
	})
}

// forgetSetup takes back that a rig's setup fails.
func forgetSetup(tx *store.Tx, rig string) error {
	return errors.Join(tx.DeleteKV(kvSetup+rig), tx.DeleteNotice(kvSetup+rig))
}
