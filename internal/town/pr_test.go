package town

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gastown/beads"
	"gastown/internal/api"
	"gastown/refinery"
)

// standIn is a program gh on a bare repository: what it needs to know of pull request N is in
// the directory N, and what it was asked for in the file asked.
const standIn = `#!/bin/sh
set -eu
cd %[1]q
echo "$1 $2" >> asked
[ ! -e logged-out ] || { echo "gh auth login" >&2; exit 4; }
hub=%[2]q
case "$1 $2" in
"pr create")
	n=$(($(ls -d [0-9]* 2>/dev/null | wc -l) + 1))
	mkdir $n; cat > $n/body; echo OPEN > $n/state
	while [ $# -gt 1 ]; do case "$1" in --head) echo "$2" > $n/head;; --title) echo "$2" > $n/title;; esac; shift; done
	[ ! -e die ] || { rm die; exit 1; }
	echo "https://forge.example/$n" ;;
"pr list")
	out=
	for d in [0-9]*; do
		if [ -e "$d/head" ] && [ "$(cat $d/head)" = "$4" ] && [ "$(cat $d/state)" = OPEN ]; then
			out="{\"number\":$d,\"url\":\"https://forge.example/$d\"}"
		fi
	done
	echo "[$out]" ;;
"pr close") echo CLOSED > $3/state ;;
"pr view")
	n=$3; merged=null
	[ ! -e $n/merged ] || merged="{\"oid\":\"$(cat $n/merged)\"}"
	printf '{"number":%%s,"url":"https://forge.example/%%s","state":"%%s","headRefOid":"%%s","mergeable":"UNKNOWN","mergeCommit":%%s,"comments":[%%s],"reviews":[],"statusCheckRollup":[%%s]}\n' \
		$n $n "$(cat $n/state)" "$(git -C "$hub" rev-parse "$(cat $n/head)")" "$merged" "$(cat $n/comments 2>/dev/null || true)" "$(cat $n/checks 2>/dev/null || true)" ;;
*) echo "unknown: $*" >&2; exit 1 ;;
esac
`

type forgeLab struct {
	*lab
	hub, ada, gh string
}

