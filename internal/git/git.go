package git

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// ZeroHash as an old value means "must not exist yet".
const ZeroHash = "0000000000000000000000000000000000000000"

// pins are given to every call in a Repo or Worktree: nothing that a repository's
// or a person's configuration says can run a program or change a result.
// core.fsync=all because git's default does not fsync refs (refinery.md B2).
var pins = []string{
	"-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "core.fsync=all",
	"-c", "gc.auto=0", "-c", "maintenance.auto=false", "-c", "commit.gpgSign=false",
	"-c", "core.attributesFile=/dev/null", "-c", "protocol.ext.allow=never", "-c", "submodule.recurse=false",
	"-c", "core.quotePath=false",
}

// openPins are given to calls that run with the person's own configuration. core.fsync is for
// what they bring into the town.
var openPins = []string{
	"-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "core.fsync=all", "-c", "gc.auto=0",
	"-c", "maintenance.auto=false", "-c", "protocol.ext.allow=never",
}

// pinnedEnv is the environment that goes with pins. The committer is only for
// reflogs: commits always name theirs.
var pinnedEnv = []string{
	"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_TERMINAL_PROMPT=0", "GIT_OPTIONAL_LOCKS=0", "LC_ALL=C",
	"GIT_COMMITTER_NAME=gastown", "GIT_COMMITTER_EMAIL=gastown@localhost",
	"GIT_AUTHOR_NAME=gastown", "GIT_AUTHOR_EMAIL=gastown@localhost",
}

// openEnv is the environment that goes with openPins.
var openEnv = []string{"GIT_TERMINAL_PROMPT=0", "GIT_OPTIONAL_LOCKS=0", "LC_ALL=C"}

// AsNamed is the environment in which an object is what its hash says and a commit has the
// parents it names. Otherwise refs/replace and info/grafts, which all worktrees share, put
// others in their place: a gate would test another tree than the one that lands. The graft file
// is one that cannot be: for one that is there, if empty, git prints a hint.
func AsNamed() []string { return []string{"GIT_NO_REPLACE_OBJECTS=1", "GIT_GRAFT_FILE=/dev/null/none"} }

// keptGitEnv names the inherited GIT_* variables that are a person's settings for
// reaching a remote or saying who they are. All others (GIT_DIR, GIT_INDEX_FILE,
// ...) would redirect a call and are removed.
var keptGitEnv = lazy(`^GIT_(SSH|SSH_COMMAND|SSH_VARIANT|ASKPASS|SSL_[A-Z_]+|HTTP_[A-Z_]+|PROXY_[A-Z_]+` +
	`|CONFIG_GLOBAL|CONFIG_SYSTEM|CONFIG_NOSYSTEM|AUTHOR_NAME|AUTHOR_EMAIL|COMMITTER_NAME|COMMITTER_EMAIL)$`)

// lockWaits are the pauses before a call that met a lock file is tried again:
// about 3 s in all; git itself waits 0.1 s for refs and not at all for the index.
var lockWaits = []time.Duration{20, 50, 100, 200, 400, 800, 1500}

// Runner starts git processes. One per host: it holds the lock of each
// repository, so two Runners on one repository do not exclude each other.
// Safe for concurrent use.
type Runner struct {
	// Unlocked is told which lock files of dead git processes were removed; may be nil. Set it before the first call.
	Unlocked func(files []string)

	program string
	open    []string // environment of calls with the person's configuration
	pinned  []string // environment of all others

	mu    sync.Mutex
	repos map[string]*repoState

	prefsOnce sync.Once
	prefs     []string // "-c" pairs for worktree calls, from the person's configuration
}

// New returns a Runner whose processes get env (the person's login environment,
// "NAME=value") less the GIT_* names that would redirect a call.
func New(env []string) *Runner {
	g := &Runner{program: "git", repos: map[string]*repoState{}}
	for _, kv := range env {
		name, _, _ := strings.Cut(kv, "=")
		if name == "LC_ALL" || name == "LANGUAGE" || name == "GIT_TERMINAL_PROMPT" || name == "GIT_OPTIONAL_LOCKS" {
			continue
		}
		if !strings.HasPrefix(name, "GIT_") {
			g.pinned = append(g.pinned, kv)
			g.open = append(g.open, kv)
		} else if keptGitEnv().MatchString(name) {
			g.open = append(g.open, kv)
		}
	}
	g.pinned = slices.Concat(g.pinned, pinnedEnv, AsNamed())
	g.open = slices.Concat(g.open, openEnv, AsNamed())
	return g
}

// call is one git process. args begins with the verb; pre goes before it.
type call struct {
	pre    []string
	args   []string
	dir    string
	env    []string  // the whole environment
	in     []byte    // standard input
	out    io.Writer // nil: collected
	okCode int       // a second exit code that is not an error, besides 0
	repo   *Repo     // of the town's, in which it works: it is guarded, and its locks that nobody holds are removed; may be nil
}

