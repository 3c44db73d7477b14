package api

import (
	"time"

	"gastown/beads"
	"gastown/refinery"
)

// ApproveReq is a person's yes to a green merge request; with Tree, to that tree only.
type ApproveReq struct {
	Bead beads.ID `json:"bead"`
	Tree string   `json:"tree,omitempty"`
}

// RejectReq sends a merge request back to its bead with remarks for the next attempt.
type RejectReq struct {
	Bead beads.ID `json:"bead"`
	Text string   `json:"text"`
}

// LogReq asks for a gate's output by rig or by bead.
type LogReq struct {
	Rig   string   `json:"rig,omitempty"`
	Bead  beads.ID `json:"bead,omitempty"`
	Lines int      `json:"lines,omitempty"` // 0: all, capped at 8 MiB
}

// QueueEntry is one merge request as the outside sees it.
type QueueEntry struct {
	Bead     beads.ID              `json:"bead"`
	Attempt  int                   `json:"attempt"`
	Polecat  string                `json:"polecat"`
	Title    string                `json:"title"`
	Rig      string                `json:"rig"`
	State    refinery.EntryState   `json:"state"`
	Position int                   `json:"position"` // from 1
	Phase    string                `json:"phase"`    // name of the running gate
	Since    time.Time             `json:"since"`
	Queued   time.Time             `json:"queued_at"`
	Tries    int                   `json:"tries"`
	Tip      string                `json:"tip"`
	Gates    []refinery.GateResult `json:"gates"` // finished in this run
	Why      string                `json:"why"`
	Hint     string                `json:"hint,omitempty"` // what to do about it, where the Refinery itself holds it
	HeldBy   string                `json:"held_by,omitempty"`
	Ask      string                `json:"ask,omitempty"`   // why a person's yes is needed
	Green    *refinery.Candidate   `json:"green,omitempty"` // what the yes is for
	PR       string                `json:"pr,omitempty"`    // address of its pull request
	Elapsed  time.Duration         `json:"elapsed_ns,omitempty"`
	Usual    time.Duration         `json:"usual_ns,omitempty"`
	Batch    []beads.ID            `json:"batch"`                // tested together with it, itself included, in landing order
	Of       int                   `json:"of,omitempty"`         // Batch is a part of this many that are red together
	Step     string                `json:"step,omitempty"`       // the same in words
	Expected time.Time             `json:"expected_at,omitzero"` // of its landing, if all is green and as quick as usual
	Proof    *beads.Proof          `json:"proof,omitempty"`      // what its tests say without its change

	PersonHeld bool `json:"-"` // HeldBy is a person
}

// LandedBead is one landing with what its tests say without the change.
type LandedBead struct {
	refinery.LandedBead
	Proof *beads.Proof `json:"proof,omitempty"`
}

// RefineryInfo is the long form of one rig's Refinery.
type RefineryInfo struct {
	Rig string `json:"rig"`
	RefineryState
	Branch  string        `json:"branch"`
	Main    string        `json:"main"`
	Ungated bool          `json:"ungated"` // it has no gate and lands all the same
	Paused  bool          `json:"paused"`
	Queue   []QueueEntry  `json:"queue"`
	Run     *refinery.Run `json:"run,omitempty"`
	Landed  []LandedBead  `json:"recent"`
	Total   int           `json:"landed"`
	Bounced int           `json:"bounced"`
	Gates   []string      `json:"gates"`
	// Step says which part of a search the run is; empty for one bead alone.
	Step string `json:"step,omitempty"`
	// Usual is how long each gate takes when it passes, by name in nanoseconds.
	Usual map[string]time.Duration `json:"usual_ns,omitempty"`
	Tail  []string                 `json:"tail"`           // last lines of the running gate, cleaned
	Note  string                   `json:"note,omitempty"` // what a restart or resume did besides
}

// AdoptReq takes a commit of a rig's repository into its merge queue.
type AdoptReq struct {
	Commit string `json:"commit"`
	Rig    string `json:"rig,omitempty"`
}
