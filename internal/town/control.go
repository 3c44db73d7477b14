package town

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"gastown/agents"
	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/api"
	"gastown/internal/config"
	"gastown/internal/fault"
	"gastown/internal/git"
	"gastown/refinery"
)

// Keys of the store's small values.
const (
	kvPaused    = "paused"  // bool
	kvPausedRig = "paused/" // bool, by rig
	kvFrozen    = "frozen"  // bool
	kvFrozenRig = "frozen/" // bool, by rig
	// kvPersonHalt: bool, by rig or of the town: a person paused or froze it.
	kvPersonHalt = "halted-by-person/"
	kvBreakers   = "breakers"  // map of preset to agents.Breaker
	kvDelivery   = "delivery/" // deliveryState, by rig
	kvPR         = "pr/"       // pullRequest, by bead
	kvPRShared   = "prshared/" // string: address of its convoy's pull request, by bead
	kvDoc        = "doc/"      // agents.Doc, by name
	kvFacts      = "facts"     // list of beads.Fact
	kvRed        = "red/"      // beads.ID filed for a red main, by rig
	kvSetup      = "setup/"    // agents.Setup that fails, by rig; its notice has the same key
	kvStarts     = "starts"    // int: how often the screen was opened
	kvMayor      = "mayor"     // mayorRecord
)

func (t *Town) down(_ context.Context, _ api.Caller, r api.DownReq) (api.Ack, error) {
	select {
	case t.host.wish <- r.Drain:
	default:
	}
	if r.Drain {
		return api.Ack{Msg: "the host stops when the polecats at work and the running landing are through"}, nil
	}
	return api.Ack{Msg: "the host is stopping; work in progress is kept and goes on at the next start"}, nil
}

