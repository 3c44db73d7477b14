package agents

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"gastown/beads"
)

// begun is the world after a decision was carried out: what started is live and no candidate any more.
func begun(w World, d Decision) World {
	w.Live = slices.Clone(w.Live)
	started := map[beads.ID]bool{}
	for _, s := range d.Starts {
		started[s.Bead] = true
		w.Live = append(w.Live, &beads.Attempt{Bead: s.Bead, N: 1, Rig: s.Rig, Polecat: s.Polecat, Preset: s.Preset, State: beads.Starting})
	}
	w.Candidates = slices.DeleteFunc(slices.Clone(w.Candidates), func(c Candidate) bool { return started[c.Bead.ID] })
	return w
}

// drawWorld is any world that the host could see, and some that it never will.
func drawWorld(t *rapid.T) World {
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	name := rapid.Custom(func(t *rapid.T) string { return Name(rapid.IntRange(0, 5).Draw(t, "polecat")) })
	preset := rapid.SampledFrom([]string{"claude", "scripted", "mine"})
	when := rapid.Custom(func(t *rapid.T) time.Time {
		return now.Add(time.Duration(rapid.IntRange(-2, 2).Draw(t, "minutes")) * time.Minute)
	})
	w := World{Now: now, Cap: rapid.IntRange(0, 5).Draw(t, "cap"), RigHalts: map[string]Halt{}, Limits: map[string]time.Time{}, Breakers: map[string]Breaker{}}
	if rapid.IntRange(0, 9).Draw(t, "stopped") == 0 {
		w.Stopped = "the town is paused"
	}
	halts := []Halt{Going, Going, Paused, Frozen}
	w.Halt = rapid.SampledFrom(halts).Draw(t, "the town")
	w.RigHalts["b"] = rapid.SampledFrom(halts).Draw(t, "rig b")
	for _, p := range []string{"claude", "mine"} {
		if rapid.Bool().Draw(t, "limited") {
			w.Limits[p] = when.Draw(t, "until")
		}
		b := Breaker{}
		for i := range rapid.IntRange(0, BreakerTrips+1).Draw(t, "failed starts") {
			b = b.Failed(beads.ID(rune('a'+i)), "no such file", now)
		}
		w.Breakers[p] = b
	}
	for i := range rapid.IntRange(0, 4).Draw(t, "live") {
		polecat := Name(i)
		w.Live = append(w.Live, &beads.Attempt{Bead: beads.ID("live-" + polecat), Polecat: polecat, State: beads.Running})
	}
	w.Leaving = rapid.SliceOfN(name, 0, 3).Draw(t, "leaving")
	for i := range rapid.IntRange(0, 8).Draw(t, "candidates") {
		b := &beads.Bead{ID: beads.ID("c-" + Name(i)), Rig: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "rig"), Status: beads.Open}
		if rapid.Bool().Draw(t, "slung") {
			b.Sling = &beads.Sling{At: now}
			if rapid.Bool().Draw(t, "waits") {
				b.Sling.NotBefore = when.Draw(t, "not before")
			}
			if rapid.Bool().Draw(t, "named") {
				b.Sling.Polecat = name.Draw(t, "for")
			}
		}
		if rapid.Bool().Draw(t, "again") {
			b.Next = &beads.Start{Same: name.Draw(t, "same")}
		}
		c := Candidate{Bead: b, Preset: preset.Draw(t, "preset")}
		if rapid.IntRange(0, 9).Draw(t, "no such agent") == 0 {
			c.Err = "no agent preset"
		}
		w.Candidates = append(w.Candidates, c)
	}
	return w
}

func TestPlan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		d := Plan(w)
		if diff := cmp.Diff(d, Plan(w)); diff != "" {
			t.Fatalf("planned differently a second time:\n%s", diff)
		}
		if len(d.Starts) > 0 && len(w.Live)+len(d.Starts) > w.Cap {
			t.Fatalf("%d live and %d starts, the cap is %d", len(w.Live), len(d.Starts), w.Cap)
		}
		if len(d.Starts)+len(d.Waiting) != len(w.Candidates) {
			t.Fatalf("%d starts and %d waiting, of %d candidates", len(d.Starts), len(d.Waiting), len(w.Candidates))
		}
		taken := slices.Clone(w.Leaving)
		for _, a := range w.Live {
			taken = append(taken, a.Polecat)
		}
		for _, s := range d.Starts {
			i := slices.IndexFunc(w.Candidates, func(c Candidate) bool { return c.Bead.ID == s.Bead })
			c := w.Candidates[i]
			sling := c.Bead.Sling
			switch {
			case slices.Contains(taken, s.Polecat):
				t.Fatalf("%s is given to %s, who is busy", s.Bead, s.Polecat)
			case w.Stopped != "", w.Halt != Going, w.RigHalts[s.Rig] != Going, c.Err != "", w.Breakers[s.Preset].Open(), w.Limits[s.Preset].After(w.Now):
				t.Fatalf("%s starts, though nothing may", s.Bead)
			case sling != nil && sling.NotBefore.After(w.Now):
				t.Fatalf("%s starts before its time", s.Bead)
			case sling != nil && sling.Polecat != "" && s.Polecat != sling.Polecat:
				t.Fatalf("%s is given to %s, not to %s", s.Bead, s.Polecat, sling.Polecat)
			case s.Preset != c.Preset || s.Rig != c.Bead.Rig:
				t.Fatalf("started %+v of %+v", s, c)
			}
			taken = append(taken, s.Polecat)
		}
		for id, why := range d.Waiting {
			if why == "" {
				t.Fatalf("%s waits for nothing", id)
			}
		}
		if !d.Next.IsZero() && !d.Next.After(w.Now) {
			t.Fatalf("to be planned again at %s, now is %s", d.Next, w.Now)
		}
		if again := Plan(begun(w, d)); len(again.Starts) > 0 {
			t.Fatalf("planned again it starts %+v", again.Starts)
		}
	})
}

