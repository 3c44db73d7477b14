package cli

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"gastown/beads"
	"gastown/internal/api"
	"gastown/internal/fault"
)

func (a *app) done() *cobra.Command {
	var result string
	c := command(a, api.Done, spec{
		use: "done", example: "gastown done\ngastown done --result 'use bbolt; see the comment on the bead'",
		long: "Submits the commits of this worktree to the merge queue. Refused (exit 4) while something is not\n" +
			"committed. A bead without code ends with --result.",
	}, func([]string) (api.DoneReq, error) {
		text, err := a.text(result)
		return api.DoneReq{Result: text}, err
	}, func(p *page, r api.Submitted) {
		p.line("%s", orElse(r.Msg, fmt.Sprintf("%s: attempt %d is submitted", r.Bead, r.Attempt)))
	})
	c.Flags().StringVar(&result, "result", "", "the result of a bead without code; - reads standard input")
	return c
}

func (a *app) escalate() *cobra.Command {
	var wait time.Duration
	var noWait bool
	var c *cobra.Command
	c = a.command(api.Escalate.Name(), spec{
		use: "escalate TEXT...", example: "gastown escalate 'may I change the public API?'\ngastown escalate 'which port?' --wait 10m",
		long: "Asks the Mayor or the person, waits for the answer and prints it, alone. With --wait, no answer in\n" +
			"time is exit code 1; the question stays.",
	}, func(ctx context.Context, args []string) error {
		req := api.EscalateReq{Wait: -1}
		switch given := c.Flags().Changed("wait"); {
		case given && noWait:
			return fault.Usagef("escalate: --wait and --no-wait exclude each other")
		case given:
			req.Wait = wait
		case noWait:
			req.Wait = 0
		}
		var err error
		if req.Text, err = a.text(args...); err != nil {
			return err
		}
		res, err := api.Escalate.Do(ctx, a.reach, req)
		if err != nil {
			return err
		}
		if a.json {
			err = writeJSON(a.env.Out, res, a.env.IsTTY)
		} else {
			err = a.showAnswer(res)
		}
		if err == nil && !res.Answered && req.Wait != 0 {
			return fault.Failf("escalate: no answer within %s", short(wait)).WithHint("the question stays; it is answered as soon as somebody looks")
		}
		return err
	})
	c.Flags().Var(durationFlag{&wait}, "wait", "wait at most so long (default: until it is answered)")
	c.Flags().BoolVar(&noWait, "no-wait", false, "do not wait for the answer")
	return c
}

// showAnswer keeps standard output for the answer.
func (a *app) showAnswer(res api.Escalated) error {
	p, to := a.page(), io.Writer(a.env.Out)
	if res.Answered {
		p.text("", res.Answer)
	} else {
		p.line("%s", orElse(res.Msg, "asked; no answer yet"))
		to = a.env.Err
	}
	return p.flush(to)
}

func (a *app) prime() *cobra.Command {
	return command(a, api.Prime, spec{use: "prime", example: "gastown prime"}, nothing,
		func(p *page, r api.Primed) { p.text("", r.Text) })
}

func (a *app) remember() *cobra.Command {
	c := command(a, api.Remember, spec{
		use: "remember TEXT...", example: "gastown remember 'the tests need a running redis'\ngastown remember list\ngastown remember forget 3",
		long: "Every later brief of an agent carries the fact.",
	}, func(args []string) (api.TextReq, error) {
		text, err := a.text(args...)
		return api.TextReq{Text: text}, err
	}, showAck)
	c.AddCommand(
		command(a, api.Facts, spec{use: "list", example: "gastown remember list"}, nothing, func(p *page, list []beads.Fact) {
			var rows [][]string
			for _, f := range list {
				rows = append(rows, []string{fmt.Sprint(f.N), orDash(f.By), p.title(f.Text)})
			}
			p.list("nothing is remembered", []string{"FACT", "BY", "TEXT"}, rows)
		}),
		command(a, api.Forget, spec{use: "forget FACT", example: "gastown remember forget 3"},
			func(args []string) (api.ForgetReq, error) {
				n, err := strconv.Atoi(args[0])
				if err != nil {
					return api.ForgetReq{}, fault.Usagef("remember forget: %q is not a fact's number", args[0]).WithHint("see: gastown remember list")
				}
				return api.ForgetReq{Number: n}, nil
			}, showAck),
	)
	return c
}

func (a *app) mail() *cobra.Command {
	return group("mail", "messages between you, the Mayor and polecats", "gastown mail send mayor 'stop after this one'\ngastown mail inbox",
		command(a, api.MailSend, spec{
			use: "send TO TEXT...", example: "gastown mail send mayor 'the login can wait'\ngastown mail send nux - < note.txt", complete: addressees,
		}, func(args []string) (api.MailSendReq, error) {
			text, err := a.text(args[1:]...)
			return api.MailSendReq{To: args[0], Text: text}, err
		}, func(p *page, m beads.Message) {
			p.line("message %d is sent to %s", m.ID, m.To)
		}),
		command(a, api.MailInbox, spec{
			use: "inbox [NAME]", example: "gastown mail inbox\ngastown mail inbox mayor", complete: addressees,
		}, named, func(p *page, list []beads.Message) {
			var rows [][]string
			for _, m := range list {
				rows = append(rows, []string{fmt.Sprint(m.ID), map[bool]string{true: "read", false: "new"}[m.Read], m.From, m.To, p.age(m.At), p.title(m.Text)})
			}
			p.list("no messages", []string{"ID", "", "FROM", "TO", "AGE", "TEXT"}, rows)
		}),
		command(a, api.MailRead, spec{use: "read ID", example: "gastown mail read 12"},
			func(args []string) (api.MailReadReq, error) {
				id, err := strconv.ParseUint(args[0], 10, 64)
				if err != nil {
					return api.MailReadReq{}, fault.Usagef("mail read: %q is not a message number", args[0])
				}
				return api.MailReadReq{ID: id}, nil
			}, func(p *page, m beads.Message) {
				p.line("from %s to %s, %s ago", m.From, m.To, p.age(m.At))
				p.line("")
				p.text("", m.Text)
			}),
	)
}
