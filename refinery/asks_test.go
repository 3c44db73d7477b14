package refinery

import (
	"testing"

	"gastown/beads"
)

func TestGateLike(t *testing.T) {
	for path, want := range map[string]string{
		".github/workflows/ci.yml": "CI configuration", "sub/.gitlab-ci.yml": "CI configuration", ".circleci/config.yml": "CI configuration", "Jenkinsfile": "CI configuration",
		".husky/pre-commit": "git hooks", ".pre-commit-config.yaml": "git hooks",
		".gitattributes": "git configuration", "web/.GitAttributes": "git configuration", ".gitmodules": "git configuration",
		".claude/settings.json": "agent configuration", "web/.claude/x": "agent configuration", "AGENTS.md": "agent configuration", ".mcp.json": "agent configuration",
		".github/CODEOWNERS": "who approves what",
		".claude":            "agent configuration", "web/.husky": "git hooks", ".github": "CI configuration", ".github/workflows": "CI configuration",
		".vscode/tasks.json": "editor configuration", ".envrc": "what sets up a shell", "a/.cargo/config.toml": "how tools run", ".npmrc": "how tools run",
		"main.go": "", "github/workflows/x": "", ".github/ISSUE_TEMPLATE.md": "", "docs/hooks/a.md": "", ".gitignore": "", "claude.go": "", "": "",
	} {
		if got, ok := GateLike(path); got != want || ok != (want != "") {
			t.Errorf("%q: %q, want %q", path, got, want)
		}
	}
	if got := AskAbout([]Touched{{".gitattributes", "git configuration"}, {"AGENTS.md", "agent configuration"}, {".husky/x", "git hooks"}}); got != "it changes .gitattributes (git configuration) and 2 more like it" {
		t.Error(got)
	}
	if AskAbout(nil) != "" {
		t.Error("plain code asks")
	}
}

func TestGateFile(t *testing.T) {
	gates := func(run string) []Gate { return []Gate{{Name: "test", Run: run}} }
	for _, c := range []struct {
		run, file string
		want      bool
	}{
		{"test/run.sh", "test/run.sh", true},
		{"sh -e 'ci/test.sh' && true", "ci/test.sh", true},
		{"./check", "check", true},
		{"cd web; ./check", "web/check", true},
		{"cd web && sh check.sh", "web/check.sh", true},
		{"make -C src test", "src/Makefile", true},
		{"npm test", "web/package.json", true},
		{"go test ./...", "go.mod", false},
		{"go test ./...", "a/test", false},
		{"make test", "test/a_test.go", false},
		{"make test", "make.go", false},
		{"npm test", "package-lock.json", false},
	} {
		if _, got := GateFile(gates(c.run), c.file); got != c.want {
			t.Errorf("%q runs %q: %v", c.run, c.file, got)
		}
	}
}

// TestACandidateIsLookedAtAgain: what an entry needs a yes for is known at the latest when it is built.
func TestACandidateIsLookedAtAgain(t *testing.T) {
	d := newDrive(t)
	d.cfg.Batch = true
	d.send(Pause{})
	d.submit("ma-1")
	d.submit("ma-2")
	d.send(Resume{})
	built := func(parts ...Part) {
		t.Helper()
		d.send(Built{Seq: d.q.Run.Seq, Base: "B", BaseTree: "TB", Commit: "c", Tree: "t", Parts: parts})
	}
	if b := one[Build](d); len(b.Parts) != 2 {
		t.Fatalf("%+v", b)
	}
	built(Part{Bead: "ma-1", N: 1, Commit: "a"}, Part{Bead: "ma-2", N: 1, Commit: "c", Ask: "it changes ci", Change: "x"})
	none[RunGate](d)
	if b := one[Build](d); len(b.Parts) != 1 || b.Parts[0].Bead != "ma-1" {
		t.Fatalf("%+v", b)
	}
	built(Part{Bead: "ma-1", N: 1, Commit: "c"})
	d.gate(Pass)
	d.publish()
	one[Settle](d)
	if b := one[Build](d); len(b.Parts) != 1 || b.Parts[0].Bead != "ma-2" || !b.Parts[0].Change {
		t.Fatalf("%+v", b)
	}
	d.q.Target = "c"
	d.send(Built{Seq: d.q.Run.Seq, Base: "c", BaseTree: "t", Commit: "e", Tree: "te", Parts: []Part{{Bead: "ma-2", N: 1, Commit: "e", Ask: "it changes ci", Change: "x"}}})
	d.gate(Pass)
	none[Publish](d)
	if e := d.q.Entries[0]; e.State != EntryApprove || e.AskWhy != "it changes ci" {
		t.Fatalf("%+v", e)
	}
}

