// Package beads is the domain: what a bead, an attempt, a convoy, an event and a
// message are, which changes of state are legal, what is ready and what is blocked.
// It imports the standard library only, keeps nothing, and reads no clock.
package beads
