package mcp

import (
	"strings"

	"gastown/internal/api"
)

// instructions are what a server says of itself to the model that uses it.
func instructions(role string) string {
	const all = "The tools of a gastown town. Beads are tasks; polecats are worker agents, each at work on one bead in a git worktree of its own; the Refinery of a rig (a repository) tests what polecats submit and lands it. An error of a tool says what to do instead."
	switch role {
	case "mayor":
		return all + " You are the Mayor: plan with plan or bead_create, start work with sling, answer from status, events and why, and mend a hung Refinery with refinery_restart."
	case "polecat":
		return all + " You are a polecat: prime prints your task, escalate asks a question, and done submits what you committed."
	}
	return all
}

// about describes a tool: what the verb does, and what a model should know beyond that.
func about(v api.Verb) string {
	s := strings.ToUpper(v.Short[:1]) + v.Short[1:] + "."
	if more := aboutVerbs()[v.Name]; more != "" {
		s += " " + more
	}
	return s
}

func aboutVerbs() map[string]string {
	return map[string]string{
		"rig.add":          "Uncommitted changes of its source are named in the answer: agents do not see them.",
		"bead.create":      "One purpose each, with acceptance criteria that a test can check. Nothing starts before sling.",
		"bead.list":        "Ready ones come first, then by priority; without a limit at most 50.",
		"bead.ready":       "Without a limit at most 50.",
		"bead.reopen":      "Also what a bead needs that is stuck as needs_you.",
		"plan":             "The spec is structured Markdown: `gastown plan --template` prints a skeleton. Without apply it only shows what it would make, and problems with their lines.",
		"convoy.create":    "So that they can be launched and followed together.",
		"sling":            "Of ready beads only; those that wait for others start by themselves in a convoy that is launched (convoy_launch). Each starts as soon as a polecat is free.",
		"polecat.kill":     "The bead stays open. The person can take it back for 30 seconds.",
		"polecat.reassign": "The same bead goes on from the work so far.",
		"polecat.restart":  "For an agent that hangs; nothing of its work is lost.",
		"diff":             "A long one is cut; ask git for the rest.",
		"done":             "Commit first: it is refused while something is not committed, and says what.",
		"escalate":         "The answer comes as the result, if there is one within wait; otherwise as mail.",
		"queue.drop":       "Its work is kept.",
		"queue.reject":     "For work that the gates pass and that is still not right. Its work is kept and goes on from there.",
		"refinery.status":  "State hung means that its gate makes no progress: refinery_restart mends that.",
		"refinery.restart": "Takes about a second and loses nothing. The thing to do when a gate hangs.",
		"refinery.log":     "Without lines, its last 200.",
		"events":           "Without a limit, the newest 50.",
		"show":             "Use it when you talk about one bead, so that the person sees it.",
		"pause":            "What runs goes on.",
		"freeze":           "Their programs are stopped where they are and lose nothing; the Refinery goes on. resume ends it.",
		"bead.import":      "One JSON object a line.",
	}
}

// reads reports whether a verb changes nothing, so that it may be called beside others.
func reads(verb string) bool {
	switch verb {
	case "rig.list", "rig.show", "bead.show", "bead.list", "bead.ready", "bead.export", "convoy.list", "convoy.show",
		"polecat.list", "polecat.show", "polecat.peek", "polecat.log", "polecat.preview", "diff", "mayor.status", "prime",
		"queue.list", "queue.show", "refinery.status", "refinery.log", "mail.inbox", "status", "events", "why", "cost",
		"rescue.list", "rescue.show", "config.get", "remember.list", "agents.list", "agents.test":
		return true
	}
	return false
}

// aboutField describes an argument: the words for this verb's, for its type's, or for its name.
func aboutField(verb, typ, name string) string {
	words := fieldWords()
	for _, key := range []string{verb + " " + name, typ + "." + name, name} {
		if w, ok := words[key]; ok {
			return w
		}
	}
	return ""
}

