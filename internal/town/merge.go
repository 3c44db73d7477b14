package town

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"gastown/agents"
	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/api"
	"gastown/internal/config"
	"gastown/internal/fault"
	"gastown/refinery"
)

// update is the one way to write: a transaction, and after its commit the actions that its
// steps of the Refinery asked for, handed over in the order of the commits. It never waits
// for an action.
func (t *Town) update(f func(*store.Tx) error) error {
	t.writing.Lock()
	defer t.writing.Unlock()
	t.asked = nil
	if err := t.store.Update(f); err != nil {
		return err
	}
	if t.host != nil {
		for _, a := range t.asked {
			t.host.perform(a.rig, a.do)
		}
	}
	return nil
}

// ask is an action that a transaction wants performed once it is committed.
type ask struct {
	rig string
	do  refinery.Effect
}

// queue is a rig's merge queue; one that was never stored is empty and idle.
func (t *Town) queue(tx *store.Tx, rig string) (refinery.Queue, error) {
	q, err := tx.Queue(rig)
	if err != nil {
		return refinery.Queue{}, err
	}
	if q == nil {
		q = &refinery.Queue{Rig: rig, State: refinery.Idle, Since: tx.Now()}
	}
	if q.Run != nil && t.host != nil {
		if at := t.host.outputAt(rig, q.Run.Seq); at.After(q.Run.LastOutput) {
			run := *q.Run
			run.LastOutput = at
			q.Run = &run
		}
	}
	return *q, nil
}

// asShown is a queue as a person is shown it: without a host nothing in it is being done.
func (t *Town) asShown(q refinery.Queue) refinery.Queue {
	if t.host == nil {
		return refinery.AtRest(q)
	}
	return q
}

// target is the tip of a rig's target branch as the Refinery left it. An agent shares the
// repository's refs: where the branch itself points is not to be built on or delivered.
func (t *Town) target(ctx context.Context, rig string) (string, error) {
	var tip string
	err := t.store.View(func(tx *store.Tx) error {
		q, err := t.queue(tx, rig)
		tip = q.Target
		return err
	})
	if err != nil || tip != "" {
		return tip, err
	}
	repo, err := t.repo(ctx, rig)
	if err != nil {
		return "", err
	}
	tip, err = repo.ResolveCommit(ctx, "refs/heads/"+t.queueConfig(rig).Branch)
	return tip, step(err, "rig %q", rig)
}

// queueConfig is what settings say about a rig's queue.
func (t *Town) queueConfig(rig string) refinery.Config {
	cfg := t.settings()
	rc, ok := cfg.Rigs[rig]
	if !ok {
		return refinery.Config{}
	}
	out := refinery.Config{Branch: rc.Branch, Ungated: rc.Ungated, History: cfg.Refinery.History, Confirm: true, Batch: true, Forge: rc.Deliver == config.DeliverPR}
	for i, g := range rc.Gates {
		gate := queueGate(g)
		if i == 0 && rc.Setup != "" {
			gate.Run = withSetup(rc.Setup, gate.Run)
		}
		out.Gates = append(out.Gates, gate)
	}
	return out
}

// withSetup runs the rig's setup before a candidate's first gate: what it installs belongs to
// the candidate, and that of the one before would make wrong verdicts. Where it fails the gate
// cannot run: that is no verdict, as a registry may be down.
func withSetup(setup, run string) string {
	return "( " + setup + "\n) || { echo \"gastown: the setup command failed (exit $?)\"; exit 126; }\n" + run
}

func queueGate(g config.Gate) refinery.Gate {
	return refinery.Gate{Name: g.Name, Run: g.Run, Timeout: g.Timeout, Silence: g.Silence, Env: g.Env}
}

// feed puts events through a rig's Refinery in the transaction: the next queue and the
// records are stored, the actions are asked for.
func (t *Town) feed(tx *store.Tx, rig string, events ...refinery.Event) error {
	q, err := t.queue(tx, rig)
	if err != nil {
		return err
	}
	cfg, now := t.queueConfig(rig), t.deps.Now()
	if cfg.Full, err = t.full(tx, rig); err != nil {
		return err
	}
	if t.host != nil { // whoever runs gates says what with; others take its word
		cfg.Tools = tools(cfg.Gates, getenv(t.deps.Env, "PATH"))
	}
	events = append(t.asksNow(tx, q), events...)
	for _, ev := range events {
		if q, err = t.step(tx, q, ev, now, cfg); err != nil {
			return step(err, "refinery of %q", rig)
		}
	}
	return tx.PutQueue(&q)
}

