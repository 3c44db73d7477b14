package tui

import (
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"gastown/beads"
	"gastown/internal/api"
	"gastown/refinery"
)

// logDialog is L: the output of a gate, followed while it runs, searchable.
type logDialog struct {
	scroller
	req    api.LogReq
	rig    string
	from   string
	text   []string // nil until it came
	why    string
	follow bool // the newest output stays in sight
	find   search
	hit    int // line of the last match; -1: none
	asked  time.Time
	asking bool
}

// Reading a log again while it is followed.
const (
	logLines  = 100_000     // lines that are asked for at most
	followGap = time.Second // least time between two looks at a log that grows
)

type logText struct {
	from  string
	lines []string
}

func (m *model) openLog() tea.Cmd {
	info := m.rigForRestart()
	if info == nil {
		m.refuse("no rig, so no refinery")
		return nil
	}
	d := &logDialog{rig: info.Rig, req: api.LogReq{Rig: info.Rig, Lines: logLines}, follow: true, hit: -1}
	if m.focus == paneRefinery && m.lists[paneRefinery].key != "" {
		d.req = api.LogReq{Bead: beads.ID(m.lists[paneRefinery].key), Lines: logLines}
	}
	m.push(d)
	return d.load(m)
}

// load asks for the log; it is split off Update, and cleaned where it is shown.
func (d *logDialog) load(m *model) tea.Cmd {
	d.asked, d.asking = m.now(), true
	ctx, host, req, key := m.ctx, m.host, d.req, d.key()
	return m.guard(func() tea.Msg {
		p, err := api.RefineryLog.Do(ctx, host, req)
		text := logText{from: p.From}
		if p.Text != "" {
			text.lines = strings.Split(strings.TrimRight(p.Text, "\n"), "\n")
		}
		return fetchedMsg{key: key, value: text, err: err}
	})
}

func (d *logDialog) key() string     { return "log " + d.rig + " " + string(d.req.Bead) }
func (d *logDialog) scope() Scope    { return InLog }
func (d *logDialog) wantsText() bool { return d.find.typing }

func (d *logDialog) receive(f fetchedMsg) {
	if f.key != d.key() {
		return
	}
	d.asking, d.why = false, ""
	if f.err != nil {
		text, hint := explain(f.err)
		d.why = clean(strings.TrimSpace(text + ". " + hint))
		return
	}
	t, _ := f.value.(logText)
	d.from, d.text = clean(t.from), t.lines
}

// changed looks again while the log is followed.
func (d *logDialog) changed(m *model) tea.Cmd {
	if !d.follow || d.asking || m.now().Sub(d.asked) < followGap {
		return nil
	}
	return d.load(m)
}

func (d *logDialog) handle(m *model, ev event) (verdict, tea.Cmd) {
	if d.find.typing {
		d.find.key(ev)
		d.seek(0)
		return consumed, nil
	}
	switch ev.intent {
	case RestartRefinery, HoldEntry, BounceEntry, ShowDiff:
		return closed, m.run(ev.intent)
	case Find:
		d.find.begin()
		d.hit = -1
		return consumed, nil
	case FindNext:
		d.seek(1)
		return consumed, nil
	case FindPrev:
		d.seek(-1)
		return consumed, nil
	case Follow:
		d.follow, d.find.miss = true, false
		return consumed, d.changed(m)
	case CopyID:
		m.say("copied "+plural(len(d.text), "line"), '+')
		return consumed, tea.SetClipboard(beads.CleanText(strings.Join(d.text, "\n")))
	case Open:
		return closed, nil
	}
	if d.move(ev.intent) {
		d.follow = d.top >= d.rows-d.page
		return consumed, nil
	}
	return ignored, nil
}

func (d *logDialog) seek(by int) {
	at := d.hit
	if at < 0 {
		at = d.top
	}
	at = d.find.in(d.text, at, by)
	if d.find.miss || d.find.words.String() == "" {
		d.hit = -1
		return
	}
	d.hit, d.follow = at, false
	if at < d.top || at >= d.top+d.page {
		d.top = max(at-d.page/2, 0)
	}
}

