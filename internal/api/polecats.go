package api

import (
	"time"

	"gastown/beads"
	"gastown/refinery"
)

// SlingReq gives beads to polecats.
type SlingReq struct {
	Beads   []beads.ID `json:"beads"`
	Agent   string     `json:"agent,omitempty"`
	Polecat string     `json:"polecat,omitempty"`
	// Action, where it is not 0, makes calls that give the same one action for undo.
	Action uint64 `json:"action,omitempty"`
}

// Slung says what became of one bead's sling, reassign or revive.
type Slung struct {
	Bead beads.ID `json:"bead"`
	// Started is false when the wish is recorded and waits: Msg says for what.
	Polecat string `json:"polecat,omitempty"`
	Attempt int    `json:"attempt,omitempty"`
	Msg     string `json:"msg"`
	// Warnings is what the bead lacks that an agent is better told (beads.Lint).
	Warnings []string `json:"warnings"`
}

// PolecatInfo is a named worker and, while it has one, its attempt. In JSON as status has it.
type PolecatInfo struct {
	Name     string             `json:"name"`
	Rig      string             `json:"rig"`
	Bead     beads.ID           `json:"bead"`
	Title    string             `json:"title,omitempty"`
	Attempt  int                `json:"attempt"`
	Agent    string             `json:"agent"`
	Model    string             `json:"model,omitempty"`
	State    beads.AttemptState `json:"state"` // "idle" without an attempt
	Since    time.Time          `json:"since"`
	Commits  int                `json:"commits"`
	Files    int                `json:"files"`
	Added    int                `json:"added"`
	Removed  int                `json:"removed"`
	Dirty    int                `json:"dirty"` // uncommitted paths at the last look
	Tokens   *int64             `json:"tokens"`
	CostUSD  *float64           `json:"cost_usd"`
	Question string             `json:"question,omitempty"`
	// AtTerminal is set when the question is answered by typing into its terminal.
	AtTerminal beads.Prompt `json:"at_terminal,omitempty"`
	// Bypass is set when its program does everything without asking.
	Bypass bool `json:"bypass,omitempty"`
	// Quiet is since when its terminal printed nothing; zero before its first output.
	Quiet    time.Time `json:"quiet_since,omitzero"`
	PIDs     []int     `json:"pids"`
	Branch   string    `json:"branch,omitempty"`
	Base     string    `json:"base,omitempty"`
	Worktree string    `json:"worktree,omitempty"`
	// HostGone is set where no host runs: it was at work when the last one ended, and goes on with the next.
	HostGone bool `json:"host_gone,omitempty"`
	// Frozen is whether its processes were made to stand still.
	Frozen bool `json:"frozen,omitempty"`
	// Stalled is whether it has shown no sign of life for longer than its program ever waits in silence.
	Stalled bool `json:"stalled,omitempty"`
	// Terminal is whether there is a live terminal to look at.
	Terminal bool `json:"terminal"`
	// Overlaps is other unlanded work in the same files, and a target that does not merge.
	Overlaps []refinery.Overlap `json:"overlaps"`
	// Doing is what its program said it did last, else the newest line of its terminal, cleaned; a hint, not a fact.
	Doing string `json:"doing,omitempty"`
}

// PeekReq asks for lines of a terminal or log; 0 lines is what fits a screen.
type PeekReq struct {
	Name  string `json:"name"`
	Lines int    `json:"lines,omitempty"`
}

// Peeked is text for a person, cleaned of escape codes.
type Peeked struct {
	Text string `json:"text"`
	From string `json:"from,omitempty"` // where it is from: a path or a name
}

// KillReq stops a polecat; Name may be a bead id, or BEAD/N for that attempt and no other.
type KillReq struct {
	Name   string `json:"name"`
	Reason string `json:"reason,omitempty"`
	// Action, where it is not 0, makes calls that give the same one action for undo.
	Action uint64 `json:"action,omitempty"`
}

