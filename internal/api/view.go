package api

import (
	"time"

	"gastown/beads"
)

// HostInfo is the process that owns the town.
type HostInfo struct {
	PID       int       `json:"pid"`
	StartedAt time.Time `json:"started_at"`
	Version   string    `json:"version"`
}

// Counts counts beads. Open includes ready and blocked ones.
type Counts struct {
	Open      int `json:"open"`
	Ready     int `json:"ready"`
	Slung     int `json:"slung"` // ready ones that need nobody to sling them: they start as soon as they may
	Blocked   int `json:"blocked"`
	Working   int `json:"working"`
	Submitted int `json:"submitted"`
	NeedsYou  int `json:"needs_you"`
	Deferred  int `json:"deferred"`
	Closed    int `json:"closed"`
}

// Limit is a usage limit of an agent.
type Limit struct {
	Agent string    `json:"agent"`
	Until time.Time `json:"until"`
}

// StatusMayor is the Mayor in status.
type StatusMayor struct {
	State string `json:"state"`
	Agent string `json:"agent"`
}

// StatusRig is a rig in status.
type StatusRig struct {
	Name        string        `json:"name"`
	Branch      string        `json:"branch"`
	Main        string        `json:"main"`
	Landed      int           `json:"landed"`
	Undelivered int           `json:"undelivered"`
	Deliver     string        `json:"deliver"` // none, checkout, push or pr
	Ungated     bool          `json:"ungated"` // it has no gate and lands all the same
	Bypass      bool          `json:"bypass"`  // agents there do, or are to do, everything without asking
	Paused      bool          `json:"paused"`  // itself, beside the town: starts nothing new
	Frozen      bool          `json:"frozen"`  // and its polecats stand still
	Refinery    RefineryState `json:"refinery"`
}

// Status answers "what is going on" without a model.
type Status struct {
	Town     string        `json:"town"`
	Host     *HostInfo     `json:"host"`
	Paused   bool          `json:"paused"` // starts nothing new
	Frozen   bool          `json:"frozen"` // and its polecats stand still
	Mayor    StatusMayor   `json:"mayor"`
	Rigs     []StatusRig   `json:"rigs"`
	Polecats []PolecatInfo `json:"polecats"`
	Cap      int           `json:"polecat_cap"`
	Queue    []QueueEntry  `json:"queue"`
	Beads    Counts        `json:"beads"`
	Limits   []Limit       `json:"limits"`
	Problems []Problem     `json:"problems"`
}

// Problem is something that needs a person, with the one thing to do about it.
type Problem struct {
	Key   string    `json:"key"` // one notice per condition
	Who   string    `json:"who"`
	What  string    `json:"what"`
	Since time.Time `json:"since"`
	Do    string    `json:"do"`
	Bead  beads.ID  `json:"bead,omitempty"`
	Rig   string    `json:"rig,omitempty"`
	Level string    `json:"level"` // "asks", "hung", "failed", "wait"
}

// AgentChoice is an agent to choose, as PRESET or PRESET:MODEL. Only the usual one may be without its program.
type AgentChoice struct {
	Spec   string
	Says   string // what it is, in a few words
	Usual  bool   // what a bead is given to that names none
	Models bool   // it takes a model: PRESET:MODEL
	Own    bool   // a command of the person's own, made to work on beads

	Missing string // the program that is not on this machine; empty: it is
}

// View is everything the screen shows, at one moment. It is shared and immutable.
type View struct {
	Gen        uint64 // grows with each change
	At         time.Time
	Status     Status
	Beads      []Bead // in attention order
	Refineries []RefineryInfo
	Convoys    []Convoy
	Events     []beads.Event // newest last, at most 500
	Mail       []beads.Message
	Mayor      MayorInfo
	// Undo says what `u` would take back and until when; empty Undo: nothing.
	Undo      string
	UndoUntil time.Time
	// Show is the bead that somebody asked to be shown; ShowGen grows each time.
	Show    beads.ID
	ShowGen uint64
	// Agents are those that a bead can be given to, the usual one first.
	Agents []AgentChoice
	// Spec is a document of a rig that beads can be made of, in a town that has none; empty: none was found.
	Spec string
	// Starts counts how often this town's screen was opened; hints show for the first five.
	Starts int
}
