// Package cli owns the command line: argv to a verb of package api, its answer to text
// for people or to JSON. It knows how a town is reached (the host's socket, else the
// store's lock) and nothing of what a verb does. It reads no environment, arguments or
// clock but those in Env, and it never exits.
package cli

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"gastown/internal/api"
	"gastown/internal/fault"
)

// Env is everything of the process that the command line may touch, and what main joins
// it to. Fields are required where they say nothing else.
type Env struct {
	Args   []string            // without the program's name
	Getenv func(string) string // GASTOWN_SOCKET, GASTOWN_TOKEN and HOME are asked for
	Dir    string              // working directory, absolute
	In     io.Reader
	Out    io.Writer
	Err    io.Writer
	IsTTY  bool // Out (and In) are a terminal a person looks at
	// Version is the program's.
	Version string
	// Now is the clock; nil: time.Now.
	Now func() time.Time
	// Template is the skeleton of a spec that `plan --template` prints.
	Template string

	// FindTown names the town's directory, by --town (empty: not given), the working
	// directory, the environment and the registry, in this order. Empty: there is none.
	FindTown func(dirFlag, cwd string) (string, error)
	// Open takes the store's lock, waiting at most 1 s, and performs verbs alone until the
	// returned function is called. A lock that is held is an error of kind Unavailable that
	// names the pid. host is whether it may start agents; the command line passes false.
	Open func(town string, host bool) (api.Doer, func() error, error)
	// Socket is the path of a town's socket.
	Socket func(town string) string
	// Init makes a town in dir (empty: the default place) and returns its directory.
	Init func(ctx context.Context, dir string) (string, error)
	// Restore puts a backup in the place of a town's store and returns where that is kept. May be nil.
	Restore func(town, from string) (kept string, err error)
	// Diagnose is doctor for a town that cannot be opened. May be nil.
	Diagnose func(ctx context.Context, town string, fix bool) []api.Check
	// Uninstall says what goes with a town, and removes it if do is set.
	Uninstall func(ctx context.Context, town string, do bool) (api.Removal, error)
	// Welcome is asked before the screen, with the town that was found or "": what a first
	// start settles. It returns the town to open. May be nil.
	Welcome func(ctx context.Context, town, cwd string, yes bool) (string, error)
	// Screen runs the screen until it is left.
	Screen func(ctx context.Context, town string, opts ScreenOptions) error
	// Up runs the host without a screen until ctx ends or it is told to stop.
	Up func(ctx context.Context, town string, w io.Writer) error
	// MCP serves verbs as tools on In and Out, for an agent of the role (empty: a person's),
	// until In ends.
	MCP func(ctx context.Context, d api.Doer, role string) error
	// Attach shows the terminal of a polecat or of "mayor" on this one, and types into it, until it is left.
	Attach func(ctx context.Context, d api.Doer, name string) error
	// KeysDoctor shows on the terminal what its keys send and how wide it draws; town is "" without one.
	KeysDoctor func(ctx context.Context, town string) error
	// Demo runs the whole job in a town of its own.
	Demo func(ctx context.Context, opts DemoOptions) error
}

// ScreenOptions are the flags of `gastown` alone.
type ScreenOptions struct {
	Foreground bool // host and screen in one process
	ASCII      bool // draw with ASCII only
	Yes        bool // ask nothing that has a safe answer
	Passing    bool // the town is deleted when the screen ends; no flag says that
}

// DemoOptions are the flags of `gastown demo`.
type DemoOptions struct {
	Headless bool
	Dir      string    // absolute; empty: a temporary directory
	ASCII    bool      // draw with ASCII only
	JSON     bool      // report as JSON
	Out      io.Writer // for what is told without a screen
}

// Run performs env.Args and returns the exit code. What it has to say about an error is
// written to env.Err.
func Run(ctx context.Context, env Env) int {
	if env.Now == nil {
		env.Now = time.Now
	}
	a := &app{env: env, json: wantsJSON(env.Args)}
	a.reach = &reach{env: &a.env, town: &a.town}
	root := a.root()
	root.SetArgs(append([]string{}, env.Args...)) // never nil: cobra would look at os.Args
	root.SetIn(env.In)
	root.SetOut(env.Out)
	root.SetErr(env.Err)
	err := root.ExecuteContext(ctx)
	if err == nil {
		err = a.late
	}
	if cerr := a.reach.close(); err == nil && cerr != nil {
		err = fault.Failf("close the town: %w", cerr)
	}
	if err != nil {
		a.report(err)
	}
	return fault.ExitCode(err)
}

