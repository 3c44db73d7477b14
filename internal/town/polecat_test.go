package town

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"gastown/beads"
	"gastown/internal/api"
	"gastown/internal/fault"
)

// messy leaves every kind of uncommitted work on top of a commit, tells, and stays.
const messy = `
echo base > base.txt; git add base.txt; git commit -q -m wip
echo two >> README.md
echo staged > staged.txt; git add staged.txt
echo more >> staged.txt
rm base.txt
mkdir -p deep/er; echo 'a b' > 'deep/er/new file'; chmod +x 'deep/er/new file'
echo ignored > lost.tmp
git status --porcelain=v1 -uall | tell status
(cat README.md staged.txt 'deep/er/new file'; git show :staged.txt) | tell content
exec sleep 1000
`

// seen tells what is in the worktree the way messy did, as attempt N's.
const seen = `
git status --porcelain=v1 -uall | tell status$GASTOWN_ATTEMPT
test -x 'deep/er/new file'
(cat README.md staged.txt 'deep/er/new file'; git show :staged.txt) | tell content$GASTOWN_ATTEMPT
pwd | tell at$GASTOWN_ATTEMPT
gastown prime | tell prime$GASTOWN_ATTEMPT
exec sleep 1000
`

func TestKillKeepsTheWorkAndUndoBringsItBack(t *testing.T) {
	l := newLab(t, "")
	id := l.create("messy")
	l.job(id, messy)
	if s := l.sling(id); s[0].Polecat != "toast" {
		t.Fatalf("slung: %+v", s)
	}
	status, content := l.told("status"), l.told("content")

	got, err := api.PolecatKill.Do(t.Context(), l.person(), api.KillReq{Name: "toast"})
	if err != nil {
		t.Fatal(err)
	}
	if got.Rescue != beads.RescueRef(id, 1) || got.Stopped == 0 || !slices.Equal(got.Lost, []string{"lost.tmp"}) || len(got.Kept) != 4 {
		t.Errorf("killed: %+v", got)
	}
	l.gone()
	if b := l.bead(id); b.Status != beads.Open || b.Sling != nil {
		t.Errorf("after the kill the bead is %s, slung %v", b.Status, b.Sling)
	}

	l.job(id, seen)
	if _, err := api.Undo.Do(t.Context(), l.person(), api.Empty{}); err != nil {
		t.Fatal(err)
	}
	if s, c := l.told("status2"), l.told("content2"); s != status || c != content {
		t.Errorf("undone:\n%s\n%s\nwant:\n%s\n%s", s, c, status, content)
	}
	if at := l.told("at2"); at != l.wt("toast") {
		t.Errorf("undone in %s", at)
	}

	// Once more, by restore and after a restart of the host.
	if _, err := api.PolecatKill.Do(t.Context(), l.person(), api.KillReq{Name: string(id)}); err != nil {
		t.Fatal(err)
	}
	l.down()
	l.up()
	if _, err := api.RescueRestore.Do(t.Context(), l.person(), api.RescueReq{What: string(id)}); err != nil {
		t.Fatal(err)
	}
	if s, c := l.told("status3"), l.told("content3"); s != status || c != content {
		t.Errorf("restored:\n%s\n%s\nwant:\n%s\n%s", s, c, status, content)
	}
	if a := l.attempt(id); a.Base != l.git(l.repo(), "rev-parse", "main") {
		t.Errorf("base %s is not main", a.Base)
	}
}

