package town

import (
	"context"
	"fmt"
	"strings"

	"gastown/beads/store"
	"gastown/internal/api"
	"gastown/internal/fault"
)

// handler answers one verb.
type handler func(ctx context.Context, t *Town, who api.Caller, req any) (any, error)

// on makes a row of the handlers' table, typed by the verb.
func on[Req, Res any](c api.Command[Req, Res], f func(*Town, context.Context, api.Caller, Req) (Res, error)) (string, handler) {
	return c.Name(), func(ctx context.Context, t *Town, who api.Caller, req any) (any, error) {
		r, ok := req.(Req)
		if !ok {
			return nil, fault.Usagef("%s: asked with %T", c.Name(), req)
		}
		return f(t, ctx, who, r)
	}
}

// handlers is the table of what answers each verb of api.Table; a test holds the two equal.
func handlers() map[string]handler {
	m := map[string]handler{}
	add := func(name string, h handler) { m[name] = h }
	add(on(api.RigAdd, (*Town).rigAdd))
	add(on(api.RigList, (*Town).rigList))
	add(on(api.RigShow, (*Town).rigShow))
	add(on(api.RigCheck, (*Town).rigCheck))
	add(on(api.RigFetch, (*Town).rigFetch))
	add(on(api.RigDeliver, (*Town).rigDeliver))
	add(on(api.RigRemove, (*Town).rigRemove))
	add(on(api.RigGate, (*Town).rigGate))
	add(on(api.RigUngated, (*Town).rigUngated))
	add(on(api.BeadCreate, (*Town).beadCreate))
	add(on(api.BeadShow, (*Town).beadShow))
	add(on(api.BeadList, (*Town).beadList))
	add(on(api.BeadReady, (*Town).beadReady))
	add(on(api.BeadUpdate, (*Town).beadUpdate))
	add(on(api.BeadClose, (*Town).beadClose))
	add(on(api.BeadReopen, (*Town).beadReopen))
	add(on(api.BeadDepAdd, (*Town).depAdd))
	add(on(api.BeadDepRemove, (*Town).depRemove))
	add(on(api.BeadComment, (*Town).comment))
	add(on(api.BeadImport, (*Town).beadImport))
	add(on(api.BeadExport, (*Town).beadExport))
	add(on(api.Plan, (*Town).plan))
	add(on(api.ConvoyCreate, (*Town).convoyCreate))
	add(on(api.ConvoyAdd, (*Town).convoyAdd))
	add(on(api.ConvoyList, (*Town).convoyList))
	add(on(api.ConvoyShow, (*Town).convoyShow))
	add(on(api.ConvoyLaunch, (*Town).convoyLaunch))
	add(on(api.ConvoyPause, (*Town).convoyPause))
	add(on(api.Sling, (*Town).sling))
	add(on(api.PolecatList, (*Town).polecatList))
	add(on(api.PolecatShow, (*Town).polecatShow))
	add(on(api.PolecatPeek, (*Town).polecatPeek))
	add(on(api.PolecatAttach, (*Town).polecatAttach))
	add(on(api.PolecatKill, (*Town).polecatKill))
	add(on(api.PolecatReassign, (*Town).polecatReassign))
	add(on(api.PolecatRestart, (*Town).polecatRestart))
	add(on(api.PolecatRevive, (*Town).polecatRevive))
	add(on(api.PolecatAnswer, (*Town).polecatAnswer))
	add(on(api.PolecatLog, (*Town).polecatLog))
	add(on(api.PolecatPreview, (*Town).polecatPreview))
	add(on(api.PolecatNudge, (*Town).polecatNudge))
	add(on(api.GetDiff, (*Town).diff))
	add(on(api.MayorStatus, (*Town).mayorStatus))
	add(on(api.MayorRestart, (*Town).mayorRestart))
	add(on(api.MayorAgent, (*Town).mayorAgent))
	add(on(api.AgentsList, (*Town).agentsList))
	add(on(api.AgentsTest, (*Town).agentsTest))
	add(on(api.Done, (*Town).done))
	add(on(api.Escalate, (*Town).escalate))
	add(on(api.Report, (*Town).report))
	add(on(api.Prime, (*Town).prime))
	add(on(api.Remember, (*Town).remember))
	add(on(api.Facts, (*Town).factList))
	add(on(api.Forget, (*Town).forget))
	add(on(api.QueueList, (*Town).queueList))
	add(on(api.QueueShow, (*Town).queueShow))
	add(on(api.QueueHold, (*Town).queueHold))
	add(on(api.QueueRelease, (*Town).queueRelease))
	add(on(api.QueueDrop, (*Town).queueDrop))
	add(on(api.QueueApprove, (*Town).queueApprove))
	add(on(api.QueueReject, (*Town).queueReject))
	add(on(api.QueueRevert, (*Town).queueRevert))
	add(on(api.QueueAdopt, (*Town).queueAdopt))
	add(on(api.RefineryStatus, (*Town).refineryStatus))
	add(on(api.RefineryRestart, (*Town).refineryRestart))
	add(on(api.RefineryPause, (*Town).refineryPause))
	add(on(api.RefineryResume, (*Town).refineryResume))
	add(on(api.RefineryLog, (*Town).refineryLog))
	add(on(api.MailSend, (*Town).mailSend))
	add(on(api.MailInbox, (*Town).mailInbox))
	add(on(api.MailRead, (*Town).mailRead))
	add(on(api.GetStatus, (*Town).status))
	add(on(api.GetEvents, (*Town).events))
	add(on(api.Cost, (*Town).cost))
	add(on(api.Why, (*Town).why))
	add(on(api.Undo, (*Town).undo))
	add(on(api.Show, (*Town).showBead))
	add(on(api.RescueList, (*Town).rescueList))
	add(on(api.RescueShow, (*Town).rescueShow))
	add(on(api.RescueRestore, (*Town).rescueRestore))
	add(on(api.RescuePrune, (*Town).rescuePrune))
	add(on(api.Pause, (*Town).pause))
	add(on(api.Freeze, (*Town).freeze))
	add(on(api.Resume, (*Town).resume))
	add(on(api.Down, (*Town).down))
	add(on(api.ConfigGet, (*Town).configGet))
	add(on(api.ConfigSet, (*Town).configSet))
	add(on(api.Doctor, (*Town).doctor))
	add(on(api.Backup, (*Town).backup))
	return m
}

