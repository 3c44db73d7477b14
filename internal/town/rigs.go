package town

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gastown/agents"
	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/api"
	"gastown/internal/config"
	"gastown/internal/fault"
	"gastown/internal/git"
	"gastown/internal/proc"
	"gastown/refinery"
)

// rigAdd clones a repository into the town and writes its settings. The source is read,
// never changed.
func (t *Town) rigAdd(ctx context.Context, who api.Caller, r api.RigAddReq) (out api.RigAdded, err error) {
	rc, err := t.newRig(who, r)
	if err != nil {
		return out, err
	}
	t.adding.Lock() // two of one name would clear each other's clone away
	defer t.adding.Unlock()
	cfg, err := t.config()
	if err != nil {
		return out, err
	}
	if _, ok := cfg.Rigs[r.Name]; ok {
		return out, fault.Refusedf("rig %q: there is one of that name already", r.Name).WithHint("see: gastown rig show %s", r.Name)
	}
	if rc.Prefix == "" {
		rc.Prefix = freePrefix(r.Name, cfg)
	}
	// Settings are tried before the clone, so that a bad name costs nothing.
	data, err := os.ReadFile(settingsPath(t.Dir))
	if err != nil {
		return out, err
	}
	if data, err = config.AddRig(data, r.Name, rc); err != nil {
		return out, err
	}
	if _, err := config.Parse(settingsPath(t.Dir), data); err != nil {
		return out, err
	}
	out.Warnings, err = t.clone(ctx, r.Name, &rc)
	if err != nil {
		return out, err
	}
	for _, other := range rigNames(cfg) {
		if rc.Origin != "" && cfg.Rigs[other].Origin == rc.Origin {
			out.Warnings = append(out.Warnings, "rig "+other+" is of the same repository: each has beads, gates and a main of its own; take one off with: gastown rig remove NAME")
		}
	}
	if err := t.edit(func(data []byte) ([]byte, error) { return config.AddRig(data, r.Name, rc) }); err != nil {
		return out, errors.Join(err, os.RemoveAll(t.path("rigs", r.Name)))
	}
	repo, err := t.repo(ctx, r.Name)
	if err != nil {
		return out, err
	}
	tip, err := repo.ResolveCommit(ctx, "refs/heads/"+rc.Branch)
	if err != nil {
		return out, err
	}
	err = t.update(func(tx *store.Tx) error {
		// A queue that a rig of this name left knows another repository.
		if err := tx.PutQueue(&refinery.Queue{Rig: r.Name, State: refinery.Idle, Since: t.deps.Now().UTC(), Target: tip}); err != nil {
			return err
		}
		if err := tx.PutKV(kvDelivery+r.Name, deliveryState{}); err != nil {
			return err
		}
		if err := t.feed(tx, r.Name, refinery.Tick{}); err != nil {
			return err
		}
		return tx.Append(beads.Event{Kind: beads.EvRigAdded, Actor: who.Name, Rig: r.Name, Text: "added rig " + r.Name + " from " + beads.Clean(r.Source, 200)})
	})
	if err != nil {
		return out, err
	}
	if id, err := t.ident(ctx, rc.Origin); err == nil && id == git.FallbackIdent() {
		out.Warnings = append(out.Warnings, "git knows no name for you: landings will be by "+id.String()+"; set one with: git config --global user.name NAME, and user.email")
	}
	if git.IsLocal(rc.Origin) {
		t.register(rc.Origin)
		out.Unseen = t.unseen(ctx, rc.Origin)
	}
	if err := t.showMain(ctx, r.Name); err != nil {
		out.Warnings = append(out.Warnings, err.Error())
	}
	if t.host != nil {
		t.host.rigAdded(ctx, r.Name)
	}
	out.Rig, err = t.rigShow(ctx, who, api.NameReq{Name: r.Name})
	return out, err
}

