package run

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gastown/refinery"
)

// sh is an agent at work in the shared repository; $git names that.
func (r *rig) sh(script string) string {
	r.t.Helper()
	cmd := exec.Command("sh", "-ec", script)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "git=git --git-dir=" + r.repo.Dir(), "info=" + filepath.Join(r.repo.Dir(), "info"),
		"GIT_AUTHOR_NAME=x", "GIT_AUTHOR_EMAIL=x@example.com", "GIT_COMMITTER_NAME=x", "GIT_COMMITTER_EMAIL=x@example.com"}
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.t.Fatalf("%s: %v: %s", script, err, out)
	}
	return strings.TrimSpace(string(out))
}

// over works the queue off and says what landed and what came back.
func (r *rig) over() (landed, back []string) {
	r.t.Helper()
	for r.q.Run != nil {
		r.step(r.next())
	}
	for _, e := range r.seen {
		switch e := e.(type) {
		case refinery.Settle:
			landed = append(landed, string(e.Bead))
		case refinery.SendBack:
			back = append(back, string(e.Bead))
		}
	}
	return landed, back
}

// Agents share refs and info/ with the Refinery. What git replace and grafts say of an object is
// not what lands.
func TestReplacedObjectsAreNotGated(t *testing.T) {
	files := map[string]string{"README.md": "hello\n", ".gitignore": "cache\n", "test.sh": "test \"$(cat code)\" = good\n", "code": "good\n"}
	for name, trick := range map[string]string{
		"a blob":   `$git replace $($git rev-parse main:test.sh) $(echo exit 0 | $git hash-object -w --stdin)`,
		"a tree":   `$git replace $1^{tree} $($git rev-parse main^{tree})`,
		"a commit": `$git replace $1 main`,
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, "sh ./test.sh")
			base := r.commit([]string{r.root}, files)
			if err := r.repo.UpdateRef(t.Context(), "refs/heads/main", base, r.root, "test"); err != nil {
				t.Fatal(err)
			}
			bad := map[string]string{"code": "BAD\n"}
			for name, text := range files {
				if bad[name] == "" {
					bad[name] = text
				}
			}
			tip := r.commit([]string{base}, bad)
			r.sh(strings.ReplaceAll(trick, "$1", tip))
			r.submit("ma-1", tip)
			if landed, back := r.over(); len(landed) > 0 || !slices.Equal(back, []string{"ma-1"}) {
				t.Errorf("landed %v, sent back %v; %s %s", landed, back, r.q.State, r.q.Reason)
			}
		})
	}
}

func TestGraftsLandNothing(t *testing.T) {
	r := newRig(t, "true")
	tip := r.work(map[string]string{"a": "1"})
	r.sh("mkdir -p $info; echo " + r.root + " " + tip + " > $info/grafts") // main is said to come from it
	r.submit("ma-1", tip)
	if landed, _ := r.over(); !slices.Equal(landed, []string{"ma-1"}) {
		t.Errorf("landed %v; %s %s", landed, r.q.State, r.q.Reason)
	}
	if list := r.sh("$git ls-tree --name-only main"); !strings.Contains(list, "a\n") && !strings.HasSuffix(list, "a") {
		t.Errorf("ma-1 is closed as merged and main has %q", list)
	}
}

func TestAttributesOfNobodyDoNotMerge(t *testing.T) {
	r := newRig(t)
	a, b := r.work(map[string]string{"f": "one\n"}), r.work(map[string]string{"f": "two\n"})
	r.sh("mkdir -p $info; echo '* merge=union' > $info/attributes")
	if m, err := r.repo.MergeTree(t.Context(), a, b); err != nil || m.Clean {
		t.Errorf("%+v, %v", m, err)
	}
}

// A gate leaves no setting behind that decides what the next one sees.
func TestAGateDoesNotChangeTheNext(t *testing.T) {
	for name, script := range map[string]string{
		"assume-unchanged": `git update-index --assume-unchanged README.md; echo evil > README.md`,
		"skip-worktree":    `git update-index --skip-worktree README.md; echo evil > README.md`,
		"fsmonitor-valid":  `git update-index --fsmonitor; git update-index --fsmonitor-valid README.md; echo evil > README.md`,
		"sparse":           `git sparse-checkout set --no-cone '/*' '!/a.txt'`,
		"shared sparse":    `git config core.sparseCheckout true; mkdir -p "$(git rev-parse --git-dir)/info"; printf '/*\n!/a.txt\n' > "$(git rev-parse --git-dir)/info/sparse-checkout"; git read-tree -m -u HEAD`,
		"line endings":     `mkdir -p "$(git rev-parse --git-common-dir)/info"; echo '* text eol=crlf' > "$(git rev-parse --git-common-dir)/info/attributes"`,
		"index":            `git rm -q --cached a.txt; git add -N none || true; rm -f "$(git rev-parse --git-dir)/index"`,
		"locked index":     `touch "$(git rev-parse --git-dir)/index.lock"`,
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			if d := r.gateOnce(script, nil); d.Outcome != refinery.Pass {
				t.Fatalf("%+v", d)
			}
			for _, fresh := range []bool{false, true} {
				d := r.gateOnce(`test "$(cat README.md)" = hello && test "$(od -c a.txt | head -1)" = "0000000   a  \n" && test -z "$(git status --porcelain)" && git add -A`, func(g *refinery.RunGate) { g.Fresh = fresh })
				if d.Outcome != refinery.Pass {
					t.Errorf("fresh %v: %s %s %s", fresh, d.Outcome, d.Tail, d.Err)
				}
			}
		})
	}
}

// A bead that is sent back cannot make the next red one land.
func TestARejectedBeadHelpsNobodyElse(t *testing.T) {
	for _, c := range []struct{ how, hides, other string }{
		{"git update-index --skip-worktree test.sh; echo 'exit 0' > test.sh", "test.sh", "extra_test.sh"},
		{"git sparse-checkout set --no-cone '/*' '!/extra_test.sh'", "extra_test.sh", "test.sh"},
	} {
		r := newRig(t, "test ! -f poison || { sh poison; exit 1; }; for f in *test.sh; do sh $f || exit 1; done")
		r.cfg.Confirm = true
		with := func(on string, more map[string]string) string {
			all := map[string]string{"README.md": "hello\n", ".gitignore": "cache\n", c.hides: "test ! -f bad\n", c.other: "exit 0\n"}
			for name, text := range more {
				all[name] = text
			}
			return r.commit([]string{on}, all)
		}
		base := with(r.root, nil)
		r.submit("ma-0", base)
		r.over()
		r.submit("ma-1", with(base, map[string]string{"poison": c.how}))
		r.over()
		r.submit("ma-2", with(base, map[string]string{"bad": ""}))
		if landed, back := r.over(); !slices.Equal(landed, []string{"ma-0"}) || !slices.Equal(back, []string{"ma-1", "ma-2"}) {
			t.Errorf("%s: landed %v, sent back %v; %s %s", c.how, landed, back, r.q.State, r.q.Reason)
		}
	}
}
