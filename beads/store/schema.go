package store

import (
	"encoding/binary"
	"fmt"
	"path/filepath"

	"go.etcd.io/bbolt"
)

// schemaVersion is the version this program writes. Raise it with a migration in current().
const schemaVersion = 1

// schema is a version and the way to it from every older one.
type schema struct {
	version    int
	migrations []migration // by to, ascending, without gaps from 2 on
}

// migration brings a store from version to-1 to version to, inside one transaction with all others.
type migration struct {
	to   int
	name string
	run  func(*bbolt.Tx) error
}

func current() schema { return schema{version: schemaVersion} }

func schemaKey() []byte { return []byte("schema") }

func (sc schema) init(tx *bbolt.Tx) error {
	for _, name := range buckets() {
		if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
			return fmt.Errorf("create bucket %q: %w", name, err)
		}
	}
	return tx.Bucket([]byte(bucketMeta)).Put(schemaKey(), be64(uint64(sc.version)))
}

func (s *Store) version() (int, error) {
	have := 0
	err := s.db.View(func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte(bucketMeta))
		if b == nil {
			return damaged(s.path, fmt.Errorf("a bbolt file, but not a town's"))
		}
		raw := b.Get(schemaKey())
		if len(raw) != 8 {
			return damaged(s.path, fmt.Errorf("no schema version"))
		}
		have = int(binary.BigEndian.Uint64(raw))
		return nil
	})
	return have, err
}

// migrate takes a backup and runs what is between have and sc.version, all of it or nothing.
func (s *Store) migrate(sc schema, have int) error {
	if have == sc.version {
		return nil
	}
	name := fmt.Sprintf("schema%d-%s.db", have, s.now().UTC().Format(backupTime))
	if err := s.BackupTo(filepath.Join(BackupDir(s.path), name)); err != nil {
		return fmt.Errorf("back up store %q before migration: %w", s.path, err)
	}
	return s.db.Update(func(tx *bbolt.Tx) error {
		for _, m := range sc.migrations {
			if m.to <= have {
				continue
			}
			if err := m.run(tx); err != nil {
				return fmt.Errorf("migrate store %q to schema %d (%s): %w", s.path, m.to, m.name, err)
			}
		}
		return sc.init(tx)
	})
}
