package town

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"gastown/agents"
	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/api"
	"gastown/internal/fault"
	"gastown/internal/git"
)

// doctor looks at everything a town needs. It changes nothing but, with Fix, the modes of
// its own directories and leftovers that hold nothing.
func (t *Town) doctor(ctx context.Context, _ api.Caller, r api.DoctorReq) ([]api.Check, error) {
	d := &diagnosis{t: t, fix: r.Fix}
	for _, wrong := range t.settingsFaults() {
		d.bad("error", "town.toml", "mend it; the settings before it stay in force", "%s", wrong)
	}
	d.all(ctx)
	return d.checks, nil
}

// Diagnose is doctor for a town that cannot be opened: what keeps it from that is among the checks,
// and what cannot be looked at because of it is left out.
func Diagnose(ctx context.Context, dir string, deps Deps, fix bool) []api.Check {
	t := newTown(dir, deps)
	d := &diagnosis{t: t, fix: fix}
	if _, err := t.config(); err != nil {
		d.broken("town.toml", err)
		d.blind = true
	}
	s, err := store.Open(storePath(dir), store.Options{Now: deps.Now})
	if err == nil {
		t.store = s
		defer s.Close() // was only looked at
	} else {
		d.noStore = err
	}
	d.all(ctx)
	return d.checks
}

type diagnosis struct {
	t       *Town
	fix     bool
	blind   bool  // there are no settings: agents and rigs are not known
	noStore error // why the store could not be opened
	noGit   bool
	checks  []api.Check
}

func (d *diagnosis) all(ctx context.Context) {
	d.git(ctx)
	d.store()
	d.dirs()
	if d.blind {
		return
	}
	d.agents()
	for _, rig := range rigNames(d.t.settings()) {
		if d.noGit {
			d.bad("warning", "rig "+rig, "", "not looked at: git does not answer")
			continue
		}
		d.rig(ctx, rig)
	}
}

// broken is a check that failed with an error, its hint included.
func (d *diagnosis) broken(name string, err error) {
	e := fault.From(err)
	for _, line := range e.Lines() {
		d.bad("error", name, e.Hint, "%s", line)
	}
}

func (d *diagnosis) ok(name, format string, args ...any) {
	d.checks = append(d.checks, api.Check{Name: name, OK: true, Level: "ok", Msg: fmt.Sprintf(format, args...)})
}

func (d *diagnosis) bad(level, name, hint, format string, args ...any) {
	d.checks = append(d.checks, api.Check{Name: name, Level: level, Msg: beads.Clean(fmt.Sprintf(format, args...), 400), Hint: hint})
}

func (d *diagnosis) git(ctx context.Context) {
	v, err := d.t.git.Version(ctx)
	switch d.noGit = err != nil; {
	case err != nil:
		d.bad("error", "git", "install git "+git.MinVersion().String()+" or newer", "git does not answer: %v", err)
	case !v.AtLeast(git.MinVersion()):
		d.bad("error", "git", "install git "+git.MinVersion().String()+" or newer", "git %s is too old", v)
	default:
		d.ok("git", "git %s", v)
	}
}

func (d *diagnosis) store() {
	if d.noStore != nil {
		d.broken("store", d.noStore)
		return
	}
	if err := d.t.store.Check(); err != nil {
		d.bad("error", "store", "a backup is in "+d.t.path("backups"), "town.db is damaged: %v", err)
		return
	}
	if err := d.t.store.Verify(); err != nil {
		d.bad("warning", "store", "please report this with: gastown status --json", "town.db does not agree with itself: %v", err)
		return
	}
	d.ok("store", "town.db is sound")
}

func (d *diagnosis) dirs() {
	for _, sub := range []string{"backups", "logs", "mayor", "rigs", "run"} {
		info, err := os.Stat(d.t.path(sub))
		if err == nil && info.Mode().Perm()&0o077 == 0 {
			continue
		}
		if !d.fix {
			d.bad("warning", "directories", "gastown doctor --fix", "%s is missing or open to others", d.t.path(sub))
			return
		}
		if err = os.MkdirAll(d.t.path(sub), 0o700); err == nil {
			err = os.Chmod(d.t.path(sub), 0o700)
		}
		if err != nil {
			d.bad("error", "directories", "", "%v", err)
			return
		}
	}
	d.ok("directories", "%s", d.t.Dir)
}

