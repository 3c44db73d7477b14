package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"gastown/beads"
	"gastown/internal/api"
	"gastown/internal/fault"
)

func (a *app) bead() *cobra.Command {
	return group("bead", "tasks: create, find, change, close", "gastown bead create 'Add --version' -d 'print the version and exit' --accept 'exit 0'\ngastown bead list --status ready",
		a.beadCreate(),
		a.beadShow(),
		a.beadList(api.BeadList, "list", "gastown bead list --status open --rig myapp\ngastown bead list --json --limit 20"),
		a.beadList(api.BeadReady, "ready", "gastown bead ready"),
		a.beadUpdate(),
		a.beadClose(),
		command(a, api.BeadReopen, spec{use: "reopen BEAD", example: "gastown bead reopen ma-x1f", complete: beadNames}, bead, showBeadLine),
		group("dep", "dependencies: which bead waits for which", "gastown bead dep add ma-x1f ma-abc",
			a.beadDep(api.BeadDepAdd, "add", "gastown bead dep add ma-x1f ma-abc    # ma-x1f waits for ma-abc"),
			a.beadDep(api.BeadDepRemove, "remove", "gastown bead dep remove ma-x1f ma-abc"),
		),
		a.beadComment(),
		a.beadImport(),
		a.beadExport(),
	)
}

func (a *app) beadCreate() *cobra.Command {
	var req api.BeadCreateReq
	var deps []string
	var noCode bool
	c := command(a, api.BeadCreate, spec{
		use: "create TITLE...",
		example: "gastown bead create 'Add --version' -d 'print the version and exit' --accept 'exit 0' -p 1\n" +
			"gastown bead create 'Use it' --dep ma-x1f -d - < notes.md",
	}, func(args []string) (api.BeadCreateReq, error) {
		var err error
		if req.Title, err = a.text(args...); err != nil {
			return req, err
		}
		if req.Description, err = a.text(req.Description); err != nil {
			return req, err
		}
		if len(deps) > 0 {
			req.Deps = beadIDs(deps)
		}
		if noCode {
			req.NeedsCode = new(false)
		}
		return req, nil
	}, func(p *page, b api.Bead) {
		p.line("%s  %s", b.ID, b.Title)
	})
	f := c.Flags()
	f.StringVarP(&req.Description, "description", "d", "", "what is wanted; - reads standard input")
	f.VarP(priorityFlag{&req.Priority}, "priority", "p", "0 (highest) to 4 (default 2)")
	f.StringVarP(&req.Type, "type", "t", "", "task, bug, feature, chore, epic, decision, spike, story or milestone (default task)")
	f.StringVar(&req.Accept, "accept", "", "acceptance criteria: how it is seen to be done")
	f.StringVar(&req.Design, "design", "", "how it should be built")
	f.StringSliceVar(&deps, "dep", nil, "a `bead` it waits for; repeatable")
	f.StringVar((*string)(&req.Parent), "parent", "", "the `bead` it is a part of")
	f.StringSliceVar(&req.Labels, "label", nil, "a label; repeatable")
	f.StringVar(&req.Rig, "rig", "", "the rig (default: the only one)")
	f.StringVar(&req.Agent, "agent", "", "`PRESET[:MODEL]` to give it to")
	f.BoolVar(&noCode, "no-code", false, "it ends with a result, not with a merge")
	a.completeFlag(c, "dep", beadNames)
	a.completeFlag(c, "parent", beadNames)
	a.completeFlag(c, "rig", rigs)
	return c
}

func (a *app) beadShow() *cobra.Command {
	return a.command(api.BeadShow.Name(), spec{
		use: "show BEAD", example: "gastown bead show ma-x1f\ngastown bead show x1f --json", complete: beadNames,
	}, func(ctx context.Context, args []string) error {
		b, err := api.BeadShow.Do(ctx, a.reach, api.BeadReq{Bead: beads.ID(args[0])})
		if err != nil {
			return err
		}
		var why api.WhyRes
		if !a.json && b.Status != beads.Closed {
			// The sentence is an extra; the bead is what was asked for.
			why, _ = api.Why.Do(ctx, a.reach, api.BeadReq{Bead: b.ID})
		}
		return answer(a, b, func(p *page, b api.Bead) { showBead(p, b, why) })
	})
}

