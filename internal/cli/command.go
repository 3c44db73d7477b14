package cli

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"gastown/internal/api"
	"gastown/internal/fault"
)

// verbKey is the annotation that names the verbs a command performs.
const verbKey = "verb"

// spec is a command's line beside its flags.
type spec struct {
	// use is its name and arguments: NAME is required, [NAME] optional, NAME... one or more,
	// [NAME]... any number.
	use     string
	short   string // empty: the verb's, from the table
	long    string
	example string
	// complete proposes words for the arguments; nil: none.
	complete completer
}

// command is a verb as a command: req makes the request of the arguments and flags, show
// prints the answer for a person.
func command[Req, Res any](
	a *app, c api.Command[Req, Res], s spec, req func(args []string) (Req, error), show func(*page, Res),
) *cobra.Command {
	return a.command(c.Name(), s, func(ctx context.Context, args []string) error {
		r, err := req(args)
		if err != nil {
			return err
		}
		res, err := c.Do(ctx, a.reach, r)
		if err != nil {
			return err
		}
		return answer(a, res, show)
	})
}

// command makes a command that performs the named verb by itself; verb is empty for one
// that is not in the table.
func (a *app) command(verb string, s spec, run func(ctx context.Context, args []string) error) *cobra.Command {
	cmd := &cobra.Command{
		Use: s.use, Short: s.short, Long: s.long, Example: indent(s.example),
		Args:              func(cmd *cobra.Command, args []string) error { return checkArgs(cmd, args) },
		RunE:              func(cmd *cobra.Command, args []string) error { return run(cmd.Context(), args) },
		ValidArgsFunction: a.completion(s.complete),
	}
	if verb != "" {
		cmd.Annotations = map[string]string{verbKey: verb}
		if v, ok := row(verb); ok && cmd.Short == "" {
			cmd.Short = v.Short
		}
	}
	return cmd
}

// group is a command that only has others below it.
func group(name, short, example string, cmds ...*cobra.Command) *cobra.Command {
	g := &cobra.Command{
		Use: name, Short: short, Example: indent(example),
		Args: cobra.ArbitraryArgs, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(cmd, args[0])
			}
			if asJSON, err := cmd.Flags().GetBool("json"); err == nil && asJSON {
				return fault.Usagef("%s: which of its verbs?", path(cmd)).WithHint("one of: %s", strings.Join(names(cmd), ", "))
			}
			return cmd.Help()
		},
		SuggestionsMinimumDistance: 2,
	}
	g.AddCommand(cmds...)
	return g
}

// answer prints a result, as JSON or by show.
func answer[Res any](a *app, res Res, show func(*page, Res)) error {
	if a.json {
		return writeJSON(a.env.Out, res, a.env.IsTTY)
	}
	p := a.page()
	show(p, res)
	return p.flush(a.env.Out)
}

// checkArgs holds the arguments against the words of Use.
func checkArgs(cmd *cobra.Command, args []string) error {
	wants := strings.Fields(cmd.Use)[1:]
	usage := "usage: gastown " + strings.TrimSpace(path(cmd)+" "+strings.Join(wants, " "))
	for i, want := range wants {
		if i >= len(args) && !strings.HasPrefix(want, "[") {
			return fault.Usagef("%s: %s is missing", path(cmd), strings.TrimSuffix(want, "...")).WithHint("%s", usage)
		}
		if strings.HasSuffix(want, "...") {
			return nil
		}
	}
	if len(args) > len(wants) {
		if strings.HasPrefix(args[len(wants)], "-") && cmd.ArgsLenAtDash() >= 0 {
			usage = "after -- there are no flags: put them before it, or write ./-NAME for a path"
		}
		return fault.Usagef("%s: unexpected argument %q", path(cmd), args[len(wants)]).WithHint("%s", usage)
	}
	return nil
}

// path is the command's name without the program's.
func path(cmd *cobra.Command) string {
	_, rest, _ := strings.Cut(cmd.CommandPath(), " ")
	return rest
}

func names(cmd *cobra.Command) []string {
	var out []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			out = append(out, c.Name())
		}
	}
	return out
}

func unknownCommand(cmd *cobra.Command, name string) error {
	typed := strings.Fields(path(cmd) + " " + name)
	err := fault.Usagef("unknown command %q", strings.Join(typed, " "))
	near := fault.Nearest(typed, below(cmd.Root()))
	if len(near) == 0 {
		near = fault.Nearest([]string{name}, below(cmd.Root()))
	}
	if len(near) > 0 {
		return err.WithHint("did you mean `gastown %s`?", strings.Join(near, "` or `gastown "))
	}
	return err.WithHint("`%s --help` lists what there is", cmd.CommandPath())
}

// below are the paths of all commands below one.
func below(cmd *cobra.Command) []string {
	var out []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			out = append(append(out, path(c)), below(c)...)
		}
	}
	return out
}

// flagError puts cobra's words about flags into ours. An unknown command's flags are
// unknown too; the command is then what is wrong.
func flagError(cmd *cobra.Command, err error) error {
	if words := cmd.Flags().Args(); cmd.HasSubCommands() && len(words) > 0 {
		return unknownCommand(cmd, words[0])
	}
	what := ""
	if cmd.HasParent() {
		what = path(cmd) + ": "
	}
	var bad *pflag.InvalidValueError
	if errors.As(err, &bad) && bad.GetFlag().Value.Type() == "int" {
		return fault.Usagef("%s--%s %q: want a whole number", what, bad.GetFlag().Name, bad.GetValue())
	}
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return fault.Usagef("%s%w", what, err)
	}
	name := unknown.GetSpecifiedName()
	if unknown.GetSpecifiedShortnames() != "" {
		return fault.Usagef("%sunknown flag %q", what, "-"+name).WithHint("`%s --help` lists them", cmd.CommandPath())
	}
	e := fault.Usagef("%sunknown flag %q", what, "--"+name)
	if near := nearestFlag(cmd, name); near != "" {
		return e.WithHint("did you mean --%s?", near)
	}
	return e.WithHint("`%s --help` lists them", cmd.CommandPath())
}

func nearestFlag(cmd *cobra.Command, name string) string {
	best, at := "", 3 // further than two edits is another word
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if d := fault.Distance(name, f.Name); d < at {
			best, at = f.Name, d
		}
	})
	return best
}

// words is a verb's name as typed: "bead.dep.add" is "bead dep add".
func words(verb string) string { return strings.ReplaceAll(verb, ".", " ") }

func indent(example string) string {
	if example == "" {
		return ""
	}
	return "  " + strings.ReplaceAll(strings.TrimSpace(example), "\n", "\n  ")
}

func join(dir, name string) string { return filepath.Join(dir, name) }

// maxInput caps what is read from files and standard input: 48 MiB become 64 in base64,
// which the socket takes.
const maxInput = 48 << 20

// slurp reads a file's or standard input's whole text.
func slurp(what string, r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxInput+1))
	if err != nil {
		return nil, fault.Failf("read %s: %w", what, err)
	}
	if len(data) > maxInput {
		return nil, fault.Usagef("read %s: larger than %d MiB", what, maxInput>>20)
	}
	return data, nil
}

// text is a text argument: its words, or standard input for "-".
func (a *app) text(words ...string) (string, error) {
	if len(words) != 1 || words[0] != "-" {
		return strings.Join(words, " "), nil
	}
	data, err := slurp("standard input", a.env.In)
	return strings.TrimRight(string(data), "\n"), err
}
