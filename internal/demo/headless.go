package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"gastown/beads"
	"gastown/internal/api"
	"gastown/internal/fault"
)

// Options of Headless; the zero value has the defaults.
type Options struct {
	// Form is what is printed.
	Form Form
	// Stall is how long nothing may happen before the run is given up; 0: two minutes, twice the
	// longest time a gate of the demo may take.
	Stall time.Duration
	// Settle is how long a town that seems unable to go on is given to prove otherwise; 0: 5 s,
	// many times what a start of a polecat takes.
	Settle time.Duration
}

// Form is what Headless prints.
type Form int

const (
	// Text is one line for each thing that happens, then a table.
	Text Form = iota
	// JSON is one object at the end: the beads, and how many were merged or closed with a result.
	JSON
)

const (
	defaultStall  = 2 * time.Minute
	defaultSettle = 5 * time.Second
)

// headless is one run.
type headless struct {
	d     api.Doer
	out   io.Writer
	opts  Options
	start time.Time
	moved time.Time // when something happened last
	seq   uint64
}

// Headless does the whole job in a running town that Setup has fitted out: it plans and launches
// the spec, unless that was done in this town before, prints what happens, and returns when all
// beads are closed. It is an error when one of those that need code closed without a merge, or when
// nothing moves any more; what is in the way is printed before.
func Headless(ctx context.Context, d api.Doer, out io.Writer, opts Options) error {
	if opts.Stall == 0 {
		opts.Stall = defaultStall
	}
	if opts.Settle == 0 {
		opts.Settle = defaultSettle
	}
	now := time.Now()
	h := &headless{d: d, out: out, opts: opts, start: now, moved: now}
	if err := h.begin(ctx); err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	list, err := h.follow(ctx)
	if err != nil {
		if list != nil {
			h.table(list)
		}
		return fmt.Errorf("demo: %w", err)
	}
	h.table(list)
	return h.verdict(list)
}

// begin plans and launches the spec once.
func (h *headless) begin(ctx context.Context) error {
	events, err := api.GetEvents.Do(ctx, h.d, api.EventsReq{Limit: 1})
	if err != nil {
		return err
	}
	for _, ev := range events {
		h.seq = ev.Seq
	}
	convoys, err := api.ConvoyList.Do(ctx, h.d, api.Empty{})
	if err != nil {
		return err
	}
	if len(convoys) > 0 {
		h.say("this town has its beads already; going on with them")
		for _, c := range convoys {
			if c.State == beads.ConvoyPlanned || c.State == beads.ConvoyPaused {
				if _, err := api.ConvoyLaunch.Do(ctx, h.d, api.NameReq{Name: c.Name}); err != nil {
					return err
				}
			}
		}
		return nil
	}
	h.say("look at %s", Spec)
	plan, err := api.Plan.Do(ctx, h.d, api.PlanReq{Path: Spec, Rig: Rig, Apply: true, Launch: true})
	if err != nil {
		return err
	}
	for _, p := range plan.Problems {
		h.say("  line %d: %s: %s", p.Line, p.Severity, p.Msg)
	}
	if !plan.Launched {
		return fault.Failf("the spec was not launched")
	}
	h.say("%d beads in %d waves, convoy %q", len(plan.Beads), len(plan.Waves), plan.Convoy)
	for i, wave := range plan.Waves {
		h.say("  wave %d: %s", i+1, strings.Join(wave, ", "))
	}
	return nil
}

// follow prints what happens until every bead is closed, and returns the beads. With an error it
// returns those it had seen.
func (h *headless) follow(ctx context.Context) ([]api.Bead, error) {
	var list []api.Bead
	for {
		events, err := api.GetEvents.Do(ctx, h.d, api.EventsReq{Since: h.seq, Wait: time.Second})
		if err != nil {
			return list, err
		}
		for _, ev := range events {
			h.seq = max(h.seq, ev.Seq)
			h.moved = time.Now()
			h.tell(ev)
		}
		if list, err = api.BeadList.Do(ctx, h.d, api.BeadListReq{}); err != nil {
			return list, err
		}
		if len(list) > 0 && !slices.ContainsFunc(list, func(b api.Bead) bool { return b.Status != beads.Closed }) {
			return list, h.last(ctx)
		}
		if err := h.stuck(ctx, list); err != nil {
			return list, err
		}
	}
}

// last prints the events that came with the last landing.
func (h *headless) last(ctx context.Context) error {
	events, err := api.GetEvents.Do(ctx, h.d, api.EventsReq{Since: h.seq})
	for _, ev := range events {
		h.tell(ev)
	}
	return err
}

