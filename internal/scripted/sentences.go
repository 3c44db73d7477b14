package scripted

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"

	"gastown/beads"
	"gastown/internal/api"
	"gastown/refinery"
)

// sentence is one thing the Mayor understands.
type sentence struct {
	usage string // empty: another way to say the one before it
	help  string
	match func() *regexp.Regexp
	do    func(c *chat, ctx context.Context, args []string) error
}

// polite is what may stand before a wish.
const polite = `(?i)^(?:hey|hi|ok|mayor|please|can you|could you|tell me|now|then|so|[ ,:])*`

// The forms of the sentences, in the order they are tried.
var (
	reHelp     = lazy(polite + `(?:help|hello|\?|what can you do)?[ ?!.]*$`)
	reLook     = lazy(polite + `(?:have a |take a )?(?:look (?:at|into)|plan|read) +(?:the )?(?:file |spec )?["'` + "`" + `]?(.+?)["'` + "`" + `]?(?: in (?:rig )?([a-z0-9_-]+))?[ ?!.]*$`)
	rePolecats = lazy(polite + `(?:what|who|where|show|list).*(?:polecat|worker|working on).*$`)
	reGoing    = lazy(polite + `(?:what'?s|what is|whats) (?:going on|up|happening|new|the (?:status|state)).*$|^(?i)(?:show )?status[ ?!.]*$`)
	reSlingAll = lazy(polite + `sling (?:everything|all|every|whatever)(?: (?:that is|that's))?(?: ready)?[ ?!.]*$`)
	reSling    = lazy(polite + `(?:sling|start) +(.+?)[ ?!.]*$`)
	reFix      = lazy(polite + `(?:(?:fix|restart|repair|unstick|kick) +(?:the +)?refinery|the refinery (?:is|has|seems|looks).*(?:hung|stuck|hang|down|broken|stopped)).*$`)
	reAnswer   = lazy(polite + `(?:answer|tell) +(\S+?):? +(.+)$`)
	reWhy      = lazy(polite + `why +(?:is |does |has |did )?(?:bead )?(\S+?)[?!.,]*(?: .*)?$`)
	reKill     = lazy(polite + `(?:kill|stop) +(?:polecat )?(\S+?)[?!.,]*$`)
)

// sentences is the Mayor's whole vocabulary.
func sentences() []sentence {
	return []sentence{
		{"help", "this list", reHelp, func(c *chat, _ context.Context, _ []string) error { c.help(); return nil }},
		{"look at FILE", "plan a spec, make its beads and launch them", reLook, (*chat).lookAt},
		{"what are the polecats working on?", "each polecat and its bead", rePolecats, (*chat).polecats},
		{"what's going on?", "the town in a few lines", reGoing, (*chat).goingOn},
		{"sling everything ready", "give all ready beads to polecats", reSlingAll, (*chat).slingAll},
		{"sling ID...", "give these beads to polecats", reSling, (*chat).sling},
		{"fix the refinery", "restart what hangs, resume what is paused", reFix, (*chat).fixRefinery},
		{"answer NAME TEXT", "answer a polecat's question", reAnswer, (*chat).answer},
		{"why ID", "why a bead is not landed yet", reWhy, (*chat).why},
		{"kill NAME", "stop a polecat; its work is kept", reKill, (*chat).kill},
	}
}

func (c *chat) help() {
	for _, s := range sentences() {
		c.scr.say("  %s", s.usage)
		c.scr.say("      %s", s.help)
	}
}

// lookAt plans a spec, shows what is wrong with it or its waves, then makes and launches it.
func (c *chat) lookAt(ctx context.Context, args []string) error {
	req := api.PlanReq{Path: args[0], Rig: args[1]}
	plan, err := api.Plan.Do(ctx, c.env.Doer, req)
	if err != nil {
		return err
	}
	c.scr.say("%s: %d beads for rig %s (read from %s).", plan.Name, len(plan.Beads), plan.Rig, plan.Source)
	bad := 0
	for _, p := range plan.Problems {
		c.scr.say("  line %d: %s: %s", p.Line, p.Severity, p.Msg)
		if p.Severity == "error" {
			bad++
		}
	}
	if bad > 0 {
		c.scr.say("I make no beads of it before these errors are mended: agents would guess, and you would pay for the guesses.")
		return nil
	}
	c.waves(plan)
	if done, err := c.known(ctx, plan); done || err != nil {
		return err
	}
	if !c.env.rest(ctx) {
		return ctx.Err()
	}
	req.Apply, req.Launch = true, true
	made, err := api.Plan.Do(ctx, c.env.Doer, req)
	if err != nil {
		return err
	}
	c.scr.say("Made %d beads, convoy %q, and launched it: they start as they become ready.", len(made.Beads), made.Convoy)
	return nil
}

