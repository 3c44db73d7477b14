package scripted

import (
	"slices"
	"strings"
	"testing"

	"gastown/internal/vt"
)

// TestNoticeLeavesTheHalfTypedLineAlone prints notices above a prompt in the middle and on the
// last line of a terminal, with the emulator that the screen shows the Mayor in.
func TestNoticeLeavesTheHalfTypedLineAlone(t *testing.T) {
	for name, c := range map[string]struct {
		before string
		want   []string
	}{
		"middle": {"top\r\n", []string{"top", "one", "two", "> half typed"}},
		"bottom": {strings.Repeat("line\r\n", 5) + "last\r\n", []string{"line", "line", "line", "line", "line", "last", "one", "two", "> half typed"}},
	} {
		t.Run(name, func(t *testing.T) {
			term := vt.New(30, 6, vt.Options{Scrollback: 100})
			defer term.Close()
			for _, text := range []string{c.before, "> half", above("one"), above("two"), " typed"} {
				if _, err := term.Write([]byte(text)); err != nil {
					t.Fatal(err)
				}
			}
			if got := term.History(100); !slices.Equal(got, c.want) {
				t.Errorf("terminal has %q, want %q", got, c.want)
			}
		})
	}
}
