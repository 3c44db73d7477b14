package tui

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gastown/beads"
	"gastown/internal/api"
	"gastown/internal/fault"
	"gastown/refinery"
)

const sampleDiffText = `diff --git a/internal/auth/callback.go b/internal/auth/callback.go
index 1111111..2222222 100644
--- a/internal/auth/callback.go
+++ b/internal/auth/callback.go
@@ -41,5 +41,9 @@ func (h *Handler) Callback
 	code := r.URL.Query().Get("code")
+	if used, err := h.st.MarkUsed(state); err != nil || used {
+		http.Error(w, "state 登录", 400)
+		return
+	}
 	tok, err := h.ex.Exchange(ctx, code)
-	h.save(tok)
+	if err := h.save(tok); err != nil {
@@ -80,2 +84,3 @@ func (h *Handler) save
 	return nil
+	// done
 }
diff --git a/state.go b/state.go
--- a/state.go
+++ b/state.go
@@ -1,1 +1,2 @@
 package auth
+var used = map[string]bool{}
diff --git a/logo.png b/logo.png
new file mode 100644
Binary files /dev/null and b/logo.png differ
`

func sampleDiff() api.Diff {
	return api.Diff{Bead: "gt-a1f", Attempt: 1, Polecat: "toast", Base: "a91c7e2ff0", Text: sampleDiffText, Files: []api.DiffFile{
		{Path: "internal/auth/callback.go", Added: 6, Removed: 1}, {Path: "state.go", Added: 1}, {Path: "logo.png", Binary: true},
	}}
}

func TestDiffDoc(t *testing.T) {
	d := newDiffDoc(sampleDiff())
	if len(d.files) != 3 || len(d.hunks) != 3 {
		t.Fatalf("%d files, %d hunks", len(d.files), len(d.hunks))
	}
	for _, c := range []struct{ line, place string }{
		{"+\tif used, err", "internal/auth/callback.go:42"},
		{"-\th.save(tok)", "internal/auth/callback.go:43 (removed)"},
		{"+\tif err := h.save", "internal/auth/callback.go:47"},
		{"+\t// done", "internal/auth/callback.go:85"},
		{"+var used", "state.go:2"},
		{"Binary", "logo.png"},
	} {
		for i, l := range d.lines {
			if strings.HasPrefix(l, c.line) {
				if got := d.place(i); got != c.place {
					t.Errorf("%s is at %s, want %s", c.line, got, c.place)
				}
			}
		}
	}
	if n, of := d.hunkAt(d.hunks[1]); n != 2 || of != 2 {
		t.Errorf("hunk %d of %d, want 2 of 2", n, of)
	}
}

// TestDiffDocTakesAnything: whatever is called a diff is taken apart without a panic.
func TestDiffDocTakesAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lines := rapid.SliceOf(rapid.SampledFrom([]string{
			"diff --git a/x b/x", "@@ -1,2 +3,4 @@", "@@", "@@ -99999999999 +x", "+a", "-b", " c", "", "\\ No newline", "Binary files", "+++ b/x",
		})).Draw(t, "lines")
		d := newDiffDoc(api.Diff{Text: strings.Join(lines, "\n")})
		for i := range d.lines {
			d.place(i)
			d.hunkAt(i)
		}
	})
}

func diffHost(cols, rows int) *fakeHost {
	h := sampleHost(cols, rows)
	h.do = func(verb string, _ any) (any, error) {
		if verb == api.GetDiff.Name() {
			return sampleDiff(), nil
		}
		return nil, nil
	}
	return h
}

func (p *player) dialog() string {
	if len(p.m.stack) == 0 {
		return ""
	}
	return plainRow(strings.Join(p.m.dialog(p.m.stack[len(p.m.stack)-1], true).rows, "\n"))
}

func (p *player) wantDialog(want string) {
	p.t.Helper()
	if !strings.Contains(p.dialog(), want) {
		p.t.Errorf("the dialog does not say %q:\n%s", want, p.dialog())
	}
}

func TestRemarksGoToBeadAndPolecat(t *testing.T) {
	p := drive(t, diffHost(120, 40), 120, 40)
	p.keys("ctrl+]")
	p.m.show("gt-a1f")
	p.keys("d", "down", "down", "c", "s", "a", "y", " ", "4", "0", "0", "enter")
	p.wantDialog("C send 1 to toast")
	p.wantDialog("you: say 400")
	p.keys("esc")
	p.wantToast("1 remark not sent")
	p.keys("d", "C")
	p.wantCall("bead.comment {Bead:gt-a1f Text:Review of gt-a1f, attempt 1:\n\ninternal/auth/callback.go:42\n> +\tif used")
	p.wantCall("say 400")
	p.wantCall("polecat.nudge {Name:gt-a1f/1 Text:Review of gt-a1f")
	p.wantToast("sent to toast")
	p.keys("C")
	p.wantToast("no remarks yet")
}

