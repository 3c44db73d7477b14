package town

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gastown/beads"
	"gastown/internal/api"
	"gastown/refinery"
)

// A real history is tried by hand, with a clone of any repository whose gate passes all along it:
//
//	go test ./internal/town -run TestHistoryLands -history.repo DIR -history.spoil .go \
//		-history.gate 'go build ./... && test -z "$(gofmt -e -l . 2>&1 >/dev/null | tee /dev/stderr)"'
var (
	historyRepo  = flag.String("history.repo", "", "land commits of this repository instead of made ones")
	historyTo    = flag.String("history.to", "HEAD", "the last of them")
	historyN     = flag.Int("history.n", 30, "how many")
	historySpoil = flag.String("history.spoil", ".txt", "how the name of a file ends whose syntax the gate looks at")
	historyGate  = flag.String("history.gate", "! grep -rIl 'not a program' --exclude-dir=.git .", "gate of the rig")
)

// broken is what a commit adds to a file so that no gate passes it.
const broken = "\nfunc { not a program\n"

// change is one commit of a history, to become a bead.
type change struct {
	commit string
	files  []string
	after  []int // places of those before it that touch its files last
	leaf   bool  // none after it needs it
}

// TestHistoryLands cuts a history into beads, each waiting only for those that touch its files
// before it. Ten polecats work on them at once. What is on main in the end is what the history's
// own end is, whatever order and batches they landed in. And with five of them broken, 25 land, and five
// come back, each with the log of its own gate.
func TestHistoryLands(t *testing.T) {
	for _, bad := range []int{0, 5} {
		t.Run(fmt.Sprintf("%d broken", bad), func(t *testing.T) { landHistory(t, bad) })
	}
}

func landHistory(t *testing.T, bad int) {
	var base string
	var cs []change
	l := newLabOf(t, "polecats = 10", fmt.Sprintf("gate = [{name = \"check\", run = %q, timeout = \"10m\"}]", *historyGate), func(l *lab) {
		if *historyRepo == "" {
			l.makeHistory(*historyN)
		} else {
			l.git(l.root, "clone", "-q", *historyRepo, l.src)
			l.git(l.src, "checkout", "-q", "-B", "main", *historyTo)
			l.git(l.src, "remote", "remove", "origin") // whose default branch a rig would aim at
		}
		base, cs = l.history(*historyN)
		l.git(l.src, "reset", "-q", "--hard", base)
	})
	var ids []beads.ID
	breaks := map[beads.ID]string{}               // bead -> the file that is spoiled in it
	expected := filepath.Join(l.root, "expected") // where the changes are applied one after the other
	l.git(l.src, "worktree", "add", "-q", "--detach", expected, base)
	for _, c := range cs {
		req := api.BeadCreateReq{Title: l.git(l.src, "log", "-1", "--format=%s", c.commit), Rig: "app"}
		for _, j := range c.after {
			req.Deps = append(req.Deps, ids[j])
		}
		b, err := api.BeadCreate.Do(t.Context(), l.person(), req)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, b.ID)
		patch := filepath.Join(l.root, "patch-"+c.commit)
		l.write("patch-"+c.commit, l.git(l.src, "format-patch", "-1", "--stdout", "--binary", "--no-renames", c.commit)+"\n")
		spoil := ""
		if i := slices.IndexFunc(c.files, func(f string) bool { return strings.HasSuffix(f, *historySpoil) }); i >= 0 && c.leaf && len(breaks) < bad {
			breaks[b.ID] = c.files[i]
			spoil = fmt.Sprintf("printf %%s '%s' >> %q; git commit -qam spoil\n", broken, c.files[i])
		} else {
			l.git(expected, "apply", "--index", patch)
		}
		l.job(b.ID, fmt.Sprintf("[ $GASTOWN_ATTEMPT = 1 ] || exec gastown escalate 'no better idea'\ngit am -q %q\n%sexec gastown done\n", patch, spoil))
	}
	if len(breaks) != bad {
		t.Fatalf("%d of %d changes can be broken without holding up others; want %d", len(breaks), len(cs), bad)
	}
	if _, err := api.ConvoyCreate.Do(t.Context(), l.person(), api.ConvoyCreateReq{Name: "history", Beads: ids}); err != nil {
		t.Fatal(err)
	}
	if _, err := api.ConvoyLaunch.Do(t.Context(), l.person(), api.NameReq{Name: "history"}); err != nil {
		t.Fatal(err)
	}
	l.tellOnFailure(ids...)
	l.approveUntil(10*patience, len(ids)-bad, breaks)

	if got, want := l.git(l.repo(), "rev-parse", "main^{tree}"), l.git(expected, "write-tree"); got != want {
		t.Errorf("main's tree is %s; want %s: %s", got, want, l.git(l.src, "diff", "--stat", want, got))
	}
	for id, file := range breaks {
		a := l.bead(id).Attempts[0]
		if a.State != beads.Rejected || !strings.Contains(a.Log, file) {
			t.Errorf("%s came back as %s with the log %q; want %s named", id, a.State, a.Log, file)
		}
	}
	for id, n := range l.landed() {
		if file, bad := breaks[beads.ID(id)]; n != 1 || bad {
			t.Errorf("%s is on main %d times; broken in it: %q", id, n, file)
		}
	}
}

