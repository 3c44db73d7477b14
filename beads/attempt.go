package beads

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// AttemptState is where one try of one polecat at one bead stands.
type AttemptState string

// The attempt states. Starting, Running, Asking and Limited are live.
const (
	Starting  AttemptState = "starting" // claimed; worktree, setup and process under way
	Running   AttemptState = "working"
	Asking    AttemptState = "asking"  // waits for an answer to Attempt.Question
	Limited   AttemptState = "limited" // its agent's usage limit, until Attempt.LimitedUntil
	Delivered AttemptState = "submitted"
	Landed    AttemptState = "landed"
	Rejected  AttemptState = "rejected"
	Killed    AttemptState = "killed"
	Lost      AttemptState = "lost" // its process ended without done
)

// Live reports whether a polecat holds the bead.
func (s AttemptState) Live() bool {
	return s == Starting || s == Running || s == Asking || s == Limited
}

// ProcID names a process beyond pid reuse.
type ProcID struct {
	PID   int    `json:"pid"`
	Start uint64 `json:"start"` // field 22 of /proc/PID/stat
	Boot  string `json:"boot"`
}

// Prompt is where in its terminal an agent's program waits for a person.
type Prompt string

// The prompts.
const (
	AtDialog Prompt = "dialog" // it asks before one step; the step follows the answer
	AtPrompt Prompt = "prompt" // its turn is over: nothing follows until somebody types
)

// Attempt is one try of one polecat at one bead: its own branch, worktree, session and cost.
// Like a Bead it is shared once stored.
type Attempt struct {
	Bead     ID           `json:"bead"`
	N        int          `json:"n"`
	Rig      string       `json:"rig"`
	Polecat  string       `json:"polecat"`
	Preset   string       `json:"agent"`
	Model    string       `json:"model,omitempty"`
	State    AttemptState `json:"state"`
	Branch   string       `json:"branch"`             // refs/heads/gt/BEAD/N without refs/heads/
	Base     string       `json:"base,omitempty"`     // commit of the target branch it was cut from
	Slung    *Sling       `json:"slung,omitempty"`    // the wish that it was begun for
	Start    *Start       `json:"start,omitempty"`    // what it began from beyond Base
	Began    string       `json:"began,omitempty"`    // commit with all that its worktree began with; empty: Base
	Carried  int          `json:"carried,omitempty"`  // commits of earlier attempts that its branch began with
	Worktree string       `json:"worktree,omitempty"` // absolute path, while it exists
	Session  string       `json:"session,omitempty"`
	Proc     *ProcID      `json:"proc,omitempty"`
	Marker   string       `json:"marker,omitempty"` // GASTOWN_PROC of its process tree
	Tip      string       `json:"tip,omitempty"`    // frozen at done
	Rescue   string       `json:"rescue,omitempty"` // ref that keeps unsubmitted work
	Merge    string       `json:"merge_commit,omitempty"`
	Question string       `json:"question,omitempty"`
	Answer   string       `json:"answer,omitempty"`
	// AtTerminal says that Question is asked in its terminal, and where there.
	AtTerminal Prompt `json:"at_terminal,omitempty"`
	// Bypass is set when its program was started to do everything without asking.
	Bypass bool      `json:"bypass,omitempty"`
	Why    string    `json:"why,omitempty"` // why it ended as it did, one line
	Log    string    `json:"log,omitempty"` // what the agent is told of a rejection
	Exit   string    `json:"exit,omitempty"`
	Gates  []GateRun `json:"gates,omitempty"` // what the Refinery ran on it, in order

	Proof *Proof `json:"proof,omitempty"` // what its tests say without its change

	LimitedUntil time.Time `json:"limited_until,omitzero"`
	CreatedAt    time.Time `json:"created_at"`
	StartedAt    time.Time `json:"started_at,omitzero"`
	EndedAt      time.Time `json:"ended_at,omitzero"`
	SubmittedAt  time.Time `json:"submitted_at,omitzero"`

	// What it submitted, or where it ended otherwise what it did itself.
	Commits int      `json:"commits"`
	Files   int      `json:"files"`
	Added   int      `json:"added"`
	Removed int      `json:"removed"`
	Dirty   int      `json:"dirty,omitempty"`    // files that were not committed at its end and are kept on Rescue
	Tokens  *int64   `json:"tokens,omitempty"`   // nil: the agent does not say
	CostUSD *float64 `json:"cost_usd,omitempty"` // nil: the agent does not say
}

// GateRun is one gate that ran on a candidate with the attempt in it.
type GateRun struct {
	Gate    string        `json:"gate"`
	Outcome string        `json:"outcome"`
	Took    time.Duration `json:"took_ns"`
	Log     string        `json:"log"` // path of its whole output
}

// Worked is how long it was at work, until now where it has not ended.
func (a *Attempt) Worked(now time.Time) time.Duration {
	end := a.EndedAt
	if end.IsZero() {
		end = now
	}
	if a.StartedAt.IsZero() {
		return 0
	}
	return max(end.Sub(a.StartedAt), 0)
}

// Kept reports whether the attempt, the last at b, was killed and left work that the next one would not start from.
func (a *Attempt) Kept(b *Bead) bool {
	return b.Status == Open && a.N == b.LastAttempt && a.State == Killed && a.Rescue != "" && (b.Next == nil || b.Next.Rescue != a.Rescue)
}

// Key is the attempt's id, BEAD/N.
func (a *Attempt) Key() string { return AttemptKey(a.Bead, a.N) }

// AttemptKey is the id of attempt n of a bead, BEAD/N.
func AttemptKey(id ID, n int) string { return string(id) + "/" + strconv.Itoa(n) }

// ParseAttemptKey splits BEAD/N.
func ParseAttemptKey(key string) (ID, int, error) {
	i := strings.LastIndexByte(key, '/')
	if i <= 0 {
		return "", 0, fmt.Errorf("attempt %q: not of the form BEAD/N", key)
	}
	n, err := strconv.Atoi(key[i+1:])
	if err != nil || n < 1 {
		return "", 0, fmt.Errorf("attempt %q: not of the form BEAD/N", key)
	}
	return ID(key[:i]), n, nil
}

// BranchName is the branch of attempt n of a bead, without refs/heads/.
func BranchName(id ID, n int) string { return "gt/" + RefSafe(id) + "/" + strconv.Itoa(n) }

// KeepRef holds the frozen tip of a submitted attempt.
func KeepRef(id ID, n int) string { return "refs/gt/keep/" + RefSafe(id) + "/" + strconv.Itoa(n) }

// RescueRef holds kept work of an attempt that did not submit.
func RescueRef(id ID, n int) string { return "refs/gt/rescue/" + RefSafe(id) + "/" + strconv.Itoa(n) }

// WipRef is the checkpoint of a live attempt.
func WipRef(id ID, n int) string { return "refs/gt/wip/" + RefSafe(id) + "/" + strconv.Itoa(n) }
