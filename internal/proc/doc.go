// Package proc is the one door to os/exec and pseudo-terminals. It owns starting, resizing, stopping and reaping of
// processes; it knows nothing of agents, gates or git.
//
// Two kinds of processes leave through it:
//
//   - [Start]: agents and gates. Each runs under a shim, a re-exec of this very binary, and dies as a whole tree: when its
//     main process exits, when [Proc.Stop] says so, and when the host itself is killed with SIGKILL.
//   - [Run]: short-lived helpers such as git, in a session of their own and without a shim.
//
// # The shim
//
// host --control pipe--> shim --fork--> child (leader of its own session, with the terminal if there is one)
//
// The shim is a child subreaper (Linux), so every descendant of the child that loses its parent becomes the shim's own
// child, whatever sessions, groups or environment it made for itself: "wait4 says ECHILD" is the same as "the tree is
// gone". The control pipe carries one JSON configuration and then commands; its end of file means the host is gone. The
// status pipe carries JSON reports back; its end of file means the shim, and with it the tree, is gone.
//
// Every process of a tree carries GASTOWN_PROC=<marker> in its environment unless it removed it, so that survivors of a
// killed shim can be found.
//
// Where there is no subreaper (macOS) the tree is found by parent, session and marker: a process that leaves all three
// escapes.
package proc
