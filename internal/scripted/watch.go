package scripted

import (
	"context"
	"fmt"
	"time"

	"gastown/beads"
	"gastown/internal/api"
	"gastown/internal/fault"
)

const (
	// eventWait is how long one question for news may stay open: below the minute after which
	// proxies and clients give idle connections up.
	eventWait = 50 * time.Second
	// eventRetry is waited when the town did not answer.
	eventRetry = time.Second
)

// watch tells of what happens in the town until ctx ends.
func (c *chat) watch(ctx context.Context) {
	seq, begun, silent := uint64(0), false, false
	for ctx.Err() == nil {
		req := api.EventsReq{Since: seq, Wait: eventWait}
		if !begun {
			req = api.EventsReq{Limit: 1} // what happened before is not news
		}
		events, err := api.GetEvents.Do(ctx, c.env.Doer, req)
		if err != nil {
			if ctx.Err() == nil && !silent {
				c.scr.notice("I do not hear from the town: %s", fault.From(err).Msg)
			}
			silent = true
			wait(ctx, eventRetry)
			continue
		}
		if silent {
			c.scr.notice("I hear from the town again.")
			silent = false
		}
		for _, ev := range events {
			seq = max(seq, ev.Seq)
			if begun {
				c.tell(ctx, ev)
			}
		}
		if !begun {
			begun = true
			c.openQuestions(ctx) // those asked before this process began
		}
	}
}

// openQuestions deals with what is being asked at this moment.
func (c *chat) openQuestions(ctx context.Context) {
	list, err := api.PolecatList.Do(ctx, c.env.Doer, api.Empty{})
	if err != nil {
		return // the watch will say so
	}
	for _, p := range list {
		if p.State == beads.Asking {
			c.asked(ctx, p.Bead, p.Name, p.Question)
		}
	}
}

// tell prints one event, when it is one a person wants to hear of.
func (c *chat) tell(ctx context.Context, ev beads.Event) {
	switch ev.Kind {
	case beads.EvAsked:
		c.asked(ctx, ev.Bead, ev.Polecat, ev.Text)
	case beads.EvConvoyChanged:
		if ev.Actor != "mayor" { // what the Mayor did it has said
			c.scr.notice("* %s", ev.Text)
		}
	case beads.EvLanded, beads.EvBeadClosed:
		c.scr.notice("+ %s", ev.Text)
	case beads.EvRejected:
		c.scr.notice("- %s", ev.Text)
	case beads.EvNeedsYou:
		c.scr.notice("! %s", ev.Text) // which names the bead
	case beads.EvHung:
		c.scr.notice("! the refinery of %s hangs: %s. Say \"fix the refinery\".", ev.Rig, ev.Text)
	}
}

// asked answers a polecat's question where the bead's own text says what to answer, and passes it
// on to the person where it does not.
func (c *chat) asked(ctx context.Context, id beads.ID, polecat, question string) {
	bead, err := api.BeadShow.Do(ctx, c.env.Doer, api.BeadReq{Bead: id})
	if err != nil {
		c.scr.notice("? %s asks: %s (I cannot read its bead: %s)", polecat, question, fault.From(err).Msg)
		return
	}
	attempt, inTerminal := 0, false
	if n := len(bead.Attempts); n > 0 {
		last := bead.Attempts[n-1]
		if last.State != beads.Asking {
			return // answered by someone else, or gone
		}
		attempt, inTerminal = last.N, last.AtTerminal != ""
		if last.Question != "" {
			question = last.Question
		}
	}
	if !c.first(fmt.Sprintf("%s/%d %s", id, attempt, question)) {
		return
	}
	if inTerminal {
		c.scr.notice("? %s (%s) asks in its terminal, t opens it: %s", polecat, id, question)
		return
	}
	c.scr.notice("? %s (%s) asks: %s", polecat, id, question)
	text, ok := mayorAnswer(bead.Description)
	if !ok {
		c.scr.notice("  Tell me: answer %s TEXT", polecat)
		return
	}
	if !c.env.rest(ctx) {
		return
	}
	if _, err := api.PolecatAnswer.Do(ctx, c.env.Doer, api.AnswerReq{Name: string(id), Text: text}); err != nil {
		c.scr.notice("  I could not answer: %s", fault.From(err).Msg)
		return
	}
	c.scr.notice("  I answered from the bead's Mayor-answer line: %s", text)
}

// first reports whether a question is heard of for the first time.
func (c *chat) first(key string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.answered[key] {
		return false
	}
	c.answered[key] = true
	return true
}
