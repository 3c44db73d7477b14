package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"gastown/beads"
	"gastown/internal/api"
	"gastown/internal/cli"
	"gastown/internal/config"
	"gastown/internal/demo"
	"gastown/internal/fault"
	"gastown/internal/proc"
	"gastown/internal/town"
	"gastown/internal/wire"
	"gastown/tui"
)

// hosted runs a town's host in this process while f runs, and stops it after.
func (p *process) hosted(ctx context.Context, dir string, guard func(string, func()), log *slog.Logger, f func(context.Context, *town.Town, *town.Host) (drain bool, err error)) (err error) {
	t, err := town.Open(dir, p.deps(log, guard))
	if err != nil {
		return err
	}
	defer func() {
		if cerr := t.Close(); err == nil {
			err = cerr
		}
	}()
	slot := tui.SlotOf(os.Stdout)
	h, err := t.BeginHost(ctx, town.HostOptions{Size: proc.Size{Cols: slot.Cols, Rows: slot.Rows}})
	if err != nil {
		return err
	}
	ran := make(chan struct{})
	go func() {
		defer close(ran)
		h.Run(ctx) // a signal also cuts a drain short
	}()
	drain, err := f(ctx, t, h)
	told := func() {}
	if drain {
		told = sayAwaited(ctx, h, os.Stdout)
	}
	h.Stop(drain)
	<-ran
	told()
	if herr := h.Err(); herr != nil {
		return herr // what else went wrong did because of it
	}
	return err
}

// sayAwaited says what a town that drains waits for, each time that changes, until the host has stopped or a signal
// cuts it short. The returned function waits for that.
func sayAwaited(ctx context.Context, h *town.Host, w io.Writer) (wait func()) {
	changes, done := h.Changes()
	var saying sync.WaitGroup
	saying.Go(func() {
		defer done()
		for last := ""; ; {
			if text := strings.Join(h.Awaited(), ", "); text != last && text != "" {
				fmt.Fprintf(w, "draining: waits for %s; Ctrl-C stops them now, their work is kept\n", beads.Clean(text, 0))
				last = text
			}
			select {
			case <-h.Left():
				return
			case <-ctx.Done():
				fmt.Fprintln(w, "stopping them now; their work is kept")
				return
			case <-changes:
			}
		}
	})
	return saying.Wait
}

// up runs the host without a screen until a signal or `gastown down`.
func (p *process) up(ctx context.Context, dir string, w io.Writer) error {
	log, closeLog, err := hostLog(dir)
	if err != nil {
		return err
	}
	defer closeLog()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c := &crash{cancel: cancel, log: log}
	err = p.hosted(ctx, dir, c.guard, log, func(ctx context.Context, t *town.Town, h *town.Host) (bool, error) {
		if h.Err() != nil { // hosted says it
			return false, nil
		}
		fmt.Fprintf(w, "the town %s is up (pid %d); stop it with Ctrl-C or: gastown down\n", dir, os.Getpid())
		if m, err := api.MayorStatus.Do(ctx, t.As(api.Person()), api.Empty{}); err == nil && m.State == "failed" {
			fmt.Fprintf(w, "there is no Mayor: %s\n", m.Why)
		}
		select {
		case <-ctx.Done():
		case <-h.Left():
		}
		return false, nil
	})
	if c.err != nil {
		return c.err
	}
	return err
}

// open runs the screen, and says in the end what the next start goes on with.
func (p *process) open(ctx context.Context, dir string, o cli.ScreenOptions) error {
	err := p.screen(ctx, dir, o, nil)
	if err != nil {
		return err
	}
	if left := p.left(ctx, dir); left != "" {
		fmt.Fprintln(os.Stdout, left)
	}
	return nil
}

// left says what stays to be done in a town whose host has stopped; empty: nothing.
func (p *process) left(ctx context.Context, dir string) string {
	t, err := town.Open(dir, p.deps(slog.New(slog.DiscardHandler), nil))
	if err != nil {
		return "" // another host was quicker
	}
	defer t.Close()
	s, err := api.GetStatus.Do(context.WithoutCancel(ctx), t.As(api.Person()), api.Empty{})
	if err != nil {
		return ""
	}
	return leftText(s)
}

