package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"gastown/beads"
	"gastown/internal/proc"
)

const (
	// jobFiles is how many files the repository of the whole job has: a middling project.
	jobFiles = 2000
	// upWithin and stepWithin bound what is waited for in the host: a hundred times what is usual.
	upWithin   = 10 * time.Second
	stepWithin = 15 * time.Second
	// upLook is the time between two looks whether the host answers; each takes the store's lock
	// for a moment while nobody answers.
	upLook = 100 * time.Millisecond
)

// agentScript is an agent of one's own. It says on a pipe that it runs, commits a file, says so,
// and submits when it is told to.
const agentScript = `#!/bin/sh
echo "I run"
echo first > "%[1]s/said"
echo "$GASTOWN_BEAD" > "$GASTOWN_BEAD.txt"
git add -A
git commit -q -m "work of $GASTOWN_BEAD"
echo ready > "%[1]s/said"
read word < "%[1]s/told"
exec gastown done
`

// job measures what the running host takes: from sling to an agent that runs, and from done to landed.
func (l *lab) job(ctx context.Context) []row {
	rows := []row{
		{what: "sling to the agent's first byte", against: "git worktree add", aim: aim{plus: 150 * time.Millisecond}},
		{what: "done to landed, no gates", against: "the git calls it makes", aim: aim{times: 3}},
	}
	if err := l.repository(ctx, "job", jobFiles, 1); err != nil {
		return broken(err, rows)
	}
	if err := l.newTown(ctx, "town-job", "job", "--ungated", "--prefix", "jo"); err != nil {
		return broken(err, rows)
	}
	h, err := l.hire(ctx)
	if err != nil {
		return broken(err, rows)
	}
	defer h.close()
	if err := h.up(ctx); err != nil {
		return broken(err, rows)
	}
	var took [4][]time.Duration // sling, worktree add, landing, git calls
	for i := range l.slings + 1 {
		one, err := h.measure(ctx, i)
		if err != nil {
			return broken(fmt.Errorf("landing %d: %w", i, err), rows)
		}
		for k := range took {
			if i > 0 { // the first one warms up
				took[k] = append(took[k], one[k])
			}
		}
	}
	rows[0] = rows[0].join(median(took[0]), median(took[1]))
	rows[1] = rows[1].join(median(took[2]), median(took[3]))
	return rows
}

// host is the program at work in a town.
type host struct {
	l          *lab
	town       string
	said, told *os.File // the pipes to the agent
	lines      *bufio.Reader
	landed     chan landing
	stop       context.CancelFunc
	running    sync.WaitGroup
	mu         sync.Mutex
	end        error // how the program ended by itself
}

// landing is a bead that was seen to be landed.
type landing struct {
	bead beads.ID
	at   time.Time
}

// hire makes the agent and its pipes known.
func (l *lab) hire(ctx context.Context) (*host, error) {
	h := &host{l: l, town: "town-job", landed: make(chan landing, 1), stop: func() {}}
	for _, name := range []string{"said", "told"} {
		if err := syscall.Mkfifo(l.path(name), 0o600); err != nil {
			return nil, fmt.Errorf("step %q: %w", "make a pipe", err)
		}
		f, err := os.OpenFile(l.path(name), os.O_RDWR, 0) // for both, so that opening waits for nobody
		if err != nil {
			return nil, fmt.Errorf("step %q: %w", "open a pipe", err)
		}
		if name == "said" {
			h.said, h.lines = f, bufio.NewReader(f)
		} else {
			h.told = f
		}
	}
	script := l.path("agent")
	if err := os.WriteFile(script, fmt.Appendf(nil, agentScript, l.dir), 0o755); err != nil {
		return nil, fmt.Errorf("step %q: %w", "write the agent", err)
	}
	if _, err := l.town(ctx, "town-job", "config", "set", "agent.bench.command", fmt.Sprintf("[%q]", script)); err != nil {
		return nil, err
	}
	for _, key := range []string{"town.polecat", "town.mayor"} {
		if _, err := l.town(ctx, "town-job", "config", "set", key, map[string]string{"town.polecat": "bench", "town.mayor": "scripted"}[key]); err != nil {
			return nil, err
		}
	}
	return h, nil
}

// up starts the host and waits until it answers, then listens to its events.
func (h *host) up(ctx context.Context) error {
	ctx, h.stop = context.WithCancel(ctx)
	h.keepRunning(ctx, h.l.verb(h.town, "up"), io.Discard)
	deadline := time.Now().Add(upWithin)
	look := time.NewTicker(upLook)
	defer look.Stop()
	for {
		select {
		case <-look.C:
		case <-ctx.Done():
		}
		out, err := h.l.town(ctx, h.town, "status", "--json")
		var st struct {
			Host *struct{} `json:"host"`
		}
		if err == nil && json.Unmarshal([]byte(out), &st) == nil && st.Host != nil {
			break
		}
		if time.Now().After(deadline) || h.ended() != nil || ctx.Err() != nil {
			return fmt.Errorf("step %q: the host does not answer: %w", "up", errors.Join(err, h.ended(), ctx.Err()))
		}
	}
	h.keepRunning(ctx, h.l.verb(h.town, "events", "-f", "--json"), &watcher{landed: h.landed})
	return nil
}

// keepRunning runs a program until the host is stopped.
func (h *host) keepRunning(ctx context.Context, c proc.Cmd, out io.Writer) {
	var errs strings.Builder
	c.Stdout, c.Stderr = out, &errs
	h.running.Go(func() {
		code, err := proc.Run(ctx, c)
		if ctx.Err() == nil {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.end = errors.Join(h.end, fmt.Errorf("%s: exit %d: %s", strings.Join(shown(c.Argv), " "), code, errs.String()), err)
		}
	})
}

