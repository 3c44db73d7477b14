package tui

import (
	"cmp"
	"fmt"
	"slices"

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
	usd           float64
	tok           int64
	priced, toked int // attempts that say
}

func (s *spending) add(a *beads.Attempt) {
	s.tries++
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
func spendings(rows []beadRow) (agents, bead []*spending, all spending) {
	byAgent := map[string]*spending{}
	for _, r := range rows {
		b := &spending{name: clean(string(r.bead.ID)) + " " + clean(r.bead.Title)}
		for _, a := range r.bead.Attempts {
			if byAgent[a.Preset] == nil {
				byAgent[a.Preset] = &spending{name: clean(a.Preset)}
				agents = append(agents, byAgent[a.Preset])
			}
			byAgent[a.Preset].add(a)
			b.add(a)
			all.add(a)
		}
		if b.tries > 0 {
			bead = append(bead, b)
		}
	}
	most := func(a, b *spending) int { return cmp.Or(cmp.Compare(b.usd, a.usd), cmp.Compare(b.tok, a.tok)) }
	slices.SortStableFunc(agents, most)
	slices.SortStableFunc(bead, most)
	return agents, bead, all
}

func (d *costDialog) draw(m *model, w, h int) face {
	agents, byBead, all := spendings(m.facts.beads)
	f := face{title: "COST  " + all.cost() + " in all", foot: []string{"Esc"}}
	if all.tries == 0 {
		f.rows = m.note(w, "No polecat has worked yet, so nothing was spent on beads.", "What the Mayor spends is not known: its agent does not tell.")
		return f
	}
	var rows []string
	row := func(st sty, name, tries, tok, cost string) {
		rows = append(rows, m.line(w, st).put("", "   ").cell("", name, max(w-36, 8)).num("", tries, 6).num("", tok, 9).num("", cost, 10).end())
	}
	row(m.dim, "AGENT", "TRIES", "TOKENS", "COST")
	for _, s := range agents {
		row("", s.name, itoa(s.tries), s.tokens(), s.cost())
	}
	row("1", "in all", itoa(all.tries), all.tokens(), all.cost())
	rows = append(rows, spaces(w))
	row(m.dim, "BEAD", "TRIES", "TOKENS", "COST")
	for _, s := range byBead {
		row("", s.name, itoa(s.tries), s.tokens(), s.cost())
	}
	rows = append(rows, spaces(w))
	for _, l := range m.facts.view.Status.Limits {
		rows = append(rows, m.text(w, m.yellow, clean(l.Agent)+" is at its usage limit until "+clock(l.Until)))
	}
	rows = append(rows, m.text(w, m.dim, "As the agents report it. n/a: the agent does not say; +: some tries do not."),
		m.text(w, m.dim, "What the Mayor spends is not in it."))
	f.rows = d.window(rows, h)
	return f
}
