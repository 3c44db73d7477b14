package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"gastown/internal/fault"
)

// full is the schema as the design page shows it.
const full = `[town]
polecats = 3                 # at once, over all rigs; 0 is fine
dispatch = "slung"           # or "auto"
mayor    = "claude"          # preset
polecat  = "claude"
[rig.myapp]
origin = "/home/me/myapp"    # empty: local only
branch = "main"
prefix = "ma"                # of bead ids
deliver = "none"
approve = "none"
ungated = false
setup  = "npm ci"
copy = [".env"]
link = ["node_modules"]
teardown = "make clean"
[[rig.myapp.gate]]
name = "test"
run = "go test ./..."
timeout = "30m"
silence = "5m"
env = ["DATABASE_URL"]
[agent.fast]
extends = "claude"
args = ["--model", "sonnet"]
[agent.mine]
command = ["my-agent", "--auto"]
[refinery]
history = "merge"
[keys]
town = ["ctrl+]", "f9"]
[notify]
command = ""
`

func TestParseFull(t *testing.T) {
	c, err := Parse("town.toml", []byte(full))
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.Rigs["myapp"] = Rig{Origin: "/home/me/myapp", Branch: "main", Prefix: "ma", Deliver: "none", Permissions: "edits", Proof: true, Setup: "npm ci", Teardown: "make clean",
		Copy: []string{".env"}, Link: []string{"node_modules"},
		Gates: []Gate{{Name: "test", Run: "go test ./...", Timeout: 30 * time.Minute, Silence: 5 * time.Minute, Env: []string{"DATABASE_URL"}}}}
	want.Agents["fast"] = Agent{Extends: "claude", Args: []string{"--model", "sonnet"}}
	want.Agents["mine"] = Agent{Command: []string{"my-agent", "--auto"}}
	if diff := cmp.Diff(want, c); diff != "" {
		t.Error(diff)
	}
}

func TestTemplateIsDefault(t *testing.T) {
	c, err := Parse("town.toml", []byte(Template()))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Default(), c); diff != "" {
		t.Error(diff)
	}
	// What it shows as comments is right, too.
	var b strings.Builder
	for _, l := range strings.Split(Template(), "\n") {
		if rest, ok := strings.CutPrefix(l, "# "); ok && (strings.HasPrefix(rest, "[") || strings.Contains(rest, " = ")) {
			b.WriteString(rest + "\n")
		}
	}
	if _, err := Parse("template", []byte(b.String())); err != nil {
		t.Errorf("%v in\n%s", err, b.String())
	}
}

