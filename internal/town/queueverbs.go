package town

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/api"
	"gastown/internal/fault"
	"gastown/refinery"
)

// rigsNamed are the rigs a request means: the named one, or all.
func (t *Town) rigsNamed(name string) ([]string, error) {
	if name != "" {
		n, _, err := t.rig(name)
		return []string{n}, err
	}
	cfg, err := t.config()
	if err != nil {
		return nil, err
	}
	return rigNames(cfg), nil
}

func (t *Town) queueList(_ context.Context, _ api.Caller, r api.NameReq) ([]api.QueueEntry, error) {
	rigs, err := t.rigsNamed(r.Name)
	if err != nil {
		return nil, err
	}
	out := []api.QueueEntry{}
	err = t.store.View(func(tx *store.Tx) error {
		for _, rig := range rigs {
			q, err := t.queue(tx, rig)
			if err != nil {
				return err
			}
			es := t.entries(tx, t.asShown(q), t.deps.Now())
			slices.SortStableFunc(es, func(a, b api.QueueEntry) int { return a.Position - b.Position })
			out = append(out, es...)
		}
		return nil
	})
	return out, err
}

func (t *Town) queueShow(_ context.Context, _ api.Caller, r api.BeadReq) (out api.QueueEntry, err error) {
	err = t.store.View(func(tx *store.Tx) error {
		out, err = t.entry(tx, r.Bead)
		return err
	})
	return out, err
}

// entry finds a bead's merge request.
func (t *Town) entry(tx *store.Tx, id beads.ID) (api.QueueEntry, error) {
	b, err := findBead(tx, id)
	if err != nil {
		return api.QueueEntry{}, err
	}
	q, err := t.queue(tx, b.Rig)
	if err != nil {
		return api.QueueEntry{}, err
	}
	for _, e := range t.entries(tx, t.asShown(q), t.deps.Now()) {
		if e.Bead == b.ID {
			return e, nil
		}
	}
	return api.QueueEntry{}, fault.Refusedf("%s: not in the merge queue, it is %s", b.ID, b.Status)
}

// queueAct feeds an event about one merge request that passes the checks.
func (t *Town) queueAct(id beads.ID, ev func(beads.ID) refinery.Event, checks ...func(api.QueueEntry) error) (out api.QueueEntry, err error) {
	err = t.update(func(tx *store.Tx) error {
		e, err := t.entry(tx, id)
		if err != nil {
			return err
		}
		for _, check := range checks {
			if err := check(e); err != nil {
				return err
			}
		}
		if err := t.feed(tx, e.Rig, ev(e.Bead)); err != nil {
			return err
		}
		out, err = t.entry(tx, e.Bead)
		return err
	})
	return out, err
}

func (t *Town) queueHold(_ context.Context, who api.Caller, r api.BeadReq) (api.QueueEntry, error) {
	return t.queueAct(r.Bead, func(id beads.ID) refinery.Event {
		return refinery.Hold{Bead: id, By: who.Name, Person: who.Role == "person"}
	})
}

func (t *Town) queueRelease(_ context.Context, who api.Caller, r api.BeadReq) (api.QueueEntry, error) {
	return t.queueAct(r.Bead, func(id beads.ID) refinery.Event {
		return refinery.Release{Bead: id, By: who.Name, Person: who.Role == "person"}
	}, func(e api.QueueEntry) error {
		if e.PersonHeld && who.Role != "person" {
			return fault.Refusedf("release %s: that is for the person to say: %s", e.Bead, e.Why)
		}
		return nil
	})
}

// queueDrop takes a merge request out: the bead is open again, its tip is kept and the next
// attempt starts from it.
func (t *Town) queueDrop(_ context.Context, who api.Caller, r api.BeadReq) (out api.Bead, err error) {
	err = t.update(func(tx *store.Tx) error {
		e, err := t.entry(tx, r.Bead)
		if err != nil {
			return err
		}
		if err := t.feed(tx, e.Rig, refinery.Drop{Bead: e.Bead, By: who.Name}); err != nil {
			return err
		}
		q, err := t.queue(tx, e.Rig)
		if err != nil {
			return err
		}
		if refinery.Position(q, e.Bead) > 0 {
			return fault.Refusedf("%s: it is landing right now", e.Bead)
		}
		if err := dropPR(tx, e.Bead); err != nil {
			return err
		}
		b, _, err := store.Step(tx, e.Bead, e.Attempt, beads.Withdraw, t.deps.Now(), func(b *beads.Bead, a *beads.Attempt) {
			a.Why = "taken out of the queue by " + who.Name
			b.Next = &beads.Start{Commit: a.Tip, Same: a.Polecat, Session: a.Session}
		})
		if err != nil {
			return err
		}
		out, err = t.outside(tx, b)
		return err
	})
	return out, err
}

