package beads

import (
	"bytes"
	"cmp"
	"encoding/json"
	"iter"
	"slices"
	"strings"
	"time"
)

// Graph answers what blocks what over one set of beads. Build it once per set: O(beads + dependencies).
// It keeps answers it has worked out and is not safe for concurrent use.
//
// A blocker counts as gone once it is closed, dropped too (as in bd), and conditional-blocks is taken
// like blocks. A blocker that does not exist blocks. A parent passes on only that it is blocked
// itself, never that it is open.
type Graph struct {
	nodes []node
	index map[ID]int
	byKey [][]ID // memo of BlockedBy by node
	known []bool
}

type node struct {
	id         ID
	bead       *Bead // nil: named by a dependency, not in the set
	needs      []need
	parents    []int
	children   []int
	dependents []int // over the three blocking types
}

type need struct {
	on   int
	gate string // of waits-for: "", all-children, any-children
}

// Blocking reports whether a dependency of type t can keep a bead from being ready.
func (t DepType) Blocking() bool {
	return t == Blocks || t == WaitsFor || t == Conditional || t == ParentChild
}

// NewGraph builds the graph of a set of beads.
func NewGraph(set iter.Seq[*Bead]) *Graph {
	g := &Graph{index: map[ID]int{}}
	for b := range set {
		g.nodes[g.node(b.ID)].bead = b
	}
	for i := range len(g.nodes) {
		for _, d := range g.nodes[i].bead.Dependencies {
			if !d.Type.Blocking() {
				continue
			}
			to := g.node(d.DependsOn)
			if d.Type == ParentChild {
				g.nodes[i].parents = append(g.nodes[i].parents, to)
				g.nodes[to].children = append(g.nodes[to].children, i)
				continue
			}
			g.nodes[i].needs = append(g.nodes[i].needs, need{on: to, gate: d.Gate()})
			g.nodes[to].dependents = append(g.nodes[to].dependents, i)
		}
	}
	g.byKey, g.known = make([][]ID, len(g.nodes)), make([]bool, len(g.nodes))
	return g
}

func (g *Graph) node(id ID) int {
	i, ok := g.index[id]
	if !ok {
		i = len(g.nodes)
		g.index[id] = i
		g.nodes = append(g.nodes, node{id: id})
	}
	return i
}

// BlockedBy lists the beads that keep id from being ready, its own and its parents' blockers, sorted.
func (g *Graph) BlockedBy(id ID) []ID {
	i, ok := g.index[id]
	if !ok {
		return nil
	}
	if !g.known[i] {
		var out []ID
		for _, on := range g.open(i) {
			out = append(out, g.nodes[on].id)
		}
		slices.Sort(out)
		g.byKey[i], g.known[i] = slices.Compact(out), true
	}
	return slices.Clone(g.byKey[i])
}

// open is the nodes that block i: of itself and of its ancestors.
func (g *Graph) open(i int) []int {
	var out []int
	for a := range g.lineage(i) {
		for _, n := range g.nodes[a].needs {
			if !g.met(n) {
				out = append(out, n.on)
			}
		}
	}
	return out
}

// lineage is i and its ancestors, each once. A closed ancestor is no longer blocked.
func (g *Graph) lineage(i int) iter.Seq[int] {
	return func(yield func(int) bool) {
		if !yield(i) || len(g.nodes[i].parents) == 0 {
			return
		}
		seen := map[int]bool{i: true}
		for queue := slices.Clone(g.nodes[i].parents); len(queue) > 0; queue = queue[1:] {
			p := queue[0]
			if seen[p] {
				continue
			}
			seen[p] = true
			if g.closed(p) {
				continue
			}
			if !yield(p) {
				return
			}
			queue = append(queue, g.nodes[p].parents...)
		}
	}
}

func (g *Graph) closed(i int) bool {
	b := g.nodes[i].bead
	return b != nil && b.Status == Closed
}

