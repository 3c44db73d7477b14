package refinery

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// PullRequest is what the forge says of one.
type PullRequest struct {
	ID        string
	Number    int
	URL       string
	State     string // OPEN, CLOSED or MERGED, in GitHub's words
	Draft     bool
	Fork      bool   // its branch is of another repository
	Branch    string // its own
	Base      string // branch that it is for
	Head      string // newest commit of its branch
	Merge     string // commit that merged it
	Conflicts bool
	Checks    []Check
	Remarks   []Remark // where they were asked for
	Stamp     string   // another one whenever somebody did something there
	Blind     string   // what the forge does not show of it
}

// The states of a pull request.
const (
	PROpen   = "OPEN"
	PRClosed = "CLOSED"
	PRMerged = "MERGED"
)

// Check is one check of the forge: a run, or a status that somebody set.
type Check struct {
	Name  string
	Of    string // the workflow and what started it; a name may be in several
	State string // the conclusion; before there is one, how far it is
	Since string // started at, RFC 3339
	URL   string
}

// RemarkKind is where in a pull request something is said.
type RemarkKind string

// The kinds of remarks.
const (
	RemarkComment RemarkKind = "comment" // in the conversation
	RemarkReview  RemarkKind = "review"  // the text of a review
	RemarkInline  RemarkKind = "inline"  // on a line of a file
)

// Remark is something that was said in a pull request.
type Remark struct {
	ID     string
	Kind   RemarkKind
	Author string
	// Say is whether the author has a say in the repository, and is no program. Anybody may
	// comment on a public one, and what is heard becomes an agent's task.
	Say     bool
	Verdict string // of its review: APPROVED, CHANGES_REQUESTED, COMMENTED or DISMISSED
	Body    string
	Path    string // RemarkInline
	Line    int
	Reply   bool // to another on that line
	Settled bool // its thread is resolved, or the line is another one by now
}

// Ours ends what the town itself writes in a pull request; Markdown does not show it.
const Ours = "<!-- gastown -->"

// Addressed is how a comment begins that means the agent, wherever it stands.
const Addressed = "/gastown"

// heard reports whether a remark reaches the bead at all.
func (r Remark) heard() bool {
	return r.Say && !strings.Contains(r.Body, Ours) && (strings.TrimSpace(r.Body) != "" || r.Verdict == "CHANGES_REQUESTED" && r.Kind == RemarkReview)
}

// asks reports whether a remark asks for another attempt. A review that requests changes
// does, a new remark on a line does, and a comment that means the agent. Praise, replies and
// talk do not: an attempt costs, and a person who wants one has a word for it.
func (r Remark) asks() bool {
	first, _, _ := strings.Cut(strings.TrimSpace(r.Body), "\n")
	word, _, _ := strings.Cut(first, " ")
	switch {
	case strings.TrimRight(word, ":,") == Addressed:
		return true
	case r.Kind == RemarkReview:
		return r.Verdict == "CHANGES_REQUESTED"
	case r.Kind == RemarkInline:
		return !r.Reply && !r.Settled && r.Verdict != "APPROVED" && r.Verdict != "DISMISSED"
	}
	return false
}

// Finding is what a look at an open proposal comes to. Why is empty where it stays.
type Finding struct {
	Why string // it goes back to its bead, one line
	By  string // who asked for that, if people did: it is no strike then
	Ask bool   // it goes to a person here instead of an agent
	// Asked are the remarks that ask for it, and Conflict says that it is for a conflict.
	Asked    []Remark
	Conflict bool
	Text     string   // for the agent
	Pass     []Remark // new, and nothing goes back for them
	Told     []string // all remarks that need not be told again
	Note     string   // why the forge cannot merge it as it stands
	Hint     string
}

// Look judges a proposal. current is whether what the forge says is about what its branch has
// by now; told are remarks that were heard before.
func (p PullRequest) Look(current bool, told []string) Finding {
	f := Finding{Told: slices.Clone(told)}
	var asked, heard []Remark
	for _, r := range p.latest() {
		if slices.Contains(told, r.ID) {
			continue
		}
		f.Told = append(f.Told, r.ID)
		if r.heard() {
			heard = append(heard, r)
			if r.asks() {
				asked = append(asked, r)
			}
		}
	}
	red, stuck := p.checks()
	switch {
	case p.State == PRMerged:
		return Finding{Told: told}
	case p.State == PRClosed:
		f.Why, f.Ask = "its pull request was closed without being merged", true
	case len(asked) > 0:
		f.By, f.Asked = asked[0].Author, asked
		f.Why = fmt.Sprintf("%s asks for changes on its pull request%s", authors(asked), counted(len(asked)))
	case current && len(red) > 0:
		f.Why = "checks of its pull request fail: " + strings.Join(red, ", ")
	case current && p.Conflicts:
		f.Why, f.Conflict = "its pull request conflicts with the branch it is for", true
	default:
		f.Pass = heard
		f.Note, f.Hint = p.waits(stuck, current)
		return f
	}
	f.Why = oneLine(f.Why)
	f.Text = "Pull request: " + oneLine(p.URL) + "\n\n" + cutText(Quote(heard))
	return f
}

