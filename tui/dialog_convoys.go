package tui

import (
	"context"
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"gastown/beads"
	"gastown/internal/api"
)

// convoysDialog is c: how far each convoy is, wave by wave, and what holds it up.
type convoysDialog struct {
	at   int  // convoy
	bead list // of its beads
}

func (d *convoysDialog) scope() Scope    { return InConvoy }
func (d *convoysDialog) wantsText() bool { return false }
func (d *convoysDialog) longer() bool    { return d.bead.longer() }

// current is the convoy that is shown; the launched one that is not done comes first.
func (d *convoysDialog) current(m *model) (*api.Convoy, bool) {
	all := m.facts.view.Convoys
	if len(all) == 0 {
		return nil, false
	}
	d.at = (d.at%len(all) + len(all)) % len(all)
	return &all[d.at], true
}

func newConvoys(m *model) *convoysDialog {
	d := &convoysDialog{}
	for i, c := range m.facts.view.Convoys {
		if c.State == beads.ConvoyLaunched && c.Closed < c.Total {
			d.at = i
			break
		}
	}
	return d
}

// group is one block of a convoy's beads: a wave, or what is done.
type group struct {
	label string
	beads []beads.ID
}

// groups are the waves, then the beads that are in none any more: they are closed.
func groups(c *api.Convoy) []group {
	var out []group
	in := map[beads.ID]bool{}
	for i, wave := range c.Waves {
		out = append(out, group{fmt.Sprintf("wave %d", i+1), wave})
		for _, id := range wave {
			in[id] = true
		}
	}
	done := group{label: "done"}
	for _, id := range c.Beads {
		if !in[id] {
			done.beads = append(done.beads, id)
		}
	}
	if len(done.beads) > 0 {
		out = append(out, done)
	}
	return out
}

// order is the beads in reading order.
func (d *convoysDialog) order(c *api.Convoy) []string {
	var out []string
	for _, g := range groups(c) {
		for _, id := range g.beads {
			out = append(out, string(id))
		}
	}
	return out
}

func (d *convoysDialog) handle(m *model, ev event) (verdict, tea.Cmd) {
	c, ok := d.current(m)
	if !ok {
		if ev.intent == Open {
			return closed, nil
		}
		return ignored, nil
	}
	keys := d.order(c)
	d.bead.follow(keys, true)
	if d.bead.move(ev.intent, keys, 10) {
		return consumed, nil
	}
	switch ev.intent {
	case NextItem:
		d.at, d.bead = d.at+1, list{}
		return consumed, nil
	case PrevItem:
		d.at, d.bead = d.at-1, list{}
		return consumed, nil
	case PauseConvoy:
		return consumed, m.pauseConvoy(c)
	case CopyID:
		m.say("copied the convoy as Markdown", '+')
		return consumed, tea.SetClipboard(m.convoyMarkdown(c))
	case Open:
		if d.bead.key == "" {
			return closed, nil
		}
		m.show(beads.ID(d.bead.key))
		return closed, m.openBead(beads.ID(d.bead.key))
	case ShowDiff, Assign, Kill, Attach:
		m.show(beads.ID(d.bead.key))
		return closed, m.run(ev.intent)
	}
	return ignored, nil
}

// click implements clicker: a bead of the convoy.
func (d *convoysDialog) click(m *model, row, _ int, again bool) tea.Cmd {
	const above = 2 // the bar and a blank row
	c, ok := d.current(m)
	if !ok || row < above {
		return nil
	}
	keys := d.order(c)
	i := d.bead.top + row - above
	if i >= len(keys) || row-above >= d.bead.page {
		return nil
	}
	d.bead.goTo(i, keys)
	if again {
		return m.toOverlay(event{intent: Open})
	}
	return nil
}

func (m *model) pauseConvoy(c *api.Convoy) tea.Cmd {
	verb, label := api.ConvoyLaunch, "launch "
	if c.State == beads.ConvoyLaunched {
		verb, label = api.ConvoyPause, "pause "
	}
	name := c.Name
	return m.call(label+"convoy "+name, func(ctx context.Context, d api.Doer) (string, error) {
		c, err := verb.Do(ctx, d, api.NameReq{Name: name})
		return "convoy " + name + " is " + string(c.State), err
	})
}

func (m *model) convoyMarkdown(c *api.Convoy) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s (%d of %d)\n", c.Name, c.Closed, c.Total)
	for _, g := range groups(c) {
		b.WriteString("\n")
		for _, id := range g.beads {
			box, title, word := " ", "", ""
			if r, ok := m.beadByID(string(id)); ok {
				title, word = r.bead.Title, r.word
				if r.bead.Status == beads.Closed {
					box = "x"
				}
			}
			fmt.Fprintf(&b, "- [%s] %s %s (%s)\n", box, id, title, word)
		}
	}
	return b.String()
}

