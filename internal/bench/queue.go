package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"gastown/beads"
	"gastown/internal/proc"
)

const (
	// queued is how many beads wait at once in the row of the merge queue.
	queued = 30
	// largeFiles is how many files the large repository has, largeBeads how many beads land in it.
	largeFiles = 50_000
	largeBeads = 5
	// queueWithin bounds what is waited for in those rows.
	queueWithin = 60 * time.Second
	queueLook   = 50 * time.Millisecond
)

// quickScript is an agent that commits a file and submits.
const quickScript = `#!/bin/sh
set -e
echo "$GASTOWN_BEAD" > "$GASTOWN_BEAD.txt"
git add "$GASTOWN_BEAD.txt"
git commit -q -m "work of $GASTOWN_BEAD"
exec gastown done
`

// queue measures thirty beads that wait behind a gate of a second, none of which fails it.
func (l *lab) queue(ctx context.Context) []row {
	rows := []row{{what: fmt.Sprintf("%d queued landed, gate of 1 s", queued), against: "that gate once", aim: aim{most: 6 * time.Second}}}
	if err := l.smallRepository(ctx); err != nil {
		return broken(err, rows)
	}
	h, err := l.quick(ctx, "town-queue", "small", "sleep 1")
	if err != nil {
		return broken(err, rows)
	}
	defer h.close()
	gate, err := timed(ctx, proc.Cmd{Argv: []string{"sh", "-c", "sleep 1"}, Dir: l.dir, Env: l.env})
	if err != nil {
		return broken(err, rows)
	}
	if _, err := l.town(ctx, h.town, "refinery", "pause"); err != nil {
		return broken(err, rows)
	}
	for i := range queued {
		if err := h.slings(ctx, i); err != nil {
			return broken(err, rows)
		}
	}
	if _, err := h.await(ctx, beads.EvSubmitted, queued); err != nil {
		return broken(err, rows)
	}
	begun := time.Now()
	if _, err := l.town(ctx, h.town, "refinery", "resume"); err != nil {
		return broken(err, rows)
	}
	landed, err := h.await(ctx, beads.EvLanded, queued)
	if err != nil {
		return broken(err, rows)
	}
	rows[0] = rows[0].join(landed[queued-1].At.Sub(begun), gate)
	return rows
}

// large measures what lands a bead beyond its gate, in a repository of many files: the gate is
// `true`, in a worktree that is moved to each candidate.
func (l *lab) large(ctx context.Context) []row {
	rows := []row{{what: fmt.Sprintf("submitted to landed, %d files, gate true", largeFiles), against: "the git calls it makes", aim: aim{most: 250 * time.Millisecond}}}
	if err := l.repository(ctx, "large", largeFiles, 1); err != nil {
		return broken(err, rows)
	}
	h, err := l.quick(ctx, "town-files", "large", "true")
	if err != nil {
		return broken(err, rows)
	}
	defer h.close()
	for _, tree := range []string{"large-work", "large-gate"} {
		if _, err := output(ctx, l.gitIn("large", "worktree", "add", "-q", "--detach", l.path(tree), "main")); err != nil {
			return broken(err, rows)
		}
	}
	var ours, theirs []time.Duration
	for i := range largeBeads + 1 {
		if err := h.slings(ctx, i); err != nil {
			return broken(err, rows)
		}
		landed, err := h.await(ctx, beads.EvLanded, i+1)
		if err != nil {
			return broken(err, rows)
		}
		submitted, err := h.await(ctx, beads.EvSubmitted, i+1)
		if err != nil {
			return broken(err, rows)
		}
		calls, err := l.byHand(ctx, "large", "large-work")
		if err != nil {
			return broken(err, rows)
		}
		moved, err := l.moves(ctx, "large-gate")
		if err != nil {
			return broken(err, rows)
		}
		if i > 0 { // the first one makes the gate's worktree
			ours, theirs = append(ours, landed[i].At.Sub(submitted[i].At)), append(theirs, calls+moved)
		}
	}
	rows[0] = rows[0].join(median(ours), median(theirs))
	return rows
}

// moves is how long git takes to bring a worktree to another commit and to clean it, as for a gate.
func (l *lab) moves(ctx context.Context, tree string) (total time.Duration, err error) {
	for _, args := range [][]string{{"checkout", "-q", "--detach", "refs/landed"}, {"clean", "-qffd"}, {"status", "--porcelain"}} {
		d, terr := timed(ctx, l.gitIn(tree, args...))
		total, err = total+d, errors.Join(err, terr)
	}
	return total, err
}

// quick makes a town whose agent is quick, with one gate, and starts its host.
func (l *lab) quick(ctx context.Context, town, repository, gate string) (*host, error) {
	if err := l.newTown(ctx, town, repository, "--gate", "test="+gate, "--prefix", "qu"); err != nil {
		return nil, err
	}
	script := l.path("quick")
	if err := os.WriteFile(script, []byte(quickScript), 0o755); err != nil {
		return nil, fmt.Errorf("step %q: %w", "write the agent", err)
	}
	for _, kv := range [][2]string{{"agent.quick.command", fmt.Sprintf("[%q]", script)}, {"town.polecat", "quick"}, {"town.mayor", "scripted"}} {
		if _, err := l.town(ctx, town, "config", "set", kv[0], kv[1]); err != nil {
			return nil, err
		}
	}
	h := &host{l: l, town: town, landed: make(chan landing, 1), stop: func() {}}
	if err := h.up(ctx); err != nil {
		h.close()
		return nil, err
	}
	return h, nil
}

// slings makes a bead and gives it to a polecat.
func (h *host) slings(ctx context.Context, i int) error {
	out, err := h.l.town(ctx, h.town, "bead", "create", "bead "+strconv.Itoa(i), "--json")
	if err != nil {
		return err
	}
	var made struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal([]byte(out), &made); err != nil {
		return fmt.Errorf("bead create: %w", err)
	}
	_, err = h.l.town(ctx, h.town, "sling", made.ID)
	return err
}

// await waits until n events of a kind are in the log, and returns all of them, oldest first.
func (h *host) await(ctx context.Context, kind string, n int) ([]beads.Event, error) {
	ctx, cancel := context.WithTimeout(ctx, queueWithin)
	defer cancel()
	look := time.NewTicker(queueLook)
	defer look.Stop()
	for {
		out, err := h.l.town(ctx, h.town, "events", "--limit", "5000", "--json")
		if err != nil {
			return nil, errors.Join(err, h.ended())
		}
		var seen []beads.Event
		for d := json.NewDecoder(strings.NewReader(out)); d.More(); {
			var all []beads.Event
			if err := d.Decode(&all); err != nil {
				return nil, fmt.Errorf("events: %w", err)
			}
			for _, ev := range all {
				if ev.Kind == kind {
					seen = append(seen, ev)
				}
			}
		}
		if len(seen) >= n {
			return seen, nil
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return nil, errors.Join(fmt.Errorf("%d of %d %s in %s", len(seen), n, kind, queueWithin), h.ended())
		}
	}
}
