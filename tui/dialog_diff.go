package tui

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"gastown/beads"
	"gastown/internal/api"
)

// diffDialog is d: what an attempt changed, by file and hunk, with remarks on lines that go
// back to the polecat.
type diffDialog struct {
	id     beads.ID
	try    int      // the attempt that is wanted; 0: the newest
	doc    *diffDoc // nil until it came
	why    string   // why it did not
	at     int      // the line under the cursor
	top    int
	page   int
	aside  int // cells scrolled to the right
	find   search
	note   input
	noting bool
}

const asideStep = 8 // cells that left and right scroll: a tab

// openDiff opens the diff of the selected bead's newest attempt.
func (m *model) openDiff() tea.Cmd {
	return m.onBead(func(r beadRow) tea.Cmd {
		if r.last == nil {
			m.refuse("nobody has worked on " + clean(string(r.bead.ID)) + " yet, so there is no diff")
			return nil
		}
		return m.diffOf(r.bead.ID)
	})
}

func (m *model) diffOf(id beads.ID) tea.Cmd {
	d := &diffDialog{id: id}
	m.push(d)
	return d.read(m)
}

func (d *diffDialog) read(m *model) tea.Cmd {
	ctx, host, key, req := m.ctx, m.host, d.key(), api.DiffReq{Bead: d.id, Attempt: d.try}
	return m.guard(func() tea.Msg {
		diff, err := api.GetDiff.Do(ctx, host, req)
		return fetchedMsg{key: key, value: newDiffDoc(diff), err: err}
	})
}

// key names what is wanted: an answer to another wish is dropped.
func (d *diffDialog) key() string { return "diff " + beads.AttemptKey(d.id, d.try) }

// step goes to another attempt at the bead.
func (d *diffDialog) step(m *model, by int) tea.Cmd {
	r, ok := m.beadByID(string(d.id))
	if !ok || r.last == nil {
		return nil
	}
	at := d.try
	if d.doc != nil {
		at = d.doc.diff.Attempt
	}
	to := at + by
	if to < 1 || to > r.last.N {
		m.refuse(fmt.Sprintf("attempt %d is the %s", at, map[bool]string{true: "first", false: "newest"}[by < 0]))
		return nil
	}
	*d = diffDialog{id: d.id, try: to}
	return d.read(m)
}

func (d *diffDialog) scope() Scope    { return InDiff }
func (d *diffDialog) wantsText() bool { return d.noting || d.find.typing }
func (d *diffDialog) broad() bool     { return true }
func (d *diffDialog) longer() bool    { return d.doc != nil && d.top+d.page < len(d.doc.lines) }

func (d *diffDialog) receive(f fetchedMsg) {
	if f.key != d.key() {
		return
	}
	if f.err != nil {
		text, hint := explain(f.err)
		d.why = clean(strings.TrimSpace(text + ". " + hint))
		return
	}
	again := d.doc != nil // after an edit: the cursor stays about where it was
	d.doc, _ = f.value.(*diffDoc)
	if again {
		d.at = max(min(d.at, len(d.doc.lines)-1), 0)
	} else if len(d.doc.hunks) > 0 {
		d.at = d.doc.hunks[0]
	}
}

func (d *diffDialog) handle(m *model, ev event) (verdict, tea.Cmd) {
	switch {
	case d.noting:
		return d.write(m, ev)
	case d.find.typing:
		d.find.key(ev)
		d.seek(0)
		return consumed, nil
	}
	switch ev.intent {
	case Back, QuitDialog:
		if n := len(d.remarks(m)); n > 0 {
			m.say(beads.Count(n, "remark")+" not sent; d shows them again, C sends", '.')
		}
		return ignored, nil
	case Attach, Kill, Assign, Nudge, CopyID:
		m.show(d.id)
		return closed, m.run(ev.intent)
	case SendRemarks:
		return consumed, d.send(m)
	case CommentLine:
		d.begin(m)
		return consumed, nil
	case PrevItem:
		return consumed, d.step(m, -1)
	case NextItem:
		return consumed, d.step(m, 1)
	case EditBead:
		return consumed, d.openFile(m)
	case Find:
		d.find.begin()
		return consumed, nil
	}
	if d.doc != nil && d.travel(ev.intent) {
		return consumed, nil
	}
	return ignored, nil
}

