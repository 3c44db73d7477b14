package town

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/api"
	"gastown/internal/fault"
	"gastown/internal/git"
)

// TestAnUpdateKilledWithItsHostIsHealedAtTheNextStart leaves a checkout as a power cut does:
// some files are new, the index and the branch are old, a lock lies about.
func TestAnUpdateKilledWithItsHostIsHealedAtTheNextStart(t *testing.T) {
	l := newLab(t, "")
	one := l.create("one")
	l.job(one, "echo 1 > README.md; echo new > other; git add .; git commit -qm one; exec gastown done")
	l.sling(one)
	l.awaitStatus(one, beads.Closed)
	was, tip := l.git(l.src, "rev-parse", "HEAD"), l.git(l.repo(), "rev-parse", "main")
	l.crash(func(tx *store.Tx) error {
		data, err := os.ReadFile(filepath.Join(l.dir, "town.toml"))
		if err != nil {
			return err
		}
		l.write("T/town.toml", strings.Replace(string(data), `deliver = "none"`, `deliver = "checkout"`, 1))
		l.git(l.src, "fetch", "-q", filepath.Join(l.dir, "rigs", "app", "repo.git"), "main")
		l.write("src/README.md", "1\n")
		l.write("src/.git/index.lock", "")
		return tx.PutKV(kvDelivery+"app", deliveryState{Move: &git.Move{Dir: l.src, Branch: "refs/heads/main", Old: was, New: tip, At: time.Now().Add(-time.Minute)}})
	})
	l.up()
	l.await("healed", func() bool { return l.git(l.src, "rev-parse", "HEAD") == tip })
	l.await("told", func() bool { return l.status().Rigs[0].Undelivered == 0 })
	if got := l.git(l.src, "diff", "HEAD") + l.git(l.src, "status", "--porcelain"); got != "" || !l.has(l.src, "HEAD", "other") {
		t.Error(got)
	}
}

// set changes a setting, and returns what was said of it.
func (l *lab) set(key, value string) string {
	l.t.Helper()
	v, err := api.ConfigSet.Do(l.t.Context(), l.person(), api.ConfigReq{Key: key, Value: value})
	if err != nil {
		l.t.Fatal(err)
	}
	return v.Note
}

func (l *lab) why(id beads.ID) string {
	l.t.Helper()
	w, err := api.Why.Do(l.t.Context(), l.person(), api.BeadReq{Bead: id})
	if err != nil {
		l.t.Fatal(err)
	}
	return w.Why + " | " + w.Hint
}

func (l *lab) rig() api.Rig {
	l.t.Helper()
	r, err := api.RigShow.Do(l.t.Context(), l.person(), api.NameReq{})
	if err != nil {
		l.t.Fatal(err)
	}
	return r
}

// land has a bead done and landed, and returns the tip of main then.
func (l *lab) land(title string) (id beads.ID, tip string) {
	l.t.Helper()
	id = l.create(title)
	l.sling(id)
	l.awaitStatus(id, beads.Closed)
	return id, l.git(l.repo(), "rev-parse", "main")
}

func (l *lab) awaitTip(dir, tip string) {
	l.t.Helper()
	l.await("main of "+dir+" is delivered", func() bool {
		return git.CommonDir(dir) != "" && l.git(dir, "for-each-ref", "--format=%(objectname)", "refs/heads/main") == tip && l.status().Rigs[0].Undelivered == 0
	})
}

