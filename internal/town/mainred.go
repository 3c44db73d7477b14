package town

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/api"
	"gastown/refinery"
)

// redLines is how much of a gate's output the bead of a red main quotes.
const redLines = 100

// fileRed makes the bead that is to mend a rig's red main, in the transaction that stores that
// it is red. While an earlier one is still open that one stands for it. Nothing starts on it:
// a person or the Mayor slings it, or dispatch does where it may.
func (t *Town) fileRed(tx *store.Tx, rig string, r refinery.FileRed, now time.Time) error {
	id, err := redBead(tx, rig)
	if err != nil {
		return err
	}
	note := fmt.Sprintf("%s at %.10s: %s.", t.queueConfig(rig).Branch, r.Commit, r.Why)
	if b, err := tx.Bead(id); id != "" && err == nil && b.Status != beads.Closed {
		c := b.Clone()
		c.Comments = append(c.Comments, beads.Comment{ID: t.deps.Token(), IssueID: b.ID, Author: "refinery", Text: note + "\n\n" + redLog(r), CreatedAt: now.UTC()})
		c.UpdatedAt = now.UTC()
		return errors.Join(tx.PutBead(c), tx.Append(beads.Event{Kind: beads.EvCommented, Actor: "refinery", Rig: rig, Bead: b.ID, Text: "still red: " + note}))
	}
	b, err := t.newBead(api.BeadCreateReq{
		Title: fmt.Sprintf("main is red: gate %s fails at %.10s", beads.Clean(r.Gate, 40), r.Commit), Type: string(beads.Bug), Priority: new(0), Labels: []string{"main-red"},
		Description: note + " The merge queue lands nothing but what mends it; nobody's work is blamed.\n\n" + redLog(r),
		Accept:      fmt.Sprintf("Gate %s passes on this change alone, without being weakened.", beads.Clean(r.Gate, 40)),
	}, rig, "refinery")
	if err != nil {
		return err
	}
	if err := t.insert(tx, b, t.settings().Rigs[rig].Prefix, "", nil, api.Caller{Name: "refinery", Role: "host"}); err != nil {
		return err
	}
	return tx.PutKV(kvRed+rig, b.ID)
}

func redLog(r refinery.FileRed) string {
	text := "Its whole output: " + r.LogPath
	if tail := strings.TrimSpace(lastLines(beads.CleanText(r.Log), redLines)); tail != "" {
		text += "\nThe end of it:\n\n" + tail
	}
	return text
}

// redGone takes the bead of a red main back that nobody began: main is green without it. One
// that somebody works on is theirs to end.
func (t *Town) redGone(tx *store.Tx, rig string, r refinery.RedGone, now time.Time) error {
	id, err := redBead(tx, rig)
	if err != nil || id == "" {
		return err
	}
	if err := tx.DeleteKV(kvRed + rig); err != nil {
		return err
	}
	b, err := tx.Bead(id)
	if err != nil || b.Status != beads.Open || b.LastAttempt > 0 || b.Sling != nil {
		return nil //nolint:nilerr // a bead that is gone needs no end
	}
	c, err := b.Apply(beads.Drop, now)
	if err != nil {
		return refuse(err)
	}
	c.CloseReason = fmt.Sprintf("%s: main is green again at %.10s", beads.CloseDropped, r.Commit)
	return errors.Join(tx.PutBead(c), tx.Append(beads.Event{Kind: beads.EvBeadClosed, Actor: "refinery", Rig: rig, Bead: b.ID, Text: fmt.Sprintf("closed %s: main is green again", b.ID)}))
}

// redBead is the bead that was filed for a rig's red main, or "".
func redBead(tx *store.Tx, rig string) (id beads.ID, err error) {
	_, err = tx.GetKV(kvRed+rig, &id)
	return id, err
}
