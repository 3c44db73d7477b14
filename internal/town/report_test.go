package town

import (
	"strings"
	"testing"
	"time"

	"gastown/agents"
	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/api"
	"gastown/internal/fault"
)

// A program that asks in its terminal is answered there: it shows as asking until what it asked
// for runs, and no answer is sent past it.
func TestADialogInATerminalShowsAsAsking(t *testing.T) {
	l := newLab(t, "")
	id := l.create("ask")
	l.job(id, `echo a line of its terminal
gastown report asking 'may it run: ls'
read yes
gastown report working 'may it run: ls'
gastown report asking 'something else'
sleep 60 &
wait
`)
	l.sling(id)
	l.awaitState(id, 1, beads.Asking)
	a := l.attempt(id)
	if a.Question != "may it run: ls" || a.AtTerminal != beads.AtDialog {
		t.Errorf("attempt: %+v", a)
	}
	st := l.status()
	if len(st.Problems) != 1 || !strings.Contains(st.Problems[0].What, "asks in its terminal: may it run: ls") || st.Problems[0].Level != "asks" {
		t.Errorf("problems: %+v", st.Problems)
	}
	if _, err := api.PolecatAnswer.Do(t.Context(), l.person(), api.AnswerReq{Name: a.Polecat, Text: "yes"}); !fault.Is(err, fault.Refused) {
		t.Errorf("answered past its terminal: %v", err)
	}
	f := l.face(a.Polecat)
	if err := f.Send([]byte("\r")); err != nil {
		t.Fatal(err)
	}
	l.await("it asks for something else", func() bool { return l.attempt(id).Question == "something else" })
	if p, err := api.PolecatShow.Do(t.Context(), l.person(), api.NameReq{Name: a.Polecat}); err != nil || p.Doing != "ran ls" {
		t.Errorf("%+v, %v", p, err)
	}
	// The sleep that it was allowed to run says nothing; its process does.
	l.awaitState(id, 1, beads.Running)
	if q := l.attempt(id).Question; q != "" {
		t.Errorf("still asks %q", q)
	}
}

func TestAPersonReportsNothing(t *testing.T) {
	l := newLab(t, "")
	for _, r := range []api.ReportReq{{State: "working"}, {State: "asking", Text: "x"}} {
		if _, err := api.Report.Do(t.Context(), l.person(), r); !fault.Is(err, fault.Refused) {
			t.Errorf("%+v: %v", r, err)
		}
	}
	if _, err := api.Report.Do(t.Context(), l.person(), api.ReportReq{State: "asleep"}); !fault.Is(err, fault.Usage) {
		t.Errorf("a state that is none: %v", err)
	}
}

// At its usage limit an agent is left alone and none of its kind starts; when it is over those
// that wait start, and the one that did not go on by itself is started again in its worktree.
func TestAUsageLimit(t *testing.T) {
	l := newLab(t, "")
	first, second := l.create("first"), l.create("second")
	l.job(first, `if [ -e half ]; then
  mv half whole; git add .; git commit -q -m whole; exec gastown done
fi
touch half
gastown report limited --until "$(date -u -d '+1 hour' +%Y-%m-%dT%H:%M:%SZ)"
sleep 600
`)
	l.sling(first)
	l.awaitState(first, 1, beads.Limited)
	if s := l.sling(second); s[0].Polecat != "" || !strings.Contains(s[0].Msg, "agent mine is at its usage limit until") {
		t.Errorf("slung: %+v", s)
	}
	st := l.status()
	if len(st.Limits) != 1 || st.Limits[0].Agent != "mine" || st.Limits[0].Until.Before(time.Now().Add(50*time.Minute)) {
		t.Errorf("limits: %+v", st.Limits)
	}
	if len(st.Problems) > 0 || len(l.bead(second).Attempts) > 0 {
		t.Errorf("a limit needs nobody and starts nothing: %+v", st.Problems)
	}
	// The hour is over, and the program does not stir.
	err := l.town.update(func(tx *store.Tx) error {
		a, err := tx.Attempt(first, 1)
		if err != nil {
			return err
		}
		c := a.Clone()
		c.LimitedUntil = time.Now().Add(-agents.LimitPatience)
		if err := tx.PutAttempt(c); err != nil {
			return err
		}
		return tx.PutKV(kvLimits, map[string]time.Time{"mine": time.Now().Add(50 * time.Millisecond)})
	})
	if err != nil {
		t.Fatal(err)
	}
	l.awaitStatus(first, beads.Closed)
	l.awaitStatus(second, beads.Closed)
	if n := len(l.bead(first).Attempts); n != 1 {
		t.Errorf("%d attempts, want the same one", n)
	}
	if st := l.status(); len(st.Limits) > 0 {
		t.Errorf("limits: %+v", st.Limits)
	}
	l.gone()
}

