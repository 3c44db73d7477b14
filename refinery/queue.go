package refinery

import (
	"time"

	"gastown/beads"
)

// State is what the Refinery of a rig is doing, in the words of the outside contract.
type State string

// The states of a Refinery.
const (
	Idle       State = "idle"
	Gating     State = "gating"
	Landing    State = "landing"
	Hung       State = "hung"
	Restarting State = "restarting"
	Paused     State = "paused"
	NoGates    State = "no_gates"
	MainRed    State = "main_red"
	Failed     State = "failed"
)

// EntryState is where one merge request stands.
type EntryState string

// The states of a merge request.
const (
	EntryQueued  EntryState = "queued"
	EntryGating  EntryState = "gating"
	EntryApprove EntryState = "approve" // green, waits for a person
	EntryHeld    EntryState = "held"
	EntryLanding EntryState = "landing"
)

// Entry is one merge request: a submitted attempt with its tip frozen.
type Entry struct {
	Bead        beads.ID   `json:"bead"`
	N           int        `json:"attempt"`
	Polecat     string     `json:"polecat"`
	Title       string     `json:"title"`
	Tip         string     `json:"tip"`             // frozen under refs/gt/keep
	Priority    int        `json:"priority"`        // 0 highest
	SubmittedAt time.Time  `json:"submitted_at"`    // first submission of the bead; a retry keeps it
	QueuedAt    time.Time  `json:"queued_at"`       // this attempt's
	Needs       []beads.ID `json:"needs,omitempty"` // blockers that must be in the target first
	Held        bool       `json:"held,omitempty"`
	HeldBy      string     `json:"held_by,omitempty"`     // who did; empty: the Refinery itself, see Why
	PersonHeld  bool       `json:"person_held,omitempty"` // a person, so only a person releases it
	SentBack    int        `json:"sent_back,omitempty"`   // times this bead was rejected before
	Hangs       int        `json:"hangs,omitempty"`       // runs that ended at the timeout
	Infra       int        `json:"infra,omitempty"`       // runs ended by a signal not ours, for people to see
	State       EntryState `json:"state"`
	Since       time.Time  `json:"since"` // in State since
	// AskFirst makes a green candidate wait for a person's yes; Approved is that yes.
	AskFirst bool   `json:"ask_first,omitempty"`
	AskWhy   string `json:"ask_why,omitempty"` // why it asks, one line
	// Plain says that the change itself asks for no yes: only settings may. Wished says that a
	// person asked for this very change, which is their yes.
	Plain    bool   `json:"plain,omitempty"`
	Wished   bool   `json:"wished,omitempty"`
	Approved bool   `json:"approved,omitempty"`
	Yes      string `json:"yes,omitempty"` // the Candidate.Change that Approved is for
	// Green is what passed the gates last and waits for the yes.
	Green *Candidate `json:"green,omitempty"`
	Why   string     `json:"why,omitempty"`  // why the Refinery itself holds it, one line
	Hint  string     `json:"hint,omitempty"` // what to do about that
	// Carries is the refused work of another bead that it contains; a release adds it to Let,
	// the beads whose refused work may come in with it.
	Carries beads.ID   `json:"carries,omitempty"`
	Let     []beads.ID `json:"let,omitempty"`
	PR      string     `json:"pr,omitempty"` // address of its pull request
	// Says is why the forge cannot merge it as it stands, and SaysHint what helps.
	Says     string `json:"says,omitempty"`
	SaysHint string `json:"says_hint,omitempty"`
	RedOn    string `json:"red_on,omitempty"` // red target on which it is red too
	// Convoy is that whose beads share one pull request. While the entry is proposed Place is its
	// own in the chain which that shows, from 1, and Chain all up to it, as they were gated.
	Convoy string `json:"convoy,omitempty"`
	Place  int    `json:"place,omitempty"`
	Chain  []Part `json:"chain,omitempty"`
	// Fix says that the bead was filed to mend the target (FileRed).
	Fix bool `json:"fix,omitempty"`
}

// Candidate is what a person says yes to: exactly one change on one base.
type Candidate struct {
	Base   string `json:"base"`
	Commit string `json:"commit"`
	Tree   string `json:"tree"`
	// Change names the difference from Base to Commit by the content of each file it
	// touches; it stays the same while the target moves in other files.
	Change string `json:"change"`
}

// Gate is one command that must pass before a merge; it comes from the town's
// settings, never from a branch.
type Gate struct {
	Name    string        `json:"name"`
	Run     string        `json:"run"`     // for sh -c
	Timeout time.Duration `json:"timeout"` // 0: ten times the usual time once known, at least a minute
	Silence time.Duration `json:"silence"` // without output: shown as hung
	Env     []string      `json:"env,omitempty"`
}

