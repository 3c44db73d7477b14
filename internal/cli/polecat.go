package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"gastown/beads"
	"gastown/internal/api"
	"gastown/internal/fault"
)

func (a *app) polecat() *cobra.Command {
	return group("polecat", "workers: look, answer, stop", "gastown polecat list\ngastown polecat peek nux",
		command(a, api.PolecatList, spec{use: "list", example: "gastown polecat list"}, nothing, showPolecats),
		command(a, api.PolecatShow, spec{use: "show POLECAT", example: "gastown polecat show nux", complete: polecats}, named, showPolecat),
		a.peek(api.PolecatPeek, "peek", "gastown polecat peek nux\ngastown polecat peek nux -n 200"),
		a.attach("attach POLECAT|BEAD"),
		a.polecatKill(),
		a.polecatReassign(),
		command(a, api.PolecatRestart, spec{use: "restart POLECAT", example: "gastown polecat restart nux", complete: polecats}, named, showAck),
		command(a, api.PolecatRevive, spec{use: "revive POLECAT|BEAD", example: "gastown polecat revive nux", complete: polecats}, named, showSlung),
		command(a, api.PolecatAnswer, spec{
			use: "answer POLECAT|BEAD TEXT...", example: "gastown polecat answer nux 'use the second one'\ngastown polecat answer nux - < answer.txt", complete: polecats,
		}, func(args []string) (api.AnswerReq, error) {
			text, err := a.text(args[1:]...)
			return api.AnswerReq{Name: args[0], Text: text}, err
		}, showAck),
		a.peek(api.PolecatLog, "log", "gastown polecat log nux -n 100"),
		a.polecatPreview(),
		a.polecatNudge(),
	)
}

func (a *app) peek(verb api.Command[api.PeekReq, api.Peeked], use, example string) *cobra.Command {
	var lines int
	c := command(a, verb, spec{use: use + " POLECAT", example: example, complete: polecats},
		func(args []string) (api.PeekReq, error) { return api.PeekReq{Name: args[0], Lines: lines}, nil }, showPeeked)
	c.Flags().IntVarP(&lines, "lines", "n", 0, "so many lines (default: what fits a screen)")
	return c
}

// attach is the same for a polecat and, without one named, for the Mayor.
func (a *app) attach(use string) *cobra.Command {
	s := spec{
		use: use, example: "gastown polecat attach nux", complete: polecats,
		long: "Shows a live terminal on this one, and what is typed goes to it; Ctrl-] leaves, and the program goes on. It is\n" +
			"for a host without a screen (`gastown up`); with --json it prints one picture.",
	}
	if !strings.Contains(use, " ") {
		s.example, s.complete, s.short = "gastown mayor attach", completer{}, "look at the Mayor's terminal, and type into it"
	}
	return a.command(api.PolecatAttach.Name(), s, func(ctx context.Context, args []string) error {
		name := orElse(first(args), "mayor")
		switch {
		case a.json:
		case a.env.Attach == nil:
			return fault.Usagef("attach: it needs a terminal of its own").WithHint("with --json it gives one picture")
		default:
			return a.env.Attach(ctx, a.reach, name)
		}
		r, err := api.PolecatAttach.Do(ctx, a.reach, api.AttachReq{Name: name})
		if err != nil {
			return err
		}
		return writeJSON(a.env.Out, r, a.env.IsTTY)
	})
}

func (a *app) polecatKill() *cobra.Command {
	var reason string
	c := command(a, api.PolecatKill, spec{
		use: "kill POLECAT|BEAD", example: "gastown polecat kill nux\ngastown polecat kill ma-x1f --reason 'wrong approach'", complete: polecats,
		long: "Stops a polecat. Its work is kept on a rescue ref first; `gastown undo` takes the kill back within 30 s.",
	}, func(args []string) (api.KillReq, error) {
		return api.KillReq{Name: args[0], Reason: reason}, nil
	}, showKilled)
	c.Flags().StringVar(&reason, "reason", "", "why")
	return c
}

func (a *app) polecatReassign() *cobra.Command {
	var req api.ReassignReq
	c := command(a, api.PolecatReassign, spec{
		use: "reassign POLECAT|BEAD", complete: polecats,
		example: "gastown polecat reassign nux\ngastown polecat reassign nux --to slit --agent scripted --note 'start from the tests'",
	}, func(args []string) (api.ReassignReq, error) {
		req.Name = args[0]
		return req, nil
	}, showSlung)
	f := c.Flags()
	f.StringVar(&req.To, "to", "", "the `polecat` that goes on (default: any other)")
	f.StringVar(&req.Agent, "agent", "", "`PRESET[:MODEL]` that goes on (default: as the bead says)")
	f.StringVar(&req.Note, "note", "", "what the next one should know")
	f.BoolVar(&req.Nobody, "nobody", false, "start nothing; the bead is ready again")
	a.completeFlag(c, "to", polecats)
	a.completeFlag(c, "agent", presets)
	return c
}

func (a *app) mayor() *cobra.Command {
	return group("mayor", "the agent you talk to", "gastown mayor status\ngastown mayor agent scripted",
		command(a, api.MayorStatus, spec{use: "status", example: "gastown mayor status"}, nothing, showMayor),
		a.attach("attach"),
		command(a, api.MayorRestart, spec{use: "restart", example: "gastown mayor restart"}, nothing, showMayor),
		command(a, api.MayorAgent, spec{use: "agent PRESET", example: "gastown mayor agent scripted", complete: presets}, named, showMayor),
	)
}

func showPolecats(p *page, list []api.PolecatInfo) {
	p.list("no polecats; `gastown sling BEAD` starts one", polecatHead(), polecatRows(p, list))
	if len(list) > 0 && list[0].HostGone {
		p.line("the host is not running: they go on when it is up (`gastown`, or `gastown up`)")
	}
}