// TestPlanWakesInTime: where time alone holds a bead back, it starts at Next and not before.
func TestPlanWakesInTime(t *testing.T) {
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	bead := func(id beads.ID, wait time.Duration) Candidate {
		return Candidate{Bead: &beads.Bead{ID: id, Rig: "a", Sling: &beads.Sling{NotBefore: now.Add(wait)}}, Preset: "claude"}
	}
	w := World{Now: now, Cap: 3, Candidates: []Candidate{bead("late", time.Hour), bead("soon", time.Minute)}}
	d := Plan(w)
	if !d.Next.Equal(now.Add(time.Minute)) || len(d.Starts) > 0 {
		t.Fatalf("plan: %+v", d)
	}
	w.Now = d.Next
	if d = Plan(w); len(d.Starts) != 1 || d.Starts[0].Bead != "soon" {
		t.Errorf("at its time: %+v", d)
	}
	w.Limits = map[string]time.Time{"claude": now.Add(2 * time.Hour)}
	if d = Plan(w); len(d.Starts) > 0 || !d.Next.Equal(now.Add(2*time.Hour)) || !strings.Contains(d.Waiting["soon"], "usage limit until 14:00") {
		t.Errorf("limited: %+v", d)
	}
}

func TestBackoff(t *testing.T) {
	for n, want := range map[int]time.Duration{0: time.Second, 1: time.Second, 2: 2 * time.Second, 3: 4 * time.Second, 9: 256 * time.Second, 10: 5 * time.Minute, 1000: 5 * time.Minute} {
		if got := Backoff(n, 0); got != want/2 {
			t.Errorf("Backoff(%d, 0) = %s, want %s", n, got, want/2)
		}
		if got := Backoff(n, 0.999999); got >= want || got < want*99/100 {
			t.Errorf("Backoff(%d, 1) = %s, want just under %s", n, got, want)
		}
	}
}

func TestBreakerCountsBeads(t *testing.T) {
	var b Breaker
	for range 5 {
		b = b.Failed("a-1", "no such file", time.Time{})
	}
	if b.Open() {
		t.Error("one bead alone stops an agent for all")
	}
	two := b.Failed("a-2", "no such file", time.Time{})
	if three := two.Failed("a-3", "still not", time.Time{}); !three.Open() || three.Why != "still not" || two.Open() || len(b.Beads) != 1 {
		t.Errorf("breakers: %+v %+v %+v", b, two, three)
	}
}

func TestNames(t *testing.T) {
	seen := map[string]bool{}
	for i := range 100 {
		if n := Name(i); seen[n] {
			t.Fatalf("name %d, %q, is there already", i, n)
		} else {
			seen[n] = true
		}
	}
	if got := Names(3, []string{"toast", "slit"}); !slices.Equal(got, []string{"nux", "rust", "dag"}) {
		t.Errorf("names: %v", got)
	}
}

// TestPlanSaysWhyItWaits, in the number that there is.
func TestPlanSaysWhyItWaits(t *testing.T) {
	for limit, want := range map[int]string{0: "town.polecats is 0", 1: "the only polecat is busy", 2: "all 2 polecats are busy"} {
		w := World{Cap: limit, Candidates: []Candidate{{Bead: &beads.Bead{ID: "app-1", Rig: "app"}}}}
		for i := range limit {
			w.Live = append(w.Live, &beads.Attempt{Bead: beads.ID("app-9"), N: i + 1, Polecat: "busy" + strconv.Itoa(i), Rig: "app"})
		}
		if got := Plan(w).Waiting["app-1"]; got != want {
			t.Errorf("%d polecats: %q, want %q", limit, got, want)
		}
	}
}

