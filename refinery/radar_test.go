package refinery

import (
	"fmt"
	"runtime"
	"testing"
)

func TestSharing(t *testing.T) {
	s := Share([]Branch{
		{Bead: "a", Files: []string{"x", "y"}}, {Bead: "b", Files: []string{"z"}}, {Bead: "c", Files: []string{"x", "y"}}, {Bead: "d", Files: []string{"y", "z"}}, {Bead: "e"},
	})
	for i, want := range []string{"[{2 [x] 2} {3 [y] 1}]", "[{3 [z] 1}]", "[{0 [x] 2} {3 [y] 1}]", "[{0 [y] 1} {1 [z] 1} {2 [y] 1}]", "[]"} {
		if got, more := s.Of(i, 10, 1); fmt.Sprint(got) != want || more {
			t.Errorf("%d: %v %t, want %s", i, got, more, want)
		}
	}
	// What only one other changes comes first, whatever all change.
	if got, more := s.Of(3, 1, 5); fmt.Sprint(got) != "[{1 [z] 1}]" || !more {
		t.Errorf("%v %t", got, more)
	}
	for want, o := range map[string]Overlap{
		"conflicts with the target in a.go":                                    {Files: []string{"a.go"}, Conflict: true},
		"ma-1 changes a, b, c and 2 more too":                                  {With: "ma-1", Files: []string{"a", "b", "c", "d", "e"}},
		"conflicts with ma-1 in evil [31m":                                     {With: "ma-1", Files: []string{"evil\x1b[31m"}, Conflict: true},
		"ma-1 changes a, b, c and 96 more too; others share its files as well": {With: "ma-1", Files: []string{"a", "b", "c", "d"}, All: 99, More: true},
	} {
		if o.Text() != want {
			t.Errorf("%q, want %q", o.Text(), want)
		}
	}
}

// crowd is branches that all change the same files.
func crowd(n, files int) (bs []Branch) {
	var names []string
	for f := range files {
		names = append(names, fmt.Sprintf("dir/file%05d.go", f))
	}
	for i := range n {
		bs = append(bs, Branch{Bead: "x", N: i, Tip: "t", Files: names})
	}
	return bs
}

// TestACrowdSharesItsFiles: every branch finds others, and nobody makes all pairs for it.
func TestACrowdSharesItsFiles(t *testing.T) {
	const branches, files, most = 400, 2000, 10
	bs := crowd(branches, files)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	s := Share(bs)
	met := map[int]int{}
	for i := range bs {
		found, more := s.Of(i, most, 3)
		if len(found) != most || !more || found[0].All != files || len(found[0].Files) != 3 {
			t.Fatalf("branch %d: %d found, more %t: %+v", i, len(found), more, found[0])
		}
		for _, f := range found {
			met[f.With]++
		}
	}
	for i := range bs {
		if met[i] != most {
			t.Errorf("branch %d was met %d times", i, met[i])
		}
	}
	runtime.ReadMemStats(&after)
	if mb := (after.TotalAlloc - before.TotalAlloc) >> 20; mb > 100 {
		t.Errorf("%d MB for %d branches that share %d files", mb, branches, files)
	}
}

func BenchmarkSharing(b *testing.B) {
	for _, n := range []int{100, 200, 400} {
		bs := crowd(n, 2000)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				s := Share(bs)
				for i := range bs {
					s.Of(i, 10, 10)
				}
			}
		})
	}
}
