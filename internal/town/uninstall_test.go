package town

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/api"
	"gastown/internal/config"
)

func TestUninstallSaysWhatGoesAndTakesOnlyThat(t *testing.T) {
	l := newLab(t, "")
	settings := filepath.Join(l.root, "home", ".config", "gastown")
	registry := filepath.Join(settings, "towns.toml")
	deps := l.town.deps
	deps.Config = settings
	for _, root := range []string{l.src, "/elsewhere"} {
		town := l.dir
		if root == "/elsewhere" {
			town = "/other/town"
		}
		if err := config.Register(registry, root, town); err != nil {
			t.Fatal(err)
		}
	}
	id := l.create("lands here alone")
	l.sling(id)
	l.awaitStatus(id, beads.Closed)
	l.create("is open")
	if _, err := Uninstall(t.Context(), l.dir, deps, true); !errors.Is(err, store.ErrHeld) {
		t.Fatalf("under a host: %v", err)
	}
	l.down()

	r, err := Uninstall(t.Context(), l.dir, deps, false)
	if err != nil {
		t.Fatal(err)
	}
	lost := strings.Join(r.Lost, "\n")
	if !slices.Equal(r.Remove, []string{l.dir}) || r.Listed != 1 || !strings.Contains(lost, "rig app: 1 bead landed in the town alone; "+l.src+" has not got them") || !strings.Contains(lost, "1 bead that is not closed") {
		t.Errorf("it would remove %+v", r)
	}
	if _, err := os.Stat(filepath.Join(l.dir, "town.toml")); err != nil {
		t.Fatalf("it only said so: %v", err)
	}
	l.write("T/notes.txt", "mine\n")
	if r, err = Uninstall(t.Context(), l.dir, deps, true); err != nil || r.Stays != l.dir {
		t.Fatalf("%+v, %v", r, err)
	}
	left, err := os.ReadDir(l.dir)
	if err != nil || len(left) != 1 || left[0].Name() != "notes.txt" {
		t.Errorf("left: %v, %v", left, err)
	}
	reg, err := config.LoadRegistry(registry)
	if err != nil || len(reg.Towns) != 1 || reg.Towns["/elsewhere"] == "" {
		t.Errorf("the list of towns: %v, %v", reg, err)
	}
	if _, err := os.Stat(filepath.Join(l.src, "README.md")); err != nil {
		t.Errorf("the checkout: %v", err)
	}
}

// TestUninstallOfABrokenTown takes all of it, and the list of towns that has no other.
func TestUninstallOfABrokenTown(t *testing.T) {
	root := t.TempDir()
	dir, settings := filepath.Join(root, "T"), filepath.Join(root, "config", "gastown")
	if err := Init(dir); err != nil {
		t.Fatal(err)
	}
	if err := config.Register(filepath.Join(settings, "towns.toml"), "/src", dir); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "town.db"), []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := Uninstall(t.Context(), dir, Deps{Config: settings}, true)
	if err != nil || len(r.Lost) != 1 || !strings.Contains(r.Lost[0], "nobody can tell") || !slices.Equal(r.Remove, []string{dir, settings}) {
		t.Errorf("%+v, %v", r, err)
	}
	for _, path := range r.Remove {
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s is there", path)
		}
	}
}

// TestUninstallNamesRigsThatWereTakenOut: their repositories stay in the town, perhaps with what is nowhere else.
func TestUninstallNamesRigsThatWereTakenOut(t *testing.T) {
	l := newLab(t, "")
	id := l.create("lands here alone")
	l.sling(id)
	l.awaitStatus(id, beads.Closed)
	l.awaitNobody()
	if _, err := api.RigRemove.Do(t.Context(), l.person(), api.NameReq{Name: "app"}); err != nil {
		t.Fatal(err)
	}
	deps := l.town.deps
	l.down()
	r, err := Uninstall(t.Context(), l.dir, deps, false)
	if lost := strings.Join(r.Lost, "\n"); err != nil || !strings.Contains(lost, "rig app, taken out before: ") {
		t.Errorf("%q, %v", lost, err)
	}
}
