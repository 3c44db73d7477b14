package town

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gastown/agents"
	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/api"
	"gastown/internal/config"
	"gastown/internal/fault"
	"gastown/internal/git"
)

// specMeta is the name of the document a bead was made from, in its metadata.
type specMeta struct {
	Spec string `json:"spec,omitempty"`
}

// mostSpec bounds a spec's size in bytes.
const mostSpec = 1 << 20

// plan turns a spec into beads: its structure is checked before anything is made or paid for.
func (t *Town) plan(ctx context.Context, who api.Caller, r api.PlanReq) (out api.Planned, err error) {
	rig, rc, err := t.meant(ctx, who, r.Rig)
	if err != nil {
		return out, err
	}
	text, source, err := t.spec(rig, rc, r)
	if err != nil {
		return out, err
	}
	err = t.store.View(func(tx *store.Tx) error {
		p := beads.ParsePlan(text, tx.HasBead)
		out = planned(p, rig, source)
		if out.Name == "" {
			out.Name = strings.TrimSuffix(filepath.Base(source), filepath.Ext(source))
		}
		n, one, err := madeBefore(tx, p, out)
		if err != nil {
			return err
		}
		if n > 0 && !r.Again {
			again := fmt.Sprintf("%d of its %d beads were made before (%s): --apply refuses, unless with --again", n, len(p.Items), one)
			out.Problems = append([]api.PlanProblem{{Line: 1, Msg: again, Severity: string(beads.SevWarning)}}, out.Problems...)
		}
		if !r.Apply && !r.Launch {
			return nil
		}
		if p.Failing() {
			return fault.Refusedf("plan %s: %s", source, firstError(p)).WithHint("see all with: gastown plan %s --check", source)
		}
		return nil
	})
	if err != nil || !r.Apply && !r.Launch {
		return out, err
	}
	return t.makePlan(who, rc, text, out, r)
}

func firstError(p *beads.Plan) string {
	n, first := 0, ""
	for _, pr := range p.Problems {
		if pr.Severity == beads.SevError {
			if n++; n == 1 {
				first = fmt.Sprintf("line %d: %s", pr.Line, pr.Msg)
			}
		}
	}
	if n > 1 {
		return fmt.Sprintf("%s (and %d more)", first, n-1)
	}
	return first
}

// spec finds the text: what came along, else the rig's main, else the person's checkout.
func (t *Town) spec(rig string, rc config.Rig, r api.PlanReq) (text, source string, err error) {
	if len(r.Text) > 0 {
		return string(r.Text), cmp.Or(r.Path, "the spec"), nil
	}
	if r.Path == "" {
		return "", "", fault.Usagef("plan: which file?")
	}
	rel := filepath.Clean(r.Path)
	if filepath.IsAbs(rel) || strings.HasPrefix(rel, "..") {
		return "", "", fault.Usagef("plan: %q is not a path inside rig %s", r.Path, rig)
	}
	for _, root := range t.roots(rig, rc) {
		data, err := readIn(root, rel)
		if err == nil {
			return string(data), rel, nil
		}
		if !errors.Is(err, os.ErrNotExist) {
			return "", "", step(err, "plan %q", rel)
		}
	}
	return "", "", fault.NotFoundf("plan: %q is neither in main of rig %s nor in its checkout", rel, rig)
}

// roots are where a path that a person names is looked up: the rig's main, then the person's checkout.
func (t *Town) roots(rig string, rc config.Rig) []string {
	return slices.DeleteFunc([]string{t.path("mayor", rig), rc.Origin}, func(root string) bool { return root == "" || !git.IsLocal(root) })
}

// readIn reads a file below root, following no link out of it.
func readIn(root, rel string) ([]byte, error) {
	dir, err := os.OpenRoot(root)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	info, err := dir.Stat(rel)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > mostSpec {
		return nil, fault.Usagef("%s: not a regular file of at most %d bytes", rel, mostSpec)
	}
	return dir.ReadFile(rel)
}

func planned(p *beads.Plan, rig, source string) api.Planned {
	out := api.Planned{Name: p.Name, Source: source, Rig: rig, Beads: []api.PlannedBead{}, Waves: [][]string{}}
	for _, it := range p.Items {
		out.Beads = append(out.Beads, api.PlannedBead{Key: it.Key, Title: it.Title, Type: string(it.Type), Priority: it.Priority, Needs: it.Needs, Line: it.Line})
	}
	for _, pr := range p.Problems {
		out.Problems = append(out.Problems, api.PlanProblem{Line: pr.Line, Msg: pr.Msg, Severity: string(pr.Severity)})
	}
	out.Waves = keyWaves(p)
	return out
}