// agents looks for the programs of all agents. It is wrong where one is missing that somebody asks for,
// or one that settings name by its path; others need not be installed.
func (d *diagnosis) agents() {
	cfg := d.t.settings()
	seen := map[string]bool{}
	for _, use := range []struct{ what, spec string }{{"mayor", cfg.Town.Mayor}, {"polecat", cfg.Town.Polecat}} {
		if use.spec == "" || seen[use.spec] {
			continue
		}
		seen[use.spec] = true
		name, other := "agent "+use.spec, "gastown config set town."+use.what+" PRESET"
		p, _, err := d.t.preset(use.spec)
		if err != nil {
			d.bad("error", name, other, "%v", err)
			continue
		}
		seen[p.Name] = true
		if program := d.t.absent(p); program != "" {
			d.bad("error", name, "install it, or: "+other, "%s", missing(program))
		} else {
			d.ok(name, "%s", d.program(p))
		}
	}
	asked := d.askedFor()
	for _, name := range presetNames(cfg) {
		if !seen[name] {
			d.preset(name, asked[name])
		}
	}
}

// preset looks at an agent that the town's settings do not use; asked is a bead that does.
func (d *diagnosis) preset(name string, asked beads.ID) {
	check, mend := "preset "+name, "mend [agent."+name+"] in "+settingsPath(d.t.Dir)
	p, _, err := d.t.preset(name)
	if err != nil {
		d.bad("warning", check, mend, "%v", err)
		return
	}
	program := d.t.absent(p)
	switch {
	case program == "":
		d.ok(check, "%s; not used by the town's settings", d.program(p))
	case asked != "":
		d.bad("warning", check, "install it, or: gastown bead update "+string(asked)+" --agent PRESET", "%s, and %s asks for it", missing(program), asked)
	case filepath.IsAbs(program):
		d.bad("warning", check, mend, "%s", missing(program))
	default:
		d.checks = append(d.checks, api.Check{Name: check, OK: true, Level: "info", Msg: missing(program) + "; nothing asks for it"})
	}
}

// askedFor is, by agent, a bead that is still to be worked on with it.
func (d *diagnosis) askedFor() map[string]beads.ID {
	asked := map[string]beads.ID{}
	if d.noStore != nil {
		return asked
	}
	err := d.t.store.View(func(tx *store.Tx) error {
		for _, s := range []beads.Status{beads.Open, beads.Working, beads.Submitted, beads.NeedsYou, beads.Deferred} {
			bs, err := tx.BeadsWith(s)
			if err != nil {
				return err
			}
			for _, b := range bs {
				name, _, _ := strings.Cut(b.Agent, ":")
				asked[name] = b.ID
			}
		}
		return nil
	})
	if err != nil {
		d.bad("warning", "beads", "", "not looked at for the agents that they ask for: %v", err)
	}
	return asked
}

// program says where an agent's program is.
func (d *diagnosis) program(p agents.Preset) string {
	argv := p.Argv(agents.Polecat, agents.Vars{Gastown: d.t.deps.Exe})
	switch {
	case len(argv) == 0 || p.Command[0] == "{gastown}":
		return "built in"
	case strings.Contains(argv[0], "/") && !filepath.IsAbs(argv[0]):
		return argv[0] + " of each worktree"
	}
	return d.t.deps.Lookup(argv[0])
}

func (d *diagnosis) rig(ctx context.Context, rig string) {
	name := "rig " + rig
	_, rc, err := d.t.rig(rig)
	if err != nil {
		d.bad("error", name, "", "%v", err)
		return
	}
	repo, err := d.t.repo(ctx, rig)
	if err != nil {
		d.bad("error", name, "gastown rig remove "+rig+", and add it again", "%v", err)
		return
	}
	if id, err := d.t.ident(ctx, rc.Origin); err == nil && id == git.FallbackIdent() {
		d.bad("warning", "identity of "+rig, nameHint, "%s", nameless)
	}
	tip, err := repo.ResolveCommit(ctx, "refs/heads/"+rc.Branch)
	if err != nil {
		hint := ""
		if head, herr := repo.HeadBranch(ctx); herr == nil { // names the target since the rig was added
			hint = "in town.toml it was: branch = \"" + strings.TrimPrefix(head, "refs/heads/") + "\""
		}
		d.bad("error", name, hint, "branch %s: %v", rc.Branch, err)
		return
	}
	switch {
	case len(rc.Gates) == 0 && rc.Ungated:
		d.bad("warning", name, "gastown rig gate "+rig+" 'COMMAND'", "UNGATED: work lands without a test; main is %.10s", tip)
	case len(rc.Gates) == 0:
		d.bad("warning", name, "gastown rig gate "+rig+" 'COMMAND', or: gastown rig ungated "+rig, "it has no gates, so nothing lands; main is %.10s", tip)
	default:
		d.ok(name, "%s at %.10s, %s", rc.Branch, tip, beads.Count(len(rc.Gates), "gate"))
	}
}
