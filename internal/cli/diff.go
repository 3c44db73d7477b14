package cli

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"gastown/beads"
	"gastown/internal/api"
)

func (a *app) diff() *cobra.Command {
	var attempt int
	c := command(a, api.GetDiff, spec{
		use: "diff BEAD[/N]", example: "gastown diff ma-x1f\ngastown diff ma-x1f/1", complete: beadNames,
		long: "Shows what an attempt changed since its base: of a polecat at work its worktree as it is now, of an ended one what was kept.",
	}, func(args []string) (api.DiffReq, error) {
		return api.DiffReq{Bead: beads.ID(args[0]), Attempt: attempt}, nil
	}, showDiff)
	c.Flags().IntVar(&attempt, "attempt", 0, "the attempt's `number` (default: the newest)")
	return c
}

func showDiff(p *page, d api.Diff) {
	if strings.TrimSpace(d.Text) == "" {
		p.line("%s/%d has changed nothing yet", d.Bead, d.Attempt)
		return
	}
	p.line("%s/%d of %s, %s, from %s", d.Bead, d.Attempt, d.Polecat, d.State, sha(d.Base))
	var rows [][]string
	for _, f := range d.Files {
		change := diff(f.Added, f.Removed)
		if f.Binary {
			change = "binary"
		}
		rows = append(rows, []string{f.Path, change})
	}
	p.list("", []string{"FILE", "CHANGE"}, rows)
	p.field("conflicts", "%s", strings.Join(d.Conflicts, ", "))
	p.line("")
	p.text("", d.Text)
	if d.Cut {
		p.line("the rest is left out: the diff is too long; all of it is in the rig's repository: git diff %s %s", d.Base, cmp.Or(d.Tip, "HEAD"))
	}
	if d.Tree != "" {
		p.line("to land exactly this: gastown queue approve %s --tree %s", d.Bead, d.Tree)
	}
}

func (a *app) polecatPreview() *cobra.Command {
	return command(a, api.PolecatPreview, spec{
		use: "preview POLECAT|BEAD", example: "gastown polecat preview nux", complete: polecats,
	}, named, func(p *page, k api.KillPreview) {
		p.line("a kill of %s (%s %s)", k.Name, k.Bead, k.Title)
		p.field("would keep", "%s, %s", beads.Count(k.Commits, "commit"), dirty(k.Dirty))
		for _, path := range k.Uncommitted {
			p.field("", "uncommitted: %s", path)
		}
		for _, path := range k.Ignored {
			p.field("", "lost, git ignores it: %s", path)
		}
		for _, s := range k.Processes {
			p.field("", "stopped: %s", fmt.Sprintf("%s %d", s.Name, s.PID))
		}
	})
}

func (a *app) polecatNudge() *cobra.Command {
	return command(a, api.PolecatNudge, spec{
		use: "nudge POLECAT|BEAD TEXT...", example: "gastown polecat nudge nux 'the tests come first'", complete: polecats,
		long: "Tells a working polecat something, as mail. Nothing is typed into its terminal.",
	}, func(args []string) (api.NudgeReq, error) {
		text, err := a.text(args[1:]...)
		return api.NudgeReq{Name: args[0], Text: text}, err
	}, showAck)
}
