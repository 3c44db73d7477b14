package town

import (
	"context"
	"fmt"
	"strings"

	"gastown/agents"
	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/api"
	"gastown/internal/fault"
	"gastown/internal/git"
	"gastown/refinery"
)

// me is the live attempt of the polecat that calls.
func (t *Town) me(tx *store.Tx, who api.Caller) (*beads.Attempt, *beads.Bead, error) {
	if who.Role != "polecat" {
		return nil, nil, fault.Refusedf("only a polecat at work can say this").WithHint("it is called by agents, with the token of their attempt")
	}
	a, err := tx.Attempt(beads.ID(who.Bead), who.Attempt)
	if err != nil {
		return nil, nil, err
	}
	if !a.State.Live() {
		return nil, nil, fault.Refusedf("attempt %s: it is %s already", a.Key(), a.State)
	}
	b, err := tx.Bead(a.Bead)
	return a, b, err
}

// done is an agent's request to submit. The host looks for itself; it commits nothing.
func (t *Town) done(ctx context.Context, who api.Caller, r api.DoneReq) (out api.Submitted, err error) {
	var a *beads.Attempt
	var b *beads.Bead
	err = t.store.View(func(tx *store.Tx) error {
		a, b, err = t.me(tx, who)
		return err
	})
	if err != nil {
		return out, err
	}
	if !b.NeedsCode {
		return t.doneResult(a, b, r.Result)
	}
	if r.Result != "" {
		return out, fault.Refusedf("done: %s needs code, a result text does not finish it", b.ID).WithHint("commit your work on %s and call: gastown done", a.Branch)
	}
	w, err := t.worker(a.Polecat)
	if err != nil {
		return out, err
	}
	w.submitting.Lock() // a second done must not move the frozen tip of the first
	defer w.submitting.Unlock()
	err = t.store.View(func(tx *store.Tx) error { a, b, err = t.me(tx, who); return err })
	if err != nil {
		return out, err
	}
	tip, err := t.submittable(ctx, a)
	if err != nil {
		return out, err
	}
	return t.submit(ctx, a, tip)
}

// doneResult closes a bead without code.
func (t *Town) doneResult(a *beads.Attempt, b *beads.Bead, text string) (out api.Submitted, err error) {
	if strings.TrimSpace(text) == "" {
		return out, fault.Refusedf("done: %s needs no code but a result", b.ID).WithHint("gastown done --result TEXT")
	}
	err = t.update(func(tx *store.Tx) error {
		_, _, err := store.Step(tx, a.Bead, a.N, beads.Finish, t.deps.Now(), func(b *beads.Bead, _ *beads.Attempt) { b.Result = text })
		if err != nil {
			return err
		}
		if err := tx.Append(beads.Event{Kind: beads.EvBeadClosed, Actor: a.Polecat, Rig: a.Rig, Bead: a.Bead, Attempt: a.N, Polecat: a.Polecat, Text: fmt.Sprintf("%s finished %s: %s", a.Polecat, a.Bead, beads.Clean(text, 200))}); err != nil {
			return err
		}
		return t.finishConvoys(tx)
	})
	if err != nil {
		return out, err
	}
	t.leave(a)
	return api.Submitted{Bead: a.Bead, Attempt: a.N, Msg: fmt.Sprintf("%s is closed with your result", a.Bead)}, nil
}

// submittable is the attempt's tip, or why it cannot be submitted and what to do.
func (t *Town) submittable(ctx context.Context, a *beads.Attempt) (tip string, err error) {
	repo, err := t.repo(ctx, a.Rig)
	if err != nil {
		return "", err
	}
	wt, err := repo.OpenWorktree(t.worktreeDir(a.Rig, a.Polecat))
	if err != nil {
		return "", err
	}
	st, err := wt.Status(ctx, git.WithoutIgnored)
	if err != nil {
		return "", err
	}
	switch {
	case st.Branch != "refs/heads/"+a.Branch:
		on := strings.TrimPrefix(st.Branch, "refs/heads/")
		if on == "" {
			on = "no branch"
		}
		return "", fault.Refusedf("done: the worktree is on %s, not on %s", on, a.Branch).WithHint("git switch %s, with your work committed there", a.Branch)
	case len(st.Entries) > 0:
		return "", fault.Refusedf("done: changed but not committed: %s", some(st.Dirty()[:len(st.Entries)])).WithHint("commit these, or undo the change; then call gastown done again")
	case len(st.Untracked) > 0:
		return "", fault.Refusedf("done: new and not committed: %s", some(st.Untracked)).WithHint("commit these, delete them or have them ignored; then call gastown done again")
	}
	n, err := repo.CountCommits(ctx, a.Base, st.Head)
	if err != nil {
		return "", err
	}
	if n == 0 {
		return "", fault.Refusedf("done: no commit beyond the base %.10s", a.Base).WithHint("commit the work on %s; if nothing needs to be done say so with gastown escalate", a.Branch)
	}
	return st.Head, nil
}

