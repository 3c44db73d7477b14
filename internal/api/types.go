package api

import (
	"encoding/json"
	"time"

	"gastown/beads"
	"gastown/refinery"
)

// NameReq names a rig, polecat or convoy; empty means "the only one" or "all", as the verb says.
type NameReq struct {
	Name string `json:"name,omitempty"`
}

// TextReq carries one text.
type TextReq struct {
	Text string `json:"text"`
}

// ForgetReq names a remembered fact.
type ForgetReq struct {
	Number int `json:"number"`
}

// BeadReq names a bead; a unique suffix or prefix of an id will do.
type BeadReq struct {
	Bead beads.ID `json:"bead"`
}

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

// Ack is the answer of a verb that only acts: one line that says what is now true.
type Ack struct {
	Msg string `json:"msg"`
}

// GateSpec is one gate as given on the command line or found in settings. Durations are
// Go duration text; empty is the default.
type GateSpec struct {
	Name    string   `json:"name"`
	Run     string   `json:"run"`
	Timeout string   `json:"timeout,omitempty"`
	Silence string   `json:"silence,omitempty"`
	Env     []string `json:"env,omitempty"`
}

// RigAddReq adds a rig. Source is a path or URL; empty Prefix and Branch are found.
type RigAddReq struct {
	Name    string     `json:"name"`
	Source  string     `json:"source"`
	Branch  string     `json:"branch,omitempty"`
	Prefix  string     `json:"prefix,omitempty"`
	Gates   []GateSpec `json:"gates,omitempty"`
	Setup   string     `json:"setup,omitempty"`
	Deliver string     `json:"deliver,omitempty"`
	Ungated bool       `json:"ungated,omitempty"`
	// Permissions is "edits" (empty means it) or "bypass", which only a person may ask for.
	Permissions string `json:"permissions,omitempty"`
}

// RigAdded is the new rig and what the person should know about it.
type RigAdded struct {
	Rig
	// Unseen are uncommitted paths of the source that agents will not see.
	Unseen   []string `json:"unseen"`
	Warnings []string `json:"warnings"`
}

// RigGateReq adds gates to a rig, after those that it has.
type RigGateReq struct {
	Name  string     `json:"name"`
	Gates []GateSpec `json:"gates"`
}

// RigUngatedReq accepts (or takes back) landing without gates.
type RigUngatedReq struct {
	Name    string `json:"name"`
	Ungated bool   `json:"ungated"`
}

// Rig is one project.
type Rig struct {
	Name        string        `json:"name"`
	Origin      string        `json:"origin"`
	Repo        string        `json:"repo"` // the town's own repository of it: everything that landed is there
	Branch      string        `json:"branch"`
	Prefix      string        `json:"prefix"`
	Main        string        `json:"main"` // tip of the target branch
	Deliver     string        `json:"deliver"`
	Approve     string        `json:"approve"`
	Ungated     bool          `json:"ungated"`
	Permissions string        `json:"permissions"` // what agents may do unasked: "edits" or "bypass"
	Paused      bool          `json:"paused"`      // starts nothing new
	Frozen      bool          `json:"frozen"`      // and its polecats stand still
	Setup       string        `json:"setup,omitempty"`
	Gates       []GateSpec    `json:"gates"`
	Landed      int           `json:"landed"`
	Undelivered int           `json:"undelivered"`
	NotBecause  string        `json:"not_delivered_because,omitempty"`
	Refinery    RefineryState `json:"refinery"`
}

// RefineryState is the short form that status has.
type RefineryState struct {
	State  refinery.State `json:"state"`
	Phase  string         `json:"phase"` // "test ma-x1f", "land ma-x1f"; empty when idle
	Since  time.Time      `json:"since"`
	Reason string         `json:"reason,omitempty"`
	Hint   string         `json:"hint,omitempty"`
}

