package cli_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"gastown/beads"
	"gastown/internal/api"
	"gastown/internal/cli"
	"gastown/internal/fault"
)

func TestErrorsAreOneLineAndAHint(t *testing.T) {
	cases := []struct {
		line string
		code int
		want string
	}{
		{"foo", 2, "gastown: unknown command \"foo\"\n  `gastown --help` lists what there is\n"},
		{"foo --bar", 2, "gastown: unknown command \"foo\"\n  `gastown --help` lists what there is\n"},
		{"foo --help", 2, "gastown: unknown command \"foo\"\n  `gastown --help` lists what there is\n"},
		{"statsu", 2, "gastown: unknown command \"statsu\"\n  did you mean `gastown status`?\n"},
		{"answer toast yes", 2, "gastown: unknown command \"answer\"\n  did you mean `gastown polecat answer`?\n"},
		{"queue answer", 2, "gastown: unknown command \"queue answer\"\n  did you mean `gastown polecat answer`?\n"},
		{"bead lst", 2, "gastown: unknown command \"bead lst\"\n  did you mean `gastown bead list`?\n"},
		{"help bead lst", 2, "gastown: unknown command \"bead lst\"\n  did you mean `gastown bead list`?\n"},
		{"bead list --lable x", 2, "gastown: bead list: unknown flag \"--lable\"\n  did you mean --label?\n"},
		{"bead list -z", 2, "gastown: bead list: unknown flag \"-z\"\n  `gastown bead list --help` lists them\n"},
		{"--nope", 2, "gastown: unknown flag \"--nope\"\n  `gastown --help` lists them\n"},
		{"bead show", 2, "gastown: bead show: BEAD is missing\n  usage: gastown bead show BEAD\n"},
		{"bead show a b", 2, "gastown: bead show: unexpected argument \"b\"\n  usage: gastown bead show BEAD\n"},
		{"sling", 2, "gastown: sling: BEAD is missing\n  usage: gastown sling BEAD...\n"},
		{"bead update ma-1", 2, "gastown: bead update: nothing to change\n  `gastown bead update --help` lists what can be\n"},
		{"bead create x -p 5", 2, "gastown: bead create: invalid argument \"5\" for \"-p, --priority\" flag: want 0 (highest) to 4, or P0 to P4\n"},
		{"bead list --limit", 2, "gastown: bead list: flag needs an argument: --limit\n"},
		{"bead import none.jsonl", 3, "gastown: file \"none.jsonl\": no such file or directory\n"},
		{"events --since soon", 2, "gastown: events: --since \"soon\": want a duration (2h), a time (RFC 3339), a day (2026-01-31) or a sequence number\n"},
		{"escalate x --wait 1m --no-wait", 2, "gastown: escalate: --wait and --no-wait exclude each other\n"},
		{"plan", 2, "gastown: plan: FILE is missing\n  usage: gastown plan FILE|-; `gastown plan --template` prints a skeleton\n"},
		{"mail read x", 2, "gastown: mail read: \"x\" is not a message number\n"},
		{"rig add a b --gate t=", 2, "gastown: --gate \"t=\": there is no command in it\n"},
		{"", 2, "gastown: screen: it needs a terminal\n  `gastown status` prints what is going on, `gastown up` runs the host without a screen\n"},
		{"demo", 2, "gastown: demo: the screen needs a terminal\n  `gastown demo --headless` runs without one\n"},
		{"undo", 5, "gastown: undo: it needs the running host, and none is running\n  start it with `gastown` or `gastown up`\n"},
		{"events -f", 5, "gastown: events -f: it needs the running host, and none is running\n  start it with `gastown` or `gastown up`\n"},
	}
	for _, c := range cases {
		b := newBench(t)
		r := b.run(argv(c.line)...)
		if r.code != c.code || r.err != c.want || r.out != "" {
			t.Errorf("%s: exit %d, want %d\n got %q\nwant %q\n out %q", c.line, r.code, c.code, r.err, c.want, r.out)
		}
		if len(b.town.calls) > 0 {
			t.Errorf("%s reached the town: %v", c.line, b.town.verbs())
		}
	}
}

