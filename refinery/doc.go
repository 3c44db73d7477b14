// Package refinery decides: it is the merge queue of one rig as a pure state
// machine. Step takes the queue, one event and the time, and gives the next queue
// and the effects to perform; package refinery/run performs them. It runs no git,
// no process and no clock. Words follow bors and Zuul: entry, candidate, gate,
// verdict, land.
package refinery
