package git

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var healKills = flag.Int("heal.kills", 10, "updates of a checkout that TestKilledUpdateIsHealed kills")

// killer is a smudge filter that lets all of git be killed, as by a power cut, when it has
// been asked so many times as the file kill beside the checkout says.
const killer = `n=$(cat %[1]q/kill 2>/dev/null || echo 0)
if [ "$n" = 1 ]; then rm %[1]q/kill; kill -9 0; fi
if [ "$n" -gt 1 ]; then echo $((n-1)) > %[1]q/kill; fi
exec cat
`

// killed is one person's checkout and what is to be brought to it.
type killed struct {
	*fixture
	r        *Repo
	old, new string
	left     *Move
	files    map[string]string // of the new commit, as the directory should have them
	changed  []string
}

func newKilled(t *testing.T) *killed {
	k := &killed{fixture: setup(t)}
	k.write("filter", fmt.Sprintf(killer, k.dir))
	k.user("src", "main")
	k.write("src/.gitattributes", "* filter=k\n")
	k.write("src/.gitignore", "*.tmp\n")
	for i := range 12 {
		k.write(fmt.Sprintf("src/f%02d.txt", i), strings.Repeat(fmt.Sprintf("old %d\n", i), 50))
	}
	k.write("src/gone.txt", "gone\n")
	k.write("src/d", "a file\n")
	k.write("src/run.sh", "#!/bin/sh\n")
	k.ok(os.Symlink("f00.txt", filepath.Join(k.dir, "src/link")))
	k.git("src", "add", "-A")
	k.git("src", "commit", "-q", "-m", "old")
	k.git("src", "config", "filter.k.smudge", fmt.Sprintf("sh %q", filepath.Join(k.dir, "filter")))
	k.old = k.git("src", "rev-parse", "HEAD")
	k.r = k.clone(filepath.Join(k.dir, "src")).Repo

	k.git("", "clone", "-q", "src", "other")
	for i := range 8 {
		k.write(fmt.Sprintf("other/f%02d.txt", i), strings.Repeat(fmt.Sprintf("new %d\n", i), 60))
	}
	for _, p := range []string{"gone.txt", "d", "link"} {
		k.ok(os.Remove(filepath.Join(k.dir, "other", p)))
	}
	k.ok(os.Symlink("f01.txt", filepath.Join(k.dir, "other/link")))
	k.ok(os.Chmod(filepath.Join(k.dir, "other/run.sh"), 0o755))
	k.write("other/d/x", "below a directory\n")
	k.write("other/new \"ü\".txt", "added\n")
	k.write("other/zz.tmp", "added although ignored\n")
	k.git("other", "add", "-A", "-f")
	k.git("other", "commit", "-q", "-m", "new")
	k.new = k.git("other", "rev-parse", "HEAD")
	k.ok(k.r.Fetch(k.ctx, filepath.Join(k.dir, "other"), "+refs/heads/main:refs/gt/next"))
	k.files = k.seen("other")
	k.changed = strings.Split(k.git("other", "-c", "core.quotePath=false", "diff", "--name-only", "-z", "--no-renames", k.old, k.new), "\x00")
	return k
}

// seen is what a directory holds, links and modes included, without .git.
func (k *killed) seen(dir string) map[string]string {
	k.Helper()
	out := map[string]string{}
	root := filepath.Join(k.dir, dir)
	k.ok(filepath.WalkDir(root, func(p string, d os.DirEntry, err error) error {
		rel, _ := filepath.Rel(root, p)
		switch {
		case err != nil:
			return err
		case rel == ".git":
			return filepath.SkipDir
		case d.IsDir():
			return nil
		}
		st, err := os.Lstat(p)
		if err != nil {
			return err
		}
		text := ""
		if st.Mode()&os.ModeSymlink != 0 {
			text, err = os.Readlink(p)
		} else if data, rerr := os.ReadFile(p); rerr != nil {
			err = rerr
		} else {
			text = string(data)
		}
		out[rel] = fmt.Sprintf("%o %s", st.Mode()&os.ModeSymlink|st.Mode()&0o100, text)
		return err
	}))
	return out
}

func (k *killed) deliver() error {
	k.Helper()
	_, err := k.r.PushCheckout(k.ctx, k.checkout("src"), k.new, mainRef, k.left, func(m *Move) error { k.left = m; return nil })
	return err
}

