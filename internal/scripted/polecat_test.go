package scripted

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gastown/beads"
	"gastown/internal/api"
	"gastown/internal/fault"
	"gastown/internal/proc"
)

func TestScript(t *testing.T) {
	for name, c := range map[string]struct {
		text, want string
		ok         bool
	}{
		"none":     {"text\n```go\nx\n```\n", "", false},
		"plain":    {"a\n```sh\necho 1\n\n# two\n```\nb", "echo 1\n\n# two\n", true},
		"second":   {"```\nsh\n```\n```sh title\nx\n```\n```sh\ny\n```", "x\n", true},
		"longer":   {"````sh\ncat <<E\n```\nE\n````", "cat <<E\n```\nE\n", true},
		"indented": {"- do\n  ```sh\n  if x; then\n    y\n  fi\n  ```", "if x; then\n  y\nfi\n", true},
		"crlf":     {"```sh\r\nx\r\n```\r\n", "x\n", true},
		"open":     {"```sh\nrm -rf", "", false},
		"shell":    {"```shell\nx\n```", "", false},
	} {
		if got, ok := Script(c.text); got != c.want || ok != c.ok {
			t.Errorf("%s: %q, %t; want %q, %t", name, got, ok, c.want, c.ok)
		}
	}
}

func TestWrap(t *testing.T) {
	got := wrap("  one two three four five\n\nabcdefghijklmnopqrstuvwxyz\n日本語日本語日本語日本語", 20)
	want := []string{"  one two three four", "  five", "", "abcdefghijklmnopqrst", "uvwxyz", "日本語日本語日本語日", "本語"}
	if strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("wrapped %q, want %q", got, want)
	}
}

// worktree is a repository for a polecat, and the environment to work in it.
func worktree(t *testing.T) (dir string, environ []string) {
	t.Helper()
	dir = t.TempDir()
	environ = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "GIT_CONFIG_NOSYSTEM=1", "GASTOWN_ATTEMPT=2"}
	var out bytes.Buffer
	code, err := proc.Run(t.Context(), proc.Cmd{
		Argv: []string{"sh", "-ec", identScript + "git init -q . && git commit -q --allow-empty -m start"},
		Dir:  dir, Env: environ, Stdout: &out, Stderr: &out,
	})
	if code != 0 {
		t.Fatalf("exit %d: %v\n%s", code, err, out.String())
	}
	return dir, environ
}

// run runs a polecat on a bead with the description and returns what it printed.
func run(t *testing.T, d *town, dir string, environ []string) (string, error) {
	t.Helper()
	on(d, api.Prime, func(api.Empty) (api.Primed, error) { return api.Primed{Text: "You are\nrust.\n"}, nil })
	var out bytes.Buffer
	env := map[string]string{"GASTOWN_BEAD": "ma-1", "GASTOWN_POLECAT": "rust", "GASTOWN_ATTEMPT": "2"}
	err := Polecat(t.Context(), Env{
		Out: &out, Doer: d, Dir: dir, Environ: environ, Getenv: func(k string) string { return env[k] },
	})
	return out.String(), err
}

func bead(d *town, b beads.Bead) {
	on(d, api.BeadShow, func(api.BeadReq) (api.Bead, error) { return api.Bead{Bead: b}, nil })
}

func TestPolecatWorksCommitsAndSubmits(t *testing.T) {
	dir, environ := worktree(t)
	d := newTown()
	bead(d, beads.Bead{Status: beads.Working, NeedsCode: true, Title: "Bake \"it\" $(x)", Description: "```sh\necho try $GASTOWN_ATTEMPT | tee a.txt\n```"})
	on(d, api.Done, func(api.DoneReq) (api.Submitted, error) { return api.Submitted{Msg: "queued as number 1"}, nil })
	out, err := run(t, d, dir, environ)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"no model", "# ma-1, attempt 2: Bake", "| You are\n| rust.", "try 2\n", "ma-1: Bake \"it\" $(x)\n", "queued as number 1"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if len(d.requests(api.Done.Name())) != 1 {
		t.Error("not submitted once")
	}
	if text, err := os.ReadFile(filepath.Join(dir, ".git", "COMMIT_EDITMSG")); err != nil || !strings.Contains(string(text), "ma-1: Bake") {
		t.Errorf("the commit's message is %q, %v", text, err)
	}
}

func TestPolecatFailsWithItsScript(t *testing.T) {
	dir, environ := worktree(t)
	d := newTown()
	bead(d, beads.Bead{Status: beads.Working, NeedsCode: true, Description: "```sh\nfalse\ntouch later\n```"})
	out, err := run(t, d, dir, environ)
	if err == nil || !strings.Contains(err.Error(), "exit 1") || !strings.Contains(out, "I give up") {
		t.Errorf("error %v\n%s", err, out)
	}
	if len(d.requests(api.Done.Name())) != 0 {
		t.Error("submitted all the same")
	}
}

func TestPolecatSubmitsNothingTwice(t *testing.T) {
	for name, second := range map[string]func() (api.Bead, error){
		"closed": func() (api.Bead, error) { return api.Bead{Bead: beads.Bead{Status: beads.Closed}}, nil },
		"stale":  func() (api.Bead, error) { return api.Bead{}, fault.Refusedf("attempt ma-1/2: it has ended") },
	} {
		t.Run(name, func(t *testing.T) {
			dir, environ := worktree(t)
			d := newTown()
			calls := 0
			on(d, api.BeadShow, func(api.BeadReq) (api.Bead, error) {
				if calls++; calls > 1 {
					return second()
				}
				return api.Bead{Bead: beads.Bead{Status: beads.Working, Description: "```sh\ntrue\n```"}}, nil
			})
			out, err := run(t, d, dir, environ)
			if err != nil || !strings.Contains(out, "submitted the bead itself") || len(d.requests(api.Done.Name())) != 0 {
				t.Errorf("error %v\n%s", err, out)
			}
		})
	}
}

func TestPolecatAsksForAScript(t *testing.T) {
	dir, environ := worktree(t)
	d := newTown()
	bead(d, beads.Bead{Status: beads.Working, Description: "Think hard."})
	answer := "```sh\necho from the answer\n```"
	on(d, api.Escalate, func(req api.EscalateReq) (api.Escalated, error) {
		if req.Wait >= 0 {
			t.Errorf("waits %s, want until the answer comes", req.Wait)
		}
		return api.Escalated{Answered: true, Answer: answer}, nil
	})
	on(d, api.Done, func(api.DoneReq) (api.Submitted, error) { return api.Submitted{}, nil })
	if out, err := run(t, d, dir, environ); err != nil || !strings.Contains(out, "from the answer") {
		t.Errorf("error %v\n%s", err, out)
	}
	answer = "you decide"
	if out, err := run(t, d, dir, environ); err == nil {
		t.Errorf("goes on without a script\n%s", out)
	}
}