// events answers from the log; with Wait it holds until there is one after Since.
func (t *Town) events(ctx context.Context, _ api.Caller, r api.EventsReq) ([]beads.Event, error) {
	switch {
	case r.Limit < 0:
		return nil, fault.Usagef("limit %d: want 0 (the newest 200) or more", r.Limit)
	case r.Limit == 0:
		r.Limit = 200
	}
	if r.Bead != "" {
		err := t.store.View(func(tx *store.Tx) error {
			b, err := findBead(tx, r.Bead)
			if err == nil {
				r.Bead = b.ID
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	if r.Wait > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, r.Wait)
		defer cancel()
	}
	changed, cancel := t.store.Watch()
	defer cancel()
	for {
		out, err := t.eventsNow(r)
		if err != nil || len(out) > 0 || r.Wait <= 0 {
			return out, err
		}
		var gone <-chan struct{}
		if t.host != nil {
			gone = t.host.ctx.Done()
		}
		select {
		case <-changed:
		case <-gone:
			return out, nil
		case <-ctx.Done():
			return out, nil
		}
	}
}

// mostScanned bounds how far back a filtered question looks.
const mostScanned = 100_000

func (t *Town) eventsNow(r api.EventsReq) (out []beads.Event, err error) {
	out = []beads.Event{}
	err = t.store.View(func(tx *store.Tx) error {
		all, err := tx.EventsTail(mostScanned)
		if r.Since > 0 || r.Wait > 0 {
			all, err = tx.Events(r.Since, mostScanned)
		}
		if err != nil {
			return err
		}
		for _, e := range all {
			if r.By != "" && e.Actor != r.By || r.Bead != "" && e.Bead != r.Bead || !r.After.IsZero() && !e.At.After(r.After) {
				continue
			}
			out = append(out, e)
		}
		return nil
	})
	if len(out) > r.Limit {
		if r.Since > 0 { // a reader that follows loses nothing
			return out[:r.Limit], err
		}
		out = out[len(out)-r.Limit:]
	}
	return out, err
}

// startHost is what helps where no host runs.
const startHost = "gastown, or gastown up"

// why says in one true sentence what a bead waits for.
func (t *Town) why(ctx context.Context, _ api.Caller, r api.BeadReq) (out api.WhyRes, err error) {
	var b *beads.Bead
	var by beads.ID // what takes it out again
	err = t.store.View(func(tx *store.Tx) (err error) {
		if b, err = findBead(tx, r.Bead); err != nil {
			return err
		}
		out.Bead = b.ID
		if out.Why, out.Hint, err = t.whyNot(tx, b); err != nil || b.MergeCommit == "" {
			return err
		}
		by, err = reverting(tx, b.ID)
		return err
	})
	if err == nil && b.Status == beads.Closed && b.MergeCommit != "" {
		out.Why, out.Hint, err = t.whereIs(ctx, b)
	}
	if by != "" {
		out.Why += fmt.Sprintf(" %s is to take it out again.", by)
	}
	return out, err
}

// whereIs says where the commit of a landed bead is, beyond the town's own repository.
func (t *Town) whereIs(ctx context.Context, b *beads.Bead) (why, hint string, err error) {
	why = fmt.Sprintf("%s has landed as %.10s", b.ID, b.MergeCommit)
	rig, rc, err := t.rig(b.Rig)
	switch {
	case fault.Is(err, fault.NotFound): // the rig was taken off the town
		return fmt.Sprintf("%s, in %s.", why, t.repoDir(b.Rig)), "", nil
	case err != nil:
		return "", "", err
	case rc.Origin == "":
		return fmt.Sprintf("%s, in the town alone: its repository is %s.", why, t.repoDir(rig)), "", nil
	case rc.Deliver == config.DeliverNone:
		to := config.DeliverCheckout
		if !git.IsLocal(rc.Origin) {
			to = config.DeliverPush
		}
		return fmt.Sprintf("%s, in the town alone: delivery to %s is off.", why, git.Shown(rc.Origin)), "gastown config set rig." + rig + ".deliver " + to, nil
	}
	d, q, err := t.standing(rig)
	n, reason := d.undelivered(rc, q)
	if err != nil || n == 0 {
		return why + ".", "", err
	}
	if repo, err := t.repo(ctx, rig); err == nil && d.Way == way(rc) && contained(ctx, repo, b.MergeCommit, d.Commit) {
		return why + ".", "", nil // it is what landed since that is still here
	}
	why += ", and is not delivered to " + git.Shown(rc.Origin)
	if reason != "" {
		why += ": " + reason
	}
	return why + ".", "it is tried again by itself; now: gastown rig deliver " + rig, nil
}

func (t *Town) whyNot(tx *store.Tx, b *beads.Bead) (why, hint string, err error) {
	id := string(b.ID)
	switch b.Status {
	case beads.Closed:
		if b.Ending() == "elsewhere" {
			return strings.TrimSuffix(fmt.Sprintf("%s was closed elsewhere before it was imported; nothing of it landed here: %s", id, b.CloseReason), ": ") + ".", "", nil
		}
		return fmt.Sprintf("%s is closed: %s.", id, b.CloseReason), "", nil
	case beads.NeedsYou:
		return fmt.Sprintf("%s waits for you: %s.", id, b.Reason), "look at it, then: gastown sling " + id, nil
	case beads.Deferred:
		why = id + " is deferred"
		if b.DeferUntil != nil {
			why += " until " + b.DeferUntil.Local().Format(time.DateTime)
		}
		return why + ".", "gastown bead reopen " + id, nil
	case beads.Submitted:
		q, err := t.queue(tx, b.Rig)
		if err != nil {
			return "", "", err
		}
		q = t.asShown(q)
		hint, err := t.queueHint(tx, q, b.ID)
		if t.host == nil && q.State == refinery.Idle {
			hint = cmp.Or(hint, startHost)
		}
		return refinery.WhyNot(q, b.ID, t.deps.Now()), hint, err
	case beads.Working:
		a, err := tx.Attempt(b.ID, b.LastAttempt)
		if err != nil {
			return "", "", err
		}
		if t.host == nil {
			return fmt.Sprintf("%s was at work with %s (attempt %d) when the host ended; it goes on when the host is up.", id, a.Polecat, a.N), startHost, nil
		}
		if a.State == beads.Asking {
			_, do := howToAnswer(a.Polecat, a.AtTerminal)
			return fmt.Sprintf("%s waits for an answer to %s: %s", id, a.Polecat, beads.Clean(a.Question, 300)), do, nil
		}
		if a.State == beads.Limited {
			return fmt.Sprintf("%s waits for the usage limit of %s, agent %s, until %s; it goes on by itself.", id, a.Polecat, a.Preset, a.LimitedUntil.Local().Format("15:04")), "", nil
		}
		h, err := haltOf(tx, b.Rig)
		if h == agents.Frozen {
			return fmt.Sprintf("%s stands still with %s (attempt %d): it is frozen.", id, a.Polecat, a.N), "gastown resume", err
		}
		return fmt.Sprintf("%s is being worked on by %s (attempt %d, %s).", id, a.Polecat, a.N, a.State), "", err
	}
	return t.whyNotStarted(tx, b)
}

// queueHint is what helps a submitted bead on; empty: nothing is needed.
func (t *Town) queueHint(tx *store.Tx, q refinery.Queue, id beads.ID) (string, error) {
	for _, e := range q.Entries {
		switch {
		case e.Bead != id:
		case e.State == refinery.EntryApprove:
			return fmt.Sprintf("gastown diff %s, then: gastown queue approve %s, or: gastown queue reject %s TEXT", id, id, id), nil
		case e.State == refinery.EntryHeld:
			return fmt.Sprintf("gastown queue release %s", id), nil
		case e.State == refinery.EntryPR && e.Says != "":
			return e.SaysHint, nil
		}
	}
	if q.State != refinery.MainRed {
		return q.Hint, nil
	}
	fix, err := redBead(tx, q.Rig)
	if err != nil || fix == "" || fix == id {
		return q.Hint, err
	}
	if b, err := tx.Bead(fix); err != nil || b.Status == beads.Closed {
		return q.Hint, nil //nolint:nilerr // a bead that is gone mends nothing
	} else if b.Status == beads.Open && b.Sling == nil {
		return fmt.Sprintf("%s is filed for it: gastown sling %s; or mend it by hand, then: gastown refinery resume", fix, fix), nil
	}
	return fmt.Sprintf("%s is filed for it: gastown why %s", fix, fix), nil
}

func (t *Town) whyNotStarted(tx *store.Tx, b *beads.Bead) (why, hint string, err error) {
	id := string(b.ID)
	if err := t.inTown(b); err != nil {
		return fault.From(err).Msg + ".", fault.From(err).Hint, nil
	}
	on, err := tx.BlockedBy(b)
	if err != nil {
		return "", "", err
	}
	if len(on) > 0 {
		return fmt.Sprintf("%s waits for %s to land.", id, joinIDs(on, ", ")), "", nil
	}
	launched, err := launchedBeads(tx)
	if err != nil {
		return "", "", err
	}
	if !b.Wished(launched[b.ID], t.settings().Town.Dispatch == "auto") {
		if a, err := keptOf(tx, b); err != nil {
			return "", "", err
		} else if a != nil {
			return fmt.Sprintf("%s waits for a sling: %s was stopped on it, and its work is kept.", id, a.Polecat), fmt.Sprintf("gastown polecat revive %s goes on from that, gastown sling %s does not", a.Key(), id), nil
		}
		return id + " is ready; nobody has slung it.", "gastown sling " + id, nil
	}
	if t.host == nil {
		return id + " is slung and waits for the host, which is not running.", startHost, nil
	}
	waiting, err := t.waiting(tx)
	if err != nil {
		return "", "", err
	}
	if w := waiting[b.ID]; w != "" {
		return fmt.Sprintf("%s is slung; %s.", id, w), "", nil
	}
	return id + " is slung and starts now.", "", nil
}

// keptOf is the last attempt at a bead where that was killed with work that a sling would not start from; else nil.
func keptOf(tx *store.Tx, b *beads.Bead) (*beads.Attempt, error) {
	if b.LastAttempt == 0 {
		return nil, nil
	}
	a, err := tx.Attempt(b.ID, b.LastAttempt)
	if err != nil || !a.Kept(b) {
		return nil, err
	}
	return a, nil
}

func (t *Town) configGet(_ context.Context, _ api.Caller, r api.ConfigReq) (out api.ConfigValue, err error) {
	data, err := os.ReadFile(settingsPath(t.Dir))
	if err != nil {
		return out, err
	}
	if r.Key == "" { // all of them
		return api.ConfigValue{Value: string(data)}, nil
	}
	if text, ok := config.Section(data, r.Key); ok {
		return api.ConfigValue{Key: r.Key, Value: text}, nil
	}
	v, err := config.Get(data, r.Key)
	return api.ConfigValue{Key: r.Key, Value: config.Text(v)}, err
}

func (t *Town) configSet(ctx context.Context, who api.Caller, r api.ConfigReq) (out api.ConfigValue, err error) {
	if r.Key == "town.mayor" || r.Key == "town.polecat" {
		if _, _, err := t.preset(strings.Trim(r.Value, `"' `)); err != nil {
			return out, err
		}
	}
	rig, err := t.redirected(ctx, r)
	if err != nil {
		return out, err
	}
	if err := t.edit(func(data []byte) ([]byte, error) { return config.Set(data, r.Key, r.Value) }); err != nil {
		return out, err
	}
	out = api.ConfigValue{Key: r.Key, Value: r.Value}
	err = t.update(func(tx *store.Tx) error {
		if err := tx.Append(beads.Event{Kind: "town.config", Actor: who.Name, Text: fmt.Sprintf("set %s to %s", beads.Clean(r.Key, 100), beads.Clean(r.Value, 100))}); err != nil {
			return err
		}
		for _, rig := range rigNames(t.settings()) { // gates may have changed
			if err := t.feed(tx, rig, refinery.Tick{}); err != nil {
				return err
			}
		}
		out.Note, err = t.undeliveredNote(tx, rig)
		out.Note = cmp.Or(settingNote(r.Key, t.settings()), out.Note)
		return err
	})
	return out, err
}

// redirected is the rig whose work a setting would send elsewhere than before, empty for none. A way
// that cannot work is an error.
func (t *Town) redirected(ctx context.Context, r api.ConfigReq) (rig string, err error) {
	data, err := os.ReadFile(settingsPath(t.Dir))
	if err != nil {
		return "", fmt.Errorf("read settings: %w", err)
	}
	if data, err = config.Set(data, r.Key, r.Value); err != nil {
		return "", err
	}
	cfg, err := config.Parse(settingsPath(t.Dir), data)
	if err != nil {
		return "", err
	}
	for name, rc := range cfg.Rigs {
		was := t.settings().Rigs[name]
		if way(rc) == way(was) {
			continue
		}
		if rc.Origin != "" && rc.Origin != was.Origin && git.IsLocal(rc.Origin) {
			if _, err := t.git.OpenCheckout(ctx, rc.Origin); err != nil && !errors.Is(err, git.ErrNoCheckout) {
				return "", step(err, "%s", r.Key)
			}
		}
		return name, t.deliverable(ctx, name, rc)
	}
	return "", nil
}

// undeliveredNote says what becomes of work that landed before its delivery was asked for.
func (t *Town) undeliveredNote(tx *store.Tx, rig string) (string, error) {
	if rig == "" {
		return "", nil
	}
	q, qerr := t.queue(tx, rig)
	d, err := delivery(tx, rig)
	n, _ := d.undelivered(t.settings().Rigs[rig], q)
	switch {
	case n == 0:
		return "", errors.Join(qerr, err)
	case t.host != nil:
		return fmt.Sprintf("%d landed before: delivered now; see: gastown rig show %s", n, rig), errors.Join(qerr, err)
	}
	return fmt.Sprintf("%d landed before: not delivered until the host is up, or by: gastown rig deliver %s", n, rig), errors.Join(qerr, err)
}

// settingNote says what a setting now means where that is more than its value; empty: nothing.
func settingNote(key string, cfg *config.Config) string {
	for name, rc := range cfg.Rigs {
		switch {
		case key == "rig."+name+".permissions" && rc.Permissions == config.PermitBypass:
			return "polecats of " + name + " now run any command as you, unasked; back: gastown config set " + key + " " + config.PermitEdits
		case key == "rig."+name+".ungated" && rc.Ungated && len(rc.Gates) == 0:
			return "work of " + name + " now lands without any test; back: gastown rig ungated " + name + " --off"
		}
	}
	return ""
}

// problem tells a person once of something that needs them; it stays until told otherwise.
func (h *Host) problem(key, rig string, id beads.ID, text, hint string) {
	err := h.t.update(func(tx *store.Tx) error {
		return errors.Join(
			tx.PutNotice(&beads.Notice{Key: key, At: h.t.deps.Now().UTC(), Rig: rig, Bead: id, Text: text, Hint: hint}),
			tx.Append(beads.Event{Kind: beads.EvProblem, Actor: "host", Rig: rig, Bead: id, Text: text}),
		)
	})
	if err != nil {
		h.t.deps.Log.Error("tell a problem", "problem", text, "err", err)
	}
}

// solved takes a problem back.
func (h *Host) solved(key string) {
	err := h.t.update(func(tx *store.Tx) error { return tx.DeleteNotice(key) })
	if err != nil && !fault.Is(err, fault.NotFound) {
		h.t.deps.Log.Error("take a problem back", "problem", key, "err", err)
	}
}
