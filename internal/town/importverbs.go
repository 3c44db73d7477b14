package town

import (
	"bytes"
	"context"
	"fmt"

	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/api"
	"gastown/internal/fault"
)

// byPrefix is the rig of each prefix of bead ids.
func (t *Town) byPrefix() map[string]string {
	out := map[string]string{}
	for name, rc := range t.settings().Rigs {
		out[rc.Prefix] = name
	}
	return out
}

func (t *Town) beadImport(_ context.Context, who api.Caller, r api.ImportReq) (out api.Imported, err error) {
	rig, _, err := t.rig(r.Rig)
	rigs := t.byPrefix()
	if r.Rig == "" && len(rigs) > 1 { // the beads' prefixes say which
		rig, err = "", nil
	}
	if err != nil {
		return out, err
	}
	set, err := beads.Decode(bytes.NewReader(r.Data), t.deps.Now())
	if err != nil {
		return out, fault.Usagef("import: %w", err)
	}
	for _, p := range set.Problems {
		out.Warnings = append(out.Warnings, fmt.Sprintf("line %d: %s", p.Line, p.Msg))
	}
	err = t.update(func(tx *store.Tx) error {
		for _, b := range set.Beads {
			if tx.HasBead(b.ID) {
				old, err := tx.Bead(b.ID)
				if err != nil {
					return err
				}
				if !b.UpdatedAt.After(old.UpdatedAt) {
					out.Skipped++
					continue
				}
				if old.Status == beads.Working || old.Status == beads.Submitted {
					out.Skipped++
					out.Warnings = append(out.Warnings, fmt.Sprintf("%s: %s here, left as it is", old.ID, old.Status))
					continue
				}
				keepOurs(b, old)
				out.Updated++
			} else {
				out.Created++
				b.Rig, b.NeedsCode = rig, b.Type.NeedsCode()
				if rig == "" {
					b.Rig = rigs[beads.Prefix(b.ID)]
				}
				if b.Rig == "" {
					return fault.Usagef("import: there are several rigs, and none has the prefix of %s", b.ID).WithHint("say which with --rig")
				}
			}
			if err := tx.PutBead(b); err != nil {
				return err
			}
		}
		_, g, err := graph(tx)
		if err != nil {
			return err
		}
		if c := g.Cycle(); c != nil {
			return fault.Refusedf("import: the dependencies close a circle: %s", joinIDs(c, " -> "))
		}
		return tx.Append(beads.Event{Kind: beads.EvBeadCreated, Actor: who.Name, Rig: rig, Text: fmt.Sprintf("imported %d beads, updated %d", out.Created, out.Updated)})
	})
	return out, err
}

// keepOurs carries over what the exchange format does not hold.
func keepOurs(b, old *beads.Bead) {
	b.Rig, b.Agent, b.NeedsCode, b.LastAttempt, b.Next = old.Rig, old.Agent, old.NeedsCode, old.LastAttempt, old.Next
	if b.Status == beads.Closed {
		b.MergeCommit = old.MergeCommit
	}
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