// keyWaves sorts a plan's keys into waves: each needs only what is in the waves before.
func keyWaves(p *beads.Plan) [][]string {
	left := map[string][]string{}
	for _, it := range p.Items {
		for _, n := range it.Needs {
			if p.Item(n) != nil {
				left[it.Key] = append(left[it.Key], n)
			}
		}
	}
	done := map[string]bool{}
	waves := [][]string{}
	for len(done) < len(p.Items) {
		var wave []string
		for _, it := range p.Items {
			if !done[it.Key] && !slices.ContainsFunc(left[it.Key], func(n string) bool { return !done[n] }) {
				wave = append(wave, it.Key)
			}
		}
		if len(wave) == 0 {
			return waves // a circle: its own problem
		}
		for _, k := range wave {
			done[k] = true
		}
		waves = append(waves, wave)
	}
	return waves
}

// makePlan stores the beads, their document and their convoy in one transaction.
func (t *Town) makePlan(who api.Caller, rc config.Rig, text string, out api.Planned, r api.PlanReq) (api.Planned, error) {
	launch := r.Launch
	err := t.update(func(tx *store.Tx) error {
		p := beads.ParsePlan(text, tx.HasBead)
		if !r.Again {
			if err := refuseAgain(tx, p, out); err != nil {
				return err
			}
		}
		ids := map[string]beads.ID{}
		doc := fmt.Sprintf("%s@%d", out.Source, tx.LastSeq())
		if p.Context != "" {
			if err := tx.PutKV(kvDoc+doc, agents.Doc{Name: out.Source, Text: p.Context}); err != nil {
				return err
			}
		}
		cv := &beads.Convoy{Name: t.convoyName(tx, out.Name), State: beads.ConvoyPlanned, CreatedAt: t.deps.Now().UTC(), CreatedBy: who.Name}
		for _, wave := range keyWaves(p) {
			for _, key := range wave {
				b, err := t.planBead(tx, p.Item(key), out.Rig, rc.Prefix, doc, ids, who)
				if err != nil {
					return err
				}
				ids[key] = b.ID
				cv.Beads = append(cv.Beads, b.ID)
			}
		}
		if launch {
			cv.State = beads.ConvoyLaunched
		}
		for i := range out.Beads {
			out.Beads[i].ID = ids[out.Beads[i].Key]
		}
		out.Convoy, out.Applied, out.Launched = cv.Name, true, launch
		if err := tx.PutConvoy(cv); err != nil {
			return err
		}
		text := fmt.Sprintf("made convoy %q of %d beads from %s", cv.Name, len(cv.Beads), out.Source)
		if launch {
			text += " and launched it"
		}
		return tx.Append(beads.Event{Kind: beads.EvConvoyCreated, Actor: who.Name, Rig: out.Rig, Text: text})
	})
	return out, err
}

// madeBefore counts beads of a plan that are there, and names one: of the same file any of them, else only
// where all are. Beads that were dropped do not count.
func madeBefore(tx *store.Tx, p *beads.Plan, out api.Planned) (n int, one beads.ID, err error) {
	before := map[string]beads.ID{} // title -> bead of any spec
	same := map[string]bool{}       // title: of this file
	for id := range tx.IDs("") {
		b, err := tx.Bead(id)
		if err != nil {
			return 0, "", err
		}
		source, _, _ := strings.Cut(specOf(b), "@")
		if source == "" || b.Rig != out.Rig || b.Status == beads.Closed && strings.HasPrefix(b.CloseReason, beads.CloseDropped) {
			continue
		}
		before[b.Title], same[b.Title] = id, same[b.Title] || source == out.Source
	}
	own := false
	for _, it := range p.Items {
		if id := before[it.Title]; id != "" {
			n, own, one = n+1, own || same[it.Title], id
		}
	}
	if !own && n < len(p.Items) {
		return 0, "", nil
	}
	return n, one, nil
}

