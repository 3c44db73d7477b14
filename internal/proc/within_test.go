package proc

import (
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

func TestRunningSince(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command("cat")
	child.Dir = dir
	in, err := child.StdinPipe()
	if err == nil {
		err = child.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for name, tt := range map[string]struct {
		at   time.Time
		name string
		dirs []string
		want bool
	}{
		"now":               {now, "cat", []string{dir}, true},
		"above":             {now, "ca", []string{"/nowhere", filepath.Dir(dir)}, true},
		"another program":   {now, "git", []string{dir}, false},
		"another place":     {now, "cat", []string{filepath.Join(dir, "below")}, false},
		"before it was":     {now.Add(-time.Minute), "cat", []string{dir}, false},
		"a look at no time": {now.Add(-time.Hour), "cat", nil, false},
	} {
		if got := RunningSince(tt.at, tt.name, tt.dirs...); got != tt.want {
			t.Errorf("%s: %t", name, got)
		}
	}
	if !RunningIn(dir, "cat") {
		t.Error("it does not run")
	}
	_, _ = in.Close(), child.Wait()
	if RunningIn(dir, "cat") {
		t.Error("it runs after its end")
	}
}
