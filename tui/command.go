package tui

import (
	"context"
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"gastown/agents"
	"gastown/beads"
	"gastown/internal/api"
)

// command is one row of the : table. Args is what may follow the name; with a bead or polecat
// missing, the selected one is meant.
type command struct {
	name, args, help string
	key              Intent                             // that does the same; None: there is none
	run              func(m *model, arg string) tea.Cmd // nil: the verb is performed, as the shell does
}

// allCommands is the table and, for every other verb, the verb itself.
func (m *model) allCommands() []command { return append(commands(), m.verbCommands()...) }

func (c command) usage() string { return strings.TrimSpace(c.name + " " + c.args) }

// commands is the table of : commands.
func commands() []command {
	return []command{
		{"restart refinery", "", "restart the Refinery", RestartRefinery, func(m *model, _ string) tea.Cmd { return m.restartRefinery(m.rigMeant()) }},
		{"restart mayor", "", "start the Mayor's agent again", None, func(m *model, _ string) tea.Cmd { return m.restartMayor() }},
		{"restart agent", "[POLECAT]", "restart a polecat's agent on the same work", RestartAgent, withCat((*model).askRestartAgent)},
		{"kill", "[POLECAT]", "kill a polecat, keep its work (asks)", Kill, withCat((*model).openKill)},
		{"sling", "[BEAD]", "give a bead to a polecat", Assign, withBead(func(m *model, id beads.ID) tea.Cmd { return m.sling(api.SlingReq{Beads: []beads.ID{id}}) })},
		{"revive", "[BEAD]", "bring killed work back", Revive, withBead(func(m *model, id beads.ID) tea.Cmd { return m.reviveWork(id, string(id)) })},
		{"reopen", "[BEAD]", "open a closed or stuck bead again", None, withBead(reopen)},
		{"drop", "[BEAD]", "close a bead as dropped (asks)", None, withBead(drop)},
		{"attach", "[POLECAT]", "type to a polecat", Attach, withCat(func(m *model, c *api.PolecatInfo) tea.Cmd { m.attach(c); return nil })},
		{"pause", "[RIG]", "start nothing new, in the town or one rig", PauseTown, func(m *model, rig string) tea.Cmd { return m.halt(rig, agents.Paused) }},
		{"freeze", "[RIG]", "polecats stand still after a checkpoint, in the town or one rig", None, func(m *model, rig string) tea.Cmd { return m.halt(rig, agents.Frozen) }},
		{"resume", "[RIG]", "end a pause or a freeze", None, func(m *model, rig string) tea.Cmd { return m.halt(rig, agents.Going) }},
		{"deliver", "[RIG]", "deliver what landed to the rig's own repository", None, deliver},
		{"ungated", "[RIG]", "accept landing without gates (asks)", None, ungated},
		{"diff", "[BEAD]", "what the attempt changed", ShowDiff, withBead(func(m *model, id beads.ID) tea.Cmd { return m.diffOf(id) })},
		{"edit", "[BEAD]", "edit a bead in $EDITOR", EditBead, withBead(func(m *model, id beads.ID) tea.Cmd { m.show(id); return m.editBead() })},
		{"convoys", "", "progress and waves", ShowConvoys, func(m *model, _ string) tea.Cmd { return m.run(ShowConvoys) }},
		{"cost", "", "what was spent", ShowCost, func(m *model, _ string) tea.Cmd { return m.run(ShowCost) }},
		{"log", "", "output of the gate", ShowLog, func(m *model, _ string) tea.Cmd { return m.run(ShowLog) }},
		{"problems", "", "what needs you", ShowProblems, func(m *model, _ string) tea.Cmd { return m.run(ShowProblems) }},
		{"events", "", "what happened", ShowEvents, func(m *model, _ string) tea.Cmd { return m.run(ShowEvents) }},
		{"undo", "", "take the last action back (30 s)", UndoLast, func(m *model, _ string) tea.Cmd { return m.undo() }},
		{"approve", "[BEAD]", "say yes to a change that waits for it (asks)", AnswerAsk, withBead(approveBead)},
		{"queue approve", "[BEAD]", "land a green merge request that waits for a person's yes (asks)", AnswerAsk, withBead(approveBead)},
		{"rig ungated", "[RIG]", "accept landing without gates (asks)", None, ungated},
		{"polecat attach", "POLECAT", "type to a polecat", Attach, withCat(func(m *model, c *api.PolecatInfo) tea.Cmd { m.attach(c); return nil })},
		{"mayor attach", "", "type to the Mayor", GoTerminal, func(m *model, _ string) tea.Cmd { m.backToMayor(); return nil }},
		{"polecat kill", "POLECAT|BEAD", "stop a polecat and keep its work on a rescue ref (asks)", Kill, withCat((*model).openKill)},
		{"send-key", "", "send Ctrl-] itself to the terminal", None, sendTownKey},
		{"quit", "", "quit (asks)", QuitDialog, func(m *model, _ string) tea.Cmd { return m.run(QuitDialog) }},
	}
}

