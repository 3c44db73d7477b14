package tui

import (
	"context"
	"reflect"
	"strings"
	"testing"

	"gastown/internal/api"
)

// TestEveryVerbHasACommand: what the command line can do, the screen can do, or it says why not.
func TestEveryVerbHasACommand(t *testing.T) {
	has := map[string]bool{}
	m := fixedModel(sampleHost(120, 40), 120, 40)
	for _, c := range m.allCommands() {
		if has[c.name] {
			t.Errorf(":%s is there twice", c.name)
		}
		if c.help == "" {
			t.Errorf(":%s has no help", c.name)
		}
		has[c.name] = true
	}
	for _, v := range api.Table() {
		if name := strings.ReplaceAll(v.Name, ".", " "); !has[name] && elsewhere()[v.Name] == "" {
			t.Errorf("verb %s has no command", v.Name)
		}
	}
}

func (p *player) typeText(text string) {
	for _, r := range text {
		name := string(r)
		if r == ' ' {
			name = "space"
		}
		p.keys(name)
	}
}

func TestCommands(t *testing.T) {
	for _, c := range []struct {
		line string
		want string
	}{
		{"queue list myapp", "shell queue|list|myapp"},
		{"mail send mayor wait for me", "shell mail|send|mayor|wait|for|me"},
		{"bead update gt-a1f --priority 3", "shell bead|update|gt-a1f|--priority|3"},
		{"sling gt-e12 gt-f20", "shell sling|gt-e12|gt-f20"},
		{"convoy show auth", "shell convoy|show|auth-revamp"},
		{"polecat nudge toast tests first", "shell polecat|nudge|gt-a1f/1|tests|first"},
		{"status", "shell status"},
		{"sling gt-e12", "sling {Beads:[gt-e12]"},
		{`sling "gt-e12"`, "sling {Beads:[gt-e12]"},
		{`bead create "quoted title"`, "shell bead|create|quoted title"},
		{"pause", "pause {Name:}"},
		{"pause myapp", "pause {Name:myapp}"},
		{"diff gt-a1f", "diff {Bead:gt-a1f"},
	} {
		p := drive(t, sampleHost(120, 40), 120, 40)
		p.keys("ctrl+]", ":")
		p.typeText(c.line)
		p.keys("enter")
		p.wantCall(c.want)
	}
}

// TestAnUnknownCommandCanBeMended: the line stays, and what was meant is named.
func TestAnUnknownCommandCanBeMended(t *testing.T) {
	p := drive(t, sampleHost(120, 40), 120, 40)
	p.keys("ctrl+]", ":")
	p.typeText("slnig gt-e12")
	p.keys("enter")
	p.wantDialog(":slnig gt-e12")
	p.wantDialog("no such command; did you mean :sling?")
	p.wantNothing()
	for range len("slnig gt-e12") {
		p.keys("backspace")
	}
	p.typeText("answer toast yes")
	p.wantDialog("did you mean :polecat answer?")
}

// TestCommandsSayTheirRig: what is made new belongs to the rig that is shown, where there are several.
func TestCommandsSayTheirRig(t *testing.T) {
	h := sampleHost(120, 40)
	twoRigs(h, 5)
	p := drive(t, h, 120, 40)
	p.keys("ctrl+]", "f", "f", ":")
	p.typeText("bead create A page")
	p.keys("enter")
	p.wantCall("shell bead|create|A|page|--rig|site")
	p.keys(":")
	p.typeText("plan docs/spec.md --rig myapp")
	p.keys("enter")
	p.wantCall("shell plan|docs/spec.md|--rig|myapp")
}

// TestAnswersAreShownAsTheyArePrinted: a line as a toast, a table in a dialog, where long rows are moved aside.
func TestAnswersAreShownAsTheyArePrinted(t *testing.T) {
	h := sampleHost(80, 24)
	p := drive(t, h, 80, 24)
	h.prints = "one line\n"
	p.keys("ctrl+]", ":")
	p.typeText("status")
	p.keys("enter")
	p.wantToast("one line")
	h.prints = "RIG    BRANCH  " + strings.Repeat("x", 70) + "  LAST\nmyapp  main    " + strings.Repeat("y", 70) + "  end\n\nA sentence that is much longer than the screen is wide, and that is read to its end.\n"
	p.keys(":")
	p.typeText("rig list")
	p.keys("enter")
	p.wantDialog("RIG LIST")
	p.wantDialog("myapp  main    yyy")
	p.wantDialog("its end.")
	for range 3 {
		p.keys("right")
	}
	p.wantDialog("yyy  end")
}

func TestCommandAsksBeforeItDeletes(t *testing.T) {
	p := drive(t, sampleHost(120, 40), 120, 40)
	p.keys("ctrl+]", ":")
	p.typeText("rescue prune")
	p.keys("enter", "enter")
	p.wantNothing()
	p.keys(":", "up", "enter", "y")
	p.wantCall("shell rescue|prune")
}

