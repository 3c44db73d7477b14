package tui

import "slices"

// Intent is what a key means.
type Intent int

// The intents.
const (
	None Intent = iota
	Up
	Down
	Left
	Right
	PageUp
	PageDown
	Top
	Bottom
	NextPane
	PrevPane
	GoBeads
	GoPolecats
	GoRefinery
	GoEvents
	GoTerminal
	Open
	Back
	RestartRefinery
	RestartAgent
	Assign
	Kill
	UndoLast
	Revive
	Attach
	AnswerAsk
	NewBead
	SetPriority
	HoldEntry
	CopyID
	Filter
	CommandLine
	Help
	ShowProblems
	ShowEvents
	ShowLog
	PauseTown
	Widen
	Redraw
	QuitDialog
	Interrupt
	// In dialogs.
	Yes
	StopAll
	DrainAll
	NextItem
	PrevItem
	NextField
	PrevField
	NextHunk
	PrevHunk
	CommentLine
	SendRemarks
	Find
	FindNext
	FindPrev
	// More of the board.
	ShowDiff
	Nudge
	Follow
	BounceEntry
	ShowConvoys
	PauseConvoy
	ShowCost
	ZoomPane
	WidenMayor
	NarrowMayor
	ScrollBack
	EditBead
	NextRig
	RevertLanded
	MarkBead
	ShowDeps
	ShowWhy
)

// lastIntent is for tests that walk through all.
const lastIntent = ShowWhy

// Scope is where a binding holds.
type Scope int

// The scopes. A pane's and a dialog's bindings win over Town's.
const (
	Town Scope = iota
	InBeads
	InPolecats
	InRefinery
	InEvents
	InDetail
	InKill
	InReassign
	InQuit
	InAsk // a yes-or-no question
	InInput
	InList // problems, events, log, help
	InDiff
	InLog
	InEventList
	InConvoy
	InScroll
	InForm
)

// lastScope is for those that walk through all.
const lastScope = InForm

// String is the scope's name in the help.
func (s Scope) String() string {
	return [...]string{
		"everywhere", "beads", "polecats", "refinery", "events", "bead", "kill dialog",
		"reassign dialog", "quit dialog", "question", "text", "list",
		"diff", "log", "events", "convoy", "scroll mode", "form",
	}[s]
}

// binding is one row of the key table. Hint is the key with a word or two for a border; a
// binding without one is in the help only.
type binding struct {
	scope  Scope
	intent Intent
	keys   []string
	help   string
	hint   string
}

// keymap is the whole key table: what keys do, what the help says, what borders hint.
func keymap() []binding {
	return slices.Concat(townKeys(), paneKeys(), dialogKeys())
}

