package tui

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"gastown/beads"
	"gastown/internal/api"
	"gastown/internal/fault"
)

// elsewhere are the verbs that have no : command, and why.
func elsewhere() map[string]string {
	return map[string]string{
		"done":        "for agents",
		"escalate":    "for agents",
		"prime":       "for agents",
		"report":      "for agents",
		"bead.import": "reads a file: gastown bead import FILE",
		"bead.export": "writes a file: gastown bead export FILE",
	}
}

// asking are the verbs that run only after a yes.
func asking() map[string]string {
	return map[string]string{
		"polecat.kill": "It is stopped; its work is kept.",
		"rig.remove":   "The rig leaves the town; its directory is kept.",
		"rescue.prune": "Kept work older than 14 days is deleted for good.",
		"bead.close":   "It is closed as dropped; :reopen takes it back.",
		"queue.drop":   "It leaves the merge queue and is open again.",
		"queue.revert": "A change that takes it back goes through the queue; then the bead is open again.",
		"down":         "Host, Mayor and polecats stop; their work is kept.",
	}
}

// verbCommands are the verbs of the table as : commands, under the names that the command line
// has for them.
func verbCommands() []command {
	var out []command
	for _, v := range api.Table() {
		if elsewhere()[v.Name] != "" {
			continue
		}
		name := strings.ReplaceAll(v.Name, ".", " ")
		taken := false
		for _, c := range commands() {
			taken = taken || c.name == name
		}
		if !taken {
			out = append(out, command{name: name, args: argsOf(v), help: v.Short, run: func(m *model, arg string) tea.Cmd { return m.runVerb(v, arg) }})
		}
	}
	return out
}

// argsOf names what a verb's line takes after its name.
func argsOf(v api.Verb) string {
	switch v.NewReq().(type) {
	case *api.NameReq:
		switch group, _, _ := strings.Cut(v.Name, "."); group {
		case "polecat":
			return "NAME"
		case "convoy":
			return "CONVOY"
		case "mayor":
			return "AGENT"
		case "mail":
			return "[TO]"
		case "rig":
			return "RIG"
		}
		return "[RIG]"
	case *api.BeadReq, *api.BeadCloseReq, *api.DiffReq:
		return "BEAD"
	case *api.RejectReq:
		return "BEAD TEXT"
	case *api.TextReq, *api.BeadCreateReq:
		return "TEXT"
	case *api.RigAddReq:
		return "RIG PATH"
	case *api.RigUngatedReq:
		return "RIG"
	case *api.BeadListReq:
		return "[STATUS]"
	case *api.BeadUpdateReq:
		return "BEAD title|description|accept|notes|priority VALUE"
	case *api.DepReq:
		return "BEAD BEAD..."
	case *api.CommentReq:
		return "BEAD TEXT"
	case *api.PlanReq:
		return "FILE [apply|launch]"
	case *api.ConvoyCreateReq:
		return "CONVOY BEAD..."
	case *api.SlingReq:
		return "BEAD..."
	case *api.PeekReq, *api.KillReq:
		return "NAME"
	case *api.ReassignReq:
		return "NAME [TO]"
	case *api.AnswerReq, *api.NudgeReq:
		return "NAME TEXT"
	case *api.LogReq:
		return "[RIG]"
	case *api.MailSendReq:
		return "TO TEXT"
	case *api.MailReadReq, *api.ForgetReq:
		return "NUMBER"
	case *api.RescueReq:
		return "BEAD"
	case *api.ConfigReq:
		if v.Name == api.ConfigSet.Name() {
			return "KEY VALUE"
		}
		return "KEY"
	case *api.DoctorReq:
		return "[fix]"
	case *api.DownReq:
		return "[drain]"
	case *api.Empty, *api.EventsReq, *api.PruneReq:
		return ""
	}
	return "[WORD...]"
}

