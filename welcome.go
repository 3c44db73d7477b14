package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/muesli/cancelreader"

	"gastown/beads"
	"gastown/internal/api"
	"gastown/internal/config"
	"gastown/internal/fault"
	"gastown/internal/git"
	"gastown/internal/town"
)

// welcome is what `gastown` asks before its first screen: one page, and Enter takes all of it.
// dir is the town that was found, empty for none; the answer is the town to open. In a
// repository that is a rig already nothing is asked.
func (p *process) welcome(ctx context.Context, dir, cwd string, yes bool, in io.Reader, out io.Writer) (string, error) {
	s, err := town.Suggest(ctx, p.env, cwd)
	inRepo := err == nil
	if err != nil && !errors.Is(err, git.ErrNoCheckout) && !errors.Is(err, git.ErrNotExist) {
		return "", err
	}
	fresh := dir == ""
	if fresh {
		if dir = p.defaultTown(); dir == "" {
			return "", fault.Usagef("no town, and $HOME is not set").WithHint("gastown init DIR")
		}
	}
	noRig := cwd + " is in no git repository"
	if inRepo && inside(s.Root, dir) {
		inRepo = false // the town itself lies in a repository: that one is not meant
		noRig = "the town would lie in the repository " + s.Root
	}
	cfg := config.Default()
	if inRepo && !fresh {
		if cfg, err = config.Load(filepath.Join(dir, "town.toml")); err != nil || known(cfg, s.Root) {
			return dir, err
		}
	}
	if !fresh && !inRepo {
		return dir, nil
	}
	agents := town.FindAgents(ctx, p.env, cfg)
	page(out, dir, fresh, inRepo, s, agents)
	if !inRepo {
		paragraph(out, fmt.Sprintf("No rig is made: %s. Go to a project's repository and run gastown there, or use: gastown rig add NAME PATH", noRig))
		fmt.Fprintln(out)
	}
	permissions, ok := config.PermitEdits, yes
	if !yes {
		permissions, ok = agreed(ctx, in, out, inRepo, s.Name)
	}
	if !ok {
		if !fresh {
			return dir, nil
		}
		return "", fault.Refusedf("nothing was made").WithHint("when you are ready: gastown, or gastown init DIR")
	}
	if fresh {
		if err := town.Init(dir); err != nil {
			return "", err
		}
	}
	if !inRepo {
		return dir, nil
	}
	return dir, p.takeUp(ctx, dir, s, permissions, in, out)
}

// line is the next line of in, read no further than its end: what is typed after it is the
// screen's. ok is false when the input or ctx ended first.
func line(ctx context.Context, in io.Reader) (text string, ok bool) {
	done := make(chan bool, 1)
	var b strings.Builder
	go func() { // after an interrupt it is left in its read; the program ends
		one := make([]byte, 1)
		for {
			if n, err := in.Read(one); n == 0 && err != nil {
				done <- false
				return
			}
			if one[0] == '\n' {
				done <- true
				return
			}
			b.WriteByte(one[0])
		}
	}()
	select {
	case ok = <-done:
		return strings.TrimSpace(b.String()), ok
	case <-ctx.Done():
		return "", false
	}
}

// skipGrace is how soon after its offer an Enter is still the one before it, typed twice.
const skipGrace = 500 * time.Millisecond

// onEnter calls f when a line is typed. Once stop has returned nothing more is read of in.
func onEnter(in io.Reader, f func()) (stop func()) {
	r, err := cancelreader.NewReader(in)
	if err != nil {
		return func() {} // it cannot be waited for: then nothing is skipped
	}
	begun, done := time.Now(), make(chan struct{})
	go func() {
		defer close(done)
		one := make([]byte, 1)
		for {
			n, err := r.Read(one)
			switch {
			case err != nil:
				return
			case n == 1 && one[0] == '\n' && time.Since(begun) > skipGrace:
				f()
				return
			}
		}
	}()
	return func() {
		if r.Cancel() {
			<-done
		}
		_ = r.Close() // it never closes in itself
	}
}