func withCat(f func(*model, *api.PolecatInfo) tea.Cmd) func(*model, string) tea.Cmd {
	return func(m *model, arg string) tea.Cmd {
		if arg == "" {
			return m.onPolecat("do that to", func(c *api.PolecatInfo) tea.Cmd { return f(m, c) })
		}
		c := m.catNamed(arg)
		if c == nil {
			m.fail("no polecat "+arg+" is at work", "")
			return nil
		}
		return f(m, c)
	}
}

func withBead(f func(*model, beads.ID) tea.Cmd) func(*model, string) tea.Cmd {
	return func(m *model, arg string) tea.Cmd {
		if arg != "" {
			return f(m, beads.ID(arg))
		}
		return m.onBead(func(r beadRow) tea.Cmd { return f(m, r.bead.ID) })
	}
}

func reopen(m *model, id beads.ID) tea.Cmd {
	return m.call("reopen "+string(id), func(ctx context.Context, d api.Doer) (string, error) {
		b, err := api.BeadReopen.Do(ctx, d, api.BeadReq{Bead: id})
		return fmt.Sprintf("%s is %s", b.ID, b.Status), err
	})
}

func drop(m *model, id beads.ID) tea.Cmd {
	m.push(&askDialog{
		title: "DROP " + clean(string(id)) + "?",
		lines: []string{"It is closed as dropped; nobody works on it. u takes it back for 30 s, :reopen later."}, yes: "drop",
		run: func(m *model) tea.Cmd {
			return m.call("drop "+string(id), func(ctx context.Context, d api.Doer) (string, error) {
				_, err := api.BeadClose.Do(ctx, d, api.BeadCloseReq{Bead: id})
				return string(id) + " dropped", err
			})
		},
	})
	return nil
}

// rigArg is the named rig, else the only one or the selected row's.
func (m *model) rigArg(arg string) string {
	if arg == "" {
		if r := m.rigMeant(); r != nil {
			return r.Rig
		}
	}
	return arg
}

func deliver(m *model, arg string) tea.Cmd {
	rig := m.rigArg(arg)
	return m.call("deliver "+rig, func(ctx context.Context, d api.Doer) (string, error) {
		r, err := api.RigDeliver.Do(ctx, d, api.NameReq{Name: rig})
		if err == nil && r.Reason != "" {
			return fmt.Sprintf("%d landed, not delivered: %s", r.Undelivered, r.Reason), nil
		}
		return fmt.Sprintf("%d delivered", r.Delivered), err
	})
}

func ungated(m *model, arg string) tea.Cmd {
	rig := m.rigArg(arg)
	m.push(&askDialog{
		title: "LAND WITHOUT GATES IN " + clean(rig) + "?",
		lines: []string{asksUngated},
		yes:   "land ungated",
		run: func(m *model) tea.Cmd {
			return m.call("ungated "+rig, func(ctx context.Context, d api.Doer) (string, error) {
				_, err := api.RigUngated.Do(ctx, d, api.RigUngatedReq{Name: rig, Ungated: true})
				return rig + " lands without gates", err
			})
		},
	})
	return nil
}

func sendTownKey(m *model, _ string) tea.Cmd {
	t := m.term.from
	if t == nil {
		m.refuse("no terminal is here")
		return nil
	}
	m.post(m.term.name, func() error { return t.Send([]byte{0x1d}) })
	m.setMode(typing)
	return nil
}
