package agents

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gastown/beads"
)

// What Claude Code 2.1.330 told its hooks, less what is not read.
func TestClaudeSign(t *testing.T) {
	now := time.Date(2026, 11, 22, 15, 43, 6, 0, time.UTC)
	for _, c := range []struct {
		name, told string
		want       Sign
		silent     bool
	}{
		{"a turn begins", `{"session_id":"c8","hook_event_name":"UserPromptSubmit","prompt":"go"}`, Sign{Doing: Works}, false},
		{"a dialog", `{"hook_event_name":"PermissionRequest","tool_name":"Bash","tool_input":{"command":"ls /","description":"list"},"permission_suggestions":[]}`,
			Sign{Doing: Asks, Text: "may it run: ls /", Prompt: beads.AtDialog}, false},
		{"it ran", `{"hook_event_name":"PostToolUse","tool_name":"Bash","tool_input":{"command":"ls /"},"tool_response":{"stdout":"bin"}}`, Sign{Doing: Works, Text: "may it run: ls /"}, false},
		{"it ran and failed", `{"hook_event_name":"PostToolUseFailure","tool_name":"Bash","tool_input":{"command":"ls /"},"error":"exit 2"}`, Sign{Doing: Works, Text: "may it run: ls /"}, false},
		{"a file", `{"hook_event_name":"PermissionRequest","tool_name":"Write","tool_input":{"file_path":"/etc/x","content":"y"}}`, Sign{Doing: Asks, Text: "may it use Write: /etc/x", Prompt: beads.AtDialog}, false},
		{"an address", `{"hook_event_name":"PermissionRequest","tool_name":"WebFetch","tool_input":{"url":"https://a.example/","prompt":"?"}}`, Sign{Doing: Asks, Text: "may it use WebFetch: https://a.example/", Prompt: beads.AtDialog}, false},
		{"another tool", `{"hook_event_name":"PermissionRequest","tool_name":"mcp__x__y","tool_input":{"a":1}}`, Sign{Doing: Asks, Text: `may it use mcp__x__y: {"a":1}`, Prompt: beads.AtDialog}, false},
		{"input of another shape", `{"hook_event_name":"PermissionRequest","tool_name":"Odd","tool_input":["a"]}`, Sign{Doing: Asks, Text: `may it use Odd: ["a"]`, Prompt: beads.AtDialog}, false},
		{"a question", `{"hook_event_name":"PermissionRequest","tool_name":"AskUserQuestion","tool_input":{"questions":[{"question":"Red or blue?"}]}}`, Sign{Doing: Asks, Text: "Red or blue?", Prompt: beads.AtDialog}, false},
		{"a plan", `{"hook_event_name":"PermissionRequest","tool_name":"ExitPlanMode","tool_input":{"plan":"1. go"}}`, Sign{Doing: Asks, Text: "is its plan right?", Prompt: beads.AtDialog}, false},
		{"hostile text", `{"hook_event_name":"PermissionRequest","tool_name":"Bash","tool_input":{"command":"a\u001b]0;x\u0007\nb\u202e"}}`, Sign{Doing: Asks, Text: "may it run: a b", Prompt: beads.AtDialog}, false},
		{"a turn ends", `{"hook_event_name":"Stop","stop_hook_active":false,"last_assistant_message":"I am\ndone.","background_tasks":[],"session_crons":[]}`,
			Sign{Doing: Asks, Text: "stopped without done: I am done.", Prompt: beads.AtPrompt}, false},
		{"what it started wakes it", `{"hook_event_name":"Stop","background_tasks":[{"id":"b1"}]}`, Sign{}, true},
		{"a limit", `{"hook_event_name":"StopFailure","error":"rate_limit","last_assistant_message":"You've hit your limit · resets 3:45pm (UTC)"}`,
			Sign{Doing: Limits, Text: "You've hit your limit · resets 3:45pm (UTC)", Until: time.Date(2026, 11, 22, 15, 46, 0, 0, time.UTC)}, false},
		{"a limit without an end", `{"hook_event_name":"StopFailure","error":"rate_limit","last_assistant_message":"API Error: Request rejected (429) · slow down"}`,
			Sign{Doing: Limits, Text: "API Error: Request rejected (429) · slow down"}, false},
		{"another failure", `{"hook_event_name":"StopFailure","error":"server_error","last_assistant_message":"API Error: 529 Overloaded."}`,
			Sign{Doing: Asks, Text: "stopped by an error: API Error: 529 Overloaded.", Prompt: beads.AtPrompt}, false},
		{"something else", `{"hook_event_name":"SessionStart","source":"startup"}`, Sign{}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, ok, err := ClaudeSign([]byte(c.told), now)
			if err != nil || ok == c.silent {
				t.Fatalf("ok %t, %v", ok, err)
			}
			if diff := cmp.Diff(c.want, s); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	if _, _, err := ClaudeSign([]byte("no JSON"), now); err == nil {
		t.Error("no error for what is no JSON")
	}
}

func TestResetTime(t *testing.T) {
	now := time.Date(2026, 11, 22, 15, 43, 6, 0, time.UTC)
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]time.Time{
		"You've hit your limit · resets 3:45pm (UTC)":                  time.Date(2026, 11, 22, 15, 46, 0, 0, time.UTC),
		"You've hit your session limit · resets 5pm (UTC)":             time.Date(2026, 11, 22, 17, 1, 0, 0, time.UTC),
		"resets 3:43pm (UTC)":                                          time.Date(2026, 11, 22, 15, 44, 0, 0, time.UTC),
		"resets 3:40pm (UTC)":                                          time.Date(2026, 11, 22, 15, 41, 0, 0, time.UTC), // just over
		"resets 2am (UTC)":                                             time.Date(2026, 11, 23, 2, 1, 0, 0, time.UTC),
		"resets 5pm (Europe/Berlin)":                                   time.Date(2026, 11, 22, 17, 1, 0, 0, berlin),
		"You've hit your weekly limit · resets Nov 25, 9am (UTC)":      time.Date(2026, 11, 25, 9, 1, 0, 0, time.UTC),
		"resets Nov 25 at 9:30am (UTC)":                                time.Date(2026, 11, 25, 9, 31, 0, 0, time.UTC),
		"resets Dec 1, 2026, 12:05am (UTC)":                            time.Date(2026, 12, 1, 0, 6, 0, 0, time.UTC),
		"resets 4pm":                                                   time.Date(2026, 11, 22, 16, 1, 0, 0, time.UTC),
		"You've hit your limit · resets 4pm (UTC) · /upgrade to go on": time.Date(2026, 11, 22, 16, 1, 0, 0, time.UTC),
	} {
		if at, ok := ResetTime(text, now); !ok || !at.Equal(want) {
			t.Errorf("%q: %s %t, want %s", text, at, ok, want)
		}
	}
	for _, text := range []string{"", "API Error: 529", "resets soon", "resets 25:00pm (UTC)", "resets 5pm (Mars/Olympus)", "resets Jun 1, 9am (UTC)", "resets Nov 25, 3031, 9am (UTC)"} {
		if at, ok := ResetTime(text, now); ok {
			t.Errorf("%q is taken for %s", text, at)
		}
	}
	newYear := time.Date(2026, 12, 31, 23, 0, 0, 0, time.UTC)
	if at, ok := ResetTime("resets Jan 2, 9am (UTC)", newYear); !ok || at.Year() != 2027 {
		t.Errorf("over the turn of the year: %s %t", at, ok)
	}
}

func TestHeed(t *testing.T) {
	now := time.Date(2026, 11, 22, 15, 43, 6, 0, time.UTC)
	dialog := Sign{Doing: Asks, Text: "may it run: ls", Prompt: beads.AtDialog}
	ran, turn := Sign{Doing: Works, Text: dialog.Text}, Sign{Doing: Works}
	limit := Sign{Doing: Limits, Until: now.Add(time.Hour)}
	asking := beads.Attempt{State: beads.Asking, Question: dialog.Text, AtTerminal: beads.AtDialog}
	put := beads.Attempt{State: beads.Asking, Question: "red?"}
	limited := beads.Attempt{State: beads.Limited, LimitedUntil: now.Add(time.Hour)}
	running := beads.Attempt{State: beads.Running}
	for _, c := range []struct {
		name string
		a    beads.Attempt
		s    Sign
		want beads.Attempt
		same bool
	}{
		{"it asks", running, dialog, asking, false},
		{"quicker than its start", beads.Attempt{State: beads.Starting}, dialog, beads.Attempt{State: beads.Asking, Question: dialog.Text, AtTerminal: beads.AtDialog, StartedAt: now}, false},
		{"the same again", asking, dialog, asking, true},
		{"what it asked for ran", asking, ran, running, false},
		{"something else ran beside it", asking, Sign{Doing: Works, Text: "may it run: pwd"}, asking, true},
		{"a new turn", asking, turn, running, false},
		{"at work anyway", running, turn, running, true},
		{"its own question stays", put, dialog, put, true},
		{"its own question is not answered by work", put, turn, put, true},
		{"limited", running, limit, limited, false},
		{"limited as known", limited, limit, limited, true},
		{"limited without an end", running, Sign{Doing: Limits}, beads.Attempt{State: beads.Limited, LimitedUntil: now.Add(LimitGuess)}, false},
		{"limited until long ago", running, Sign{Doing: Limits, Until: now.Add(-time.Hour)}, beads.Attempt{State: beads.Limited, LimitedUntil: now.Add(LimitGuess)}, false},
		{"limited while it asks", asking, limit, limited, false},
		{"the end of a tool is no end of a limit", limited, ran, limited, true},
		{"stopped is what limited means", limited, Sign{Doing: Asks, Text: "stopped", Prompt: beads.AtPrompt}, limited, true},
		{"it goes on by itself", limited, turn, running, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := c.a
			got, changed, err := Heed(&c.a, c.s, now)
			if err != nil || changed == c.same {
				t.Fatalf("changed %t, %v", changed, err)
			}
			if diff := cmp.Diff(&c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(before, c.a); diff != "" {
				t.Errorf("the attempt itself changed:\n%s", diff)
			}
		})
	}
	if _, _, err := Heed(&beads.Attempt{State: beads.Landed}, dialog, now); err == nil {
		t.Error("an attempt that has ended asks")
	}
}

func TestOverdue(t *testing.T) {
	now := time.Date(2026, 11, 22, 15, 43, 6, 0, time.UTC)
	at := func(id beads.ID, state beads.AttemptState, until time.Duration) *beads.Attempt {
		return &beads.Attempt{Bead: id, N: 1, State: state, LimitedUntil: now.Add(until)}
	}
	live := []*beads.Attempt{
		at("d", beads.Limited, -LimitPatience), at("a", beads.Limited, -time.Hour), at("b", beads.Limited, -time.Minute),
		at("c", beads.Limited, time.Hour), at("e", beads.Running, -time.Hour),
	}
	due, next := Overdue(live, now)
	if !slices.Equal(due, []string{"a/1", "d/1"}) || !next.Equal(now.Add(LimitPatience-time.Minute)) {
		t.Errorf("due %v, next %s", due, next)
	}
	if due, next := Overdue(nil, now); due != nil || !next.IsZero() {
		t.Errorf("of nothing: %v, %s", due, next)
	}
}

func TestWhatAProgramDid(t *testing.T) {
	for text, want := range map[string]string{"": "", "may it run: go test": "ran go test", "may it use Edit: a.go": "used Edit: a.go", "thinks": "thinks"} {
		if got := (Sign{Doing: Works, Text: text}).Did(); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