func TestRescueShowHasAllAndRestoreSaysWhyNot(t *testing.T) {
	l := newLab(t, "")
	id := l.create("half done")
	l.job(id, "echo half > half.txt; git add .; git commit -qm 'half of it'; echo rest > rest.txt; echo here | tell ready; exec sleep 1000")
	l.sling(id)
	l.told("ready")
	if _, err := api.PolecatKill.Do(t.Context(), l.person(), api.KillReq{Name: "toast"}); err != nil {
		t.Fatal(err)
	}
	got, err := api.RescueShow.Do(t.Context(), l.person(), api.RescueReq{What: string(id)})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"/1 of toast, killed: 1 commit beyond ", " half of it\n", "1 path not committed\n", "  not committed: rest.txt\n", "+half\n", "+rest\n"} {
		if !strings.Contains(got.Text, want) {
			t.Errorf("no %q in:\n%s", want, got.Text)
		}
	}
	restore := func() error {
		_, err := api.RescueRestore.Do(t.Context(), l.person(), api.RescueReq{What: string(id)})
		return err
	}
	if err := restore(); err != nil {
		t.Fatal(err)
	}
	if err := restore(); !fault.Is(err, fault.Refused) || !strings.Contains(fault.From(err).Hint, "gastown polecat kill toast") {
		t.Errorf("restored while it is worked on: %v", err)
	}
	if _, err := api.PolecatKill.Do(t.Context(), l.person(), api.KillReq{Name: "toast"}); err != nil {
		t.Fatal(err)
	}
	if _, err := api.BeadClose.Do(t.Context(), l.person(), api.BeadCloseReq{Bead: id, Reason: "no more"}); err != nil {
		t.Fatal(err)
	}
	if err := restore(); !fault.Is(err, fault.Refused) || err.Error() != "restore "+string(id)+": it is closed" || !strings.Contains(fault.From(err).Hint, "gastown bead reopen "+string(id)) {
		t.Errorf("restored a closed bead: %v", err)
	}
}

func TestUndoIsOfThatAttemptAlone(t *testing.T) {
	l := newLab(t, "")
	id := l.create("twice")
	l.job(id, "echo old > old.txt; echo 1 | tell one; exec sleep 1000")
	l.sling(id)
	l.told("one")
	kill := func() {
		t.Helper()
		if _, err := api.PolecatKill.Do(t.Context(), l.person(), api.KillReq{Name: "toast"}); err != nil {
			t.Fatal(err)
		}
	}
	kill()
	l.job(id, "(git status --short; echo .) | tell two$GASTOWN_ATTEMPT; exec sleep 1000")
	l.sling(id)
	if got := l.told("two2"); got != "." {
		t.Errorf("a sling after a kill starts with %s", got)
	}
	kill() // it has nothing to keep
	if _, err := api.Undo.Do(t.Context(), l.person(), api.Empty{}); err != nil {
		t.Fatal(err)
	}
	if got := l.told("two3"); got != "." {
		t.Errorf("the undo brought %s back, of an attempt before", got)
	}
	if msg := l.undo(); !strings.Contains(msg, "undid the sling of") {
		t.Errorf("a second undo is of the action before: %q", msg)
	}
}

func TestReassignHandsTheWorkOver(t *testing.T) {
	l := newLab(t, "")
	id := l.create("messy")
	l.job(id, messy)
	l.sling(id)
	status := l.told("status")
	l.told("content")
	l.job(id, seen)
	s, err := api.PolecatReassign.Do(t.Context(), l.person(), api.ReassignReq{Name: "toast", Note: "mind the edges"})
	if err != nil {
		t.Fatal(err)
	}
	if s.Polecat == "toast" || s.Polecat == "" || s.Attempt != 2 {
		t.Errorf("reassigned: %+v", s)
	}
	if got := l.told("status2"); got != status {
		t.Errorf("handed over:\n%s\nwant:\n%s", got, status)
	}
	if got := l.told("prime2"); !strings.Contains(got, "Taken over from toast: mind the edges") {
		t.Errorf("prime: %s", got)
	}
	if a := l.bead(id).Attempts[0]; a.State != beads.Killed || a.Worktree != "" {
		t.Errorf("attempt 1: %+v", a)
	}
}

func TestPrimeSaysWhyTheAttemptBeforeEnded(t *testing.T) {
	l := newLab(t, "")
	id := l.create("again")
	l.job(id, `[ $GASTOWN_ATTEMPT != 1 ] || { echo boom; exit 3; }
gastown prime | tell prime$GASTOWN_ATTEMPT
exec sleep 1000`)
	l.sling(id)
	if got := l.told("prime2"); !strings.Contains(got, "Attempt 1 (toast) did not finish: ended without gastown done (exit 3); it last printed: boom") {
		t.Errorf("after a crash: %s", got)
	}
	if _, err := api.PolecatKill.Do(t.Context(), l.person(), api.KillReq{Name: "toast", Reason: "off the track"}); err != nil {
		t.Fatal(err)
	}
	l.sling(id)
	if got := l.told("prime3"); !strings.Contains(got, "Attempt 2 (toast) was stopped: off the track") || strings.Contains(got, "boom") {
		t.Errorf("after a kill: %s", got)
	}
}

