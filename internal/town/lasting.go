package town

import (
	"cmp"
	"fmt"

	"gastown/beads"
	"gastown/internal/api"
	"gastown/internal/fault"
)

// lasting is an action of a person where `undo` does not take it back.
type lasting struct {
	what  string // "reopening ap-x1f"
	helps string // a command; empty: nothing does
}

// refused says that the action stays, what helps, and what undo would take back if it is asked again.
func (l *lasting) refused(before *undoable) error {
	err := fault.Refusedf("undo: the last thing you did, %s, cannot be taken back", l.what)
	again := ""
	if before != nil {
		again = "undo again takes back the " + before.what()
	}
	switch {
	case l.helps != "" && again != "":
		return err.WithHint("what helps: %s; %s", l.helps, again)
	case l.helps != "":
		return err.WithHint("what helps: %s", l.helps)
	case again != "":
		return err.WithHint("%s", again)
	}
	return err
}

// did notes what a person did that undo does not take back, so that undo never takes back something else
// in its place.
func (h *Host) did(verb string, req, res any) {
	what, helps := lasts(verb, req, res)
	if what == "" {
		return
	}
	h.remember(&undoable{lasts: &lasting{what: what, helps: helps}}, func(newest *undoable) bool { return newest.lasts != nil })
}

// lasts names an action that undo does not take back, and what helps; both are empty for what undo takes back,
// and for what changes nothing that one would want back.
func lasts(verb string, req, res any) (what, helps string) {
	switch r := req.(type) {
	case api.BeadCreateReq:
		b, _ := res.(api.Bead)
		return "creating " + string(b.ID), "gastown bead close " + string(b.ID)
	case api.DepReq:
		return fmt.Sprintf("changing what %s waits for", r.Bead), fmt.Sprintf("gastown bead dep %s %s %s", map[string]string{"bead.dep.add": "remove", "bead.dep.remove": "add"}[verb], r.Bead, r.On)
	case api.CommentReq:
		return "a comment on " + string(r.Bead), ""
	case api.ImportReq:
		return "an import", "gastown events --by you shows what it changed"
	case api.PlanReq:
		if p, _ := res.(api.Planned); p.Applied {
			return "making the beads of " + p.Name, fmt.Sprintf("gastown convoy pause %q", p.Convoy)
		}
	case api.ConvoyCreateReq:
		return "gathering convoy " + r.Name, ""
	case api.BeadReq:
		return beadLasts(verb, r.Bead, res)
	case api.ApproveReq:
		return "approving " + string(r.Bead), fmt.Sprintf("gastown queue hold %s, or once it has landed: gastown queue revert %s", r.Bead, r.Bead)
	case api.RejectReq:
		return "sending " + string(r.Bead) + " back", "gastown bead comment " + string(r.Bead) + " TEXT"
	case api.AnswerReq:
		return "answering " + r.Name, "gastown polecat nudge " + r.Name + " TEXT"
	case api.NudgeReq, api.MailSendReq:
		return "writing a message", ""
	case api.RescueReq:
		if verb == api.RescueRestore.Name() {
			return "restoring " + r.What, "gastown polecat kill BEAD"
		}
	case api.PruneReq:
		if !r.DryRun {
			return "pruning kept work", ""
		}
	case api.ForgetReq:
		return "forgetting a fact", "gastown remember TEXT"
	case api.ConfigReq:
		if verb == api.ConfigSet.Name() {
			return "setting " + r.Key, "gastown config set " + r.Key + " VALUE"
		}
	case api.RigAddReq:
		return "adding rig " + r.Name, "gastown rig remove " + r.Name
	case api.RigGateReq:
		return "adding a gate to rig " + r.Name, "take it out of town.toml"
	case api.RigUngatedReq:
		return "setting rig." + r.Name + ".ungated", "gastown rig ungated " + r.Name + map[bool]string{true: " --off"}[r.Ungated]
	case api.TextReq:
		return "telling a fact", "gastown remember list, then: gastown remember forget FACT"
	case api.NameReq:
		return nameLasts(verb, r.Name)
	}
	return "", ""
}

func beadLasts(verb string, id beads.ID, res any) (what, helps string) {
	switch verb {
	case api.BeadReopen.Name():
		return "reopening " + string(id), "gastown bead close " + string(id)
	case api.QueueHold.Name():
		return "holding " + string(id), "gastown queue release " + string(id)
	case api.QueueRelease.Name():
		return "releasing " + string(id), "gastown queue hold " + string(id)
	case api.QueueDrop.Name():
		return "taking " + string(id) + " out of the queue", "gastown sling " + string(id) + " goes on from its tip, which is kept"
	case api.QueueRevert.Name():
		e, _ := res.(api.QueueEntry)
		return "reverting " + string(id), "gastown queue drop " + string(e.Bead)
	}
	return "", ""
}

func nameLasts(verb, name string) (what, helps string) {
	in := func(word string) string { return word + " " + cmp.Or(name, "the town") }
	with := func(command string) string { return command + map[bool]string{true: " " + name}[name != ""] }
	switch verb {
	case api.ConvoyLaunch.Name():
		return "launching convoy " + name, fmt.Sprintf("gastown convoy pause %q", name)
	case api.ConvoyPause.Name():
		return "pausing convoy " + name, fmt.Sprintf("gastown convoy launch %q", name)
	case api.Pause.Name(), api.Freeze.Name():
		return in("pausing"), with("gastown resume")
	case api.Resume.Name():
		return in("resuming"), with("gastown pause")
	case api.RefineryPause.Name():
		return in("pausing the Refinery of"), with("gastown refinery resume")
	case api.RefineryResume.Name():
		return in("resuming the Refinery of"), with("gastown refinery pause")
	case api.PolecatRevive.Name():
		return "reviving " + name, "gastown polecat kill BEAD"
	case api.PolecatRestart.Name():
		return "restarting " + name, ""
	case api.RigRemove.Name():
		return "removing rig " + name, fmt.Sprintf("move rigs/%[1]s in the town's directory away, then: gastown rig add %[1]s PATH", name)
	case api.MayorAgent.Name():
		return "choosing the Mayor's agent", "gastown mayor agent PRESET"
	}
	return "", ""
}
