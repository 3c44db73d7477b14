package town

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/api"
	"gastown/internal/fault"
	"gastown/refinery"
	"gastown/refinery/run"
)

// Only the Refinery moves a rig's main, and agents share its ref. One that was moved by others
// stops the queue; this file notices it, puts it back, and takes in what stood there through
// the queue.

// refineryAgain feeds an event that lets a stopped Refinery go on. A main that others moved is
// put back first; nothing of it is taken over, and nothing of it is lost.
func (t *Town) refineryAgain(ctx context.Context, who api.Caller, name string, ev refinery.Event) ([]api.RefineryInfo, error) {
	rigs, err := t.rigsNamed(name)
	if err != nil {
		return nil, err
	}
	notes := map[string]string{}
	for _, rig := range rigs {
		if notes[rig], err = t.putBack(ctx, who, rig); err != nil {
			return nil, step(err, "rig %q", rig)
		}
	}
	infos, err := t.refineryAct(ctx, who, name, ev)
	for i := range infos {
		infos[i].Note = notes[infos[i].Rig]
	}
	return infos, err
}

// putBack moves main to where the Refinery left it, and says what it did; "" when there was
// nothing to do.
func (t *Town) putBack(ctx context.Context, who api.Caller, rig string) (note string, err error) {
	var q refinery.Queue
	if err = t.store.View(func(tx *store.Tx) error { q, err = t.queue(tx, rig); return err }); err != nil || !q.Moved() {
		return "", err
	}
	repo, err := t.repo(ctx, rig)
	if err != nil {
		return "", err
	}
	branch := t.queueConfig(rig).Branch
	mover := &run.Runner{Rig: rig, Repo: repo, Git: t.git}
	found, err := mover.PutBack(ctx, branch, q.Target)
	if err != nil {
		return "", err
	}
	at := fmt.Sprintf("back at %.9s", q.Target)
	if found != "" {
		at += "; " + strayText(q, found)
	}
	note = branch + " is " + at
	return note, t.update(func(tx *store.Tx) error {
		if err := tx.Append(beads.Event{Kind: beads.EvQueueChanged, Actor: who.Name, Rig: rig, Text: "put " + branch + " " + at}); err != nil {
			return err
		}
		return t.feed(tx, rig, refinery.TargetMoved{Commit: q.Target, Known: q.Target})
	})
}

// strayText says where the commit is that stood on main, and how it gets there through the queue.
func strayText(q refinery.Queue, commit string) string {
	for _, e := range q.Entries {
		if e.Tip == commit {
			return fmt.Sprintf("%.9s, which stood there, is the work of %s and in the queue", commit, e.Bead)
		}
	}
	return fmt.Sprintf("%.9s, which stood there, is kept on %s: `gastown queue adopt %.12s` has it tested and landed", commit, run.StrayRef(commit), commit)
}

// targetLook is the time between two looks at a rig's main; each is two stats of files as long
// as nothing was written.
const targetLook = 2 * time.Second

// watchTarget tells the queue when others moved main, or put it back.
func (r *rigHost) watchTarget() {
	tick := time.NewTicker(targetLook)
	defer tick.Stop()
	seen := ""
	for {
		select {
		case <-r.ctx.Done():
			return
		case <-tick.C:
		}
		branch := r.h.t.queueConfig(r.name).Branch
		now := branch + " " + refStamp(r.runner.Repo.Dir(), "refs/heads/"+branch)
		if now == seen {
			continue
		}
		if err := r.lookAtTarget(branch); err != nil {
			r.h.t.deps.Log.Warn("look at main", "rig", r.name, "err", err)
			continue
		}
		seen = now
	}
}

// lookAtTarget compares main with where the Refinery left it.
func (r *rigHost) lookAtTarget(branch string) error {
	var q refinery.Queue
	err := r.h.t.store.View(func(tx *store.Tx) (err error) { q, err = r.h.t.queue(tx, r.name); return err })
	if err != nil || q.Target == "" {
		return err
	}
	moved, err := r.runner.Look(r.ctx, q.Target, branch)
	if err != nil {
		return err
	}
	if moved == nil {
		if !q.Moved() {
			return nil
		}
		moved = &refinery.TargetMoved{Commit: q.Target, Known: q.Target} // somebody put it back
	}
	return r.feed(*moved)
}

// refStamp changes whenever a ref may have: size and time of the files that git keeps it in.
func refStamp(dir, ref string) string {
	var b strings.Builder
	for _, name := range []string{ref, "packed-refs"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil {
			fmt.Fprintf(&b, "%d %d;", info.Size(), info.ModTime().UnixNano())
		}
		b.WriteByte('|')
	}
	return b.String()
}

// queueAdopt takes a commit of the rig's repository into the queue, as a bead of its own.
func (t *Town) queueAdopt(ctx context.Context, who api.Caller, r api.AdoptReq) (out api.QueueEntry, err error) {
	rig, rc, err := t.meant(ctx, who, r.Rig)
	if err != nil {
		return out, err
	}
	repo, err := t.repo(ctx, rig)
	if err != nil {
		return out, err
	}
	tip, err := repo.ResolveCommit(ctx, r.Commit)
	if err != nil {
		return out, fault.NotFoundf("adopt %q: no such commit in the repository of rig %q", r.Commit, rig).WithHint("bring it there: git push %s COMMIT:refs/heads/NAME", repo.Dir())
	}
	target, err := t.target(ctx, rig)
	if err != nil {
		return out, err
	}
	if in, err := repo.IsAncestor(ctx, tip, target); err != nil || in {
		if err == nil {
			err = fault.Refusedf("adopt %.9s: it is in %s already", tip, rc.Branch)
		}
		return out, err
	}
	base, err := repo.MergeBase(ctx, target, tip)
	if err != nil {
		return out, err
	}
	if base == "" {
		return out, fault.Refusedf("adopt %.9s: it has no commit in common with %s", tip, rc.Branch)
	}
	made, err := t.madeCommit(ctx, repo, rig, target, base, tip)
	if err != nil {
		return out, err
	}
	req := api.BeadCreateReq{
		Title: "Take in " + beads.Clean(made.subject, 300), Type: "task",
		Description: fmt.Sprintf("Commit %s, which was made outside of any bead; %s took it into the queue.", tip, who.Name),
	}
	err = t.update(func(tx *store.Tx) error {
		b, err := t.newBead(req, rig, who.Name)
		if err != nil {
			return err
		}
		if err := t.insert(tx, b, rc.Prefix, "", nil, who); err != nil {
			return err
		}
		out, err = t.submitMade(tx, who, b, made, "adopt", fmt.Sprintf("%s took %.9s into the queue as %s", who.Name, tip, b.ID))
		return err
	})
	return out, err
}
