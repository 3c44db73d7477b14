package store

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"gastown/beads"
	"gastown/internal/fault"
)

// ClaimReq says who takes which bead.
type ClaimReq struct {
	Bead    beads.ID // required
	Polecat string   // required
	Preset  string   // required
	Model   string
	Token   string    // of the new attempt; its grant is stored
	By      string    // who started it; empty: the polecat
	Now     time.Time // zero: the store's clock
}

// Claim gives a bead to a polecat: the one way an attempt begins. Refused where the bead is not
// ready, has a live attempt, or the polecat is busy. The new attempt is `starting`, and the
// bead's Next has become its Start.
func Claim(t *Tx, r ClaimReq) (*beads.Attempt, error) {
	if r.Now.IsZero() {
		r.Now = t.Now()
	}
	b, err := t.Bead(r.Bead)
	if err != nil {
		return nil, err
	}
	if r.Polecat == "" || r.Preset == "" {
		return nil, fault.Usagef("claim bead %q: no polecat or agent named", r.Bead)
	}
	if err := t.free(b, r.Polecat); err != nil {
		return nil, err
	}
	if err := t.ready(b, r.Now); err != nil {
		return nil, err
	}
	claimed, err := b.Apply(beads.Claim, r.Now)
	if err != nil {
		return nil, refused(err)
	}
	claimed.Assignee = r.Polecat
	claimed.LastAttempt++
	a := &beads.Attempt{
		Bead: b.ID, N: claimed.LastAttempt, Rig: b.Rig, Polecat: r.Polecat, Preset: r.Preset, Model: r.Model,
		State: beads.Starting, Branch: beads.BranchName(b.ID, claimed.LastAttempt), Slung: b.Sling, Start: b.Next, CreatedAt: r.Now.UTC(),
	}
	if err := errors.Join(t.PutBead(claimed), t.PutAttempt(a)); err != nil {
		return nil, err
	}
	if r.Token != "" {
		g := &beads.Grant{Role: "polecat", Rig: a.Rig, Bead: a.Bead, Attempt: a.N, Polecat: a.Polecat, At: a.CreatedAt}
		if err := t.PutGrant(r.Token, g); err != nil {
			return nil, err
		}
	}
	by := r.By
	if by == "" {
		by = r.Polecat
	}
	err = t.Append(beads.Event{
		At: a.CreatedAt, Kind: beads.EvClaimed, Actor: by, Rig: a.Rig, Bead: a.Bead, Attempt: a.N, Polecat: a.Polecat,
		Text: fmt.Sprintf("%s takes %s (attempt %d, %s)", a.Polecat, a.Bead, a.N, a.Preset),
	})
	return a, err
}

// free is an error if b has a live attempt or the polecat is at another bead.
func (t *Tx) free(b *beads.Bead, polecat string) error {
	live, err := t.LiveAttempts()
	if err != nil {
		return err
	}
	for _, a := range live {
		switch {
		case a.Bead == b.ID:
			return fault.Refusedf("bead %q: %s works on it (attempt %d)", b.ID, a.Polecat, a.N)
		case a.Polecat == polecat:
			return fault.Refusedf("polecat %q: busy with %s", polecat, a.Bead)
		}
	}
	return nil
}

// ready is an error that says why b cannot be started.
func (t *Tx) ready(b *beads.Bead, now time.Time) error {
	switch {
	case b.Status != beads.Open:
		return fault.Refusedf("bead %q: it is %s", b.ID, b.Status)
	case b.DeferUntil != nil && b.DeferUntil.After(now):
		return fault.Refusedf("bead %q: deferred until %s", b.ID, b.DeferUntil.Format(time.RFC3339))
	case !b.Startable(now):
		return fault.Refusedf("bead %q: of a kind that is not worked on", b.ID)
	}
	g, err := t.graphOf(b)
	if err != nil {
		return err
	}
	if on := g.BlockedBy(b.ID); len(on) > 0 {
		return fault.Refusedf("bead %q: blocked by %s", b.ID, t.name(on))
	}
	if !g.Ready(b, now) {
		return fault.Refusedf("bead %q: its parent is deferred", b.ID)
	}
	return nil
}

func (t *Tx) name(ids []beads.ID) string {
	var out []string
	for _, id := range ids {
		if !t.HasBead(id) {
			id += " (no such bead)"
		}
		out = append(out, string(id))
	}
	return strings.Join(out, ", ")
}

// Step moves a bead and its newest attempt n together: Submit, Finish, Lose, Kill, Reject, StrikeOut, Land or
// Withdraw, as the tables allow; Ask ends a live attempt as lost. edit, if not nil, may change both
// before they are stored. An attempt that is not the newest changes nothing: Refused. What ends an
// attempt takes its token back. The event and the queue entry are the caller's, as is an attempt that
// moves alone (Begin, Question, ...): Attempt.Apply and PutAttempt.
func Step(t *Tx, id beads.ID, n int, on beads.Action, now time.Time, edit func(*beads.Bead, *beads.Attempt)) (*beads.Bead, *beads.Attempt, error) {
	b, err := t.Bead(id)
	if err != nil {
		return nil, nil, err
	}
	if n != b.LastAttempt {
		return nil, nil, fault.Refusedf("attempt %q: over, the newest is %d", beads.AttemptKey(id, n), b.LastAttempt)
	}
	return move(t, b, n, on, now, edit)
}

// Land is Step for a landing, of whichever attempt: the forge merges what it was shown once,
// whatever became of the bead here. One that is merged already stays as it is.
func Land(t *Tx, id beads.ID, n int, now time.Time, edit func(*beads.Bead, *beads.Attempt)) (*beads.Bead, *beads.Attempt, error) {
	b, err := t.Bead(id)
	if err != nil {
		return nil, nil, err
	}
	if b.MergeCommit != "" {
		return nil, nil, fault.Refusedf("bead %q: it has landed as %.10s", id, b.MergeCommit)
	}
	on := beads.Overtake
	if b.Status == beads.Submitted {
		on = beads.Land
	}
	return move(t, b, n, on, now, edit)
}

func move(t *Tx, b *beads.Bead, n int, on beads.Action, now time.Time, edit func(*beads.Bead, *beads.Attempt)) (*beads.Bead, *beads.Attempt, error) {
	a, err := t.Attempt(b.ID, n)
	if err != nil {
		return nil, nil, err
	}
	onAttempt := on
	if on == beads.Ask {
		onAttempt = beads.Lose
	}
	a2, err := a.Apply(onAttempt, now)
	if err != nil {
		return nil, nil, refused(err)
	}
	b2, err := b.Apply(on, now)
	if err != nil {
		return nil, nil, refused(err)
	}
	if edit != nil {
		edit(b2, a2)
	}
	if err := errors.Join(t.PutBead(b2), t.PutAttempt(a2)); err != nil {
		return nil, nil, err
	}
	if a.State.Live() && !a2.State.Live() {
		err = t.Revoke(func(g *beads.Grant) bool { return g.Bead == b.ID && g.Attempt == n && g.Role == "polecat" })
	}
	return b2, a2, err
}

func refused(err error) error { return fault.Refusedf("%w", err) }