func leftText(s api.Status) string {
	var parts []string
	for _, c := range []struct {
		n         int
		one, more string
	}{
		{s.Beads.Slung, "bead goes on", "beads go on"}, {len(s.Queue), "is in the merge queue", "are in the merge queue"}, {s.Beads.NeedsYou, "waits for you", "wait for you"},
	} {
		switch {
		case c.n == 1:
			parts = append(parts, "1 "+c.one)
		case c.n > 1:
			parts = append(parts, fmt.Sprintf("%d %s", c.n, c.more))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "At the next start of gastown: " + strings.Join(parts, ", ") + ".\nLook: gastown status"
}

// screen runs host and screen in this process; beside them, where it is not nil, a client of the town that
// ends with them.
func (p *process) screen(ctx context.Context, dir string, o cli.ScreenOptions, beside func(context.Context, api.Doer) error) error {
	log, closeLog, err := hostLog(dir)
	if err != nil {
		return err
	}
	defer closeLog()
	guard := tui.NewGuard()
	err = p.hosted(ctx, dir, guarded(guard), log, func(ctx context.Context, t *town.Town, h *town.Host) (bool, error) {
		if err := h.CountStart(); err != nil {
			return false, err
		}
		if beside == nil {
			return p.show(ctx, t, h, guard, o)
		}
		bctx, stop := context.WithCancel(ctx)
		done := make(chan struct{})
		go guarded(guard)("beside the screen", func() {
			defer close(done)
			if err := beside(bctx, t.As(api.Person())); err != nil && bctx.Err() == nil {
				log.Error("beside the screen", "err", err)
			}
		})
		defer func() { stop(); <-done }()
		return p.show(ctx, t, h, guard, o)
	})
	if fault.Is(err, fault.Unavailable) {
		return p.taken(ctx, dir, err)
	}
	return err
}

// taken puts an error about a held store in the words of someone who wanted to see the screen.
func (p *process) taken(ctx context.Context, dir string, err error) error {
	host, perr := wire.Client{Path: town.SocketPath(dir, p.env)}.Ping(ctx)
	if perr != nil {
		return err // no host holds it: its own hint is right
	}
	where, here := "", "look"
	if tty := proc.Terminal(host.PID); tty != "" {
		where, here = " on "+tty, "go on there; from here look"
	}
	taken := &fault.Error{Kind: fault.Unavailable, Msg: fmt.Sprintf("the town %s is run by process %d%s already", dir, host.PID, where), Err: err}
	return taken.WithHint("%s with `gastown status`, talk with `gastown mayor attach`; for the screen in this terminal: gastown down && gastown (agents stop, their work goes on)", here)
}

// guarded runs a function and hands its panic to the screen's guard.
func guarded(g *tui.Guard) func(string, func()) {
	return func(where string, f func()) {
		defer g.Recover(where)
		f()
	}
}

// show runs the screen on the host until the person leaves it, or the host stops.
func (p *process) show(ctx context.Context, t *town.Town, h *town.Host, guard *tui.Guard, o cli.ScreenOptions) (drain bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	face := newFace(t, h)
	var refreshing sync.WaitGroup
	refreshing.Go(func() { guarded(guard)("view", func() { face.refresh(ctx) }) })
	defer refreshing.Wait()
	defer cancel()
	go func() {
		select {
		case <-h.Left(): // `gastown down` from elsewhere
			cancel()
		case <-ctx.Done():
		}
	}()
	signal.Ignore(syscall.SIGTTOU) // the terminal is restored also when we are in the background
	out, err := tui.Run(ctx, face, tui.Screen{
		In: os.Stdin, Out: os.Stdout, Env: p.env, ASCII: o.ASCII, Passing: o.Passing, TownKeys: t.TownKeys(), Guard: guard, Version: versionText(),
		Edit: p.editor(ctx), EditFile: p.fileEditor(ctx), Line: shellLine, Options: options(), Usage: cli.Usage(),
	})
	return out.Quit == tui.Drain, err
}

// keysDoctor shows what the terminal sends for keys, by the settings of a town if there is one.
func (p *process) keysDoctor(ctx context.Context, dir string) error {
	s := tui.Screen{In: os.Stdin, Out: os.Stdout, Env: p.env}
	if dir != "" {
		cfg, err := config.Load(filepath.Join(dir, "town.toml"))
		if err != nil {
			return err
		}
		s.TownKeys = cfg.Keys.Town
	}
	return tui.Doctor(ctx, s)
}

// shellLine performs a line of the screen's : dialog as the command line does.
func shellLine(ctx context.Context, d api.Doer, args []string) (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("working directory: %w", err)
	}
	return cli.Line(ctx, d, dir, time.Now, args)
}

// options are the options of all verbs, for the screen to complete.
func options() map[string][]tui.Option {
	out := map[string][]tui.Option{}
	for verb, all := range cli.Options() {
		for _, o := range all {
			out[verb] = append(out[verb], tui.Option(o))
		}
	}
	return out
}

// face is the host as the screen needs it: reads of the store happen on its own goroutine.
type face struct {
	api.Doer
	h       *town.Host
	changes <-chan struct{} // of the host
	done    func()          // ends them
	mu      sync.Mutex
	bells   map[chan struct{}]struct{}
}

func newFace(t *town.Town, h *town.Host) *face {
	f := &face{Doer: t.As(api.Person()), h: h, bells: map[chan struct{}]struct{}{}}
	f.changes, f.done = h.Changes() // before the first view, so that nothing after it is missed
	h.View()
	return f
}

// Times of the view.
const (
	viewEvery = 33 * time.Millisecond // at most thirty a second
	quoteEach = time.Second           // between views that differ only in what they quote of terminals
)

// refresh builds the view after changes and rings the screen.
func (f *face) refresh(ctx context.Context) {
	defer f.done()
	select { // until then the view is what was committed last, and the machine has enough to do
	case <-ctx.Done():
		return
	case <-f.h.Ready():
	}
	follow(ctx, f.changes, f.h.View(), func() *api.View { return f.h.RefreshAfter(quoteEach) }, f.ring)
}

// follow builds the view after each change and tells that it did; last is the one that is there already. What was too
// soon after a view to be quoted is quoted when that view is quoteEach old, as nothing else may come after it.
func follow(ctx context.Context, changes <-chan struct{}, last *api.View, build func() *api.View, tell func()) {
	pause, late := time.NewTimer(0), time.NewTimer(0)
	defer pause.Stop()
	defer late.Stop()
	late.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-pause.C:
		}
		select {
		case <-ctx.Done():
			return
		case <-changes:
		case <-late.C:
		}
		v := build()
		late.Stop()
		if rest := time.Until(v.At.Add(quoteEach)); v == last && rest > 0 { // else the view cannot be built now
			late.Reset(rest)
		}
		last = v
		tell()
		pause.Reset(viewEvery)
	}
}

