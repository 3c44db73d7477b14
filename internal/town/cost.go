package town

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/api"
	"gastown/internal/fault"
)

// cost sums up what attempts spent, as their agents said, and how long they were at work.
func (t *Town) cost(_ context.Context, _ api.Caller, r api.CostReq) ([]api.Spent, error) {
	if r.By == "" {
		r.By = "bead"
	}
	if !slices.Contains(api.CostKeys(), r.By) {
		return nil, fault.Usagef("cost: by %q: want one of %s", r.By, strings.Join(api.CostKeys(), ", "))
	}
	var all []*beads.Attempt
	titles := map[beads.ID]string{}
	err := t.store.View(func(tx *store.Tx) (err error) {
		if all, err = tx.Attempts(); err != nil {
			return err
		}
		for _, a := range all {
			b, err := tx.Bead(a.Bead)
			if err != nil {
				return err
			}
			titles[a.Bead] = b.Title
		}
		return nil
	})
	now := time.Time{} // without a host nothing is at work
	if t.host != nil {
		now = t.deps.Now()
	}
	all = slices.DeleteFunc(all, func(a *beads.Attempt) bool { return a.CreatedAt.Before(r.After) })
	return spent(all, titles, r.By, now, t.deps.Now().Location()), err
}

// spent sums attempts up. A day is that of the start, in loc; those of live attempts count until
// now, unless that is zero.
func spent(all []*beads.Attempt, titles map[beads.ID]string, by string, now time.Time, loc *time.Location) []api.Spent {
	sums := map[string]*api.Spent{}
	for _, a := range all {
		key, title := spentKey(a, by, loc), ""
		if by == "bead" || by == "attempt" {
			title = titles[a.Bead]
		}
		s := sums[key]
		if s == nil {
			s = &api.Spent{Name: key, Title: title}
			sums[key] = s
		}
		add(s, a, now)
	}
	out := []api.Spent{}
	for _, s := range sums {
		out = append(out, *s)
	}
	slices.SortFunc(out, func(a, b api.Spent) int {
		if by == "day" || by == "attempt" {
			return strings.Compare(a.Name, b.Name)
		}
		return cmp.Or(cmp.Compare(amount(b.CostUSD), amount(a.CostUSD)), cmp.Compare(amount(b.Tokens), amount(a.Tokens)), cmp.Compare(b.Time, a.Time), strings.Compare(a.Name, b.Name))
	})
	return out
}

func spentKey(a *beads.Attempt, by string, loc *time.Location) string {
	switch by {
	case "attempt":
		return a.Key()
	case "polecat":
		return a.Polecat
	case "agent":
		return strings.TrimSuffix(a.Preset+":"+a.Model, ":")
	case "rig":
		return a.Rig
	case "day":
		return began(a).In(loc).Format(time.DateOnly)
	}
	return string(a.Bead)
}

func began(a *beads.Attempt) time.Time {
	if a.StartedAt.IsZero() {
		return a.CreatedAt
	}
	return a.StartedAt
}

func add(s *api.Spent, a *beads.Attempt, now time.Time) {
	s.Attempts++
	s.Time += a.Worked(now)
	s.Unsaid = s.Unsaid || a.CostUSD == nil && a.Tokens == nil
	s.CostUSD, s.Tokens = plus(s.CostUSD, a.CostUSD), plus(s.Tokens, a.Tokens)
}

// plus is a sum of what is known; nil: nothing is.
func plus[N int64 | float64](sum, more *N) *N {
	switch {
	case more == nil:
		return sum
	case sum == nil:
		n := *more
		return &n
	}
	n := *sum + *more
	return &n
}

func amount[N int64 | float64](n *N) N {
	if n == nil {
		return 0
	}
	return *n
}