// polecatState is the state of an attempt, or what is more to the point.
func polecatState(c api.PolecatInfo) string {
	switch {
	case c.HostGone:
		return "stopped"
	case c.Frozen:
		return stateText(c) + ", frozen"
	}
	return stateText(c)
}

func polecatHead() []string {
	return []string{"POLECAT", "RIG", "BEAD", "STATE", "FOR", "COMMITS", "DIFF", "TOKENS", "COST", "AGENT", "TITLE"}
}

func polecatRows(p *page, list []api.PolecatInfo) [][]string {
	var rows [][]string
	for _, c := range list {
		change := diff(c.Added, c.Removed)
		if c.Dirty > 0 {
			change = strings.TrimPrefix(fmt.Sprintf("%s, %d uncommitted", change, c.Dirty), ", ")
		}
		commits := fmt.Sprint(c.Commits)
		if c.Bead == "" {
			commits = ""
		}
		rows = append(rows, []string{
			c.Name, c.Rig, string(c.Bead), polecatState(c), p.age(c.Since), commits, change,
			tokens(c.Tokens), cost(c.CostUSD), agentText(c), p.title(c.Title),
		})
	}
	return rows
}

// stateText is a polecat's state, and whether it still lives up to it.
func stateText(c api.PolecatInfo) string {
	if c.Stalled {
		return "stalled"
	}
	return string(c.State)
}

func showPolecat(p *page, c api.PolecatInfo) {
	if c.HostGone {
		p.line("%s  was at work when the host ended; it goes on when the host is up", c.Name)
	} else {
		p.line("%s  %s for %s%s", c.Name, stateText(c), p.age(c.Since), map[bool]string{true: ", frozen: `gastown resume`"}[c.Frozen])
	}
	p.field("bead", "%s  %s", c.Bead, c.Title)
	if c.Attempt > 0 {
		p.field("attempt", "%d", c.Attempt)
	}
	p.field("rig", "%s", c.Rig)
	p.field("agent", "%s", agentText(c))
	if c.Bypass {
		p.field("", "BYPASS: it does everything without asking")
	}
	p.field("asks", "%s", c.Question)
	switch {
	case c.AtTerminal != "":
		p.field("", "in its terminal: t on the screen opens it; elsewhere `gastown polecat attach %s`", c.Name)
	case c.Question != "":
		p.field("", "answer with `gastown polecat answer %s TEXT`", c.Name)
	}
	if c.Bead != "" {
		p.field("work", "%s, +%d -%d in %s, %s", beads.Count(c.Commits, "commit"), c.Added, c.Removed, beads.Count(c.Files, "file"), dirty(c.Dirty))
	}
	for _, o := range c.Overlaps {
		p.field("overlap", "%s", o.Text())
	}
	p.field("tokens", "%s", tokens(c.Tokens))
	p.field("cost", "%s", cost(c.CostUSD))
	if !c.Quiet.IsZero() {
		p.field("quiet", "for %s", p.age(c.Quiet))
	}
	p.field("doing", "%s", c.Doing)
	p.field("branch", "%s", c.Branch)
	p.field("base", "%s", sha(c.Base))
	p.field("worktree", "%s", c.Worktree)
	if len(c.PIDs) > 0 {
		p.field("pids", "%s", strings.Trim(fmt.Sprint(c.PIDs), "[]"))
	}
	if c.Terminal {
		p.field("look", "`gastown polecat peek %s`", c.Name)
	}
}

func showPeeked(p *page, r api.Peeked) {
	if strings.TrimSpace(r.Text) == "" {
		p.line("nothing printed yet")
		return
	}
	p.text("", r.Text)
}

func showKilled(p *page, k api.Killed) {
	p.line("%s", orElse(k.Msg, k.Polecat+" is stopped"))
	p.field("bead", "%s, attempt %d", k.Bead, k.Attempt)
	p.field("kept", "%s", prefixed("everything, at ", k.Rescue))
	for _, path := range k.Kept {
		p.field("", "uncommitted: %s", path)
	}
	p.field("lost", "%s", strings.Join(k.Lost, ", "))
	if k.Rescue != "" {
		p.field("back", "`gastown undo` within 30 s, or `gastown polecat revive %s`", k.Bead)
	}
}

// mayorState is the Mayor's state in words; without a host there is none.
func mayorState(state string) string {
	if state == "none" {
		return "not running"
	}
	return state
}

func showMayor(p *page, m api.MayorInfo) {
	text := mayorState(m.State)
	if m.Agent != "" {
		text += ", " + m.Agent
	}
	if !m.Since.IsZero() {
		text += ", " + p.age(m.Since)
	}
	if m.PID != 0 {
		text += fmt.Sprintf(", pid %d", m.PID)
	}
	p.line("%s", text)
	p.field("why", "%s", m.Why)
	p.section("It printed last", strings.Join(m.Last, "\n"))
}

func agentText(c api.PolecatInfo) string { return strings.TrimSuffix(c.Agent+":"+c.Model, ":") }

func tokens(n *int64) string {
	switch {
	case n == nil:
		return ""
	case *n >= 1_000_000:
		return fmt.Sprintf("%.1fM", float64(*n)/1e6)
	case *n >= 1000:
		return fmt.Sprintf("%dk", *n/1000)
	}
	return fmt.Sprint(*n)
}

func cost(usd *float64) string {
	if usd == nil {
		return ""
	}
	return fmt.Sprintf("$%.2f", *usd)
}

func dirty(n int) string {
	if n == 0 {
		return "all committed"
	}
	return beads.Count(n, "path") + " not committed"
}

func orElse(s, other string) string {
	if strings.TrimSpace(s) == "" {
		return other
	}
	return s
}
