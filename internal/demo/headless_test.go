package demo

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gastown/beads"
	"gastown/internal/api"
	"gastown/internal/fault"
	"gastown/refinery"
)

// town answers as a host whose beads and events are scripted: each call for news takes one step.
type town struct {
	steps []step
	at    int
	calls []string
}

// step is what the town shows from one call for news on.
type step struct {
	events []beads.Event
	beads  []api.Bead
}

func (t *town) Do(ctx context.Context, verb string, req any) (any, error) {
	t.calls = append(t.calls, verb)
	switch verb {
	case api.GetEvents.Name():
		r := req.(api.EventsReq)
		if r.Wait == 0 {
			return []beads.Event(nil), nil
		}
		if t.at+1 < len(t.steps) {
			t.at++
			return t.steps[t.at].events, nil
		}
		select {
		case <-time.After(r.Wait):
			return []beads.Event(nil), nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	case api.BeadList.Name():
		return t.steps[t.at].beads, nil
	case api.ConvoyList.Name():
		return []api.Convoy(nil), nil
	case api.Plan.Name():
		r := req.(api.PlanReq)
		return api.Planned{Launched: r.Launch && r.Apply && r.Path == Spec, Convoy: "c", Waves: [][]string{{"a", "b"}}}, nil
	case api.GetStatus.Name():
		return api.Status{
			Rigs:     []api.StatusRig{{Name: Rig, Refinery: api.RefineryState{State: refinery.Paused, Reason: "gate is broken"}}},
			Problems: []api.Problem{{Who: "refinery", What: "gate is broken", Do: "mend it"}},
		}, nil
	case api.BeadCreate.Name():
		return api.Bead{}, nil
	case api.Why.Name():
		return api.WhyRes{Why: "three strikes"}, nil
	}
	return nil, fault.NotFoundf("verb %q: not in this fake", verb)
}

func code(id beads.ID, status beads.Status, merge string) api.Bead {
	return api.Bead{Bead: beads.Bead{ID: id, Title: "T " + string(id), Status: status, NeedsCode: true, MergeCommit: merge, LastAttempt: 2}}
}

func TestHeadlessEndsWhenAllIsClosed(t *testing.T) {
	found := api.Bead{Bead: beads.Bead{ID: "we-2", Status: beads.Closed, CloseReason: "result", Result: "yes"}}
	d := &town{steps: []step{
		{},
		{[]beads.Event{{Seq: 1, Kind: beads.EvRejected, Bead: "we-1", Attempt: 1, Text: "gate test failed"}}, []api.Bead{code("we-1", beads.Open, ""), found}},
		{[]beads.Event{{Seq: 2, Kind: beads.EvLanded, Bead: "we-1", Attempt: 2, Text: "landed"}}, []api.Bead{code("we-1", beads.Closed, "0123456789abcdef"), found}},
	}}
	var out bytes.Buffer
	if err := Headless(t.Context(), d, &out, Options{}); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	for _, want := range []string{"wave 1: a, b", "sent back  we-1/1", "landed     we-1/2", "merged 0123456789  2 attempts", "2 beads: 1 merged, 1 closed with a result"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

func TestHeadlessFailsWithoutALanding(t *testing.T) {
	d := &town{steps: []step{{beads: []api.Bead{code("we-1", beads.Closed, "")}}}}
	var out bytes.Buffer
	if err := Headless(t.Context(), d, &out, Options{}); err == nil || !strings.Contains(err.Error(), "we-1") {
		t.Errorf("error %v\n%s", err, out.String())
	}
}

func TestHeadlessGivesUpWhereNothingCanMove(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &town{steps: []step{{beads: []api.Bead{code("we-1", beads.NeedsYou, "")}}}}
		var out bytes.Buffer
		begun := time.Now()
		err := Headless(t.Context(), d, &out, Options{})
		if err == nil || !strings.Contains(err.Error(), "1 of 1 beads are not done") {
			t.Errorf("error %v", err)
		}
		if took := time.Since(begun); took < defaultSettle || took > 2*defaultSettle {
			t.Errorf("gave up after %s, want about %s", took, defaultSettle)
		}
		for _, want := range []string{"gate is broken (mend it)", "we-1 is needs_you: three strikes", "T we-1"} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("no %q in\n%s", want, out.String())
			}
		}
	})
}

func TestHeadlessWaitsLongerWhileSomethingCanMove(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ready := code("we-1", beads.Open, "")
		ready.Ready = true
		d := &town{steps: []step{{beads: []api.Bead{ready}}}}
		begun := time.Now()
		if err := Headless(t.Context(), d, &bytes.Buffer{}, Options{}); err == nil {
			t.Error("no error")
		}
		if took := time.Since(begun); took < defaultStall {
			t.Errorf("gave up after %s, want %s at least", took, defaultStall)
		}
	})
}

// TestPlayLeavesTwoBeads when all that was there is closed, and not before.
func TestPlayLeavesTwoBeads(t *testing.T) {
	open, closed := api.Bead{Bead: beads.Bead{ID: "we-1", Status: beads.Open}}, api.Bead{Bead: beads.Bead{ID: "we-1", Status: beads.Closed}}
	tn := &town{steps: []step{{}, {beads: []api.Bead{open}}, {beads: []api.Bead{closed}}}}
	if err := Play(t.Context(), tn); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(tn.calls, " "); !strings.HasSuffix(got, "bead.list events bead.list bead.create bead.create") || strings.Count(got, "bead.list") != 3 {
		t.Errorf("calls: %s", got)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := Play(ctx, &town{steps: []step{{}}}); err == nil {
		t.Error("it does not end")
	}
}