func (a *app) beadList(verb api.Command[api.BeadListReq, []api.Bead], use, example string) *cobra.Command {
	var req api.BeadListReq
	c := command(a, verb, spec{use: use, example: example},
		func([]string) (api.BeadListReq, error) { return req, nil }, showBeads)
	f := c.Flags()
	if use == "list" {
		f.StringVar(&req.Status, "status", "", "open, ready, blocked, working, submitted, needs_you, deferred or closed")
		a.completeFlag(c, "status", statuses)
	}
	f.StringVar(&req.Rig, "rig", "", "only this rig's")
	f.StringVar(&req.Label, "label", "", "only with this label")
	f.IntVar(&req.Limit, "limit", 0, "at most so many")
	a.completeFlag(c, "rig", rigs)
	return c
}

func (a *app) beadUpdate() *cobra.Command {
	var title, desc, accept, design, notes, typ, agent, until string
	var labels []string
	var noCode bool
	var req api.BeadUpdateReq
	var c *cobra.Command
	c = command(a, api.BeadUpdate, spec{
		use:      "update BEAD",
		example:  "gastown bead update ma-x1f -p 0 --title 'Add --version and -V'\ngastown bead update ma-x1f --defer 2d\ngastown bead update ma-x1f --label '' --agent claude:opus",
		complete: beadNames,
	}, func(args []string) (api.BeadUpdateReq, error) {
		req.Bead = beads.ID(args[0])
		given := c.Flags().Changed
		for flag, field := range map[string]struct {
			to   **string
			from *string
		}{
			"title": {&req.Title, &title}, "description": {&req.Description, &desc}, "accept": {&req.Accept, &accept},
			"design": {&req.Design, &design}, "notes": {&req.Notes, &notes}, "type": {&req.Type, &typ}, "agent": {&req.Agent, &agent},
		} {
			if given(flag) {
				*field.to = field.from
			}
		}
		if given("description") {
			var err error
			if desc, err = a.text(desc); err != nil {
				return req, err
			}
		}
		if given("label") {
			req.Labels = &labels
		}
		if given("no-code") {
			req.NeedsCode = new(!noCode)
		}
		if given("defer") {
			t, err := parseDefer(until, a.env.Now())
			if err != nil {
				return req, err
			}
			req.Defer = &t
		}
		if c.Flags().NFlag() == 0 {
			return req, fault.Usagef("bead update: nothing to change").WithHint("`gastown bead update --help` lists what can be")
		}
		return req, nil
	}, showBeadLine)
	f := c.Flags()
	f.StringVar(&title, "title", "", "the new title")
	f.StringVarP(&desc, "description", "d", "", "what is wanted; - reads standard input")
	f.StringVar(&accept, "accept", "", "acceptance criteria")
	f.StringVar(&design, "design", "", "how it should be built")
	f.StringVar(&notes, "notes", "", "notes")
	f.VarP(priorityFlag{&req.Priority}, "priority", "p", "0 (highest) to 4")
	f.StringVarP(&typ, "type", "t", "", "task, bug, feature, chore, epic, decision, spike, story or milestone")
	f.StringSliceVar(&labels, "label", nil, "the labels it has from now on; repeatable")
	f.StringVar(&agent, "agent", "", "`PRESET[:MODEL]` to give it to")
	f.BoolVar(&noCode, "no-code", false, "it ends with a result, not with a merge (--no-code=false: with a merge)")
	f.StringVar(&until, "defer", "", "not before then: 2d, 2027-01-31, RFC 3339; none takes it back")
	return c
}

func (a *app) beadClose() *cobra.Command {
	var reason string
	c := command(a, api.BeadClose, spec{
		use: "close BEAD", example: "gastown bead close ma-x1f --reason 'not wanted any more'", complete: beadNames,
		long: "Closes a bead as dropped. Only the Refinery closes a bead as merged.",
	}, func(args []string) (api.BeadCloseReq, error) {
		return api.BeadCloseReq{Bead: beads.ID(args[0]), Reason: reason}, nil
	}, showBeadLine)
	c.Flags().StringVar(&reason, "reason", "", "why")
	return c
}

