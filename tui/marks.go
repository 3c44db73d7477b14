package tui

import (
	"context"
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"gastown/beads"
	"gastown/internal/api"
	"gastown/internal/fault"
)

// markSelected is Space: the bead is marked, or no longer, and the cursor goes on.
func (m *model) markSelected() {
	r, ok := m.selectedBead()
	if !ok {
		m.refuse("no bead is selected")
		return
	}
	if m.marks[r.bead.ID] {
		delete(m.marks, r.bead.ID)
	} else {
		m.marks[r.bead.ID] = true
	}
	l := &m.lists[paneBeads]
	l.goTo(l.at+1, m.rowKeys(paneBeads))
}

// dropMarks forgets the marks of beads that are no more.
func (m *model) dropMarks() {
	for id := range m.marks {
		if _, ok := m.facts.byID[id]; !ok {
			delete(m.marks, id)
		}
	}
}

// marked are the rows that are marked, in the order of the board, also those a filter hides.
func (m *model) marked() []beadRow {
	var out []beadRow
	for _, r := range m.facts.beads {
		if m.marks[r.bead.ID] {
			out = append(out, r)
		}
	}
	return out
}

// onMarked does what a key means to all marked beads; ok is false when it is for the row under the cursor.
func (m *model) onMarked(in Intent) (cmd tea.Cmd, ok bool) {
	if len(m.marks) == 0 || m.focus != paneBeads {
		return nil, false
	}
	if in == CopyID {
		var ids []string
		for _, r := range m.marked() {
			ids = append(ids, clean(string(r.bead.ID)))
		}
		m.say("copied "+beads.Count(len(ids), "id"), '+')
		return tea.SetClipboard(strings.Join(ids, "\n")), true
	}
	d := m.newBulk(in)
	if d == nil {
		return nil, false
	}
	if len(d.live()) == 0 {
		m.refuse(d.label + ": none of " + beads.Count(len(d.items), "marked bead") + " (" + clean(string(d.items[0].row.bead.ID)) + ": " + d.items[0].skip + ")")
		return nil, true
	}
	m.push(d)
	return nil, true
}

// bulkItem is one marked bead in the dialog of an action.
type bulkItem struct {
	row  beadRow
	says string // what will happen to it
	skip string // or why nothing will
	do   func(ctx context.Context, d api.Doer, key string, action uint64) error
}

// bulkDialog asks once for all marked beads. It defaults to Cancel.
type bulkDialog struct {
	guarded
	scroller
	title string
	label string   // of the call: "kill"
	did   string   // of what was done: "killed"
	noun  string   // what it is done to: "bead"
	keys  string   // that do it: "y", or the priorities
	yes   []string // what the buttons say
	note  string
	items []bulkItem
}

// newBulk is the dialog of an action that several beads can be given; nil for other intents.
func (m *model) newBulk(in Intent) *bulkDialog {
	d := &bulkDialog{keys: "y", noun: "bead"}
	var item func(beadRow) bulkItem
	switch in {
	case Assign:
		d.label, d.did, d.yes, item = "assign", "assigned", []string{"y  assign"}, bulkAssign
		d.note = "Each goes to any free polecat; work that was begun goes along. u takes all of it back for 30 seconds."
	case Kill:
		d.label, d.did, d.noun, d.yes, item = "kill", "killed", "polecat", []string{"y  kill and keep work"}, bulkKill
		d.note = "What git ignores is lost. u takes all of it back for 30 seconds; v revives the work later."
	case SetPriority:
		d.label, d.did, d.keys, d.yes, item = "set the priority of", "changed", "01234", priorityButtons(), bulkPriority
		d.note = "u takes all of it back for 30 seconds."
	case Revive:
		d.label, d.did, d.yes, item = "revive", "revived", []string{"y  revive"}, bulkRevive
		d.note = "Each goes on from what its last attempt kept."
	case RestartAgent:
		d.label, d.did, d.noun, d.yes, item = "restart", "restarted", "polecat", []string{"y  restart"}, bulkRestart
		d.note = "Each goes on in the same worktree, in a new process."
	default:
		return nil
	}
	for _, r := range m.marked() {
		i := item(r)
		i.row = r
		d.items = append(d.items, i)
	}
	d.title = strings.ToUpper(d.label) + " " + strings.ToUpper(beads.Count(len(d.live()), d.noun)) + "?"
	return d
}

func bulkAssign(r beadRow) bulkItem {
	id, cat := r.bead.ID, r.cat
	switch {
	case r.bead.Status == beads.Submitted || r.bead.Status == beads.Closed:
		return bulkItem{skip: "is " + r.word}
	case r.bead.Status == beads.Working:
		if cat == nil {
			return bulkItem{skip: "its polecat is leaving"}
		}
		return bulkItem{says: "from " + clean(cat.Name) + " to another, with the work so far", do: func(ctx context.Context, d api.Doer, _ string, action uint64) error {
			_, err := api.PolecatReassign.Do(ctx, d, api.ReassignReq{Name: catKey(cat), Action: action})
			return err
		}}
	case len(r.bead.BlockedBy) > 0:
		return bulkItem{skip: "waits for " + joinIDs(r.bead.BlockedBy)}
	}
	return bulkItem{says: "to any free polecat", do: func(ctx context.Context, d api.Doer, _ string, action uint64) error {
		_, err := api.Sling.Do(ctx, d, api.SlingReq{Beads: []beads.ID{id}, Action: action})
		return err
	}}
}

