package cli_test

import (
	"encoding/json"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"gastown/beads"
	"gastown/internal/api"
	"gastown/refinery"
)

// lines says what each command line asks of the town. DIR is the working directory.
func lines() []struct {
	line string
	verb string
	req  any
} {
	name := func(s string) api.NameReq { return api.NameReq{Name: s} }
	one := api.BeadReq{Bead: "ma-1"}
	return []struct {
		line string
		verb string
		req  any
	}{
		{"rig add app ./src --branch main --prefix ap --gate go_test --gate t=npm+test --gate A=1+make --setup npm+ci --deliver push --ungated --permissions bypass", "rig.add",
			api.RigAddReq{Name: "app", Source: "DIR/src", Branch: "main", Prefix: "ap", Setup: "npm ci", Deliver: "push", Ungated: true, Permissions: "bypass",
				Gates: []api.GateSpec{{Name: "gate", Run: "go_test"}, {Name: "t", Run: "npm test"}, {Name: "make", Run: "A=1 make"}}}},
		{"rig add app git@example.com:me/app.git", "rig.add", api.RigAddReq{Name: "app", Source: "git@example.com:me/app.git"}},
		{"rig add app https://example.com/a.git --gate go+test+./... --gate go+test+-race", "rig.add", api.RigAddReq{Name: "app", Source: "https://example.com/a.git",
			Gates: []api.GateSpec{{Name: "test", Run: "go test ./..."}, {Name: "test-2", Run: "go test -race"}}}},
		{"rig list", "rig.list", api.Empty{}},
		{"rig show app", "rig.show", name("app")},
		{"rig check", "rig.check", name("")},
		{"rig deliver app", "rig.deliver", name("app")},
		{"rig fetch app", "rig.fetch", api.RigFetchReq{Name: "app"}},
		{"rig fetch --accept", "rig.fetch", api.RigFetchReq{Choice: refinery.TakeTheirs}},
		{"rig fetch app --keep", "rig.fetch", api.RigFetchReq{Name: "app", Choice: refinery.KeepOurs}},
		{"rig remove app", "rig.remove", name("app")},
		{"rig gate app go+test t=npm+test", "rig.gate", api.RigGateReq{Name: "app", Gates: []api.GateSpec{{Name: "test", Run: "go test"}, {Name: "t", Run: "npm test"}}}},
		{"rig ungated app", "rig.ungated", api.RigUngatedReq{Name: "app", Ungated: true}},
		{"rig ungated app --off", "rig.ungated", api.RigUngatedReq{Name: "app"}},
		{"bead create Fix the login -d why -p P1 -t bug --accept ok --design so --dep ma-2 --dep ma-3,ma-4 --parent ma-9 --label a,b --rig app --agent codex --no-code", "bead.create",
			api.BeadCreateReq{Title: "Fix the login", Description: "why", Priority: new(1), Type: "bug", Accept: "ok", Design: "so",
				Deps: []beads.ID{"ma-2", "ma-3", "ma-4"}, Parent: "ma-9", Labels: []string{"a", "b"}, Rig: "app", Agent: "codex", NeedsCode: new(false)}},
		{"bead create x -p 0 -d -", "bead.create", api.BeadCreateReq{Title: "x", Priority: new(0), Description: "from stdin"}},
		{"bead show ma-1 --json", "bead.show", one},
		{"bead list --status open --rig app --label l --limit 3", "bead.list", api.BeadListReq{Status: "open", Rig: "app", Label: "l", Limit: 3}},
		{"bead ready", "bead.ready", api.BeadListReq{}},
		{"bead update ma-1 --title t -d - -p 4 --label= --no-code=false --defer 2d", "bead.update", api.BeadUpdateReq{Bead: "ma-1", Title: new("t"),
			Description: new("from stdin"), Priority: new(4), Labels: &[]string{}, NeedsCode: new(true), Defer: new(now.Add(48 * time.Hour))}},
		{"bead update ma-1 --defer none", "bead.update", api.BeadUpdateReq{Bead: "ma-1", Defer: &time.Time{}}},
		{"bead close ma-1 --reason no", "bead.close", api.BeadCloseReq{Bead: "ma-1", Reason: "no"}},
		{"bead reopen ma-1", "bead.reopen", one},
		{"bead dep add ma-1 ma-2", "bead.dep.add", api.DepReq{Bead: "ma-1", On: "ma-2"}},
		{"bead dep remove ma-1 ma-2 --type related", "bead.dep.remove", api.DepReq{Bead: "ma-1", On: "ma-2", Type: "related"}},
		{"bead comment ma-1 two words", "bead.comment", api.CommentReq{Bead: "ma-1", Text: "two words"}},
		{"bead import -", "bead.import", api.ImportReq{Data: []byte("from stdin\n")}},
		{"bead import spec.md --rig app", "bead.import", api.ImportReq{Data: []byte("# Spec\n"), Rig: "app"}},
		{"bead export", "bead.export", api.Empty{}},
		{"plan spec.md --rig app", "plan", api.PlanReq{Path: "spec.md", Text: []byte("# Spec\n"), Rig: "app"}},
		{"plan docs/else.md --launch", "plan", api.PlanReq{Path: "docs/else.md", Apply: true, Launch: true}},
		{"plan - --apply", "plan", api.PlanReq{Text: []byte("from stdin\n"), Apply: true}},
		{"convoy create c ma-1 --from ma-2", "convoy.create", api.ConvoyCreateReq{Name: "c", Beads: []beads.ID{"ma-1"}, From: "ma-2"}},
		{"convoy add c ma-1 ma-2", "convoy.add", api.ConvoyCreateReq{Name: "c", Beads: []beads.ID{"ma-1", "ma-2"}}},
		{"convoy list", "convoy.list", api.Empty{}},
		{"convoy show c", "convoy.show", name("c")},
		{"convoy launch c", "convoy.launch", name("c")},
		{"convoy pause c", "convoy.pause", name("c")},
		{"sling ma-1 ma-2 --agent codex:x --polecat nux", "sling", api.SlingReq{Beads: []beads.ID{"ma-1", "ma-2"}, Agent: "codex:x", Polecat: "nux"}},
		{"polecat list", "polecat.list", api.Empty{}},
		{"polecat show nux", "polecat.show", name("nux")},
		{"polecat peek nux -n 9", "polecat.peek", api.PeekReq{Name: "nux", Lines: 9}},
		{"polecat attach nux", "polecat.attach", api.AttachReq{Name: "nux"}},
		{"mayor attach", "polecat.attach", api.AttachReq{Name: "mayor"}},
		{"polecat kill nux --reason no", "polecat.kill", api.KillReq{Name: "nux", Reason: "no"}},
		{"polecat reassign nux --to slit --agent a --note n --nobody", "polecat.reassign", api.ReassignReq{Name: "nux", To: "slit", Agent: "a", Note: "n", Nobody: true}},
		{"polecat restart nux", "polecat.restart", name("nux")},
		{"polecat revive nux", "polecat.revive", name("nux")},
		{"polecat answer nux use it", "polecat.answer", api.AnswerReq{Name: "nux", Text: "use it"}},
		{"polecat log nux", "polecat.log", api.PeekReq{Name: "nux"}},
		{"polecat preview nux", "polecat.preview", name("nux")},
		{"polecat nudge nux tests first", "polecat.nudge", api.NudgeReq{Name: "nux", Text: "tests first"}},
		{"diff ma-1 --attempt 2", "diff", api.DiffReq{Bead: "ma-1", Attempt: 2}},
		{"show ma-1", "show", one},
		{"mayor status", "mayor.status", api.Empty{}},
		{"mayor restart", "mayor.restart", api.Empty{}},
		{"mayor agent codex", "mayor.agent", name("codex")},
		{"agents list", "agents.list", api.Empty{}},
		{"agents test codex:gpt", "agents.test", name("codex:gpt")},
		{"done --result -", "done", api.DoneReq{Result: "from stdin"}},
		{"escalate may I --no-wait", "escalate", api.EscalateReq{Text: "may I"}},
		{"report asking may it?", "report", api.ReportReq{State: "asking", Text: "may it?"}},
		{"report limited --until 2026-05-01T12:00:00Z", "report", api.ReportReq{State: "limited", Until: time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)}},
		{"prime", "prime", api.Empty{}},
		{"remember a fact", "remember", api.TextReq{Text: "a fact"}},
		{"remember list", "remember.list", api.Empty{}},
		{"remember forget 3", "remember.forget", api.ForgetReq{Number: 3}},
		{"queue list app", "queue.list", name("app")},
		{"queue show ma-1", "queue.show", one},
		{"queue hold ma-1", "queue.hold", one},
		{"queue release ma-1", "queue.release", one},
		{"queue reject ma-1 not so", "queue.reject", api.RejectReq{Bead: "ma-1", Text: "not so"}},
		{"queue drop ma-1", "queue.drop", one},
		{"queue revert ma-1", "queue.revert", one},
		{"queue adopt 4f2a --rig app", "queue.adopt", api.AdoptReq{Commit: "4f2a", Rig: "app"}},
		{"queue approve ma-1 --tree abc", "queue.approve", api.ApproveReq{Bead: "ma-1", Tree: "abc"}},
		{"refinery status", "refinery.status", name("")},
		{"refinery restart app", "refinery.restart", name("app")},
		{"refinery pause app", "refinery.pause", name("app")},
		{"refinery resume app", "refinery.resume", name("app")},
		{"refinery log app --bead ma-1 -n 5", "refinery.log", api.LogReq{Rig: "app", Bead: "ma-1", Lines: 5}},
		{"mail send mayor hello you", "mail.send", api.MailSendReq{To: "mayor", Text: "hello you"}},
		{"mail inbox nux", "mail.inbox", name("nux")},
		{"mail read 7", "mail.read", api.MailReadReq{ID: 7}},
		{"status", "status", api.Empty{}},
		{"events --since 2h --by mayor --bead ma-1 --limit 5", "events", api.EventsReq{After: now.Add(-2 * time.Hour), By: "mayor", Bead: "ma-1", Limit: 5}},
		{"events --since 41", "events", api.EventsReq{Since: 41, Limit: 201}},
		{"events --since 2026-05-06T10:00:00Z", "events", api.EventsReq{After: now.Add(-2 * time.Hour), Limit: 201}},
		{"cost", "cost", api.CostReq{By: "bead"}},
		{"cost --by day --since 2h", "cost", api.CostReq{By: "day", After: now.Add(-2 * time.Hour)}},
		{"why ma-1", "why", one},
		{"undo", "undo", api.Empty{}},
		{"rescue list", "rescue.list", api.Empty{}},
		{"rescue show ma-1/2", "rescue.show", api.RescueReq{What: "ma-1/2"}},
		{"rescue restore ma-1 --polecat nux", "rescue.restore", api.RescueReq{What: "ma-1", Polecat: "nux"}},
		{"rescue prune --dry-run", "rescue.prune", api.PruneReq{Age: 14 * 24 * time.Hour, DryRun: true}},
		{"rescue prune --older-than 4w", "rescue.prune", api.PruneReq{Age: 28 * 24 * time.Hour}},
		{"pause app", "pause", name("app")},
		{"freeze", "freeze", name("")},
		{"resume", "resume", name("")},
		{"down --drain --no-wait", "down", api.DownReq{Drain: true}},
		{"config get town.polecats", "config.get", api.ConfigReq{Key: "town.polecats"}},
		{"config set town.polecats 5", "config.set", api.ConfigReq{Key: "town.polecats", Value: "5"}},
		{"doctor --fix", "doctor", api.DoctorReq{Fix: true}},
		{"backup", "backup", api.Empty{}},
	}
}

