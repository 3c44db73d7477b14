package cli

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"gastown/beads"
	"gastown/internal/api"
)

func (a *app) status() *cobra.Command {
	return command(a, api.GetStatus, spec{use: "status", example: "gastown status\ngastown status --json"}, nothing, showStatus)
}

func showStatus(p *page, s api.Status) {
	p.field("town", "%s", s.Town)
	if s.Host == nil {
		p.field("host", "not running; start it with `gastown` or `gastown up`")
	} else {
		p.field("host", "pid %d, up %s, version %s", s.Host.PID, p.age(s.Host.StartedAt), s.Host.Version)
	}
	switch {
	case s.Frozen:
		p.field("frozen", "polecats stand still, nothing new is started; `gastown resume`")
	case s.Paused:
		p.field("paused", "nothing new is started; `gastown resume`")
	}
	p.field("mayor", "%s", strings.TrimSuffix(mayorState(s.Mayor.State)+", "+s.Mayor.Agent, ", "))
	p.field("beads", "%s", countsText(s.Beads, s.Host != nil))
	for _, l := range s.Limits {
		p.field("limit", "%s is at its usage limit until %s (%s)", l.Agent, l.Until.Local().Format("15:04"), short(l.Until.Sub(p.now)))
	}
	statusProblems(p, s.Problems)
	statusRigs(p, s.Rigs)
	p.line("")
	switch {
	case len(s.Polecats) == 0:
		p.line("no polecats at work (at most %d at once)", s.Cap)
	case s.Host == nil:
		p.line("POLECATS (%d, at work when the host ended; they go on when it is up)", len(s.Polecats))
		p.table("  ", polecatHead(), polecatRows(p, s.Polecats))
	default:
		p.line("POLECATS (%d, at most %d at once)", len(s.Polecats), s.Cap)
		p.table("  ", polecatHead(), polecatRows(p, s.Polecats))
	}
	p.line("")
	if len(s.Queue) == 0 {
		p.line("merge queue empty")
	} else {
		p.line("MERGE QUEUE (%d)", len(s.Queue))
		p.table("  ", queueHead(), queueRows(p, s.Queue))
	}
	statusNext(p, s)
}

func countsText(c api.Counts, hosted bool) string {
	working := "working"
	if !hosted {
		working = "at work when the host ended"
	}
	waits := "wait for you"
	if c.NeedsYou == 1 {
		waits = "waits for you"
	}
	out := []string{fmt.Sprintf("%d open (%d ready, %d blocked)", c.Open, c.Ready, c.Blocked)}
	for _, part := range []struct {
		n    int
		text string
	}{
		{c.Working, working}, {c.Submitted, "submitted"}, {c.NeedsYou, waits}, {c.Deferred, "deferred"}, {c.Closed, "closed"},
	} {
		if part.n > 0 {
			out = append(out, fmt.Sprintf("%d %s", part.n, part.text))
		}
	}
	return strings.Join(out, ", ")
}

// statusProblems comes before everything else that is long: it is what a person came for.
func statusProblems(p *page, list []api.Problem) {
	if len(list) == 0 {
		return
	}
	p.line("")
	p.line("NEEDS YOU (%d)", len(list))
	for _, pr := range list {
		where := pr.Who
		if pr.Bead != "" && !strings.Contains(pr.Who+" "+pr.What, string(pr.Bead)) {
			where = strings.TrimSpace(where + " " + string(pr.Bead))
		}
		p.line("  %s (%s)", strings.TrimPrefix(where+": "+pr.What, ": "), p.age(pr.Since))
		if pr.Do != "" {
			p.line("    -> %s", pr.Do)
		}
	}
}

func statusRigs(p *page, list []api.StatusRig) {
	p.line("")
	if len(list) == 0 {
		p.line("no rigs; `gastown rig add NAME PATH` adds a repository")
		return
	}
	var rows [][]string
	for _, r := range list {
		landed := strconv.Itoa(r.Landed)
		if r.Undelivered > 0 {
			landed += fmt.Sprintf(" (%d not delivered)", r.Undelivered)
		}
		var notes []string
		if r.Ungated {
			notes = append(notes, "UNGATED")
		}
		if r.Bypass {
			notes = append(notes, "BYPASS: agents ask nothing")
		}
		switch {
		case r.Frozen:
			notes = append(notes, "FROZEN")
		case r.Paused:
			notes = append(notes, "PAUSED")
		}
		if r.Refinery.Reason != "" {
			notes = append(notes, r.Refinery.Reason)
		}
		if r.Refinery.Hint != "" {
			notes = append(notes, r.Refinery.Hint)
		}
		rows = append(rows, []string{r.Name, r.Branch, sha(r.Main), landed, refineryText(p, r.Refinery), strings.Join(notes, "; ")})
	}
	p.line("RIGS (%d)", len(list))
	p.table("  ", []string{"RIG", "BRANCH", "MAIN", "LANDED", "REFINERY", "NOTE"}, rows)
}

// statusNext says how to go on where nothing moves by itself.
func statusNext(p *page, s api.Status) {
	if len(s.Polecats) > 0 || len(s.Queue) > 0 || len(s.Problems) > 0 {
		return
	}
	p.line("")
	switch {
	case len(s.Rigs) == 0:
	case s.Host == nil && s.Beads.Slung > 0:
		p.line("%s when the host is up: `gastown`, or `gastown up`", countVerb(s.Beads.Slung, "bead starts", "beads start"))
	case s.Beads.Ready > s.Beads.Slung:
		p.line("%s can start: `gastown bead ready`, then `gastown sling BEAD`", beads.Count(s.Beads.Ready-s.Beads.Slung, "bead"))
	case s.Beads.Open == 0 && s.Mayor.State == "running":
		p.line("nothing to do: `gastown bead create TITLE`, `gastown plan FILE`, or tell the Mayor")
	case s.Beads.Open == 0:
		p.line("nothing to do: `gastown bead create TITLE` or `gastown plan FILE`")
	}
}
