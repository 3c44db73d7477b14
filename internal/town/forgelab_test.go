package town

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gastown/beads"
	"gastown/internal/api"
	"gastown/refinery"
)

type forgeLab struct {
	*lab
	hub, ada string
}

func newForge(t *testing.T) *forgeLab {
	l := newLab(t, "")
	f := &forgeLab{lab: l}
	l.down()
	for _, dir := range []string{"bin", "gh"} {
		if err := os.MkdirAll(filepath.Join(l.root, "home", dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	f.hub, f.ada = l.hub(redOnBad)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(exe, filepath.Join(l.root, "home", "bin", "gh")); err != nil {
		t.Fatal(err)
	}
	f.forge(func(s *standIn) { s.Hub = f.hub })
	f.deliver("push", "pr")
	l.path = filepath.Join(l.root, "home", "bin")
	l.up()
	return f
}

// deliver changes how the rig delivers.
func (f *forgeLab) deliver(from, to string) {
	f.t.Helper()
	data, err := os.ReadFile(filepath.Join(f.dir, "town.toml"))
	if err != nil {
		f.t.Fatal(err)
	}
	f.write("T/town.toml", strings.Replace(string(data), fmt.Sprintf("deliver = %q", from), fmt.Sprintf("deliver = %q", to), 1))
}

// forge looks at the forge, or does something over there.
func (f *forgeLab) forge(do func(*standIn)) {
	f.t.Helper()
	s, save, err := openStandIn(filepath.Join(f.root, "home", "gh"))
	if err != nil && !os.IsNotExist(err) {
		f.t.Fatal(err)
	}
	do(s)
	if err := save(); err != nil {
		f.t.Fatal(err)
	}
}

// change is somebody who does something in pull request n.
func (f *forgeLab) change(n int, do func(*standPR)) {
	f.t.Helper()
	f.forge(func(s *standIn) {
		do(s.PRs[n-1])
		s.PRs[n-1].Changes++
	})
}

// pr is pull request n as it is.
func (f *forgeLab) pr(n int) (p standPR) {
	f.t.Helper()
	f.forge(func(s *standIn) { p = *s.PRs[n-1] })
	return p
}

// asked is how often the forge was asked for an operation.
func (f *forgeLab) asked(op string) (n int) {
	f.t.Helper()
	f.forge(func(s *standIn) {
		n = len(slices.DeleteFunc(slices.Clone(s.Asked), func(o string) bool { return o != op }))
	})
	return n
}

// poll makes the host ask the forge now.
func (f *forgeLab) poll() {
	f.t.Helper()
	if _, err := api.RigDeliver.Do(f.t.Context(), f.person(), api.NameReq{Name: "app"}); err != nil {
		f.t.Fatal(err)
	}
}

// awaitOver waits until pull request n is as it should be over there.
func (f *forgeLab) awaitOver(n int, what string, is func(standPR) bool) {
	f.t.Helper()
	f.await(fmt.Sprintf("pull request %d: %s", n, what), func() bool { f.poll(); return is(f.pr(n)) })
}

// proposed waits until a bead's pull request is open and shows its newest attempt.
func (f *forgeLab) proposed(id beads.ID, n int) {
	f.t.Helper()
	f.await("proposed", func() bool {
		b, err := api.BeadShow.Do(f.t.Context(), f.person(), api.BeadReq{Bead: id})
		q, qerr := api.QueueShow.Do(f.t.Context(), f.person(), api.BeadReq{Bead: id})
		return err == nil && qerr == nil && b.Status == beads.Submitted && b.PR == fmt.Sprintf("https://forge.example/%d", n) && q.PR == b.PR && q.State == refinery.EntryPR
	})
}

// start slings a bead that commits the number of each attempt, and stops to ask at the attempt
// numbered stop.
func (f *forgeLab) start(title string, stop int) beads.ID {
	f.t.Helper()
	id := f.create(title)
	f.job(id, fmt.Sprintf(`gastown prime > "$OUT/task-$GASTOWN_ATTEMPT"; if [ $GASTOWN_ATTEMPT = %d ]; then exec gastown escalate hm; fi
echo $GASTOWN_ATTEMPT > %s.txt; git add .; git commit -qm "%s $GASTOWN_ATTEMPT"; exec gastown done`, stop, id, title))
	f.sling(id)
	return id
}

// merges is somebody who presses a button of the forge.
func (f *forgeLab) merges(n int, style string) {
	f.t.Helper()
	head := f.pr(n).Branch
	f.git(f.ada, "fetch", "-q")
	f.git(f.ada, "reset", "-q", "--hard", "origin/main")
	switch style {
	case "squash":
		f.git(f.ada, "merge", "-q", "--squash", "origin/"+head)
		f.git(f.ada, "commit", "-q", "-m", "squashed")
	case "rebase":
		f.git(f.ada, "cherry-pick", "--allow-empty", "main..origin/"+head)
	default:
		f.git(f.ada, "merge", "-q", "--no-ff", "-m", "merged", "origin/"+head)
	}
	f.git(f.ada, "push", "-q", "origin", "HEAD:main")
	f.change(n, func(p *standPR) { p.Merge, p.State = f.git(f.ada, "rev-parse", "HEAD"), "MERGED" })
}

func (f *forgeLab) read(name string) string {
	f.t.Helper()
	data, err := os.ReadFile(filepath.Join(f.root, name))
	if err != nil {
		f.t.Fatal(err)
	}
	return string(data)
}

// settled waits until a bead is closed as merged by pull request n.
func (f *forgeLab) settled(id beads.ID, n int) {
	f.t.Helper()
	f.await("settled", func() bool { f.poll(); return f.bead(id).Status == beads.Closed })
	if b := f.bead(id); b.CloseReason != beads.CloseMerged+f.pr(n).Merge || b.MergeCommit != f.pr(n).Merge {
		f.t.Errorf("%s is closed as %q", id, b.CloseReason)
	}
}
