package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"gastown/internal/proc"
)

// TestStartIsCheap holds every package to a small initialiser: agents call this program all
// the time. Allocations are counted because they are the same on every machine; go-runewidth
// before v0.0.31 and regular expressions compiled up front are what it once caught.
func TestStartIsCheap(t *testing.T) {
	bin := filepath.Join(t.TempDir(), "gastown")
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute) // a cold build on a busy machine
	defer cancel()
	run := func(argv []string, env []string) string {
		var out bytes.Buffer
		code, err := proc.Run(ctx, proc.Cmd{Argv: argv, Dir: ".", Env: env, Stdout: &out, Stderr: &out})
		if err != nil || code != 0 {
			t.Fatalf("%v: exit %d, %v\n%s", argv, code, err, out.String())
		}
		return out.String()
	}
	run([]string{"go", "build", "-o", bin, "."}, os.Environ())
	trace := run([]string{bin, "version"}, append(os.Environ(), "GODEBUG=inittrace=1"))

	inits := 0
	for _, l := range strings.Split(trace, "\n") {
		f := strings.Fields(l) // init PKG @T ms, D ms clock, B bytes, N allocs
		if len(f) < 10 || f[0] != "init" {
			continue
		}
		inits++
		bytes, err1 := strconv.Atoi(f[7])
		allocs, err2 := strconv.Atoi(f[9])
		if err1 != nil || err2 != nil {
			t.Fatalf("cannot read the trace line %q", l)
		}
		if bytes > 100_000 || allocs > 1000 {
			t.Errorf("package %s allocates %d bytes in %d pieces when the program starts", f[1], bytes, allocs)
		}
	}
	if inits < 10 {
		t.Fatalf("only %d initialisers in the trace:\n%s", inits, trace)
	}
}
