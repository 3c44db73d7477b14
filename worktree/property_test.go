package worktree

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"gastown/internal/git"
)

// TestMain keeps the property test to a few seconds where nobody asks for more
// with -rapid.checks.
func TestMain(m *testing.M) {
	flag.Parse()
	if f := flag.Lookup("rapid.checks"); f.Value.String() == f.DefValue {
		_ = flag.Set("rapid.checks", "20")
	}
	os.Exit(m.Run())
}

// deed is something an agent can have done to a worktree before it is lost.
type deed struct {
	name string
	do   func(f *fixture, p string)
}

// put writes a file below p, replacing whatever is there.
func (f *fixture) put(p, name, content string) {
	full := filepath.Join(p, name)
	f.ok(os.MkdirAll(filepath.Dir(full), 0o755))
	if st, err := os.Lstat(full); err == nil && !st.Mode().IsRegular() {
		f.ok(os.RemoveAll(full))
	}
	f.ok(os.WriteFile(full, []byte(content), 0o644))
}

func (f *fixture) drop(p, name string) { f.ok(os.RemoveAll(filepath.Join(p, name))) }

// deeds are applied in any order and number; where one does not fit the state
// that the others left (a merge in a merge), git refuses it, which is a state too.
var deeds = []deed{
	{"dirty", func(f *fixture, p string) { f.put(p, "a", "dirty\n") }},
	{"staged", func(f *fixture, p string) { f.put(p, "b", "staged\n"); f.run(p, "git", "add", "b") }},
	{"partially staged", func(f *fixture, p string) {
		f.put(p, "c d", "one\n")
		f.run(p, "git", "add", "c d")
		f.put(p, "c d", "one\ntwo\n")
	}},
	{"untracked", func(f *fixture, p string) { f.put(p, "new dir/ü\n\"x\\", "u\x00\xff"); f.put(p, "empty", "") }},
	{"untracked not UTF-8", func(f *fixture, p string) { f.put(p, "\xff\xfe", "x") }},
	{"new staged", func(f *fixture, p string) {
		f.put(p, "added", "1")
		f.run(p, "git", "add", "added")
		f.put(p, "added", "2")
	}},
	{"new staged, deleted", func(f *fixture, p string) { f.put(p, "ad", "1"); f.run(p, "git", "add", "ad"); f.drop(p, "ad") }},
	{"intent to add", func(f *fixture, p string) { f.put(p, "intent", "i"); f.run(p, "git", "add", "-N", "intent") }},
	{"intent, deleted", func(f *fixture, p string) {
		f.put(p, "in2", "i")
		f.run(p, "git", "add", "-N", "in2")
		f.drop(p, "in2")
	}},
	{"deleted", func(f *fixture, p string) { f.drop(p, "dir/e") }},
	{"removed", func(f *fixture, p string) { f.run(p, "git", "rm", "-qf", "dir/f") }},
	{"removed from the index only", func(f *fixture, p string) { f.run(p, "git", "rm", "-q", "--cached", "a") }},
	{"mode", func(f *fixture, p string) { _ = os.Chmod(filepath.Join(p, "a"), 0o755) }},
	{"mode off, staged", func(f *fixture, p string) {
		_ = os.Chmod(filepath.Join(p, "run"), 0o644)
		f.run(p, "git", "add", "run")
	}},
	{"link changed", func(f *fixture, p string) {
		f.drop(p, "link")
		f.ok(os.Symlink("no/where\n", filepath.Join(p, "link")))
	}},
	{"link to file", func(f *fixture, p string) { f.drop(p, "link"); f.put(p, "link", "file") }},
	{"file to link", func(f *fixture, p string) { f.drop(p, "b"); f.ok(os.Symlink("/", filepath.Join(p, "b"))) }},
	{"file to directory", func(f *fixture, p string) { f.drop(p, "a"); f.put(p, "a/inside", "x") }},
	{"directory to file", func(f *fixture, p string) { f.drop(p, "dir"); f.put(p, "dir", "x") }},
	{"new link", func(f *fixture, p string) { f.drop(p, "nl"); f.ok(os.Symlink("a", filepath.Join(p, "nl"))) }},
	{"line ends", func(f *fixture, p string) { f.put(p, "crlf", "x\r\nmixed\nz\r\n") }},
	{"line ends staged", func(f *fixture, p string) { f.put(p, "crlf", "x\r\nq\nz\r\n"); f.run(p, "git", "add", "crlf") }},
	{"all staged", func(f *fixture, p string) { f.run(p, "git", "add", "-A") }},
	{"committed", func(f *fixture, p string) { f.run(p, "git", "commit", "-qm", "work") }},
	{"all committed", func(f *fixture, p string) { f.run(p, "git", "add", "-A"); f.run(p, "git", "commit", "-qm", "work") }},
	{"stashed", func(f *fixture, p string) { f.run(p, "git", "stash", "-u") }},
	{"detached", func(f *fixture, p string) { f.run(p, "git", "checkout", "-q", "--detach") }},
	{"other branch", func(f *fixture, p string) { f.run(p, "git", "checkout", "-q", "-B", "side") }},
	{"mid-merge", func(f *fixture, p string) { f.conflict(p, "merge", "-q", "other") }},
	{"mid-rebase", func(f *fixture, p string) { f.conflict(p, "rebase", "-q", "other") }},
	{"mid-cherry-pick", func(f *fixture, p string) { f.conflict(p, "cherry-pick", "other") }},
	{"conflict half solved", func(f *fixture, p string) { f.put(p, "a", "solved\n"); f.run(p, "git", "add", "a") }},
	{"nested repository", func(f *fixture, p string) {
		f.put(p, "nested/file", "n")
		f.run(filepath.Join(p, "nested"), "git", "init", "-q")
	}},
}

