package run

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gastown/refinery"
)

// checkout gives the rig a person's directory with main checked out at the first commit.
func (r *rig) checkout() string {
	r.t.Helper()
	ctx := context.Background()
	dir := filepath.Join(filepath.Dir(r.run.GateDir), "mine")
	if err := os.Mkdir(dir, 0o755); err != nil {
		r.t.Fatal(err)
	}
	co, err := r.run.Git.InitCheckout(ctx, dir, "main")
	if err != nil {
		r.t.Fatal(err)
	}
	if _, err := r.repo.PushCheckout(ctx, co, r.root, "refs/heads/main", nil, nil); err != nil {
		r.t.Fatal(err)
	}
	return dir
}

func TestDeliverToCheckout(t *testing.T) {
	r := newRig(t)
	ctx := context.Background()
	dir := r.checkout()
	d := Delivery{Mode: DeliverCheckout, Origin: dir, Branch: "main", Commit: r.work(map[string]string{"README.md": "new\n"})}
	readme := filepath.Join(dir, "README.md")
	if err := os.WriteFile(readme, []byte("edited\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got, err := r.run.Deliver(ctx, d); err != nil || got.Refused != "README.md is edited" || got.Moved {
		t.Fatalf("%+v %v", got, err)
	}
	if data, _ := os.ReadFile(readme); string(data) != "edited\n" {
		t.Fatalf("%q", data)
	}
	if err := os.WriteFile(readme, []byte("hello\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got, err := r.run.Deliver(ctx, d); err != nil || got.Refused != "" || !got.Moved {
		t.Fatalf("%+v %v", got, err)
	}
	if data, _ := os.ReadFile(readme); string(data) != "new\n" {
		t.Fatalf("%q", data)
	}
	if got, err := r.run.Deliver(ctx, d); err != nil || got.Refused != "" || got.Moved {
		t.Fatalf("again: %+v %v", got, err)
	}
}

func TestDeliverByPush(t *testing.T) {
	r := newRig(t)
	ctx := context.Background()
	remote := filepath.Join(filepath.Dir(r.run.GateDir), "remote.git")
	there, err := r.run.Git.InitBare(ctx, remote, "main")
	if err != nil {
		t.Fatal(err)
	}
	tip := r.work(map[string]string{"a": "a"})
	d := Delivery{Mode: DeliverPush, Origin: remote, Branch: "main", Commit: r.root}
	for _, d.Commit = range []string{r.root, tip} {
		if got, err := r.run.Deliver(ctx, d); err != nil || !got.Moved {
			t.Fatalf("%+v %v", got, err)
		}
		if now, err := there.ResolveCommit(ctx, "refs/heads/main"); err != nil || now != d.Commit {
			t.Fatal(now, err)
		}
	}
	if got, err := r.run.Deliver(ctx, d); err != nil || got.Moved || got.Refused != "" {
		t.Fatalf("again: %+v %v", got, err)
	}
	d.Commit = r.work(map[string]string{"b": "b"})
	if got, err := r.run.Deliver(ctx, d); err != nil || !strings.Contains(got.Refused, "moved on by itself") {
		t.Fatalf("%+v %v", got, err)
	}
	d.Origin = r.checkout()
	if got, err := r.run.Deliver(ctx, d); err != nil || !strings.Contains(got.Refused, "no remote") {
		t.Fatalf("%+v %v", got, err)
	}
	if _, err := r.run.Deliver(ctx, Delivery{Mode: DeliverPR}); err == nil {
		t.Fatal("pr must be refused, not ignored")
	}
}

func TestInventoryFindsNothingWrong(t *testing.T) {
	r := newRig(t)
	ctx := context.Background()
	inv := r.run.Inventory(ctx, refinery.Queue{Target: r.root, Run: &refinery.Run{Marker: "none"}}, "main")
	if inv.Target != r.root || inv.Err != "" || inv.Killed != 0 {
		t.Fatalf("%+v", inv)
	}
	if inv = r.run.Inventory(ctx, refinery.Queue{}, "trunk"); inv.Err == "" {
		t.Fatalf("%+v", inv)
	}
	if inv = r.run.Inventory(ctx, refinery.Queue{Target: r.root}, "trunk"); inv.Err != "" || inv.Target != refinery.Gone {
		t.Fatalf("%+v", inv)
	}
}

func TestInventoryEndsALeftGate(t *testing.T) {
	r := newRig(t)
	r.begin("echo ready; sleep 1000", nil)
	r.started()
	inv := r.run.Inventory(context.Background(), refinery.Queue{Run: &refinery.Run{Marker: r.begun[0].Marker}}, "main")
	if inv.Killed == 0 {
		t.Fatalf("%+v", inv)
	}
	if d := r.doneGate(); d.Outcome != refinery.Infra {
		t.Fatalf("a gate that somebody else ended: %+v", d)
	}
}
