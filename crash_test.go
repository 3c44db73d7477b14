package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/api"
)

// The flags say how much of the torture is done: `go test -run TestKilledAnywhere -crash.n=50 .`
var (
	crashN    = flag.Int("crash.n", 10, "how often the demo is killed")
	crashPer  = flag.Int("crash.per", 5, "how many of these kills meet one town, one after another")
	crashSeed = flag.Uint64("crash.seed", 0, "chooses the moments; 0: by the clock, and printed")
)

// TestKilledAnywhere kills the program with SIGKILL at random moments of the headless demo, starts it again
// each time, and wants in the end what an undisturbed demo leaves.
func TestKilledAnywhere(t *testing.T) {
	seed := *crashSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("-crash.seed=%d", seed)
	want := newCrashTown(t, nil)
	want.undisturbed()
	end := want.check()
	verdicts := want.verdicts
	for i, left := 0, *crashN; left > 0; i++ {
		kills := min(left, *crashPer)
		left -= kills
		t.Run(fmt.Sprintf("town%d", i), func(t *testing.T) {
			c := newCrashTown(t, rand.New(rand.NewPCG(seed, uint64(i))))
			c.verdicts = verdicts // the same trees come again
			for range kills {
				c.killed()
			}
			c.undisturbed()
			got := c.check()
			if !slices.Equal(got.titles, end.titles) {
				t.Errorf("beads:\n%s\nwant:\n%s", strings.Join(got.titles, "\n"), strings.Join(end.titles, "\n"))
			}
			if !slices.Equal(got.files, end.files) {
				t.Errorf("files of main:\n%s\nwant:\n%s", strings.Join(got.files, "\n"), strings.Join(end.files, "\n"))
			}
		})
	}
}

// crashEnd is what must be the same whatever happened.
type crashEnd struct {
	titles []string // of all beads, with how they were closed
	files  []string // of main
}

// crashTown is the demo in a directory of its own, and the program that runs it.
type crashTown struct {
	t        *testing.T
	dir      string
	home     string
	rand     *rand.Rand
	verdicts map[string]error // of the gates, by tree
	story    []string         // what was done, for a failure
	env      []string         // more variables of the program
}

// crashLimit bounds one whole run of the demo. It takes 9 s on an idle machine.
const crashLimit = 3 * time.Minute

// crashReach is about how long the demo takes, and so the range of the moments. A start of the host
// is in it, and a kill that comes after the end is a kill of nothing.
const crashReach = 4 * time.Second

func newCrashTown(t *testing.T, r *rand.Rand) *crashTown {
	t.Helper()
	root := t.TempDir()
	c := &crashTown{t: t, dir: filepath.Join(root, "D"), home: filepath.Join(root, "home"), rand: r, verdicts: map[string]error{}}
	if err := os.Mkdir(c.home, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for pid := range crashProcesses(c.dir) { // of a failed test; a good one has none
			if p, err := os.FindProcess(pid); err == nil {
				_ = p.Kill()
			}
		}
		if t.Failed() {
			t.Logf("%s\nhost.log:\n%s", strings.Join(c.story, "\n"), c.hostLog())
		}
	})
	return c
}

// command is the program in a session of its own, as a person would have it who knows nothing of this town.
func (c *crashTown) command(args ...string) *exec.Cmd {
	cmd := exec.Command("gastown", args...)
	cmd.Dir = c.home
	cmd.Env = []string{
		"HOME=" + c.home, "PATH=" + os.Getenv("PATH"), "GIT_CONFIG_NOSYSTEM=1", "TMPDIR=" + os.TempDir(),
		"GORACE=" + strings.TrimSpace(os.Getenv("GORACE")+" atexit_sleep_ms=0"),
	}
	cmd.Env = append(cmd.Env, c.env...)
	return cmd
}

// run performs a verb on the town and returns what it printed. A child of the killed program may hold
// its socket and its lock for the moment until it has become another program; then the town is not
// available, which is tried again.
func (c *crashTown) run(args ...string) []byte {
	c.t.Helper()
	for try := 0; ; try++ {
		out, err := c.command(append([]string{"--town", c.dir}, args...)...).Output()
		if err == nil {
			return out
		}
		stderr, code := "", 0
		if e := (*exec.ExitError)(nil); errors.As(err, &e) {
			stderr, code = string(e.Stderr), e.ExitCode()
		}
		if code != 5 || try == 3 {
			c.t.Fatalf("gastown %s: %v: %s", strings.Join(args, " "), err, stderr)
		}
		c.story = append(c.story, stderr)
	}
}

// started is the demo, or, where it was launched already and chance wants it, a plain host.
func (c *crashTown) started() (cmd *exec.Cmd, what string) {
	if c.rand != nil && c.rand.IntN(2) == 0 && c.launched() {
		return c.command("--town", c.dir, "up"), "up"
	}
	return c.command("demo", "--headless", "--dir", c.dir), "demo"
}

