// Command gastown runs many coding agents at once and lands only what passes.
//
// This file is the program's edge: arguments, environment, signals, exit codes, and the
// joining of the town with the command line and the screen. ARCHITECTURE.md is the map.
package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/charmbracelet/x/term"

	"gastown/beads"
	"gastown/internal/api"
	"gastown/internal/cli"
	"gastown/internal/fault"
	"gastown/internal/mcp"
	"gastown/internal/proc"
	"gastown/internal/scripted"
	"gastown/internal/town"
	"gastown/internal/wire"
)

// version is set by releases with -ldflags "-X main.version=v1.2.3".
var version string

func main() {
	proc.ShimMain()
	p := process{args: os.Args[1:], env: os.Environ()}
	if len(p.args) > 0 && p.args[0] == agentVerb {
		os.Exit(p.agent())
	}
	os.Exit(p.run())
}

// agentVerb starts the built-in agent; it is not for people.
const agentVerb = "__agent"

// process is what main takes from the operating system.
type process struct {
	args []string
	env  []string
}

func (p *process) getenv(name string) string { return os.Getenv(name) }

// run performs the command line.
func (p *process) run() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends what does not heed the first
	dir, err := os.Getwd()
	if err != nil {
		fmt.Fprintln(os.Stderr, "gastown: working directory:", err)
		return 1
	}
	return cli.Run(ctx, cli.Env{
		Args: p.args, Getenv: p.getenv, Dir: dir, In: os.Stdin, Out: os.Stdout, Err: os.Stderr,
		IsTTY:   term.IsTerminal(os.Stdin.Fd()) && term.IsTerminal(os.Stdout.Fd()),
		Version: versionText(), Template: beads.Template,
		FindTown: p.findTown,
		Open: func(dir string, _ bool) (api.Doer, func() error, error) {
			t, err := town.Open(dir, p.deps(slog.New(slog.DiscardHandler), nil))
			if err != nil {
				return nil, nil, err
			}
			return t.As(api.Caller{Name: "you", Role: "person"}), t.Close, nil
		},
		Socket:  func(dir string) string { return town.SocketPath(dir, p.env) },
		Init:    p.init,
		Restore: func(dir, from string) (string, error) { return town.Restore(dir, from) },
		Diagnose: func(ctx context.Context, dir string, fix bool) []api.Check {
			return town.Diagnose(ctx, dir, p.deps(slog.New(slog.DiscardHandler), nil), fix)
		},
		Uninstall: func(ctx context.Context, dir string, do bool) (api.Removal, error) {
			return town.Uninstall(ctx, dir, p.deps(slog.New(slog.DiscardHandler), nil), do)
		},
		Welcome: func(ctx context.Context, dir, cwd string, yes bool) (string, error) {
			return p.welcome(ctx, dir, cwd, yes, os.Stdin, os.Stdout)
		},
		Attach: p.attach,
		Screen: p.open,
		Up:     p.up,
		Demo:   p.demo, KeysDoctor: p.keysDoctor,
		MCP: func(ctx context.Context, d api.Doer, role string) error {
			return mcp.Serve(ctx, d, mcp.Options{Role: role, Version: versionText()}, os.Stdin, os.Stdout)
		},
	})
}

// agent is the built-in agent's process.
func (p *process) agent() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	env := scripted.Env{
		In: os.Stdin, Out: os.Stdout, Getenv: p.getenv, Environ: p.env,
		Doer: wire.Client{Path: p.getenv("GASTOWN_SOCKET"), Token: p.getenv("GASTOWN_TOKEN")},
	}
	var err error
	switch strings.Join(p.args[1:], " ") {
	case "mayor":
		err = scripted.Mayor(ctx, env)
	case "polecat":
		err = scripted.Polecat(ctx, env)
	default:
		err = fault.Usagef("%s: want mayor or polecat", agentVerb)
	}
	if err != nil && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, "gastown agent:", err)
		return fault.ExitCode(err)
	}
	return 0
}

