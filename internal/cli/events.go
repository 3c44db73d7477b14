package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"gastown/beads"
	"gastown/internal/api"
	"gastown/internal/wire"
)

const (
	// pollWait is how long one call of events -f waits at the host.
	pollWait = 30 * time.Second
	// pollGap keeps a host that answers at once with nothing from being asked in a circle.
	pollGap = 100 * time.Millisecond
	// followed is how many past events -f begins with, as tail does.
	followed = 10
	// usual is how many are shown where nobody says.
	usual = 200
)

func (a *app) events() *cobra.Command {
	var req api.EventsReq
	var since string
	var follow bool
	var c *cobra.Command
	c = a.command(api.GetEvents.Name(), spec{
		use:     "events",
		example: "gastown events --since 2h\ngastown events -f --by mayor\ngastown events --bead ma-x1f --json",
		long:    "Prints what happened, oldest first. --since takes a duration, an RFC 3339 time, a day or a sequence\nnumber. With -f it goes on until interrupted; with --json that is one event a line.",
	}, func(ctx context.Context, _ []string) error {
		if err := parseSince(since, a.env.Now(), &req); err != nil {
			return err
		}
		if follow {
			if since == "" && !c.Flags().Changed("limit") {
				req.Limit = followed
			}
			return a.follow(ctx, req)
		}
		unsaid := req.Limit == 0
		if unsaid {
			req.Limit = usual + 1 // one more tells that there are more
		}
		list, err := api.GetEvents.Do(ctx, a.reach, req)
		if err != nil {
			return err
		}
		cut := unsaid && len(list) > usual
		if cut {
			list = list[len(list)-usual:]
		}
		if err := answer(a, list, showEvents); err != nil || !cut || a.json {
			return err
		}
		_, err = fmt.Fprintf(a.env.Err, "these are the newest %d; --limit N shows more\n", usual)
		return err
	})
	f := c.Flags()
	f.BoolVarP(&follow, "follow", "f", false, "go on with what happens next")
	f.StringVar(&since, "since", "", "a duration, an RFC 3339 time, a day or a sequence number")
	f.StringVar(&req.By, "by", "", "only this actor's: you, mayor, a polecat")
	f.StringVar((*string)(&req.Bead), "bead", "", "only this `bead`'s")
	f.IntVar(&req.Limit, "limit", 0, "the newest so many (default 200)")
	a.completeFlag(c, "bead", beadNames)
	a.completeFlag(c, "by", addressees)
	return c
}

// follow needs the host: alone it would hold the store's lock for as long as it looks.
func (a *app) follow(ctx context.Context, req api.EventsReq) error {
	doer, err := a.reach.host()
	if err != nil {
		return err
	}
	for {
		asked := time.Now()
		list, err := api.GetEvents.Do(ctx, doer, req)
		switch {
		case interrupted(ctx, err):
			return nil
		case errors.Is(err, wire.ErrNobody):
			return noHost("events -f", err)
		case err != nil:
			return err
		}
		if err := a.printEvents(list); err != nil {
			return err
		}
		if len(list) > 0 {
			req.Since, req.After = list[len(list)-1].Seq, time.Time{}
		}
		req.Wait, req.Limit = pollWait, 0
		if len(list) > 0 || time.Since(asked) > pollGap {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pollGap):
		}
	}
}

func (a *app) printEvents(list []beads.Event) error {
	if !a.json {
		p := a.page()
		eventLines(p, list)
		return p.flush(a.env.Out)
	}
	for _, e := range list {
		if err := writeJSON(a.env.Out, e, false); err != nil {
			return err
		}
	}
	return nil
}

func showEvents(p *page, list []beads.Event) {
	if len(list) == 0 {
		p.line("no such events")
		return
	}
	eventLines(p, list)
}

// eventLines keeps to fixed widths, so that the lines of -f align with those before.
func eventLines(p *page, list []beads.Event) {
	for _, e := range list {
		at := e.At.Local().Format("15:04:05")
		if p.now.Sub(e.At) > 24*time.Hour {
			at = e.At.Local().Format("01-02 15:04")
		}
		subject := string(e.Bead)
		if e.Attempt > 0 {
			subject += "/" + strconv.Itoa(e.Attempt)
		}
		if subject == "" {
			subject = e.Rig
		}
		text := e.Text
		if e.Reason != "" {
			text += " (" + e.Reason + ")"
		}
		p.line("%5d  %-11s  %-8s  %-20s  %-10s  %s", e.Seq, at, e.Actor, e.Kind, subject, text)
	}
}
