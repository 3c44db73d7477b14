package town

import (
	"context"
	"errors"
	"fmt"

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
	w, _, err := t.host.world(tx)
	if err != nil {
		return nil, err
	}
	return agents.Plan(w).Waiting, nil
}