// inside reports whether path is dir or below it.
func inside(dir, path string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, "../")
}

// known reports whether a checkout is a rig of the town.
func known(cfg *config.Config, root string) bool {
	for _, r := range cfg.Rigs {
		if town.SameRepository(r.Origin, root) {
			return true
		}
	}
	return false
}

// page says what would be done.
func page(w io.Writer, dir string, fresh, inRepo bool, s town.Suggestion, agents []api.AgentInfo) {
	fmt.Fprintf(w, "\n  gastown runs coding agents side by side and lands only what passes.\n\n")
	where := "here already"
	if fresh {
		where = "made now"
	}
	fmt.Fprintf(w, "  town     %s  (%s)\n", dir, where)
	if inRepo {
		fmt.Fprintf(w, "  rig      %s, from %s", s.Name, s.Root)
		if s.Branch != "" {
			fmt.Fprintf(w, ", branch %s", s.Branch)
		}
		fmt.Fprintln(w)
		if s.Setup != "" {
			fmt.Fprintf(w, "  setup    %s  (in every new worktree)\n", s.Setup)
		}
		for i, g := range s.Gates {
			label := "gates"
			if i > 0 {
				label = ""
			}
			fmt.Fprintf(w, "  %-8s %s\n", label, g.Run)
		}
		if len(s.Gates) == 0 {
			fmt.Fprintf(w, "  gates    none found: nothing lands without one; gastown rig gate RIG 'TEST'\n")
		} else {
			fmt.Fprintf(w, "           found in %s; tried on %s once, now\n", strings.Join(s.Found, ", "), orMain(s.Branch))
		}
		fmt.Fprintf(w, "  landed   work moves %s in your checkout while it is clean, and only then;\n", orMain(s.Branch))
		fmt.Fprintf(w, "           what you commit on %s yourself is tested and taken in\n", orMain(s.Branch))
		if s.Empty {
			fmt.Fprintln(w, "           it has no commit yet: a first, empty one is made and delivered there")
		}
		if s.Nameless {
			fmt.Fprintf(w, "  you      unknown to git: commits will be by %s\n", s.Who)
			fmt.Fprintln(w, "           tell it: git config --global user.name NAME, and user.email")
		} else {
			fmt.Fprintf(w, "  you      %s: landings are committed so\n", beads.Clean(s.Who.String(), 40))
		}
	}
	for i, a := range agents {
		label := "agents"
		if i > 0 {
			label = ""
		}
		fmt.Fprintf(w, "  %-8s %s\n", label, strings.TrimSpace(a.Name+" "+a.Version))
		if a.SignedIn != nil && !*a.SignedIn {
			fmt.Fprintf(w, "           not logged in: start `%s` once, before work is slung to it\n", a.Program)
		}
	}
	if len(agents) == 0 {
		when := ""
		if fresh { // neither is there to be used before
			when = "once the town is made, "
		}
		fmt.Fprint(w, "  agents   claude, codex, gemini, opencode: none is installed\n"+
			"           Claude Code: npm install -g @anthropic-ai/claude-code\n"+
			"           the demo needs none: gastown demo\n"+
			"           "+when+"a program of yours in its town.toml does,\n"+
			"           and a Mayor without a model: gastown mayor agent scripted\n")
	}
	fmt.Fprintln(w, "  asking   polecats edit files, run git, gastown, setup and gates; else they ask")
	if inRepo {
		fmt.Fprintln(w, "           (b instead: they run anything, as you, and never ask)")
	}
	fmt.Fprintln(w)
}

func orMain(branch string) string {
	if branch == "" {
		return "main"
	}
	return branch
}

// agreed asks for Enter, and says what agents may do then. An interrupt or the end of the input
// is a no. rig is what b is about, where there is one.
func agreed(ctx context.Context, in io.Reader, out io.Writer, inRepo bool, rig string) (permissions string, ok bool) {
	choice := "n leaves"
	if inRepo {
		choice = "b bypass, n leaves"
	}
	fmt.Fprintf(out, "  Enter takes all of it (town.toml keeps it); %s: ", choice)
	text, ok := line(ctx, in)
	if !ok {
		fmt.Fprintln(out)
		return "", false
	}
	switch strings.ToLower(text) {
	case "", "y", "yes":
		return config.PermitEdits, true
	case "b":
		if inRepo {
			return bypassed(ctx, in, out, rig)
		}
	}
	return "", false
}

