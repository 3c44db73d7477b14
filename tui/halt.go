package tui

import (
	"context"
	"strings"

	tea "charm.land/bubbletea/v2"

	"gastown/agents"
	"gastown/internal/api"
)

// haltOf is what a person said of the town, or with a name of that rig alone.
func (m *model) haltOf(rig string) agents.Halt {
	s := m.facts.view.Status
	paused, frozen := s.Paused, s.Frozen
	if rig != "" {
		paused, frozen = false, false
		for _, r := range s.Rigs {
			if r.Name == rig {
				paused, frozen = r.Paused, r.Frozen
			}
		}
	}
	switch {
	case frozen:
		return agents.Frozen
	case paused:
		return agents.Paused
	}
	return agents.Going
}

// haltShown is the halt that matters to what is shown: the town's, or that of the rig that is shown alone.
func (m *model) haltShown() agents.Halt {
	h := m.haltOf("")
	if m.rig != "" {
		h = m.haltOf(m.rig).With(h)
	}
	return h
}

// haltWord is a halt as the screen shouts it.
func haltWord(h agents.Halt) string { return strings.ToUpper(string(h)) }

// cycleHalt is P: running, paused, frozen, running; of the rig that is shown alone, else of the town.
func (m *model) cycleHalt() tea.Cmd {
	next := map[agents.Halt]agents.Halt{agents.Going: agents.Paused, agents.Paused: agents.Frozen}
	return m.halt(m.rig, next[m.haltOf(m.rig)])
}

// halt pauses or freezes the town or one rig, or lets it go on. What P does next stands at the foot.
func (m *model) halt(rig string, to agents.Halt) tea.Cmd {
	verb, label := api.Resume, "resume"
	switch to {
	case agents.Paused:
		verb, label = api.Pause, "pause"
	case agents.Frozen:
		verb, label = api.Freeze, "freeze"
	case agents.Going:
	}
	if rig != "" {
		label += " " + rig
	}
	return m.call(label, func(ctx context.Context, d api.Doer) (string, error) {
		ack, err := verb.Do(ctx, d, api.NameReq{Name: rig})
		return ack.Msg, err
	})
}

// haltedRigs names the rigs that are halted beside the town: site PAUSED.
func (m *model) haltedRigs() string {
	var out []string
	for _, r := range m.facts.view.Status.Rigs {
		if h := m.haltOf(r.Name); h != agents.Going {
			out = append(out, clean(r.Name)+" "+haltWord(h))
		}
	}
	return strings.Join(out, ", ")
}

// frozenTerminal reports whether the program of a terminal stands still, so that it reads nothing.
func (m *model) frozenTerminal(key string) bool {
	c := m.catByKey(key)
	return c != nil && c.Frozen
}

// refuseFrozen says why nothing is typed to a program that stands still.
func (m *model) refuseFrozen(name string) {
	m.refuse(clean(name) + " is frozen and reads nothing; P on the board lets it go on")
}
