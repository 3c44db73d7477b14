package store

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"
	"pgregory.net/rapid"

	"gastown/beads"
	"gastown/internal/fault"
)

// writerEnv makes the test binary a writer on the store it names, until it is killed.
const writerEnv = "GASTOWN_TEST_WRITER"

func TestMain(m *testing.M) {
	if path := os.Getenv(writerEnv); path != "" {
		fmt.Fprintln(os.Stderr, write(path))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// write commits beads and attempts for ever and prints the number of each one that is on disk.
func write(path string) error {
	s, err := Open(path, Options{})
	if err != nil {
		return err
	}
	for n := 0; ; n++ {
		id := beads.ID(fmt.Sprintf("ma-%06d", n))
		err := s.Update(func(tx *Tx) error {
			if tx.HasBead(id) {
				return nil
			}
			if err := tx.PutBead(bead(id)); err != nil {
				return err
			}
			_, err := Claim(tx, ClaimReq{Bead: id, Polecat: string(id), Preset: "fake", Token: string(id), Now: epoch})
			return err
		})
		if err != nil {
			return err
		}
		fmt.Println(n)
	}
}

func TestKilledWriterLosesNothingItAcknowledged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "town.db")
	acked := -1
	for round := range 12 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), writerEnv+"="+path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for seen := 0; lines.Scan(); seen++ {
			n, err := strconv.Atoi(lines.Text())
			if err != nil {
				t.Fatal(err)
			}
			acked = max(acked, n)
			if seen == 20+round*17 {
				if err := cmd.Process.Kill(); err != nil { // what is still in the pipe is read on
					t.Fatal(err)
				}
			}
		}
		if err := cmd.Wait(); err == nil {
			t.Fatal("the writer was not killed")
		}
		func() {
			s, err := Open(path, Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			}()
			if err := errors.Join(s.Check(), s.Verify()); err != nil {
				t.Fatal(err)
			}
			if err := s.View(func(tx *Tx) error {
				for n := range acked + 1 {
					if !tx.HasBead(beads.ID(fmt.Sprintf("ma-%06d", n))) {
						t.Errorf("round %d: bead %d of %d is lost", round, n, acked)
					}
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		}()
	}
	if acked < 200 {
		t.Errorf("only %d commits", acked)
	}
}

func TestAHeldLockNamesItsOwner(t *testing.T) {
	path := filepath.Join(t.TempDir(), "town.db")
	openTest(t, path, Options{})
	_, err := Open(path, Options{Timeout: 10 * time.Millisecond})
	if !fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), fmt.Sprintf("held by process %d", os.Getpid())) {
		t.Errorf("got %v", err)
	}
}

func TestOpenNeverStartsAfresh(t *testing.T) {
	cases := []struct {
		name  string
		spoil func(path string) error
		want  string
	}{
		{"gone", os.Remove, "the file is gone"},
		{"empty", func(p string) error { return os.Truncate(p, 0) }, "no valid first page"},
		{"truncated", func(p string) error { return os.Truncate(p, 3*int64(os.Getpagesize())) }, "truncated"},
		{"text", func(p string) error { return os.WriteFile(p, []byte(strings.Repeat("hello\n", 9999)), 0o600) }, "not a store"},
		{"directory", func(p string) error { return errors.Join(os.Remove(p), os.Mkdir(p, 0o700)) }, "not a regular file"},
		{"other bbolt file", func(p string) error {
			if err := os.Remove(p); err != nil {
				return err
			}
			db, err := bbolt.Open(p, 0o600, nil)
			if err != nil {
				return err
			}
			return db.Close()
		}, "not a town's"},
		{"newer", func(p string) error {
			s, err := open(p, Options{}, schema{version: 7, migrations: []migration{{to: 7, name: "x", run: func(*bbolt.Tx) error { return nil }}}})
			if err != nil {
				return err
			}
			return s.Close()
		}, "written by a newer gastown (schema 7, this one knows 1)"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "town.db")
			s, err := Open(path, Options{})
			if err != nil {
				t.Fatal(err)
			}
			put(t, s, bead("ma-one"))
			if err := errors.Join(s.Close(), c.spoil(path)); err != nil {
				t.Fatal(err)
			}
			s, err = Open(path, Options{})
			if err == nil {
				t.Fatal(errors.Join(errors.New("opened"), s.Close()))
			}
			if e := fault.From(err); e.Kind != fault.Unavailable || !strings.Contains(e.Msg, c.want) || !strings.Contains(e.Msg, path) || e.Hint == "" {
				t.Errorf("got %+v", e)
			}
		})
	}
}

func TestReadOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "town.db")
	if _, err := Open(path, Options{ReadOnly: true}); !fault.Is(err, fault.Unavailable) {
		t.Errorf("no file: %v", err)
	}
	s, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	put(t, s, bead("ma-one"))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	one := openTest(t, path, Options{ReadOnly: true})
	two := openTest(t, path, Options{ReadOnly: true})
	if err := errors.Join(one.Verify(), two.Check()); err != nil {
		t.Error(err)
	}
	if err := one.Update(func(*Tx) error { return nil }); !fault.Is(err, fault.Refused) {
		t.Errorf("got %v", err)
	}
}

func TestMigrationsRunInOrderAfterABackup(t *testing.T) {
	path := filepath.Join(t.TempDir(), "town.db")
	s, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	put(t, s, bead("ma-one"))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	mark := func(to int, end error) migration {
		return migration{to, "mark", func(tx *bbolt.Tx) error {
			b := tx.Bucket([]byte(bucketKV))
			return errors.Join(b.Put([]byte("marks"), append(b.Get([]byte("marks")), byte('0'+to))), end)
		}}
	}
	clock := func() time.Time { return epoch }
	stop := errors.New("stop")
	if _, err := open(path, Options{Now: clock}, schema{3, []migration{mark(2, nil), mark(3, stop)}}); !errors.Is(err, stop) {
		t.Fatalf("got %v", err)
	}
	s, err = open(path, Options{Now: clock}, schema{3, []migration{mark(1, nil), mark(2, nil), mark(3, nil)}})
	if err != nil {
		t.Fatal(err)
	}
	if v, err := s.version(); v != 3 || err != nil {
		t.Errorf("version %d, %v", v, err)
	}
	if err := s.View(func(tx *Tx) error {
		if got := string(tx.bucket(bucketKV).Get([]byte("marks"))); got != "23" {
			t.Errorf("ran %q", got)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	if err := errors.Join(s.Verify(), s.Close()); err != nil {
		t.Error(err)
	}
	old := openTest(t, filepath.Join(BackupDir(path), "schema1-20260501T120000Z.db"), Options{ReadOnly: true})
	if v, err := old.version(); v != 1 || err != nil {
		t.Errorf("backup: version %d, %v", v, err)
	}
}

func TestSchema1FromAFile(t *testing.T) {
	raw := fileBytes(t, filepath.Join("testdata", "schema1.db"))
	path := filepath.Join(t.TempDir(), "town.db")
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	s := openTest(t, path, Options{})
	if err := errors.Join(s.Check(), s.Verify()); err != nil {
		t.Fatal(err)
	}
	if err := s.View(func(tx *Tx) error {
		b, err := tx.Bead("ma-one")
		if err == nil && (b.Status != beads.Working || b.Assignee != "toast" || tx.LastSeq() != 1) {
			t.Errorf("got %+v, %d events", b, tx.LastSeq())
		}
		return err
	}); err != nil {
		t.Error(err)
	}
}

func TestBackupAndRestore(t *testing.T) {
	dir := t.TempDir()
	path, backup := filepath.Join(dir, "town.db"), filepath.Join(dir, "backups", "one.db")
	s, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	put(t, s, bead("ma-one"))
	if err := s.BackupTo(backup); err != nil {
		t.Fatal(err)
	}
	put(t, s, bead("ma-two"))
	o := Options{Now: func() time.Time { return epoch }, Timeout: 10 * time.Millisecond}
	if _, err := Restore(path, backup, o); !fault.Is(err, fault.Unavailable) {
		t.Errorf("restore over a store in use: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 100); err != nil {
		t.Fatal(err)
	}
	kept, err := Restore(path, backup, o)
	if err != nil || kept != path+".before-20260501T120000Z" {
		t.Fatalf("kept %q, %v", kept, err)
	}
	if len(fileBytes(t, kept)) != 100 {
		t.Error("what was there is not what was kept")
	}
	s = openTest(t, path, Options{})
	if err := s.View(func(tx *Tx) error {
		if !tx.HasBead("ma-one") || tx.HasBead("ma-two") {
			t.Error("wrong beads")
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	// What no backup is, is told with the backups that there are, and nothing happens.
	empty := filepath.Join(dir, "empty.db")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for from, kind := range map[string]fault.Kind{filepath.Join(dir, "none.db"): fault.NotFound, empty: fault.Unavailable} {
		if _, err := Restore(path, from, o); !fault.Is(err, kind) || !strings.Contains(fault.From(err).Hint, filepath.Join(dir, "backups")) {
			t.Errorf("restored from %s: %v, %s", from, err, fault.From(err).Hint)
		}
	}
	for _, want := range []string{"-2", "-3"} { // all within one second
		if kept, err := Restore(path, backup, o); err != nil || kept != path+".before-20260501T120000Z"+want {
			t.Errorf("kept %q, %v", kept, err)
		}
	}
	left, err := filepath.Glob(filepath.Join(dir, "*.new-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestModel compares the store with maps under random transactions, some of them rolled back.
func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "gastown-model-")
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := os.RemoveAll(dir); err != nil {
				t.Error(err)
			}
		}()
		path := filepath.Join(dir, "town.db")
		m := &model{path: path, beads: map[beads.ID]string{}, live: map[beads.ID]string{}}
		m.reopen(t)
		defer func() {
			if err := m.s.Close(); err != nil {
				t.Error(err)
			}
		}()
		t.Repeat(map[string]func(*rapid.T){
			"":       m.compare,
			"put":    m.put,
			"claim":  m.claim,
			"end":    m.end,
			"reopen": m.reopen,
		})
	})
}

type model struct {
	s     *Store
	path  string
	beads map[beads.ID]string // title
	live  map[beads.ID]string // polecat
}

var errRollback = errors.New("roll back")

func (m *model) reopen(t *rapid.T) {
	if m.s != nil {
		if err := m.s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	s, err := Open(m.path, Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	m.s = s
}

func (m *model) id(t *rapid.T) beads.ID {
	return beads.ID(rapid.SampledFrom([]string{"ma-aaa", "ma-bbb", "ma-bbb.1", "x-1", "Föö/9"}).Draw(t, "id"))
}

func (m *model) put(t *rapid.T) {
	id, title, end := m.id(t), rapid.String().Draw(t, "title"), error(nil)
	if rapid.Bool().Draw(t, "roll back") {
		end = errRollback
	}
	err := m.s.Update(func(tx *Tx) error {
		b := bead(id)
		if tx.HasBead(id) {
			old, err := tx.Bead(id)
			if err != nil {
				return err
			}
			b = old.Clone()
		}
		b.Title = title
		return errors.Join(tx.PutBead(b), end)
	})
	if !errors.Is(err, end) {
		t.Fatal(err)
	}
	if end == nil {
		m.beads[id] = strings.ToValidUTF8(title, "\ufffd")
	}
}

func (m *model) claim(t *rapid.T) {
	id, polecat := m.id(t), rapid.SampledFrom([]string{"toast", "nux"}).Draw(t, "polecat")
	_, exists := m.beads[id]
	want := exists && m.live[id] == ""
	for _, p := range m.live {
		want = want && p != polecat
	}
	if _, err := claim(m.s, id, polecat); (err == nil) != want {
		t.Fatalf("claim of %s by %s: %v, want %t", id, polecat, err, want)
	}
	if want {
		m.live[id] = polecat
	}
}

func (m *model) end(t *rapid.T) {
	id := m.id(t)
	act := rapid.SampledFrom([]beads.Action{beads.Kill, beads.Lose}).Draw(t, "action")
	err := m.s.Update(func(tx *Tx) error {
		b, err := tx.Bead(id)
		if err != nil {
			return err
		}
		_, _, err = Step(tx, id, b.LastAttempt, act, epoch, nil)
		return err
	})
	if (err == nil) != (m.live[id] != "") {
		t.Fatalf("%s %s: %v", act, id, err)
	}
	delete(m.live, id)
}

func (m *model) compare(t *rapid.T) {
	if err := m.s.Verify(); err != nil {
		t.Fatal(err)
	}
	err := m.s.View(func(tx *Tx) error {
		all, err := tx.Beads()
		if err != nil {
			return err
		}
		live, err := tx.LiveAttempts()
		if err != nil {
			return err
		}
		if len(all) != len(m.beads) || len(live) != len(m.live) {
			t.Fatalf("%d beads, %d live; want %d, %d", len(all), len(live), len(m.beads), len(m.live))
		}
		for _, b := range all {
			if want, ok := m.beads[b.ID]; !ok || b.Title != want {
				t.Fatalf("bead %s: %q, want %q", b.ID, b.Title, want)
			}
		}
		for _, a := range live {
			if m.live[a.Bead] != a.Polecat {
				t.Fatalf("attempt %s by %s, want %q", a.Key(), a.Polecat, m.live[a.Bead])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
