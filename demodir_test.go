package main

import (
	"os"
	"path/filepath"
	"testing"
)

// TestAKilledDemoIsClearedAway by the next one, and nothing else is.
func TestAKilledDemoIsClearedAway(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	town := func(name string) string {
		dir := filepath.Join(temp, name)
		if err := os.MkdirAll(filepath.Join(dir, "sample"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "town.db"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	killed, other := town("gastown-demo-1"), town("mine")
	runs, leave, err := demoDir()
	if err != nil {
		t.Fatal(err)
	}
	town(filepath.Base(runs))
	hosted := town("gastown-demo-2") // by a process that holds its database alone
	db, err := hold(filepath.Join(hosted, "town.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	link, begun := filepath.Join(temp, "gastown-demo-3"), filepath.Join(temp, "gastown-demo-4")
	if err := os.Symlink(other, link); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(begun, 0o700); err != nil {
		t.Fatal(err)
	}
	clearDemos()
	for dir, want := range map[string]bool{killed: false, other: true, runs: true, hosted: true, link: true, begun: true, filepath.Join(other, "town.db"): true} {
		if _, err := os.Lstat(dir); (err == nil) != want {
			t.Errorf("%s: %v", dir, err)
		}
	}
	if err := leave(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(runs); !os.IsNotExist(err) {
		t.Errorf("its own directory is left: %v", err)
	}
}
