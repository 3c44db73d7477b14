package run

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"gastown/internal/git"
	"gastown/refinery"
)

// tree makes a commit on the first one of entries "MODE NAME CONTENT", also such as git would not add.
func (r *rig) tree(entries ...string) string {
	r.t.Helper()
	ctx := context.Background()
	es := []string{strings.ReplaceAll(r.gitOut("", "ls-tree", r.root), "\n", "\x00")}
	for _, e := range entries {
		f := strings.SplitN(e, " ", 3)
		hash, kind := f[2], "tree"
		if f[0] != "040000" {
			var err error
			if hash, err = r.repo.WriteBlob(ctx, []byte(f[2])); err != nil {
				r.t.Fatal(err)
			}
			kind = "blob"
		}
		es = append(es, fmt.Sprintf("%s %s %s\t%s", f[0], kind, hash, f[1]))
	}
	tree := r.gitOut(strings.Join(es, "\x00")+"\x00", "mktree", "-z")
	c, err := r.repo.CommitTree(ctx, git.NewCommit{Tree: tree, Parents: []string{r.root}, Message: "work\n", Author: who()})
	if err != nil {
		r.t.Fatal(err)
	}
	return c
}

func (r *rig) gitOut(in string, args ...string) string {
	r.t.Helper()
	cmd := exec.Command("git", append([]string{"--git-dir=" + r.repo.Dir()}, args...)...)
	cmd.Stdin = strings.NewReader(in)
	out, err := cmd.Output()
	if err != nil {
		r.t.Fatalf("git %v: %v", args, err)
	}
	return strings.TrimSpace(string(out))
}

// TestWhatNoCheckoutShouldHaveIsSentBack, and the queue goes on.
func TestWhatNoCheckoutShouldHaveIsSentBack(t *testing.T) {
	long := strings.Repeat("x/", 3000)
	for name, tt := range map[string]struct {
		entry string
		want  string // empty: it lands
	}{
		"git's own":            {"100644 .git x", ".git is a path of git's own"},
		"in other letters":     {"100644 .GiT\u200c x", "is a path of git's own"},
		"by its short name":    {"100644 git~1 x", "git~1 is a path of git's own"},
		"a stream of it":       {"100644 .git::$INDEX_ALLOCATION x", "is a path of git's own"},
		"like it":              {"100644 .gitx x", ""},
		"dots":                 {"100644 ... x", ""},
		"an absolute link":     {"120000 away /etc/passwd", "the link away leads out of the repository, to /etc/passwd"},
		"a link upwards":       {"120000 away a/../../b", "leads out of the repository"},
		"a link to git":        {"120000 hooks .git/hooks", "the link hooks leads to .git/hooks, which is git's own"},
		"a link of submodules": {"120000 .gitmodules README.md", ".gitmodules is a link"},
		"a long link":          {"120000 long " + long, "leads out of the repository"},
		"a link":               {"120000 link ./README.md", ""},
		"a link to all":        {"120000 link .", ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, "true")
			r.submit("ma-1", r.tree(tt.entry))
			r.submit("ma-2", r.work(map[string]string{"b.txt": "b\n"}))
			if tt.want != "" {
				s := until[refinery.SendBack](r)
				if s.Bead != "ma-1" || !strings.Contains(s.Why, tt.want) || !strings.Contains(s.Log, tt.want) || strings.Contains(s.Why, "\n") {
					t.Errorf("%+v", s)
				}
			} else if s := until[refinery.Settle](r); s.Bead != "ma-1" {
				t.Errorf("%+v", s)
			}
			if s := until[refinery.Settle](r); s.Bead != "ma-2" {
				t.Errorf("%+v", s)
			}
		})
	}
}

func TestNamesThatDifferInCaseOnly(t *testing.T) {
	sub := func(r *rig) string { // a tree with the file f
		blob, err := r.repo.WriteBlob(context.Background(), []byte("x"))
		if err != nil {
			t.Fatal(err)
		}
		return r.gitOut("100644 blob "+blob+"\tf\x00", "mktree", "-z")
	}
	for name, tt := range map[string]struct {
		entries func(r *rig) []string
		want    string // where case is folded; empty: it lands
	}{
		"files":             {func(*rig) []string { return []string{"100644 Makefile a", "100644 makefile b"} }, "Makefile and makefile differ in case only"},
		"with the target's": {func(*rig) []string { return []string{"100644 Readme.md a"} }, "README.md and Readme.md differ"},
		"directories":       {func(r *rig) []string { return []string{"040000 Dir " + sub(r), "040000 dir " + sub(r)} }, "Dir and dir differ in case only"},
		"not one letter":    {func(*rig) []string { return []string{"100644 ä a", "100644 Ä b"} }, "Ä and ä differ"},
		"others":            {func(*rig) []string { return []string{"100644 readme_md a", "100644 makefile b"} }, ""},
	} {
		for _, folds := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, %t", name, folds), func(t *testing.T) {
				r := newRig(t, "true")
				r.run.FoldsCase = func(context.Context) bool { return folds }
				r.submit("ma-1", r.tree(tt.entries(r)...))
				if !folds || tt.want == "" {
					until[refinery.Settle](r)
					return
				}
				if s := until[refinery.SendBack](r); !strings.Contains(s.Why, tt.want) || !strings.Contains(s.Why, "core.ignoreCase") {
					t.Errorf("%+v", s)
				}
			})
		}
	}
}

// TestNamesThatDifferInCaseOnlyAcrossBeads: each is fine, and the second is not any more once the first is in.
func TestNamesThatDifferInCaseOnlyAcrossBeads(t *testing.T) {
	r := newRig(t, "true")
	r.cfg.Batch = true
	r.run.FoldsCase = func(context.Context) bool { return true }
	r.step(refinery.Pause{})
	r.submit("ma-1", r.tree("100644 Makefile a"))
	r.submit("ma-2", r.tree("100644 makefile b"))
	r.step(refinery.Resume{})
	if s := until[refinery.Settle](r); s.Bead != "ma-1" {
		t.Errorf("%+v", s)
	}
	if s := until[refinery.SendBack](r); s.Bead != "ma-2" || !strings.Contains(s.Why, "Makefile and makefile") {
		t.Errorf("%+v", s)
	}
	// What the target has already is nobody's fault.
	both, more := r.tree("100644 Makefile a", "100644 makefile b"), r.tree("100644 Makefile a", "100644 makefile b", "100644 new n")
	changes, err := r.run.Repo.DiffNames(t.Context(), both, more)
	if err != nil {
		t.Fatal(err)
	}
	if why, _, err := r.run.Unfit(t.Context(), both, more, changes); why != "" || err != nil {
		t.Errorf("%q, %v", why, err)
	}
}
