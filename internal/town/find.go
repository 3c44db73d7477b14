package town

import (
	"os"
	"path/filepath"
	"slices"

	"gastown/internal/config"
	"gastown/internal/fault"
	"gastown/internal/git"
)

// Places is where a town may be found.
type Places struct {
	Flag     string // --town; wins
	Dir      string // working directory, absolute
	Env      string // $GASTOWN_TOWN
	Registry string // path of towns.toml; empty: none
	Home     string // the default town, ~/gastown
}

// Find names the town's directory: the flag, the nearest parent with a town.toml, the
// environment, the registry of repositories, then the default town if it exists. Empty: there
// is none. A place that is named and has no town is an error: the next one is another town.
func Find(p Places) (string, error) {
	if p.Flag != "" {
		dir := p.Flag
		if !filepath.IsAbs(dir) {
			dir = filepath.Join(p.Dir, dir)
		}
		return townAt(dir, "")
	}
	dirs := []string{p.Dir}
	if real, err := filepath.EvalSymlinks(p.Dir); err == nil && real != p.Dir {
		dirs = append(dirs, real) // as the repository names it
	}
	for _, dir := range dirs {
		for up := dir; ; up = filepath.Dir(up) {
			if isTown(up) {
				return up, nil
			}
			if up == filepath.Dir(up) {
				break
			}
		}
	}
	if p.Env != "" {
		return townAt(p.Env, ", from $GASTOWN_TOWN")
	}
	if p.Registry != "" {
		reg, err := config.LoadRegistry(p.Registry)
		if err != nil {
			return "", err
		}
		if dir := registered(reg, dirs[len(dirs)-1]); isTown(dir) {
			return dir, nil
		} else if dir != "" {
			return "", fault.Unavailablef("town %q, which this repository belongs to: no town.toml there", dir).
				WithHint("if it was moved: gastown --town DIR up; if it is gone: take its line out of %s", p.Registry)
		}
	}
	if p.Home != "" && isTown(p.Home) {
		return p.Home, nil
	}
	return "", nil
}

// townAt is a directory that was named as the town's; how says by what.
func townAt(dir, how string) (string, error) {
	if !isTown(dir) {
		return "", fault.Unavailablef("town %q%s: no town.toml there", dir, how).WithHint("make one with: gastown init %s", dir)
	}
	return filepath.Clean(dir), nil
}

// registered is the town of the repository that dir is in: by its place, or, in another worktree of
// it, by what they share.
func registered(reg config.Registry, dir string) string {
	if town, ok := reg.Lookup(dir); ok {
		return town
	}
	shared := git.CommonDir(dir)
	if shared == "" {
		return ""
	}
	roots := make([]string, 0, len(reg.Towns))
	for root := range reg.Towns {
		roots = append(roots, root)
	}
	slices.Sort(roots)
	for _, root := range roots {
		if git.CommonDir(root) == shared {
			return reg.Towns[root]
		}
	}
	return ""
}

// reclaim notes in the registry where the town's repositories belong that it has with no town or with
// one that is gone, such as this one before it was moved.
func (t *Town) reclaim() {
	if t.deps.Config == "" {
		return
	}
	reg, err := config.LoadRegistry(registryPath(t.deps.Config))
	if err != nil {
		t.deps.Log.Warn("registry", "err", err)
		return
	}
	for _, rc := range t.settings().Rigs {
		if rc.Origin != "" && git.IsLocal(rc.Origin) && !isTown(reg.Towns[rc.Origin]) {
			t.register(rc.Origin)
		}
	}
}

func isTown(dir string) bool {
	if dir == "" {
		return false
	}
	info, err := os.Stat(settingsPath(dir))
	return err == nil && info.Mode().IsRegular()
}
