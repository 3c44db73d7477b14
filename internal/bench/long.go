package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

const (
	// long is how many lines a diff and a log have; opens how often each is opened.
	long  = 100_000
	opens = 7
	// longAim is the aim for both.
	longAim = 200 * time.Millisecond
)

// longScript commits a file of so many lines and submits it; longGate prints as many lines, and goes on.
const (
	longScript = `#!/bin/sh
seq -f 'line %%.0f of a long file that an agent wrote' %d > long.txt
git add -A
git commit -q -m "a long file"
exec gastown done
`
	longGate = "seq -f 'line %%.0f of a long log' %d; exec sleep 600"
)

// longTexts measures how long the screen takes to open a long diff and a long log.
func (l *lab) longTexts(ctx context.Context) []row {
	rows := []row{
		{what: fmt.Sprintf("open a diff of %d lines", long), against: "git diff", aim: aim{most: longAim}},
		{what: fmt.Sprintf("open a log of %d lines", long), against: "tail of it", aim: aim{most: longAim}},
	}
	const town = "town-long"
	if _, err := l.crew(ctx, town, fmt.Sprintf(longScript, long), 1, "--gate", fmt.Sprintf(longGate, long)); err != nil {
		return broken(err, rows)
	}
	p, err := play(l.verb(town))
	if err != nil {
		return broken(err, rows)
	}
	defer p.close()
	if err := l.board(ctx, p, "the gate", func(text string) bool { return strings.Contains(text, "refinery gating") }); err != nil {
		return broken(err, rows)
	}
	var took [4][]time.Duration
	for i := range opens + 1 { // the first one warms up
		for k, one := range []func() (time.Duration, error){
			func() (time.Duration, error) { return p.openShut(ctx, "d", " DIFF ", "line 1 of a long file") },
			func() (time.Duration, error) {
				return p.openShut(ctx, "L", "REFINERY LOG", fmt.Sprintf("line %d of a long log", long))
			},
			func() (time.Duration, error) {
				return timed(ctx, l.gitIn(town+"/rigs/bench/repo.git", "log", "-p", "-1", "--all", "--no-merges"))
			},
			func() (time.Duration, error) {
				begun := time.Now()
				_, err := l.sh(ctx, l.path(town), "tail -n "+strconv.Itoa(long)+" logs/gates/*/*.log >"+os.DevNull)
				return time.Since(begun), err
			},
		} {
			d, err := one()
			if err != nil {
				return broken(err, rows)
			}
			if i > 0 {
				took[k] = append(took[k], d)
			}
		}
	}
	rows[0] = rows[0].join(median(took[0]), median(took[2]))
	rows[1] = rows[1].join(median(took[1]), median(took[3]))
	return rows
}

// openShut presses a key, waits for a dialog with both texts, and leaves it.
func (p *player) openShut(ctx context.Context, key, title, text string) (time.Duration, error) {
	begun := time.Now()
	if err := p.press(key); err != nil {
		return 0, err
	}
	seen, err := p.until(ctx, text, func(rows []string) bool {
		all := strings.Join(rows, "\n")
		return strings.Contains(all, title) && strings.Contains(all, text)
	})
	if err != nil {
		return 0, err
	}
	if err := p.press("\x1b"); err != nil {
		return 0, err
	}
	_, err = p.until(ctx, "the board", func(rows []string) bool { return !strings.Contains(strings.Join(rows, "\n"), title) })
	return seen.Sub(begun), err
}
