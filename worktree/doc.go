// Package worktree makes, saves and removes the directories that attempts work
// in. Every effect can be repeated after a crash, and no worktree is removed
// before everything in it is reachable from a ref. It decides nothing about
// beads; names of branches and refs come from the caller.
//
// # What a rescue is
//
// Snapshot keeps the uncommitted state of a worktree as one commit, shaped like a
// stash, on a ref such as refs/gt/rescue/BEAD/N:
//
//	W     tree: the tracked files as they are on disk, byte for byte
//	├ ^1  HEAD of the worktree
//	├ ^2  tree: the index (of an unmerged path: "ours")
//	├ ^3  tree: the untracked files that are not ignored
//	└ ^4  tree: state.json, stages/HASH (sides of conflicts), gitdir/* (MERGE_HEAD,
//	      rebase-merge/..., as they were); parents: commits those files name
//
// Where nothing is uncommitted the ref names HEAD itself.
package worktree
