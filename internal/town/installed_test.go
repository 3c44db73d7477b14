package town

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gastown/beads"
	"gastown/internal/api"
	"gastown/internal/fault"
)

// elsewhere is settings with an agent whose program is a file of the lab that is not there yet.
func elsewhere(l *lab) {
	commonSource(l)
	l.path = filepath.Join(l.root, "progs")
	if err := os.Mkdir(l.path, 0o755); err != nil {
		l.t.Fatal(err)
	}
}

func TestAnAgentThatIsNotInstalledIsToldAndNotTried(t *testing.T) {
	l := newLabOf(t, "\n[agent.late]\ncommand = [\"lateagent\"]", "", elsewhere)
	one, two := l.create("one"), l.create("two")
	_, err := api.Sling.Do(t.Context(), l.person(), api.SlingReq{Beads: []beads.ID{one}, Agent: "late"})
	if !fault.Is(err, fault.Refused) || !strings.Contains(err.Error(), `agent late is not installed ("lateagent" is not on your PATH)`) || !strings.Contains(fault.From(err).Hint, "gastown agents list") {
		t.Errorf("slung: %v", err)
	}
	// What starts by itself waits, and a person is told why.
	for _, id := range []beads.ID{one, two} {
		if _, err := api.BeadUpdate.Do(t.Context(), l.person(), api.BeadUpdateReq{Bead: id, Agent: new("late")}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := api.ConvoyCreate.Do(t.Context(), l.person(), api.ConvoyCreateReq{Name: "set", Beads: []beads.ID{one, two}}); err != nil {
		t.Fatal(err)
	}
	if _, err := api.ConvoyLaunch.Do(t.Context(), l.person(), api.NameReq{Name: "set"}); err != nil {
		t.Fatal(err)
	}
	l.await("the notice", func() bool {
		ps := l.status().Problems
		return len(ps) == 1 && ps[0].Key == "agent/late" && strings.Contains(ps[0].What, "not installed")
	})
	if why, err := api.Why.Do(t.Context(), l.person(), api.BeadReq{Bead: one}); err != nil || !strings.Contains(why.Why, "agent late is not installed") {
		t.Errorf("why: %+v, %v", why, err)
	}
	if n := len(l.bead(one).Attempts) + len(l.bead(two).Attempts); n != 0 {
		t.Errorf("%d attempts", n)
	}
	l.write("progs/lateagent", "#!/bin/sh\nset -e\necho x > $GASTOWN_BEAD; git add .; git commit -qm x; exec gastown done\n")
	l.awaitStatus(one, beads.Closed)
	l.awaitStatus(two, beads.Closed)
	l.gone()
}

// Without the usual agent nothing that is slung can start: that is said before anything is.
func TestAUsualAgentThatIsNotInstalledNeedsYou(t *testing.T) {
	l := newLabOf(t, "\n[agent.late]\ncommand = [\"lateagent\"]", "", elsewhere)
	set := func(key, value string) {
		t.Helper()
		if _, err := api.ConfigSet.Do(t.Context(), l.person(), api.ConfigReq{Key: key, Value: value}); err != nil {
			t.Fatal(err)
		}
	}
	told := func() bool {
		ps := l.status().Problems
		return len(ps) == 1 && ps[0].Key == "agent/late" && strings.Contains(ps[0].What, "late is not installed") && strings.Contains(ps[0].Do, "gastown config set town.polecat NAME") && !ps[0].Since.IsZero()
	}
	set("town.polecat", "late")
	if !told() {
		t.Errorf("problems: %+v", l.status().Problems)
	}
	if c := l.host.View().Agents[0]; c.Missing != "lateagent" {
		t.Errorf("to choose from: %+v", c)
	}
	// Beads that wait for it are the same problem.
	id := l.create("one")
	if _, err := api.ConvoyCreate.Do(t.Context(), l.person(), api.ConvoyCreateReq{Name: "set", Beads: []beads.ID{id}}); err != nil {
		t.Fatal(err)
	}
	if _, err := api.ConvoyLaunch.Do(t.Context(), l.person(), api.NameReq{Name: "set"}); err != nil {
		t.Fatal(err)
	}
	l.await("the beads that wait", func() bool { return told() && strings.Contains(l.status().Problems[0].What, "beads wait") })
	set("town.polecats", "0") // nobody is to work here
	set("town.polecat", "mine")
	set("town.polecats", "1")
	l.awaitStatus(id, beads.Closed)
	l.gone()
}

func TestAMayorThatCannotStartNeedsYou(t *testing.T) {
	l := newLabOf(t, "\n[agent.late]\ncommand = [\"lateagent\"]", "", elsewhere)
	if _, err := api.MayorAgent.Do(t.Context(), l.person(), api.NameReq{Name: "late"}); err == nil {
		t.Error("it started")
	}
	s := l.status()
	if len(s.Problems) != 1 || s.Problems[0].Key != "mayor" || !strings.Contains(s.Problems[0].What, "late is not installed") || strings.Contains(s.Problems[0].Do, "mine") || s.Problems[0].Since.IsZero() {
		t.Errorf("problems: %+v", s.Problems)
	}
	if _, err := api.MayorAgent.Do(t.Context(), l.person(), api.NameReq{Name: "idle"}); err != nil {
		t.Fatal(err)
	}
	l.gone()
}
