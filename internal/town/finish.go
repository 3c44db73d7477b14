package town

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"

	"gastown/agents"
	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/fault"
	"gastown/internal/git"
	"gastown/internal/proc"
	"gastown/worktree"
)

// finish ends an attempt: its work is on a ref before its process is touched, its process
// tree is gone before the store says so, and its worktree goes last. An error means that
// nothing was lost; where the work could not be kept nothing was stopped.
func (w *worker) finish(e ending) ended {
	ctx := context.WithoutCancel(w.h.ctx)
	a, _, err := w.attempt()
	switch {
	case err != nil:
		return ended{err: err}
	case !a.State.Live():
		return w.submitted(ctx, e)
	case a.Worktree == "":
		return w.finishUnused(ctx, e)
	}
	if !w.gone() {
		if _, err := w.keep(ctx); err != nil { // before anything is stopped
			if e.kind == endShutdown {
				w.stopAgent(ctx, killGrace) // it would end with this process anyway; its files stay
			}
			return ended{err: step(err, "keep the work of %s", w.name)}
		}
	}
	killed := w.stopAgent(ctx, killGrace)
	r, err := w.keep(ctx) // what the agent wrote while it was being stopped
	if err != nil {
		return ended{killed: killed, err: step(err, "keep the work of %s", w.name)}
	}
	kept := w.holds(r)
	if err := w.recordEnd(e, r, kept); err != nil {
		if now, _, aerr := w.attempt(); aerr == nil && !now.State.Live() {
			return w.submitted(ctx, e) // its done was quicker
		}
		return ended{killed: killed, err: err}
	}
	if !kept && r.Ref != "" {
		if err := w.dropEmpty(ctx, r); err == nil {
			r.Ref = ""
		}
	}
	w.cleanUp(ctx, r)
	return ended{rescue: r, kept: kept, killed: killed, over: true}
}

// submitted ends the session of an attempt whose submission was accepted. What the agent
// wrote after done goes to a rescue ref. Who asked for another end is told that it came late.
func (w *worker) submitted(ctx context.Context, e ending) ended {
	timer := time.NewTimer(submitGrace)
	defer timer.Stop()
	select {
	case <-w.exited():
	case <-timer.C:
	case <-w.h.leaving.Done():
	}
	killed := w.stopAgent(ctx, killGrace)
	r, err := w.keepLate(ctx)
	if err != nil {
		return ended{killed: killed, err: err}
	}
	w.cleanUp(ctx, r)
	if err := w.h.t.dropKept(ctx, w.rig, w.bead); err != nil { // it may have landed by now
		w.h.t.deps.Log.Warn("refs of landed work", "attempt", beads.AttemptKey(w.bead, w.n), "err", err)
	}
	out := ended{rescue: r, killed: killed, over: true}
	if e.kind == endKill || e.kind == endReassign || e.kind == endRestart {
		out.err = fault.Refusedf("%s submitted %s before it could be stopped", w.name, w.bead)
	}
	return out
}

// finishUnused ends an attempt in whose worktree no agent ever was: what is in it was made by
// the host, and whatever it started from is on its own ref.
func (w *worker) finishUnused(ctx context.Context, e ending) ended {
	killed := w.stopAgent(ctx, killGrace)
	if err := w.recordEnd(e, worktree.Rescue{}, false); err != nil {
		return ended{killed: killed, err: err}
	}
	if err := w.h.t.discard(ctx, w.rig, w.bead, w.n); err != nil {
		w.stays(err)
	}
	return ended{killed: killed, over: true}
}

// keepLate keeps what is in the worktree beyond the frozen tip; usually nothing.
func (w *worker) keepLate(ctx context.Context) (worktree.Rescue, error) {
	wt, err := w.present(ctx)
	if wt == nil {
		return worktree.Rescue{}, err
	}
	st, err := wt.Status(ctx, git.WithoutIgnored)
	if err != nil {
		return worktree.Rescue{}, err
	}
	a, _, err := w.attempt()
	if err != nil {
		return worktree.Rescue{}, err
	}
	if st.Clean() && (st.Head == a.Tip || a.Tip == "" && st.Head == a.Base) {
		return worktree.Rescue{}, nil
	}
	r, err := w.keep(ctx)
	if err != nil || r.Ref == "" || r.Ref == a.Rescue {
		return r, err
	}
	return r, w.h.t.update(func(tx *store.Tx) error {
		a, err := tx.Attempt(w.bead, w.n)
		if err != nil {
			return err
		}
		c := a.Clone()
		c.Rescue = r.Ref
		return errors.Join(tx.PutAttempt(c), tx.Append(beads.Event{Kind: beads.EvRescued, Actor: "host", Rig: w.rig, Bead: w.bead, Attempt: w.n, Polecat: w.name, Text: fmt.Sprintf("kept on %s what %s wrote after its attempt", r.Ref, w.name)}))
	})
}

