package town

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gastown/beads"
	"gastown/internal/api"
	"gastown/internal/fault"
)

// A bead is not given to an agent that is not on this machine; those that are can be chosen from.
func TestOnlyInstalledAgents(t *testing.T) {
	l := newLab(t, "")
	data, err := os.ReadFile(filepath.Join(l.dir, "town.toml"))
	if err != nil {
		t.Fatal(err)
	}
	l.down()
	l.write("T/town.toml", string(data)+"\n[agent.missing]\ncommand = [\"no-such-program\"]\n")
	l.up()
	id := l.create("one")
	_, err = api.Sling.Do(t.Context(), l.person(), api.SlingReq{Beads: []beads.ID{id}, Agent: "missing"})
	if !fault.Is(err, fault.Refused) || !strings.Contains(err.Error(), `"no-such-program" is not on your PATH`) || !strings.Contains(fault.From(err).Hint, "gastown agents list") {
		t.Errorf("to one that is not installed: %v", err)
	}
	if b := l.bead(id); b.Sling != nil || len(b.Attempts) > 0 {
		t.Errorf("it was slung all the same: %+v", b)
	}
	var specs []string
	for _, c := range l.host.View().Agents {
		specs = append(specs, c.Spec)
	}
	if len(specs) < 2 || specs[0] != "mine" || !slices.Contains(specs, "scripted") || !slices.Contains(specs, "idle") || slices.Contains(specs, "missing") {
		t.Errorf("to choose from: %q", specs)
	}
}

// What an empty town proposes to look at is there, in the rig's main or in the checkout.
func TestASpecIsFound(t *testing.T) {
	l := newLab(t, "")
	if v := l.host.Refresh(); v.Spec != "" {
		t.Errorf("there is no %q", v.Spec)
	}
	l.write("src/SPEC.md", "# Goal\n")
	l.host.changed()
	if v := l.host.Refresh(); v.Spec != "SPEC.md" {
		t.Errorf("%q", v.Spec)
	}
	l.create("one")
	l.await("nothing is proposed where there are beads", func() bool { return l.host.Refresh().Spec == "" })
}

// Work that a kill kept is named by why, until the bead goes on from it.
func TestWhyOfAKilledBead(t *testing.T) {
	l := newLab(t, "")
	id := l.create("one")
	l.job(id, "echo work > w.txt; echo . | tell one$GASTOWN_ATTEMPT; exec sleep 1000")
	l.sling(id)
	l.told("one1")
	if _, err := api.PolecatKill.Do(t.Context(), l.person(), api.KillReq{Name: string(id)}); err != nil {
		t.Fatal(err)
	}
	w, err := api.Why.Do(t.Context(), l.person(), api.BeadReq{Bead: id})
	if err != nil || !strings.Contains(w.Why, "toast was stopped on it, and its work is kept") || !strings.Contains(w.Hint, "gastown polecat revive "+string(id)+"/1") {
		t.Errorf("%+v, %v", w, err)
	}
	if _, err := api.PolecatRevive.Do(t.Context(), l.person(), api.NameReq{Name: string(id) + "/1"}); err != nil {
		t.Fatal(err)
	}
	l.told("one2")
}
