package beads

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Plan is a specification in Markdown, read as beads.
//
// `# Title` names it. A `##` or `###` section is a bead if it has a field line (`Type:`, `Priority:`,
// `Needs:` or `Depends on:`, `Labels:`, `Agent:`, `Acceptance:`), an acceptance list (below a deeper
// heading "Acceptance criteria", or `- [ ]` items) or a fenced sh block; the rest is context. Two
// exceptions: a section called Overview, Context, Goals, Notes or the like, and a `###` section inside
// a `##` bead, are beads only with a field line. `## [key] Title` gives a bead a short name to be
// needed by; without one it is its title in lower case with hyphens.
type Plan struct {
	Name     string     `json:"name"`    // of the convoy
	Context  string     `json:"context"` // what is not in a bead
	Items    []PlanItem `json:"items"`
	Problems []Problem  `json:"problems"`
}

// PlanItem is one planned bead.
type PlanItem struct {
	Key         string   `json:"key"`
	Title       string   `json:"title"`
	Type        Type     `json:"type"`
	Priority    int      `json:"priority"`
	Description string   `json:"description"`
	Acceptance  string   `json:"acceptance"` // Markdown list
	Labels      []string `json:"labels,omitempty"`
	Agent       string   `json:"agent,omitempty"`
	Needs       []string `json:"needs,omitempty"` // keys of other items, or ids of beads that exist
	Line        int      `json:"line"`            // of its heading

	level int
	needs []wish
}

// wish is a need as written.
type wish struct {
	text string
	line int
}

// Failing reports whether the plan cannot be applied as it is.
func (p *Plan) Failing() bool { return Failing(p.Problems) }

// Item finds a planned bead by key; nil if there is none.
func (p *Plan) Item(key string) *PlanItem {
	for i := range p.Items {
		if p.Items[i].Key == key {
			return &p.Items[i]
		}
	}
	return nil
}

// ParsePlan reads a specification. exists says which ids are beads already, so that an item may need
// one; nil: none. What is wrong is in Problems, never an error.
func ParsePlan(src string, exists func(ID) bool) *Plan {
	r := &planReader{plan: &Plan{}}
	sections := split(src)
	for i, s := range sections {
		accept := i+1 < len(sections) && isAcceptance(sections[i+1].title) && sections[i+1].level > s.level
		r.section(s, accept)
	}
	r.flush()
	r.passed(section{})
	r.plan.Context = strings.Join(r.context, "\n\n")
	r.check(exists)
	return r.plan
}

// planReader collects sections into a plan.
type planReader struct {
	plan    *Plan
	context []string
	item    *PlanItem // being read
	inBead  bool      // below a ## bead
	lone    *section  // no bead, and none is below it yet
	talk    int       // level of the section of talk that is being read; 0: none
}

// section takes one section; accept says that its acceptance list follows below a heading of its own.
func (r *planReader) section(s section, accept bool) {
	r.passed(s)
	deeper := r.item != nil && s.level > r.item.level
	switch {
	case s.level == 1:
		r.flush()
		r.inBead = false
		if r.plan.Name == "" {
			r.plan.Name = Clean(s.title, maxTitle)
		} else {
			r.addContext(s.heading())
		}
		r.addContext(s.body...)
	case deeper && isAcceptance(s.title):
		r.item.Acceptance = joinLines(r.item.Acceptance, criteria(s.body))
	case s.isBead(accept, r.inBead && s.level > 2):
		r.flush()
		r.inBead = r.inBead || s.level == 2
		r.start(s)
	case deeper:
		r.item.Description = trimBlank(r.item.Description) + "\n\n" + s.heading() + "\n" + strings.Join(s.body, "\n")
	default:
		r.flush()
		r.inBead = r.inBead && s.level > 2
		r.apart(s)
		if s.level > 0 {
			r.addContext(s.heading())
		}
		r.addContext(s.body...)
	}
}

// apart notes a section after a bead that is none itself and has no name of talk. Where no bead comes
// below it, it may have been meant to be one: left out in silence it would never be built.
func (r *planReader) apart(s section) {
	switch {
	case r.talk > 0 || s.level < 2:
	case isTalk(s.title):
		r.talk = s.level
	case r.lone == nil && s.level <= 3 && len(r.plan.Items) > 0:
		r.lone = &s
	}
}

// passed ends what the section before s was, where s is not below it.
func (r *planReader) passed(s section) {
	if s.level <= r.talk {
		r.talk = 0
	}
	if r.lone != nil && s.level <= r.lone.level {
		r.problem(SevWarning, r.lone.line, "%q is not a bead (no Type:, Needs:, acceptance): is it meant to be one?", Clean(r.lone.title, 60))
		r.lone = nil
	}
}

// addContext adds a paragraph of context, if there is anything in it.
func (r *planReader) addContext(lines ...string) {
	if text := trimBlank(strings.Join(lines, "\n")); text != "" {
		r.context = append(r.context, text)
	}
}

func (r *planReader) flush() {
	if r.item != nil {
		r.item.Description = trimBlank(r.item.Description)
		r.plan.Items = append(r.plan.Items, *r.item)
		r.item = nil
	}
}

func (r *planReader) problem(sev Severity, line int, format string, args ...any) {
	r.plan.Problems = append(r.plan.Problems, Problem{Line: line, Msg: fmt.Sprintf(format, args...), Severity: sev})
}

