package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"

	"gastown/beads"
	"gastown/internal/api"
	"gastown/internal/fault"
)

func (a *app) plan() *cobra.Command {
	var req api.PlanReq
	var check, template bool
	c := a.command(api.Plan.Name(), spec{
		use: "plan [FILE|-]",
		long: "Turns a spec into beads. Without --apply it prints the plan and what is wrong with the spec, and\n" +
			"changes nothing; a spec with errors makes the exit code 1.",
		example: "gastown plan --template > spec.md\ngastown plan spec.md\ngastown plan spec.md --apply\n" +
			"gastown plan spec.md --rig myapp --launch    # make the beads and let them start",
		complete: files,
	}, func(ctx context.Context, args []string) error {
		if template {
			return a.template()
		}
		if len(args) == 0 {
			return fault.Usagef("plan: FILE is missing").
				WithHint("usage: gastown plan FILE|-; `gastown plan --template` prints a skeleton")
		}
		if check && (req.Apply || req.Launch) {
			return fault.Usagef("plan: --check changes nothing; it does not go with --apply or --launch")
		}
		if err := a.spec(args[0], &req); err != nil {
			return err
		}
		req.Apply = req.Apply || req.Launch
		res, err := api.Plan.Do(ctx, a.reach, req)
		if err != nil {
			return err
		}
		show := showPlan
		if check {
			show = showProblems
		}
		if err := answer(a, res, show); err != nil {
			return err
		}
		if n := planErrors(res); n > 0 {
			return fault.Failf("plan %q: %s in its structure", args[0], beads.Count(n, "error"))
		}
		return nil
	})
	f := c.Flags()
	f.StringVar(&req.Rig, "rig", "", "the rig of its beads (default: the only one)")
	f.BoolVar(&check, "check", false, "only check the structure")
	f.BoolVar(&req.Apply, "apply", false, "make the beads and a convoy of them")
	f.BoolVar(&req.Launch, "launch", false, "and launch the convoy (implies --apply)")
	f.BoolVar(&req.Again, "again", false, "make the beads although they were made before")
	f.BoolVar(&template, "template", false, "print the skeleton of a spec")
	a.completeFlag(c, "rig", rigs)
	return c
}

func (a *app) template() error {
	if a.json {
		return writeJSON(a.env.Out, map[string]string{"template": a.env.Template}, a.env.IsTTY)
	}
	if _, err := io.WriteString(a.env.Out, a.env.Template); err != nil {
		return fault.Failf("write the answer: %w", err)
	}
	return nil
}