func TestRestartGoesOnInTheSameWorktree(t *testing.T) {
	l := newLab(t, `setup = "echo x >> ../setups"`)
	id := l.create("again")
	l.job(id, "echo $$ >> pids; wc -l < pids | tell starts; exec sleep 1000")
	l.sling(id)
	if got := l.told("starts"); got != "1" {
		t.Fatalf("starts: %s", got)
	}
	l.awaitState(id, 1, beads.Running)
	if _, err := api.PolecatRestart.Do(t.Context(), l.person(), api.NameReq{Name: "toast"}); err != nil {
		t.Fatal(err)
	}
	l.await("started twice", func() bool { return l.told("starts") == "2" })
	l.awaitState(id, 1, beads.Running)
	pids, err := os.ReadFile(filepath.Join(l.wt("toast"), "pids"))
	if err != nil {
		t.Fatal(err)
	}
	if left := alive(string(pids)); len(left) != 1 {
		t.Errorf("alive: %v of %q", left, pids)
	}
	if data, err := os.ReadFile(filepath.Join(l.dir, "rigs", "app", "wt", "setups")); err != nil || string(data) != "x\n" {
		t.Errorf("setup ran %q (%v)", data, err)
	}
	if err := os.Remove(filepath.Join(l.dir, "rigs", "app", "wt", "setups")); err != nil {
		t.Fatal(err)
	}
}

// TestAGitThatWasKilledLocksNothing: an agent that dies in the midst of a commit leaves git's lock files.
func TestAGitThatWasKilledLocksNothing(t *testing.T) {
	l := newLab(t, "")
	id := l.create("locked")
	l.job(id, `echo x > x
for f in "$(git rev-parse --git-path index)" "$(git rev-parse --git-path HEAD)" "$(git rev-parse --git-path "$(git symbolic-ref HEAD)")"; do : > "$f.lock"; done
echo . | tell locked$GASTOWN_ATTEMPT
exec sleep 1000
`)
	l.sling(id)
	l.told("locked1")
	l.awaitState(id, 1, beads.Running)
	l.job(id, "git add x; git commit -q -m x; exec gastown done")
	if _, err := api.PolecatRestart.Do(t.Context(), l.person(), api.NameReq{Name: "toast"}); err != nil {
		t.Fatal(err)
	}
	l.awaitStatus(id, beads.Closed)
	if n := len(l.bead(id).Attempts); n != 1 {
		t.Errorf("%d attempts", n)
	}
	l.gone()
}

// TestADeletedWorktreeEndsLikeAnyOther: somebody deletes the directory under a polecat. Its commits and
// its index are kept, whether a person ends it or the next host finds it.
func TestADeletedWorktreeEndsLikeAnyOther(t *testing.T) {
	kill := func(l *lab) {
		if _, err := api.PolecatKill.Do(l.t.Context(), l.person(), api.KillReq{Name: "toast"}); err != nil {
			l.t.Fatal(err)
		}
	}
	ends := map[string]func(l *lab){
		"kill": kill,
		"restart": func(l *lab) {
			if _, err := api.PolecatRestart.Do(l.t.Context(), l.person(), api.NameReq{Name: "toast"}); err != nil {
				l.t.Fatal(err)
			}
			l.await("the agent is at work again", func() bool { return l.told("starts") == "2" })
			kill(l)
		},
		"another host": func(l *lab) {
			l.down()
			l.up()
		},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, "")
			id := l.create("deleted")
			l.job(id, `test -e committed || { echo c > committed; git add committed; git commit -q -m c; echo s > staged; git add staged; }
echo . >> "$(git rev-parse --git-dir)/starts"
wc -l < "$(git rev-parse --git-dir)/starts" | tell starts
exec sleep 1000
`)
			l.sling(id)
			l.told("starts")
			l.awaitState(id, 1, beads.Running)
			if err := os.RemoveAll(l.wt("toast")); err != nil {
				t.Fatal(err)
			}
			end(l)
			if got := l.git(l.repo(), "ls-tree", "--name-only", beads.RescueRef(id, 1)); !strings.Contains(got, "committed") || !strings.Contains(got, "staged") {
				t.Errorf("kept: %q", got)
			}
		})
	}
}