// tell prints an event that says how the job goes.
func (h *headless) tell(ev beads.Event) {
	what, ok := map[string]string{
		beads.EvClaimed:    "started",
		beads.EvAsked:      "asks",
		beads.EvAnswered:   "answered",
		beads.EvSubmitted:  "submitted",
		beads.EvRejected:   "sent back",
		beads.EvLanded:     "landed",
		beads.EvBeadClosed: "closed",
		beads.EvLost:       "lost",
		beads.EvKilled:     "killed",
		beads.EvNeedsYou:   "NEEDS YOU",
		beads.EvHung:       "HUNG",
		beads.EvPaused:     "PAUSED",
		beads.EvRestarted:  "restarted",
		beads.EvProblem:    "PROBLEM",
	}[ev.Kind]
	if !ok {
		return
	}
	who := string(ev.Bead)
	if ev.Attempt > 0 {
		who = beads.AttemptKey(ev.Bead, ev.Attempt)
	}
	h.say("%-9s  %-10s %s", what, who, beads.Clean(ev.Text, 100))
}

// stuck says why the job cannot end by itself; nil while it can.
func (h *headless) stuck(ctx context.Context, list []api.Bead) error {
	quiet := time.Since(h.moved)
	if quiet < h.opts.Settle {
		return nil
	}
	st, err := api.GetStatus.Do(ctx, h.d, api.Empty{})
	if err != nil {
		return err
	}
	ready := slices.ContainsFunc(list, func(b api.Bead) bool { return b.Ready })
	working := slices.ContainsFunc(st.Polecats, func(p api.PolecatInfo) bool { return p.State.Live() })
	if (ready || working || len(st.Queue) > 0) && quiet < h.opts.Stall {
		return nil
	}
	h.say("")
	h.say("nothing moves any more")
	for _, p := range st.Problems {
		h.say("  %s: %s (%s)", p.Who, beads.Clean(p.What, 0), p.Do)
	}
	for _, p := range st.Polecats {
		if p.State.Live() {
			h.say("  polecat %s is %s on %s: %s", p.Name, p.State, p.Bead, beads.Clean(p.Question+p.Doing, 100))
		}
	}
	for _, r := range st.Rigs {
		h.say("  refinery of %s is %s, %d in the queue: %s", r.Name, r.Refinery.State, len(st.Queue), beads.Clean(r.Refinery.Reason, 0))
	}
	open := 0
	for _, b := range list {
		if b.Status == beads.Closed {
			continue
		}
		open++
		why, err := api.Why.Do(ctx, h.d, api.BeadReq{Bead: b.ID})
		if err != nil {
			return err
		}
		h.say("  %s is %s: %s", b.ID, b.Status, beads.Clean(why.Why, 0))
	}
	return fault.Failf("nothing happened for %s and %d of %d beads are not done", quiet.Round(time.Second), open, len(list))
}

// table prints every bead with what became of it.
func (h *headless) table(list []api.Bead) {
	if h.opts.Form == JSON {
		return
	}
	h.say("")
	w := tabwriter.NewWriter(h.out, 0, 0, 2, ' ', 0)
	for _, b := range list {
		end := string(b.Status)
		switch {
		case b.MergeCommit != "":
			end = "merged " + b.MergeCommit[:min(10, len(b.MergeCommit))]
		case b.Status == beads.Closed:
			end = beads.Clean(b.CloseReason, 0)
		}
		tries := fmt.Sprintf("%d attempts", b.LastAttempt)
		if b.LastAttempt == 1 {
			tries = "1 attempt"
		}
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", b.ID, end, tries, beads.Clean(b.Title, 60)) // as say
	}
	_ = w.Flush()
}

// verdict is nil when every bead that needs code was merged and every other one has a result.
func (h *headless) verdict(list []api.Bead) error {
	merged, results := 0, 0
	var bad []string
	for _, b := range list {
		switch {
		case b.NeedsCode && b.MergeCommit != "":
			merged++
		case !b.NeedsCode && b.Result != "":
			results++
		default:
			bad = append(bad, string(b.ID))
		}
	}
	h.say("%d beads: %d merged, %d closed with a result", len(list), merged, results)
	if h.opts.Form == JSON {
		err := json.NewEncoder(h.out).Encode(struct {
			Beads   []api.Bead `json:"beads"`
			Merged  int        `json:"merged"`
			Results int        `json:"results"`
		}{list, merged, results})
		if err != nil {
			return fmt.Errorf("demo: write the result: %w", err)
		}
	}
	if len(bad) > 0 {
		return fault.Failf("demo: closed without a landing or a result: %s", strings.Join(bad, ", "))
	}
	return nil
}

// say prints one line with the time since the start. An output that is gone is no reason to stop the job.
func (h *headless) say(format string, args ...any) {
	if h.opts.Form == JSON {
		return
	}
	if format == "" {
		_, _ = fmt.Fprintln(h.out)
		return
	}
	_, _ = fmt.Fprintf(h.out, "%6.1fs  %s\n", time.Since(h.start).Seconds(), fmt.Sprintf(format, args...))
}
