package run

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"gastown/internal/git"
	"gastown/internal/proc"
	"gastown/refinery"
)

const (
	quitGrace = 300 * time.Millisecond // for a stack dump (domain.md)
	gateNice  = 10                     // gates give way to agents and the screen
	poll      = 100 * time.Millisecond // looks at the size of the output
	outputGap = time.Second            // between two Output events
)

func killMarked(marker string) int { return proc.KillMarked(marker) }

// gate runs one gate on exactly one commit.
func (r *Runner) gate(ctx context.Context, j *job, a refinery.RunGate) refinery.Event {
	done := refinery.GateDone{Seq: a.Seq, Gate: a.Index, Outcome: refinery.Stopped}
	path := filepath.Join(r.GateDir, slot)
	if stopped, err := r.prepare(ctx, j, path, a); stopped || ctx.Err() != nil {
		return done
	} else if err != nil {
		done.Outcome, done.Err = refinery.Infra, err.Error()
		return done
	}
	temp, err := r.makeTemp()
	if err != nil {
		done.Outcome, done.Err = refinery.Infra, err.Error()
		return done
	}
	defer removeAll(temp)
	out, err := newOutput(r.logPath(a))
	if err != nil {
		done.Outcome, done.Err = refinery.Infra, err.Error()
		return done
	}
	begun := time.Now()
	p, err := proc.Start(proc.Spec{
		// The shell outlives a quit signal, so that its child can write its dump.
		Argv: []string{"/bin/sh", "-c", "trap : QUIT; " + a.Gate.Run},
		Dir:  path, Env: r.gateEnv(a, temp), Output: out.file, Exe: r.Exe, Nice: gateNice,
	})
	if err != nil {
		out.note(fmt.Sprintf("gastown: start gate: %v\n", err))
		done.Outcome, done.Err = startOutcome(err), fmt.Sprintf("start gate %q: %v", a.Gate.Name, err)
		done.Log, done.Tail = out.finish()
		return done
	}
	r.tell(a.Seq, refinery.GateStarted{Seq: a.Seq, Gate: a.Index, PID: p.ChildPID(), Marker: p.Marker(), Log: out.path})
	done.Outcome = r.attend(ctx, j, a, p, out)
	done.Took = time.Since(begun)
	if exit := p.Exit(); done.Outcome == "" {
		done.Outcome, done.Code, done.Err = outcome(exit)
	}
	_ = p.Close()
	done.Log, done.Tail = out.finish()
	return done
}

// prepare makes the worktree ready, unless it is told to stop meanwhile.
func (r *Runner) prepare(ctx context.Context, j *job, path string, a refinery.RunGate) (stopped bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, prepareLimit)
	defer cancel()
	ready := make(chan error, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				ready <- fmt.Errorf("internal error: %v", p)
			}
		}()
		ready <- r.checkout(ctx, path, a)
	}()
	select {
	case err = <-ready:
	case <-j.stop:
		cancel()
		<-ready
		return true, nil
	}
	select {
	case <-j.stop:
		return true, nil
	default:
		return false, err
	}
}

// attend waits for the end of the gate's whole tree. It gives an outcome where we
// ended it, else "".
func (r *Runner) attend(ctx context.Context, j *job, a refinery.RunGate, p *proc.Proc, out *output) refinery.Outcome {
	timeout := time.NewTimer(a.Timeout)
	defer timeout.Stop()
	tick := time.NewTicker(poll)
	defer tick.Stop()
	var told time.Time
	var more bool // was written since it was told
	for {
		select {
		case <-p.Done():
			return ""
		case now := <-tick.C:
			more = out.grown() || more
			if more && now.Sub(told) >= outputGap {
				told, more = now, false
				r.tell(a.Seq, refinery.Output{Seq: a.Seq, At: now})
			}
		case stop := <-j.stop:
			return end(p, out, stop.Quit, "ended on request", refinery.Stopped)
		case <-ctx.Done():
			return end(p, out, false, "ended: gastown stops", refinery.Stopped)
		case <-timeout.C:
			return end(p, out, true, fmt.Sprintf("no end after %s", a.Timeout), refinery.TimedUp)
		}
	}
}

// end kills the tree and waits until it is gone.
func end(p *proc.Proc, out *output, quit bool, why string, o refinery.Outcome) refinery.Outcome {
	plan := proc.StopPlan{}
	if quit {
		plan = proc.StopPlan{First: syscall.SIGQUIT, Grace: quitGrace}
	}
	_ = p.Stop(context.Background(), plan) // without a deadline it returns when all are gone
	out.note("gastown: gate " + why + "\n")
	return o
}

