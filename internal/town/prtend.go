package town

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/config"
	"gastown/internal/fault"
	"gastown/internal/git"
	"gastown/refinery"
	"gastown/refinery/run"
)

// forgeCall is one look after a rig's pull requests.
type forgeCall struct {
	t   *Town
	rig string
	rc  config.Rig
	to  string // address of the repository
	f   run.Forge
	r   *run.Runner
}

// tend takes one step from what a pull request is towards what it should be.
func (c forgeCall) tend(ctx context.Context, p *proposal, pr refinery.PullRequest, there, gone bool) error {
	closed := pr.State == refinery.PRClosed
	switch {
	case gone:
		return c.gone(ctx, p)
	case p.rec.ID != "" && !there:
		return fault.Failf("the forge does not say how %s stands", p.rec.URL)
	case pr.State == refinery.PRMerged:
		return c.merged(ctx, p, pr)
	case p.want == wantClosed:
		return c.close(ctx, p, pr)
	case p.want == wantDraft && (p.rec.ID == "" || closed):
		return nil // nothing is open; the next attempt opens it
	case p.want == wantDraft:
		return c.mark(ctx, p, pr)
	case p.rec.ID == "" || p.rec.Drop || p.rec.Mark != "" || p.tip != p.rec.tip() || !p.showsAll():
		return c.show(ctx, p, pr)
	}
	return c.judge(ctx, p, pr)
}

// showsAll reports whether what was pushed last is of exactly the attempts that wait now.
func (p *proposal) showsAll() bool {
	return slices.EqualFunc(p.rec.Parts, p.entries, func(a refinery.Part, e refinery.Entry) bool { return a.Bead == e.Bead && a.N == e.N })
}

// store keeps the record, with what else is true from then on.
func (c forgeCall) store(ctx context.Context, p *proposal, also func(*store.Tx) error) error {
	err := c.t.update(func(tx *store.Tx) error {
		var now pullRequest
		_, err := tx.GetKV(kvPR+p.key, &now)
		if now.Drop && !p.drop {
			p.rec.Drop = true // meanwhile
		}
		if err = errors.Join(err, tx.PutKV(kvPR+p.key, p.rec)); err != nil || also == nil {
			return err
		}
		return also(tx)
	})
	if err != nil || !p.rec.Over {
		return err
	}
	return c.t.dropTheirs(ctx, c.r.Repo, p)
}

// dropTheirs lets go what others put on the branch of a proposal that is over, unless an attempt is
// to start from it.
func (t *Town) dropTheirs(ctx context.Context, repo *git.Repo, p *proposal) error {
	tips, err := repo.Lookup(ctx, forgeRef(p.key))
	if err != nil || tips[0] == "" {
		return err
	}
	needed := false
	err = t.store.View(func(tx *store.Tx) error {
		for _, id := range p.beads() {
			b, err := tx.Bead(id)
			needed = needed || err == nil && b.Status != beads.Closed && b.Next != nil && b.Next.Commit == tips[0]
		}
		return nil
	})
	if err != nil || needed {
		return err
	}
	return repo.DeleteRef(ctx, forgeRef(p.key), tips[0])
}

func (c forgeCall) event(tx *store.Tx, p *proposal, text string) error {
	e := beads.Event{Kind: beads.EvOrigin, Actor: "refinery", Rig: c.rig, Text: text}
	if len(p.rec.Parts) > 0 {
		e.Bead, e.Attempt = p.rec.Parts[0].Bead, p.rec.Parts[0].N
	}
	return tx.Append(e)
}