func (t *Town) refineryStatus(_ context.Context, _ api.Caller, r api.NameReq) ([]api.RefineryInfo, error) {
	rigs, err := t.rigsNamed(r.Name)
	if err != nil {
		return nil, err
	}
	out := []api.RefineryInfo{}
	err = t.store.View(func(tx *store.Tx) error {
		for _, rig := range rigs {
			info, err := t.refineryInfo(tx, rig)
			if err != nil {
				return err
			}
			out = append(out, info)
		}
		return nil
	})
	return out, err
}

func (t *Town) refineryInfo(tx *store.Tx, rig string) (api.RefineryInfo, error) {
	q, err := t.queue(tx, rig)
	if err != nil {
		return api.RefineryInfo{}, err
	}
	q = t.asShown(q)
	cfg := t.queueConfig(rig)
	info := api.RefineryInfo{
		Rig: rig, RefineryState: refineryState(q, cfg), Branch: cfg.Branch, Main: q.Target, Ungated: cfg.Ungated && len(cfg.Gates) == 0, Paused: q.Paused,
		Queue: t.entries(tx, q, t.deps.Now()), Run: q.Run, Landed: landings(tx, q), Total: q.Total, Bounced: q.Bounced, Gates: []string{},
		Usual: q.Usual,
	}
	if q.Run != nil {
		info.Step = q.Run.Step()
	}
	slices.SortStableFunc(info.Queue, func(a, b api.QueueEntry) int { return a.Position - b.Position })
	for _, g := range cfg.Gates {
		info.Gates = append(info.Gates, g.Name)
	}
	if q.State == refinery.Idle && len(cfg.Gates) == 0 && !cfg.Ungated {
		info.State = refinery.NoGates
		info.Reason, info.Hint = refinery.Gateless(rig)
	}
	return info, nil
}

// landings are what landed lately, with what their tests say without the change.
func landings(tx *store.Tx, q refinery.Queue) []api.LandedBead {
	var out []api.LandedBead
	for _, l := range q.Landed {
		x := api.LandedBead{LandedBead: l}
		if a, err := tx.Attempt(l.Bead, l.N); err == nil {
			x.Proof = a.Proof
		}
		out = append(out, x)
	}
	return out
}