// approveUntil waits until that many beads have landed and the broken ones wait for an answer; it
// says yes where a change to a file of the forge or of git asks a person.
func (l *lab) approveUntil(long time.Duration, landed int, breaks map[beads.ID]string) {
	l.t.Helper()
	l.awaitFor(long, fmt.Sprintf("%d landed, %d sent back", landed, len(breaks)), func() bool {
		waiting, err := api.QueueList.Do(l.t.Context(), l.person(), api.NameReq{})
		if err != nil {
			l.t.Fatal(err)
		}
		for _, e := range waiting {
			if e.State != refinery.EntryApprove || e.Green == nil {
				continue
			}
			if _, err := api.QueueApprove.Do(l.t.Context(), l.person(), api.ApproveReq{Bead: e.Bead}); err != nil {
				l.t.Logf("approve %s: %v", e.Bead, err)
			}
		}
		for id := range breaks {
			if as := l.bead(id).Attempts; len(as) < 2 || as[1].State != beads.Asking {
				return false
			}
		}
		return len(l.landed()) == landed
	})
}

// history is the last n changes up to the checkout's head, and the commit before them.
func (l *lab) history(n int) (base string, cs []change) {
	l.t.Helper()
	last := map[string]int{}
	for _, commit := range strings.Fields(l.git(l.src, "rev-list", "--reverse", "--first-parent", "--no-merges", fmt.Sprintf("-n%d", n), "HEAD")) {
		c := change{commit: commit, leaf: true}
		c.files = strings.Split(l.git(l.src, "diff-tree", "-r", "--no-commit-id", "--name-only", "--no-renames", commit), "\n")
		after := map[int]bool{}
		for _, f := range c.files {
			if j, ok := last[f]; ok {
				after[j] = true
				cs[j].leaf = false
			}
			last[f] = len(cs)
		}
		c.after = slices.Sorted(maps.Keys(after))
		cs = append(cs, c)
	}
	if len(cs) != n {
		l.t.Fatalf("the history has %d changes; want %d", len(cs), n)
	}
	return l.git(l.src, "rev-parse", cs[0].commit+"^"), cs
}

// makeHistory commits n changes to a dozen files, some to two at once, some that add or delete one.
func (l *lab) makeHistory(n int) {
	l.t.Helper()
	l.git(l.src, "init", "-q", "-b", "main")
	lines := strings.Repeat("a line\n", 9)
	for f := range 12 {
		l.write(fmt.Sprintf("src/f%d.txt", f), lines)
	}
	l.git(l.src, "add", ".")
	l.git(l.src, "commit", "-q", "-m", "start")
	for i := range n {
		f := fmt.Sprintf("f%d.txt", i*7%12)
		l.write("src/"+f, fmt.Sprintf("%s%d\n%s", lines, i, lines))
		if i%5 == 0 {
			l.write(fmt.Sprintf("src/f%d.txt", (i*7+3)%12), fmt.Sprintf("%d\n%s", i, lines))
		}
		if i%6 == 0 {
			l.write(fmt.Sprintf("src/new%d.txt", i), lines)
		}
		if i == n/2 {
			if err := os.Remove(filepath.Join(l.src, "new0.txt")); err != nil {
				l.t.Fatal(err)
			}
		}
		l.git(l.src, "add", "-A")
		l.git(l.src, "commit", "-q", "-m", fmt.Sprintf("change %d", i))
	}
}

// tellOnFailure says where the beads stand if the test fails.
func (l *lab) tellOnFailure(ids ...beads.ID) {
	l.t.Cleanup(func() {
		if !l.t.Failed() {
			return
		}
		for _, id := range ids {
			b := l.bead(id)
			l.t.Logf("%s %s, waits for %v", id, b.Status, b.BlockedBy)
			for _, a := range b.Attempts {
				l.t.Logf("  attempt %d %s: %s %s %s", a.N, a.State, a.Why, a.Question, a.Log)
			}
		}
		l.t.Logf("%+v", l.status().Problems)
	})
}
