package town

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gastown/internal/api"
	"gastown/internal/config"
	"gastown/internal/fault"
)

// repository makes a repository with one commit in a directory of the lab.
func (l *lab) repository(name string) string {
	l.t.Helper()
	dir := filepath.Join(l.root, name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		l.t.Fatal(err)
	}
	l.git(dir, "init", "-q", "-b", "main")
	l.git(dir, "commit", "-q", "--allow-empty", "-m", "first")
	return dir
}

func (l *lab) mkdir(name string) string {
	l.t.Helper()
	dir := filepath.Join(l.root, name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		l.t.Fatal(err)
	}
	return dir
}

// TestTheMayorMayNotLandUntestedWork: of a new rig a person alone says that nothing is tested, where it
// goes, what agents may do, and that there is a second one of a repository.
func TestTheMayorMayNotLandUntestedWork(t *testing.T) {
	l := newLab(t, "")
	other := l.repository("other")
	linked := filepath.Join(l.root, "linked")
	l.git(l.src, "worktree", "add", "-q", "-b", "side", linked)
	gates := []api.GateSpec{{Run: "true"}}
	mayor := l.town.As(api.Caller{Name: "mayor", Role: "mayor"})
	for want, r := range map[string]api.RigAddReq{
		"that work lands without a gate is for the person to say":            {Name: "evil", Source: other, Ungated: true},
		"where landed work is delivered is for the person to say":            {Name: "evil", Source: other, Gates: gates, Deliver: "checkout"},
		"that agents do everything without asking is for the person to say":  {Name: "evil", Source: other, Gates: gates, Permissions: "bypass"},
		l.src + " is rig app already; a second one of it is for the person":  {Name: "evil", Source: l.src, Gates: gates},
		linked + " is rig app already; a second one of it is for the person": {Name: "evil", Source: linked, Gates: gates},
		"file://" + l.src + " is rig app already":                            {Name: "evil", Source: "file://" + l.src, Gates: gates},
	} {
		if _, err := api.RigAdd.Do(t.Context(), mayor, r); !fault.Is(err, fault.Refused) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if got := rigNames(l.town.settings()); len(got) != 1 {
		t.Fatal(got)
	}
	if _, err := api.RigAdd.Do(t.Context(), mayor, api.RigAddReq{Name: "other", Source: other, Gates: gates, Setup: "npm ci"}); err != nil {
		t.Fatal(err)
	}
	second, err := api.RigAdd.Do(t.Context(), l.person(), api.RigAddReq{Name: "again", Source: linked, Ungated: true, Deliver: "checkout", Permissions: "bypass"})
	if err != nil || !strings.Contains(strings.Join(second.Warnings, "\n"), "rig app is of the same repository") {
		t.Fatal(err, second.Warnings)
	}
	events, err := api.GetEvents.Do(t.Context(), l.person(), api.EventsReq{})
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, e := range events {
		if e.Kind == "rig.added" {
			said = append(said, e.Text)
		}
	}
	want := []string{
		"added rig app from " + l.src + ", landing on main, UNGATED, delivery none",
		"added rig other from " + other + ", landing on main, gates true, delivery none, setup npm ci",
		"added rig again from " + linked + ", landing on main, UNGATED, delivery checkout, agents BYPASS",
	}
	if strings.Join(said, "\n") != strings.Join(want, "\n") {
		t.Errorf("%q", said)
	}
}

// TestARigIsAllOfARepository, whatever path to it is given, and nothing that cannot be one is taken.
func TestARigIsAllOfARepository(t *testing.T) {
	l := newLab(t, "")
	repo := l.repository("repo")
	l.mkdir("repo/sub/deep")
	l.write("repo/sub/deep/file", "x")
	l.git(repo, "add", ".")
	l.git(repo, "commit", "-q", "-m", "second")
	l.git(repo, "checkout", "-q", "-b", "feature/x")
	if err := os.Symlink(filepath.Join(repo, "sub"), filepath.Join(l.root, "link")); err != nil {
		t.Fatal(err)
	}
	l.write("plain", "x")
	l.mkdir("files")
	l.write("files/x", "x")
	add := func(name, source string, more api.RigAddReq) (api.RigAdded, error) {
		more.Name, more.Source = name, source
		return api.RigAdd.Do(t.Context(), l.person(), more)
	}
	got, err := add("sub", filepath.Join(l.root, "link", "deep"), api.RigAddReq{})
	said := strings.Join(got.Warnings, "\n")
	if err != nil || got.Origin != repo || got.Branch != "main" {
		t.Fatal(err, got.Rig)
	}
	for _, want := range []string{repo + "/sub/deep is a part of the repository " + repo, "work lands on main; feature/x, which is checked out there"} {
		if !strings.Contains(said, want) {
			t.Errorf("no %q in:\n%s", want, said)
		}
	}
	if got, err = add("feature", repo, api.RigAddReq{Branch: "feature/x"}); err != nil || got.Branch != "feature/x" || strings.Contains(strings.Join(got.Warnings, "\n"), "work lands on") {
		t.Error(err, got.Branch, got.Warnings)
	}
	for _, tt := range []struct {
		source string
		more   api.RigAddReq
		kind   fault.Kind
		want   string
	}{
		{"", api.RigAddReq{}, fault.Usage, "PATH or URL is empty"},
		{filepath.Join(l.root, "gone"), api.RigAddReq{}, fault.NotFound, "no such directory"},
		{filepath.Join(l.root, "plain"), api.RigAddReq{}, fault.Usage, "is a file"},
		{filepath.Join(l.root, "files"), api.RigAddReq{}, fault.Refused, "has files but is not a git repository"},
		{l.mkdir("repo/new"), api.RigAddReq{}, fault.Refused, "is in the repository " + repo + ", which has no files there"},
		{l.mkdir("T/mayor"), api.RigAddReq{}, fault.Refused, "is the town's own"},
		{filepath.Join(l.dir, "mayor", "app"), api.RigAddReq{}, fault.Refused, "is the town's own"},
		{l.repo(), api.RigAddReq{}, fault.Refused, "is the town's own"},
		{repo, api.RigAddReq{Branch: "gt/x"}, fault.Usage, `rig "bad": branch "gt/x": want a branch`},
		{repo, api.RigAddReq{Branch: "none"}, fault.NotFound, `it has no branch "none"`},
		{repo, api.RigAddReq{Deliver: "push"}, fault.Refused, "deliver push: " + repo + " has no remote to push to"},
		{"file://" + repo, api.RigAddReq{Deliver: "checkout"}, fault.Refused, "is no directory on this machine"},
		{l.mkdir("empty"), api.RigAddReq{Deliver: "push"}, fault.Refused, "is not a git repository, so it has no remote"},
	} {
		if _, err := add("bad", tt.source, tt.more); !fault.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: %v, want %s", tt.source, err, tt.want)
		}
	}
	l.git(l.root, "init", "-q", "--object-format=sha256", "long")
	if _, err := add("bad", filepath.Join(l.root, "long"), api.RigAddReq{}); !fault.Is(err, fault.Refused) || !strings.Contains(err.Error(), "only SHA-1 repositories") || fault.From(err).Hint != "" {
		t.Errorf("%v: %s", err, fault.From(err).Hint)
	}
	if left, err := os.ReadDir(filepath.Join(l.dir, "rigs")); err != nil || len(left) != 3 {
		t.Error(left, err)
	}
}

// TestTheRegistryKnowsRigsOutsideOfTheTown, for as long as they are rigs of this one.
func TestTheRegistryKnowsRigsOutsideOfTheTown(t *testing.T) {
	l := newLab(t, "")
	l.town.deps.Config = l.mkdir("config")
	own, inside, empty := l.repository("own"), l.repository("T/sample"), l.mkdir("empty")
	for name, source := range map[string]string{"own": own, "inside": inside, "empty": empty} {
		if _, err := api.RigAdd.Do(t.Context(), l.person(), api.RigAddReq{Name: name, Source: source}); err != nil {
			t.Fatal(err)
		}
	}
	check := func(want ...string) {
		t.Helper()
		reg, err := config.LoadRegistry(registryPath(l.town.deps.Config))
		if err != nil || strings.Join(keys(reg.Towns), " ") != strings.Join(want, " ") {
			t.Errorf("%v %v, want %v", reg.Towns, err, want)
		}
	}
	check(empty, own)
	if err := config.Register(registryPath(l.town.deps.Config), own, "/another"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"own", "inside", "empty"} {
		if _, err := api.RigRemove.Do(t.Context(), l.person(), api.NameReq{Name: name}); err != nil {
			t.Fatal(err)
		}
	}
	check(own)
}