// travel moves the cursor.
func (d *diffDialog) travel(in Intent) bool {
	to := d.at
	switch in {
	case Up:
		to--
	case Down:
		to++
	case PageUp:
		to -= max(d.page-1, 1)
	case PageDown:
		to += max(d.page-1, 1)
	case Top:
		to = 0
	case Bottom:
		to = len(d.doc.lines)
	case NextHunk:
		to = step(d.doc.hunks, d.at, 1)
		d.top = to // a hunk is read from its first line
	case PrevHunk:
		to = step(d.doc.hunks, d.at, -1)
		d.top = to
	case NextField:
		to = step(d.doc.fileStarts(), d.at, 1)
		d.top = to
	case PrevField:
		to = step(d.doc.fileStarts(), d.at, -1)
		d.top = to
	case Left:
		d.aside = max(d.aside-asideStep, 0)
	case Right:
		d.aside += asideStep
	case FindNext:
		d.seek(1)
		return true
	case FindPrev:
		d.seek(-1)
		return true
	default:
		return false
	}
	d.at = max(min(to, len(d.doc.lines)-1), 0)
	return true
}

// click implements clicker: a file or a line.
func (d *diffDialog) click(m *model, row, x int, again bool) tea.Cmd {
	if d.doc == nil || row < 1 || row > d.page || d.noting {
		return nil
	}
	names := d.nameWidth(m.top.w - 2)
	if x < names {
		at := max(d.doc.fileAt(d.at), 0)
		if k := max(min(at-d.page/2, len(d.doc.files)-d.page), 0) + row - 1; k < len(d.doc.files) {
			d.at = d.doc.files[k].from
			d.top = d.at
		}
		return nil
	}
	d.at = min(d.top+row-1, len(d.doc.lines)-1)
	if again {
		d.begin(m)
	}
	return nil
}

func (d *diffDialog) seek(by int) {
	if d.doc != nil {
		d.at = d.find.in(d.doc.lines, d.at, by)
	}
}

func (d *diffDialog) draw(m *model, w, h int) face {
	f := face{title: "DIFF " + clean(string(d.id)), grow: true}
	switch {
	case d.why != "":
		f.rows, f.foot = m.note(w, m.here(d.why)), []string{"Esc"}
		return f
	case d.doc == nil:
		f.rows, f.foot = m.note(w, "reading ..."), []string{"Esc"}
		return f
	}
	diff := d.doc.diff
	f.title += fmt.Sprintf(" attempt %s by %s, from %s", d.which(m), clean(diff.Polecat), short(diff.Base))
	if len(d.doc.lines) == 0 {
		f.rows, f.foot = m.note(w, "Nothing is changed yet."), []string{"Esc"}
		return f
	}
	f.foot = d.hints(m)
	below := d.belowRows(m, w)
	head := d.headRow(m, w)
	d.page = max(h-1-len(below), 1)
	d.top = min(max(d.top, d.at-d.page+1), d.at)
	d.top = max(min(d.top, len(d.doc.lines)-d.page), 0)
	names := d.nameWidth(w)
	list := d.fileRows(m, names, d.page)
	f.rows = append(f.rows, head)
	for i := range d.page {
		left := ""
		if names > 0 {
			left = list[i]
		}
		f.rows = append(f.rows, left+d.lineRow(m, d.top+i, w-names))
	}
	f.rows = append(f.rows, below...)
	return f
}

