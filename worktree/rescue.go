package worktree

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"gastown/internal/fault"
	"gastown/internal/git"
)

// RescuePrefix and WIPPrefix are where kept work and checkpoints live; BEAD/N follows.
const (
	RescuePrefix = "refs/gt/rescue/"
	WIPPrefix    = "refs/gt/wip/"
)

// Rescue is work kept by Snapshot.
type Rescue struct {
	Ref    string    `json:"ref"`
	Bead   string    `json:"bead"` // the last but one part of Ref
	N      int       `json:"n"`    // the last part of Ref
	Commit string    `json:"commit"`
	Head   string    `json:"head"`   // the commit it belongs on; "" when there was none
	Branch string    `json:"branch"` // full ref the worktree was on; "" when detached
	When   time.Time `json:"when"`
	// Clean is true when nothing was uncommitted: Commit is Head.
	Clean bool `json:"clean,omitempty"`
	// Operation is what was under way: "merge", "rebase", "cherry-pick",
	// "revert", "bisect", or "".
	Operation string   `json:"operation,omitempty"`
	Stat      git.Stat `json:"stat"`            // uncommitted changes, untracked files too
	Files     []string `json:"files,omitempty"` // their paths; from Snapshot and Load only
	Lost      []string `json:"lost,omitempty"`  // what is not kept (ignored files, ...); same
}

// state is state.json in a rescue. Paths are bytes: they need not be UTF-8.
type state struct {
	Version   int          `json:"version"`
	Head      string       `json:"head"`
	Unborn    bool         `json:"unborn,omitempty"`
	Branch    string       `json:"branch"`
	Operation string       `json:"operation,omitempty"`
	Index     []indexEntry `json:"index,omitempty"` // paths whose index differs from HEAD
	Files     [][]byte     `json:"files"`
	Lost      [][]byte     `json:"lost,omitempty"`
}

// indexEntry is one path of the index: staged (Mode, Hash), removed (Mode "0"),
// intent to add, or in conflict (Stages).
type indexEntry struct {
	Path        []byte      `json:"path"`
	Mode        string      `json:"mode,omitempty"`
	Hash        string      `json:"hash,omitempty"`
	IntentToAdd bool        `json:"intent_to_add,omitempty"`
	Stages      []git.Stage `json:"stages,omitempty"`
}

// stateVersion is the layout of state.json this program writes.
const stateVersion = 1

// The subject and trailers of a rescue commit; Rescues reads them without opening it.
const (
	rescueSubject = "gastown rescue"
	keyBranch     = "Branch: "
	keyHead       = "Head: "
	keyOperation  = "Operation: "
	keyStat       = "Stat: " // files added removed
)

func rescueMessage(s state, stat git.Stat) string {
	return fmt.Sprintf("%s: %d files\n\n%s%s\n%s%s\n%s%s\n%s%d %d %d\n", rescueSubject, stat.Files,
		keyBranch, s.Branch, keyHead, s.Head, keyOperation, s.Operation, keyStat, stat.Files, stat.Added, stat.Removed)
}

func parseRescue(ref git.Ref) Rescue {
	r := Rescue{Ref: ref.Name, Commit: ref.Commit, When: ref.When}
	parts := strings.Split(ref.Name, "/")
	if len(parts) >= 2 {
		r.Bead = parts[len(parts)-2]
		r.N, _ = strconv.Atoi(parts[len(parts)-1])
	}
	if !strings.HasPrefix(ref.Body, rescueSubject+": ") {
		r.Clean, r.Head = true, ref.Commit
		return r
	}
	for _, l := range strings.Split(ref.Body, "\n") {
		if v, ok := strings.CutPrefix(l, keyBranch); ok {
			r.Branch = v
		} else if v, ok := strings.CutPrefix(l, keyHead); ok {
			r.Head = v
		} else if v, ok := strings.CutPrefix(l, keyOperation); ok {
			r.Operation = v
		} else if v, ok := strings.CutPrefix(l, keyStat); ok {
			_, _ = fmt.Sscanf(v, "%d %d %d", &r.Stat.Files, &r.Stat.Added, &r.Stat.Removed) // zeros when unreadable
		}
	}
	return r
}

