package run

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gastown/internal/fault"
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

// TestDeliverToAnEmptyDirectory makes a repository of it, and of nothing else.
func TestDeliverToAnEmptyDirectory(t *testing.T) {
	r := newRig(t)
	ctx := context.Background()
	dir := filepath.Join(filepath.Dir(r.run.GateDir), "empty")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	d := Delivery{Mode: DeliverCheckout, Origin: dir, Branch: "main", Commit: r.work(map[string]string{"README.md": "new\n"})}
	if seen, err := r.run.See(ctx, d); err != nil || seen != (Seen{To: dir}) {
		t.Fatalf("%+v %v", seen, err)
	}
	notes := filepath.Join(dir, "notes")
	if err := os.WriteFile(notes, []byte("mine\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := r.run.Deliver(ctx, d); !fault.Is(err, fault.Refused) || !strings.Contains(err.Error(), "not a git repository") {
		t.Fatal(err)
	}
	if err := os.Remove(notes); err != nil {
		t.Fatal(err)
	}
	for _, moved := range []bool{true, false} {
		if got, err := r.run.Deliver(ctx, d); err != nil || got.Refused != "" || got.Moved != moved {
			t.Fatalf("%+v %v", got, err)
		}
	}
	if data, _ := os.ReadFile(filepath.Join(dir, "README.md")); string(data) != "new\n" {
		t.Fatalf("%q", data)
	}
}

// TestRemote knows where each mode delivers to, and which ones cannot work.
func TestRemote(t *testing.T) {
	r := newRig(t)
	ctx := context.Background()
	dir := r.checkout()
	empty, gone := filepath.Join(filepath.Dir(dir), "empty"), filepath.Join(filepath.Dir(dir), "gone")
	if err := os.Mkdir(empty, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		mode           Mode
		origin, remote string
		want           string // an error begins so, in what it says
	}{
		{DeliverNone, dir, "", dir},
		{DeliverCheckout, dir, "", dir},
		{DeliverCheckout, empty, "", empty},
		{DeliverCheckout, "https://example.com/x", "", "!https://example.com/x is no directory"},
		{DeliverPush, "https://example.com/x", "", "https://example.com/x"},
		{DeliverPush, dir, "", "!" + dir + " has no remote to push to"},
		{DeliverPR, dir, "", "!" + dir + " has no remote to push to"},
		{DeliverPush, empty, "", "!" + empty + " is not a git repository"},
		{DeliverPush, gone, "", "!\"" + gone + "\" is no directory"},
		{DeliverPush, dir, "../hub.git", filepath.Join(filepath.Dir(dir), "hub.git")},
		{DeliverPR, dir, "git@example.com:x", "git@example.com:x"},
	} {
		config := filepath.Join(dir, ".git", "config")
		was, err := os.ReadFile(config)
		if err != nil {
			t.Fatal(err)
		}
		if tt.remote != "" {
			if err := os.WriteFile(config, append(was, "[remote \"origin\"]\n\turl = "+tt.remote+"\n"...), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := r.run.Remote(ctx, Delivery{Mode: tt.mode, Origin: tt.origin})
		if err != nil {
			got = "!" + err.Error()
		}
		if got != tt.want && (err == nil || !strings.HasPrefix(got, tt.want)) {
			t.Errorf("%s %s: %s, want %s", tt.mode, tt.origin, got, tt.want)
		}
		if err := os.WriteFile(config, was, 0o644); err != nil {
			t.Fatal(err)
		}
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