// show pushes what waits to its branch and has a pull request of it, the one there is or a new one.
func (c forgeCall) show(ctx context.Context, p *proposal, pr refinery.PullRequest) error {
	rec := &p.rec
	own := prBranch(p.key)
	if rec.Head == "" {
		rec.Head = own
	}
	if pr.State == refinery.PRClosed {
		rec.ID, rec.URL, rec.Number = "", "", 0 // what was closed stays closed
	}
	rec.Rig, rec.Drop, rec.Over, rec.Parts = c.rig, false, false, nil
	for _, e := range p.entries {
		rec.Parts = append(rec.Parts, refinery.Part{Bead: e.Bead, N: e.N})
	}
	if p.chain != nil {
		rec.Parts = p.chain
	}
	if rec.tip() != p.tip {
		rec.Tips = append(rec.Tips, p.tip)
	}
	if err := c.store(ctx, p, nil); err != nil {
		return err
	}
	err := c.r.Propose(ctx, c.to, rec.Head, p.tip, rec.Tips)
	if other := fmt.Sprintf("%s-%d", own, rec.Parts[0].N); (errors.Is(err, run.ErrOthers) || errors.Is(err, git.ErrRejected)) && rec.Head != other {
		// Nothing of somebody else's is replaced: this goes on in another one.
		rec.Head, rec.Tips, rec.Before, rec.ID = other, []string{p.tip}, rec.ID, ""
		if err := c.store(ctx, p, nil); err != nil {
			return err
		}
		err = c.r.Propose(ctx, c.to, rec.Head, p.tip, rec.Tips)
	}
	if err != nil {
		return err
	}
	if rec.ID == "" {
		if pr, err = c.f.Open(ctx, rec.Head, c.rc.Branch, p.title, p.body); err != nil {
			return err
		}
		rec.ID, rec.Number, rec.URL = pr.ID, pr.Number, beads.Clean(pr.URL, 300)
	} else if p.chain != nil {
		if err := c.f.Describe(ctx, rec.ID, p.title, p.body); err != nil {
			return err
		}
	}
	if err := errors.Join(c.replaced(ctx, p), c.unmark(ctx, p, pr)); err != nil {
		return err
	}
	return c.store(ctx, p, func(tx *store.Tx) error {
		var err error
		for _, e := range p.entries {
			err = errors.Join(err, c.t.feed(tx, c.rig, refinery.Proposed{Bead: e.Bead, N: e.N, URL: rec.URL}))
			if e.Convoy == "" {
				err = errors.Join(err, tx.DeleteKV(kvPRShared+string(e.Bead)))
			} else { // a bead finds it by its own name, and may have one of its own that is to be closed
				err = errors.Join(err, tx.PutKV(kvPRShared+string(e.Bead), rec.URL))
			}
		}
		return errors.Join(err, c.event(tx, p, fmt.Sprintf("%s is proposed: %s", p.name(), rec.URL)))
	})
}

// replaced closes the pull request whose place another one took.
func (c forgeCall) replaced(ctx context.Context, p *proposal) error {
	if p.rec.Before == "" {
		return nil
	}
	prs, gone, err := c.f.Look(ctx, []string{p.rec.Before})
	switch pr, there := prs[p.rec.Before]; {
	case err != nil:
		return err
	case gone[p.rec.Before] || there && pr.State != refinery.PROpen: // nobody can merge it
	case !there:
		return fault.Failf("the forge does not say how the pull request before %s stands", p.rec.URL)
	default:
		err = errors.Join(c.f.Comment(ctx, pr.ID, "This goes on in "+p.rec.URL+": its branch here has commits that gastown did not push, and they stay as they are."), c.f.Close(ctx, pr.ID))
	}
	if err == nil {
		p.rec.Before = ""
	}
	return err
}

// mark says over there that a pull request is not to be merged now.
func (c forgeCall) mark(ctx context.Context, p *proposal, pr refinery.PullRequest) error {
	if p.rec.Mark != "" || pr.Draft {
		return nil
	}
	p.rec.Mark = markDraft
	err := c.f.Draft(ctx, p.rec.ID)
	if down := (*run.DownError)(nil); err != nil && !errors.As(err, &down) {
		p.rec.Mark = markWord
		err = c.f.Comment(ctx, p.rec.ID, "Please do not merge this now: it is worked on again.")
	}
	if err != nil {
		return err
	}
	return c.store(ctx, p, func(tx *store.Tx) error {
		return c.event(tx, p, fmt.Sprintf("%s is marked as not to be merged: %s is %s", p.rec.URL, p.name(), p.why))
	})
}

// unmark takes mark back.
func (c forgeCall) unmark(ctx context.Context, p *proposal, pr refinery.PullRequest) (err error) {
	switch {
	case p.rec.Mark == markDraft && pr.Draft:
		err = c.f.Ready(ctx, p.rec.ID)
	case p.rec.Mark == markWord:
		err = c.f.Comment(ctx, p.rec.ID, "This is ready again, with new commits.")
	}
	if err == nil {
		p.rec.Mark = ""
	}
	return err
}

func (c forgeCall) close(ctx context.Context, p *proposal, pr refinery.PullRequest) error {
	if p.rec.ID != "" && pr.State == refinery.PROpen {
		if err := c.f.Close(ctx, p.rec.ID); err != nil {
			return err
		}
		if err := c.f.Comment(ctx, p.rec.ID, "Closed by gastown: this was "+p.why+"."); err != nil {
			c.t.deps.Log.Warn("say why a pull request is closed", "url", p.rec.URL, "err", err) // it is closed all the same
		}
	}
	p.rec.Over = true
	return c.store(ctx, p, func(tx *store.Tx) error {
		return c.event(tx, p, fmt.Sprintf("%s is closed over there: %s was %s", p.rec.URL, p.name(), p.why))
	})
}

