package cli

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"gastown/beads"
	"gastown/internal/api"
	"gastown/internal/fault"
	"gastown/internal/wire"
)

func (a *app) why() *cobra.Command {
	return command(a, api.Why, spec{use: "why BEAD", example: "gastown why ma-x1f", complete: beadNames}, bead, func(p *page, w api.WhyRes) {
		p.line("%s", w.Why)
		if w.Hint != "" {
			p.line("  %s", w.Hint)
		}
	})
}

func (a *app) undo() *cobra.Command {
	return command(a, api.Undo, spec{use: "undo", example: "gastown undo"}, nothing, showAck)
}

func (a *app) show() *cobra.Command {
	return command(a, api.Show, spec{use: "show BEAD", example: "gastown show ma-x1f", complete: beadNames}, bead, showAck)
}

func (a *app) rescue() *cobra.Command {
	var restore api.RescueReq
	r := command(a, api.RescueRestore, spec{
		use: "restore BEAD[/N]", example: "gastown rescue restore ma-x1f\ngastown rescue restore ma-x1f/2 --polecat nux", complete: beadNames,
	}, func(args []string) (api.RescueReq, error) {
		restore.What = args[0]
		return restore, nil
	}, showSlung)
	r.Flags().StringVar(&restore.Polecat, "polecat", "", "the polecat that goes on with it")
	a.completeFlag(r, "polecat", polecats)
	return group("rescue", "kept work of attempts that ended", "gastown rescue list\ngastown rescue show ma-x1f",
		command(a, api.RescueList, spec{use: "list", example: "gastown rescue list"}, nothing, showRescues),
		command(a, api.RescueShow, spec{use: "show BEAD[/N]", example: "gastown rescue show ma-x1f/2", complete: beadNames},
			func(args []string) (api.RescueReq, error) { return api.RescueReq{What: args[0]}, nil }, showPeeked),
		r,
		a.rescuePrune(),
	)
}

func (a *app) rescuePrune() *cobra.Command {
	req := api.PruneReq{Age: 14 * 24 * time.Hour} // the promise: kept for 14 days at least
	c := command(a, api.RescuePrune, spec{
		use: "prune", example: "gastown rescue prune --dry-run\ngastown rescue prune --older-than 30d",
	}, func([]string) (api.PruneReq, error) { return req, nil }, func(p *page, list []api.Rescue) {
		if len(list) == 0 {
			p.line("nothing has been kept for longer than %s: nothing to delete", short(req.Age))
			return
		}
		showRescues(p, list)
		p.line("")
		p.line("%s %s", beads.Count(len(list), "rescue"), map[bool]string{true: "would be deleted", false: "deleted"}[req.DryRun])
	})
	c.Flags().Var(durationFlag{&req.Age}, "older-than", "only work kept for longer than this")
	c.Flags().BoolVar(&req.DryRun, "dry-run", false, "only list it")
	return c
}

func showRescues(p *page, list []api.Rescue) {
	var rows [][]string
	for _, r := range list {
		rows = append(rows, []string{beads.AttemptKey(r.Bead, r.Attempt), r.Rig, sha(r.Commit), p.age(r.At), fmt.Sprint(len(r.Files)), r.Ref})
	}
	p.list("no kept work", []string{"ATTEMPT", "RIG", "COMMIT", "AGE", "UNCOMMITTED", "REF"}, rows)
}

func (a *app) pause() *cobra.Command {
	return command(a, api.Pause, spec{use: "pause [RIG]", example: "gastown pause\ngastown pause myapp", complete: rigs}, named, showAck)
}

func (a *app) freeze() *cobra.Command {
	return command(a, api.Freeze, spec{use: "freeze [RIG]", example: "gastown freeze\ngastown freeze myapp", complete: rigs}, named, showAck)
}

func (a *app) resume() *cobra.Command {
	return command(a, api.Resume, spec{use: "resume [RIG]", example: "gastown resume\ngastown resume myapp", complete: rigs}, named, showAck)
}

// How long `down` waits for the host's end (agents get seconds to end, and their work is put away
// first), and how often it looks.
const (
	downLimit = time.Minute
	downLook  = 100 * time.Millisecond
)

