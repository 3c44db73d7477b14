package town

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/api"
	"gastown/internal/fault"
	"gastown/refinery"
)

// graph is the dependency graph over all beads.
func graph(tx *store.Tx) ([]*beads.Bead, *beads.Graph, error) {
	all, err := tx.Beads()
	if err != nil {
		return nil, nil, err
	}
	return all, beads.NewGraph(slices.Values(all)), nil
}

// outside is a bead as the outside sees it.
func (t *Town) outside(tx *store.Tx, b *beads.Bead) (api.Bead, error) {
	out := api.Bead{Bead: *b, BlockedBy: []beads.ID{}, Attempts: []*beads.Attempt{}}
	on, err := tx.BlockedBy(b)
	if err != nil {
		return out, err
	}
	if b.Status != beads.Closed {
		out.BlockedBy = append(out.BlockedBy, on...)
	}
	out.Ready = b.Startable(t.deps.Now()) && len(on) == 0 && t.inTown(b) == nil
	out.Overlaps = t.overlapsOf(b)
	as, err := tx.AttemptsOf(b.ID)
	if err != nil {
		return out, err
	}
	out.Attempts = append(out.Attempts, as...)
	out.PR, err = prURL(tx, b.ID)
	return out, err
}

// inTown is an error where the bead's rig was taken out of the town: nothing can start on it.
func (t *Town) inTown(b *beads.Bead) error {
	if _, ok := t.settings().Rigs[b.Rig]; !ok {
		return fault.Refusedf("%s: its rig %s is not in the town any more", b.ID, b.Rig).WithHint("close it with: gastown bead close %s", b.ID)
	}
	return nil
}

// overlapsOf is other unlanded work in the files of a bead's.
func (t *Town) overlapsOf(b *beads.Bead) []refinery.Overlap {
	if b.Status != beads.Working && b.Status != beads.Submitted {
		return nil
	}
	return t.host.overlaps(b.ID, b.LastAttempt)
}

// outsideAll is many beads as the outside sees them, in the order given.
func (t *Town) outsideAll(tx *store.Tx, all []*beads.Bead, g *beads.Graph, now time.Time) ([]api.Bead, error) {
	attempts, err := tx.Attempts()
	if err != nil {
		return nil, err
	}
	of := map[beads.ID][]*beads.Attempt{}
	for _, a := range attempts {
		of[a.Bead] = append(of[a.Bead], a)
	}
	out, ready := make([]api.Bead, len(all)), t.ready(g, now)
	for i, b := range all {
		out[i] = api.Bead{Bead: *b, BlockedBy: []beads.ID{}, Attempts: of[b.ID], Ready: ready(b), Overlaps: t.overlapsOf(b)}
		if out[i].Attempts == nil {
			out[i].Attempts = []*beads.Attempt{}
		}
		if b.Status != beads.Closed {
			if on := g.BlockedBy(b.ID); len(on) > 0 {
				out[i].BlockedBy = on
			}
		}
	}
	return out, nil
}

func (t *Town) beadShow(_ context.Context, _ api.Caller, r api.BeadReq) (out api.Bead, err error) {
	err = t.store.View(func(tx *store.Tx) error {
		b, err := findBead(tx, r.Bead)
		if err != nil {
			return err
		}
		out, err = t.outside(tx, b)
		return err
	})
	return out, err
}

func (t *Town) beadList(_ context.Context, _ api.Caller, r api.BeadListReq) (out []api.Bead, err error) {
	if r.Status != "" && r.Status != "ready" && r.Status != "blocked" && !slices.Contains(beads.Statuses(), beads.Status(r.Status)) {
		return nil, fault.Usagef("status %q: not one of open, ready, blocked, working, submitted, needs_you, deferred, closed", r.Status)
	}
	if r.Limit < 0 {
		return nil, fault.Usagef("limit %d: want 0 (all) or more", r.Limit)
	}
	now := t.deps.Now()
	err = t.store.View(func(tx *store.Tx) error {
		all, g, err := graph(tx)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(all, func(b *beads.Bead) bool { return b.Rig == r.Rig }) && r.Rig != "" { // of a removed rig beads stay
			if _, _, err := t.rig(r.Rig); err != nil {
				return err
			}
		}
		var keep []*beads.Bead
		ready := t.ready(g, now)
		for _, b := range all {
			if r.Rig != "" && b.Rig != r.Rig || r.Label != "" && !slices.Contains(b.Labels, r.Label) || !hasStatus(g, ready, b, r.Status) {
				continue
			}
			keep = append(keep, b)
		}
		slices.SortFunc(keep, beads.ReadyOrder)
		if r.Limit > 0 && len(keep) > r.Limit {
			keep = keep[:r.Limit]
		}
		out, err = t.outsideAll(tx, keep, g, now)
		return err
	})
	return out, err
}

