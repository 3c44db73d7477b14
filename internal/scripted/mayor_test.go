package scripted

import (
	"context"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"gastown/beads"
	"gastown/internal/api"
	"gastown/internal/fault"
	"gastown/refinery"
)

// talk says lines to a Mayor of town t and returns what was printed.
func talk(t *testing.T, d *town, lines ...string) string {
	t.Helper()
	if d.answers[api.GetEvents.Name()] == nil {
		on(d, api.GetEvents, func(req api.EventsReq) ([]beads.Event, error) { return nil, context.Canceled })
	}
	out := newText()
	err := Mayor(t.Context(), Env{
		In: strings.NewReader(strings.Join(lines, "\n") + "\n"), Out: out, Doer: d,
		Getenv: func(string) string { return "" },
		Now:    func() time.Time { return time.Unix(1000, 0) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestMayorUnderstands(t *testing.T) {
	for line, want := range map[string]string{
		"help":                              "help",
		"HELP!":                             "help",
		"look at docs/spec.md":              "look at FILE",
		"please look at `a b.md`":           "look at FILE",
		"Can you plan spec.md?":             "look at FILE",
		"what's going on?":                  "what's going on?",
		"Whats going on":                    "what's going on?",
		"tell me what's going on":           "what's going on?",
		"status":                            "what's going on?",
		"what are the polecats working on?": "what are the polecats working on?",
		"who is working on what":            "what are the polecats working on?",
		"sling everything ready":            "sling everything ready",
		"sling all":                         "sling everything ready",
		"sling ma-1, ma-2":                  "sling ID...",
		"Fix the Refinery!":                 "fix the refinery",
		"the refinery is stuck":             "fix the refinery",
		"answer toast use knots":            "answer NAME TEXT",
		"why ma-1":                          "why ID",
		"why is ma-1 not landed?":           "why ID",
		"kill toast":                        "kill NAME",
		"write me a poem":                   "",
		"I'd like a look at things":         "",
	} {
		got := ""
		for _, s := range sentences() {
			if s.match().MatchString(line) {
				got = s.usage
				break
			}
		}
		if got != want {
			t.Errorf("%q is taken for %q, want %q", line, got, want)
		}
	}
}

func TestMayorSaysWhatItIsWhenLost(t *testing.T) {
	out := talk(t, newTown(), "write me a poem")
	for _, want := range []string{"no model", "I am a script and do not understand", "look at FILE", "kill NAME"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

func TestMayorSaysWhereDeliveryIsOff(t *testing.T) {
	d := newTown()
	on(d, api.GetStatus, func(api.Empty) (api.Status, error) {
		r := api.RefineryState{State: refinery.Idle}
		return api.Status{Rigs: []api.StatusRig{{Name: "a", Branch: "main", Landed: 2, Deliver: "none", Refinery: r}, {Name: "b", Branch: "main", Landed: 2, Undelivered: 1, Deliver: "push", Refinery: r}}}, nil
	})
	out := talk(t, d, "what's going on?")
	for _, want := range []string{"a: refinery idle; 2 landed on main, delivery is off.\n", "b: refinery idle; 2 landed on main, 1 not delivered.\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

func TestMayorLooksAtASpec(t *testing.T) {
	d := newTown()
	plan := api.Planned{
		Name: "Cake", Source: "kitchen:cake.md", Rig: "kitchen",
		Beads:    []api.PlannedBead{{Key: "flour", Title: "Buy \x1b[31mflour"}, {Key: "bake", Title: "Bake"}},
		Waves:    [][]string{{"flour"}, {"bake"}},
		Problems: []api.PlanProblem{{Line: 3, Msg: "no acceptance criteria", Severity: "warning"}},
	}
	on(d, api.Plan, func(req api.PlanReq) (api.Planned, error) {
		p := plan
		if req.Apply {
			p.Convoy, p.Applied, p.Launched = "cake", true, true
		}
		return p, nil
	})
	on(d, api.ConvoyList, func(api.Empty) ([]api.Convoy, error) { return nil, nil })
	out := talk(t, d, "look at cake.md in kitchen")
	want := []any{
		api.PlanReq{Path: "cake.md", Rig: "kitchen"},
		api.PlanReq{Path: "cake.md", Rig: "kitchen", Apply: true, Launch: true},
	}
	if got := d.requests(api.Plan.Name()); !reflect.DeepEqual(got, want) {
		t.Errorf("asked for %+v, want %+v", got, want)
	}
	for _, want := range []string{"line 3: warning: no acceptance", "wave 2\n  bake: Bake", "flour: Buy flour", "convoy \"cake\""} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

func TestMayorMakesNothingOfABadSpecOrTwice(t *testing.T) {
	d := newTown()
	plan := api.Planned{Name: "Cake", Problems: []api.PlanProblem{{Line: 9, Msg: "needs itself", Severity: "error"}}}
	on(d, api.Plan, func(api.PlanReq) (api.Planned, error) { return plan, nil })
	on(d, api.ConvoyList, func(api.Empty) ([]api.Convoy, error) {
		return []api.Convoy{{Convoy: beads.Convoy{Name: "Cake", State: beads.ConvoyLaunched}, Total: 2}}, nil
	})
	if out := talk(t, d, "look at cake.md"); !strings.Contains(out, "I make no beads") {
		t.Errorf("errors do not stop it:\n%s", out)
	}
	plan.Problems = nil
	if out := talk(t, d, "look at cake.md"); !strings.Contains(out, "made before") {
		t.Errorf("a convoy of that name does not stop it:\n%s", out)
	}
	for _, req := range d.requests(api.Plan.Name()) {
		if req.(api.PlanReq).Apply {
			t.Errorf("beads were made: %+v", req)
		}
	}
}

func TestMayorFixesWhatIsBroken(t *testing.T) {
	d := newTown()
	on(d, api.RefineryStatus, func(api.NameReq) ([]api.RefineryInfo, error) {
		return []api.RefineryInfo{
			{Rig: "a", RefineryState: api.RefineryState{State: refinery.Hung, Since: time.Unix(940, 0)}},
			{Rig: "b", RefineryState: api.RefineryState{State: refinery.Paused}, Paused: true},
			{Rig: "c", RefineryState: api.RefineryState{State: refinery.Gating}},
			{Rig: "d", RefineryState: api.RefineryState{State: refinery.NoGates}},
		}, nil
	})
	acts := func(api.NameReq) ([]api.RefineryInfo, error) { return nil, nil }
	on(d, api.RefineryRestart, acts)
	on(d, api.RefineryResume, acts)
	out := talk(t, d, "fix the refinery")
	if got := d.requests(api.RefineryRestart.Name()); !reflect.DeepEqual(got, []any{api.NameReq{Name: "a"}}) {
		t.Errorf("restarted %+v", got)
	}
	if got := d.requests(api.RefineryResume.Name()); !reflect.DeepEqual(got, []any{api.NameReq{Name: "b"}}) {
		t.Errorf("resumed %+v", got)
	}
	if !strings.Contains(out, "a: it was hung for 1m0s; I restarted it") || !strings.Contains(out, "c: nothing to fix") {
		t.Errorf("it says\n%s", out)
	}
}

func TestMayorShowsErrorsWithTheirHint(t *testing.T) {
	d := newTown()
	on(d, api.Why, func(api.BeadReq) (api.WhyRes, error) {
		return api.WhyRes{}, fault.NotFoundf("bead %q: no such bead", "zz").WithHint("list them with: gastown bead list")
	})
	if out := talk(t, d, "why zz"); !strings.Contains(out, "no such bead") || !strings.Contains(out, "gastown bead list") {
		t.Errorf("it says\n%s", out)
	}
}

// TestMayorAnswersFromTheBead has one question before the Mayor began and one after it.
func TestMayorAnswersFromTheBead(t *testing.T) {
	d, out := newTown(), newText()
	first := true
	news := make(chan []beads.Event, 1)
	news <- []beads.Event{
		{Seq: 8, Kind: beads.EvAsked, Bead: "ma-2", Polecat: "rust", Text: "red or blue?"},
		{Seq: 8, Kind: beads.EvNeedsYou, Bead: "ma-4", Text: "ma-4 needs you: which?"},
		{Seq: 9, Kind: beads.EvLanded, Bead: "ma-3", Text: "landed ma-3 as abc\x1b]0;x\a"},
	}
	onWaiting(d, api.GetEvents, func(ctx context.Context, req api.EventsReq) ([]beads.Event, error) {
		if first {
			first = false
			return []beads.Event{{Seq: 7, Kind: beads.EvLanded, Bead: "ma-0", Text: "stale news"}}, nil
		}
		if req.Since == 7 {
			return <-news, nil
		}
		<-ctx.Done()
		return nil, ctx.Err()
	})
	on(d, api.PolecatList, func(api.Empty) ([]api.PolecatInfo, error) {
		return []api.PolecatInfo{{Name: "toast", Bead: "ma-1", State: beads.Asking, Question: "knots?"}}, nil
	})
	on(d, api.BeadShow, func(req api.BeadReq) (api.Bead, error) {
		b := api.Bead{Attempts: []*beads.Attempt{{N: 1, State: beads.Asking}}}
		if req.Bead == "ma-1" {
			b.Description = "Text.\n\nMayor-answer: use knots\n"
		}
		return b, nil
	})
	on(d, api.PolecatAnswer, func(api.AnswerReq) (api.Ack, error) { return api.Ack{}, nil })

	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	in, typed := io.Pipe()
	defer typed.Close()
	ended := make(chan error, 1)
	go func() {
		ended <- Mayor(ctx, Env{In: in, Out: out, Doer: d, Getenv: func(string) string { return "" }})
	}()
	if !out.await(ctx, "+ landed ma-3 as abc\n> ") {
		t.Errorf("the landing is not told of:\n%s", out)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if got, want := d.requests(api.PolecatAnswer.Name()), []any{api.AnswerReq{Name: "ma-1", Text: "use knots"}}; !reflect.DeepEqual(got, want) {
		t.Errorf("answered %+v, want %+v", got, want)
	}
	for _, want := range []string{"? toast (ma-1) asks: knots?", "Mayor-answer line: use knots", "? rust (ma-2) asks: red or blue?", "answer rust TEXT", "! ma-4 needs you: which?\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if strings.Contains(out.String(), "stale news") {
		t.Errorf("old news is told:\n%s", out)
	}
}
