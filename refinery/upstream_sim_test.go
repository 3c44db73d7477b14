package refinery

import (
	"fmt"
	"slices"
	"strings"
)

// contains reports whether commit is in the history of tip.
func (s *sim) contains(commit, tip string) bool {
	for todo := []string{tip}; len(todo) > 0; todo = todo[1:] {
		if todo[0] == commit {
			return true
		}
		c := s.commits[todo[0]]
		for _, p := range []string{c.parent, c.second} {
			if p != "" {
				todo = append(todo, p)
			}
		}
	}
	return false
}

// remote is somebody who pushes to the origin, sometimes by force, after it was brought up
// to date or not. Red pushes are repaired by the next.
func (s *sim) remote(what string) {
	if s.percent(60) {
		s.deliver()
	}
	s.pushes++
	on := s.origin
	if !s.calm && s.percent(15) && s.commits[on].parent != "" && s.commits[on].second == "" {
		on = s.commits[on].parent
	}
	has := slices.DeleteFunc(slices.Clone(s.commits[on].has), func(x string) bool { return strings.HasSuffix(x, "!") })
	name := fmt.Sprint("push", s.pushes)
	if what == "red" {
		name += "!"
	}
	s.commits[name] = simCommit{parent: on, tree: treeOf(append(has, name)), has: append(has, name)}
	s.origin = name
	s.look()
}

// deliver pushes what the Refinery landed, where that is a fast-forward and nothing forbids it.
func (s *sim) deliver() {
	if s.q.Undelivered() == "" && s.contains(s.origin, s.q.Target) {
		s.origin, s.known = s.q.Target, s.q.Target
	}
}

// look is the host's fetch.
func (s *sim) look() {
	if s.contains(s.origin, s.q.Target) {
		s.known = s.origin
		s.send(OriginAt{})
		return
	}
	u := s.q.Upstream
	s.send(OriginAt{
		Tip: s.origin, From: "origin", Commits: 1, Known: s.known, Rewritten: !s.contains(s.known, s.origin),
		Dropped: u != nil && !s.contains(u.Tip, s.origin),
	})
}

// person decides what the origin waits for; it reports whether there was something.
func (s *sim) person() bool {
	u := s.q.Upstream
	switch {
	case u == nil || !s.calm && !s.percent(30):
		return false
	case u.Asks() && s.percent(50):
		s.send(Choose{Choice: KeepOurs})
	case u.Asks() || u.Choice == KeepOurs:
		s.send(Choose{Choice: TakeTheirs})
	case u.Why != "":
		s.remote("fine")
	default:
		return false
	}
	return true
}

func (s *sim) buildUpstream(a Build) Built {
	ev := Built{Seq: a.Seq, Base: s.target, BaseTree: s.commits[s.target].tree}
	tip := a.Upstream.Tip
	s.tree, s.baseTree, s.parts = "", ev.BaseTree, nil
	switch {
	case s.accident(30):
		return Built{Seq: a.Seq, Err: "disk full"}
	case s.accident(30):
		ev.Upstream = UpstreamGone
		return ev
	case s.contains(tip, s.target):
		ev.Upstream = UpstreamIn
		return ev
	case s.contains(s.target, tip):
		ev.Commit = tip
	default:
		has := slices.Clone(s.commits[s.target].has)
		for _, x := range s.commits[tip].has {
			if !slices.Contains(has, x) {
				has = append(has, x)
			}
		}
		ev.Commit = s.target + "<" + tip
		s.commits[ev.Commit] = simCommit{parent: s.target, second: tip, tree: treeOf(has), has: has}
	}
	ev.Tree = s.commits[ev.Commit].tree
	s.tree = ev.Tree
	return ev
}