func (d *logDialog) broad() bool { return true }

func (d *logDialog) draw(m *model, w, h int) face {
	f := face{title: "REFINERY LOG  " + clean(d.rig), grow: true}
	f.foot = append(hintsIn(m.keys, InLog, RestartRefinery, HoldEntry, BounceEntry, Find, Follow), "Esc")
	f.rows = d.headRows(m, w, &f)
	if d.find.typing {
		f.rows = append(f.rows, d.find.draw(m, w))
	}
	d.rows, d.page = len(d.text), max(h-len(f.rows), 1)
	if d.follow {
		d.top = d.rows
	}
	d.clamp()
	switch {
	case d.why != "":
		f.rows = append(f.rows, m.note(w, d.why)...)
	case len(d.text) == 0 && d.asking:
		f.rows = append(f.rows, m.note(w, "reading ...")...)
	case len(d.text) == 0:
		f.rows = append(f.rows, m.note(w, "It has printed nothing.")...)
	}
	for i := d.top; i < min(d.top+d.page, len(d.text)); i++ {
		base := sty("")
		if i == d.hit {
			base = m.picked
		}
		f.rows = append(f.rows, m.line(w, base).put("", " ").put("", cleanLine(d.text[i])).end())
	}
	return f
}

// headRows says which merge request and gate this is, and why it does not go on.
func (d *logDialog) headRows(m *model, w int, f *face) []string {
	var rows []string
	for i := range m.facts.view.Refineries {
		r := &m.facts.view.Refineries[i]
		if r.Rig != d.rig {
			continue
		}
		word, mark := refineryWord(r, m.clock)
		f.right, f.mark = word, mark
		for _, e := range m.facts.mrs {
			if e.info == r && (d.req.Bead == e.mr.Bead || d.req.Bead == "" && e.mr.Position == 1) {
				rows = append(rows, d.entryRows(m, w, e)...)
			}
		}
		if r.State == refinery.Hung || r.Reason != "" {
			for _, p := range m.liveGate(r) {
				if !strings.HasPrefix(p.text, "last line: ") && !strings.HasPrefix(p.text, "  ") && p.text != "" {
					rows = append(rows, m.text(w, p.st, p.text))
				}
			}
		}
	}
	state := "g G ends"
	if d.follow {
		state = "following"
	}
	if d.find.miss {
		state = "not found: " + d.find.words.String()
	}
	rows = append(rows, m.line(w, "").put("", " ").put(m.dim, d.from).right(m.dim, state+" ").end())
	return append(rows, m.ruleRow(w))
}

func (d *logDialog) entryRows(m *model, w int, e mrRow) []string {
	dot := " " + m.dot + " "
	head := fmt.Sprintf("%s %s%s%s%stry %d", clean(string(e.mr.Bead)), clean(e.mr.Title), dot, clean(string(e.mr.State)), dot, e.mr.Tries+1)
	if e.mr.Step != "" {
		head += dot + clean(e.mr.Step)
	}
	if !e.mr.Expected.IsZero() {
		head += dot + "lands in ~" + exact(e.mr.Expected.Sub(m.clock))
	}
	n := m.line(w, "").put("", " ")
	names, marks := gateMarks(e)
	took := map[string]time.Duration{}
	for _, g := range e.mr.Gates {
		took[clean(g.Gate)] = g.Took
	}
	for i, name := range names {
		n.put(m.dim, name+" ").put(m.words(marks[i]), string(marks[i]))
		if t := took[name]; t > 0 {
			n.put(m.dim, " "+exact(t))
		}
		n.put("", "   ")
	}
	rows := []string{m.text(w, "1", head)}
	if len(names) > 0 {
		rows = append(rows, n.end())
	}
	return rows
}