func TestCommandCompletes(t *testing.T) {
	p := drive(t, sampleHost(120, 40), 120, 40)
	p.keys("ctrl+]", ":")
	p.typeText("sli")
	p.keys("tab")
	p.typeText("e12")
	p.keys("tab", "enter")
	p.wantCall("sling {Beads:[gt-e12]")
	p.keys(":")
	p.typeText("why")
	p.keys("enter") // a word is missing: nothing runs
	p.wantNo("shell why")
	p.wantDialog("gt-c9d")
	p.typeText("a1f")
	p.keys("enter")
	p.wantCall("shell why|gt-a1f")
	p.keys(":", "up", "up", "enter")
	if n := strings.Count(p.h.asked(), "sling"); n != 2 {
		t.Errorf("the history ran sling %d times", n)
	}
}

// TestCommandTakesOptions: as the shell does, completed, for the selected bead where none is named; what asks, asks.
func TestCommandTakesOptions(t *testing.T) {
	var got [][]string
	start := func() *player {
		h := sampleHost(120, 40)
		h.set(killedView())
		p := drive(t, h, 120, 40)
		got = nil
		p.m.shell = func(_ context.Context, _ api.Doer, args []string) (string, error) {
			got = append(got, args)
			return "done so", nil
		}
		p.m.opts = map[string][]Option{"sling": {{"--agent", "PRESET[:MODEL]", "to give it to"}, {"--polecat", "POLECAT", "who"}}}
		p.keys("ctrl+]", ":")
		return p
	}
	p := start()
	p.typeText(`bead create Sleepy don't -d "a b" --accept ""`)
	p.keys("enter")
	p.wantToast("done so")
	if want := [][]string{{"bead", "create", "Sleepy", "don't", "-d", "a b", "--accept", ""}}; !reflect.DeepEqual(got, want) {
		t.Errorf("performed %q", got)
	}
	p = start()
	p.typeText("sling gt-e12 --ag")
	p.wantDialog("sling gt-e12 --agent")
	p.keys("tab")
	p.typeText("cod")
	p.keys("tab", "enter")
	if want := [][]string{{"sling", "gt-e12", "--agent", "codex"}}; !reflect.DeepEqual(got, want) {
		t.Errorf("performed %q", got)
	}
	p = start()
	p.typeText("sling --agent mine")
	p.keys("enter")
	if want := [][]string{{"sling", "gt-c9d", "--agent", "mine"}}; !reflect.DeepEqual(got, want) {
		t.Errorf("performed %q", got)
	}
	p = start()
	p.typeText("polecat kill slit --reason no")
	p.keys("enter")
	if len(got) > 0 {
		t.Fatalf("performed %q unasked", got)
	}
	p.keys("y")
	if want := [][]string{{"polecat", "kill", "gt-c9d/1", "--reason", "no"}}; !reflect.DeepEqual(got, want) {
		t.Errorf("performed %q", got)
	}
	p = start()
	p.typeText("mayor agent ")
	p.wantDialog("mayor agent codex")
}

// TestHelp: the first page is short, and every key and command is found by a word.
func TestHelp(t *testing.T) {
	if n := len(firstKeys()); n > 25 {
		t.Errorf("%d rows on the first page of the help", n)
	}
	p := drive(t, sampleHost(80, 24), 80, 24)
	p.keys("ctrl+]", "?")
	for _, row := range firstKeys() {
		p.wantDialog(row.text)
	}
	p.typeText("convoys")
	p.wantDialog(":convoy list")
	p.keys("enter")
	if _, ok := p.m.stack[len(p.m.stack)-1].(*convoysDialog); !ok {
		t.Error("Enter does not run what was found")
	}
	for _, b := range keymap() {
		d := newHelp(p.m)
		d.find.set(b.help)
		if len(d.hits()) == 0 {
			t.Errorf("%q is not found", b.help)
		}
	}
}

// TestHelpListsEveryKey, by where it holds, in the words that hints use.
func TestHelpListsEveryKey(t *testing.T) {
	for _, size := range []Size{{59, 15}, {80, 24}, {120, 40}} {
		p := drive(t, sampleHost(size.Cols, size.Rows), size.Cols, size.Rows)
		p.keys("ctrl+]", "?")
		p.wantDialog("Tab all keys")
		p.keys("tab")
		seen := ""
		for range 30 {
			seen += p.dialog()
			p.keys("pgdown")
		}
		for _, b := range keymap() {
			if row := keyNames(b.keys); !strings.Contains(seen, " "+row+" ") || !strings.Contains(seen, cut(b.help, min(size.Cols, 80)-25, "")) {
				t.Errorf("%v: %s %q is not listed", size, row, b.help)
			}
		}
		for _, bad := range []string{" tab ", " enter ", " esc ", " up ", " pgdown ", "ctrl+", " space "} {
			if strings.Contains(seen, "║   "+strings.TrimSpace(bad)) {
				t.Errorf("a key is called %q", bad)
			}
		}
	}
}

