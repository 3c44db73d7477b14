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
		m.push(newNudge(c.Name))
		return nil
	})
}

func newNudge(name string) *promptDialog {
	return &promptDialog{
		title: "TELL " + clean(name), label: "message  ", foot: "Enter send", keepWhenEmpty: true,
		above: []string{"It goes as mail. The agent reads it when it looks (gastown mail inbox); nothing is typed into its terminal."},
		enter: func(m *model, text string) tea.Cmd {
			cmd := m.call("nudge "+name, func(ctx context.Context, d api.Doer) (string, error) {
				ack, err := api.PolecatNudge.Do(ctx, d, api.NudgeReq{Name: name, Text: text})
				return ack.Msg, err
			})
			if _, live := m.host.Terminal(name); live && cmd != nil {
				m.push(newPasteOffer(m, name, text))
			}
			return cmd
		},
	}
}

// newPasteOffer asks whether the message shall stand in the agent's own prompt too.
func newPasteOffer(m *model, name, text string) *askDialog {
	return &askDialog{
		title: "PASTE IT INTO " + clean(name) + "'S TERMINAL TOO?",
		lines: []string{"You will see its terminal with the message pasted, not sent: look at what it shows, then press Enter there yourself."},
		yes:   "paste and look",
		run: func(m *model) tea.Cmd {
			t, live := m.host.Terminal(name)
			if !live {
				m.refuse(clean(name) + " has no terminal now")
				return nil
			}
			m.term.attach(name)
			m.picture(true)
			m.setMode(typing)
			m.post(name, func() error { return t.Paste(text) })
			return nil
		},
	}
}
