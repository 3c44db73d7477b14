package town

import (
	"context"
	"time"

	agentrun "gastown/agents/run"
	"gastown/beads"
	"gastown/internal/api"
	"gastown/internal/fault"
)

// mostWait bounds how long one look waits for another picture.
const mostWait = 30 * time.Second

// polecatAttach types into a live terminal, as the person at the keyboard, and shows its picture.
func (t *Town) polecatAttach(ctx context.Context, _ api.Caller, r api.AttachReq) (out api.Attached, err error) {
	s, name, of, err := t.terminal(r.Name)
	if err != nil {
		return out, err
	}
	if r.Of != "" && r.Of != of {
		return out, fault.Refusedf("attach: %s has ended", r.Of)
	}
	if r.Cols > 0 && r.Rows > 0 && !t.host.shown.Load() {
		s.Resize(r.Cols, r.Rows)
	}
	if len(r.Type) > 0 {
		if err := s.Send(r.Type); err != nil {
			return out, fault.Refusedf("attach: %w", err)
		}
	}
	bell, done := t.host.Changes()
	defer done()
	limit := time.NewTimer(min(r.Wait, mostWait))
	defer limit.Stop()
	for waits := true; waits && s.Terminal().Gen() == r.Gen; {
		select {
		case <-bell:
		case <-s.Done():
			waits = false
		case <-limit.C:
			waits = false
		case <-t.host.ctx.Done():
			waits = false
		case <-ctx.Done():
			return out, ctx.Err()
		}
	}
	return picture(name, of, s), nil
}

// terminal finds the session of the Mayor, or of a polecat at work, with its name and the attempt.
func (t *Town) terminal(what string) (s *agentrun.Session, name, of string, err error) {
	if what == "mayor" {
		if s := t.host.mayorSession(); s != nil {
			return s, what, what, nil
		}
		return nil, "", "", fault.Refusedf("the Mayor is not running").WithHint("start it with: gastown mayor restart")
	}
	w, err := t.worker(what)
	if err != nil {
		return nil, "", "", err
	}
	if s := w.sessionNow(); s != nil {
		return s, w.name, beads.AttemptKey(w.bead, w.n), nil
	}
	return nil, "", "", fault.Refusedf("polecat %q: its agent has not started yet", w.name)
}

func picture(name, of string, s *agentrun.Session) api.Attached {
	f := s.Terminal().Frame()
	out := api.Attached{
		Name: name, Of: of, Cols: f.Cols, Rows: f.Rows, Lines: f.Lines, X: f.Cursor.X, Y: f.Cursor.Y, Cursor: f.Cursor.Visible, Gen: f.Gen,
		Arrows: f.Modes.AppCursor, Pastes: f.Modes.BracketedPaste,
	}
	select {
	case <-s.Done():
		out.Ended = true
	default:
	}
	return out
}
