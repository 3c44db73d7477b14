package town

import (
	"cmp"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"gastown/agents"
	agentrun "gastown/agents/run"
	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/api"
	"gastown/internal/config"
	"gastown/internal/proc"
	"gastown/internal/vt"
	"gastown/refinery"
)

// kSettings is the key of the problem that town.toml cannot be read.
const kSettings = "settings"

// viewEvents is how many events a view carries.
const viewEvents = 500

// viewCache keeps the newest view. Building one is bounded to once in viewEvery, however
// often something changes.
type viewCache struct {
	mu    sync.Mutex
	view  *api.View
	gen   uint64
	build sync.Mutex
}

func (t *Town) status(_ context.Context, _ api.Caller, _ api.Empty) (out api.Status, err error) {
	err = t.store.View(func(tx *store.Tx) error {
		all, g, err := graph(tx)
		if err != nil {
			return err
		}
		out, err = t.statusOf(tx, all, g)
		return err
	})
	return out, err
}

// statusOf answers "what is going on" from one consistent state.
func (t *Town) statusOf(tx *store.Tx, all []*beads.Bead, g *beads.Graph) (api.Status, error) {
	cfg, now := t.settings(), t.deps.Now()
	out := api.Status{Town: t.Dir, Cap: cfg.Town.Polecats, Rigs: []api.StatusRig{}, Queue: []api.QueueEntry{}, Limits: []api.Limit{}, Problems: []api.Problem{}}
	m := t.mayorInfo()
	out.Mayor = api.StatusMayor{State: m.State, Agent: m.Agent}
	if t.host != nil {
		out.Host = t.host.info()
	}
	halt, err := ownHalt(tx, "")
	if err != nil {
		return out, err
	}
	out.Paused, out.Frozen = halt != agents.Going, halt == agents.Frozen
	if out.Polecats, err = t.polecats(tx); err != nil {
		return out, err
	}
	if out.Limits, err = limitList(tx, now); err != nil {
		return out, err
	}
	for _, name := range rigNames(cfg) {
		info, err := t.refineryInfo(tx, name)
		if err != nil {
			return out, err
		}
		d, err := delivery(tx, name)
		if err != nil {
			return out, err
		}
		left, _ := d.undelivered(cfg.Rigs[name], refinery.Queue{Total: info.Total})
		r := api.StatusRig{Name: name, Branch: info.Branch, Main: info.Main, Landed: info.Total, Undelivered: left, Deliver: cfg.Rigs[name].Deliver, Ungated: info.Ungated, Refinery: info.RefineryState}
		own, err := ownHalt(tx, name)
		if err != nil {
			return out, err
		}
		r.Bypass = cfg.Rigs[name].Permissions == config.PermitBypass || slices.ContainsFunc(out.Polecats, func(p api.PolecatInfo) bool { return p.Rig == name && p.Bypass })
		r.Paused, r.Frozen = own != agents.Going, own == agents.Frozen
		out.Rigs = append(out.Rigs, r)
		out.Queue = append(out.Queue, info.Queue...)
	}
	launched, err := launchedBeads(tx)
	if err != nil {
		return out, err
	}
	out.Beads = t.counts(all, g, now, launched)
	out.Problems, err = t.problems(tx, all, out)
	return out, err
}

func (t *Town) counts(all []*beads.Bead, g *beads.Graph, now time.Time, launched map[beads.ID]bool) (c api.Counts) {
	ready, auto := t.ready(g, now), t.settings().Town.Dispatch == config.DispatchAuto
	for _, b := range all {
		switch b.Status {
		case beads.Open:
			c.Open++
			if !ready(b) {
				c.Blocked++
				break
			}
			c.Ready++
			if b.Wished(launched[b.ID], auto) {
				c.Slung++
			}
		case beads.Working:
			c.Working++
		case beads.Submitted:
			c.Submitted++
		case beads.NeedsYou:
			c.NeedsYou++
		case beads.Deferred:
			c.Deferred++
		case beads.Closed:
			c.Closed++
		}
	}
	return c
}

