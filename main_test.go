package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"gastown/internal/api"
	"gastown/internal/cli"
	"gastown/internal/fault"
	"gastown/internal/proc"
	"gastown/internal/town"
)

// TestMain lets this test binary be the program: under the name gastown, which is what the
// scripts, the host's copy in TOWN/run/bin and the agents call, or as an agent or a shim.
func TestMain(m *testing.M) {
	proc.ShimMain()
	if len(os.Args) > 1 && os.Args[1] == agentVerb {
		main()
	}
	if len(os.Args) > 2 && os.Args[1] == listenVerb {
		os.Exit(listen(os.Args[2]))
	}
	testscript.Main(m, map[string]func(){"gastown": main})
}

// TestScripts runs the program from outside: the real binary, real git, a home of its own
// per script. `go test -run 'TestScripts/gates'` runs one.
func TestScripts(t *testing.T) {
	env := goEnv(t)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Vars = append(e.Vars, env...)
			return setup(e)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"town":    newTown,
			"await":   await,
			"awaitsh": awaitShell,
			"json":    checkJSON,
			"capture": capture,
			"within":  within,
			"exits":   exits,
		},
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}

// TestEveryVerbHasAScript holds the scripts against the table of verbs.
func TestEveryVerbHasAScript(t *testing.T) {
	scripts, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, name := range scripts {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(data)
	}
	for _, v := range api.Table() {
		if words := strings.ReplaceAll(v.Name, ".", " "); !strings.Contains(all.String(), "gastown "+words) {
			t.Errorf("no script calls: gastown %s", words)
		}
	}
}

// setup gives a script a home, a git identity, and two agents on its PATH: "mine" does what
// the file job/BEAD says, and "claude" is idle, so that no real one is ever called.
func setup(e *testscript.Env) error {
	home, bin := filepath.Join(e.WorkDir, ".home"), filepath.Join(e.WorkDir, ".bin")
	e.Setenv("HOME", home)
	e.Setenv("GIT_CONFIG_NOSYSTEM", "1")
	// A program built with -race sleeps a second at its exit unless told not to.
	e.Setenv("GORACE", strings.TrimSpace(os.Getenv("GORACE")+" atexit_sleep_ms=0"))
	e.Setenv("GASTOWN_TOWN", filepath.Join(e.WorkDir, "T"))
	e.Setenv("PATH", bin+string(filepath.ListSeparator)+e.Getenv("PATH"))
	for _, dir := range []string{home, bin} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return err
		}
	}
	for path, text := range map[string]string{
		filepath.Join(home, ".gitconfig"): "[user]\n\tname = Ada\n\temail = ada@example.com\n[init]\n\tdefaultBranch = main\n",
		filepath.Join(bin, "claude"):      "#!/bin/sh\nexec cat\n",
		filepath.Join(bin, "mine"): `#!/bin/sh
job="$WORK/job/$GASTOWN_BEAD"
if [ -e "$job" ]; then exec sh -eu "$job"; fi
set -eu
echo "$GASTOWN_BEAD" > "$GASTOWN_BEAD.txt"
git add .
git commit -q -m "do $GASTOWN_BEAD"
gastown done
`,
	} {
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			return err
		}
	}
	return nil
}

// goEnv lets the Go tool run in a script: with the caches that are there, without network.
func goEnv(t *testing.T) []string {
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"GOCACHE", "GOMODCACHE", "GOPATH"}
	out, err := exec.Command("go", append([]string{"env"}, names...)...).Output()
	if err != nil {
		t.Fatalf("go env: %v", err)
	}
	env := []string{"REPO=" + dir, "GOPROXY=off", "GOFLAGS=-mod=mod", "GOTOOLCHAIN=local"}
	for i, value := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		env = append(env, names[i]+"="+value)
	}
	return env
}

// newTown makes a town in T with the agent "mine" and an idle Mayor and, where more is
// given, the repository src as its rig app, added with these flags.
func newTown(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(ts.Exec("gastown", "init", "T"))
	settings := ts.MkAbs("T/town.toml")
	text := strings.NewReplacer(`"claude"      # the agent you`, `"idle"        # the agent you`, `"claude"      # the agent that`, `"mine"        # the agent that`).Replace(ts.ReadFile(settings))
	text += "\n[agent.idle]\ncommand = [\"cat\"]\n\n[agent.mine]\ncommand = [\"mine\"]\n"
	ts.Check(os.WriteFile(settings, []byte(text), 0o600))
	if len(args) == 0 {
		return
	}
	ts.Check(os.MkdirAll(ts.MkAbs("src"), 0o755))
	ts.Check(os.WriteFile(ts.MkAbs("src/README.md"), []byte("one\ntwo\nthree\n"), 0o644))
	for _, line := range []string{"git init -q src", "git -C src add .", "git -C src commit -q -m first"} {
		words := strings.Fields(line)
		ts.Check(ts.Exec(words[0], words[1:]...))
	}
	ts.Check(ts.Exec("gastown", append([]string{"rig", "add", "app", "src"}, args...)...))
}

// patience is how long a script waits for a fact (gates are niced and starve on a busy
// machine), and lookEvery how often it looks.
const (
	patience  = 90 * time.Second
	lookEvery = 25 * time.Millisecond
)