func TestParseErrors(t *testing.T) {
	for _, tt := range []struct{ in, want, hint string }{
		{"[town]\npolecats = \"3\"", "t:2: town.polecats: want a whole number", ""},
		{"[town]\npolecats = -1", "t:2: town.polecats: want", ""},
		{"[town]\npolects = 1", "t:2: unknown key town.polects", "town.polecats"},
		{"\n[twon]\npolecats = 1", "t:2: unknown key twon", "town"},
		{"[town]\ndispatch = \"x\"", `t:2: town.dispatch: want one of ["slung" "auto"]`, ""},
		{"[town]\nx = 1\nx = 2", "t:3: ", ""},
		{"[town\n", "t:1: ", ""},
		{"[rig.App]\nprefix = \"a\"", `t:1: [rig.App]: name "App"`, ""},
		{"[rig.a]\nbranch = \"main\"", "t:1: rig.a: prefix is missing", ""},
		{"[rig.a]\nprefix = \"x\"\n[rig.b]\n\nprefix = \"x\"", `t:5: rig.b.prefix: "x" is rig "a"'s`, ""},
		{"[rig.a]\nprefix = \"A-b\"", "t:2: rig.a.prefix: want", ""},
		{"[rig.a]\nprefix = \"a\"\nbranch = \"gt/x\"", "t:3: rig.a.branch: want", ""},
		{"[rig.a]\nprefix = \"a\"\nbranch = \"a..b\"", "t:3: rig.a.branch: want", ""},
		{"[rig.a]\nprefix = \"a\"\ndeliver = \"pull\"", "t:3: rig.a.deliver: want", ""},
		{"[rig.a]\nprefix = \"a\"\napprove = \"some\"", "t:3: rig.a.approve: want", ""},
		{"[rig.a]\nprefix = \"a\"\n[[rig.a.gate]]\nname = \"t\"", `t:3: rig.a: gate "t": run is missing`, ""},
		{"[rig.a]\nprefix = \"a\"\n[[rig.a.gate]]\nrun = \"t\"", `t:3: rig.a: a gate's name is missing`, ""},
		{"[rig.a]\nprefix = \"a\"\n[[rig.a.gate]]\nname = \"t\"\nrun = \"x\"\n[[rig.a.gate]]\nname = \"t\"\nrun = \"x\"", `t:6: rig.a: two gates`, ""},
		{"[rig.a]\nprefix = \"a\"\n[[rig.a.gate]]\nname = \"t\"\nrun = \"x\"\ntimeout = \"0s\"", `t:6: rig.a.gate.timeout: want`, ""},
		{"[rig.a]\nprefix = \"a\"\n[[rig.a.gate]]\nname = \"t\"\nrun = \"x\"\ntimeout = 30", `t:6: rig.a.gate.timeout: want`, ""},
		{"[rig.a]\nprefix = \"a\"\ngate = [{ name = \"t\", rum = \"x\" }]", `t:3: unknown key rig.a.gate.rum`, "rig.a.gate.run"},
		{"[agent.a]\nargs = []", "t:1: agent.a: give either", ""},
		{"[agent.a]\nextends = \"b\"\ncommand = [\"c\"]", "t:1: agent.a: give either", ""},
		{"[keys]\ntown = []", "t:2: keys.town: want", ""},
		{"[keys]\ntown = [\"bogus+key\"]", "t:2: keys.town: want", ""},
		{"[keys]\ntown = [\"q\"]", "t:2: keys.town: want", ""},
		{"[keys]\ntown = [\"f9\", \"shift+ctrl+a\"]", "t:2: keys.town: want", ""},
		{"[keys]\ntown = [\"f9\", \"ctrl+c\"]", "t:2: keys.town: want a list of keys that type nothing", ""},
		{"[keys]\ntown = [\"ctrl+A\"]", "t:2: keys.town: want", ""},
		{"[town]\npolecats = 1001", "t:2: town.polecats: want a whole number from 0 to 1000", ""},
		{"[town]\n\nmayor = \"nope\"", `t:3: town.mayor: no agent preset "nope"; built in: `, ""},
		{"[town]\npolecat = \"mine:big\"\n[agent.mine]\ncommand = [\"x\"]", `t:2: town.polecat: agent "mine" takes no model`, ""},
		{"[agent.q]\nargs = []\nextends = \"nope\"", `t:3: agent.q.extends: no agent preset "nope"`, ""},
		{"[agent.q]\nextends = \"r\"\n[agent.r]\nextends = \"q\"", `t:2: agent.q.extends: agent "q" extends itself`, ""},
		{"[rig.a]\nprefix = \"a\"\ncopy = [\".env\", \"../x\"]", "t:3: rig.a.copy: want", ""},
		{"[rig.a]\nprefix = \"a\"\nlink = [\"/etc/x\"]", "t:3: rig.a.link: want", ""},
		{"[rig.a]\nprefix = \"a\"\nlink = [\".git/hooks\"]", "t:3: rig.a.link: want", ""},
		{"[rig.a]\nprefix = \"a\"\ncopy = [\"a[\"]", "t:3: rig.a.copy: want", ""},
		{"[rig.a]\nprefix = \"a\"\ndeliver = \"push\"", "t:3: rig.a.deliver: there is no origin", ""},
		{"[rig.a]\nprefix = \"a\"\norigin = \"file:///a\"\ndeliver = \"checkout\"", `t:4: rig.a.deliver: "file:///a" is no directory: want "push" or "pr"`, ""},
		{"town = 3", "t:1: unknown key town", ""},
	} {
		_, err := Parse("t", []byte(tt.in))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: %v, want %q", tt.in, err, tt.want)
			continue
		}
		if !fault.Is(err, fault.Usage) {
			t.Errorf("%q: kind of %v", tt.in, err)
		}
		if f := fault.From(err); !strings.Contains(f.Hint, tt.hint) {
			t.Errorf("%q: hint %q, want %q", tt.in, f.Hint, tt.hint)
		}
	}
}

