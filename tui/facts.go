package tui

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"gastown/beads"
	"gastown/internal/api"
	"gastown/refinery"
)

// quietAfter is how long a working polecat may print nothing before the screen says so.
const quietAfter = 5 * time.Minute

// order is the attention order of marks, from what needs a person to what is done.
const order = "?!>=^xo#+."

// beadRow is one line of the board.
type beadRow struct {
	bead  *api.Bead
	glyph byte
	word  string
	who   string
	cli   string
	waits string
	since time.Time
	deps  int // open blockers
	cat   *api.PolecatInfo
	mr    *api.QueueEntry
	last  *beads.Attempt
}

// state is what the row says about how far its bead is; it differs when that may have changed.
func (r beadRow) state() string {
	if r.bead == nil {
		return ""
	}
	s := fmt.Sprint(r.word, r.who, r.waits, len(r.bead.Attempts), r.bead.MergeCommit, r.bead.BlockedBy)
	if r.last != nil {
		s += string(r.last.State)
	}
	return s
}

// catRow is one line of the polecats.
type catRow struct {
	cat   *api.PolecatInfo
	glyph byte
}

// mrRow is one line of a merge queue.
type mrRow struct {
	mr    *api.QueueEntry
	info  *api.RefineryInfo
	glyph byte
}

// facts is what the screen says of a view. It is made once per view and then only read.
type facts struct {
	view  *api.View
	beads []beadRow
	cats  []catRow
	mrs   []mrRow
	count [256]int // beads by mark
	asks  int      // things that wait for the person
	bad   int      // things that hang or failed
	busy  int      // polecats with an attempt
	byID  map[beads.ID]int
	wide  widest
	worst *api.RefineryInfo
}

// widest is how many cells each column of the board would need; 0: no bead has anything there.
type widest struct{ id, title, rig, who, cli, deps, waits, cost, tok int }

func (w *widest) see(r beadRow) {
	cost, tok := spent(r.last)
	w.id, w.title, w.rig = max(w.id, width(clean(string(r.bead.ID)))), max(w.title, width(clean(r.bead.Title))), max(w.rig, width(clean(r.bead.Rig)))
	w.who, w.cli, w.waits = max(w.who, width(r.who)), max(w.cli, width(r.cli)), max(w.waits, width(r.waits))
	w.cost, w.tok = max(w.cost, width(cost)), max(w.tok, width(tok))
	if r.deps > 0 {
		w.deps = max(w.deps, len(itoa(r.deps)))
	}
}

// derive is a pure function of the view.
func derive(v *api.View) *facts {
	f := &facts{view: v, byID: map[beads.ID]int{}}
	cats := map[beads.ID]*api.PolecatInfo{}
	trouble := map[beads.ID]*api.Problem{}
	for i := range v.Status.Problems {
		p := &v.Status.Problems[i]
		if p.Bead != "" && (trouble[p.Bead] == nil || p.Level == "asks") {
			trouble[p.Bead] = p
		}
	}
	for i := range v.Status.Polecats {
		c := &v.Status.Polecats[i]
		if c.State.Live() {
			f.busy++
			if c.Bead != "" {
				cats[c.Bead] = c
			}
		}
		f.cats = append(f.cats, catRow{cat: c, glyph: catGlyph(c)})
	}
	mrs := map[beads.ID]*api.QueueEntry{}
	for i := range v.Refineries {
		info := &v.Refineries[i]
		for j := range info.Queue {
			mrs[info.Queue[j].Bead] = &info.Queue[j]
			f.mrs = append(f.mrs, mrRow{mr: &info.Queue[j], info: info, glyph: mrGlyph(&info.Queue[j], info)})
		}
		if f.worst == nil || cmp.Or(cmp.Compare(urgency(info), urgency(f.worst)), cmp.Compare(len(info.Queue), len(f.worst.Queue))) > 0 {
			f.worst = info
		}
	}
	for i := range v.Beads {
		b := &v.Beads[i]
		r := beadFacts(b, cats[b.ID], mrs[b.ID], trouble[b.ID])
		f.beads = append(f.beads, r)
		f.wide.see(r)
	}
	slices.SortStableFunc(f.beads, func(a, b beadRow) int { return cmp.Compare(rank(a.glyph), rank(b.glyph)) })
	slices.SortStableFunc(f.cats, func(a, b catRow) int { return cmp.Compare(rank(a.glyph), rank(b.glyph)) })
	for i, r := range f.beads {
		f.byID[r.bead.ID] = i
		f.count[r.glyph]++
	}
	f.alarms()
	return f
}

func rank(g byte) int { return strings.IndexByte(order, g) }

// alarms counts what the status bar warns of: what the list of problems has, no more and no less.
func (f *facts) alarms() {
	for _, p := range f.view.Status.Problems {
		switch problemMark(p.Level) {
		case '?':
			f.asks++
		case '!':
			f.bad++
		}
	}
}

