package town

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/api"
	"gastown/internal/fault"
	"gastown/internal/git"
	"gastown/internal/proc"
	"gastown/worktree"
)

// Limits of what a person looks at.
const (
	diffLimit      = 8 << 20   // bytes of a diff; about 200,000 lines
	untrackedLimit = 256 << 10 // bytes of one untracked file that a diff shows
	untrackedMost  = 200       // untracked files that a diff shows
	ignoredMost    = 200       // ignored paths that a preview names
)

// diff shows what an attempt changed: of a live one its worktree as it is now, of an ended one
// what was kept of it.
func (t *Town) diff(ctx context.Context, _ api.Caller, r api.DiffReq) (out api.Diff, err error) {
	a, err := t.attemptOf(r.Bead, r.Attempt)
	if err != nil {
		return out, err
	}
	out = api.Diff{Bead: a.Bead, Attempt: a.N, Polecat: a.Polecat, State: a.State, Base: a.Base, Files: []api.DiffFile{}}
	if a.Base == "" {
		return out, fault.Refusedf("%s: nothing was changed yet, its worktree is not cut", a.Key())
	}
	repo, err := t.repo(ctx, a.Rig)
	if err != nil {
		return out, err
	}
	text := ""
	if c := t.greenOf(a); c != nil { // what a person is asked about, as it would land
		out.Base, out.Tip, out.Tree = c.Base, c.Commit, c.Tree
		if text, out.Cut, err = repo.Diff(ctx, c.Base, c.Commit, git.DiffOptions{MaxBytes: diffLimit}); err != nil {
			return out, step(err, "diff of %s", a.Key())
		}
	} else if live, lerr := t.liveDiff(ctx, repo, a); lerr == nil {
		text, out.Cut = live.text, live.cut
	} else if text, err = t.keptDiff(ctx, repo, a, &out); err != nil {
		return out, err
	}
	out.Text = beads.CleanText(text)
	out.Files = diffFiles(out.Text)
	if out.Tip != "" && a.Merge == "" {
		out.Conflicts = conflicts(ctx, repo, a.Rig, out.Tip, t)
	}
	return out, nil
}

// attemptOf finds attempt n of a bead, or its newest.
func (t *Town) attemptOf(id beads.ID, n int) (a *beads.Attempt, err error) {
	err = t.store.View(func(tx *store.Tx) error {
		if bead, num, perr := beads.ParseAttemptKey(string(id)); perr == nil && n == 0 {
			id, n = bead, num
		}
		b, err := findBead(tx, id)
		if err != nil {
			return err
		}
		if n == 0 {
			n = b.LastAttempt
		}
		if n == 0 {
			return fault.Refusedf("%s: nobody has worked on it, so there is no diff", b.ID)
		}
		a, err = tx.Attempt(b.ID, n)
		return err
	})
	return a, err
}

type diffText struct {
	text string
	cut  bool
}

var errNoWorktree = errors.New("no worktree of a live attempt")

// liveDiff compares the worktree of a live attempt with its base.
func (t *Town) liveDiff(ctx context.Context, repo *git.Repo, a *beads.Attempt) (d diffText, err error) {
	if !a.State.Live() || a.Worktree == "" {
		return d, errNoWorktree
	}
	wt, err := repo.OpenWorktree(a.Worktree)
	if err != nil {
		return d, err
	}
	if d.text, d.cut, err = wt.Diff(ctx, a.Base, git.DiffOptions{MaxBytes: diffLimit}); err != nil {
		return d, step(err, "diff of %s", a.Key())
	}
	st, err := wt.Status(ctx, git.WithoutIgnored)
	if err != nil {
		return d, step(err, "diff of %s", a.Key())
	}
	more, err := untrackedDiff(wt.Path(), st.Untracked)
	d.text += more
	return d, err
}

// untrackedDiff is files that git does not know yet as the diff that adding them would give.
func untrackedDiff(dir string, paths []string) (string, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return "", err
	}
	defer root.Close()
	var b strings.Builder
	for _, p := range paths[:min(len(paths), untrackedMost)] {
		fmt.Fprintf(&b, "diff --git a/%s b/%s\nnew file, not added to git yet\n", p, p)
		text, ok := readSmall(root, p)
		if !ok {
			fmt.Fprintf(&b, "Binary files /dev/null and b/%s differ\n", p)
			continue
		}
		lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
		if text == "" {
			lines = nil
		}
		fmt.Fprintf(&b, "--- /dev/null\n+++ b/%s\n@@ -0,0 +1,%d @@\n", p, len(lines))
		for _, l := range lines {
			b.WriteString("+" + l + "\n")
		}
	}
	return b.String(), nil
}

// readSmall reads a plain, small text file. Anything else an agent may have put there (a pipe,
// a link out of the worktree) is not opened.
func readSmall(root *os.Root, path string) (string, bool) {
	if info, err := root.Lstat(path); err != nil || !info.Mode().IsRegular() || info.Size() > untrackedLimit {
		return "", false
	}
	f, err := root.Open(path)
	if err != nil {
		return "", false
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, untrackedLimit))
	return string(data), err == nil && !slices.Contains(data, 0)
}