// TestParseNamesAll: every fault is named with its line and its hint, one a line, and none that only follows
// from another.
func TestParseNamesAll(t *testing.T) {
	for name, tt := range map[string]struct{ in, want string }{
		"values, keys and tables": {
			"[town]\npolects = 1\ndispatch = \"x\"\n[twon]\na = 1\n[rig.a]\nbranch = \"main\"\n[keys]\ntown = []",
			"t:2: unknown key town.polects (did you mean town.polecats?)\nt:3: town.dispatch: want one of [\"slung\" \"auto\"]\nt:4: unknown key twon (did you mean town?)\n" +
				"t:6: rig.a: prefix is missing (a few letters that begin its bead ids, as in prefix = \"ma\")\nt:9: keys.town: " + "want " + chords.want,
		},
		"a wrong prefix is not missing too":   {"[rig.a]\nprefix = 3\n[rig.b]\nprefix = \"b\"\ndeliver = \"push\"", "t:2: rig.a.prefix: want " + prefix.want + "\nt:5: rig.b.deliver: there is no origin to deliver to"},
		"an agent that is wrong is no user's": {"[town]\nmayor = \"mine\"\npolecats = -1\n[agent.mine]\ncomand = [\"x\"]", "t:3: town.polecats: want " + wholeNumber.want + "\nt:5: unknown key agent.mine.comand (did you mean agent.mine.command?)"},
		"agents and who uses none": {
			"[town]\nmayor = \"a\"\npolecat = \"zzz\"\n[agent.a]\nextends = \"b\"\n[agent.b]\nextends = \"nope\"\n[agent.c]\nextends = \"neither\"\n[agent.q]\nextends = \"r\"\n[agent.r]\nextends = \"q\"\n[agent.z]\nextends = \"claude\"\ncolor = 1",
			"t:3: town.polecat: " + noPreset("zzz") + "\nt:7: agent.b.extends: " + noPreset("nope") + "\nt:9: agent.c.extends: " + noPreset("neither") +
				"\nt:11: agent.q.extends: agent \"q\" extends itself\nt:16: unknown key agent.z.color",
		},
		"an agent's name that is wrong is no user's": {"[town]\nmayor = \"Mine\"\npolecats = -1\n[agent.Mine]\ncommand = [\"x\"]\n[agent.a]\nextends = \"Mine\"", "t:3: town.polecats: want " + wholeNumber.want + "\nt:4: [agent.Mine]: name \"Mine\": " + errName.Error()},
		"gates": {"[rig.a]\nprefix = \"a\"\n[[rig.a.gate]]\nrun = \"x\"\n[[rig.a.gate]]\nname = \"t\"\n[[rig.a.gate]]\nname = \"t\"\n[[rig.a.gate]]",
			"t:3: rig.a: a gate's name is missing\nt:5: rig.a: gate \"t\": run is missing\nt:7: rig.a: two gates are called \"t\"\nt:7: rig.a: gate \"t\": run is missing\n" +
				"t:9: rig.a: a gate's name is missing\nt:9: rig.a: a gate's run is missing"},
	} {
		_, err := Parse("t", []byte(tt.in))
		if f := fault.From(err); f == nil || f.Msg != tt.want || f.Kind != fault.Usage || !f.Several {
			t.Errorf("%s: %v\nwant\n%s", name, err, tt.want)
		}
	}
}

func noPreset(name string) string {
	_, _, err := Default().Preset(name)
	return err.Error()
}

