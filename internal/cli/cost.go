package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"gastown/internal/api"
	"gastown/internal/fault"
)

func (a *app) cost() *cobra.Command {
	var req api.CostReq
	since := ""
	c := command(a, api.Cost, spec{
		use: "cost", example: "gastown cost\ngastown cost --by day --since 7d",
		long: "Sums up what was spent: attempts, the time they were at work, and the tokens and dollars that their\n" +
			"agents told of. What an agent does not tell is not known and not guessed.",
	}, func([]string) (api.CostReq, error) {
		if since == "" {
			return req, nil
		}
		at, ok := parseTime(since, a.env.Now().Location())
		if !ok {
			d, err := parseDuration(since)
			if err != nil {
				return req, fault.Usagef("cost: --since %q: want a duration (7d), a time (RFC 3339) or a day", since)
			}
			at = a.env.Now().Add(-d)
		}
		req.After = at
		return req, nil
	}, func(p *page, list []api.Spent) { showCost(p, list, req.By) })
	c.Flags().StringVar(&req.By, "by", "bead", "what is summed up: "+strings.Join(api.CostKeys(), ", "))
	c.Flags().StringVar(&since, "since", "", "only attempts since then: a duration, a time or a day")
	a.completeFlag(c, "by", costKeys)
	return c
}

func showCost(p *page, list []api.Spent, by string) {
	if len(list) == 0 {
		p.line("no polecat has worked")
		return
	}
	var rows [][]string
	told := false
	for _, s := range list {
		told = told || s.CostUSD != nil || s.Tokens != nil
		rows = append(rows, []string{s.Name, fmt.Sprint(s.Attempts), short(s.Time), partly(tokens(s.Tokens), s), partly(cost(s.CostUSD), s), p.title(s.Title)})
	}
	p.table("", []string{strings.ToUpper(by), "ATTEMPTS", "AT WORK", "TOKENS", "COST", "TITLE"}, rows)
	p.line("")
	if told {
		p.line("as the agents tell it; +: some attempts do not tell. What the Mayor spends is not in it")
	} else {
		p.line("no agent told its tokens or its cost; what the Mayor spends is not known either")
	}
}

// partly marks a sum in which some attempts are missing.
func partly(sum string, s api.Spent) string {
	if sum != "" && s.Unsaid {
		return sum + "+"
	}
	return sum
}
