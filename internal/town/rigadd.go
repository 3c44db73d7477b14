package town

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/api"
	"gastown/internal/config"
	"gastown/internal/fault"
	"gastown/internal/git"
	"gastown/internal/proc"
	"gastown/refinery"
	"gastown/refinery/run"
)

// rigAdd clones a repository into the town and writes its settings. The source is read,
// never changed.
func (t *Town) rigAdd(ctx context.Context, who api.Caller, r api.RigAddReq) (out api.RigAdded, err error) {
	rc, notes, err := t.newRig(ctx, who, r)
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
	for _, other := range rigNames(cfg) {
		if !SameRepository(rc.Origin, cfg.Rigs[other].Origin) {
			continue
		}
		if who.Role != "person" {
			return out, fault.Refusedf("rig add: %s is rig %s already; a second one of it is for the person to add", git.Shown(rc.Origin), other).WithHint("use that one: gastown rig show %s", other)
		}
		notes = append(notes, "rig "+other+" is of the same repository: each has beads, gates and a main of its own; take one off with: gastown rig remove NAME")
	}
	if rc.Prefix == "" {
		rc.Prefix = freePrefix(r.Name, cfg)
	}
	// Settings are tried before the clone, so that a bad name costs nothing.
	data, err := os.ReadFile(settingsPath(t.Dir))
	if err != nil {
		return out, err
	}
	if _, err = config.AddRig(data, r.Name, rc); err != nil {
		return out, err
	}
	out.Warnings, err = t.clone(ctx, r.Name, &rc)
	if err != nil {
		return out, err
	}
	out.Warnings = append(notes, out.Warnings...)
	if err := t.edit(func(data []byte) ([]byte, error) { return config.AddRig(data, r.Name, rc) }); err != nil {
		return out, errors.Join(err, os.RemoveAll(t.path("rigs", r.Name)))
	}
	if err := t.recordRig(ctx, who, r.Name, rc); err != nil {
		return out, err
	}
	if id, err := t.ident(ctx, rc.Origin); err == nil && id == git.FallbackIdent() {
		out.Warnings = append(out.Warnings, nameless+"; set one with: "+nameHint)
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

// recordRig gives a new rig a queue, and says in the log all that was chosen for it.
func (t *Town) recordRig(ctx context.Context, who api.Caller, name string, rc config.Rig) error {
	repo, err := t.repo(ctx, name)
	if err != nil {
		return err
	}
	tip, err := repo.ResolveCommit(ctx, "refs/heads/"+rc.Branch)
	if err != nil {
		return err
	}
	return t.update(func(tx *store.Tx) error {
		// A queue that a rig of this name left knows another repository.
		if err := tx.PutQueue(&refinery.Queue{Rig: name, State: refinery.Idle, Since: t.deps.Now().UTC(), Target: tip}); err != nil {
			return err
		}
		if err := tx.PutKV(kvDelivery+name, deliveryState{}); err != nil {
			return err
		}
		if err := t.feed(tx, name, refinery.Tick{}); err != nil {
			return err
		}
		return tx.Append(beads.Event{Kind: beads.EvRigAdded, Actor: who.Name, Rig: name, Text: addedText(name, rc)})
	})
}

// addedText says what a new rig is, and what may land and go out without anybody being asked again.
func addedText(name string, rc config.Rig) string {
	text := fmt.Sprintf("added rig %s from %s, landing on %s, ", name, beads.Clean(git.Shown(rc.Origin), 200), rc.Branch)
	var gates []string
	for _, g := range rc.Gates {
		gates = append(gates, g.Name)
	}
	switch {
	case len(gates) > 0:
		text += "gates " + strings.Join(gates, ", ")
	case rc.Ungated:
		text += "UNGATED"
	default:
		text += "no gates"
	}
	text += ", delivery " + rc.Deliver
	if rc.Setup != "" {
		text += ", setup " + beads.Clean(rc.Setup, 100)
	}
	if rc.Permissions == config.PermitBypass {
		text += ", agents BYPASS"
	}
	return text
}

// newRig is the settings of a rig as asked for, and what should be known of how they came to be.
func (t *Town) newRig(ctx context.Context, who api.Caller, r api.RigAddReq) (rc config.Rig, notes []string, err error) {
	if err := mayAdd(who, r); err != nil {
		return rc, nil, err
	}
	if !config.ValidName(r.Name) {
		return rc, nil, fault.Usagef("rig name %q: want lower case letters, digits, '.', '_' and '-', at most 64", r.Name)
	}
	rc = config.Rig{Branch: r.Branch, Prefix: r.Prefix, Deliver: r.Deliver, Setup: r.Setup, Ungated: r.Ungated, Permissions: r.Permissions, Proof: true}
	if rc.Deliver == "" {
		rc.Deliver = config.DeliverNone
	}
	if rc.Permissions == "" {
		rc.Permissions = config.PermitEdits
	}
	if rc.Gates, err = newGates(r.Gates); err != nil {
		return rc, nil, err
	}
	if rc.Origin, notes, err = t.source(ctx, r.Source); err != nil {
		return rc, nil, err
	}
	return rc, notes, t.deliverable(ctx, r.Name, rc)
}

// deliverable is an error for a way of delivery that can never work, however clean everything is.
func (t *Town) deliverable(ctx context.Context, name string, rc config.Rig) error {
	if !reaches(rc) {
		return nil
	}
	r := &run.Runner{Git: t.git}
	_, err := r.Remote(ctx, run.Delivery{Mode: run.Mode(rc.Deliver), Origin: rc.Origin})
	return step(err, "rig %q: deliver %s", name, rc.Deliver)
}

// mayAdd is an error for what only a person may ask of a new rig: an agent that could have work land
// untested, or go to the person's own repository, would need no other say.
func mayAdd(who api.Caller, r api.RigAddReq) error {
	if who.Role == "person" {
		return nil
	}
	what, change := "", ""
	switch {
	case r.Permissions == config.PermitBypass:
		what, change = "that agents do everything without asking", "config set rig."+r.Name+".permissions bypass"
	case r.Ungated:
		what, change = "that work lands without a gate", "rig ungated "+r.Name
	case r.Deliver != "" && r.Deliver != config.DeliverNone:
		what, change = "where landed work is delivered", "config set rig."+r.Name+".deliver "+r.Deliver
	default:
		return nil
	}
	return fault.Refusedf("rig add: %s is for the person to say", what).WithHint("leave it out; the person changes it with: gastown %s", change)
}

// source finds what a rig is cloned from. A directory stands for the whole repository it is in: a
// part of one is nothing that work could be delivered to.
func (t *Town) source(ctx context.Context, src string) (origin string, notes []string, err error) {
	if src == "" {
		return "", nil, fault.Usagef("rig add: PATH or URL is empty").WithHint("usage: gastown rig add NAME PATH|URL")
	}
	if !git.IsLocal(src) {
		return src, nil, nil
	}
	dir, err := filepath.Abs(src)
	if err != nil {
		return "", nil, err
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return "", nil, fault.NotFoundf("rig add: %q: no such directory", src)
	}
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		return "", nil, fault.Usagef("rig add: %q is a file, and a rig is made of a directory or a URL", src)
	}
	town := t.real()
	for _, own := range []string{"rigs", "mayor", "run"} {
		if dir == town || within(filepath.Join(town, own), dir) {
			return "", nil, fault.Refusedf("rig add: %q is the town's own", src).WithHint("a rig is made of a repository of yours, outside of the town %s", t.Dir)
		}
	}
	c, err := t.git.OpenCheckout(ctx, dir)
	switch {
	case errors.Is(err, git.ErrNoCheckout):
		origin, err = dir, adoptable(dir)
	case err == nil:
		origin = c.Top
		if c.Sub != "." {
			notes = append(notes, fmt.Sprintf("%s is a part of the repository %s: the rig is all of it", dir, c.Top))
		}
	}
	if err != nil {
		return "", nil, step(err, "rig add")
	}
	return origin, notes, nil
}

// adoptable is an error for a directory without a repository that a rig should not be made of: one
// that has files, or that is in somebody else's repository.
func adoptable(dir string) error {
	if in := git.CommonDir(dir); in != "" {
		top := strings.TrimSuffix(in, string(filepath.Separator)+".git")
		return fault.Refusedf("%q is in the repository %s, which has no files there", dir, top).WithHint("add that one, or make it one of its own first: git init %q", dir)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fault.NotFoundf("%w", err)
	}
	if len(entries) > 0 {
		return fault.Refusedf("%q has files but is not a git repository", dir).WithHint("make it one first: git -C %q init && git -C %q add -A && git -C %q commit -m first", dir, dir, dir)
	}
	return nil
}

// SameRepository reports whether two origins are one: by address, or as worktrees of one repository.
func SameRepository(a, b string) bool {
	a, b = strings.TrimPrefix(a, "file://"), strings.TrimPrefix(b, "file://")
	if a == b || a == "" || b == "" {
		return a == b && a != ""
	}
	if !git.IsLocal(a) || !git.IsLocal(b) {
		return false
	}
	shared := git.CommonDir(a)
	return shared != "" && shared == git.CommonDir(b)
}

// newGates are gates as asked for.
func newGates(specs []api.GateSpec) (gates []config.Gate, err error) {
	for i, s := range specs {
		g, err := config.NewGate(s.Name, s.Run, s.Timeout, s.Silence, s.Env)
		if err != nil {
			return nil, err
		}
		if g.Name == "" {
			g.Name = gateName(s.Run, i)
		}
		gates = append(gates, g)
	}
	return gates, nil
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
	if err := t.clearClone(name); err != nil {
		return nil, step(err, "rig %q", name)
	}
	asked := rc.Branch
	c, err := t.git.CloneBare(ctx, rc.Origin, t.repoDir(name), git.CloneOptions{Branch: asked})
	if err != nil {
		_ = os.Remove(t.path("rigs", name)) // goes if it is empty
		if _, there := os.Lstat(t.repoDir(name)); there == nil {
			return nil, fault.From(step(err, "rig %q", name)).WithHint("move %s away, or choose another name", t.path("rigs", name))
		}
		return nil, step(err, "rig %q", name)
	}
	rc.Branch = strings.TrimPrefix(c.Branch, "refs/heads/")
	if asked == "" && c.Head != "" && c.Head != c.Branch {
		on := strings.TrimPrefix(c.Head, "refs/heads/")
		warnings = append(warnings, fmt.Sprintf("work lands on %s; %s, which is checked out there, is another branch. If it should land there, remove the rig and add it with --branch %s", rc.Branch, on, on))
	}
	if c.Tip == "" {
		id, err := t.ident(ctx, rc.Origin)
		if err != nil {
			return nil, err
		}
		if _, err := c.Repo.InitRoot(ctx, "refs/heads/"+rc.Branch, id.At(t.deps.Now()), "First commit of an empty repository\n"); err != nil {
			return nil, errors.Join(step(err, "rig %q", name), os.RemoveAll(t.path("rigs", name)))
		}
		text := "the repository has no commit yet: its town copy starts with an empty one; make yours, then take it in with: gastown rig fetch " + name
		switch {
		case c.NoRepo && rc.Deliver == config.DeliverNone:
			text = rc.Origin + " is not a git repository: work lands in the town's own, " + t.repoDir(name) + ", until delivery is turned on: gastown config set rig." + name + ".deliver checkout"
		case c.NoRepo:
			text = rc.Origin + " is not a git repository yet: the first delivery makes it one"
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

// What is said where git has no name for the person.
const (
	nameless = "git knows no name for you: landings will be by gastown <gastown@localhost>"
	nameHint = "git config --global user.name NAME, and user.email"
)

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

// register notes which town a repository belongs to, for `gastown` started in it; what is inside of the
// town is found without. The registry only saves typing, so a failure is logged and no more.
func (t *Town) register(root string) {
	if t.deps.Config == "" || within(t.real(), root) {
		return
	}
	if err := config.Register(registryPath(t.deps.Config), root, t.Dir); err != nil {
		t.deps.Log.Warn("register rig", "err", err)
	}
}

// unregister takes back what register noted, if it is of this town.
func (t *Town) unregister(root string) {
	if t.deps.Config == "" || root == "" || !git.IsLocal(root) {
		return
	}
	if err := config.Unregister(registryPath(t.deps.Config), root, t.Dir); err != nil {
		t.deps.Log.Warn("take rig off the registry", "err", err)
	}
}

// real is the town's directory without symbolic links, as git names what is in it.
func (t *Town) real() string {
	if dir, err := filepath.EvalSymlinks(t.Dir); err == nil {
		return dir
	}
	return t.Dir
}

// within reports whether path is dir or below it.
func within(dir, path string) bool {
	return path == dir || strings.HasPrefix(path, strings.TrimSuffix(dir, string(filepath.Separator))+string(filepath.Separator))
}

func registryPath(dir string) string { return filepath.Join(dir, "towns.toml") }

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