func TestSetAndGet(t *testing.T) {
	for _, tt := range []struct {
		key, value string
		want       any
	}{
		{"town.polecats", "12", 12},
		{"town.polecat", "codex:o3", "codex:o3"},
		{"town.dispatch", "auto", "auto"},
		{"rig.myapp.deliver", "push", "push"},
		{"rig.myapp.ungated", "true", true},
		{"rig.myapp.approve", "all", "all"},
		{"rig.myapp.approve", "risky, db", []string{"risky", "db"}},
		{"rig.myapp.copy", `[".env", "a,b"]`, []string{".env", "a,b"}},
		{"rig.myapp.setup", `echo "x\y" # no`, `echo "x\y" # no`},
		{"rig.myapp.gate.test.timeout", "1h30m", 90 * time.Minute},
		{"rig.myapp.gate.test.env", "", []string{}},
		{"agent.mine.command", `["sh", "-c", "a, b"]`, []string{"sh", "-c", "a, b"}},
		{"keys.town", "ctrl++, alt+shift+tab, shift+f12, ctrl+é, super+space", []string{"ctrl++", "alt+shift+tab", "shift+f12", "ctrl+é", "super+space"}},
		{"rig.myapp.link", "a/../b/, *.local", []string{"a/../b/", "*.local"}},
		{"keys.town", `["ctrl+]", "f9"]`, []string{"ctrl+]", "f9"}},
		{"rig.myapp.gate.0.run", "make", "make"},
		{"agent.fast.args", "", []string{}},
		{"agent.new.extends", "codex", "codex"},
		{"notify.command", "notify-send \"$1\"", "notify-send \"$1\""},
	} {
		out, err := Set([]byte(full), tt.key, tt.value)
		if err != nil {
			t.Errorf("%s: %v", tt.key, err)
			continue
		}
		got, err := Get(out, tt.key)
		if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v %s", tt.key, err, diff)
		}
		again, err := Set(out, tt.key, Text(got))
		if err != nil || string(again) != string(out) {
			t.Errorf("%s: set to what get says, %q: %v\n%s", tt.key, Text(got), err, again)
		}
	}
}

func TestSetRefuses(t *testing.T) {
	for _, tt := range []struct {
		key, value string
		kind       fault.Kind
	}{
		{"town.polecats", "many", fault.Usage}, {"town.polects", "1", fault.Usage}, {"rig.none.deliver", "push", fault.NotFound},
		{"rig.myapp.gate.none.run", "x", fault.NotFound}, {"rig.myapp.gate.test.timeout", "0", fault.Usage}, {"town", "1", fault.Usage},
		{"", "1", fault.Usage}, {"town..x", "1", fault.Usage}, {"agent.fast.command", "x", fault.Usage}, {"agent.new.args", "x", fault.Usage},
	} {
		if _, err := Set([]byte(full), tt.key, tt.value); !fault.Is(err, tt.kind) {
			t.Errorf("%s=%s: %v, want %s", tt.key, tt.value, err, tt.kind)
		}
	}
	for key, want := range map[string]string{
		"rig.myapp.gate.none.run": `rig "myapp" has no gate "none": it has: test`,
		"rig.none.gate.none.run":  `there is no rig "none": see: gastown rig list; add one with: gastown rig add NAME PATH`,
	} {
		_, err := Get([]byte(full), key)
		if f := fault.From(err); f == nil || f.Msg+": "+f.Hint != want {
			t.Errorf("%s: %v, want %s", key, f, want)
		}
	}
}

func TestSetWhereTablesAreOdd(t *testing.T) {
	for _, in := range []string{
		"town.polecats = 1 # c\n", "", "[town]", "[town]\n# only this\n", "# top\n\n[town] # t\r\npolecats = 1\r\n", "[refinery]\nhistory = \"merge\"",
	} {
		out, err := Set([]byte(in), "town.mayor", "codex")
		if err != nil {
			t.Errorf("%q: %v", in, err)
			continue
		}
		if c, err := Parse("t", out); err != nil || c.Town.Mayor != "codex" {
			t.Errorf("%q -> %q: %v", in, out, err)
		}
		if comments(in) != comments(string(out)) {
			t.Errorf("%q -> %q", in, out)
		}
		if strings.Contains(in, "\r\n") && strings.Count(string(out), "\n") != strings.Count(string(out), "\r\n")+2 {
			t.Errorf("%q -> %q: line ends", in, out)
		}
	}
	if _, err := Set([]byte("town = { polecats = 1 }\n"), "town.mayor", "codex"); !fault.Is(err, fault.Refused) {
		t.Errorf("inline table: %v", err)
	}
	out, err := Set([]byte("town = { polecats = 1 }\n"), "town.polecats", "2")
	if err != nil || string(out) != "town = { polecats = 2 }\n" {
		t.Errorf("inline value: %q %v", out, err)
	}
}