// door answers verbs for one caller.
type door struct {
	t   *Town
	who api.Caller
}

// As is the town as who gets to see it.
func (t *Town) As(who api.Caller) api.Doer { return door{t, who} }

// Do implements api.Doer.
func (d door) Do(ctx context.Context, verb string, req any) (any, error) {
	return d.t.do(ctx, d.who, verb, req)
}

// DoToken is the socket's door: it finds out who holds the token; an empty one is the
// person whose process it is.
func (t *Town) DoToken(ctx context.Context, token, verb string, req any) (any, error) {
	who := api.Caller{Name: "you", Role: "person"}
	if token != "" {
		var err error
		if who, err = t.caller(token); err != nil {
			return nil, err
		}
	}
	return t.do(ctx, who, verb, req)
}

// caller finds out who holds a token. One that was taken back is refused: a message from an
// old attempt changes nothing.
func (t *Town) caller(token string) (who api.Caller, err error) {
	err = t.store.View(func(tx *store.Tx) error {
		g, err := tx.Grant(token)
		if err != nil {
			return fault.Refusedf("this token is of no agent at work: its attempt has ended, or it is not of this town; what it says changes nothing").WithHint("what an attempt left is kept: gastown rescue list")
		}
		who = api.Caller{Name: g.Polecat, Role: g.Role, Rig: g.Rig, Bead: string(g.Bead), Attempt: g.Attempt}
		if g.Role == "mayor" {
			who.Name = "mayor"
		}
		return nil
	})
	return who, err
}

// do checks that who may, and answers.
func (t *Town) do(ctx context.Context, who api.Caller, verb string, req any) (res any, err error) {
	row, ok := t.verbs()[verb]
	if !ok {
		return nil, fault.NotFoundf("verb %q: no such verb", verb)
	}
	switch {
	case who.Role == "polecat" && row.verb.Who&api.Polecat == 0,
		who.Role == "mayor" && row.verb.Who&api.Mayor == 0:
		return nil, fault.Refusedf("%s: not for a %s to do", strings.ReplaceAll(verb, ".", " "), who.Role)
	case row.verb.Where == api.Host && t.host == nil:
		return nil, fault.Unavailablef("%s: needs the town's host, which is not running", strings.ReplaceAll(verb, ".", " ")).WithHint("start it with: gastown, or gastown up")
	}
	defer func() {
		if p := recover(); p != nil {
			t.deps.Log.Error("a verb panicked", "verb", verb, "panic", p)
			err = fault.Failf("%s: internal error: %v", verb, p)
		}
	}()
	if t.host != nil {
		if err := t.host.wait(ctx); err != nil {
			return nil, err
		}
	}
	res, err = row.run(ctx, t, who, req)
	if err == nil && t.host != nil && who.Role == "person" {
		t.host.did(verb, req, res)
	}
	return res, err
}

type row struct {
	verb api.Verb
	run  handler
}

// verbs joins the table with what answers it.
func (t *Town) verbs() map[string]row {
	t.verbsOnce.Do(func() {
		hs := handlers()
		t.verbTable = make(map[string]row, len(hs))
		for _, v := range api.Table() {
			if h, ok := hs[v.Name]; ok {
				t.verbTable[v.Name] = row{v, h}
			}
		}
	})
	return t.verbTable
}

// own is an error unless who may touch the bead: a polecat may touch its own only.
func own(who api.Caller, bead string) error {
	if who.Role == "polecat" && who.Bead != bead {
		return fault.Refusedf("bead %q: polecat %s may only change its own, %s", bead, who.Name, who.Bead)
	}
	return nil
}

// step names an error's step.
func step(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), err)
}