func TestAnAttemptThatLostItsWorktreeSaysSo(t *testing.T) {
	l := newLab(t, "")
	id := l.create("deletes itself")
	l.job(id, `if [ "$GASTOWN_ATTEMPT" = 1 ]; then rm -rf "$PWD"; exit 3; fi; echo x > x; git add x; git commit -q -m x; exec gastown done`)
	l.sling(id)
	l.awaitStatus(id, beads.Closed)
	if why := l.bead(id).Attempts[0].Why; !strings.HasPrefix(why, "lost its worktree, which was deleted, and ended (exit 3)") {
		t.Errorf("why: %q", why)
	}
	l.gone()
}

func TestNothingOfAStubbornAgentIsLeft(t *testing.T) {
	l := newLab(t, "")
	id := l.create("stubborn")
	l.job(id, `trap '' TERM HUP INT
sh -c 'trap "" TERM; while :; do sleep 100; done' & p1=$!
setsid sh -c 'echo $$ | tell own; exec sleep 1000' &
(setsid sh -c 'echo $$ | tell orphan; exec env -i sleep 1000' &)
echo "$$ $p1" | tell pids
while :; do sleep 100; done
`)
	l.sling(id)
	pids := l.told("pids") + " " + l.told("own") + " " + l.told("orphan")
	if len(alive(pids)) != 4 {
		t.Fatalf("alive: %v of %s", alive(pids), pids)
	}
	got, err := api.PolecatKill.Do(t.Context(), l.person(), api.KillReq{Name: "toast"})
	if err != nil {
		t.Fatal(err)
	}
	if left := alive(pids); len(left) > 0 || got.Stopped < 4 {
		t.Errorf("alive: %v; stopped %d", left, got.Stopped)
	}
	l.gone()
}

func TestAnAgentThatKeepsFailingWaitsForThePerson(t *testing.T) {
	l := newLab(t, "")
	id := l.create("bad")
	l.job(id, "echo one; echo 'no such tool: frobnicate'; exit 7")
	l.sling(id)
	l.awaitStatus(id, beads.NeedsYou)
	b := l.bead(id)
	if len(b.Attempts) != 3 || !strings.Contains(b.Reason, "3 attempts in a row failed; the last ended without gastown done (exit 7); it last printed: no such tool: frobnicate") {
		t.Errorf("%d attempts, reason %q", len(b.Attempts), b.Reason)
	}
	for _, a := range b.Attempts {
		if a.State != beads.Lost || !strings.Contains(a.Exit, "frobnicate") {
			t.Errorf("attempt %d: %s, %q", a.N, a.State, a.Exit)
		}
	}
	l.awaitNobody()
	if st := l.status(); len(st.Problems) != 1 || st.Problems[0].Bead != id {
		t.Errorf("problems: %+v", st.Problems)
	}
	// A person slings it anew: the count begins at nought.
	l.job(id, "echo x > x; git add x; git commit -q -m x; exec gastown done")
	l.sling(id)
	l.awaitStatus(id, beads.Closed)
	l.gone()
}

func TestTheLastPrintedLineIsWhole(t *testing.T) {
	for _, c := range []struct {
		rows []string
		want string
	}{
		{nil, ""},
		{[]string{"", "  "}, ""},
		{[]string{"one", "two", ""}, "two"},
		{[]string{"before", "no such fi", "le"}, "no such file"},
		{[]string{"╰────────╯", "? for help"}, "? for help"},
		{[]string{"aaaaaaaaaa", "bbbbbbbbbb", "c"}, "aaaaaaaaaabbbbbbbbbbc"},
	} {
		if got := lastPrinted(c.rows, 10); got != c.want {
			t.Errorf("%q: %q, want %q", c.rows, got, c.want)
		}
	}
}

