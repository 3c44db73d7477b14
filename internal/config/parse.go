package config

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"strings"

	"gastown/internal/fault"
)

// Parse checks the text of a town.toml; path is for messages. Errors are of kind
// Usage, name file, line and key and, where one is close, what was meant. A syntax
// error is told alone. Else all keys and values that are wrong are told at once, and
// what is wrong with tables as a whole, but for those in which something else is.
func Parse(path string, data []byte) (*Config, error) {
	d, err := parseDocument(path, data)
	if err != nil {
		return nil, err
	}
	c, wrong := Default(), &wrongs{d: d, in: map[string]bool{}}
	unknown := map[int]bool{} // tables: nothing is said of what is in them
	for i, t := range d.tables {
		if err := c.addTable(d, t); err != nil {
			unknown[i] = true
			wrong.add(t.path, t.line, err)
		}
	}
	for _, e := range d.entries {
		s, name, i, ok := match(e.path)
		switch {
		case unknown[e.table]:
			continue
		case !ok:
			wrong.add(e.path, e.line, d.unknown(e.line, e.path))
			continue
		case name != "" && !ValidName(name):
			wrong.say(e.path, e.line, "%s: name %q: %w", showPath(e.path), name, errName)
			continue
		}
		v, err := s.kind.check(e.value)
		if err != nil {
			wrong.say(e.path, e.line, "%s: want %s", showPath(e.path), s.kind.want)
			continue
		}
		s.set(c, name, i, v)
	}
	c.finish(wrong)
	return c, wrong.err()
}

// wrongs is what is wrong with a document.
type wrongs struct {
	d    *document
	in   map[string]bool // tables that have something wrong in them, as "town" or "rig.NAME"
	list []wrong
}

type wrong struct {
	line int
	err  *fault.Error
}

// part is the table that a path is in or names: "town", "rig.NAME".
func part(path []string) string {
	if path[0] == "rig" || path[0] == "agent" {
		path = path[:min(len(path), 2)]
		return strings.Join(path, ".")
	}
	return path[0]
}

func (w *wrongs) add(path []string, line int, err *fault.Error) {
	w.in[part(path)] = true
	w.list = append(w.list, wrong{line, err})
}

// say adds what is wrong at a line.
func (w *wrongs) say(path []string, line int, format string, args ...any) {
	w.add(path, line, fault.Usagef("%s: "+format, append([]any{w.d.at(line)}, args...)...))
}

// sound reports whether nothing was found in a table yet.
func (w *wrongs) sound(path ...string) bool { return !w.in[part(path)] }

// err is all of it, by line.
func (w *wrongs) err() error {
	slices.SortStableFunc(w.list, func(a, b wrong) int { return a.line - b.line })
	var es []*fault.Error
	for _, one := range w.list {
		es = append(es, one.err)
	}
	return fault.All(es...)
}

// addTable makes what a header alone announces, and refuses those of no setting.
func (c *Config) addTable(d *document, t table) *fault.Error {
	known := func(s setting) bool {
		parts := strings.Split(s.pattern, ".")
		if len(parts) <= len(t.path) {
			return false
		}
		for k, p := range t.path {
			if parts[k] != p && parts[k] != "*" && (parts[k] != "#" || !strings.HasPrefix(p, "#")) {
				return false
			}
		}
		return true
	}
	if !slices.ContainsFunc(schema(), known) {
		return d.unknown(t.line, t.path)
	}
	if len(t.path) < 2 {
		return nil
	}
	name := t.path[1]
	if !ValidName(name) {
		return fault.Usagef("%s: [%s]: name %q: %w", d.at(t.line), showPath(t.path), name, errName)
	}
	switch t.path[0] {
	case "rig":
		rig(c, name, func(*Rig) {})
	case "agent":
		agent(c, name, func(*Agent) {})
	}
	if len(t.path) == 4 {
		var i int
		if _, err := fmt.Sscanf(t.path[3], "#%d", &i); err == nil {
			gate(c, name, i, func(*Gate) {})
		}
	}
	return nil
}

