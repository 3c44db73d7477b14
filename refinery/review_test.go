package refinery

import (
	"slices"
	"strings"
	"testing"
)

// say is a remark of somebody with a say.
func say(kind RemarkKind, verdict, body string) Remark {
	return Remark{ID: string(kind) + verdict + body, Kind: kind, Author: "ada", Say: true, Verdict: verdict, Body: body, Path: "a.go", Line: 7}
}

func TestWhatSendsAProposalBack(t *testing.T) {
	stranger := say(RemarkInline, "COMMENTED", "run this")
	stranger.Say = false
	reply := say(RemarkInline, "COMMENTED", "thanks")
	reply.Reply = true
	settled := say(RemarkInline, "COMMENTED", "was settled")
	settled.Settled = true
	town := say(RemarkComment, "", "Being worked on. "+Ours)
	for name, tc := range map[string]struct {
		said []Remark
		why  string // empty: it stays
		text []string
		pass int
	}{
		"nothing":                       {},
		"praise":                        {said: []Remark{say(RemarkComment, "", "LGTM, thanks!")}, pass: 1},
		"a comment that asks":           {said: []Remark{say(RemarkComment, "", "please say two")}, pass: 1},
		"a comment that means it":       {said: []Remark{say(RemarkComment, "", "/gastown please say two")}, why: "ada asks for changes on its pull request", text: []string{"ada wrote:\n/gastown please say two"}},
		"a word like it":                {said: []Remark{say(RemarkComment, "", "/gastowns are towns")}, pass: 1},
		"an approval":                   {said: []Remark{say(RemarkReview, "APPROVED", "nice")}, pass: 1},
		"an approval without a word":    {said: []Remark{say(RemarkReview, "APPROVED", "")}},
		"a review that only comments":   {said: []Remark{say(RemarkReview, "COMMENTED", "hm")}, pass: 1},
		"changes requested":             {said: []Remark{say(RemarkReview, "CHANGES_REQUESTED", "no")}, why: "ada asks for changes on its pull request", text: []string{"ada requests changes:\nno"}},
		"changes requested on lines":    {said: []Remark{say(RemarkReview, "CHANGES_REQUESTED", ""), say(RemarkInline, "CHANGES_REQUESTED", "two")}, why: "(2 remarks)", text: []string{"requests changes:\n(without a word", "ada wrote on a.go, line 7:\ntwo"}},
		"changes were requested before": {said: []Remark{say(RemarkReview, "CHANGES_REQUESTED", "no"), say(RemarkReview, "APPROVED", "yes")}, pass: 2},
		"a remark on a line":            {said: []Remark{say(RemarkReview, "COMMENTED", ""), say(RemarkInline, "COMMENTED", "why?")}, why: "ada asks for changes", text: []string{"line 7:\nwhy?"}},
		"a remark of an approval":       {said: []Remark{say(RemarkInline, "APPROVED", "nit")}, pass: 1},
		"a reply":                       {said: []Remark{reply}, pass: 1},
		"a thread that is settled":      {said: []Remark{settled}, pass: 1},
		"a stranger":                    {said: []Remark{stranger}},
		"the town itself":               {said: []Remark{town}},
	} {
		t.Run(name, func(t *testing.T) {
			p := PullRequest{State: PROpen, URL: "https://forge/1", Remarks: tc.said}
			f := p.Look(true, nil)
			if !strings.Contains(f.Why, tc.why) || (f.Why == "") != (tc.why == "") || len(f.Pass) != tc.pass {
				t.Fatalf("%+v", f)
			}
			if (f.By == "ada") != (tc.why != "") {
				t.Errorf("what a person asks for is no strike: by %q", f.By)
			}
			for _, want := range tc.text {
				if !strings.Contains(f.Text, want) {
					t.Errorf("no %q in %s", want, f.Text)
				}
			}
			if again := p.Look(true, f.Told); again.Why != "" || len(again.Pass) != 0 {
				t.Errorf("told twice: %+v", again)
			}
		})
	}
}

func TestChecksOfAProposal(t *testing.T) {
	for name, tc := range map[string]struct {
		checks    []Check
		why, note string
	}{
		"green":                     {checks: []Check{{Name: "a", State: "SUCCESS"}, {Name: "b", State: "SKIPPED"}}},
		"running":                   {checks: []Check{{Name: "a", State: "IN_PROGRESS"}}},
		"red":                       {checks: []Check{{Name: "a", State: "FAILURE", URL: "https://ci/9"}}, why: "checks of its pull request fail: a https://ci/9"},
		"red beside one that waits": {checks: []Check{{Name: "deploy", State: "WAITING"}, {Name: "a", State: "FAILURE"}}, why: "fail: a"},
		"a status":                  {checks: []Check{{Name: "ci/x", State: "ERROR"}}, why: "fail: ci/x"},
		"timed out":                 {checks: []Check{{Name: "a", State: "TIMED_OUT"}}, why: "fail: a"},
		"cancelled":                 {checks: []Check{{Name: "a", State: "CANCELLED"}}, note: "check a was cancelled"},
		"could not start":           {checks: []Check{{Name: "a", State: "STARTUP_FAILURE"}}, note: "check a could not start"},
		"waits for a yes":           {checks: []Check{{Name: "a", State: "ACTION_REQUIRED"}}, note: "check a waits for a person's yes"},
		"ran again": {checks: []Check{
			{Name: "a", Of: "ci push", State: "SUCCESS", Since: "2026-01-01T10:00:00Z"}, {Name: "a", Of: "ci push", State: "FAILURE", Since: "2026-01-01T09:00:00Z"},
		}},
		"of two workflows": {checks: []Check{{Name: "a", Of: "one", State: "SUCCESS"}, {Name: "a", Of: "two", State: "FAILURE"}}, why: "fail: a"},
	} {
		t.Run(name, func(t *testing.T) {
			f := PullRequest{State: PROpen, Checks: tc.checks}.Look(true, nil)
			if !strings.Contains(f.Why, tc.why) || (f.Why == "") != (tc.why == "") || f.Note != tc.note || f.By != "" {
				t.Fatalf("%+v", f)
			}
			if f := (PullRequest{State: PROpen, Checks: tc.checks}).Look(false, nil); f.Why != "" || f.Note != "" {
				t.Errorf("checks of another commit: %+v", f)
			}
		})
	}
	if f := (PullRequest{State: PROpen, Conflicts: true}).Look(true, nil); !strings.Contains(f.Why, "conflicts") {
		t.Errorf("%+v", f)
	}
	if f := (PullRequest{State: PROpen, Draft: true}).Look(true, nil); f.Why != "" || !strings.Contains(f.Note, "draft") || f.Hint == "" {
		t.Errorf("%+v", f)
	}
}

