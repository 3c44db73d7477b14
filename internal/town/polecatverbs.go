package town

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"gastown/agents"
	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/api"
	"gastown/internal/fault"
)

// sling records the wish that beads start; with a host they start as soon as they may.
func (t *Town) sling(_ context.Context, who api.Caller, r api.SlingReq) ([]api.Slung, error) {
	if len(r.Beads) == 0 {
		return nil, fault.Usagef("sling: which bead?")
	}
	if r.Polecat != "" {
		if err := polecatName(r.Polecat); err != nil {
			return nil, err
		}
	}
	if r.Polecat != "" && len(r.Beads) > 1 {
		return nil, fault.Usagef("sling: one polecat takes one bead at a time, not %d", len(r.Beads))
	}
	var ids []beads.ID
	var olds []*beads.Bead
	err := t.update(func(tx *store.Tx) error {
		ids, olds = nil, nil
		for _, id := range r.Beads {
			b, err := findBead(tx, id)
			if err != nil {
				return err
			}
			c, err := t.slung(tx, b, who, "sling", r.Agent, r.Polecat)
			if err != nil {
				return err
			}
			ids, olds = append(ids, c.ID), append(olds, b)
			text := changed("slung")(b, c)
			if r.Polecat != "" {
				text += " (to " + r.Polecat + ")"
			}
			if err := t.put(tx, who, b, c, beads.Event{Kind: beads.EvBeadSlung, Text: text}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	t.canUnsling(who, r.Action, olds)
	return t.startNow(ids)
}

// slung is a bead with the wish recorded, or why it cannot be; doing is what was asked for.
func (t *Town) slung(tx *store.Tx, b *beads.Bead, who api.Caller, doing, agent, polecat string) (*beads.Bead, error) {
	if err := t.inTown(b); err != nil {
		return nil, step(err, "%s", doing)
	}
	c := b.Clone()
	switch b.Status {
	case beads.Open:
	case beads.NeedsYou, beads.Deferred:
		on := beads.Resolve
		if b.Status == beads.Deferred {
			on = beads.Undefer
		}
		var err error
		if c, err = b.Apply(on, t.deps.Now()); err != nil {
			return nil, refuse(err)
		}
	case beads.Working:
		if t.host == nil {
			return nil, fault.Refusedf("%s %s: polecat %s was at work on it when the host ended, and goes on when it is up", doing, b.ID, b.Assignee).WithHint(startHost)
		}
		return nil, fault.Refusedf("%s %s: polecat %s works on it", doing, b.ID, b.Assignee).WithHint("give it to another with: gastown polecat reassign %s", b.Assignee)
	default:
		return nil, fault.Refusedf("%s %s: it is %s", doing, b.ID, b.Status)
	}
	on, err := tx.BlockedBy(b)
	if err != nil {
		return nil, err
	}
	if len(on) > 0 {
		return nil, fault.Refusedf("%s %s: it waits for %s", doing, b.ID, joinIDs(on, ", ")).WithHint("sling those first, or make a convoy: its beads start as they become ready")
	}
	if !c.Startable(t.deps.Now()) && c.DeferUntil == nil {
		return nil, fault.Refusedf("%s %s: a bead of type %s is not worked on", doing, b.ID, b.Type)
	}
	if agent != "" {
		c.Agent = agent
	}
	spec := c.Agent
	if spec == "" {
		spec = t.settings().Town.Polecat
	}
	p, err := t.usable("sling "+string(b.ID), spec)
	if err != nil {
		return nil, err
	}
	c.Stopped, c.DeferUntil = false, nil
	c.Sling = &beads.Sling{At: t.deps.Now().UTC(), By: who.Name, Polecat: polecat}
	return c, errors.Join(resetBreaker(tx, p.Name), t.trySetupNow(tx, c.Rig))
}

// resetBreaker lets a preset be started again: a person's sling is the probe.
func resetBreaker(tx *store.Tx, preset string) error {
	breakers := map[string]agents.Breaker{}
	if _, err := tx.GetKV(kvBreakers, &breakers); err != nil {
		return err
	}
	if _, ok := breakers[preset]; !ok {
		return nil
	}
	delete(breakers, preset)
	if err := tx.DeleteNotice("breaker/" + preset); err != nil {
		return err
	}
	return tx.PutKV(kvBreakers, breakers)
}

// startNow plans at once where there is a host, and says what became of each bead.
func (t *Town) startNow(ids []beads.ID) ([]api.Slung, error) {
	if t.host != nil {
		t.host.dispatch()
	}
	out := []api.Slung{}
	err := t.store.View(func(tx *store.Tx) error {
		waiting, err := t.waiting(tx)
		if err != nil {
			return err
		}
		for _, id := range ids {
			b, err := tx.Bead(id)
			if err != nil {
				return err
			}
			s := api.Slung{Bead: id, Warnings: lacks(b)}
			switch {
			case b.Status == beads.Working:
				s.Polecat, s.Attempt = b.Assignee, b.LastAttempt
				s.Msg = fmt.Sprintf("polecat %s, attempt %d", s.Polecat, s.Attempt)
			case t.host == nil:
				s.Msg = "recorded; it starts when the host does (gastown, or gastown up)"
			case waiting[id] != "":
				s.Msg = "recorded; " + waiting[id]
			default:
				s.Msg = string(b.Status)
			}
			out = append(out, s)
		}
		return nil
	})
	return out, err
}

// lacks is what a bead's text does not say and an agent will have to guess, at its price.
func lacks(b *beads.Bead) (out []string) {
	if b.LastAttempt > 1 { // it was told once, or the agent before found out
		return nil
	}
	for _, p := range beads.Lint(b) {
		out = append(out, p.Msg)
	}
	return out
}

// waiting says of every wished bead that does not start why.
func (t *Town) waiting(tx *store.Tx) (map[beads.ID]string, error) {
	if t.host == nil {
		return nil, nil
	}
	w, err := t.host.world(tx)
	if err != nil {
		return nil, err
	}
	return agents.Plan(w).Waiting, nil
}

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
	out.Msg = fmt.Sprintf("killed %s; %s is ready again, and had no work to keep", w.name, w.bead)
	if res.kept {
		out.Rescue, out.Kept = res.rescue.Ref, res.rescue.Files
		out.Msg = fmt.Sprintf("killed %s; %s is ready again. Its work is kept: gastown rescue restore %s", w.name, w.bead, w.bead)
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
		return w, api.Slung{Bead: w.bead, Msg: fmt.Sprintf("%s is ready again; its work is kept for whoever takes it", w.bead)}, nil
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

func (t *Town) polecatRevive(_ context.Context, who api.Caller, r api.NameReq) (out api.Slung, err error) {
	id, n, err := t.ended(r.Name)
	if err != nil {
		return out, err
	}
	return t.revive(who, revival{bead: id, n: n})
}

// ended finds the newest ended attempt that a polecat's name, a bead id or BEAD/N means.
func (t *Town) ended(name string) (id beads.ID, n int, err error) {
	err = t.store.View(func(tx *store.Tx) error {
		if bead, num, perr := beads.ParseAttemptKey(name); perr == nil {
			b, err := findBead(tx, bead)
			if err != nil {
				return err
			}
			id, n = b.ID, num
			_, err = tx.Attempt(id, n)
			return err
		}
		if b, err := findBead(tx, beads.ID(name)); err == nil {
			id = b.ID
			return nil
		}
		all, err := tx.Attempts()
		if err != nil {
			return err
		}
		var newest *beads.Attempt
		for _, a := range all {
			if a.Polecat == name && !a.State.Live() && a.State != beads.Landed && (newest == nil || a.EndedAt.After(newest.EndedAt)) {
				newest = a
			}
		}
		if newest == nil {
			return fault.NotFoundf("polecat %q: no ended work of that name", name).WithHint("see: gastown rescue list")
		}
		id, n = newest.Bead, newest.N
		return nil
	})
	return id, n, err
}

// revival says which attempt's work comes back.
type revival struct {
	bead    beads.ID
	n       int    // 0: the newest that kept something, or else the newest
	polecat string // who goes on with it; empty: the one who had it
	anyway  bool   // also where the attempt kept nothing: its bead goes on as it had begun
}

// revivable says why the kept work of a bead cannot come back now, and what helps.
func revivable(b *beads.Bead) error {
	switch b.Status {
	case beads.Working:
		return fault.Refusedf("restore %s: polecat %s works on it", b.ID, b.Assignee).WithHint("stop that one first: gastown polecat kill %s; or read the kept work: gastown rescue show %s", b.Assignee, b.ID)
	case beads.Submitted:
		return fault.Refusedf("restore %s: it is in the merge queue", b.ID).WithHint("take it out first: gastown queue drop %s; or read the kept work: gastown rescue show %s", b.ID, b.ID)
	case beads.Closed:
		return fault.Refusedf("restore %s: it is closed", b.ID).WithHint("open it first: gastown bead reopen %s; or read the kept work: gastown rescue show %s", b.ID, b.ID)
	}
	return nil
}

// revive slings a bead so that its next attempt starts from the kept work of an earlier one.
func (t *Town) revive(who api.Caller, v revival) (out api.Slung, err error) {
	id, n, polecat := v.bead, v.n, v.polecat
	err = t.update(func(tx *store.Tx) error {
		b, err := tx.Bead(id)
		if err != nil {
			return err
		}
		if err := revivable(b); err != nil {
			return err
		}
		as, err := tx.AttemptsOf(id)
		if err != nil {
			return err
		}
		var from *beads.Attempt
		for _, a := range as {
			if n == 0 && (a.Rescue != "" || from == nil || from.Rescue == "") || a.N == n {
				from = a
			}
		}
		if from == nil {
			return fault.NotFoundf("%s: it has no earlier attempt", id)
		}
		if n != 0 && from.Rescue == "" && !v.anyway {
			return fault.Refusedf("attempt %s: it left nothing to restore", from.Key())
		}
		c, err := t.slung(tx, b, who, "restore", "", "")
		if err != nil {
			return err
		}
		if polecat == "" {
			polecat = from.Polecat
		}
		c.Next = from.Start
		if from.Rescue != "" {
			c.Next = &beads.Start{Rescue: from.Rescue, Session: from.Session}
			if from.Start != nil {
				c.Next.Note = from.Start.Note
			}
		}
		if c.Next == nil {
			c.Next = &beads.Start{}
		}
		next := *c.Next
		next.Same = polecat
		c.Next = &next
		return t.put(tx, who, b, c, beads.Event{Kind: beads.EvRestored, Polecat: polecat, Text: fmt.Sprintf("brought the work of %s on %s back", from.Polecat, c.ID)})
	})
	if err != nil {
		return out, err
	}
	s, err := t.startNow([]beads.ID{id})
	if err != nil {
		return out, err
	}
	return s[0], nil
}

func (t *Town) polecatList(_ context.Context, _ api.Caller, _ api.Empty) (out []api.PolecatInfo, err error) {
	err = t.store.View(func(tx *store.Tx) error {
		out, err = t.polecats(tx)
		return err
	})
	return out, err
}

// polecats are the live ones, by name.
func (t *Town) polecats(tx *store.Tx) ([]api.PolecatInfo, error) {
	live, err := tx.LiveAttempts()
	if err != nil {
		return nil, err
	}
	out := []api.PolecatInfo{}
	for _, a := range live {
		b, err := tx.Bead(a.Bead)
		if err != nil {
			return nil, err
		}
		out = append(out, t.polecatInfo(a, b))
	}
	slices.SortFunc(out, func(a, b api.PolecatInfo) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

func (t *Town) polecatInfo(a *beads.Attempt, b *beads.Bead) api.PolecatInfo {
	p := api.PolecatInfo{
		Name: a.Polecat, Rig: a.Rig, Bead: a.Bead, Title: b.Title, Attempt: a.N, Agent: a.Preset, Model: a.Model, State: a.State,
		Since: a.CreatedAt, Commits: a.Commits, Files: a.Files, Added: a.Added, Removed: a.Removed, Tokens: a.Tokens, CostUSD: a.CostUSD,
		Question: a.Question, AtTerminal: a.AtTerminal, Bypass: a.Bypass, Branch: a.Branch, Base: a.Base, Worktree: a.Worktree,
	}
	if !a.StartedAt.IsZero() {
		p.Since = a.StartedAt
	}
	if t.host == nil {
		p.HostGone = true
		return p
	}
	p.Overlaps = t.host.overlaps(a.Bead, a.N)
	w, err := t.worker(a.Polecat)
	if err != nil || w.bead != a.Bead || w.n != a.N {
		return p
	}
	p.Frozen, p.Stalled = w.standing(), w.isStalled()
	if l := w.lookNow(); !l.at.IsZero() {
		p.Commits, p.Files, p.Added, p.Removed, p.Dirty = l.commits, l.Files, l.Added, l.Removed, l.dirty
	}
	if s := w.sessionNow(); s != nil {
		p.Terminal = true
		p.Quiet = s.LastOutput()
		p.Doing = beads.Clean(strings.ReplaceAll(w.doing(s), a.Worktree+"/", ""), 120)
	}
	return p
}

// lastLine is the newest line with text, cleaned for one row of a list.
func lastLine(lines []string) string {
	for i := len(lines) - 1; i >= 0; i-- {
		if s := beads.Clean(lines[i], 120); s != "" {
			return s
		}
	}
	return ""
}

func (t *Town) polecatShow(ctx context.Context, _ api.Caller, r api.NameReq) (out api.PolecatInfo, err error) {
	err = t.store.View(func(tx *store.Tx) error {
		live, err := tx.LiveAttempts()
		if err != nil {
			return err
		}
		for _, a := range live {
			if means(r.Name, a.Polecat, a.Bead, a.N) {
				b, err := tx.Bead(a.Bead)
				out = t.polecatInfo(a, b)
				return err
			}
		}
		return fault.NotFoundf("polecat %q: none of that name is at work", r.Name)
	})
	if err != nil || t.host == nil {
		return out, err
	}
	if w, err := t.worker(out.Name); err == nil {
		w.look()
		if l := w.lookNow(); !l.at.IsZero() {
			out.Commits, out.Files, out.Added, out.Removed, out.Dirty = l.commits, l.Files, l.Added, l.Removed, l.dirty
		}
		if s := w.sessionNow(); s != nil {
			out.PIDs = s.Proc().Tree()
		}
	}
	return out, nil
}

func (t *Town) polecatPeek(_ context.Context, _ api.Caller, r api.PeekReq) (out api.Peeked, err error) {
	s, name, _, err := t.terminal(r.Name)
	if err != nil {
		return out, err
	}
	return api.Peeked{Text: joinLines(s.Tail(cmp.Or(max(r.Lines, 0), 40))), From: name}, nil
}

func joinLines(lines []string) string {
	out := ""
	for _, l := range lines {
		out += beads.Clean(l, 2000) + "\n"
	}
	return out
}

// polecatLog is the session log of a live or ended attempt.
func (t *Town) polecatLog(_ context.Context, _ api.Caller, r api.PeekReq) (out api.Peeked, err error) {
	var a *beads.Attempt
	err = t.store.View(func(tx *store.Tx) error {
		all, err := tx.Attempts()
		if err != nil {
			return err
		}
		for _, c := range all {
			if means(r.Name, c.Polecat, c.Bead, c.N) && (a == nil || c.CreatedAt.After(a.CreatedAt)) {
				a = c
			}
		}
		return nil
	})
	if err != nil {
		return out, err
	}
	if a == nil {
		return out, fault.NotFoundf("polecat log: nothing of %q", r.Name)
	}
	path := t.path("logs", "polecats", fmt.Sprintf("%s-%s-%d.log", a.Polecat, beads.RefSafe(a.Bead), a.N))
	data, err := os.ReadFile(path)
	if err != nil {
		return out, fault.NotFoundf("polecat log: %w", err)
	}
	return api.Peeked{Text: lastLines(beads.CleanText(string(data)), r.Lines), From: path}, nil
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
