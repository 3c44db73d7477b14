package store

import (
	"path/filepath"
	"slices"
	"testing"

	"gastown/beads"
)

// BenchmarkList10k is a first look at a big town by a fresh process, and a later look by the host.
func BenchmarkList10k(b *testing.B) {
	path := filepath.Join(b.TempDir(), "town.db")
	s := openTest(b, path, Options{NoSync: true})
	fill(b, s, 10_000)
	list := func(b *testing.B) {
		err := s.View(func(tx *Tx) error {
			all, err := tx.Beads()
			if len(all) != 10_000 {
				b.Fatal(len(all))
			}
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.Run("cold", func(b *testing.B) {
		for b.Loop() {
			s.beads.m = nil
			list(b)
		}
	})
	b.Run("warm", func(b *testing.B) {
		list(b)
		for b.Loop() {
			list(b)
		}
	})
	b.Run("graph", func(b *testing.B) {
		var all []*beads.Bead
		if err := s.View(func(tx *Tx) (err error) { all, err = tx.Beads(); return err }); err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			g := beads.NewGraph(slices.Values(all))
			for _, one := range all {
				g.Ready(one, epoch)
			}
		}
	})
}

// BenchmarkOneShot is what a command without a host pays: open, one write, close.
func BenchmarkOneShot(b *testing.B) {
	path := filepath.Join(b.TempDir(), "town.db")
	first, err := Open(path, Options{})
	if err != nil {
		b.Fatal(err)
	}
	if err := first.Close(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		s, err := Open(path, Options{})
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Update(func(tx *Tx) error { return tx.PutBead(bead("ma-abc")) }); err != nil {
			b.Fatal(err)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