func bulkKill(r beadRow) bulkItem {
	if r.cat == nil {
		return bulkItem{skip: "no polecat works on it"}
	}
	key, says := catKey(r.cat), clean(r.cat.Name)+", which has nothing to keep"
	if r.cat.Dirty > 0 || r.cat.Commits > 0 {
		says = clean(r.cat.Name) + ", keeps " + keptText(r.cat, nil)
	}
	return bulkItem{says: says, do: func(ctx context.Context, d api.Doer, _ string, action uint64) error {
		_, err := api.PolecatKill.Do(ctx, d, api.KillReq{Name: key, Reason: "killed on the screen", Action: action})
		return err
	}}
}

func bulkPriority(r beadRow) bulkItem {
	if r.bead.Status == beads.Closed {
		return bulkItem{skip: "is " + r.word}
	}
	id := r.bead.ID
	return bulkItem{says: fmt.Sprintf("now P%d", r.bead.Priority), do: func(ctx context.Context, d api.Doer, key string, action uint64) error {
		p := int(key[0] - '0')
		_, err := api.BeadUpdate.Do(ctx, d, api.BeadUpdateReq{Bead: id, Priority: &p, Action: action})
		return err
	}}
}

func bulkRevive(r beadRow) bulkItem {
	if r.last == nil || r.cat != nil || r.bead.Status == beads.Closed || r.bead.Status == beads.Submitted {
		return bulkItem{skip: "nothing to revive"}
	}
	id := r.bead.ID
	return bulkItem{says: "from attempt " + itoa(r.last.N) + " of " + clean(r.last.Polecat), do: func(ctx context.Context, d api.Doer, _ string, _ uint64) error {
		_, err := api.PolecatRevive.Do(ctx, d, api.NameReq{Name: string(id)})
		return err
	}}
}

func bulkRestart(r beadRow) bulkItem {
	if r.cat == nil {
		return bulkItem{skip: "no polecat works on it"}
	}
	key := catKey(r.cat)
	return bulkItem{says: clean(r.cat.Name) + " on the same work", do: func(ctx context.Context, d api.Doer, _ string, _ uint64) error {
		_, err := api.PolecatRestart.Do(ctx, d, api.NameReq{Name: key})
		return err
	}}
}

// live are the items that the action is for.
func (d *bulkDialog) live() []bulkItem {
	var out []bulkItem
	for _, i := range d.items {
		if i.skip == "" {
			out = append(out, i)
		}
	}
	return out
}

func (d *bulkDialog) scope() Scope    { return InAsk }
func (d *bulkDialog) wantsText() bool { return false }

func (d *bulkDialog) handle(m *model, ev event) (verdict, tea.Cmd) {
	key := keyName(ev.key)
	switch {
	case len(key) == 1 && strings.Contains(d.keys, key) && len(d.live()) > 0:
		return closed, d.commit(m, key)
	case ev.intent == Open:
		return closed, nil
	case d.move(ev.intent):
		return consumed, nil
	}
	return ignored, nil
}

// commit does it to each in turn, as one action for undo. One that fails does not keep the others.
func (d *bulkDialog) commit(m *model, key string) tea.Cmd {
	items, action := d.live(), max(uint64(m.now().UnixNano()), 1)
	cmd := m.call(d.label+" "+beads.Count(len(items), d.noun), func(ctx context.Context, host api.Doer) (string, error) {
		var failed []string
		for _, i := range items {
			if err := i.do(ctx, host, key, action); err != nil {
				text, _ := explain(err)
				failed = append(failed, string(i.row.bead.ID)+": "+text)
			}
		}
		done := fmt.Sprintf("%s %s", d.did, beads.Count(len(items)-len(failed), d.noun))
		if len(failed) > 0 {
			return "", fault.Failf("%s, not %s", done, strings.Join(failed, "; "))
		}
		return done, nil
	})
	if cmd != nil {
		clear(m.marks)
	}
	return cmd
}

func (d *bulkDialog) draw(m *model, w, h int) face {
	f := face{title: d.title, right: "default: Cancel", foot: []string{"Esc or Enter cancel"}}
	var rows []string
	ids := max(m.facts.wide.id, 6)
	for _, i := range d.items {
		n := m.line(w, "").put("", " ").put(m.glyph(i.row.glyph), string(i.row.glyph)).put("", " ")
		rows = append(rows, n.cell(m.idStyle(i.row), clean(string(i.row.bead.ID)), ids).put("", clean(i.row.bead.Title)).end())
		text, st := i.says, sty("")
		if i.skip != "" {
			text, st = "left out: "+i.skip, m.dim
		}
		for _, s := range wrap(text, w-ids-5) {
			rows = append(rows, m.line(w, "").put("", spaces(ids+4)).put(st, s).end())
		}
	}
	f.keep = []string{spaces(w)}
	for _, s := range wrap(d.note, w-2) {
		f.keep = append(f.keep, m.text(w, m.dim, s))
	}
	f.keep = append(f.keep, spaces(w), m.buttons(w, d.yes...))
	f.rows = d.window(rows, max(h-len(f.keep), 1))
	return f
}