// refuseAgain refuses a spec whose beads are there.
func refuseAgain(tx *store.Tx, p *beads.Plan, out api.Planned) error {
	n, one, err := madeBefore(tx, p, out)
	if err != nil || n == 0 {
		return err
	}
	e := fault.Refusedf("plan %s: %d of its %d beads were made before (%s)", out.Source, n, len(p.Items), one)
	cs, err := tx.Convoys()
	if err != nil {
		return err
	}
	for _, c := range cs {
		if slices.Contains(c.Beads, one) && (c.State == beads.ConvoyPlanned || c.State == beads.ConvoyPaused) {
			return e.WithHint("start those with: gastown convoy launch %q; or make all of them once more with --again", c.Name)
		}
	}
	return e.WithHint("look with: gastown convoy list; or make all of them once more with --again")
}

func (t *Town) planBead(tx *store.Tx, it *beads.PlanItem, rig, prefix, doc string, ids map[string]beads.ID, who api.Caller) (*beads.Bead, error) {
	prio := it.Priority
	b, err := t.newBead(api.BeadCreateReq{
		Title: it.Title, Description: it.Description, Type: string(it.Type), Priority: &prio, Accept: it.Acceptance, Labels: it.Labels, Agent: it.Agent,
		Metadata: marshal(specMeta{Spec: doc}),
	}, rig, who.Name)
	if err != nil {
		return nil, err
	}
	var deps []beads.ID
	for _, n := range it.Needs {
		if id, ok := ids[n]; ok {
			deps = append(deps, id)
		} else {
			deps = append(deps, beads.ID(n)) // a bead that exists
		}
	}
	return b, t.insert(tx, b, prefix, "", deps, who)
}

// convoyName is name, with a number where a convoy of that name exists.
func (t *Town) convoyName(tx *store.Tx, name string) string {
	name = beads.Clean(name, 80)
	if name == "" {
		name = "convoy"
	}
	for i, try := 2, name; ; i++ {
		if _, err := tx.Convoy(try); err != nil {
			return try
		}
		try = fmt.Sprintf("%s %d", name, i)
	}
}

// launchedBeads are the beads of all launched convoys.
func launchedBeads(tx *store.Tx) (map[beads.ID]bool, error) {
	cs, err := tx.Convoys()
	out := map[beads.ID]bool{}
	for _, c := range cs {
		if c.State == beads.ConvoyLaunched {
			for _, id := range c.Beads {
				out[id] = true
			}
		}
	}
	return out, err
}

// finishConvoys marks convoys done whose beads are all closed; also paused ones, whose beads landed
// that were at work before.
func (t *Town) finishConvoys(tx *store.Tx) error {
	cs, err := tx.Convoys()
	if err != nil {
		return err
	}
	for _, c := range cs {
		if c.State != beads.ConvoyLaunched && c.State != beads.ConvoyPaused {
			continue
		}
		open := slices.ContainsFunc(c.Beads, func(id beads.ID) bool {
			b, err := tx.Bead(id)
			return err == nil && b.Status != beads.Closed
		})
		if open {
			continue
		}
		d := *c
		d.State = beads.ConvoyDone
		if err := tx.PutConvoy(&d); err != nil {
			return err
		}
		if err := tx.Append(beads.Event{Kind: beads.EvConvoyChanged, Actor: "host", Text: fmt.Sprintf("convoy %q is done", c.Name)}); err != nil {
			return err
		}
	}
	return nil
}

// convoyInfo is a convoy with its progress.
func convoyInfo(tx *store.Tx, c *beads.Convoy, g *beads.Graph) api.Convoy {
	out := api.Convoy{Convoy: *c, Total: len(c.Beads), Waves: g.Waves(c.Beads)}
	for _, id := range c.Beads {
		if b, err := tx.Bead(id); err == nil && b.Status == beads.Closed {
			out.Closed++
		}
	}
	if out.Waves == nil {
		out.Waves = [][]beads.ID{}
	}
	return out
}

func (t *Town) convoyList(_ context.Context, _ api.Caller, _ api.Empty) (out []api.Convoy, err error) {
	out = []api.Convoy{}
	err = t.store.View(func(tx *store.Tx) error {
		cs, err := tx.Convoys()
		if err != nil || len(cs) == 0 {
			return err
		}
		_, g, err := graph(tx)
		for _, c := range cs {
			out = append(out, convoyInfo(tx, c, g))
		}
		return err
	})
	return out, err
}

func (t *Town) convoyShow(_ context.Context, _ api.Caller, r api.NameReq) (out api.Convoy, err error) {
	err = t.store.View(func(tx *store.Tx) error {
		c, err := tx.Convoy(r.Name)
		if err != nil {
			return err
		}
		_, g, err := graph(tx)
		if err == nil {
			out = convoyInfo(tx, c, g)
		}
		return err
	})
	return out, err
}