// latest is the remarks without the reviews that their authors took back by a later one.
func (p PullRequest) latest() []Remark {
	last := map[string]int{}
	for i, r := range p.Remarks {
		if r.Kind == RemarkReview && r.Verdict != "COMMENTED" {
			last[r.Author] = i
		}
	}
	out := slices.Clone(p.Remarks)
	for i := range out {
		if at, ok := last[out[i].Author]; ok && out[i].Kind == RemarkReview && out[i].Verdict == "CHANGES_REQUESTED" && at > i {
			out[i].Verdict = "DISMISSED"
		}
	}
	return out
}

// checks names those of the newest run of each that failed, and those that end in nothing
// without a person: they say nothing about the work.
func (p PullRequest) checks() (red, stuck []string) {
	newest := map[string]Check{}
	var order []string
	for _, c := range p.Checks {
		key := c.Name + "\x00" + c.Of
		if old, ok := newest[key]; !ok {
			order = append(order, key)
		} else if c.Since < old.Since {
			continue
		}
		newest[key] = c
	}
	for _, key := range order {
		c := newest[key]
		name := oneLine(c.Name)
		switch c.State {
		case "FAILURE", "ERROR", "TIMED_OUT":
			red = append(red, strings.TrimSpace(name+" "+oneLine(c.URL)))
		case "CANCELLED":
			stuck = append(stuck, name+" was cancelled")
		case "STALE":
			stuck = append(stuck, name+" was given up")
		case "STARTUP_FAILURE":
			stuck = append(stuck, name+" could not start")
		case "ACTION_REQUIRED":
			stuck = append(stuck, name+" waits for a person's yes")
		}
	}
	return red, stuck
}

// waits is why the forge cannot merge it as it stands, and what helps.
func (p PullRequest) waits(stuck []string, current bool) (note, hint string) {
	switch {
	case current && len(stuck) > 0:
		return "check " + strings.Join(stuck, ", "), "nothing is wrong with the work as far as that goes: run it again, or allow it, over there"
	case p.Draft:
		return "it is a draft over there", "mark it ready for review over there"
	case p.Blind != "":
		return "the forge does not show all of it: " + oneLine(p.Blind), "give gh an account or token that may read checks: gh auth login"
	}
	return "", ""
}

// Quote is what was said, as an agent reads it.
func Quote(rs []Remark) string {
	var b strings.Builder
	for _, r := range rs {
		where := " wrote"
		switch {
		case r.Kind == RemarkInline && r.Line > 0:
			where = fmt.Sprintf(" wrote on %s, line %d", oneLine(r.Path), r.Line)
		case r.Kind == RemarkInline:
			where = " wrote on " + oneLine(r.Path)
		case r.Kind == RemarkReview && r.Verdict == "CHANGES_REQUESTED":
			where = " requests changes"
		case r.Kind == RemarkReview && r.Verdict == "APPROVED":
			where = " approves"
		}
		fmt.Fprintf(&b, "%s%s:\n%s\n\n", oneLine(cmp.Or(r.Author, "somebody")), where, cmp.Or(strings.TrimSpace(r.Body), "(without a word; look at the remarks on its lines)"))
	}
	return b.String()
}

// cutText bounds what an agent is made to read.
func cutText(s string) string {
	const most = 32 << 10 // bytes; about 8,000 words to a model
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "\n(cut here; the rest is in the pull request)\n"
}

func authors(rs []Remark) string {
	var names []string
	for _, r := range rs {
		if name := oneLine(cmp.Or(r.Author, "somebody")); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) > 2 {
		return fmt.Sprintf("%s and %d more", names[0], len(names)-1)
	}
	return strings.Join(names, " and ")
}

func counted(n int) string {
	if n == 1 {
		return ""
	}
	return fmt.Sprintf(" (%d remarks)", n)
}
