package town

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/api"
	"gastown/internal/cli"
	"gastown/internal/proc"
)

// TestMain lets this test binary be the shim of every process, and the program that agents call.
func TestMain(m *testing.M) {
	proc.ShimMain()
	if filepath.Base(os.Args[0]) == "gh" {
		os.Exit(ghMain(filepath.Join(os.Getenv("HOME"), "gh")))
	}
	if filepath.Base(os.Args[0]) == "gastown" {
		os.Exit(cli.Run(context.Background(), cli.Env{
			Args: os.Args[1:], Getenv: os.Getenv, Dir: "/", In: os.Stdin, Out: os.Stdout, Err: os.Stderr,
			FindTown: func(string, string) (string, error) { return os.Getenv("GASTOWN_TOWN"), nil },
			Socket:   func(dir string) string { return SocketPath(dir, os.Environ()) },
			Open: func(string, bool) (api.Doer, func() error, error) {
				return nil, nil, errors.New("agents use the socket")
			},
		}))
	}
	os.Exit(m.Run())
}

// lab is a town with one rig, real git and real processes. Its agent does what the file jobs/BEAD
// says, a shell script, and where there is none commits a file and submits.
type lab struct {
	t    *testing.T
	root string // of everything
	src  string // the person's checkout
	jobs string
	dir  string
	log  *bytes.Buffer
	path string // a directory of programs before all others
	town *Town
	host *Host
	ran  chan struct{}
	ids  atomic.Int64
	now  func() time.Time
}

// agentScript finds an agent's job. `tell NAME` in it gives its input to the test, all at once.
const agentScript = `export OUT="$0" PATH="$0/bin:$PATH"
if [ -e "$OUT/$GASTOWN_BEAD" ]; then exec sh -eu "$OUT/$GASTOWN_BEAD"; fi
set -eu
echo "$GASTOWN_BEAD" > "$GASTOWN_BEAD.txt"
git add . && git commit -q -m "do $GASTOWN_BEAD"
exec gastown done
`

// newLab makes the town with the rig's settings as given, and starts its host.
func newLab(t *testing.T, rigSettings string) *lab {
	t.Helper()
	return newLabOf(t, "", rigSettings, commonSource)
}

// commonSource is a checkout with one commit.
func commonSource(l *lab) {
	l.write("src/README.md", "one\ntwo\nthree\n")
	l.write("src/.gitignore", "*.tmp\n")
	l.git(l.src, "init", "-q", "-b", "main")
	l.git(l.src, "add", ".")
	l.git(l.src, "commit", "-q", "-m", "first")
}

