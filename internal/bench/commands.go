package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"gastown/beads"
	"gastown/internal/proc"
)

const (
	// many is how many beads and commits the lists have.
	many = 10_000
	// waiting is which part of the beads waits for another one: every third.
	waiting = 3
	// sizeAim is the aim for the stripped binary, in MB of a million bytes.
	sizeAim = 25
)

// commands measures a process from its start to its end.
func (l *lab) commands(ctx context.Context) []row {
	const against = "git commit --allow-empty"
	rows := []row{
		{what: "version", against: against, aim: aim{times: 2}},
		{what: "bead create", against: against, aim: aim{times: 2}},
		{what: "status", against: against, aim: aim{times: 2}},
	}
	if err := l.smallRepository(ctx); err != nil {
		return broken(err, rows)
	}
	if err := l.newTown(ctx, "town-small", "small", "--ungated"); err != nil {
		return broken(err, rows)
	}
	took, errs := turns(ctx, l.runs,
		same(l.gitIn("small", "commit", "-q", "--allow-empty", "-m", "empty")),
		same(l.verb("town-small", "version")),
		func(i int) proc.Cmd { return l.verb("town-small", "bead", "create", "bead number "+strconv.Itoa(i)) },
		same(l.verb("town-small", "status")),
	)
	for i := range rows {
		rows[i] = rows[i].join(took[i+1], took[0], errs[i+1], errs[0])
	}
	return rows
}

// lists measures a town with many beads.
func (l *lab) lists(ctx context.Context) []row {
	against := fmt.Sprintf("git log -n %d", many)
	rows := []row{
		{what: fmt.Sprintf("bead list --json, %d beads", many), against: against, aim: aim{times: 4}},
		{what: fmt.Sprintf("bead ready, %d beads", many), against: against, aim: aim{times: 4}},
		{what: fmt.Sprintf("status, %d beads", many), against: against},
	}
	if err := l.repository(ctx, "large", 1, many); err != nil {
		return broken(err, rows)
	}
	if err := l.filledTown(ctx, "town-large", many); err != nil {
		return broken(err, rows)
	}
	took, errs := turns(ctx, l.runs,
		same(l.gitIn("large", "log", "-n", strconv.Itoa(many))),
		same(l.verb("town-large", "bead", "list", "--json")),
		same(l.verb("town-large", "bead", "ready")),
		same(l.verb("town-large", "status")),
	)
	for i := range rows {
		rows[i] = rows[i].join(took[i+1], took[0], errs[i+1], errs[0])
	}
	return rows
}

// filledTown makes a town of n beads, if it is not there yet, and looks whether all of them arrived.
func (l *lab) filledTown(ctx context.Context, town string, n int) error {
	if _, err := os.Stat(l.path(town)); err == nil {
		return nil
	}
	if err := l.smallRepository(ctx); err != nil {
		return err
	}
	if err := l.newTown(ctx, town, "small", "--ungated", "--prefix", "be"); err != nil {
		return err
	}
	var lines bytes.Buffer
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	id := func(i int) beads.ID { return beads.ID(fmt.Sprintf("be-%05d", i)) }
	for i := range n {
		b := beads.Bead{
			ID: id(i), Title: fmt.Sprintf("bead number %d", i), Description: strings.Repeat("What is to be done, in some words. ", 5),
			AcceptanceCriteria: "- [ ] it is done", Status: beads.Open, Priority: i % 5, Type: beads.Task, CreatedAt: at, UpdatedAt: at,
		}
		if i%waiting == waiting-1 {
			b.Dependencies = []beads.Dependency{{IssueID: b.ID, DependsOn: id(i - 1), Type: beads.Blocks, CreatedAt: at}}
		}
		line, err := json.Marshal(b)
		if err != nil {
			return fmt.Errorf("step %q: %w", "write beads", err)
		}
		lines.Write(append(line, '\n'))
	}
	file := l.path("beads.jsonl")
	if err := os.WriteFile(file, lines.Bytes(), 0o644); err != nil {
		return fmt.Errorf("step %q: %w", "write beads", err)
	}
	if _, err := l.town(ctx, town, "bead", "import", file, "--rig", "bench"); err != nil {
		return fmt.Errorf("step %q: %w", "import beads", err)
	}
	for what, want := range map[string]int{"list": n, "ready": n - n/waiting} {
		out, err := l.town(ctx, town, "bead", what, "--json")
		if err != nil {
			return err
		}
		var list []struct{}
		if err := json.Unmarshal([]byte(out), &list); err != nil {
			return fmt.Errorf("bead %s: %w", what, err)
		}
		if len(list) != want {
			return fmt.Errorf("bead %s has %d beads, want %d", what, len(list), want)
		}
	}
	return nil
}

// size measures the binary.
func (l *lab) size(context.Context) []row {
	r := row{what: "size, stripped", against: "one file to copy", aim: aim{text: fmt.Sprintf("%d MB", sizeAim)}}
	info, err := os.Stat(l.exe)
	if err != nil {
		r.err = err
		return []row{r}
	}
	mb := float64(info.Size()) / 1e6
	r.text, r.within = fmt.Sprintf("%.1f MB", mb), mb <= sizeAim
	return []row{r}
}

// newTown makes a town whose one rig is a repository of the lab.
func (l *lab) newTown(ctx context.Context, town, repository string, args ...string) error {
	if _, err := l.town(ctx, town, "init", l.path(town)); err != nil {
		return fmt.Errorf("step %q: %w", "make a town", err)
	}
	if _, err := l.town(ctx, town, append([]string{"rig", "add", "bench", l.path(repository)}, args...)...); err != nil {
		return fmt.Errorf("step %q: %w", "add a rig", err)
	}
	return nil
}

// smallRepository makes the repository of the parts that do nothing with it, once.
func (l *lab) smallRepository(ctx context.Context) error {
	if _, err := os.Stat(l.path("small")); err == nil {
		return nil
	}
	return l.repository(ctx, "small", 20, 1)
}

// repository makes a repository of so many files, and commits that change one of them.
func (l *lab) repository(ctx context.Context, name string, files, commits int) error {
	var stream bytes.Buffer
	for i := range commits {
		fmt.Fprintf(&stream, "commit refs/heads/main\nmark :%d\ncommitter bench <b@example.com> %d +0000\ndata <<END\ncommit number %d\nEND\n", i+1, 1_700_000_000+i, i)
		if i > 0 {
			fmt.Fprintf(&stream, "from :%d\n", i)
		}
		for f := range files {
			if i > 0 && f > 0 {
				break
			}
			fmt.Fprintf(&stream, "M 644 inline dir%d/file%d.txt\ndata <<END\nfile %d as of commit %d\n%s\nEND\n", f%20, f, f, i, strings.Repeat("some text\n", 20))
		}
	}
	dir := l.path(name)
	if err := os.Mkdir(dir, 0o755); err != nil {
		return fmt.Errorf("step %q: %w", "make a repository", err)
	}
	if _, err := l.sh(ctx, dir, "git init -q . && git symbolic-ref HEAD refs/heads/main"); err != nil {
		return fmt.Errorf("step %q: %w", "make a repository", err)
	}
	load := l.gitIn(name, "fast-import", "--quiet")
	load.Stdin = &stream
	if _, err := output(ctx, load); err != nil {
		return fmt.Errorf("step %q: %w", "fill a repository", err)
	}
	if _, err := l.sh(ctx, dir, "git reset -q --hard"); err != nil {
		return fmt.Errorf("step %q: %w", "fill a repository", err)
	}
	return nil
}
