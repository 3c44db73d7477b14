package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"gastown/agents"
	"gastown/internal/api"
	"gastown/internal/fault"
)

// agentReport is for the hooks of agents' programs. As a hook it prints nothing, which a program
// would read as an answer of its own kind, and never ends with 2, which would stop what it does.
func (a *app) agentReport() *cobra.Command {
	hook, until := "", ""
	c := a.command(api.Report.Name(), spec{
		use: "report [STATE] [TEXT]...",
		long: "Says what an agent's program is doing: working, asking (with what it asks in its terminal) or\n" +
			"limited (until its usage limit is over). It is for hooks: of Claude Code they are set by themselves;\n" +
			"a program of your own may call it too, with the environment it was started in.",
		example: "gastown report asking 'may I run npm install?'\ngastown report working\ngastown report limited --until 2026-11-22T15:00:00Z",
	}, func(ctx context.Context, args []string) error {
		if hook != "" {
			return a.hookReport(ctx, hook)
		}
		if len(args) == 0 {
			return fault.Usagef("report: STATE is missing").WithHint("one of: working, asking, limited")
		}
		text, err := a.text(args[1:]...)
		if err != nil {
			return err
		}
		req := api.ReportReq{State: args[0], Text: text}
		if until != "" {
			if req.Until, err = time.Parse(time.RFC3339, until); err != nil {
				return fault.Usagef("report: --until %q: want a time such as 2026-11-22T15:00:00Z", until)
			}
		}
		ack, err := api.Report.Do(ctx, a.reach, req)
		if err != nil {
			return err
		}
		return answer(a, ack, showAck)
	})
	c.Flags().StringVar(&hook, "hook", "", "read what a `program` tells its hooks from standard input: claude")
	c.Flags().StringVar(&until, "until", "", "when the limit is over, as RFC 3339 `time`")
	return c
}

// hookReport reports what a hook was told. An attempt that has ended is told nothing of it: its
// program is leaving.
func (a *app) hookReport(ctx context.Context, program string) error {
	if program != "claude" {
		return fault.Failf("report: no hooks of %q are known, only those of claude", program)
	}
	data, err := slurp("standard input", a.env.In)
	if err != nil {
		return fault.Failf("report: %w", err)
	}
	s, ok, err := agents.ClaudeSign(data, a.env.Now())
	if err != nil {
		return fault.Failf("report: %w", err)
	}
	if !ok {
		return nil
	}
	_, err = api.Report.Do(ctx, a.reach, api.ReportReq{State: string(s.Doing), Text: s.Text, Prompt: s.Prompt, Until: s.Until})
	switch {
	case fault.Is(err, fault.Refused):
		return nil
	case fault.Is(err, fault.Usage):
		return fault.Failf("report: %s", fault.From(err).Msg)
	}
	return err
}
