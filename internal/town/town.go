// Package town owns a town: it answers every verb on the store, and, as the host, turns
// committed state into actions (agents, worktrees, the Refinery) and the results of actions
// into committed state. It draws nothing and parses no command line.
//
// Reading order: town.go (what a town is), do.go (the door for verbs), then host.go (the
// loop), worker.go (the life of one attempt) and merge.go (the queue's transactions).
package town

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/api"
	"gastown/internal/config"
	"gastown/internal/fault"
	"gastown/internal/git"
	"gastown/internal/proc"
)

// Deps are what a town takes from the world; main fills them once.
type Deps struct {
	Now     func() time.Time
	Rand    func() float64               // in [0, 1)
	Token   func() string                // unguessable, for capability tokens and session ids (a UUID)
	Env     []string                     // the login environment
	Exe     string                       // this program's file
	Version string                       // for status
	Log     *slog.Logger                 // the host's log
	Config  string                       // directory of the person's gastown settings (the registry)
	Temp    string                       // directory for temporary files
	Lookup  func(string) string          // finds a program on the PATH; empty: not there
	Guard   func(where string, f func()) // runs f; a panic in it ends the program cleanly
}

// Town is an open town: its settings and its store. Methods are safe for concurrent use.
type Town struct {
	Dir   string
	deps  Deps
	store *store.Store
	git   *git.Runner
	host  *Host // nil unless this process runs the town

	mu       sync.Mutex
	cfg      *config.Config
	cfgTime  time.Time // modification time of the file cfg was read from
	cfgWrong []string  // what is wrong with a newer file, while cfg is still the one before
	repos    map[string]*git.Repo
	reaching map[string]chan struct{} // by rig: held while its origin is dealt with
	failed   map[string]int           // by rig: looks at its origin that failed in a row
	prs      prMemory

	verbsOnce sync.Once
	verbTable map[string]row

	adding  sync.Mutex // held while a rig is added
	keeping sync.Mutex // held while kept tips are dropped
	writing sync.Mutex // held from a transaction until its actions are handed over
	asked   []ask      // by the transaction under way

	agents choiceCache
}

// Paths of a town directory.
func settingsPath(dir string) string      { return filepath.Join(dir, "town.toml") }
func storePath(dir string) string         { return filepath.Join(dir, "town.db") }
func (t *Town) path(e ...string) string   { return filepath.Join(append([]string{t.Dir}, e...)...) }
func (t *Town) repoDir(rig string) string { return t.path("rigs", rig, "repo.git") }
func (t *Town) worktreeDir(rig, polecat string) string {
	return t.path("rigs", rig, "wt", polecat)
}

// Init makes a town in dir, which may exist and must not hold one yet.
func Init(dir string) error {
	if _, err := os.Stat(settingsPath(dir)); err == nil {
		return fault.Refusedf("init %q: there is a town already", dir)
	}
	for up := filepath.Dir(dir); up != filepath.Dir(up); up = filepath.Dir(up) {
		if _, err := os.Stat(settingsPath(up)); err == nil {
			return fault.Refusedf("init %q: it is inside the town %q", dir, up)
		}
	}
	if free, err := Vacant(dir); err != nil {
		return err
	} else if !free {
		return fault.Refusedf("init %q: the directory is not empty", dir).WithHint("a town has one of its own; name another: gastown init DIR")
	}
	for _, sub := range []string{"", "backups", "logs", "mayor", "rigs", "run"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			return fmt.Errorf("init: %w", err)
		}
	}
	s, err := store.Open(storePath(dir), store.Options{})
	if err != nil {
		return fmt.Errorf("init: %w", err)
	}
	if err := s.Close(); err != nil {
		return fmt.Errorf("init: %w", err)
	}
	// The settings come last: a directory is a town once they are there.
	if err := config.WriteFile(settingsPath(dir), []byte(config.Template())); err != nil {
		return fmt.Errorf("init: %w", err)
	}
	return nil
}

// Apart is an error for a place where a repository would have a town among its files: what the town
// keeps would be committed with them.
func Apart(ctx context.Context, env []string, dir string) error {
	root, err := git.New(env).Among(ctx, dir)
	if err != nil || root == "" {
		return step(err, "init %q", dir)
	}
	return fault.Refusedf("init %q: it would be among the files of the repository %s", dir, root).
		WithHint("a town is for all repositories and outside of them: gastown init, then gastown rig add NAME %q", root)
}

// Vacant reports whether a town can be made in dir: it is missing, or holds nothing but what an
// Init leaves that did not come to its end.
func Vacant(dir string) (bool, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("init %q: %w", dir, err)
	}
	for _, e := range entries {
		name := e.Name()
		if name == "town.toml" || !isTownFile(name) {
			return false, nil
		}
		if below, err := os.ReadDir(filepath.Join(dir, name)); err == nil && len(below) > 0 { // a file has none
			return false, nil
		}
	}
	return true, nil
}

