package cli

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"gastown/internal/api"
	"gastown/internal/fault"
)

// Line performs one command line on a town that is at hand, as the screen's : line does, and
// returns what it prints. Only verbs are performed so, and none that does not end by itself. dir
// is where its files are.
func Line(ctx context.Context, d api.Doer, dir string, now func() time.Time, args []string) (string, error) {
	var out strings.Builder
	a := lineApp(d)
	a.env.Dir, a.env.Now, a.env.Out, a.env.Err = dir, now, &out, &out
	a.json = wantsJSON(args)
	root := a.root()
	cmd, _, err := root.Find(args)
	if err != nil || cmd.Annotations[verbKey] == "" {
		return "", fault.Usagef("%q: no such verb", strings.Join(args, " "))
	}
	root.SetArgs(args)
	root.SetIn(a.env.In)
	root.SetOut(&out)
	root.SetErr(&out)
	if err := root.ExecuteContext(ctx); err != nil {
		return "", err
	}
	return strings.TrimRight(out.String(), "\n"), a.late
}

func lineApp(d api.Doer) *app {
	a := &app{env: Env{Getenv: func(string) string { return "" }, In: strings.NewReader(""), Now: time.Now}}
	a.reach = &reach{env: &a.env, town: &a.town, alone: d}
	return a
}

// Option is a flag of a verb.
type Option struct {
	Name  string // --agent
	Value string // what follows it, in capitals; empty: nothing does
	Help  string
}

// Options lists the flags of each verb, by its words.
func Options() map[string][]Option {
	out := map[string][]Option{}
	for _, cmd := range performing(lineApp(nil).root()) {
		cmd.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
			value, help := pflag.UnquoteUsage(f)
			if f.Hidden || f.Name == "help" {
				return
			}
			out[path(cmd)] = append(out[path(cmd)], Option{"--" + f.Name, strings.ToUpper(value), help})
		})
	}
	return out
}

// performing are the commands that perform a verb, also those with others below them.
func performing(c *cobra.Command) []*cobra.Command {
	var out []*cobra.Command
	if c.Annotations[verbKey] != "" {
		out = append(out, c)
	}
	for _, sub := range c.Commands() {
		out = append(out, performing(sub)...)
	}
	return out
}

// Usage is what follows the words of each verb, by them: "BEAD...".
func Usage() map[string]string {
	out := map[string]string{}
	for _, cmd := range performing(lineApp(nil).root()) {
		_, out[path(cmd)], _ = strings.Cut(cmd.Use, " ")
	}
	return out
}
