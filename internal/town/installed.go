package town

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gastown/agents"
	"gastown/beads"
	"gastown/internal/api"
	"gastown/internal/fault"
)

// kAgent begins the keys of notices about agents that cannot start; the agent follows.
const kAgent = "agent/"

// absent is the program of an agent that is not on this machine; empty: it is there, or only the
// worktree will tell.
func (t *Town) absent(p agents.Preset) string {
	argv := p.Argv(agents.Polecat, agents.Vars{Gastown: t.deps.Exe})
	if len(argv) == 0 || argv[0] == "gastown" || strings.Contains(argv[0], "/") && !filepath.IsAbs(argv[0]) || t.deps.Lookup(argv[0]) != "" {
		return ""
	}
	return argv[0]
}

// notInstalled says that an agent's program is absent.
func notInstalled(agent, program string) string {
	return fmt.Sprintf("agent %s is not installed (%s)", agent, missing(program))
}

// missing says of a program that it is not there.
func missing(program string) string {
	if filepath.IsAbs(program) {
		return fmt.Sprintf("%q is not there, or cannot be run", program)
	}
	return fmt.Sprintf("%q is not on your PATH", program)
}

// usable finds the agent that a bead is to be worked on with, and refuses one whose program is
// not there: its attempts would fail one after the other.
func (t *Town) usable(what, spec string) (agents.Preset, error) {
	p, _, err := t.preset(spec)
	if err != nil {
		return p, err
	}
	if program := t.absent(p); program != "" {
		return p, fault.Refusedf("%s: %s", what, notInstalled(p.Name, program)).
			WithHint("install it, or take another with --agent NAME or `gastown config set town.polecat NAME`; see: gastown agents list")
	}
	return p, nil
}

// chooseAgent is what helps where the agent that beads are to be worked on with is absent.
const chooseAgent = "install it, or choose another: gastown config set town.polecat NAME; see: gastown agents list"

// agentProblem is the usual agent where its program is absent: no polecat starts with it. all are the beads of the town.
func (t *Town) agentProblem(all []*beads.Bead) (p api.Problem, ok bool) {
	choices := t.choices(all)
	if t.settings().Town.Polecats == 0 || len(choices) == 0 || !choices[0].Usual || choices[0].Missing == "" {
		return p, false
	}
	name, _, _ := strings.Cut(choices[0].Spec, ":")
	return api.Problem{
		Key: kAgent + choices[0].Spec, Who: "polecats", What: "none can start: " + notInstalled(name, choices[0].Missing),
		Since: t.settingsAt(), Do: chooseAgent, Level: "failed",
	}, true
}

// lookAgain is when a program is looked for again that beads wait for.
const lookAgain = 5 * time.Second

// tellUnusable keeps a notice for each agent that beads wait for and that cannot start, and reports
// whether there are some. starting is held.
func (h *Host) tellUnusable(w agents.World) bool {
	now := map[string]string{}
	for _, c := range w.Candidates {
		if c.Err != "" {
			now[kAgent+c.Spec] = c.Err
		}
	}
	if maps.Equal(now, h.unusable) {
		return len(now) > 0
	}
	for _, key := range slices.Sorted(maps.Keys(h.unusable)) {
		if now[key] == "" {
			h.solved(key)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(now)) {
		if h.unusable[key] != now[key] {
			h.problem(key, "", "", "beads wait: "+now[key], chooseAgent)
		}
	}
	h.unusable = now
	return len(now) > 0
}