// Restore puts a backup of the store in the place of the town's, which must not be in use.
// The store that was there is kept beside it; its path is returned.
func Restore(dir, from string) (kept string, err error) {
	return store.Restore(storePath(dir), from, store.Options{Terminal: proc.Terminal})
}

// Open opens the town in dir and takes its store's lock, waiting at most a second. A lock
// held by another process is fault.Unavailable and names that process.
func Open(dir string, deps Deps) (*Town, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(settingsPath(dir)); errors.Is(err, fs.ErrNotExist) {
		return nil, fault.Unavailablef("town %q: no town.toml there", dir).WithHint("make one with: gastown init %s", dir)
	}
	t := newTown(dir, deps)
	if _, err := t.config(); err != nil {
		if e := fault.From(err); e != nil && e.Hint == "" {
			err = e.WithHint("mend %s; gastown doctor tells more", settingsPath(dir))
		}
		return nil, err
	}
	t.store, err = store.Open(storePath(dir), store.Options{Now: deps.Now, Terminal: proc.Terminal})
	if err != nil {
		return nil, err
	}
	return t, nil
}

func newTown(dir string, deps Deps) *Town {
	t := &Town{Dir: dir, deps: deps, git: git.New(append(slices.Clone(deps.Env), helperVar+"="+dir)), repos: map[string]*git.Repo{}, reaching: map[string]chan struct{}{}, failed: map[string]int{}, prs: newPRMemory()}
	t.git.Unlocked = func(files []string) {
		deps.Log.Warn("locks of a git that was killed", "removed", files)
	}
	return t
}

// Close gives the store back.
func (t *Town) Close() error { return t.store.Close() }

// config is the settings, read again when the file changed. A file that went bad keeps the
// last good settings and is reported.
func (t *Town) config() (*config.Config, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	info, err := os.Stat(settingsPath(t.Dir))
	if err != nil {
		if t.cfg != nil {
			return t.cfg, nil
		}
		return nil, fmt.Errorf("read settings: %w", err)
	}
	if t.cfg != nil && info.ModTime().Equal(t.cfgTime) {
		return t.cfg, nil
	}
	cfg, err := t.load(settingsPath(t.Dir))
	if err != nil {
		if t.cfg == nil {
			return nil, err
		}
		t.deps.Log.Error("settings are wrong; the last good ones stay", "err", err)
		t.cfgTime, t.cfgWrong = info.ModTime(), fault.From(err).Lines()
		return t.cfg, nil
	}
	t.cfg, t.cfgTime, t.cfgWrong = cfg, info.ModTime(), nil
	return cfg, nil
}

// load reads the settings file and checks it, also against the settings in force. Under t.mu.
func (t *Town) load(path string) (*config.Config, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read settings: %w", err)
	}
	return t.parse(path, data)
}

// parse checks the text of a settings file. A rig's target is told by its repository and its queue
// as well, so settings cannot move it. Under t.mu.
func (t *Town) parse(path string, data []byte) (*config.Config, error) {
	cfg, err := config.Parse(path, data)
	if err != nil || t.cfg == nil {
		return cfg, err
	}
	if len(t.cfg.Rigs) > 0 && len(bytes.TrimSpace(data)) == 0 { // an editor may be at it: empty is no wish to have no rigs
		return nil, fault.Usagef("%s is empty", path).WithHint("to take a rig out: gastown rig remove NAME")
	}
	for _, name := range rigNames(cfg) {
		rc, was := cfg.Rigs[name], t.cfg.Rigs[name]
		if was.Branch != "" && was.Branch != rc.Branch {
			return nil, fault.Usagef("%s: rig.%s.branch: the rig lands on %s, which stays so for as long as there is the rig", config.Where(path, data, []string{"rig", name}, "branch"), name, was.Branch).
				WithHint("to land on %s: gastown rig add NAME %q --branch %s", rc.Branch, rc.Origin, rc.Branch)
		}
	}
	return cfg, nil
}

// wrongSettings says in one line what is wrong with town.toml, while the settings before it stay in force.
func (t *Town) wrongSettings() string { return strings.Join(t.settingsFaults(), "; ") }

// settingsFaults are what is wrong with town.toml, one by one.
func (t *Town) settingsFaults() []string {
	_ = t.settings()
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.cfgWrong
}

// TownKeys are the keys that lead from an agent's terminal to the town, as they were set.
func (t *Town) TownKeys() []string { return t.settings().Keys.Town }