// trouble is what hangs or failed, in words: how many are stalled, and what of the rest it is.
func (f *facts) trouble() string {
	var hung int
	var failed, out []string
	for _, p := range f.view.Status.Problems {
		switch {
		case problemMark(p.Level) != '!':
		case p.Level == "hung":
			hung++
		default:
			failed = append(failed, clean(p.Who))
		}
	}
	if hung > 0 {
		out = append(out, "stalled "+itoa(hung))
	}
	const most = 2 // named
	if n := len(failed); n > most {
		failed = append(failed[:most], itoa(n-most)+" more")
	}
	if len(failed) > 0 {
		out = append(out, "wrong: "+strings.Join(failed, ", "))
	}
	return strings.Join(out, " ")
}

// beadFacts decides what one bead looks like.
func beadFacts(b *api.Bead, cat *api.PolecatInfo, mr *api.QueueEntry, p *api.Problem) beadRow {
	r := beadRow{bead: b, who: "-", cat: cat, mr: mr, since: b.StateSince(), deps: len(b.BlockedBy)}
	if len(b.Attempts) > 0 {
		r.last = b.Attempts[len(b.Attempts)-1]
		r.cli = clean(r.last.Preset)
	}
	switch b.Status {
	case beads.NeedsYou:
		r.glyph, r.word, r.waits = '?', "needs you", "you: "+clean(b.Reason)
		r.who = whoOf(r, "you")
	case beads.Working:
		workingFacts(&r, p)
	case beads.Submitted:
		r.glyph, r.word, r.who = '^', "in queue", "queue"
		switch {
		case mr == nil:
		case mr.State == refinery.EntryApprove:
			r.glyph, r.word, r.who = '?', "needs you", "you"
			r.since, r.waits = mr.Since, "your yes (A)"
		case mr.State == refinery.EntryHeld:
			r.glyph, r.word = '=', "held"
			r.since, r.waits = mr.Since, clean(mr.Why)
		default:
			r.since, r.waits = mr.Queued, clean(mr.Why)
			r.word = fmt.Sprintf("queue %d", mr.Position)
		}
	case beads.Deferred:
		r.glyph, r.word = '=', "deferred"
		if b.DeferUntil != nil {
			r.waits = "until " + b.DeferUntil.Local().Format("Jan 2 15:04")
		}
	case beads.Closed:
		closedFacts(&r)
	default:
		openFacts(&r)
	}
	return r
}

func whoOf(r beadRow, otherwise string) string {
	switch {
	case r.cat != nil:
		return clean(r.cat.Name)
	case r.last != nil:
		return clean(r.last.Polecat)
	}
	return otherwise
}

func workingFacts(r *beadRow, p *api.Problem) {
	r.glyph, r.word = '>', "working"
	r.who = whoOf(*r, clean(r.bead.Assignee))
	state := beads.Running
	if r.last != nil {
		state = r.last.State
		r.since = r.last.CreatedAt
	}
	if r.cat != nil {
		state = r.cat.State
	}
	switch {
	case r.cat != nil && r.cat.Frozen:
		r.glyph, r.word, r.waits = '=', "frozen", "P goes on"
	case state == beads.Asking || p != nil && p.Level == "asks":
		r.glyph, r.word, r.waits = '?', "needs you", "your answer"
	case r.cat != nil && r.cat.Stalled:
		r.glyph, r.word, r.waits = '!', "stalled", "R restart agent"
	case p != nil && (p.Level == "hung" || p.Level == "failed"):
		r.glyph, r.word, r.waits = '!', "stalled", clean(p.What)
	case state == beads.Limited || p != nil && p.Level == "wait":
		r.glyph, r.word = '=', "paused"
		if r.last != nil && !r.last.LimitedUntil.IsZero() {
			r.waits = "limit " + clock(r.last.LimitedUntil)
		}
	case state == beads.Starting:
		r.word = "starting"
	}
	if p != nil && r.glyph != '>' && !p.Since.IsZero() {
		r.since = p.Since
	}
}

func closedFacts(r *beadRow) {
	if r.bead.ClosedAt != nil {
		r.since = *r.bead.ClosedAt
	}
	r.who = whoOf(*r, "-")
	switch end := r.bead.Ending(); end {
	case "merged":
		r.glyph, r.word = '+', end
	case beads.CloseResult:
		r.glyph, r.word = '+', "done"
	default:
		r.glyph, r.word = '.', end
	}
}

