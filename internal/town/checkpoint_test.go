package town

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"gastown/beads"
	"gastown/internal/api"
)

// TestACheckpointOutlivesItsWorktree: what was not committed is kept now and then while an agent works, and
// is back where somebody deleted the directory.
func TestACheckpointOutlivesItsWorktree(t *testing.T) {
	l := newLab(t, "")
	l.down()
	l.open()
	h, err := l.town.StartHost(t.Context(), HostOptions{Checkpoints: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	l.host, l.ran = h, make(chan struct{})
	go func() { defer close(l.ran); h.Run(context.Background()) }()

	id := l.create("works for long")
	l.job(id, `echo loose > loose.txt; echo four >> README.md; echo x | tell ready; exec sleep 1000`)
	l.sling(id)
	l.told("ready")
	l.await("a checkpoint", func() bool {
		return strings.Contains(l.git(l.repo(), "for-each-ref", "--format=%(refname)", "refs/gt/wip"), beads.WipRef(id, 1))
	})
	if l.git(l.repo(), "show", beads.WipRef(id, 1)+":README.md") != "one\ntwo\nthree\nfour" {
		t.Error("the checkpoint has not got the change")
	}
	if err := os.RemoveAll(l.wt("toast")); err != nil {
		t.Fatal(err)
	}
	if _, err := api.PolecatKill.Do(t.Context(), l.person(), api.KillReq{Name: "toast"}); err != nil {
		t.Fatal(err)
	}
	shown, err := api.RescueShow.Do(t.Context(), l.person(), api.RescueReq{What: string(id)})
	if err != nil || !strings.Contains(shown.Text, "+loose\n") || !strings.Contains(shown.Text, "+four\n") {
		t.Errorf("kept: %v, %s", err, shown.Text)
	}
	if left := l.git(l.repo(), "for-each-ref", "refs/gt/wip"); left != "" {
		t.Errorf("checkpoints left: %s", left)
	}
	l.gone()
}
