package run

import (
	"context"
	"strings"
	"testing"
	"time"

	"gastown/internal/fault"
	"gastown/refinery"
)

func TestRevert(t *testing.T) {
	for _, history := range []string{"merge", "linear"} {
		t.Run(history, func(t *testing.T) {
			r := newRig(t, "true")
			r.cfg.History = history
			ctx := context.Background()
			first := r.work(map[string]string{"a.txt": "1\n"})
			tip := r.commit([]string{first}, map[string]string{"README.md": "hello\n", ".gitignore": "cache\n", "a.txt": "1\n", "b.txt": "1\n"})
			r.submit("ma-1", tip) // two commits
			one := until[refinery.Settle](r)
			r.submit("ma-2", r.work(map[string]string{"c.txt": "c\n"}))
			two := until[refinery.Settle](r)
			v := Revert{Branch: "main", On: "refs/heads/main", Landed: one.Commit, Attempt: "ma-1/1", Title: "One", At: time.Unix(1e9, 0)}
			c, err := r.run.Revert(ctx, v)
			if err != nil {
				t.Fatal(err)
			}
			changes, err := r.repo.DiffNames(ctx, two.Commit, c)
			if err != nil || len(changes) != 2 || changes[0].Path != "a.txt" || changes[0].Status != 'D' || changes[1].Path != "b.txt" {
				t.Fatal(err, changes)
			}
			if again, err := r.run.Revert(ctx, v); err != nil || again != c {
				t.Fatal("not deterministic", err)
			}
			r.submit("ma-3", c)
			s := until[refinery.Settle](r)
			if left, err := r.repo.DiffNames(ctx, r.root, s.Commit); err != nil || len(left) != 1 || left[0].Path != "c.txt" {
				t.Fatal(err, left)
			}
			for name, bad := range map[string]Revert{
				"nothing of it is left": v,
				"is not in main":        {Branch: "main", On: "refs/heads/main", Landed: r.work(map[string]string{"x": "x"}), Attempt: "ma-9/1"},
				"no landing of it":      {Branch: "main", On: "refs/heads/main", Landed: r.root, Attempt: "ma-1/1"},
			} {
				if _, err := r.run.Revert(ctx, bad); !fault.Is(err, fault.Refused) || !strings.Contains(err.Error(), name) {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
}