func TestAddAndRemoveRig(t *testing.T) {
	r := Rig{Origin: `/a "b"/ü`, Branch: "trunk", Prefix: "mb", Deliver: "checkout", Approve: []string{"x"}, Ungated: true, Permissions: "bypass", Setup: "a\nb",
		Copy: []string{".env"}, Gates: []Gate{{Name: "t", Run: "x", Silence: time.Minute, Timeout: time.Hour, Env: []string{"A"}}, {Name: "u", Run: "y", Silence: DefaultSilence}}}
	for _, name := range []string{"other", "my.app", "0"} {
		added, err := AddRig([]byte(full), name, r)
		if err != nil {
			t.Fatal(err)
		}
		c, err := Parse("t", added)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(r, c.Rigs[name]); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if _, err := AddRig(added, name, r); !fault.Is(err, fault.Refused) {
			t.Errorf("twice: %v", err)
		}
		gated, err := AddGate(added, name, Gate{Name: "v", Run: "z"})
		if err != nil {
			t.Fatal(err)
		}
		if c, _ := Parse("t", gated); len(c.Rigs[name].Gates) != 3 || c.Rigs[name].Gates[2].Name != "v" {
			t.Errorf("gates: %+v", c.Rigs[name].Gates)
		}
		set, err := Set(gated, "rig."+name+".gate.v.run", "zz")
		if err != nil || !strings.Contains(string(set), `run = "zz"`) {
			t.Errorf("set a gate of %s: %v", name, err)
		}
		removed, err := RemoveRig(gated, name)
		if err != nil || strings.TrimSpace(string(removed)) != strings.TrimSpace(full) {
			t.Errorf("removed: %v\n%s", err, removed)
		}
	}
	for want, wrong := range map[string]Rig{
		`rig "o": branch "gt/x": want a branch`:            {Prefix: "o", Branch: "gt/x"},
		`rig "o": prefix "A": want 1 to 8`:                 {Prefix: "A"},
		`rig "o": prefix "ma" is rig "myapp"'s already`:    {Prefix: "ma"},
		`rig "o": deliver "there": want one of`:            {Prefix: "o", Deliver: "there"},
		`rig "o": permissions "all": want one of ["edits"`: {Prefix: "o", Permissions: "all"},
	} {
		if _, err := AddRig([]byte(full), "o", wrong); !fault.Is(err, fault.Usage) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	out, err := AddGate([]byte(full), "myapp", Gate{Name: "lint", Run: "x"})
	if err != nil {
		t.Fatal(err)
	}
	if c, _ := Parse("t", out); len(c.Rigs["myapp"].Gates) != 2 || len(c.Agents) != 2 {
		t.Errorf("%s", out)
	}
	out, err = RemoveRig([]byte("# of the file\n\n# of a\n[rig.a]\nprefix = \"a\"\n# of b\n[rig.b]\nprefix = \"b\"\n"), "a")
	if err != nil || string(out) != "# of the file\n\n# of b\n[rig.b]\nprefix = \"b\"\n" {
		t.Errorf("%q %v", out, err)
	}
	if _, err := RemoveRig([]byte(full), "none"); !fault.Is(err, fault.NotFound) {
		t.Errorf("%v", err)
	}
}

func TestNewGate(t *testing.T) {
	g, err := NewGate("", "go test", "", "90s", nil)
	if err != nil || g.Silence != 90*time.Second || g.Timeout != 0 {
		t.Errorf("%+v %v", g, err)
	}
	for _, bad := range [][4]string{{"A", "x", "", ""}, {"a", "", "", ""}, {"a", "x", "-1s", ""}, {"a", "x", "", "soon"}} {
		if _, err := NewGate(bad[0], bad[1], bad[2], bad[3], nil); !fault.Is(err, fault.Usage) {
			t.Errorf("%v: %v", bad, err)
		}
	}
}

func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	real, link := filepath.Join(dir, "real.toml"), filepath.Join(dir, "town.toml")
	if err := errors.Join(os.WriteFile(real, []byte("x"), 0o644), os.Symlink("real.toml", link)); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(link, []byte(full)); err != nil {
		t.Fatal(err)
	}
	st, err := os.Lstat(real)
	if err != nil || st.Mode() != 0o600 {
		t.Errorf("%v %v", st.Mode(), err)
	}
	if st, err := os.Lstat(link); err != nil || st.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is gone: %v", err)
	}
	left, _ := os.ReadDir(dir)
	if len(left) != 2 {
		t.Errorf("left behind: %v", left)
	}
	if _, err := Load(link); err != nil {
		t.Error(err)
	}
	if _, err := Load(filepath.Join(dir, "none")); !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
}