// newLabOf is newLab with settings of the town too, and with fill to make the person's checkout in
// the empty directory l.src.
func newLabOf(t *testing.T, townSettings, rigSettings string, fill func(*lab)) *lab {
	t.Helper()
	already := goleak.IgnoreCurrent()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	l := &lab{t: t, root: root, src: filepath.Join(root, "src"), jobs: filepath.Join(root, "jobs"), dir: filepath.Join(root, "T"), log: &bytes.Buffer{}, now: time.Now}
	t.Cleanup(func() {
		l.down()
		if t.Failed() {
			t.Logf("host.log:\n%s", l.log)
		}
		goleak.VerifyNone(t, already)
	})
	for _, dir := range []string{l.src, filepath.Join(l.jobs, "bin"), filepath.Join(root, "home")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	l.write("jobs/bin/tell", "#!/bin/sh\nset -e\ncat > \"$OUT/.$$\"\nmv \"$OUT/.$$\" \"$OUT/$1\"\n")
	fill(l)
	if err := Init(l.dir); err != nil {
		t.Fatal(err)
	}
	l.write("T/town.toml", fmt.Sprintf("[town]\nmayor = \"idle\"\npolecat = \"mine\"\n%s\n[agent.idle]\ncommand = [\"cat\"]\n[agent.mine]\ncommand = [\"sh\", \"-c\", %q, %q]\n", townSettings, agentScript, l.jobs))
	l.open()
	if _, err := api.RigAdd.Do(t.Context(), l.person(), api.RigAddReq{Name: "app", Source: l.src, Prefix: "ap", Ungated: true}); err != nil {
		t.Fatal(err)
	}
	if rigSettings != "" {
		data, err := os.ReadFile(filepath.Join(l.dir, "town.toml"))
		if err != nil {
			t.Fatal(err)
		}
		l.write("T/town.toml", strings.Replace(string(data), "[rig.app]\n", "[rig.app]\n"+rigSettings+"\n", 1))
	}
	l.up()
	return l
}

func (l *lab) env() []string {
	return []string{
		"HOME=" + filepath.Join(l.root, "home"), "PATH=" + strings.TrimPrefix(l.path+":"+os.Getenv("PATH"), ":"), "GIT_CONFIG_NOSYSTEM=1", "GORACE=atexit_sleep_ms=0",
		"GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.com", "GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.com",
	}
}

func (l *lab) open() {
	l.t.Helper()
	exe, err := os.Executable()
	if err != nil {
		l.t.Fatal(err)
	}
	l.town, err = Open(l.dir, Deps{
		Now: l.now, Rand: func() float64 { return 0 }, Token: func() string { return "token-" + strconv.FormatInt(l.ids.Add(1), 10) },
		Env: l.env(), Exe: exe, Version: "test", Log: slog.New(slog.NewTextHandler(l.log, nil)), Temp: l.root,
		Lookup: func(name string) string { return proc.LookPath(name, l.env()) }, Guard: func(_ string, f func()) { f() },
	})
	if err != nil {
		l.t.Fatal(err)
	}
}

// up starts the host, in a town that was opened again if it was down.
func (l *lab) up() {
	l.t.Helper()
	if l.town == nil {
		l.open()
	}
	h, err := l.town.StartHost(l.t.Context(), HostOptions{})
	if err != nil {
		l.t.Fatal(err)
	}
	l.host, l.ran = h, make(chan struct{})
	go func() {
		defer close(l.ran)
		h.Run(context.Background())
	}()
}

// down stops the host, if there is one, and closes the town.
func (l *lab) down() {
	if l.host != nil {
		l.host.Stop(false)
		<-l.ran
	}
	if l.town != nil {
		if err := l.town.Close(); err != nil {
			l.t.Error(err)
		}
	}
	l.host, l.town = nil, nil
}

// crash ends the host as a SIGKILL would leave the store: what it was about to write is not written.
// change is what the store looks like then.
func (l *lab) crash(change func(*store.Tx) error) {
	l.t.Helper()
	l.down()
	s, err := store.Open(filepath.Join(l.dir, "town.db"), store.Options{})
	if err != nil {
		l.t.Fatal(err)
	}
	if err := errors.Join(s.Update(change), s.Close()); err != nil {
		l.t.Fatal(err)
	}
}

func (l *lab) person() api.Doer { return l.town.As(api.Person()) }

func (l *lab) write(name, text string) {
	l.t.Helper()
	if err := os.WriteFile(filepath.Join(l.root, name), []byte(text), 0o755); err != nil {
		l.t.Fatal(err)
	}
}

// job says what the agent does on a bead.
func (l *lab) job(id beads.ID, script string) { l.t.Helper(); l.write("jobs/"+string(id), script) }

// told is what a job gave to `tell name`; it waits for it.
func (l *lab) told(name string) string {
	l.t.Helper()
	var text string
	l.await("told "+name, func() bool {
		data, err := os.ReadFile(filepath.Join(l.jobs, name))
		text = string(data)
		return err == nil && strings.HasSuffix(text, "\n")
	})
	return strings.TrimSpace(text)
}

func (l *lab) git(dir string, args ...string) string {
	l.t.Helper()
	cmd := exec.Command("git", append([]string{"-C", dir}, args...)...)
	cmd.Env = l.env()
	out, err := cmd.CombinedOutput()
	if err != nil {
		l.t.Fatalf("git %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return strings.TrimRight(string(out), "\n")
}

func (l *lab) repo() string { return filepath.Join(l.dir, "rigs", "app", "repo.git") }

func (l *lab) wt(polecat string) string { return filepath.Join(l.dir, "rigs", "app", "wt", polecat) }

// patience is how long a test waits for a fact before it fails.
const patience = 40 * time.Second

// await waits until something is true.
func (l *lab) await(what string, is func() bool) {
	l.t.Helper()
	l.awaitFor(patience, what, is)
}

func (l *lab) awaitFor(long time.Duration, what string, is func() bool) {
	l.t.Helper()
	limit := time.NewTimer(long)
	defer limit.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-limit.C:
			l.t.Fatalf("%s: not within %s", what, long)
		}
	}
}

func (l *lab) create(title string) beads.ID {
	l.t.Helper()
	b, err := api.BeadCreate.Do(l.t.Context(), l.person(), api.BeadCreateReq{Title: title})
	if err != nil {
		l.t.Fatal(err)
	}
	return b.ID
}

func (l *lab) sling(ids ...beads.ID) []api.Slung {
	l.t.Helper()
	s, err := api.Sling.Do(l.t.Context(), l.person(), api.SlingReq{Beads: ids})
	if err != nil {
		l.t.Fatal(err)
	}
	return s
}

func (l *lab) bead(id beads.ID) api.Bead {
	l.t.Helper()
	b, err := api.BeadShow.Do(l.t.Context(), l.person(), api.BeadReq{Bead: id})
	if err != nil {
		l.t.Fatal(err)
	}
	return b
}

// attempt is the newest one of a bead.
func (l *lab) attempt(id beads.ID) *beads.Attempt {
	l.t.Helper()
	as := l.bead(id).Attempts
	if len(as) == 0 {
		l.t.Fatalf("bead %s has no attempt", id)
	}
	return as[len(as)-1]
}

func (l *lab) awaitStatus(id beads.ID, s beads.Status) {
	l.t.Helper()
	l.await(fmt.Sprintf("%s is %s", id, s), func() bool { return l.bead(id).Status == s })
}

func (l *lab) awaitState(id beads.ID, n int, s beads.AttemptState) {
	l.t.Helper()
	l.await(fmt.Sprintf("%s/%d is %s", id, n, s), func() bool {
		as := l.bead(id).Attempts
		return len(as) >= n && as[n-1].State == s
	})
}

// awaitNobody waits until every polecat is gone, its worktree too.
func (l *lab) awaitNobody() {
	l.t.Helper()
	l.await("all polecats are gone", func() bool { return len(l.host.workersNow()) == 0 })
}

// gone fails the test unless nothing of the attempts is left in git but what refs keep.
func (l *lab) gone() {
	l.t.Helper()
	l.awaitNobody()
	if got := l.git(l.repo(), "for-each-ref", "--format=%(refname)", "refs/heads"); got != "refs/heads/main" {
		l.t.Errorf("branches: %s", got)
	}
	if left, err := os.ReadDir(filepath.Join(l.dir, "rigs", "app", "wt")); err == nil && len(left) > 0 {
		l.t.Errorf("worktrees left: %v", left)
	}
	if st := l.status(); len(st.Problems) > 0 {
		l.t.Errorf("problems: %+v", st.Problems)
	}
	if err := l.town.store.Verify(); err != nil {
		l.t.Error(err)
	}
}

func (l *lab) status() api.Status {
	l.t.Helper()
	s, err := api.GetStatus.Do(l.t.Context(), l.person(), api.Empty{})
	if err != nil {
		l.t.Fatal(err)
	}
	return s
}

// landed is how often each bead's trailer is on main.
func (l *lab) landed() map[string]int {
	l.t.Helper()
	out := map[string]int{}
	for line := range strings.SplitSeq(l.git(l.repo(), "log", "--first-parent", "--format=%(trailers:key=Bead,valueonly,separator=%x2C)", "main"), "\n") {
		if line != "" {
			out[line]++
		}
	}
	return out
}

// alive tells which of these processes, as a job wrote their numbers, still run.
func alive(pids string) []string {
	return slices.DeleteFunc(strings.Fields(pids), func(s string) bool {
		pid, err := strconv.Atoi(s)
		if err != nil {
			return false
		}
		stat, err := os.ReadFile(filepath.Join("/proc", s, "stat"))
		zombie := err == nil && bytes.Contains(stat, []byte(") Z "))
		return zombie || syscall.Kill(pid, 0) != nil
	})
}

func keys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// face is the terminal of an agent. Its program may have been heard of a moment before it is there.
func (l *lab) face(name string) (f Face) {
	l.t.Helper()
	l.await("the terminal of "+name, func() (ok bool) {
		f, ok = l.host.Terminal(name)
		return ok
	})
	return f
}