// step is one Step with its records. A panic in it is an error, of type *panicked.
func (t *Town) step(tx *store.Tx, q refinery.Queue, ev refinery.Event, now time.Time, cfg refinery.Config) (next refinery.Queue, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &panicked{fmt.Sprint(p), string(debug.Stack())}
		}
	}()
	next, effects := refinery.Step(q, ev, now, cfg)
	for _, e := range effects {
		rec, ok := e.(refinery.Record)
		if !ok {
			t.asked = append(t.asked, ask{q.Rig, e})
			continue
		}
		if err := t.record(tx, q.Rig, evidence(q.Run, ev, cfg), rec, now); err != nil {
			return q, err
		}
		switch rec.(type) {
		case refinery.Settle, refinery.TookIn, refinery.Propose, refinery.Retract:
			t.asked = append(t.asked, ask{q.Rig, rec}) // follow-up work: delivery, the Mayor's checkout
		}
	}
	return next, nil
}

// panicked is a panic of a Step: of an error in this program.
type panicked struct{ cause, stack string }

func (p *panicked) Error() string { return "internal error: " + p.cause }

// record applies one record of the Refinery. A bead that is no longer where the queue
// thought must not stop the queue: that is told as a problem.
func (t *Town) record(tx *store.Tx, rig string, gates []beads.GateRun, rec refinery.Record, now time.Time) error {
	switch r := rec.(type) {
	case refinery.Settle:
		return tolerate(tx, rig, r.Bead, t.settle(tx, rig, gates, r, now))
	case refinery.SendBack:
		return tolerate(tx, rig, r.Bead, t.sendBack(tx, rig, gates, r, now))
	case refinery.FileRed:
		return t.fileRed(tx, rig, r, now)
	case refinery.RedGone:
		return t.redGone(tx, rig, r, now)
	case refinery.TookIn:
		return t.tookIn(tx, rig, r)
	case refinery.Propose:
		return tx.Append(beads.Event{Kind: beads.EvQueueChanged, Actor: "refinery", Rig: rig, Bead: r.Bead, Attempt: r.N, Text: fmt.Sprintf("%s is green; it goes to the forge as a pull request", r.Bead)})
	case refinery.Retract:
		return nil // its pull request is looked after, as after all that ends a wait
	case refinery.Note:
		by := r.By
		if by == "" {
			by = "refinery"
		}
		return tx.Append(beads.Event{Kind: r.Kind, Actor: by, Rig: rig, Bead: r.Bead, Attempt: r.N, Text: r.Text, Reason: r.Reason})
	case refinery.Problem:
		return tx.PutNotice(&beads.Notice{Key: noticeKey(rig, r.Key), At: now.UTC(), Rig: rig, Text: r.Text, Hint: r.Hint})
	case refinery.ProblemGone:
		return tx.DeleteNotice(noticeKey(rig, r.Key))
	}
	return fmt.Errorf("unknown record %T", rec)
}

// noticeKey is the key of the notice of a Refinery's problem.
func noticeKey(rig, problem string) string { return rig + "/" + problem }

// evidence is what the gates of a run said, the one that just ended included.
func evidence(run *refinery.Run, ev refinery.Event, cfg refinery.Config) []beads.GateRun {
	if run == nil {
		return nil
	}
	var out []beads.GateRun
	for _, r := range run.Results {
		out = append(out, beads.GateRun{Gate: r.Gate, Outcome: string(r.Outcome), Took: r.Took, Log: r.Log})
	}
	if d, ok := ev.(refinery.GateDone); ok && d.Seq == run.Seq && d.Gate < len(cfg.Gates) {
		out = append(out, beads.GateRun{Gate: cfg.Gates[d.Gate].Name, Outcome: string(d.Outcome), Took: d.Took, Log: d.Log})
	}
	return out
}

