package town

import (
	"os"
	"path/filepath"

	"gastown/internal/config"
	"gastown/internal/fault"
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
// environment, the registry of repositories, then the default town if it exists.
func Find(p Places) (string, error) {
	if p.Flag != "" {
		dir := p.Flag
		if !filepath.IsAbs(dir) {
			dir = filepath.Join(p.Dir, dir)
		}
		if !isTown(dir) {
			return "", fault.NotFoundf("town %q: no town.toml there", dir).WithHint("make one with: gastown init %s", dir)
		}
		return filepath.Clean(dir), nil
	}
	for up := p.Dir; ; up = filepath.Dir(up) {
		if isTown(up) {
			return up, nil
		}
		if up == filepath.Dir(up) {
			break
		}
	}
	if p.Env != "" {
		if !isTown(p.Env) {
			return "", fault.NotFoundf("town %q, from $GASTOWN_TOWN: no town.toml there", p.Env).WithHint("make one with: gastown init %s", p.Env)
		}
		return filepath.Clean(p.Env), nil
	}
	if p.Registry != "" {
		if reg, err := config.LoadRegistry(p.Registry); err == nil { // a bad registry only costs typing
			if dir, ok := reg.Lookup(p.Dir); ok && isTown(dir) {
				return dir, nil
			}
		}
	}
	if p.Home != "" && isTown(p.Home) {
		return p.Home, nil
	}
	return "", fault.NotFoundf("no town here").WithHint("make one with: gastown init; or name one with --town DIR")
}

func isTown(dir string) bool {
	info, err := os.Stat(settingsPath(dir))
	return err == nil && info.Mode().IsRegular()
}
