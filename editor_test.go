package main

import (
	"os"
	"path/filepath"
	"testing"
)

// A file of an agent's worktree is opened; what a link leads to elsewhere is not.
func TestRealPath(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "wt")
	for _, d := range []string{dir, filepath.Join(dir, "sub")} {
		if err := os.Mkdir(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range []string{filepath.Join(root, "secret"), filepath.Join(dir, "sub", "file")} {
		if err := os.WriteFile(f, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{"out": "../secret", "up": "..", "in": "sub/file"} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	for path, ok := range map[string]bool{"sub/file": true, "in": true, "out": false, "up/secret": false, "../secret": false, "sub": false, "none": false} {
		if got, err := realPath(dir, path); (err == nil) != ok {
			t.Errorf("%s: %q, %v", path, got, err)
		}
	}
}