// outcome reads the end of a gate that we did not end (domain.md).
func outcome(e proc.Exit) (o refinery.Outcome, code int, why string) {
	const (
		cannotExec = 126
		notFound   = 127
		// A shell says 128+N for a child that signal N ended; more than 37 is no
		// signal that ends programs by accident, and programs do exit with 255.
		firstSignal, lastSignal = 129, 165
	)
	switch {
	case e.Err != "":
		return refinery.Infra, 0, e.Err
	case e.Signal != 0:
		return refinery.Infra, 128 + e.Signal, e.String()
	case e.Code == 0:
		return refinery.Pass, 0, ""
	case e.Code == cannotExec || e.Code == notFound:
		return refinery.Broken, e.Code, ""
	case e.Code >= firstSignal && e.Code <= lastSignal:
		return refinery.Infra, e.Code, proc.Exit{Signal: e.Code - 128}.String()
	}
	return refinery.Fail, e.Code, ""
}

// startOutcome tells a gate that cannot start from trouble of our own.
func startOutcome(err error) refinery.Outcome {
	var e *proc.StartError
	if errors.As(err, &e) && (e.Op == proc.OpShim || e.Op == proc.OpDir) {
		return refinery.Infra
	}
	return refinery.Broken
}

// gateEnv is the environment of a gate: what the town allows, what its settings
// name, and what it is run for. Nothing in it speaks for an agent or redirects git.
func (r *Runner) gateEnv(a refinery.RunGate, temp string) []string {
	var env []string
	for _, e := range r.Env {
		name, _, _ := strings.Cut(e, "=")
		if !strings.HasPrefix(name, "GIT_") && !strings.HasPrefix(name, "GASTOWN_") && name != "TMPDIR" && name != "CI" {
			env = append(env, e)
		}
	}
	for _, name := range a.Gate.Env {
		if r.Lookup == nil || strings.HasPrefix(name, "GASTOWN_") {
			continue
		}
		if v, ok := r.Lookup(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return append(append(env, git.AsNamed()...),
		"CI=1", "GIT_TERMINAL_PROMPT=0", "TMPDIR="+temp,
		"GIT_CONFIG_COUNT=2", "GIT_CONFIG_KEY_0=gc.auto", "GIT_CONFIG_VALUE_0=0",
		"GIT_CONFIG_KEY_1=maintenance.auto", "GIT_CONFIG_VALUE_1=false",
		"GASTOWN_RIG="+r.Rig, "GASTOWN_GATE="+a.Gate.Name, "GASTOWN_COMMIT="+a.Commit,
		"GASTOWN_BEAD="+gated(a), "GASTOWN_ATTEMPT="+strconv.Itoa(a.N),
	)
}

// gated names the beads of a candidate.
func gated(a refinery.RunGate) string {
	names := []string{}
	for _, b := range a.Batch {
		names = append(names, string(b))
	}
	if a.Bead != "" {
		names = append(names, string(a.Bead))
	}
	return strings.Join(names, " ")
}

// makeTemp makes the gate's own TMPDIR, outside of any repository and short enough
// for sockets. It has one name per rig, so that one left by a killed host is found.
func (r *Runner) makeTemp() (string, error) {
	parent := r.TempDir
	if parent == "" {
		parent = os.TempDir()
	}
	sum := sha256.Sum256([]byte(r.GateDir))
	dir := filepath.Join(parent, "gastown-gate-"+hex.EncodeToString(sum[:6]))
	removeAll(dir)
	err := os.Mkdir(dir, 0o700) // never one that is there: it may be somebody else's
	if errors.Is(err, fs.ErrExist) {
		dir, err = os.MkdirTemp(parent, "gastown-gate-")
	}
	if err != nil {
		return "", fmt.Errorf("make a temporary directory for the gate: %w", err)
	}
	return dir, nil
}

// removeAll removes a tree, read-only directories (module caches) too.
func removeAll(dir string) {
	if os.RemoveAll(dir) == nil {
		return
	}
	_ = filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			_ = os.Chmod(p, 0o700)
		}
		return nil
	})
	_ = os.RemoveAll(dir)
}

func (r *Runner) logPath(a refinery.RunGate) string {
	if a.Seq == 0 {
		return r.proofLog(a)
	}
	what := "target"
	switch {
	case a.Bead != "":
		what = string(a.Bead) + "-" + strconv.Itoa(a.N)
	case len(a.Batch) > 0:
		what = fmt.Sprintf("%s-and-%d", a.Batch[0], len(a.Batch)-1)
	}
	return filepath.Join(r.LogDir, fmt.Sprintf("gate-%06d-%s-%s.log", a.Seq, fileName(what), fileName(a.Gate.Name)))
}

func fileName(s string) string {
	const most = 64
	s = strings.Map(func(c rune) rune {
		if c == '.' || c == '-' || c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' {
			return c
		}
		return '_'
	}, s)
	return s[:min(len(s), most)]
}
