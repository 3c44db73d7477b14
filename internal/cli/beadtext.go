package cli

import (
	"fmt"
	"strings"
	"time"

	"gastown/beads"
	"gastown/internal/api"
)

func showBeads(p *page, list []api.Bead) {
	var rows [][]string
	for _, b := range list {
		rows = append(rows, []string{string(b.ID), fmt.Sprintf("P%d", b.Priority), statusText(b), b.Rig, holder(b), p.title(b.Title)})
	}
	p.list("no such beads", []string{"BEAD", "PRI", "STATUS", "RIG", "POLECAT", "TITLE"}, rows)
}

// showBeadLine is the answer of a verb that changed a bead.
func showBeadLine(p *page, b api.Bead) { p.line("%s  %s  %s", b.ID, statusText(b), b.Title) }

// statusText is the stored status, or what open really means.
func statusText(b api.Bead) string {
	switch {
	case b.Status == beads.Closed && b.MergeCommit != "":
		return "merged"
	case b.Status == beads.Closed:
		return "closed, " + b.Ending()
	case b.Status != beads.Open:
		return string(b.Status)
	case b.Ready && b.Sling != nil:
		return "slung"
	case b.Ready:
		return "ready"
	case len(b.BlockedBy) > 0:
		return "blocked"
	}
	return string(b.Status)
}

func holder(b api.Bead) string {
	if b.Assignee != "" {
		return b.Assignee
	}
	if n := len(b.Attempts); n > 0 && b.Status == beads.Submitted && b.Attempts[n-1] != nil {
		return b.Attempts[n-1].Polecat
	}
	return ""
}

func showBead(p *page, b api.Bead, why api.WhyRes) {
	p.line("%s  %s", b.ID, b.Title)
	p.field("status", "%s", strings.TrimSuffix(statusText(b)+": "+b.Reason, ": "))
	if why.Why != b.Reason {
		p.field("why", "%s", why.Why)
	}
	p.field("next", "%s", why.Hint)
	p.field("rig", "%s", b.Rig)
	p.field("kind", "%s, P%d%s", b.Type, b.Priority, map[bool]string{true: "", false: ", ends with a result, not a merge"}[b.NeedsCode])
	p.field("labels", "%s", strings.Join(b.Labels, ", "))
	p.field("agent", "%s", b.Agent)
	if b.Sling != nil {
		p.field("slung", "%s ago by %s%s", p.age(b.Sling.At), b.Sling.By, prefixed(" to ", b.Sling.Polecat))
	}
	p.field("blocked by", "%s", ids(b.BlockedBy))
	for _, d := range b.Dependencies {
		p.field(depLabel(d.Type), "%s", d.DependsOn)
	}
	p.field("proposed", "%s", b.PR)
	p.field("merged", "%s", b.MergeCommit)
	if b.MergeCommit == "" {
		p.field("closed", "%s", b.CloseReason)
	}
	if b.DeferUntil != nil {
		p.field("deferred", "until %s", b.DeferUntil.Format(time.RFC3339))
	}
	if b.Rejections > 0 {
		p.field("sent back", "%d of %d times", b.Rejections, beads.MaxRejections)
	}
	p.field("created", "%s ago%s", p.age(b.CreatedAt), prefixed(" by ", b.CreatedBy))
	p.field("external", "%s", b.ExternalRef)
	p.section("Description", b.Description)
	p.section("Acceptance criteria", b.AcceptanceCriteria)
	p.section("Design", b.Design)
	p.section("Notes", b.Notes)
	p.section("Result", b.Result)
	for _, o := range b.Overlaps {
		p.field("overlap", "%s", o.Text())
	}
	showAttempts(p, b.Attempts)
	if len(b.Comments) > 0 {
		p.line("")
		p.line("Comments")
		for _, c := range b.Comments {
			p.line("  %s, %s ago:", c.Author, p.age(c.CreatedAt))
			p.text("    ", c.Text)
		}
	}
}

func showAttempts(p *page, list []*beads.Attempt) {
	var rows [][]string
	for _, a := range list {
		if a == nil {
			continue
		}
		what := a.Why
		switch {
		case a.State == beads.Asking:
			what = "asks: " + a.Question
		case a.State == beads.Limited:
			what = "until " + a.LimitedUntil.Format(time.RFC3339)
		case a.Rescue != "" && what == "":
			what = "kept at " + a.Rescue
		case a.Merge != "" && what == "":
			what = "merged " + sha(a.Merge)
		}
		at := a.EndedAt
		if at.IsZero() {
			at = a.CreatedAt
		}
		rows = append(rows, []string{
			fmt.Sprint(a.N), a.Polecat, strings.TrimSuffix(a.Preset+":"+a.Model, ":"), string(a.State), p.age(at),
			fmt.Sprint(a.Commits), diff(a.Added, a.Removed), what,
		})
	}
	if len(rows) == 0 {
		return
	}
	p.line("")
	p.line("Attempts")
	p.table("  ", []string{"N", "POLECAT", "AGENT", "STATE", "AGO", "COMMITS", "DIFF", "WHY"}, rows)
	for _, a := range list {
		if a != nil && a.Proof.Text() != "" {
			p.line("  proof of %s: %s", a.Key(), a.Proof.Text())
		}
	}
}

func depLabel(t beads.DepType) string {
	switch t {
	case beads.Blocks, "":
		return "waits for"
	case beads.ParentChild:
		return "part of"
	}
	return string(t)
}

func prefixed(prefix, s string) string {
	if s == "" {
		return ""
	}
	return prefix + s
}