// bypassed asks, once per rig and in a word that nobody types by habit, whether agents may do
// everything there.
func bypassed(ctx context.Context, in io.Reader, out io.Writer, rig string) (permissions string, ok bool) {
	fmt.Fprintf(out, "\n  Bypass: polecats of %s run any command as you, without asking. They can\n"+
		"  delete files outside their worktrees, use the network, and read what you can\n"+
		"  read. The screen says BYPASS.\n"+
		"  Type bypass to accept that; Enter keeps the questions: ", rig)
	text, ok := line(ctx, in)
	switch {
	case !ok:
		fmt.Fprintln(out)
		return "", false
	case strings.EqualFold(text, config.PermitBypass):
		return config.PermitBypass, true
	case text == "":
		return config.PermitEdits, true
	}
	return "", false
}

// takeUp adds the repository as a rig and tries its gates on main once.
func (p *process) takeUp(ctx context.Context, dir string, s town.Suggestion, permissions string, in io.Reader, out io.Writer) error {
	t, err := town.Open(dir, p.deps(slog.New(slog.DiscardHandler), nil))
	if err != nil {
		return err
	}
	defer t.Close()
	d := t.As(api.Person())
	added, err := api.RigAdd.Do(ctx, d, api.RigAddReq{Name: s.Name, Source: s.Root, Gates: s.Gates, Setup: s.Setup, Deliver: "checkout", Permissions: permissions})
	if err != nil {
		return err
	}
	if n := len(added.Unseen); n > 0 {
		paragraph(out, fmt.Sprintf("%d uncommitted %s yours alone: agents see what is committed (%s)", n, map[bool]string{true: "path stays", false: "paths stay"}[n == 1], firstOf(added.Unseen)))
	}
	for _, w := range added.Warnings {
		paragraph(out, w)
	}
	if len(s.Gates) == 0 {
		return nil
	}
	trying, skip := context.WithCancel(ctx)
	defer skip()
	skips, listened := "", func() {}
	if isTerminal(in) {
		skips, listened = "Enter skips that, ", onEnter(in, skip)
	}
	fmt.Fprintf(out, "  trying the gates on %s once; %sCtrl-C leaves\n", added.Branch, skips)
	trial := &trial{out: out, live: isTerminal(out), setup: s.Setup}
	checked, err := t.CheckRig(trying, s.Name, trial.tell)
	trial.stop()
	listened()
	switch {
	case ctx.Err() != nil:
		return fault.Failf("left while the gates were tried; the rig is made").WithHint("go on with: gastown, or try the gates again with: gastown rig check %s", s.Name)
	case trying.Err() != nil:
		return nil // what lands first is tested like everything after it
	}
	if err == nil {
		err = t.Checked(api.Person(), checked)
	}
	if err != nil {
		return err
	}
	if !checked.Green {
		paragraph(out, "not green on "+added.Branch+" as it is: nothing lands until that is mended or town.toml has other gates; try them again with: gastown rig check "+s.Name)
		fmt.Fprint(out, "  Enter goes on: ")
		if _, ok := line(ctx, in); !ok { // only a pause to read
			return ctx.Err()
		}
	}
	return nil
}

// paragraph writes text in lines that the smallest usual terminal shows whole, broken between words.
func paragraph(w io.Writer, text string) {
	const width = 78
	line := " "
	for _, word := range strings.Fields(beads.Clean(text, 0)) {
		if len(line) > 1 && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
			fmt.Fprintln(w, line)
			line = " "
		}
		line += " " + word
	}
	fmt.Fprintln(w, line)
}

func firstOf(paths []string) string {
	if len(paths) == 1 {
		return paths[0]
	}
	return fmt.Sprintf("%s and %d more", paths[0], len(paths)-1)
}