// ready gives the test of whether work on a bead could start now.
func (t *Town) ready(g *beads.Graph, now time.Time) func(*beads.Bead) bool {
	rigs := t.settings().Rigs
	return func(b *beads.Bead) bool {
		_, inTown := rigs[b.Rig]
		return inTown && g.Ready(b, now)
	}
}

func hasStatus(g *beads.Graph, ready func(*beads.Bead) bool, b *beads.Bead, want string) bool {
	switch want {
	case "":
		return true
	case "ready":
		return ready(b)
	case "blocked":
		return b.Status == beads.Open && len(g.BlockedBy(b.ID)) > 0
	}
	return b.Status == beads.Status(want)
}

func (t *Town) beadReady(ctx context.Context, who api.Caller, r api.BeadListReq) ([]api.Bead, error) {
	if r.Status != "" && r.Status != "ready" {
		return nil, fault.Usagef("bead ready: takes no other status")
	}
	r.Status = "ready"
	return t.beadList(ctx, who, r)
}

func (t *Town) beadCreate(ctx context.Context, who api.Caller, r api.BeadCreateReq) (out api.Bead, err error) {
	rig, cfg, err := t.meant(ctx, who, r.Rig)
	if err != nil {
		return out, err
	}
	b, err := t.newBead(r, rig, who.Name)
	if err != nil {
		return out, err
	}
	err = t.update(func(tx *store.Tx) error {
		if r.Parent != "" {
			p, err := findBead(tx, r.Parent)
			if err != nil {
				return step(err, "parent")
			}
			r.Parent, b.Rig = p.ID, p.Rig
			b.Dependencies = append(b.Dependencies, beads.Dependency{DependsOn: p.ID, Type: beads.ParentChild, CreatedAt: b.CreatedAt, CreatedBy: who.Name})
		}
		if err := t.insert(tx, b, cfg.Prefix, r.Parent, r.Deps, who); err != nil {
			return err
		}
		out, err = t.outside(tx, b)
		return err
	})
	return out, err
}