// Config is what the settings say about one rig's queue.
type Config struct {
	Branch  string
	Gates   []Gate
	Ungated bool   // a person accepted landing without gates
	History string // "merge" or "linear"
	Confirm bool   // gate a red candidate once more in a fresh worktree before it is sent back
	Batch   bool   // gate several entries as one candidate
	// Full says that there is no place for this rig's gates on the machine now: nothing new begins.
	Full  bool
	Forge bool // a green entry becomes a pull request; the forge moves the target
	// Tools are the programs that gates use, as they are now: a verdict holds for them. Nil where
	// nobody looked, as no gate is run here.
	Tools Tools
}

// Outcome is how one run of one gate ended.
type Outcome string

// The outcomes of a gate.
const (
	Pass    Outcome = "pass"
	Fail    Outcome = "fail"    // exit 1-125
	Broken  Outcome = "broken"  // 126, 127 or cannot start: nobody is blamed, the queue pauses
	Infra   Outcome = "infra"   // a signal not ours
	TimedUp Outcome = "hung"    // killed at its timeout
	Stopped Outcome = "stopped" // ended by us (restart, pause); says nothing about the tree
)

// GateResult is one finished run of one gate.
type GateResult struct {
	Gate    string        `json:"gate"`
	Outcome Outcome       `json:"outcome"`
	Code    int           `json:"code"`
	Took    time.Duration `json:"took"`
	Log     string        `json:"log"` // path of its whole output
	At      time.Time     `json:"at"`
}

// Phase is the step a Run is in.
type Phase string

// The phases of a run.
const (
	PhaseBuild Phase = "build"
	PhaseGate  Phase = "gate"
	PhaseLand  Phase = "land"
)

// Part is one entry's share of a candidate.
type Part struct {
	Bead   beads.ID `json:"bead"`
	N      int      `json:"attempt"`
	Tip    string   `json:"tip,omitempty"`    // what was submitted
	Commit string   `json:"commit,omitempty"` // its commit on the candidate's first-parent line, once built
	Change string   `json:"change,omitempty"` // see Candidate; only where a person is asked
	Ask    string   `json:"ask,omitempty"`    // why what is built of it needs a person's yes
	Tree   string   `json:"tree,omitempty"`   // of Commit
}

// Run is the work in progress: one candidate on its way to the target. Its Seq is
// in every effect and every answer; an answer with another Seq is dropped.
type Run struct {
	Seq        uint64       `json:"seq"`
	Parts      []Part       `json:"parts"`              // in landing order
	Under      []Part       `json:"under,omitempty"`    // what is proposed of its convoy, and built first
	Upstream   string       `json:"upstream,omitempty"` // it carries this tip of the origin, and no parts
	Of         int          `json:"of,omitempty"`       // Parts are the first half of this many that are red together
	Phase      Phase        `json:"phase"`
	Base       string       `json:"base,omitempty"`   // target when built
	Commit     string       `json:"commit,omitempty"` // the candidate
	Tree       string       `json:"tree,omitempty"`
	Gate       int          `json:"gate"`                // index into Config.Gates
	GateName   string       `json:"gate_name,omitempty"` // as it was when the gate began
	Results    []GateResult `json:"results,omitempty"`
	Log        string       `json:"log,omitempty"` // output file of the running gate
	PID        int          `json:"pid,omitempty"`
	Marker     string       `json:"marker,omitempty"` // in the environment of every process of the running gate
	StartedAt  time.Time    `json:"started_at"`
	PhaseSince time.Time    `json:"phase_since"` // of the current phase or gate: the last progress
	LastOutput time.Time    `json:"last_output,omitzero"`
	HungSince  time.Time    `json:"hung_since,omitzero"` // zero: not hung
	Talks      bool         `json:"talks,omitempty"`     // hung with output: it goes on and does not end
	Stopping   bool         `json:"stopping,omitempty"`

	BaseTree string        `json:"base_tree,omitempty"`
	Tools    Tools         `json:"tools,omitempty"`    // as they were seen last while it ran
	Key      string        `json:"key"`                // of the gate set it is gated with
	Timeout  time.Duration `json:"timeout,omitempty"`  // of the running gate
	StopWhy  StopReason    `json:"stop_why,omitempty"` // while Stopping
	StopAt   time.Time     `json:"stop_at,omitzero"`   // Stopping since
	Infra    int           `json:"infra,omitempty"`    // of this run, by a signal not ours
}

// StopReason is why the running gate was told to end.
type StopReason string

// The reasons to end a gate. None of them says anything about its candidate, but
// StopOverdue, which counts as its timeout.
const (
	StopRestart  StopReason = "restart"
	StopPause    StopReason = "pause"
	StopEntry    StopReason = "entry" // dropped, held or replaced
	StopTarget   StopReason = "target moved"
	StopUrgent   StopReason = "a P0 goes first"
	StopSettings StopReason = "settings or tools changed"
	StopOverdue  StopReason = "overdue" // past its timeout without an answer
)

