package refinery

import "testing"

func TestGateLike(t *testing.T) {
	for path, want := range map[string]string{
		".github/workflows/ci.yml": "CI configuration", "sub/.gitlab-ci.yml": "CI configuration", ".circleci/config.yml": "CI configuration", "Jenkinsfile": "CI configuration",
		".husky/pre-commit": "git hooks", ".pre-commit-config.yaml": "git hooks",
		".gitattributes": "git configuration", "web/.GitAttributes": "git configuration", ".gitmodules": "git configuration",
		".claude/settings.json": "agent configuration", "web/.claude/x": "agent configuration", "AGENTS.md": "agent configuration", ".mcp.json": "agent configuration",
		".github/CODEOWNERS": "who approves what",
		"main.go":            "", "github/workflows/x": "", ".github/ISSUE_TEMPLATE.md": "", "docs/hooks/a.md": "", ".gitignore": "", "claude.go": "", "": "",
	} {
		if got, ok := GateLike(path); got != want || ok != (want != "") {
			t.Errorf("%q: %q, want %q", path, got, want)
		}
	}
	if got := AskAbout([]string{"a.go", ".gitattributes", "b.go", "AGENTS.md", ".husky/x"}); got != "it changes .gitattributes (git configuration) and 2 more like it" {
		t.Error(got)
	}
	if AskAbout([]string{"a.go"}) != "" {
		t.Error("plain code asks")
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