func TestBreakerStopsAPresetUntilASling(t *testing.T) {
	l := newLab(t, "")
	var ids []beads.ID
	for range 4 {
		id := l.create("quick end")
		l.job(id, "exit 1")
		ids = append(ids, id)
	}
	l.sling(ids[:3]...)
	l.await("the breaker opens", func() bool {
		return slices.ContainsFunc(l.status().Problems, func(p api.Problem) bool { return p.Key == "breaker/mine" })
	})
	if why, err := api.Why.Do(t.Context(), l.person(), api.BeadReq{Bead: ids[0]}); err != nil || !strings.Contains(why.Why, "agent mine failed to start") {
		t.Errorf("why: %+v, %v", why, err)
	}
	n := len(l.bead(ids[0]).Attempts)
	l.job(ids[3], "echo x > x; git add x; git commit -q -m x; exec gastown done")
	l.sling(ids[3])
	l.awaitStatus(ids[3], beads.Closed)
	if slices.ContainsFunc(l.status().Problems, func(p api.Problem) bool { return p.Key == "breaker/mine" }) {
		t.Error("the breaker's notice stays after a sling")
	}
	l.await("the others go on", func() bool { return len(l.bead(ids[0]).Attempts) > n || l.bead(ids[0]).Status == beads.NeedsYou })
}

// blockingSetup tells that it runs and waits for the file go.
const blockingSetup = `setup = "echo $GASTOWN_ATTEMPT > ../../../../../jobs/.s; mv ../../../../../jobs/.s ../../../../../jobs/setup; while ! [ -e ../../../../../jobs/go ]; do sleep 0.02; done"`

func TestKillWhileTheStartIsUnderWay(t *testing.T) {
	l := newLab(t, blockingSetup)
	id := l.create("slow start")
	l.sling(id)
	l.told("setup")
	if a := l.attempt(id); a.State != beads.Starting {
		t.Errorf("state %s", a.State)
	}
	got, err := api.PolecatKill.Do(t.Context(), l.person(), api.KillReq{Name: "toast"})
	if err != nil || got.Rescue != "" {
		t.Errorf("killed: %+v, %v", got, err)
	}
	l.gone()
	l.write("jobs/go", "")
	if _, err := api.Undo.Do(t.Context(), l.person(), api.Empty{}); err != nil {
		t.Fatal(err)
	}
	l.awaitStatus(id, beads.Closed)
	l.gone()
}

func TestRestartAndDownWhileTheStartIsUnderWay(t *testing.T) {
	l := newLab(t, blockingSetup)
	id := l.create("slow start")
	l.sling(id)
	l.told("setup")
	l.write("jobs/setup", "")
	if _, err := api.PolecatRestart.Do(t.Context(), l.person(), api.NameReq{Name: "toast"}); err != nil {
		t.Fatal(err)
	}
	if got := l.told("setup"); got != "1" {
		t.Errorf("attempt %s", got)
	}
	l.down()
	l.write("jobs/go", "")
	l.up()
	l.awaitStatus(id, beads.Closed)
	if n := len(l.bead(id).Attempts); n != 2 {
		t.Errorf("%d attempts", n)
	}
	l.gone()
}

func TestRequestsRace(t *testing.T) {
	l := newLab(t, "")
	id := l.create("busy")
	l.job(id, "exec sleep 1000")
	l.sling(id)
	l.awaitState(id, 1, beads.Running)
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Go(func() {
			var err error
			if i%4 == 3 {
				_, err = api.PolecatKill.Do(t.Context(), l.person(), api.KillReq{Name: string(id)})
			} else {
				_, err = api.PolecatRestart.Do(t.Context(), l.person(), api.NameReq{Name: string(id)})
			}
			if err != nil && !fault.Is(err, fault.Refused) && !fault.Is(err, fault.NotFound) {
				t.Errorf("request: %v", err)
			}
		})
	}
	wg.Wait() // everybody is answered
	if s := l.attempt(id).State; s == beads.Lost {
		t.Error("a restart lost the attempt")
	}
	if l.attempt(id).State.Live() {
		if _, err := api.PolecatKill.Do(t.Context(), l.person(), api.KillReq{Name: string(id)}); err != nil {
			t.Fatal(err)
		}
	}
	l.gone()
}

