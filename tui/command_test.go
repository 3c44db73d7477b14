package tui

import (
	"strings"
	"testing"

	"gastown/internal/api"
)

// TestEveryVerbHasACommand: what the command line can do, the screen can do, or it says why not.
func TestEveryVerbHasACommand(t *testing.T) {
	has := map[string]bool{}
	for _, c := range allCommands() {
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

// TestEveryCommandMakesARequest: no verb of the table is asked with something else than it wants.
func TestEveryCommandMakesARequest(t *testing.T) {
	for _, v := range api.Table() {
		if elsewhere()[v.Name] != "" {
			continue
		}
		for _, line := range []string{"a title b", "7 priority 2", ""} {
			req, err := request(v, line)
			if err == nil && req == nil {
				t.Errorf("%s %q: no request", v.Name, line)
			}
			if err != nil && strings.Contains(err.Error(), "command line") {
				t.Errorf("%s has no way to be typed", v.Name)
			}
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
		{"queue list myapp", "queue.list {Name:myapp}"},
		{"mail send mayor wait for me", "mail.send {To:mayor Text:wait for me}"},
		{"bead update gt-a1f priority P3", "bead.update {Bead:gt-a1f"},
		{"bead dep add gt-a1f gt-b2c", "bead.dep.add {Bead:gt-a1f On:gt-b2c"},
		{"config set town.polecats 5", "config.set {Key:town.polecats Value:5}"},
		{"polecat nudge toast tests first", "polecat.nudge {Name:toast Text:tests first}"},
		{"status", "status {}"},
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

func TestCommandAsksBeforeItDeletes(t *testing.T) {
	p := drive(t, sampleHost(120, 40), 120, 40)
	p.keys("ctrl+]", ":")
	p.typeText("rescue prune")
	p.keys("enter", "enter")
	p.wantNothing()
	p.keys(":", "up", "enter", "y")
	p.wantCall("rescue.prune")
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
	p.wantNo("why {Bead:}")
	p.wantDialog("gt-c9d")
	p.typeText("a1f")
	p.keys("enter")
	p.wantCall("why {Bead:gt-a1f}")
	p.keys(":", "up", "up", "enter")
	if n := strings.Count(p.h.asked(), "sling"); n != 2 {
		t.Errorf("the history ran sling %d times", n)
	}
}

func TestAnswerOfManyLinesIsADialog(t *testing.T) {
	h := sampleHost(120, 40)
	h.do = func(verb string, _ any) (any, error) {
		if verb == api.GetStatus.Name() {
			return h.view.Status, nil
		}
		return nil, nil
	}
	p := drive(t, h, 120, 40)
	p.keys("ctrl+]", ":")
	p.typeText("status")
	p.keys("enter")
	p.wantDialog("STATUS")
	p.wantDialog("town /home/me/gastown")
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
		d := newHelp(keymap())
		d.find.set(b.help)
		if len(d.hits()) == 0 {
			t.Errorf("%q is not found", b.help)
		}
	}
}