// TestTurningDeliveryOnDeliversWhatHasLanded, whichever way it is turned, by a verb or by hand.
func TestTurningDeliveryOnDeliversWhatHasLanded(t *testing.T) {
	l := newLab(t, "")
	one, tip := l.land("one")
	if got := l.why(one); !strings.HasSuffix(got, ", in the town alone: delivery to "+l.src+" is off. | gastown config set rig.app.deliver checkout") {
		t.Error(got)
	}
	if n := l.rig().Undelivered; n != 0 {
		t.Errorf("%d undelivered with delivery off", n)
	}
	if got := l.set("rig.app.deliver", "checkout"); got != "1 landed before: delivered now; see: gastown rig show app" {
		t.Errorf("note: %q", got)
	}
	l.awaitTip(l.src, tip)
	if got := l.why(one); !strings.HasSuffix(got, "has landed as "+tip[:10]+". | ") {
		t.Error(got)
	}

	// what is in the way is said of what is not delivered, and of nothing else
	l.write("src/README.md", "edited\n")
	two, tip := l.land("two")
	l.await("told", func() bool { return l.rig().NotBecause == "README.md is edited" })
	if got := l.why(two); !strings.HasSuffix(got, ", and is not delivered to "+l.src+": README.md is edited. | it is tried again by itself; now: gastown rig deliver app") {
		t.Error(got)
	}
	if got := l.why(one); strings.Contains(got, "not delivered") {
		t.Error(got)
	}
	l.git(l.src, "checkout", "-q", "README.md")

	// another way: nothing of what was brought the first way counts for it
	hub := filepath.Join(l.root, "hub.git")
	l.git(l.root, "init", "-q", "--bare", hub)
	_, err := api.ConfigSet.Do(t.Context(), l.person(), api.ConfigReq{Key: "rig.app.deliver", Value: "push"})
	if !fault.Is(err, fault.Refused) || !strings.Contains(err.Error(), "deliver push: "+l.src+" has no remote to push to") {
		t.Error(err)
	}
	l.git(l.src, "remote", "add", "origin", "../hub.git")
	if got := l.set("rig.app.deliver", "push"); !strings.HasPrefix(got, "2 landed before") {
		t.Errorf("note: %q", got)
	}
	l.awaitTip(hub, tip)

	// by hand, after a time without
	l.set("rig.app.deliver", "none")
	three, tip := l.land("three")
	if got := l.why(three); !strings.Contains(got, "in the town alone") {
		t.Error(got)
	}
	data, err := os.ReadFile(filepath.Join(l.dir, "town.toml"))
	if err != nil {
		t.Fatal(err)
	}
	l.write("T/town.toml", strings.Replace(string(data), `deliver = "none"`, `deliver = "checkout"`, 1))
	l.awaitTip(l.src, tip)
	if n := l.toldOfDeliveries(); n != 3 {
		t.Errorf("told %d times of a delivery", n)
	}
}

// toldOfDeliveries is how many events say that something was delivered.
func (l *lab) toldOfDeliveries() (n int) {
	l.t.Helper()
	events, err := api.GetEvents.Do(l.t.Context(), l.person(), api.EventsReq{By: "refinery"})
	if err != nil {
		l.t.Fatal(err)
	}
	for _, e := range events {
		if e.Kind == beads.EvDeliveredTo {
			n++
		}
	}
	return n
}