func TestAnOldTokenChangesNothing(t *testing.T) {
	l := newLab(t, "")
	id := l.create("stale")
	l.job(id, "echo x > x; git add x; git commit -q -m x; echo $GASTOWN_TOKEN | tell token; exec sleep 1000")
	l.sling(id)
	token := l.told("token")
	if _, err := api.PolecatKill.Do(t.Context(), l.person(), api.KillReq{Name: "toast"}); err != nil {
		t.Fatal(err)
	}
	for verb, req := range map[string]any{
		api.Done.Name(): api.DoneReq{}, api.Escalate.Name(): api.EscalateReq{Text: "may I?"}, api.Remember.Name(): api.TextReq{Text: "I was here"},
	} {
		if _, err := l.town.DoToken(t.Context(), token, verb, req); !fault.Is(err, fault.Refused) {
			t.Errorf("%s: %v", verb, err)
		}
	}
	if got := l.git(l.repo(), "for-each-ref", "--format=%(refname)", "refs/gt/keep"); got != "" {
		t.Errorf("refs: %s", got)
	}
	l.gone()
}

func TestDoneSaysWhatToDo(t *testing.T) {
	l := newLab(t, "")
	id := l.create("careless")
	l.job(id, "SRC='"+l.src+"'\n"+`try() { code=0; said=$(gastown done 2>&1) || code=$?; printf '%s\n%s\n' "$said" "$code" | tell $1; test $code != 0; }
try nothing
echo x > x; try untracked
git add x; try staged
git commit -q -m x; git switch -q -c other; try branch
git switch -q -; git branch -q -D other
blob=$(git rev-parse HEAD:x); file=$(git rev-parse --git-common-dir)/objects/$(echo $blob | sed 's|^..|&/|'); mv $file kept.tmp; try lost
: > $file; try empty; rm -f $file; mv kept.tmp $file
ln -s /etc away; git add away; git commit -q -m away; try link; git rm -q away; git commit -q -m "no link"
echo x > X; git add X; git commit -q -m X; git -C "$SRC" config core.ignoreCase true; try case
git -C "$SRC" config core.ignoreCase false
exec gastown done
`)
	l.sling(id)
	l.awaitStatus(id, beads.Closed)
	for name, want := range map[string]string{
		"nothing": "no commit beyond the base", "untracked": "new and not committed: x", "staged": "changed but not committed: x", "branch": "the worktree is on other",
		"lost": "has lost a part of your commits", "empty": "is empty",
		"link": "the link away leads out of the repository, to /etc", "case": "X and x differ in case only",
	} {
		if got := l.told(name); !strings.Contains(got, want) || !strings.HasSuffix(got, "\n4") {
			t.Errorf("%s: %s", name, got)
		}
	}
	l.gone()
}

func TestEscalateWaitsForTheAnswer(t *testing.T) {
	l := newLab(t, "")
	id := l.create("asks")
	l.job(id, `gastown escalate --wait 30s "which unit?" > unit; git add unit; git commit -q -m unit; exec gastown done`)
	l.sling(id)
	l.awaitState(id, 1, beads.Asking)
	if st := l.status(); len(st.Problems) != 1 || !strings.Contains(st.Problems[0].What, "which unit?") || st.Polecats[0].Question != "which unit?" {
		t.Errorf("status: %+v", st)
	}
	if _, err := api.PolecatAnswer.Do(t.Context(), l.person(), api.AnswerReq{Name: "toast", Text: "knots"}); err != nil {
		t.Fatal(err)
	}
	l.awaitStatus(id, beads.Closed)
	if got := l.git(l.repo(), "show", "main:unit"); got != "knots" {
		t.Errorf("answer: %q", got)
	}
	l.gone()
}
