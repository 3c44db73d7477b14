package town

import (
	"context"
	"fmt"
	"os"
	"time"

	"gastown/beads"
	"gastown/internal/api"
	"gastown/internal/proc"
)

const (
	notifyEvery = time.Second      // between looks for what is new
	notifyLimit = 10 * time.Second // of one run of the person's command
	notifyMost  = 5                // runs for one look; the last one counts the rest
	noticeMax   = 500              // bytes of a notice's text
	kNotify     = "notify"         // of the notice that the command itself fails
)

// ringNotices asks for a look. It never blocks.
func (h *Host) ringNotices() {
	select {
	case h.notices <- struct{}{}:
	default:
	}
}

// watchNotices runs [notify] command once for everything that begins to wait for a person. One
// run at a time, on a goroutine that nothing else waits for: a command that hangs is ended, and
// holds up only those after it.
func (h *Host) watchNotices() {
	told := map[string]bool{}
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		select {
		case <-h.ctx.Done():
			return
		case <-h.notices:
		}
		select {
		case <-h.ctx.Done():
			return
		case <-pause.C:
		}
		pause.Reset(notifyEvery)
		command := h.t.settings().Notify.Command
		if command == "" {
			continue
		}
		s, err := h.t.status(h.ctx, api.Person(), api.Empty{})
		if err != nil {
			h.t.deps.Log.Error("look for notices", "err", err)
			continue
		}
		h.notify(command, untold(s.Problems, told, h.started))
	}
}

// untold are the texts of the problems that nobody was told of. told is brought up to date; what
// is older than since was told by the host before.
func untold(now []api.Problem, told map[string]bool, since time.Time) []string {
	var out []string
	seen := map[string]bool{}
	for _, p := range now {
		key := p.Key
		if p.Level == "asks" {
			key += " " + p.What // another question of the same polecat
		}
		seen[key] = true
		if p.Key != kNotify && !told[key] && !p.Since.Before(since) {
			out = append(out, beads.Clean(p.Who+": "+p.What, noticeMax))
		}
	}
	clear(told)
	for key := range seen {
		told[key] = true
	}
	if n := len(out); n > notifyMost {
		out = append(out[:notifyMost-1], fmt.Sprintf("%d more need you: gastown status", n-notifyMost+1))
	}
	return out
}

// notify runs the command for each text. Where it fails that is a notice too, but on the screen
// and in status alone.
func (h *Host) notify(command string, texts []string) {
	for _, text := range texts {
		switch err := h.runNotify(command, text); {
		case h.ctx.Err() != nil:
			return
		case err != nil:
			h.problem(kNotify, "", "", fmt.Sprintf("notify.command failed: %v", err), "mend it: gastown config set notify.command 'COMMAND'")
			return // the others would fail the same way
		}
		h.solved(kNotify)
	}
}

// runNotify runs the command with the text as its $1; no shell ever reads the text.
func (h *Host) runNotify(command, text string) error {
	log := h.t.path("logs", "notify.log")
	out, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer out.Close()
	ctx, cancel := context.WithTimeoutCause(h.ctx, notifyLimit, fmt.Errorf("it did not end within %s", notifyLimit))
	defer cancel()
	code, err := proc.Run(ctx, proc.Cmd{
		Argv: []string{"sh", "-c", command, "gastown", text}, Dir: h.t.Dir, Env: append(h.t.plainEnv(), "GASTOWN_TOWN="+h.t.Dir),
		Stdout: out, Stderr: out, Grace: time.Second,
	})
	if err == nil && code != 0 {
		err = fmt.Errorf("exit %d: %s", code, lastLine(tailFile(log, 5)))
	}
	return err
}
