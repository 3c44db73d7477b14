package main

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestPrintSaysWhatIsOverAndWhatIsMissing(t *testing.T) {
	rows := []row{
		{what: "a", against: "x", ours: 3 * time.Millisecond, theirs: 2 * time.Millisecond, aim: aim{times: 2}},
		{what: "b", against: "x", ours: 5 * time.Millisecond, theirs: 2 * time.Millisecond, aim: aim{times: 2}},
		{what: "c", against: "x", ours: 200 * time.Millisecond, theirs: 100 * time.Millisecond, aim: aim{plus: 150 * time.Millisecond}},
		{what: "d", against: "x", aim: aim{times: 2}, err: errors.New("no such verb")},
		{what: "e", against: "x", text: "30 MB", aim: aim{text: "25 MB"}},
		{what: "f", against: "x", ours: 9 * time.Millisecond, theirs: time.Millisecond},
	}
	var out strings.Builder
	if failed := print(&out, rows); failed != 1 {
		t.Errorf("%d rows not measured, want 1", failed)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	for i, want := range []string{"ratio", "1.5x   2x      ok", "2.5x   2x      OVER", "+150ms  ok", "NOT MEASURED: no such verb", "OVER", "9.0x   -"} {
		if !strings.Contains(lines[i], want) {
			t.Errorf("line %d has no %q: %s", i, want, lines[i])
		}
	}
}

func TestWatcherSeesLandingsInPieces(t *testing.T) {
	landed := make(chan landing, 1)
	w := &watcher{landed: landed}
	for _, piece := range []string{`{"kind":"attempt.submitted","bead":"jo-1"}` + "\n" + `{"kind":"refin`, `ery.landed","bead":"jo-1"}`, "\n{\"ki"} {
		if n, err := w.Write([]byte(piece)); n != len(piece) || err != nil {
			t.Fatalf("%d, %v", n, err)
		}
	}
	select {
	case got := <-landed:
		if got.bead != "jo-1" {
			t.Errorf("bead %q", got.bead)
		}
	default:
		t.Error("no landing seen")
	}
}

func TestMedian(t *testing.T) {
	if got := median([]time.Duration{9, 1, 5}); got != 5 {
		t.Errorf("median %d, want 5", got)
	}
	if got := median(nil); got != 0 {
		t.Errorf("median of nothing %d", got)
	}
}
