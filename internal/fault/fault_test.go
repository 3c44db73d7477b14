package fault_test

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"gastown/internal/fault"
)

func TestExitCode(t *testing.T) {
	cases := []struct {
		err  error
		want int
	}{
		{nil, 0},
		{errors.New("x"), 1},
		{fault.Usagef("x"), 2},
		{fault.NotFoundf("x"), 3},
		{fmt.Errorf("outer: %w", fault.Refusedf("x")), 4},
		{fault.Unavailablef("x"), 5},
	}
	for _, c := range cases {
		if got := fault.ExitCode(c.err); got != c.want {
			t.Errorf("ExitCode(%v) = %d, want %d", c.err, got, c.want)
		}
	}
}

func TestFromKeepsTheOuterTextKindAndHint(t *testing.T) {
	inner := fault.NotFoundf("bead %q: %w", "x", fs.ErrNotExist).WithHint("see `gastown bead list`")
	got := fault.From(fmt.Errorf("close: %w", inner))
	if got.Kind != fault.NotFound || got.Hint != inner.Hint || got.Msg != `close: bead "x": file does not exist` {
		t.Errorf("got %+v", got)
	}
	if !errors.Is(got, fs.ErrNotExist) {
		t.Error("the cause is lost")
	}
}
