package config

import (
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// setting is one key of the schema. In pattern "*" is a name and "#" the number of
// an element. Tables of data; check also says which TOML a text from the command
// line becomes.
type setting struct {
	pattern string
	kind    kind
	set     func(c *Config, name string, i int, v any)
}

// kind is what a value may be. check gives it in the type that set wants.
type kind struct {
	want  string // "a whole number, 0 or more"
	shape shape
	check func(v any) (any, error)
}

type shape int

const (
	text shape = iota
	number
	boolean
	list
	textOrList
)

func rig(c *Config, name string, f func(r *Rig)) {
	r, there := c.Rigs[name]
	if !there {
		r.Proof = true
	}
	f(&r)
	c.Rigs[name] = r
}

func gate(c *Config, name string, i int, f func(g *Gate)) {
	rig(c, name, func(r *Rig) {
		for len(r.Gates) <= i {
			r.Gates = append(r.Gates, Gate{Silence: DefaultSilence})
		}
		f(&r.Gates[i])
	})
}

func agent(c *Config, name string, f func(a *Agent)) {
	a := c.Agents[name]
	f(&a)
	c.Agents[name] = a
}

// schema is every key of town.toml.
func schema() []setting {
	return []setting{
		{"town.polecats", wholeNumber, func(c *Config, _ string, _ int, v any) { c.Town.Polecats = int(v.(int64)) }},
		{"town.dispatch", oneOf(DispatchSlung, DispatchAuto), func(c *Config, _ string, _ int, v any) { c.Town.Dispatch = v.(string) }},
		{"town.mayor", nonEmpty, func(c *Config, _ string, _ int, v any) { c.Town.Mayor = v.(string) }},
		{"town.polecat", nonEmpty, func(c *Config, _ string, _ int, v any) { c.Town.Polecat = v.(string) }},

		{"rig.*.origin", anyText, func(c *Config, n string, _ int, v any) { rig(c, n, func(r *Rig) { r.Origin = v.(string) }) }},
		{"rig.*.branch", branchName, func(c *Config, n string, _ int, v any) { rig(c, n, func(r *Rig) { r.Branch = v.(string) }) }},
		{"rig.*.prefix", prefix, func(c *Config, n string, _ int, v any) { rig(c, n, func(r *Rig) { r.Prefix = v.(string) }) }},
		{"rig.*.deliver", oneOf(DeliverNone, DeliverCheckout, DeliverPush, DeliverPR),
			func(c *Config, n string, _ int, v any) { rig(c, n, func(r *Rig) { r.Deliver = v.(string) }) }},
		{"rig.*.pr", oneOf(PRBead, PRConvoy), func(c *Config, n string, _ int, v any) { rig(c, n, func(r *Rig) { r.PR = v.(string) }) }},
		{"rig.*.approve", approve, func(c *Config, n string, _ int, v any) { rig(c, n, func(r *Rig) { r.Approve = v.([]string) }) }},
		{"rig.*.ungated", truth, func(c *Config, n string, _ int, v any) { rig(c, n, func(r *Rig) { r.Ungated = v.(bool) }) }},
		{"rig.*.permissions", oneOf(PermitEdits, PermitBypass),
			func(c *Config, n string, _ int, v any) { rig(c, n, func(r *Rig) { r.Permissions = v.(string) }) }},
		{"rig.*.proof", truth, func(c *Config, n string, _ int, v any) { rig(c, n, func(r *Rig) { r.Proof = v.(bool) }) }},
		{"rig.*.tests", someTexts, func(c *Config, n string, _ int, v any) { rig(c, n, func(r *Rig) { r.Tests = v.([]string) }) }},
		{"rig.*.setup", anyText, func(c *Config, n string, _ int, v any) { rig(c, n, func(r *Rig) { r.Setup = v.(string) }) }},
		{"rig.*.teardown", anyText, func(c *Config, n string, _ int, v any) { rig(c, n, func(r *Rig) { r.Teardown = v.(string) }) }},
		{"rig.*.copy", insidePaths, func(c *Config, n string, _ int, v any) { rig(c, n, func(r *Rig) { r.Copy = v.([]string) }) }},
		{"rig.*.link", insidePaths, func(c *Config, n string, _ int, v any) { rig(c, n, func(r *Rig) { r.Link = v.([]string) }) }},

		{"rig.*.gate.#.name", name, func(c *Config, n string, i int, v any) { gate(c, n, i, func(g *Gate) { g.Name = v.(string) }) }},
		{"rig.*.gate.#.run", nonEmpty, func(c *Config, n string, i int, v any) { gate(c, n, i, func(g *Gate) { g.Run = v.(string) }) }},
		{"rig.*.gate.#.timeout", aDuration, func(c *Config, n string, i int, v any) {
			gate(c, n, i, func(g *Gate) { g.Timeout = v.(time.Duration) })
		}},
		{"rig.*.gate.#.silence", aDuration, func(c *Config, n string, i int, v any) {
			gate(c, n, i, func(g *Gate) { g.Silence = v.(time.Duration) })
		}},
		{"rig.*.gate.#.env", envNames, func(c *Config, n string, i int, v any) { gate(c, n, i, func(g *Gate) { g.Env = v.([]string) }) }},

		{"agent.*.extends", nonEmpty, func(c *Config, n string, _ int, v any) { agent(c, n, func(a *Agent) { a.Extends = v.(string) }) }},
		{"agent.*.command", someTexts, func(c *Config, n string, _ int, v any) { agent(c, n, func(a *Agent) { a.Command = v.([]string) }) }},
		{"agent.*.silence", aDuration, func(c *Config, n string, _ int, v any) {
			agent(c, n, func(a *Agent) { a.Silence = v.(time.Duration) })
		}},
		{"agent.*.args", texts, func(c *Config, n string, _ int, v any) { agent(c, n, func(a *Agent) { a.Args = v.([]string) }) }},

		{"refinery.history", oneOf(HistoryMerge, HistoryLinear), func(c *Config, _ string, _ int, v any) { c.Refinery.History = v.(string) }},
		{"keys.town", chords, func(c *Config, _ string, _ int, v any) { c.Keys.Town = v.([]string) }},
		{"notify.command", anyText, func(c *Config, _ string, _ int, v any) { c.Notify.Command = v.(string) }},
	}
}

var (
	anyText     = kind{"text", text, func(v any) (any, error) { return asText(v) }}
	nonEmpty    = kind{"text", text, func(v any) (any, error) { return when(asText(v))(func(s string) bool { return s != "" }) }}
	name        = kind{errName.Error(), text, func(v any) (any, error) { return when(asText(v))(ValidName) }}
	prefix      = kind{"1 to 8 lower case letters and digits, a letter first", text, func(v any) (any, error) { return when(asText(v))(ValidPrefix) }}
	branchName  = kind{"a branch, as in \"main\" (not gt/..., which is the town's)", text, func(v any) (any, error) { return when(asText(v))(validBranch) }}
	truth       = kind{"true or false", boolean, func(v any) (any, error) { return as[bool](v) }}
	texts       = kind{"a list of texts", list, func(v any) (any, error) { return asList(v) }}
	someTexts   = kind{"a list of texts that is not empty", list, checkSome}
	chords      = kind{"a list of keys that type nothing, function keys or with ctrl or alt before them, as in \"ctrl+]\" or \"f9\" (not ctrl+c, ctrl+b, ctrl+o, tab, enter or esc, which agents need)", list, checkChords}
	envNames    = kind{"a list of names of variables", list, checkEnv}
	aDuration   = kind{"a time above zero, as in \"30m\" or \"90s\"", text, checkDuration}
	approve     = kind{`"none", "all" or a list of labels`, textOrList, checkApprove}
	insidePaths = kind{"a list of paths or patterns inside the checkout, as in \".env\" or \"config/*.local\"", list, checkInside}
	wholeNumber = kind{"a whole number from 0 to 1000", number, func(v any) (any, error) {
		i, err := as[int64](v)
		if err == nil && (i < 0 || i > 1000) {
			err = errWrong
		}
		return i, err
	}}
)

// errWrong says only that the value is not what kind.want describes.
var errWrong = errors.New("wrong value")

func oneOf(choices ...string) kind {
	return kind{fmt.Sprintf("one of %q", choices), text, func(v any) (any, error) {
		return when(asText(v))(func(s string) bool { return slices.Contains(choices, s) })
	}}
}

func as[T any](v any) (T, error) {
	t, ok := v.(T)
	if !ok {
		return t, errWrong
	}
	return t, nil
}

func asText(v any) (string, error) { return as[string](v) }

func when(s string, err error) func(ok func(string) bool) (any, error) {
	return func(ok func(string) bool) (any, error) {
		if err == nil && !ok(s) {
			err = errWrong
		}
		return s, err
	}
}

func asList(v any) ([]string, error) {
	in, err := as[[]any](v)
	if err != nil {
		return nil, err
	}
	out := make([]string, len(in))
	for i, e := range in {
		if out[i], err = asText(e); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func checkSome(v any) (any, error) {
	l, err := asList(v)
	if err == nil && (len(l) == 0 || slices.Contains(l, "")) {
		err = errWrong
	}
	return l, err
}

func checkEnv(v any) (any, error) { return each(envRule().MatchString)(asList(v)) }

func checkInside(v any) (any, error) { return each(inside)(asList(v)) }

func checkChords(v any) (any, error) {
	l, err := checkSome(v)
	if err != nil {
		return nil, err
	}
	return each(chord)(l.([]string), nil)
}

func each(ok func(string) bool) func(l []string, err error) (any, error) {
	return func(l []string, err error) (any, error) {
		if err == nil && slices.ContainsFunc(l, func(s string) bool { return !ok(s) }) {
			err = errWrong
		}
		return l, err
	}
}

// chord reports whether s is a keystroke as the screen reads them, and one that typing into a
// terminal does not need: a function key, or a key with more before it than shift. Nor is it one
// that agents' programs are never to miss.
func chord(s string) bool {
	if slices.Contains([]string{"ctrl+c", "ctrl+b", "ctrl+o", "ctrl+i", "ctrl+m", "ctrl+["}, s) { // the last three are Tab, Enter and Esc
		return false
	}
	modified := false
	for _, m := range []string{"ctrl+", "alt+", "shift+", "meta+", "hyper+", "super+"} { // in the screen's order
		if rest, ok := strings.CutPrefix(s, m); ok {
			s, modified = rest, modified || m != "shift+"
		}
	}
	if functionRule().MatchString(s) {
		return true
	}
	named := []string{"enter", "tab", "backspace", "esc", "space", "up", "down", "left", "right", "home", "end", "pgup", "pgdown", "insert", "delete"}
	r, n := utf8.DecodeRuneInString(s)
	return modified && (slices.Contains(named, s) || n > 0 && n == len(s) && unicode.IsGraphic(r) && r != ' ' && unicode.ToLower(r) == r)
}

// inside reports whether a pattern names something below a checkout that is the person's, not git's.
func inside(pattern string) bool {
	clean := path.Clean(pattern)
	_, err := path.Match(clean, "")
	return err == nil && filepath.IsLocal(clean) && clean != "." && clean != ".git" && !strings.HasPrefix(clean, ".git/")
}

func checkApprove(v any) (any, error) {
	if s, err := asText(v); err == nil {
		switch s {
		case "none":
			return []string(nil), nil
		case ApproveAll:
			return []string{ApproveAll}, nil
		}
		return nil, errWrong
	}
	return asList(v)
}

func checkDuration(v any) (any, error) {
	s, err := asText(v)
	if err != nil {
		return nil, err
	}
	return duration(s)
}

func duration(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("%q: want %s", s, `a time above zero, as in "30m" or "90s"`)
	}
	return d, nil
}

// validBranch is what git takes as a branch, less the town's own name space.
func validBranch(s string) bool {
	if s == "" || s == "HEAD" || s == "@" || s == "gt" || strings.HasPrefix(s, "gt/") || strings.HasPrefix(s, "-") || strings.HasPrefix(s, "refs/") {
		return false
	}
	for _, bad := range []string{"..", "//", "@{", "~", "^", ":", "?", "*", "[", "\\", " "} {
		if strings.Contains(s, bad) {
			return false
		}
	}
	for _, r := range s {
		if r < ' ' || r == 0x7f {
			return false
		}
	}
	for _, part := range strings.Split(s, "/") {
		if part == "" || strings.HasPrefix(part, ".") || strings.HasSuffix(part, ".") || strings.HasSuffix(part, ".lock") {
			return false
		}
	}
	return true
}

// match finds the setting of a path, and the name and number in it.
func match(path []string) (s setting, name string, i int, ok bool) {
	for _, s := range schema() {
		parts := strings.Split(s.pattern, ".")
		if len(parts) != len(path) {
			continue
		}
		fits := true
		for k, p := range parts {
			switch {
			case p == "*":
				name = path[k]
			case p == "#":
				_, err := fmt.Sscanf(path[k], "#%d", &i)
				fits = fits && err == nil
			default:
				fits = fits && p == path[k]
			}
		}
		if fits {
			return s, name, i, true
		}
	}
	return setting{}, "", 0, false
}
