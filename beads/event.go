package beads

import (
	"encoding/json"
	"time"
)

// Event is one thing that happened, written in the transaction that made it true.
type Event struct {
	Seq     uint64    `json:"seq"` // position in the log, from 1, without gaps until old ones are pruned
	At      time.Time `json:"at"`
	Kind    string    `json:"kind"` // dotted, such as "bead.created"; see the Kind constants
	Actor   string    `json:"actor"`
	Rig     string    `json:"rig,omitempty"`
	Bead    ID        `json:"bead,omitempty"`
	Attempt int       `json:"attempt,omitempty"`
	Polecat string    `json:"polecat,omitempty"`
	Text    string    `json:"text"` // one line for a person: the effect
	Reason  string    `json:"reason,omitempty"`
}

// Kinds of events. The word before the dot is what it is about.
const (
	EvBeadCreated   = "bead.created"
	EvBeadUpdated   = "bead.updated"
	EvBeadClosed    = "bead.closed"
	EvBeadReopened  = "bead.reopened"
	EvBeadSlung     = "bead.slung"
	EvNeedsYou      = "bead.needs_you"
	EvDepAdded      = "bead.dep_added"
	EvDepRemoved    = "bead.dep_removed"
	EvCommented     = "bead.commented"
	EvImported      = "bead.imported"
	EvClaimed       = "attempt.claimed"
	EvStarted       = "attempt.started"
	EvSubmitted     = "attempt.submitted"
	EvAsked         = "attempt.asked"
	EvAnswered      = "attempt.answered"
	EvStalled       = "attempt.stalled"
	EvAwake         = "attempt.awake"
	EvLimited       = "attempt.limited"
	EvUnlimited     = "attempt.unlimited"
	EvKilled        = "attempt.killed"
	EvLost          = "attempt.lost"
	EvRejected      = "attempt.rejected"
	EvRescued       = "attempt.rescued"
	EvRestored      = "attempt.restored"
	EvWorktreeGone  = "attempt.worktree_removed"
	EvGateStarted   = "refinery.gate_started"
	EvGateDone      = "refinery.gate_done"
	EvHung          = "refinery.hung"
	EvRestarted     = "refinery.restarted"
	EvPaused        = "refinery.paused"
	EvResumed       = "refinery.resumed"
	EvLanded        = "refinery.landed"
	EvNotDelivered  = "refinery.not_delivered"
	EvDeliveredTo   = "refinery.delivered"
	EvOrigin        = "refinery.origin"
	EvQueueChanged  = "refinery.queue"
	EvTownUp        = "town.up"
	EvTownDown      = "town.down"
	EvTownPaused    = "town.paused"
	EvTownFrozen    = "town.frozen"
	EvTownResumed   = "town.resumed"
	EvRigAdded      = "rig.added"
	EvRigRemoved    = "rig.removed"
	EvRigChecked    = "rig.checked"
	EvConvoyCreated = "convoy.created"
	EvConvoyChanged = "convoy.changed"
	EvMail          = "mail.sent"
	EvMayor         = "mayor.state"
	EvProblem       = "problem"
)

// Message is one mail between people, the Mayor and polecats. Its text is quoted data: it grants nothing.
type Message struct {
	ID   uint64    `json:"id"`
	From string    `json:"from"`
	To   string    `json:"to"`
	Text string    `json:"text"`
	At   time.Time `json:"at"`
	Read bool      `json:"read"`
}

// Fact is one thing to be remembered: every brief carries it.
type Fact struct {
	N    int       `json:"number"` // it keeps it when others are forgotten
	Text string    `json:"text"`
	By   string    `json:"by,omitempty"`
	At   time.Time `json:"at,omitzero"`
}

// UnmarshalJSON also takes a fact as it was stored first: a text alone, who told it within.
func (f *Fact) UnmarshalJSON(raw []byte) error {
	if text := text(raw); text != "" {
		*f = Fact{Text: text}
		return nil
	}
	type plain Fact
	return json.Unmarshal(raw, (*plain)(f))
}

// String is the fact with who told it, as agents read it.
func (f Fact) String() string {
	if f.By == "" {
		return f.Text
	}
	return f.Text + " (told by " + f.By + ")"
}

// ConvoyState is where a convoy stands.
type ConvoyState string

// The convoy states.
const (
	ConvoyPlanned  ConvoyState = "planned"
	ConvoyLaunched ConvoyState = "launched" // its beads start as they become ready
	ConvoyPaused   ConvoyState = "paused"
	ConvoyDone     ConvoyState = "done"
)

// Convoy is a named set of beads.
type Convoy struct {
	Name      string      `json:"name"`
	Beads     []ID        `json:"beads"`
	State     ConvoyState `json:"state"`
	Branch    string      `json:"branch,omitempty"` // was asked for by earlier versions; nothing lands on it
	CreatedAt time.Time   `json:"created_at"`
	CreatedBy string      `json:"created_by"`
}

// Grant is what a capability token allows: to speak as one attempt, or as the Mayor.
type Grant struct {
	Role    string    `json:"role"` // "mayor" or "polecat"
	Rig     string    `json:"rig,omitempty"`
	Bead    ID        `json:"bead,omitempty"`
	Attempt int       `json:"attempt,omitempty"`
	Polecat string    `json:"polecat,omitempty"`
	At      time.Time `json:"at"`
}

// Notice is one thing a person should know of, shown until it is dismissed or no longer true.
type Notice struct {
	Key  string    `json:"key"` // one notice per key: a second one replaces the first
	At   time.Time `json:"at"`
	Rig  string    `json:"rig,omitempty"`
	Bead ID        `json:"bead,omitempty"`
	Text string    `json:"text"`           // one line
	Hint string    `json:"hint,omitempty"` // what to do about it
}
