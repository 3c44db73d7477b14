package town

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/api"
	"gastown/internal/config"
	"gastown/internal/fault"
	"gastown/internal/git"
	"gastown/refinery"
	"gastown/refinery/run"
)

// queueApprove is a person's yes. It is for the change they could see: where the target moves
// in the same files before it lands, they are asked again.
func (t *Town) queueApprove(_ context.Context, who api.Caller, r api.ApproveReq) (api.QueueEntry, error) {
	return t.queueAct(r.Bead, func(id beads.ID) refinery.Event {
		return refinery.Approve{Bead: id, By: who.Name, Tree: r.Tree}
	}, func(e api.QueueEntry) error {
		switch {
		case e.State != refinery.EntryApprove || e.Green == nil:
			return fault.Refusedf("approve %s: it does not wait for a yes: %s", e.Bead, e.Why)
		case r.Tree != "" && r.Tree != e.Green.Tree:
			return fault.Refusedf("approve %s: it is another tree by now, %.10s", e.Bead, e.Green.Tree).WithHint("gastown diff %s", e.Bead)
		}
		return nil
	})
}

// queueReject sends a merge request back with a person's remarks: the bead is open with them,
// and its next attempt goes on from this one's tip. A person's is no strike against the bead.
func (t *Town) queueReject(_ context.Context, who api.Caller, r api.RejectReq) (out api.Bead, err error) {
	text := strings.TrimSpace(beads.CleanText(r.Text))
	if text == "" {
		return out, fault.Usagef("queue reject: say what is wrong with it")
	}
	err = t.update(func(tx *store.Tx) error {
		e, err := t.entry(tx, r.Bead)
		if err != nil {
			return err
		}
		if err := t.feed(tx, e.Rig, refinery.Reject{Bead: e.Bead, By: who.Name, Person: who.Role == "person", Text: text}); err != nil {
			return err
		}
		b, err := tx.Bead(e.Bead)
		if err != nil {
			return err
		}
		if b.Status == beads.Submitted {
			return fault.Refusedf("%s: it is landing right now", e.Bead).WithHint("gastown queue revert %s, once it has", e.Bead)
		}
		out, err = t.outside(tx, b)
		return err
	})
	return out, err
}

// gateLike is why what a tip changes needs a person's yes, or "". Each candidate is looked at again.
func (t *Town) gateLike(ctx context.Context, repo *git.Repo, rig, tip string) (string, error) {
	_, changes, err := t.changes(ctx, repo, rig, tip)
	if err != nil {
		return "", err
	}
	r := &run.Runner{Rig: rig, Repo: repo}
	return r.Asks(ctx, changes, t.queueConfig(rig).Gates)
}

// asks is why the landing of a bead waits for a person, or "": the rig's settings, or what
// the change itself is.
func (t *Town) asks(b *beads.Bead, change string) string {
	for _, want := range t.settings().Rigs[b.Rig].Approve {
		switch {
		case want == config.ApproveAll:
			return "the rig asks for every change"
		case slices.Contains(b.Labels, want):
			return fmt.Sprintf("the rig asks for the label %s", want)
		}
	}
	return change
}

// asksNow are the entries that wait for a person by now, or no longer: a label or a setting came or went after they
// were submitted. No event of the queue passes without this look.
func (t *Town) asksNow(tx *store.Tx, q refinery.Queue) (out []refinery.Event) {
	asking := len(t.settings().Rigs[q.Rig].Approve) > 0
	for _, e := range q.Entries {
		if e.State == refinery.EntryPR || e.Wished || q.Landing(e.Bead) || // a proposed one gets its yes at the forge
			e.AskFirst && !e.Plain || !e.AskFirst && !asking {
			continue
		}
		b, err := tx.Bead(e.Bead)
		if err != nil {
			continue // the queue's entry no longer fits: its landing says so
		}
		if why := t.asks(b, ""); e.AskFirst == (why == "") {
			out = append(out, refinery.Ask{Bead: e.Bead, Why: why})
		}
	}
	return out
}

// greenOf is the candidate of an attempt that waits for a person's yes, or nil.
func (t *Town) greenOf(a *beads.Attempt) (c *refinery.Candidate) {
	_ = t.store.View(func(tx *store.Tx) error {
		q, err := t.queue(tx, a.Rig)
		for _, e := range q.Entries {
			if e.Bead == a.Bead && e.N == a.N && e.State == refinery.EntryApprove {
				c = e.Green
			}
		}
		return err
	})
	return c
}
