package demo

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gastown/beads"
	"gastown/internal/proc"
	"gastown/internal/scripted"
)

// station is a checkout of the sample project in which the spec's blocks are run as a polecat would.
type station struct {
	t   *testing.T
	dir string
	env []string
}

func newStation(t *testing.T) *station {
	t.Helper()
	base := t.TempDir()
	s := &station{t: t, dir: filepath.Join(base, "weather")}
	bin := filepath.Join(base, "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	// The town's side of the verbs the blocks use.
	fake := "#!/bin/sh\ncase \"$1\" in escalate) echo knots ;; done) shift; echo \"$@\" >> \"$RESULTS\" ;; *) exit 2 ;; esac\n"
	if err := os.WriteFile(filepath.Join(bin, "gastown"), []byte(fake), 0o755); err != nil {
		t.Fatal(err)
	}
	s.env = []string{
		"PATH=" + bin + string(os.PathListSeparator) + os.Getenv("PATH"), "HOME=" + base, "LC_ALL=C",
		"GIT_CONFIG_NOSYSTEM=1", "RESULTS=" + filepath.Join(base, "results"),
	}
	if err := Project(t.Context(), s.dir, s.env); err != nil {
		t.Fatal(err)
	}
	s.must("git config user.name t && git config user.email t@example.com")
	return s
}

// sh runs a script in the checkout and gives its exit code and output.
func (s *station) sh(script string, env ...string) (int, string) {
	s.t.Helper()
	var out bytes.Buffer
	code, err := proc.Run(s.t.Context(), proc.Cmd{
		Argv: []string{"sh", "-e", "-c", script}, Dir: s.dir, Env: append(slices.Clone(s.env), env...), Stdout: &out, Stderr: &out,
	})
	if err != nil {
		s.t.Fatalf("run %q: %v\n%s", script, err, out.String())
	}
	return code, out.String()
}

func (s *station) must(script string, env ...string) string {
	s.t.Helper()
	code, out := s.sh(script, env...)
	if code != 0 {
		s.t.Fatalf("exit %d of\n%s\n%s", code, script, out)
	}
	return strings.TrimSpace(out)
}

// gates runs the gates as the Refinery would.
func (s *station) gates() (bool, string) {
	s.t.Helper()
	var all string
	for _, g := range Fast.Gates() {
		code, out := s.sh(g.Run)
		all += out
		if code != 0 {
			return false, all
		}
	}
	return true, all
}

func (s *station) commit() string {
	s.t.Helper()
	return s.must("git add -A\ngit diff --cached --quiet || git commit -q -m work\ngit rev-parse HEAD")
}

func plan(t *testing.T) *beads.Plan {
	t.Helper()
	text, err := project.ReadFile("project/" + Spec)
	if err != nil {
		t.Fatal(err)
	}
	p := beads.ParsePlan(string(text), nil)
	for _, pr := range p.Problems {
		t.Errorf("%s:%d: %s: %s", Spec, pr.Line, pr.Severity, pr.Msg)
	}
	return p
}

func block(t *testing.T, p *beads.Plan, key string) string {
	t.Helper()
	item := p.Item(key)
	if item == nil {
		t.Fatalf("the spec has no bead %q", key)
	}
	text, ok := scripted.Script(item.Description)
	if !ok {
		t.Fatalf("bead %q has no sh block", key)
	}
	return text
}

func TestSpecIsWhatTheDemoPromises(t *testing.T) {
	p := plan(t)
	if len(p.Items) < 10 {
		t.Errorf("the spec has %d beads, want at least 10", len(p.Items))
	}
	needs, spikes, asks := 0, 0, 0
	for _, item := range p.Items {
		needs += len(item.Needs)
		if !item.Type.NeedsCode() {
			spikes++
		}
		if strings.Contains(item.Description, "Mayor-answer: ") && strings.Contains(item.Description, "gastown escalate") {
			asks++
		}
		if strings.TrimSpace(item.Acceptance) == "" {
			t.Errorf("bead %q has no acceptance criteria", item.Key)
		}
		block(t, p, item.Key)
	}
	if needs < 5 || spikes != 1 || asks != 1 {
		t.Errorf("the spec has %d needs, %d beads without code and %d that ask; want several, 1 and 1", needs, spikes, asks)
	}
}

// TestSpecBuilds runs every block in the order of the spec: the gates pass after each one, also
// when it was run twice, and fail with its tests alone.
func TestSpecBuilds(t *testing.T) {
	s, p := newStation(t), plan(t)
	if ok, out := s.gates(); !ok {
		t.Fatalf("the project's own gates fail:\n%s", out)
	}
	for _, item := range p.Items {
		script, before := block(t, p, item.Key), s.must("git rev-parse HEAD")
		s.must(script, "GASTOWN_ATTEMPT=2", "GASTOWN_TARGET=HEAD")
		s.must(script, "GASTOWN_ATTEMPT=2", "GASTOWN_TARGET=HEAD")
		if ok, out := s.gates(); !ok {
			t.Fatalf("bead %q: gates fail after its block:\n%s", item.Key, out)
		}
		if !item.Type.NeedsCode() {
			if out := s.must("git status --short"); out != "" {
				t.Errorf("bead %q needs no code and left changes:\n%s", item.Key, out)
			}
			continue
		}
		after := s.commit()
		if before == after {
			t.Fatalf("bead %q changed nothing", item.Key)
		}
		s.must("git checkout -q " + before + " -- . && git checkout -q " + after + " -- test")
		s.must("git diff --name-only --diff-filter=A " + before + " " + after + " -- . ':!test' | xargs rm -f")
		if code, _ := s.sh("sh test/run.sh"); code == 0 {
			t.Errorf("bead %q: its tests pass without its code", item.Key)
		}
		s.must("git reset -q --hard " + after + " && git clean -qfd")
	}
	if results, err := os.ReadFile(s.env[4][len("RESULTS="):]); err != nil || !strings.Contains(string(results), "3.5") {
		t.Errorf("the spike's result is %q, %v", results, err)
	}
}

func TestTrendFailsItsGateOnce(t *testing.T) {
	s, p := newStation(t), plan(t)
	s.must(block(t, p, "trend"), "GASTOWN_ATTEMPT=1")
	s.commit()
	if ok, out := s.gates(); ok || !strings.Contains(out, "FAIL  test/trend_test.sh") {
		t.Fatalf("attempt 1 passes or fails otherwise:\n%s", out)
	}
	s.must(block(t, p, "trend"), "GASTOWN_ATTEMPT=2", "GASTOWN_TARGET=main")
	s.commit()
	if ok, out := s.gates(); !ok {
		t.Fatalf("attempt 2 fails:\n%s", out)
	}
}

// TestHeadersCollideAndBothLand lands the two header beads in both orders: the second collides, and
// is resolved by its own second attempt, also where that begins with work that is not committed.
func TestHeadersCollideAndBothLand(t *testing.T) {
	for _, order := range [][2]string{{"station", "unit"}, {"unit", "station"}} {
		t.Run(order[0]+" first", func(t *testing.T) {
			s, p := newStation(t), plan(t)
			for _, key := range order {
				s.must("git checkout -q -b " + key + " main")
				s.must(block(t, p, key), "GASTOWN_ATTEMPT=1", "GASTOWN_TARGET=main")
				s.commit()
			}
			s.must("git checkout -q main && git merge -q --no-edit " + order[0])
			if code, out := s.sh("git merge --no-edit " + order[1]); code == 0 {
				t.Fatalf("no conflict:\n%s", out)
			}
			s.must("git merge --abort && git checkout -q " + order[1] + " && echo '# half' >> lib/header.sh")
			target := s.must("git rev-parse main")
			s.must(block(t, p, order[1]), "GASTOWN_ATTEMPT=2", "GASTOWN_TARGET="+target)
			s.commit()
			if ok, out := s.gates(); !ok {
				t.Fatalf("gates fail after the second attempt:\n%s", out)
			}
			if got, want := s.must("sh bin/weather header"), "Weather from Brno, Celsius"; got != want {
				t.Errorf("header is %q, want %q", got, want)
			}
			s.must("git checkout -q main && git merge -q --no-edit " + order[1])
		})
	}
}

func TestProjectLeavesARepositoryAlone(t *testing.T) {
	s := newStation(t)
	head := s.must("echo mine > README.md && git rev-parse HEAD")
	if err := Project(t.Context(), s.dir, s.env); err != nil {
		t.Fatal(err)
	}
	if got := s.must("git rev-parse HEAD"); got != head {
		t.Errorf("HEAD moved from %s to %s", head, got)
	}
	if got := s.must("cat README.md"); got != "mine" {
		t.Errorf("README.md is %q", got)
	}
}