// changeConvoy updates a convoy; f gets nil when there is none of that name.
func (t *Town) changeConvoy(who api.Caller, name, kind string, f func(*store.Tx, *beads.Convoy) (*beads.Convoy, string, error)) (out api.Convoy, err error) {
	err = t.update(func(tx *store.Tx) error {
		old, _ := tx.Convoy(name) // absence is f's to judge
		c, text, err := f(tx, old)
		if err != nil {
			return err
		}
		if err := tx.PutConvoy(c); err != nil {
			return err
		}
		if err := tx.Append(beads.Event{Kind: kind, Actor: who.Name, Text: text}); err != nil {
			return err
		}
		_, g, err := graph(tx)
		if err == nil {
			out = convoyInfo(tx, c, g)
		}
		return err
	})
	return out, err
}

func (t *Town) convoyCreate(_ context.Context, who api.Caller, r api.ConvoyCreateReq) (api.Convoy, error) {
	name := beads.Clean(r.Name, 80)
	if name == "" {
		return api.Convoy{}, fault.Usagef("convoy create: the name is empty")
	}
	return t.changeConvoy(who, name, beads.EvConvoyCreated, func(tx *store.Tx, old *beads.Convoy) (*beads.Convoy, string, error) {
		if old != nil {
			return nil, "", fault.Refusedf("convoy %q: there is one of that name", name).WithHint("gastown convoy add %q BEAD...", name)
		}
		c := &beads.Convoy{Name: name, State: beads.ConvoyPlanned, CreatedAt: t.deps.Now().UTC(), CreatedBy: who.Name}
		err := gather(tx, c, r)
		return c, fmt.Sprintf("made convoy %q of %d beads", name, len(c.Beads)), err
	})
}

func (t *Town) convoyAdd(_ context.Context, who api.Caller, r api.ConvoyCreateReq) (api.Convoy, error) {
	return t.changeConvoy(who, r.Name, beads.EvConvoyChanged, func(tx *store.Tx, old *beads.Convoy) (*beads.Convoy, string, error) {
		if old == nil {
			return nil, "", fault.NotFoundf("convoy %q: no such convoy", r.Name)
		}
		c := *old
		c.Beads = slices.Clone(old.Beads)
		err := gather(tx, &c, r)
		if c.State == beads.ConvoyDone {
			c.State = beads.ConvoyLaunched
		}
		return &c, fmt.Sprintf("convoy %q has %d beads", c.Name, len(c.Beads)), err
	})
}

// gather adds the named beads and the children of r.From.
func gather(tx *store.Tx, c *beads.Convoy, r api.ConvoyCreateReq) error {
	ids := r.Beads
	if r.From != "" {
		p, err := findBead(tx, r.From)
		if err != nil {
			return err
		}
		for id := range tx.IDs("") {
			if beads.Parent(id) == p.ID {
				ids = append(ids, id)
			}
		}
	}
	for _, id := range ids {
		b, err := findBead(tx, id)
		if err != nil {
			return err
		}
		if !slices.Contains(c.Beads, b.ID) {
			c.Beads = append(c.Beads, b.ID)
		}
	}
	return nil
}

func (t *Town) convoyLaunch(_ context.Context, who api.Caller, r api.NameReq) (api.Convoy, error) {
	return t.convoyState(who, r.Name, beads.ConvoyLaunched, "launched")
}

func (t *Town) convoyPause(_ context.Context, who api.Caller, r api.NameReq) (api.Convoy, error) {
	return t.convoyState(who, r.Name, beads.ConvoyPaused, "paused")
}

func (t *Town) convoyState(who api.Caller, name string, to beads.ConvoyState, word string) (api.Convoy, error) {
	return t.changeConvoy(who, name, beads.EvConvoyChanged, func(_ *store.Tx, old *beads.Convoy) (*beads.Convoy, string, error) {
		if old == nil {
			return nil, "", fault.NotFoundf("convoy %q: no such convoy", name).WithHint("see: gastown convoy list")
		}
		if old.State == beads.ConvoyDone {
			return nil, "", fault.Refusedf("convoy %q: it is done", name)
		}
		c := *old
		c.State = to
		return &c, fmt.Sprintf("%s convoy %q", word, name), nil
	})
}
