package town

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"gastown/internal/api"
)

// begin is the lab's host without waiting for the inventory.
func (l *lab) begin() {
	l.t.Helper()
	l.open()
	h, err := l.town.BeginHost(l.t.Context(), HostOptions{})
	if err != nil {
		l.t.Fatal(err)
	}
	l.host, l.ran = h, make(chan struct{})
	go func() {
		defer close(l.ran)
		h.Run(context.Background())
	}()
}

// TestVerbsWaitForTheInventory: a screen may show a town before the inventory, and a verb is performed after it.
func TestVerbsWaitForTheInventory(t *testing.T) {
	l := newLab(t, "")
	l.down()
	l.begin()
	if v := l.host.View(); len(v.Status.Rigs) != 1 {
		t.Errorf("the first view has %d rigs", len(v.Status.Rigs))
	}
	m, err := api.MayorStatus.Do(t.Context(), l.person(), api.Empty{})
	if err != nil || m.State != "running" {
		t.Errorf("a verb saw the Mayor %q: %v", m.State, err)
	}
	select {
	case <-l.host.Ready():
	default:
		t.Error("a verb was performed before the inventory was done")
	}
}

// TestHostThatCannotBegin stops by itself, refuses verbs, and says why.
func TestHostThatCannotBegin(t *testing.T) {
	l := newLab(t, "")
	l.down()
	bin := filepath.Join(l.dir, "run", "bin")
	if err := os.RemoveAll(bin); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(bin, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	l.begin()
	if _, err := api.GetStatus.Do(t.Context(), l.person(), api.Empty{}); err == nil {
		t.Error("a verb was performed")
	}
	<-l.host.Left()
	if l.host.Err() == nil {
		t.Error("it does not say why")
	}
}
