package run

import (
	"context"
	"fmt"
	"strings"

	"gastown/internal/git"
	"gastown/refinery"
)

// sideBytes is how much of each side's difference an agent is told; with the gate's
// last lines beside it a task stays readable.
const sideBytes = 12 << 10

// sides are the commits of a merge.
type sides struct{ ours, theirs, common string }

// conflict says what an agent needs to join both sides: the files, their three
// stages, and what each side did to them since they parted.
func (r *Runner) conflict(ctx context.Context, a refinery.Build, p refinery.BuildPart, m git.Merge, s sides) *refinery.Conflict {
	c := &refinery.Conflict{Bead: p.Bead, N: p.N}
	var text strings.Builder
	fmt.Fprintf(&text, "Merging this work into %s (now at %s) conflicts in:\n", a.Branch, s.ours)
	for _, f := range m.Conflicts {
		c.Files = append(c.Files, f.Path)
		fmt.Fprintf(&text, "  %s:", clean(f.Path))
		for _, st := range f.Stages {
			fmt.Fprintf(&text, " %s %.9s", [...]string{"?", "base", a.Branch, "yours"}[min(max(st.Stage, 0), 3)], st.Hash)
		}
		text.WriteByte('\n')
	}
	r.landings(ctx, &text, a.Branch, s, c.Files)
	r.side(ctx, &text, "What "+a.Branch+" did to them since this work began", s.common, s.ours, c.Files)
	r.side(ctx, &text, "What this work did to them", s.common, s.theirs, c.Files)
	c.Detail = text.String()
	return c
}

// side adds one side's difference. That it cannot be read is no reason to say less.
func (r *Runner) side(ctx context.Context, text *strings.Builder, title, from, to string, paths []string) {
	if len(paths) == 0 {
		return
	}
	diff, cut, err := r.Repo.Diff(ctx, from, to, git.DiffOptions{MaxBytes: sideBytes, Paths: paths})
	switch {
	case err != nil:
		diff = "(" + clean(err.Error()) + ")"
	case diff == "":
		return
	case cut:
		diff += "\n(cut here; the rest: git diff " + from + " " + to + ")"
	}
	fmt.Fprintf(text, "\n%s (git diff %.9s %.9s):\n%s\n", title, from, to, strings.TrimRight(plain(diff), "\n"))
}

// mostLandings is how many of the landings that are in the way an agent is told.
const mostLandings = 8

// landings adds what put the other side's change there, newest first: whose work it is, and how to see all of it.
func (r *Runner) landings(ctx context.Context, text *strings.Builder, branch string, s sides, paths []string) {
	if len(paths) == 0 {
		return
	}
	log, err := r.Repo.Log(ctx, git.LogOptions{From: s.ours, Not: []string{s.common}, FirstParent: git.FirstParent, Max: mostLandings, Paths: paths})
	if err != nil || len(log) == 0 {
		return // the difference says the rest
	}
	fmt.Fprintf(text, "\nWhat changed them on %s since this work began, newest first:\n", branch)
	for _, c := range log {
		by := "by " + clean(c.Author.Name)
		if a := c.Trailer("Attempt"); a != "" {
			by = "attempt " + clean(a)
		}
		seen := fmt.Sprintf("git show %.9s", c.Hash)
		if len(c.Parents) > 1 {
			seen = fmt.Sprintf("git diff %.9s %.9s", c.Parents[0], c.Hash)
		}
		fmt.Fprintf(text, "  %s, %s (%s)\n", clean(c.Subject), by, seen)
	}
}