func tolerate(tx *store.Tx, rig string, id beads.ID, err error) error {
	if err == nil || !fault.Is(err, fault.Refused) && !fault.Is(err, fault.NotFound) {
		return err
	}
	return tx.Append(beads.Event{Kind: beads.EvProblem, Actor: "refinery", Rig: rig, Bead: id, Text: "the queue's entry no longer fits the bead: " + err.Error()})
}

// refused are the tips of a rig's attempts that were sent back or taken out of the queue, by
// commit; those of beads that landed since are not.
func (t *Town) refused(rig string) (map[string]beads.ID, error) {
	out := map[string]beads.ID{}
	err := t.store.View(func(tx *store.Tx) error {
		as, err := tx.Attempts()
		if err != nil {
			return err
		}
		landed := map[beads.ID]bool{}
		for _, a := range as {
			if a.Rig != rig || a.Tip == "" {
				continue
			}
			switch a.State {
			case beads.Rejected, beads.Killed:
				out[a.Tip] = a.Bead
			case beads.Landed:
				landed[a.Bead] = true
			}
		}
		for tip, id := range out {
			if landed[id] {
				delete(out, tip)
			}
		}
		return nil
	})
	return out, err
}

// settle closes a bead as merged: the only place that does.
func (t *Town) settle(tx *store.Tx, rig string, gates []beads.GateRun, r refinery.Settle, now time.Time) error {
	if err := withdrawLater(tx, r, now); err != nil {
		return err
	}
	b, a, err := store.Land(tx, r.Bead, r.N, now, func(b *beads.Bead, a *beads.Attempt) {
		b.MergeCommit, b.CloseReason = r.Commit, beads.CloseMerged+r.Commit
		if a.Merge = r.Commit; len(gates) > 0 {
			a.Gates = gates
		}
		if t.proves(rig) && !r.AlreadyIn && a.Proof == nil {
			a.Proof = &beads.Proof{Outcome: beads.ProofPending}
		}
	})
	if err != nil {
		return err
	}
	text := fmt.Sprintf("landed %s (%s) as %.10s", b.ID, beads.Clean(b.Title, 100), r.Commit)
	if r.AlreadyIn {
		text = fmt.Sprintf("%s is in %.10s already", b.ID, r.Commit)
	}
	err = tx.Append(beads.Event{Kind: beads.EvLanded, Actor: "refinery", Rig: rig, Bead: b.ID, Attempt: a.N, Polecat: a.Polecat, Text: text})
	return errors.Join(err, t.revertLanded(tx, b, now), t.finishConvoys(tx))
}

// withdrawLater ends the later attempt that waits in the queue, where the forge merged an
// earlier one. Its tip is kept.
func withdrawLater(tx *store.Tx, r refinery.Settle, now time.Time) error {
	b, err := tx.Bead(r.Bead)
	if err != nil || b.Status != beads.Submitted || b.LastAttempt == r.N {
		return err
	}
	_, _, err = store.Step(tx, b.ID, b.LastAttempt, beads.Withdraw, now, func(_ *beads.Bead, a *beads.Attempt) {
		a.Why = fmt.Sprintf("attempt %d was merged over there", r.N)
	})
	return err
}

// sendBack opens a bead again with what the next attempt should know, or hands it to a person.
func (t *Town) sendBack(tx *store.Tx, rig string, gates []beads.GateRun, r refinery.SendBack, now time.Time) error {
	// The verdict may be older than the run that ended: the target was gated in between.
	if r.Gate != "" && !slices.ContainsFunc(gates, func(g beads.GateRun) bool { return g.Log == r.LogPath }) {
		gates = append(gates, beads.GateRun{Gate: r.Gate, Outcome: string(r.Outcome), Log: r.LogPath})
	}
	on := beads.Reject
	if r.StrikeOut {
		on = beads.StrikeOut
	}
	b, a, err := store.Step(tx, r.Bead, r.N, on, now, func(b *beads.Bead, a *beads.Attempt) {
		a.Why, a.Log, a.Gates = r.Why, r.Log, gates
		b.Next = &beads.Start{Commit: cmp.Or(r.Tip, a.Tip), Note: rejection(r), Rejected: a.N, Same: a.Polecat, Session: a.Session}
		b.Sling = slungAgain(a, "refinery", now)
		if r.Person {
			b.Rejections = 0 // they have looked
		}
		if r.StrikeOut {
			b.Sling = nil
			b.Reason = r.Why
			if b.Rejections >= beads.MaxRejections {
				b.Reason = fmt.Sprintf("sent back %d times; last: %s", b.Rejections, r.Why)
			}
		}
	})
	if err != nil {
		return err
	}
	ev := beads.Event{Kind: beads.EvRejected, Actor: cmp.Or(r.By, "refinery"), Rig: rig, Bead: b.ID, Attempt: a.N, Polecat: a.Polecat, Text: fmt.Sprintf("sent %s back: %s", b.ID, r.Why)}
	if err := tx.Append(ev); err != nil || !r.StrikeOut {
		return err
	}
	return tx.Append(beads.Event{Kind: beads.EvNeedsYou, Actor: "refinery", Rig: rig, Bead: b.ID, Text: string(b.ID) + " needs you: " + b.Reason})
}