// launched reports whether the beads are there and wished for, so that a host alone goes on with them.
func (c *crashTown) launched() bool {
	if _, err := os.Stat(filepath.Join(c.dir, "town.toml")); err != nil {
		return false
	}
	var list []struct {
		State string `json:"state"`
	}
	if err := json.Unmarshal(c.run("convoy", "list", "--json"), &list); err != nil {
		c.t.Fatal(err)
	}
	return len(list) == 1 && list[0].State != string(beads.ConvoyPlanned)
}

// killed starts the program and kills it at a random moment.
func (c *crashTown) killed() {
	cmd, what := c.started()
	log := c.output()
	cmd.Stdout, cmd.Stderr = log, log
	moment := time.Duration(c.rand.Int64N(int64(crashReach)))
	if c.rand.IntN(3) == 0 { // the first steps of a start are many and quick
		moment /= 10
	}
	begun := time.Now()
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	timer := time.NewTimer(moment)
	defer timer.Stop()
	select {
	case err := <-done:
		if what == "demo" && err != nil {
			c.t.Errorf("demo: %v\n%s", err, c.printed(log))
		}
		c.story = append(c.story, fmt.Sprintf("%s ended by itself after %s: %v", what, time.Since(begun).Round(time.Millisecond), err))
	case <-timer.C:
		if err := cmd.Process.Kill(); err != nil {
			c.t.Fatal(err)
		}
		<-done
		c.story = append(c.story, fmt.Sprintf("%s killed after %s", what, moment))
	}
	c.story = append(c.story, c.printed(log))
}

// undisturbed runs the program until all is done.
func (c *crashTown) undisturbed() {
	c.t.Helper()
	cmd, what := c.started()
	log := c.output()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	limit := time.NewTimer(crashLimit)
	defer limit.Stop()
	look := time.NewTicker(300 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case err := <-done:
			c.story = append(c.story, what+" to the end", c.printed(log))
			if err != nil {
				c.t.Fatalf("%s: %v", what, err)
			}
			return
		case <-look.C:
			if what == "up" && c.allClosed() {
				c.run("down", "--drain")
				look.Stop()
			}
		case <-limit.C:
			_ = cmd.Process.Kill()
			<-done
			c.story = append(c.story, c.printed(log))
			c.t.Fatalf("%s: not done after %s", what, crashLimit)
		}
	}
}

func (c *crashTown) allClosed() bool {
	var s api.Status
	out, err := c.command("--town", c.dir, "status", "--json").Output()
	if err != nil || json.Unmarshal(out, &s) != nil || s.Host == nil {
		return false // it is still starting
	}
	b := s.Beads
	return b.Closed > 0 && b.Open+b.Working+b.Submitted+b.NeedsYou+b.Deferred == 0
}

// check looks from outside at everything an ended demo promises.
func (c *crashTown) check() (end crashEnd) {
	c.t.Helper()
	repo := filepath.Join(c.dir, "rigs", "weather", "repo.git")
	trailers := map[string]int{}
	for line := range strings.SplitSeq(c.git(repo, "log", "--first-parent", "--format=%H %(trailers:key=Bead,valueonly,separator=%x2C)", "main"), "\n") {
		if commit, bead, _ := strings.Cut(line, " "); bead != "" {
			trailers[commit+" "+bead]++
			trailers[bead]++
		}
	}
	var list []api.Bead
	if err := json.Unmarshal(c.run("bead", "list", "--json"), &list); err != nil {
		c.t.Fatal(err)
	}
	landed := 0
	for _, b := range list {
		how := "result"
		if b.NeedsCode {
			landed++
			how = "merged"
			if trailers[b.MergeCommit+" "+string(b.ID)] != 1 || trailers[string(b.ID)] != 1 {
				c.t.Errorf("bead %s: landed as %q, its trailer is %d times on main, %d times there", b.ID, b.MergeCommit, trailers[string(b.ID)], trailers[b.MergeCommit+" "+string(b.ID)])
			}
		}
		if b.Status != beads.Closed {
			how = string(b.Status)
		}
		end.titles = append(end.titles, b.Title+": "+how)
	}
	if len(trailers) != 2*landed {
		c.t.Errorf("%d trailers on main, of %d landed beads", len(trailers)/2, landed)
	}
	slices.Sort(end.titles)
	for line := range strings.SplitSeq(c.git(repo, "ls-tree", "-r", "main"), "\n") {
		end.files = append(end.files, line)
	}
	c.checkStatus(len(list), landed)
	c.checkRefs(repo)
	c.checkGates(repo)
	c.checkLeft()
	c.checkStore()
	return end
}

// checkStatus wants status to agree that nothing is left to do for anybody.
func (c *crashTown) checkStatus(all, landed int) {
	var s api.Status
	if err := json.Unmarshal(c.run("status", "--json"), &s); err != nil {
		c.t.Fatal(err)
	}
	if s.Host != nil || len(s.Polecats) > 0 || len(s.Queue) > 0 || s.Beads.Closed != all || len(s.Rigs) != 1 || s.Rigs[0].Landed != landed {
		c.t.Errorf("status: %+v", s)
	}
	for _, p := range s.Problems {
		c.t.Errorf("problem left: %s: %s", p.Who, p.What)
	}
}