// problems are exactly the things that wait for a person, the most urgent first.
func (t *Town) problems(tx *store.Tx, all []*beads.Bead, s api.Status) ([]api.Problem, error) {
	out := []api.Problem{}
	for _, p := range s.Polecats {
		if p.State == beads.Asking && !p.HostGone { // it asks again when it goes on
			what, do := howToAnswer(p.Name, p.AtTerminal)
			out = append(out, api.Problem{Key: "asks/" + string(p.Bead), Who: p.Name, What: what + beads.Clean(p.Question, 300), Since: p.Since, Do: do, Bead: p.Bead, Rig: p.Rig, Level: "asks"})
		}
		if p.Stalled && !p.Frozen {
			out = append(out, stallProblem(p))
		}
	}
	for _, b := range all {
		if b.Status == beads.NeedsYou {
			out = append(out, api.Problem{Key: "needs/" + string(b.ID), Who: string(b.ID), What: beads.Clean(b.Reason, 300), Since: b.StateSince(), Do: "gastown bead show " + string(b.ID) + ", then gastown sling " + string(b.ID), Bead: b.ID, Rig: b.Rig, Level: "asks"})
		}
	}
	for _, e := range s.Queue {
		if e.State == refinery.EntryApprove {
			out = append(out, api.Problem{Key: "approve/" + string(e.Bead), Who: string(e.Bead), What: "is green and waits for your yes: " + e.Ask, Since: e.Since, Do: "gastown diff " + string(e.Bead) + ", then gastown queue approve " + string(e.Bead), Bead: e.Bead, Rig: e.Rig, Level: "asks"})
		}
	}
	if wrong := t.wrongSettings(); wrong != "" {
		out = append(out, api.Problem{Key: kSettings, Who: "town.toml", What: beads.Clean(wrong, 300), Since: t.settingsAt(), Do: "mend " + settingsPath(t.Dir) + "; the settings before it stay in force", Level: "failed"})
	}
	if p, ok := t.mayorProblem(); ok {
		out = append(out, p)
	}
	said := map[string]bool{} // notices of a state that is said here as it is now
	for _, r := range s.Rigs {
		if p, ok := refineryProblem(r); ok {
			out = append(out, p)
			said[noticeKey(r.Name, refinery.ProblemKey(r.Name, r.Refinery.State))] = true
		}
		q, err := t.queue(tx, r.Name)
		if err != nil {
			return nil, err
		}
		said["delivery/"+r.Name] = q.OriginTold()
	}
	notices, err := tx.Notices()
	if p, ok := t.agentProblem(all); ok && !slices.ContainsFunc(notices, func(n *beads.Notice) bool { return n.Key == p.Key }) {
		out = append(out, p) // where beads wait for it, its notice says that
	}
	for _, n := range notices {
		if said[n.Key] {
			continue
		}
		who := n.Rig
		if n.Bead != "" {
			who = string(n.Bead)
		}
		out = append(out, api.Problem{Key: n.Key, Who: cmp.Or(who, "town"), What: n.Text, Since: n.At, Do: n.Hint, Bead: n.Bead, Rig: n.Rig, Level: "failed"})
	}
	slices.SortStableFunc(out, urgentFirst)
	return out, err
}

// urgentFirst is the order of problems wherever they are listed: the more it stops the earlier, and of those that stop
// as much the oldest.
func urgentFirst(a, b api.Problem) int {
	return cmp.Or(cmp.Compare(stops(a), stops(b)), a.Since.Compare(b.Since))
}

// stops is how little a problem stops: the settings of all, a rig, something else of the town, what waits only for a
// word, a bead.
func stops(p api.Problem) int {
	switch {
	case p.Key == kSettings:
		return 0
	case p.Bead == "" && p.Rig != "":
		return 1
	case p.Bead == "":
		return 2
	case strings.HasPrefix(p.Key, "asks/"), strings.HasPrefix(p.Key, "approve/"):
		return 3
	}
	return 4
}

// howToAnswer says how a polecat's question is put, and what answers it.
func howToAnswer(polecat string, at beads.Prompt) (what, do string) {
	if at == "" {
		return "asks: ", "gastown polecat answer " + polecat + " TEXT"
	}
	return "asks in its terminal: ", "gastown polecat attach " + polecat + " (t on the screen)"
}

