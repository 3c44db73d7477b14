// Package tui is the screen: one full-screen program that shows the Mayor's (or an attached
// polecat's) live terminal at the left and the town beside it. It owns what is drawn and what a
// key means; it owns no state of the town. It reads immutable views and asks for verbs through
// Host, and never does I/O or waits in Update.
//
// The way of a key: model.Update -> keymap (data) -> Intent -> overlay, pane or model ->
// tea.Cmd that calls a verb -> a toast. The way of a change: Host.Changes -> derive (a pure
// function of the view) -> render of values to rows, each exactly as wide as its rectangle.
package tui