func (d *convoysDialog) draw(m *model, w, h int) face {
	f := face{title: "CONVOYS"}
	c, ok := d.current(m)
	if !ok {
		f.rows = m.note(w, "No convoy yet.", "A convoy is a set of beads that start as they become ready. The Mayor makes one from a spec; so does :plan FILE --apply.")
		f.foot = []string{"Esc"}
		return f
	}
	f.title = fmt.Sprintf("CONVOY %s  %d/%d  %s", clean(c.Name), c.Closed, c.Total, clean(string(c.State)))
	if n := len(m.facts.view.Convoys); n > 1 {
		f.right = fmt.Sprintf("%d of %d  </> next", d.at+1, n)
	}
	f.foot = hintsIn(m.keys, InConvoy, Open, ShowDiff, CopyID)
	switch {
	case c.Closed >= c.Total:
	case c.State == beads.ConvoyLaunched:
		f.foot = append(f.foot, "P pause")
	default:
		f.foot = append(f.foot, "P launch")
	}
	f.foot = append(f.foot, "Esc")
	d.bead.follow(d.order(c), true)
	count, after := map[byte]int{}, 4
	for _, id := range c.Beads {
		if r, ok := m.beadByID(string(id)); ok {
			after = min(max(after, width(afterText(r))), w/3)
		}
	}
	var rows []string
	line := 0
	for _, g := range groups(c) {
		for j, id := range g.beads {
			r, ok := m.beadByID(string(id))
			if ok {
				count[r.glyph]++
			}
			label := ""
			if j == 0 {
				label = g.label
			}
			rows = append(rows, d.beadRow(m, w, after, label, string(id), r, ok, line == d.bead.at))
			line++
		}
	}
	f.rows = append(f.rows, m.bar(w, count), spaces(w))
	var holds []part
	if text := m.aheadText(c); text != "" {
		for _, s := range wrap(text, w-2) {
			holds = append(holds, part{s, ""})
		}
	}
	holds = append(holds[:min(len(holds), 3)], d.holds(m, c)...)
	room := max(h-2-len(holds)-1, 1)
	top := d.bead.fit(len(rows), room, true)
	f.rows = append(f.rows, rows[top:min(top+room, len(rows))]...)
	f.rows = append(f.rows, spaces(w))
	for _, s := range holds {
		f.rows = append(f.rows, m.text(w, s.st, s.text))
	}
	return f
}

// bar is a convoy's beads as one row of marks over the whole width, the done ones first.
func (m *model) bar(w int, count map[byte]int) string {
	n := m.line(w, "").put("", " [")
	total, seen, drawn := 0, 0, 0
	for _, k := range count {
		total += k
	}
	const doneFirst = "+^>?!=xo#."
	room := max(w-4, 0)
	for i := range len(doneFirst) {
		g := doneFirst[i]
		if seen += count[g]; total > 0 {
			to := seen * room / total
			n.put(m.words(g), strings.Repeat(string(g), to-drawn))
			drawn = to
		}
	}
	return n.put("", "]").end()
}

// afterText is what a bead of a convoy waits for, or who has it.
func afterText(r beadRow) string {
	if len(r.bead.BlockedBy) > 0 {
		return "after " + joinIDs(r.bead.BlockedBy)
	}
	return r.who
}

func (d *convoysDialog) beadRow(m *model, w, after int, label, id string, r beadRow, ok, selected bool) string {
	base, mark := sty(""), " "
	if selected {
		base, mark = m.picked, m.marker
	}
	n := m.line(w, base).put(m.accent, " "+mark+" ").cell(m.dim, label, 8)
	if !ok {
		return n.put(m.dim, clean(id)).end()
	}
	n.put(m.glyph(r.glyph), string(r.glyph)).put("", " ").cell(m.idStyle(r), clean(id), max(m.facts.wide.id, 6))
	return n.cell(m.textOf(r), clean(r.bead.Title), max(n.left-after-1, 8)).put(m.dim, afterText(r)).end()
}

// holds says what a convoy waits for.
func (d *convoysDialog) holds(m *model, c *api.Convoy) []part {
	var out []part
	in := map[beads.ID]bool{}
	for _, id := range c.Beads {
		in[id] = true
	}
	for _, p := range m.facts.view.Status.Problems {
		if in[p.Bead] || p.Who == "refinery" {
			out = append(out, part{"held up by " + clean(p.Who) + ": " + clean(p.What) + " (" + m.wayOut(p) + ")", m.words(problemMark(p.Level))})
		}
	}
	if len(out) == 0 {
		text := "nothing holds it up"
		if c.Closed >= c.Total {
			text = "all of it is done"
		}
		if c.State != beads.ConvoyLaunched && c.Closed < c.Total {
			text = "not launched: its beads start only when slung; P launches it"
		}
		out = append(out, part{text, m.dim})
	}
	return out[:min(len(out), 4)]
}