// A host that was told to stop holds the store for a while yet.
func TestDownWaitsForTheStore(t *testing.T) {
	b := withHost(t)
	tries := 0
	b.env.Open = func(string, bool) (api.Doer, func() error, error) {
		if tries++; tries < 3 {
			return nil, nil, fault.Unavailablef("store: held by process 7")
		}
		return b.town, func() error { return nil }, nil
	}
	if r := b.run("down"); r.code != 0 || tries != 3 || r.out != "the host is down; work in progress is kept and goes on at the next start\n" {
		t.Errorf("after %d looks: %+v", tries, r)
	}
	ctx, stop := context.WithCancel(t.Context())
	b.env.Open = func(string, bool) (api.Doer, func() error, error) {
		stop()
		return nil, nil, fault.Unavailablef("store: held by process 7")
	}
	if r := b.runContext(ctx, "down"); r.code != 1 || !strings.Contains(r.err, "has not ended yet") {
		t.Errorf("interrupted: %+v", r)
	}
}

func TestDownWhereNobodyAnswersNamesWhoHoldsTheTown(t *testing.T) {
	b := newBench(t)
	b.locked = fault.Unavailablef("store: held by process 7").WithHint("stop it with down")
	if r := b.run("down"); r.code != 5 || !strings.Contains(r.err, "held by process 7\n  nobody answers at its socket: end that process") {
		t.Errorf("%+v", r)
	}
}

func TestUninstallAsks(t *testing.T) {
	for _, c := range []struct {
		typed string
		args  []string
		tty   bool
		code  int
	}{
		{"yes\n", nil, true, 0}, {"y\n", nil, true, 4}, {"", nil, true, 4}, {"yes\n", nil, false, 4}, {"", []string{"--yes"}, false, 0}, {"yes\n", []string{"--json"}, true, 4},
	} {
		b := newBench(t)
		removed := false
		b.env.Uninstall = func(_ context.Context, town string, do bool) (api.Removal, error) {
			removed = removed || do
			return api.Removal{Town: town, Remove: []string{town}, Lost: []string{"rig app: its only repository"}, Program: "/bin/gastown"}, nil
		}
		b.env.In, b.env.IsTTY = strings.NewReader(c.typed), c.tty
		r := b.run(append([]string{"uninstall"}, c.args...)...)
		if r.code != c.code || removed != (c.code == 0) {
			t.Errorf("%q %v: exit %d, removed %t: %s%s", c.typed, c.args, r.code, removed, r.out, r.err)
		}
		if len(c.args) == 0 && !strings.Contains(r.out+r.err, "rig app: its only repository") {
			t.Errorf("it does not say what is lost: %s%s", r.out, r.err)
		}
	}
}

