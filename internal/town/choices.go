package town

import (
	"slices"
	"strings"
	"sync"
	"time"

	"gastown/beads"
	"gastown/internal/api"
)

// installed are the agents whose program is on this machine, those of settings last.
func (t *Town) installed() []string {
	return slices.DeleteFunc(presetNames(t.settings()), func(name string) bool {
		p, _, err := t.preset(name)
		if err != nil {
			return true
		}
		return t.absent(p) != ""
	})
}

// choicesFor is how long a list of agents holds: looking for programs reads directories.
const choicesFor = 10 * time.Second

type choiceCache struct {
	mu   sync.Mutex
	at   time.Time
	list []api.AgentChoice
}

// choices are the agents that a bead can be given to, the usual one first, and those with a model that beads name.
func (t *Town) choices(all []*beads.Bead) []api.AgentChoice {
	t.agents.mu.Lock()
	defer t.agents.mu.Unlock()
	now := t.deps.Now()
	if now.Sub(t.agents.at) < choicesFor && len(t.agents.list) > 0 && t.agents.list[0].Spec == t.settings().Town.Polecat {
		return t.agents.list
	}
	specs := []string{t.settings().Town.Polecat}
	for _, b := range all {
		if strings.Contains(b.Agent, ":") {
			specs = append(specs, b.Agent)
		}
	}
	specs = append(specs, t.installed()...)
	t.agents.at, t.agents.list = now, nil
	seen := map[string]bool{}
	for i, spec := range specs {
		p, model, err := t.preset(spec)
		if err != nil || seen[spec] {
			continue
		}
		seen[spec] = true
		c := api.AgentChoice{Spec: spec, Usual: i == 0, Models: len(p.Model) > 0 && model == "", Own: p.Own, Missing: t.absent(p)}
		switch {
		case c.Missing != "" && i > 0:
			continue
		case c.Missing != "":
			c.Says = "the usual agent here, but not installed"
		case c.Usual:
			c.Says = "the usual agent here"
		case p.Name == "scripted":
			c.Says = "built in: runs the sh block of a bead, no model"
		case p.Own:
			c.Says = "a program of yours"
		default:
			c.Says = "installed"
		}
		t.agents.list = append(t.agents.list, c)
	}
	return t.agents.list
}