func (f *face) ring() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.bells {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// View implements tui.Host.
func (f *face) View() *api.View { return f.h.View() }

// Changes implements tui.Host.
func (f *face) Changes() (<-chan struct{}, func()) {
	c := make(chan struct{}, 1)
	f.mu.Lock()
	f.bells[c] = struct{}{}
	f.mu.Unlock()
	return c, func() {
		f.mu.Lock()
		delete(f.bells, c)
		f.mu.Unlock()
	}
}

// Terminal implements tui.Host.
func (f *face) Terminal(name string) (tui.Terminal, bool) {
	t, ok := f.h.Terminal(name)
	if !ok {
		return nil, false
	}
	return t, true
}

// SlotSize implements tui.Sizer.
func (f *face) SlotSize(cols, rows int) { f.h.SlotSize(cols, rows) }

// demo runs the whole job in a town of its own.
func (p *process) demo(ctx context.Context, o cli.DemoOptions) (err error) {
	dir, temporary := o.Dir, o.Dir == ""
	if temporary {
		var leave func() error
		if dir, leave, err = demoDir(); err != nil {
			return fmt.Errorf("demo: %w", err)
		}
		defer func() {
			if rerr := leave(); err == nil {
				err = rerr
			}
		}()
	}
	tempo := demo.Watched
	if o.Headless {
		tempo = demo.Fast
	} else {
		p.env = append(p.env, "GASTOWN_PACE="+tempo.Pace().String())
	}
	if err := p.demoTown(ctx, dir, tempo); err != nil {
		return err
	}
	if !o.Headless {
		err := p.screen(ctx, dir, cli.ScreenOptions{Foreground: true, ASCII: o.ASCII, Passing: temporary}, demo.Play)
		if err == nil {
			fmt.Fprintln(o.Out, afterDemo(proc.LookPath("gastown", p.env) != ""))
		}
		return err
	}
	log, closeLog, err := hostLog(dir)
	if err != nil {
		return err
	}
	defer closeLog()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c := &crash{cancel: cancel, log: log}
	err = p.hosted(ctx, dir, c.guard, log, func(ctx context.Context, t *town.Town, h *town.Host) (bool, error) {
		form := demo.Text
		if o.JSON {
			form = demo.JSON
		}
		// The last polecats are only leaving: a run that went wrong waits for nobody.
		err := demo.Headless(ctx, t.As(api.Person()), o.Out, demo.Options{Form: form})
		return err == nil, err
	})
	if c.err != nil {
		return c.err
	}
	return err
}

// afterDemo is what comes next; under `go run` the program is nowhere yet.
func afterDemo(onPath bool) string {
	if onPath {
		return "That was the demo. Next: go to a repository of yours and run: gastown"
	}
	return "That was the demo. Next: put the program on your PATH, as with: go build -o ~/bin/gastown .\nThen go to a repository of yours and run: gastown"
}

// demoTown makes the demo's town in dir, or takes up the one that is there.
func (p *process) demoTown(ctx context.Context, dir string, tempo demo.Tempo) error {
	if _, err := os.Stat(filepath.Join(dir, "town.toml")); err != nil {
		if free, err := town.Vacant(dir); err != nil {
			return err
		} else if !free {
			return fault.Refusedf("demo %q: the directory is not empty and no town", dir)
		}
		if err := town.Init(dir); err != nil {
			return err
		}
	}
	source := filepath.Join(dir, "sample")
	if _, err := os.Stat(source); err != nil {
		if err := demo.Project(ctx, source, p.env); err != nil {
			return err
		}
	}
	t, err := town.Open(dir, p.deps(slog.New(slog.DiscardHandler), nil))
	if err != nil {
		return err
	}
	defer t.Close()
	return demo.Setup(ctx, t.As(api.Person()), source, tempo)
}