// newBead makes the record that a request asks for, without id and dependencies.
func (t *Town) newBead(r api.BeadCreateReq, rig, by string) (*beads.Bead, error) {
	title := strings.TrimSpace(r.Title)
	switch {
	case title == "":
		return nil, fault.Usagef("bead create: the title is empty")
	case len([]rune(title)) > 500:
		return nil, fault.Usagef("bead create: the title has %d characters, 500 at most", len([]rune(title)))
	}
	now := t.deps.Now().UTC()
	b := &beads.Bead{
		Title: title, Description: r.Description, Design: r.Design, AcceptanceCriteria: r.Accept,
		Status: beads.Open, Priority: 2, Type: beads.Task, Labels: r.Labels, Metadata: r.Metadata,
		CreatedAt: now, UpdatedAt: now, CreatedBy: by, Rig: rig, Agent: r.Agent,
	}
	if r.Type != "" {
		var err error
		if b.Type, err = beads.ParseType(r.Type); err != nil {
			return nil, fault.Usagef("bead create: %w", err)
		}
	}
	if r.Priority != nil {
		b.Priority = *r.Priority
	}
	if b.Priority < 0 || b.Priority > 4 {
		return nil, fault.Usagef("priority %d: not 0 (highest) to 4", b.Priority)
	}
	b.NeedsCode = b.Type.NeedsCode()
	if r.NeedsCode != nil {
		b.NeedsCode = *r.NeedsCode
	}
	if r.Agent != "" {
		if _, _, err := t.preset(r.Agent); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func (t *Town) beadUpdate(_ context.Context, who api.Caller, r api.BeadUpdateReq) (api.Bead, error) {
	if r.Priority != nil && (*r.Priority < 0 || *r.Priority > 4) {
		return api.Bead{}, fault.Usagef("priority %d: not 0 (highest) to 4", *r.Priority)
	}
	if r.Title != nil && strings.TrimSpace(*r.Title) == "" {
		return api.Bead{}, fault.Usagef("bead update: the title is empty")
	}
	if r.Defer != nil && !r.Defer.IsZero() && !r.Defer.After(t.deps.Now()) {
		return api.Bead{}, fault.Usagef("bead update: %s has passed already", r.Defer.Local().Format(time.DateTime)).WithHint("--defer none takes a deferral back")
	}
	if r.Agent != nil && *r.Agent != "" {
		if _, _, err := t.preset(*r.Agent); err != nil {
			return api.Bead{}, err
		}
	}
	if r.Priority != nil && who.Role == "polecat" {
		return api.Bead{}, fault.Refusedf("bead update: what goes first is for the person and the Mayor to say")
	}
	var typ beads.Type
	if r.Type != nil {
		var err error
		if typ, err = beads.ParseType(*r.Type); err != nil {
			return api.Bead{}, fault.Usagef("bead update: %w", err)
		}
	}
	var old *beads.Bead
	out, err := t.change(who, r.Bead, beads.Event{Kind: beads.EvBeadUpdated}, changed("changed"), func(_ *store.Tx, b *beads.Bead) (*beads.Bead, error) {
		old = b
		c := b.Clone()
		set(&c.Title, r.Title)
		set(&c.Description, r.Description)
		set(&c.AcceptanceCriteria, r.Accept)
		set(&c.Design, r.Design)
		set(&c.Notes, r.Notes)
		set(&c.Priority, r.Priority)
		set(&c.Labels, r.Labels)
		set(&c.Agent, r.Agent)
		if r.Type != nil {
			c.Retype(typ)
		}
		set(&c.NeedsCode, r.NeedsCode)
		if r.Defer == nil {
			return c, nil
		}
		return deferred(c, *r.Defer, t.deps.Now())
	})
	if err == nil {
		t.canUnchange(who, r, old)
	}
	return out, err
}

// deferred is a bead put off until then, or to another date; the zero time takes that back.
func deferred(b *beads.Bead, until, now time.Time) (c *beads.Bead, err error) {
	switch {
	case until.IsZero():
		return b.Apply(beads.Undefer, now)
	case b.Status == beads.Deferred:
		c = b.Clone()
	default:
		c, err = b.Apply(beads.Defer, now)
	}
	if err == nil {
		c.DeferUntil, c.Sling = new(until.UTC()), nil
	}
	return c, err
}

func set[T any](dst *T, src *T) {
	if src != nil {
		*dst = *src
	}
}

func (t *Town) beadClose(_ context.Context, who api.Caller, r api.BeadCloseReq) (api.Bead, error) {
	var old *beads.Bead
	out, err := t.change(who, r.Bead, beads.Event{Kind: beads.EvBeadClosed, Reason: beads.Clean(r.Reason, 200)}, func(old, b *beads.Bead) string {
		return fmt.Sprintf("closed %s as dropped; it was %s", b.ID, old.Status)
	}, func(_ *store.Tx, b *beads.Bead) (*beads.Bead, error) {
		old = b
		switch b.Status {
		case beads.Working:
			return nil, fault.Refusedf("close %s: polecat %s works on it", b.ID, b.Assignee).WithHint("stop it first, its work is kept: gastown polecat kill %s", b.Assignee)
		case beads.Submitted:
			return nil, fault.Refusedf("close %s: it is in the merge queue", b.ID).WithHint("take it out first: gastown queue drop %s", b.ID)
		}
		c, err := b.Apply(beads.Drop, t.deps.Now())
		if err == nil && r.Reason != "" {
			c.CloseReason = beads.CloseDropped + ": " + r.Reason
		}
		return c, err
	})
	if err == nil {
		t.canUnclose(who, r.Action, old)
	}
	return out, err
}

func (t *Town) beadReopen(_ context.Context, who api.Caller, r api.BeadReq) (api.Bead, error) {
	return t.change(who, r.Bead, beads.Event{Kind: beads.EvBeadReopened}, func(old, b *beads.Bead) string {
		return strings.TrimSuffix(fmt.Sprintf("opened %s again; it was %s, %s", b.ID, old.Status, beads.Clean(cmp.Or(old.CloseReason, old.Reason), 200)), ", ")
	}, func(_ *store.Tx, b *beads.Bead) (*beads.Bead, error) {
		switch b.Status {
		case beads.NeedsYou:
			return b.Apply(beads.Resolve, t.deps.Now())
		case beads.Deferred:
			return b.Apply(beads.Undefer, t.deps.Now())
		}
		return b.Apply(beads.Reopen, t.deps.Now())
	})
}

func (t *Town) depAdd(_ context.Context, who api.Caller, r api.DepReq) (api.Bead, error) {
	typ := beads.DepType(r.Type)
	if typ == "" {
		typ = beads.Blocks
	}
	if len(typ) > 50 {
		return api.Bead{}, fault.Usagef("dependency type: longer than 50 characters")
	}
	return t.change(who, r.Bead, beads.Event{Kind: beads.EvDepAdded}, changed("changed"), func(tx *store.Tx, b *beads.Bead) (*beads.Bead, error) {
		other, err := findBead(tx, r.On)
		if err != nil {
			return nil, err
		}
		if i := slices.IndexFunc(b.Dependencies, func(d beads.Dependency) bool { return d.DependsOn == other.ID }); i >= 0 {
			if b.Dependencies[i].Type == typ {
				return b, nil
			}
			return nil, fault.Refusedf("%s: depends on %s as %q already", b.ID, other.ID, b.Dependencies[i].Type)
		}
		_, g, err := graph(tx)
		if err != nil {
			return nil, err
		}
		if path := g.WouldCycle(b.ID, other.ID); path != nil && typ.Blocking() {
			return nil, fault.Refusedf("%s cannot wait for %s: that closes the circle %s", b.ID, other.ID, joinIDs(path, " -> "))
		}
		c := b.Clone()
		c.Dependencies = append(c.Dependencies, beads.Dependency{IssueID: b.ID, DependsOn: other.ID, Type: typ, CreatedAt: t.deps.Now().UTC(), CreatedBy: who.Name})
		return c, nil
	})
}

func (t *Town) depRemove(_ context.Context, who api.Caller, r api.DepReq) (api.Bead, error) {
	return t.change(who, r.Bead, beads.Event{Kind: beads.EvDepRemoved}, changed("changed"), func(tx *store.Tx, b *beads.Bead) (*beads.Bead, error) {
		on := r.On
		if o, err := findBead(tx, on); err == nil {
			on = o.ID
		}
		c := b.Clone()
		c.Dependencies = slices.DeleteFunc(c.Dependencies, func(d beads.Dependency) bool { return d.DependsOn == on })
		if len(c.Dependencies) == len(b.Dependencies) {
			return nil, fault.NotFoundf("%s: does not depend on %s", b.ID, on)
		}
		return c, nil
	})
}

func joinIDs(ids []beads.ID, sep string) string {
	s := make([]string, len(ids))
	for i, id := range ids {
		s[i] = string(id)
	}
	return strings.Join(s, sep)
}

func (t *Town) comment(_ context.Context, who api.Caller, r api.CommentReq) (api.Bead, error) {
	if strings.TrimSpace(r.Text) == "" {
		return api.Bead{}, fault.Usagef("comment: the text is empty")
	}
	return t.change(who, r.Bead, beads.Event{Kind: beads.EvCommented}, func(_, b *beads.Bead) string {
		return fmt.Sprintf("comment on %s: %s", b.ID, beads.Clean(r.Text, 200))
	}, func(_ *store.Tx, b *beads.Bead) (*beads.Bead, error) {
		c := b.Clone()
		c.Comments = append(c.Comments, beads.Comment{ID: t.deps.Token(), IssueID: b.ID, Author: who.Name, Text: r.Text, CreatedAt: t.deps.Now().UTC()})
		return c, nil
	})
}
