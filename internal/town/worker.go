package town

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"gastown/agents"
	agentrun "gastown/agents/run"
	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/config"
	"gastown/internal/fault"
	"gastown/internal/git"
	"gastown/internal/proc"
	"gastown/worktree"
)

// Times of an attempt's end.
const (
	submitGrace = 3 * time.Second // for an agent to leave by itself after done
	killGrace   = 2 * time.Second // between the request to end and the end
	statEvery   = 2 * time.Second // between looks at a busy worktree
	gitLimit    = 2 * time.Minute // of any git call on behalf of an ending
)

// endKind is why an attempt is to end.
type endKind int

const (
	endExit     endKind = iota // its process ended by itself
	endSubmit                  // done was accepted
	endKill                    // a person or the Mayor killed it
	endReassign                // the same, and another polecat goes on
	endRestart                 // the same attempt in a new process
	endShutdown                // the host stops
	endSetup                   // nothing can begin in its rig
)

// ending asks a worker to end. The answer comes on reply, if there is one.
type ending struct {
	kind   endKind
	by     string
	why    string
	to     string // endReassign: polecat; empty: any other
	agent  string // endReassign: PRESET[:MODEL]; empty: as before
	note   string // endReassign: for the next agent
	nobody bool   // endReassign: back to ready
	reply  chan ended
}

// ended is what became of a request.
type ended struct {
	rescue worktree.Rescue
	kept   bool // rescue holds something
	killed int  // processes
	over   bool // the attempt has ended, whatever err says
	err    error
}

// worker is the life of one attempt in this host: one goroutine does everything to it, so
// its end happens once. Others ask by request.
type worker struct {
	h     *Host
	bead  beads.ID
	n     int
	rig   string
	name  string // the polecat's
	token string
	end   chan ending   // 1: the newest request that was not taken yet
	still chan stilling // 1: look whether to stand still
	done  chan struct{}
	ctx   context.Context // of its start; ends with the first request. The worker's own

	submitting sync.Mutex // held from a look at what is to be submitted until it is

	mu      sync.Mutex
	stop    context.CancelFunc // ends ctx
	over    bool               // no request is taken any more
	session *agentrun.Session
	frozen  bool // its processes were made to stand still
	stat    look
	dialog  dialogWatch
	stalled bool   // it shows no sign of life
	tells   bool   // its program says what it does
	did     string // and did this last

	// The worker's own.
	tried  bool // its agent's program was started, or could not be
	remade bool // its worktree was deleted by somebody, and made again

	nextCheckpoint time.Time
	checkpointed   mark // what the last one was made of
	keepCheckpoint bool // it has what is nowhere else

	calm    agents.Calm
	calmAt  time.Time     // of the last look that calm took
	silence time.Duration // how long its program may show no sign of life

	carries  bool         // its worktree begins with work of an earlier attempt
	rigFault *setupFailed // its rig's setup fails, also without that work
	log      string       // what its setup printed, where that failed

	answer func() // tells who asked for the end what became of it
}

func (h *Host) newWorker(a *beads.Attempt, token string) *worker {
	w := &worker{h: h, bead: a.Bead, n: a.N, rig: a.Rig, name: a.Polecat, token: token, end: make(chan ending, 1), still: make(chan stilling, 1), done: make(chan struct{})}
	w.ctx, w.stop = context.WithCancel(h.leaving)
	return w
}

// launch starts a claimed attempt's goroutine.
func (h *Host) launch(w *worker) {
	h.mu.Lock()
	h.workers[beads.AttemptKey(w.bead, w.n)] = w
	h.mu.Unlock()
	h.spawn("polecat "+w.name, w.live)
}

// request asks the worker to end. A second request while one is under way is refused.
func (w *worker) request(e ending) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over {
		e.answer(ended{err: fault.Refusedf("polecat %q: has ended already", w.name)})
		return
	}
	select {
	case w.end <- e:
		w.stop()
	default:
		e.answer(ended{err: fault.Refusedf("polecat %q: is being stopped already", w.name)})
	}
}

func (e ending) answer(r ended) {
	if e.reply != nil {
		e.reply <- r
	}
}

// live is the whole life: start, wait, end; again after a restart.
func (w *worker) live() {
	defer w.close()
	for {
		err := w.start()
		if err != nil && w.ctx.Err() == nil {
			w.failedStart(err)
			return
		}
		if !w.watch() {
			return
		}
	}
}