// Verdict is what is known of one tree under one gate set.
type Verdict struct {
	Tree    string    `json:"tree"`
	Key     string    `json:"key"`
	Outcome Outcome   `json:"outcome"` // Pass, Fail or TimedUp
	Gate    string    `json:"gate,omitempty"`
	Code    int       `json:"code,omitempty"`
	Log     string    `json:"log,omitempty"`
	Tail    string    `json:"tail,omitempty"` // last lines, until an agent was told
	Runs    int       `json:"runs"`           // that ended so: green, or red in any way
	At      time.Time `json:"at"`
	Passed  time.Time `json:"passed,omitzero"` // when a tree that is red now passed last
}

// Stop is why the queue does not go on by itself: Failed (the Refinery cannot work),
// Paused (a gate that cannot run) or MainRed.
type Stop struct {
	Kind   State     `json:"kind"`
	Reason string    `json:"reason"`
	Hint   string    `json:"hint,omitempty"`
	Key    string    `json:"key,omitempty"`    // gate set; another one lifts Paused and MainRed
	Commit string    `json:"commit,omitempty"` // the red target; another one lifts MainRed
	At     time.Time `json:"at"`
}

// Intent is a landing that was decided but not yet settled: the crash-safe part.
type Intent struct {
	Seq   uint64    `json:"seq"`
	Old   string    `json:"old"`
	New   string    `json:"new"`
	Tree  string    `json:"tree"`
	Parts []Part    `json:"parts"`
	At    time.Time `json:"at"`
	// Upstream is the tip of the origin that it carries instead of parts.
	Upstream string `json:"upstream,omitempty"`
}

// Flake is a gate that failed on a tree and then passed on it.
type Flake struct {
	Gate    string     `json:"gate"`
	Tree    string     `json:"tree"`
	Outcome Outcome    `json:"outcome"` // before it passed
	Beads   []beads.ID `json:"beads,omitempty"`
	Log     string     `json:"log,omitempty"` // of the run that failed
	At      time.Time  `json:"at"`
}

// LandedBead is one line of what landed lately.
type LandedBead struct {
	Bead   beads.ID  `json:"bead"`
	N      int       `json:"attempt"`
	Commit string    `json:"commit"`
	At     time.Time `json:"at"`
}

// Queue is the whole state of one rig's Refinery, as stored.
type Queue struct {
	Rig      string                   `json:"rig"`
	Entries  []Entry                  `json:"entries"`
	Run      *Run                     `json:"run,omitempty"`
	Intent   *Intent                  `json:"intent,omitempty"`
	Seq      uint64                   `json:"seq"`
	State    State                    `json:"state"`
	Since    time.Time                `json:"since"`
	Reason   string                   `json:"reason,omitempty"` // of paused, main_red, failed: one line
	Hint     string                   `json:"hint,omitempty"`   // what to do about it
	Paused   bool                     `json:"paused,omitempty"` // by a person
	Target   string                   `json:"target,omitempty"` // last tip of the branch we know
	Total    int                      `json:"total"`            // landed ever
	Bounced  int                      `json:"bounced"`
	Landed   []LandedBead             `json:"landed,omitempty"` // newest first, at most 50
	Usual    map[string]time.Duration `json:"usual,omitempty"`  // time of a passing run by gate, smoothed
	Restarts []time.Time              `json:"restarts,omitempty"`

	PausedBy  string `json:"paused_by,omitempty"`
	PausedFor string `json:"paused_for,omitempty"` // their reason
	// PersonPaused says that a person paused it, so that only a person lets it go on.
	PersonPaused bool                   `json:"person_paused,omitempty"`
	Stop         *Stop                  `json:"stop,omitempty"`
	Fresh        bool                   `json:"fresh,omitempty"`    // the next gate run gets a new worktree
	Verdicts     []Verdict              `json:"verdicts,omitempty"` // newest first, at most 64
	First        map[beads.ID]time.Time `json:"first,omitempty"`    // first submission of beads that were sent back
	Errs         []time.Time            `json:"errs,omitempty"`     // errors of the runner since its last success
	LastErr      string                 `json:"last_err,omitempty"`
	NotBefore    time.Time              `json:"not_before,omitzero"` // back-off after an error

	Began    time.Time `json:"began,omitzero"`     // when the last run did: rigs take turns by it
	Red      float64   `json:"red,omitempty"`      // smoothed share of beads whose gates fail; see Rate
	Blamed   time.Time `json:"blamed,omitzero"`    // when a bead was sent back last for its gates
	Suspects []Part    `json:"suspects,omitempty"` // in order: did not pass together, so halves of it are next
	Flakes   []Flake   `json:"flakes,omitempty"`   // newest first, at most 20

	RedTree string `json:"red_tree,omitempty"` // of the target, that FileRed was told for last
	Tools   Tools  `json:"tools,omitempty"`    // Config.Tools of whoever ran gates last
	// Churn counts how often a program of Tools changed while a gate ran. One that did so twice
	// is made by the gate itself and no part of what a verdict holds for.
	Churn    map[string]int `json:"churn,omitempty"`
	Upstream *Upstream      `json:"upstream,omitempty"` // of the origin, not in the target
	// OriginLast says that the origin had the last turn: one that gains faster than its gates
	// run must not keep everybody else waiting.
	OriginLast bool `json:"origin_last,omitempty"`
}
