package tui

import (
	"context"

	tea "charm.land/bubbletea/v2"

	"gastown/internal/api"
)

// nudge is N: a message to the polecat, delivered as mail. Nothing is typed into its program,
// unless the person has it pasted there as well, and presses Enter there.
func (m *model) nudge() tea.Cmd {
	return m.onPolecat("tell", func(c *api.PolecatInfo) tea.Cmd {
		m.push(newNudge(c))
		return nil
	})
}

func newNudge(c *api.PolecatInfo) *promptDialog {
	name, key := c.Name, catKey(c)
	mail := func(m *model, text string) tea.Cmd {
		return m.call("nudge "+name, func(ctx context.Context, d api.Doer) (string, error) {
			ack, err := api.PolecatNudge.Do(ctx, d, api.NudgeReq{Name: key, Text: text})
			return ack.Msg, err
		})
	}
	return &promptDialog{
		over:  func(m *model) string { return m.outcome(name, key) },
		title: "TELL " + clean(name), label: "message  ", foot: []string{"Enter send", "Ctrl-T send and paste", "Ctrl-O in $EDITOR"}, in: input{lines: true},
		key: "tell " + key, keepWhenEmpty: true,
		above: []string{
			"It goes as mail. The agent reads it when it looks (gastown mail inbox); nothing is typed into its terminal.",
			"Ctrl-T pastes it there too, unsent: look at what its terminal shows, then press Enter there yourself.",
		},
		enter: mail,
		also: func(m *model, text string) tea.Cmd {
			cmd := mail(m, text)
			if c := m.catByKey(key); cmd != nil && c != nil && m.attach(c) {
				m.pasteTo(text)
			}
			return cmd
		},
	}
}