func (k *killed) kill(at int) { k.Helper(); k.write("kill", fmt.Sprint(at)) }

// edit is what the person does between the kill and the next try: the files as they should
// be at the end, and the paths that forbid to go on.
func (k *killed) edit(kind int, rnd *rand.Rand) (want map[string]string, forbids string) {
	k.Helper()
	want = maps.Clone(k.files)
	path := filepath.Join(k.dir, "src")
	put := func(name, text string) {
		k.ok(os.MkdirAll(filepath.Join(path, filepath.Dir(name)), 0o755))
		k.ok(os.WriteFile(filepath.Join(path, name), []byte(text), 0o644))
		want[name] = "0 " + text
	}
	switch kind {
	case 1: // a tracked file that the update does not touch
		put("f10.txt", "mine\n")
	case 2: // untracked and ignored ones beside
		put("notes", "mine\n")
		put("x.tmp", "mine\n")
	case 3: // in a file that the update changes
		forbids = fmt.Sprintf("f%02d.txt", rnd.IntN(8))
		put(forbids, "mine\nold\n")
	case 4: // an own file where a new one goes
		forbids = []string{"zz.tmp", "new \"ü\".txt"}[rnd.IntN(2)]
		put(forbids, "my own\n")
	case 5: // a write that was torn: the new content's beginning
		if data, err := os.ReadFile(filepath.Join(path, "f03.txt")); err == nil {
			whole := strings.TrimPrefix(k.files["f03.txt"], "0 ")
			if string(data) != whole {
				k.ok(os.WriteFile(filepath.Join(path, "f03.txt"), []byte(whole[:rnd.IntN(len(whole))]), 0o644))
			}
		}
	case 6: // beginnings are no beginnings with a byte of one's own
		forbids = "f04.txt"
		put(forbids, strings.TrimPrefix(k.files[forbids], "0 ")+"more")
	}
	return want, forbids
}

func TestKilledUpdateIsHealed(t *testing.T) {
	refused := 0
	for seed := range uint64(*healKills) {
		rnd := rand.New(rand.NewPCG(seed, 5))
		kind := int(seed) % 7
		ok := t.Run(fmt.Sprint(seed), func(t *testing.T) {
			k := newKilled(t)
			k.kill(1 + rnd.IntN(10))
			if err := k.deliver(); err == nil {
				t.Fatal("it was not killed")
			}
			if k.left == nil || k.left.Old != k.old || k.left.New != k.new {
				t.Fatalf("journal %+v", k.left)
			}
			if seed%5 == 4 { // between the files and the branch
				k.ok(removeLocks(filepath.Join(k.dir, "src/.git")))
				k.git("src", "reset", "-q", "--hard")
				k.git("src", "read-tree", "-m", "-u", k.old, k.new)
			}
			want, forbids := k.edit(kind, rnd)
			before := k.seen("src")
			if forbids != "" {
				refused++
				k.refuses(forbids, before)
				k.ok(os.RemoveAll(filepath.Join(k.dir, "src", forbids))) // the person gives way
				want[forbids] = k.files[forbids]
			} else if seed%2 == 1 { // killed again, while it heals
				k.kill(1 + rnd.IntN(3))
				if k.deliver() == nil {
					k.ok(os.RemoveAll(filepath.Join(k.dir, "kill"))) // less was left to do
				}
			}
			_ = os.Remove(filepath.Join(k.dir, "kill"))
			if err := k.deliver(); err != nil {
				t.Fatal(err)
			}
			k.healed(want)
		})
		if !ok {
			return
		}
	}
	t.Logf("%d kills, %d of them first refused for what a person did", *healKills, refused)
}

// refuses tries again with a person's file in the way: nothing may change but locks.
func (k *killed) refuses(path string, before map[string]string) {
	k.Helper()
	err := k.deliver()
	var de *DeliveryError
	if !errors.As(err, &de) || de.Problem != CheckoutDirty || len(de.Paths) != 1 || de.Paths[0] != path {
		k.Fatalf("%v, want it to be refused for %s", err, path)
	}
	if diff := cmp.Diff(before, k.seen("src")); diff != "" {
		k.Fatal(diff)
	}
	if head := k.git("src", "rev-parse", "HEAD"); head != k.old || k.left == nil {
		k.Fatalf("HEAD %s, journal %+v", head, k.left)
	}
}

