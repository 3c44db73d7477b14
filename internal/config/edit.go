package config

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"gastown/internal/fault"
)

// quote writes s as a TOML basic string.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// encode writes a value as TOML.
func encode(v any) string {
	switch v := v.(type) {
	case string:
		return quote(v)
	case []any:
		parts := make([]string, len(v))
		for i, e := range v {
			parts[i] = encode(e)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case time.Duration:
		return quote(showDuration(v))
	}
	return fmt.Sprint(v)
}

func texts2any(s []string) []any {
	out := make([]any, len(s))
	for i := range s {
		out[i] = s[i]
	}
	return out
}

// showDuration is "30m", not "30m0s".
func showDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// splitKey reads a dotted key as a person types it; parts may be quoted.
func splitKey(key string) ([]string, error) {
	var parts []string
	for rest := key; ; {
		var part string
		if strings.HasPrefix(rest, `"`) {
			end := strings.IndexByte(rest[1:], '"')
			if end < 0 {
				return nil, fault.Usagef("key %q: the quote does not end", key)
			}
			part, rest = rest[1:end+1], rest[end+2:]
		} else if i := strings.IndexByte(rest, '.'); i >= 0 {
			part, rest = rest[:i], rest[i:]
		} else {
			part, rest = rest, ""
		}
		if part == "" || (rest != "" && rest[0] != '.') {
			return nil, fault.Usagef("key %q: want parts joined by dots, as in town.polecats", key)
		}
		parts = append(parts, part)
		if rest == "" {
			return parts, nil
		}
		rest = rest[1:]
	}
}

// locate turns a person's key into a path of the document: names with dots are
// put together again, and a gate may be given by its name.
func (d *document) locate(key string) ([]string, setting, error) {
	parts, err := splitKey(key)
	if err != nil {
		return nil, setting{}, err
	}
	if n := len(parts); n > 3 && (parts[0] == "rig" || parts[0] == "agent") {
		if n > 4 && parts[0] == "rig" && parts[n-3] == "gate" {
			owner := strings.Join(parts[1:n-3], ".")
			gate := parts[n-2]
			parts = []string{"rig", owner, "gate", d.gateNumber(owner, gate), parts[n-1]}
			if parts[3] == "" {
				return nil, setting{}, d.noGate(owner, gate)
			}
		} else {
			parts = []string{parts[0], strings.Join(parts[1:n-1], "."), parts[n-1]}
		}
	}
	s, name, _, ok := match(parts)
	if !ok {
		err := fault.Usagef("unknown key %q", key)
		if s := suggest(parts); s != "" {
			err = err.WithHint("did you mean %s?", s)
		}
		return nil, s, err
	}
	if name != "" && !ValidName(name) {
		return nil, s, fault.Usagef("key %q: name %q: %w", key, name, errName)
	}
	if parts[0] == "rig" && !d.has([]string{"rig", name}) {
		return nil, s, noRig(name)
	}
	return parts, s, nil
}

// gateNumber is the "#N" of a gate given by name or number, "" for none.
func (d *document) gateNumber(rig, gate string) string {
	for _, e := range d.entries {
		if len(e.path) == 5 && below(e.path, []string{"rig", rig, "gate"}) {
			if (e.path[4] == "name" && e.value == gate) || e.path[3] == "#"+gate {
				return e.path[3]
			}
		}
	}
	return ""
}

func noRig(name string) error {
	return fault.NotFoundf("there is no rig %q", name).WithHint("see: gastown rig list; add one with: gastown rig add NAME PATH")
}

// noGate is the error for a gate that a rig has not.
func (d *document) noGate(rig, gate string) error {
	if !d.has([]string{"rig", rig}) {
		return noRig(rig)
	}
	var names []string
	for _, e := range d.entries {
		if len(e.path) == 5 && below(e.path, []string{"rig", rig, "gate"}) && e.path[4] == "name" {
			names = append(names, fmt.Sprint(e.value))
		}
	}
	err := fault.NotFoundf("rig %q has no gate %q", rig, gate)
	if len(names) == 0 {
		return err.WithHint("it has none; add one: gastown rig gate %s 'COMMAND'", rig)
	}
	return err.WithHint("it has: %s", strings.Join(names, ", "))
}

func (d *document) has(path []string) bool {
	return slices.ContainsFunc(d.tables, func(t table) bool { return below(t.path, path) }) ||
		slices.ContainsFunc(d.entries, func(e entry) bool { return below(e.path, path) })
}

// read makes a value of the kind from what a person typed. Lists are TOML
// (["a", "b"]) or separated by commas.
func (k kind) read(key, s string) (any, error) {
	var v any = s
	switch k.shape {
	case number:
		i, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
		if err != nil {
			return nil, fault.Usagef("%s: want %s, not %q", key, k.want, s)
		}
		v = i
	case boolean:
		b, err := strconv.ParseBool(strings.TrimSpace(s))
		if err != nil {
			return nil, fault.Usagef("%s: want %s, not %q", key, k.want, s)
		}
		v = b
	case list:
		v = readList(s)
	case textOrList:
		if t := strings.TrimSpace(s); t != "none" && t != ApproveAll {
			v = readList(s)
		}
	}
	if _, err := k.check(v); err != nil {
		return nil, fault.Usagef("%s: want %s, not %q", key, k.want, s)
	}
	return v, nil
}

func readList(s string) []any {
	if t := strings.TrimSpace(s); strings.HasPrefix(t, "[") {
		if d, err := parseDocument("", []byte("v = "+t)); err == nil && len(d.entries) == 1 {
			if l, ok := d.entries[0].value.([]any); ok {
				return l
			}
		}
	}
	l := []any{}
	for _, part := range strings.Split(s, ",") {
		if part = strings.TrimSpace(part); part != "" {
			l = append(l, part)
		}
	}
	return l
}

// Set returns the text with one value changed: key is dotted ("town.polecats",
// "rig.myapp.deliver", "rig.myapp.gate.test.timeout"), value as a person types it.
// Comments, order and layout stay. The result is checked as a whole; a value that
// would make it wrong is an error and nothing changes.
func Set(data []byte, key, value string) ([]byte, error) {
	d, err := parseDocument("town.toml", data)
	if err != nil {
		return nil, err
	}
	path, s, err := d.locate(key)
	if err != nil {
		return nil, err
	}
	v, err := s.kind.read(key, value)
	if err != nil {
		return nil, err
	}
	out, err := d.set(path, v)
	if err != nil {
		return nil, err
	}
	if _, err := Parse("town.toml", out); err != nil {
		return nil, fmt.Errorf("set %s: %w", key, err)
	}
	if err := d.onlyChanged(out, path); err != nil {
		return nil, fmt.Errorf("set %s: %w", key, err)
	}
	return out, nil
}

func (d *document) set(path []string, v any) ([]byte, error) {
	if e, ok := d.find(path); ok {
		return d.splice(e.start, e.end, encode(v)), nil
	}
	last := len(path) - 1
	line := showKey(path[last]) + " = " + encode(v) + "\n"
	for i, t := range d.tables {
		if slices.Equal(t.path, path[:last]) {
			return d.insert(d.sectionEnd(i), line), nil
		}
	}
	// The table exists only by dotted keys: one more of them, beside the others.
	for _, e := range slices.Backward(d.entries) {
		if !below(e.path, path[:last]) {
			continue
		}
		if e.inline {
			return nil, fault.Refusedf("%s is written in braces on line %d", showPath(path[:last]), e.line).WithHint("change it there with an editor")
		}
		outer := 0
		if e.table >= 0 {
			outer = len(d.tables[e.table].path)
		}
		if outer < last && len(e.path) == len(path) {
			return d.insert(e.lineEnd, showPath(path[outer:last])+"."+line), nil
		}
	}
	if strings.HasPrefix(path[last-1], "#") {
		return nil, fault.NotFoundf("there is no such gate")
	}
	block := "[" + showPath(path[:last]) + "]\n" + line
	if len(d.data) > 0 {
		block = "\n" + block
	}
	return d.insert(len(d.data), block), nil
}

// onlyChanged makes sure that an edit changed nothing but values at or below one
// of the paths.
func (d *document) onlyChanged(out []byte, paths ...[]string) error {
	after, err := parseDocument("town.toml", out)
	if err != nil {
		return err
	}
	left, right := d.values(paths), after.values(paths)
	if !reflect.DeepEqual(left, right) {
		return fault.Failf("the edit would change other settings; nothing was written").WithHint("change the file with an editor")
	}
	return nil
}

// values are all values but those below the paths, by key.
func (d *document) values(but [][]string) map[string]any {
	m := map[string]any{}
	for _, e := range d.entries {
		if !slices.ContainsFunc(but, func(p []string) bool { return below(e.path, p) }) {
			m[strings.Join(e.path, "\x00")] = e.value
		}
	}
	return m
}

// AddRig returns the text with a [rig.NAME] table and its gates at the end. A rig
// of that name is an error.
func AddRig(data []byte, name string, r Rig) ([]byte, error) {
	d, err := parseDocument("town.toml", data)
	if err != nil {
		return nil, err
	}
	if !ValidName(name) {
		return nil, fault.Usagef("rig %q: %w", name, errName)
	}
	if d.has([]string{"rig", name}) {
		return nil, fault.Refusedf("there is a rig %q already", name)
	}
	for _, e := range d.entries {
		if len(e.path) == 3 && e.path[0] == "rig" && e.path[2] == "prefix" && e.value == r.Prefix {
			return nil, fault.Usagef("rig %q: prefix %q is rig %q's already", name, r.Prefix, e.path[1])
		}
	}
	var b strings.Builder
	if len(data) > 0 {
		b.WriteString("\n")
	}
	fmt.Fprintf(&b, "[rig.%s]\n", showKey(name))
	var wrong error
	put := func(key string, v any, write bool) {
		if !write || wrong != nil {
			return
		}
		if s, _, _, _ := match([]string{"rig", name, key}); s.kind.check != nil {
			if _, err := s.kind.check(v); err != nil { // here, as the line it would have is in no file
				wrong = fault.Usagef("rig %q: %s %s: want %s", name, key, encode(v), s.kind.want)
			}
		}
		fmt.Fprintf(&b, "%s = %s\n", key, encode(v))
	}
	put("origin", r.Origin, r.Origin != "")
	put("branch", r.Branch, r.Branch != "")
	put("prefix", r.Prefix, true)
	put("deliver", r.Deliver, r.Deliver != "")
	put("pr", r.PR, r.PR != "" && r.PR != PRBead)
	if len(r.Approve) == 1 && r.Approve[0] == ApproveAll {
		put("approve", ApproveAll, true)
	} else {
		put("approve", texts2any(r.Approve), len(r.Approve) > 0)
	}
	put("ungated", r.Ungated, r.Ungated)
	put("permissions", r.Permissions, r.Permissions != "" && r.Permissions != PermitEdits)
	put("proof", r.Proof, !r.Proof)
	put("tests", texts2any(r.Tests), len(r.Tests) > 0)
	put("setup", r.Setup, r.Setup != "")
	put("teardown", r.Teardown, r.Teardown != "")
	put("copy", texts2any(r.Copy), len(r.Copy) > 0)
	put("link", texts2any(r.Link), len(r.Link) > 0)
	if wrong != nil {
		return nil, wrong
	}
	for _, g := range r.Gates {
		b.WriteString(gateText(name, g))
	}
	return d.finishEdit(d.insert(len(data), b.String()), []string{"rig", name})
}

func (d *document) finishEdit(out []byte, path []string) ([]byte, error) {
	if _, err := Parse("town.toml", out); err != nil {
		return nil, err
	}
	return out, d.onlyChanged(out, path)
}

func gateText(rig string, g Gate) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n[[rig.%s.gate]]\nname = %s\nrun = %s\n", showKey(rig), encode(g.Name), encode(g.Run))
	if g.Timeout > 0 {
		fmt.Fprintf(&b, "timeout = %s\n", encode(g.Timeout))
	}
	if g.Silence > 0 && g.Silence != DefaultSilence {
		fmt.Fprintf(&b, "silence = %s\n", encode(g.Silence))
	}
	if len(g.Env) > 0 {
		fmt.Fprintf(&b, "env = %s\n", encode(texts2any(g.Env)))
	}
	return b.String()
}

