package beads

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Close reasons. CloseMerged is followed by the merge commit.
const (
	CloseMerged  = "merged "
	CloseResult  = "result"
	CloseDropped = "dropped"
)

// MaxRejections is how often the queue sends a bead back before a person is asked (domain: three).
const MaxRejections = 3

// ErrNeedsCode is a result given for a bead that only a merge closes.
var ErrNeedsCode = errors.New("it needs code: commit and submit, a result alone does not close it")

// Clone is a deep enough copy of b to change every field of.
func (b *Bead) Clone() *Bead {
	c := *b
	c.Labels = slices.Clone(b.Labels)
	c.Dependencies = slices.Clone(b.Dependencies)
	c.Comments = slices.Clone(b.Comments)
	c.Metadata = slices.Clone(b.Metadata)
	c.StartedAt = clonePtr(b.StartedAt)
	c.ClosedAt = clonePtr(b.ClosedAt)
	c.DueAt = clonePtr(b.DueAt)
	c.DeferUntil = clonePtr(b.DeferUntil)
	c.Sling = clonePtr(b.Sling)
	c.Next = clonePtr(b.Next)
	if b.Extra != nil {
		c.Extra = make(map[string]json.RawMessage, len(b.Extra))
		for k, v := range b.Extra {
			c.Extra[k] = slices.Clone(v)
		}
	}
	return &c
}

// Clone is a copy of a to change.
func (a *Attempt) Clone() *Attempt {
	c := *a
	c.Slung = clonePtr(a.Slung)
	c.Start = clonePtr(a.Start)
	c.Proc = clonePtr(a.Proc)
	c.Proof = clonePtr(a.Proof)
	c.Gates = slices.Clone(a.Gates)
	c.Tokens = clonePtr(a.Tokens)
	c.CostUSD = clonePtr(a.CostUSD)
	return &c
}

// Apply is b after action on: status, assignee, closing time and reason follow the table.
// Use Merged, Finished and Asked for what needs a commit, a result or a reason.
func (b *Bead) Apply(on Action, now time.Time) (*Bead, error) {
	to, err := Move(b.Status, on)
	if err != nil {
		return nil, fmt.Errorf("bead %q: %w", b.ID, err)
	}
	if on == Finish && b.NeedsCode {
		return nil, fmt.Errorf("bead %q: %w", b.ID, ErrNeedsCode)
	}
	c := b.Clone()
	if to != b.Status {
		c.StatusSince = now.UTC()
	}
	c.Status, c.UpdatedAt = to, now.UTC()
	if to != Working && to != Submitted {
		c.Assignee = ""
	}
	if to != NeedsYou {
		c.Reason = ""
	}
	switch on {
	case Claim:
		c.Sling, c.Next = nil, nil
		if c.StartedAt == nil {
			c.StartedAt = new(now.UTC())
		}
	case Submit:
		c.Failures = 0
	case Reject, StrikeOut:
		c.Rejections++
	case Lose:
		c.Failures++
	case Resolve:
		c.Rejections, c.Failures = 0, 0
	case Drop:
		c.CloseReason = CloseDropped
	case Finish:
		c.CloseReason = CloseResult
	case Reopen:
		c.CloseReason, c.MergeCommit, c.Result = "", "", ""
		c.Rejections, c.Failures = 0, 0
	case Undefer:
		c.DeferUntil = nil
	}
	if to == Closed {
		c.ClosedAt, c.Sling, c.Next = new(now.UTC()), nil, nil
	} else {
		c.ClosedAt = nil
	}
	return c, nil
}

// Asked is b after its attempt ended for a person to look at, with the reason they read.
func (b *Bead) Asked(reason string, now time.Time) (*Bead, error) {
	on := Ask
	if b.Status == Submitted {
		on = StrikeOut
	}
	c, err := b.Apply(on, now)
	if err != nil {
		return nil, err
	}
	c.Reason, c.Sling = reason, nil
	return c, nil
}

// Merged is b after the Refinery landed it as commit.
func (b *Bead) Merged(commit string, now time.Time) (*Bead, error) {
	c, err := b.Apply(Land, now)
	if err != nil {
		return nil, err
	}
	c.MergeCommit, c.CloseReason = commit, CloseMerged+commit
	return c, nil
}

// Finished is b closed by a result, without code.
func (b *Bead) Finished(result string, now time.Time) (*Bead, error) {
	c, err := b.Apply(Finish, now)
	if err != nil {
		return nil, err
	}
	c.Result = result
	return c, nil
}

// Ending says in a word how a closed bead ended: merged, result or dropped, or elsewhere for one that
// was closed before it was imported.
func (b *Bead) Ending() string {
	word, _, _ := strings.Cut(b.CloseReason, ":")
	switch {
	case b.MergeCommit != "":
		return "merged"
	case word == CloseResult, word == CloseDropped:
		return word
	}
	return "elsewhere"
}

// Apply is a after action on, with the times that go with it.
func (a *Attempt) Apply(on Action, now time.Time) (*Attempt, error) {
	to, err := MoveAttempt(a.State, on)
	if err != nil {
		return nil, fmt.Errorf("attempt %q: %w", a.Key(), err)
	}
	c := a.Clone()
	c.State = to
	if to != Limited {
		c.LimitedUntil = time.Time{}
	}
	if to != Asking {
		c.AtTerminal = ""
	}
	if to != Asking && on != Answer {
		c.Question = ""
	}
	switch {
	case on == Begin:
		c.StartedAt = now.UTC()
	case on == Submit:
		c.SubmittedAt, c.EndedAt = now.UTC(), now.UTC()
	case !to.Live() && c.EndedAt.IsZero():
		c.EndedAt = now.UTC()
	}
	return c, nil
}

func clonePtr[T any](p *T) *T {
	if p == nil {
		return nil
	}
	return new(*p)
}
