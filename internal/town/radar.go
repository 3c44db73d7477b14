package town

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"gastown/agents"
	"gastown/beads"
	"gastown/beads/store"
	"gastown/refinery"
	"gastown/refinery/run"
)

const (
	radarEvery = time.Second     // it looks no more often
	radarLimit = 5 * time.Second // of one look at a rig; what is left is for the next
	radarPaths = 500             // uncommitted files of one attempt that count
	hadMost    = 500             // beads whose files are remembered
)

// radar knows which unlanded work changes the same files. It is kept in memory: all of it can
// be found out again.
type radar struct {
	bell chan struct{} // one merged element
	mu   sync.Mutex
	over map[string][]refinery.Overlap // by attempt key
	busy map[string][]string           // files being changed, by rig
	had  map[beads.ID][]string         // files that a bead's attempts changed
	sig  string                        // of what the last look saw
}

func newRadar() *radar {
	return &radar{bell: make(chan struct{}, 1), over: map[string][]refinery.Overlap{}, busy: map[string][]string{}, had: map[beads.ID][]string{}}
}

func (r *radar) ring() {
	select {
	case r.bell <- struct{}{}:
	default:
	}
}

// overlaps are those of an attempt.
func (h *Host) overlaps(id beads.ID, n int) []refinery.Overlap {
	if h == nil {
		return nil
	}
	h.radar.mu.Lock()
	defer h.radar.mu.Unlock()
	return h.radar.over[beads.AttemptKey(id, n)]
}

// watchOverlaps looks whenever a branch or a target may have moved.
func (h *Host) watchOverlaps() {
	scans := map[string]*run.Radar{}
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		select {
		case <-h.ctx.Done():
			return
		case <-h.radar.bell:
		}
		select {
		case <-h.ctx.Done():
			return
		case <-pause.C:
		}
		h.scan(scans)
		pause.Reset(radarEvery)
	}
}

// tell says which files are being changed, and what the candidates' earlier attempts changed.
func (r *radar) tell(w *agents.World) {
	r.mu.Lock()
	defer r.mu.Unlock()
	w.Touched = r.busy // replaced whole, never changed
	for i := range w.Candidates {
		w.Candidates[i].Files = r.had[w.Candidates[i].Bead.ID]
	}
}

// unlanded is the work of a rig that has not landed, and its target.
type unlanded struct {
	target   string
	branches []refinery.Branch
}

// scan looks at all rigs. What it does not come to it asks for again.
func (h *Host) scan(scans map[string]*run.Radar) {
	all, err := h.unlanded()
	sig := fmt.Sprint(all)
	h.radar.mu.Lock()
	same := sig == h.radar.sig
	h.radar.mu.Unlock()
	if err != nil || same {
		return
	}
	over, busy := map[string][]refinery.Overlap{}, map[string][]string{}
	had := map[beads.ID][]string{}
	done := true
	for rig, u := range all {
		ctx, cancel := context.WithTimeout(h.ctx, radarLimit)
		repo, err := h.t.repo(ctx, rig)
		if err == nil {
			if scans[rig] == nil {
				scans[rig] = &run.Radar{}
			}
			scans[rig].Repo = repo
			found, whole := scans[rig].Scan(ctx, u.target, u.branches)
			maps.Copy(over, found)
			done = done && whole
		}
		cancel()
		for _, b := range u.branches {
			busy[rig] = append(busy[rig], b.Files...)
			had[b.Bead] = b.Files
		}
	}
	if h.ctx.Err() != nil {
		return
	}
	if !done {
		sig = "" // it goes on where it stopped
		h.radar.ring()
	}
	h.radar.mu.Lock()
	moved := fmt.Sprint(h.radar.over) != fmt.Sprint(over)
	h.radar.over, h.radar.busy, h.radar.sig = over, busy, sig
	if len(h.radar.had) > hadMost {
		clear(h.radar.had) // a preference that is forgotten costs nothing
	}
	maps.Copy(h.radar.had, had)
	h.radar.mu.Unlock()
	if moved {
		h.changed()
	}
}

// unlanded reads what there is to try: what live attempts have by now, and what is queued.
func (h *Host) unlanded() (map[string]unlanded, error) {
	out := map[string]unlanded{}
	workers := h.workersNow()
	err := h.t.store.View(func(tx *store.Tx) error {
		for _, rig := range rigNames(h.t.settings()) {
			q, err := h.t.queue(tx, rig)
			if err != nil {
				return err
			}
			u := unlanded{target: q.Target}
			for _, e := range q.Entries {
				u.branches = append(u.branches, refinery.Branch{Bead: e.Bead, N: e.N, Tip: e.Tip})
			}
			for _, k := range slices.Sorted(maps.Keys(workers)) {
				w := workers[k]
				if w.rig != rig || slices.ContainsFunc(q.Entries, func(e refinery.Entry) bool { return e.Bead == w.bead }) {
					continue
				}
				if l := w.lookNow(); !l.at.IsZero() {
					u.branches = append(u.branches, refinery.Branch{Bead: w.bead, N: w.n, Tip: l.head, Files: l.paths})
				}
			}
			if u.target != "" && len(u.branches) > 0 {
				out[rig] = u
			}
		}
		return nil
	})
	return out, err
}
