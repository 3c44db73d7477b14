package git

import (
	"fmt"
	"strings"
)

// Entry is a tracked path of a worktree that differs from HEAD or the index.
type Entry struct {
	Path string
	// Index and Work are git's status letters: '.' unchanged, 'M', 'T', 'A', 'D';
	// for an unmerged path the two letters of the conflict ("UU", "AA", "DU", ...).
	Index, Work                   byte
	Unmerged                      bool
	Submodule                     string // "N...", or "S" and three flags: commit, modified, untracked
	HeadMode, IndexMode, WorkMode string
	HeadHash, IndexHash           string
	StageModes, StageHashes       [3]string // of an unmerged path: base, ours, theirs
}

// IntentToAdd reports whether the path is in the index by `git add -N` only.
func (e Entry) IntentToAdd() bool {
	return !e.Unmerged && e.Index == '.' && (e.Work == 'A' || e.Work == 'D') && e.IndexMode == "000000"
}

// Status is what differs in a worktree.
type Status struct {
	Head      string // commit; "" when unborn
	Branch    string // full ref; "" when detached
	Entries   []Entry
	Untracked []string // not ignored; one ending in "/" is a repository of its own
	Ignored   []string // directories end in "/"; only when asked for
}

// Clean reports whether no tracked path differs and nothing is untracked.
func (s Status) Clean() bool { return len(s.Entries) == 0 && len(s.Untracked) == 0 }

// Staged lists the paths whose index differs from HEAD.
func (s Status) Staged() []string {
	return s.paths(func(e Entry) bool { return !e.Unmerged && e.Index != '.' })
}

// Changed lists the tracked paths whose file differs from the index.
func (s Status) Changed() []string {
	return s.paths(func(e Entry) bool { return !e.Unmerged && e.Work != '.' })
}

// Unmerged lists the paths in conflict.
func (s Status) Unmerged() []string {
	return s.paths(func(e Entry) bool { return e.Unmerged })
}

// Dirty lists every tracked path that differs, then the untracked ones.
func (s Status) Dirty() []string {
	return append(s.paths(func(Entry) bool { return true }), s.Untracked...)
}

func (s Status) paths(want func(Entry) bool) []string {
	var p []string
	for _, e := range s.Entries {
		if want(e) {
			p = append(p, e.Path)
		}
	}
	return p
}

// IgnoredFiles says whether Status lists ignored files too.
type IgnoredFiles int

const (
	// WithoutIgnored leaves ignored files out.
	WithoutIgnored IgnoredFiles = iota
	// WithIgnored lists them, directories that are ignored as a whole as one entry.
	WithIgnored
	// TrackedOnly leaves untracked files out too, without a walk through all directories.
	TrackedOnly
)

func statusArgs(ignored IgnoredFiles) []string {
	args := []string{"status", "--porcelain=v2", "-z", "--branch", "--no-ahead-behind", "--no-renames", "--ignore-submodules=none"}
	switch ignored {
	case TrackedOnly:
		return append(args, "--untracked-files=no")
	case WithIgnored:
		args = append(args, "--ignored=matching")
	}
	return append(args, "--untracked-files=all")
}

// parseStatus reads the output of statusArgs.
func parseStatus(out []byte) (Status, error) {
	var s Status
	for _, l := range splitNUL(out) {
		if len(l) < 2 {
			continue
		}
		switch l[0] {
		case '#':
			s.header(l)
		case '1':
			p := strings.SplitN(l, " ", 9)
			if len(p) != 9 || len(p[1]) != 2 {
				return s, fmt.Errorf("status: cannot read %q", l)
			}
			s.Entries = append(s.Entries, Entry{Path: p[8], Index: p[1][0], Work: p[1][1], Submodule: p[2],
				HeadMode: p[3], IndexMode: p[4], WorkMode: p[5], HeadHash: p[6], IndexHash: p[7]})
		case 'u':
			p := strings.SplitN(l, " ", 11)
			if len(p) != 11 || len(p[1]) != 2 {
				return s, fmt.Errorf("status: cannot read %q", l)
			}
			s.Entries = append(s.Entries, Entry{Path: p[10], Index: p[1][0], Work: p[1][1], Submodule: p[2], Unmerged: true,
				WorkMode: p[6], StageModes: [3]string{p[3], p[4], p[5]}, StageHashes: [3]string{p[7], p[8], p[9]}})
		case '?':
			s.Untracked = append(s.Untracked, l[2:])
		case '!':
			s.Ignored = append(s.Ignored, l[2:])
		default:
			return s, fmt.Errorf("status: cannot read %q", l)
		}
	}
	return s, nil
}

func (s *Status) header(l string) {
	if v, ok := strings.CutPrefix(l, "# branch.oid "); ok && v != "(initial)" {
		s.Head = v
	}
	if v, ok := strings.CutPrefix(l, "# branch.head "); ok && v != "(detached)" {
		s.Branch = "refs/heads/" + v
	}
}
