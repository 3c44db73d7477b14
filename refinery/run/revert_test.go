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

// TestRevertOfWhatAForgeMerged: no trailer of ours says where it begins.
func TestRevertOfWhatAForgeMerged(t *testing.T) {
	for name, tc := range map[string]struct {
		merge string // as somebody over there does it, on main with the branch work
		want  string // files that the revert takes out; empty: refused
	}{
		"a merge":                     {"git merge -q --no-ff -m merged work", "a.txt b.txt"},
		"one commit":                  {"git merge -q --squash work; git commit -qm 'All of it (#1)'", "a.txt b.txt"},
		"copies":                      {"git cherry-pick work~1 work >/dev/null", "a.txt b.txt"},
		"the commits as they are":     {"git reset -q --hard work", "a.txt b.txt"},
		"as they are, main merged in": {"cd ../w; git merge -q --no-ff -m 'merge main' $(git -C ../m rev-parse HEAD); cd ../m; git reset -q --hard work", ""},
		"copies with others' on top":  {"git cherry-pick work~1 work >/dev/null; echo x > x.txt; git add x.txt; git commit -qm theirs", ""},
		"copies of some":              {"git cherry-pick work >/dev/null", ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			out := t.TempDir()
			r.sh("$git worktree add -q -b work " + out + "/w main; cd " + out + "/w; echo 1 > a.txt; git add .; git commit -qm one; echo 2 > b.txt; git add .; git commit -qm two")
			r.sh("$git worktree add -q --detach " + out + "/m main; cd " + out + "/m; echo o > other.txt; git add .; git commit -qm 'other work'; " + tc.merge + "; git update-ref refs/heads/main HEAD")
			v := Revert{Branch: "main", On: "refs/heads/main", Landed: r.tip(), Attempt: "ma-1/1", Tip: r.sh("$git rev-parse work"), Base: r.root, At: time.Unix(1e9, 0)}
			c, err := r.run.Revert(t.Context(), v)
			if tc.want == "" {
				if !fault.Is(err, fault.Refused) || !strings.Contains(err.Error(), "no landing of it alone") {
					t.Fatal(c, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			changes, err := r.repo.DiffNames(t.Context(), r.tip(), c)
			var paths []string
			for _, ch := range changes {
				paths = append(paths, ch.Path)
			}
			if got := strings.Join(paths, " "); err != nil || got != tc.want {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}
