package api

import "time"

// BackedUp names the file of a backup.
type BackedUp struct {
	Path string `json:"path"`
}

// CostReq sums attempts up by one of CostKeys (empty: bead), those since After.
type CostReq struct {
	By    string    `json:"by,omitempty"`
	After time.Time `json:"after,omitzero"`
}

// CostKeys are what spending is summed up by.
func CostKeys() []string { return []string{"bead", "attempt", "polecat", "agent", "rig", "day"} }

// Spent is a sum over attempts.
type Spent struct {
	Name     string        `json:"name"`
	Title    string        `json:"title,omitempty"` // of the bead
	Attempts int           `json:"attempts"`
	Time     time.Duration `json:"time_ns"`          // at work
	Tokens   *int64        `json:"tokens"`           // null: no agent said
	CostUSD  *float64      `json:"cost_usd"`         // null: no agent said
	Unsaid   bool          `json:"unsaid,omitempty"` // some attempts' agents did not say
}

// AgentInfo is an agent that can be named: a built-in preset, or one of settings.
type AgentInfo struct {
	Name     string   `json:"name"`
	Program  string   `json:"program"`
	Path     string   `json:"path,omitempty"` // of the program; empty: it is not installed
	Version  string   `json:"version,omitempty"`
	SignedIn *bool    `json:"signed_in"`       // null: it cannot say without its model
	Own      bool     `json:"own"`             // a program of the person's own
	For      []string `json:"for"`             // what settings name it for: "mayor", "polecat"
	Wrong    string   `json:"wrong,omitempty"` // why settings do not make an agent of it
}

// AgentTested is how an agent would be started, and what its program said. What depends on the bead
// stands in braces.
type AgentTested struct {
	AgentInfo
	Polecat []string `json:"polecat"` // its command line as a polecat
	Mayor   []string `json:"mayor"`
	Env     []string `json:"env"` // names of variables that it is given beyond those of every agent
	Works   bool     `json:"works"`
	Msg     string   `json:"msg"`
}

// Removal is what goes with a town.
type Removal struct {
	Town    string   `json:"town"`
	Remove  []string `json:"remove"`           // paths
	Listed  int      `json:"listed,omitempty"` // repositories that are taken out of a list of towns that stays
	Lost    []string `json:"lost"`             // what is nowhere else
	Stays   string   `json:"stays,omitempty"`  // the town's directory, where it has files of others
	Program string   `json:"program"`          // this program's file, which stays
}

// AttachReq looks at a live terminal and types into it: that of a polecat, of the polecat on a bead, or of "mayor".
// What is typed goes first. The answer comes when the picture is another than Gen's, or after Wait. Cols and Rows
// are the size that the terminal takes, unless a screen shows it.
type AttachReq struct {
	Name string        `json:"name"`
	Of   string        `json:"of,omitempty"` // only if it is this attempt's yet: names of polecats are used again
	Type []byte        `json:"type,omitempty"`
	Gen  uint64        `json:"gen,omitempty"`
	Wait time.Duration `json:"wait_ns,omitempty"`
	Cols int           `json:"cols,omitempty"`
	Rows int           `json:"rows,omitempty"`
}

// Attached is a terminal's picture.
type Attached struct {
	Name   string   `json:"name"`
	Of     string   `json:"of"` // the attempt, or "mayor"
	Cols   int      `json:"cols"`
	Rows   int      `json:"rows"`
	Lines  []string `json:"lines"` // one per row: SGR and text
	X      int      `json:"cursor_x"`
	Y      int      `json:"cursor_y"`
	Cursor bool     `json:"cursor"` // it is to be seen
	Gen    uint64   `json:"gen"`
	Arrows bool     `json:"app_cursor"` // it takes arrows as applications do
	Pastes bool     `json:"bracketed_paste"`
	Ended  bool     `json:"ended"` // its program has
}
