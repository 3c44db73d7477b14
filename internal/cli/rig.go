package cli

import (
	"context"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"gastown/beads"
	"gastown/internal/api"
	"gastown/internal/fault"
	"gastown/refinery"
)

func (a *app) rig() *cobra.Command {
	return group("rig", "projects: one git repository each", "gastown rig add myapp ~/src/myapp --gate 'go test ./...'\ngastown rig list",
		a.rigAdd(),
		command(a, api.RigList, spec{use: "list", example: "gastown rig list"}, nothing, showRigs),
		command(a, api.RigShow, spec{use: "show [RIG]", example: "gastown rig show myapp", complete: rigs}, named, showRig),
		a.rigCheck(),
		a.rigFetch(),
		a.rigDeliver(),
		command(a, api.RigRemove, spec{use: "remove RIG", example: "gastown rig remove myapp", complete: rigs}, named, showAck),
		a.rigGate(),
		a.rigUngated(),
	)
}

func (a *app) rigAdd() *cobra.Command {
	var req api.RigAddReq
	var gates []string
	c := command(a, api.RigAdd, spec{
		use: "add NAME PATH|URL",
		long: "Clones a repository into the town. Your own checkout is not touched, unless --deliver asks for it.\n" +
			"Nothing is merged before there is a gate, or --ungated says that none is wanted.",
		example: "gastown rig add myapp ~/src/myapp --gate 'go test ./...'\n" +
			"gastown rig add site git@example.com:me/site.git --gate lint='npm run lint' --gate test='npm test' --setup 'npm ci'",
		complete: files,
	}, func(args []string) (api.RigAddReq, error) {
		req.Name, req.Source = args[0], args[1]
		if req.Source != "" && !isURL(req.Source) {
			req.Source = filepath.Clean(a.abs(req.Source))
		}
		var err error
		req.Gates, err = parseGates(gates)
		return req, err
	}, showRigAdded)
	f := c.Flags()
	f.StringVar(&req.Branch, "branch", "", "the branch to land on (default: the repository's)")
	f.StringVar(&req.Prefix, "prefix", "", "prefix of bead ids (default: from the name)")
	f.StringArrayVar(&gates, "gate", nil, "a command that must pass, as `NAME=CMD` or CMD; repeatable, in order")
	f.StringVar(&req.Setup, "setup", "", "a `command` to run in every new worktree")
	f.StringVar(&req.Deliver, "deliver", "", "what landed goes to: none, checkout, push or pr")
	f.BoolVar(&req.Ungated, "ungated", false, "land without gates")
	f.StringVar(&req.Permissions, "permissions", "", "what agents do unasked: edits (and the rig's own commands), or bypass: everything")
	return c
}

// rigCheck fails where the gates do, after it has said how.
func (a *app) rigCheck() *cobra.Command {
	return a.command(api.RigCheck.Name(), spec{use: "check [RIG]", example: "gastown rig check myapp", complete: rigs},
		func(ctx context.Context, args []string) error {
			req, err := named(args)
			if err != nil {
				return err
			}
			r, err := api.RigCheck.Do(ctx, a.reach, req)
			if err != nil {
				return err
			}
			if err := answer(a, r, showRigChecked); err != nil || r.Green {
				return err
			}
			if len(r.Runs) == 0 {
				return fault.Failf("rig %q: it has no gates to try", r.Rig).
					WithHint("add one: gastown rig gate %[1]s 'COMMAND'; or accept landing without: gastown rig ungated %[1]s", r.Rig)
			}
			last := r.Runs[len(r.Runs)-1]
			if last.Outcome == refinery.Broken {
				return fault.Failf("rig %q: gate %q cannot run on its main, so nothing lands", r.Rig, last.Name).
					WithHint("mend what it says: the rig's setup (gastown config set rig.%[1]s.setup 'COMMAND') or what the gate needs; then: gastown rig check %[1]s", r.Rig)
			}
			return fault.Failf("rig %q: gate %q is not green on its main, so nothing lands", r.Rig, last.Name).
				WithHint("mend it there, or change the gate: gastown config set rig.%s.gate.%s.run 'COMMAND'; then: gastown rig check %s", r.Rig, last.Name, r.Rig)
		})
}