func (a *app) down() *cobra.Command {
	var req api.DownReq
	noWait := false
	c := a.command(api.Down.Name(), spec{
		use: "down", example: "gastown down\ngastown down --drain",
		long: "Stops the host and waits until it is gone, so that it can be started again at once. Work in progress is\n" +
			"kept and goes on at the next start; with --drain it is finished before.",
	}, func(ctx context.Context, _ []string) error {
		ack, err := api.Down.Do(ctx, a.reach, req)
		switch {
		case fault.Is(err, fault.Unavailable):
			return a.noneToStop(err)
		case err != nil:
			return err
		case noWait || a.reach.alone != nil: // who asks from within ends with it
			return answer(a, ack, showAck)
		}
		if req.Drain && !a.json {
			p := a.page()
			showAck(p, ack)
			if err := p.flush(a.env.Out); err != nil {
				return err
			}
		}
		if err := a.awaitDown(ctx, req.Drain); err != nil {
			return err
		}
		return answer(a, api.Ack{Msg: "the host is down; work in progress is kept and goes on at the next start"}, showAck)
	})
	c.Flags().BoolVar(&req.Drain, "drain", false, "first wait for the polecats at work and the running gate")
	c.Flags().BoolVar(&noWait, "no-wait", false, "do not wait until the host is gone")
	return c
}

// noneToStop is what `down` says where nobody answers: that there is no host, or that one holds
// the town and does not answer.
func (a *app) noneToStop(err error) error {
	if !errors.Is(err, wire.ErrNobody) || a.env.Getenv("GASTOWN_TOKEN") != "" {
		return err
	}
	if held := a.reach.open(); fault.Is(held, fault.Unavailable) {
		return fault.From(held).WithHint("nobody answers at its socket: end that process; the next start recovers all work")
	}
	return &fault.Error{Kind: fault.Unavailable, Msg: "down: no host is running, so there is nothing to stop", Err: err}
}

// awaitDown waits until the store's lock is free, the last thing that a host gives up. A drain
// takes as long as the work does: it begins to count when the host no longer answers.
func (a *app) awaitDown(ctx context.Context, drain bool) error {
	client, err := a.reach.client()
	if err != nil {
		return err
	}
	look := time.NewTicker(downLook)
	defer look.Stop()
	limit := time.NewTimer(downLimit)
	defer limit.Stop()
	for {
		if drain {
			_, err := client.Ping(ctx)
			drain = !errors.Is(err, wire.ErrNobody)
			limit.Reset(downLimit)
		} else if err := a.reach.open(); !fault.Is(err, fault.Unavailable) {
			return err
		}
		select {
		case <-look.C:
			continue
		case <-ctx.Done():
		case <-limit.C:
		}
		return fault.Failf("down: the host was told to stop and has not ended yet").WithHint("it goes on by itself; look with: gastown status")
	}
}

func (a *app) up() *cobra.Command {
	return a.command("", spec{use: "up", short: "run the host without a screen, in the foreground", example: "gastown up\ngastown up > host.log 2>&1 &"},
		func(ctx context.Context, _ []string) error {
			town, err := a.env.findTown(a.town)
			if err != nil {
				return err
			}
			return a.env.Up(ctx, town, a.env.Out)
		})
}

func (a *app) demo() *cobra.Command {
	opts := DemoOptions{}
	c := a.command("", spec{
		use: "demo", short: "watch the whole job in a town of its own, without a model",
		example: "gastown demo\ngastown demo --headless --dir /tmp/demo",
		long: "Makes a sample repository and a spec, in a temporary directory or in --dir (which is kept), and lets\n" +
			"the built-in agent do the whole job. No model is called and nothing of yours is touched.",
	}, func(ctx context.Context, _ []string) error {
		opts.Dir, opts.JSON, opts.Out = a.abs(opts.Dir), a.json, a.env.Out
		if !opts.Headless && (a.json || !a.env.IsTTY) {
			return fault.Usagef("demo: the screen needs a terminal").WithHint("`gastown demo --headless` runs without one")
		}
		return a.env.Demo(ctx, opts)
	})
	c.Flags().BoolVar(&opts.Headless, "headless", false, "without a screen")
	c.Flags().StringVar(&opts.Dir, "dir", "", "the `directory` to use and keep")
	c.Flags().BoolVar(&opts.ASCII, "ascii", false, "draw with ASCII only")
	return c
}

func (a *app) init() *cobra.Command {
	return a.command("", spec{
		use: "init [DIR]", short: "make a town", example: "gastown init\ngastown init ~/towns/work", complete: files,
	}, func(ctx context.Context, args []string) error {
		dir := first(args)
		if dir == "" {
			dir = a.town
		}
		town, err := a.env.Init(ctx, a.abs(dir))
		if err != nil {
			return err
		}
		return answer(a, map[string]string{"town": town}, func(p *page, _ map[string]string) {
			p.line("town at %s", town)
			p.line("next: `gastown rig add NAME PATH`")
		})
	})
}

func (a *app) backup() *cobra.Command {
	return command(a, api.Backup, spec{
		use: "backup", example: "gastown backup",
		long: "Writes a backup of the town's state into its backups/ and prints the file. The host makes one by itself at its\n" +
			"start, every hour and at its stop, if something changed; the newest 24 are kept. The repositories are not in it.",
	}, nothing, func(p *page, b api.BackedUp) { p.line("%s", b.Path) })
}

