package town

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"gastown/agents"
	agentrun "gastown/agents/run"
	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/api"
	"gastown/internal/fault"
	"gastown/internal/proc"
)

// mayorRecord is what the store knows of the Mayor, so that a later host finds leftovers.
type mayorRecord struct {
	Marker string        `json:"marker,omitempty"`
	Proc   *beads.ProcID `json:"proc,omitempty"`
	// Session is the conversation of Agent, the preset, that the next start goes on with.
	Session string `json:"session,omitempty"`
	Agent   string `json:"agent,omitempty"`
}

// mayor is the Mayor in this host. Its fields are guarded by the host's mutex.
type mayor struct {
	agent   string
	session *agentrun.Session // nil: it could not start, or was never started
	since   time.Time
	id      string // of its conversation
	resumed bool   // which is one of before
	lived   time.Duration
	why     string   // why it does not run
	last    []string // the last lines of one that ended
	failed  bool
}

// startMayor starts the Mayor's agent, replacing one that ended. by is who asked; empty: the
// host at its start. What goes wrong is shown where the Mayor would be; the town works
// without one.
func (h *Host) startMayor(by string) {
	h.mayoring.Lock()
	defer h.mayoring.Unlock()
	h.newMayor(by)
}

// newMayor does startMayor's work; mayoring is held.
func (h *Host) newMayor(by string) {
	name := h.t.settings().Town.Mayor
	m := &mayor{agent: name, since: h.t.deps.Now()}
	err := errors.New("no agent is set: gastown config set town.mayor PRESET")
	if name != "" {
		err = h.spawnMayor(m)
	}
	if err != nil {
		m.failed = true
		m.why = mayorTrouble(name, err)
	}
	h.mu.Lock()
	h.mayor = m
	h.mu.Unlock()
	text := "the Mayor is up (" + name + ")"
	if err != nil {
		text = "the Mayor did not start: " + m.why
	}
	if by == "" {
		by = "host"
	}
	uerr := h.t.update(func(tx *store.Tx) error {
		rec := mayorRecord{Session: m.id, Agent: m.agent}
		if m.session != nil {
			id := m.session.Proc().ID()
			rec.Marker, rec.Proc = m.session.Proc().Marker(), &beads.ProcID{PID: id.PID, Start: id.Start, Boot: id.Boot}
		}
		return errors.Join(tx.PutKV(kvMayor, rec), tx.Append(beads.Event{Kind: beads.EvMayor, Actor: by, Text: text}))
	})
	if uerr != nil {
		h.t.deps.Log.Error("record the Mayor", "err", uerr)
	}
	if m.session != nil {
		h.spawn("mayor", func() { h.watchMayor(m) })
	}
	h.changed()
}

// mayorTrouble is a start that failed in the words of someone who can mend it.
func mayorTrouble(name string, err error) string {
	if se := (*proc.StartError)(nil); errors.As(err, &se) && errors.Is(err, os.ErrNotExist) && se.Op == proc.OpLookup {
		return fmt.Sprintf("%s is not installed (%q is not on your PATH)", name, se.Path)
	}
	return beads.Clean(err.Error(), 300)
}

// mayorProblem is a Mayor that does not run though one is wanted.
func (t *Town) mayorProblem() (p api.Problem, ok bool) {
	m := t.mayorInfo()
	if m.State != "failed" && m.State != "stopped" {
		return p, false
	}
	return api.Problem{
		Key: "mayor", Who: "mayor", What: "does not run: " + cmp.Or(beads.Clean(m.Why, 300), "it has ended"), Since: m.Since,
		Do: "m on the screen, then Enter, starts it (gastown mayor restart); " + t.otherMayors(), Level: "failed",
	}, true
}

// otherMayors says which agents there are to choose a Mayor from; the built-in one always is. Commands of the person's own
// are made to work on beads: one that is a Mayor is named by who wrote it.
func (t *Town) otherMayors() string {
	names := slices.DeleteFunc(t.installed(), func(name string) bool {
		p, _, err := t.preset(name)
		return err != nil || p.Own
	})
	return "another: gastown mayor agent NAME, of " + strings.Join(names, ", ") + " (scripted works at once, without a model)"
}

