package api

import (
	"encoding/json"
	"time"

	"gastown/beads"
	"gastown/refinery"
)

// Bead is a bead as the outside sees it.
type Bead struct {
	beads.Bead
	Ready     bool             `json:"ready"`
	BlockedBy []beads.ID       `json:"blocked_by"`
	Attempts  []*beads.Attempt `json:"attempts"`
	// Overlaps is other unlanded work in the same files, while the host knows of some.
	Overlaps []refinery.Overlap `json:"overlaps"`
	PR       string             `json:"pr,omitempty"` // address of its pull request
}

// BeadCreateReq creates a bead. Empty Rig is the only rig, or the one of the caller.
type BeadCreateReq struct {
	Title       string          `json:"title"`
	Description string          `json:"description,omitempty"`
	Priority    *int            `json:"priority,omitempty"` // nil: 2
	Type        string          `json:"type,omitempty"`     // empty: task
	Accept      string          `json:"acceptance_criteria,omitempty"`
	Design      string          `json:"design,omitempty"`
	Deps        []beads.ID      `json:"deps,omitempty"` // it waits for these
	Parent      beads.ID        `json:"parent,omitempty"`
	Labels      []string        `json:"labels,omitempty"`
	Rig         string          `json:"rig,omitempty"`
	Agent       string          `json:"agent,omitempty"`
	NeedsCode   *bool           `json:"needs_code,omitempty"` // nil: by type
	Metadata    json.RawMessage `json:"metadata,omitempty"`
}

// BeadListReq narrows a list; zero fields do not.
type BeadListReq struct {
	Status string `json:"status,omitempty"` // a status, or "ready", "blocked"
	Rig    string `json:"rig,omitempty"`
	Label  string `json:"label,omitempty"`
	Limit  int    `json:"limit,omitempty"`
}

// BeadUpdateReq changes what is not nil.
type BeadUpdateReq struct {
	Bead        beads.ID  `json:"bead"`
	Title       *string   `json:"title,omitempty"`
	Description *string   `json:"description,omitempty"`
	Accept      *string   `json:"acceptance_criteria,omitempty"`
	Design      *string   `json:"design,omitempty"`
	Notes       *string   `json:"notes,omitempty"`
	Priority    *int      `json:"priority,omitempty"`
	Type        *string   `json:"type,omitempty"`
	Labels      *[]string `json:"labels,omitempty"`
	Agent       *string   `json:"agent,omitempty"`
	NeedsCode   *bool     `json:"needs_code,omitempty"`
	// Defer defers until then; the zero time takes a deferral back.
	Defer *time.Time `json:"defer_until,omitempty"`
	// Action, where it is not 0, makes calls that give the same one action for undo.
	Action uint64 `json:"action,omitempty"`
}

// BeadCloseReq closes a bead as dropped.
type BeadCloseReq struct {
	Bead   beads.ID `json:"bead"`
	Reason string   `json:"reason,omitempty"`
	// Action, where it is not 0, makes calls that give the same one action for undo.
	Action uint64 `json:"action,omitempty"`
}

// DepReq names an edge: Bead waits for On.
type DepReq struct {
	Bead beads.ID `json:"bead"`
	On   beads.ID `json:"on"`
	Type string   `json:"type,omitempty"` // empty: blocks
}

// CommentReq adds a comment.
type CommentReq struct {
	Bead beads.ID `json:"bead"`
	Text string   `json:"text"`
}

// ImportReq carries Beads JSONL.
type ImportReq struct {
	Data []byte `json:"data"`
	Rig  string `json:"rig,omitempty"`
}

// Imported counts what an import did.
type Imported struct {
	Created  int      `json:"created"`
	Updated  int      `json:"updated"`
	Skipped  int      `json:"skipped"` // as it is here, older, or not for the caller to change
	Warnings []string `json:"warnings"`
}

// Exported is Beads JSONL.
type Exported struct {
	Data []byte `json:"data"`
}

// PlanReq turns a spec into beads. Text wins over Path; a Path is looked up in the rig's
// main, then in the person's checkout.
type PlanReq struct {
	Path   string `json:"path,omitempty"`
	Text   []byte `json:"text,omitempty"`
	Rig    string `json:"rig,omitempty"`
	Apply  bool   `json:"apply,omitempty"`  // make the beads and the convoy
	Launch bool   `json:"launch,omitempty"` // and launch it
	Again  bool   `json:"again,omitempty"`  // also where its beads were made before
}

// PlannedBead is one bead of a plan, made when ID is set.
type PlannedBead struct {
	ID       beads.ID `json:"id,omitempty"`
	Key      string   `json:"key"`
	Title    string   `json:"title"`
	Type     string   `json:"type"`
	Priority int      `json:"priority"`
	Needs    []string `json:"needs"` // keys
	Line     int      `json:"line"`
}

// PlanProblem is one fault in a spec's structure.
type PlanProblem struct {
	Line     int    `json:"line"`
	Msg      string `json:"msg"`
	Severity string `json:"severity"` // "error" or "warning"
}

// Planned is a plan, and what was made of it.
type Planned struct {
	Name     string        `json:"name"`
	Source   string        `json:"source"` // where the text was found
	Rig      string        `json:"rig"`
	Beads    []PlannedBead `json:"beads"`
	Waves    [][]string    `json:"waves"` // keys
	Problems []PlanProblem `json:"problems"`
	Convoy   string        `json:"convoy,omitempty"`
	Applied  bool          `json:"applied"`
	Launched bool          `json:"launched"`
}

// ConvoyCreateReq names a set of beads; From adds the children of a bead.
type ConvoyCreateReq struct {
	Name  string     `json:"name"`
	Beads []beads.ID `json:"beads,omitempty"`
	From  beads.ID   `json:"from,omitempty"`
}

// Convoy is a convoy with its progress.
type Convoy struct {
	beads.Convoy
	Total  int          `json:"total"`
	Closed int          `json:"closed"`
	Waves  [][]beads.ID `json:"waves"`
}