// argv splits a line at spaces; a plus stands for a space inside of a word.
func argv(line string) []string {
	args := strings.Fields(line)
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "+", " ")
	}
	return args
}

func TestCommandLinesBecomeRequests(t *testing.T) {
	b := withHost(t)
	b.write("spec.md", "# Spec\n")
	b.town.answer("rig.check", api.RigChecked{Green: true})
	b.town.answer("agents.test", api.AgentTested{Works: true})
	seen := map[string]bool{}
	for _, c := range lines() {
		seen[c.verb] = true
		t.Run(c.line, func(t *testing.T) {
			b.town.calls = nil
			b.env.In = strings.NewReader("from stdin\n")
			r := b.run(argv(c.line)...)
			if r.code != 0 {
				t.Fatalf("exit %d: %s", r.code, r.err)
			}
			if req, ok := c.req.(api.RigAddReq); ok {
				req.Source = strings.Replace(req.Source, "DIR", b.env.Dir, 1)
				c.req = req
			}
			if len(b.town.calls) == 0 || b.town.calls[0].verb != c.verb {
				t.Fatalf("it asked %v, want %s", b.town.verbs(), c.verb)
			}
			if diff := cmp.Diff(c.req, b.town.calls[0].req); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
		})
	}
	for _, v := range api.Table() {
		if !seen[v.Name] {
			t.Errorf("verb %s has no command line here", v.Name)
		}
	}
}