// conflict commits a change that does not go with branch "other" and starts an
// operation that stops at it. Untouched when something is under way already.
func (f *fixture) conflict(p string, args ...string) {
	f.run(p, "git", "stash", "-u")
	f.put(p, "a", "ours\n")
	f.put(p, "both added", "ours\n")
	f.drop(p, "dir/e")
	f.run(p, "git", "add", "-A")
	f.run(p, "git", "commit", "-qm", "ours")
	f.run(p, append([]string{"git"}, args...)...)
}

// other is a branch that conflicts with what conflict commits.
func (f *fixture) other() {
	wt := f.ensure("other", 1)
	f.put(wt.Path(), "a", "theirs\n")
	f.put(wt.Path(), "both added", "theirs\n")
	f.put(wt.Path(), "dir/e", "theirs\n")
	f.put(wt.Path(), "clean", "theirs\n")
	f.run(wt.Path(), "git", "add", "-A")
	f.run(wt.Path(), "git", "commit", "-qm", "theirs")
	f.run(wt.Path(), "git", "branch", "other")
	f.ok(Remove(f.ctx, f.repo, wt.Path(), RemoveOptions{Root: f.root}))
}

// seen is all that git and the disk show of a worktree, ignored files apart.
type seen struct {
	Status, Index, Diff, Staged string
	Files                       map[string]string
}

func (f *fixture) see(wt *git.Worktree) seen {
	f.Helper()
	out := func(args ...string) string {
		b, err := wt.Run(f.ctx, nil, "", args...)
		f.ok(err)
		return strings.ReplaceAll(string(b), "\x00", "\n")
	}
	s := seen{
		// Without renames: which one git guesses depends on nothing we keep.
		Status: out("status", "--porcelain=v2", "-z", "--no-renames", "--untracked-files=all"),
		Index:  out("ls-files", "--stage", "-z"),
		Diff:   out("diff", "--no-renames"),
		Staged: out("diff", "--cached", "--no-renames"),
		Files:  files(f, wt.Path()),
	}
	if !strings.Contains(s.Status, "crlf") {
		// To git the file is HEAD's: it comes back with the line ends git writes.
		s.Files["crlf"] = strings.ReplaceAll(s.Files["crlf"], "\r", "")
	}
	return s
}

// TestNothingIsLost: Snapshot, Remove, Ensure and Restore give back what was there,
// whatever an agent did before.
func TestNothingIsLost(t *testing.T) {
	f := setup(t, t.TempDir())
	f.other()
	round := 0
	rapid.Check(t, func(rt *rapid.T) {
		round++
		own := *f // the same repository for all, reporting to this check
		f := &own
		f.TB = rt
		wt := f.ensure(fmt.Sprint("x", round), 1)
		defer f.forgetShared()
		var names []string
		for range rapid.IntRange(1, 6).Draw(rt, "n") {
			d := rapid.SampledFrom(deeds).Draw(rt, "deed")
			names = append(names, d.name)
			d.do(f, wt.Path())
		}
		f.roundTrip(wt, names)
	})
}

