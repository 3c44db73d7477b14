package town

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/config"
	"gastown/internal/fault"
	"gastown/refinery"
	"gastown/refinery/run"
)

// Pull requests: one for each bead, or for each convoy (prconvoy.go). What the forge shows is made to match what the queue and
// the beads say (prtend.go), so nothing here has to notice how a bead got where it is.

const (
	// pollEvery is how often the forge is asked about pull requests that wait to be merged.
	pollEvery = 30 * time.Second
	// leaveMost is the longest that a pull request which fails is left alone.
	leaveMost = 30 * time.Minute
)

// pullRequest is what is kept of a pull request, by the bead or convoy that it is about. It is stored before anything is done
// over there, which therefore may be done again.
type pullRequest struct {
	Rig    string          `json:"rig"`
	Head   string          `json:"head"` // its branch
	ID     string          `json:"id,omitempty"`
	Number int             `json:"number,omitempty"`
	URL    string          `json:"url,omitempty"`
	Tips   []string        `json:"tips,omitempty"`  // that we pushed to Head, the newest last
	Parts  []refinery.Part `json:"parts,omitempty"` // attempts that the newest of them has in it
	Told   []string        `json:"told,omitempty"`  // remarks that reached the bead
	Mark   prMark          `json:"mark,omitempty"`
	Before string          `json:"before,omitempty"` // id of one that this one takes the place of
	Drop   bool            `json:"drop,omitempty"`   // taken out of the queue by a person
	Over   bool            `json:"over,omitempty"`   // ended over there, and that is dealt with
}

// prMark is how a pull request says that it is not to be merged now.
type prMark string

const (
	markDraft prMark = "draft"
	markWord  prMark = "word" // where the forge has no drafts
)

// tip is what its branch has from us.
func (p pullRequest) tip() string {
	if len(p.Tips) == 0 {
		return ""
	}
	return p.Tips[len(p.Tips)-1]
}

// prWant is what should become of a pull request.
type prWant int

const (
	wantClosed prWant = iota
	wantDraft         // its work goes on: nobody should merge it now
	wantShown         // it waits to be merged
)

// proposal is a pull request with what it should be.
type proposal struct {
	key     string // of its record
	rec     pullRequest
	drop    bool // rec.Drop as it was read
	want    prWant
	why     string           // it is not wantShown, in words
	entries []refinery.Entry // that wait for the forge; empty unless wantShown
	chain   []refinery.Part  // of a convoy: what the tip has in it
	tip     string           // to be shown
	title   string
	body    string
}

// name is what it is about, for a person.
func (p *proposal) name() string {
	if c, ok := convoyOf(p.key); ok {
		return fmt.Sprintf("convoy %q", c)
	}
	return p.key
}

// beads are those that it is about.
func (p *proposal) beads() (ids []beads.ID) {
	for _, part := range p.rec.Parts {
		ids = append(ids, part.Bead)
	}
	return ids
}

// proposals are a rig's pull requests that are not over, in the order of the queue and then
// of their names.
func (t *Town) proposals(tx *store.Tx, rig string, rc config.Rig) ([]*proposal, error) {
	q, err := t.queue(tx, rig)
	if err != nil {
		return nil, err
	}
	var out []*proposal
	known := map[string]bool{}
	for _, e := range refinery.Ordered(q) {
		p := &proposal{key: string(e.Bead), want: wantShown, entries: []refinery.Entry{e}}
		if e.Convoy != "" {
			p.key, p.entries = convoyKey(rig, e.Convoy), q.Chain(e.Convoy)
		}
		if e.State != refinery.EntryPR || known[p.key] {
			continue
		}
		if _, err := tx.GetKV(kvPR+p.key, &p.rec); err != nil {
			return nil, err
		}
		if p.rec.Over {
			p.rec = pullRequest{Head: p.rec.Head, Tips: p.rec.Tips, Told: p.rec.Told}
		}
		if err := t.describe(tx, p); err != nil {
			return nil, err
		}
		p.drop, known[p.key] = p.rec.Drop, true
		out = append(out, p)
	}
	for key := range tx.Keys(kvPR) {
		key = strings.TrimPrefix(key, kvPR)
		if known[key] {
			continue
		}
		p := &proposal{key: key}
		if _, err := tx.GetKV(kvPR+key, &p.rec); err != nil {
			return nil, err
		}
		if p.rec.Rig != rig || p.rec.Over {
			continue
		}
		p.drop = p.rec.Drop
		p.want, p.why = wanted(tx, q, rc, p)
		out = append(out, p)
	}
	return out, nil
}

