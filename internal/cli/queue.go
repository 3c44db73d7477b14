package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"gastown/beads"
	"gastown/internal/api"
)

func (a *app) queue() *cobra.Command {
	return group("queue", "the merge queue: what waits to land", "gastown queue list\ngastown queue hold ma-x1f",
		command(a, api.QueueList, spec{use: "list [RIG]", example: "gastown queue list\ngastown queue list myapp", complete: rigs}, named, showQueue),
		command(a, api.QueueShow, spec{use: "show BEAD", example: "gastown queue show ma-x1f", complete: beadNames}, bead, showEntry),
		command(a, api.QueueHold, spec{use: "hold BEAD", example: "gastown queue hold ma-x1f", complete: beadNames}, bead, showEntry),
		command(a, api.QueueRelease, spec{use: "release BEAD", example: "gastown queue release ma-x1f", complete: beadNames}, bead, showEntry),
		command(a, api.QueueDrop, spec{use: "drop BEAD", example: "gastown queue drop ma-x1f", complete: beadNames}, bead, showBeadLine),
		a.queueApprove(),
		a.queueReject(),
		command(a, api.QueueRevert, spec{use: "revert BEAD", example: "gastown queue revert ma-x1f", complete: beadNames}, bead, showEntry),
		a.queueAdopt(),
	)
}

func (a *app) queueAdopt() *cobra.Command {
	var rig string
	c := command(a, api.QueueAdopt, spec{
		use: "adopt COMMIT", example: "gastown queue adopt 4f2a9c01d",
	}, func(args []string) (api.AdoptReq, error) {
		return api.AdoptReq{Commit: args[0], Rig: rig}, nil
	}, showEntry)
	c.Flags().StringVar(&rig, "rig", "", "the `rig` whose repository has it (needed when there are several)")
	a.completeFlag(c, "rig", rigs)
	return c
}

func (a *app) queueApprove() *cobra.Command {
	var tree string
	c := command(a, api.QueueApprove, spec{
		use: "approve BEAD", example: "gastown diff ma-x1f\ngastown queue approve ma-x1f", complete: beadNames,
	}, func(args []string) (api.ApproveReq, error) {
		return api.ApproveReq{Bead: beads.ID(first(args)), Tree: tree}, nil
	}, showEntry)
	c.Flags().StringVar(&tree, "tree", "", "only if it is still this `tree`, which gastown diff names")
	return c
}

func (a *app) queueReject() *cobra.Command {
	return command(a, api.QueueReject, spec{
		use: "reject BEAD TEXT...", example: "gastown diff ma-x1f\ngastown queue reject ma-x1f 'the error is swallowed in load.go'", complete: beadNames,
	}, func(args []string) (api.RejectReq, error) {
		text, err := a.text(args[1:]...)
		return api.RejectReq{Bead: beads.ID(args[0]), Text: text}, err
	}, showBeadLine)
}

func (a *app) refinery() *cobra.Command {
	return group("refinery", "what tests and lands work, one per rig", "gastown refinery status\ngastown refinery restart myapp",
		command(a, api.RefineryStatus, spec{use: "status [RIG]", example: "gastown refinery status", complete: rigs}, named, showRefineries),
		command(a, api.RefineryRestart, spec{use: "restart [RIG]", example: "gastown refinery restart myapp", complete: rigs}, named, showRefineries),
		command(a, api.RefineryPause, spec{use: "pause [RIG]", example: "gastown refinery pause myapp", complete: rigs}, named, showRefineries),
		command(a, api.RefineryResume, spec{use: "resume [RIG]", example: "gastown refinery resume myapp", complete: rigs}, named, showRefineries),
		a.refineryLog(),
	)
}

func (a *app) refineryLog() *cobra.Command {
	var req api.LogReq
	c := command(a, api.RefineryLog, spec{
		use: "log [RIG]", example: "gastown refinery log\ngastown refinery log --bead ma-x1f -n 200", complete: rigs,
	}, func(args []string) (api.LogReq, error) {
		req.Rig = first(args)
		return req, nil
	}, showPeeked)
	c.Flags().StringVar((*string)(&req.Bead), "bead", "", "the gates of this `bead`")
	c.Flags().IntVarP(&req.Lines, "lines", "n", 0, "the last so many lines (default: all)")
	a.completeFlag(c, "bead", beadNames)
	return c
}