// finish fills in defaults and checks what no single value shows, in tables where each value is right.
func (c *Config) finish(w *wrongs) {
	owner := map[string]string{}
	for _, n := range sorted(c.Rigs) {
		if w.sound("rig", n) {
			c.Rigs[n] = finishRig(w, n, c.Rigs[n], owner)
		}
	}
	for _, n := range sorted(c.Agents) {
		a, path := c.Agents[n], []string{"agent", n}
		if w.sound(path...) && (a.Extends == "") == (len(a.Command) == 0) {
			w.say(path, w.d.lineOf(path, ""), "agent.%s: give either extends or command", showKey(n))
		}
	}
	for _, n := range sorted(c.Agents) {
		if _, _, err := c.Preset(n); err != nil {
			if last, sound := c.base(w, n); sound { // whoever builds on it is not to blame
				path := []string{"agent", last}
				w.say(path, w.d.lineOf(path, "extends"), "agent.%s.extends: %w", showKey(last), err)
			}
		}
	}
	for _, use := range [][2]string{{"mayor", c.Town.Mayor}, {"polecat", c.Town.Polecat}} {
		name, _, _ := strings.Cut(use[1], ":")
		if _, _, err := c.Preset(use[1]); err != nil {
			if _, sound := c.base(w, name); sound {
				path := []string{"town"}
				w.say(path, w.d.lineOf(path, use[0]), "town.%s: %w", use[0], err)
			}
		}
	}
}

// base is the last of the settings' own agents that an agent builds on, or where they begin to go round; sound is
// whether nothing was found yet in any of them, from which what is wrong with the agent may only follow.
func (c *Config) base(w *wrongs, name string) (last string, sound bool) {
	sound = w.sound("agent") && w.sound("agent", name)
	for seen := map[string]bool{}; !seen[name]; {
		seen[name] = true
		next := c.Agents[name].Extends
		sound = sound && w.sound("agent", next)
		if _, own := c.Agents[next]; !own {
			break
		}
		name = next
	}
	return name, sound
}

// finishRig is a rig with defaults filled in; owner has whose each prefix is.
func finishRig(w *wrongs, n string, r Rig, owner map[string]string) Rig {
	path := []string{"rig", n}
	say := func(key, format string, args ...any) {
		w.say(path, w.d.lineOf(path, key), "rig.%s"+format, append([]any{showKey(n)}, args...)...)
	}
	switch other := owner[r.Prefix]; {
	case r.Prefix == "":
		line := w.d.lineOf(path, "")
		w.add(path, line, fault.Usagef("%s: rig.%s: prefix is missing", w.d.at(line), showKey(n)).WithHint("a few letters that begin its bead ids, as in prefix = \"ma\""))
	case other != "":
		say("prefix", ".prefix: %q is rig %q's already", r.Prefix, other)
	default:
		owner[r.Prefix] = n
	}
	r.Branch, r.Deliver, r.Permissions = cmp.Or(r.Branch, "main"), cmp.Or(r.Deliver, DeliverNone), cmp.Or(r.Permissions, PermitEdits)
	switch {
	case r.Deliver != DeliverNone && r.Origin == "":
		say("deliver", ".deliver: there is no origin to deliver to")
	case r.Deliver == DeliverCheckout && strings.Contains(r.Origin, "://"):
		say("deliver", ".deliver: %q is no directory: want %q or %q", r.Origin, DeliverPush, DeliverPR)
	}
	seen := map[string]bool{}
	for i, g := range r.Gates {
		line := w.d.lineOf([]string{"rig", n, "gate", fmt.Sprintf("#%d", i)}, "")
		of := "a gate's"
		if g.Name != "" {
			of = fmt.Sprintf("gate %q:", g.Name)
		}
		switch {
		case g.Name == "":
			w.say(path, line, "rig.%s: a gate's name is missing", showKey(n))
		case seen[g.Name]:
			w.say(path, line, "rig.%s: two gates are called %q", showKey(n), g.Name)
		}
		if g.Run == "" {
			w.say(path, line, "rig.%s: %s run is missing", showKey(n), of)
		}
		seen[g.Name] = true
	}
	return r
}

// where is "file:line" of a key, of its table, or of anything below the path.
func (d *document) where(path []string, key string) string { return d.at(d.lineOf(path, key)) }

// at is "file:line"; line 0 is none.
func (d *document) at(line int) string {
	if line == 0 {
		return d.name
	}
	return fmt.Sprintf("%s:%d", d.name, line)
}

// lineOf is the line of a key, of its table, or of anything below the path; 0: there is none.
func (d *document) lineOf(path []string, key string) int {
	if e, ok := d.find(append(slices.Clone(path), key)); ok {
		return e.line
	}
	for _, t := range d.tables {
		if below(t.path, path) {
			return t.line
		}
	}
	for _, e := range d.entries {
		if below(e.path, path) {
			return e.line
		}
	}
	return 0
}

func sorted[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for n := range m {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}
