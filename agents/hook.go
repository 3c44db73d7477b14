package agents

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"gastown/beads"
)

// claudeHooks are the events at which Claude Code calls us. They say what its terminal alone
// would: that it asks, goes on, has stopped or is at its limit. No model sees them.
func claudeHooks(role Role, gastown string) map[string]any {
	type call struct {
		Type    string `json:"type"`
		Command string `json:"command"`
		Timeout int    `json:"timeout"` // seconds
	}
	type hook struct {
		Hooks []call `json:"hooks"`
	}
	events := []string{"StopFailure"}
	if role == Polecat {
		events = []string{"UserPromptSubmit", "PermissionRequest", "PostToolUse", "PostToolUseFailure", "Stop", "StopFailure"}
	}
	out := map[string]any{}
	for _, e := range events {
		out[e] = []hook{{[]call{{"command", ShellQuote(gastown) + " report --hook claude", 10}}}}
	}
	return out
}

// ShellQuote is s as one word of a shell.
func ShellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// Doing is what an agent's program does, by its own word.
type Doing string

// What a program can say.
const (
	Works  Doing = "working"
	Asks   Doing = "asking"
	Limits Doing = "limited" // its model answers nothing before Sign.Until
)

// Sign is something that an agent's program said of itself.
type Sign struct {
	Doing  Doing
	Text   string       // what is asked; for Works what it asked before and does now, empty: a new turn
	Prompt beads.Prompt // of Asks
	Until  time.Time    // of Limits; zero: not known
}

// claudeEvent is what Claude Code tells a hook, as far as it matters here.
type claudeEvent struct {
	Event      string          `json:"hook_event_name"`
	Tool       string          `json:"tool_name"`
	Input      json.RawMessage `json:"tool_input"`
	Error      json.RawMessage `json:"error"`
	Last       string          `json:"last_assistant_message"`
	Background []any           `json:"background_tasks"`
	Crons      []any           `json:"session_crons"`
}

// ClaudeSign reads what Claude Code told a hook at now. ok is false for what means nothing here.
func ClaudeSign(data []byte, now time.Time) (s Sign, ok bool, err error) {
	var e claudeEvent
	if err := json.Unmarshal(data, &e); err != nil {
		return s, false, fmt.Errorf("read what a hook was told: %w", err)
	}
	switch e.Event {
	case "UserPromptSubmit":
		return Sign{Doing: Works}, true, nil
	case "PostToolUse", "PostToolUseFailure":
		return Sign{Doing: Works, Text: toolText(e)}, true, nil
	case "PermissionRequest":
		return Sign{Doing: Asks, Text: toolText(e), Prompt: beads.AtDialog}, true, nil
	case "Stop":
		if len(e.Background)+len(e.Crons) > 0 { // they wake it
			return s, false, nil
		}
		return Sign{Doing: Asks, Text: stopText("stopped without done", e.Last), Prompt: beads.AtPrompt}, true, nil
	case "StopFailure":
		if string(e.Error) == `"rate_limit"` {
			until, _ := ResetTime(e.Last, now)
			return Sign{Doing: Limits, Text: beads.Clean(e.Last, mostAsked), Until: until}, true, nil
		}
		return Sign{Doing: Asks, Text: stopText("stopped by an error", e.Last), Prompt: beads.AtPrompt}, true, nil
	}
	return s, false, nil
}

// mostAsked bounds a question, in characters.
const mostAsked = 300

func stopText(what, last string) string {
	if last = beads.Clean(last, mostAsked); last != "" {
		what += ": " + last
	}
	return what
}

// toolText is what a tool is asked to do, the same before and after.
func toolText(e claudeEvent) string {
	var in struct {
		Command   string `json:"command"`
		Path      string `json:"file_path"`
		URL       string `json:"url"`
		Questions []struct {
			Question string `json:"question"`
		} `json:"questions"`
	}
	if json.Unmarshal(e.Input, &in) != nil { // of another shape: shown as it is
		in.Command = string(e.Input)
	}
	what := ""
	switch {
	case e.Tool == "ExitPlanMode":
		return "is its plan right?"
	case len(in.Questions) > 0:
		return beads.Clean(in.Questions[0].Question, mostAsked)
	case in.Command != "":
		what = in.Command
	case in.Path != "":
		what = in.Path
	case in.URL != "":
		what = in.URL
	default:
		what = string(e.Input)
	}
	if e.Tool == "Bash" {
		return beads.Clean(mayRun+what, mostAsked)
	}
	return beads.Clean(mayUse+e.Tool+": "+what, mostAsked)
}

// How toolText begins.
const (
	mayRun = "may it run: "
	mayUse = "may it use "
)

// Did is what the program did last, of a sign that it works: its text, no longer as a question.
// Empty at the start of a turn.
func (s Sign) Did() string {
	if what, ok := strings.CutPrefix(s.Text, mayRun); ok {
		return "ran " + what
	}
	if what, ok := strings.CutPrefix(s.Text, mayUse); ok {
		return "used " + what
	}
	return s.Text
}

