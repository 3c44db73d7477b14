package store

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"gastown/beads"
)

// epoch is when every test begins.
var epoch = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

func openTest(t testing.TB, path string, o Options) *Store {
	t.Helper()
	if o.Now == nil {
		o.Now = func() time.Time { return epoch }
	}
	s, err := Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func newStore(t testing.TB) *Store {
	t.Helper()
	return openTest(t, filepath.Join(t.TempDir(), "town.db"), Options{NoSync: true})
}

func bead(id beads.ID, deps ...beads.Dependency) *beads.Bead {
	for i := range deps {
		deps[i].IssueID = id
	}
	return &beads.Bead{
		ID: id, Title: "title of " + string(id), Status: beads.Open, Priority: 2, Type: beads.Task, Rig: "app",
		NeedsCode: true, CreatedAt: epoch, UpdatedAt: epoch, Dependencies: deps,
	}
}

func on(id beads.ID, typ beads.DepType) beads.Dependency {
	return beads.Dependency{DependsOn: id, Type: typ}
}

func put(t testing.TB, s *Store, bs ...*beads.Bead) {
	t.Helper()
	err := s.Update(func(tx *Tx) error {
		var errs []error
		for _, b := range bs {
			errs = append(errs, tx.PutBead(b))
		}
		return errors.Join(errs...)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func claim(s *Store, id beads.ID, polecat string) (*beads.Attempt, error) {
	var a *beads.Attempt
	err := s.Update(func(tx *Tx) (err error) {
		a, err = Claim(tx, ClaimReq{Bead: id, Polecat: polecat, Preset: "fake", Token: polecat + "-" + string(id), Now: epoch})
		return err
	})
	return a, err
}

// sample is a bead of the size people write, 1 to 2 KB as JSON.
func sample(i int, r *rand.Rand) *beads.Bead {
	b := bead(beads.ID(fmt.Sprintf("ma-%04x", i)))
	b.Description = string(make([]byte, 0, 600))
	for len(b.Description) < 500 {
		b.Description += fmt.Sprintf("word%d ", r.IntN(100000))
	}
	b.AcceptanceCriteria = "- it builds\n- the tests pass\n"
	b.Labels = []string{"backend", "auth"}
	b.CreatedAt = epoch.Add(time.Duration(i) * time.Second)
	b.CreatedBy = "dev"
	if i > 0 {
		b.Dependencies = []beads.Dependency{{IssueID: b.ID, DependsOn: beads.ID(fmt.Sprintf("ma-%04x", r.IntN(i))), Type: beads.Blocks, CreatedAt: epoch}}
	}
	return b
}

func fill(t testing.TB, s *Store, n int) {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	var all []*beads.Bead
	for i := range n {
		all = append(all, sample(i, r))
	}
	put(t, s, all...)
}