// TestNothingIsDeliveredBeforeSomethingLanded, so nothing is said of it.
// TestAMendedCheckoutIsSeenSoon: who takes out of the way what a delivery waits for does not wait long, and is told of the wait once.
func TestAMendedCheckoutIsSeenSoon(t *testing.T) {
	l := newLab(t, "")
	l.set("rig.app.deliver", "checkout")
	l.write("src/README.md", "edited\n")
	_, tip := l.land("one")
	l.await("told", func() bool { return l.rig().NotBecause == "README.md is edited" })
	l.write("src/.gitignore", "edited\n")
	l.await("told of both", func() bool { return strings.Contains(l.rig().NotBecause, ".gitignore") })
	l.git(l.src, "checkout", ".")
	l.awaitFor(10*time.Second, "delivered", func() bool { return l.git(l.src, "rev-parse", "main") == tip })
	l.await("and known", func() bool { return l.status().Rigs[0].Undelivered == 0 })
	evs, err := api.GetEvents.Do(t.Context(), l.person(), api.EventsReq{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	told := 0
	for _, ev := range evs {
		if ev.Kind == beads.EvNotDelivered {
			told++
		}
	}
	if told != 1 {
		t.Errorf("told %d times", told)
	}
	for took, want := range map[time.Duration]time.Duration{0: 3 * time.Second, 200 * time.Millisecond: 6 * time.Second, time.Minute: 15 * time.Second} {
		if got := (deliveryState{left: 1, Tries: 1, soon: checkoutRetry(took)}).wait(); got != want {
			t.Errorf("a look took %s: the next one after %s, want %s", took, got, want)
		}
	}
}

func TestNothingIsDeliveredBeforeSomethingLanded(t *testing.T) {
	l := newLab(t, "")
	l.set("rig.app.deliver", "checkout")
	if d, err := api.RigDeliver.Do(t.Context(), l.person(), api.NameReq{}); err != nil || d.Delivered != 0 || d.Undelivered != 0 {
		t.Errorf("delivered: %+v, %v", d, err)
	}
	if n := l.toldOfDeliveries(); n != 0 {
		t.Errorf("told %d times of a delivery, and nothing has landed", n)
	}
	_, tip := l.land("one")
	l.awaitTip(l.src, tip)
	l.await("told", func() bool { return l.toldOfDeliveries() == 1 })
}

// TestDeliveryIsCountedWithoutAHost, and done at once by rig deliver.
func TestDeliveryIsCountedWithoutAHost(t *testing.T) {
	l := newLab(t, "")
	one, tip := l.land("one")
	l.down()
	l.open()
	if got := l.set("rig.app.deliver", "checkout"); got != "1 landed before: not delivered until the host is up, or by: gastown rig deliver app" {
		t.Errorf("note: %q", got)
	}
	if r := l.rig(); r.Undelivered != 1 || r.NotBecause != "" {
		t.Errorf("%+v", r)
	}
	if n := l.status().Rigs[0].Undelivered; n != 1 {
		t.Error(n)
	}
	if got := l.why(one); !strings.Contains(got, "and is not delivered to "+l.src+". |") {
		t.Error(got)
	}
	l.write("src/README.md", "edited\n")
	d, err := api.RigDeliver.Do(t.Context(), l.person(), api.NameReq{})
	if err != nil || d.Delivered != 0 || d.Undelivered != 1 || d.Reason != "README.md is edited" {
		t.Errorf("%+v %v", d, err)
	}
	l.git(l.src, "checkout", "-q", "README.md")
	d, err = api.RigDeliver.Do(t.Context(), l.person(), api.NameReq{})
	if err != nil || d.Delivered != 1 || d.Undelivered != 0 || d.Reason != "" || l.git(l.src, "rev-parse", "main") != tip {
		t.Errorf("%+v %v", d, err)
	}
	if p := l.status().Problems; len(p) > 0 {
		t.Errorf("%+v", p)
	}
}

// TestAnEmptyDirectoryGetsWhatLanded as a repository of its own, once a person wants it there.
func TestAnEmptyDirectoryGetsWhatLanded(t *testing.T) {
	l := newLabOf(t, "", "", func(*lab) {})
	one, tip := l.land("one")
	if got := l.why(one); !strings.Contains(got, "in the town alone: delivery to "+l.src+" is off. | gastown config set rig.app.deliver checkout") {
		t.Error(got)
	}
	if left, err := os.ReadDir(l.src); err != nil || len(left) > 0 {
		t.Fatal(left, err)
	}
	l.set("rig.app.deliver", "checkout")
	l.awaitTip(l.src, tip)
	if got := l.git(l.src, "status", "--porcelain", "--branch"); got != "## main" || !l.has(l.src, "HEAD", string(one)+".txt") {
		t.Error(got)
	}
	dir := l.mkdir("second")
	if _, err := api.RigAdd.Do(t.Context(), l.person(), api.RigAddReq{Name: "second", Source: dir, Ungated: true, Deliver: "checkout"}); err != nil {
		t.Fatal(err)
	}
	b, err := api.BeadCreate.Do(t.Context(), l.person(), api.BeadCreateReq{Title: "two", Rig: "second"})
	if err != nil {
		t.Fatal(err)
	}
	l.sling(b.ID)
	l.await("the directory has it", func() bool {
		_, err := os.Stat(filepath.Join(dir, string(b.ID)+".txt"))
		return err == nil
	})
}

// TestARigsTargetStays: a repository, a queue and worktrees hang on it.
func TestARigsTargetStays(t *testing.T) {
	l := newLab(t, "")
	for key, value := range map[string]string{"rig.app.branch": "side", "rig.app.origin": filepath.Join(l.root, "gone")} {
		if _, err := api.ConfigSet.Do(t.Context(), l.person(), api.ConfigReq{Key: key, Value: value}); err == nil {
			t.Errorf("%s was set to %s", key, value)
		}
	}
	l.set("rig.app.branch", "main")
	data, err := os.ReadFile(filepath.Join(l.dir, "town.toml"))
	if err != nil {
		t.Fatal(err)
	}
	line := strings.Count(string(data[:strings.Index(string(data), `branch = "main"`+"\n"+`prefix = "ap"`)]), "\n") + 1
	l.write("T/town.toml", strings.Replace(string(data), `branch = "main"`+"\n"+`prefix = "ap"`, `branch = "side"`+"\n"+`prefix = "ap"`, 1))
	want := fmt.Sprintf("town.toml:%d: rig.app.branch: the rig lands on main", line)
	l.await("told", func() bool {
		p := l.status().Problems
		return len(p) == 1 && strings.Contains(p[0].What, want)
	})
	l.land("one")
}