// gone deals with a pull request that does not exist any more.
func (c forgeCall) gone(ctx context.Context, p *proposal) error {
	url := p.rec.URL
	p.rec.ID, p.rec.URL, p.rec.Number, p.rec.Mark = "", "", 0, ""
	p.rec.Over = p.want == wantClosed
	return c.store(ctx, p, func(tx *store.Tx) error {
		err := c.event(tx, p, url+" does not exist any more")
		for _, e := range p.entries {
			err = errors.Join(err, c.t.feed(tx, c.rig, refinery.ForgeReturned{Bead: e.Bead, N: e.N, Ask: true, Why: "its pull request does not exist any more", Log: "It was " + url}))
		}
		return err
	})
}

// errAgain is a step that cannot be taken yet.
var errAgain = errors.New("tried again")

// merged settles what the forge merged, once the target has it. That it was taken back here,
// or is worked on again, does not undo it: whoever did that is told.
func (c forgeCall) merged(ctx context.Context, p *proposal, pr refinery.PullRequest) error {
	target, err := c.t.target(ctx, c.rig)
	if err != nil {
		return err
	}
	commit := pr.Merge
	if commit == "" && contained(ctx, c.r.Repo, pr.Head, target) {
		commit = pr.Head
	}
	if commit == "" {
		return c.says(p, "merged over there, and the forge does not say as which commit",
			fmt.Sprintf("look at %s; if its work is in %s: gastown queue drop %[3]s, then gastown bead close %[3]s", p.rec.URL, c.rc.Branch, p.beads()[0]))
	}
	if !contained(ctx, c.r.Repo, commit, target) {
		return c.says(p, fmt.Sprintf("merged over there as %.9s, and %s here does not have that yet", commit, c.rc.Branch), "")
	}
	if err := c.endWork(ctx, p); err != nil {
		return err
	}
	late := p.want != wantShown || !p.showsAll()
	p.rec.Over, p.rec.Mark = true, ""
	parts := slices.Clone(p.rec.Parts)
	for i := range parts {
		if !contained(ctx, c.r.Repo, parts[i].Commit, target) {
			parts[i].Commit = "" // it came in as another one
		}
	}
	err = c.store(ctx, p, func(tx *store.Tx) error {
		for _, id := range p.beads() {
			if b, err := tx.Bead(id); err == nil && b.Status == beads.Working {
				return errAgain
			}
		}
		if err := c.t.feed(tx, c.rig, refinery.ForgeMerged{Parts: parts, Commit: commit}); err != nil || !late {
			return err
		}
		return tx.AddMail(&beads.Message{From: "refinery", To: "you", At: c.t.deps.Now().UTC(), Text: fmt.Sprintf(
			"%s was merged over there as %.10s although %s is %s here. It is closed as merged; other work on it is kept.\nTo take it out again: gastown queue revert %s",
			p.rec.URL, commit, p.name(), cmp.Or(p.why, "in the queue with other work"), p.beads()[0])})
	})
	if errors.Is(err, errAgain) {
		return nil
	}
	return err
}

// endWork ends the attempts at what was merged. Their work is kept.
func (c forgeCall) endWork(ctx context.Context, p *proposal) error {
	if c.t.host == nil {
		return nil // no attempt is live without one
	}
	for _, id := range p.beads() {
		w, err := c.t.worker(string(id))
		if err == nil {
			_, err = c.t.end(ctx, w, ending{kind: endKill, by: "refinery", why: "its pull request was merged: " + p.rec.URL})
		}
		if err != nil && !fault.Is(err, fault.NotFound) && !fault.Is(err, fault.Refused) {
			return err
		}
	}
	return nil
}

