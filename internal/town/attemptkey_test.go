package town

import (
	"testing"

	"gastown/beads"
	"gastown/internal/api"
	"gastown/internal/fault"
)

// BEAD/N means that attempt and no other, whoever has its polecat's name or its bead by then.
func TestAnAttemptKeyMeansNoOther(t *testing.T) {
	l := newLab(t, "")
	one, two := l.create("one"), l.create("two")
	l.job(one, "echo . | tell one$GASTOWN_ATTEMPT; exec sleep 1000")
	l.job(two, "echo . | tell two; gastown escalate --no-wait 'which colour?'; exec sleep 1000")
	l.sling(one)
	l.told("one1")
	old := beads.AttemptKey(one, 1)
	l.face(old)
	if _, err := api.PolecatKill.Do(t.Context(), l.person(), api.KillReq{Name: old}); err != nil {
		t.Fatal(err)
	}
	if _, err := api.Sling.Do(t.Context(), l.person(), api.SlingReq{Beads: []beads.ID{two}, Polecat: "toast"}); err != nil {
		t.Fatal(err)
	}
	l.sling(one)
	l.told("two")
	l.told("one2")
	l.await("a question", func() bool { return l.attempt(two).State == beads.Asking })
	if _, ok := l.host.Terminal(old); ok {
		t.Errorf("%s still has a terminal", old)
	}
	person := l.person()
	for what, err := range map[string]error{
		"kill":     second(api.PolecatKill.Do(t.Context(), person, api.KillReq{Name: old})),
		"reassign": second(api.PolecatReassign.Do(t.Context(), person, api.ReassignReq{Name: old})),
		"restart":  second(api.PolecatRestart.Do(t.Context(), person, api.NameReq{Name: old})),
		"nudge":    second(api.PolecatNudge.Do(t.Context(), person, api.NudgeReq{Name: old, Text: "hi"})),
		"answer":   second(api.PolecatAnswer.Do(t.Context(), person, api.AnswerReq{Name: old, Text: "blue"})),
		"preview":  second(api.PolecatPreview.Do(t.Context(), person, api.NameReq{Name: old})),
	} {
		if !fault.Is(err, fault.NotFound) {
			t.Errorf("%s of an attempt that has ended: %v", what, err)
		}
	}
	if _, err := api.PolecatAnswer.Do(t.Context(), person, api.AnswerReq{Name: "toast", Text: "blue", Question: "how many?"}); !fault.Is(err, fault.Refused) {
		t.Errorf("an answer to another question: %v", err)
	}
	if _, err := api.PolecatAnswer.Do(t.Context(), person, api.AnswerReq{Name: beads.AttemptKey(two, 1), Text: "blue", Question: "which colour?"}); err != nil {
		t.Error(err)
	}
	if a := l.attempt(one); a.N != 2 || !a.State.Live() {
		t.Errorf("%s is %s", a.Key(), a.State)
	}
}

func second[T any](_ T, err error) error { return err }

// A bead goes on with the polecat it had when the host comes up again, also where that had nothing to keep.
func TestAPolecatKeepsItsNameOverARestart(t *testing.T) {
	l := newLab(t, "")
	one, two := l.create("one"), l.create("two")
	for _, id := range []beads.ID{one, two} {
		l.job(id, "echo $GASTOWN_POLECAT | tell $GASTOWN_BEAD-$GASTOWN_ATTEMPT; exec sleep 1000")
		name := map[beads.ID]string{one: "rust", two: "toast"}[id]
		if _, err := api.Sling.Do(t.Context(), l.person(), api.SlingReq{Beads: []beads.ID{id}, Polecat: name}); err != nil {
			t.Fatal(err)
		}
		l.told(string(id) + "-1")
	}
	l.down()
	l.up()
	for id, want := range map[beads.ID]string{one: "rust", two: "toast"} {
		if got := l.told(string(id) + "-2"); got != want {
			t.Errorf("%s goes on with %s, had %s", id, got, want)
		}
	}
}