// newRig is the settings of a rig as asked for.
func (t *Town) newRig(who api.Caller, r api.RigAddReq) (config.Rig, error) {
	if r.Permissions == config.PermitBypass && who.Role != "person" {
		return config.Rig{}, fault.Refusedf("rig add: that agents do everything without asking is for the person to say").WithHint("leave it out; the person changes it with: gastown config set rig.%s.permissions bypass", r.Name)
	}
	if !config.ValidName(r.Name) {
		return config.Rig{}, fault.Usagef("rig name %q: want lower case letters, digits, '.', '_' and '-', at most 64", r.Name)
	}
	rc := config.Rig{Origin: r.Source, Branch: r.Branch, Prefix: r.Prefix, Deliver: r.Deliver, Setup: r.Setup, Ungated: r.Ungated, Permissions: r.Permissions, Proof: true}
	if rc.Deliver == "" {
		rc.Deliver = "none"
	}
	if rc.Permissions == "" {
		rc.Permissions = config.PermitEdits
	}
	for i, g := range r.Gates {
		gate, err := config.NewGate(g.Name, g.Run, g.Timeout, g.Silence, g.Env)
		if err != nil {
			return rc, err
		}
		if gate.Name == "" {
			gate.Name = gateName(g.Run, i)
		}
		rc.Gates = append(rc.Gates, gate)
	}
	if git.IsLocal(r.Source) {
		abs, err := filepath.Abs(r.Source)
		if err != nil {
			return rc, err
		}
		if abs, err = filepath.EvalSymlinks(abs); err != nil {
			return rc, fault.NotFoundf("rig add: %q: no such directory", r.Source)
		}
		for _, own := range []string{t.path("rigs"), t.path("mayor"), t.path("run")} {
			if abs == t.Dir || abs == own || strings.HasPrefix(abs, own+string(filepath.Separator)) {
				return rc, fault.Refusedf("rig add: %q is the town's own", r.Source)
			}
		}
		rc.Origin = abs
	}
	return rc, nil
}

// gateName names a gate after its command's words: "go test ./..." is "go-test".
func gateName(run string, i int) string {
	var words []string
	for _, w := range strings.Fields(run) {
		w = strings.Trim(filepath.Base(w), ".")
		if config.ValidName(w) && len(words) < 2 {
			words = append(words, w)
		}
	}
	if len(words) == 0 {
		return fmt.Sprintf("gate%d", i+1)
	}
	return strings.Join(words, "-")
}

// freePrefix makes a prefix of bead ids from a rig's name that no other rig has.
func freePrefix(name string, cfg *config.Config) string {
	letters := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' {
			return r
		}
		return -1
	}, name)
	if letters == "" {
		letters = "r"
	}
	used := map[string]bool{}
	for _, r := range cfg.Rigs {
		used[r.Prefix] = true
	}
	for n := min(2, len(letters)); n <= len(letters); n++ {
		if !used[letters[:n]] {
			return letters[:n]
		}
	}
	for i := 2; ; i++ {
		if p := fmt.Sprintf("%s%d", letters[:min(2, len(letters))], i); !used[p] {
			return p
		}
	}
}

// clone makes the rig's repository with a first commit if the source has none.
func (t *Town) clone(ctx context.Context, name string, rc *config.Rig) (warnings []string, err error) {
	if git.IsLocal(rc.Origin) {
		if err := adoptable(rc.Origin); err != nil {
			return nil, err
		}
	}
	if err := t.clearClone(name); err != nil {
		return nil, step(err, "rig %q", name)
	}
	c, err := t.git.CloneBare(ctx, rc.Origin, t.repoDir(name), git.CloneOptions{Branch: rc.Branch})
	if err != nil {
		_ = os.Remove(t.path("rigs", name)) // goes if it is empty
		if fault.Is(err, fault.Refused) {
			return nil, fault.From(step(err, "rig %q", name)).WithHint("move %s away, or choose another name", t.path("rigs", name))
		}
		return nil, step(err, "rig %q", name)
	}
	rc.Branch = strings.TrimPrefix(c.Branch, "refs/heads/")
	if c.NoRepo {
		warnings = append(warnings, rc.Origin+" is not a git repository; work lands in the town's own")
		rc.Origin = ""
	}
	if c.Tip == "" {
		id, err := t.ident(ctx, rc.Origin)
		if err != nil {
			return nil, err
		}
		if _, err := c.Repo.InitRoot(ctx, "refs/heads/"+rc.Branch, id.At(t.deps.Now()), "First commit of an empty repository\n"); err != nil {
			return nil, errors.Join(step(err, "rig %q", name), os.RemoveAll(t.path("rigs", name)))
		}
		text := "the repository has no commit yet: its town copy starts with an empty one"
		if rc.Origin != "" {
			text += "; make yours, then take it in with: gastown rig fetch " + name
		}
		warnings = append(warnings, text)
	}
	return warnings, nil
}

// clearClone removes what a rig add that was killed left: a clone of which the store never heard.
// The repository of a rig that was removed stays; work has landed there.
func (t *Town) clearClone(name string) error {
	known := false
	err := t.store.View(func(tx *store.Tx) error {
		q, err := tx.Queue(name)
		var d deliveryState
		delivers, derr := tx.GetKV(kvDelivery+name, &d)
		known = q != nil || delivers
		return errors.Join(err, derr)
	})
	if err != nil || known {
		return err
	}
	dir := t.path("rigs", name)
	if _, err := os.Lstat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	proc.AwaitMarked(helperVar, t.Dir, helperWait) // its git may still be at it
	return os.RemoveAll(dir)
}

