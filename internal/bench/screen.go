package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"gastown/beads"
	"gastown/internal/proc"
)

const (
	// paints is how often the screen is opened for one row.
	paints = 7
	// busy is how many agents print while keys are pressed, idle how many wait.
	busy = 6
	idle = 10
	// presses is how many keys are measured.
	presses = 200
	// quietFor is how long nothing is printed by a screen at rest; idleFor how long it is measured.
	quietFor = 2 * time.Second
	idleFor  = 10 * time.Second
	// graceOfKeys is longer than tui's modeGrace, in which the screen hears no key after it left a terminal: such a key was
	// meant for that one. Were it shorter, the first key would wait in vain.
	graceOfKeys = 50 * time.Millisecond
)

// The aims for a screen at rest: of one core, and in MB of a million bytes.
const (
	idlePercent = 0.5
	idleMemory  = 80
)

// busyScript prints twenty lines a second, as an agent at work does; idleScript waits.
const (
	busyScript = `#!/bin/sh
i=0
while :; do
	i=$((i+1))
	printf '\033[32m* step %d\033[0m edit file%d.go, look at it again, then run the tests\n' $i $i
	sleep 0.05
done
`
	idleScript = "#!/bin/sh\necho I wait\nread word\n"
)

// paint measures how long the screen takes to show beads.
func (l *lab) paint(ctx context.Context) []row {
	const against = "tmux new-session"
	sizes := []int{many / 10, many}
	rows := []row{
		{what: fmt.Sprintf("first paint, %d beads", sizes[0]), against: against, aim: aim{most: 100 * time.Millisecond}},
		{what: fmt.Sprintf("first paint, %d beads", sizes[1]), against: against, aim: aim{most: 200 * time.Millisecond}},
	}
	towns := []string{"town-medium", "town-large"}
	for i, town := range towns {
		if err := l.filledTown(ctx, town, sizes[i]); err != nil {
			return broken(err, rows)
		}
		if err := l.set(ctx, town, "town.mayor", "scripted"); err != nil {
			return broken(err, rows)
		}
	}
	var took [3][]time.Duration
	for i := range paints + 1 { // the first one warms up
		for k, start := range []struct {
			c    proc.Cmd
			text string
		}{{l.verb(towns[0]), "bead number"}, {l.verb(towns[1]), "bead number"}, {l.tmux("paint"+strconv.Itoa(i), "new-session", "cat"), "[0]"}} {
			d, err := l.opens(ctx, start.c, start.text)
			if err != nil {
				return broken(err, rows)
			}
			if i > 0 {
				took[k] = append(took[k], d)
			}
		}
	}
	for i := range rows {
		rows[i] = rows[i].join(median(took[i]), median(took[2]))
	}
	return rows
}

// opens measures a program from its start to the picture with a text.
func (l *lab) opens(ctx context.Context, c proc.Cmd, text string) (time.Duration, error) {
	p, err := play(c)
	if err != nil {
		return 0, err
	}
	defer p.close()
	return p.shows(ctx, text)
}

// keys measures from a key to the picture that it changes, while agents print.
func (l *lab) keys(ctx context.Context) []row {
	against := fmt.Sprintf("tmux, %d panes", busy)
	rows := []row{
		{what: fmt.Sprintf("key to paint, %d busy agents, median", busy), against: against},
		{what: fmt.Sprintf("key to paint, %d busy agents, p99", busy), against: against, aim: aim{most: 30 * time.Millisecond}},
	}
	script, err := l.crew(ctx, "town-busy", busyScript, busy)
	if err != nil {
		return broken(err, rows)
	}
	ours, err := l.pressed(ctx, l.verb("town-busy"), func(ctx context.Context, p *player) error {
		if err := l.atWork(busy)(ctx, p); err != nil {
			return err
		}
		if err := p.press("g"); err != nil { // the first row, so that there is one below
			return err
		}
		_, err := p.until(ctx, "the first row", func(rows []string) bool { i := selected(rows); return i > 0 && strings.Contains(rows[i-1], " ID ") })
		return err
	}, []string{"j", "k"}, func(rows []string) string { return strconv.Itoa(selected(rows)) })
	if err != nil {
		return broken(err, rows)
	}
	argv := []string{"new-session", "cat"}
	for range busy {
		argv = append(argv, ";", "split-window", "-d", script, ";", "select-layout", "tiled")
	}
	theirs, err := l.pressed(ctx, l.tmux("keys", argv...), func(ctx context.Context, p *player) error {
		_, err := p.shows(ctx, "step 9")
		return err
	}, []string{"Q"}, func(rows []string) string { return strconv.Itoa(strings.Count(strings.Join(rows, ""), "Q")) })
	if err != nil {
		return broken(err, rows)
	}
	rows[0] = rows[0].join(percentile(ours, 50), percentile(theirs, 50))
	rows[1] = rows[1].join(percentile(ours, 99), percentile(theirs, 99))
	return rows
}

