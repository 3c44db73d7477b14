package api

import (
	"gastown/beads"
)

// The verbs.
var (
	RigAdd     = Command[RigAddReq, RigAdded]{"rig.add"}
	RigList    = Command[Empty, []Rig]{"rig.list"}
	RigShow    = Command[NameReq, Rig]{"rig.show"}
	RigCheck   = Command[NameReq, RigChecked]{"rig.check"}
	RigFetch   = Command[RigFetchReq, RigFetched]{"rig.fetch"}
	RigDeliver = Command[NameReq, RigDelivered]{"rig.deliver"}
	RigRemove  = Command[NameReq, Ack]{"rig.remove"}
	RigGate    = Command[RigGateReq, Rig]{"rig.gate"}
	RigUngated = Command[RigUngatedReq, Rig]{"rig.ungated"}

	BeadCreate    = Command[BeadCreateReq, Bead]{"bead.create"}
	BeadShow      = Command[BeadReq, Bead]{"bead.show"}
	BeadList      = Command[BeadListReq, []Bead]{"bead.list"}
	BeadReady     = Command[BeadListReq, []Bead]{"bead.ready"}
	BeadUpdate    = Command[BeadUpdateReq, Bead]{"bead.update"}
	BeadClose     = Command[BeadCloseReq, Bead]{"bead.close"}
	BeadReopen    = Command[BeadReq, Bead]{"bead.reopen"}
	BeadDepAdd    = Command[DepReq, Bead]{"bead.dep.add"}
	BeadDepRemove = Command[DepReq, Bead]{"bead.dep.remove"}
	BeadComment   = Command[CommentReq, Bead]{"bead.comment"}
	BeadImport    = Command[ImportReq, Imported]{"bead.import"}
	BeadExport    = Command[Empty, Exported]{"bead.export"}

	Plan         = Command[PlanReq, Planned]{"plan"}
	ConvoyCreate = Command[ConvoyCreateReq, Convoy]{"convoy.create"}
	ConvoyAdd    = Command[ConvoyCreateReq, Convoy]{"convoy.add"}
	ConvoyList   = Command[Empty, []Convoy]{"convoy.list"}
	ConvoyShow   = Command[NameReq, Convoy]{"convoy.show"}
	ConvoyLaunch = Command[NameReq, Convoy]{"convoy.launch"}
	ConvoyPause  = Command[NameReq, Convoy]{"convoy.pause"}

	Sling = Command[SlingReq, []Slung]{"sling"}

	PolecatList     = Command[Empty, []PolecatInfo]{"polecat.list"}
	PolecatShow     = Command[NameReq, PolecatInfo]{"polecat.show"}
	PolecatPeek     = Command[PeekReq, Peeked]{"polecat.peek"}
	PolecatAttach   = Command[AttachReq, Attached]{"polecat.attach"}
	PolecatKill     = Command[KillReq, Killed]{"polecat.kill"}
	PolecatReassign = Command[ReassignReq, Slung]{"polecat.reassign"}
	PolecatRestart  = Command[NameReq, Ack]{"polecat.restart"}
	PolecatRevive   = Command[NameReq, Slung]{"polecat.revive"}
	PolecatAnswer   = Command[AnswerReq, Ack]{"polecat.answer"}
	PolecatLog      = Command[PeekReq, Peeked]{"polecat.log"}
	PolecatPreview  = Command[NameReq, KillPreview]{"polecat.preview"}
	PolecatNudge    = Command[NudgeReq, Ack]{"polecat.nudge"}
	GetDiff         = Command[DiffReq, Diff]{"diff"}
	MayorStatus     = Command[Empty, MayorInfo]{"mayor.status"}
	MayorRestart    = Command[Empty, MayorInfo]{"mayor.restart"}
	MayorAgent      = Command[NameReq, MayorInfo]{"mayor.agent"}

	AgentsList = Command[Empty, []AgentInfo]{"agents.list"}
	AgentsTest = Command[NameReq, AgentTested]{"agents.test"}

	Done     = Command[DoneReq, Submitted]{"done"}
	Escalate = Command[EscalateReq, Escalated]{"escalate"}
	Report   = Command[ReportReq, Ack]{"report"}
	Prime    = Command[Empty, Primed]{"prime"}
	Remember = Command[TextReq, Ack]{"remember"}
	Facts    = Command[Empty, []beads.Fact]{"remember.list"}
	Forget   = Command[ForgetReq, Ack]{"remember.forget"}

	QueueList    = Command[NameReq, []QueueEntry]{"queue.list"}
	QueueShow    = Command[BeadReq, QueueEntry]{"queue.show"}
	QueueHold    = Command[BeadReq, QueueEntry]{"queue.hold"}
	QueueRelease = Command[BeadReq, QueueEntry]{"queue.release"}
	QueueDrop    = Command[BeadReq, Bead]{"queue.drop"}
	QueueApprove = Command[ApproveReq, QueueEntry]{"queue.approve"}
	QueueReject  = Command[RejectReq, Bead]{"queue.reject"}
	QueueRevert  = Command[BeadReq, QueueEntry]{"queue.revert"}
	QueueAdopt   = Command[AdoptReq, QueueEntry]{"queue.adopt"}

	RefineryStatus  = Command[NameReq, []RefineryInfo]{"refinery.status"}
	RefineryRestart = Command[NameReq, []RefineryInfo]{"refinery.restart"}
	RefineryPause   = Command[NameReq, []RefineryInfo]{"refinery.pause"}
	RefineryResume  = Command[NameReq, []RefineryInfo]{"refinery.resume"}
	RefineryLog     = Command[LogReq, Peeked]{"refinery.log"}

	MailSend  = Command[MailSendReq, beads.Message]{"mail.send"}
	MailInbox = Command[NameReq, []beads.Message]{"mail.inbox"}
	MailRead  = Command[MailReadReq, beads.Message]{"mail.read"}

	GetStatus = Command[Empty, Status]{"status"}
	GetEvents = Command[EventsReq, []beads.Event]{"events"}
	Cost      = Command[CostReq, []Spent]{"cost"}
	Why       = Command[BeadReq, WhyRes]{"why"}
	Undo      = Command[Empty, Ack]{"undo"}
	Show      = Command[BeadReq, Ack]{"show"}

	RescueList    = Command[Empty, []Rescue]{"rescue.list"}
	RescueShow    = Command[RescueReq, Peeked]{"rescue.show"}
	RescueRestore = Command[RescueReq, Slung]{"rescue.restore"}
	RescuePrune   = Command[PruneReq, []Rescue]{"rescue.prune"}

	Pause  = Command[NameReq, Ack]{"pause"}
	Resume = Command[NameReq, Ack]{"resume"}
	Freeze = Command[NameReq, Ack]{"freeze"}
	Down   = Command[DownReq, Ack]{"down"}

	ConfigGet = Command[ConfigReq, ConfigValue]{"config.get"}
	ConfigSet = Command[ConfigReq, ConfigValue]{"config.set"}
	Doctor    = Command[DoctorReq, []Check]{"doctor"}
	Backup    = Command[Empty, BackedUp]{"backup"}
)