// which is the number of the attempt that is shown, and of how many.
func (d *diffDialog) which(m *model) string {
	n := itoa(d.doc.diff.Attempt)
	if r, ok := m.beadByID(string(d.id)); ok && r.last != nil && r.last.N > 1 {
		n += " of " + itoa(r.last.N)
	}
	return n
}

func (d *diffDialog) hints(m *model) []string {
	if d.noting {
		return []string{"Enter keep", "Esc cancel"}
	}
	out := hintsIn(m.keys, InDiff, NextHunk, NextField, CommentLine)
	if r, ok := m.beadByID(string(d.id)); ok && r.last != nil && r.last.N > 1 {
		out = append(out, hintsIn(m.keys, InDiff, NextItem)...)
	}
	if n := len(d.remarks(m)); n > 0 {
		to := "the bead"
		if r, ok := m.beadByID(string(d.id)); ok && r.cat != nil {
			to = clean(r.cat.Name)
		}
		say := fmt.Sprintf("C send %d to %s", n, to)
		if d.waits(m) {
			say = fmt.Sprintf("C send it back with %s", beads.Count(n, "remark"))
		}
		out = append(out, say)
	}
	more := []Intent{Find}
	if d.find.words.String() != "" {
		more = append(more, FindNext)
	}
	if r, ok := m.beadByID(string(d.id)); ok && r.cat != nil && r.cat.Worktree != "" {
		more = append(more, EditBead)
	}
	return append(append(out, hintsIn(m.keys, InDiff, more...)...), "Esc")
}

func (d *diffDialog) headRow(m *model, w int) string {
	added, removed := 0, 0
	for _, f := range d.doc.files {
		added, removed = added+f.added, removed+f.removed
	}
	n := m.line(w, "").put("", " ").put(m.dim, "files ").put("", itoa(len(d.doc.files))).put("", "  ")
	n.put(m.green, "+"+itoa(added)).put("", " ").put(m.red, "-"+itoa(removed)).put("", "  ")
	hunk, of := d.doc.hunkAt(d.at)
	right := ""
	switch {
	case of > 0 && hunk == 0: // on the file's name
		right = beads.Count(of, "hunk") + " "
	case of > 0:
		right = fmt.Sprintf("hunk %d of %d ", hunk, of)
	}
	if f := d.doc.fileAt(d.at); f >= 0 {
		n.put("1", cut(d.doc.files[f].path, n.left-width(right)-2, m.more))
	}
	return n.right(m.dim, right).end()
}

// nameWidth is the width of the list of files; 0 where there is no room for one.
func (d *diffDialog) nameWidth(w int) int {
	if w < 70 || len(d.doc.files) < 2 {
		return 0
	}
	longest := 0
	for _, f := range d.doc.files {
		longest = max(longest, width(base(f.path)))
	}
	return min(longest, w/4) + 14
}