// spec fills in the text of a file that is here; any other path is for the town to look
// up, in the rig's main and the person's checkout.
func (a *app) spec(name string, req *api.PlanReq) error {
	data, err := a.read(name)
	switch {
	case err == nil:
		req.Text = data
		if len(data) == 0 {
			return fault.Usagef("plan %q: the file is empty", name).WithHint("`gastown plan --template` prints a skeleton")
		}
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if name != "-" {
		req.Path = name
	}
	return nil
}

func planErrors(r api.Planned) int {
	n := 0
	for _, p := range r.Problems {
		if p.Severity == "error" {
			n++
		}
	}
	return n
}

func showPlan(p *page, r api.Planned) {
	p.line("%s  %s for %s%s", r.Name, beads.Count(len(r.Beads), "bead"), orDash(r.Rig), prefixed(", from ", r.Source))
	ids := map[string]string{} // by key, once they are made
	for _, b := range r.Beads {
		if b.ID != "" {
			ids[b.Key] = string(b.ID)
		}
	}
	wave := map[string]int{}
	for i, keys := range r.Waves {
		for _, k := range keys {
			wave[k] = i + 1
		}
	}
	var rows [][]string
	for _, b := range r.Beads {
		needs := make([]string, len(b.Needs))
		for i, n := range b.Needs {
			needs[i] = cmp.Or(ids[n], n)
		}
		rows = append(rows, []string{
			fmt.Sprint(wave[b.Key]), cmp.Or(ids[b.Key], b.Key), fmt.Sprintf("P%d", b.Priority), b.Type, strings.Join(needs, ","), p.title(b.Title),
		})
	}
	if len(rows) > 0 {
		p.line("")
		p.table("", []string{"WAVE", "BEAD", "PRI", "TYPE", "NEEDS", "TITLE"}, rows)
	}
	p.line("")
	showProblems(p, r)
	switch {
	case r.Launched:
		p.line("convoy %s is launched", r.Convoy)
	case r.Applied:
		p.line("convoy %s is made; `gastown convoy launch %s` starts it", r.Convoy, typed(r.Convoy))
	case planErrors(r) == 0:
		p.line("nothing is made yet; --apply makes the beads, --launch starts them too")
	}
}

func showProblems(p *page, r api.Planned) {
	for _, pr := range r.Problems {
		p.line("%s:%d: %s: %s", orDash(r.Source), pr.Line, pr.Severity, pr.Msg)
	}
	if len(r.Problems) == 0 {
		p.line("no problems")
	}
}

func (a *app) convoy() *cobra.Command {
	return group("convoy", "named sets of beads", "gastown convoy create login ma-x1f ma-abc\ngastown convoy launch login",
		a.convoyCreate(),
		command(a, api.ConvoyAdd, spec{
			use: "add CONVOY BEAD...", example: "gastown convoy add login ma-x1f ma-abc", complete: convoyThenBeads,
		}, func(args []string) (api.ConvoyCreateReq, error) {
			return api.ConvoyCreateReq{Name: args[0], Beads: beadIDs(args[1:])}, nil
		}, showConvoy),
		command(a, api.ConvoyList, spec{use: "list", example: "gastown convoy list"}, nothing, showConvoys),
		command(a, api.ConvoyShow, spec{use: "show CONVOY", example: "gastown convoy show login", complete: convoys}, named, showConvoy),
		command(a, api.ConvoyLaunch, spec{use: "launch CONVOY", example: "gastown convoy launch login", complete: convoys}, named, showConvoy),
		command(a, api.ConvoyPause, spec{use: "pause CONVOY", example: "gastown convoy pause login", complete: convoys}, named, showConvoy),
	)
}

func (a *app) convoyCreate() *cobra.Command {
	var req api.ConvoyCreateReq
	var branch string
	c := command(a, api.ConvoyCreate, spec{
		use: "create NAME [BEAD]...", complete: convoyThenBeads,
		example: "gastown convoy create login ma-x1f ma-abc\ngastown convoy create login --from ma-epic",
	}, func(args []string) (api.ConvoyCreateReq, error) {
		if branch != "" { // silence would land on main what was to stay off it
			return req, fault.Usagef("convoy create: there is no --branch yet: its beads land on the branch of their rig").
				WithHint("to keep work off that one, give it a rig of its own: gastown rig add NAME PATH --branch %s", branch)
		}
		req.Name = args[0]
		if len(args) > 1 {
			req.Beads = beadIDs(args[1:])
		}
		return req, nil
	}, showConvoy)
	c.Flags().StringVar((*string)(&req.From), "from", "", "add the children of this `bead`")
	c.Flags().StringVar(&branch, "branch", "", "")
	_ = c.Flags().MarkHidden("branch") // it is there
	a.completeFlag(c, "from", beadNames)
	return c
}

func showConvoys(p *page, list []api.Convoy) {
	var rows [][]string
	for _, c := range list {
		rows = append(rows, []string{c.Name, string(c.State), fmt.Sprintf("%d/%d", c.Closed, c.Total), fmt.Sprint(len(c.Waves)), p.age(c.CreatedAt)})
	}
	p.list("no convoys", []string{"CONVOY", "STATE", "CLOSED", "WAVES", "AGE"}, rows)
}

func showConvoy(p *page, c api.Convoy) {
	p.line("%s  %s, %d of %d closed", c.Name, c.State, c.Closed, c.Total)
	p.field("branch", "%s", prefixed("its beads land on that of their rig, not on ", c.Branch))
	for i, wave := range c.Waves {
		p.field(fmt.Sprintf("wave %d", i+1), "%s", ids(wave))
	}
	if len(c.Waves) == 0 {
		p.field("beads", "%s", ids(c.Beads))
	}
	if c.State == beads.ConvoyPlanned && c.Total > 0 {
		p.field("next", "`gastown convoy launch %s`", typed(c.Name))
	}
}

func (a *app) sling() *cobra.Command {
	var req api.SlingReq
	c := command(a, api.Sling, spec{
		use: "sling BEAD...", example: "gastown sling ma-x1f\ngastown sling ma-x1f ma-abc --agent claude\ngastown sling ma-x1f --polecat nux",
		long: "Gives beads to polecats. Without a running host, or where a bead must wait, the wish is recorded.", complete: beadNames,
	}, func(args []string) (api.SlingReq, error) {
		req.Beads = beadIDs(args)
		return req, nil
	}, func(p *page, list []api.Slung) {
		for _, s := range list {
			showSlung(p, s)
		}
	})
	c.Flags().StringVar(&req.Agent, "agent", "", "`PRESET[:MODEL]` that works on them")
	c.Flags().StringVar(&req.Polecat, "polecat", "", "the polecat, by name")
	a.completeFlag(c, "polecat", polecats)
	a.completeFlag(c, "agent", presets)
	return c
}

func showSlung(p *page, s api.Slung) {
	p.line("%s  %s", s.Bead, s.Msg)
	if len(s.Warnings) > 0 {
		p.line("  the agent will have to guess: %s (gastown bead update %s --help)", strings.Join(s.Warnings, "; "), s.Bead)
	}
}