// some names the first of many paths.
func some(paths []string) string {
	const most = 5
	if len(paths) <= most {
		return strings.Join(paths, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(paths[:most], ", "), len(paths)-most)
}

// submit freezes the tip and puts it in the queue: the objects first and then the ref, so that the
// store never names a commit that nothing keeps.
func (t *Town) submit(ctx context.Context, a *beads.Attempt, tip string) (out api.Submitted, err error) {
	repo, err := t.repo(ctx, a.Rig)
	if err != nil {
		return out, err
	}
	if err := t.acceptable(ctx, repo, a, tip); err != nil {
		return out, err
	}
	if err := repo.UpdateRef(ctx, beads.KeepRef(a.Bead, a.N), tip, "", "submitted by "+a.Polecat); err != nil {
		return out, step(err, "freeze %s", a.Key())
	}
	stat, err := repo.DiffStat(ctx, a.Base, tip)
	if err != nil {
		return out, err
	}
	commits, err := repo.CountCommits(ctx, a.Base, tip)
	if err != nil {
		return out, err
	}
	ask, err := t.gateLike(ctx, repo, a.Rig, tip)
	if err != nil {
		return out, err
	}
	err = t.update(func(tx *store.Tx) error {
		now := t.deps.Now()
		b, a, err := store.Step(tx, a.Bead, a.N, beads.Submit, now, func(_ *beads.Bead, a *beads.Attempt) {
			a.Tip, a.Commits, a.Files, a.Added, a.Removed = tip, commits, stat.Files, stat.Added, stat.Removed
		})
		if err != nil {
			return err
		}
		if err := resetBreaker(tx, a.Preset); err != nil { // it works
			return err
		}
		e, err := queueEntry(tx, b, a)
		if err != nil {
			return err
		}
		e.AskWhy, e.Plain = t.asks(b, ask), ask == ""
		e.AskFirst = e.AskWhy != ""
		if e.Convoy, err = t.sharesPR(tx, b); err != nil {
			return err
		}
		if err := tx.Append(beads.Event{Kind: beads.EvSubmitted, Actor: a.Polecat, Rig: a.Rig, Bead: a.Bead, Attempt: a.N, Polecat: a.Polecat, Text: fmt.Sprintf("%s submitted %s: %s, %s +%d -%d", a.Polecat, a.Bead, beads.Count(a.Commits, "commit"), beads.Count(a.Files, "file"), a.Added, a.Removed)}); err != nil {
			return err
		}
		if err := t.feed(tx, a.Rig, refinery.Submit{Entry: e}); err != nil {
			return err
		}
		q, err := t.queue(tx, a.Rig)
		if err != nil {
			return err
		}
		out = api.Submitted{Bead: a.Bead, Attempt: a.N, Tip: tip, Position: refinery.Position(q, a.Bead)}
		out.Msg = fmt.Sprintf("%s is submitted, number %d in the merge queue. You are finished: leave now.", a.Bead, max(out.Position, 1))
		return nil
	})
	if err != nil {
		return out, err
	}
	t.leave(a)
	return out, nil
}

// queueEntry is the merge request of a submitted attempt. A bead keeps the time of its first
// submission, so that a retry does not go to the end of the line.
func queueEntry(tx *store.Tx, b *beads.Bead, a *beads.Attempt) (refinery.Entry, error) {
	e := refinery.Entry{
		Bead: b.ID, N: a.N, Polecat: a.Polecat, Title: b.Title, Tip: a.Tip, Priority: b.Priority,
		SubmittedAt: a.SubmittedAt, QueuedAt: a.SubmittedAt, SentBack: b.Rejections,
	}
	if red, err := redBead(tx, b.Rig); err != nil {
		return e, err
	} else if red == b.ID {
		e.Fix = true
	}
	as, err := tx.AttemptsOf(b.ID)
	for _, old := range as {
		if !old.SubmittedAt.IsZero() && old.SubmittedAt.Before(e.SubmittedAt) {
			e.SubmittedAt = old.SubmittedAt
		}
	}
	for _, d := range b.Dependencies {
		if d.Type.Blocking() && d.Type != beads.ParentChild {
			e.Needs = append(e.Needs, d.DependsOn)
		}
	}
	return e, err
}

// leave lets the worker of a submitted attempt end its session.
func (t *Town) leave(a *beads.Attempt) {
	if w, err := t.worker(a.Polecat); err == nil && w.bead == a.Bead && w.n == a.N {
		w.request(ending{kind: endSubmit})
	}
}

// escalate asks the Mayor or the person, and waits for the answer as long as the caller
// wants. Asking again replaces the question.
func (t *Town) escalate(ctx context.Context, who api.Caller, r api.EscalateReq) (out api.Escalated, err error) {
	text := strings.TrimSpace(r.Text)
	if text == "" {
		return out, fault.Usagef("escalate: the question is empty")
	}
	if err := fits("escalate", text); err != nil {
		return out, err
	}
	var key string
	err = t.update(func(tx *store.Tx) error {
		a, _, err := t.me(tx, who)
		if err != nil {
			return err
		}
		key = a.Key()
		if a.State == beads.Starting { // the agent was quicker than the record of its start
			if a, err = a.Apply(beads.Begin, t.deps.Now()); err != nil {
				return refuse(err)
			}
		}
		if a.State == beads.Asking && a.Question == text {
			return nil // asked again after a wait without an answer
		}
		c, err := a.Apply(beads.Question, t.deps.Now())
		if err != nil {
			return refuse(err)
		}
		c.Question, c.Answer = text, ""
		if err := tx.PutAttempt(c); err != nil {
			return err
		}
		if err := tx.AddMail(&beads.Message{From: a.Polecat, To: "mayor", Text: text, At: t.deps.Now().UTC()}); err != nil {
			return err
		}
		return tx.Append(beads.Event{Kind: beads.EvAsked, Actor: a.Polecat, Rig: a.Rig, Bead: a.Bead, Attempt: a.N, Polecat: a.Polecat, Text: fmt.Sprintf("%s asks: %s", a.Polecat, beads.Clean(text, 300))})
	})
	if err != nil {
		return out, err
	}
	return t.answerTo(ctx, who, key, r)
}

// answerTo waits for the answer to an asked question.
func (t *Town) answerTo(ctx context.Context, who api.Caller, key string, r api.EscalateReq) (out api.Escalated, err error) {
	if r.Wait > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, r.Wait)
		defer cancel()
	}
	changed, cancel := t.store.Watch()
	defer cancel()
	for {
		var a *beads.Attempt
		err := t.store.View(func(tx *store.Tx) (err error) {
			a, err = tx.Attempt(beads.ID(who.Bead), who.Attempt)
			return err
		})
		switch {
		case err != nil:
			return out, err
		case !a.State.Live():
			return out, fault.Refusedf("attempt %s: it is %s", key, a.State)
		case a.State != beads.Asking:
			return api.Escalated{Answered: true, Answer: a.Answer, Msg: a.Answer}, nil
		}
		out.Msg = "asked; no answer yet. It comes as mail: gastown mail inbox"
		if r.Wait == 0 {
			return out, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return out, nil
		case <-t.host.ctx.Done():
			return out, fault.Unavailablef("escalate: the host is stopping")
		}
	}
}