// worktree opens the attempt's worktree; nil when there is none.
func (w *worker) worktree(ctx context.Context) (*git.Worktree, error) {
	repo, err := w.h.t.repo(ctx, w.rig)
	if err != nil {
		return nil, err
	}
	wt, err := repo.OpenWorktree(w.path())
	if errors.Is(err, git.ErrNoWorktree) {
		return nil, nil
	}
	return wt, err
}

// keep snapshots the worktree to the attempt's rescue ref. Without a worktree there is
// nothing to keep and the result is zero.
func (w *worker) keep(ctx context.Context) (worktree.Rescue, error) {
	return w.snapshot(ctx, beads.RescueRef(w.bead, w.n))
}

// snapshot keeps the worktree as it is on a ref.
func (w *worker) snapshot(ctx context.Context, ref string) (worktree.Rescue, error) {
	wt, err := w.present(ctx)
	if wt == nil {
		return worktree.Rescue{}, err
	}
	_, rc, err := w.h.t.rig(w.rig)
	if err != nil {
		return worktree.Rescue{}, err
	}
	id, err := w.h.t.ident(ctx, rc.Origin)
	if err != nil {
		return worktree.Rescue{}, err
	}
	a, _, err := w.attempt()
	if err != nil {
		return worktree.Rescue{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, gitLimit)
	defer cancel()
	return worktree.Snapshot(ctx, wt, worktree.SnapshotSpec{Ref: ref, At: w.h.t.deps.Now(), Who: id, Base: a.Base})
}

// holds reports whether a rescue has anything that the base does not.
func (w *worker) holds(r worktree.Rescue) bool {
	if r.Ref == "" {
		return false
	}
	a, _, err := w.attempt()
	return err != nil || !r.Clean || r.Head != a.Base
}

func (w *worker) dropEmpty(ctx context.Context, r worktree.Rescue) error {
	repo, err := w.h.t.repo(ctx, w.rig)
	if err != nil {
		return err
	}
	return worktree.Drop(ctx, repo, r.Ref, r.Commit)
}

// stopAgent ends the whole process tree and counts what it was.
func (w *worker) stopAgent(ctx context.Context, grace time.Duration) int {
	s := w.sessionNow()
	if s == nil {
		return 0
	}
	n := len(s.Proc().Tree())
	if err := s.Stop(ctx, grace); err != nil {
		w.h.t.deps.Log.Error("stop agent", "polecat", w.name, "err", err)
	}
	<-s.Done()
	w.unlock(ctx)
	return n
}

// unlock takes away the lock files of a git that was killed with the agent's tree.
func (w *worker) unlock(ctx context.Context) {
	wt, _ := w.worktree(ctx)
	if wt == nil {
		return // the error is met again by whoever needs the worktree
	}
	if gone, err := wt.ClearLocks("refs/heads/" + beads.BranchName(w.bead, w.n)); err != nil || len(gone) > 0 {
		w.h.t.deps.Log.Warn("locks of a git that was killed", "polecat", w.name, "removed", gone, "err", err)
	}
}

// recordEnd writes what became of the attempt and what its bead starts from next.
func (w *worker) recordEnd(e ending, r worktree.Rescue, kept bool) error {
	now := w.h.t.deps.Now()
	return w.h.t.update(func(tx *store.Tx) error {
		b, err := tx.Bead(w.bead)
		if err != nil {
			return err
		}
		end := w.ending(e, b, r, kept, now)
		if _, _, err = store.Step(tx, w.bead, w.n, end.on, now, end.edit); err != nil {
			return err
		}
		if err := w.countStart(tx, e, kept, end.why, now); err != nil {
			return err
		}
		if e.kind == endSetup {
			if err := w.h.setupFails(tx, w.rigFault); err != nil {
				return err
			}
		}
		evs := []beads.Event{{Kind: end.kind, Actor: end.by, Text: end.text, Reason: e.why}}
		if end.on == beads.Ask {
			evs = append(evs, beads.Event{Kind: beads.EvNeedsYou, Actor: "host", Text: fmt.Sprintf("%s needs you: %s", w.bead, end.why)})
		}
		if kept {
			evs = append(evs, beads.Event{Kind: beads.EvRescued, Actor: "host", Text: fmt.Sprintf("kept the work of %s on %s", w.name, r.Ref)})
		}
		for _, ev := range evs {
			ev.Rig, ev.Bead, ev.Attempt, ev.Polecat = w.rig, w.bead, w.n, w.name
			if err := tx.Append(ev); err != nil {
				return err
			}
		}
		return nil
	})
}

// verdict is an ending put into the words of the tables.
type verdict struct {
	on   beads.Action
	kind string // of the event
	by   string
	text string
	why  string
	edit func(*beads.Bead, *beads.Attempt)
}

func (w *worker) ending(e ending, b *beads.Bead, r worktree.Rescue, kept bool, now time.Time) verdict {
	v := verdict{on: beads.Lose, kind: beads.EvLost, by: "host", why: e.why}
	next := func(a *beads.Attempt) *beads.Start {
		if !kept {
			return a.Start
		}
		s := &beads.Start{Rescue: r.Ref, Same: w.name, Session: a.Session}
		if a.Start != nil {
			s.Note = a.Start.Note
		}
		return s
	}
	finish := func(a *beads.Attempt) {
		a.Why, a.Log = v.why, w.log
		if kept {
			a.Rescue = r.Ref
		}
		if l := w.lookNow(); l.at.IsZero() == false {
			a.Commits, a.Files, a.Added, a.Removed = l.commits, l.Files, l.Added, l.Removed
		}
	}
	switch e.kind {
	case endKill:
		v.on, v.kind, v.by = beads.Kill, beads.EvKilled, e.by
		v.text = fmt.Sprintf("%s killed %s; %s is ready again", e.by, w.name, w.bead)
		v.edit = func(b *beads.Bead, a *beads.Attempt) {
			finish(a)
			b.Next, b.Sling, b.Stopped = a.Start, nil, true
		}
	case endReassign:
		v.on, v.kind, v.by = beads.Kill, beads.EvKilled, e.by
		v.text = fmt.Sprintf("%s took %s from %s", e.by, w.bead, w.name)
		v.edit = func(b *beads.Bead, a *beads.Attempt) {
			finish(a)
			b.Next = handOff(next(a), w.name, e.note)
			b.Sling, b.Stopped = nil, e.nobody
			if !e.nobody {
				b.Sling = &beads.Sling{At: now.UTC(), By: e.by, Polecat: e.to}
			}
			if e.agent != "" {
				b.Agent, b.Next.Session = e.agent, ""
			}
		}
	case endShutdown, endSetup:
		v.text = fmt.Sprintf("%s stopped with the host; %s goes on when it is up", w.name, w.bead)
		if e.kind == endSetup {
			v.text = fmt.Sprintf("%s did not start on %s, which waits until it can", w.name, w.bead)
		}
		v.edit = func(b *beads.Bead, a *beads.Attempt) {
			finish(a)
			b.Failures-- // neither the agent's doing nor the bead's
			b.Next, b.Sling = again(next(a), w.name), &beads.Sling{At: now.UTC(), By: "host"}
		}
	default:
		v.why = w.exitText(e)
		v.text = fmt.Sprintf("%s on %s %s", w.name, w.bead, v.why)
		if b.Failures+1 >= agents.MaxFailures {
			v.on = beads.Ask
		}
		v.edit = func(b *beads.Bead, a *beads.Attempt) {
			finish(a)
			a.Exit = v.why
			b.Next = next(a)
			if v.on == beads.Ask {
				b.Failures++
				b.Reason, b.Sling = fmt.Sprintf("%d attempts in a row failed; the last %s", b.Failures, v.why), nil
				return
			}
			wait := agents.Backoff(b.Failures+1, w.h.t.deps.Rand())
			b.Sling = &beads.Sling{At: now.UTC(), By: "host", NotBefore: now.Add(wait).UTC()}
		}
	}
	return v
}

// again is a start by the same polecat.
func again(s *beads.Start, polecat string) *beads.Start {
	out := beads.Start{}
	if s != nil {
		out = *s
	}
	out.Same = polecat
	return &out
}

// handOff adds the note for the next polecat.
func handOff(s *beads.Start, from, note string) *beads.Start {
	out := beads.Start{}
	if s != nil {
		out = *s
	}
	out.Same = ""
	if note == "" {
		note = "the work so far is in the worktree, uncommitted changes included."
	}
	out.Note = strings.TrimSpace(out.Note + "\nTaken over from " + from + ": " + note)
	return &out
}

// exitText says in words how an attempt failed, with the last line that its program printed. It goes on
// from the polecat's name.
func (w *worker) exitText(e ending) string {
	if e.why != "" {
		return e.why
	}
	s := w.sessionNow()
	if s == nil {
		return "could not start"
	}
	text := fmt.Sprintf("ended without gastown done (%s)", s.Exit())
	if w.remade {
		text = fmt.Sprintf("lost its worktree, which was deleted, and ended (%s)", s.Exit())
	}
	if line := lastPrinted(s.Tail(20), w.h.sizeNow().Cols); line != "" {
		text += "; it last printed: " + line
	}
	return text
}

// lastPrinted is the last line of a terminal of so many columns, put together again where it was
// wrapped.
func lastPrinted(rows []string, cols int) string {
	for i := len(rows) - 1; i >= 0; i-- {
		if strings.TrimSpace(rows[i]) == "" {
			continue
		}
		line := rows[i]
		for ; i > 0 && utf8.RuneCountInString(rows[i-1]) >= cols; i-- {
			line = rows[i-1] + line
		}
		return beads.Clean(line, 160)
	}
	return ""
}

// countStart keeps the breaker of the agent's preset: an agent that ended at once without
// doing anything failed to start.
func (w *worker) countStart(tx *store.Tx, e ending, kept bool, why string, now time.Time) error {
	if e.kind != endExit || !w.tried {
		return nil
	}
	a, err := tx.Attempt(w.bead, w.n)
	if err != nil {
		return err
	}
	breakers := map[string]agents.Breaker{}
	if _, err := tx.GetKV(kvBreakers, &breakers); err != nil {
		return err
	}
	br := breakers[a.Preset]
	if kept || !a.StartedAt.IsZero() && now.Sub(a.StartedAt) >= agents.QuickEnd {
		return resetBreaker(tx, a.Preset)
	}
	br = br.Failed(w.bead, why, now.UTC())
	breakers[a.Preset] = br
	if br.Open() {
		err = tx.PutNotice(&beads.Notice{Key: "breaker/" + a.Preset, At: now.UTC(), Rig: w.rig, Text: fmt.Sprintf("agent %s failed to start on %d beads in a row: %s", a.Preset, len(br.Beads), why), Hint: "mend it, then sling a bead again"})
	}
	return errors.Join(err, tx.PutKV(kvBreakers, breakers))
}

func (w *worker) lookNow() look {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.stat
}

// failedStart ends an attempt whose agent never ran.
func (w *worker) failedStart(err error) {
	w.h.t.deps.Log.Error("start attempt", "attempt", beads.AttemptKey(w.bead, w.n), "err", err)
	why := "could not start: " + beads.Clean(err.Error(), 300)
	var se *proc.StartError
	if errors.As(err, &se) {
		why = fmt.Sprintf("could not start its program: %s", beads.Clean(se.Error(), 300))
	}
	if errors.Is(err, worktree.ErrOccupied) {
		w.h.stuckAt(w.name) // by something that is not ours to remove
	}
	kind := endExit
	if w.rigFault != nil {
		kind = endSetup
	}
	r := w.finish(ending{kind: kind, why: why})
	if r.err != nil {
		w.stopAgent(context.WithoutCancel(w.h.ctx), killGrace)
		w.h.stuckAt(w.name)
		w.h.t.deps.Log.Error("end attempt", "attempt", beads.AttemptKey(w.bead, w.n), "err", r.err)
		w.h.problem("attempt/"+beads.AttemptKey(w.bead, w.n), w.rig, w.bead, fmt.Sprintf("attempt of %s: %v", w.name, r.err), "look at "+w.path())
	}
}

// relaunch stops the agent and readies the same attempt for another start in the same worktree.
func (w *worker) relaunch(e ending) error {
	ctx := context.WithoutCancel(w.h.ctx)
	a, _, err := w.attempt()
	if err != nil {
		return err
	}
	if a.Worktree != "" {
		if _, err := w.keep(ctx); err != nil {
			return step(err, "keep the work of %s", w.name)
		}
	}
	w.stopAgent(ctx, killGrace)
	err = w.h.t.update(func(tx *store.Tx) error {
		a, err := tx.Attempt(w.bead, w.n)
		if err != nil {
			return err
		}
		c, err := a.Apply(beads.Relaunch, w.h.t.deps.Now())
		if err != nil {
			return refuse(err)
		}
		c.Proc, c.Marker, c.Question, c.Answer = nil, "", "", ""
		if a.State == beads.Limited {
			err = unlimit(tx, a.Preset)
		}
		return errors.Join(err, tx.PutAttempt(c), tx.Append(beads.Event{Kind: beads.EvStarted, Actor: e.by, Rig: w.rig, Bead: w.bead, Attempt: w.n, Polecat: w.name, Reason: e.why, Text: fmt.Sprintf("%s restarted %s on %s", e.by, w.name, w.bead)}))
	})
	if err != nil {
		return err
	}
	w.tried, w.rigFault = false, nil
	w.mu.Lock()
	defer w.mu.Unlock()
	w.session = nil
	w.ctx, w.stop = context.WithCancel(w.h.leaving)
	if len(w.end) > 0 {
		w.stop() // asked again meanwhile
	}
	return nil
}

// cleanUp removes the worktree and the branch of an ended attempt, once all of it is on refs,
// and notes that nothing is left of it. What cannot be removed is told and tried again at the
// next start of the host.
func (w *worker) cleanUp(ctx context.Context, r worktree.Rescue) {
	var kept *worktree.Rescue
	if r.Ref != "" {
		kept = &r
	}
	err := w.h.t.removeWorktree(ctx, w.rig, w.path(), w.bead, w.n, kept)
	if err == nil {
		err = w.dropCheckpoint(ctx)
	}
	if err == nil {
		_, err = w.edit(func(a *beads.Attempt) { a.Worktree, a.Proc, a.Marker = "", nil, "" })
	}
	if err != nil {
		w.stays(err)
	}
}

// stays tells that a worktree could not be removed.
func (w *worker) stays(err error) {
	w.h.t.deps.Log.Error("remove worktree", "attempt", beads.AttemptKey(w.bead, w.n), "err", err)
	w.h.stuckAt(w.name)
	w.h.problem("worktree/"+beads.AttemptKey(w.bead, w.n), w.rig, w.bead, fmt.Sprintf("the worktree of %s stays: %v", w.name, err), "gastown doctor")
}

// discard removes the worktree and the branch of an attempt that never began, with what is in them.
func (t *Town) discard(ctx context.Context, rig string, id beads.ID, n int) error {
	repo, err := t.repo(ctx, rig)
	if err != nil {
		return err
	}
	branch := "refs/heads/" + beads.BranchName(id, n)
	trees, err := repo.WorktreeList(ctx)
	if err != nil {
		return err
	}
	for _, wt := range trees {
		if wt.Branch != branch || !t.holdsWorktree(rig, wt.Path) {
			continue
		}
		if err := repo.WorktreeRemove(ctx, wt.Path, git.RemoveForced); err != nil {
			return err
		}
	}
	return repo.DeleteRef(ctx, branch, "")
}

// holdsWorktree reports whether path is a place for a polecat's worktree, links resolved.
func (t *Town) holdsWorktree(rig, path string) bool {
	root := t.path("rigs", rig, "wt")
	if real, err := filepath.EvalSymlinks(root); err == nil {
		root = real
	}
	return filepath.Dir(path) == root
}

// removeWorktree removes an attempt's worktree and branch. rescue keeps what is uncommitted;
// nil: nothing is.
func (t *Town) removeWorktree(ctx context.Context, rig, path string, id beads.ID, n int, rescue *worktree.Rescue) error {
	repo, err := t.repo(ctx, rig)
	if err != nil {
		return err
	}
	if err := t.teardown(ctx, rig, path); err != nil {
		t.deps.Log.Warn("teardown", "worktree", path, "err", err)
	}
	if err := worktree.Remove(ctx, repo, path, worktree.RemoveOptions{Root: t.path("rigs", rig, "wt"), Rescue: rescue}); err != nil {
		return err
	}
	branch := "refs/heads/" + beads.BranchName(id, n)
	tips, err := repo.Lookup(ctx, branch)
	if err != nil || tips[0] == "" {
		return err
	}
	_, rc, err := t.rig(rig)
	if err != nil {
		return err
	}
	kept, err := repo.Containing(ctx, tips[0], "refs/gt/", "refs/heads/"+rc.Branch)
	if err != nil {
		return err
	}
	if kept == "" {
		return fmt.Errorf("branch %s: its tip is on no other ref", branch)
	}
	return repo.DeleteRef(ctx, branch, tips[0])
}
