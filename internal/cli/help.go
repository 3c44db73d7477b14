package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// also is the title of commands that are only named in the help of `gastown` alone.
const also = "also"

// section is a group of commands in the help of `gastown` alone.
type section struct {
	title   string
	entries []entry
}

type entry struct {
	cmd   *cobra.Command // nil: cobra's completion, which it adds itself
	about string         // at most aboutWidth characters
}

func (e entry) name() string {
	if e.cmd == nil {
		return "completion"
	}
	return e.cmd.Name()
}

// aboutWidth is what two entries a line, 80 columns wide, leave for each.
const aboutWidth = 22

// groups lists every command, in the order of help.
func (a *app) groups() []section {
	return []section{
		{"Work", []entry{
			{a.bead(), "tasks"}, {a.plan(), "a spec to beads"},
			{a.sling(), "give beads to workers"}, {a.convoy(), "sets of beads"},
			{a.why(), "why is it not landed?"}, {a.rescue(), "work that was kept"},
			{a.diff(), "what was changed"}, {a.show(), "on the screen"},
		}},
		{"Agents", []entry{
			{a.polecat(), "workers"}, {a.mayor(), "the one you talk to"},
			{a.mail(), "messages"}, {a.undo(), "take an action back"},
		}},
		{"Landing", []entry{
			{a.queue(), "what waits to land"}, {a.refinery(), "tests and lands work"},
		}},
		{"Town", []entry{
			{a.status(), "what is going on"}, {a.events(), "what happened"},
			{a.cost(), "what was spent"}, {a.config(), "settings"},
			{a.rig(), "repositories"}, {a.agents(), "what works on beads"},
			{a.pause(), "start nothing new"}, {a.freeze(), "polecats stand still"}, {a.resume(), "end either of them"},
			{a.up(), "host without screen"}, {a.down(), "stop the host"},
			{a.init(), "make a town"}, {a.backup(), "keep the state now"}, {a.restore(), "bring a backup back"},
			{a.doctor(), "check everything"}, {a.demo(), "watch the whole job"},
		}},
		{"For agents", []entry{
			{a.prime(), "my role and task"}, {a.done(), "submit my work"},
			{a.escalate(), "ask for help"}, {a.remember(), "keep a fact"},
			{a.agentReport(), "what I am doing"}, {a.mcp(), "verbs as MCP tools"},
		}},
		{also, []entry{
			{a.versionCommand(), ""}, {nil, ""}, {a.keys(), ""}, {a.bug(), ""}, {a.uninstall(), ""},
		}},
	}
}

func (a *app) helpCommand() *cobra.Command {
	c := a.command("", spec{
		use: "help [COMMAND]...", short: "help on a command", example: "gastown help bead create",
	}, nil)
	c.RunE = func(cmd *cobra.Command, args []string) error {
		target, rest, err := cmd.Root().Find(args)
		if err != nil || target == nil {
			return unknownCommand(cmd.Root(), strings.Join(args, " "))
		}
		if len(rest) > 0 && target.HasSubCommands() {
			return unknownCommand(target, rest[0])
		}
		target.InitDefaultHelpFlag()
		return target.Help()
	}
	return c
}

// help prints a command's help. It asks nothing of the terminal.
func (a *app) help(cmd *cobra.Command, _ []string) {
	if args := cmd.Flags().Args(); cmd.HasSubCommands() && len(args) > 0 {
		a.late = unknownCommand(cmd, args[0])
		return
	}
	text := rootHelp(a)
	if cmd.HasParent() {
		text = commandHelp(cmd)
	}
	if a.json {
		a.late = writeJSON(a.env.Out, map[string]string{"help": text}, a.env.IsTTY)
		return
	}
	// Help has no way to fail; who cannot read it sees that.
	_, _ = io.WriteString(a.env.Out, text)
}

func rootHelp(a *app) string {
	var b strings.Builder
	b.WriteString("gastown runs many coding agents at once and lands only what passes.\n" +
		"Usage: gastown [VERB] [--town DIR] [--json]   without a verb: open the screen\n")
	b.WriteByte('\n')
	var rest []string
	for _, g := range a.groups() {
		if g.title == also {
			for _, e := range g.entries {
				rest = append(rest, e.name())
			}
			continue
		}
		for i := 0; i < len(g.entries); i += 2 {
			title := ""
			if i == 0 {
				title = g.title
			}
			line := fmt.Sprintf("%-11s", title)
			for _, e := range g.entries[i:min(i+2, len(g.entries))] {
				line += fmt.Sprintf("%-10s %-*s  ", e.name(), aboutWidth, e.about)
			}
			b.WriteString(strings.TrimRight(line, " ") + "\n")
		}
	}
	b.WriteString("\n`gastown VERB -h` has examples. Also: " + strings.Join(rest, ", ") + ".\n" +
		"Start: `gastown demo`, or `gastown` in a repository of yours.\n")
	return b.String()
}

func commandHelp(cmd *cobra.Command) string {
	var b strings.Builder
	b.WriteString(cmd.CommandPath() + ": " + cmd.Short + "\n")
	if cmd.Long != "" && cmd.Long != cmd.Short {
		b.WriteString("\n" + strings.TrimSpace(cmd.Long) + "\n")
	}
	usage := cmd.UseLine()
	if cmd.HasAvailableSubCommands() {
		usage = cmd.CommandPath() + " VERB"
	}
	b.WriteString("\nUsage:\n  " + usage + "\n")
	if cmd.HasAvailableSubCommands() {
		b.WriteString("\nVerbs:\n")
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() {
				fmt.Fprintf(&b, "  %-10s %s\n", c.Name(), c.Short)
			}
		}
	}
	if cmd.Example != "" {
		b.WriteString("\nExamples:\n" + strings.TrimRight(cmd.Example, "\n") + "\n")
	}
	if flags := cmd.LocalNonPersistentFlags(); flags.HasAvailableFlags() {
		b.WriteString("\nFlags:\n" + flags.FlagUsages())
	}
	if flags := cmd.InheritedFlags(); flags.HasAvailableFlags() {
		b.WriteString("\nAlways:\n" + flags.FlagUsages())
	}
	return b.String()
}