func TestErrorsOfTheTownKeepKindAndHint(t *testing.T) {
	b := withHost(t)
	b.town.answers = map[string]func(any) (any, error){"status": func(any) (any, error) {
		return nil, fault.Refusedf("status: two\nlines \x1b[31m").WithHint("do this")
	}}
	if r := b.run("status"); r.code != 4 || r.err != "gastown: status: two lines\n  do this\n" {
		t.Errorf("text: %+v", r)
	}
	r := b.run("status", "--json")
	var got map[string]map[string]string
	if err := json.Unmarshal([]byte(r.err), &got); err != nil || r.code != 4 || r.out != "" {
		t.Fatalf("json: %+v, %v", r, err)
	}
	want := map[string]map[string]string{"error": {"kind": "refused", "msg": "status: two lines", "hint": "do this"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if r := b.run("nope", "--json"); r.code != 2 || !strings.HasPrefix(r.err, `{"error":{"kind":"usage"`) {
		t.Errorf("a usage error as JSON: %+v", r)
	}
}

func TestReachingTheTown(t *testing.T) {
	held := fault.Unavailablef("town: pid 12 holds the store")
	t.Run("no host: the store alone, closed once", func(t *testing.T) {
		b := newBench(t)
		if r := b.run("bead", "show", "ma-1"); r.code != 0 || b.opened != 1 || b.closed != 1 || len(b.town.calls) != 2 {
			t.Errorf("%+v opened %d closed %d asked %v", r, b.opened, b.closed, b.town.verbs())
		}
	})
	t.Run("a host: never the store", func(t *testing.T) {
		b := withHost(t)
		if r := b.run("status"); r.code != 0 || b.opened != 0 || len(b.town.calls) != 1 {
			t.Errorf("%+v opened %d", r, b.opened)
		}
	})
	t.Run("held, and still nobody: exit 5 with the pid", func(t *testing.T) {
		b := newBench(t)
		b.locked = held
		if r := b.run("status"); r.code != 5 || !strings.Contains(r.err, "pid 12") {
			t.Errorf("%+v", r)
		}
	})
	t.Run("held by a host that just came up: the socket", func(t *testing.T) {
		b := newBench(t)
		open := b.env.Open
		b.locked = held
		b.env.Open = func(town string, host bool) (api.Doer, func() error, error) {
			b.host(town)
			return open(town, host)
		}
		if r := b.run("status"); r.code != 0 || len(b.town.calls) != 1 {
			t.Errorf("%+v", r)
		}
	})
	t.Run("a broken store is not tried twice", func(t *testing.T) {
		b := newBench(t)
		b.locked = fault.Failf("town.db: it is damaged")
		if r := b.run("status"); r.code != 1 || b.opened != 1 {
			t.Errorf("%+v", r)
		}
	})
	t.Run("an agent: the socket, with its token", func(t *testing.T) {
		b := newBench(t)
		b.vars["GASTOWN_SOCKET"] = b.host(filepath.Join(b.env.Dir, "x"))
		b.vars["GASTOWN_TOKEN"] = "t0k"
		b.vars["GASTOWN_TOWN"] = "/its/town"
		for _, args := range [][]string{{"prime"}, {"prime", "--town", "/its/town/"}} {
			b.town.calls = nil
			if r := b.run(args...); r.code != 0 || len(b.town.calls) != 1 || b.town.calls[0].token != "t0k" {
				t.Errorf("%v: %+v %+v", args, r, b.town.calls)
			}
		}
		b.town.calls = nil
		if r := b.run("status", "--town", "/other"); r.code != 4 || len(b.town.calls) != 0 || !strings.Contains(r.err, "/its/town") {
			t.Errorf("another town: %+v %+v", r, b.town.calls)
		}
	})
	t.Run("an agent without a host: exit 5, never the store", func(t *testing.T) {
		b := newBench(t)
		b.vars["GASTOWN_TOKEN"] = "t0k"
		if r := b.run("bead", "list"); r.code != 5 || b.opened != 0 || !strings.Contains(r.err, "nobody answers") {
			t.Errorf("%+v opened %d", r, b.opened)
		}
		b.env.IsTTY = true
		if r := b.run(); r.code != 4 {
			t.Errorf("the screen: %+v", r)
		}
	})
	t.Run("a person's --town is more than GASTOWN_SOCKET", func(t *testing.T) {
		b := newBench(t)
		b.vars["GASTOWN_SOCKET"] = filepath.Join(b.env.Dir, "none")
		other := filepath.Join(b.env.Dir, "other")
		b.host(other)
		for _, args := range [][]string{{"--town", other, "status"}, {"status", "--town=" + other}} {
			if r := b.run(args...); r.code != 0 || b.opened != 0 {
				t.Errorf("%v: %+v", args, r)
			}
		}
	})
	t.Run("no town", func(t *testing.T) {
		b := newBench(t)
		b.env.FindTown = func(string, string) (string, error) { return "", nil }
		if r := b.run("status"); r.code != 5 || r.err != "gastown: no town here\n  make one with: gastown init; or name one with --town DIR\n" {
			t.Errorf("%+v", r)
		}
	})
	t.Run("an empty --town", func(t *testing.T) {
		b := withHost(t)
		for _, args := range [][]string{{"--town", "", "status"}, {"status", "--town="}} {
			if r := b.run(args...); r.code != 2 || len(b.town.calls) > 0 || !strings.Contains(r.err, "want the directory of a town") {
				t.Errorf("%v: %+v", args, r)
			}
		}
	})
}

func TestRootHelpFitsOneScreenAndNamesEveryCommand(t *testing.T) {
	b := newBench(t)
	r := b.run("--help")
	rows := strings.Split(strings.TrimRight(r.out, "\n"), "\n")
	if r.code != 0 || len(rows) > 24 {
		t.Errorf("exit %d, %d lines", r.code, len(rows))
	}
	for _, row := range rows {
		if utf8.RuneCountInString(row) > 80 {
			t.Errorf("%d columns: %s", utf8.RuneCountInString(row), row)
		}
	}
	words := strings.Fields(r.out)
	for _, v := range api.Table() {
		top, _, _ := strings.Cut(v.Name, ".")
		if !slices.Contains(words, top) {
			t.Errorf("%s is not in it", top)
		}
	}
	if again := b.run("help"); again != r {
		t.Errorf("`gastown help` differs: %s", again.out)
	}
	if strings.ContainsRune(r.out, 0x1b) {
		t.Error("it talks to the terminal")
	}
}

func TestHelpAndCompletionHeedJSON(t *testing.T) {
	b := newBench(t)
	for _, line := range []string{"--help --json", "help --json", "help bead list --json", "bead list --help --json"} {
		var got map[string]string
		if r := b.run(strings.Fields(line)...); r.code != 0 || json.Unmarshal([]byte(r.out), &got) != nil || !strings.Contains(got["help"], "gastown") {
			t.Errorf("%s: %+v", line, r)
		}
	}
	if r := b.run("completion", "bash", "--json"); r.code != 2 || !strings.Contains(r.err, "completion bash: it prints a script, which is no JSON") {
		t.Errorf("%+v", r)
	}
	if r := b.run("completion", "bash"); r.code != 0 || !strings.Contains(r.out, "gastown") {
		t.Errorf("exit %d: %s", r.code, r.err)
	}
}

func TestEscalatePrintsTheAnswerAlone(t *testing.T) {
	b := withHost(t)
	b.town.answer("escalate", api.Escalated{Answered: true, Answer: "use\nbbolt", By: "you", Msg: "answered"})
	r := b.run("escalate", "which", "store?")
	if r.code != 0 || r.out != "use\nbbolt\n" || r.err != "" {
		t.Errorf("%+v", r)
	}
	if diff := cmp.Diff(api.EscalateReq{Text: "which store?", Wait: -1}, b.town.calls[0].req); diff != "" {
		t.Error(diff)
	}
	b.town.answer("escalate", api.Escalated{Msg: "the Mayor is asked"})
	if r := b.run("escalate", "x", "--no-wait"); r.code != 0 || r.out != "" || r.err != "the Mayor is asked\n" {
		t.Errorf("--no-wait: %+v", r)
	}
	if r := b.run("escalate", "x", "--wait", "90s"); r.code != 1 || r.out != "" || !strings.Contains(r.err, "no answer within 1m") {
		t.Errorf("--wait: %+v", r)
	}
}

func TestEventsFollow(t *testing.T) {
	b := withHost(t)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ev := func(n uint64) beads.Event {
		return beads.Event{Seq: n, At: now, Kind: "bead.created", Actor: "you", Text: "made"}
	}
	var asked []api.EventsReq
	b.town.answers = map[string]func(any) (any, error){"events": func(req any) (any, error) {
		switch asked = append(asked, req.(api.EventsReq)); len(asked) {
		case 1:
			return []beads.Event{ev(3), ev(4)}, nil
		case 2:
			return []beads.Event(nil), nil
		case 3:
			return []beads.Event{ev(5)}, nil
		}
		stop()
		return []beads.Event(nil), nil
	}}
	r := b.runContext(ctx, "events", "-f", "--json", "--by", "you")
	if r.code != 0 || strings.Count(r.out, "\n") != 3 || strings.Count(r.out, `"seq":5`) != 1 {
		t.Errorf("%+v", r)
	}
	const wait = 30 * time.Second
	want := []api.EventsReq{
		{By: "you", Limit: 10}, {By: "you", Since: 4, Wait: wait}, {By: "you", Since: 4, Wait: wait}, {By: "you", Since: 5, Wait: wait},
	}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Error(diff)
	}
}

func TestPlanTellsWhatIsWrong(t *testing.T) {
	b := newBench(t)
	b.write("spec.md", "# Spec\n")
	b.town.answer("plan", api.Planned{Name: "spec", Source: "spec.md", Problems: []api.PlanProblem{{Line: 3, Msg: "no acceptance", Severity: "error"}}})
	r := b.run("plan", "spec.md", "--check")
	if r.code != 1 || r.out != "spec.md:3: error: no acceptance\n" || r.err != "gastown: plan \"spec.md\": 1 error in its structure\n" {
		t.Errorf("%+v", r)
	}
	if r := b.run("plan", "--template"); r.code != 0 || r.out != "# Name\n" {
		t.Errorf("--template: %+v", r)
	}
	if r := b.run("plan", "spec.md", "--check", "--apply"); r.code != 2 {
		t.Errorf("--check --apply: %+v", r)
	}
}

func TestRigCheckFailsWhereTheGatesDo(t *testing.T) {
	b := newBench(t)
	b.town.answer("rig.check", api.RigChecked{Rig: "app", Runs: []api.GateRun{{Name: "test", Outcome: "fail", Code: 2, Run: "make test"}}})
	if r := b.run("rig", "check", "app"); r.code != 1 || !strings.Contains(r.out, "NOT green") || !strings.Contains(r.err, "then: gastown rig check app") {
		t.Errorf("rig check: exit %d\n%s%s", r.code, r.out, r.err)
	}
	b.town.answer("rig.check", api.RigChecked{Rig: "app"})
	if r := b.run("rig", "check", "app"); r.code != 1 || !strings.Contains(r.err, "gastown rig ungated app") {
		t.Errorf("rig check without gates: exit %d\n%s", r.code, r.err)
	}
}

// TestAnEmptyPathIsNotTheWorkingDirectory: it comes of a variable that was not set.
func TestAnEmptyPathIsNotTheWorkingDirectory(t *testing.T) {
	b := newBench(t)
	b.run("rig", "add", "app", "")
	if len(b.town.calls) != 1 || b.town.calls[0].req.(api.RigAddReq).Source != "" {
		t.Errorf("%+v", b.town.calls)
	}
}

func TestFlagsAfterTheDashesAreTold(t *testing.T) {
	b := newBench(t)
	if r := b.run("rig", "add", "app", "--", "-x", "--gate", "true"); r.code != 2 || !strings.Contains(r.err, `unexpected argument "--gate"`) || !strings.Contains(r.err, "put them before it, or write ./-NAME") {
		t.Errorf("%+v", r)
	}
}

func TestRigDeliverFailsWhereSomethingIsLeft(t *testing.T) {
	b := newBench(t)
	b.town.answer("rig.deliver", api.RigDelivered{Rig: "app", Mode: "checkout", Delivered: 2})
	if r := b.run("rig", "deliver", "app"); r.code != 0 || r.out != "app: 2 delivered (checkout), 0 still to deliver\n" || r.err != "" {
		t.Errorf("%+v", r)
	}
	b.town.answer("rig.deliver", api.RigDelivered{Rig: "app", Mode: "checkout", Undelivered: 2, Reason: "README.md is edited"})
	if r := b.run("rig", "deliver", "app"); r.code != 4 || !strings.HasPrefix(r.err, `gastown: rig "app": 2 landed, not delivered: README.md is edited`+"\n  ") {
		t.Errorf("%+v", r)
	}
	if r := b.run("rig", "deliver", "app", "--json"); r.code != 4 || !strings.Contains(r.out, `"undelivered":2`) || !strings.Contains(r.err, `"kind":"refused"`) {
		t.Errorf("%+v", r)
	}
	b.town.answer("rig.deliver", api.RigDelivered{Rig: "app", Mode: "push", Reason: "it is not there"})
	if r := b.run("rig", "deliver", "app"); r.code != 4 || !strings.Contains(r.err, "nothing is delivered: it is not there") {
		t.Errorf("%+v", r)
	}
}

// TestUngatedIsARigWithoutGates: one that is there must pass, whatever a person has accepted.
func TestUngatedIsARigWithoutGates(t *testing.T) {
	b := newBench(t)
	for _, tt := range []struct {
		gates     []api.GateSpec
		list, say string
	}{
		{nil, "UNGATED", "UNGATED: work lands without being tested"},
		{[]api.GateSpec{{Name: "test", Run: "make"}}, "  test  ", "accepted, for when there is no gate; those above must pass"},
	} {
		r := api.Rig{Name: "app", Ungated: true, Gates: tt.gates, Deliver: "none"}
		b.town.answer("rig.show", r).answer("rig.list", []api.Rig{r})
		if got := b.run("rig", "show"); !strings.Contains(got.out, tt.say) || strings.Contains(got.out, "UNGATED") != (tt.gates == nil) {
			t.Errorf("%+v", got)
		}
		if got := b.run("rig", "list"); !strings.Contains(got.out, tt.list) || strings.Contains(got.out, "UNGATED") != (tt.gates == nil) {
			t.Errorf("%+v", got)
		}
	}
}

func TestDoctorFailsOnErrorsOnly(t *testing.T) {
	b := newBench(t)
	b.town.answer("doctor", []api.Check{{Name: "git", OK: true, Level: "ok", Msg: "2.47"}, {Name: "claude", Level: "warning", Msg: "not found", Hint: "install it"}})
	if r := b.run("doctor"); r.code != 0 || !strings.Contains(r.out, "install it") {
		t.Errorf("%+v", r)
	}
	b.town.answer("doctor", []api.Check{{Name: "store", Level: "error", Msg: "damaged"}})
	if r := b.run("doctor"); r.code != 1 {
		t.Errorf("%+v", r)
	}
}

func TestLocalCommands(t *testing.T) {
	b := newBench(t)
	b.env.IsTTY = true
	var got []any
	b.env.Screen = func(_ context.Context, town string, o cli.ScreenOptions) error {
		got = append(got, town, o)
		return nil
	}
	b.env.Init = func(_ context.Context, dir string) (string, error) { return dir, nil }
	b.env.Demo = func(_ context.Context, o cli.DemoOptions) error {
		o.Out = nil
		got = append(got, o)
		return errors.New("demo: it stopped")
	}
	if r := b.run("--town", "/t", "--ascii", "-y"); r.code != 0 {
		t.Errorf("screen: %+v", r)
	}
	if r := b.run("demo", "--headless", "--dir", "d"); r.code != 1 || r.err != "gastown: demo: it stopped\n" {
		t.Errorf("demo: %+v", r)
	}
	want := []any{"/t", cli.ScreenOptions{ASCII: true, Yes: true}, cli.DemoOptions{Headless: true, Dir: filepath.Join(b.env.Dir, "d")}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	b.env.IsTTY = false
	if r := b.run("init", "here", "--json"); r.out != `{"town":"`+filepath.Join(b.env.Dir, "here")+"\"}\n" {
		t.Errorf("init: %+v", r)
	}
	for _, args := range [][]string{{"version"}, {"--version"}} {
		if r := b.run(args...); r.out != "gastown v1.2.3\n" {
			t.Errorf("%v: %+v", args, r)
		}
	}
}

func TestCompletion(t *testing.T) {
	b := withHost(t)
	b.town.answer("bead.list", []api.Bead{
		{Bead: beads.Bead{ID: "ma-1", Title: "Fix \x1b[0mit", Status: beads.Open}},
		{Bead: beads.Bead{ID: "ma-2", Status: beads.Closed}}, {Bead: beads.Bead{ID: "mb-3", Title: "b", Status: beads.Open}},
	})
	if r := b.run("__complete", "sling", "ma"); !strings.HasPrefix(r.out, "ma-1\tFix it\n:4\n") {
		t.Errorf("beads: %q", r.out)
	}
	if r := b.run("__complete", "bead", "show", "ma-1", ""); !strings.HasPrefix(r.out, ":4\n") {
		t.Errorf("after the last argument: %q", r.out)
	}
	if r := b.run("completion", "bash"); r.code != 0 || !strings.Contains(r.out, "__start_gastown") {
		t.Errorf("script: %d %.80q", r.code, r.out)
	}
	off := newBench(t)
	if r := off.run("__complete", "sling", ""); r.code != 0 || off.opened != 0 || !strings.HasPrefix(r.out, ":4\n") {
		t.Errorf("without a host: %+v", r)
	}
}

func TestStatusSaysWhatIsGoingOn(t *testing.T) {
	b := newBench(t)
	cost := 0.5
	b.town.answer("status", api.Status{
		Town: "/t", Cap: 3, Mayor: api.StatusMayor{State: "running", Agent: "claude"},
		Host: &api.HostInfo{PID: 9, StartedAt: now.Add(-90 * time.Minute), Version: "v1"},
		Rigs: []api.StatusRig{{Name: "app", Branch: "main", Main: "0123456789", Landed: 2, Undelivered: 1,
			Refinery: api.RefineryState{State: "hung", Phase: "test ma-1", Since: now.Add(-12 * time.Minute), Hint: "r restarts it"}}},
		Polecats: []api.PolecatInfo{{Name: "nux", Rig: "app", Bead: "ma-2", State: beads.Asking, Since: now.Add(-time.Minute), Agent: "claude", Commits: 1, Added: 5, Dirty: 2, CostUSD: &cost, Title: "Two"}},
		Queue:    []api.QueueEntry{{Bead: "ma-1", Rig: "app", State: "gating", Phase: "test", Position: 1, Since: now.Add(-12 * time.Minute), Polecat: "slit", Title: "One"}},
		Beads:    api.Counts{Open: 4, Ready: 1, Blocked: 3, Working: 1, Submitted: 1},
		Limits:   []api.Limit{{Agent: "codex", Until: now.Add(2 * time.Hour)}},
		Problems: []api.Problem{{Who: "nux", What: "asks: which?", Since: now.Add(-time.Minute), Do: "gastown polecat answer nux TEXT", Bead: "ma-2"}},
	})
	r := b.run("status")
	golden := filepath.Join("testdata", "status.golden")
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Replace(r.out, "until "+now.Add(2*time.Hour).Local().Format("15:04"), "until 14:00", 1)
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("(-%s +got):\n%s", golden, diff)
	}
}

// TestEventsThatAreCutSaySo, on stderr: who pipes them gets events alone.
func TestEventsThatAreCutSaySo(t *testing.T) {
	for n, want := range map[int]string{200: "", 201: "these are the newest 200; --limit N shows more\n"} {
		b := newBench(t)
		list := make([]beads.Event, n)
		for i := range list {
			list[i].Seq = uint64(i + 1)
		}
		b.town.answer("events", list)
		if r := b.run("events"); r.code != 0 || r.err != want || strings.Count(r.out, "\n") != 200 || !strings.Contains(r.out, "  201 ") != (n == 200) {
			t.Errorf("of %d: %d lines, %q", n, strings.Count(r.out, "\n"), r.err)
		}
		if r := b.run("events", "--json"); r.err != "" || strings.Count(r.out, `"seq"`) != 200 {
			t.Errorf("of %d: %d, %q", n, strings.Count(r.out, `"seq"`), r.err)
		}
	}
}