// refineryAct feeds an event to the named rig's Refinery, or to all.
func (t *Town) refineryAct(ctx context.Context, who api.Caller, name string, ev refinery.Event) ([]api.RefineryInfo, error) {
	rigs, err := t.rigsNamed(name)
	if err != nil {
		return nil, err
	}
	err = t.update(func(tx *store.Tx) error {
		for _, rig := range rigs {
			if err := t.feed(tx, rig, ev); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return t.refineryStatus(ctx, who, api.NameReq{Name: name})
}

func (t *Town) refineryRestart(ctx context.Context, who api.Caller, r api.NameReq) ([]api.RefineryInfo, error) {
	return t.refineryAgain(ctx, who, r.Name, refinery.Restart{By: who.Name})
}

func (t *Town) refineryPause(ctx context.Context, who api.Caller, r api.NameReq) ([]api.RefineryInfo, error) {
	return t.refineryAct(ctx, who, r.Name, refinery.Pause{By: who.Name, Person: who.Role == "person"})
}

func (t *Town) refineryResume(ctx context.Context, who api.Caller, r api.NameReq) ([]api.RefineryInfo, error) {
	infos, err := t.refineryAgain(ctx, who, r.Name, refinery.Resume{By: who.Name, Person: who.Role == "person"})
	for _, i := range infos {
		if i.Paused && err == nil {
			err = fault.Refusedf("rig %q: %s, so it is theirs to resume", i.Rig, i.Reason)
		}
	}
	return infos, err
}

// failedLines is how much a stopped Refinery shows of what it said last.
const failedLines = 20

// refineryLog is the output of the gate that runs, or of the last one that ran. Where the
// Refinery itself has failed, it is why, and what it said last.
func (t *Town) refineryLog(ctx context.Context, who api.Caller, r api.LogReq) (out api.Peeked, err error) {
	var path string
	err = t.store.View(func(tx *store.Tx) error {
		rig := r.Rig
		if r.Bead != "" {
			b, err := findBead(tx, r.Bead)
			if err != nil {
				return err
			}
			r.Bead, rig = b.ID, b.Rig
		}
		name, _, err := t.meant(ctx, who, rig)
		if err != nil {
			return err
		}
		q, err := t.queue(tx, name)
		if err != nil {
			return err
		}
		if path, err = gateLog(tx, q, r.Bead); err != nil || q.State != refinery.Failed || r.Bead != "" && path != "" {
			return err
		}
		out, err = failure(tx, q, path)
		return err
	})
	if err != nil || out.From != "" {
		return out, err
	}
	if path == "" {
		return out, fault.NotFoundf("refinery log: no gate has run%s", forBead(r.Bead))
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return out, fault.NotFoundf("refinery log: %s is not there any more: all but the newest of closed beads were deleted", path)
	}
	if err != nil {
		return out, fault.NotFoundf("refinery log: %w", err)
	}
	return api.Peeked{Text: lastLines(beads.CleanText(string(data)), r.Lines), From: path}, nil
}

// failure is what a Refinery that has failed says: the reason, what helps, its last events,
// and where the last gate's output is.
func failure(tx *store.Tx, q refinery.Queue, gate string) (out api.Peeked, err error) {
	const scanned = 2000 // events of the whole town
	events, err := tx.EventsTail(scanned)
	if err != nil {
		return out, err
	}
	var said []string
	for _, e := range events {
		if e.Rig == q.Rig && e.Actor == "refinery" {
			said = append(said, e.At.Local().Format(time.DateTime)+"  "+beads.Clean(e.Text, 400))
		}
	}
	lines := []string{"It has failed: " + beads.Clean(q.Reason, 400)}
	if q.Hint != "" {
		lines = append(lines, "What helps: "+beads.Clean(q.Hint, 400))
	}
	if gate != "" {
		lines = append(lines, "Output of the last gate: "+gate)
	}
	if len(said) > 0 {
		lines = append(append(lines, "", "What it said last:"), said[max(len(said)-failedLines, 0):]...)
	}
	return api.Peeked{Text: strings.Join(lines, "\n") + "\n", From: "refinery of " + q.Rig}, nil
}

func forBead(id beads.ID) string {
	if id == "" {
		return " yet"
	}
	return fmt.Sprintf(" for %s yet", id)
}

// gateLog is the newest gate output of a bead, or of the rig when id is empty.
func gateLog(tx *store.Tx, q refinery.Queue, id beads.ID) (string, error) {
	if run := q.Run; run != nil && (id == "" || run.Carries(id)) {
		if run.Log != "" {
			return run.Log, nil
		}
		if n := len(run.Results); n > 0 {
			return run.Results[n-1].Log, nil
		}
	}
	for _, e := range q.Entries {
		if e.Bead != id || e.Green == nil {
			continue
		}
		for _, v := range q.Verdicts { // green, and its run is over: it waits for a person
			if v.Tree == e.Green.Tree && v.Log != "" {
				return v.Log, nil
			}
		}
	}
	attempts, err := tx.Attempts()
	if err != nil {
		return "", err
	}
	var newest *beads.Attempt
	for _, a := range attempts {
		if a.Rig != q.Rig || id != "" && a.Bead != id || len(a.Gates) == 0 {
			continue
		}
		if newest == nil || a.SubmittedAt.After(newest.SubmittedAt) {
			newest = a
		}
	}
	if newest == nil {
		return "", nil
	}
	return newest.Gates[len(newest.Gates)-1].Log, nil
}

// lastLines is the end of a text; n of 0 is all of it.
func lastLines(s string, n int) string {
	if n <= 0 {
		return s
	}
	i := len(s)
	if i > 0 && s[i-1] == '\n' {
		i--
	}
	for ; i > 0; i-- {
		if s[i-1] == '\n' {
			if n--; n == 0 {
				break
			}
		}
	}
	return s[i:]
}