func (t *Town) prime(_ context.Context, who api.Caller, _ api.Empty) (out api.Primed, err error) {
	err = t.store.View(func(tx *store.Tx) error {
		switch who.Role {
		case "polecat":
			a, b, err := t.me(tx, who)
			if err != nil {
				return err
			}
			task, err := taskOf(tx, a, b)
			out.Text = agents.PolecatRole(a) + "\n" + task
			return err
		default:
			cfg := t.settings()
			out.Text = agents.MayorRole(t.Dir, rigNames(cfg))
			fs, err := remembered(tx)
			if len(fs) > 0 {
				out.Text += "\nRemembered:\n- " + strings.Join(fs, "\n- ") + "\n"
			}
			return err
		}
	})
	return out, err
}

// taskOf is what an agent is told of its task.
func taskOf(tx *store.Tx, a *beads.Attempt, b *beads.Bead) (string, error) {
	docs, facts, err := docsOf(tx, b)
	if err != nil {
		return "", err
	}
	var before *beads.Attempt
	if a.N > 1 {
		if before, err = tx.Attempt(b.ID, a.N-1); err != nil {
			return "", err
		}
	}
	return agents.TaskOf(b, a, before, docs, facts), nil
}

// docsOf are the texts and facts an agent is told besides its bead.
func docsOf(tx *store.Tx, b *beads.Bead) ([]agents.Doc, []string, error) {
	fs, err := remembered(tx)
	if err != nil {
		return nil, nil, err
	}
	name := specOf(b)
	if name == "" {
		return nil, fs, nil
	}
	var doc agents.Doc
	ok, err := tx.GetKV(kvDoc+name, &doc)
	if err != nil || !ok {
		return nil, fs, err
	}
	return []agents.Doc{doc}, fs, nil
}