// close is the end of the worker: its polecat is free, and everybody who asked is answered.
func (w *worker) close() {
	w.h.mu.Lock()
	delete(w.h.workers, beads.AttemptKey(w.bead, w.n))
	w.h.mu.Unlock()
	w.mu.Lock()
	w.over = true
	w.stop()
	w.mu.Unlock()
	close(w.done)
	if w.answer != nil {
		w.answer()
	}
	select {
	case e := <-w.end: // it came too late
		e.answer(ended{err: fault.Refusedf("polecat %q: has ended already", w.name)})
	default:
	}
	w.h.ring()
}

// watch waits for the process to end or for a request, and does what follows. It reports
// whether the attempt starts again.
func (w *worker) watch() bool {
	for {
		e := w.wait()
		if e.kind == endRestart {
			err := w.relaunch(e)
			e.answer(ended{err: err})
			if err == nil {
				return true
			}
			continue
		}
		r := w.finish(e)
		if r.err != nil {
			w.h.t.deps.Log.Error("end attempt", "attempt", beads.AttemptKey(w.bead, w.n), "err", r.err)
		}
		if r.err == nil || r.over || e.kind == endShutdown || w.gone() {
			if r.err != nil && !r.over {
				// The process is gone and what it did could not be put away: the worktree stays, and
				// the next start of the host tries again.
				w.h.stuckAt(w.name)
				w.h.problem("attempt/"+beads.AttemptKey(w.bead, w.n), w.rig, w.bead, fmt.Sprintf("the work of %s could not be put away: %v", w.name, r.err), "its worktree is left at "+w.path())
			}
			w.answer = func() { e.answer(r) }
			return false
		}
		e.answer(r)
	}
}

// stuckAt keeps a polecat's name from being used while its worktree is in the way.
func (h *Host) stuckAt(name string) {
	h.mu.Lock()
	h.stuck[name] = true
	h.mu.Unlock()
}

// wait is the next request, or the process's own end. A request that is already there wins:
// an agent that called done and left has submitted, it did not fail.
func (w *worker) wait() ending {
	exited := w.exited()
	if s := w.heed(); s.err != nil { // the town may have been frozen while the agent started
		w.h.t.deps.Log.Error("freeze", "polecat", w.name, "err", s.err)
	}
	tick := time.NewTicker(statEvery)
	defer tick.Stop()
	for {
		select {
		case e := <-w.end:
			return e
		case q := <-w.still:
			q.reply <- w.heed()
		case <-exited:
			return w.asked(ending{kind: endExit})
		case <-w.h.leaving.Done():
			return w.asked(shutdownEnding())
		case <-tick.C:
			w.lookIfBusy()
			w.checkpointIfDue()
			w.watchDialog()
			w.watchSilence()
		}
	}
}

// asked is the request that is there, or else.
func (w *worker) asked(other ending) ending {
	select {
	case e := <-w.end:
		return e
	default:
	}
	if w.h.leaving.Err() != nil {
		return shutdownEnding()
	}
	return other
}

func shutdownEnding() ending { return ending{kind: endShutdown, why: "the host stopped"} }

// exited is closed when there is no process (any more).
func (w *worker) exited() <-chan struct{} {
	if s := w.sessionNow(); s != nil {
		return s.Done()
	}
	none := make(chan struct{})
	close(none)
	return none
}

func (w *worker) gone() bool {
	select {
	case <-w.exited():
		return true
	default:
		return false
	}
}

func (w *worker) sessionNow() *agentrun.Session {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.session
}

func (w *worker) path() string { return w.h.t.worktreeDir(w.rig, w.name) }

// attempt is the stored record.
func (w *worker) attempt() (a *beads.Attempt, b *beads.Bead, err error) {
	err = w.h.t.store.View(func(tx *store.Tx) error {
		if a, err = tx.Attempt(w.bead, w.n); err != nil {
			return err
		}
		b, err = tx.Bead(w.bead)
		return err
	})
	return a, b, err
}

// start makes the worktree, runs setup and starts the agent: intent, act, record.
func (w *worker) start() error {
	a, b, err := w.attempt()
	if err != nil {
		return err
	}
	rig, rc, err := w.h.t.rig(w.rig)
	if err != nil {
		return err
	}
	repo, err := w.h.t.repo(w.ctx, rig)
	if err != nil {
		return err
	}
	wt, a, err := w.prepare(repo, rc, a)
	if err != nil {
		return err
	}
	id, err := w.h.t.ident(w.ctx, rc.Origin)
	if err != nil {
		return err
	}
	env := w.h.agentEnv(id, w.vars(a))
	if err := os.MkdirAll(filepath.Dir(w.logPath()), 0o700); err != nil {
		return err
	}
	if a.Worktree == "" { // else it was ready before: an agent was in it
		if err := w.setup(wt, rc, a.Base, env); err != nil {
			return err
		}
	}
	return w.spawn(a, b, wt, env)
}