// Rescues lists what is kept below RescuePrefix, sorted by ref. Files and Lost
// are empty; Load fills them.
func Rescues(ctx context.Context, repo *git.Repo) ([]Rescue, error) {
	refs, err := repo.ForEachRefMessage(ctx, strings.TrimSuffix(RescuePrefix, "/"))
	if err != nil {
		return nil, fmt.Errorf("list rescues: %w", err)
	}
	list := make([]Rescue, 0, len(refs))
	for _, ref := range refs {
		list = append(list, parseRescue(ref))
	}
	return list, nil
}

// Load reads one rescue (or checkpoint) by its full ref. One that does not exist
// is git.ErrNotExist.
func Load(ctx context.Context, repo *git.Repo, ref string) (Rescue, error) {
	r, _, err := load(ctx, repo, ref)
	return r, err
}

func load(ctx context.Context, repo *git.Repo, ref string) (Rescue, state, error) {
	if err := git.CheckRef(ref); err != nil {
		return Rescue{}, state{}, err
	}
	refs, err := repo.ForEachRefMessage(ctx, ref)
	if err != nil {
		return Rescue{}, state{}, fmt.Errorf("rescue %q: %w", ref, err)
	}
	if len(refs) != 1 || refs[0].Name != ref {
		return Rescue{}, state{}, fault.NotFoundf("rescue %q: %w", ref, git.ErrNotExist)
	}
	r := parseRescue(refs[0])
	if r.Clean {
		return r, state{Head: r.Head}, nil
	}
	data, err := repo.Show(ctx, r.Commit+"^4", "state.json", 0)
	if err != nil {
		return r, state{}, fmt.Errorf("rescue %q: %w", ref, err)
	}
	var s state
	if err := json.Unmarshal(data, &s); err != nil {
		return r, state{}, fmt.Errorf("rescue %q: %w", ref, err)
	}
	if s.Version > stateVersion {
		return r, state{}, fault.Refusedf("rescue %q was made by a newer program (layout %d)", ref, s.Version)
	}
	r.Files, r.Lost = toStrings(s.Files), toStrings(s.Lost)
	return r, s, nil
}

// Show is what a rescue changes of base as text: its commits, and what was not committed on top of
// them, untracked files included. An empty base is the commit that it belongs on: its commits are then
// left out. It is cut at maxBytes (0: 4 MiB); whoever prints it strips control characters.
func Show(ctx context.Context, repo *git.Repo, ref, base string, maxBytes int) (text string, cut bool, err error) {
	r, s, err := load(ctx, repo, ref)
	if err != nil || r.Clean && base == "" {
		return "", false, err
	}
	o := git.DiffOptions{MaxBytes: maxBytes}
	if r.Clean {
		text, cut, err = repo.Diff(ctx, base, r.Commit, o)
		return text, cut, step(err, ref)
	}
	empty, err := repo.EmptyTree(ctx)
	if err != nil {
		return "", false, err
	}
	switch {
	case base != "":
	case s.Unborn:
		base = empty
	default:
		base = r.Commit + "^1"
	}
	o.IgnoreCR = true // files are kept raw, HEAD has line ends normalised
	tracked, cut1, err := repo.Diff(ctx, base, r.Commit, o)
	if err != nil {
		return "", false, step(err, ref)
	}
	if maxBytes > 0 {
		if o.MaxBytes = maxBytes - len(tracked); o.MaxBytes <= 0 {
			return tracked, true, nil
		}
	}
	untracked, cut2, err := repo.Diff(ctx, empty, r.Commit+"^3", o)
	return tracked + untracked, cut1 || cut2, step(err, ref)
}

// step names what was to be shown.
func step(err error, ref string) error {
	if err != nil {
		return fmt.Errorf("show %q: %w", ref, err)
	}
	return nil
}

// Drop deletes the ref of a rescue if it is still at commit.
func Drop(ctx context.Context, repo *git.Repo, ref, commit string) error {
	if !strings.HasPrefix(ref, RescuePrefix) && !strings.HasPrefix(ref, WIPPrefix) {
		return fmt.Errorf("drop %q: %w", ref, git.ErrBadName)
	}
	return repo.DeleteRef(ctx, ref, commit)
}

func toStrings(b [][]byte) []string {
	s := make([]string, len(b))
	for i := range b {
		s[i] = string(b[i])
	}
	return s
}

func toBytes(s []string) [][]byte {
	b := make([][]byte, len(s))
	for i := range s {
		b[i] = []byte(s[i])
	}
	return b
}
