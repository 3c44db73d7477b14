package tui

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"gastown/beads"
	"gastown/internal/api"
)

// elsewhere are the verbs that have no : command, and why.
func elsewhere() map[string]string {
	return map[string]string{"done": "for agents", "escalate": "for agents", "prime": "for agents", "report": "for agents"}
}

// What asks before it loosens what may land, or what agents may do.
const (
	asksUngated = "Nothing will be tested before it lands. Every landing says Gate: none, and the Refinery pane says UNGATED."
	asksBypass  = "Polecats of this rig will run any command as you, unasked."
)

// question is what is asked before a verb runs, by what was typed after it; "": it runs at once.
func question(verb string, words []string) string {
	on := func(name string) bool {
		value, ok := option(words, name)
		return ok && value != "false"
	}
	sets := func(setting, value string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.HasSuffix(w, "."+setting) }) && slices.Contains(words, value)
	}
	permits, _ := option(words, "--permissions")
	switch {
	case verb == "config.set" && sets("permissions", "bypass"), verb == "rig.add" && permits == "bypass":
		return asksBypass
	case verb == "config.set" && sets("ungated", "true"), verb == "rig.add" && on("--ungated"), verb == "rig.ungated" && !on("--off"):
		return asksUngated
	case verb == "rescue.prune" && !on("--dry-run"):
		age, ok := option(words, "--older-than")
		if !ok {
			age = "14 days"
		}
		return "Kept work older than " + clean(age) + " is deleted for good."
	}
	return asking()[verb]
}

// asking are the verbs that run only after a yes, whatever is typed after them.
func asking() map[string]string {
	return map[string]string{
		"polecat.kill":  "It is stopped; its work is kept.",
		"rig.remove":    "The rig leaves the town; its directory is kept.",
		"bead.close":    "It is closed as dropped; :reopen takes it back.",
		"queue.approve": "It lands with your yes; d on its row shows what it changes.",
		"queue.drop":    "It leaves the merge queue and is open again.",
		"queue.revert":  "A change that takes it back goes through the queue; then the bead is open again.",
		"down":          "Host, Mayor and polecats stop; their work is kept.",
	}
}

// isVerb reports whether the command line knows a command, by its name there.
func isVerb(name string) bool {
	return slices.ContainsFunc(api.Table(), func(v api.Verb) bool { return strings.ReplaceAll(v.Name, ".", " ") == name })
}

// verbCommands are the verbs of the table as : commands, under the names that the command line
// has for them.
func (m *model) verbCommands() []command {
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
			out = append(out, command{name: name, args: m.usage[name], help: v.Short})
		}
	}
	return out
}

// textDialog shows an answer of several lines.
type textDialog struct {
	scroller
	title string
	text  []string
	aside int // cells scrolled to the right
	wide  int // of the longest row, as last drawn
}

func (d *textDialog) scope() Scope    { return InList }
func (d *textDialog) wantsText() bool { return false }

// broad implements broad: only what has long lines.
func (d *textDialog) broad() bool {
	return slices.ContainsFunc(d.text, func(s string) bool { return width(cleanLine(s)) > textCells })
}

// textCells is how wide a text is that is shown as other dialogs are.
const textCells = 78

func (d *textDialog) handle(m *model, ev event) (verdict, tea.Cmd) {
	switch {
	case ev.intent == Open:
		return closed, nil
	case ev.intent == CopyID:
		m.say("copied "+beads.Count(len(d.text), "line"), '+')
		return consumed, tea.SetClipboard(beads.CleanText(strings.Join(d.text, "\n")))
	case ev.intent == Left:
		d.aside = max(d.aside-asideStep, 0)
		return consumed, nil
	case ev.intent == Right:
		d.aside = min(d.aside+asideStep, max(d.wide-1, 0))
		return consumed, nil
	case d.move(ev.intent):
		return consumed, nil
	}
	return ignored, nil
}

// isTable reports whether a line has columns: it is read as it is, and moved aside where it is too long.
func isTable(s string) bool { return strings.Contains(strings.TrimSpace(s), "  ") }

func (d *textDialog) draw(m *model, w, h int) face {
	f := face{title: d.title, foot: []string{"y copy", "g G ends", "Esc"}}
	var rows []string
	d.wide = 0
	for _, s := range d.text {
		s = m.facts.here(cleanLine(s))
		if !isTable(s) {
			for _, s := range fold(s, w-2) {
				rows = append(rows, m.text(w, "", s))
			}
			continue
		}
		d.wide = max(d.wide, width(s))
		rows = append(rows, m.text(w, "", s[len(cut(s, d.aside, "")):]))
	}
	if d.wide > w-2 {
		f.foot = append([]string{"Left Right move it aside"}, f.foot...)
	}
	f.rows = d.window(rows, h)
	return f
}