// adoptable is an error for a directory that has files but no repository.
func adoptable(dir string) error {
	for up := dir; ; up = filepath.Dir(up) {
		if _, err := os.Stat(filepath.Join(up, ".git")); err == nil {
			return nil
		}
		if _, err := os.Stat(filepath.Join(up, "objects")); err == nil && up == dir {
			return nil // a bare repository
		}
		if up == filepath.Dir(up) {
			break
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fault.NotFoundf("rig add: %w", err)
	}
	if len(entries) > 0 {
		return fault.Refusedf("rig add: %q has files but is not a git repository", dir).WithHint("make it one first: git -C %q init && git -C %q add -A && git -C %q commit -m first", dir, dir, dir)
	}
	return nil
}

// ident is the person's identity, as git would use it where the rig comes from.
func (t *Town) ident(ctx context.Context, origin string) (git.Ident, error) {
	dir := t.Dir
	if origin != "" && git.IsLocal(origin) {
		if info, err := os.Stat(origin); err == nil && info.IsDir() {
			dir = origin
		}
	}
	return t.git.Ident(ctx, dir)
}

// register notes which town a repository belongs to, for `gastown` started in it. The
// registry only saves typing, so a failure is logged and no more.
func (t *Town) register(root string) {
	if t.deps.Config == "" {
		return
	}
	if err := config.Register(filepath.Join(t.deps.Config, "towns.toml"), root, t.Dir); err != nil {
		t.deps.Log.Warn("register rig", "err", err)
	}
}

// unseen lists uncommitted paths of a checkout, which agents will not see.
func (t *Town) unseen(ctx context.Context, origin string) []string {
	c, err := t.git.OpenCheckout(ctx, origin)
	if err != nil {
		return nil
	}
	s, err := c.Status(ctx)
	if err != nil {
		return nil // a bare repository has no uncommitted paths
	}
	return s.Dirty()
}

func (t *Town) rigList(ctx context.Context, who api.Caller, _ api.Empty) ([]api.Rig, error) {
	cfg, err := t.config()
	if err != nil {
		return nil, err
	}
	out := []api.Rig{}
	for _, name := range rigNames(cfg) {
		r, err := t.rigShow(ctx, who, api.NameReq{Name: name})
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

func rigNames(cfg *config.Config) []string {
	names := make([]string, 0, len(cfg.Rigs))
	for n := range cfg.Rigs {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

func (t *Town) rigShow(ctx context.Context, _ api.Caller, r api.NameReq) (out api.Rig, err error) {
	name, rc, err := t.rig(r.Name)
	if err != nil {
		return out, err
	}
	out = api.Rig{
		Name: name, Origin: rc.Origin, Branch: rc.Branch, Prefix: rc.Prefix, Deliver: rc.Deliver,
		Approve: cmp.Or(strings.Join(rc.Approve, ","), "none"), Ungated: rc.Ungated, Permissions: rc.Permissions, Setup: rc.Setup, Gates: []api.GateSpec{},
	}
	for _, g := range rc.Gates {
		s := api.GateSpec{Name: g.Name, Run: g.Run, Env: g.Env}
		if g.Timeout > 0 {
			s.Timeout = g.Timeout.String()
		}
		if g.Silence > 0 {
			s.Silence = g.Silence.String()
		}
		out.Gates = append(out.Gates, s)
	}
	err = t.store.View(func(tx *store.Tx) error {
		q, err := t.queue(tx, name)
		if err != nil {
			return err
		}
		out.Main, out.Landed, out.Refinery = q.Target, q.Total, refineryState(q, t.queueConfig(name))
		halt, err := ownHalt(tx, name)
		if err != nil {
			return err
		}
		out.Paused, out.Frozen = halt != agents.Going, halt == agents.Frozen
		d, err := delivery(tx, name)
		out.Undelivered, out.NotBecause = d.Pending, d.Reason
		return err
	})
	if err != nil {
		return out, err
	}
	if out.Main == "" {
		if repo, err := t.repo(ctx, name); err == nil {
			out.Main, _ = repo.ResolveCommit(ctx, "refs/heads/"+rc.Branch) // a rig never gated: nothing is stored yet
		}
	}
	return out, nil
}

func (t *Town) rigRemove(ctx context.Context, who api.Caller, r api.NameReq) (out api.Ack, err error) {
	if r.Name == "" {
		return out, fault.Usagef("rig remove: which rig?")
	}
	name, rc, err := t.rig(r.Name)
	if err != nil {
		return out, err
	}
	err = t.store.View(func(tx *store.Tx) error {
		live, err := tx.LiveAttempts()
		if err != nil {
			return err
		}
		for _, a := range live {
			if a.Rig == name {
				return fault.Refusedf("rig %q: polecat %s works there", name, a.Polecat).WithHint("stop it first: gastown polecat kill %s", a.Polecat)
			}
		}
		q, err := t.queue(tx, name)
		if err == nil && len(q.Entries) > 0 {
			return fault.Refusedf("rig %q: in its queue: %s", name, count(len(q.Entries), "merge request")).WithHint("land or drop them first: gastown queue list")
		}
		return err
	})
	if err != nil {
		return out, err
	}
	if err := t.edit(func(data []byte) ([]byte, error) { return config.RemoveRig(data, name) }); err != nil {
		return out, err
	}
	if t.host != nil {
		t.host.rigRemoved(name)
	}
	if repo, err := t.repo(ctx, name); err == nil {
		// The Mayor's checkout holds nothing of its own; one that stays only confuses.
		if err := repo.WorktreeRemove(ctx, t.path("mayor", name), git.RemoveForced); err != nil {
			t.deps.Log.Warn("the Mayor's checkout", "rig", name, "err", err)
		}
	}
	if err := t.update(func(tx *store.Tx) error {
		return errors.Join(forgetRig(tx, name), tx.Append(beads.Event{Kind: beads.EvRigRemoved, Actor: who.Name, Rig: name, Text: "removed rig " + name}))
	}); err != nil {
		return out, err
	}
	if t.deps.Config != "" && git.IsLocal(rc.Origin) {
		if err := config.Unregister(filepath.Join(t.deps.Config, "towns.toml"), rc.Origin); err != nil {
			t.deps.Log.Warn("take rig off the registry", "err", err)
		}
	}
	return api.Ack{Msg: fmt.Sprintf("rig %s is no longer in the town; its repository stays in %s", name, t.path("rigs", name))}, nil
}

// forgetRig takes a removed rig's queue and problems out of the store. What is kept of its
// delivery says that its repository is not a leftover (clearClone).
func forgetRig(tx *store.Tx, rig string) error {
	ns, err := tx.Notices()
	for _, n := range ns {
		if n.Rig == rig {
			err = errors.Join(err, tx.DeleteNotice(n.Key))
		}
	}
	d, derr := delivery(tx, rig)
	return errors.Join(err, derr, tx.PutKV(kvDelivery+rig, d), tx.DeleteQueue(rig), tx.DeleteKV(kvRed+rig),
		tx.DeleteKV(kvPausedRig+rig), tx.DeleteKV(kvFrozenRig+rig), tx.DeleteKV(kvPersonHalt+rig))
}

func (t *Town) rigUngated(ctx context.Context, who api.Caller, r api.RigUngatedReq) (api.Rig, error) {
	name, _, err := t.rig(r.Name)
	if err != nil {
		return api.Rig{}, err
	}
	if err := t.edit(func(data []byte) ([]byte, error) {
		return config.Set(data, "rig."+name+".ungated", fmt.Sprint(r.Ungated))
	}); err != nil {
		return api.Rig{}, err
	}
	text := "rig " + name + " lands nothing without gates"
	if r.Ungated {
		text = "accepted that rig " + name + " lands work without gates"
	}
	err = t.update(func(tx *store.Tx) error {
		if err := tx.Append(beads.Event{Kind: beads.EvQueueChanged, Actor: who.Name, Rig: name, Text: text}); err != nil {
			return err
		}
		return t.feed(tx, name, refinery.Resume{By: who.Name, Person: who.Role == "person"})
	})
	if err != nil {
		return api.Rig{}, err
	}
	return t.rigShow(ctx, who, api.NameReq{Name: name})
}

// showMain moves mayor/RIG, the Mayor's read-only checkout of a rig's main, to its tip.
func (t *Town) showMain(ctx context.Context, rig string) error {
	_, _, err := t.rig(rig)
	if err != nil {
		return err
	}
	repo, err := t.repo(ctx, rig)
	if err != nil {
		return err
	}
	tip, err := t.target(ctx, rig)
	if err != nil {
		return step(err, "rig %q", rig)
	}
	path := t.path("mayor", rig)
	wt, err := repo.OpenWorktree(path)
	if errors.Is(err, git.ErrNoWorktree) {
		_, err = repo.WorktreeAddDetached(ctx, path, tip)
		return step(err, "show the Mayor main of %q", rig)
	}
	if err != nil {
		return err
	}
	_, err = wt.CheckoutDetached(ctx, tip, git.CleanAll)
	if err != nil && ctx.Err() == nil && !proc.RunningIn(path, "git") {
		// What a git left that was killed there stands for ever, and nothing in it is anybody's own.
		if err = repo.WorktreeRemove(ctx, path, git.RemoveForced); err == nil {
			_, err = repo.WorktreeAddDetached(ctx, path, tip)
		}
	}
	return step(err, "show the Mayor main of %q", rig)
}