func TestPlanKeepsApart(t *testing.T) {
	bead := func(id string, priority int, text string) *beads.Bead {
		return &beads.Bead{ID: beads.ID(id), Rig: "app", Priority: priority, Description: text}
	}
	w := World{Cap: 2, Touched: map[string][]string{"app": {"auth/login.go", "x"}, "web": {"other.go"}}, Candidates: []Candidate{
		{Bead: bead("urgent", 0, "in auth/login.go")},
		{Bead: bead("named", 2, "mend auth/login.go")},
		{Bead: bead("again", 2, ""), Files: []string{"x"}},
		{Bead: bead("free", 2, "x is a letter, other.go is elsewhere")},
		{Bead: bead("low", 3, "")},
	}}
	started := func() (ids []string) {
		for _, s := range Plan(w).Starts {
			ids = append(ids, string(s.Bead))
		}
		return ids
	}
	if got := started(); !slices.Equal(got, []string{"urgent", "free"}) {
		t.Errorf("starts %v", got)
	}
	w.Cap = 5
	if got := started(); !slices.Equal(got, []string{"urgent", "free", "named", "again", "low"}) {
		t.Errorf("starts %v: it is a preference only", got)
	}
}

// A bead that goes on gets the polecat it had, whoever starts before it.
func TestAPolecatKeepsItsName(t *testing.T) {
	bead := func(id beads.ID, prio int, same string) Candidate {
		b := &beads.Bead{ID: id, Priority: prio, Sling: &beads.Sling{}}
		if same != "" {
			b.Next = &beads.Start{Same: same}
		}
		return Candidate{Bead: b}
	}
	d := Plan(World{Cap: 3, Candidates: []Candidate{bead("new", 0, ""), bead("a", 1, "nux"), bead("b", 1, "toast")}})
	got := map[beads.ID]string{}
	for _, s := range d.Starts {
		got[s.Bead] = s.Polecat
	}
	if got["a"] != "nux" || got["b"] != "toast" || got["new"] != "slit" {
		t.Errorf("started as %v", got)
	}
}

// TestPlanWaitsForASetupThatFails: where a rig's own setup fails its beads wait, those of other rigs
// do not, and it is tried when its time has come and a bead waits for nothing else.
func TestPlanWaitsForASetupThatFails(t *testing.T) {
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	bead := func(id beads.ID, rig string) Candidate {
		return Candidate{Bead: &beads.Bead{ID: id, Rig: rig}, Preset: "claude"}
	}
	failed := Setup{}.Failed("npm ci", "c1", "rig.a.setup failed: exit 1", now, 0)
	w := World{Now: now, Cap: 3, Candidates: []Candidate{bead("one", "a"), bead("two", "a"), bead("three", "b")}, Setups: map[string]Setup{"a": failed}}
	d := Plan(w)
	if len(d.Starts) != 1 || d.Starts[0].Rig != "b" || len(d.Setups) > 0 || !d.Next.Equal(failed.Until) || d.Waiting["two"] != "rig.a.setup failed: exit 1; it is tried again in 1s" {
		t.Fatalf("plan: %+v", d)
	}
	w.Now = failed.Until
	if d = Plan(w); len(d.Starts) != 1 || !slices.Equal(d.Setups, []string{"a"}) || !d.Next.IsZero() || !strings.HasSuffix(d.Waiting["one"], "it is being tried again") {
		t.Fatalf("plan when it is due: %+v", d)
	}
	tried := w
	tried.Setups = map[string]Setup{"a": failed.Passed(now)}
	if d = Plan(tried); len(d.Starts) != 2 || len(d.Setups) > 0 || !strings.HasSuffix(d.Waiting["two"], "it is being tried again") {
		t.Fatalf("plan when it works again: %+v", d)
	}
	if d = Plan(begun(tried, d)); len(d.Starts) > 0 || len(d.Setups) > 0 {
		t.Fatalf("plan while one polecat tries it: %+v", d)
	}
	stuck := failed
	for range setupFlops {
		stuck = stuck.Passed(now).Failed("npm ci", "c1", failed.Why, now, 0)
	}
	tried.Setups = map[string]Setup{"a": stuck}
	if d = Plan(tried); len(d.Starts) != 1 || len(d.Setups) > 0 || !d.Next.IsZero() || !strings.HasSuffix(d.Waiting["one"], "a sling tries it again") {
		t.Fatalf("plan when it works on the target and never for a polecat: %+v", d)
	}
	tried.Setups = map[string]Setup{"a": stuck.Asked(now)}
	if d = Plan(tried); len(d.Starts) != 2 || len(d.Setups) > 0 {
		t.Fatalf("plan when a person asked again: %+v", d)
	}
	moved, other := stuck.Moved("npm ci", "c2", now)
	if _, same := moved.Moved("npm ci", "c2", now); !other || same {
		t.Fatalf("moved: %+v", moved)
	}
	tried.Setups = map[string]Setup{"a": moved}
	if d = Plan(tried); len(d.Starts) != 2 || len(d.Setups) > 0 {
		t.Fatalf("plan on another target: %+v", d)
	}
	w.Halt = Paused
	if d = Plan(w); len(d.Setups) > 0 {
		t.Fatalf("tried in a town that is paused: %+v", d)
	}
	if again := failed.Failed("npm ci", "c1", "", now, 0); again.Tries != 2 || !again.Until.After(failed.Until) {
		t.Fatalf("it does not wait longer each time: %+v", again)
	}
}