// rigDeliver fails where something is left to be delivered, after it has said what was.
func (a *app) rigDeliver() *cobra.Command {
	return a.command(api.RigDeliver.Name(), spec{use: "deliver [RIG]", example: "gastown rig deliver myapp", complete: rigs},
		func(ctx context.Context, args []string) error {
			req, err := named(args)
			if err != nil {
				return err
			}
			r, err := api.RigDeliver.Do(ctx, a.reach, req)
			if err != nil {
				return err
			}
			if err := answer(a, r, showRigDelivered); err != nil || r.Undelivered == 0 && r.Reason == "" {
				return err
			}
			what := "nothing is delivered"
			if r.Undelivered > 0 {
				what = strconv.Itoa(r.Undelivered) + " landed, not delivered"
			}
			return fault.Refusedf("rig %q: %s: %s", r.Rig, what, r.Reason).
				WithHint("put that right, then: gastown rig deliver %s; a running host tries again by itself", r.Rig)
		})
}

func (a *app) rigFetch() *cobra.Command {
	accept, keep := false, false
	c := command(a, api.RigFetch, spec{
		use: "fetch [RIG]",
		long: "Looks at the rig's origin now. What it gained is tested like a bead's work and merged into the town's main.\n" +
			"An origin that was rewritten stops the queue until you choose; nothing is ever forced or reset.",
		example: "gastown rig fetch myapp\ngastown rig fetch myapp --accept", complete: rigs,
	}, func(args []string) (r api.RigFetchReq, err error) {
		n, err := named(args)
		r.Name = n.Name
		switch {
		case err == nil && accept && keep:
			err = fault.Usagef("rig fetch: --accept or --keep, not both")
		case accept:
			r.Choice = refinery.TakeTheirs
		case keep:
			r.Choice = refinery.KeepOurs
		}
		return r, err
	}, showRigFetched)
	c.Flags().BoolVar(&accept, "accept", false, "the origin was rewritten: merge what it has now into ours; or its branch is gone: make it again")
	c.Flags().BoolVar(&keep, "keep", false, "the origin was rewritten, or its branch is gone: leave it, and deliver nothing there")
	return c
}

func (a *app) rigGate() *cobra.Command {
	return command(a, api.RigGate, spec{
		use: "gate RIG COMMAND...", example: "gastown rig gate myapp 'go test ./...'\ngastown rig gate myapp lint='npm run lint' test='npm test'", complete: rigs,
		long: "Adds gates after those that the rig has, in this order; NAME=COMMAND names one. To change one: gastown config set\n" +
			"rig.RIG.gate.NAME.run COMMAND. To take one out, delete its table in town.toml.",
	}, func(args []string) (api.RigGateReq, error) {
		gates, err := parseGates(args[1:])
		return api.RigGateReq{Name: args[0], Gates: gates}, err
	}, showRig)
}

func (a *app) rigUngated() *cobra.Command {
	off := false
	c := command(a, api.RigUngated, spec{
		use: "ungated RIG", example: "gastown rig ungated myapp\ngastown rig ungated myapp --off", complete: rigs,
	}, func(args []string) (api.RigUngatedReq, error) {
		return api.RigUngatedReq{Name: args[0], Ungated: !off}, nil
	}, showRig)
	c.Flags().BoolVar(&off, "off", false, "take it back: without a gate nothing lands")
	return c
}

func showRigs(p *page, list []api.Rig) {
	var rows [][]string
	for _, r := range list {
		rows = append(rows, []string{
			r.Name, r.Branch, sha(r.Main), strconv.Itoa(r.Landed), refineryText(p, r.Refinery), gateNames(r), deliverText(r), permissionsText(r),
		})
	}
	p.list("no rigs; `gastown rig add NAME PATH` adds one",
		[]string{"RIG", "BRANCH", "MAIN", "LANDED", "REFINERY", "GATES", "DELIVER", "AGENTS"}, rows)
}

func showRig(p *page, r api.Rig) {
	p.line("%s", r.Name)
	p.field("origin", "%s", r.Origin)
	p.field("branch", "%s at %s", r.Branch, orDash(sha(r.Main)))
	p.field("prefix", "%s", r.Prefix)
	p.field("landed", "%d", r.Landed)
	p.field("deliver", "%s", deliverText(r))
	p.field("", "%s", r.NotBecause)
	if r.Landed > 0 && r.Deliver == "none" {
		p.field("", "what landed is in the town alone: %s", r.Repo)
	}
	p.field("approve", "%s", r.Approve)
	switch r.Permissions {
	case "bypass":
		p.field("agents", "BYPASS: they do everything without asking")
	case "edits":
		p.field("agents", "edit files and run the rig's own commands; they ask for the rest")
	}
	p.field("setup", "%s", r.Setup)
	p.field("refinery", "%s", refineryText(p, r.Refinery))
	p.field("", "%s", r.Refinery.Reason)
	p.field("", "%s", r.Refinery.Hint)
	switch {
	case r.Frozen:
		p.field("frozen", "its polecats stand still, nothing new is started; `gastown resume %s`", r.Name)
	case r.Paused:
		p.field("paused", "starts nothing new; `gastown resume %s`", r.Name)
	}
	for _, g := range r.Gates {
		p.field("gate", "%s: %s%s", g.Name, g.Run, limits(g))
	}
	switch {
	case ungated(r):
		p.field("gate", "UNGATED: work lands without being tested")
	case r.Ungated:
		p.field("ungated", "accepted, for when there is no gate; those above must pass")
	case len(r.Gates) == 0:
		p.field("gate", "none, so nothing lands; `gastown rig gate %[1]s 'COMMAND'` adds one, `gastown rig ungated %[1]s` lands without", r.Name)
	}
}

