package agents

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"gastown/beads"
)

// MaxFailures is how many attempts in a row may end without a submission before a bead
// waits for a person.
const MaxFailures = 3

// BreakerTrips is how many failed starts in a row of one preset stop it everywhere.
const BreakerTrips = 3

// QuickEnd is the age below which an agent that ended without a commit counts as a failed
// start of its preset rather than a failed attempt at the bead alone.
const QuickEnd = 5 * time.Second

// Backoff is how long to wait before attempt n+1 after n failures in a row: 1 s doubling to
// 5 minutes, times a jitter in [0.5, 1) that unit (in [0,1)) chooses.
func Backoff(n int, unit float64) time.Duration {
	d := time.Second
	for i := 1; i < n && d < 5*time.Minute; i++ {
		d *= 2
	}
	d = min(d, 5*time.Minute)
	return time.Duration(float64(d) * (0.5 + unit/2))
}

// Breaker counts failed starts in a row of one preset. A bead counts once: one that cannot
// be done stops itself (MaxFailures), and must not stop the agent for all others.
type Breaker struct {
	Beads []beads.ID `json:"beads"` // whose starts failed
	Since time.Time  `json:"since"` // of the last failure
	Why   string     `json:"why"`
}

// Failed is the breaker after one more failed start.
func (b Breaker) Failed(id beads.ID, why string, now time.Time) Breaker {
	c := Breaker{Beads: slices.Clone(b.Beads), Since: now, Why: why}
	if !slices.Contains(c.Beads, id) {
		c.Beads = append(c.Beads, id)
	}
	return c
}

// Open reports whether the preset is stopped until a person acts.
func (b Breaker) Open() bool { return len(b.Beads) >= BreakerTrips }

// Candidate is a bead that is wished for and ready, with the agent it resolved to.
type Candidate struct {
	Bead   *beads.Bead
	Preset string
	Model  string
	Spec   string   // the agent that was asked for
	Err    string   // why that one cannot start; such a bead is reported, not started
	Files  []string // that its earlier attempts changed, where that is known
}

// Halt is how far a person stopped the town or one of its rigs.
type Halt string

// The halts, each with what the one before it does.
const (
	Going  Halt = ""
	Paused Halt = "paused" // nothing new starts
	Frozen Halt = "frozen" // and the polecats at work stand still
)

// With is the stronger of two halts: a rig's own and the town's.
func (h Halt) With(o Halt) Halt {
	if h == Frozen || o == Going {
		return h
	}
	return o
}

// World is what Plan decides on.
type World struct {
	Now        time.Time
	Cap        int             // live polecats at once
	Stopped    string          // not empty: why nothing at all may start
	Halt       Halt            // of the town
	RigHalts   map[string]Halt // of rigs, by name
	Candidates []Candidate     // in the order they should start
	Live       []*beads.Attempt
	Leaving    []string             // polecats whose ended attempt is still being cleared away
	Limits     map[string]time.Time // by preset
	Breakers   map[string]Breaker   // by preset
	Setups     map[string]Setup     // that do not work, by rig
	Touched    map[string][]string  // files that unlanded work changes, by rig
}

// Start is a decision to start one attempt.
type Start struct {
	Bead    beads.ID
	Rig     string
	Polecat string
	Preset  string
	Model   string
}

// Decision is what should happen now, and what everything else waits for.
type Decision struct {
	Starts  []Start
	Setups  []string            // rigs whose setup is to be tried: beads wait for nothing else
	Waiting map[beads.ID]string // one clause: why a wished bead did not start
	Next    time.Time           // when time alone may change the decision; zero: never
}

// Plan is the one admission function: every way to start a polecat goes through it. It is
// a function of World alone, and planning again after its starts were made starts nothing.
func Plan(w World) Decision {
	d := Decision{Waiting: map[beads.ID]string{}}
	taken := map[string]bool{}
	for _, a := range w.Live {
		taken[a.Polecat] = true
	}
	for _, name := range w.Leaving {
		taken[name] = true
	}
	live, wished := len(w.Live), map[string]bool{}
	for _, c := range w.Candidates {
		wished[wish(c.Bead)] = true
	}
	for _, c := range w.apart() {
		why, until := w.holds(c, taken)
		if why == "" {
			var try bool
			if why, until, try = w.setUp(c.Bead.Rig, d.Starts); try && !slices.Contains(d.Setups, c.Bead.Rig) {
				d.Setups = append(d.Setups, c.Bead.Rig)
			}
		}
		if why == "" && live >= w.Cap {
			switch w.Cap {
			case 0:
				why = "town.polecats is 0"
			case 1:
				why = "the only polecat is busy"
			default:
				why = "all " + strconv.Itoa(w.Cap) + " polecats are busy"
			}
		}
		if why != "" {
			d.Waiting[c.Bead.ID] = why
			if !until.IsZero() && (d.Next.IsZero() || until.Before(d.Next)) {
				d.Next = until
			}
			continue
		}
		name := pick(c.Bead, taken, wished)
		taken[name] = true
		live++
		d.Starts = append(d.Starts, Start{Bead: c.Bead.ID, Rig: c.Bead.Rig, Polecat: name, Preset: c.Preset, Model: c.Model})
	}
	return d
}

