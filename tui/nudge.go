package tui

import (
	"context"

	tea "charm.land/bubbletea/v2"

	"gastown/internal/api"
)

// nudge is N: a message to the polecat, delivered as mail. Nothing is typed into its program;
// after that the person may have it pasted, and presses Enter there.
func (m *model) nudge() tea.Cmd {
	return m.onPolecat("tell", func(c *api.PolecatInfo) tea.Cmd {
		m.push(newNudge(c))
		return nil
	})
}

func newNudge(c *api.PolecatInfo) *promptDialog {
	name, key := c.Name, catKey(c)
	return &promptDialog{
		over:  func(m *model) string { return m.outcome(name, key) },
		title: "TELL " + clean(name), label: "message  ", foot: "Enter send", keepWhenEmpty: true,
		above: []string{"It goes as mail. The agent reads it when it looks (gastown mail inbox); nothing is typed into its terminal."},
		enter: func(m *model, text string) tea.Cmd {
			cmd := m.call("nudge "+name, func(ctx context.Context, d api.Doer) (string, error) {
				ack, err := api.PolecatNudge.Do(ctx, d, api.NudgeReq{Name: key, Text: text})
				return ack.Msg, err
			})
			if _, live := m.host.Terminal(key); live && cmd != nil {
				m.push(newPasteOffer(name, key, text))
			}
			return cmd
		},
	}
}

// newPasteOffer asks whether the message shall stand in the agent's own prompt too.
func newPasteOffer(name, key, text string) *askDialog {
	return &askDialog{
		over:  func(m *model) string { return m.outcome(name, key) },
		title: "PASTE IT INTO " + clean(name) + "'S TERMINAL TOO?",
		lines: []string{"You will see its terminal with the message pasted, not sent: look at what it shows, then press Enter there yourself."},
		yes:   "paste and look",
		run: func(m *model) tea.Cmd {
			if c := m.catByKey(key); c != nil && m.attach(c) {
				m.pasteTo(text)
			}
			return nil
		},
	}
}