func showRigAdded(p *page, r api.RigAdded) {
	showRig(p, r.Rig)
	if n := len(r.Unseen); n > 0 {
		p.line("")
		p.line("agents will not see %s that %s not committed:", beads.Count(n, "change"), map[bool]string{true: "is", false: "are"}[n == 1])
		for _, path := range r.Unseen[:min(n, 10)] {
			p.line("  %s", path)
		}
		if n > 10 {
			p.line("  and %d more", n-10)
		}
	}
	for _, w := range r.Warnings {
		p.line("warning: %s", w)
	}
	if len(r.Gates) == 0 && !r.Ungated { // the gate line above says what is next
		return
	}
	p.line("next: gastown bead create --rig %s 'WHAT IS TO BE DONE', or talk to the Mayor: gastown", r.Name)
}

func showRigChecked(p *page, r api.RigChecked) {
	var rows [][]string
	for _, run := range r.Runs {
		rows = append(rows, []string{run.Name, string(run.Outcome), strconv.Itoa(run.Code), short(run.Took), run.Run})
	}
	p.list("no setup and no gates to try", []string{"GATE", "OUTCOME", "EXIT", "TOOK", "COMMAND"}, rows)
	for _, run := range r.Runs {
		if run.Outcome != "pass" {
			p.section(run.Name+" printed", run.Tail)
		}
	}
	p.line("")
	if r.Green {
		p.line("%s is green at %s", r.Rig, sha(r.Main))
	} else {
		p.line("%s is NOT green at %s", r.Rig, orDash(sha(r.Main)))
	}
}

func showRigDelivered(p *page, r api.RigDelivered) {
	p.line("%s: %d delivered (%s), %d still to deliver", r.Rig, r.Delivered, r.Mode, r.Undelivered)
}

func showRigFetched(p *page, r api.RigFetched) {
	switch {
	case r.Tip == "" && r.Why == "":
		p.line("%s: %s has no such branch yet", r.Rig, r.Origin)
	case r.Why == "":
		p.line("%s: nothing new; %s is at %s", r.Rig, r.Origin, sha(r.Tip))
	default:
		p.line("%s: %s", r.Rig, r.Why)
		if r.Hint != "" {
			p.line("  %s", r.Hint)
		}
	}
}

func showAck(p *page, ack api.Ack) { p.line("%s", ack.Msg) }

// ungated reports whether work lands untested: a gate that is there must pass, whatever was accepted.
func ungated(r api.Rig) bool { return r.Ungated && len(r.Gates) == 0 }

func gateNames(r api.Rig) string {
	if ungated(r) {
		return "UNGATED"
	}
	var out []string
	for _, g := range r.Gates {
		out = append(out, g.Name)
	}
	if len(out) == 0 {
		return "none"
	}
	return strings.Join(out, ",")
}

func permissionsText(r api.Rig) string {
	if r.Permissions == "bypass" {
		return "BYPASS"
	}
	return r.Permissions
}

func deliverText(r api.Rig) string {
	if r.Undelivered > 0 {
		return r.Deliver + ", " + strconv.Itoa(r.Undelivered) + " not delivered"
	}
	return r.Deliver
}

func limits(g api.GateSpec) string {
	var out []string
	if g.Timeout != "" {
		out = append(out, "timeout "+g.Timeout)
	}
	if g.Silence != "" {
		out = append(out, "silence "+g.Silence)
	}
	if len(out) == 0 {
		return ""
	}
	return "  (" + strings.Join(out, ", ") + ")"
}

func refineryText(p *page, r api.RefineryState) string {
	text := string(r.State)
	if r.Phase != "" {
		text += " " + r.Phase
	}
	if !r.Since.IsZero() {
		text += ", " + p.age(r.Since)
	}
	return text
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