// LimitGuess is how long a limit holds whose end the agent did not tell.
const LimitGuess = 5 * time.Minute

// LimitPatience is how long after its limit an agent may go on by itself before it is started again.
const LimitPatience = 3 * time.Minute

// longestLimit is how far ahead a reset time is believed: limits are of hours or of a week.
const longestLimit = 15 * 24 * time.Hour

// ResetTime finds the end of a limit in Claude Code's words, such as "You've hit your limit ·
// resets 3:45pm (UTC)" or "resets Nov 23, 3pm (Europe/Berlin)". It cuts seconds off, so the answer
// is the end of that minute. ok is false where there is no such time, or none to believe.
func ResetTime(text string, now time.Time) (at time.Time, ok bool) {
	_, rest, ok := strings.Cut(text, "resets ")
	if !ok {
		return at, false
	}
	zone := now.Location()
	when, name, named := strings.Cut(rest, " (")
	if name, _, closed := strings.Cut(name, ")"); named && closed {
		loc, err := time.LoadLocation(name)
		if err != nil {
			return at, false
		}
		zone = loc
	}
	when = strings.ReplaceAll(strings.TrimSpace(when), " at ", ", ")
	now = now.In(zone)
	for _, form := range []string{"3:04pm", "3pm", "Jan 2, 3:04pm", "Jan 2, 3pm", "Jan 2, 2006, 3:04pm", "Jan 2, 2006, 3pm"} {
		t, err := time.ParseInLocation(form, when, zone)
		if err != nil {
			continue
		}
		at = dated(form, t, now).Add(time.Minute)
		return at, at.Before(now.Add(longestLimit))
	}
	return at, false
}

// dated completes a time that lacks its day or its year: the next such time, where one that has
// just passed was today.
func dated(form string, t, now time.Time) time.Time {
	const passed = 10 * time.Minute
	switch {
	case strings.Contains(form, "2006"):
		return t
	case strings.Contains(form, "Jan"):
		at := time.Date(now.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), 0, 0, t.Location())
		if at.Before(now.Add(-24 * time.Hour)) {
			at = at.AddDate(1, 0, 0)
		}
		return at
	}
	at := time.Date(now.Year(), now.Month(), now.Day(), t.Hour(), t.Minute(), 0, 0, t.Location())
	if at.Before(now.Add(-passed)) {
		at = at.AddDate(0, 0, 1)
	}
	return at
}

// Heed is the attempt after its agent's program gave a sign; changed is false where it is as it
// was. A question that the agent itself put (`gastown escalate`) stays until it is answered.
func Heed(a *beads.Attempt, s Sign, now time.Time) (next *beads.Attempt, changed bool, err error) {
	if a.State == beads.Starting && s.Doing != Limits { // it was quicker than the record of its start
		if a, err = a.Apply(beads.Begin, now); err != nil {
			return nil, false, err
		}
		changed = true
	}
	put := a.State == beads.Asking && a.AtTerminal == ""
	switch {
	case s.Doing == Asks && !put && (a.State != beads.Asking || a.Question != s.Text || a.AtTerminal != s.Prompt):
		if a.State == beads.Limited {
			return a, changed, nil
		}
		if a, err = a.Apply(beads.Question, now); err != nil {
			return nil, false, err
		}
		a.Question, a.Answer, a.AtTerminal = s.Text, "", s.Prompt
		return a, true, nil
	case s.Doing == Works && a.State == beads.Asking && !put && (s.Text == "" || s.Text == a.Question):
		if a, err = a.Apply(beads.Answer, now); err != nil {
			return nil, false, err
		}
		a.Question = ""
		return a, true, nil
	case s.Doing == Works && a.State == beads.Limited && s.Text == "":
		a, err = a.Apply(beads.Unlimit, now)
		return a, err == nil, err
	case s.Doing == Limits:
		until := s.LimitEnd(now)
		if a.State == beads.Limited && a.LimitedUntil.Equal(until) {
			return a, false, nil
		}
		if a, err = a.Apply(beads.Limit, now); err != nil {
			return nil, false, err
		}
		a.LimitedUntil = until.UTC()
		return a, true, nil
	}
	return a, changed, nil
}

// LimitEnd is when the limit of a sign is taken to be over.
func (s Sign) LimitEnd(now time.Time) time.Time {
	if s.Until.After(now) && s.Until.Before(now.Add(longestLimit)) {
		return s.Until
	}
	return now.Add(LimitGuess)
}

// Overdue are the live attempts whose limit is over and that did not go on by themselves, and when
// the next one will be; zero: none.
func Overdue(live []*beads.Attempt, now time.Time) (due []string, next time.Time) {
	for _, a := range live {
		if a.State != beads.Limited {
			continue
		}
		at := a.LimitedUntil.Add(LimitPatience)
		if !at.After(now) {
			due = append(due, a.Key())
		} else if next.IsZero() || at.Before(next) {
			next = at
		}
	}
	slices.Sort(due)
	return due, next
}