// deps are a town's dependencies in this process. guard keeps panics of its goroutines; nil:
// there are none, the town is not hosted.
func (p *process) deps(log *slog.Logger, guard func(string, func())) town.Deps {
	exe, err := os.Executable()
	if err != nil {
		exe = os.Args[0]
	}
	return town.Deps{
		Now: time.Now, Rand: mathrand.Float64, Token: newToken, Env: p.env, Exe: exe, Version: versionText(), Log: log,
		Config: configDir(p.getenv), Temp: os.TempDir(), Lookup: func(name string) string { return proc.LookPath(name, p.env) },
		Guard: guard,
	}
}

// newToken is a random version 4 UUID: unguessable, and the form agents want session ids in.
func newToken() string {
	var b [16]byte
	if _, err := rand.Read(b[:]); err != nil {
		panic(err) // crypto/rand never fails on the systems Go supports
	}
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// configDir is the directory of the person's settings of all towns; empty without a home.
func configDir(getenv func(string) string) string {
	if d := getenv("XDG_CONFIG_HOME"); d != "" {
		return filepath.Join(d, "gastown")
	}
	if h := getenv("HOME"); h != "" {
		return filepath.Join(h, ".config", "gastown")
	}
	return ""
}

// defaultTown is ~/gastown; empty without a home.
func (p *process) defaultTown() string {
	if h := p.getenv("HOME"); h != "" {
		return filepath.Join(h, "gastown")
	}
	return ""
}

func (p *process) findTown(flag, cwd string) (string, error) {
	registry := ""
	if d := configDir(p.getenv); d != "" {
		registry = filepath.Join(d, "towns.toml")
	}
	return town.Find(town.Places{Flag: flag, Dir: cwd, Env: p.getenv("GASTOWN_TOWN"), Registry: registry, Home: p.defaultTown()})
}

// init makes a town. The default place is the town's wherever it is: a home that is a repository has
// more in it that is not committed.
func (p *process) init(ctx context.Context, dir string) (string, error) {
	if dir == "" {
		if dir = p.defaultTown(); dir == "" {
			return "", fault.Usagef("init: $HOME is not set: name a directory")
		}
		return dir, town.Init(dir)
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(filepath.Join(abs, "town.toml")); err != nil { // what Init says of that one is more to the point
		if err := town.Apart(ctx, p.env, abs); err != nil {
			return "", err
		}
	}
	return abs, town.Init(abs)
}

// versionText is the release, or what the Go toolchain knows of the source.
func versionText() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

// hostLog is the host's log file in a town; its closer ends it.
func hostLog(dir string) (*slog.Logger, func() error, error) {
	f := &logFile{path: filepath.Join(dir, "logs", "host.log"), most: 8 << 20}
	if err := f.open(); err != nil {
		return nil, nil, fmt.Errorf("open the host's log: %w", err)
	}
	return slog.New(slog.NewTextHandler(f, nil)), f.Close, nil
}

// logFile is a log that begins anew when it is full; the one before is kept beside it.
type logFile struct {
	path string
	most int64 // bytes
	f    *os.File
	size int64
}

func (l *logFile) open() (err error) {
	if l.f, err = os.OpenFile(l.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
		return err
	}
	info, err := l.f.Stat()
	if err == nil {
		l.size = info.Size()
	}
	return err
}

// Write implements io.Writer; its caller, a slog handler, makes one call at a time.
func (l *logFile) Write(p []byte) (int, error) {
	if l.size > l.most {
		if err := os.Rename(l.path, l.path+".1"); err != nil {
			return 0, err
		}
		old := l.f
		if err := l.open(); err != nil {
			l.f = old
			return 0, err
		}
		_ = old.Close() // was written to its end
	}
	n, err := l.f.Write(p)
	l.size += int64(n)
	return n, err
}

func (l *logFile) Close() error { return l.f.Close() }

// crash keeps the first panic of a host without a screen, and ends its context.
type crash struct {
	once   sync.Once
	cancel context.CancelFunc
	err    error
	log    *slog.Logger
}

// guard runs f and keeps its panic.
func (c *crash) guard(where string, f func()) {
	defer func() {
		if v := recover(); v != nil {
			c.once.Do(func() {
				c.err = fault.Failf("%s: internal error: %v", where, v)
				c.log.Error("panic", "where", where, "value", v, "stack", string(debug.Stack()))
				c.cancel()
			})
		}
	}()
	f()
}
