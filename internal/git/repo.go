package git

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"gastown/internal/fault"
)

// Repo is a bare repository that the town made and owns. Get one from CloneBare,
// InitBare or OpenRepo. Safe for concurrent use; adding and removing worktrees,
// fetching and editing shared files exclude each other per directory.
type Repo struct {
	g   *Runner
	dir string
	st  *repoState
}

// repoState is shared by all values that name one directory.
type repoState struct {
	mu sync.Mutex // worktree add/remove/prune, fetch, shared files

	cfgMu sync.Mutex
	clean map[string][sha256.Size]byte // configuration files as last seen clean

	foreign foreign
}

// ownerMark is the configuration key that says a repository is a town's.
const ownerMark = "gastown.town"

func (g *Runner) repo(dir string) *Repo {
	g.mu.Lock()
	defer g.mu.Unlock()
	st := g.repos[dir]
	if st == nil {
		st = &repoState{clean: map[string][sha256.Size]byte{}}
		g.repos[dir] = st
	}
	return &Repo{g: g, dir: dir, st: st}
}

// OpenRepo opens a bare repository that CloneBare or InitBare made. Any other
// directory is ErrNotOurs; a missing one is ErrNotExist.
func (g *Runner) OpenRepo(ctx context.Context, dir string) (*Repo, error) {
	abs, err := realPath(dir)
	if err != nil {
		return nil, fmt.Errorf("open repository %q: %w", dir, err)
	}
	if _, err := os.Stat(filepath.Join(abs, "config")); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open repository %q: %w", dir, ErrNotExist)
	}
	_, out, err := g.run(ctx, call{env: g.pinned, okCode: 1,
		args: []string{"config", "--file", filepath.Join(abs, "config"), "--get", ownerMark}})
	if err != nil {
		return nil, fmt.Errorf("open repository %q: %w", dir, err)
	}
	if strings.TrimSpace(string(out)) != "true" {
		return nil, fmt.Errorf("open repository %q: %w", dir, ErrNotOurs)
	}
	return g.repo(abs), nil
}

// Dir is the repository's absolute directory.
func (r *Repo) Dir() string { return r.dir }

// call is a pinned call in the repository itself.
func (r *Repo) call(args ...string) call {
	return call{pre: append(slices.Clone(pins), "--git-dir="+r.dir), args: args, dir: r.dir, env: r.g.pinned, repo: r}
}

// openCall is a call in the repository with the person's configuration.
func (r *Repo) openCall(args ...string) call {
	return call{pre: append(slices.Clone(openPins), "--git-dir="+r.dir), args: args, dir: r.dir, env: r.g.open, repo: r}
}

func (r *Repo) output(ctx context.Context, args ...string) (string, error) {
	_, out, err := r.g.run(ctx, r.call(args...))
	return strings.TrimSuffix(string(out), "\n"), err
}

// FoldsCase reports whether git found, when it made the repository, that its file system takes names for one
// that differ in case only.
func (r *Repo) FoldsCase(ctx context.Context) (bool, error) {
	c := r.call("config", "--type=bool", "--get", "core.ignoreCase")
	c.okCode = 1
	_, out, err := r.g.run(ctx, c)
	return strings.TrimSpace(string(out)) == "true", err
}

// FoldsCase is Repo.FoldsCase of a person's repository.
func (g *Runner) FoldsCase(ctx context.Context, dir string) (bool, error) {
	out, err := g.readIn(ctx, dir, 1, "config", "--get", "--type=bool", "core.ignoreCase")
	return strings.TrimSpace(out) == "true", err
}

// allowedConfig lists what may stand in the configuration of a repository that
// agents can write to through their worktrees. All else (filters, url rewriting,
// ssh commands, includes, credential helpers) could run a program in our own
// calls and is removed before any call that would read it.
var allowedConfig = lazy(`^(core\.(repositoryformatversion|filemode|bare|ignorecase|precomposeunicode|symlinks` +
	`|logallrefupdates|sparsecheckout|sparsecheckoutcone|autocrlf|eol|safecrlf|quotepath|abbrev)` +
	`|extensions\..*|gastown\..*|gc\..*|maintenance\..*|(user|author|committer)\.(name|email)` +
	`|branch\..*|advice\..*|color\..*|rebase\..*|index\..*|rerere\..*|submodule\..*\.(url|active)|submodule\.active` +
	`|merge\.(conflictstyle|ff)|pull\.(ff|rebase))$`)

// foreignInfo are files below info/ that the town never writes. They would change what is
// checked out and merged everywhere (line endings, merge=union) and what descends from what.
func foreignInfo() []string { return []string{"attributes", "grafts"} }

// cleanConfig removes foreign keys from the given configuration files, and foreignInfo. It
// starts no process while a file is as it was last seen.
func (r *Repo) cleanConfig(ctx context.Context, files ...string) error {
	r.st.cfgMu.Lock()
	defer r.st.cfgMu.Unlock()
	for _, name := range foreignInfo() {
		if err := os.RemoveAll(filepath.Join(r.dir, "info", name)); err != nil {
			return fmt.Errorf("remove what the town did not write: %w", err)
		}
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("read configuration %q: %w", file, err)
		}
		if r.st.clean[file] == sha256.Sum256(data) {
			continue
		}
		_, out, err := r.g.run(ctx, call{env: r.g.pinned, args: []string{"config", "--file", file, "--no-includes", "--list", "--name-only", "-z"}})
		if err != nil {
			return fault.Failf("read configuration %q: %w", file, err).WithHint("the repository's config file is damaged; look at it by hand")
		}
		for _, key := range uniq(splitNUL(out)) {
			if allowedConfig().MatchString(key) {
				continue
			}
			if _, _, err := r.g.run(ctx, call{env: r.g.pinned, repo: r, okCode: 5, args: []string{"config", "--file", file, "--unset-all", key}}); err != nil {
				return fmt.Errorf("remove %q from %q: %w", key, file, err)
			}
		}
		if data, err = os.ReadFile(file); err == nil {
			r.st.clean[file] = sha256.Sum256(data)
		}
	}
	return nil
}

// configFiles are the files whose content reaches a call in the repository.
func (r *Repo) configFiles() []string {
	return []string{filepath.Join(r.dir, "config"), filepath.Join(r.dir, "config.worktree")}
}

// locked runs f while no other worktree, fetch or shared-file operation of this
// repository runs in this process.
func (r *Repo) locked(f func() error) error {
	r.st.mu.Lock()
	defer r.st.mu.Unlock()
	return f()
}

// realPath is path made absolute with the symbolic links of its existing part
// resolved, so that it compares equal to what git writes down.
func realPath(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	rest := ""
	for dir := abs; ; dir = filepath.Dir(dir) {
		if real, err := filepath.EvalSymlinks(dir); err == nil {
			return filepath.Join(real, rest), nil
		}
		if dir == filepath.Dir(dir) {
			return abs, nil
		}
		rest = filepath.Join(filepath.Base(dir), rest)
	}
}

func uniq(s []string) []string {
	slices.Sort(s)
	return slices.Compact(s)
}