// healed compares the directory, and what git says is changed, with what is wanted.
func (k *killed) healed(want map[string]string) {
	k.Helper()
	if diff := cmp.Diff(want, k.seen("src")); diff != "" {
		k.Error(diff)
	}
	if head := k.git("src", "rev-parse", "HEAD"); head != k.new || k.left != nil {
		k.Errorf("HEAD %s, want %s; journal %+v", head, k.new, k.left)
	}
	var edited []string
	for p := range want {
		if _, tracked := k.files[p]; tracked && want[p] != k.files[p] {
			edited = append(edited, p)
		}
	}
	st := k.git("src", "-c", "core.quotePath=false", "diff", "--name-only", "HEAD")
	if strings.Join(edited, "\n") != st {
		k.Errorf("edited %q, git says %q", edited, st)
	}
	if staged := k.git("src", "diff", "--cached", "--name-only"); staged != "" {
		k.Errorf("staged: %s", staged)
	}
}

func removeLocks(dir string) error {
	_, err := clearLocks(dir)
	return err
}

// TestHealKeepsOff leaves alone what it cannot know.
func TestHealKeepsOff(t *testing.T) {
	t.Run("a lock from before", func(t *testing.T) {
		k := newKilled(t)
		k.kill(3)
		if k.deliver() == nil {
			t.Fatal("it was not killed")
		}
		lock := filepath.Join(k.dir, "src/.git/index.lock")
		old := k.left.At.Add(-1e10)
		k.ok(os.Chtimes(lock, old, old))
		var de *DeliveryError
		if err := k.deliver(); !errors.As(err, &de) || de.Problem != CheckoutLocked || !strings.Contains(err.Error(), "index.lock is there") {
			t.Fatal(err)
		}
		if _, err := os.Lstat(lock); err != nil {
			t.Error(err)
		}
	})
	t.Run("a lock before it began", func(t *testing.T) {
		k := newKilled(t)
		k.write("src/.git/index.lock", "")
		var de *DeliveryError
		if err := k.deliver(); !errors.As(err, &de) || de.Problem != CheckoutLocked || k.left != nil {
			t.Fatal(err, k.left)
		}
	})
	t.Run("killed before the first file", func(t *testing.T) {
		k := newKilled(t)
		k.kill(1) // and no file is changed: the lock alone is left
		if k.deliver() == nil || k.left == nil {
			t.Fatal("it was not killed, or is forgotten")
		}
		k.ok(removeLocks(filepath.Join(k.dir, "src/.git")))
		k.git("src", "reset", "-q", "--hard")
		k.git("src", "clean", "-fdxq")
		k.write("src/.git/index.lock", "")
		k.ok(k.deliver())
		k.healed(k.files)
	})
	t.Run("the person went on", func(t *testing.T) {
		k := newKilled(t)
		k.kill(3)
		if k.deliver() == nil {
			t.Fatal("it was not killed")
		}
		k.ok(removeLocks(filepath.Join(k.dir, "src/.git")))
		k.git("src", "reset", "-q", "--hard")
		k.git("src", "clean", "-fdxq")
		k.git("src", "commit", "-q", "--allow-empty", "-m", "own")
		var de *DeliveryError
		if err := k.deliver(); !errors.As(err, &de) || de.Problem != CheckoutDiverged || k.left != nil {
			t.Fatal(err, k.left)
		}
	})
	t.Run("put back", func(t *testing.T) {
		k := newKilled(t)
		k.kill(3)
		if k.deliver() == nil {
			t.Fatal("it was not killed")
		}
		k.ok(removeLocks(filepath.Join(k.dir, "src/.git")))
		k.git("src", "reset", "-q", "--hard")
		k.git("src", "clean", "-fdxq")
		k.write("src/f10.txt", "mine\n") // as any other update: not with edits about
		var de *DeliveryError
		if err := k.deliver(); !errors.As(err, &de) || de.Problem != CheckoutDirty || len(de.Paths) != 1 || de.Paths[0] != "f10.txt" {
			t.Fatal(err)
		}
	})
}