func TestDiffTravel(t *testing.T) {
	p := drive(t, diffHost(120, 40), 120, 40)
	p.keys("ctrl+]")
	p.m.show("gt-a1f")
	p.keys("d", "]")
	d, _ := p.m.stack[0].(*diffDialog)
	p.wantDialog("hunk 2 of 2")
	p.keys("[")
	p.wantDialog("hunk 1 of 2")
	p.keys("tab")
	if got := d.doc.fileAt(d.at); got != 1 {
		t.Errorf("file %d after Tab", got)
	}
	p.keys("/", "d", "o", "n", "e", "enter")
	if got := d.doc.lines[d.at]; got != "+\t// done" {
		t.Errorf("found %q", got)
	}
	p.keys("G", "down", "g", "up", "right", "left")
	if d.at != 0 {
		t.Errorf("line %d at the top", d.at)
	}
	p.keys("esc")
	if len(p.m.stack) != 0 {
		t.Error("Esc does not close")
	}
}

// TestDiffOfEachAttempt: what an earlier attempt changed is one key away, and a remark stays with
// the attempt it was made on.
func TestDiffOfEachAttempt(t *testing.T) {
	h := sampleHost(120, 40)
	for i := range h.view.Beads {
		if b := &h.view.Beads[i]; b.ID == "gt-a1f" {
			b.Attempts = append(b.Attempts, &beads.Attempt{Bead: b.ID, N: 2, Polecat: "rust", State: beads.Running})
			b.LastAttempt = 2
		}
	}
	h.do = func(verb string, req any) (any, error) {
		if r, ok := req.(api.DiffReq); ok {
			d := sampleDiff()
			if d.Attempt = r.Attempt; d.Attempt == 0 {
				d.Attempt, d.Polecat = 2, "rust"
			}
			return d, nil
		}
		return nil, nil
	}
	p := drive(t, h, 120, 40)
	p.keys("ctrl+]")
	p.m.show("gt-a1f")
	p.keys("d")
	title := func(want string) {
		t.Helper()
		if f := p.m.dialog(p.m.stack[0], true); !strings.Contains(plainRow(strings.Join(f.rows, "\n")), want) {
			t.Errorf("the dialog does not say %q:\n%s", want, p.dialog())
		}
	}
	title("attempt 2 of 2 by rust")
	p.wantDialog("</> attempt")
	p.keys(">")
	p.wantToast("attempt 2 is the newest")
	p.keys("<")
	p.wantCall("diff {Bead:gt-a1f Attempt:1}")
	title("attempt 1 of 2 by toast")
	p.keys("<")
	p.wantToast("attempt 1 is the first")
	p.keys("down", "down", "c", "o", "l", "d", "enter")
	p.wantDialog("you: old")
	p.keys(">", "down", "down")
	if strings.Contains(p.dialog(), "you: old") {
		t.Error("a remark on attempt 1 stands on attempt 2")
	}
	p.keys("<", "C")
	p.wantCall("Review of gt-a1f, attempt 1:")
}

func TestNoDiffWithoutWork(t *testing.T) {
	p := drive(t, diffHost(120, 40), 120, 40)
	p.keys("ctrl+]")
	p.m.show("gt-e12")
	p.keys("d")
	p.wantNothing()
	p.wantToast("nobody has worked on gt-e12 yet")
}

// TestLongDiffOpensAtOnce: 100,000 lines are read and drawn within the time a key may take.
func TestLongDiffOpensAtOnce(t *testing.T) {
	var b strings.Builder
	b.WriteString("diff --git a/x b/x\n@@ -0,0 +1,100000 @@\n")
	for i := range 100_000 {
		fmt.Fprintf(&b, "+line %d of a file that is generated\n", i)
	}
	h := sampleHost(120, 40)
	h.do = func(verb string, _ any) (any, error) {
		if verb == api.GetDiff.Name() {
			return api.Diff{Bead: "gt-a1f", Attempt: 1, Text: b.String(), Files: []api.DiffFile{{Path: "x", Added: 100_000}}}, nil
		}
		return nil, nil
	}
	p := drive(t, h, 120, 40)
	p.send(pressOf("ctrl+]"))
	p.wait(time.Second)
	p.m.show("gt-a1f")
	took := quickest(func() {
		p.m.stack = nil
		p.keys("d", "G")
	})
	if took > 200*time.Millisecond {
		t.Errorf("%v to open and go to the end of 100,000 lines", took)
	}
	p.wantDialog("line 99999 of")
}