// request makes a verb's request of the words after its name.
func request(v api.Verb, line string) (any, error) {
	words := strings.Fields(line)
	word := func(i int) string {
		if i < len(words) {
			return words[i]
		}
		return ""
	}
	_, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	rest = strings.TrimSpace(rest)
	ids := func(from int) (out []beads.ID) {
		for _, w := range words[min(from, len(words)):] {
			out = append(out, beads.ID(w))
		}
		return out
	}
	switch r := v.NewReq().(type) {
	case *api.Empty:
		return *r, nil
	case *api.DiffReq:
		return api.DiffReq{Bead: beads.ID(word(0))}, nil
	case *api.BeadCreateReq:
		return api.BeadCreateReq{Title: line}, nil
	case *api.RigAddReq:
		return api.RigAddReq{Name: word(0), Source: rest}, nil
	case *api.RigUngatedReq:
		return api.RigUngatedReq{Name: word(0), Ungated: true}, nil
	case *api.BeadUpdateReq:
		_, value, _ := strings.Cut(rest, " ")
		return updateOf(beads.ID(word(0)), word(1), strings.TrimSpace(value))
	case *api.PlanReq:
		return api.PlanReq{Path: word(0), Apply: word(1) != "", Launch: word(1) == "launch"}, nil
	case *api.ConvoyCreateReq:
		return api.ConvoyCreateReq{Name: word(0), Beads: ids(1)}, nil
	case *api.SlingReq:
		return api.SlingReq{Beads: ids(0)}, nil
	case *api.MailReadReq:
		n, err := strconv.ParseUint(word(0), 10, 64)
		if err != nil {
			return nil, fault.Usagef("%q is not a message number", word(0))
		}
		return api.MailReadReq{ID: n}, nil
	case *api.ForgetReq:
		n, err := strconv.Atoi(word(0))
		if err != nil {
			return nil, fault.Usagef("%q is not a fact's number", word(0))
		}
		return api.ForgetReq{Number: n}, nil
	case *api.EventsReq:
		return api.EventsReq{Limit: 500}, nil
	case *api.PruneReq:
		return api.PruneReq{Age: 14 * 24 * time.Hour}, nil // the least that is allowed
	}
	return fill(v, words)
}

// fill puts words into a request's text fields, in order; a word that names a switch sets it.
func fill(v api.Verb, words []string) (any, error) {
	ptr := v.NewReq()
	r := reflect.ValueOf(ptr).Elem()
	if r.Kind() != reflect.Struct {
		return nil, fault.Usagef("%s: give it on the command line", v.Name)
	}
	var texts []reflect.Value
	for i := range r.NumField() {
		switch f := r.Field(i); f.Kind() {
		case reflect.Bool:
			name, _, _ := strings.Cut(r.Type().Field(i).Tag.Get("json"), ",")
			if at := slices.Index(words, name); at >= 0 {
				f.SetBool(true)
				words = slices.Delete(slices.Clone(words), at, at+1)
			}
		case reflect.String:
			texts = append(texts, f)
		}
	}
	for i, f := range texts {
		switch {
		case i >= len(words):
		case i == len(texts)-1:
			f.SetString(strings.Join(words[i:], " "))
		default:
			f.SetString(words[i])
		}
	}
	return v.Value(ptr), nil
}

func updateOf(id beads.ID, field, value string) (any, error) {
	r := api.BeadUpdateReq{Bead: id}
	switch field {
	case "title":
		r.Title = &value
	case "description":
		r.Description = &value
	case "accept":
		r.Accept = &value
	case "notes":
		r.Notes = &value
	case "priority":
		n, err := strconv.Atoi(strings.TrimPrefix(strings.ToUpper(value), "P"))
		if err != nil || n < 0 || n > 4 {
			return nil, fault.Usagef("priority %q: want 0 to 4", value)
		}
		r.Priority = &n
	default:
		return nil, fault.Usagef("%q: want title, description, accept, notes or priority", field)
	}
	return r, nil
}

// runVerb runs a verb as typed and shows its answer: a line as a toast, more as text.
func (m *model) runVerb(v api.Verb, line string) tea.Cmd {
	req, err := request(v, line)
	if err != nil {
		text, hint := explain(err)
		m.fail(text, hint)
		return nil
	}
	label := strings.TrimSpace(strings.ReplaceAll(v.Name, ".", " ") + " " + line)
	if why := asking()[v.Name]; why != "" {
		m.push(&askDialog{
			title: strings.ToUpper(clean(label)) + "?", lines: []string{why}, yes: "do it",
			run: func(m *model) tea.Cmd { return m.doVerb(v, label, req) },
		})
		return nil
	}
	return m.doVerb(v, label, req)
}