func base(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

// fileRows is the list of files, the current one in sight.
func (d *diffDialog) fileRows(m *model, w, h int) []string {
	if w == 0 {
		return nil
	}
	at := max(d.doc.fileAt(d.at), 0)
	top := max(min(at-h/2, len(d.doc.files)-h), 0)
	rows := make([]string, h)
	for i := range rows {
		n := m.line(w, "")
		if k := top + i; k < len(d.doc.files) {
			f, st, mark := d.doc.files[k], sty(""), " "
			if k == at {
				n, st, mark = m.line(w, m.picked), "1", m.marker
			}
			stat := fmt.Sprintf("+%d -%d", f.added, f.removed)
			if f.binary {
				stat = "binary"
			}
			n.put(m.accent, mark).put("", " ").put(st, pad(base(f.path), w-4-width(stat), m.more)).put("", " ").put(m.dim, stat)
		}
		rows[i] = n.end()
	}
	return rows
}

// lineRow draws line i of the diff in w cells.
func (d *diffDialog) lineRow(m *model, i, w int) string {
	if i >= len(d.doc.lines) {
		return spaces(w)
	}
	bg := sty("")
	if i == d.at {
		bg = m.picked
	}
	n := m.line(w, bg)
	mark := " "
	if i == d.at {
		mark = m.marker
	}
	n.put(m.accent, mark)
	text := cleanLine(d.doc.lines[i])
	if d.doc.no[i] == 0 {
		st := m.dim
		switch {
		case strings.HasPrefix(text, "@@"):
			st = m.cyan
		case d.doc.isName(i):
			st = "1"
		}
		return n.put("", spaces(d.doc.digits+1)).put(st, d.slide(text)).end()
	}
	said := " "
	for _, r := range d.remarks(m) {
		if r.quote == d.doc.lines[i] && r.place == d.doc.place(i) {
			said = "c"
		}
	}
	n.put(m.dim, padLeft(itoa(int(d.doc.no[i])), d.doc.digits, "")).put(m.yellow.and("1"), said)
	sign, st := " ", sty("")
	switch {
	case strings.HasPrefix(text, "+"):
		sign, st = "+", m.green
	case strings.HasPrefix(text, "-"):
		sign, st = "-", m.red
	}
	if text != "" {
		text = text[1:]
	}
	return n.put(st, sign+" ").put(st, d.slide(text)).end()
}

// slide leaves out what is scrolled away at the left.
func (d *diffDialog) slide(s string) string {
	if d.aside == 0 {
		return s
	}
	return s[len(cut(s, d.aside, "")):]
}

// belowRows is the remark under the cursor, or how the change fits main.
func (d *diffDialog) belowRows(m *model, w int) []string {
	rule := m.ruleRow(w)
	switch i := d.remarkAt(m); {
	case d.noting:
		return []string{rule, m.text(w, m.dim, "your remark on "+d.doc.place(d.at)), d.note.draw(m, w, "", true)}
	case d.find.typing:
		return []string{rule, d.find.draw(m, w)}
	case i >= 0:
		return []string{rule, m.line(w, "").put("", " ").put(m.yellow, "you: ").put("", clean(d.remarks(m)[i].text)).end()}
	}
	diff := d.doc.diff
	switch {
	case d.find.miss:
		return []string{rule, m.text(w, m.dim, "not found: "+d.find.words.String())}
	case len(diff.Conflicts) > 0:
		return []string{rule, m.text(w, m.yellow, "conflicts with "+d.target(m)+": "+clean(strings.Join(diff.Conflicts, ", ")))}
	case diff.Cut:
		return []string{rule, m.text(w, m.yellow, "only the first 8 MB are shown")}
	case diff.State == beads.Landed:
		return []string{rule, m.text(w, m.dim, "this has landed")}
	}
	text, st := "merge with "+d.target(m)+": clean", m.dim
	if diff.Tip == "" {
		text = "the worktree as of now, uncommitted work included"
	}
	if s, clash := d.others(m); s != "" {
		text += " " + m.dot + " " + s
		if clash {
			st = m.yellow
		}
	}
	return []string{rule, m.text(w, st, text)}
}

// target is the branch that the change is to land on.
func (d *diffDialog) target(m *model) string {
	if r, ok := m.beadByID(string(d.id)); ok {
		for _, rig := range m.facts.view.Status.Rigs {
			if rig.Name == r.bead.Rig && rig.Branch != "" {
				return clean(rig.Branch)
			}
		}
	}
	return "the target"
}

// others says which other unlanded work changes the same files, and whether it conflicts.
func (d *diffDialog) others(m *model) (text string, clash bool) {
	r, ok := m.beadByID(string(d.id))
	if !ok || r.last == nil || r.last.N != d.doc.diff.Attempt {
		return "", false
	}
	var parts []string
	for _, o := range r.bead.Overlaps {
		if o.With != "" || d.doc.diff.Tip == "" { // whether a tip fits the target was looked at with its diff
			parts, clash = append(parts, clean(o.Text())), clash || o.Conflict
		}
	}
	return strings.Join(parts, " "+m.dot+" "), clash
}