// keptDiff compares what is kept of an ended attempt with its base.
func (t *Town) keptDiff(ctx context.Context, repo *git.Repo, a *beads.Attempt, out *api.Diff) (text string, err error) {
	out.Tip = a.Tip
	if out.Tip == "" && a.Rescue != "" {
		r, err := worktree.Load(ctx, repo, a.Rescue)
		if err != nil {
			return "", step(err, "diff of %s", a.Key())
		}
		out.Tip = r.Commit
		text, out.Cut, err = worktree.Show(ctx, repo, a.Rescue, a.Base, diffLimit)
		return text, step(err, "diff of %s", a.Key())
	}
	if out.Tip == "" {
		tips, err := repo.Lookup(ctx, "refs/heads/"+a.Branch)
		if err != nil || tips[0] == "" {
			return "", fault.Refusedf("%s: nothing is kept of it", a.Key())
		}
		out.Tip = tips[0]
	}
	text, out.Cut, err = repo.Diff(ctx, a.Base, out.Tip, git.DiffOptions{MaxBytes: diffLimit})
	return text, step(err, "diff of %s", a.Key())
}

// diffFiles counts a unified diff by file.
func diffFiles(text string) []api.DiffFile {
	out := []api.DiffFile{}
	inHunk := false
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if rest, ok := strings.CutPrefix(line, "diff --git "); ok {
			_, path, ok := strings.Cut(rest, " b/")
			if !ok { // git quotes names with unusual characters
				_, path, _ = strings.Cut(rest, ` "b/`)
			}
			out = append(out, api.DiffFile{Path: strings.Trim(path, `"`)})
			inHunk = false
			continue
		}
		if len(out) == 0 || line == "" {
			continue
		}
		f := &out[len(out)-1]
		switch {
		case strings.HasPrefix(line, "@@"):
			inHunk = true
		case !inHunk && strings.HasPrefix(line, "+++ b/"):
			f.Path = strings.TrimSuffix(line[len("+++ b/"):], "\t") // git ends a name with spaces so
		case !inHunk && strings.HasPrefix(line, "Binary files "):
			f.Binary = true
		case inHunk && line[0] == '+':
			f.Added++
		case inHunk && line[0] == '-':
			f.Removed++
		}
	}
	return out
}

// conflicts names the paths that the rig's main has changed otherwise; nothing when that
// cannot be found out.
func conflicts(ctx context.Context, repo *git.Repo, rig, tip string, t *Town) []string {
	target, err := t.target(ctx, rig)
	if err != nil {
		return nil
	}
	m, err := repo.MergeTree(ctx, target, tip)
	if err != nil {
		return nil
	}
	var out []string
	for _, c := range m.Conflicts {
		out = append(out, beads.Clean(c.Path, 0))
	}
	return out
}

// polecatPreview says what a kill would stop, keep and lose.
func (t *Town) polecatPreview(ctx context.Context, who api.Caller, r api.NameReq) (out api.KillPreview, err error) {
	out.Uncommitted, out.Processes = []string{}, []api.Process{}
	if out.PolecatInfo, err = t.polecatShow(ctx, who, r); err != nil {
		return out, err
	}
	for _, pid := range out.PIDs {
		if name := proc.Name(pid); name != "" {
			out.Processes = append(out.Processes, api.Process{PID: pid, Name: beads.Clean(name, 32)})
		}
	}
	repo, err := t.repo(ctx, out.Rig)
	if err != nil {
		return out, err
	}
	wt, err := repo.OpenWorktree(out.Worktree)
	if errors.Is(err, git.ErrNoWorktree) {
		return out, nil // it is being cut: there is nothing to keep or lose
	}
	if err != nil {
		return out, err
	}
	st, err := wt.Status(ctx, git.WithIgnored)
	if err != nil {
		return out, step(err, "look at the worktree of %s", out.Name)
	}
	out.Uncommitted = cleanPaths(st.Dirty())
	out.Ignored = cleanPaths(st.Ignored[:min(len(st.Ignored), ignoredMost)])
	out.Dirty = len(out.Uncommitted)
	return out, nil
}

func cleanPaths(paths []string) []string {
	out := make([]string, len(paths))
	for i, p := range paths {
		out[i] = beads.Clean(p, 0)
	}
	return out
}

// polecatNudge tells a working polecat something, as mail. Nothing is typed into a program
// that did not ask.
func (t *Town) polecatNudge(_ context.Context, who api.Caller, r api.NudgeReq) (out api.Ack, err error) {
	if strings.TrimSpace(r.Text) == "" {
		return out, fault.Usagef("nudge: the text is empty")
	}
	w, err := t.worker(r.Name)
	if err != nil {
		return out, err
	}
	err = t.update(func(tx *store.Tx) error {
		m := &beads.Message{From: who.Name, To: w.name, Text: r.Text, At: t.deps.Now().UTC()}
		if err := tx.AddMail(m); err != nil {
			return err
		}
		return tx.Append(beads.Event{Kind: beads.EvMail, Actor: who.Name, Rig: w.rig, Bead: w.bead, Attempt: w.n, Polecat: w.name,
			Text: fmt.Sprintf("%s nudged %s: %s", who.Name, w.name, beads.Clean(r.Text, 100))})
	})
	return api.Ack{Msg: "mail to " + w.name + "; it is read when the agent looks"}, err
}
