package beads

import "fmt"

// Action is what happens to a bead or to an attempt.
type Action string

// The actions. Those up to Overtake move a bead and, where it has one, its attempt;
// Resolve to Undefer move a bead alone; Begin to Relaunch an attempt alone.
const (
	Claim     Action = "claim"      // a polecat takes the bead
	Submit    Action = "submit"     // done accepted, into the queue
	Reject    Action = "reject"     // sent back by the Refinery
	StrikeOut Action = "strike out" // sent back once too often: a person is asked
	Land      Action = "land"       // the Refinery alone
	Finish    Action = "finish"     // closed by a result, without code
	Lose      Action = "lose"       // the attempt's process ended without done
	Kill      Action = "kill"
	Withdraw  Action = "withdraw" // taken out of the queue by a person
	Overtake  Action = "overtake" // the forge merged what had been taken back here

	Ask     Action = "ask"     // a person is needed: too many failures, or the bead cannot go on
	Resolve Action = "resolve" // a person dealt with it
	Drop    Action = "drop"    // closed without a result, by a person
	Reopen  Action = "reopen"
	Defer   Action = "defer"
	Undefer Action = "undefer"

	Begin    Action = "begin"    // the agent runs
	Question Action = "question" // the agent waits for an answer
	Answer   Action = "answer"
	Limit    Action = "limit" // the agent's usage limit was hit
	Unlimit  Action = "unlimit"
	Relaunch Action = "relaunch" // the same attempt in a new process
)

type move struct {
	from Status
	on   Action
}

// moves is the one table of legal changes of a bead's status. A bead with a live attempt or
// a queue entry cannot be dropped or deferred: end those first (Kill, Withdraw), which keeps the work.
var moves = map[move]Status{
	{Open, Claim}:          Working,
	{Open, Finish}:         Closed,
	{Open, Drop}:           Closed,
	{Open, Defer}:          Deferred,
	{Open, Ask}:            NeedsYou,
	{Working, Submit}:      Submitted,
	{Working, Finish}:      Closed,
	{Working, Lose}:        Open,
	{Working, Kill}:        Open,
	{Working, Ask}:         NeedsYou,
	{Submitted, Reject}:    Open,
	{Submitted, StrikeOut}: NeedsYou,
	{Submitted, Land}:      Closed,
	{Submitted, Withdraw}:  Open,
	{NeedsYou, Resolve}:    Open,
	{NeedsYou, Finish}:     Closed,
	{NeedsYou, Drop}:       Closed,
	{NeedsYou, Defer}:      Deferred,
	{Deferred, Undefer}:    Open,
	{Deferred, Drop}:       Closed,
	{Closed, Reopen}:       Open,
	{Open, Overtake}:       Closed,
	{NeedsYou, Overtake}:   Closed,
	{Deferred, Overtake}:   Closed,
	{Closed, Overtake}:     Closed,
}

// TransitionError is an action that the present status does not allow.
type TransitionError struct {
	From string // a Status or an AttemptState
	On   Action
}

func (e *TransitionError) Error() string {
	return fmt.Sprintf("cannot %s what is %s", e.On, e.From)
}

// Move is the status that action on leads to, or a *TransitionError and the status unchanged.
func Move(from Status, on Action) (Status, error) {
	to, ok := moves[move{from, on}]
	if !ok {
		return from, &TransitionError{From: string(from), On: on}
	}
	return to, nil
}

type attemptMove struct {
	from AttemptState
	on   Action
}

// attemptMoves is the one table of legal changes of an attempt's state. An attempt whose bead is
// handed to a person (Ask) ends by Lose or Kill; a result without code counts as landed.
var attemptMoves = map[attemptMove]AttemptState{
	{Starting, Begin}:      Running,
	{Starting, Limit}:      Limited,
	{Starting, Submit}:     Delivered,
	{Starting, Finish}:     Landed,
	{Starting, Lose}:       Lost,
	{Starting, Kill}:       Killed,
	{Starting, Relaunch}:   Starting,
	{Running, Question}:    Asking,
	{Running, Limit}:       Limited,
	{Running, Submit}:      Delivered,
	{Running, Finish}:      Landed,
	{Running, Lose}:        Lost,
	{Running, Kill}:        Killed,
	{Running, Relaunch}:    Starting,
	{Asking, Question}:     Asking,
	{Asking, Answer}:       Running,
	{Asking, Limit}:        Limited,
	{Asking, Submit}:       Delivered,
	{Asking, Finish}:       Landed,
	{Asking, Lose}:         Lost,
	{Asking, Kill}:         Killed,
	{Asking, Relaunch}:     Starting,
	{Limited, Limit}:       Limited,
	{Limited, Unlimit}:     Running,
	{Limited, Submit}:      Delivered,
	{Limited, Finish}:      Landed,
	{Limited, Lose}:        Lost,
	{Limited, Kill}:        Killed,
	{Limited, Relaunch}:    Starting,
	{Delivered, Reject}:    Rejected,
	{Delivered, StrikeOut}: Rejected,
	{Delivered, Land}:      Landed,
	{Delivered, Withdraw}:  Rejected,
	{Rejected, Overtake}:   Landed,
	{Killed, Overtake}:     Landed,
}

// MoveAttempt is the state that action on leads an attempt to, or a *TransitionError and the state unchanged.
func MoveAttempt(from AttemptState, on Action) (AttemptState, error) {
	to, ok := attemptMoves[attemptMove{from, on}]
	if !ok {
		return from, &TransitionError{From: string(from), On: on}
	}
	return to, nil
}
