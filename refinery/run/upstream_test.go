package run

import (
	"context"
	"strings"
	"testing"

	"gastown/internal/git"
	"gastown/refinery"
)

func (r *rig) originAt(tip string) {
	r.t.Helper()
	r.step(refinery.OriginAt{Tip: tip, From: "origin/main", Commits: 1})
}

// settle feeds what the runner answers until the queue rests.
func (r *rig) settle() {
	r.t.Helper()
	for r.q.Run != nil {
		r.step(r.next())
	}
}

func TestUpstreamFastForwards(t *testing.T) {
	r := newRig(t, "test -e theirs")
	tip := r.work(map[string]string{"theirs": "t"})
	r.originAt(tip)
	r.settle()
	if r.tip() != tip || r.q.Target != tip || r.q.Upstream != nil {
		t.Fatalf("main %s, tip %s: %+v", r.tip(), tip, r.q)
	}
}

func TestUpstreamMergesWithWhatLanded(t *testing.T) {
	r := newRig(t, "test -e theirs || test -e ours")
	r.submit("ma-1", r.work(map[string]string{"ours": "o"}))
	r.settle()
	landed := r.tip()
	tip := r.work(map[string]string{"theirs": "t"})
	r.originAt(tip)
	r.settle()
	log, err := r.repo.Log(context.Background(), git.LogOptions{From: r.tip(), Max: 1})
	if err != nil || len(log[0].Parents) != 2 || log[0].Parents[0] != landed || log[0].Parents[1] != tip || log[0].Author.Name != "Ada" || log[0].Message != "Merge what main gained at its origin\n\nUpstream: "+tip+"\n" {
		t.Fatalf("%+v %v", log, err)
	}
	r.originAt(tip) // told late: it is in
	r.settle()
	if r.tip() != log[0].Hash || r.q.Upstream != nil {
		t.Fatalf("%+v", r.q.Upstream)
	}
}

func TestUpstreamThatDoesNotFit(t *testing.T) {
	r := newRig(t, "test ! -e bad")
	r.originAt(r.work(map[string]string{"bad": "b"}))
	r.settle()
	if r.tip() != r.root || !strings.Contains(r.q.Upstream.Why, "is red") {
		t.Fatalf("%+v", r.q.Upstream)
	}
	r.submit("ma-1", r.work(map[string]string{"README.md": "ours\n"}))
	r.settle()
	landed := r.tip()
	r.originAt(r.work(map[string]string{"README.md": "theirs\n"}))
	r.settle()
	if r.tip() != landed || !strings.Contains(r.q.Upstream.Why, "conflict in README.md") {
		t.Fatalf("%+v", r.q.Upstream)
	}
	other := r.commit(nil, map[string]string{"README.md": "hello\n"})
	r.originAt(other)
	r.settle()
	if r.tip() != landed || !strings.Contains(r.q.Upstream.Why, "does not merge") {
		t.Fatalf("%+v", r.q.Upstream)
	}
	r.originAt(strings.Repeat("1", 40)) // lost from the repository: told again after the next fetch
	r.settle()
	if r.q.Upstream != nil {
		t.Fatalf("%+v", r.q.Upstream)
	}
}

func TestPublishOfAnUpstreamThatIsSomethingElse(t *testing.T) {
	r := newRig(t)
	tip, other := r.work(map[string]string{"a": "a"}), r.work(map[string]string{"b": "b"})
	tree, err := r.repo.TreeOf(context.Background(), other)
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range []refinery.Intent{
		{Old: r.root, New: other, Tree: tree, Upstream: tip},
		{Old: tip, New: other, Tree: tree, Upstream: other},
	} {
		if in.Old != r.root {
			if err := r.repo.UpdateRef(context.Background(), "refs/heads/main", tip, r.root, "test"); err != nil {
				t.Fatal(err)
			}
		}
		r.run.Do(context.Background(), refinery.Publish{Seq: 1, Branch: "main", Intent: in})
		if ev, ok := r.next().(refinery.PublishRefused); !ok {
			t.Fatalf("%+v", ev)
		}
	}
}