// selected is the row with the cursor of a screen that draws in Unicode, -1 if there is none.
func selected(rows []string) int {
	return slices.IndexFunc(rows, func(row string) bool { return strings.Contains(row, "▸") })
}

// board waits for a picture, leaves the Mayor's terminal for the board, and waits until it takes keys.
func (l *lab) board(ctx context.Context, p *player, what string, ok func(text string) bool) error {
	if _, err := p.until(ctx, what, func(rows []string) bool { return ok(strings.Join(rows, "\n")) }); err != nil {
		return err
	}
	if err := p.press("\x1d"); err != nil {
		return err
	}
	if _, err := p.until(ctx, "TOWN", func(rows []string) bool { return strings.Contains(rows[len(rows)-1], " TOWN ") }); err != nil {
		return err
	}
	return wait(ctx, graceOfKeys)
}

// atWork makes a screen ready whose n polecats are all at work.
func (l *lab) atWork(n int) func(context.Context, *player) error {
	return func(ctx context.Context, p *player) error {
		return l.board(ctx, p, "all polecats", func(text string) bool { return strings.Contains(text, fmt.Sprintf("POLECATS %d/%d", n, n)) })
	}
}

// pressed starts a program, makes it ready, and measures the keys in turns until what state says is another.
func (l *lab) pressed(ctx context.Context, c proc.Cmd, ready func(context.Context, *player) error, keys []string, state func([]string) string) ([]time.Duration, error) {
	p, err := play(c)
	if err != nil {
		return nil, err
	}
	defer p.close()
	if err := ready(ctx, p); err != nil {
		return nil, err
	}
	var took []time.Duration
	for i := range presses + 1 {
		pause := time.NewTimer(30*time.Millisecond + rand.N(30*time.Millisecond)) // not in step with frames, nor as fast as a paste
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return nil, ctx.Err()
		}
		before, at := state(p.screen.Text()), time.Now()
		if err := p.press(keys[i%len(keys)]); err != nil {
			return nil, err
		}
		seen, err := p.until(ctx, "what a key does", func(rows []string) bool { return state(rows) != before })
		if err != nil {
			return nil, err
		}
		if i > 0 {
			took = append(took, seen.Sub(at))
		}
	}
	return took, nil
}

func percentile(list []time.Duration, n int) time.Duration {
	if len(list) == 0 {
		return 0
	}
	slices.Sort(list)
	return list[min(len(list)*n/100, len(list)-1)]
}

// crew makes a town in which n beads are slung to an agent that is the script, and returns the script's place.
// gates are the arguments that say how the rig is gated; none: it is not.
func (l *lab) crew(ctx context.Context, town, script string, n int, gates ...string) (string, error) {
	if len(gates) == 0 {
		gates = []string{"--ungated"}
	}

	file := l.path(town + "-agent")
	if err := os.WriteFile(file, []byte(script), 0o755); err != nil {
		return "", fmt.Errorf("step %q: %w", "write the agent", err)
	}
	if err := l.smallRepository(ctx); err != nil {
		return "", err
	}
	if err := l.newTown(ctx, town, "small", gates...); err != nil {
		return "", err
	}
	for _, kv := range [][2]string{
		{"town.mayor", "scripted"}, {"agent.bench.command", fmt.Sprintf("[%q]", file)}, {"town.polecat", "bench"}, {"town.polecats", strconv.Itoa(n)},
	} {
		if err := l.set(ctx, town, kv[0], kv[1]); err != nil {
			return "", err
		}
	}
	for i := range n {
		out, err := l.town(ctx, town, "bead", "create", fmt.Sprintf("bead number %d", i), "--json")
		if err != nil {
			return "", err
		}
		var made struct {
			ID beads.ID `json:"id"`
		}
		if err := json.Unmarshal([]byte(out), &made); err != nil {
			return "", fmt.Errorf("bead create: %w", err)
		}
		if _, err := l.town(ctx, town, "sling", string(made.ID)); err != nil {
			return "", err
		}
	}
	return file, nil
}

func (l *lab) set(ctx context.Context, town, key, value string) error {
	_, err := l.town(ctx, town, "config", "set", key, value)
	return err
}

// tmux is a tmux with a server of its own.
func (l *lab) tmux(socket string, args ...string) proc.Cmd {
	return proc.Cmd{
		Argv: append([]string{"tmux", "-f", "/dev/null", "-u", "-L", socket}, args...), Dir: l.dir,
		Env: append(slices.Clone(l.env), "TMUX_TMPDIR="+l.dir, "SHELL=/bin/sh"),
	}
}