func TestEveryVerbHasHelpWithAnExample(t *testing.T) {
	b := newBench(t)
	for _, v := range api.Table() {
		r := b.run(append(strings.Split(v.Name, "."), "--help")...)
		cmd := "gastown " + strings.ReplaceAll(v.Name, ".", " ")
		_, examples, ok := strings.Cut(r.out, "\nExamples:\n  ")
		if r.code != 0 || r.err != "" || !strings.HasPrefix(r.out, cmd+": "+v.Short+"\n") || !ok || !strings.Contains(examples, cmd) {
			t.Errorf("%s --help: exit %d, %s%s", cmd, r.code, r.out, r.err)
		}
	}
	if len(b.town.calls)+b.opened > 0 {
		t.Error("help asked the town")
	}
}

// Each answer, filled with text that tries to break out, in both forms.
func TestAnswersAreJSONOrCleanText(t *testing.T) {
	b := withHost(t)
	b.write("spec.md", "# Spec\n")
	for _, c := range lines() {
		for _, full := range []bool{false, true} {
			row := rowOf(t, c.verb)
			ptr := row.NewRes()
			if full {
				fill(reflect.ValueOf(ptr).Elem(), 0)
			}
			b.town.answer(c.verb, row.Value(ptr))
			b.env.In = strings.NewReader("x")
			text := b.run(argv(c.line)...)
			checkText(t, c.line, text.out+text.err)
			b.env.In = strings.NewReader("x")
			asJSON := b.run(append(argv(c.line), "--json")...)
			if strings.Contains(c.line, "export") && full {
				continue // its bytes are not JSONL here
			}
			checkJSON(t, c.line, row, asJSON)
		}
	}
}

