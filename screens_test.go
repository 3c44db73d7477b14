package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/exp/golden"

	agentrun "gastown/agents/run"
	"gastown/internal/proc"
)

// hardBeads are titles that terminals disagree about, in two rigs: CJK, emoji with VS16 and ZWJ, combining marks, right to
// left, and one that fits nowhere.
func hardBeads(now time.Time) map[string][]map[string]any {
	bead := func(id, title string, priority int, status string, blockers ...string) map[string]any {
		at := now.Add(-90 * time.Minute).UTC().Format(time.RFC3339)
		b := map[string]any{"id": id, "title": title, "priority": priority, "status": status, "issue_type": "task", "created_at": at, "updated_at": at,
			"created_by": "ada", "description": "What is to be done.", "acceptance_criteria": "It is tested."}
		if status == "closed" {
			b["closed_at"] = at
		}
		var deps []map[string]any
		for _, on := range blockers {
			deps = append(deps, map[string]any{"issue_id": id, "depends_on_id": on, "type": "blocks"})
		}
		if deps != nil {
			b["dependencies"] = deps
		}
		return b
	}
	return map[string][]map[string]any{
		"app": {
			bead("ap-001", "登录按钮 and 重定向 로그인 ログイン", 0, "open"),
			bead("ap-002", "Family 👨‍👩‍👧 and flag 🏳️‍🌈 🇳🇱 done", 0, "open"),
			bead("ap-003", "Warning ⚠️ heart ❤️ keycap 1️⃣", 1, "open"),
			bead("ap-004", "Cafe\u0301 e\u0301tude combining a\u0308\u0323", 1, "open"),
			bead("ap-005", "עברית and العربية mixed", 2, "open", "ap-001", "ap-002"),
			bead("ap-006", "half ｶﾞｷﾞ full ＡＢＣ नमस्ते", 2, "open", "ap-003"),
			bead("ap-007", "A title that is so long that no pane of any layout of this program has nearly enough room to show all of it", 3, "open"),
			bead("ap-008", "Makefile", 3, "closed"),
		},
		"site": {
			bead("si-001", "网站的首页", 1, "open"), bead("si-002", "Pricing page", 2, "open"), bead("si-003", "Footer", 2, "open", "si-002"), bead("si-004", "Fonts", 4, "closed"),
		},
	}
}

// gallery is a town that no program has open, to be copied for each picture.
type gallery struct {
	*desk
	exe string
}