// Killed says what a kill kept.
type Killed struct {
	Polecat string   `json:"polecat"`
	Bead    beads.ID `json:"bead"`
	Attempt int      `json:"attempt"`
	Rescue  string   `json:"rescue,omitempty"` // ref; empty when there was nothing to keep
	Kept    []string `json:"kept"`             // uncommitted paths on it
	Lost    []string `json:"lost"`             // ignored paths that are gone
	Stopped int      `json:"stopped"`          // processes ended
	Msg     string   `json:"msg"`
}

// ReassignReq gives a bead to another polecat with the work so far. Name may be a bead id or BEAD/N.
type ReassignReq struct {
	Name  string `json:"name"`
	To    string `json:"to,omitempty"`    // polecat; empty: any other
	Agent string `json:"agent,omitempty"` // PRESET[:MODEL]; empty: as the bead says
	Note  string `json:"note,omitempty"`  // hand-off note
	// Nobody puts the bead back as ready and starts nothing.
	Nobody bool `json:"nobody,omitempty"`
	// Action, where it is not 0, makes calls that give the same one action for undo.
	Action uint64 `json:"action,omitempty"`
}

// AnswerReq answers a polecat's question; Name may be a bead id or BEAD/N.
type AnswerReq struct {
	Name string `json:"name"`
	Text string `json:"text"`
	// Question, where it is not empty, is the only one that this answers.
	Question string `json:"question,omitempty"`
}

// MayorInfo is the Mayor.
type MayorInfo struct {
	State string    `json:"state"` // "starting", "running", "stopped", "failed", "none"
	Agent string    `json:"agent"`
	Since time.Time `json:"since,omitzero"`
	PID   int       `json:"pid,omitempty"`
	Why   string    `json:"why,omitempty"`
	Last  []string  `json:"last"` // last lines of a Mayor that ended
}

// DoneReq submits. Its caller's token says what.
type DoneReq struct {
	Result string `json:"result,omitempty"`
}

// Submitted says where a submission went.
type Submitted struct {
	Bead     beads.ID `json:"bead"`
	Attempt  int      `json:"attempt"`
	Tip      string   `json:"tip,omitempty"`
	Position int      `json:"position,omitempty"`
	Msg      string   `json:"msg"`
}

// EscalateReq asks a question. Wait is how long to wait for the answer: negative until it
// comes, zero not at all.
type EscalateReq struct {
	Text string        `json:"text"`
	Wait time.Duration `json:"wait_ns"`
}

// Escalated carries the answer, when there was one in time.
type Escalated struct {
	Answered bool   `json:"answered"`
	Answer   string `json:"answer,omitempty"`
	By       string `json:"by,omitempty"`
	Msg      string `json:"msg"`
}

// ReportReq is what an agent's program says of itself, by its own hooks: "working", "asking"
// with what it asks in its terminal, or "limited".
type ReportReq struct {
	State string `json:"state"`
	Text  string `json:"text,omitempty"`
	// Prompt is where an asking program waits; empty: in a dialog.
	Prompt beads.Prompt `json:"prompt,omitempty"`
	// Until is when a limit ends; zero: the program does not know.
	Until time.Time `json:"until,omitzero"`
}

// Primed is an agent's role and task as text.
type Primed struct {
	Text string `json:"text"`
}

// Rescue is kept work of an ended attempt.
type Rescue struct {
	Rig     string    `json:"rig"`
	Bead    beads.ID  `json:"bead"`
	Attempt int       `json:"attempt"`
	Ref     string    `json:"ref"`
	Commit  string    `json:"commit"`
	At      time.Time `json:"at"`
	Files   []string  `json:"files"` // paths that were not committed
}

// RescueReq names kept work: a bead id (its newest) or BEAD/N.
type RescueReq struct {
	What    string `json:"what"`
	Polecat string `json:"polecat,omitempty"`
}

// PruneReq deletes rescue refs older than Age; DryRun only lists them.
type PruneReq struct {
	Age    time.Duration `json:"age_ns"`
	DryRun bool          `json:"dry_run,omitempty"`
}
