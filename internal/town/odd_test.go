package town

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gastown/beads"
	"gastown/internal/api"
)

var oddFiles = flag.Int("odd.files", 200, "files of the large repository; by hand with 50000")

// odd is a repository in which something is not as usual, and a change made in it.
type odd struct {
	name  string
	fill  func(l *lab) // makes the person's checkout in l.src, the target branch being main
	job   string       // the agent's, up to its commit
	gate  string
	check func(t *testing.T, l *lab) // of main and of the checkout after the delivery
}

// file makes a file of the checkout, with its directories.
func (l *lab) file(name, text string) {
	l.t.Helper()
	if err := os.MkdirAll(filepath.Dir(filepath.Join(l.src, name)), 0o755); err != nil {
		l.t.Fatal(err)
	}
	l.write(filepath.Join("src", name), text)
}

// first makes the checkout a repository with all its files in one commit.
func (l *lab) first() {
	l.t.Helper()
	l.git(l.src, "init", "-q", "-b", "main")
	l.git(l.src, "add", ".")
	l.git(l.src, "commit", "-q", "-m", "first")
}

func odds() []odd {
	strange := []string{"-rf", "--help", "-d/-x", "ä ö/ü 日本 🚢.txt", "tab\there", "line\nbreak", `quo"te\`, " lead and trail ", "é", "e\u0301"}
	pointer := "version https://git-lfs.github.com/spec/v1\noid sha256:" + strings.Repeat("a", 64) + "\nsize 12345\n"
	return []odd{
		{
			name: "submodule",
			fill: func(l *lab) {
				lib := filepath.Join(l.root, "lib")
				if err := os.MkdirAll(lib, 0o755); err != nil {
					l.t.Fatal(err)
				}
				l.write("lib/lib.txt", "1\n")
				l.git(lib, "init", "-q", "-b", "main")
				l.git(lib, "add", ".")
				l.git(lib, "commit", "-q", "-m", "lib 1")
				l.file("main.txt", "x\n")
				l.first()
				l.git(l.src, "-c", "protocol.file.allow=always", "submodule", "add", "-q", lib, "lib")
				l.git(l.src, "commit", "-q", "-m", "with a submodule")
				l.write("lib/lib.txt", "2\n")
				l.git(lib, "commit", "-q", "-am", "lib 2")
			},
			job:  `echo y >> main.txt; git add main.txt; git update-index --cacheinfo "160000,$(git -C "$(git config -f .gitmodules submodule.lib.url)" rev-parse HEAD),lib"; git commit -q -m move`,
			gate: "test -f .gitmodules && grep -q x main.txt",
			check: func(t *testing.T, l *lab) {
				if got, want := l.git(l.repo(), "rev-parse", "main:lib"), l.git(filepath.Join(l.root, "lib"), "rev-parse", "HEAD"); got != want {
					t.Errorf("the submodule is at %s; want %s", got, want)
				}
				if got := l.git(l.src, "diff", "--submodule=short", "HEAD", "--", "main.txt"); got != "" {
					t.Errorf("the checkout differs: %s", got)
				}
			},
		},
		{
			name: "pointers of large files, the filter not there",
			fill: func(l *lab) {
				l.file(".gitattributes", "*.bin filter=lfs diff=lfs merge=lfs -text\n")
				l.file("a.bin", pointer)
				l.first()
			},
			job:  `sed 's/size 12345/size 54321/' a.bin > b.bin; git add b.bin; git commit -q -m pointer`,
			gate: "head -1 a.bin | grep -q git-lfs && head -1 b.bin | grep -q git-lfs",
			check: func(t *testing.T, l *lab) {
				if got := l.git(l.repo(), "show", "main:b.bin"); !strings.Contains(got, "size 54321") {
					t.Errorf("the pointer is %q", got)
				}
			},
		},
		{
			name: "line ends",
			fill: func(l *lab) {
				l.file(".gitattributes", "*.txt text eol=crlf\n*.sh text eol=lf\n")
				l.file("a.txt", "one\r\ntwo\r\n")
				l.file("a.sh", "true\n")
				l.first()
			},
			job:  `printf 'three\r\n' >> a.txt; echo 'true' >> a.sh; git add .; git commit -q -m lines`,
			gate: `test "$(grep -c "$(printf '\r')" a.txt)" = 3 && ! grep -q "$(printf '\r')" a.sh`,
			check: func(t *testing.T, l *lab) {
				if got := l.git(l.repo(), "show", "main:a.txt"); strings.Contains(got, "\r") || !strings.Contains(got, "three") {
					t.Errorf("a.txt is stored as %q", got)
				}
				if got, err := os.ReadFile(filepath.Join(l.src, "a.txt")); err != nil || string(got) != "one\r\ntwo\r\nthree\r\n" {
					t.Errorf("a.txt in the checkout: %q, %v", got, err)
				}
			},
		},
		{
			name: "shallow",
			fill: func(l *lab) {
				full := filepath.Join(l.root, "full")
				l.git(l.root, "init", "-q", "-b", "main", full)
				for i := range 3 {
					l.write("full/a.txt", strings.Repeat("a\n", i+1))
					l.git(full, "add", ".")
					l.git(full, "commit", "-q", "-m", fmt.Sprint("commit ", i))
				}
				l.git(l.root, "clone", "-q", "--depth", "1", "file://"+full, l.src)
			},
			job: `echo b >> a.txt; git commit -qam more`, gate: "grep -q b a.txt",
			check: func(t *testing.T, l *lab) {
				if got := l.git(l.src, "rev-list", "--count", "HEAD"); got != "3" { // the one it had, the agent's, the merge
					t.Errorf("the checkout has %s commits", got)
				}
			},
		},
		{
			name: "names that differ by case only",
			fill: func(l *lab) {
				l.file("Makefile", "all:\n")
				l.file("makefile", "all:\n")
				l.file("Dir/a", "1\n")
				l.file("dir/a", "2\n")
				l.first()
			},
			job: `echo 3 > dir/A; echo 4 >> Dir/a; git add .; git commit -q -m case`, gate: "test -f dir/A && grep -q 4 Dir/a && ! grep -q 4 dir/a",
			check: func(t *testing.T, l *lab) {
				if got := l.git(l.src, "ls-files", "Dir", "dir"); got != "Dir/a\ndir/A\ndir/a" {
					t.Errorf("the checkout has %q", got)
				}
			},
		},
		{
			name: "strange names",
			fill: func(l *lab) {
				for _, f := range strange {
					l.file(f, f+"\n")
				}
				l.first()
			},
			job:  `for f in ./*; do test ! -f "$f" || echo more >> "$f"; done; echo new > ./--new; git add .; git commit -q -m names`,
			gate: "test -f ./-rf && test -f ./-d/-x",
			check: func(t *testing.T, l *lab) {
				if got := len(strings.Split(l.git(l.src, "ls-files", "-z"), "\x00")) - 1; got != len(strange)+1 {
					t.Errorf("the checkout has %d files; want %d", got, len(strange)+1)
				}
			},
		},
		{
			name: "symbolic links and modes",
			fill: func(l *lab) {
				l.file("run.sh", "true\n")
				if err := os.Symlink("/nowhere/at/all", filepath.Join(l.src, "away")); err != nil { // a person's own
					l.t.Fatal(err)
				}
				l.first()
			},
			job:  `ln -s run.sh link; chmod +x run.sh; git add .; git commit -q -m links`,
			gate: "test -L link && test -x run.sh && ./link",
			check: func(t *testing.T, l *lab) {
				if got := l.git(l.src, "ls-files", "--format=%(objectmode) %(path)"); got != "120000 away\n120000 link\n100755 run.sh" {
					t.Errorf("the checkout has %q", got)
				}
			},
		},
		{
			name: "many files",
			fill: func(l *lab) {
				for i := range *oddFiles {
					l.file(fmt.Sprintf("d%03d/f%05d.txt", i/100, i), strings.Repeat(fmt.Sprintf("line %d\n", i), 30))
				}
				l.first()
			},
			job: `echo more >> d000/f00001.txt; git commit -qam more`, gate: "grep -q more d000/f00001.txt",
			check: func(t *testing.T, l *lab) {
				if got := l.git(l.src, "status", "--porcelain"); got != "" {
					t.Errorf("the checkout is not clean: %q", got)
				}
			},
		},
	}
}

// TestOddRepositories: each goes all the way, from `rig add` by a polecat's worktree and commit over the gate's
// worktree to main and back into the person's checkout.
func TestOddRepositories(t *testing.T) {
	for _, o := range odds() {
		t.Run(o.name, func(t *testing.T) {
			l := newLabOf(t, "", fmt.Sprintf("gate = [{name = \"check\", run = %q}]", o.gate), o.fill)
			if _, err := api.ConfigSet.Do(t.Context(), l.person(), api.ConfigReq{Key: "rig.app.deliver", Value: "checkout"}); err != nil {
				t.Fatal(err)
			}
			id := l.create("change it")
			l.tellOnFailure(id)
			l.job(id, o.job+"\nexec gastown done\n")
			begun := time.Now()
			l.sling(id)
			l.approveUntil(patience, 1, nil)
			l.awaitStatus(id, beads.Closed)
			t.Logf("sling to landed: %s", time.Since(begun).Round(time.Millisecond))
			l.await("delivered", func() bool {
				return l.git(l.src, "rev-parse", "HEAD") == l.git(l.repo(), "rev-parse", "main")
			})
			o.check(t, l)
			if out, err := exec.Command("git", "-C", l.repo(), "fsck", "--no-dangling").CombinedOutput(); err != nil {
				t.Errorf("fsck: %v: %s", err, out)
			}
			l.gone()
		})
	}
}

// TestSubdirectoryIsItsRepository: a rig added by a directory inside a checkout is the whole repository.
func TestSubdirectoryIsItsRepository(t *testing.T) {
	l := newLabOf(t, "", "", func(l *lab) {
		l.file("deep/down/a.txt", "a\n")
		l.file("b.txt", "b\n")
		l.first()
		l.src = filepath.Join(l.src, "deep", "down")
	})
	id := l.create("change it")
	l.job(id, "test -f b.txt; echo more >> deep/down/a.txt; git commit -qam more; exec gastown done\n")
	l.sling(id)
	l.awaitStatus(id, beads.Closed)
	if got := l.git(l.repo(), "show", "main:deep/down/a.txt"); got != "a\nmore" {
		t.Errorf("main has %q", got)
	}
	l.gone()
}
