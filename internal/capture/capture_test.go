package main

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"

	"gastown/internal/proc"
)

// TestMain lets this test binary be the shim of what it starts.
func TestMain(m *testing.M) {
	proc.ShimMain()
	os.Exit(m.Run())
}

func TestPlace(t *testing.T) {
	const text = "a\n<!-- capture:one -->\n<!-- capture:end -->\nb\n<!-- capture:two -->\nold\n<!-- capture:end -->\nc\n"
	got := []byte(text)
	for _, p := range []picture{{"two", []string{"2"}}, {"one", []string{"1", "1"}}, {"one", []string{"3"}}} {
		var err error
		if got, err = place(got, p); err != nil {
			t.Fatal(err)
		}
	}
	want := "a\n<!-- capture:one -->\n```\n3\n```\n<!-- capture:end -->\nb\n<!-- capture:two -->\n```\n2\n```\n<!-- capture:end -->\nc\n"
	if string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for name, wrong := range map[string]string{"no place": "a\n", "no end": "<!-- capture:one -->\n"} {
		if _, err := place([]byte(wrong), picture{name: "one"}); err == nil {
			t.Errorf("%s: it went well", name)
		}
	}
}

func TestFrame(t *testing.T) {
	screen := []string{"head", "ab╔═╗cd", "ab║x║cd", "ab╚═╝cd", "foot"}
	if got, want := frame(screen, '╔', '╝'), []string{"╔═╗", "║x║", "╚═╝"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := frame(screen[:3], '╔', '╝'); !slices.Equal(got, screen[:3]) {
		t.Errorf("without a box: %q", got)
	}
}

// TestNothingOfThisMachine: a picture with a path of the studio is refused.
func TestNothingOfThisMachine(t *testing.T) {
	s := &studio{dir: "/tmp/gastown-capture-1"}
	if err := s.private(picture{"x", []string{"log /tmp/gastown-capture-1/town"}}); err == nil {
		t.Error("a path was let through")
	}
	if err := s.private(picture{"x", []string{"a bead"}}); err != nil {
		t.Error(err)
	}
}

// TestGivesUp: a picture that never comes ends with what is shown instead, and leaves no process.
func TestGivesUp(t *testing.T) {
	s := &studio{dir: t.TempDir(), exe: "/bin/sh", env: []string{"PATH=/bin:/usr/bin"}}
	p, err := s.play(40, 5, "-c", "echo here; exec sleep 1000")
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := p.until(ctx, "", "a word", has("here")); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err = p.until(ctx, "", "another", has("there")); err == nil || !strings.Contains(err.Error(), "here") {
		t.Errorf("got %v", err)
	}
}