// TestEachDeed is the same for every deed alone, and for every pair in which an
// operation is under way.
func TestEachDeed(t *testing.T) {
	f := setup(t, t.TempDir())
	f.other()
	n := 0
	try := func(ds ...deed) {
		n++
		wt := f.ensure(fmt.Sprint("x", n), 1)
		var names []string
		for _, d := range ds {
			names = append(names, d.name)
			d.do(f, wt.Path())
		}
		f.roundTrip(wt, names)
		f.forgetShared()
	}
	for _, d := range deeds {
		try(d)
	}
	for _, d := range deeds {
		try(deeds[slices.IndexFunc(deeds, func(d deed) bool { return d.name == "mid-merge" })], d)
	}
}

// forgetShared drops what all worktrees of a repository share.
func (f *fixture) forgetShared() {
	f.run(f.repo.Dir(), "git", "update-ref", "-d", "refs/stash")
	f.run(f.repo.Dir(), "git", "update-ref", "-d", "refs/heads/side")
}

func (f *fixture) roundTrip(wt *git.Worktree, deeds []string) {
	f.Helper()
	before := f.see(wt)
	name := filepath.Base(wt.Path())
	index, _ := os.ReadFile(filepath.Join(wt.GitDir(), "index"))
	stash := f.run(wt.Path(), "git", "rev-parse", "-q", "--verify", "refs/stash")
	r, err := Snapshot(f.ctx, wt, snapshotSpec(RescuePrefix+name+"/1"))
	if err != nil {
		f.Fatalf("%q: %v", deeds, err)
	}
	if diff := cmp.Diff(before, f.see(wt)); diff != "" {
		f.Fatalf("%q: the snapshot changed the worktree:\n%s", deeds, diff)
	}
	if now, _ := os.ReadFile(filepath.Join(wt.GitDir(), "index")); string(now) != string(index) {
		f.Fatalf("%q: the snapshot changed the index", deeds)
	}
	again, err := Snapshot(f.ctx, wt, snapshotSpec(RescuePrefix+name+"/1"))
	if err != nil || again.Clean != r.Clean {
		f.Fatalf("%q: again: %v", deeds, err)
	}
	r = again
	if err := Remove(f.ctx, f.repo, wt.Path(), RemoveOptions{Root: f.root, Rescue: &r}); err != nil {
		f.Fatalf("%q: %v", deeds, err)
	}
	if stash != f.run(f.repo.Dir(), "git", "rev-parse", "-q", "--verify", "refs/stash") {
		f.Fatalf("%q: the stash moved", deeds)
	}
	wt, err = Ensure(f.ctx, f.repo, Spec{Root: f.root, Path: wt.Path(), Branch: "refs/heads/gt/" + name + "/2", Base: r.Head})
	f.ok(err)
	for range 2 { // it can be repeated
		if _, err := Restore(f.ctx, wt, r.Ref); err != nil {
			f.Fatalf("%q: %v", deeds, err)
		}
		after := f.see(wt)
		for p := range before.Files { // a repository inside comes back as its files
			if strings.Contains(p, ".git/") {
				delete(before.Files, p)
			}
		}
		if slices.Contains(deeds, "nested repository") {
			before.Status, after.Status = nestedAsFiles(before.Status), nestedAsFiles(after.Status)
		}
		if diff := cmp.Diff(before, after); diff != "" {
			f.Fatalf("%q: %s", deeds, diff)
		}
	}
	if _, err := os.Lstat(filepath.Join(wt.GitDir(), "MERGE_HEAD")); (err == nil) != (r.Operation == "merge") {
		f.Fatalf("%q: operation %q: %v", deeds, r.Operation, err)
	}
}

func nestedAsFiles(status string) string {
	return strings.ReplaceAll(strings.ReplaceAll(status, "? nested/file\n", ""), "? nested/\n", "")
}

// see0 is see without what is relative to HEAD.
func (f *fixture) see0(wt *git.Worktree) seen {
	f.Helper()
	out, err := wt.Run(f.ctx, nil, "", "ls-files", "--stage", "-z")
	f.ok(err)
	return seen{Index: string(out), Files: files(f, wt.Path())}
}
