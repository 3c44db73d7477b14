package refinery

import (
	"fmt"
	"testing"
)

func TestSameFiles(t *testing.T) {
	got := SameFiles([]Branch{
		{Bead: "a", Files: []string{"x", "y"}}, {Bead: "b", Files: []string{"z"}}, {Bead: "c", Files: []string{"y", "x", "x"}}, {Bead: "d", Files: []string{"z", "y"}},
	}, 10)
	if want := "[{0 2 [x y]} {0 3 [y]} {1 3 [z]} {2 3 [y]}]"; fmt.Sprint(got) != want {
		t.Errorf("%v, want %v", got, want)
	}
	if n := len(SameFiles([]Branch{{Files: []string{"x"}}, {Files: []string{"x"}}, {Files: []string{"x"}}}, 2)); n != 2 {
		t.Errorf("%d pairs, want 2", n)
	}
	for want, o := range map[string]Overlap{
		"conflicts with the target in a.go":   {Files: []string{"a.go"}, Conflict: true},
		"ma-1 changes a, b, c and 2 more too": {With: "ma-1", Files: []string{"a", "b", "c", "d", "e"}},
		"conflicts with ma-1 in evil [31m":    {With: "ma-1", Files: []string{"evil\x1b[31m"}, Conflict: true},
	} {
		if o.Text() != want {
			t.Errorf("%q, want %q", o.Text(), want)
		}
	}
}