// settingsAt is when town.toml was last written.
func (t *Town) settingsAt() time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.cfgTime.UTC()
}

// settings is config where an earlier success is certain.
func (t *Town) settings() *config.Config {
	cfg, err := t.config()
	if err != nil {
		return config.Default()
	}
	return cfg
}

// edit changes the settings file by a function of its bytes.
func (t *Town) edit(f func(data []byte) ([]byte, error)) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	path := settingsPath(t.Dir)
	data, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read settings: %w", err)
	}
	data, err = f(data)
	if err != nil {
		return err
	}
	cfg, err := t.parse(path, data)
	if err != nil {
		return err
	}
	if err := config.WriteFile(path, data); err != nil {
		return err
	}
	t.cfg, t.cfgWrong = cfg, nil
	if info, err := os.Stat(path); err == nil {
		t.cfgTime = info.ModTime()
	}
	return nil
}

// repo opens a rig's repository, once.
func (t *Town) repo(ctx context.Context, rig string) (*git.Repo, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if r := t.repos[rig]; r != nil {
		return r, nil
	}
	r, err := t.git.OpenRepo(ctx, t.repoDir(rig))
	if err != nil {
		return nil, fmt.Errorf("rig %q: %w", rig, err)
	}
	t.repos[rig] = r
	return r, nil
}

// rig finds a rig by name; an empty name is the only rig.
func (t *Town) rig(name string) (string, config.Rig, error) {
	cfg, err := t.config()
	if err != nil {
		return "", config.Rig{}, err
	}
	if name == "" {
		if len(cfg.Rigs) == 1 {
			for n, r := range cfg.Rigs {
				return n, r, nil
			}
		}
		if len(cfg.Rigs) == 0 {
			return "", config.Rig{}, fault.Refusedf("no rig yet").WithHint("add one with: gastown rig add NAME PATH")
		}
		return "", config.Rig{}, fault.Usagef("there are several rigs: say which").WithHint("one of: %s; in its repository it need not be said", strings.Join(rigNames(cfg), ", "))
	}
	r, ok := cfg.Rigs[name]
	if !ok {
		return "", config.Rig{}, fault.NotFoundf("rig %q: no such rig", name).WithHint("see: gastown rig list")
	}
	return name, r, nil
}

// meant is the rig that a request means: the one it names, the caller's own, the one whose
// repository the caller is in, or the only one.
func (t *Town) meant(ctx context.Context, who api.Caller, name string) (string, config.Rig, error) {
	if name == "" {
		name = who.Rig
	}
	if name == "" {
		name = t.rigAt(api.Dir(ctx))
	}
	return t.rig(name)
}

// rigAt is the rig that a directory belongs to: its origin, another worktree of that, or what the town
// keeps of it. Empty: to none, or to more than one.
func (t *Town) rigAt(dir string) string {
	rigs := t.settings().Rigs
	if dir == "" || len(rigs) < 2 {
		return ""
	}
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	var found []string
	longest := ""
	for name, rc := range rigs {
		own := t.real()
		for _, place := range []string{rc.Origin, filepath.Join(own, "mayor", name), filepath.Join(own, "rigs", name)} {
			if place == "" || len(place) < len(longest) || !within(place, dir) {
				continue
			}
			if len(place) > len(longest) {
				found, longest = nil, place // a repository inside another is the one meant
			}
			found = append(found, name)
		}
	}
	if longest == "" {
		for name, rc := range rigs {
			if SameRepository(rc.Origin, dir) {
				found = append(found, name)
			}
		}
	}
	if len(found) != 1 {
		return ""
	}
	return found[0]
}

// bead finds a bead by its id, or by a part of an id that fits only one.
func findBead(tx *store.Tx, id beads.ID) (*beads.Bead, error) {
	if tx.HasBead(id) {
		return tx.Bead(id)
	}
	var found []beads.ID
	for full := range tx.IDs("") {
		if hasTail(string(full), string(id)) {
			found = append(found, full)
		}
	}
	switch len(found) {
	case 1:
		return tx.Bead(found[0])
	case 0:
		return tx.Bead(id)
	}
	return nil, fault.Usagef("bead %q: fits %s and others", id, found[0])
}

// means reports whether a name is that of an attempt: its polecat's, its bead's, or BEAD/N, which never means another.
func means(name, polecat string, bead beads.ID, n int) bool {
	return name == polecat || name == string(bead) || hasTail(string(bead), name) || name == beads.AttemptKey(bead, n)
}

// hasTail reports whether part is what stands after an id's prefix.
func hasTail(id, part string) bool {
	return part != "" && len(id) > len(part) && id[len(id)-len(part):] == part && id[len(id)-len(part)-1] == '-'
}
