package town

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"gastown/agents"
	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/api"
	"gastown/internal/fault"
)

// worker finds the live attempt that a polecat's name, a bead id or BEAD/N means.
func (t *Town) worker(name string) (*worker, error) {
	h := t.host
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, w := range h.workers {
		if means(name, w.name, w.bead, w.n) {
			return w, nil
		}
	}
	if _, _, err := beads.ParseAttemptKey(name); err == nil {
		return nil, fault.NotFoundf("attempt %s: it has ended by now, so nothing was done", name)
	}
	names := make([]string, 0, len(h.workers))
	for _, w := range h.workers {
		names = append(names, w.name)
	}
	slices.Sort(names)
	e := fault.NotFoundf("polecat %q: none of that name is at work", name)
	if len(names) > 0 {
		return nil, e.WithHint("at work: %s", strings.Join(names, ", "))
	}
	return nil, e
}

// end asks for an ending and waits for it.
func (t *Town) end(ctx context.Context, w *worker, e ending) (ended, error) {
	e.reply = make(chan ended, 1)
	w.request(e)
	select {
	case r := <-e.reply:
		return r, r.err
	case <-ctx.Done():
		return ended{}, fault.Failf("stop %s: it is under way; see gastown polecat list", w.name)
	}
}

func (t *Town) polecatKill(ctx context.Context, who api.Caller, r api.KillReq) (out api.Killed, err error) {
	w, err := t.worker(r.Name)
	if err != nil {
		return out, err
	}
	res, err := t.end(ctx, w, ending{kind: endKill, by: who.Name, why: cmp.Or(r.Reason, "killed by "+who.Name)})
	if err != nil {
		return out, err
	}
	out = api.Killed{Polecat: w.name, Bead: w.bead, Attempt: w.n, Stopped: res.killed, Lost: res.rescue.Lost}
	out.Msg = fmt.Sprintf("killed %s; %s waits for a sling, and had no work to keep", w.name, w.bead)
	if res.kept {
		out.Rescue, out.Kept = res.rescue.Ref, res.rescue.Files
		out.Msg = fmt.Sprintf("killed %s; %s waits for a sling. Its work is kept: gastown polecat revive %s", w.name, w.bead, w.bead)
	}
	t.canUndo(who, r.Action, undoStep{"kill of " + w.name, w.bead, false, gone, func(context.Context, api.Caller) (string, error) {
		s, err := t.revive(who, revival{bead: w.bead, n: w.n, polecat: w.name, anyway: true})
		return goesOn(s), err
	}})
	return out, nil
}

func (t *Town) polecatReassign(ctx context.Context, who api.Caller, r api.ReassignReq) (api.Slung, error) {
	w, out, err := t.reassign(ctx, who, r)
	if err != nil {
		return out, err
	}
	back := api.ReassignReq{Name: string(w.bead), To: w.name, Note: "given back"}
	if a, _, err := w.attempt(); err == nil && r.Agent != "" {
		back.Agent = strings.TrimSuffix(a.Preset+":"+a.Model, ":")
	}
	t.canUndo(who, r.Action, undoStep{"reassign of " + string(w.bead), w.bead, true, gone, func(ctx context.Context, who api.Caller) (string, error) {
		if _, err := t.worker(string(w.bead)); err != nil {
			s, err := t.revive(who, revival{bead: w.bead, n: w.n, polecat: w.name, anyway: true})
			return goesOn(s), err
		}
		other, s, err := t.reassign(ctx, who, back)
		if err != nil {
			return "", err
		}
		return other.name + " is stopped; " + goesOn(s), nil
	}})
	return out, nil
}