// apart is the candidates with those last, within a priority, that would change what others
// are changing: what a bead's earlier attempts changed, or a file that its text names. It is
// a preference: where nothing else is ready they start.
func (w World) apart() []Candidate {
	out := slices.Clone(w.Candidates)
	for from := 0; from < len(out); {
		to := from
		var calm, collide []Candidate
		for ; to < len(out) && out[to].Bead.Priority == out[from].Bead.Priority; to++ {
			if w.collides(out[to]) {
				collide = append(collide, out[to])
			} else {
				calm = append(calm, out[to])
			}
		}
		copy(out[from:], append(calm, collide...))
		from = to
	}
	return out
}

func (w World) collides(c Candidate) bool {
	const shortest = 5 // of a file's name that a text can be taken to mean
	b := c.Bead
	for _, f := range w.Touched[b.Rig] {
		if slices.Contains(c.Files, f) {
			return true
		}
		if len(f) < shortest {
			continue
		}
		for _, text := range []string{b.Title, b.Description, b.Design, b.AcceptanceCriteria} {
			if strings.Contains(text, f) {
				return true
			}
		}
	}
	return false
}

// holds says why a candidate may not start whatever the cap, and until when if time alone
// mends it.
func (w World) holds(c Candidate, taken map[string]bool) (string, time.Time) {
	s := c.Bead.Sling
	switch {
	case w.Stopped != "":
		return w.Stopped, time.Time{}
	case w.Halt != Going:
		return "the town is " + string(w.Halt), time.Time{}
	case w.RigHalts[c.Bead.Rig] != Going:
		return "rig " + c.Bead.Rig + " is " + string(w.RigHalts[c.Bead.Rig]), time.Time{}
	case c.Err != "":
		return c.Err, time.Time{}
	case w.Breakers[c.Preset].Open():
		return "agent " + c.Preset + " failed to start on " + strconv.Itoa(len(w.Breakers[c.Preset].Beads)) + " beads in a row: " + w.Breakers[c.Preset].Why, time.Time{}
	case w.Limits[c.Preset].After(w.Now):
		t := w.Limits[c.Preset]
		return "agent " + c.Preset + " is at its usage limit until " + t.Format("15:04"), t
	case s != nil && s.NotBefore.After(w.Now):
		return "waits before the next try", s.NotBefore
	case s != nil && s.Polecat != "" && taken[s.Polecat]:
		return "polecat " + s.Polecat + " is busy", time.Time{}
	}
	return "", time.Time{}
}

// wish is the polecat that a bead asks for: the one it was slung to, or the one that had it before; "" for any.
func wish(b *beads.Bead) string {
	switch {
	case b.Sling != nil && b.Sling.Polecat != "":
		return b.Sling.Polecat
	case b.Next != nil:
		return b.Next.Same
	}
	return ""
}

// pick chooses a polecat's name: the one that is wished for, or the first that nobody has or wishes for.
func pick(b *beads.Bead, taken, wished map[string]bool) string {
	if name := wish(b); name != "" && !taken[name] { // one that was slung to who is busy waits
		return name
	}
	for i := 0; ; i++ {
		if n := Name(i); !taken[n] && !wished[n] {
			return n
		}
	}
}

// Name is the i-th polecat name: Gas Town's own first, then numbered ones.
func Name(i int) string {
	names := []string{
		"toast", "nux", "slit", "rust", "dag", "ace", "capable", "furiosa", "rictus", "morsov",
		"keeper", "cheedo", "angharad", "valkyrie", "max", "organic", "doof", "coma", "scrotus", "chumbucket",
	}
	if i < len(names) {
		return names[i]
	}
	return names[i%len(names)] + strconv.Itoa(i/len(names)+1)
}

// Names lists the first n names that are not in taken.
func Names(n int, taken []string) []string {
	var out []string
	for i := 0; len(out) < n; i++ {
		if name := Name(i); !slices.Contains(taken, name) {
			out = append(out, name)
		}
	}
	return out
}
