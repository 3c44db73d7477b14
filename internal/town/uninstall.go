package town

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/api"
	"gastown/internal/config"
	"gastown/internal/git"
	"gastown/worktree"
)

// Uninstall says what belongs to the town in dir and what would be lost with it; with do it removes
// that. A town that a host runs is refused. Nothing outside of dir goes but what gastown wrote about
// it into the person's settings.
func Uninstall(ctx context.Context, dir string, deps Deps, do bool) (out api.Removal, err error) {
	out = api.Removal{Town: dir, Program: deps.Exe, Remove: []string{}, Lost: []string{}}
	t, err := Open(dir, deps)
	switch {
	case err == nil:
		defer t.Close()
		out.Lost = t.alone(ctx)
	case errors.Is(err, store.ErrHeld):
		return out, err
	default: // what cannot be opened can be removed
		out.Lost = append(out.Lost, "nobody can tell: "+beads.Clean(err.Error(), 300))
	}
	if out.Remove, out.Stays, err = ours(dir, isTownFile); err != nil {
		return out, step(err, "uninstall")
	}
	registry, roots, err := unlist(deps.Config, &out)
	if err != nil || !do {
		return out, step(err, "uninstall")
	}
	for _, root := range roots {
		err = errors.Join(err, config.Unregister(registry, root, out.Town))
	}
	for _, path := range out.Remove {
		err = errors.Join(err, os.RemoveAll(path))
	}
	return out, step(err, "uninstall")
}

// townEntries are what a town's directory has at its top, but for files of the store and leftovers of
// a write. The settings come last: until they go it is a town.
func townEntries() []string {
	return []string{"backups", "logs", "mayor", "rigs", "run", "town.toml"}
}

func isTownFile(name string) bool {
	return slices.Contains(townEntries(), name) || strings.HasPrefix(name, "town.db") || strings.HasPrefix(name, ".town.toml-")
}

// ours are the paths in dir that is tells to be ours: dir itself where there is nothing else, or each
// of them, and then dir stays.
func ours(dir string, is func(string) bool) (paths []string, stays string, err error) {
	entries, err := os.ReadDir(dir) // sorted: town.toml comes after all but itself
	if errors.Is(err, fs.ErrNotExist) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	for _, e := range entries {
		if is(e.Name()) {
			paths = append(paths, filepath.Join(dir, e.Name()))
		}
	}
	if len(paths) == len(entries) {
		return []string{dir}, "", nil
	}
	return paths, dir, nil
}

// unlist plans what becomes of the list of towns: it goes where it has this town alone, and its
// directory with it if that has nothing else; otherwise the town's repositories are taken out.
func unlist(dir string, out *api.Removal) (registry string, roots []string, err error) {
	if dir == "" {
		return "", nil, nil
	}
	registry = registryPath(dir)
	reg, err := config.LoadRegistry(registry)
	if err != nil {
		return "", nil, err
	}
	for root, town := range reg.Towns {
		if town == out.Town {
			roots = append(roots, root)
		}
	}
	if len(roots) < len(reg.Towns) {
		out.Listed = len(roots)
		return registry, roots, nil
	}
	files, _, err := ours(dir, func(name string) bool { return name == "towns.toml" || name == "towns.toml.lock" })
	out.Remove = append(out.Remove, files...)
	return registry, nil, err
}

// alone names what is in the town and nowhere else.
func (t *Town) alone(ctx context.Context) []string {
	out := []string{}
	kept := 0
	for _, rig := range rigNames(t.settings()) {
		r, err := t.rigShow(ctx, api.Person(), api.NameReq{Name: rig})
		switch {
		case err != nil:
			out = append(out, fmt.Sprintf("rig %s: nobody can tell: %s", rig, beads.Clean(err.Error(), 200)))
		case r.Origin == "":
			out = append(out, fmt.Sprintf("rig %s: its only repository, %s", rig, t.repoDir(rig)))
		case notThere(r) != "":
			out = append(out, fmt.Sprintf("rig %s: %s", rig, notThere(r)))
		}
		if repo, err := t.repo(ctx, rig); err == nil {
			rs, _ := worktree.Rescues(ctx, repo) // what cannot be read was told above
			kept += len(rs)
		}
	}
	left, err := os.ReadDir(t.path("rigs"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		out = append(out, "rigs that were taken out: nobody can tell: "+beads.Clean(err.Error(), 200))
	}
	for _, e := range left {
		if _, err := os.Stat(t.repoDir(e.Name())); err == nil && !slices.Contains(rigNames(t.settings()), e.Name()) {
			out = append(out, fmt.Sprintf("rig %s, taken out before: whatever is in its repository alone, %s", e.Name(), t.repoDir(e.Name())))
		}
	}
	if kept > 0 {
		out = append(out, "kept work of "+beads.Count(kept, "attempt")+": gastown rescue list")
	}
	s, err := t.status(ctx, api.Person(), api.Empty{})
	if err != nil {
		return append(out, "beads: nobody can tell: "+beads.Clean(err.Error(), 200))
	}
	if n := s.Beads.Working + s.Beads.Submitted; n > 0 {
		out = append(out, "work on "+beads.Count(n, "bead")+" that has not landed")
	}
	if n := s.Beads.Open + s.Beads.NeedsYou + s.Beads.Deferred; n > 0 {
		out = append(out, beads.Count(n, "bead")+map[bool]string{true: " that is", false: " that are"}[n == 1]+" not closed")
	}
	return out
}

// notThere says what landed in a rig and is not in its origin; "" where there is no such thing.
func notThere(r api.Rig) string {
	switch {
	case r.Origin == "":
		return ""
	case r.Landed > 0 && r.Deliver == config.DeliverNone:
		return fmt.Sprintf("%s landed in the town alone; %s has not got them", beads.Count(r.Landed, "bead"), git.Shown(r.Origin))
	case r.Undelivered > 0:
		return fmt.Sprintf("%s landed and not delivered to %s", beads.Count(r.Undelivered, "bead"), git.Shown(r.Origin))
	}
	return ""
}
