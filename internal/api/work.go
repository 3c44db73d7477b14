package api

import "gastown/beads"

// DiffReq asks what an attempt changed. Attempt 0 is the newest.
type DiffReq struct {
	Bead    beads.ID `json:"bead"`
	Attempt int      `json:"attempt,omitempty"`
}

// Diff is what an attempt changed since its base, uncommitted and untracked files included.
type Diff struct {
	Bead    beads.ID           `json:"bead"`
	Attempt int                `json:"attempt"`
	Polecat string             `json:"polecat"`
	State   beads.AttemptState `json:"state"`
	Base    string             `json:"base"`
	// Tip is the commit that was compared; empty for a live worktree.
	Tip string `json:"tip,omitempty"`
	// Tree is what a yes to this is bound to; empty where none is asked for.
	Tree      string     `json:"tree,omitempty"`
	Files     []DiffFile `json:"files"`
	Text      string     `json:"text"` // unified, cleaned of control characters
	Cut       bool       `json:"cut,omitempty"`
	Conflicts []string   `json:"conflicts"` // paths that main has changed otherwise
}

// DiffFile is one file of a Diff.
type DiffFile struct {
	Path    string `json:"path"`
	Added   int    `json:"added"`
	Removed int    `json:"removed"`
	Binary  bool   `json:"binary,omitempty"`
}

// Process is one running program.
type Process struct {
	PID  int    `json:"pid"`
	Name string `json:"name"`
}

// KillPreview is what a kill would stop, keep and lose, as of now.
type KillPreview struct {
	PolecatInfo
	Uncommitted []string  `json:"uncommitted"` // kept on a rescue ref
	Ignored     []string  `json:"ignored"`     // lost; a directory ends in "/"
	Processes   []Process `json:"processes"`   // stopped
}

// NudgeReq tells a working polecat something. It is delivered as mail; nothing is typed into
// its terminal.
type NudgeReq struct {
	Name string `json:"name"` // or its bead
	Text string `json:"text"`
}
