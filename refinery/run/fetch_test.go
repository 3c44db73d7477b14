package run

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"gastown/internal/git"
	"gastown/refinery"
)

// theirs makes another repository with one commit more than the rig's, which adds large files that do not compress.
func (r *rig) theirs(name string, files int) (dir, tip string) {
	r.t.Helper()
	ctx := context.Background()
	dir = filepath.Join(filepath.Dir(r.run.GateDir), name)
	there, err := r.run.Git.InitBare(ctx, dir, "main")
	if err == nil {
		err = there.Fetch(ctx, r.repo.Dir(), "refs/heads/main:refs/heads/main")
	}
	if err != nil {
		r.t.Fatal(err)
	}
	var es []git.TreeEntry
	for i := range files {
		data := make([]byte, 100<<10)
		_, _ = rand.Read(data)
		hash, err := there.WriteBlob(ctx, data)
		if err != nil {
			r.t.Fatal(err)
		}
		es = append(es, git.TreeEntry{Mode: "100644", Type: "blob", Hash: hash, Name: fmt.Sprint(i)})
	}
	tree, err := there.MakeTree(ctx, es)
	if err == nil {
		tip, err = there.CommitTree(ctx, git.NewCommit{Tree: tree, Parents: []string{r.root}, Message: "theirs\n", Author: who()})
	}
	if err == nil {
		err = there.UpdateRef(ctx, "refs/heads/main", tip, r.root, "theirs")
	}
	if err != nil {
		r.t.Fatal(err)
	}
	return dir, tip
}

// whole fails the test unless everything that a ref reaches is there.
func (r *rig) whole(ref string) {
	r.t.Helper()
	out, err := exec.Command("git", "--git-dir="+r.repo.Dir(), "rev-list", "--objects", ref).CombinedOutput()
	if err != nil {
		r.t.Errorf("%s is not whole: %v: %s", ref, err, out)
	}
}

// TestAFetchThatWasKilledIsRepeated stops a fetch after a part of the objects was unpacked: by the end of
// its git, and by that of the host, which ends its git as well.
func TestAFetchThatWasKilledIsRepeated(t *testing.T) {
	for _, how := range []string{"git is killed", "the host stops"} {
		t.Run(how, func(t *testing.T) {
			r := newRig(t)
			dir := filepath.Dir(r.run.GateDir)
			origin, tip := r.theirs("origin.git", 8)
			// What is over there comes up to the middle of the files once, and whole after that.
			half := filepath.Join(dir, "half")
			script := fmt.Sprintf("#!/bin/sh\nfor last; do :; done\nif [ -e %[1]s ]; then exec sh -c \"$last\"; fi\nsh -c \"$last\" | { dd bs=4096 count=100 2>/dev/null; : > %[1]s; sleep 1000; }\n", half)
			if err := os.WriteFile(filepath.Join(dir, "ssh"), []byte(script), 0o755); err != nil {
				t.Fatal(err)
			}
			r.run.Git = git.New([]string{"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=" + dir, "GIT_SSH_COMMAND=" + filepath.Join(dir, "ssh"), "GIT_SSH_VARIANT=simple"})
			var err error
			if r.run.Repo, err = r.run.Git.OpenRepo(t.Context(), r.repo.Dir()); err != nil {
				t.Fatal(err)
			}
			s := Seen{To: "ssh://there" + origin, Tip: tip}
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			ended := make(chan error, 1)
			go func() { ended <- r.run.FetchTip(ctx, s, "main", "refs/gt/upstream") }()
			await(t, "half of it is there", func() bool {
				_, err := os.Stat(half)
				_, there := os.Stat(objectFile(r.repo.Dir(), tip))
				return err == nil && there == nil
			})
			if how == "the host stops" {
				stop()
			} else {
				killIn(t, r.repo.Dir())
			}
			if err := <-ended; err == nil {
				t.Fatal("it was killed and reports success")
			}
			if found, err := r.repo.Lookup(t.Context(), "refs/gt/upstream", tip); err != nil || found[0] != "" || found[1] != tip {
				t.Fatalf("after the kill: %q, %v", found, err)
			}
			if err := r.run.FetchTip(t.Context(), s, "main", "refs/gt/upstream"); err != nil {
				t.Fatal(err)
			}
			r.whole("refs/gt/upstream")
		})
	}
}

// TestWhatIsThereIsNotFetchedAgain, and a commit without its files is not there.
func TestWhatIsThereIsNotFetchedAgain(t *testing.T) {
	r := newRig(t)
	origin, tip := r.theirs("origin.git", 1)
	data, err := os.ReadFile(objectFile(origin, tip))
	if err != nil {
		t.Fatal(err)
	}
	file := objectFile(r.repo.Dir(), tip)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data, 0o444); err != nil {
		t.Fatal(err)
	}
	if err := r.run.FetchTip(t.Context(), Seen{To: origin, Tip: tip}, "main", "refs/gt/upstream", r.tip()); err != nil {
		t.Fatal(err)
	}
	r.whole("refs/gt/upstream")
	nowhere := Seen{To: filepath.Join(r.repo.Dir(), "nowhere"), Tip: tip}
	if err := r.run.FetchTip(t.Context(), nowhere, "main", "refs/gt/upstream"); err != nil {
		t.Errorf("kept already: %v", err)
	}
	nowhere.Tip = r.root
	if err := r.run.FetchTip(t.Context(), nowhere, "main", "refs/gt/other", r.tip()); err != nil {
		t.Errorf("in the target already: %v", err)
	}
}

// TestWorkThatLostAFileIsHeld: it cannot be built, and everybody else's can.
func TestWorkThatLostAFileIsHeld(t *testing.T) {
	for _, history := range []string{"merge", "linear"} {
		r := newRig(t, "true")
		r.cfg.History = history
		tip := r.work(map[string]string{"a.txt": "lost\n"})
		blob, err := r.repo.WriteBlob(t.Context(), []byte("lost\n"))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(objectFile(r.repo.Dir(), blob)); err != nil {
			t.Fatal(err)
		}
		r.submit("ma-1", tip)
		r.submit("ma-2", r.work(map[string]string{"b.txt": "b\n"}))
		if s := until[refinery.Settle](r); s.Bead != "ma-2" {
			t.Errorf("%s: %+v", history, s)
		}
		if e := r.q.Entries[0]; e.Bead != "ma-1" || e.State != refinery.EntryHeld || !strings.Contains(e.Why, "not in the repository") {
			t.Errorf("%s: %+v", history, e)
		}
	}
}

func objectFile(repo, hash string) string {
	return filepath.Join(repo, "objects", hash[:2], hash[2:])
}

// await waits until something is true.
func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	limit := time.NewTimer(20 * time.Second)
	defer limit.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-limit.C:
			t.Fatalf("%s: not within 20 s", what)
		}
	}
}

// killIn kills every process that works in a directory.
func killIn(t *testing.T, dir string) {
	t.Helper()
	killed := 0
	all, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if at, err := os.Readlink(filepath.Join("/proc", e.Name(), "cwd")); err == nil && at == dir && syscall.Kill(pid, syscall.SIGKILL) == nil {
			killed++
		}
	}
	if killed == 0 {
		t.Fatalf("nothing works in %s", dir)
	}
}