func openFacts(r *beadRow) {
	b := r.bead
	r.since = b.CreatedAt
	switch {
	case len(b.BlockedBy) > 0 && !b.Ready:
		r.glyph, r.word = '#', "blocked"
		ids := make([]string, len(b.BlockedBy))
		for i, id := range b.BlockedBy {
			ids[i] = clean(string(id))
		}
		r.waits = strings.Join(ids, " ")
	case b.Rejections > 0, r.last != nil && r.last.State == beads.Rejected:
		r.glyph, r.word, r.since = 'x', "bounced", b.StateSince()
		if r.last != nil {
			r.waits = clean(r.last.Why)
			r.who = clean(r.last.Polecat)
		}
	case b.Sling == nil && b.Stopped && r.last != nil && r.last.State == beads.Killed:
		r.glyph, r.word, r.since, r.who = 'x', "killed", r.last.EndedAt, clean(r.last.Polecat)
		if r.last.Kept(&b.Bead) {
			r.waits = "work kept (v)"
		}
	default:
		r.glyph, r.word = 'o', "ready"
		if b.Sling != nil {
			r.word, r.waits = "next", "a free polecat"
			if b.Sling.Polecat != "" {
				r.waits = clean(b.Sling.Polecat)
			}
		}
	}
}

func catGlyph(c *api.PolecatInfo) byte {
	if c.Frozen {
		return '=' // not stalled; a question of its is still counted
	}
	switch c.State {
	case beads.Asking:
		return '?'
	case beads.Limited:
		return '='
	case beads.Running, beads.Starting:
		if c.Stalled {
			return '!'
		}
		return '>'
	case beads.Delivered:
		return '^'
	case beads.Killed:
		return 'x'
	case beads.Lost, beads.Rejected:
		return '!'
	case beads.Landed:
		return '+'
	}
	return '.'
}

func mrGlyph(e *api.QueueEntry, info *api.RefineryInfo) byte {
	switch e.State {
	case refinery.EntryApprove:
		return '?'
	case refinery.EntryHeld:
		return '='
	case refinery.EntryGating, refinery.EntryLanding:
		if info.State == refinery.Hung || info.State == refinery.Failed {
			return '!'
		}
		return '>'
	}
	return 'o'
}

// badness orders Refinery states by how much they need a person.
func badness(s refinery.State) int {
	states := []refinery.State{
		refinery.Idle, refinery.Gating, refinery.Landing, refinery.Restarting,
		refinery.Paused, refinery.NoGates, refinery.MainRed, refinery.Failed, refinery.Hung,
	}
	return slices.Index(states, s)
}

// urgency orders Refineries by how much they need a person: by their state, then by what waits for a yes.
func urgency(r *api.RefineryInfo) int {
	n := 2 * badness(r.State)
	if waitsForYes(r) {
		n++
	}
	return n
}

// waitsForYes reports whether a green change waits for the person.
func waitsForYes(r *api.RefineryInfo) bool {
	return slices.ContainsFunc(r.Queue, func(e api.QueueEntry) bool { return e.State == refinery.EntryApprove })
}

// refineryWord is a Refinery's state in the words of the status bar, and its mark.
func refineryWord(r *api.RefineryInfo, now time.Time) (string, byte) {
	who := ""
	if i := strings.LastIndexByte(r.Phase, ' '); i >= 0 {
		who = " " + clean(r.Phase[i+1:])
	}
	switch r.State {
	case refinery.Gating:
		return "gating" + who + " " + exact(now.Sub(r.Since)), '>'
	case refinery.Landing:
		return "landing" + who, '>'
	case refinery.Hung:
		return "HUNG " + lasting(now.Sub(r.Since)), '!'
	case refinery.Restarting:
		return "restarting", '>'
	case refinery.Paused:
		return "PAUSED", '='
	case refinery.NoGates:
		return "NO GATES", '!'
	case refinery.MainRed:
		return "main RED", '!'
	case refinery.Failed:
		return "FAILED", '!'
	}
	if waitsForYes(r) {
		return "waits for you", '?'
	}
	return "idle", '.'
}

// age is a duration in at most three cells, such as 9m, 2h, 3d; it changes by the minute.
func age(d time.Duration) string {
	switch {
	case d < time.Minute:
		return "now"
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 100*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}

// lasting is an age where a length of time is read, "for 9m"; below a minute it counts seconds.
func lasting(d time.Duration) string {
	if d < time.Minute {
		return exact(d)
	}
	return age(d)
}

// lately is a state with how long it lasts: "working 9m".
func lately(word string, d time.Duration) string {
	if d < time.Minute {
		return word + ", just now"
	}
	return word + " " + age(d)
}

// exact is a duration to the second, for what is under way.
func exact(d time.Duration) string {
	d = max(d, 0).Truncate(time.Second)
	if d < time.Minute {
		return fmt.Sprintf("%ds", int(d.Seconds()))
	}
	if d < time.Hour {
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
}

// clock is a time of day.
func clock(t time.Time) string { return t.Local().Format("15:04") }

// tokens is a count in at most five cells.
func tokens(n int64) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d", n)
	case n < 1_000_000:
		return fmt.Sprintf("%dk", n/1000)
	}
	return fmt.Sprintf("%.1fM", float64(n)/1e6)
}

// short is a commit's first seven digits.
func short(sha string) string {
	sha = clean(sha)
	if len(sha) > 7 {
		return sha[:7]
	}
	return sha
}