// quickest is the shortest of three runs: others share the machine.
func quickest(f func()) time.Duration {
	best := time.Hour
	for range 3 {
		began := time.Now()
		f()
		best = min(best, time.Since(began))
	}
	return best
}

func TestNudge(t *testing.T) {
	p := drive(t, sampleHost(120, 40), 120, 40)
	p.keys("ctrl+]", "N", "h", "i", "enter")
	p.wantCall("polecat.nudge {Name:gt-c9d/1 Text:hi}")
	if got := p.h.terms["slit"].typed(); got != "" || len(p.m.stack) != 0 {
		t.Fatalf("typed %q into a program that did not ask, %d dialogs", got, len(p.m.stack))
	}
	p.keys("N", "h", "i", "ctrl+t")
	if n := p.count("polecat.nudge"); n != 2 {
		t.Errorf("sent %d times", n)
	}
	if got := p.h.terms["slit"].typed(); got != "paste:hi" {
		t.Errorf("the terminal got %q", got)
	}
	if p.m.mode != typing || p.m.term.name != "slit" {
		t.Error("the person does not see where it was pasted")
	}
}

func TestKillTellsTheTruth(t *testing.T) {
	h := sampleHost(80, 24)
	h.do = func(verb string, _ any) (any, error) {
		if verb == api.PolecatPreview.Name() {
			return samplePreview(h), nil
		}
		return nil, nil
	}
	p := drive(t, h, 80, 24)
	p.keys("ctrl+]", "x")
	p.wantCall("polecat.preview {Name:gt-c9d/1}")
	for _, want := range []string{"2 uncommitted files as a rescue ref (web/login.tsx", "node_modules/ dist/ .env", "codex 47112, node 47190 (2 processes)"} {
		p.wantDialog(want)
	}
	h.do = func(string, any) (any, error) { return nil, fault.New(fault.NotFound, "gone") }
	p.keys("esc", "x")
	p.wantDialog("cannot name them: gone")
}

// TestDiffNumbersFarLines: a file of more than 9,999 lines has its numbers in full, at the same place as its text.
func TestDiffNumbersFarLines(t *testing.T) {
	h := sampleHost(120, 40)
	h.do = func(verb string, _ any) (any, error) {
		if verb != api.GetDiff.Name() {
			return nil, nil
		}
		return api.Diff{Bead: "gt-c9d", Attempt: 1, Polecat: "slit", Text: "diff --git a/big.txt b/big.txt\n@@ -99997,2 +99997,3 @@\n before\n+the new line\n after\n",
			Files: []api.DiffFile{{Path: "big.txt", Added: 1}}}, nil
	}
	p := drive(t, h, 120, 40)
	p.keys("ctrl+]", "d")
	for _, want := range []string{"99997   before", "99998 + the new line", "99999   after", "hunk 1 of 1"} {
		p.wantDialog(want)
	}
	p.keys("g")
	p.wantDialog("1 hunk ")
	if strings.Contains(p.dialog(), "hunk 0") {
		t.Errorf("a name is no hunk:\n%s", p.dialog())
	}
}

// TestDiffSaysThatALiveWorktreeConflicts, and with which branch.
func TestDiffSaysThatALiveWorktreeConflicts(t *testing.T) {
	h := diffHost(120, 40)
	v := *h.View()
	v.Status.Rigs[0].Branch = "trunk"
	v.Beads[2].Overlaps = []refinery.Overlap{{Files: []string{"README.md"}, Conflict: true}}
	h.set(&v)
	p := drive(t, h, 120, 40)
	p.keys("ctrl+]")
	p.m.show("gt-a1f")
	p.keys("d")
	p.wantDialog("conflicts with the target in README.md")
	diff := sampleDiff()
	h.do = func(verb string, _ any) (any, error) {
		diff.Tip = "77b01c4"
		return diff, nil
	}
	p.keys("esc", "d")
	p.wantDialog("merge with trunk: clean")
	diff.Conflicts = []string{"README.md"}
	p.keys("esc", "d")
	p.wantDialog("conflicts with trunk: README.md")
}