func (h *host) ended() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.end
}

func (h *host) close() {
	h.stop()
	h.running.Wait()
	if h.said != nil {
		_ = errors.Join(h.said.Close(), h.told.Close()) // they carry nothing any more
	}
}

// measure lands one bead and does by hand what git has to do for it, in turns.
func (h *host) measure(ctx context.Context, i int) (took [4]time.Duration, err error) {
	tree := "tree" + strconv.Itoa(i)
	if took[1], err = timed(ctx, h.l.gitIn("job", "worktree", "add", "-q", "-b", tree, h.l.path(tree), "main")); err != nil {
		return took, err
	}
	out, err := h.l.town(ctx, "town-job", "bead", "create", "job "+strconv.Itoa(i), "--json")
	if err != nil {
		return took, err
	}
	var made struct {
		ID beads.ID `json:"id"`
	}
	if err := json.Unmarshal([]byte(out), &made); err != nil {
		return took, fmt.Errorf("bead create: %w", err)
	}
	begun := time.Now()
	if _, err := h.l.town(ctx, "town-job", "sling", string(made.ID)); err != nil {
		return took, err
	}
	if took[0], err = h.hears("first", begun); err != nil {
		return took, err
	}
	if _, err := h.hears("ready", begun); err != nil {
		return took, err
	}
	begun = time.Now()
	if _, err := io.WriteString(h.told, "go\n"); err != nil {
		return took, err
	}
	timer := time.NewTimer(stepWithin)
	defer timer.Stop()
	for took[2] == 0 {
		select {
		case seen := <-h.landed:
			if seen.bead == made.ID {
				took[2] = seen.at.Sub(begun)
			}
		case <-timer.C:
			why, _ := h.l.town(ctx, "town-job", "why", string(made.ID))
			return took, errors.Join(fmt.Errorf("%s did not land in %s: %s", made.ID, stepWithin, why), h.ended())
		case <-ctx.Done():
			return took, ctx.Err()
		}
	}
	took[3], err = h.l.byHand(ctx, "job", tree)
	return took, err
}

// hears waits for a word of the agent and returns how long after begun it came.
func (h *host) hears(word string, begun time.Time) (time.Duration, error) {
	if err := h.said.SetReadDeadline(time.Now().Add(stepWithin)); err != nil {
		return 0, err
	}
	line, err := h.lines.ReadString('\n')
	took := time.Since(begun)
	if err != nil {
		return took, errors.Join(fmt.Errorf("the agent does not say %q: %w", word, err), h.ended())
	}
	if got := strings.TrimSpace(line); got != word {
		return took, fmt.Errorf("the agent says %q, not %q", got, word)
	}
	return took, nil
}

// byHand makes the git calls that lead from done to landed, as the town and its Refinery make
// them (town: submit; refinery/run: build, publish), and returns their time without ours between them.
func (l *lab) byHand(ctx context.Context, repo, tree string) (time.Duration, error) {
	dir := l.path(tree)
	if _, err := l.sh(ctx, dir, "echo x >> "+tree+".txt && git add -A && git commit -q -m work"); err != nil {
		return 0, err
	}
	main, err := l.sh(ctx, dir, "git rev-parse main")
	if err != nil {
		return 0, err
	}
	tip, err := l.sh(ctx, dir, "git rev-parse HEAD")
	if err != nil {
		return 0, err
	}
	var total time.Duration
	call := func(in string, args ...string) string {
		c := l.gitIn(in, args...)
		begun := time.Now()
		out, cerr := output(ctx, c)
		total += time.Since(begun)
		err = errors.Join(err, cerr)
		return out
	}
	call(filepath.Base(dir), "status", "--porcelain=v2", "--branch", "-z")
	call(repo, "rev-list", "--count", main+".."+tip)
	call(repo, "update-ref", "refs/keep/"+tree, tip)
	call(repo, "diff", "--numstat", main, tip)
	call(repo, "config", "--get-regexp", "^(author|user|core)[.]")
	call(repo, "rev-parse", "--verify", "main")
	call(repo, "rev-parse", "--verify", "main^{tree}")
	call(repo, "rev-parse", "--verify", tip)
	call(repo, "merge-base", main, tip)
	merged := call(repo, "merge-tree", "--write-tree", main, tip)
	commit := call(repo, "commit-tree", merged, "-p", main, "-p", tip, "-m", "land "+tree)
	call(repo, "update-ref", "refs/candidate", commit)
	call(repo, "rev-parse", "--verify", commit+"^{tree}")
	call(repo, "update-ref", "refs/landed", commit)
	call(repo, "rev-parse", "--verify", "refs/landed")
	return total, err
}

// watcher reads a stream of events and passes the landings on.
type watcher struct {
	part   []byte
	landed chan<- landing
}

// Write takes a piece of the stream. A landing is dropped when the one before was not asked for.
func (w *watcher) Write(p []byte) (int, error) {
	at := time.Now()
	w.part = append(w.part, p...)
	for {
		line, rest, ok := strings.Cut(string(w.part), "\n")
		if !ok {
			return len(p), nil
		}
		w.part = []byte(rest)
		var ev beads.Event
		if json.Unmarshal([]byte(line), &ev) == nil && ev.Kind == beads.EvLanded {
			select {
			case w.landed <- landing{ev.Bead, at}:
			default:
			}
		}
	}
}