// reassign stops who works on a bead and gives it on, or back. It is who was stopped that is answered first.
func (t *Town) reassign(ctx context.Context, who api.Caller, r api.ReassignReq) (w *worker, out api.Slung, err error) {
	if r.Agent != "" {
		if _, err := t.usable("reassign "+r.Name, r.Agent); err != nil {
			return nil, out, err
		}
	}
	if w, err = t.worker(r.Name); err != nil {
		return nil, out, err
	}
	if r.To == "" && !r.Nobody {
		r.To = t.freeName(w.name)
	}
	if r.To != "" {
		if err := polecatName(r.To); err != nil {
			return nil, out, err
		}
		if other, err := t.worker(r.To); err == nil && other.name == r.To {
			return nil, out, fault.Refusedf("polecat %q: busy with %s", r.To, other.bead)
		}
	}
	_, err = t.end(ctx, w, ending{kind: endReassign, by: who.Name, why: "reassigned by " + who.Name, to: r.To, agent: r.Agent, note: r.Note, nobody: r.Nobody})
	if err != nil {
		return nil, out, err
	}
	if r.Nobody {
		return w, api.Slung{Bead: w.bead, Msg: fmt.Sprintf("%s waits for a sling; its work is kept for whoever takes it", w.bead)}, nil
	}
	s, err := t.startNow([]beads.ID{w.bead})
	if err != nil {
		return nil, out, err
	}
	return w, s[0], nil
}

// freeName is a polecat's name that nobody at work has, other than the given one.
func (t *Town) freeName(not string) string {
	taken := []string{not}
	t.host.mu.Lock()
	for _, w := range t.host.workers {
		taken = append(taken, w.name)
	}
	t.host.mu.Unlock()
	return agents.Names(1, taken)[0]
}

func (t *Town) polecatRestart(ctx context.Context, who api.Caller, r api.NameReq) (out api.Ack, err error) {
	w, err := t.worker(r.Name)
	if err != nil {
		return out, err
	}
	if err := t.refuseFrozen(w.rig, "polecat "+w.name); err != nil {
		return out, err
	}
	if _, err = t.end(ctx, w, ending{kind: endRestart, by: who.Name}); err != nil {
		return out, err
	}
	return api.Ack{Msg: fmt.Sprintf("restarted %s on %s, same worktree", w.name, w.bead)}, nil
}

func (t *Town) polecatAnswer(_ context.Context, who api.Caller, r api.AnswerReq) (out api.Ack, err error) {
	if r.Text == "" {
		return out, fault.Usagef("answer: the text is empty")
	}
	w, err := t.worker(r.Name)
	if err != nil {
		return out, err
	}
	err = t.update(func(tx *store.Tx) error {
		a, err := tx.Attempt(w.bead, w.n)
		if err != nil {
			return err
		}
		if a.State != beads.Asking {
			return fault.Refusedf("polecat %q: asks nothing", w.name).WithHint("write to it with: gastown mail send %s TEXT", w.name)
		}
		if r.Question != "" && r.Question != a.Question {
			return fault.Refusedf("polecat %q: asks something else by now: %s", w.name, beads.Clean(a.Question, 200))
		}
		if a.AtTerminal != "" {
			_, do := howToAnswer(w.name, a.AtTerminal)
			return fault.Refusedf("polecat %q: asks in its terminal, and is answered there", w.name).WithHint("%s", do)
		}
		c, err := a.Apply(beads.Answer, t.deps.Now())
		if err != nil {
			return err
		}
		c.Answer = r.Text
		if err := tx.PutAttempt(c); err != nil {
			return err
		}
		if err := tx.AddMail(&beads.Message{From: who.Name, To: w.name, Text: r.Text, At: t.deps.Now().UTC()}); err != nil {
			return err
		}
		return tx.Append(beads.Event{Kind: beads.EvAnswered, Actor: who.Name, Rig: w.rig, Bead: w.bead, Attempt: w.n, Polecat: w.name, Text: fmt.Sprintf("%s answered %s: %s", who.Name, w.name, beads.Clean(r.Text, 200))})
	})
	return api.Ack{Msg: "answered " + w.name}, err
}
