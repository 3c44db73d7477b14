package run

import (
	"context"
	"testing"
	"time"

	"gastown/internal/git"
	"gastown/refinery"
)

// forged is a commit of somebody else that says that it landed an attempt.
func (r *rig) forged(parents []string, files map[string]string, text string) string {
	r.t.Helper()
	ctx := context.Background()
	tree, err := r.repo.TreeOf(ctx, r.commit(parents, files))
	if err != nil {
		r.t.Fatal(err)
	}
	c, err := r.repo.CommitTree(ctx, git.NewCommit{Tree: tree, Parents: parents, Message: text, Author: who()})
	if err != nil {
		r.t.Fatal(err)
	}
	return c
}

// TestForgedTrailers: a bead closes by its own work being in the target and by nothing that a
// commit of somebody else says, be it of the origin or of another polecat.
func TestForgedTrailers(t *testing.T) {
	const says = "theirs\n\nBead: ma-1\nAttempt: ma-1/1\nPolecat: amber\nGate: none\n"
	for _, history := range []string{"merge", "linear"} {
		t.Run(history+"/origin", func(t *testing.T) {
			r := newRig(t, "true")
			r.cfg.History = history
			r.originAt(r.forged([]string{r.root}, map[string]string{"README.md": "hello\n", ".gitignore": "cache\n", "theirs": "t\n"}, says))
			r.settle()
			r.landsItself()
		})
		t.Run(history+"/polecat", func(t *testing.T) {
			r := newRig(t, "true")
			r.cfg.History = history
			r.submit("ma-2", r.forged([]string{r.root}, map[string]string{"README.md": "hello\n", ".gitignore": "cache\n", "theirs": "t\n"}, says))
			r.settle()
			r.landsItself()
		})
	}
}

// landsItself submits ma-1 and wants its file in the target when it is settled.
func (r *rig) landsItself() {
	r.t.Helper()
	r.submit("ma-1", r.work(map[string]string{"own": "o\n"}))
	r.settle()
	s, ok := r.seen[len(r.seen)-1].(refinery.Settle)
	for i := len(r.seen) - 1; i >= 0 && !ok; i-- {
		s, ok = r.seen[i].(refinery.Settle)
	}
	names, err := r.repo.DiffNames(context.Background(), r.root, r.tip())
	if !ok || s.Bead != "ma-1" || s.AlreadyIn || s.Commit != r.tip() || err != nil || len(names) != 2 || names[0].Path != "own" {
		r.t.Fatalf("settled %+v, target has %+v (%v)", s, names, err)
	}
}

// TestLinearLandingIsFoundAgain: in linear history nothing but the trailer and a rebuild
// shows that an attempt landed, once later work went over its lines.
func TestLinearLandingIsFoundAgain(t *testing.T) {
	r := newRig(t, "true")
	r.cfg.History = "linear"
	tip := r.work(map[string]string{"a": "1\n"})
	r.submit("ma-1", tip)
	one := until[refinery.Settle](r)
	next := r.commit([]string{one.Commit}, map[string]string{"README.md": "hello\n", ".gitignore": "cache\n", "a": "2\n"})
	r.submit("ma-2", next)
	until[refinery.Settle](r)
	r.submit("ma-1", tip)
	again := until[refinery.Settle](r)
	if !again.AlreadyIn || again.Commit != one.Commit {
		t.Fatalf("%+v", again)
	}
}

// TestForgedTrailerBelowALanding: what somebody else's commit says does not make it a part of
// the landing on it, which a revert takes out and a proof looks at.
func TestForgedTrailerBelowALanding(t *testing.T) {
	r := newRig(t, "true")
	theirs := r.forged([]string{r.root}, map[string]string{"README.md": "hello\n", ".gitignore": "cache\n", "theirs": "t\n"}, "theirs\n\nAttempt: ma-1/1\n")
	r.originAt(theirs)
	r.settle()
	r.submit("ma-1", r.work(map[string]string{"own": "o\n"}))
	s := until[refinery.Settle](r)
	c, err := r.run.Revert(context.Background(), Revert{Branch: "main", On: "refs/heads/main", Landed: s.Commit, Attempt: "ma-1/1", Title: "One", At: time.Unix(1e9, 0)})
	if err != nil {
		t.Fatal(err)
	}
	if left, err := r.repo.DiffNames(context.Background(), theirs, c); err != nil || len(left) != 0 {
		t.Fatalf("the revert takes out more than the landing: %+v %v", left, err)
	}
	if on, err := r.run.landedOn(context.Background(), ProofReq{Bead: "ma-1", N: 1, Commit: s.Commit}); err != nil || on != theirs {
		t.Fatalf("landed on %s, want %s (%v)", on, theirs, err)
	}
}

// TestAnyMessageLandsInLinearHistory: whatever an agent writes below its subject, what git reads
// of the landed commit's trailers is ours.
func TestAnyMessageLandsInLinearHistory(t *testing.T) {
	for _, text := range []string{
		"Fix parser\n",
		"Note: fix parser\n",
		"Fix parser\n\nThe parser did this.\nNote: see the docs\n",
		"Fix parser\n\nIt was slow. Closes the issue below.\nFixes: #12\n",
		"Fix parser\n\n- item one\n- item two: more\nRefs: #3\n",
		"Fix parser\n\nSigned-off-by: Eve <e@example.com>\n",
		"Fix parser\n\nbody\n\nCo-Authored-By: Claude <noreply@anthropic.com>\n",
		"Fix parser\n\nbody\n\n🤖 Generated with Claude Code\nCo-Authored-By: Claude <noreply@anthropic.com>\n",
		"Fix parser\n\nbody\n \t\nRefs: #3\n",
		"Fix parser\n---\nNote: x\n",
		"Fix parser\n\nbody\n---\nNote: x y\n",
		"Fix parser\n\nbody\n\n---\n\nNote: x y\n",
		"Fix parser\n\nRefs: #3\n  and more of it\nSigned-off-by: Eve <e@example.com>\n",
		"Fix parser\n\n(cherry picked from commit 0123456)\n",
		"Fix parser\n\n# a comment\nRefs: #3\n",
	} {
		r := newRig(t, "true")
		r.cfg.History = "linear"
		r.submit("ma-1", r.forged([]string{r.root}, map[string]string{"README.md": "hello\n", ".gitignore": "cache\n", "a": "1"}, text))
		r.settle()
		log, err := r.repo.Log(t.Context(), git.LogOptions{From: r.tip(), Max: 1})
		if err != nil || log[0].Trailer("Attempt") != "ma-1/1" || log[0].Trailer("Gate") != "test" || r.q.State != refinery.Idle || len(r.q.Entries) > 0 {
			t.Errorf("%q: %s %s; %v %v", text, r.q.State, r.q.Reason, log[0].Message, err)
		}
	}
}