// checkRefs wants no branch and no worktree of an attempt, and no frozen tip of what has landed.
func (c *crashTown) checkRefs(repo string) {
	if got := c.git(repo, "for-each-ref", "--format=%(refname)", "refs/heads", "refs/gt/keep", "refs/gt/wip"); got != "refs/heads/main" {
		c.t.Errorf("refs left: %s", got)
	}
	for line := range strings.SplitSeq(c.git(repo, "worktree", "list", "--porcelain"), "\n") {
		path, ok := strings.CutPrefix(line, "worktree ")
		if ok && path != repo && !strings.HasPrefix(path, filepath.Join(c.dir, "mayor")) && !strings.HasPrefix(path, filepath.Join(c.dir, "rigs", "weather", "gate")) {
			c.t.Errorf("worktree left: %s", path)
		}
	}
	entries, err := os.ReadDir(filepath.Join(c.dir, "rigs", "weather", "wt"))
	if err != nil {
		c.t.Error(err)
	}
	for _, e := range entries {
		c.t.Errorf("left in wt: %s", e.Name())
	}
	if fsck := c.git(repo, "fsck", "--full", "--no-dangling"); fsck != "" {
		c.t.Errorf("git fsck: %s", fsck)
	}
	mayor := c.git(filepath.Join(c.dir, "mayor", "weather"), "rev-parse", "HEAD")
	if main := c.git(repo, "rev-parse", "main"); mayor != main {
		c.t.Errorf("the Mayor's checkout is at %s, main at %s", mayor, main)
	}
}

// checkGates wants every value that main ever had to pass the gates.
func (c *crashTown) checkGates(repo string) {
	for line := range strings.SplitSeq(c.git(repo, "log", "-g", "--format=%H %T", "main"), "\n") {
		commit, tree, _ := strings.Cut(line, " ")
		err, known := c.verdicts[tree]
		if !known {
			at := filepath.Join(c.t.TempDir(), "at")
			c.git(repo, "worktree", "add", "--quiet", "--detach", at, commit)
			cmd := exec.Command("sh", "-e", "-c", "sh test/lint.sh; sh test/run.sh")
			cmd.Dir = at
			var out []byte
			if out, err = cmd.CombinedOutput(); err != nil {
				err = fmt.Errorf("%w: %s", err, out)
			}
			c.git(repo, "worktree", "remove", "--force", at)
			c.verdicts[tree] = err
		}
		if err != nil {
			c.t.Errorf("main was at %s, which does not pass: %v", commit, err)
		}
	}
}

// checkLeft wants every process of the town to be gone.
func (c *crashTown) checkLeft() {
	limit := time.NewTimer(5 * time.Second)
	defer limit.Stop()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for {
		left := crashProcesses(c.dir)
		if len(left) == 0 {
			return
		}
		select {
		case <-look.C:
		case <-limit.C:
			c.t.Errorf("processes left: %v", left)
			return
		}
	}
}

func (c *crashTown) checkStore() {
	s, err := store.Open(filepath.Join(c.dir, "town.db"), store.Options{})
	if err != nil {
		c.t.Fatal(err)
	}
	defer s.Close()
	if err := errors.Join(s.Check(), s.Verify()); err != nil {
		c.t.Error(err)
	}
}

func (c *crashTown) git(dir string, args ...string) string {
	c.t.Helper()
	cmd := exec.Command("git", append([]string{"-C", dir}, args...)...)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null")
	out, err := cmd.CombinedOutput()
	if err != nil {
		c.t.Fatalf("git %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

func (c *crashTown) output() *os.File {
	f, err := os.CreateTemp(c.home, "printed-")
	if err != nil {
		c.t.Fatal(err)
	}
	return f
}

func (c *crashTown) printed(f *os.File) string {
	defer f.Close()
	data, err := os.ReadFile(f.Name())
	if err != nil {
		c.t.Error(err)
	}
	if strings.Contains(string(data), "DATA RACE") || strings.Contains(string(data), "goroutine ") {
		c.t.Errorf("the program says:\n%s", data)
	}
	return string(data)
}

func (c *crashTown) hostLog() string {
	data, err := os.ReadFile(filepath.Join(c.dir, "logs", "host.log"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		c.t.Error(err)
	}
	return string(data)
}

// crashProcesses finds what runs for a town: by its environment, its directory or its arguments.
func crashProcesses(dir string) map[int]string {
	found := map[int]string{}
	entries, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return found
	}
	for _, p := range entries {
		var pid int
		if _, err := fmt.Sscanf(filepath.Base(p), "%d", &pid); err != nil || pid == os.Getpid() {
			continue
		}
		cwd, _ := os.Readlink(filepath.Join(p, "cwd")) // gone, or not ours to see
		env, _ := os.ReadFile(filepath.Join(p, "environ"))
		cmd, _ := os.ReadFile(filepath.Join(p, "cmdline"))
		if strings.HasPrefix(cwd+"/", dir+"/") || strings.Contains(string(env), dir+"/") || strings.Contains(string(env), "GASTOWN_TOWN="+dir+"\x00") || strings.Contains(string(cmd), dir) {
			found[pid] = strings.ReplaceAll(string(cmd), "\x00", " ")
		}
	}
	return found
}
