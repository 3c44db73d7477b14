package town

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/api"
	"gastown/internal/fault"
)

func (t *Town) polecatList(_ context.Context, _ api.Caller, _ api.Empty) (out []api.PolecatInfo, err error) {
	err = t.store.View(func(tx *store.Tx) error {
		out, err = t.polecats(tx)
		return err
	})
	return out, err
}

// polecats are the live ones, by name.
func (t *Town) polecats(tx *store.Tx) ([]api.PolecatInfo, error) {
	live, err := tx.LiveAttempts()
	if err != nil {
		return nil, err
	}
	out := []api.PolecatInfo{}
	for _, a := range live {
		b, err := tx.Bead(a.Bead)
		if err != nil {
			return nil, err
		}
		out = append(out, t.polecatInfo(a, b))
	}
	slices.SortFunc(out, func(a, b api.PolecatInfo) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

func (t *Town) polecatInfo(a *beads.Attempt, b *beads.Bead) api.PolecatInfo {
	p := api.PolecatInfo{
		Name: a.Polecat, Rig: a.Rig, Bead: a.Bead, Title: b.Title, Attempt: a.N, Agent: a.Preset, Model: a.Model, State: a.State,
		Since: a.CreatedAt, Commits: a.Commits, Files: a.Files, Added: a.Added, Removed: a.Removed, Tokens: a.Tokens, CostUSD: a.CostUSD,
		Question: a.Question, AtTerminal: a.AtTerminal, Bypass: a.Bypass, Branch: a.Branch, Base: a.Base, Worktree: a.Worktree,
	}
	if !a.StartedAt.IsZero() {
		p.Since = a.StartedAt
	}
	if t.host == nil {
		p.HostGone = true
		return p
	}
	p.Overlaps = t.host.overlaps(a.Bead, a.N)
	w, err := t.worker(a.Polecat)
	if err != nil || w.bead != a.Bead || w.n != a.N {
		return p
	}
	p.Frozen, p.Stalled = w.standing(), w.isStalled()
	if l := w.lookNow(); !l.at.IsZero() {
		p.Commits, p.Files, p.Added, p.Removed, p.Dirty = l.commits, l.Files, l.Added, l.Removed, l.dirty
	}
	if s := w.sessionNow(); s != nil {
		p.Terminal = true
		p.Quiet = s.LastOutput()
		p.Doing = beads.Clean(strings.ReplaceAll(w.doing(s), a.Worktree+"/", ""), 120)
	}
	return p
}

// lastLine is the newest line with text, cleaned for one row of a list.
func lastLine(lines []string) string {
	for i := len(lines) - 1; i >= 0; i-- {
		if s := beads.Clean(lines[i], 120); s != "" {
			return s
		}
	}
	return ""
}

func (t *Town) polecatShow(ctx context.Context, _ api.Caller, r api.NameReq) (out api.PolecatInfo, err error) {
	err = t.store.View(func(tx *store.Tx) error {
		live, err := tx.LiveAttempts()
		if err != nil {
			return err
		}
		for _, a := range live {
			if means(r.Name, a.Polecat, a.Bead, a.N) {
				b, err := tx.Bead(a.Bead)
				out = t.polecatInfo(a, b)
				return err
			}
		}
		return fault.NotFoundf("polecat %q: none of that name is at work", r.Name)
	})
	if err != nil || t.host == nil {
		return out, err
	}
	if w, err := t.worker(out.Name); err == nil {
		w.look()
		if l := w.lookNow(); !l.at.IsZero() {
			out.Commits, out.Files, out.Added, out.Removed, out.Dirty = l.commits, l.Files, l.Added, l.Removed, l.dirty
		}
		if s := w.sessionNow(); s != nil {
			out.PIDs = s.Proc().Tree()
		}
	}
	return out, nil
}

func (t *Town) polecatPeek(_ context.Context, _ api.Caller, r api.PeekReq) (out api.Peeked, err error) {
	s, name, _, err := t.terminal(r.Name)
	if err != nil {
		return out, err
	}
	return api.Peeked{Text: joinLines(s.Tail(cmp.Or(max(r.Lines, 0), 40))), From: name}, nil
}

func joinLines(lines []string) string {
	out := ""
	for _, l := range lines {
		out += beads.Clean(l, 2000) + "\n"
	}
	return out
}

// polecatLog is the session log of a live or ended attempt.
func (t *Town) polecatLog(_ context.Context, _ api.Caller, r api.PeekReq) (out api.Peeked, err error) {
	var a *beads.Attempt
	err = t.store.View(func(tx *store.Tx) error {
		all, err := tx.Attempts()
		if err != nil {
			return err
		}
		for _, c := range all {
			if means(r.Name, c.Polecat, c.Bead, c.N) && (a == nil || c.CreatedAt.After(a.CreatedAt)) {
				a = c
			}
		}
		return nil
	})
	if err != nil {
		return out, err
	}
	if a == nil {
		return out, fault.NotFoundf("polecat log: nothing of %q", r.Name)
	}
	path := t.path("logs", "polecats", fmt.Sprintf("%s-%s-%d.log", a.Polecat, beads.RefSafe(a.Bead), a.N))
	data, err := os.ReadFile(path)
	if err != nil {
		return out, fault.NotFoundf("polecat log: %w", err)
	}
	return api.Peeked{Text: lastLines(beads.CleanText(string(data)), r.Lines), From: path}, nil
}
