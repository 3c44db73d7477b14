package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"gastown/beads"
	"gastown/internal/api"
	"gastown/internal/fault"
)

func (a *app) agents() *cobra.Command {
	return group("agents", "programs that work on beads: what there is, and a dry test", "gastown agents list\ngastown agents test claude",
		command(a, api.AgentsList, spec{use: "list", example: "gastown agents list"}, nothing, showAgents),
		a.agentsTest(),
	)
}

// agentsTest fails where the agent would, after it has said how.
func (a *app) agentsTest() *cobra.Command {
	return a.command(api.AgentsTest.Name(), spec{
		use: "test PRESET[:MODEL]", example: "gastown agents test claude\ngastown agents test codex", complete: presets,
		long: "Says which command line an agent would be started with, and whether its program is there, answers and\n" +
			"is logged in. Nothing but its version is asked for: no model is called.",
	}, func(ctx context.Context, args []string) error {
		req, err := named(args)
		if err != nil {
			return err
		}
		r, err := api.AgentsTest.Do(ctx, a.reach, req)
		if err != nil {
			return err
		}
		if err := answer(a, r, showAgentTested); err != nil || r.Works {
			return err
		}
		return fault.Failf("agents test: %s: %s", r.Name, r.Msg)
	})
}

func showAgents(p *page, list []api.AgentInfo) {
	var rows [][]string
	for _, x := range list {
		rows = append(rows, []string{x.Name, agentThere(x), x.Version, signedInText(x.SignedIn), strings.Join(x.For, ", "), orElse(x.Wrong, x.Path)})
	}
	p.list("no agents", []string{"AGENT", "PROGRAM", "VERSION", "LOGGED IN", "USED FOR", "PATH"}, rows)
}

func agentThere(x api.AgentInfo) string {
	switch {
	case x.Wrong != "":
		return "wrong settings"
	case x.Path == "":
		return "not installed"
	case x.Name == "scripted":
		return "built in"
	}
	return x.Program
}

func signedInText(in *bool) string {
	switch {
	case in == nil:
		return ""
	case *in:
		return "yes"
	}
	return "no"
}

func showAgentTested(p *page, r api.AgentTested) {
	p.line("%s  %s", r.Name, r.Msg)
	p.field("program", "%s", orElse(r.Path, r.Program+", not found"))
	p.field("version", "%s", r.Version)
	p.field("logged in", "%s", signedInText(r.SignedIn))
	p.field("polecat", "%s", commandLine(r.Polecat))
	p.field("mayor", "%s", commandLine(r.Mayor))
	p.field("gets", "%s", strings.Join(r.Env, ", "))
}

// commandLine is a command as a person reads it; long arguments, which are settings, are cut.
func commandLine(argv []string) string {
	const longest = 40
	out := make([]string, len(argv))
	for i, arg := range argv {
		out[i] = typed(beads.Clean(arg, longest))
	}
	return strings.Join(out, " ")
}
