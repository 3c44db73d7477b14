// Package git is the one runner of git: every git process of the program starts
// here, with its arguments as a list, its environment given by the caller and its
// configuration pinned.
//
// Three values say what may be done to a directory. A Repo is a bare repository
// that the town made and owns; a Worktree is a checkout of such a Repo. Both run
// with pinned configuration and may change what they name. A Checkout is a
// person's own directory: it is read, and changed by PushCheckout and nothing else.
//
// Clone, fetch, push and ls-remote run with the person's own git configuration
// (credentials, proxies, url rewriting) and with hooks off.
//
// Hashes are full hexadecimal object names, refs are full names
// ("refs/heads/main"), both as plain strings. The package decides nothing about
// beads, queues or retries beyond git's own lock files.
package git