// poll waits until look reports true; what it saw last is shown when it never does.
func poll(ts *testscript.TestScript, what string, look func(context.Context) (bool, string)) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	seen := ""
	for {
		ok, now := look(ctx)
		if ok {
			return
		}
		if ctx.Err() == nil {
			seen = now
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			log, err := os.ReadFile(ts.MkAbs("T/logs/host.log"))
			ts.Fatalf("await %s: not within %s; last seen:\n%s\nhost.log (%v):\n%s", what, patience, seen, err, log)
		}
	}
}

// await asks the running host until a value of its answer matches:
// await 'VERB ARGS' PATH REGEXP.
func await(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: await 'VERB ARGS' PATH REGEXP")
	}
	want := regexp.MustCompile("^(?:" + args[2] + ")$")
	poll(ts, strings.Join(args, " "), func(ctx context.Context) (bool, string) {
		out := ask(ctx, ts, strings.Fields(args[0]))
		return want.MatchString(at(out, args[1])), string(out)
	})
}

// ask performs a verb at the host's socket from within the test, which is much cheaper than
// another process.
func ask(ctx context.Context, ts *testscript.TestScript, verb []string) []byte {
	var out bytes.Buffer
	cli.Run(ctx, cli.Env{
		Args: append(verb, "--json"), Getenv: func(string) string { return "" }, Dir: ts.MkAbs("."), Out: &out, Err: &out,
		FindTown: func(flag, _ string) (string, error) {
			if flag != "" {
				return ts.MkAbs(flag), nil
			}
			return ts.Getenv("GASTOWN_TOWN"), nil
		},
		Socket: func(dir string) string { return town.SocketPath(dir, nil) },
		Open: func(string, bool) (api.Doer, func() error, error) {
			return nil, nil, fault.Unavailablef("await looks at running hosts only")
		},
	})
	return out.Bytes()
}

// awaitShell runs a shell command until it succeeds.
func awaitShell(ts *testscript.TestScript, _ bool, args []string) {
	poll(ts, strings.Join(args, " "), func(ctx context.Context) (bool, string) {
		cmd := exec.CommandContext(ctx, "sh", "-c", strings.Join(args, " "))
		cmd.Dir = ts.MkAbs(".")
		cmd.Env = []string{"PATH=" + ts.Getenv("PATH"), "HOME=" + ts.Getenv("HOME"), "WORK=" + ts.Getenv("WORK"), "GASTOWN_TOWN=" + ts.Getenv("GASTOWN_TOWN")}
		out, err := cmd.CombinedOutput()
		return err == nil, string(out)
	})
}

// checkJSON holds a value of the JSON last printed against a pattern: json PATH REGEXP.
func checkJSON(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: json PATH REGEXP")
	}
	out := []byte(ts.ReadFile("stdout"))
	if got := at(out, args[0]); regexp.MustCompile("^(?:"+args[1]+")$").MatchString(got) == neg {
		ts.Fatalf("%s is %q; matches %q: %t\n%s", args[0], got, args[1], neg, out)
	}
}

// capture keeps a value of the JSON last printed in a variable: capture NAME PATH.
func capture(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: capture NAME PATH")
	}
	ts.Setenv(args[0], at([]byte(ts.ReadFile("stdout")), args[1]))
}

// within runs a command and fails when it takes longer: within DURATION COMMAND...
func within(ts *testscript.TestScript, _ bool, args []string) {
	limit, err := time.ParseDuration(args[0])
	ts.Check(err)
	began := time.Now()
	ts.Check(ts.Exec(args[1], args[2:]...))
	if took := time.Since(began); took > limit {
		ts.Fatalf("it took %s, longer than %s", took.Round(time.Millisecond), limit)
	}
}

// exits runs a command and holds its exit code: exits CODE COMMAND...
func exits(ts *testscript.TestScript, _ bool, args []string) {
	code := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var e *exec.ExitError
		if !errors.As(err, &e) {
			ts.Fatalf("%v", err)
		}
		code = e.ExitCode()
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}

// at is the text of a value in JSON. A path is keys, numbers and KEY=VALUE (the first element
// that has it) with slashes between them; len is the length of a list.
func at(data []byte, path string) string {
	var v any
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		return "no JSON"
	}
	for _, word := range strings.Split(path, "/") {
		switch x := v.(type) {
		case map[string]any:
			var ok bool
			if v, ok = x[word]; !ok {
				return "missing"
			}
		case []any:
			if word == "len" {
				return strconv.Itoa(len(x))
			}
			if v = element(x, word); v == nil {
				return "missing"
			}
		default:
			if word != "." {
				return "missing"
			}
		}
	}
	if s, ok := v.(string); ok {
		return s
	}
	text, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func element(list []any, word string) any {
	if key, want, ok := strings.Cut(word, "="); ok {
		for _, e := range list {
			if m, ok := e.(map[string]any); ok && fmt.Sprint(m[key]) == want {
				return e
			}
		}
		return nil
	}
	if i, err := strconv.Atoi(word); err == nil && i < len(list) {
		return list[i]
	}
	return nil
}
