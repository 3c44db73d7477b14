package town

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/api"
	"gastown/refinery"
)

func TestPlacesForGates(t *testing.T) {
	l := newLab(t, "")
	var rigs strings.Builder
	name := func(i int) string { return "other" + strings.Repeat("r", i) }
	for i := range gatePlaces() + 1 {
		rigs.WriteString("\n[rig." + name(i) + "]\nprefix = \"o" + strings.Repeat("r", i) + "\"\nungated = true\n")
	}
	l.down()
	data, err := os.ReadFile(filepath.Join(l.dir, "town.toml"))
	if err != nil {
		t.Fatal(err)
	}
	l.write("T/town.toml", string(data)+rigs.String())
	l.open()
	now := time.Now()
	full := func(tx *store.Tx, want bool, when string) {
		t.Helper()
		if busy, err := l.town.full(tx, "app"); err != nil || busy != want {
			t.Errorf("full %s: %v (%v)", when, busy, err)
		}
	}
	err = l.town.update(func(tx *store.Tx) error {
		put := func(rig string, hung time.Time) error {
			return tx.PutQueue(&refinery.Queue{Rig: rig, Run: &refinery.Run{Phase: refinery.PhaseGate, HungSince: hung}})
		}
		if err := errors.Join(put(name(0), now), put("removed", time.Time{})); err != nil { // these hold none
			return err
		}
		for i := range gatePlaces() - 1 {
			full(tx, false, fmt.Sprintf("with %d others", i))
			if err := put(name(i+1), time.Time{}); err != nil {
				return err
			}
		}
		full(tx, false, "with one place left")
		waits := refinery.Queue{Rig: name(gatePlaces()), Target: "T", Entries: []refinery.Entry{{Bead: "o-1", N: 1, State: refinery.EntryQueued}}}
		mine := refinery.Queue{Rig: "app", Began: now}
		if err := errors.Join(tx.PutQueue(&waits), tx.PutQueue(&mine)); err != nil {
			return err
		}
		full(tx, true, "while one that began longer ago waits for the last place")
		waits.Began = now.Add(time.Second)
		if err := tx.PutQueue(&waits); err != nil {
			return err
		}
		full(tx, false, "while one that began later waits")
		if err := put(name(gatePlaces()), time.Time{}); err != nil {
			return err
		}
		full(tx, true, "with every place in use")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// rigs adds rigs of the person's checkout beside app; all have the same gate.
func (l *lab) rigs(gate string, names ...string) {
	l.t.Helper()
	for _, r := range names {
		if _, err := api.RigAdd.Do(l.t.Context(), l.person(), api.RigAddReq{Name: r, Source: l.src, Prefix: r, Ungated: true}); err != nil {
			l.t.Fatal(err)
		}
	}
	l.down()
	data, err := os.ReadFile(filepath.Join(l.dir, "town.toml"))
	if err != nil {
		l.t.Fatal(err)
	}
	text := strings.ReplaceAll(string(data), "ungated = true", "")
	for _, r := range append(names, "app") {
		text += fmt.Sprintf("\n[[rig.%s.gate]]\nname = \"test\"\nrun = '''%s'''\n", r, gate)
	}
	l.write("T/town.toml", text)
	l.up()
}

func (l *lab) createIn(rig, title string, priority int) beads.ID {
	l.t.Helper()
	b, err := api.BeadCreate.Do(l.t.Context(), l.person(), api.BeadCreateReq{Title: title, Rig: rig, Priority: &priority})
	if err != nil {
		l.t.Fatal(err)
	}
	return b.ID
}

// TestRigsTakeTurns: as many busy rigs as there are places must not keep another one waiting.
func TestRigsTakeTurns(t *testing.T) {
	l := newLabOf(t, "polecats = 40", "", func(l *lab) { l.write("src/README.md", "one\n"); l.first() })
	var busy []string
	for i := range gatePlaces() {
		busy = append(busy, "b"+strings.Repeat("b", i))
	}
	l.rigs("sleep 0.2", busy...)
	if _, err := api.RefineryPause.Do(t.Context(), l.person(), api.NameReq{}); err != nil {
		t.Fatal(err)
	}
	last := l.createIn("app", "the one", 2)
	ids := []beads.ID{last}
	for _, rig := range busy {
		for range 3 { // urgent ones are gated one by one
			ids = append(ids, l.createIn(rig, "many", 0))
		}
	}
	l.sling(ids...)
	for _, id := range ids {
		l.awaitStatus(id, beads.Submitted)
	}
	for _, rig := range append(busy, "app") {
		if _, err := api.RefineryResume.Do(t.Context(), l.person(), api.NameReq{Name: rig}); err != nil {
			t.Fatal(err)
		}
	}
	for _, id := range ids {
		l.awaitStatus(id, beads.Closed)
	}
	before := 0
	for _, id := range ids[1:] {
		if l.bead(id).ClosedAt.Before(*l.bead(last).ClosedAt) {
			before++
		}
	}
	if most := 2 * len(busy); before > most {
		t.Errorf("%d of %d beads of other rigs landed first, want %d at most", before, len(ids)-1, most)
	}
}

// TestAProofGivesWay: a proof holds up no gate of another rig, and is made later.
func TestAProofGivesWay(t *testing.T) {
	l := newLab(t, "")
	var others []string
	for i := range gatePlaces() {
		others = append(others, "o"+strings.Repeat("o", i))
	}
	// Without its change, the test of the bead keeps its gate running until it may end.
	l.rigs(`if [ -e a_test.go ] && ! [ -e a.go ]; then echo x >> `+l.root+`/proving; until [ -e `+l.root+`/end ]; do sleep 0.05; done; exit 1; fi
if [ -e wait ]; then until [ -e `+l.root+`/go ]; do sleep 0.05; done; fi`, others...)
	proofs := func() int {
		data, _ := os.ReadFile(filepath.Join(l.root, "proving")) // not there before the first
		return strings.Count(string(data), "x")
	}
	proven := l.createIn("app", "with a test", 2)
	l.job(proven, "echo package a > a.go; echo package a > a_test.go; git add .; git commit -qm a; exec gastown done")
	l.sling(proven)
	l.await("its proof", func() bool { return proofs() == 1 })
	for _, rig := range others {
		id := l.createIn(rig, "gated meanwhile", 1)
		l.job(id, "echo > wait; git add .; git commit -qm w; exec gastown done")
		l.sling(id)
	}
	l.await("all gate", func() bool {
		n := 0
		for _, r := range l.status().Rigs {
			if r.Refinery.Phase != "" {
				n++
			}
		}
		return n == len(others)
	})
	l.await("the proof ends", func() bool {
		for _, r := range l.host.rigHosts() {
			if r.runner.Proving() {
				return false
			}
		}
		return true
	})
	if p := l.attempt(proven).Proof; proofs() != 1 || p == nil || p.Outcome != beads.ProofPending {
		t.Fatalf("%d proofs, %+v", proofs(), p)
	}
	l.write("end", "")
	l.write("go", "")
	l.await("it is made", func() bool { return l.attempt(proven).Proof.Outcome == beads.ProofRed })
}

// called reports whether a function is among the callers.
func called(name string) bool {
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(1, pcs)])
	for {
		f, more := frames.Next()
		if strings.HasSuffix(f.Function, name) {
			return true
		}
		if !more {
			return false
		}
	}
}

// TestARefineryThatCrashes: a panic while an answer is recorded costs the run, three cost the
// rig's Refinery until a person restarts it, and none the host. An answer that could not be
// recorded at all is recorded later.
func TestARefineryThatCrashes(t *testing.T) {
	l := newLab(t, "")
	var bombs atomic.Int64
	l.now = func() time.Time {
		if bombs.Load() > 0 && called("(*Town).step") && called("(*rigHost).emit") && bombs.Add(-1) >= 0 {
			panic("the clock broke")
		}
		return time.Now()
	}
	gated(l, "echo x >> "+l.root+"/runs")
	one, two := l.create("one"), l.create("two")
	bombs.Store(1)
	l.sling(one)
	l.awaitStatus(one, beads.Closed)
	if !strings.Contains(l.log.String(), "the clock broke") {
		t.Fatal("it did not crash")
	}
	bombs.Store(1 << 20)
	l.sling(two)
	l.await("it is told", func() bool {
		return strings.Contains(fmt.Sprint(l.status().Problems), "cannot record what happened")
	})
	bombs.Store(0)
	l.awaitStatus(two, beads.Closed)
	l.await("the problem is gone", func() bool { return len(l.status().Problems) == 0 })
}