func TestRegistry(t *testing.T) {
	file := filepath.Join(t.TempDir(), "gastown", "towns.toml")
	for i, step := range [][2]string{{`/a/b "q"`, "/t1"}, {"/a", "/t2"}, {"/a", "/t3"}, {"/a", "/t3"}} {
		if err := Register(file, step[0], step[1]); err != nil {
			t.Fatal(i, err)
		}
	}
	r, err := LoadRegistry(file)
	if diff := cmp.Diff(map[string]string{`/a/b "q"`: "/t1", "/a": "/t3"}, r.Towns); err != nil || diff != "" {
		t.Fatal(err, diff)
	}
	if town, ok := r.Lookup(`/a/b "q"/c/d`); !ok || town != "/t1" {
		t.Error(town, ok)
	}
	if _, ok := r.Lookup("/other"); ok {
		t.Error("found")
	}
	for _, town := range []string{"/t2", "/t3"} { // only its own
		if r, _ := LoadRegistry(file); len(r.Towns) != 2 {
			t.Error(r.Towns)
		}
		if err := Unregister(file, "/a", town); err != nil {
			t.Fatal(err)
		}
	}
	if r, _ := LoadRegistry(file); len(r.Towns) != 1 {
		t.Error(r.Towns)
	}
}

func TestRegisterAtOnce(t *testing.T) {
	file := filepath.Join(t.TempDir(), "towns.toml")
	errs := make(chan error)
	const n = 20
	for i := range n {
		go func() { errs <- Register(file, fmt.Sprintf("/r%d", i), "/t") }()
	}
	for range n {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if r, err := LoadRegistry(file); err != nil || len(r.Towns) != n {
		t.Error(len(r.Towns), err)
	}
}

// comments are all comments of a text, in order.
func comments(s string) string {
	return strings.Join(regexp.MustCompile(`(?m)#[^"\r\n]*\r?$`).FindAllString(strings.ReplaceAll(s, "\r", ""), -1), "\n")
}

// TestSetKeepsAllElse: after any series of edits every comment is still there, in
// order, and every value but those set is what it was.
func TestSetKeepsAllElse(t *testing.T) {
	values := map[string][]string{
		"town.polecats": {"0", "7"}, "town.dispatch": {"auto", "slung"}, "town.mayor": {"codex", "claude:a b"}, "rig.myapp.deliver": {"push", "pr"},
		"rig.myapp.approve": {"none", "all", "a,b"}, "rig.myapp.setup": {"", "a # b", "\"q\"\n"}, "rig.myapp.copy": {"", "a,b"},
		"rig.myapp.gate.test.env": {"A,B", ""}, "rig.myapp.gate.test.silence": {"1s"}, "agent.mine.args": {"a"}, "agent.fast.extends": {"codex"},
		"refinery.history": {"linear"}, "keys.town": {"f9", "alt+x"}, "notify.command": {"x"},
	}
	keys := sorted(values)
	rapid.Check(t, func(t *rapid.T) {
		text := layout(t)
		before, err := parseDocument("t", []byte(text))
		if err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		data := []byte(text)
		want := map[string]string{}
		for range rapid.IntRange(1, 5).Draw(t, "edits") {
			key := rapid.SampledFrom(keys).Draw(t, "key")
			v := rapid.SampledFrom(values[key]).Draw(t, "value")
			out, err := Set(data, key, v)
			if err != nil {
				t.Fatalf("set %s %q: %v in\n%s", key, v, err, data)
			}
			again, err := Set(out, key, v)
			if err != nil || string(again) != string(out) {
				t.Fatalf("set %s again: %v\n%s", key, err, again)
			}
			data, want[key] = out, v
		}
		if a, b := comments(text), comments(string(data)); a != b {
			t.Fatalf("comments:\n%s\n--\n%s", a, b)
		}
		var paths [][]string
		for key := range want {
			path, _, err := before.locate(key)
			if err != nil {
				t.Fatal(err)
			}
			paths = append(paths, path)
		}
		if err := before.onlyChanged(data, paths...); err != nil {
			t.Fatalf("%v\n%s", err, data)
		}
	})
}

// layout is full with lines left out, blank lines and comments put in.
func layout(t *rapid.T) string {
	optional := []string{"polecats", "dispatch", "mayor", "setup", "copy", "silence", "history", "town =", "deliver", "approve", "env"}
	var b strings.Builder
	for i, l := range strings.Split(strings.TrimSuffix(full, "\n"), "\n") {
		if slices.ContainsFunc(optional, func(o string) bool { return strings.HasPrefix(l, o) }) && rapid.Bool().Draw(t, fmt.Sprint("drop", i)) {
			continue
		}
		switch rapid.IntRange(0, 4).Draw(t, fmt.Sprint("before", i)) {
		case 0:
			b.WriteString("\n")
		case 1:
			fmt.Fprintf(&b, "# comment %d = x\n", i)
		case 2:
			b.WriteString("   ")
		}
		b.WriteString(l)
		if i > 0 && rapid.IntRange(0, 3).Draw(t, fmt.Sprint("after", i)) == 0 && !strings.Contains(l, "#") {
			fmt.Fprintf(&b, " # tail %d", i)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(full))
	f.Add([]byte(Template()))
	f.Add([]byte("[[rig.a.gate]]\n[rig.a]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse("t", data) // must not panic
		if err != nil {
			return
		}
		if out, err := Set(data, "town.polecats", "5"); err == nil {
			c2, err := Parse("t", out)
			if err != nil || c2.Town.Polecats != 5 {
				t.Fatalf("%v %q", err, out)
			}
			c2.Town.Polecats = c.Town.Polecats
			if diff := cmp.Diff(c, c2); diff != "" {
				t.Fatal(diff)
			}
		}
	})
}

func TestSectionIsATablesOwnText(t *testing.T) {
	data := []byte("# top\n\n[town]\npolecats = 3 # few\n\n# mine\n[rig.app]\nprefix = \"ap\"\n[[rig.app.gate]]\nname = \"test\"\nrun = \"true\"\n\n[rig.\"a.b\"]\nprefix = \"ab\"\n")
	for key, want := range map[string]string{
		"town":      "[town]\npolecats = 3 # few\n",
		"rig.app":   "# mine\n[rig.app]\nprefix = \"ap\"\n\n[[rig.app.gate]]\nname = \"test\"\nrun = \"true\"\n",
		"rig.a.b":   "[rig.\"a.b\"]\nprefix = \"ab\"\n",
		"rig.none":  "",
		"town.nope": "",
		"a..b":      "",
	} {
		if got, ok := Section(data, key); got != want || ok != (want != "") {
			t.Errorf("%s: %q, want %q", key, got, want)
		}
	}
	if got, _ := Section(data, "rig"); strings.Count(got, "prefix") != 2 {
		t.Errorf("all rigs: %q", got)
	}
}

func TestChord(t *testing.T) {
	for _, ok := range []string{"ctrl+]", "f9", "f12", "ctrl+space", "alt+x", "ctrl+\\", "ctrl+alt+t", "shift+f5", "ctrl+ü"} {
		if !chord(ok) {
			t.Errorf("%q is refused", ok)
		}
	}
	for _, bad := range []string{"", "x", "X", "enter", "esc", "tab", "ctrl+c", "ctrl+b", "ctrl+o", "ctrl+i", "ctrl+m", "ctrl+[", "shift+x", "ctrl+", "f64", "f0", "ctrl-x", "Ctrl+X", "alt+ctrl+x", "ctrl+ab", " ctrl+x"} {
		if chord(bad) {
			t.Errorf("%q is taken", bad)
		}
	}
}