func (m *model) doVerb(v api.Verb, label string, req any) tea.Cmd {
	return m.callMaking(label, func(ctx context.Context, d api.Doer) (string, beads.ID, error) {
		res, err := d.Do(ctx, v.Name, req)
		if err != nil {
			return "", "", err
		}
		if b, ok := res.(api.Bead); ok && v.Name == api.BeadCreate.Name() {
			return string(b.ID) + " created: " + b.Title, b.ID, nil
		}
		text, err := answerText(res)
		return text, "", err
	})
}

// answerText is a verb's answer for a person. One with more than a line is shown in a dialog.
func answerText(res any) (string, error) {
	switch r := res.(type) {
	case api.Ack:
		return r.Msg, nil
	case api.Peeked:
		return orWord(strings.TrimRight(r.Text, "\n"), "nothing printed yet"), nil
	case api.ConfigValue:
		return strings.TrimSpace(r.Key + " = " + r.Value + "  " + r.Note), nil
	case api.WhyRes:
		return strings.TrimSpace(r.Why + " " + r.Hint), nil
	case api.Slung:
		return r.Msg, nil
	case api.Killed:
		return r.Msg, nil
	}
	data, err := json.Marshal(res)
	if err != nil {
		return "", fault.Failf("show the answer: %w", err)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var b strings.Builder
	if err := outline(&b, dec, ""); err != nil {
		return "", fault.Failf("show the answer: %w", err)
	}
	return orWord(strings.Trim(b.String(), "\n"), "none"), nil
}

// outline writes a JSON value as indented names and values, in its own order, empty ones left
// out.
func outline(b *strings.Builder, dec *json.Decoder, indent string) error {
	t, err := dec.Token()
	if err != nil {
		return err
	}
	d, ok := t.(json.Delim)
	if !ok {
		if t != nil {
			fmt.Fprintf(b, "%s%v\n", indent, t)
		}
		return nil
	}
	for dec.More() {
		label := "-"
		if d == '{' {
			name, err := dec.Token()
			if err != nil {
				return err
			}
			label = fmt.Sprint(name)
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return err
		}
		switch text := string(value); {
		case text == "null" || text == `""` || text == "[]" || text == "{}":
		case value[0] == '{' || value[0] == '[':
			var inner strings.Builder
			if err := outline(&inner, json.NewDecoder(bytes.NewReader(value)), indent+"  "); err != nil {
				return err
			}
			fmt.Fprintf(b, "%s%s\n%s", indent, label, inner.String())
		default:
			var v any
			if err := json.Unmarshal(value, &v); err != nil {
				return err
			}
			fmt.Fprintf(b, "%s%s %s\n", indent, label, strings.ReplaceAll(scalar(v), "\n", "\n"+indent+"  "))
		}
	}
	_, err = dec.Token()
	return err
}

func scalar(v any) string {
	if f, ok := v.(float64); ok {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}

// textDialog shows an answer of several lines.
type textDialog struct {
	scroller
	title string
	text  []string
}

func (d *textDialog) scope() Scope    { return InList }
func (d *textDialog) wantsText() bool { return false }
func (d *textDialog) broad() bool     { return true }

func (d *textDialog) handle(m *model, ev event) (verdict, tea.Cmd) {
	switch {
	case ev.intent == Open:
		return closed, nil
	case ev.intent == CopyID:
		m.say("copied "+plural(len(d.text), "line"), '+')
		return consumed, tea.SetClipboard(beads.CleanText(strings.Join(d.text, "\n")))
	case d.move(ev.intent):
		return consumed, nil
	}
	return ignored, nil
}

func (d *textDialog) draw(m *model, w, h int) face {
	f := face{title: d.title, foot: []string{"y copy", "g G ends", "Esc"}}
	var rows []string
	for _, s := range d.text {
		for _, s := range fold(cleanLine(s), w-2) {
			rows = append(rows, m.text(w, "", s))
		}
	}
	f.rows = d.window(rows, h)
	return f
}