// run performs c and returns its exit code (0 or okCode) and, unless c.out is
// set, its output. Lock files are waited for, and removed where they are a dead git's.
func (g *Runner) run(ctx context.Context, c call) (int, []byte, error) {
	if c.repo != nil {
		if err := c.repo.guard(ctx); err != nil {
			return -1, nil, err
		}
	}
	argv := slices.Concat([]string{g.program}, c.pre, c.args)
	for try := 0; ; try++ {
		var out bytes.Buffer
		stderr := capped{max: 4 << 10}
		w := c.out
		if w == nil {
			w = &out
		}
		var in io.Reader // nil: nothing to read
		if len(c.in) > 0 {
			in = bytes.NewReader(c.in)
		}
		code, err := execGit(ctx, argv, c.dir, c.env, in, w, &stderr)
		if err != nil {
			return code, nil, fmt.Errorf("git %s: %w", c.args[0], err)
		}
		if code == 0 || (c.okCode != 0 && code == c.okCode) {
			return code, out.Bytes(), nil
		}
		if try < len(lockWaits) && isLocked(stderr.String()) {
			if c.repo != nil && g.removed(c.repo.dropStale()) {
				continue
			}
			if err := pause(ctx, lockWaits[try]*time.Millisecond); err != nil {
				return -1, nil, err
			}
			continue
		}
		return code, out.Bytes(), &ExitError{Verb: c.args[0], Code: code, Stderr: strings.TrimSpace(stderr.String())}
	}
}

// removed tells of locks that were removed, and reports whether there are any.
func (g *Runner) removed(locks []string) bool {
	if len(locks) > 0 && g.Unlocked != nil {
		g.Unlocked(locks)
	}
	return len(locks) > 0
}

// isLocked recognises git's messages about a lock file that another process
// holds. It decides about waiting only, never about a result.
func isLocked(stderr string) bool {
	return strings.Contains(stderr, ".lock': File exists") || strings.Contains(stderr, "could not lock config file")
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// capped keeps the first max bytes and drops the rest. The buffer is not embedded:
// its ReadFrom would go past the cap.
type capped struct {
	buf bytes.Buffer
	max int
	cut bool
}

func (c *capped) Write(p []byte) (int, error) {
	if room := c.max - c.buf.Len(); room < len(p) {
		c.cut = true
		c.buf.Write(p[:max(room, 0)])
		return len(p), nil
	}
	return c.buf.Write(p)
}

func (c *capped) String() string { return c.buf.String() }

// Version is the version of the git program.
type Version struct{ Major, Minor, Patch int }

// MinVersion is the oldest git the program works with: 2.38 brought
// `merge-tree --write-tree`.
func MinVersion() Version { return Version{2, 38, 0} }

// String is "2.39.5".
func (v Version) String() string { return fmt.Sprintf("%d.%d.%d", v.Major, v.Minor, v.Patch) }

// AtLeast reports whether v is w or newer.
func (v Version) AtLeast(w Version) bool {
	return slices.Compare([]int{v.Major, v.Minor, v.Patch}, []int{w.Major, w.Minor, w.Patch}) >= 0
}

// Version asks the git program for its version.
func (g *Runner) Version(ctx context.Context) (Version, error) {
	_, out, err := g.run(ctx, call{args: []string{"version"}, env: g.pinned})
	if err != nil {
		return Version{}, err
	}
	m := regexp.MustCompile(`(\d+)\.(\d+)(?:\.(\d+))?`).FindSubmatch(out)
	if m == nil {
		return Version{}, fmt.Errorf("git version: cannot read %q", out)
	}
	var n [3]int
	for i := range n {
		n[i], _ = strconv.Atoi(string(m[i+1]))
	}
	return Version{n[0], n[1], n[2]}, nil
}

// userPrefs are the person's settings that decide which files of a worktree count
// as changed (global ignore file, line endings), as -c pairs. Read once.
func (g *Runner) userPrefs(ctx context.Context) []string {
	g.prefsOnce.Do(func() {
		_, out, err := g.run(ctx, call{dir: "/", env: append(slices.Clone(g.open), "GIT_CEILING_DIRECTORIES=/"), okCode: 1,
			args: []string{"config", "-z", "--type=path", "--get-regexp", `^core\.(excludesfile|autocrlf|eol|safecrlf)$`}})
		if err != nil {
			return // no readable configuration: git's defaults
		}
		for _, kv := range splitNUL(out) {
			if k, v, ok := strings.Cut(kv, "\n"); ok {
				g.prefs = append(g.prefs, "-c", k+"="+v)
			}
		}
	})
	return g.prefs
}

// splitNUL splits NUL-terminated output into its fields.
func splitNUL(out []byte) []string {
	s := strings.TrimSuffix(string(out), "\x00")
	if s == "" {
		return nil
	}
	return strings.Split(s, "\x00")
}

// lazy compiles a pattern when it is first used: every start of the program would pay for it.
func lazy(pattern string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
}