// rejection is what the next attempt reads about this one.
func rejection(r refinery.SendBack) string {
	var b strings.Builder
	by := "by the merge queue"
	if r.By != "" {
		by = "after review"
	}
	fmt.Fprintf(&b, "%s %s: %s\n", agents.SentBack(r.N), by, r.Why)
	if len(r.Files) > 0 {
		fmt.Fprintf(&b, "Files in conflict: %s\n", strings.Join(r.Files, ", "))
	}
	if r.Log != "" {
		fmt.Fprintf(&b, "\n%s\n", r.Log)
	}
	return b.String()
}

// refineryState is the short form of a queue's state.
func refineryState(q refinery.Queue, cfg refinery.Config) api.RefineryState {
	return api.RefineryState{State: q.State, Phase: phase(q, cfg), Since: q.Since, Reason: q.Reason, Hint: q.Hint}
}

func phase(q refinery.Queue, cfg refinery.Config) string {
	run := q.Run
	if run == nil {
		return ""
	}
	var what []string
	for _, p := range run.Parts {
		what = append(what, string(p.Bead))
	}
	on := strings.Join(what, "+")
	switch {
	case run.Upstream != "":
		on = fmt.Sprintf("origin %.9s", run.Upstream)
	case on == "":
		on = cfg.Branch
	}
	switch run.Phase {
	case refinery.PhaseBuild:
		return "build " + on
	case refinery.PhaseLand:
		return "land " + on
	}
	return gateAt(cfg, run.Gate) + " " + on
}

// gateAt is the name of a rig's i-th gate.
func gateAt(cfg refinery.Config, i int) string {
	if i < len(cfg.Gates) {
		return cfg.Gates[i].Name
	}
	return fmt.Sprintf("gate %d", i+1)
}

// entries are a rig's merge requests as the outside sees them.
func (t *Town) entries(tx *store.Tx, q refinery.Queue, now time.Time) []api.QueueEntry {
	out, cfg := []api.QueueEntry{}, t.queueConfig(q.Rig)
	for _, e := range q.Entries {
		x := api.QueueEntry{
			Bead: e.Bead, Attempt: e.N, Polecat: e.Polecat, Title: e.Title, Rig: q.Rig, State: e.State,
			Position: refinery.Position(q, e.Bead), Since: e.Since, Queued: e.QueuedAt, Tries: e.Hangs + e.Infra, Tip: e.Tip,
			Why: refinery.WhyNot(q, e.Bead, now), Hint: e.Hint, HeldBy: e.HeldBy, PersonHeld: e.PersonHeld, Ask: e.AskWhy, Green: e.Green, PR: e.PR,
		}
		if a, err := tx.Attempt(e.Bead, e.N); err == nil {
			x.Proof = a.Proof
		}
		if at, ok := refinery.Expected(q, e.Bead, now, cfg); ok {
			x.Expected = at
		}
		if run := q.Run; run != nil && run.Carries(e.Bead) {
			x.Gates, x.Of, x.Step = run.Results, run.Of, run.Step()
			for _, p := range run.Parts {
				x.Batch = append(x.Batch, p.Bead)
			}
			switch run.Phase {
			case refinery.PhaseGate:
				x.Phase = gateAt(cfg, run.Gate)
				x.Elapsed, x.Usual = now.Sub(run.PhaseSince), q.Usual[x.Phase]
			default:
				x.Phase = string(run.Phase)
			}
		}
		out = append(out, x)
	}
	return out
}