// start begins a bead with the lines of its section.
func (r *planReader) start(s section) {
	it := &PlanItem{Title: Clean(s.title, 0), Type: Task, Priority: defaultPriority, Line: s.line, level: s.level}
	if m := patterns().keyed.FindStringSubmatch(s.title); m != nil {
		it.Key, it.Title = m[1], Clean(m[2], 0)
	}
	if it.Key == "" {
		it.Key = Slug(it.Title)
	}
	r.item, r.lone = it, nil
	var text, accept []string
	fence, listing := "", false
	for i, line := range s.body {
		in := fence != ""
		fence = fenceAfter(fence, line)
		name, value, isField := field(line)
		item, box := listItem(line)
		switch {
		case in || fence != "": // code stays as it is
			listing = false
			text = append(text, line)
		case isField && name == "acceptance":
			listing = true
			if value != "" {
				accept = append(accept, "- "+value)
			}
		case isField:
			listing = false
			r.field(name, value, s.line+1+i)
		case box || listing && item != "":
			listing = true
			accept = append(accept, "- "+item)
		case listing && strings.TrimSpace(line) == "":
		case listing && len(accept) > 0 && strings.HasPrefix(line, " "):
			accept[len(accept)-1] += " " + strings.TrimSpace(line)
		default:
			listing = false
			text = append(text, line)
		}
	}
	it.Description = strings.Join(text, "\n") + "\n"
	it.Acceptance = strings.Join(accept, "\n")
}

func (r *planReader) field(name, value string, line int) {
	it := r.item
	switch name {
	case "type":
		t, err := ParseType(value)
		if err != nil {
			r.problem(SevError, line, "%v", err)
			return
		}
		it.Type = t
	case "priority":
		p, ok := ParsePriority(value)
		if !ok {
			r.problem(SevError, line, "priority %q: want P0 to P4", Clean(value, 60))
			return
		}
		it.Priority = p
	case "needs", "depends on":
		it.needs = append(it.needs, wish{value, line})
	case "labels", "label":
		it.Labels = append(it.Labels, list(value)...)
	case "agent":
		it.Agent = strings.Trim(value, "` ")
	}
}

// check resolves the needs and looks at the plan as a whole.
func (r *planReader) check(exists func(ID) bool) {
	p := r.plan
	if len(p.Items) == 0 {
		r.problem(SevError, 1, "no beads: give each `## Title` a field line (Type:, Priority:, Needs:) or an acceptance list; see `gastown plan --template`")
		return
	}
	titles, keys, needs := map[string]int{}, map[string]int{}, 0
	for i := range p.Items {
		it := &p.Items[i]
		title := strings.ToLower(it.Title)
		if at, twice := titles[title]; twice {
			r.problem(SevError, it.Line, "title %q is used in line %d already", Clean(it.Title, 60), p.Items[at].Line)
		} else if at, twice := keys[it.Key]; twice {
			r.problem(SevError, it.Line, "key %q is used in line %d already", it.Key, p.Items[at].Line)
		}
		titles[title], keys[it.Key] = i, i
		if it.Title == "" {
			r.problem(SevError, it.Line, "no title")
		}
		if n := utf8.RuneCountInString(it.Title); n > maxTitle {
			r.problem(SevError, it.Line, "title of %d characters, at most %d", n, maxTitle)
		}
		if it.Acceptance == "" && slices.Contains(Sections(it.Type), acceptance) {
			r.problem(SevError, it.Line, "%q has no acceptance criteria: how is it known to be done?", Clean(it.Title, 60))
		}
	}
	for i := range p.Items {
		r.resolve(&p.Items[i], keys, titles, exists)
		needs += len(p.Items[i].Needs)
	}
	if cycle := p.cycle(); cycle != nil {
		r.problem(SevError, p.Item(cycle[0]).Line, "needs go in a circle: %s", strings.Join(cycle, " -> "))
	}
	if len(p.Items) > 1 && needs == 0 {
		r.problem(SevWarning, p.Items[0].Line, "%d beads and none needs another: all of them start at once", len(p.Items))
	}
	slices.SortStableFunc(p.Problems, func(a, b Problem) int { return a.Line - b.Line })
}

func (r *planReader) resolve(it *PlanItem, keys, titles map[string]int, exists func(ID) bool) {
	find := func(name string) (string, bool) {
		if at, ok := keys[name]; ok {
			return r.plan.Items[at].Key, true
		}
		if at, ok := titles[strings.ToLower(name)]; ok {
			return r.plan.Items[at].Key, true
		}
		if at, ok := keys[Slug(name)]; ok {
			return r.plan.Items[at].Key, true
		}
		return name, exists != nil && ValidID(ID(name)) && exists(ID(name))
	}
	for _, w := range it.needs {
		names := list(w.text)
		if whole := strings.TrimSpace(w.text); len(names) > 1 {
			if _, ok := find(whole); ok { // a title with a comma
				names = []string{whole}
			}
		}
		for _, name := range names {
			switch key, ok := find(name); {
			case !ok:
				r.problem(SevError, w.line, "needs %q, which is no bead of this plan", Clean(name, 60))
			case key == it.Key:
				r.problem(SevError, w.line, "needs itself")
			case !slices.Contains(it.Needs, key):
				it.Needs = append(it.Needs, key)
			}
		}
	}
}

// cycle is a circle of needs, the first key again at the end; nil if there is none.
func (p *Plan) cycle() []string {
	var set []*Bead
	for _, it := range p.Items {
		b := &Bead{ID: ID(it.Key), Status: Open}
		for _, n := range it.Needs {
			b.Dependencies = append(b.Dependencies, Dependency{DependsOn: ID(n), Type: Blocks})
		}
		set = append(set, b)
	}
	var out []string
	for _, id := range NewGraph(slices.Values(set)).Cycle() {
		out = append(out, string(id))
	}
	return out
}