// spawnMayor starts the program of m.agent, in the conversation that the Mayor before had.
func (h *Host) spawnMayor(m *mayor) error {
	p, model, err := h.t.preset(m.agent)
	if err != nil {
		return err
	}
	id, err := h.t.ident(h.ctx, "")
	if err != nil {
		return err
	}
	token := h.t.deps.Token()
	var last mayorRecord
	err = h.t.update(func(tx *store.Tx) error {
		if _, err := tx.GetKV(kvMayor, &last); err != nil {
			return err
		}
		if err := tx.Revoke(func(g *beads.Grant) bool { return g.Role == "mayor" }); err != nil {
			return err
		}
		return tx.PutGrant(token, &beads.Grant{Role: "mayor", At: h.t.deps.Now().UTC()})
	})
	if err != nil {
		return err
	}
	dir, cfg := h.t.path("mayor"), h.t.settings()
	env := h.presetEnv(p, h.agentEnv(id, map[string]string{"GASTOWN_TOKEN": token, "GASTOWN_ROLE": "mayor"}))
	if err := h.settle(h.ctx, p, env, dir); err != nil {
		return err
	}
	if last.Agent != m.agent || h.brokeAtOnce() {
		last.Session = ""
	}
	m.id, m.resumed = h.session(p, env, dir, last.Session)
	v := agents.Vars{
		Gastown: h.exe(), Model: model, Role: agents.MayorRole(h.t.Dir, rigNames(cfg)), Session: m.id, Resume: m.resumed, Dirs: origins(cfg),
		Trust: withReal(dir),
	}
	m.session, err = agentrun.Start(agentrun.Options{
		Name: "mayor", Size: h.sizeNow(), Log: h.t.path("logs", "mayor.log"), OnChange: h.touched,
		Spec: proc.Spec{Argv: p.Argv(agents.Mayor, v), Dir: dir, Env: lastWins(append(env, p.Environ(agents.Mayor, v)...)), Exe: h.exe()},
	})
	return err
}

// brokeAtOnce reports whether the Mayor before went on with an old conversation and failed right
// away: the next one starts afresh.
func (h *Host) brokeAtOnce() bool {
	const atOnce = 15 * time.Second
	h.mu.Lock()
	defer h.mu.Unlock()
	m := h.mayor
	return m != nil && m.resumed && m.failed && m.lived < atOnce
}

// watchMayor notes the Mayor's end. It is not started again by itself: the person sees the
// last lines and one key brings it back.
func (h *Host) watchMayor(m *mayor) {
	<-m.session.Done()
	h.mu.Lock()
	m.why = m.session.Exit().String()
	m.failed = m.session.Exit().Code != 0 && !m.session.Exit().Stopped
	m.last = m.session.Tail(12)
	m.lived = h.t.deps.Now().Sub(m.since)
	m.since = h.t.deps.Now()
	current := h.mayor == m
	h.mu.Unlock()
	if !current || h.ctx.Err() != nil {
		return
	}
	err := h.t.update(func(tx *store.Tx) error {
		return tx.Append(beads.Event{Kind: beads.EvMayor, Actor: "host", Text: "the Mayor ended: " + m.why})
	})
	if err != nil {
		h.t.deps.Log.Error("record the Mayor's end", "err", err)
	}
	h.changed()
}

func (h *Host) stopMayor() {
	h.mayoring.Lock()
	defer h.mayoring.Unlock()
	h.endMayor()
}

// endMayor does stopMayor's work; mayoring is held.
func (h *Host) endMayor() {
	if s := h.mayorSession(); s != nil {
		if err := s.Stop(context.WithoutCancel(h.ctx), killGrace); err != nil {
			h.t.deps.Log.Error("stop the Mayor", "err", err)
		}
		<-s.Done()
	}
}

// mayorSession is the running Mayor's session, or nil.
func (h *Host) mayorSession() *agentrun.Session {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.mayor == nil || h.mayor.session == nil {
		return nil
	}
	select {
	case <-h.mayor.session.Done():
		return nil
	default:
		return h.mayor.session
	}
}

func (t *Town) mayorInfo() api.MayorInfo {
	out := api.MayorInfo{State: "none", Agent: t.settings().Town.Mayor}
	if t.host == nil {
		return out
	}
	s := t.host.mayorSession()
	t.host.mu.Lock()
	defer t.host.mu.Unlock()
	m := t.host.mayor
	if m == nil {
		out.State = "starting"
		return out
	}
	out.Agent, out.Since, out.Why, out.Last = m.agent, m.since.UTC(), m.why, m.last
	switch {
	case s != nil:
		out.State, out.PID = "running", s.Proc().ChildPID()
	case m.failed:
		out.State = "failed"
	default:
		out.State = "stopped"
	}
	return out
}

func (t *Town) mayorStatus(_ context.Context, _ api.Caller, _ api.Empty) (api.MayorInfo, error) {
	return t.mayorInfo(), nil
}

func (t *Town) mayorRestart(_ context.Context, who api.Caller, _ api.Empty) (api.MayorInfo, error) {
	h := t.host
	h.mayoring.Lock()
	if h.leaving.Err() == nil {
		h.endMayor()
		h.newMayor(who.Name)
	}
	h.mayoring.Unlock()
	info := t.mayorInfo()
	if info.State == "failed" {
		return info, fault.Failf("mayor: %s", info.Why).WithHint("%s", t.otherMayors())
	}
	return info, nil
}

func (t *Town) mayorAgent(ctx context.Context, who api.Caller, r api.NameReq) (api.MayorInfo, error) {
	if r.Name == "" {
		return t.mayorInfo(), nil
	}
	if _, _, err := t.preset(r.Name); err != nil {
		return api.MayorInfo{}, err
	}
	if _, err := t.configSet(ctx, who, api.ConfigReq{Key: "town.mayor", Value: r.Name}); err != nil {
		return api.MayorInfo{}, err
	}
	if t.host == nil {
		return t.mayorInfo(), nil
	}
	return t.mayorRestart(ctx, who, api.Empty{})
}
