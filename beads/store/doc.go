// Package store keeps a town's state in one bbolt file: beads, attempts, events, merge queues,
// convoys, mail, grants. It is the only importer of bbolt. It owns how records are written,
// indexed, checked, migrated and backed up; what a record means is in beads and refinery.
//
// One process owns the file, by a lock. Values that come out are shared: never change one in
// place. Observers are rung after a commit, never inside one.
package store