// AddGate returns the text with one more gate after what the rig has.
func AddGate(data []byte, rig string, g Gate) ([]byte, error) {
	d, err := parseDocument("town.toml", data)
	if err != nil {
		return nil, err
	}
	path := []string{"rig", rig}
	if !d.has(path) {
		return nil, noRig(rig)
	}
	if d.gateNumber(rig, g.Name) != "" {
		return nil, fault.Refusedf("rig %q has a gate %q already", rig, g.Name)
	}
	at := len(data)
	for i, t := range d.tables {
		if below(t.path, path) {
			at = d.sectionEnd(i)
		}
	}
	return d.finishEdit(d.insert(at, gateText(rig, g)), []string{"rig", rig, "gate"})
}

// RemoveRig returns the text without the rig's tables and the comments in and
// right above them. A rig that is not there is an error of kind NotFound.
func RemoveRig(data []byte, name string) ([]byte, error) {
	d, err := parseDocument("town.toml", data)
	if err != nil {
		return nil, err
	}
	path := []string{"rig", name}
	if !d.has(path) {
		return nil, noRig(name)
	}
	type span struct{ from, to int }
	var cut []span
	for i, t := range d.tables {
		if !below(t.path, path) {
			continue
		}
		to := len(data)
		if i+1 < len(d.tables) {
			to = d.tables[i+1].lead
		}
		cut = append(cut, span{t.lead, to})
	}
	for _, e := range d.entries {
		inTable := e.table >= 0 && below(d.tables[e.table].path, path)
		if below(e.path, path) && !inTable {
			if e.inline {
				return nil, fault.Refusedf("rig %q is written in braces on line %d", name, e.line).WithHint("remove it there with an editor")
			}
			cut = append(cut, span{e.lineStart, e.lineEnd})
		}
	}
	slices.SortFunc(cut, func(a, b span) int { return b.from - a.from })
	out := data
	for _, s := range cut {
		out = slices.Concat(out[:s.from], out[s.to:])
	}
	return d.finishEdit(out, path)
}
