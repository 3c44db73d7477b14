package tui

import (
	"strings"
	"testing"
	"time"

	"gastown/beads"
	"gastown/internal/api"
)

// TestBeadDetailSaysEachThingOnce, and cuts none of it.
func TestBeadDetailSaysEachThingOnce(t *testing.T) {
	for _, size := range []Size{{59, 15}, {80, 24}, {120, 40}} {
		h := sampleHost(size.Cols, size.Rows)
		v := *h.View()
		title := "A title that is so long that no border of a dialog has room for all of it, and that a person still wants to read to its end"
		reason := "3 attempts ended without done; the last said: something went wrong"
		b := &v.Beads[1]
		b.Title, b.Status, b.Reason, b.Labels = title, beads.NeedsYou, reason, []string{"auth", "slow"}
		b.CreatedAt = ago(26 * time.Hour)
		b.Attempts[0].State, b.Attempts[0].Why = beads.Lost, "exit 3"
		b.Attempts[0].CreatedAt, b.Attempts[0].EndedAt = ago(31*time.Minute), ago(20*time.Minute)
		v.Status.Polecats, v.Status.Problems = nil, nil
		h.set(&v)
		h.do = func(verb string, _ any) (any, error) {
			if verb == api.Why.Name() {
				return api.WhyRes{Why: "gt-d04 waits for you: " + reason + "."}, nil
			}
			return nil, nil
		}
		p := drive(t, h, size.Cols, size.Rows)
		p.keys("ctrl+]")
		p.m.show("gt-d04")
		p.keys("enter")
		text := ""
		for range 8 {
			if page := p.dialog(); !strings.HasSuffix(text, page) {
				text += page
			}
			p.keys("pgdown")
		}
		words := strings.Join(strings.Fields(strings.ReplaceAll(text, "║", " ")), " ")
		for _, want := range []string{title, "labels auth, slow", "made Mar 3 12:03 by mayor", "lost · 13:32 to 13:43", "exit 3"} {
			if !strings.Contains(words, want) {
				t.Errorf("%v: no %q:\n%s", size, want, text)
			}
		}
		if size.Rows < 20 {
			continue // pages overlap
		}
		if n := strings.Count(words, "3 attempts ended"); n != 1 {
			t.Errorf("%v: the reason stands %d times:\n%s", size, n, text)
		}
		for _, bad := range []string{"you: you", "needs y…", "+0 -0"} {
			if strings.Contains(text, bad) {
				t.Errorf("%v: %q:\n%s", size, bad, text)
			}
		}
	}
}

// TestBeadDetailHasTheNumbersOfNow: the row of a live try says what its polecat says.
func TestBeadDetailHasTheNumbersOfNow(t *testing.T) {
	h := sampleHost(120, 40)
	v := *h.View()
	c := &v.Status.Polecats[0]
	c.Commits, c.Files, c.Added, c.Removed, c.Dirty, c.Since = 0, 0, 0, 0, 1, noon()
	h.set(&v)
	p := drive(t, h, 120, 40)
	p.keys("ctrl+]")
	p.m.show("gt-a1f")
	p.keys("enter")
	p.wantDialog("working · since 13:51 · 0 commits · 1 file uncommitted")
	p.keys("esc", "a")
	p.wantDialog("working, just now · 0 commits · 1 file uncommitted")
}

// TestKeysOfTheBoardWorkInBeadDetail: they open what they open there, and Esc comes back.
func TestKeysOfTheBoardWorkInBeadDetail(t *testing.T) {
	for key, want := range map[string]string{"D": "DEPENDENCIES", "L": "REFINERY LOG", "d": "DIFF"} {
		p := drive(t, dialogHost(120, 40), 120, 40)
		p.keys("ctrl+]", "enter", key)
		p.wantDialog(want)
		p.keys("esc")
		p.wantDialog("BEAD gt-c9d")
	}
	p := drive(t, dialogHost(120, 40), 120, 40)
	p.keys("ctrl+]", "enter", "r")
	p.wantCall("refinery.restart")
	p.keys("U")
	p.wantToast("has not landed")
}

// TestWhyIsAKey on a bead and on a merge request: one sentence, with what helps in keys.
func TestWhyIsAKey(t *testing.T) {
	h := sampleHost(120, 40)
	h.do = func(verb string, req any) (any, error) {
		if verb != "why" {
			return nil, nil
		}
		id := req.(api.BeadReq).Bead
		return api.WhyRes{Bead: id, Why: string(id) + " is slung; all 3 polecats are busy", Hint: "gastown refinery restart myapp"}, nil
	}
	p := drive(t, h, 120, 40)
	p.keys("ctrl+]", "w")
	p.wantDialog("WHY gt-c9d")
	p.wantDialog("gt-c9d is slung; all 3 polecats are busy")
	p.keys("esc", "3", "w")
	p.wantDialog("WHY gt-a0e")
	p.wantDialog("gt-a0e is slung")
	p.wantDialog("r restart refinery")
	p.keys("esc", "1", "enter", "w")
	p.wantDialog("WHY gt-c9d")
}
