package cli

import (
	"context"

	"github.com/spf13/cobra"

	"gastown/internal/api"
	"gastown/internal/fault"
)

func (a *app) mcp() *cobra.Command {
	return a.command("", spec{
		use: "mcp", short: "serve the verbs as tools over the Model Context Protocol", example: "claude mcp add gastown -- gastown mcp --town ~/gastown",
		long: "Speaks MCP on standard input and output until the input ends. In an agent's terminal the tools are\n" +
			"those that its role may use; agents of a town are given it by themselves. A person's agent gets all.",
	}, func(ctx context.Context, _ []string) error {
		if a.json || a.env.IsTTY {
			return fault.Usagef("mcp: it talks to an agent's program, not to people").
				WithHint("tell your agent to start it: gastown mcp --help")
		}
		role := ""
		if a.env.Getenv("GASTOWN_TOKEN") != "" {
			role = a.env.Getenv("GASTOWN_ROLE")
		}
		return a.env.MCP(ctx, each{a}, role)
	})
}

// each reaches the town anew for every verb: a server that lives for hours must not keep the
// store's lock from the host.
type each struct{ a *app }

// Do implements api.Doer.
func (e each) Do(ctx context.Context, verb string, req any) (res any, err error) {
	r := &reach{env: &e.a.env, town: &e.a.town}
	defer func() {
		if cerr := r.close(); err == nil && cerr != nil {
			err = fault.Failf("close the town: %w", cerr)
		}
	}()
	return r.Do(ctx, verb, req)
}

var _ api.Doer = each{}
