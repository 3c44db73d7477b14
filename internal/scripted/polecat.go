package scripted

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"gastown/beads"
	"gastown/internal/api"
	"gastown/internal/fault"
	"gastown/internal/proc"
)

// identScript goes before each script: git is not to page on a terminal where nobody may be (from a
// background group a pager would be stopped for good), and gets a name where it has none.
const identScript = `export PAGER=cat GIT_PAGER=cat
if ! git config user.email >/dev/null && [ -z "${GIT_AUTHOR_EMAIL:-}" ]; then
  export GIT_AUTHOR_NAME=gastown GIT_AUTHOR_EMAIL=gastown@localhost
  export GIT_COMMITTER_NAME=gastown GIT_COMMITTER_EMAIL=gastown@localhost
fi
`

// commitScript commits everything, with the subject given as $1. It changes nothing where there is
// nothing to commit, and ends a merge that is under way.
const commitScript = `git add -A
if git rev-parse -q --verify MERGE_HEAD >/dev/null || ! git diff --cached --quiet; then
  git commit -q --no-verify -m "$1"
fi
git log -1 --format='%h %s'
git status --short
`

// polecat is one run at one bead.
type polecat struct {
	env Env
	scr *screen
	id  beads.ID
}

// Polecat does the bead that $GASTOWN_BEAD names: it runs the fenced sh block of the bead's
// description in the worktree, commits what that left uncommitted, and submits. A block may submit
// by itself. A bead without a block is escalated; an answer that holds one is run. An error means
// that this attempt failed.
func Polecat(ctx context.Context, env Env) error {
	env, err := env.ready()
	if err != nil {
		return err
	}
	p := &polecat{env: env, scr: &screen{out: env.Out}, id: beads.ID(env.Getenv("GASTOWN_BEAD"))}
	switch {
	case p.id == "":
		err = errors.New("no bead: GASTOWN_BEAD is not set")
	case len(env.Environ) == 0:
		err = errors.New("no environment for the bead's script")
	default:
		err = p.work(ctx)
	}
	if err != nil {
		p.scr.say("I give up: %s", fault.From(err).Msg)
	}
	return err
}

func (p *polecat) work(ctx context.Context) error {
	p.scr.say("I am %s, a scripted polecat: no model, I run the sh block of my bead.", orElse(p.env.Getenv("GASTOWN_POLECAT"), "nobody"))
	task, err := api.Prime.Do(ctx, p.env.Doer, api.Empty{})
	if err != nil {
		return fmt.Errorf("step %q: %w", "read my task", err)
	}
	bead, err := p.bead(ctx)
	if err != nil {
		return fmt.Errorf("step %q: %w", "read my bead", err)
	}
	p.scr.say("\n# %s, attempt %s: %s\n", p.id, orElse(p.env.Getenv("GASTOWN_ATTEMPT"), "1"), bead.Title)
	p.scr.say("%s", quote(task.Text))
	if !p.env.rest(ctx) {
		return ctx.Err()
	}
	script, err := p.script(ctx, bead)
	if err != nil {
		return fmt.Errorf("step %q: %w", "find what to run", err)
	}
	p.scr.say("\n# running the bead's script")
	if !p.env.rest(ctx) {
		return ctx.Err()
	}
	if err := p.sh(ctx, script); err != nil {
		return fmt.Errorf("step %q: %w", "run the script", err)
	}
	if gone, err := p.submittedByScript(ctx); gone || err != nil {
		return err
	}
	if !p.env.rest(ctx) {
		return ctx.Err()
	}
	return p.submit(ctx, bead)
}

// submit commits what is left and asks for the landing.
func (p *polecat) submit(ctx context.Context, bead api.Bead) error {
	req := api.DoneReq{}
	if bead.NeedsCode {
		p.scr.say("\n# committing")
		if err := p.sh(ctx, commitScript, fmt.Sprintf("%s: %s", p.id, beads.Clean(bead.Title, 0))); err != nil {
			return fmt.Errorf("step %q: %w", "commit", err)
		}
		if !p.env.rest(ctx) {
			return ctx.Err()
		}
	} else {
		req.Result = "the script of the bead ran to its end and gave no result of its own"
	}
	p.scr.say("\n# done")
	res, err := api.Done.Do(ctx, p.env.Doer, req)
	if err != nil {
		return fmt.Errorf("step %q: %w", "submit", err)
	}
	p.scr.say("%s", res.Msg)
	return nil
}

// submittedByScript reports whether the bead left this attempt's hands while its script ran. The
// town then no longer talks to the attempt, which says the same.
func (p *polecat) submittedByScript(ctx context.Context) (bool, error) {
	bead, err := p.bead(ctx)
	switch {
	case fault.Is(err, fault.Refused):
	case err != nil:
		return false, fmt.Errorf("step %q: %w", "look at my bead again", err)
	case bead.Status == beads.Working:
		return false, nil
	}
	p.scr.say("\n# the script has submitted the bead itself")
	return true, nil
}

// script finds the block to run, or asks for one.
func (p *polecat) script(ctx context.Context, bead api.Bead) (string, error) {
	if text, ok := Script(bead.Description); ok {
		return text, nil
	}
	p.scr.say("The bead has no sh block, and I cannot think. I ask.")
	res, err := api.Escalate.Do(ctx, p.env.Doer, api.EscalateReq{
		Text: "I am a script without a model and this bead has no fenced sh block. " +
			"Put one into its description or into your answer, or give the bead to another agent.",
		Wait: -1,
	})
	if err != nil {
		return "", err
	}
	if text, ok := Script(res.Answer); ok {
		return text, nil
	}
	if bead, err = p.bead(ctx); err != nil {
		return "", err
	}
	if text, ok := Script(bead.Description); ok {
		return text, nil
	}
	return "", errors.New("there is still no sh block")
}

func (p *polecat) bead(ctx context.Context) (api.Bead, error) {
	return api.BeadShow.Do(ctx, p.env.Doer, api.BeadReq{Bead: p.id})
}

// sh runs a script in the worktree; its output goes to the terminal as it comes.
func (p *polecat) sh(ctx context.Context, script string, args ...string) error {
	code, err := proc.Run(ctx, proc.Cmd{
		Argv: append([]string{"sh", "-e", "-c", identScript + script, "sh"}, args...),
		Dir:  p.env.Dir, Env: p.env.Environ,
		Stdout: p.env.Out, Stderr: p.env.Out,
	})
	switch {
	case err != nil:
		return err
	case code != 0:
		return fmt.Errorf("exit %d", code)
	}
	return nil
}

// quote marks text that is not the agent's own.
func quote(text string) string {
	return "| " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n| ")
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
