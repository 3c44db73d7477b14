package main

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"gastown/internal/api"
)

// TestKilledInAFetch kills the program and its git while the git unpacks what somebody pushed. The commit is
// there then, and not its files: the next host fetches it again, and takes it in.
func TestKilledInAFetch(t *testing.T) {
	c := newCrashTown(t, nil)
	hub, ada, half := filepath.Join(c.home, "hub.git"), filepath.Join(c.home, "ada"), filepath.Join(c.home, "half")
	c.git(c.home, "init", "-q", "--bare", "-b", "main", hub)
	c.git(c.home, "init", "-q", "-b", "main", ada)
	push := func(name string, size int) string {
		t.Helper()
		data := make([]byte, size)
		_, _ = rand.Read(data) // as it is, it does not compress
		c.write(filepath.Join(ada, name), string(data), 0o644)
		c.git(ada, "add", ".")
		c.git(ada, "-c", "user.name=Ada", "-c", "user.email=ada@example.com", "commit", "-q", "-m", name)
		c.git(ada, "push", "-q", hub, "main")
		return c.git(ada, "rev-parse", "HEAD")
	}
	push("first", 10)
	// What is much comes up to its middle once, and whole after that.
	c.write(filepath.Join(c.home, "ssh"), fmt.Sprintf(`#!/bin/sh
for last; do :; done
if [ -e %[1]s ]; then exec sh -c "$last"; fi
sh -c "$last" | {
	dd bs=4096 count=100 2>/dev/null
	[ "$(dd bs=1 count=1 2>/dev/null | wc -c)" = 0 ] || { : > %[1]s; sleep 1000; }
}
`, half), 0o755)
	c.write(half, "", 0o644)
	c.env = []string{"GIT_SSH_COMMAND=" + filepath.Join(c.home, "ssh"), "GIT_SSH_VARIANT=simple"}
	c.run("init", c.dir)
	c.run("config", "set", "town.mayor", "scripted")
	c.run("rig", "add", "app", "ssh://there"+hub, "--gate", "test -e second")
	tip := push("second", 800<<10)
	if err := os.Remove(half); err != nil {
		t.Fatal(err)
	}
	host := c.command("--town", c.dir, "up")
	if err := host.Start(); err != nil {
		t.Fatal(err)
	}
	c.await("the host is up", func() bool { return c.status().Host != nil })
	fetch := c.command("--town", c.dir, "rig", "fetch", "app")
	if err := fetch.Start(); err != nil {
		t.Fatal(err)
	}
	repo := filepath.Join(c.dir, "rigs", "app", "repo.git")
	there := func(file string) bool { _, err := os.Stat(file); return err == nil }
	c.await("half of it is there", func() bool {
		return there(half) && there(filepath.Join(repo, "objects", tip[:2], tip[2:]))
	})
	if err := host.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = host.Wait()
	_ = fetch.Wait()
	for pid := range crashProcesses(c.dir) {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	host = c.command("--town", c.dir, "up")
	if err := host.Start(); err != nil {
		t.Fatal(err)
	}
	c.await("the host is up again", func() bool { return c.status().Host != nil })
	c.run("rig", "fetch", "app")
	c.await("it is taken in", func() bool { return c.git(repo, "rev-parse", "main") == tip })
	c.run("down")
	if err := host.Wait(); err != nil {
		t.Error(err)
	}
	if out := c.git(repo, "fsck", "--full", "--no-dangling"); out != "" {
		t.Errorf("git fsck: %s", out)
	}
	c.checkLeft()
}

func (c *crashTown) write(name, text string, mode os.FileMode) {
	c.t.Helper()
	if err := os.WriteFile(name, []byte(text), mode); err != nil {
		c.t.Fatal(err)
	}
}

// status is what the program says of the town; nothing while it is busy.
func (c *crashTown) status() (s api.Status) {
	if out, err := c.command("--town", c.dir, "status", "--json").Output(); err == nil {
		_ = json.Unmarshal(out, &s)
	}
	return s
}

func (c *crashTown) await(what string, is func() bool) {
	c.t.Helper()
	limit := time.NewTimer(time.Minute)
	defer limit.Stop()
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for !is() {
		select {
		case <-look.C:
		case <-limit.C:
			c.t.Fatalf("%s: not within a minute", what)
		}
	}
}
