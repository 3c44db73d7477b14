// Package vt is a terminal emulator: bytes in, a picture, scrollback and replies out. It owns what a program wrote and how
// keys and pastes are encoded for it; it starts no process and draws on no screen.
//
// Nothing a program writes gets out as it came: rows consist of SGR sequences made here and of printable graphemes, each
// exactly as wide as its row; titles are stripped of controls.
//
// The emulator behind [Terminal] is github.com/charmbracelet/x/vt, imported by this package only, with its panics
// contained and the gaps that can be closed from outside closed (see quirks.go).
package vt
