// Package run is the supervisor's hands: it runs one agent program under a terminal and keeps its emulator, its input queue
// and its log. It decides nothing: when to start, stop or restart an agent is said by package agents.
//
// Bytes flow like this, each arrow one goroutine:
//
//	program -> terminal -> reader -> emulator -> reply queue -+
//	                          |                               v
//	                          +-> log        Send, Paste -> input queue -> writer -> terminal -> program
//
// The reader never waits for the writer: a program that prints and does not read cannot hold its own output up. A flood
// is slowed down by reading no faster than the emulator takes it; nothing is dropped.
package run