// known says whether the plan's convoy exists, and launches it when it waits: beads are not made twice.
func (c *chat) known(ctx context.Context, plan api.Planned) (bool, error) {
	convoys, err := api.ConvoyList.Do(ctx, c.env.Doer, api.Empty{})
	if err != nil {
		return false, err
	}
	for _, v := range convoys {
		if v.Name != plan.Name && v.Name != plan.Convoy {
			continue
		}
		if v.State != beads.ConvoyPlanned && v.State != beads.ConvoyPaused {
			c.scr.say("Its beads were made before: convoy %q is %s, %d of %d closed.", v.Name, v.State, v.Closed, v.Total)
			return true, nil
		}
		if _, err := api.ConvoyLaunch.Do(ctx, c.env.Doer, api.NameReq{Name: v.Name}); err != nil {
			return true, err
		}
		c.scr.say("Its beads were made before; I launched convoy %q.", v.Name)
		return true, nil
	}
	return false, nil
}

func (c *chat) waves(plan api.Planned) {
	titles := map[string]string{}
	for _, b := range plan.Beads {
		titles[b.Key] = b.Title
	}
	for i, wave := range plan.Waves {
		c.scr.say("wave %d", i+1)
		for _, key := range wave {
			c.scr.say("  %s: %s", key, beads.Clean(titles[key], 0))
		}
	}
}

func (c *chat) goingOn(ctx context.Context, _ []string) error {
	st, err := api.GetStatus.Do(ctx, c.env.Doer, api.Empty{})
	if err != nil {
		return err
	}
	n := st.Beads
	if n.Open+n.Working+n.Submitted+n.NeedsYou+n.Deferred+n.Closed == 0 {
		c.scr.say("Nothing: there are no beads. Say \"look at FILE\" with a spec.")
	} else {
		c.scr.say("%d beads: %d working, %d in the merge queue, %d ready, %d blocked, %d %s you, %d closed.",
			n.Open+n.Working+n.Submitted+n.NeedsYou+n.Deferred+n.Closed, n.Working, n.Submitted, n.Ready, n.Blocked, n.NeedsYou, map[bool]string{true: "needs", false: "need"}[n.NeedsYou == 1], n.Closed)
	}
	switch {
	case st.Frozen:
		c.scr.say("The town is frozen: polecats stand still, nothing new starts. \"gastown resume\" or P lets them go on.")
	case st.Paused:
		c.scr.say("The town is paused: nothing new starts.")
	}
	c.tellPolecats(st.Polecats)
	for _, r := range st.Rigs {
		line := fmt.Sprintf("%s: refinery %s", r.Name, r.Refinery.State)
		if r.Refinery.Phase != "" {
			line += " (" + r.Refinery.Phase + ", " + c.age(r.Refinery.Since) + ")"
		}
		if r.Refinery.Reason != "" {
			line += ": " + r.Refinery.Reason
		}
		line += fmt.Sprintf("; %d landed on %s", r.Landed, r.Branch)
		if r.Deliver == "none" {
			c.scr.say("%s, delivery is off.", line)
		} else {
			c.scr.say("%s, %d not delivered.", line, r.Undelivered)
		}
	}
	for _, l := range st.Limits {
		c.scr.say("%s is at its usage limit until %s.", l.Agent, l.Until.Local().Format("15:04"))
	}
	for _, p := range st.Problems {
		c.scr.say("! %s: %s", p.Who, p.What)
		if p.Do != "" {
			c.scr.say("    %s", p.Do)
		}
	}
	return nil
}

func (c *chat) polecats(ctx context.Context, _ []string) error {
	list, err := api.PolecatList.Do(ctx, c.env.Doer, api.Empty{})
	if err != nil {
		return err
	}
	if c.tellPolecats(list) == 0 {
		c.scr.say("No polecat is working.")
	}
	return nil
}

// tellPolecats prints one line for each polecat with live work and says how many those are.
func (c *chat) tellPolecats(list []api.PolecatInfo) int {
	live := 0
	for _, p := range list {
		if !p.State.Live() {
			continue
		}
		live++
		c.scr.say("%s %s %s/%d for %s: %s (%d commits, +%d -%d)",
			p.Name, p.State, p.Bead, p.Attempt, c.age(p.Since), p.Title, p.Commits, p.Added, p.Removed)
		if p.Question != "" {
			c.scr.say("    asks: %s", p.Question)
		}
	}
	return live
}