// app is one invocation.
type app struct {
	env   Env
	town  string // --town
	json  bool   // --json
	reach *reach
	late  error // what help has to say against its command; cobra's hook returns none
}

// wantsJSON finds --json before cobra does: an error in the flags themselves is told in
// the shape that was asked for.
func wantsJSON(args []string) bool {
	if end := slices.Index(args, "--"); end >= 0 {
		args = args[:end]
	}
	return slices.Contains(args, "--json") || slices.Contains(args, "--json=true")
}

// report writes err the one way errors are written.
func (a *app) report(err error) {
	e := *fault.From(err)
	lines := e.Lines()
	for i := range lines {
		lines[i] = one(lines[i])
	}
	e.Msg, e.Hint = strings.Join(lines, "\n"), one(e.Hint)
	if a.json {
		_ = writeJSON(a.env.Err, struct {
			Error *fault.Error `json:"error"`
		}{&e}, false)
		return
	}
	text := "gastown: " + strings.Join(lines, "\n  ") + "\n"
	if e.Hint != "" {
		text += "  " + e.Hint + "\n"
	}
	_, _ = io.WriteString(a.env.Err, text)
}

func (a *app) root() *cobra.Command {
	opts := ScreenOptions{}
	version := false
	root := &cobra.Command{
		Use:           "gastown",
		Short:         "run many coding agents and land only what passes",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs, // unknownCommand judges them
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) > 0:
				return unknownCommand(cmd, args[0])
			case version:
				return a.version()
			}
			return a.screen(cmd.Context(), opts)
		},
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if a.json && cmd.HasParent() && cmd.Parent().Name() == "completion" {
				return fault.Usagef("%s: it prints a script, which is no JSON", path(cmd))
			}
			return nil
		},
		ValidArgsFunction:          cobra.NoFileCompletions,
		SuggestionsMinimumDistance: 2,
	}
	root.PersistentFlags().Var(townFlag{&a.town}, "town", "the town's `directory`")
	root.PersistentFlags().BoolVar(&a.json, "json", a.json, "print JSON")
	root.Flags().BoolVar(&opts.Foreground, "foreground", false, "host and screen in one process")
	root.Flags().BoolVar(&opts.ASCII, "ascii", false, "draw with ASCII only")
	root.Flags().BoolVarP(&opts.Yes, "yes", "y", false, "ask nothing that has a safe answer")
	root.Flags().BoolVar(&version, "version", false, "print the version")
	root.SetFlagErrorFunc(flagError)
	root.SetHelpFunc(a.help)
	root.SetHelpCommand(a.helpCommand())
	for _, g := range a.groups() {
		for _, e := range g.entries {
			if e.cmd != nil {
				root.AddCommand(e.cmd)
			}
		}
	}
	return root
}

func (a *app) screen(ctx context.Context, opts ScreenOptions) error {
	switch {
	case a.env.Getenv("GASTOWN_TOKEN") != "":
		return fault.Refusedf("screen: it is for people, and this is an agent's terminal").
			WithHint("`gastown prime` prints your task, `gastown --help` the verbs")
	case a.json || !a.env.IsTTY:
		return fault.Usagef("screen: it needs a terminal").
			WithHint("`gastown status` prints what is going on, `gastown up` runs the host without a screen")
	}
	town, err := a.env.FindTown(a.town, a.env.Dir)
	switch {
	case err != nil:
	case a.env.Welcome != nil && a.town == "":
		town, err = a.env.Welcome(ctx, town, a.env.Dir, opts.Yes)
	default:
		town, err = a.env.findTown(a.town)
	}
	if err != nil {
		return err
	}
	return a.env.Screen(ctx, town, opts)
}

// interrupted reports whether the person, not a fault, ended the verb.
func interrupted(ctx context.Context, err error) bool {
	return ctx.Err() != nil && errors.Is(err, context.Cause(ctx))
}

// abs is a path the person named, for a host that has another working directory.
func (a *app) abs(path string) string {
	if path == "" || strings.HasPrefix(path, "/") {
		return path
	}
	return join(a.env.Dir, path)
}