func (g *Graph) met(n need) bool {
	children := g.nodes[n.on].children
	switch {
	case n.gate == "" || len(children) == 0:
		return g.closed(n.on)
	case n.gate == "any-children":
		return g.closed(n.on) || slices.ContainsFunc(children, g.closed)
	}
	return !slices.ContainsFunc(children, func(c int) bool { return !g.closed(c) })
}

// Ready reports whether work on b could start now: open, not deferred by itself or an ancestor,
// nothing that blocks it, and of a kind that is work.
func (g *Graph) Ready(b *Bead, now time.Time) bool {
	if !b.Startable(now) {
		return false
	}
	i, ok := g.index[b.ID]
	if !ok {
		return true
	}
	for a := range g.lineage(i) {
		if p := g.nodes[a].bead; a != i && p != nil && (p.Status == Deferred || p.DeferUntil != nil && p.DeferUntil.After(now)) {
			return false
		}
	}
	return len(g.BlockedBy(b.ID)) == 0
}

// Startable is Ready as far as b alone can tell: open, not deferred, of a kind that is work.
func (b *Bead) Startable(now time.Time) bool {
	if b.Status != Open || b.DeferUntil != nil && b.DeferUntil.After(now) || b.flag("pinned") || b.flag("ephemeral") {
		return false
	}
	switch b.Type {
	case "merge-request", "gate", "molecule", "message", "agent", "role", "rig":
		return false
	}
	return true
}

// Wished reports whether somebody wants work on b to start: by a sling, by a launched convoy that has it, or
// because all that is ready is to start. That never means what is done by other beads.
func (b *Bead) Wished(launched, auto bool) bool {
	if b.Sling != nil {
		return true
	}
	return !b.Stopped && (launched || auto && b.Type != Epic && b.Type != Milestone)
}

func (b *Bead) flag(name string) bool { return string(b.Extra[name]) == "true" }

// WouldCycle is the cycle that a dependency of from on to would close, as a path from -> to -> ... -> from;
// nil if none. Parents count: what a parent waits for, its children wait for.
func (g *Graph) WouldCycle(from, to ID) []ID {
	if from == to {
		return []ID{from, to}
	}
	start, ok := g.index[to]
	goal, ok2 := g.index[from]
	if !ok || !ok2 {
		return nil
	}
	came := map[int]int{start: -1}
	for queue := []int{start}; len(queue) > 0; queue = queue[1:] {
		i := queue[0]
		if i == goal {
			var path []ID
			for ; i >= 0; i = came[i] {
				path = append(path, g.nodes[i].id)
			}
			slices.Reverse(path)
			return append([]ID{from}, path...)
		}
		for _, next := range g.edges(i) {
			if _, seen := came[next]; !seen {
				came[next] = i
				queue = append(queue, next)
			}
		}
	}
	return nil
}

func (g *Graph) edges(i int) []int {
	out := slices.Clone(g.nodes[i].parents)
	for _, n := range g.nodes[i].needs {
		out = append(out, n.on)
	}
	return out
}

// Cycle is one dependency cycle of the set, first bead repeated at the end; nil if there is none.
func (g *Graph) Cycle() []ID {
	const (
		fresh = iota
		onPath
		done
	)
	type frame struct{ node, next int }
	state := make([]int, len(g.nodes))
	for root := range g.nodes {
		if state[root] != fresh {
			continue
		}
		stack := []frame{{node: root}}
		state[root] = onPath
		for len(stack) > 0 {
			f := &stack[len(stack)-1]
			edges := g.edges(f.node)
			if f.next == len(edges) {
				state[f.node] = done
				stack = stack[:len(stack)-1]
				continue
			}
			to := edges[f.next]
			f.next++
			switch state[to] {
			case fresh:
				state[to] = onPath
				stack = append(stack, frame{node: to})
			case onPath:
				at := slices.IndexFunc(stack, func(f frame) bool { return f.node == to })
				var path []ID
				for _, f := range stack[at:] {
					path = append(path, g.nodes[f.node].id)
				}
				return append(path, g.nodes[to].id)
			}
		}
	}
	return nil
}