// refineryProblem is a Refinery that waits for a person.
func refineryProblem(r api.StatusRig) (api.Problem, bool) {
	p := api.Problem{Key: "refinery/" + r.Name, Who: "refinery " + r.Name, Since: r.Refinery.Since, Rig: r.Name, What: r.Refinery.Reason, Do: r.Refinery.Hint, Level: "failed"}
	switch r.Refinery.State {
	case refinery.Hung:
		p.Level = "hung"
		p.What = cmp.Or(p.What, "gate "+r.Refinery.Phase+" makes no progress")
		p.Do = cmp.Or(p.Do, "gastown refinery restart "+r.Name+" (r on the screen)")
		return p, true
	case refinery.MainRed, refinery.Failed, refinery.NoGates:
		p.What = cmp.Or(p.What, "the queue has stopped: "+string(r.Refinery.State))
		return p, true
	}
	return api.Problem{}, false
}

// changed tells the screens that something they show has moved. It never blocks.
func (h *Host) changed() {
	h.gen.Add(1)
	h.touched()
}

// touched tells the screens that a terminal or a gate's output moved: the view is as it was,
// but for what it quotes of them.
func (h *Host) touched() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for c := range h.faces {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// Changes gives a bell with one merged ring for any change, of the view or of a terminal.
func (h *Host) Changes() (<-chan struct{}, func()) {
	c := make(chan struct{}, 1)
	h.mu.Lock()
	h.faces[c] = struct{}{}
	h.mu.Unlock()
	return c, func() {
		h.mu.Lock()
		delete(h.faces, c)
		h.mu.Unlock()
	}
}

// View is the newest view that was built; Refresh builds one.
func (h *Host) View() *api.View {
	if v := h.newest(); v != nil {
		return v
	}
	h.views.build.Lock() // the first one may be on its way
	v := h.newest()
	h.views.build.Unlock()
	if v == nil {
		v = h.Refresh()
	}
	return v
}

func (h *Host) newest() *api.View {
	h.views.mu.Lock()
	defer h.views.mu.Unlock()
	return h.views.view
}

// Refresh builds a view if something changed since the last one. It reads the store, so it
// is not for the screen's own goroutine.
func (h *Host) Refresh() *api.View {
	h.views.build.Lock()
	defer h.views.build.Unlock()
	gen := h.gen.Load()
	h.views.mu.Lock()
	old, had := h.views.view, h.views.gen
	h.views.mu.Unlock()
	if old != nil && had == gen {
		return old
	}
	v, err := h.t.viewNow()
	if err != nil {
		h.t.deps.Log.Error("build the view", "err", err)
		if old != nil {
			return old // the last good one stays; its At tells its age
		}
		v = &api.View{At: h.t.deps.Now(), Status: api.Status{Town: h.t.Dir}}
	}
	v.Gen = gen
	v.Undo, v.UndoUntil = h.undoNow()
	h.mu.Lock()
	v.Show, v.ShowGen = h.show.bead, h.show.gen
	h.mu.Unlock()
	h.views.mu.Lock()
	h.views.view, h.views.gen = v, gen
	h.views.mu.Unlock()
	return v
}

func (t *Town) viewNow() (*api.View, error) {
	now := t.deps.Now()
	v := &api.View{At: now}
	err := t.store.View(func(tx *store.Tx) error {
		all, g, err := graph(tx)
		if err != nil {
			return err
		}
		if v.Status, err = t.statusOf(tx, all, g); err != nil {
			return err
		}
		sorted := slices.Clone(all)
		slices.SortFunc(sorted, beads.AttentionOrder)
		v.Agents = t.choices(all)
		if len(all) == 0 {
			v.Spec = t.someSpec(t.settings())
		}
		if v.Beads, err = t.outsideAll(tx, sorted, g, now); err != nil {
			return err
		}
		for _, r := range v.Status.Rigs {
			info, err := t.refineryInfo(tx, r.Name)
			if err != nil {
				return err
			}
			v.Refineries = append(v.Refineries, info)
		}
		cs, err := tx.Convoys()
		if err != nil {
			return err
		}
		for _, c := range cs {
			v.Convoys = append(v.Convoys, convoyInfo(tx, c, g))
		}
		if v.Events, err = tx.EventsTail(viewEvents); err != nil {
			return err
		}
		ms, err := tx.Inbox("you")
		for _, m := range ms {
			v.Mail = append(v.Mail, *m)
		}
		if err != nil {
			return err
		}
		_, err = tx.GetKV(kvStarts, &v.Starts)
		return err
	})
	v.Mayor = t.mayorInfo()
	for i := range v.Refineries {
		v.Refineries[i].Tail = gateTail(v.Refineries[i].Run)
	}
	return v, err
}

// someSpec is a document that beads can be made of, by a usual name; empty: no rig has one.
func (t *Town) someSpec(cfg *config.Config) string {
	for _, rig := range rigNames(cfg) {
		for _, root := range t.roots(rig, cfg.Rigs[rig]) {
			for _, name := range []string{"docs/spec.md", "docs/SPEC.md", "spec.md", "SPEC.md", "docs/plan.md", "PLAN.md"} {
				if info, err := os.Lstat(filepath.Join(root, name)); err == nil && info.Mode().IsRegular() {
					return name
				}
			}
		}
	}
	return ""
}

// CountStart notes that a person opened the screen once more.
func (h *Host) CountStart() error {
	h.shown.Store(true)
	return h.t.update(func(tx *store.Tx) error {
		n := 0
		_, err := tx.GetKV(kvStarts, &n)
		return errors.Join(err, tx.PutKV(kvStarts, n+1))
	})
}

// SlotSize is the geometry of the screen's left slot, and so of each terminal of an agent that starts.
func (h *Host) SlotSize(cols, rows int) { h.SetSize(proc.Size{Cols: cols, Rows: rows}) }

// RefreshAfter is Refresh that also counts what the view quotes of terminals: it builds one
// when something else changed, or when the last is older than age.
func (h *Host) RefreshAfter(age time.Duration) *api.View {
	h.views.mu.Lock()
	v := h.views.view
	h.views.mu.Unlock()
	if v != nil && h.t.deps.Now().Sub(v.At) >= age {
		h.gen.Add(1)
	}
	return h.Refresh()
}

// Terminal is the live terminal of "mayor", or of the attempt that a polecat's name or BEAD/N means.
func (h *Host) Terminal(name string) (Face, bool) {
	var s *agentrun.Session
	if name == "mayor" {
		s = h.mayorSession()
	} else {
		h.mu.Lock()
		for _, w := range h.workers {
			if w.name == name || beads.AttemptKey(w.bead, w.n) == name {
				s = w.sessionNow()
			}
		}
		h.mu.Unlock()
	}
	return Face{s}, s != nil
}

// Face is an agent's terminal as a screen needs it. Faces of one program are equal.
type Face struct{ s *agentrun.Session }

// Gen grows when the picture changed.
func (f Face) Gen() uint64 { return f.s.Terminal().Gen() }

// Frame is the picture.
func (f Face) Frame() vt.Frame { return f.s.Terminal().Frame() }

// ScrollbackLine is a line above the screen; 0 is the oldest.
func (f Face) ScrollbackLine(i int) string { return f.s.Terminal().ScrollbackLine(i) }

// Send queues typed bytes.
func (f Face) Send(p []byte) error { return f.s.Send(p) }

// Paste queues pasted text.
func (f Face) Paste(text string) error { return f.s.Paste(text) }

// Resize changes the terminal's size.
func (f Face) Resize(cols, rows int) { f.s.Resize(cols, rows) }

// gateTail is the end of the running gate's output, cleaned, for the pane.
func gateTail(run *refinery.Run) []string {
	if run == nil || run.Log == "" {
		return nil
	}
	return tailFile(run.Log, 12)
}

// tailFile is the last n lines of a file, cleaned; of a long one its last 64 KiB are read.
func tailFile(path string, n int) []string {
	const most = 64 << 10
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > most {
		if _, err := f.Seek(-most, io.SeekEnd); err != nil {
			return nil
		}
	}
	data, err := io.ReadAll(io.LimitReader(f, most))
	if err != nil {
		return nil
	}
	text := strings.TrimRight(beads.CleanText(string(data)), "\n")
	if text == "" {
		return nil
	}
	return strings.Split(lastLines(text, n), "\n")
}
