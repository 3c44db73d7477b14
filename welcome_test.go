package main

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"gastown/internal/api"
	"gastown/internal/config"
	"gastown/internal/fault"
	"gastown/internal/town"
)

// first is a machine on which gastown starts for the first time, in a repository.
type first struct {
	t    *testing.T
	home string
	repo string
	p    process
}

func newFirst(t *testing.T) *first {
	t.Helper()
	home, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	f := &first{t: t, home: home, repo: filepath.Join(home, "src", "app")}
	bin := filepath.Join(home, "bin")
	for _, name := range []string{"GIT_CONFIG_GLOBAL", "XDG_CONFIG_HOME", "GASTOWN_TOWN"} {
		t.Setenv(name, "")
		os.Unsetenv(name)
	}
	t.Setenv("HOME", home)
	t.Setenv("GIT_CONFIG_NOSYSTEM", "1")
	for _, dir := range []string{f.repo, bin} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	f.write(".gitconfig", "[user]\n\tname = Ada\n\temail = ada@example.com\n[init]\n\tdefaultBranch = main\n")
	f.write("src/app/Makefile", "test:\n\ttrue\n")
	for _, args := range [][]string{{"init", "-q"}, {"add", "."}, {"commit", "-q", "-m", "first"}} {
		cmd := exec.Command("git", append([]string{"-C", f.repo}, args...)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v: %s", args, err, out)
		}
	}
	for _, name := range []string{"git", "sh", "make", "true"} { // and no agent
		path, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(path, filepath.Join(bin, name)); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin)
	f.p = process{env: os.Environ()}
	return f
}

func (f *first) write(name, text string) {
	f.t.Helper()
	if err := os.WriteFile(filepath.Join(f.home, name), []byte(text), 0o755); err != nil {
		f.t.Fatal(err)
	}
}

// start answers the page with what is typed.
func (f *first) start(town string, yes bool, typed string) (page string, err error) {
	var out bytes.Buffer
	_, err = f.p.welcome(context.Background(), town, f.repo, yes, strings.NewReader(typed), &out)
	return out.String(), err
}

func (f *first) settings() *config.Config {
	f.t.Helper()
	c, err := config.Load(filepath.Join(f.home, "gastown", "town.toml"))
	if err != nil {
		f.t.Fatal(err)
	}
	return c
}

func TestTheFirstPage(t *testing.T) {
	const claude = "#!/bin/sh\necho '2.1.330 (Claude Code)'\n"
	for _, c := range []struct {
		name, typed string
		yes, agent  bool
		permissions string // empty: nothing was made
		says, not   string
	}{
		{"Enter takes all", "\n", false, true, config.PermitEdits, "agents   claude 2.1.330", "none found"},
		{"logged in", "\n", false, true, config.PermitEdits, "agents   claude 2.1.330", "not logged in"},
		{"several agents", "\n", false, true, config.PermitEdits, "\n           codex codex-cli 0.169.0\n           opencode 1.18.33\n", "gemini"},
		{"--yes", "", true, true, config.PermitEdits, "", "Enter takes"},
		{"no agent", "\n", false, false, config.PermitEdits, "once the town is made, a program of yours in its town.toml does,\n", "or a program"},
		{"bypass", "b\nbypass\n", false, true, config.PermitBypass, "run any command as you, without asking", ""},
		{"bypass thought over", "b\n\n", false, true, config.PermitEdits, "Type bypass", ""},
		{"bypass mistyped", "b\ny\n", false, true, "", "", ""},
		{"bypass cut short", "b\n", false, true, "", "", ""},
		{"no", "n\n", false, true, "", "", ""},
		{"nothing", "", false, true, "", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFirst(t)
			if c.agent {
				f.write("bin/claude", claude)
			}
			if strings.HasPrefix(c.name, "several") {
				f.write("bin/codex", "#!/bin/sh\necho codex-cli 0.169.0\n")
				f.write("bin/opencode", "#!/bin/sh\necho 1.18.33\n")
			}
			page, err := f.start("", c.yes, c.typed)
			if !strings.Contains(page, c.says) || c.not != "" && strings.Contains(page, c.not) {
				t.Errorf("page:\n%s", page)
			}
			checkPage(t, strings.ReplaceAll(page, f.home, "~"))
			if c.permissions == "" {
				if _, serr := os.Stat(filepath.Join(f.home, "gastown")); !fault.Is(err, fault.Refused) || serr == nil {
					t.Errorf("%v, and the town: %v", err, serr)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := f.settings().Rigs["app"].Permissions; got != c.permissions {
				t.Errorf("permissions %q, want %q", got, c.permissions)
			}
			again, err := f.start(filepath.Join(f.home, "gastown"), false, "")
			if err != nil || again != "" {
				t.Errorf("the second start: %v, and says %q", err, again)
			}
		})
	}
}

// TestTheFirstPageSaysWhoIsNotLoggedIn, and that outside a repository there is no rig.
func TestTheFirstPageSaysWhoIsNotLoggedIn(t *testing.T) {
	f := newFirst(t)
	f.write("bin/claude", "#!/bin/sh\nif [ \"$1\" = auth ]; then echo '{\"loggedIn\": false}'; exit 1; fi\necho '2.1.330 (Claude Code)'\n")
	f.repo = f.home
	page, err := f.start("", false, "\n")
	if err != nil {
		t.Fatal(err)
	}
	page = strings.ReplaceAll(page, f.home, "~")
	text := strings.Join(strings.Fields(page), " ")
	for _, want := range []string{"claude 2.1.330 (Claude Code) not logged in: start `claude` once", "No rig is made: ~ is in no git repository"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q:\n%s", want, page)
		}
	}
	checkPage(t, page)
}