func queueHead() []string {
	return []string{"#", "BEAD", "RIG", "STATE", "FOR", "LANDS", "TRIES", "POLECAT", "TITLE", "WHY"}
}

func queueRows(p *page, list []api.QueueEntry) [][]string {
	var rows [][]string
	for _, q := range list {
		rows = append(rows, []string{
			fmt.Sprint(q.Position), string(q.Bead), q.Rig, entryState(q), p.age(q.Since), lands(p, q.Expected),
			fmt.Sprint(q.Tries), q.Polecat, p.title(q.Title), q.Why,
		})
	}
	return rows
}

// lands is when an entry is expected to land, seen from now.
func lands(p *page, at time.Time) string {
	if at.IsZero() {
		return "-"
	}
	left := at.Sub(p.now)
	if left < time.Second {
		return "soon"
	}
	return "~" + short(left)
}

func showQueue(p *page, list []api.QueueEntry) {
	p.list("the queue is empty", queueHead(), queueRows(p, list))
}

func entryState(q api.QueueEntry) string {
	text := string(q.State)
	if q.Phase != "" && !strings.Contains(text, q.Phase) {
		text += " " + q.Phase
	}
	if q.Elapsed > 0 {
		text += " " + short(q.Elapsed)
		if q.Usual > 0 {
			text += "/" + short(q.Usual)
		}
	}
	if q.Step != "" {
		text += ", " + q.Step
	}
	return text
}

func showEntry(p *page, q api.QueueEntry) {
	p.line("%s  %s", q.Bead, q.Title)
	p.field("state", "%s, %s, number %d of %s", entryState(q), p.age(q.Since), q.Position, q.Rig)
	p.field("why", "%s", q.Why)
	p.field("do", "%s", q.Hint)
	if len(q.Batch) > 1 {
		p.field("batch", "%s", ids(q.Batch))
	}
	if !q.Expected.IsZero() {
		p.field("lands", "%s, if all is green and as quick as usual", lands(p, q.Expected))
	}
	p.field("asks", "%s", q.Ask)
	if q.Green != nil {
		p.field("green", "tree %s on %s", sha(q.Green.Tree), sha(q.Green.Base))
	}
	p.field("proof", "%s", q.Proof.Text())
	p.field("from", "%s, attempt %d", q.Polecat, q.Attempt)
	p.field("tip", "%s", q.Tip)
	p.field("queued", "%s ago", p.age(q.Queued))
	p.field("tries", "%d", q.Tries)
	for _, g := range q.Gates {
		p.field("gate", "%s: %s in %s%s", g.Gate, g.Outcome, short(g.Took), prefixed(", log ", g.Log))
	}
}

func showRefineries(p *page, list []api.RefineryInfo) {
	for i, r := range list {
		if i > 0 {
			p.line("")
		}
		showRefinery(p, r)
	}
	if len(list) == 0 {
		p.line("no rigs")
	}
}

func showRefinery(p *page, r api.RefineryInfo) {
	p.line("%s  %s", r.Rig, refineryText(p, r.RefineryState))
	p.field("reason", "%s", r.Reason)
	p.field("do", "%s", r.Hint)
	p.field("note", "%s", r.Note)
	if r.Step != "" {
		p.field("step", "%s", r.Step)
	}
	p.field("branch", "%s at %s", r.Branch, orDash(sha(r.Main)))
	switch {
	case r.Ungated:
		p.field("gates", "UNGATED: work lands without being tested")
	case len(r.Gates) == 0:
		p.field("gates", "none, so nothing lands")
	default:
		p.field("gates", "%s", strings.Join(r.Gates, ", "))
	}
	if r.Paused {
		p.field("paused", "lands nothing more; `gastown refinery resume %s`", r.Rig)
	}
	p.field("landed", "%d, %d sent back", r.Total, r.Bounced)
	for _, l := range r.Landed[:min(len(r.Landed), 5)] {
		p.field("", "%s  %s  %s ago%s", sha(l.Commit), beads.AttemptKey(l.Bead, l.N), p.age(l.At), prefixed("  proof: ", l.Proof.Text()))
	}
	if len(r.Queue) > 0 {
		p.line("")
		p.table("  ", queueHead(), queueRows(p, r.Queue))
	}
	p.section("The gate's last lines", strings.Join(r.Tail, "\n"))
}
