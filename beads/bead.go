package beads

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// ID names a bead: PREFIX-HASH, children PREFIX-HASH.N.
type ID string

// Status is the stored status of a bead. Ready and blocked are computed.
type Status string

// The stored statuses.
const (
	Open      Status = "open"
	Working   Status = "working"   // a live attempt
	Submitted Status = "submitted" // in the merge queue
	NeedsYou  Status = "needs_you" // waits for a person; Bead.Reason says why
	Deferred  Status = "deferred"
	Closed    Status = "closed"
)

// Statuses lists every stored status in the order of a bead's life.
func Statuses() []Status {
	return []Status{Open, Working, Submitted, NeedsYou, Deferred, Closed}
}

// Type is a Beads issue type.
type Type string

// The types that a bead is given here; any other word that an import brings is kept.
const (
	Task      Type = "task"
	Bug       Type = "bug"
	Feature   Type = "feature"
	Chore     Type = "chore"
	Epic      Type = "epic" // done by its children
	Decision  Type = "decision"
	Spike     Type = "spike"
	Story     Type = "story"
	Milestone Type = "milestone"
)

// Types lists the types that a bead is given here.
func Types() []Type {
	return []Type{Task, Bug, Feature, Chore, Epic, Decision, Spike, Story, Milestone}
}

// ParseType is the type that a word means, bd's aliases too. A slip would not only be kept: it would
// decide that a decision needs code.
func ParseType(word string) (Type, error) {
	word = strings.TrimSpace(word)
	t := normalType(Type(strings.ToLower(word)))
	if word != "" && slices.Contains(Types(), t) {
		return t, nil
	}
	var names []string
	for _, known := range Types() {
		names = append(names, string(known))
	}
	return "", fmt.Errorf("type %q: not one of %s", Clean(word, 60), strings.Join(names, ", "))
}

// NeedsCode is whether a bead of type t closes by a merge unless a person said otherwise.
func (t Type) NeedsCode() bool { return t != Decision && t != Spike && t != Epic }

// Retype gives a bead that may be changed another type. Whether it needs code goes along, unless a
// person said otherwise.
func (b *Bead) Retype(t Type) {
	if b.NeedsCode == b.Type.NeedsCode() {
		b.NeedsCode = t.NeedsCode()
	}
	b.Type = t
}

// Bead is a task. It follows the Beads issue record; the fields from Rig on are ours.
// A Bead that came out of the store is shared: never change one in place.
type Bead struct {
	ID                 ID              `json:"id"`
	Title              string          `json:"title"`
	Description        string          `json:"description,omitempty"`
	Design             string          `json:"design,omitempty"`
	AcceptanceCriteria string          `json:"acceptance_criteria,omitempty"`
	Notes              string          `json:"notes,omitempty"`
	Status             Status          `json:"status"`
	Priority           int             `json:"priority"` // 0 highest .. 4
	Type               Type            `json:"issue_type"`
	Assignee           string          `json:"assignee,omitempty"` // polecat of the live attempt
	Labels             []string        `json:"labels,omitempty"`
	Dependencies       []Dependency    `json:"dependencies,omitempty"`
	Comments           []Comment       `json:"comments,omitempty"`
	EstimatedMinutes   int             `json:"estimated_minutes,omitempty"`
	ExternalRef        string          `json:"external_ref,omitempty"`
	CreatedAt          time.Time       `json:"created_at"`
	CreatedBy          string          `json:"created_by,omitempty"`
	UpdatedAt          time.Time       `json:"updated_at"`
	StartedAt          *time.Time      `json:"started_at,omitempty"`
	ClosedAt           *time.Time      `json:"closed_at,omitempty"`
	CloseReason        string          `json:"close_reason,omitempty"` // "merged SHA", "result", "dropped"
	DueAt              *time.Time      `json:"due_at,omitempty"`
	DeferUntil         *time.Time      `json:"defer_until,omitempty"`
	Metadata           json.RawMessage `json:"metadata,omitempty"`

	Rig         string `json:"rig"`
	Agent       string `json:"agent,omitempty"` // PRESET[:MODEL] asked for
	NeedsCode   bool   `json:"needs_code"`
	Reason      string `json:"reason,omitempty"`       // why NeedsYou
	Result      string `json:"result,omitempty"`       // of a bead without code
	MergeCommit string `json:"merge_commit,omitempty"` // set by the Refinery alone
	Sling       *Sling `json:"sling,omitempty"`        // wish to start, until claimed
	// Stopped: a person killed its polecat; only a sling starts it again, no convoy does.
	Stopped     bool `json:"stopped,omitempty"`
	LastAttempt int  `json:"last_attempt,omitempty"` // N of the newest attempt
	Rejections  int  `json:"rejections,omitempty"`   // since a person last looked
	Failures    int  `json:"failures,omitempty"`     // attempts in a row that ended without a submission
	// StatusSince is when Status became what it is; zero: as it was made. StateSince counts that too.
	StatusSince time.Time `json:"status_since,omitzero"`
	// Next is what the next attempt starts from; nil: the target branch.
	Next *Start `json:"next,omitempty"`

	// Extra keeps fields this program does not know, by their JSON name.
	Extra map[string]json.RawMessage `json:"extra,omitempty"`
}

// StateSince is since when the bead has its status; an edit does not change that.
func (b *Bead) StateSince() time.Time {
	if b.StatusSince.IsZero() {
		return b.CreatedAt
	}
	return b.StatusSince
}

// Sling is a recorded wish that an agent takes the bead as soon as one may start.
type Sling struct {
	At      time.Time `json:"at"`
	By      string    `json:"by"`
	Polecat string    `json:"polecat,omitempty"` // asked for by name
	// NotBefore holds a retry back (back-off); zero: at once.
	NotBefore time.Time `json:"not_before,omitzero"`
}

// Start is what an attempt begins from when it is not simply the target branch.
type Start struct {
	Commit string `json:"commit,omitempty"` // tip of an earlier attempt; main is merged in
	Rescue string `json:"rescue,omitempty"` // rescue ref whose changes are laid over Commit
	Note   string `json:"note,omitempty"`   // for the agent: gate log, conflict, hand-off
	// Rejected is the attempt of which Note says that it was sent back, and why; 0: none.
	Rejected int `json:"rejected,omitempty"`
	// Same asks for the same polecat again, where it is free.
	Same string `json:"same,omitempty"`
	// Session is an agent session to resume, where the preset can.
	Session string `json:"session,omitempty"`
}

// DepType is the type of a dependency.
type DepType string

// The dependency types that matter to readiness; any other string is kept and blocks nothing.
const (
	Blocks         DepType = "blocks"
	ParentChild    DepType = "parent-child"
	Related        DepType = "related"
	DiscoveredFrom DepType = "discovered-from"
	WaitsFor       DepType = "waits-for"
	Conditional    DepType = "conditional-blocks"
)

// Dependency says that IssueID depends on DependsOn. It is stored with IssueID.
type Dependency struct {
	IssueID   ID              `json:"issue_id"`
	DependsOn ID              `json:"depends_on_id"`
	Type      DepType         `json:"type"`
	CreatedAt time.Time       `json:"created_at,omitzero"`
	CreatedBy string          `json:"created_by,omitempty"`
	Metadata  json.RawMessage `json:"metadata,omitempty"`
	ThreadID  string          `json:"thread_id,omitempty"`
}

// Comment is one remark on a bead.
type Comment struct {
	ID        string    `json:"id"`
	IssueID   ID        `json:"issue_id"`
	Author    string    `json:"author"`
	Text      string    `json:"text"`
	CreatedAt time.Time `json:"created_at"`
}