func townKeys() []binding {
	return []binding{
		{Town, GoBeads, []string{"1"}, "beads", ""},
		{Town, GoPolecats, []string{"2"}, "polecats", ""},
		{Town, GoRefinery, []string{"3"}, "refinery", ""},
		{Town, GoEvents, []string{"4"}, "events", ""},
		{Town, GoTerminal, []string{"m", "0"}, "back to the Mayor, typing", "m mayor"},
		{Town, Open, []string{"enter"}, "open the row", "Enter open"},
		{Town, Back, []string{"esc"}, "back one level", ""},
		{Town, RestartRefinery, []string{"r"}, "restart the Refinery; the queue keeps its order", "r restart refinery"},
		{Town, RestartAgent, []string{"R"}, "restart the selected agent on the same work (asks)", "R restart agent"},
		{Town, Assign, []string{"a"}, "assign, or reassign with the work so far", "a assign"},
		{Town, Kill, []string{"x"}, "kill the polecat, keep its work (asks)", "x kill"},
		{Town, UndoLast, []string{"u"}, "undo the last kill, assignment, edit or close (30 s), then the one before", "u undo"},
		{Town, RevertLanded, []string{"U"}, "take a landed bead out again (asks)", "U revert"},
		{Town, Revive, []string{"v"}, "revive a killed polecat's work", "v revive"},
		{Town, Attach, []string{"t"}, "attach the polecat's terminal, typing", "t terminal"},
		{Town, ShowDiff, []string{"d"}, "what the attempt changed; remarks on lines", "d diff"},
		{Town, Nudge, []string{"N"}, "tell the polecat something (mail)", "N nudge"},
		{Town, AnswerAsk, []string{"A"}, "answer a question, say yes to a change, see what needs a decision", "A answer"},
		{Town, NewBead, []string{"n"}, "new bead", "n new"},
		{Town, SetPriority, []string{"p"}, "priority, then 0-4", "p priority"},
		{Town, CopyID, []string{"y"}, "copy the id, or a polecat's branch", ""},
		{Town, Filter, []string{"/"}, "filter the list", "/ filter"},
		{Town, CommandLine, []string{":"}, "type a command", ": command"},
		{Town, Help, []string{"?"}, "all keys", "? keys"},
		{Town, ShowProblems, []string{"!"}, "what needs you", "! problems"},
		{Town, ShowEvents, []string{"e"}, "what happened", "e events"},
		{Town, ShowConvoys, []string{"c"}, "convoys: progress and waves", "c convoys"},
		{Town, ShowCost, []string{"$"}, "what was spent", "$ cost"},
		{Town, ShowLog, []string{"L"}, "output of the gate", "L log"},
		{Town, PauseTown, []string{"P"}, "pause, then freeze, then go on: the town, or with f one rig", "P pause"},
		{Town, Up, []string{"up", "k"}, "move up", ""},
		{Town, Down, []string{"down", "j"}, "move down", ""},
		{Town, Left, []string{"left", "h"}, "the pane before", ""},
		{Town, Right, []string{"right", "l"}, "the next pane", ""},
		{Town, PageUp, []string{"pgup", "ctrl+u"}, "a page up", ""},
		{Town, PageDown, []string{"pgdown", "ctrl+d"}, "a page down", ""},
		{Town, Top, []string{"g", "home"}, "first row", ""},
		{Town, Bottom, []string{"G", "end"}, "last row", ""},
		{Town, NextPane, []string{"tab"}, "next pane", "Tab next pane"},
		{Town, PrevPane, []string{"shift+tab"}, "previous pane", ""},
		{Town, ZoomPane, []string{"z"}, "this pane over the whole window, and back", "z zoom"},
		{Town, WidenMayor, []string{"+"}, "a wider Mayor", ""},
		{Town, NarrowMayor, []string{"_"}, "a narrower Mayor", ""},
		{Town, ScrollBack, []string{"["}, "scroll the terminal at the left", "[ scroll"},
		{Town, NextRig, []string{"f"}, "next rig only, then all again", "f rig"},
		{Town, EditBead, []string{"o"}, "edit the bead in $EDITOR", "o edit"},
		{Town, ShowDeps, []string{"D"}, "dependencies: what the bead needs, and what waits for it", "D deps"},
		{Town, ShowWhy, []string{"w"}, "why it has not started, or not landed", "w why"},
		{Town, Widen, []string{">", "<"}, "board over the whole window and back (small windows)", "> widen"},
		{Town, Redraw, []string{"ctrl+l"}, "redraw", ""},
		{Town, QuitDialog, []string{"q"}, "quit (asks)", "q quit"},
		{Town, Interrupt, []string{"ctrl+c"}, "twice: quit dialog", ""},
	}
}

func paneKeys() []binding {
	return []binding{
		{InBeads, MarkBead, []string{"space"}, "mark the bead: a x p y v R act on all marked, Esc clears", "Space mark"},
		{InRefinery, HoldEntry, []string{"space"}, "hold back or release the merge request", "Space hold"},
		{InRefinery, BounceEntry, []string{"b"}, "send the merge request back (asks)", "b bounce"},
	}
}

