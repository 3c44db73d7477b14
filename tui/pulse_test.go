package tui

import (
	"bytes"
	"io"
	"sync"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
)

// counter shows how often it was told to go on.
type counter struct {
	pulse *pulse
	n     int
}

type onMsg struct{}

func (c *counter) Init() tea.Cmd { return nil }

func (c *counter) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	if _, ok := msg.(onMsg); ok {
		c.n++
	}
	return c, nil
}

func (c *counter) View() tea.View {
	c.pulse.beat()
	return tea.NewView("count " + itoa(c.n))
}

// sheet keeps what is written and says so.
type sheet struct {
	mu   sync.Mutex
	text []byte
	ring chan struct{}
}

func (p *sheet) Write(b []byte) (int, error) {
	p.mu.Lock()
	p.text = append(p.text, b...)
	p.mu.Unlock()
	select {
	case p.ring <- struct{}{}:
	default:
	}
	return len(b), nil
}

func (p *sheet) await(t *testing.T, want string) {
	t.Helper()
	limit := time.NewTimer(10 * time.Second)
	defer limit.Stop()
	for {
		p.mu.Lock()
		found := bytes.Contains(p.text, []byte(want))
		p.mu.Unlock()
		if found {
			return
		}
		select {
		case <-p.ring:
		case <-limit.C:
			t.Fatalf("%q was never written: %q", want, p.text)
		}
	}
}

// A screen at rest makes no frames, and one soon after something happens.
func TestPulseRestsAndWakes(t *testing.T) {
	in, keep := io.Pipe()
	out := &sheet{ring: make(chan struct{}, 1)}
	c := &counter{pulse: &pulse{}}
	c.pulse.program = tea.NewProgram(c, tea.WithInput(in), tea.WithOutput(out), tea.WithEnvironment(plainEnv()), tea.WithoutSignalHandler(), tea.WithWindowSize(40, 5))
	ended := make(chan error, 1)
	go func() { _, err := c.pulse.program.Run(); ended <- err }()
	out.await(t, "count 0")
	for i, want := range []string{"1", "2", "3"} {
		atRest(t, c.pulse)
		if i == 1 {
			c.pulse.keyed()
		}
		c.pulse.program.Send(onMsg{})
		out.await(t, want)
	}
	c.pulse.program.Quit()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	c.pulse.end()
	c.pulse.beat() // a View after the end wakes nothing
	_ = keep.Close()
	if c.pulse.ticker == nil {
		t.Error("Bubble Tea has changed inside: its frames never rest")
	}
}

func atRest(t *testing.T, p *pulse) {
	t.Helper()
	limit, look := time.NewTimer(10*time.Second), time.NewTicker(5*time.Millisecond)
	defer limit.Stop()
	defer look.Stop()
	for {
		p.mu.Lock()
		resting := p.gap == restGap
		p.mu.Unlock()
		if resting {
			return
		}
		select {
		case <-look.C:
		case <-limit.C:
			t.Fatal("the frames go on though nothing happens")
		}
	}
}
