package town

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gastown/beads"
	"gastown/internal/api"
)

func TestNotifyRunsThePersonsCommandForEachNotice(t *testing.T) {
	l := newLabOf(t, "\n[notify]\ncommand = 'printf \"%s\\n\" \"$1\" >> ../told'", "", commonSource)
	id := l.create("ask; touch pwned")
	l.job(id, `gastown escalate --no-wait 'which $(touch pwned) port?'
until [ -e "$OUT/go" ]; do sleep 0.05; done
echo x > x.txt; git add .; git commit -qm x; gastown done`)
	l.sling(id)
	told := func() string {
		data, _ := os.ReadFile(filepath.Join(l.root, "told")) // not there yet
		return string(data)
	}
	l.await("the question is told", func() bool { return strings.HasSuffix(told(), "\n") })
	if got, want := told(), "toast: asks: which $(touch pwned) port?\n"; got != want {
		t.Errorf("told %q, want %q", got, want)
	}
	l.write("jobs/go", "")
	l.awaitStatus(id, beads.Closed)
	l.gone()
	if got := told(); strings.Count(got, "\n") != 1 {
		t.Errorf("told again: %q", got)
	}
}

func TestNotifyThatFailsIsShownAndNotTriedForItself(t *testing.T) {
	l := newLabOf(t, "\n[notify]\ncommand = 'echo \"$1\" >> ../told; echo no such bus >&2; exit 7'", "", commonSource)
	id := l.create("ask")
	l.job(id, `gastown escalate --wait 1h 'which port?'; exit 0`)
	l.sling(id)
	failed := func() bool {
		for _, p := range l.status().Problems {
			if p.Key == kNotify {
				return strings.Contains(p.What, "exit 7: no such bus")
			}
		}
		return false
	}
	l.await("the failure is shown", failed)
	l.ring(3)
	data, err := os.ReadFile(filepath.Join(l.root, "told"))
	if err != nil || strings.Count(string(data), "\n") != 1 {
		t.Errorf("told %q, %v; want one question", data, err)
	}
}

// ring lets the watcher of notices look so many times more.
func (l *lab) ring(times int) {
	l.t.Helper()
	for range times {
		l.host.ringNotices()
		l.await("a look for notices", func() bool { return len(l.host.notices) == 0 })
	}
}

func TestUntoldNoticesAreNewOnesAndFew(t *testing.T) {
	since := time.Date(2026, 5, 6, 12, 0, 0, 0, time.UTC)
	at := func(key, what, level string, after time.Duration) api.Problem {
		return api.Problem{Key: key, Who: "nux", What: what, Level: level, Since: since.Add(after)}
	}
	told := map[string]bool{}
	for i, step := range []struct {
		now  []api.Problem
		want []string
	}{
		{[]api.Problem{at("old", "is old", "failed", -time.Second), at("a", "asks: x", "asks", 0)}, []string{"nux: asks: x"}},
		{[]api.Problem{at("a", "asks: x", "asks", 0), at("b", "hangs", "hung", 1)}, []string{"nux: hangs"}},
		{[]api.Problem{at("a", "asks: y", "asks", 0), at("b", "hangs more", "hung", 1)}, []string{"nux: asks: y"}},
		{nil, nil},
		{[]api.Problem{at("b", "hangs", "hung", 1), at(kNotify, "failed", "failed", 1)}, []string{"nux: hangs"}},
	} {
		if got := untold(step.now, told, since); fmt.Sprint(got) != fmt.Sprint(step.want) {
			t.Errorf("look %d: %q, want %q", i+1, got, step.want)
		}
	}
	var many []api.Problem
	for i := range 9 {
		many = append(many, at(fmt.Sprint("many", i), "waits", "failed", 1))
	}
	got := untold(many, told, since)
	if len(got) != notifyMost || got[notifyMost-1] != "5 more need you: gastown status" {
		t.Errorf("of nine: %q", got)
	}
}