func newForge(t *testing.T) *forgeLab {
	l := newLab(t, "")
	f := &forgeLab{lab: l, gh: filepath.Join(l.root, "gh")}
	l.down()
	if err := os.MkdirAll(filepath.Join(l.root, "home", "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(f.gh, 0o755); err != nil {
		t.Fatal(err)
	}
	f.hub, f.ada = l.hub(redOnBad)
	l.write("home/bin/gh", fmt.Sprintf(standIn, f.gh, f.hub))
	data, err := os.ReadFile(filepath.Join(l.dir, "town.toml"))
	if err != nil {
		t.Fatal(err)
	}
	l.write("T/town.toml", strings.Replace(string(data), `deliver = "push"`, `deliver = "pr"`, 1))
	l.path = filepath.Join(l.root, "home", "bin")
	l.up()
	return f
}

// poll makes the host ask the forge now.
func (f *forgeLab) poll() {
	f.t.Helper()
	if _, err := api.RigDeliver.Do(f.t.Context(), f.person(), api.NameReq{Name: "app"}); err != nil {
		f.t.Fatal(err)
	}
}

// proposed waits until a bead's pull request is open.
func (f *forgeLab) proposed(id beads.ID, n int) {
	f.t.Helper()
	f.await("proposed", func() bool {
		b, err := api.BeadShow.Do(f.t.Context(), f.person(), api.BeadReq{Bead: id})
		q, qerr := api.QueueShow.Do(f.t.Context(), f.person(), api.BeadReq{Bead: id})
		return err == nil && qerr == nil && b.Status == beads.Submitted && b.PR == fmt.Sprintf("https://forge.example/%d", n) && q.PR == b.PR && q.State == refinery.EntryPR
	})
}

// merges is somebody who presses a button of the forge.
func (f *forgeLab) merges(n int, style string) {
	f.t.Helper()
	head := strings.TrimSpace(f.read(fmt.Sprintf("gh/%d/head", n)))
	f.git(f.ada, "fetch", "-q")
	f.git(f.ada, "reset", "-q", "--hard", "origin/main")
	switch style {
	case "squash":
		f.git(f.ada, "merge", "-q", "--squash", "origin/"+head)
		f.git(f.ada, "commit", "-q", "-m", "squashed")
	case "rebase":
		f.git(f.ada, "cherry-pick", "--allow-empty", "main..origin/"+head)
	default:
		f.git(f.ada, "merge", "-q", "--no-ff", "-m", "merged", "origin/"+head)
	}
	f.git(f.ada, "push", "-q", "origin", "HEAD:main")
	f.write(fmt.Sprintf("gh/%d/merged", n), f.git(f.ada, "rev-parse", "HEAD"))
	f.write(fmt.Sprintf("gh/%d/state", n), "MERGED")
}

func (f *forgeLab) read(name string) string {
	f.t.Helper()
	data, err := os.ReadFile(filepath.Join(f.root, name))
	if err != nil {
		f.t.Fatal(err)
	}
	return string(data)
}

func TestPullRequestsAreMergedInAnyStyle(t *testing.T) {
	f := newForge(t)
	for i, style := range []string{"merge", "squash", "rebase"} {
		id := f.create(style)
		f.sling(id)
		f.proposed(id, i+1)
		if style == "squash" { // nothing is asked for twice by a host that starts again
			f.down()
			f.up()
			f.poll()
		}
		if f.has(f.hub, "main", string(id)+".txt") {
			t.Error("main was pushed to")
		}
		f.merges(i+1, style)
		f.poll()
		f.awaitStatus(id, beads.Closed)
		b := f.bead(id)
		merged := strings.TrimSpace(f.read(fmt.Sprintf("gh/%d/merged", i+1)))
		if b.CloseReason != beads.CloseMerged+merged || f.git(f.repo(), "rev-parse", "main") != merged {
			t.Errorf("%s: %q, merged %s", style, b.CloseReason, merged)
		}
	}
	if n := strings.Count(f.read("gh/asked"), "pr create"); n != 3 {
		t.Errorf("pr create was called %d times", n)
	}
}

func TestPullRequestsComeBack(t *testing.T) {
	f := newForge(t)
	id := f.create("one")
	f.job(id, "cat > /dev/null < /dev/null; gastown prime > \"$OUT/task-$GASTOWN_ATTEMPT\"; echo $GASTOWN_ATTEMPT > one.txt; git add .; git commit -qm one; exec gastown done")
	f.sling(id)
	f.proposed(id, 1)
	f.write("gh/1/comments", `{"id":"c1","body":"please say two","author":{"login":"ada"}}`)
	f.poll()
	f.await("again", func() bool { as := f.bead(id).Attempts; return len(as) == 2 && as[1].State == beads.Delivered })
	f.proposed(id, 1) // the same one, and its comment counts once
	if task := f.read("jobs/task-2"); !strings.Contains(task, "please say two") || !strings.Contains(task, "ada wrote") {
		t.Errorf("task of the second attempt: %s", task)
	}
	f.poll()
	f.write("gh/1/checks", `{"name":"ci","status":"COMPLETED","conclusion":"FAILURE","detailsUrl":"https://ci.example/9"}`)
	f.poll()
	f.await("red checks", func() bool { as := f.bead(id).Attempts; return len(as) == 3 && as[2].State == beads.Delivered })
	if why := f.bead(id).Attempts[1].Why; !strings.Contains(why, "checks of its pull request fail: ci https://ci.example/9") {
		t.Error(why)
	}
	f.write("gh/1/checks", "")
	f.proposed(id, 1)
	f.write("gh/1/state", "CLOSED")
	f.poll()
	f.awaitStatus(id, beads.NeedsYou) // three times is a person's
	if why := f.bead(id).Attempts[2].Why; !strings.Contains(why, "closed without being merged") {
		t.Error(why)
	}
}

func TestTheForgeCannotBeReached(t *testing.T) {
	f := newForge(t)
	f.write("gh/logged-out", "")
	id := f.create("one")
	f.sling(id)
	f.await("told", func() bool {
		ps := f.status().Problems
		return len(ps) == 1 && strings.Contains(ps[0].What, "gh is not logged in")
	})
	if st := f.status(); st.Rigs[0].Refinery.State != refinery.Idle || f.bead(id).Status != beads.Submitted {
		t.Errorf("%+v", st.Rigs[0].Refinery)
	}
	if err := os.Remove(filepath.Join(f.gh, "logged-out")); err != nil {
		t.Fatal(err)
	}
	f.write("gh/die", "") // made over there, and the answer is lost
	f.poll()
	f.poll()
	f.proposed(id, 1)
	f.await("solved", func() bool { return len(f.status().Problems) == 0 })
}

func TestStrangersAreNotHeard(t *testing.T) {
	f := newForge(t)
	id := f.create("one")
	f.sling(id)
	f.proposed(id, 1)
	f.write("gh/1/comments", `{"id":"c1","body":"run this","author":{"login":"eve"},"authorAssociation":"NONE"}`)
	f.poll()
	f.poll()
	if as := f.bead(id).Attempts; len(as) != 1 {
		t.Fatalf("anybody's comment goes to an agent: %+v", as[0].Why)
	}
	f.write("gh/1/comments", `{"id":"c2","body":"please","author":{"login":"ada"},"authorAssociation":"MEMBER"}`)
	f.poll()
	f.await("again", func() bool { return len(f.bead(id).Attempts) == 2 })
}

func TestADroppedBeadTakesItsPullRequestAlong(t *testing.T) {
	f := newForge(t)
	id := f.create("one")
	f.job(id, "echo $GASTOWN_ATTEMPT > one.txt; git add .; git commit -qm one; exec gastown done")
	f.sling(id)
	f.proposed(id, 1)
	if _, err := api.QueueDrop.Do(t.Context(), f.person(), api.BeadReq{Bead: id}); err != nil {
		t.Fatal(err)
	}
	f.poll()
	if s := strings.TrimSpace(f.read("gh/1/state")); s != "CLOSED" {
		t.Fatalf("somebody may still merge it: %s", s)
	}
	// A new start that does not go on from the branch over there gets a branch of its own.
	tip := f.git(f.repo(), "commit-tree", "main^{tree}", "-p", "main", "-m", "another")
	f.git(f.repo(), "push", "-q", "-f", f.hub, tip+":refs/heads/gt/"+string(id))
	f.sling(id)
	f.proposed(id, 2)
	if h := strings.TrimSpace(f.read("gh/2/head")); h != "gt/"+string(id)+"-2" {
		t.Errorf("head %s", h)
	}
}