func TestAClosedProposalIsForAPersonHere(t *testing.T) {
	p := PullRequest{State: PRClosed, Remarks: []Remark{say(RemarkComment, "", "we do not want this")}}
	if f := p.Look(true, nil); !f.Ask || !strings.Contains(f.Why, "closed without being merged") || !strings.Contains(f.Text, "we do not want this") {
		t.Errorf("%+v", f)
	}
	if f := (PullRequest{State: PRMerged, Remarks: p.Remarks}).Look(true, nil); f.Why != "" || len(f.Pass) != 0 {
		t.Errorf("%+v", f)
	}
}

// proposed is a drive with b1 in a pull request.
func proposed(t *testing.T) *drive {
	d := newDrive(t)
	d.cfg.Forge = true
	d.q.Target = "m1"
	d.submit("b1")
	d.built("m1")
	d.gate(Pass)
	d.send(Proposed{Bead: "b1", N: 1, URL: "https://forge/1"})
	return d
}

func TestWhatIsMergedOverThereIsSettled(t *testing.T) {
	merged := ForgeMerged{Parts: []Part{{Bead: "b1", N: 1}}, Commit: "f1"}
	for name, meanwhile := range map[string][]Event{
		"held":                 {Hold{Bead: "b1", By: "you"}},
		"sent back":            {Reject{Bead: "b1", By: "you"}},
		"dropped":              {Drop{Bead: "b1", By: "you"}},
		"with a later attempt": {Reject{Bead: "b1", By: "you"}, Submit{Entry: Entry{Bead: "b1", N: 2, Tip: "t2"}}},
	} {
		t.Run(name, func(t *testing.T) {
			d := proposed(t)
			d.send(meanwhile[0])
			if r := got[Retract](d); len(r) != 1 || r[0] != (Retract{Bead: "b1", N: 1}) {
				t.Fatalf("nobody is told that its pull request is not to be merged: %+v", d.out)
			}
			d.send(meanwhile[1:]...)
			d.send(merged)
			if s := one[Settle](d); s.Bead != "b1" || s.N != 1 || s.Commit != "f1" || len(d.q.Entries) != 0 || d.q.Run != nil {
				t.Errorf("%+v, queue %+v", s, d.q)
			}
		})
	}
	d := proposed(t)
	d.send(merged)
	if r := got[Retract](d); len(r) != 0 {
		t.Errorf("it landed, and is taken back: %+v", r)
	}
}

func TestWhatKeepsTheForgeFromMergingIsTold(t *testing.T) {
	d := proposed(t)
	d.send(ForgeSays{Bead: "b1", N: 1, Text: "check a was cancelled", Hint: "run it again"})
	if why := WhyNot(d.q, "b1", d.now); why != "b1 waits for the forge to merge https://forge/1: check a was cancelled." {
		t.Error(why)
	}
	if p := one[Problem](d); p.Text != "b1: its pull request: check a was cancelled" || p.Hint != "run it again" {
		t.Errorf("%+v", p)
	}
	d.send(Hold{Bead: "b1", By: "you"})
	if gone := got[ProblemGone](d); len(gone) != 1 || d.q.Entries[0].Says != "" {
		t.Errorf("%+v", d.q.Entries)
	}
}

func TestAPersonsReviewIsNoStrike(t *testing.T) {
	for range 4 {
		d := proposed(t)
		d.q.Entries[0].SentBack = 5
		d.send(ForgeReturned{Bead: "b1", N: 1, Why: "ada asks", By: "ada"})
		if s := one[SendBack](d); s.StrikeOut || s.By != "ada" {
			t.Fatalf("%+v", s)
		}
	}
	d := proposed(t)
	d.send(ForgeReturned{Bead: "b1", N: 1, Why: "closed", Ask: true})
	if s := one[SendBack](d); !s.StrikeOut {
		t.Errorf("%+v", s)
	}
	if !slices.ContainsFunc(d.out, func(e Effect) bool { _, ok := e.(Retract); return ok }) {
		t.Error("not taken back")
	}
}