func TestApprovalIsForOneChange(t *testing.T) {
	d := newDrive(t)
	d.cfg.Batch = true
	green := func(base, change string) {
		t.Helper()
		r := d.q.Run
		c := base + "+ma-1"
		d.send(Built{Seq: r.Seq, Base: base, BaseTree: "T" + base, Commit: c, Tree: "T" + c, Parts: []Part{{Bead: "ma-1", N: 1, Commit: c, Change: change}}})
		if len(got[RunGate](d)) == 1 {
			d.gate(Pass)
		}
	}
	d.send(Submit{Entry{Bead: "ma-1", N: 1, Priority: 2, AskFirst: true, AskWhy: "its label is api"}})
	if b := one[Build](d); !b.Parts[0].Change {
		t.Fatalf("%+v", b)
	}
	d.send(Approve{Bead: "ma-1", By: "me"}) // nothing to say yes to
	green("B", "x")
	if e := d.q.Entries[0]; e.State != EntryApprove || e.Green == nil || e.Green.Tree != "TB+ma-1" {
		t.Fatalf("%+v", e)
	}
	if why := WhyNot(d.q, "ma-1", d.now); why != "ma-1 is green and waits for a person's yes: its label is api." {
		t.Fatal(why)
	}
	d.send(Approve{Bead: "ma-1", By: "me", Tree: "another"})
	none[Build](d)
	d.q.Target = "C" // something else landed
	d.send(Approve{Bead: "ma-1", By: "me", Tree: "TB+ma-1"})
	e := *d
	green("C", "x") // the same change on a target that moved elsewhere: gated, and landed
	one[Publish](d)
	d = &e
	one[Build](d)
	green("C", "y") // the target moved in the same files
	none[Publish](d)
	if e := d.q.Entries[0]; e.State != EntryApprove || e.Approved || e.Green.Base != "C" {
		t.Fatalf("%+v", e)
	}
	d.send(Approve{Bead: "ma-1", By: "me"})
	green("C", "y")
	one[Publish](d)
}

// TestWhatACandidateAsksFor: it is no matter of settings then, and what a person asked for has their yes.
func TestWhatACandidateAsksFor(t *testing.T) {
	d := newDrive(t)
	d.send(Submit{Entry{Bead: "ma-1", N: 1, Priority: 2, AskFirst: true, AskWhy: "the rig asks for every change", Plain: true}})
	built := func(bead beads.ID) {
		t.Helper()
		d.send(Built{Seq: d.q.Run.Seq, Base: "B", BaseTree: "TB", Commit: "c", Tree: "of " + string(bead), Parts: []Part{{Bead: bead, N: 1, Commit: "c", Ask: "it changes ci", Change: "x"}}})
		d.gate(Pass)
	}
	built("ma-1")
	if e := d.q.Entries[0]; e.State != EntryApprove || e.Plain {
		t.Fatalf("%+v", e)
	}
	d.send(Drop{Bead: "ma-1", By: "you"})
	d.send(Submit{Entry{Bead: "ma-2", N: 1, Priority: 0, Plain: true, Wished: true}})
	built("ma-2")
	one[Publish](d)
}

// What only the settings asked a yes for goes on when they do not any more, with the tree that is known green.
func TestAYesThatNothingAsksForAnyMore(t *testing.T) {
	d := newDrive(t)
	d.send(Submit{Entry{Bead: "ma-1", N: 1, Priority: 2, AskFirst: true, AskWhy: "the rig asks for every change", Plain: true}})
	d.built("m1")
	d.gate(Pass)
	if e := d.q.Entries[0]; e.State != EntryApprove || e.Green == nil {
		t.Fatalf("%+v", e)
	}
	d.send(Ask{Bead: "ma-1"})
	d.built("m1")
	d.publish()
	gated := 0
	for _, e := range d.all {
		if _, ok := e.(RunGate); ok {
			gated++
		}
	}
	if len(d.q.Entries) != 0 || gated != 1 {
		t.Fatalf("%d entries, gated %d times", len(d.q.Entries), gated)
	}
	d.send(Submit{Entry{Bead: "ma-2", N: 1, Priority: 2, AskFirst: true, Held: true}})
	d.send(Ask{Bead: "ma-2"})
	if e := d.q.Entries[0]; e.State != EntryHeld || e.AskFirst {
		t.Fatalf("what a person holds is let go: %+v", e)
	}
}