func newGallery(t *testing.T) *gallery {
	t.Helper()
	root := t.TempDir()
	g := &gallery{desk: &desk{t: t, dir: filepath.Join(root, "heard"), town: filepath.Join(root, "T")}}
	g.env = []string{"HOME=" + filepath.Join(root, "home"), "PATH=" + os.Getenv("PATH"), "GIT_CONFIG_NOSYSTEM=1", "TERM=xterm-256color", "COLORTERM=truecolor", "LANG=C.UTF-8",
		"TMPDIR=" + root, "GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.com", "GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.com"}
	for _, dir := range []string{g.dir, filepath.Join(root, "home")} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	if g.exe, err = os.Executable(); err != nil {
		t.Fatal(err)
	}
	g.run("gastown", "init", g.town)
	settings := fmt.Sprintf("[town]\nmayor = \"ear\"\npolecat = \"ear\"\n[agent.ear]\ncommand = [%q, %q, %q]\n", g.exe, listenVerb, g.dir)
	if err := os.WriteFile(filepath.Join(g.town, "town.toml"), []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	beads := hardBeads(time.Now())
	for _, rig := range []string{"site", "app"} {
		src := filepath.Join(root, rig)
		g.run("git", "init", "-q", "-b", "main", src)
		g.run("git", "-C", src, "commit", "-q", "--allow-empty", "-m", "first")
		g.run("gastown", "--town", g.town, "rig", "add", rig, src, "--gate", "test=true")
		var lines []string
		for _, b := range beads[rig] {
			line, err := json.Marshal(b)
			if err != nil {
				t.Fatal(err)
			}
			lines = append(lines, string(line))
		}
		file := filepath.Join(root, rig+".jsonl")
		if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		g.run("gastown", "--town", g.town, "bead", "import", file, "--rig", rig)
	}
	return g
}

// open starts the program on a copy of the town.
func (g *gallery) open(t *testing.T, cols, rows int, env []string, args ...string) *desk {
	t.Helper()
	d := &desk{t: t, dir: g.dir, town: filepath.Join(t.TempDir(), "T"), env: append(append([]string{}, g.env...), env...)}
	if err := os.CopyFS(d.town, os.DirFS(g.town)); err != nil {
		t.Fatal(err)
	}
	var err error
	d.s, err = agentrun.Start(agentrun.Options{Name: "screen", Size: proc.Size{Cols: cols, Rows: rows}, Spec: proc.Spec{
		Argv: append([]string{"gastown", "--town", d.town}, args...), Dir: t.TempDir(), Env: d.env, Exe: g.exe,
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = d.s.Stop(t.Context(), 20*time.Second)
		<-d.s.Done()
	})
	return d
}

// TestScreensOfTheRealProgram: what a person sees, with the clock, hashes, ages and paths taken out.
func TestScreensOfTheRealProgram(t *testing.T) {
	g := newGallery(t)
	for _, size := range []proc.Size{{Cols: 200, Rows: 60}, {Cols: 120, Rows: 40}, {Cols: 80, Rows: 24}, {Cols: 59, Rows: 15}} {
		for _, look := range []struct {
			name string
			env  []string
			args []string
		}{{name: "colours"}, {name: "NO_COLOR", env: []string{"NO_COLOR=1"}}, {name: "ascii", args: []string{"--ascii"}}} {
			t.Run(fmt.Sprintf("%dx%d-%s", size.Cols, size.Rows, look.name), func(t *testing.T) {
				d := g.open(t, size.Cols, size.Rows, look.env, look.args...)
				d.press("", "2  Deny")
				d.press("\x1d", " TOWN ")
				d.press("k", "ap-001")
				d.settle()
				rows := d.s.Terminal().Text()
				straightRows(t, rows, size.Cols)
				text := strings.Join(rows, "\n")
				if look.name == "ascii" && strings.ContainsAny(text, "│─┌┐└┘║═╔╗╚╝▸…·") {
					t.Errorf("lines that are no ASCII:\n%s", text)
				}
				if coloured(d) == (look.name == "NO_COLOR") {
					t.Errorf("colours: %v", coloured(d))
				}
				golden.RequireEqual(t, []byte(normal(text)+"\n"))
			})
		}
	}
}

// TestScreensOfABusyTown: a polecat at work, a dialog over it, and what its agent prints in the left slot.
func TestScreensOfABusyTown(t *testing.T) {
	g := newGallery(t)
	g.run("gastown", "--town", g.town, "sling", "ap-001") // before the program is opened: then there is no undo to be offered
	for _, size := range []proc.Size{{Cols: 120, Rows: 40}, {Cols: 80, Rows: 24}} {
		t.Run(fmt.Sprintf("%dx%d", size.Cols, size.Rows), func(t *testing.T) {
			d := g.open(t, size.Cols, size.Rows, nil)
			d.press("", "I am mayor")
			d.press("\x1d", " TOWN ")
			d.press("", "> ap-001")
			last := regexp.MustCompile(`▸ > toast .*2  Deny`)
			d.await("2", "the polecat's last line", func() bool { return last.MatchString(d.text()) })
			d.press("t", " TYPE toast ")
			d.press("", "I am toast")
			d.press("\x1d", " TOWN ")
			d.press("1", "═ 1 BEADS")
			d.settle()
			rows := d.s.Terminal().Text()
			straightRows(t, rows, size.Cols)
			golden.RequireEqual(t, []byte(normal(strings.Join(rows, "\n"))+"\n"))
			for key, title := range map[string]string{"\r": "BEAD ap-001", "a": "REASSIGN ap-001", "x": "KILL POLECAT", "e": "EVENTS", "?": "KEYS", "!": "PROBLEMS", ":": "COMMAND"} {
				d.press(key, title)
				straightRows(t, d.s.Terminal().Text(), size.Cols)
				d.hide("\x1b", title)
			}
		})
	}
}

// settle waits until the picture stays as it is for a moment.
func (d *desk) settle() {
	d.t.Helper()
	last, since := "", time.Now()
	d.await("", "the picture to stay", func() bool {
		if text := d.text(); text != last {
			last, since = text, time.Now()
		}
		return time.Since(since) > 500*time.Millisecond
	})
}

func coloured(d *desk) bool {
	return regexp.MustCompile(`\x1b\[(?:[0-9]+;)*(?:3[0-8]|4[0-8]|9[0-7])[;m]`).MatchString(strings.Join(d.s.Terminal().Frame().Lines, ""))
}

// normal is a picture without what differs between two runs, each cell where it was.
func normal(text string) string {
	keep := func(pattern, by string) {
		text = regexp.MustCompile(pattern).ReplaceAllStringFunc(text, func(s string) string {
			if n := utf8.RuneCountInString(s) - utf8.RuneCountInString(by); n > 0 {
				return by + strings.Repeat(" ", n)
			}
			return string([]rune(by)[:utf8.RuneCountInString(s)])
		})
	}
	keep(`\b\d\d:\d\d\b`, "00:00")
	keep(`\bmain [0-9a-f]{7}\b`, "main 0000000")
	keep(`\bpid \d+ *`, "pid N")
	keep(`added rig (app|site) from [^│║|#\n]*`, "added a rig")
	keep(`(now|[ \d]\dm)\b`, "AGE")
	keep(`v?\d+\.\d+\.\d+-?\S*|\(devel\)`, "VERSION")
	return strings.Join(regexp.MustCompile(` +\n`).Split(text+"\n", -1), "\n")
}

// straightRows fails unless no row is longer than the terminal, and unless the sides of every frame are straight: where
// one begins, each row down to its end has its sides, or lies under another frame.
func straightRows(t *testing.T, rows []string, cols int) {
	t.Helper()
	const sides, tops = "│║┌┐└┘╔╗╚╝─═├┤|#+-=", "┌╔"
	cell := func(x, y int) string {
		if y >= len(rows) {
			return ""
		}
		return ansi.Cut(rows[y], x, x+1)
	}
	for y, row := range rows {
		if w := ansi.StringWidth(row); w > cols {
			t.Errorf("row %d is %d cells wide, the terminal %d: %q", y, w, cols, row)
		}
		for x := range cols {
			if c := cell(x, y); c == "" || !strings.Contains(tops, c) {
				continue
			}
			right := x + 1
			for right < cols && !strings.Contains("┐╗", cell(right, y)) {
				right++
			}
			for below := y + 1; below < len(rows); below++ {
				l, r := cell(x, below), cell(right, below)
				if strings.Contains("└╚", l) && l != "" {
					break
				}
				if l == "" || !strings.Contains(sides, l) || right < cols && (r == "" || !strings.Contains(sides, r)) {
					if under(rows, x, below) || under(rows, right, below) {
						continue
					}
					t.Errorf("the frame at %d,%d has no side in row %d: %q", x, y, below, rows[below])
					break
				}
			}
		}
	}
}

// under reports whether a cell lies within a dialog, which is drawn with double lines over the panes.
func under(rows []string, x, y int) bool {
	row := rows[y]
	first, last := strings.IndexAny(row, "║╔╚"), strings.LastIndexAny(row, "║╗╝")
	return first >= 0 && last > first && x >= ansi.StringWidth(row[:first]) && x <= ansi.StringWidth(row[:last])
}
