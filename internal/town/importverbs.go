package town

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"

	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/api"
	"gastown/internal/fault"
)

// beadImport takes beads in from Beads JSONL, all or none. Those that are here already are laid over
// (beads.Line.Over); a line whose change is not for the caller to make is left out.
func (t *Town) beadImport(ctx context.Context, who api.Caller, r api.ImportReq) (out api.Imported, err error) {
	set, err := beads.Decode(bytes.NewReader(r.Data), t.deps.Now())
	if err != nil {
		return out, fault.Usagef("import: %w", err)
	}
	rigOf, err := t.rigOf(r.Rig, t.rigAt(api.Dir(ctx)))
	if err != nil {
		return out, err
	}
	err = t.update(func(tx *store.Tx) error {
		im := importing{t: t, tx: tx, who: who, rigOf: rigOf}
		im.out.Warnings = []string{}
		for _, p := range set.Problems {
			im.warn(p.Line, "%s", p.Msg)
		}
		for _, l := range set.Lines {
			if err := im.line(l); err != nil {
				return step(err, "import: line %d", l.N)
			}
		}
		_, g, err := graph(tx)
		if err != nil {
			return err
		}
		if c := g.Cycle(); c != nil {
			return fault.Refusedf("import: the dependencies close a circle: %s", joinIDs(c, " -> "))
		}
		out = im.out
		return nil
	})
	return out, err
}

// rigOf finds the rig of new beads: the named one, the only one, or the one that has the prefix of an
// id; where none has, the one that the caller is at, if any.
func (t *Town) rigOf(name, here string) (func(beads.ID) string, error) {
	rigs := t.settings().Rigs
	if name == "" && len(rigs) > 1 {
		byPrefix := map[string]string{}
		for name, rc := range rigs {
			byPrefix[rc.Prefix] = name
		}
		return func(id beads.ID) string { return cmp.Or(byPrefix[beads.Prefix(id)], here) }, nil
	}
	rig, _, err := t.rig(name)
	return func(beads.ID) string { return rig }, err
}

// importing is an import under way.
type importing struct {
	t     *Town
	tx    *store.Tx
	who   api.Caller
	rigOf func(beads.ID) string
	out   api.Imported
}

func (im *importing) warn(line int, format string, args ...any) {
	im.out.Warnings = append(im.out.Warnings, fmt.Sprintf("line %d: %s", line, fmt.Sprintf(format, args...)))
}

func (im *importing) line(l beads.Line) error {
	var old *beads.Bead
	if l.Bead.ID != "" && im.tx.HasBead(l.Bead.ID) {
		var err error
		if old, err = im.tx.Bead(l.Bead.ID); err != nil {
			return err
		}
	}
	taken, err := false, error(nil)
	if old != nil {
		taken, err = im.over(l, old)
	} else {
		err, taken = im.new(l), true
	}
	switch {
	case fault.Is(err, fault.Refused): // not for this caller to say
		im.warn(l.N, "left out: %s", fault.From(err).Msg)
		im.out.Skipped++
		return nil
	case err != nil:
		return err
	case !taken:
		im.out.Skipped++
	case old != nil:
		im.out.Updated++
	default:
		im.out.Created++
	}
	return nil
}

// over lays a line over the bead that is here; false: there was nothing to take.
func (im *importing) over(l beads.Line, old *beads.Bead) (bool, error) {
	if !l.Bead.UpdatedAt.After(old.UpdatedAt) {
		return false, nil
	}
	if old.Status == beads.Working || old.Status == beads.Submitted {
		im.warn(l.N, "%s is %s here and left as it is", old.ID, old.Status)
		return false, nil
	}
	b, left := l.Over(old, im.t.deps.Now())
	if left != "" {
		im.warn(l.N, "%s: %s", old.ID, left)
	}
	if len(beads.Changes(old, b)) == 0 {
		return false, nil
	}
	return true, im.t.put(im.tx, im.who, old, b, beads.Event{Kind: beads.EvImported, Text: changed("imported")(old, b)})
}

// new makes the bead of a line that is not here; without an id it is given one.
func (im *importing) new(l beads.Line) error {
	b := l.New()
	if b.Rig = im.rigOf(b.ID); b.Rig == "" {
		return fault.Usagef("there are several rigs, and none has the prefix of %s", cmp.Or(b.ID, "a bead without an id")).WithHint("say which with --rig")
	}
	if b.ID == "" {
		id, err := im.tx.NewID(im.t.settings().Rigs[b.Rig].Prefix, "", b)
		if err != nil {
			return err
		}
		b.ID = id
		b.Dependencies, b.Comments = slices.Clone(b.Dependencies), slices.Clone(b.Comments)
		for i := range b.Dependencies {
			b.Dependencies[i].IssueID = id
		}
		for i := range b.Comments {
			b.Comments[i].IssueID = id
		}
	}
	return im.t.put(im.tx, im.who, nil, b, beads.Event{Kind: beads.EvImported, Text: fmt.Sprintf("imported %s: %s (%s)", b.ID, beads.Clean(b.Title, 200), b.Status)})
}

func (t *Town) beadExport(_ context.Context, _ api.Caller, _ api.Empty) (out api.Exported, err error) {
	err = t.store.View(func(tx *store.Tx) error {
		all, err := tx.Beads()
		if err != nil {
			return err
		}
		var buf bytes.Buffer
		_, err = beads.Encode(&buf, all)
		out.Data = buf.Bytes()
		return err
	})
	return out, err
}