// TestHelpIsClicked: a key on either page runs; where a row has several, the one under the pointer.
func TestHelpIsClicked(t *testing.T) {
	for want, click := range map[paneID]string{paneCats: "polecats queue", paneRefinery: "queue events", paneBeads: "beads polecats queue"} {
		p := drive(t, sampleHost(120, 40), 120, 40)
		p.keys("ctrl+]", "4", "esc", "?")
		p.clickOn(click)
		if p.m.focus != want || len(p.m.stack) != 0 {
			t.Errorf("a click on %q went to pane %d", click, p.m.focus)
		}
	}
	p := drive(t, sampleHost(80, 24), 80, 24)
	p.keys("ctrl+]", "?")
	p.clickOn("Tab all keys")
	p.clickOn("PgDn more")
	p.clickOn("priority, then 0-4")
	p.wantDialog("PRIORITY of gt-c9d")
}

// TestWhatAsksAsksInEverySpelling: the question is the verb's, however it is typed, and says what was typed.
func TestWhatAsksAsksInEverySpelling(t *testing.T) {
	for _, c := range []struct {
		line, says, call string // says "": it is done at once
	}{
		{"ungated myapp", "Nothing will be tested before it lands.", "rig.ungated {Name:myapp Ungated:true}"},
		{"rig ungated myapp", "Nothing will be tested before it lands.", "rig.ungated {Name:myapp Ungated:true}"},
		{"rig ungated myapp --off=false", "Nothing will be tested before it lands.", "shell rig|ungated|myapp|--off=false"},
		{"rig ungated myapp --off", "", "shell rig|ungated|myapp|--off"},
		{"config set rig.myapp.ungated true", "Nothing will be tested before it lands.", "shell config|set|rig.myapp.ungated|true"},
		{"config set rig.myapp.permissions bypass", "run any command as you", "shell config|set|rig.myapp.permissions|bypass"},
		{"config set rig.myapp.permissions edits", "", "shell config|set|rig.myapp.permissions|edits"},
		{"rig add site /s --permissions bypass", "run any command as you", "shell rig|add|site|/s|--permissions|bypass"},
		{"rig add site /s --ungated", "Nothing will be tested before it lands.", "shell rig|add|site|/s|--ungated"},
		{"rig add site /s", "", "shell rig|add|site|/s"},
		{"queue approve gt-a0e --tree 4b8", "It lands", "shell queue|approve|gt-a0e|--tree|4b8"},
		{"queue approve --tree 4b8", "QUEUE APPROVE GT-C9D --TREE 4B8?", "shell queue|approve|gt-c9d|--tree|4b8"},
		{"rescue prune", "older than 14 days", "shell rescue|prune"},
		{"rescue prune --older-than 30d", "older than 30d", "shell rescue|prune|--older-than|30d"},
		{"rescue prune --older-than=6w", "older than 6w", "shell rescue|prune|--older-than=6w"},
		{"rescue prune --dry-run", "", "shell rescue|prune|--dry-run"},
		{"bead close gt-e12 -r done", "It is closed as dropped", "shell bead|close|gt-e12|-r|done"},
	} {
		p := drive(t, sampleHost(120, 40), 120, 40)
		p.m.usage["queue approve"] = "BEAD"
		p.keys("ctrl+]", ":")
		p.typeText(c.line)
		p.keys("enter")
		if c.says != "" {
			p.wantNothing()
			p.wantDialog(c.says)
			p.keys("y")
		}
		p.wantCall(c.call)
	}
}

// TestACommandOfTheScreenSaysWhatItTakes: the command line knows only verbs, and is not asked for others.
func TestACommandOfTheScreenSaysWhatItTakes(t *testing.T) {
	for line, want := range map[string]string{
		"kill toast now":            `kill: unexpected argument "now" (usage: :kill [POLECAT])`,
		"drop gt-e12 gt-f20":        `drop: unexpected argument "gt-f20" (usage: :drop [BEAD])`,
		"approve gt-a0e --tree 4b8": `approve: unexpected argument "--tree" (usage: :approve [BEAD])`,
		"kill --reason no":          `kill: unexpected argument "--reason" (usage: :kill [POLECAT])`,
		"problems now":              `problems: unexpected argument "now" (usage: :problems)`,
	} {
		p := drive(t, sampleHost(120, 40), 120, 40)
		p.keys("ctrl+]", ":")
		p.typeText(line)
		p.keys("enter")
		p.wantNothing()
		if got := p.m.toast.text; got != want || len(p.m.stack) > 0 {
			t.Errorf(":%s says %q, want %q; %d dialogs", line, got, want, len(p.m.stack))
		}
	}
}