// wanted is what should become of a pull request that nothing waits for.
func wanted(tx *store.Tx, q refinery.Queue, rc config.Rig, p *proposal) (prWant, string) {
	if rc.Deliver != config.DeliverPR {
		return wantClosed, "taken back, as the rig does not deliver by pull requests any more"
	}
	if p.rec.Drop {
		return wantClosed, "taken out of the queue"
	}
	for _, id := range p.beads() {
		b, err := tx.Bead(id)
		if err != nil || b.Status == beads.Closed {
			continue
		}
		_, shared := convoyOf(p.key)
		switch i := slices.IndexFunc(q.Entries, func(e refinery.Entry) bool { return e.Bead == id }); {
		case i < 0:
		case q.Entries[i].Held:
			return wantDraft, "held"
		case !shared && q.Entries[i].Convoy != "" && q.Entries[i].PR != "":
			return wantClosed, fmt.Sprintf("taken over by that of convoy %q", q.Entries[i].Convoy)
		}
		switch b.Status {
		case beads.Submitted:
			return wantDraft, "in the merge queue again"
		case beads.NeedsYou:
			return wantDraft, "sent back, and waits for you"
		}
		return wantDraft, "sent back"
	}
	return wantClosed, "closed here"
}

// describe says what a proposal is to show.
func (t *Town) describe(tx *store.Tx, p *proposal) error {
	e := p.entries[0]
	if e.Convoy != "" {
		describeConvoy(tx, p)
		return nil
	}
	b, err := tx.Bead(e.Bead)
	if err != nil {
		return err
	}
	p.tip, p.title = e.Tip, beads.Clean(e.Title, 200)
	p.body = fmt.Sprintf("%s\n\nBead: %s\n", beads.CleanText(b.Description), e.Bead)
	return nil
}

// dropPR notes that a bead's pull request is wanted no more: somebody could merge it.
func dropPR(tx *store.Tx, id beads.ID) error {
	var p pullRequest
	if found, err := tx.GetKV(kvPR+string(id), &p); err != nil || !found || p.Over {
		return err
	}
	p.Drop = true
	return tx.PutKV(kvPR+string(id), p)
}

// forgetPRs ends what is kept of a removed rig's pull requests, which one of the same name would go
// on with, and says which these are: nobody closes them. Their addresses stay with their beads.
func forgetPRs(tx *store.Tx, rig string) (over []*proposal, err error) {
	for _, key := range slices.Sorted(tx.Keys(kvPR)) {
		var p pullRequest
		if _, err := tx.GetKV(key, &p); err != nil {
			return over, err
		}
		if p.Rig != rig || p.Over {
			continue
		}
		p.Over = true
		if err := tx.PutKV(key, p); err != nil {
			return over, err
		}
		over = append(over, &proposal{key: strings.TrimPrefix(key, kvPR), rec: p})
	}
	return over, nil
}

// prURL is the address of a bead's pull request, or "".
func prURL(tx *store.Tx, id beads.ID) (url string, err error) {
	if _, err := tx.GetKV(kvPRShared+string(id), &url); err != nil || url != "" {
		return url, err
	}
	var p pullRequest
	if _, err := tx.GetKV(kvPR+string(id), &p); err != nil || p.Drop {
		return "", err
	}
	return p.URL, nil
}

