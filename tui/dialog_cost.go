package tui

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	tea "charm.land/bubbletea/v2"

	"gastown/beads"
)

// costDialog is $: what was spent, where the agents say so. What is not known is said to be
// not known, never guessed.
type costDialog struct{ scroller }

func (d *costDialog) scope() Scope    { return InList }
func (d *costDialog) wantsText() bool { return false }

func (d *costDialog) handle(_ *model, ev event) (verdict, tea.Cmd) {
	if ev.intent == Open {
		return closed, nil
	}
	if d.move(ev.intent) {
		return consumed, nil
	}
	return ignored, nil
}

// spending is what one agent or bead used.
type spending struct {
	name          string
	tries         int
	work          time.Duration
	usd           float64
	tok           int64
	priced, toked int // attempts that say
}

func (s *spending) add(a *beads.Attempt, now time.Time) {
	s.tries++
	s.work += a.Worked(now)
	if a.CostUSD != nil {
		s.usd, s.priced = s.usd+*a.CostUSD, s.priced+1
	}
	if a.Tokens != nil {
		s.tok, s.toked = s.tok+*a.Tokens, s.toked+1
	}
}

// cost and tokens are with a plus where some attempts did not say.
func (s *spending) cost() string {
	if s.priced == 0 {
		return "n/a"
	}
	return fmt.Sprintf("$%.2f", s.usd) + partly(s.priced, s.tries)
}

func (s *spending) tokens() string {
	if s.toked == 0 {
		return "n/a"
	}
	return tokens(s.tok) + partly(s.toked, s.tries)
}

func partly(said, of int) string {
	if said < of {
		return "+"
	}
	return ""
}

// spendings sums up all attempts: by agent, by bead, and in all.
func spendings(rows []beadRow, now time.Time) (agents, bead []*spending, all spending) {
	byAgent := map[string]*spending{}
	for _, r := range rows {
		b := &spending{name: clean(string(r.bead.ID)) + " " + clean(r.bead.Title)}
		for _, a := range r.bead.Attempts {
			if byAgent[a.Preset] == nil {
				byAgent[a.Preset] = &spending{name: clean(a.Preset)}
				agents = append(agents, byAgent[a.Preset])
			}
			byAgent[a.Preset].add(a, now)
			b.add(a, now)
			all.add(a, now)
		}
		if b.tries > 0 {
			bead = append(bead, b)
		}
	}
	most := func(a, b *spending) int {
		return cmp.Or(cmp.Compare(b.usd, a.usd), cmp.Compare(b.tok, a.tok), cmp.Compare(b.work, a.work))
	}
	slices.SortStableFunc(agents, most)
	slices.SortStableFunc(bead, most)
	return agents, bead, all
}

func (d *costDialog) draw(m *model, w, h int) face {
	agents, byBead, all := spendings(m.facts.beads, m.clock)
	f := face{title: "COST  " + all.cost() + " in all", foot: []string{"Esc"}}
	if all.tries == 0 {
		f.rows = m.note(w, "No polecat has worked yet, so nothing was spent on beads.", "What the Mayor spends is not known: its agent does not tell.")
		return f
	}
	told := all.priced+all.toked > 0
	if !told {
		f.title = "COST  " + exact(all.work) + " at work in all"
	}
	var rows []string
	row := func(st sty, name, tries, work, tok, cost string) {
		n := m.line(w, st).put("", "   ")
		if !told { // two columns of which nothing is known
			rows = append(rows, n.cell("", name, max(w-24, 8)).num("", tries, 6).num("", work, 9).end())
			return
		}
		rows = append(rows, n.cell("", name, max(w-46, 8)).num("", tries, 6).num("", work, 9).num("", tok, 9).num("", cost, 10).end())
	}
	sum := func(st sty, s *spending) { row(st, s.name, itoa(s.tries), exact(s.work), s.tokens(), s.cost()) }
	row(m.dim, "AGENT", "TRIES", "AT WORK", "TOKENS", "COST")
	for _, s := range agents {
		sum("", s)
	}
	all.name = "in all"
	sum("1", &all)
	rows = append(rows, spaces(w))
	row(m.dim, "BEAD", "TRIES", "AT WORK", "TOKENS", "COST")
	for _, s := range byBead {
		sum("", s)
	}
	rows = append(rows, spaces(w))
	for _, l := range m.facts.view.Status.Limits {
		rows = append(rows, m.text(w, m.yellow, clean(l.Agent)+" is at its usage limit until "+clock(l.Until)))
	}
	note := []string{"As the agents report it. n/a: the agent does not say; +: some tries do not.", "What the Mayor spends is not in it."}
	if !told {
		note = []string{"No agent told its tokens or its cost; what the Mayor spends is not known either."}
	}
	for _, s := range note {
		for _, s := range wrap(s, w-2) {
			rows = append(rows, m.text(w, m.dim, s))
		}
	}
	f.rows = d.window(rows, h)
	return f
}
