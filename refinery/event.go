package refinery

import (
	"time"

	"gastown/beads"
)

// Event is one thing that happened to the queue: a person's wish, the passing of
// time, or the runner's answer to an action. The set is closed.
type Event interface{ event() }

// Submit enters a submitted attempt. A newer attempt of a queued bead takes the
// older one's place; the same or an older one changes nothing.
type Submit struct{ Entry Entry }

// Hold keeps a bead from landing until Release; a run that carries it is stopped.
type Hold struct {
	Bead   beads.ID
	By     string
	Person bool // By is a person: then only a person releases it
}

// Release ends a Hold.
type Release struct {
	Bead   beads.ID
	By     string
	Person bool
}

// Approve is a person's yes to what waits for it: Entry.Green. With Tree it is a yes
// to that tree only.
type Approve struct {
	Bead beads.ID
	By   string
	Tree string
}

// Ask makes an entry that is in the queue wait for a person's yes, or no longer.
type Ask struct {
	Bead beads.ID
	Why  string // one line; empty: nothing asks for a yes any more
}

// Drop takes a bead out of the queue; a run that gates it is stopped. A bead whose
// landing was decided stays (see Queue.Landing).
type Drop struct {
	Bead beads.ID
	By   string
}

// Reject sends a bead back with what a person (or the Mayor) says of it, whatever its
// gates say. A bead whose landing was decided stays.
type Reject struct {
	Bead   beads.ID
	By     string
	Person bool   // By is a person: theirs is no strike, they have looked
	Text   string // for the next attempt
}

// Pause stops the queue until Resume; a running gate is ended, a landing is not.
type Pause struct {
	By, Reason string
	Person     bool // By is a person: then only a person resumes it
}

// Resume ends a pause, and tries again what had stopped the queue.
type Resume struct {
	By     string
	Person bool
}

// Restart ends the running gate and starts over in a fresh worktree: same order,
// same tries. What had stopped the queue by itself is tried again; a target that others
// moved is put back first (see TargetMoved).
type Restart struct{ By string }

// Tick is the passing of time; see Next.
type Tick struct{}

// TargetMoved says that the target branch was seen at Commit, Gone for a branch that is
// not there, when Queue.Target was Known; one that is older than that is dropped. Only the
// Refinery moves the target: anywhere else the queue stops until it was put back.
type TargetMoved struct{ Commit, Known string }

// Gone stands for the tip of a branch that does not exist.
const Gone = "0000000000000000000000000000000000000000"

// Restarted is the inventory, fed once when the host starts, before anything else.
type Restarted struct {
	Target     string // tip of the target branch, or Gone
	IntentDone bool   // Intent.New is in the target
	Killed     int    // processes left over from a gate
	Err        string // the repository could not be read: a stored intent is kept
}

// Crashed says that a Step or what records it gave up with a panic on an event that nobody
// asked for and so nobody else is told of: the run starts over.
type Crashed struct{ Err string }

// Built answers Build. Exactly one of Commit, Conflict, AlreadyIn, Missing, Waits, Carries and
// Err tells the result; with AlreadyIn, Commit is where the bead is. All but Commit
// are about one part and the target alone. A part that fits the target but not the
// parts before it ends the candidate there: Parts are fewer than asked for.
type Built struct {
	Seq       uint64
	Base      string
	BaseTree  string
	Commit    string
	Tree      string
	Parts     []Part
	Under     []Part // of Build, with their trees
	Conflict  *Conflict
	AlreadyIn beads.ID
	Missing   beads.ID // its tip is not in the repository; Err says which
	Waits     *Waits
	Carries   *Carries
	Upstream  UpstreamState // to a Build of the origin's tip: why there is no candidate
	Err       string
}

// Waits is a part that contains the tip of a bead that is in the queue, too.
type Waits struct{ Bead, On beads.ID }

// Carries is a part that contains work that was refused: the tip of an attempt at another bead
// that was sent back or taken out.
type Carries struct{ Bead, Of beads.ID }

// Conflict is a part that does not merge, or that must not be merged.
type Conflict struct {
	Bead   beads.ID
	N      int
	Why    string // it merges, and this is wrong with the result; one line
	Files  []string
	Detail string // for the agent
}

// GateStarted says that the process of a gate runs.
type GateStarted struct {
	Seq    uint64
	Gate   int
	PID    int
	Marker string
	Log    string
}

// Output says that the gate wrote something; the runner sends at most one a second.
type Output struct {
	Seq uint64
	At  time.Time
}

// GateDone answers RunGate, also when StopGate ended it.
type GateDone struct {
	Seq     uint64
	Gate    int
	Outcome Outcome
	Code    int // exit code, or 128+signal
	Took    time.Duration
	Log     string
	Tail    string // its last 200 lines
	Err     string // why it could not run, for Broken and Infra
}

// Published answers Publish: the target has New, and was looked at.
type Published struct {
	Seq      uint64
	Old, New string
}

// PublishLost answers Publish: the target is at Now, which has not New in it.
type PublishLost struct {
	Seq uint64
	Now string // or Gone
}

// PublishRefused answers Publish: New is not what was gated, so nothing was moved.
type PublishRefused struct {
	Seq uint64
	Why string
}

// PublishErr answers Publish: it is not known whether the target moved.
type PublishErr struct {
	Seq uint64
	Err string
}

func (Submit) event()         {}
func (Hold) event()           {}
func (Release) event()        {}
func (Approve) event()        {}
func (Ask) event()            {}
func (Drop) event()           {}
func (Reject) event()         {}
func (Pause) event()          {}
func (Resume) event()         {}
func (Restart) event()        {}
func (Tick) event()           {}
func (TargetMoved) event()    {}
func (Restarted) event()      {}
func (Crashed) event()        {}
func (Built) event()          {}
func (GateStarted) event()    {}
func (Output) event()         {}
func (GateDone) event()       {}
func (Published) event()      {}
func (PublishLost) event()    {}
func (PublishErr) event()     {}
func (PublishRefused) event() {}