// edit changes the stored attempt.
func (w *worker) edit(f func(*beads.Attempt)) (out *beads.Attempt, err error) {
	err = w.h.t.update(func(tx *store.Tx) error {
		a, err := tx.Attempt(w.bead, w.n)
		if err != nil {
			return err
		}
		out = a.Clone()
		f(out)
		return tx.PutAttempt(out)
	})
	return out, err
}

func (w *worker) logPath() string {
	return w.h.t.path("logs", "polecats", fmt.Sprintf("%s-%s-%d.log", w.name, beads.RefSafe(w.bead), w.n))
}

// spawn starts the agent's program and records its process.
func (w *worker) spawn(a *beads.Attempt, b *beads.Bead, wt *git.Worktree, env []string) error {
	if err := errors.Join(w.ctx.Err(), w.awaitGoing()); err != nil {
		return err
	}
	spec := a.Preset
	p, _, err := w.h.t.preset(spec)
	if err != nil {
		return err
	}
	var task string
	err = w.h.t.store.View(func(tx *store.Tx) (err error) {
		task, err = taskOf(tx, a, b)
		return err
	})
	if err != nil {
		return err
	}
	env = w.h.presetEnv(p, env)
	if err := w.h.settle(w.ctx, p, env, w.h.t.repoDir(w.rig)); err != nil { // a worktree is trusted by its repository
		return err
	}
	_, rc, err := w.h.t.rig(w.rig)
	if err != nil {
		return err
	}
	session, resume := w.h.session(p, env, wt.Path(), sessions(a)...)
	v := agents.Vars{
		Gastown: w.h.exe(), Bypass: rc.Permissions == config.PermitBypass, Model: a.Model, Session: session, Resume: resume, Role: agents.PolecatRole(a),
		Task: task, Commands: commandsOf(rc),
		Trust: withReal(wt.Path(), w.h.t.repoDir(w.rig)), Writes: gitWrites(w.h.t.repoDir(w.rig), wt),
	}
	if resume && session == a.Session { // it knows its task
		v.Task = agents.GoOn(a)
	}
	// From here on the worktree may hold an agent's work: whatever ends the attempt keeps it.
	if _, err = w.edit(func(a *beads.Attempt) { a.Session, a.Worktree, a.Bypass = session, w.path(), p.Bypasses(v) }); err != nil {
		return err
	}
	w.tried = true
	s, err := agentrun.Start(agentrun.Options{
		Name: w.name, Size: w.h.sizeNow(), Log: w.logPath(), OnChange: w.h.touched,
		Spec: proc.Spec{Argv: p.Argv(agents.Polecat, v), Dir: wt.Path(), Env: lastWins(append(env, p.Environ(agents.Polecat, v)...)), Exe: w.h.exe()},
	})
	if err != nil {
		return err
	}
	w.mu.Lock()
	w.session, w.frozen = s, false
	w.mu.Unlock()
	w.calm, w.silence = agents.Calm{}, p.SilenceLimit()
	return w.began(s)
}

// began records that the agent runs. An attempt that ended meanwhile (its agent called done
// before this was written) is left as it is.
func (w *worker) began(s *agentrun.Session) error {
	return w.h.t.update(func(tx *store.Tx) error {
		a, err := tx.Attempt(w.bead, w.n)
		if err != nil {
			return err
		}
		id := s.Proc().ID()
		c := a.Clone()
		c.Proc, c.Marker = &beads.ProcID{PID: id.PID, Start: id.Start, Boot: id.Boot}, s.Proc().Marker()
		if a.State == beads.Starting {
			if c, err = c.Apply(beads.Begin, w.h.t.deps.Now()); err != nil {
				return err
			}
		}
		if err := tx.PutAttempt(c); err != nil {
			return err
		}
		return tx.Append(beads.Event{Kind: beads.EvStarted, Actor: "host", Rig: w.rig, Bead: w.bead, Attempt: w.n, Polecat: w.name, Text: fmt.Sprintf("%s started on %s (%s)", w.name, w.bead, a.Preset)})
	})
}
