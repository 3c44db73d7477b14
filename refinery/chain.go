package refinery

import (
	"cmp"
	"slices"
)

// A convoy can be one pull request. Its entries then are proposed as a chain: each is built
// and gated on those that are proposed before it (Run.Under), so that what the forge is shown
// was tested as a whole. Where one leaves the chain, those after it are built anew.

// Chain is a convoy's proposed entries, in their order.
func (q Queue) Chain(convoy string) []Entry {
	var out []Entry
	for _, e := range q.Entries {
		if convoy != "" && e.Convoy == convoy && e.State == EntryPR {
			out = append(out, e)
		}
	}
	slices.SortFunc(out, func(a, b Entry) int { return cmp.Compare(a.Place, b.Place) })
	return out
}

// chain is what an entry is built on.
func (q Queue) chain(cfg Config, e Entry) []Entry {
	if !cfg.Forge {
		return nil
	}
	return q.Chain(e.Convoy)
}

// under is what the one entry of a batch is built on.
func (m *machine) under(batch []Entry) []Entry {
	if len(batch) != 1 {
		return nil
	}
	return m.q.chain(m.cfg, batch[0])
}

// builtUnder takes over what was built of the chain.
func (m *machine) builtUnder(built []Part) bool {
	r := m.q.Run
	if len(built) != len(r.Under) {
		return false
	}
	for i, p := range built {
		if p.Bead != r.Under[i].Bead || p.N != r.Under[i].N || p.Commit == "" || p.Tree == "" {
			return false
		}
		r.Under[i].Commit, r.Under[i].Tree = p.Commit, p.Tree
	}
	return true
}

// below is what the parts were put on: the end of the chain, or the target.
func (r *Run) below() Part {
	if n := len(r.Under); n > 0 {
		return r.Under[n-1]
	}
	return Part{Commit: r.Base, Tree: r.BaseTree}
}

// doubtful reports whether the chain that the run's entry was put on is to be looked at before
// anything is said of that.
func (m *machine) doubtful(base *Verdict) bool {
	return len(m.q.Run.Under) > 0 && (base == nil || base.Outcome != Pass || m.stale(*base))
}

// gateUnder looks again at the last of the chain that a red candidate was put on: the target
// may have moved under it since. Only what is red on something green is blamed.
func (m *machine) gateUnder() {
	r := *m.q.Run
	m.forget()
	m.q.Seq++
	last := r.below()
	m.q.Run = &Run{
		Seq: m.q.Seq, Parts: []Part{last}, Under: r.Under[:len(r.Under)-1], Phase: PhaseBuild, Base: r.Base, BaseTree: r.BaseTree,
		Commit: last.Commit, Tree: last.Tree, Key: r.Key, StartedAt: m.now, PhaseSince: m.now,
	}
	if v := m.verdict(last.Tree); v != nil && v.Outcome != Pass {
		m.judge()
		return
	}
	m.q.Fresh = true
	m.startGate(0)
}

// chained notes the chain that ends with a run's entry. Those before it keep theirs: it passed as
// a whole, and none of them on this target by itself.
func (m *machine) chained(r *Run) {
	if i := index(m.q, r.Parts[0].Bead); i >= 0 && m.q.Entries[i].Convoy != "" {
		last := Part{Bead: r.Parts[0].Bead, N: r.Parts[0].N, Commit: r.Commit}
		m.q.Entries[i].Place, m.q.Entries[i].Chain = len(r.Under)+1, append(slices.Clone(r.Under), last)
	}
}

// unchain queues again what was proposed after an entry that left its chain.
func (m *machine) unchain() {
	for i := range m.q.Entries {
		e := &m.q.Entries[i]
		if e.State != EntryPR || e.Place < 2 {
			continue
		}
		if chain := m.q.Chain(e.Convoy); len(chain) < e.Place || chain[e.Place-1].Bead != e.Bead {
			m.interruptFor(e.Bead)
			m.enter(e, EntryQueued)
		}
	}
}