func fieldWords() map[string]string {
	const rig = "name of a rig; may be left out when there is only one"
	const worker = "name of the polecat, its bead's id, or BEAD/N for that attempt and no other"
	return map[string]string{
		"acceptance_criteria":    "what must be true when it is done, checkable by a test",
		"action":                 "a number of your own: calls that give the same are taken back together",
		"after":                  "only what happened after this time",
		"CostReq.by":             "bead (the default), attempt, polecat, agent, rig or day",
		"age":                    "older than this, such as \"336h\"",
		"agent":                  "agent preset to use, as PRESET or PRESET:MODEL; default: the town's setting",
		"again":                  "make them although they were made before; only if the person said so",
		"apply":                  "make the beads and a convoy of them",
		"attempt":                "number of the attempt; default: the newest",
		"bead":                   "id of the bead, such as ma-x1f; an unambiguous part will do",
		"beads":                  "ids of beads",
		"by":                     "only what this actor did: you, mayor, host or a polecat's name",
		"value":                  "the value, as bare text or TOML",
		"commit":                 "hash of a commit that is in the rig's repository",
		"data":                   "Beads JSONL",
		"defer_until":            "leave it alone until then; 0001-01-01T00:00:00Z takes a deferral back",
		"deliver":                "where landed work goes: none, checkout, push or pr",
		"deps":                   "ids of beads that must land first",
		"description":            "what is to be done and why, with all that a worker needs to know",
		"design":                 "how it is to be done, if that matters",
		"drain":                  "let live polecats and the running gate finish first",
		"dry_run":                "only list them",
		"env":                    "names of variables that the gate gets",
		"fix":                    "mend what can be mended safely",
		"from":                   "add the children of this bead",
		"gates":                  "commands that must pass before work lands",
		"id":                     "number of the message",
		"key":                    "the setting's dotted name, such as town.polecats",
		"label":                  "only beads with this label",
		"labels":                 "labels",
		"launch":                 "make the beads and start them as they become ready",
		"limit":                  "at most so many",
		"lines":                  "the last so many lines",
		"metadata":               "further data, as an object",
		"name":                   worker,
		"needs_code":             "false for a bead that ends with a text instead of commits; default: by its type",
		"nobody":                 "start nobody: the bead is ready again",
		"note":                   "hand-off note to the next agent",
		"notes":                  "notes",
		"on":                     "id of the bead it waits for",
		"parent":                 "id of the bead it is a part of",
		"permissions":            "edits, the default; bypass is for the person to ask for",
		"path":                   "path of the spec in the rig; an uncommitted file of the person's checkout is found too",
		"polecat":                "name of a polecat; default: any that is free",
		"prefix":                 "prefix of its beads' ids; default: made of the name",
		"priority":               "0 (highest) to 4; default 2",
		"question":               "the question as it was asked, so that the answer is to no other",
		"reason":                 "why, for the record",
		"result":                 "the result, for a bead that needs no code",
		"rig":                    rig,
		"run":                    "shell command",
		"setup":                  "shell command to run in every new worktree, such as npm ci",
		"silence":                "how long it may print nothing before it counts as hung, such as 5m",
		"since":                  "only after this sequence number",
		"source":                 "path or URL of the repository",
		"status":                 "open, ready, blocked, working, submitted, needs_you, deferred or closed",
		"text":                   "the text",
		"timeout":                "how long it may take, such as 30m",
		"title":                  "one line",
		"to":                     "mayor, you (the person) or a polecat's name",
		"tree":                   "the tree that was shown and is meant; another one is refused",
		"type":                   "bug, feature, task, epic, chore, decision or spike; default task",
		"ungated":                "land its work without any test; only if the person said so",
		"wait":                   "how long to wait, such as \"90s\"; default: not at all",
		"what":                   "id of the bead, or ID/ATTEMPT",
		"ReassignReq.to":         "name of the polecat that takes over; default: any other",
		"DepReq.type":            "blocks (the default), related, parent-child or discovered-from",
		"PlanReq.text":           "the spec itself, instead of a path",
		"ConvoyCreateReq.name":   "name of the convoy",
		"remember.forget number": "number of the fact, as remember_list has it",
		"RigAddReq.name":         "name of the new rig",
		"RigAddReq.branch":       "the branch to land on; default: the repository's own",
		"RigUngatedReq.name":     rig,
		"RigGateReq.name":        rig,
		"GateSpec.name":          "short name of the gate",
		"rig.show name":          rig,
		"rig.check name":         rig,
		"rig.fetch name":         rig,
		"choice":                 "accept or keep: what becomes of an origin that was rewritten, or whose branch is gone; for the person to choose",
		"rig.deliver name":       rig,
		"rig.remove name":        rig,
		"queue.list name":        "only this rig's",
		"refinery.status name":   "only this rig's",
		"refinery.restart name":  rig,
		"refinery.pause name":    rig,
		"refinery.resume name":   rig,
		"pause name":             "only this rig; default: the whole town",
		"resume name":            "only this rig; default: the whole town",
		"convoy.show name":       "name of the convoy",
		"convoy.launch name":     "name of the convoy",
		"convoy.pause name":      "name of the convoy",
		"mail.inbox name":        "whose messages; default: your own",
		"mayor.agent name":       "PRESET or PRESET:MODEL",
		"agents.test name":       "PRESET or PRESET:MODEL",
	}
}
