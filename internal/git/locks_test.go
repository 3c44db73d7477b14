package git_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gastown/internal/git"
)

func TestClearLocks(t *testing.T) {
	g := git.New(append(os.Environ(), "HOME="+t.TempDir()))
	root := t.TempDir()
	r, err := g.InitBare(t.Context(), filepath.Join(root, "repo.git"), "main")
	if err != nil {
		t.Fatal(err)
	}
	tip, err := r.InitRoot(t.Context(), "refs/heads/main", git.FallbackIdent(), "first\n")
	if err != nil {
		t.Fatal(err)
	}
	const branch = "refs/heads/gt/a-1/1"
	w, err := r.WorktreeAdd(t.Context(), filepath.Join(root, "wt"), branch, tip)
	if err != nil {
		t.Fatal(err)
	}
	lock := func(paths ...string) []string {
		t.Helper()
		for _, p := range paths {
			if err := os.WriteFile(p, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		slices.Sort(paths)
		return paths
	}
	dir := filepath.Dir(filepath.Dir(w.GitDir()))
	mine := lock(filepath.Join(w.GitDir(), "index.lock"), filepath.Join(w.GitDir(), "HEAD.lock"), filepath.Join(dir, filepath.FromSlash(branch)+".lock"))
	others := lock(filepath.Join(dir, "packed-refs.lock"), filepath.Join(dir, "refs/heads/main.lock"))
	gone, err := w.ClearLocks(branch)
	slices.Sort(gone)
	if err != nil || !slices.Equal(gone, mine) {
		t.Errorf("of the worktree: %v (%v), want %v", gone, err, mine)
	}
	lock(mine...)
	want := append(mine, others...)
	slices.Sort(want)
	gone, err = r.ClearLocks()
	slices.Sort(gone)
	if err != nil || !slices.Equal(gone, want) {
		t.Errorf("of the repository: %v (%v), want %v", gone, err, want)
	}
	if err := r.DeleteRef(t.Context(), branch, tip); err != nil {
		t.Error(err)
	}
	if got, err := r.ResolveCommit(t.Context(), "refs/heads/main"); err != nil || got != tip {
		t.Errorf("main: %q, %v", got, err)
	}
}

// TestALockOfADeadGitIsRemoved while the host runs: nothing else ever does, and every write fails. One that may be somebody's stays.
func TestALockOfADeadGitIsRemoved(t *testing.T) {
	var told []string
	g := git.New(append(os.Environ(), "HOME="+t.TempDir()))
	g.Unlocked = func(files []string) { told = append(told, files...) }
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	r, err := g.InitBare(t.Context(), filepath.Join(root, "repo.git"), "main")
	if err != nil {
		t.Fatal(err)
	}
	const main, branch = "refs/heads/main", "refs/heads/gt/a-1/1"
	tip, err := r.InitRoot(t.Context(), main, git.FallbackIdent(), "first\n")
	if err != nil {
		t.Fatal(err)
	}
	w, err := r.WorktreeAdd(t.Context(), filepath.Join(root, "wt"), branch, tip)
	if err != nil {
		t.Fatal(err)
	}
	lock := func(file string, age time.Duration) {
		t.Helper()
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, time.Now().Add(-age), time.Now().Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	next, err := r.CommitTree(t.Context(), git.NewCommit{Tree: tip + "^{tree}", Parents: []string{tip}, Message: "next", Author: git.FallbackIdent().At(time.Unix(1e9, 0))})
	if err != nil {
		t.Fatal(err)
	}
	check := func(name string, is error) {
		t.Helper()
		if is != nil || len(told) != 1 || !strings.HasSuffix(told[0], name) {
			t.Errorf("%s: %v, removed %q", name, is, told)
		}
		told = nil
	}
	// One of an hour ago is removed at once, one of this moment as soon as it is old enough.
	for _, age := range []time.Duration{time.Hour, 0} {
		lock(filepath.Join(r.Dir(), main+".lock"), age)
		check("main.lock", r.UpdateRef(t.Context(), main, next, tip, "test"))
		next, tip = tip, next
	}
	lock(filepath.Join(r.Dir(), "packed-refs.lock"), time.Hour)
	check("packed-refs.lock", r.DeleteRef(t.Context(), "refs/gt/none", ""))
	lock(filepath.Join(w.GitDir(), "index.lock"), time.Hour)
	_, err = w.Run(t.Context(), nil, "", "reset", "--quiet", "--hard")
	check("index.lock", err)

	// A git that stands still is not dead.
	stopped := exec.Command("git", "cat-file", "--batch")
	stopped.Dir = w.Path()
	in, err := stopped.StdinPipe()
	if err == nil {
		err = stopped.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	lock(filepath.Join(w.GitDir(), "index.lock"), 0)
	reset := []string{"reset", "--quiet", "--hard"}
	if _, err := w.Run(t.Context(), nil, "", reset...); err == nil || len(told) > 0 {
		t.Errorf("went past a lock that somebody may hold: %v, removed %q", err, told)
	}
	_, _ = in.Close(), stopped.Wait()
	_, err = w.Run(t.Context(), nil, "", reset...)
	check("index.lock", err)
}
