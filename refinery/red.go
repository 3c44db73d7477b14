package refinery

import "fmt"

// MainRed and its end are told once for each red tree of the target, however often the
// gates of it are run again: one bead is enough.

// FileRed asks for a bead that mends the target: its gates fail on the target itself.
type FileRed struct {
	Commit  string // of the target
	Tree    string // its tree: what is red
	Gate    string
	Why     string // one line: how it ended
	Log     string // its last lines
	LogPath string // the whole output
}

// RedGone says that the target is green again.
type RedGone struct{ Commit string }

func (FileRed) effect() {}
func (FileRed) record() {}
func (RedGone) effect() {}
func (RedGone) record() {}

// fileRed tells that the target is red, once per tree.
func (m *machine) fileRed(v Verdict, commit, tree, how string) {
	if m.q.RedTree == tree {
		return
	}
	m.q.RedTree = tree
	m.emit(FileRed{
		Commit: commit, Tree: tree, Gate: v.Gate, Log: v.Tail, LogPath: v.Log,
		Why: fmt.Sprintf("gate %q fails on %s itself (%s)", v.Gate, m.cfg.Branch, how),
	})
}

// redGone tells that the target is known green, if it was told red.
func (m *machine) redGone(commit string) {
	if m.q.RedTree != "" {
		m.q.RedTree = ""
		m.emit(RedGone{Commit: commit})
	}
}

// unfixed sends a bead back that is there to mend the target and did not. It is not blamed
// for the red target, but its work is not done.
func (m *machine) unfixed(v Verdict) {
	if m.cfg.Confirm && v.Runs < 2 {
		m.regate()
		return
	}
	how := fmt.Sprintf("failed: exit %d", v.Code)
	if v.Outcome == TimedUp {
		how = "hung"
	}
	m.sendBack(m.runBead(), SendBack{
		Why: fmt.Sprintf("%s is still red with it: gate %q %s", m.cfg.Branch, v.Gate, how),
		Log: v.Tail, LogPath: v.Log, Gate: v.Gate, Outcome: v.Outcome,
	})
}
