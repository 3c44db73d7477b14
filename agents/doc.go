// Package agents decides about agents: which presets exist and how each is started,
// which bead starts next with which polecat, how long to wait after a failure, and what
// an agent is told. It starts nothing and reads no clock; package agents/run does.
package agents