// forge makes the forge show what it should, and takes what it says. One pull request that
// fails is told and left alone for a while; the others go on. An error means that the forge
// answers nothing at all.
func (t *Town) forge(ctx context.Context, rig string, rc config.Rig, to string) (wait time.Duration, err error) {
	var all []*proposal
	if err := t.store.View(func(tx *store.Tx) (err error) { all, err = t.proposals(tx, rig, rc); return err }); err != nil || len(all) == 0 {
		return lookEvery, err
	}
	if down := t.forgeRests(); down != nil {
		return 0, down
	}
	repo, err := t.repo(ctx, rig)
	if err != nil {
		return 0, err
	}
	c := forgeCall{
		t: t, rig: rig, rc: rc, to: to, f: run.Forge{Env: t.deps.Env, Dir: t.Dir, Repo: to},
		r: &run.Runner{Rig: rig, Repo: repo, Git: t.git},
	}
	prs, gone, err := c.read(ctx, all)
	if err != nil {
		return 0, err
	}
	wait = lookEvery
	for _, p := range all {
		if p.want == wantShown {
			wait = pollEvery
		}
		if t.resting(p.key) {
			continue
		}
		pr, there := prs[p.rec.ID]
		err := c.tend(ctx, p, pr, there, gone[p.rec.ID])
		if down := (*run.DownError)(nil); errors.As(err, &down) || ctx.Err() != nil {
			return 0, err
		}
		if err := c.told(p, err); err != nil {
			return 0, err
		}
	}
	return wait, nil
}

// read asks how pull requests stand, all at once, and what was said in those where something
// is new.
func (c forgeCall) read(ctx context.Context, all []*proposal) (prs map[string]refinery.PullRequest, gone map[string]bool, err error) {
	var ids, news []string
	for _, p := range all {
		if p.rec.ID != "" {
			ids = append(ids, p.rec.ID)
		}
	}
	if prs, gone, err = c.f.Look(ctx, ids); err != nil {
		return nil, nil, err
	}
	for _, p := range all {
		if pr, ok := prs[p.rec.ID]; ok && p.want == wantShown && pr.State != refinery.PRMerged && c.t.prSeen(p.key) != pr.Stamp {
			news = append(news, pr.ID)
		}
	}
	said, err := c.f.Remarks(ctx, news)
	if err != nil {
		return nil, nil, err
	}
	for id, rs := range said {
		pr := prs[id]
		pr.Remarks = rs
		prs[id] = pr
	}
	for _, id := range news {
		if _, ok := said[id]; !ok { // what was said there is not known: it is looked at next time
			delete(prs, id)
		}
	}
	return prs, gone, nil
}

// followForge is deliver for a rig whose forge moves the target: the target follows it, and
// pull requests are looked after.
func (t *Town) followForge(ctx context.Context, rig string, rc config.Rig, was deliveryState) (deliveryState, error) {
	was.look = lookEvery
	if err := t.dropNotice("delivery/" + rig); err != nil { // of a push that is not tried any more
		return was, err
	}
	seen, err := t.look(ctx, rig, rc, &was)
	if err == nil {
		was.look, err = t.forge(ctx, rig, rc, seen.To)
	}
	if ctx.Err() != nil {
		return was, ctx.Err()
	}
	if err == nil {
		t.unreached(rig, false)
		return was, t.solvedPR(rig)
	}
	was.look = min(pollEvery<<min(t.unreached(rig, true), 6), lookMost)
	was.look, err = t.forgeFails(rig, err, was.look)
	return was, err
}

