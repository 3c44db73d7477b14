// Package config owns town.toml and towns.toml: their schema, errors that name
// the line, and edits that keep a person's comments and layout. It reads and
// writes the files it is told to and decides nothing by what is in them.
package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"time"

	"gastown/agents"
	"gastown/internal/fault"
)

// Values of the settings that are a choice.
const (
	DispatchSlung = "slung" // a bead starts when it is slung
	DispatchAuto  = "auto"  // ready beads start by themselves

	DeliverNone     = "none"
	DeliverCheckout = "checkout"
	DeliverPush     = "push"
	DeliverPR       = "pr"

	PRBead   = "bead"   // a pull request for each bead
	PRConvoy = "convoy" // one for all beads of a convoy

	HistoryMerge  = "merge"
	HistoryLinear = "linear"

	PermitEdits  = "edits"  // agents edit and run the rig's own commands; the rest is asked
	PermitBypass = "bypass" // agents do everything and ask nothing

	// ApproveAll in Rig.Approve makes every green candidate wait for a person.
	ApproveAll = "all"
)

// DefaultSilence is how long a gate may be quiet before it is shown as hung.
const DefaultSilence = 5 * time.Minute

// Config is town.toml with defaults filled in. A value is not changed after it
// was read.
type Config struct {
	Town     Town
	Rigs     map[string]Rig
	Agents   map[string]Agent
	Refinery Refinery
	Keys     Keys
	Notify   Notify
}

// Town is the [town] table.
type Town struct {
	Polecats int    // at once, over all rigs; 0 is fine
	Dispatch string // DispatchSlung or DispatchAuto
	Mayor    string // preset
	Polecat  string // preset
}

// Rig is one [rig.NAME] table.
type Rig struct {
	Origin  string   // path or URL; "": local only
	Branch  string   // "main"
	Prefix  string   // of bead ids
	Deliver string   // DeliverNone, ...
	PR      string   // what a pull request has in it: PRBead, PRConvoy
	Approve []string // nil: none; ApproveAll; or labels
	Ungated bool
	// Permissions is what agents may do without asking, where their program can be told:
	// PermitEdits or PermitBypass.
	Permissions string
	Proof       bool     // tests are tried without their change when nothing else is gated; true unless set
	Tests       []string // patterns of test files; nil: refinery.TestPatterns
	Setup       string   // shell command, run in every new worktree
	Teardown    string
	Copy        []string // patterns of files to copy from the origin checkout
	Link        []string // the same, linked
	Gates       []Gate
}

// Gate is one [[rig.NAME.gate]] table.
type Gate struct {
	Name    string
	Run     string        // shell command
	Timeout time.Duration // 0: from the usual time
	Silence time.Duration
	Env     []string // names of variables passed on
}

// Agent is one [agent.NAME] table: changes to a preset, or a program of one's own.
type Agent struct {
	Extends string
	Command []string
	Args    []string
	Silence time.Duration // without a sign of life of a polecat: shown as stalled; 0: the preset's
}

// Refinery is the [refinery] table.
type Refinery struct {
	History string // HistoryMerge or HistoryLinear
}

// Keys is the [keys] table.
type Keys struct {
	Town []string // keys that leave a terminal pane
}

// Notify is the [notify] table.
type Notify struct {
	Command string // "": none
}

var (
	nameRule     = lazy(`^[a-z0-9][a-z0-9._-]{0,63}$`)
	prefixRule   = lazy(`^[a-z][a-z0-9]{0,7}$`)
	envRule      = lazy(`^[A-Za-z_][A-Za-z0-9_]*$`)
	functionRule = lazy(`^f([1-9]|[1-5][0-9]|6[0-3])$`)
)

// ValidName reports whether s may name a rig, gate, agent or polecat: one path
// element, one ref element, one word.
func ValidName(s string) bool { return nameRule().MatchString(s) }

// ValidPrefix reports whether s may be the prefix of bead ids.
func ValidPrefix(s string) bool { return prefixRule().MatchString(s) }

// Default is the settings of a town without a town.toml.
func Default() *Config {
	return &Config{
		Town:     Town{Polecats: 3, Dispatch: DispatchSlung, Mayor: "claude", Polecat: "claude"},
		Rigs:     map[string]Rig{},
		Agents:   map[string]Agent{},
		Refinery: Refinery{History: HistoryMerge},
		Keys:     Keys{Town: []string{"ctrl+]", "f9"}},
	}
}