// TestTheFirstPageSaysWhoYouAre, before anything is committed; and what a repository without a commit gets.
func TestTheFirstPageSaysWhoYouAre(t *testing.T) {
	f := newFirst(t)
	page, err := f.start("", false, "n\n")
	if !fault.Is(err, fault.Refused) || !strings.Contains(page, "  you      Ada <ada@example.com>: landings are committed so\n") {
		t.Errorf("%v:\n%s", err, page)
	}
	f.write(".gitconfig", "[init]\n\tdefaultBranch = main\n")
	f.repo = filepath.Join(f.home, "src", "new")
	if out, err := exec.Command("git", "init", "-q", f.repo).CombinedOutput(); err != nil {
		t.Fatalf("git init: %v: %s", err, out)
	}
	page, err = f.start("", false, "n\n")
	for _, want := range []string{"unknown to git: commits will be by gastown <gastown@localhost>\n", "git config --global user.name NAME", "it has no commit yet: a first, empty one is made"} {
		if !fault.Is(err, fault.Refused) || !strings.Contains(page, want) {
			t.Errorf("no %q, %v:\n%s", want, err, page)
		}
	}
	checkPage(t, strings.ReplaceAll(page, f.home, "~"))
}

// TestTheFirstPageOfASecondRigKnowsYourOwnAgents, and how the gates went is in the log of events.
func TestTheFirstPageOfASecondRigKnowsYourOwnAgents(t *testing.T) {
	f := newFirst(t)
	if _, err := f.start("", true, ""); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(f.home, "gastown")
	settings, err := os.ReadFile(filepath.Join(dir, "town.toml"))
	if err != nil {
		t.Fatal(err)
	}
	f.write("gastown/town.toml", string(settings)+"\n[agent.mine]\ncommand = [\"sh\", \"-c\", \"true\"]\n")
	tn, err := town.Open(dir, f.p.deps(slog.New(slog.DiscardHandler), nil))
	if err != nil {
		t.Fatal(err)
	}
	events, err := api.GetEvents.Do(t.Context(), tn.As(api.Person()), api.EventsReq{})
	if cerr := tn.Close(); err != nil || cerr != nil || len(events) == 0 || !strings.HasPrefix(events[len(events)-1].Text, "the gates of app pass on main as it is, in ") {
		t.Errorf("events %v, %v, %v", events, err, cerr)
	}
	f.repo = filepath.Join(f.home, "src", "second")
	if out, err := exec.Command("git", "init", "-q", f.repo).CombinedOutput(); err != nil {
		t.Fatalf("git init: %v: %s", err, out)
	}
	page, err := f.start(dir, false, "n\n")
	if err != nil || !strings.Contains(page, "  agents   mine\n") || strings.Contains(page, "npm install") {
		t.Errorf("%v:\n%s", err, page)
	}
}

func TestAParagraphBreaksBetweenWords(t *testing.T) {
	var out bytes.Buffer
	paragraph(&out, "git knows no name for you: landings will be by gastown <gastown@localhost>; set one with: git config --global user.name NAME")
	if got := strings.Split(out.String(), "\n"); len(got) != 3 || !strings.HasSuffix(got[0], "<gastown@localhost>;") || !strings.HasPrefix(got[1], "  set one with") {
		t.Errorf("%q", got)
	}
	checkPage(t, out.String())
}

// checkPage holds the page against the smallest usual terminal.
func checkPage(t *testing.T, page string) {
	t.Helper()
	page = strings.NewReplacer("leaves: ", "leaves: \n", "questions: ", "questions: \n").Replace(page) // typed there
	lines := strings.Split(page, "\n")
	if len(lines) > 24 {
		t.Errorf("%d lines:\n%s", len(lines), page)
	}
	for _, l := range lines {
		if n := utf8.RuneCountInString(l); n > 80 {
			t.Errorf("%d columns: %s", n, l)
		}
	}
}