func (c *chat) slingAll(ctx context.Context, _ []string) error {
	ready, err := api.BeadReady.Do(ctx, c.env.Doer, api.BeadListReq{})
	if err != nil {
		return err
	}
	if len(ready) == 0 {
		c.scr.say("No bead is ready.")
		return nil
	}
	ids := make([]beads.ID, len(ready))
	for i, b := range ready {
		ids[i] = b.ID
	}
	return c.slingIDs(ctx, ids)
}

func (c *chat) sling(ctx context.Context, args []string) error {
	var ids []beads.ID
	for _, word := range strings.FieldsFunc(args[0], func(r rune) bool { return r == ' ' || r == ',' }) {
		if word != "and" {
			ids = append(ids, beads.ID(word))
		}
	}
	return c.slingIDs(ctx, ids)
}

func (c *chat) slingIDs(ctx context.Context, ids []beads.ID) error {
	slung, err := api.Sling.Do(ctx, c.env.Doer, api.SlingReq{Beads: ids})
	if err != nil {
		return err
	}
	for _, s := range slung {
		c.scr.say("%s: %s", s.Bead, s.Msg)
	}
	return nil
}

// fixRefinery does what each Refinery's state asks for and says what it did.
func (c *chat) fixRefinery(ctx context.Context, _ []string) error {
	list, err := api.RefineryStatus.Do(ctx, c.env.Doer, api.NameReq{})
	if err != nil {
		return err
	}
	for _, r := range list {
		switch {
		case r.Paused:
			if _, err := api.RefineryResume.Do(ctx, c.env.Doer, api.NameReq{Name: r.Rig}); err != nil {
				return fmt.Errorf("resume the refinery of %q: %w", r.Rig, err)
			}
			c.scr.say("%s: it was paused by hand; I resumed it.", r.Rig)
		case r.State == refinery.Hung, r.State == refinery.Failed, r.State == refinery.Paused, r.State == refinery.MainRed:
			if _, err := api.RefineryRestart.Do(ctx, c.env.Doer, api.NameReq{Name: r.Rig}); err != nil {
				return fmt.Errorf("restart the refinery of %q: %w", r.Rig, err)
			}
			c.scr.say("%s: it was %s for %s%s; I restarted it. The queue kept its order: %d waiting.",
				r.Rig, r.State, c.age(r.Since), because(r.Reason), len(r.Queue))
		case r.State == refinery.NoGates:
			c.scr.say("%s: it has no gates, so nothing lands. Only you can change that: add a gate, or accept landing without one.", r.Rig)
		default:
			c.scr.say("%s: nothing to fix, it is %s with %d in the queue.", r.Rig, r.State, len(r.Queue))
		}
	}
	if len(list) == 0 {
		c.scr.say("There is no rig, so there is no Refinery.")
	}
	return nil
}

func (c *chat) answer(ctx context.Context, args []string) error {
	ack, err := api.PolecatAnswer.Do(ctx, c.env.Doer, api.AnswerReq{Name: args[0], Text: args[1]})
	if err != nil {
		return err
	}
	c.scr.say("%s", ack.Msg)
	return nil
}

func (c *chat) why(ctx context.Context, args []string) error {
	res, err := api.Why.Do(ctx, c.env.Doer, api.BeadReq{Bead: beads.ID(args[0])})
	if err != nil {
		return err
	}
	c.scr.say("%s: %s", res.Bead, res.Why)
	if res.Hint != "" {
		c.scr.say("    %s", res.Hint)
	}
	return nil
}

func (c *chat) kill(ctx context.Context, args []string) error {
	res, err := api.PolecatKill.Do(ctx, c.env.Doer, api.KillReq{Name: args[0], Reason: "asked for in the Mayor's chat"})
	if err != nil {
		return err
	}
	c.scr.say("%s", res.Msg)
	return nil
}

// age is how long ago t was, in a person's words.
func (c *chat) age(t time.Time) string {
	if t.IsZero() {
		return "some time"
	}
	return c.env.Now().Sub(t).Round(time.Second).String()
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return " (" + reason + ")"
}

// lazy compiles a pattern when it is first used: every start of the program would pay for it.
func lazy(pattern string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
}
