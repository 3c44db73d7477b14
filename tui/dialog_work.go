package tui

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"gastown/beads"
	"gastown/internal/api"
)

// killDialog is x: what would be kept and lost is shown before anything stops.
type killDialog struct {
	guarded
	name string
	key  string           // of the attempt that is meant
	seen *api.KillPreview // nil until it came
	why  string           // why it did not
}

// openKill asks first, and finds out what the kill would do.
func (m *model) openKill(c *api.PolecatInfo) tea.Cmd {
	key := catKey(c)
	m.push(&killDialog{name: c.Name, key: key})
	ctx, host := m.ctx, m.host
	return m.guard(func() tea.Msg {
		k, err := api.PolecatPreview.Do(ctx, host, api.NameReq{Name: key})
		return fetchedMsg{key: "kill " + key, value: k, err: err}
	})
}

func (d *killDialog) receive(f fetchedMsg) {
	if f.key != "kill "+d.key {
		return
	}
	if f.err != nil {
		d.why, _ = explain(f.err)
		return
	}
	if k, ok := f.value.(api.KillPreview); ok {
		d.seen = &k
	}
}

func (d *killDialog) scope() Scope    { return InKill }
func (d *killDialog) wantsText() bool { return false }

func (d *killDialog) handle(m *model, ev event) (verdict, tea.Cmd) {
	switch ev.intent {
	case Yes:
		if m.catByKey(d.key) == nil {
			return closed, nil
		}
		return closed, m.kill(d.name, d.key)
	case Open:
		return closed, nil
	}
	return ignored, nil
}

func (d *killDialog) draw(m *model, w, _ int) face {
	f := face{title: "KILL POLECAT " + clean(d.name) + "?", right: "default: Cancel", foot: []string{"Esc or Enter cancel"}}
	c := m.catByKey(d.key)
	if c == nil {
		f.rows = m.note(w, m.outcome(d.name, d.key)+".", "There is nothing to kill any more.")
		return f
	}
	dot := " " + m.dot + " "
	title := c.Title
	if r, ok := m.beadByID(string(c.Bead)); ok {
		title = r.bead.Title
	}
	head := fmt.Sprintf("bead %s %s%s%s", clean(string(c.Bead)), clean(title), dot, lately(clean(string(c.State)), m.clock.Sub(c.Since)))
	if c.CostUSD != nil {
		head += fmt.Sprintf("%s$%.2f spent", dot, *c.CostUSD)
	}
	for _, s := range wrap(head, w-2) {
		f.rows = append(f.rows, m.text(w, "", s))
	}
	f.rows = append(f.rows, spaces(w))
	long := func(label, text string) {
		const col = 19
		for i, s := range wrap(text, w-col-2) {
			if i > 0 {
				label = ""
			}
			f.rows = append(f.rows, m.line(w, "").put("", " ").cell(m.dim, label, col-2).put("", s).end())
		}
	}
	if d.seen != nil {
		c = &d.seen.PolecatInfo
	}
	long("would be kept", keptText(c, d.seen))
	long("would be lost", d.lostText())
	long("will be stopped", d.processText(c))
	long("bead becomes", "x killed, until a or v goes on from what was kept")
	f.rows = append(f.rows, spaces(w))
	for _, s := range wrap("u undoes this for 30 seconds; v revives the work later.", w-2) {
		f.rows = append(f.rows, m.text(w, m.dim, s))
	}
	f.rows = append(f.rows, spaces(w))
	f.keep = []string{m.buttons(w, "y  kill and keep work")}
	return f
}

// keptText is what survives: commits, and uncommitted files by name where they are known.
func keptText(c *api.PolecatInfo, seen *api.KillPreview) string {
	var parts []string
	if c.Dirty > 0 {
		text := beads.Count(c.Dirty, "uncommitted file") + " as a rescue ref"
		if seen != nil && len(seen.Uncommitted) > 0 {
			text += " (" + some(seen.Uncommitted, 4) + ")"
		}
		parts = append(parts, text)
	}
	if c.Commits > 0 {
		parts = append(parts, beads.Count(c.Commits, "commit")+" on "+clean(c.Branch))
	}
	if len(parts) == 0 {
		return "nothing changed so far" + branchText(c)
	}
	text := strings.Join(parts, ", ")
	if c.Files > 0 {
		text += fmt.Sprintf("; %s +%d -%d in all", beads.Count(c.Files, "file"), c.Added, c.Removed)
	}
	return text
}

// some is the first n names, and how many more there are.
func some(names []string, n int) string {
	out := make([]string, 0, n)
	for _, s := range names[:min(n, len(names))] {
		out = append(out, clean(s))
	}
	text := strings.Join(out, " ")
	if more := len(names) - n; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

func (d *killDialog) lostText() string {
	switch {
	case d.why != "":
		return "only files that git ignores (cannot name them: " + clean(d.why) + ")"
	case d.seen == nil:
		return "looking ..."
	case len(d.seen.Ignored) == 0:
		return "nothing: there is no file that git ignores"
	}
	return "what git ignores: " + some(d.seen.Ignored, 8)
}

func branchText(c *api.PolecatInfo) string {
	if c.Branch == "" {
		return ""
	}
	return "; branch " + clean(c.Branch)
}

func (d *killDialog) processText(c *api.PolecatInfo) string {
	if d.seen == nil || len(d.seen.Processes) == 0 {
		return clean(c.Agent) + " and what it started"
	}
	names := make([]string, 0, len(d.seen.Processes))
	for _, p := range d.seen.Processes {
		names = append(names, clean(p.Name)+" "+itoa(p.PID))
	}
	n := len(names)
	const most = 6
	text := strings.Join(names[:min(n, most)], ", ")
	if n > most {
		text += " ..."
	}
	return text + " (" + map[bool]string{true: "1 process", false: itoa(n) + " processes"}[n == 1] + ")"
}
