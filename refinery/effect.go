package refinery

import (
	"time"

	"gastown/beads"
)

// Effect is what Step asks for: a Record or an Action. The set is closed.
type Effect interface{ effect() }

// Record is an effect on the store: the host applies it in the transaction that
// stores the queue.
type Record interface {
	Effect
	record()
}

// Action is an effect on the world: refinery/run performs it after that
// transaction. Build, RunGate and Publish are each answered by exactly one event
// with their Seq: Built, GateDone, and one of Published, PublishLost, PublishRefused
// and PublishErr.
// StopGate is answered by the GateDone of the gate it ends.
type Action interface {
	Effect
	action()
}

// Settle closes a bead as merged. It stands for the event refinery.landed.
type Settle struct {
	Bead      beads.ID
	N         int
	Commit    string
	AlreadyIn bool // its change was in the target before: there is no landing commit
}

// SendBack rejects an attempt and opens its bead again, or, with StrikeOut, hands
// the bead to a person. It stands for the event attempt.rejected.
type SendBack struct {
	Bead      beads.ID
	N         int
	Why       string   // one line
	Log       string   // for the agent: last lines of the gate, or the conflict
	LogPath   string   // the whole output
	Gate      string   // what failed; empty: no gate did
	Outcome   Outcome  // of Gate
	Files     []string // in conflict
	StrikeOut bool
	By        string // who sent it back, if the gates did not
	Person    bool   // By is a person
	Tip       string // what the next attempt goes on from; empty: this one's tip
}

// Note becomes an event. An empty By is the Refinery itself.
type Note struct {
	Kind   string
	Bead   beads.ID
	N      int
	By     string
	Text   string
	Reason string
}

// Problem is raised once and stays until ProblemGone with its key.
type Problem struct {
	Key  string
	Text string
	Hint string
}

// ProblemGone ends a Problem.
type ProblemGone struct{ Key string }

// Build asks for the candidate: the parts merged onto the tip of Branch.
type Build struct {
	Seq     uint64
	Branch  string
	Target  string // the tip known; empty: none yet
	History string
	Gates   []Gate      // that the candidate is to pass; empty: none
	Parts   []BuildPart // in landing order
	Under   []BuildPart // built before them, one on the other; see Run.Under
	Others  []BuildPart // the rest of the queue, by Bead, N and Tip
	// Upstream asks for the origin's tip merged into the target instead; there are no parts.
	Upstream *BuildUpstream
}

// BuildUpstream is the origin's tip as a candidate: where the target is an ancestor of it,
// the tip itself, else a merge of both.
type BuildUpstream struct {
	Tip string
	// Instead is what the origin had before it was rewritten, when a person chose to take that in and nothing
	// landed there: the change from it to Tip is what is taken in, so that what it dropped is dropped here.
	Instead string
	Date    time.Time // of the merge, so that a rebuild gives the same hash
}

// BuildPart is one entry of a candidate to be built.
type BuildPart struct {
	Bead    beads.ID
	N       int
	Polecat string
	Title   string
	Tip     string
	Date    time.Time  // of its commit, so that a rebuild gives the same hash
	Needs   []beads.ID // what it waits for is known; it may contain their tips
	Let     []beads.ID // whose refused work it may contain
	Change  bool       // Part.Change is wanted; it comes with Part.Ask in any case
}

// RunGate asks for one gate on exactly one commit.
type RunGate struct {
	Seq     uint64
	Index   int // of the gate in Config.Gates
	Gate    Gate
	Bead    beads.ID // empty: the target itself or a batch is gated
	N       int
	Batch   []beads.ID // of a candidate with several
	Commit  string
	Tree    string
	Fresh   bool // in a new worktree
	Timeout time.Duration
}

// StopGate ends the gate of RunGate with the same Seq.
type StopGate struct {
	Seq  uint64
	Quit bool // quit signal first, for a stack dump in the log
}

// Publish moves the target from Intent.Old to Intent.New by compare-and-swap. It
// may be asked again for the same intent.
type Publish struct {
	Seq    uint64
	Branch string
	Intent Intent
}

func (Settle) effect()      {}
func (SendBack) effect()    {}
func (Note) effect()        {}
func (Problem) effect()     {}
func (ProblemGone) effect() {}
func (Build) effect()       {}
func (RunGate) effect()     {}
func (StopGate) effect()    {}
func (Publish) effect()     {}

func (Settle) record()      {}
func (SendBack) record()    {}
func (Note) record()        {}
func (Problem) record()     {}
func (ProblemGone) record() {}

func (Build) action()    {}
func (RunGate) action()  {}
func (StopGate) action() {}
func (Publish) action()  {}
