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

// openLog is L: the log of the selected merge request, elsewhere of what the Refinery tests.
func (m *model) openLog() tea.Cmd {
	info, want := m.rigMeant(), ""
	if rows := m.shownMRs(); m.focus == paneRefinery && m.lists[paneRefinery].at < len(rows) {
		row := rows[m.lists[paneRefinery].at]
		info, want = row.info, string(row.mr.Bead)
	} else if r, ok := m.selectedBead(); ok && m.focus == paneBeads {
		want = string(r.bead.ID)
	}
	if info == nil {
		m.refuse("no rig, so no refinery")
		return nil
	}
	return m.logOf(info, beads.ID(want))
}

// logOf opens the log of one merge request: of want, where a gate has run on it, else of the one that runs, else of the
// last that ran. Text, heading and keys are all of that one. Of a Refinery that failed it is what that says itself.
func (m *model) logOf(info *api.RefineryInfo, want beads.ID) tea.Cmd {
	d := &logDialog{rig: info.Rig, req: api.LogReq{Rig: info.Rig, Lines: logLines}, follow: true, hit: -1}
	if id := m.lastTested(info, want); id != "" && (id == want || info.State != refinery.Failed) {
		d.req = api.LogReq{Bead: id, Lines: logLines}
	}
	m.push(d)
	return d.load(m)
}

// lastTested is the bead whose gate output there is to read; empty: there is none.
func (m *model) lastTested(info *api.RefineryInfo, want beads.ID) beads.ID {
	var running beads.ID
	for i := range info.Queue {
		e := &info.Queue[i]
		runs := e.State == refinery.EntryGating || e.State == refinery.EntryLanding
		if e.Bead == want && (runs || e.State == refinery.EntryApprove || len(e.Gates) > 0) {
			return want
		}
		if runs && running == "" {
			running = e.Bead
		}
	}
	var newest *beads.Attempt
	for _, r := range m.facts.beads {
		for _, a := range r.bead.Attempts {
			if a.Rig != info.Rig || len(a.Gates) == 0 {
				continue
			}
			if a.Bead == want {
				return want
			}
			if newest == nil || a.SubmittedAt.After(newest.SubmittedAt) {
				newest = a
			}
		}
	}
	if running == "" && newest != nil {
		return newest.Bead
	}
	return running
}

// entry is the merge request that is shown, nil when it has left the queue.
func (d *logDialog) entry(m *model) *mrRow {
	for i := range m.facts.mrs {
		if r := &m.facts.mrs[i]; r.mr.Bead == d.req.Bead {
			return r
		}
	}
	return nil
}

// onEntry runs f on the merge request that is shown.
func (d *logDialog) onEntry(m *model, f func(*api.QueueEntry) tea.Cmd) (verdict, tea.Cmd) {
	if e := d.entry(m); e != nil {
		return closed, f(e.mr)
	}
	m.refuse("what is shown here is in no queue now")
	return consumed, nil
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
	case RestartRefinery:
		return closed, m.restartRefinery(m.refineryOf(d.rig))
	case HoldEntry:
		return d.onEntry(m, m.hold)
	case BounceEntry:
		return d.onEntry(m, m.bounce)
	case ShowDiff:
		if d.req.Bead == "" {
			return consumed, nil
		}
		return closed, m.diffOf(d.req.Bead)
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
		m.say("copied "+beads.Count(len(d.text), "line"), '+')
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
	f.foot = hintsIn(m.keys, InLog, RestartRefinery)
	if e := d.entry(m); e != nil {
		f.foot = asRelease(hintsIn(m.keys, InLog, RestartRefinery, HoldEntry, BounceEntry), e.mr)
	}
	read := []Intent{Find, Follow, CopyID}
	if d.find.words.String() != "" {
		read = []Intent{Find, FindNext, Follow, CopyID}
	}
	f.foot = append(append(f.foot, hintsIn(m.keys, InLog, read...)...), "Esc")
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
		f.rows = append(f.rows, m.note(w, m.here(d.why))...)
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
		rows = append(rows, d.aboutRows(m, w)...)
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

// aboutRows says of which bead the log is, and how its gates went.
func (d *logDialog) aboutRows(m *model, w int) []string {
	if e := d.entry(m); e != nil {
		return d.entryRows(m, w, *e)
	}
	r, _ := m.beadByID(string(d.req.Bead))
	if r.bead == nil {
		return nil
	}
	for i := len(r.bead.Attempts) - 1; i >= 0; i-- {
		if a := r.bead.Attempts[i]; len(a.Gates) > 0 {
			dot := " " + m.dot + " "
			head := fmt.Sprintf("%s %s%s%s%stry %d", clean(string(a.Bead)), clean(r.bead.Title), dot, clean(string(a.State)), dot, a.N)
			return []string{m.text(w, "1", head), m.gateRow(w, a.Gates)}
		}
	}
	return nil
}

func (d *logDialog) entryRows(m *model, w int, e mrRow) []string {
	dot := " " + m.dot + " "
	head := fmt.Sprintf("%s %s%s%s%stry %d", clean(string(e.mr.Bead)), clean(e.mr.Title), dot, clean(string(e.mr.State)), dot, e.mr.Tries+1)
	if e.mr.Step != "" {
		head += dot + clean(e.mr.Step)
	}
	if text := m.expected(e.mr, e.info); text != "" {
		head += dot + text
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