func checkText(t *testing.T, line, text string) {
	t.Helper()
	for _, r := range text {
		if r != '\n' && r != '\t' && unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			t.Errorf("%s: %U in %q", line, r, text)
			return
		}
	}
	for l := range strings.Lines(text) {
		if strings.HasPrefix(l, "forged") && !isText(line) {
			t.Errorf("%s: a text made a line of its own: %q", line, text)
			return
		}
	}
}

// isText reports whether the answer of a line is text of several lines.
func isText(line string) bool {
	verb := regexp.MustCompile(`^(polecat (peek|log)|refinery log|escalate|prime|mail read|rescue show|config get|diff)\b`)
	return verb.MatchString(line)
}

func checkJSON(t *testing.T, line string, row api.Verb, r result) {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(r.out))
	var v any
	if err := dec.Decode(&v); err != nil || dec.More() {
		t.Errorf("%s --json: not one value (%v): %q %q", line, err, r.out, r.err)
		return
	}
	checkText(t, line, r.out)
	if row.Name == "bead.export" {
		return
	}
	if reflect.TypeOf(row.NewRes()).Elem().Kind() == reflect.Slice {
		if _, ok := v.([]any); !ok {
			t.Errorf("%s --json: want an array: %q", line, r.out)
		}
	}
	nilList(t, line, reflect.TypeOf(row.NewRes()).Elem(), v)
}

// nilList finds null where the type has a list.
func nilList(t *testing.T, line string, typ reflect.Type, v any) {
	t.Helper()
	obj, ok := v.(map[string]any)
	if !ok || typ.Kind() != reflect.Struct {
		return
	}
	for _, f := range reflect.VisibleFields(typ) {
		key, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if val, there := obj[key]; there && val == nil && f.Type.Kind() == reflect.Slice && f.Type != reflect.TypeFor[json.RawMessage]() {
			t.Errorf("%s --json: %s is null", line, key)
		}
	}
}

// fill puts something into every field, and into texts what must not reach a terminal.
func fill(v reflect.Value, depth int) {
	switch v.Kind() {
	case reflect.String:
		v.SetString("x\x1b[31mred\x1b]0;title\a\u009b1m\u202e\r\nforged")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(3)
	case reflect.Uint64:
		v.SetUint(3)
	case reflect.Float64:
		v.SetFloat(1.5)
	case reflect.Pointer:
		if depth < 6 {
			v.Set(reflect.New(v.Type().Elem()))
			fill(v.Elem(), depth+1)
		}
	case reflect.Slice:
		if v.Type() == reflect.TypeFor[json.RawMessage]() {
			v.SetBytes([]byte(`{"a":1}`))
		} else if depth < 6 && v.Type().Elem().Kind() != reflect.Uint8 {
			v.Set(reflect.MakeSlice(v.Type(), 2, 2))
			fill(v.Index(0), depth+1)
			fill(v.Index(1), depth+1)
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(now.Add(-time.Hour)))
			return
		}
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				fill(v.Field(i), depth+1)
			}
		}
	}
}

func rowOf(t *testing.T, verb string) api.Verb {
	t.Helper()
	for _, row := range api.Table() {
		if row.Name == verb {
			return row
		}
	}
	t.Fatalf("verb %q is not in the table", verb)
	return api.Verb{}
}

func TestExportWritesAFileOrPrints(t *testing.T) {
	b := newBench(t)
	b.town.answer("bead.export", api.Exported{Data: []byte("{\"id\":\"a\"}\n{\"id\":\"b\"}\n")})
	if r := b.run("bead", "export"); r.out != "{\"id\":\"a\"}\n{\"id\":\"b\"}\n" {
		t.Errorf("printed %q", r.out)
	}
	if r := b.run("bead", "export", "--json"); r.out != `[{"id":"a"},{"id":"b"}]`+"\n" {
		t.Errorf("as JSON %q", r.out)
	}
	if r := b.run("bead", "export", "out.jsonl"); r.code != 0 || r.out != "2 beads written to out.jsonl\n" {
		t.Errorf("to a file: %+v", r)
	}
	if list, err := filepath.Glob(filepath.Join(b.env.Dir, "*out*")); err != nil || len(list) != 1 {
		t.Errorf("files: %v, %v", list, err)
	}
}
