package git_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

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