// idle measures a screen at rest whose polecats wait.
func (l *lab) idle(ctx context.Context) []row {
	against := fmt.Sprintf("tmux, %d panes", idle)
	rows := []row{
		{what: fmt.Sprintf("CPU at rest, %d idle polecats", idle), against: against, aim: aim{text: fmt.Sprintf("%g %%", idlePercent)}},
		{what: "memory at rest", against: against, aim: aim{text: fmt.Sprintf("%d MB", idleMemory)}},
		{what: "written at rest", against: against, aim: aim{text: "0 B"}},
	}
	script, err := l.crew(ctx, "town-idle", idleScript, idle)
	if err != nil {
		return broken(err, rows)
	}
	ours, err := l.atRest(ctx, l.verb("town-idle"), l.atWork(idle))
	if err != nil {
		return broken(err, rows)
	}
	argv := []string{"new-session", script}
	for range idle - 1 {
		argv = append(argv, ";", "split-window", "-d", script, ";", "select-layout", "tiled")
	}
	theirs, err := l.atRest(ctx, l.tmux("idle", argv...), func(ctx context.Context, p *player) error {
		_, err := p.until(ctx, "all panes", func(rows []string) bool { return strings.Count(strings.Join(rows, "\n"), "I wait") == idle })
		return err
	})
	if err != nil {
		return broken(err, rows)
	}
	rows[0].text, rows[0].within = fmt.Sprintf("%.2f %%", ours.percent()), ours.percent() <= idlePercent
	rows[0].against += fmt.Sprintf(": %.2f %%", theirs.percent())
	rows[1].text, rows[1].within = fmt.Sprintf("%.1f MB", ours.memory), ours.memory <= idleMemory
	rows[1].against += fmt.Sprintf(": %.1f MB", theirs.memory)
	rows[2].text = fmt.Sprintf("%d B, %d B to disk", ours.terminal, ours.disk)
	rows[2].within = ours.terminal == 0 && ours.disk == 0
	rows[2].against += fmt.Sprintf(": %d B", theirs.terminal)
	return rows
}

// rest is what a program took while nothing happened.
type rest struct {
	cpu, during    time.Duration
	memory         float64 // of the program that draws, in MB of a million bytes
	terminal, disk int
}

func (r rest) percent() float64 { return 100 * float64(r.cpu) / float64(r.during) }

// atRest starts a program, makes it ready, waits until it prints nothing, and measures it and the programs it started,
// between two changes of the clock's minute.
func (l *lab) atRest(ctx context.Context, c proc.Cmd, ready func(context.Context, *player) error) (rest, error) {
	p, err := play(c)
	if err != nil {
		return rest{}, err
	}
	defer p.close()
	if err := ready(ctx, p); err != nil {
		return rest{}, err
	}
	if now := time.Now(); now.Add(quietFor+idleFor+time.Second).Minute() != now.Minute() {
		if err := wait(ctx, time.Until(now.Truncate(time.Minute).Add(time.Minute))); err != nil {
			return rest{}, err
		}
	}
	if err := p.quiet(ctx, quietFor); err != nil {
		return rest{}, err
	}
	before, err := usageOf(p.p)
	if err != nil {
		return rest{}, err
	}
	wrote, _ := p.written()
	begun := time.Now()
	if err := wait(ctx, idleFor); err != nil {
		return rest{}, err
	}
	after, err := usageOf(p.p)
	if err != nil {
		return rest{}, err
	}
	now, _ := p.written()
	return rest{
		cpu: after.cpu - before.cpu, during: time.Since(begun), memory: after.memory, terminal: now - wrote, disk: after.disk - before.disk,
	}, nil
}

// wait waits for time to pass: what is measured is that nothing happens.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// usage is what processes have used so far.
type usage struct {
	cpu    time.Duration
	disk   int
	memory float64 // of the largest of them, in MB of a million bytes
}

// usageOf adds up a tree of processes, as Linux tells it.
func usageOf(p *proc.Proc) (usage, error) {
	var u usage
	for _, pid := range p.Tree() {
		dir := "/proc/" + strconv.Itoa(pid)
		tasks, err := os.ReadDir(dir + "/task")
		if err != nil {
			return u, fmt.Errorf("read what process %d used: %w", pid, err)
		}
		for _, task := range tasks {
			text, err := os.ReadFile(dir + "/task/" + task.Name() + "/schedstat")
			if err != nil {
				continue // a thread that has ended
			}
			var ns int64
			if _, err := fmt.Sscan(string(text), &ns); err != nil {
				return u, errors.New("the kernel keeps no time of threads")
			}
			u.cpu += time.Duration(ns)
		}
		u.disk += field(dir+"/io", "write_bytes:")
		u.memory = max(u.memory, float64(field(dir+"/status", "VmRSS:"))*1024/1e6)
	}
	return u, nil
}

// field is the number after a word in one of the kernel's files, or 0.
func field(file, word string) int {
	text, _ := os.ReadFile(file) // missing: 0
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, word); ok {
			n, _ := strconv.Atoi(strings.Fields(rest)[0])
			return n
		}
	}
	return 0
}