// Table lists every verb. Its order is the order of help.
func Table() []Verb {
	const all = Polecat | Mayor
	return []Verb{
		RigAdd.row(Store, Mayor, "add a repository to the town as a rig"),
		RigList.row(Store, all, "list the rigs"),
		RigShow.row(Store, all, "show one rig"),
		RigCheck.row(Store, Mayor, "try a rig's setup and gates on its main once"),
		RigFetch.row(Store, Mayor, "look at a rig's origin now; what it gained is tested and taken in"),
		RigDeliver.row(Store, Mayor, "deliver what landed to the rig's own repository now"),
		RigRemove.row(Store, 0, "take a rig out of the town; its directory is kept"),
		RigGate.row(Store, 0, "add a gate to a rig"),
		RigUngated.row(Store, 0, "accept that a rig lands work without gates"),
		BeadCreate.row(Store, all, "create a bead (a task)"),
		BeadShow.row(Store, all, "show one bead with its attempts"),
		BeadList.row(Store, all, "list beads, closed ones too"),
		BeadReady.row(Store, all, "list beads that can start now"),
		BeadUpdate.row(Store, all, "change fields of a bead"),
		BeadClose.row(Store, Mayor, "close a bead as dropped"),
		BeadReopen.row(Store, Mayor, "open a closed, deferred or stuck bead again"),
		BeadDepAdd.row(Store, all, "make a bead wait for another"),
		BeadDepRemove.row(Store, all, "take a dependency away"),
		BeadComment.row(Store, all, "add a comment to a bead"),
		BeadImport.row(Store, Mayor, "import beads from Beads JSONL"),
		BeadExport.row(Store, all, "export all beads as Beads JSONL"),
		Plan.row(Store, Mayor, "turn a spec into beads; checks its structure first"),
		ConvoyCreate.row(Store, Mayor, "name a set of beads"),
		ConvoyAdd.row(Store, Mayor, "add beads to a convoy"),
		ConvoyList.row(Store, all, "list the convoys"),
		ConvoyShow.row(Store, all, "show one convoy with its progress"),
		ConvoyLaunch.row(Store, Mayor, "let a convoy's beads start as they become ready"),
		ConvoyPause.row(Store, Mayor, "start no more beads of a convoy"),
		Sling.row(Store, Mayor, "give beads to polecats"),
		PolecatList.row(Store, all, "list the polecats"),
		PolecatShow.row(Store, all, "show one polecat"),
		PolecatPeek.row(Host, Mayor, "print what is on a polecat's terminal"),
		PolecatAttach.row(Host, 0, "look at a live terminal, and type into it"),
		PolecatKill.row(Host, Mayor, "stop a polecat and keep its work on a rescue ref"),
		PolecatReassign.row(Host, Mayor, "give a bead, with the work so far, to another polecat"),
		PolecatRestart.row(Host, Mayor, "stop a polecat's agent and start it again on the same work"),
		PolecatRevive.row(Host, Mayor, "bring a killed polecat's work back to life"),
		PolecatAnswer.row(Host, Mayor, "answer a polecat's question"),
		PolecatLog.row(Store, Mayor, "print a polecat's session log"),
		PolecatPreview.row(Host, Mayor, "show what a kill would stop, keep and lose"),
		PolecatNudge.row(Host, Mayor, "tell a working polecat something, as mail"),
		GetDiff.row(Store, all, "show what a bead's attempt changed, uncommitted work included"),
		MayorStatus.row(Store, all, "show the Mayor"),
		MayorRestart.row(Host, 0, "start the Mayor's agent again"),
		MayorAgent.row(Store, 0, "choose the Mayor's agent"),
		AgentsList.row(Store, Mayor, "list the agents that can be named, their versions, and who is logged in"),
		AgentsTest.row(Store, Mayor, "say how an agent would be started, and whether its program answers; no model is called"),
		Done.row(Host, Polecat, "submit my work to the merge queue (or --result for a bead without code)"),
		Escalate.row(Host, Polecat, "ask the Mayor or the person a question"),
		Report.row(Host, all, "say what my program is doing: for the hooks of an agent's program"),
		Prime.row(Host, all, "print my role and task"),
		Remember.row(Store, all, "keep a fact for later briefs"),
		Facts.row(Store, all, "list what is remembered"),
		Forget.row(Store, Mayor, "forget a fact"),
		QueueList.row(Store, all, "list the merge queue"),
		QueueShow.row(Store, all, "show one merge request"),
		QueueHold.row(Store, Mayor, "hold a merge request back"),
		QueueRelease.row(Store, Mayor, "release a held merge request"),
		QueueDrop.row(Store, Mayor, "take a merge request out of the queue; the bead is open again"),
		QueueApprove.row(Store, 0, "land a green merge request that waits for a person's yes"),
		QueueReject.row(Store, Mayor, "send a merge request back to its bead with remarks; its next attempt reads them"),
		QueueRevert.row(Store, Mayor, "take a landed bead out again, through the same gates; it is open then"),
		QueueAdopt.row(Store, 0, "take a commit of the town's repository into the queue, as a bead of its own"),
		RefineryStatus.row(Store, all, "show the Refinery of each rig"),
		RefineryRestart.row(Host, Mayor, "restart a Refinery: stop its gate, keep the queue's order, run again"),
		RefineryPause.row(Store, Mayor, "land nothing more"),
		RefineryResume.row(Store, Mayor, "land again"),
		RefineryLog.row(Store, all, "print the output of the running or last gate"),
		MailSend.row(Store, all, "send a message"),
		MailInbox.row(Store, all, "list messages"),
		MailRead.row(Store, all, "read one message"),
		GetStatus.row(Store, all, "what is going on"),
		GetEvents.row(Store, all, "what happened"),
		Cost.row(Store, all, "what was spent, by bead, attempt, polecat, agent, rig or day"),
		Why.row(Store, all, "one true sentence: why is this bead not landed, not ready or not started"),
		Undo.row(Host, 0, "take the last kill, reassign, sling, edit or close back, within 30 s"),
		Show.row(Host, Mayor, "move the cursor of the person's screen to a bead"),
		RescueList.row(Store, all, "list kept work of ended attempts"),
		RescueShow.row(Store, all, "show kept work: its commits, and as a diff what was not committed"),
		RescueRestore.row(Store, Mayor, "bring kept work back in a new worktree as uncommitted changes"),
		RescuePrune.row(Store, 0, "delete rescue refs older than a given age"),
		Pause.row(Store, Mayor, "start nothing new, in the town or one rig"),
		Freeze.row(Store, Mayor, "start nothing new, and make polecats stand still after a checkpoint of their work"),
		Resume.row(Store, Mayor, "end a pause or a freeze: polecats go on, and work starts again"),
		Down.row(Host, 0, "stop the host"),
		ConfigGet.row(Store, Mayor, "print a setting"),
		ConfigSet.row(Store, 0, "change a setting, keeping comments"),
		Doctor.row(Store, 0, "check the town, the agents and this machine"),
		Backup.row(Store, 0, "back the town's state up now; prints the file"),
	}
}
