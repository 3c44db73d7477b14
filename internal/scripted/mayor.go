package scripted

import (
	"bufio"
	"context"
	"errors"
	"strings"
	"sync"

	"gastown/beads"
	"gastown/internal/fault"
)

// maxLine is the longest line read from the terminal; the kernel's own limit is 4,096 bytes.
const maxLine = 64 << 10

// chat is one conversation of the Mayor.
type chat struct {
	env Env
	scr *screen

	mu       sync.Mutex
	answered map[string]bool // questions dealt with, by attempt and text
}

// Mayor talks with the person at the terminal until its input or ctx ends. It also watches the
// town's events, which costs no polling, and tells of what matters.
//
// The goroutine that reads In ends with In: a read of a terminal cannot be interrupted. When ctx
// ends first, it is left to the end of the process.
func Mayor(ctx context.Context, env Env) error {
	env, err := env.ready()
	if err != nil {
		return err
	}
	if env.In == nil {
		return errors.New("scripted agent: input missing")
	}
	c := &chat{env: env, scr: &screen{out: env.Out}, answered: map[string]bool{}}
	c.scr.say("I am the built-in Mayor: a script, no model. I know a few sentences and hold the town's levers.")
	c.scr.say("Say \"look at FILE\" with a spec to begin, or \"help\".")
	c.scr.prompt()

	ctx, cancel := context.WithCancel(ctx)
	var watching sync.WaitGroup
	watching.Go(func() { c.watch(ctx) })
	defer watching.Wait()
	defer cancel()

	lines := make(chan string)
	go read(ctx, env, lines)
	for {
		select {
		case <-ctx.Done():
			return nil
		case line, ok := <-lines:
			if !ok {
				return nil
			}
			c.scr.entered()
			c.hear(ctx, line)
			c.scr.prompt()
		}
	}
}

func read(ctx context.Context, env Env, lines chan<- string) {
	defer close(lines)
	scan := bufio.NewScanner(env.In)
	scan.Buffer(make([]byte, 0, bufio.MaxScanTokenSize), maxLine)
	for scan.Scan() {
		select {
		case lines <- scan.Text():
		case <-ctx.Done():
			return
		}
	}
}

// hear answers one line.
func (c *chat) hear(ctx context.Context, line string) {
	line = beads.Clean(strings.ReplaceAll(line, "’", "'"), 0)
	if line == "" {
		return
	}
	for _, s := range sentences() {
		m := s.match().FindStringSubmatch(line)
		if m == nil {
			continue
		}
		if err := s.do(c, ctx, m[1:]); err != nil {
			c.complain(err)
		}
		return
	}
	c.scr.say("I am a script and do not understand that. What I understand:")
	c.help()
}

// complain shows an error as a person should see it.
func (c *chat) complain(err error) {
	f := fault.From(err)
	c.scr.say("That did not work: %s", f.Msg)
	if f.Hint != "" {
		c.scr.say("  %s", f.Hint)
	}
}
