package cli

import (
	"bufio"
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"gastown/internal/api"
	"gastown/internal/fault"
)

// uninstall works on the files of a town that nobody has open: it is no verb of the table.
func (a *app) uninstall() *cobra.Command {
	yes := false
	c := a.command("", spec{
		use: "uninstall", short: "remove the town and what gastown keeps outside of it", example: "gastown uninstall\ngastown uninstall --town ~/towns/work --yes",
		long: "Says what would go: the town with its clones, its entries in the list of towns, and that list if it is empty then;\n" +
			"and what would be lost with it, such as work that is nowhere else. Then it asks. Your own checkouts are not touched.",
	}, func(ctx context.Context, _ []string) error {
		town, err := a.env.findTown(a.town)
		if err != nil {
			return err
		}
		r, err := a.env.Uninstall(ctx, town, false)
		if err != nil {
			return err
		}
		if !yes {
			if a.json || !a.env.IsTTY {
				return fault.Refusedf("uninstall: nothing was removed; with %s would go: %s", r.Town, orElse(strings.Join(r.Lost, "; "), "nothing that is not elsewhere too")).
					WithHint("--yes removes it without asking")
			}
			if err := a.agree(r); err != nil {
				return err
			}
		}
		if r, err = a.env.Uninstall(ctx, town, true); err != nil {
			return err
		}
		return answer(a, r, func(p *page, r api.Removal) {
			p.line("the town %s is removed", r.Town)
			p.line("the program is yours to remove: rm %s", typed(r.Program))
		})
	})
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return c
}

// agree says what would go and asks.
func (a *app) agree(r api.Removal) error {
	p := a.page()
	p.line("This would go:")
	for _, path := range r.Remove {
		p.line("  %s", path)
	}
	if r.Listed > 0 {
		p.line("  %s in the list of towns", countVerb(r.Listed, "entry", "entries"))
	}
	if len(r.Lost) > 0 {
		p.line("and with it what is nowhere else:")
		for _, what := range r.Lost {
			p.line("  %s", what)
		}
	}
	if r.Stays != "" {
		p.line("%s stays: it has other files, too.", r.Stays)
	}
	p.line("Your own checkouts and this program (%s) stay.", r.Program)
	if err := p.flush(a.env.Out); err != nil {
		return err
	}
	fmt.Fprint(a.env.Out, "Type yes to remove it: ")
	text, err := bufio.NewReader(a.env.In).ReadString('\n')
	if err != nil || strings.TrimSpace(text) != "yes" {
		return fault.Refusedf("uninstall: nothing was removed")
	}
	return nil
}