// judge takes what the forge says of a pull request that waits.
func (c forgeCall) judge(ctx context.Context, p *proposal, pr refinery.PullRequest) error {
	ours := slices.Contains(p.rec.Tips, pr.Head)
	f := pr.Look(pr.Head == p.tip || !ours, p.rec.Told)
	if f.Why == "" {
		if err := c.pass(ctx, p, f); err != nil {
			return err
		}
		if err := c.says(p, f.Note, f.Hint); err != nil {
			return err
		}
		c.t.sawPR(p.key, pr.Stamp)
		return nil
	}
	if f.Conflict && p.entries[0].Convoy != "" {
		return c.rebuild(ctx, p)
	}
	back := refinery.ForgeReturned{Why: f.Why, Log: f.Text, Ask: f.Ask}
	if f.By != "" {
		back.By = f.By + " on the forge"
	}
	if !ours && p.entries[0].Convoy == "" { // a chain is built anew
		tip, err := c.theirs(ctx, p, pr)
		if err != nil {
			return err
		}
		back.Tip = tip
	}
	p.rec.Told = f.Told
	if pr.State == refinery.PRClosed {
		p.rec.ID, p.rec.URL, p.rec.Number = "", "", 0
	}
	meant, err := c.meant(ctx, p, f)
	if err != nil {
		return err
	}
	return c.store(ctx, p, func(tx *store.Tx) error {
		var err error
		for _, e := range slices.Backward(meant) { // those after one that goes back are built anew
			back.Bead, back.N = e.Bead, e.N
			err = errors.Join(err, c.t.feed(tx, c.rig, back))
		}
		return err
	})
}

// theirs brings over what others put on a proposal's branch, for the next attempt to go on
// from: it would be in its way otherwise.
func (c forgeCall) theirs(ctx context.Context, p *proposal, pr refinery.PullRequest) (string, error) {
	if err := c.r.FetchTip(ctx, run.Seen{To: c.to, Tip: pr.Head}, p.rec.Head, forgeRef(p.key)); err != nil {
		return "", err
	}
	if !contained(ctx, c.r.Repo, p.tip, pr.Head) {
		return "", nil // they put something else in its place
	}
	return pr.Head, nil
}

// forgeRef keeps what others put on a proposal's branch.
func forgeRef(key string) string { return "refs/gt/forge/" + beads.RefSafe(beads.ID(key)) }

// pass notes what was said and asks for nothing on the bead: its next attempt would read it.
func (c forgeCall) pass(ctx context.Context, p *proposal, f refinery.Finding) error {
	if len(f.Told) == len(p.rec.Told) {
		return nil
	}
	p.rec.Told = f.Told
	return c.store(ctx, p, func(tx *store.Tx) error {
		id := p.entries[len(p.entries)-1].Bead
		b, err := tx.Bead(id)
		if err != nil || len(f.Pass) == 0 {
			return err
		}
		b = b.Clone()
		for _, r := range f.Pass {
			text := fmt.Sprintf("%s\n(%s)", refinery.Quote([]refinery.Remark{r}), p.rec.URL)
			b.Comments = append(b.Comments, beads.Comment{ID: c.t.deps.Token(), IssueID: b.ID, Author: beads.Clean(r.Author, 80), Text: text, CreatedAt: c.t.deps.Now().UTC()})
			err = errors.Join(err, tx.Append(beads.Event{Kind: beads.EvCommented, Actor: beads.Clean(r.Author, 80) + " on the forge", Rig: c.rig, Bead: b.ID, Text: fmt.Sprintf("%s on the pull request of %s: %s", beads.Clean(r.Author, 80), b.ID, beads.Clean(r.Body, 200))}))
		}
		return errors.Join(err, tx.PutBead(b))
	})
}

// says tells why the forge cannot merge what waits, or takes that back.
func (c forgeCall) says(p *proposal, text, hint string) error {
	if len(p.entries) == 0 || p.entries[0].Says == text && p.entries[0].SaysHint == hint {
		return nil
	}
	return c.t.update(func(tx *store.Tx) error {
		var err error
		for _, e := range p.entries {
			err = errors.Join(err, c.t.feed(tx, c.rig, refinery.ForgeSays{Bead: e.Bead, N: e.N, Text: text, Hint: hint}))
		}
		return err
	})
}

// told deals with how tending one pull request went: what failed is left alone for a while,
// and told, on its bead where that waits.
func (c forgeCall) told(p *proposal, err error) error {
	notice := "pr/" + c.rig + "/" + p.key
	if err == nil {
		c.t.rested(p.key)
		return c.t.dropNotice(notice)
	}
	again := c.t.tired(p.key).Local().Format("15:04")
	text := fmt.Sprintf("%s; tried again at %s", beads.Clean(err.Error(), 200), again)
	hint := fault.From(err).Hint
	if hint == "" {
		hint = "now: gastown rig deliver " + c.rig
	}
	if len(p.entries) > 0 {
		return c.says(p, text, hint)
	}
	n := &beads.Notice{Key: notice, At: c.t.deps.Now().UTC(), Rig: c.rig, Text: p.name() + ": its pull request: " + text, Hint: hint}
	if ids := p.beads(); len(ids) > 0 {
		n.Bead = ids[0]
	}
	return c.t.update(func(tx *store.Tx) error { return tx.PutNotice(n) })
}