// GateRun is one gate tried by rig check.
type GateRun struct {
	Name    string           `json:"name"`
	Run     string           `json:"run"`
	Outcome refinery.Outcome `json:"outcome"`
	Code    int              `json:"code"`
	Took    time.Duration    `json:"took_ns"`
	Tail    string           `json:"tail,omitempty"`
}

// RigChecked says how setup and gates went on main.
type RigChecked struct {
	Rig   string    `json:"rig"`
	Main  string    `json:"main"`
	Runs  []GateRun `json:"runs"`
	Green bool      `json:"green"`
}

// RigFetchReq looks at a rig's origin. Choice is empty, or what becomes of an origin that
// was rewritten: "accept" or "keep".
type RigFetchReq struct {
	Name   string                  `json:"name"`
	Choice refinery.UpstreamChoice `json:"choice,omitempty"`
}

// RigFetched says what the origin has that the rig's main has not.
type RigFetched struct {
	Rig       string `json:"rig"`
	Origin    string `json:"origin"`
	Tip       string `json:"tip"` // of its branch; empty: it has none
	New       int    `json:"new"` // commits that main has not
	Rewritten bool   `json:"rewritten"`
	Why       string `json:"why,omitempty"` // where those stand
	Hint      string `json:"hint,omitempty"`
}

// RigDelivered says what delivery did.
type RigDelivered struct {
	Rig         string `json:"rig"`
	Mode        string `json:"mode"`
	Delivered   int    `json:"delivered"`   // landings brought over by this call
	Undelivered int    `json:"undelivered"` // still to bring
	Reason      string `json:"reason,omitempty"`
}

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

// LogReq asks for a gate's output by rig or by bead.
type LogReq struct {
	Rig   string   `json:"rig,omitempty"`
	Bead  beads.ID `json:"bead,omitempty"`
	Lines int      `json:"lines,omitempty"` // 0: all, capped at 8 MiB
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

// MailSendReq sends a message to "mayor", "you" or a polecat.
type MailSendReq struct {
	To   string `json:"to"`
	Text string `json:"text"`
}

// MailReadReq names a message.
type MailReadReq struct {
	ID uint64 `json:"id"`
}

// EventsReq narrows the log. Events come oldest first. With Wait the call answers as soon
// as there is one after Since, or empty when Wait has passed.
type EventsReq struct {
	Since uint64        `json:"since,omitempty"` // sequence number
	After time.Time     `json:"after,omitzero"`
	By    string        `json:"by,omitempty"`
	Bead  beads.ID      `json:"bead,omitempty"`
	Limit int           `json:"limit,omitempty"` // newest so many; 0: 200
	Wait  time.Duration `json:"wait_ns,omitempty"`
}

// WhyRes is one true sentence.
type WhyRes struct {
	Bead beads.ID `json:"bead"`
	Why  string   `json:"why"`
	Hint string   `json:"hint,omitempty"`
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

// DownReq stops the host; Drain waits for live polecats and the running gate.
type DownReq struct {
	Drain bool `json:"drain,omitempty"`
}

// ConfigReq names a setting by its dotted key; Value is for config.set, in TOML or bare text.
type ConfigReq struct {
	Key   string `json:"key"`
	Value string `json:"value,omitempty"`
}

// ConfigValue is a setting as config set takes it; of all settings together, the text of town.toml.
type ConfigValue struct {
	Key   string `json:"key"`
	Value string `json:"value"`
	Note  string `json:"note,omitempty"` // when it takes effect, if not at once
}

// DoctorReq runs the checks; Fix mends what can be mended safely.
type DoctorReq struct {
	Fix bool `json:"fix,omitempty"`
}

// Check is one line of doctor.
type Check struct {
	Name  string `json:"name"`
	OK    bool   `json:"ok"`
	Level string `json:"level"` // "ok", "info": nothing to do either, "warning", "error"
	Msg   string `json:"msg"`
	Hint  string `json:"hint,omitempty"`
}
