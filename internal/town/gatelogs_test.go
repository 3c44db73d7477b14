package town

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gastown/beads"
	"gastown/internal/api"
	"gastown/internal/fault"
)

func TestOldLogs(t *testing.T) {
	dir := t.TempDir()
	now := time.Now()
	for i := range 6 {
		name := filepath.Join(dir, fmt.Sprint(i))
		if err := os.WriteFile(name, make([]byte, 10), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(name, now, now.Add(-time.Duration(i)*time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		most  int
		bytes int64
		want  string
	}{{10, 100, ""}, {4, 100, "4 5"}, {10, 35, "3 4 5"}, {2, 35, "2 3 4 5"}, {10, 0, "1 2 3 4 5"}} {
		old, err := oldLogs(dir, tt.most, tt.bytes)
		var names []string
		for _, p := range old {
			names = append(names, filepath.Base(p))
		}
		if got := strings.Join(names, " "); err != nil || got != tt.want {
			t.Errorf("%d, %d: %q, %v; want %q", tt.most, tt.bytes, got, err, tt.want)
		}
	}
	if old, err := oldLogs(filepath.Join(dir, "none"), 1, 1); err != nil || len(old) > 0 {
		t.Error(old, err)
	}
}

// TestGateLogsAreRotated: the newest stay, and what a bead that is not over still tells of.
func TestGateLogsAreRotated(t *testing.T) {
	l := newLab(t, `gate = [{name = "check", run = "echo tried; test ! -e bad"}]`)
	landed, back := l.create("lands"), l.create("is sent back")
	l.job(back, `[ "$GASTOWN_ATTEMPT" = 1 ] || exec cat; touch bad; git add bad; git commit -q -m bad; exec gastown done`)
	l.sling(landed, back)
	l.awaitStatus(landed, beads.Closed)
	l.awaitState(back, 1, beads.Rejected)
	dir := filepath.Join(l.dir, "logs", "gates", "app")
	was := l.attempt(landed).Gates[0].Log
	kept := l.bead(back).Attempts[0].Gates[0].Log
	long := time.Now().Add(-time.Hour)
	for _, file := range []string{was, kept} {
		if err := os.Chtimes(file, long, long); err != nil {
			t.Fatal(err)
		}
	}
	for i := range keepLogs + 20 {
		l.write(fmt.Sprintf("T/logs/gates/app/gate-9%05d-x.log", i), "x")
	}
	one := l.create("one more") // its gate makes room
	l.sling(one)
	l.awaitStatus(one, beads.Closed)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if len(names) > keepLogs+20 || slices.Contains(names, filepath.Base(was)) || !slices.Contains(names, filepath.Base(kept)) {
		t.Errorf("%d files; of the landed bead: %t, of the one that was sent back: %t", len(names), slices.Contains(names, filepath.Base(was)), slices.Contains(names, filepath.Base(kept)))
	}
	for id, want := range map[beads.ID]bool{landed: false, back: true, one: true} {
		got, err := api.RefineryLog.Do(t.Context(), l.person(), api.LogReq{Bead: id})
		if want && (err != nil || !strings.Contains(got.Text, "tried")) || !want && (!fault.Is(err, fault.NotFound) || !strings.Contains(err.Error(), "were deleted")) {
			t.Errorf("log of %s: %+v, %v", id, got, err)
		}
	}
}