// Waves groups ids by when they can start: each wave needs only what is in earlier ones. Closed
// beads are left out, blockers outside ids are taken as met, and beads in a cycle are in no wave.
// Within a wave the order is ReadyOrder.
func (g *Graph) Waves(ids []ID) [][]ID {
	in := map[int]bool{}
	for _, id := range ids {
		if i, ok := g.index[id]; ok && g.nodes[i].bead != nil && !g.closed(i) {
			in[i] = true
		}
	}
	left, waiters := map[int]int{}, map[int][]int{}
	var now []int
	for i := range in {
		seen := map[int]bool{}
		for _, on := range g.open(i) {
			for _, w := range g.within(on, in) {
				if !seen[w] {
					seen[w] = true
					left[i]++
					waiters[w] = append(waiters[w], i)
				}
			}
		}
		if left[i] == 0 {
			now = append(now, i)
		}
	}
	var waves [][]ID
	for len(now) > 0 {
		slices.SortFunc(now, func(a, b int) int { return ReadyOrder(g.nodes[a].bead, g.nodes[b].bead) })
		var wave []ID
		var next []int
		for _, i := range now {
			wave = append(wave, g.nodes[i].id)
			for _, w := range waiters[i] {
				if left[w]--; left[w] == 0 {
					next = append(next, w)
				}
			}
		}
		waves, now = append(waves, wave), next
	}
	return waves
}

// within is what of blocker on must run first: itself, where it is among in.
func (g *Graph) within(on int, in map[int]bool) []int {
	if in[on] {
		return []int{on}
	}
	return nil
}

// Unblocks lists the open beads that wait for id, directly or through a parent, sorted.
func (g *Graph) Unblocks(id ID) []ID {
	i, ok := g.index[id]
	if !ok {
		return nil
	}
	var out []ID
	seen := map[int]bool{}
	for queue := slices.Clone(g.nodes[i].dependents); len(queue) > 0; queue = queue[1:] {
		d := queue[0]
		if seen[d] || g.closed(d) {
			continue
		}
		seen[d] = true
		if slices.Contains(g.BlockedBy(g.nodes[d].id), id) {
			out = append(out, g.nodes[d].id)
		}
		queue = append(queue, g.nodes[d].children...)
	}
	slices.Sort(out)
	return out
}

// Missing lists the beads that dependencies name and the set does not have, sorted.
func (g *Graph) Missing() []ID {
	var out []ID
	for _, n := range g.nodes {
		if n.bead == nil {
			out = append(out, n.id)
		}
	}
	slices.Sort(out)
	return out
}

// Gate is the fan-in rule of a waits-for dependency: "", "all-children" or "any-children".
// bd keeps its metadata as a string that holds JSON.
func (d Dependency) Gate() string {
	if d.Type != WaitsFor || len(d.Metadata) == 0 {
		return ""
	}
	raw := bytes.TrimSpace(d.Metadata)
	var text string
	if json.Unmarshal(raw, &text) == nil {
		raw = []byte(text)
	}
	var m struct {
		Gate string `json:"gate"`
	}
	if json.Unmarshal(raw, &m) != nil {
		return ""
	}
	switch g := strings.ToLower(m.Gate); g {
	case "all-children", "any-children":
		return g
	}
	return ""
}

// ReadyOrder compares by priority, then age with the oldest first, then id.
func ReadyOrder(a, b *Bead) int {
	return cmp.Or(cmp.Compare(a.Priority, b.Priority), a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
}

// AttentionOrder compares by how much a person wants to see a bead: what waits for them, what is worked
// on, in the queue, open, deferred, closed (the newest first); then ReadyOrder.
func AttentionOrder(a, b *Bead) int {
	if c := cmp.Compare(attention(a.Status), attention(b.Status)); c != 0 {
		return c
	}
	if a.ClosedAt != nil && b.ClosedAt != nil {
		if c := b.ClosedAt.Compare(*a.ClosedAt); c != 0 {
			return c
		}
	}
	return ReadyOrder(a, b)
}

func attention(s Status) int {
	return slices.Index([]Status{NeedsYou, Working, Submitted, Open, Deferred, Closed}, s)
}