// restore works on the files of a town that nobody has open: it is no verb of the table.
func (a *app) restore() *cobra.Command {
	return a.command("", spec{
		use: "restore FILE", short: "put a backup of the store in its place", example: "gastown restore ~/gastown/backups/town-20260102T150405.000.db", complete: files,
	}, func(_ context.Context, args []string) error {
		town, err := a.env.findTown(a.town)
		if err != nil {
			return err
		}
		kept, err := a.env.Restore(town, a.abs(args[0]))
		if err != nil {
			return err
		}
		return answer(a, map[string]string{"town": town, "kept": kept}, func(p *page, _ map[string]string) {
			p.line("restored %s", town)
			if kept != "" {
				p.line("the store that was there is kept as %s", kept)
			}
		})
	})
}

func (a *app) config() *cobra.Command {
	show := func(p *page, v api.ConfigValue) { p.text("", v.Value) }
	return group("config", "settings of the town", "gastown config get town.polecats\ngastown config set town.polecats 5",
		command(a, api.ConfigGet, spec{use: "get [KEY]", example: "gastown config get town.polecats\ngastown config get"},
			func(args []string) (api.ConfigReq, error) { return api.ConfigReq{Key: first(args)}, nil }, show),
		command(a, api.ConfigSet, spec{
			use: "set KEY VALUE", example: "gastown config set town.polecats 5\ngastown config set rig.myapp.deliver checkout",
		}, func(args []string) (api.ConfigReq, error) {
			return api.ConfigReq{Key: args[0], Value: args[1]}, nil
		}, func(p *page, v api.ConfigValue) {
			p.line("%s = %s", v.Key, v.Value)
			if v.Note != "" {
				p.line("  %s", v.Note)
			}
		}),
	)
}

func (a *app) doctor() *cobra.Command {
	var req api.DoctorReq
	c := a.command(api.Doctor.Name(), spec{use: "doctor", example: "gastown doctor\ngastown doctor --fix"},
		func(ctx context.Context, _ []string) error {
			list, err := a.diagnose(ctx, req)
			if err != nil {
				return err
			}
			if err := answer(a, list, showChecks); err != nil {
				return err
			}
			bad := 0
			for _, c := range list {
				if !c.OK && c.Level == "error" {
					bad++
				}
			}
			if bad > 0 {
				return fault.Failf("doctor: %s", beads.Count(bad, "error"))
			}
			return nil
		})
	c.Flags().BoolVar(&req.Fix, "fix", false, "mend what can be mended safely")
	return c
}

// diagnose asks the town, and where that cannot be opened looks at it from outside.
func (a *app) diagnose(ctx context.Context, req api.DoctorReq) ([]api.Check, error) {
	list, err := api.Doctor.Do(ctx, a.reach, req)
	if err == nil || a.env.Diagnose == nil || a.env.Getenv("GASTOWN_TOKEN") != "" || ctx.Err() != nil {
		return list, err
	}
	town, ferr := a.env.findTown(a.town)
	if ferr != nil {
		return nil, err
	}
	return a.env.Diagnose(ctx, town, req.Fix), nil
}

func showChecks(p *page, list []api.Check) {
	for _, c := range list {
		p.line("%-8s %s: %s", c.Level, c.Name, c.Msg)
		if c.Hint != "" && !c.OK {
			p.line("         %s", c.Hint)
		}
	}
}

func (a *app) keys() *cobra.Command {
	return group("keys", "what your terminal sends, and how wide it draws", "gastown keys doctor",
		a.command("", spec{
			use: "doctor", short: "show what each key sends, and how wide glyphs are",
			long: "Each key that is pressed is shown as the bytes that arrive and as what the screen makes of them. Before\n" +
				"that the widths of the characters it draws with are measured: where a terminal gives lines two cells,\n" +
				"or the environment says that it reads no UTF-8, the screen draws in ASCII. Ctrl-C twice ends it.",
			example: "gastown keys doctor",
		}, func(ctx context.Context, _ []string) error {
			if a.json || !a.env.IsTTY {
				return fault.Usagef("keys doctor: it needs a terminal")
			}
			town, err := a.env.FindTown(a.town, a.env.Dir)
			if err != nil && (a.town != "" || !fault.Is(err, fault.NotFound)) {
				return err
			}
			return a.env.KeysDoctor(ctx, town)
		}))
}

func (a *app) versionCommand() *cobra.Command {
	return a.command("", spec{use: "version", short: "print the version", example: "gastown version"},
		func(context.Context, []string) error { return a.version() })
}

func (a *app) version() error {
	v := map[string]string{
		"version": a.env.Version, "go": runtime.Version(), "os": runtime.GOOS, "arch": runtime.GOARCH,
	}
	return answer(a, v, func(p *page, v map[string]string) {
		p.line("gastown %s", strings.TrimSpace(v["version"]))
	})
}