// Template is the town.toml a new town gets.
func Template() string {
	return `# Settings of this gastown town. "gastown config set KEY VALUE" edits this file
# too and keeps your comments. Unknown keys and wrong values are errors.

[town]
polecats = 3             # workers at once, over all rigs; 0 is fine
dispatch = "slung"       # "auto": ready beads start by themselves
mayor    = "claude"      # the agent you talk to
polecat  = "claude"      # the agent that works on beads

# One table per project; "gastown rig add NAME PATH" writes it.
#
# [rig.myapp]
# origin = "/home/me/myapp"    # or a URL
# branch = "main"
# prefix = "ma"                # of bead ids
# deliver = "none"             # "checkout", "push" or "pr": bring what landed to the origin
# pr = "bead"                  # "convoy": the beads of a convoy share one pull request
# approve = "none"             # "all", or a list of labels: a green change waits for your yes
# permissions = "edits"        # "bypass": agents there do anything without asking
# proof = true                 # tries a bead's tests without its change, when the gate is idle
# tests = ["*_test.go"]        # which files are tests; without it the usual names of many languages
# setup = "npm ci"             # in every new worktree, before the agent
# copy = [".env"]              # taken over from your checkout
# link = ["node_modules"]
#
# [[rig.myapp.gate]]           # must pass before a change lands
# name = "test"
# run = "go test ./..."
# timeout = "30m"              # default: 10x the usual time, at least 60s
# silence = "5m"               # shown as hung after this long without output
# env = ["DATABASE_URL"]       # variables passed on to it

[refinery]
history = "merge"        # "linear": no merge commits

[keys]
town = ["ctrl+]", "f9"]  # from an agent's terminal to the town; see: gastown keys doctor

[notify]
command = ""             # run for every notice, its text in $1
`
}

// Preset finds an agent by PRESET[:MODEL] among the built-in ones and those of the settings.
func (c *Config) Preset(spec string) (agents.Preset, string, error) {
	custom := map[string]agents.Custom{}
	for name, a := range c.Agents {
		custom[name] = agents.Custom{Extends: a.Extends, Command: a.Command, Args: a.Args, Silence: a.Silence}
	}
	return agents.Resolve(custom, spec)
}

// NewGate makes a gate from text as a person types it; empty durations are the
// defaults. An empty name is left to the caller.
func NewGate(name, run, timeout, silence string, env []string) (Gate, error) {
	g := Gate{Name: name, Run: run, Silence: DefaultSilence, Env: env}
	for _, d := range []struct {
		text string
		to   *time.Duration
		key  string
	}{{timeout, &g.Timeout, "timeout"}, {silence, &g.Silence, "silence"}} {
		if d.text == "" {
			continue
		}
		v, err := duration(d.text)
		if err != nil {
			return g, fault.Usagef("gate %q: %s: %w", name, d.key, err)
		}
		*d.to = v
	}
	if run == "" {
		return g, fault.Usagef("gate %q: it has no command", name)
	}
	if name != "" && !ValidName(name) {
		return g, fault.Usagef("gate %q: %w", name, errName)
	}
	for _, n := range env {
		if !envRule().MatchString(n) {
			return g, fault.Usagef("gate %q: env: %q is not the name of a variable", name, n)
		}
	}
	return g, nil
}

var errName = errors.New("want lower case letters, digits, '.', '_' and '-', at most 64, a letter or digit first")

// Load reads and checks a town.toml. Errors name file, line and key.
func Load(path string) (*Config, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.NotFoundf("read settings: %w", err)
	}
	if err != nil {
		return nil, fmt.Errorf("read settings: %w", err)
	}
	return Parse(path, data)
}

// WriteFile replaces a settings file in one step: mode 0600, on the disk before
// it has the name. A link is followed, so that a file kept elsewhere stays there.
func WriteFile(path string, data []byte) error {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-")
	if err != nil {
		return fmt.Errorf("write settings: %w", err)
	}
	defer os.Remove(f.Name()) // gone already when all went well
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync() // CreateTemp made it 0600
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write settings %q: %w", path, err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("write settings %q: %w", path, err)
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// lazy compiles a pattern when it is first used: every start of the program would pay for it.
func lazy(pattern string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
}
