package run

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gastown/internal/proc"
	"gastown/refinery"
)

// bad is a change whose gate behaves in a certain way: the script runs where the file
// "bad" is.
type bad struct {
	name, script string
	want         refinery.Outcome // of the bead that has it
	short        bool             // the gate's timeout
}

// behaviours are those of reliability.md E8.
func behaviours() []bad {
	return []bad{
		{"hang", "sleep 1000", refinery.TimedUp, true},
		{"hang with a grandchild holding stdout", "sleep 1000 & sleep 1000", refinery.TimedUp, true},
		{"ignores TERM", "trap '' TERM INT HUP QUIT; while :; do sleep 1000; done", refinery.TimedUp, true},
		{"1 GB of output", "head -c 1073741824 /dev/zero; exit 1", refinery.Fail, false},
		{"forks 500", "i=0; while [ $i -lt 500 ]; do i=$((i+1)); sleep 1000 & done; exit 1", refinery.Fail, false},
		{"exit 126", "./README.md", refinery.Broken, false},
		{"exit 127", "no-such-program", refinery.Broken, false},
		{"exit 137", "sh -c 'kill -9 $$'; exit $?", refinery.Infra, false},
		{"exit 139", "exit 139", refinery.Fail, false}, // a crash: red after one retry
		{"flips", `test -e "$FLIP/$(basename "$PWD")" || { : > "$FLIP/$(basename "$PWD")"; exit 1; }`, refinery.Pass, false},
		{"deletes its worktree", `rm -rf "$PWD"; exit 1`, refinery.Fail, false},
		{"edits .git", "echo gitdir: /nonexistent > .git; exit 1", refinery.Fail, false},
		{"kills its parent group", "kill -9 0", refinery.Infra, false},
		{"daemonises", "setsid sleep 1000 >/dev/null 2>&1 & exit 1", refinery.Fail, false},
		{"reads stdin", "if read x; then exit 0; fi; exit 1", refinery.Fail, false},
		{"binary output", "head -c 100000 /dev/urandom; exit 1", refinery.Fail, false},
		{"dies of a signal like an OOM kill", "kill -9 $$", refinery.Infra, false},
		{"prints for ever", "yes gastown", refinery.TimedUp, true},
	}
}

// TestBehaviours: a bead whose gate misbehaves, alone in the queue and as one of three. The others
// land, nobody else is blamed, what gives no verdict stands aside, the queue goes on with what comes
// later, and within 2 s of the end of each gate no process of it is left.
func TestBehaviours(t *testing.T) {
	for _, b := range behaviours() {
		t.Run(b.name+"/alone", func(t *testing.T) {
			t.Parallel()
			misbehave(t, b, []string{"ma-1"}, map[refinery.Outcome]string{
				refinery.Pass:    "landed ma-1, back , aside ",
				refinery.Fail:    "landed , back ma-1, aside ",
				refinery.TimedUp: "landed , back ma-1, aside ",
				refinery.Broken:  "landed , back , aside ma-1", // nobody is blamed, a person looks
				refinery.Infra:   "landed , back , aside ma-1",
			}[b.want], "ma-1")
		})
		t.Run(b.name+"/in a batch", func(t *testing.T) {
			t.Parallel()
			misbehave(t, b, []string{"ma-1", "ma-2", "ma-3"}, map[refinery.Outcome]string{
				refinery.Pass:    "landed ma-1 ma-2 ma-3, back , aside ",
				refinery.Fail:    "landed ma-1 ma-3, back ma-2, aside ",
				refinery.TimedUp: "landed ma-1 ma-3, back ma-2, aside ",
				refinery.Broken:  "landed ma-1 ma-3, back , aside ma-2",
				refinery.Infra:   "landed ma-1 ma-3, back , aside ma-2",
			}[b.want], "ma-2")
		})
	}
}

// misbehave submits the beads together, of which culprit brings the behaviour, and looks at what
// comes of them; a good bead submitted last always lands.
func misbehave(t *testing.T, b bad, ids []string, want, culprit string) {
	flip := t.TempDir()
	r := newRig(t, fmt.Sprintf("FLIP=%q; if test -f bad; then %s\nfi", flip, b.script))
	r.cfg.Confirm = true
	if b.short {
		r.cfg.Gates[0].Timeout = 700 * time.Millisecond
	}
	// The target is known to be green.
	tree, err := r.repo.TreeOf(t.Context(), r.root)
	if err != nil {
		t.Fatal(err)
	}
	r.q.Verdicts = []refinery.Verdict{{Tree: tree, Key: r.q.Key(r.cfg.Gates), Outcome: refinery.Pass, Runs: 1, At: time.Now()}}
	var tips []string
	for _, id := range ids {
		files := map[string]string{id + ".txt": "x"}
		if id == culprit {
			files["bad"] = ""
		}
		tips = append(tips, r.work(files))
	}
	r.together(tips...)
	if got := outcomes(r); got != want {
		t.Fatalf("%s; want %s; %q", got, want, r.q.Reason)
	}
	r.submit("ma-9", r.work(map[string]string{"9.txt": "x"}))
	_, still, _ := strings.Cut(want, ", aside ")
	if got := outcomes(r); got != "landed ma-9, back , aside "+still || r.q.State != refinery.Idle {
		t.Fatalf("afterwards %s; %s %q", got, r.q.State, r.q.Reason)
	}
}

// outcomes runs the loop to its rest, looking for processes after each gate.
func outcomes(r *rig) string {
	r.t.Helper()
	var landed, back, aside []string
	take := func() {
		for _, e := range r.seen {
			switch e := e.(type) {
			case refinery.Settle:
				landed = append(landed, string(e.Bead))
			case refinery.SendBack:
				back = append(back, string(e.Bead))
			}
		}
		r.seen = nil
	}
	take()
	for r.q.Run != nil {
		ev := r.next()
		if _, ok := ev.(refinery.GateDone); ok {
			if left := leftOf(r); left > 0 {
				r.t.Fatalf("%d processes of a gate are left after its end", left)
			}
			if dirs, _ := filepath.Glob(filepath.Join(r.run.TempDir, "gastown-gate-*")); len(dirs) > 0 {
				r.t.Fatalf("TMPDIR is left: %v", dirs)
			}
		}
		r.step(ev)
		take()
	}
	for _, e := range r.q.Entries {
		if e.State == refinery.EntryHeld && e.Why != "" {
			aside = append(aside, string(e.Bead))
		}
	}
	return fmt.Sprintf("landed %s, back %s, aside %s", strings.Join(landed, " "), strings.Join(back, " "), strings.Join(aside, " "))
}

func leftOf(r *rig) (n int) {
	for _, s := range r.begun {
		n += proc.KillMarked(s.Marker)
	}
	r.begun = nil
	return n
}
