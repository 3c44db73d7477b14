package town

import (
	"strings"
	"testing"

	"gastown/beads"
	"gastown/internal/api"
	"gastown/internal/fault"
)

// newest is the text of the newest event of a kind.
func (l *lab) newest(kind string) beads.Event {
	l.t.Helper()
	all, err := api.GetEvents.Do(l.t.Context(), l.person(), api.EventsReq{Limit: 1000})
	if err != nil {
		l.t.Fatal(err)
	}
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].Kind == kind {
			return all[i]
		}
	}
	l.t.Fatalf("no event %s", kind)
	return beads.Event{}
}

// TestWhatIsThePersonsToDecide: neither the Mayor nor a polecat ends a bead that needs code, or says that
// it needs none, by whichever verb they try.
func TestWhatIsThePersonsToDecide(t *testing.T) {
	l := newLab(t, `approve = ["risky"]`)
	id := l.create("one")
	nux := l.town.As(api.Caller{Name: "nux", Role: "polecat", Rig: "app", Bead: string(id), Attempt: 1})
	for _, agent := range []api.Doer{l.mayor(), nux} {
		for name, try := range map[string]func() error{
			"close": func() error {
				_, err := api.BeadClose.Do(t.Context(), agent, api.BeadCloseReq{Bead: id, Reason: "because"})
				return err
			},
			"unmark": func() error {
				_, err := api.BeadUpdate.Do(t.Context(), agent, api.BeadUpdateReq{Bead: id, NeedsCode: new(false)})
				return err
			},
			"create": func() error {
				_, err := api.BeadCreate.Do(t.Context(), agent, api.BeadCreateReq{Title: "x", NeedsCode: new(false)})
				return err
			},
		} {
			if err := try(); !fault.Is(err, fault.Refused) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if b, err := api.BeadCreate.Do(t.Context(), agent, api.BeadCreateReq{Title: "which?", Type: "decision"}); err != nil || b.NeedsCode {
			t.Errorf("a decision: %+v, %v", b.Bead, err)
		}
		if _, err := api.BeadUpdate.Do(t.Context(), agent, api.BeadUpdateReq{Bead: id, Type: new("epic")}); !fault.Is(err, fault.Refused) {
			t.Errorf("a task becomes what needs no code: %v", err)
		}
	}
	if b := l.bead(id); b.Status != beads.Open || !b.NeedsCode {
		t.Errorf("%+v", b.Bead)
	}
	d, err := api.BeadCreate.Do(t.Context(), l.mayor(), api.BeadCreateReq{Title: "which?", Type: "decision"})
	if err != nil {
		t.Fatal(err)
	}
	if b, err := api.BeadUpdate.Do(t.Context(), l.mayor(), api.BeadUpdateReq{Bead: d.ID, Type: new("task")}); err != nil || !b.NeedsCode {
		t.Errorf("a decision that becomes a task needs no code: %+v, %v", b.Bead, err)
	}
	if _, err := api.BeadUpdate.Do(t.Context(), l.mayor(), api.BeadUpdateReq{Bead: id, Priority: new(0), Title: new("two")}); err != nil {
		t.Fatal(err)
	}
	if e := l.newest(beads.EvBeadUpdated); e.Actor != "mayor" || e.Text != `changed `+string(id)+`: priority P2 -> P0, title "one" -> "two"` {
		t.Errorf("%+v", e)
	}
	if _, err := api.BeadClose.Do(t.Context(), l.person(), api.BeadCloseReq{Bead: id, Reason: "not wanted"}); err != nil {
		t.Error(err)
	}
	if e := l.newest(beads.EvBeadClosed); !strings.Contains(e.Text, "it was open") || e.Reason != "not wanted" {
		t.Errorf("%+v", e)
	}
}
