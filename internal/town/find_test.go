package town

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gastown/internal/api"
	"gastown/internal/config"
	"gastown/internal/fault"
)

// TestFind looks from everywhere in a home with two towns, one of which has a repository.
func TestFind(t *testing.T) {
	home, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	at := func(name string) string { return filepath.Join(home, name) }
	for _, dir := range []string{"gastown", "t/mayor", "app/deep", "plain", "cfg"} {
		if err := os.MkdirAll(at(dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{
		{"init", "-q", "app"}, {"-C", "app", "-c", "user.name=A", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "first"},
		{"-C", "app", "worktree", "add", "-q", "../linked"}, {"init", "-q", "other"}, {"clone", "-q", "--bare", "app", "bare.git"}, {"-C", "bare.git", "worktree", "add", "-q", "../ofbare"},
	} {
		cmd := exec.Command("git", args...)
		cmd.Dir = home
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v: %s", args, err, out)
		}
	}
	for _, link := range [][2]string{{"app", "applink"}, {"t/mayor", "mayor"}} {
		if err := os.Symlink(at(link[0]), at(link[1])); err != nil {
			t.Fatal(err)
		}
	}
	for _, town := range []string{"gastown", "t"} {
		if err := os.WriteFile(settingsPath(at(town)), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	registry := at("cfg/towns.toml")
	for root, town := range map[string]string{"app": "t", "bare.git": "t", "other": "moved"} {
		if err := config.Register(registry, at(root), at(town)); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct{ dir, flag, env, want string }{
		{"plain", "", "", "gastown"}, {"plain", "../t", "", "t"}, {"plain", "", "t", "t"}, {"t/mayor", "", "gastown", "t"},
		{"app", "", "", "t"}, {"app/deep", "", "", "t"}, {"app", "", "gastown", "gastown"},
		{"linked", "", "", "t"}, {"ofbare", "", "", "t"}, {"applink", "", "", "t"}, {"applink/deep", "", "", "t"}, {"mayor", "", "", "t"},
		{"other", "", "", `!town "` + at("moved") + `", which this repository belongs to: no town.toml there`},
		{"plain", "none", "", `!town "` + at("plain/none") + `": no town.toml there`},
		{"plain", "", "none", `!town "` + at("none") + `", from $GASTOWN_TOWN: no town.toml there`},
	} {
		p := Places{Flag: tt.flag, Dir: at(tt.dir), Registry: registry, Home: at("gastown")}
		if tt.env != "" {
			p.Env = at(tt.env)
		}
		got, err := Find(p)
		if want, wrong := strings.CutPrefix(tt.want, "!"); wrong {
			if !fault.Is(err, fault.Unavailable) || err.Error() != want {
				t.Errorf("%+v: %s %v", tt, got, err)
			}
		} else if err != nil || got != at(want) {
			t.Errorf("%+v: %s %v", tt, got, err)
		}
	}
	if got, err := Find(Places{Dir: at("plain"), Registry: registry, Home: at("no")}); got != "" || err != nil {
		t.Errorf("nowhere: %s %v", got, err)
	}
	if err := os.WriteFile(registry, []byte("[towns]\nx = 3\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Find(Places{Dir: at("plain"), Registry: registry, Home: at("gastown")}); !fault.Is(err, fault.Usage) || !strings.Contains(err.Error(), "towns.toml:2: ") {
		t.Errorf("a registry that says nothing: %v", err)
	}
}

// TestATownThatWasMovedIsFoundAgain once its host was up, and takes no other town's repository.
func TestATownThatWasMovedIsFoundAgain(t *testing.T) {
	l := newLab(t, "")
	l.down()
	registry := registryPath(l.mkdir("config"))
	for _, was := range []string{filepath.Join(l.root, "before"), ""} {
		if was != "" {
			if err := config.Register(registry, l.src, was); err != nil {
				t.Fatal(err)
			}
		}
		l.open()
		l.town.deps.Config = filepath.Dir(registry)
		l.up()
		l.down()
		reg, err := config.LoadRegistry(registry)
		if err != nil || reg.Towns[l.src] != l.dir {
			t.Fatal(reg, err)
		}
		if err := config.Unregister(registry, l.src, l.dir); err != nil {
			t.Fatal(err)
		}
	}
	another := l.mkdir("another")
	l.write("another/town.toml", "")
	if err := config.Register(registry, l.src, another); err != nil {
		t.Fatal(err)
	}
	l.open()
	l.town.deps.Config = filepath.Dir(registry)
	l.up()
	if reg, err := config.LoadRegistry(registry); err != nil || reg.Towns[l.src] != another {
		t.Error(reg, err)
	}
}

// TestTheRigOfTheWorkingDirectory is the one that is meant where there are several and none is named.
func TestTheRigOfTheWorkingDirectory(t *testing.T) {
	l := newLab(t, "")
	lib, inner := l.repository("lib"), l.repository("src/inner")
	linked := filepath.Join(l.root, "linked")
	l.git(l.src, "worktree", "add", "-q", "-b", "side", linked)
	empty := l.mkdir("empty")
	l.mkdir("src/deep")
	if err := os.Symlink(lib, filepath.Join(l.root, "link")); err != nil {
		t.Fatal(err)
	}
	in := func(dir string, who api.Caller, name string) string {
		got, err := api.RigShow.Do(api.From(t.Context(), filepath.Join(l.root, dir)), l.town.As(who), api.NameReq{Name: name})
		if err != nil {
			if !fault.Is(err, fault.Usage) || err.Error() != "there are several rigs: say which" || fault.From(err).Hint != "one of: app, empty, inner, lib; in its repository it need not be said" {
				t.Errorf("%s: %v: %s", dir, err, fault.From(err).Hint)
			}
			return ""
		}
		return got.Name
	}
	if got := in("lib", api.Person(), ""); got != "app" {
		t.Errorf("the only one: %s", got)
	}
	for name, source := range map[string]string{"lib": lib, "inner": inner, "empty": empty} {
		if _, err := api.RigAdd.Do(t.Context(), l.person(), api.RigAddReq{Name: name, Source: source}); err != nil {
			t.Fatal(err)
		}
	}
	l.mkdir("empty/sub")
	for dir, want := range map[string]string{
		"": "", "src": "app", "src/deep": "app", "linked": "app", "src/inner": "inner", "lib": "lib", "link": "lib", "empty/sub": "empty", "home": "",
		"T": "", "T/mayor": "", "T/mayor/lib": "lib", "T/rigs/app/wt": "app",
	} {
		if got := in(dir, api.Person(), ""); got != want {
			t.Errorf("%q: %q, want %q", dir, got, want)
		}
	}
	if got := in("src", api.Person(), "lib"); got != "lib" {
		t.Errorf("a rig that is named: %s", got)
	}
	if got := in("src", api.Caller{Name: "nux", Role: "polecat", Rig: "lib"}, ""); got != "lib" {
		t.Errorf("a polecat's: %s", got)
	}
	if b, err := api.BeadCreate.Do(api.From(t.Context(), lib), l.person(), api.BeadCreateReq{Title: "one"}); err != nil || b.Rig != "lib" {
		t.Error(b.Rig, err)
	}
	lines := api.ImportReq{Data: []byte(`{"title":"three"}` + "\n" + `{"id":"ap-9","title":"four"}` + "\n")}
	if _, err := api.BeadImport.Do(api.From(t.Context(), lib), l.person(), lines); err != nil || l.bead("ap-9").Rig != "app" {
		t.Error(err)
	}
	if all, err := api.BeadList.Do(t.Context(), l.person(), api.BeadListReq{Rig: "lib"}); err != nil || len(all) != 2 {
		t.Error(all, err)
	}
	if _, err := api.RigAdd.Do(t.Context(), l.person(), api.RigAddReq{Name: "again", Source: lib}); err != nil {
		t.Fatal(err)
	}
	if got := l.town.rigAt(lib); got != "" {
		t.Errorf("of two rigs %s was meant", got)
	}
}