// forgeFails tells why a rig's forge answers nothing, and how long it is left alone: wait, or
// longer where it said so.
func (t *Town) forgeFails(rig string, err error, wait time.Duration) (time.Duration, error) {
	text, hint := beads.Clean(err.Error(), 300), "it is tried again by itself; now: gastown rig deliver "+rig
	if down := (*run.DownError)(nil); errors.As(err, &down) && down.Limit {
		wait = max(wait, down.Wait)
		until := t.deps.Now().Add(wait)
		t.mu.Lock()
		t.prs.limited, t.prs.until = down, until
		t.mu.Unlock()
		text += "; it is asked again at " + until.Local().Format("15:04")
	}
	if h := fault.From(err).Hint; h != "" {
		hint = h
	}
	return wait, t.update(func(tx *store.Tx) error {
		return tx.PutNotice(&beads.Notice{Key: "pr/" + rig, At: t.deps.Now().UTC(), Rig: rig, Text: text, Hint: hint})
	})
}

// forgeRests is the limit that the forge's account is at, while that holds: nothing is asked then,
// whatever happens here.
func (t *Town) forgeRests() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	left := t.prs.until.Sub(t.deps.Now())
	if t.prs.limited == nil || left <= 0 {
		return nil
	}
	down := *t.prs.limited
	down.Wait = left
	return &down
}

// leaveForge closes what a rig still has over there that does not deliver by pull requests any more. It
// is to be tried again after wait, if that is not 0.
func (t *Town) leaveForge(ctx context.Context, rig string, rc config.Rig) (wait time.Duration, err error) {
	var left []*proposal
	if err := t.store.View(func(tx *store.Tx) (err error) { left, err = t.proposals(tx, rig, rc); return err }); err != nil || len(left) == 0 {
		return 0, err
	}
	r := &run.Runner{Rig: rig, Git: t.git}
	seen, err := r.See(ctx, run.Delivery{Mode: run.DeliverPR, Origin: rc.Origin, Branch: rc.Branch})
	if err == nil {
		wait, err = t.forge(ctx, rig, rc, seen.To)
	}
	if err != nil && ctx.Err() == nil {
		return t.forgeFails(rig, step(err, "close the pull requests of %s", rig), lookEvery)
	}
	return wait, errors.Join(err, t.solvedPR(rig))
}

// solvedPR takes the notice about a rig's forge back.
func (t *Town) solvedPR(rig string) error { return t.dropNotice("pr/" + rig) }

// dropNotice takes a notice back; without one nothing is written.
func (t *Town) dropNotice(key string) error {
	there := false
	err := t.store.View(func(tx *store.Tx) error {
		ns, err := tx.Notices()
		there = slices.ContainsFunc(ns, func(n *beads.Notice) bool { return n.Key == key })
		return err
	})
	if err != nil || !there {
		return err
	}
	return t.update(func(tx *store.Tx) error { return tx.DeleteNotice(key) })
}

// prMemory is what this process knows of pull requests beyond the store, by their key.
type prMemory struct {
	seen map[string]string // PullRequest.Stamp when its remarks were read last
	rest map[string]prRest

	limited *run.DownError // the forge's account is, until then
	until   time.Time
}

func newPRMemory() prMemory { return prMemory{seen: map[string]string{}, rest: map[string]prRest{}} }

// prRest is how long a pull request that failed is left alone.
type prRest struct {
	tries int
	until time.Time
}

func (t *Town) resting(key string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.prs.rest[key].until.After(t.deps.Now())
}

// tired counts a failure of one pull request and says when it is tried again.
func (t *Town) tired(key string) time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.prs.rest[key]
	r.until = t.deps.Now().Add(min(pollEvery<<min(r.tries, 6), leaveMost))
	r.tries++
	t.prs.rest[key] = r
	return r.until
}

// rested forgets the failures of one pull request, or of all with an empty key.
func (t *Town) rested(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	maps.DeleteFunc(t.prs.rest, func(k string, _ prRest) bool { return key == "" || k == key })
	if key == "" {
		t.prs.limited = nil
	}
}

func (t *Town) prSeen(key string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.prs.seen[key]
}

func (t *Town) sawPR(key, stamp string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.prs.seen[key] = stamp
}
