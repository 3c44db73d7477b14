package api

import (
	"time"

	"gastown/refinery"
)

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