func dialogKeys() []binding {
	return []binding{
		{InDetail, PrevItem, []string{"<", "left"}, "bead before", ""},
		{InDetail, NextItem, []string{">", "right"}, "next bead", "</> next"},
		{InKill, Yes, []string{"y"}, "kill and keep the work", "y kill and keep work"},
		{InReassign, NextField, []string{"tab", "shift+tab"}, "between list and note", "Tab note"},
		{InQuit, StopAll, []string{"s", "y"}, "stop all now; work is kept", "s stop all now"},
		{InQuit, DrainAll, []string{"d"}, "let agents finish, then stop", "d drain"},
		{InAsk, Yes, []string{"y"}, "yes", "y yes"},
		{InDiff, NextHunk, []string{"]"}, "next hunk", "] hunk"},
		{InDiff, PrevHunk, []string{"["}, "hunk before", ""},
		{InDiff, NextField, []string{"tab"}, "next file", "Tab file"},
		{InDiff, PrevField, []string{"shift+tab"}, "file before", ""},
		{InDiff, PrevItem, []string{"<"}, "attempt before", ""},
		{InDiff, NextItem, []string{">"}, "next attempt", "</> attempt"},
		{InDiff, EditBead, []string{"o"}, "open the file of this line, in the polecat's worktree, in $EDITOR", "o edit"},
		{InDiff, CommentLine, []string{"c"}, "remark on this line", "c remark"},
		{InDiff, SendRemarks, []string{"C"}, "send the remarks to bead and polecat", ""},
		{InDiff, Find, []string{"/"}, "search", "/ find"},
		{InDiff, FindNext, []string{"n"}, "next match", "n next"},
		{InDiff, FindPrev, []string{"N"}, "match before", ""},
		{InDiff, Left, []string{"left", "h"}, "long lines: back to the left", ""},
		{InDiff, Right, []string{"right", "l"}, "long lines: further to the right", ""},
		{InLog, HoldEntry, []string{"space"}, "hold back or release the merge request", "Space hold"},
		{InLog, BounceEntry, []string{"b"}, "send it back to its polecat (asks)", "b bounce"},
		{InLog, Find, []string{"/"}, "search", "/ find"},
		{InLog, FindNext, []string{"n"}, "next match", "n next"},
		{InLog, FindPrev, []string{"N"}, "match before", ""},
		{InLog, CopyID, []string{"y"}, "copy the log", "y copy"},
		{InLog, Follow, []string{"f"}, "follow the newest output", "f follow"},
		{InEventList, Open, []string{"enter"}, "jump to the bead", "Enter jump"},
		{InEventList, Find, []string{"/"}, "only events with these words", "/ filter"},
		{InEventList, Follow, []string{"f"}, "follow the newest", "f follow"},
		{InEventList, CopyID, []string{"y"}, "copy the event", "y copy"},
		{InScroll, Find, []string{"/"}, "search", ""},
		{InScroll, FindNext, []string{"n"}, "next match above", ""},
		{InScroll, FindPrev, []string{"N"}, "next match below", ""},
		{InConvoy, PrevItem, []string{"<", "left"}, "convoy before", ""},
		{InConvoy, NextItem, []string{">", "right"}, "next convoy", "</> next"},
		{InConvoy, PauseConvoy, []string{"P"}, "launch or pause the convoy", "P launch or pause"},
		{InConvoy, CopyID, []string{"y"}, "copy as Markdown", "y copy"},
	}
}

// lookup finds the intent of a key, first in the given scopes in order, then in Town.
func lookup(keys []binding, key string, scopes ...Scope) Intent {
	for _, s := range append(scopes, Town) {
		for _, b := range keys {
			if b.scope == s && slices.Contains(b.keys, key) {
				return b.intent
			}
		}
	}
	return None
}

// hints are the hint texts of the given intents, in order, for a border.
func hints(keys []binding, intents ...Intent) []string {
	var out []string
	for _, in := range intents {
		for _, b := range keys {
			if b.intent == in && b.hint != "" {
				out = append(out, b.hint)
				break
			}
		}
	}
	return out
}

// hintsIn is hints where the bindings of a scope come first.
func hintsIn(keys []binding, scope Scope, intents ...Intent) []string {
	own := slices.DeleteFunc(slices.Clone(keys), func(b binding) bool { return b.scope != scope })
	return hints(append(own, keys...), intents...)
}

// moves reports intents that only move about: they run at once, even in a burst.
func (i Intent) moves() bool {
	return i >= Up && i <= GoEvents || i == Back || i == Redraw || i == Interrupt
}