// An agent that goes on by itself says so, and so ends the limit for all of its kind.
func TestALimitedAgentGoesOnByItself(t *testing.T) {
	l := newLab(t, "")
	id := l.create("first")
	l.job(id, "gastown report limited\nread go\ngastown report working\ntouch x; git add .; git commit -q -m x; exec gastown done\n")
	l.sling(id)
	l.awaitState(id, 1, beads.Limited)
	if until := l.attempt(id).LimitedUntil; until.Before(time.Now().Add(agents.LimitGuess - time.Minute)) {
		t.Errorf("until %s", until)
	}
	f := l.face(l.attempt(id).Polecat)
	if err := f.Send([]byte("\r")); err != nil {
		t.Fatal(err)
	}
	l.awaitStatus(id, beads.Closed)
	if st := l.status(); len(st.Limits) > 0 {
		t.Errorf("limits: %+v", st.Limits)
	}
	l.gone()
}

// Only a person lets agents do everything, and what does is shown.
func TestBypassIsAPersonsWord(t *testing.T) {
	l := newLab(t, "")
	req := api.RigAddReq{Name: "two", Source: l.src, Ungated: true, Permissions: "bypass"}
	if _, err := api.RigAdd.Do(t.Context(), l.town.As(api.Caller{Name: "mayor", Role: "mayor"}), req); !fault.Is(err, fault.Refused) {
		t.Errorf("the Mayor added it: %v", err)
	}
	if _, err := api.RigAdd.Do(t.Context(), l.person(), api.RigAddReq{Name: "two", Source: l.src, Permissions: "all"}); !fault.Is(err, fault.Usage) {
		t.Errorf("permissions of no kind: %v", err)
	}
	added, err := api.RigAdd.Do(t.Context(), l.person(), req)
	if err != nil || added.Permissions != "bypass" {
		t.Fatalf("%+v, %v", added, err)
	}
	for _, r := range l.status().Rigs {
		if r.Bypass != (r.Name == "two") {
			t.Errorf("rig %s: bypass %t", r.Name, r.Bypass)
		}
	}
	if app, err := api.RigShow.Do(t.Context(), l.person(), api.NameReq{Name: "app"}); err != nil || app.Permissions != "edits" {
		t.Errorf("app: %+v, %v", app, err)
	}
}

// The Mayor's account is the polecats' too; what else its program says is seen where it runs.
func TestTheMayorsLimitHoldsItsPreset(t *testing.T) {
	l := newLab(t, "")
	mayor := l.town.As(api.Caller{Name: "mayor", Role: "mayor"})
	until := time.Now().Add(time.Hour).Truncate(time.Second)
	for _, r := range []api.ReportReq{{State: "asking", Text: "x"}, {State: "limited", Until: until}, {State: "limited", Until: until.Add(-time.Minute)}} {
		if _, err := api.Report.Do(t.Context(), mayor, r); err != nil {
			t.Fatal(err)
		}
	}
	st := l.status()
	if len(st.Limits) != 1 || st.Limits[0].Agent != "idle" || !st.Limits[0].Until.Equal(until) || len(st.Problems) > 0 {
		t.Errorf("limits %+v, problems %+v", st.Limits, st.Problems)
	}
}
