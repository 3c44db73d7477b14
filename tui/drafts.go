package tui

import "strings"

// writer is an overlay in which the person writes. What was not sent when it goes is kept, and is there again when it
// opens for the same thing.
type writer interface {
	// draft is what the text is for, and the fields it is in; an empty key keeps nothing.
	draft(m *model) (key string, fields []*input)
}

// draft is a text that is kept.
type draft struct {
	key   string
	texts []string
}

// restore puts a kept text into an overlay that opens.
func (m *model) restore(o overlay) {
	w, ok := o.(writer)
	if !ok {
		return
	}
	key, fields := w.draft(m)
	for i, text := range m.unsent[key] {
		if i < len(fields) {
			fields[i].set(text)
		}
	}
}

// keep keeps what is written in an overlay that goes.
func (m *model) keep(o overlay) {
	w, ok := o.(writer)
	if !ok {
		return
	}
	key, fields := w.draft(m)
	texts := textsOf(fields)
	if key == "" {
		return
	}
	if strings.Join(texts, "") == "" {
		delete(m.unsent, key)
		return
	}
	m.unsent[key] = texts
	m.say("what you wrote is not sent, and kept: it is there when you open this again", '.')
}

// sent takes a text for sent by the verb that was called last. Should that fail it is kept after all.
func (m *model) sent(o writer) {
	key, fields := o.draft(m)
	m.sending[m.called] = draft{key, textsOf(fields)}
	for _, f := range fields {
		f.set("")
	}
	delete(m.unsent, key)
}

// sentOr ends what sent began: ok is whether the verb did what it was to do. It reports whether a text is kept.
func (m *model) sentOr(label string, ok bool) (kept bool) {
	d, had := m.sending[label]
	delete(m.sending, label)
	if !had || ok || d.key == "" || strings.Join(d.texts, "") == "" {
		return false
	}
	m.unsent[d.key] = d.texts
	return true
}

func textsOf(fields []*input) []string {
	out := make([]string, len(fields))
	for i, f := range fields {
		out[i] = f.String()
	}
	return out
}