func (a *app) beadDep(verb api.Command[api.DepReq, api.Bead], use, example string) *cobra.Command {
	var typ string
	c := command(a, verb, spec{
		use: use + " BEAD ON", example: example, complete: beadNames, long: "BEAD waits for ON.",
	}, func(args []string) (api.DepReq, error) {
		return api.DepReq{Bead: beads.ID(args[0]), On: beads.ID(args[1]), Type: typ}, nil
	}, func(p *page, b api.Bead) {
		if len(b.BlockedBy) > 0 {
			p.line("%s waits for %s", b.ID, ids(b.BlockedBy))
			return
		}
		p.line("%s waits for nothing", b.ID)
	})
	c.Flags().StringVar(&typ, "type", "", "the Beads dependency type (default blocks)")
	return c
}

func (a *app) beadComment() *cobra.Command {
	return command(a, api.BeadComment, spec{
		use: "comment BEAD TEXT...", example: "gastown bead comment ma-x1f 'the old flag must keep working'", complete: beadNames,
	}, func(args []string) (api.CommentReq, error) {
		text, err := a.text(args[1:]...)
		return api.CommentReq{Bead: beads.ID(args[0]), Text: text}, err
	}, func(p *page, b api.Bead) {
		p.line("%s has %s: %s", b.ID, beads.Count(len(b.Comments), "comment"), b.Title)
	})
}

func (a *app) beadImport() *cobra.Command {
	var rig string
	c := command(a, api.BeadImport, spec{
		use: "import FILE|-", example: "gastown bead import .beads/issues.jsonl\nbd export | gastown bead import -", complete: files,
	}, func(args []string) (api.ImportReq, error) {
		data, err := a.read(args[0])
		return api.ImportReq{Data: data, Rig: rig}, err
	}, func(p *page, r api.Imported) {
		p.line("%d created, %d updated, %d skipped", r.Created, r.Updated, r.Skipped)
		for _, w := range r.Warnings {
			p.line("warning: %s", w)
		}
	})
	c.Flags().StringVar(&rig, "rig", "", "the `rig` they belong to; without it the prefix of each says so")
	a.completeFlag(c, "rig", rigs)
	return c
}

func (a *app) beadExport() *cobra.Command {
	return a.command(api.BeadExport.Name(), spec{
		use: "export [FILE]", example: "gastown bead export > beads.jsonl\ngastown bead export .beads/issues.jsonl", complete: files,
		long: "Prints Beads JSONL, one bead a line; with --json one array of them.",
	}, func(ctx context.Context, args []string) error {
		res, err := api.BeadExport.Do(ctx, a.reach, api.Empty{})
		if err != nil {
			return err
		}
		all := []json.RawMessage{}
		for line := range bytes.Lines(res.Data) {
			if line = bytes.TrimSpace(line); len(line) > 0 {
				all = append(all, line)
			}
		}
		name := first(args)
		switch {
		case name != "":
			if err := replaceFile(a.abs(name), res.Data); err != nil {
				return fault.Failf("write %q: %w", name, err)
			}
			return answer(a, map[string]any{"file": name, "beads": len(all)}, func(p *page, _ map[string]any) {
				p.line("%s written to %s", beads.Count(len(all), "bead"), name)
			})
		case a.json:
			return writeJSON(a.env.Out, all, false)
		}
		if _, err := a.env.Out.Write(inert(res.Data)); err != nil {
			return fault.Failf("write the answer: %w", err)
		}
		return nil
	})
}

// read is the text of a file the person named, or of standard input for "-".
func (a *app) read(name string) ([]byte, error) {
	if name == "-" {
		return slurp("standard input", a.env.In)
	}
	f, err := os.Open(a.abs(name))
	if err != nil {
		return nil, openFault(name, err)
	}
	defer f.Close()
	return slurp(name, f)
}

// openFault is a file's error with the name as it was given, once.
func openFault(name string, err error) error {
	if pe, ok := err.(*os.PathError); ok {
		err = pe.Err
	}
	if os.IsNotExist(err) {
		return fault.NotFoundf("file %q: %w", name, err)
	}
	return fault.Failf("file %q: %w", name, err)
}

// replaceFile writes a file whole or not at all.
func replaceFile(name string, data []byte) error {
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		return errors.New("it is a directory: name a file")
	}
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already where it went well
	_, err = f.Write(data)
	if err == nil {
		err = f.Chmod(0o644)
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
