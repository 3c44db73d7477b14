package tui

import (
	"context"
	"fmt"

	tea "charm.land/bubbletea/v2"

	"gastown/beads"
	"gastown/internal/api"
	"gastown/refinery"
)

// Remarks are what the person says of lines of a diff. They wait until they are sent.

// begin opens the remark of the line under the cursor.
func (d *diffDialog) begin(m *model) {
	if d.doc == nil || len(d.doc.lines) == 0 {
		return
	}
	d.noting = true
	d.note = input{lines: true}
	if i := d.remarkAt(m); i >= 0 {
		d.note.set(d.remarks(m)[i].text)
	}
	m.restore(d)
}

// draft implements writer: a remark that is being written.
func (d *diffDialog) draft(*model) (string, []*input) {
	if !d.noting {
		return "", nil
	}
	return "remark " + d.doc.key() + " " + d.doc.place(d.at), []*input{&d.note}
}

// remarks are those on the attempt that is shown.
func (d *diffDialog) remarks(m *model) []remark {
	if d.doc == nil {
		return nil
	}
	return m.drafts[d.doc.key()]
}

// remarkAt is the number of the remark on the line under the cursor; -1 when there is none.
func (d *diffDialog) remarkAt(m *model) int {
	place, quote := d.doc.place(d.at), d.doc.lines[d.at]
	for i, r := range d.remarks(m) {
		if r.place == place && r.quote == quote {
			return i
		}
	}
	return -1
}

func (d *diffDialog) write(m *model, ev event) (verdict, tea.Cmd) {
	switch {
	case ev.key.Code == tea.KeyEscape:
		m.keep(d)
		d.noting = false
		return consumed, nil
	case enters(ev.key):
		key, _ := d.draft(m)
		delete(m.unsent, key)
		d.noting = false
		all, i := d.remarks(m), d.remarkAt(m)
		r := remark{d.doc.place(d.at), d.doc.lines[d.at], d.note.String()}
		switch {
		case r.text == "" && i >= 0:
			all = append(all[:i:i], all[i+1:]...)
		case r.text == "":
		case i >= 0:
			all[i] = r
		default:
			all = append(all, r)
		}
		m.drafts[d.doc.key()] = all
		return consumed, nil
	}
	d.note.edit(ev)
	return consumed, nil
}

// send gives the remarks to the bead, where its next attempt reads them, and to the polecat
// that works on it now.
func (d *diffDialog) send(m *model) tea.Cmd {
	all := d.remarks(m)
	if len(all) == 0 {
		m.refuse("no remarks yet; c writes one on this line")
		return nil
	}
	id, text := d.id, review(d.doc.diff, all)
	if d.waits(m) {
		return d.sendBack(m, text, len(all))
	}
	polecat, key := "", ""
	if r, ok := m.beadByID(string(id)); ok && r.cat != nil {
		polecat, key = r.cat.Name, catKey(r.cat)
	}
	cmd := m.call("send "+beads.Count(len(all), "remark"), func(ctx context.Context, h api.Doer) (string, error) {
		if _, err := api.BeadComment.Do(ctx, h, api.CommentReq{Bead: id, Text: text}); err != nil {
			return "", err
		}
		if polecat != "" {
			if _, err := api.PolecatNudge.Do(ctx, h, api.NudgeReq{Name: key, Text: text}); err == nil {
				return fmt.Sprintf("sent to %s as mail, and kept on %s", polecat, id), nil
			}
		}
		return fmt.Sprintf("kept on %s; its next attempt reads them", id), nil
	})
	if cmd != nil {
		delete(m.drafts, d.doc.key())
	}
	return cmd
}

// waits reports whether the change waits for this person's yes: remarks are a no then.
func (d *diffDialog) waits(m *model) bool {
	r, ok := m.beadByID(string(d.id))
	return ok && r.mr != nil && r.mr.State == refinery.EntryApprove && r.mr.Attempt == d.doc.diff.Attempt
}

// sendBack gives a candidate that waits for a yes back to its bead with the remarks.
func (d *diffDialog) sendBack(m *model, text string, n int) tea.Cmd {
	id := d.id
	cmd := m.call("send back with "+beads.Count(n, "remark"), func(ctx context.Context, h api.Doer) (string, error) {
		b, err := api.QueueReject.Do(ctx, h, api.RejectReq{Bead: id, Text: text})
		return fmt.Sprintf("%s is %s again; its next attempt reads the remarks", id, b.Status), err
	})
	if cmd != nil {
		delete(m.drafts, d.doc.key())
	}
	return cmd
}
