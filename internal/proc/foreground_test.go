package proc

import (
	"bufio"
	"strings"
	"testing"
)

// An editor has the terminal to itself: it reads from it, its Ctrl-C ends it and not us, and
// the terminal is ours again after it.
func TestRunForeground(t *testing.T) {
	p := start(t, Spec{Argv: helperArgv("editor"), PTY: &Size{80, 24}})
	lines := bufio.NewScanner(p.PTY())
	var all strings.Builder
	until := func(want string) string {
		t.Helper()
		for lines.Scan() {
			all.WriteString(lines.Text() + "\n")
			if strings.Contains(lines.Text(), want) {
				return lines.Text()
			}
		}
		t.Fatalf("no %q in %q", want, all.String())
		return ""
	}
	until("ready")
	_, _ = p.PTY().WriteString("by hand\n")
	until("edited by hand")
	if got := until("first"); !strings.Contains(got, "first <nil> true") {
		t.Errorf("after the first: %q", got)
	}
	until("again")
	_, _ = p.PTY().WriteString("\x03")
	if got := until("second"); !strings.Contains(got, "interrupt") || !strings.HasSuffix(strings.TrimSpace(got), "true") {
		t.Errorf("after Ctrl-C: %q", got)
	}
	if e := wait(t, p); e.Code != 0 {
		t.Errorf("we ended with %v", e)
	}
}
