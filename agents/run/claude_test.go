package run

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gastown/internal/fault"
)

// claudeIn is Claude Code's files in a new directory, with text as what it remembers; empty: none.
func claudeIn(t *testing.T, text string) (c Claude, path string) {
	t.Helper()
	dir := t.TempDir()
	path = filepath.Join(dir, ".claude.json")
	if text != "" {
		if err := os.WriteFile(path, []byte(text), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	c, ok := ClaudeIn(func(name string) string { return map[string]string{"CLAUDE_CONFIG_DIR": dir}[name] })
	if !ok {
		t.Fatal("no files")
	}
	return c, path
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

const fakeKey = "sk-ant-0123456789abcdefghij"

func TestSettleWritesWhatIsMissing(t *testing.T) {
	all := Answers{Trust: []string{"/t/rigs/app/repo.git", "/t/mayor"}, Key: fakeKey, SignedIn: true}
	for _, c := range []struct {
		name, before string
		answers      Answers
		want         string // spaces do not count; "=": untouched
	}{
		{"no file", "", all,
			`{"hasCompletedOnboarding":true,"customApiKeyResponses":{"approved":["0123456789abcdefghij"],"rejected":[]},"projects":{"/t/rigs/app/repo.git":{"hasTrustDialogAccepted":true},"/t/mayor":{"hasTrustDialogAccepted":true}}}`},
		{"nobody is signed in", "", Answers{Trust: []string{"/t"}}, `{"projects":{"/t":{"hasTrustDialogAccepted":true}}}`},
		{"the rest stays, in its order and to the digit",
			`{"zebra":1e400,"n":12345678901234567890,"projects":{"/else":{"hasTrustDialogAccepted":false,"x":[1, 2]},"/t":{"history":["a<b"],"hasTrustDialogAccepted":false}},"a":null}`,
			Answers{Trust: []string{"/t"}},
			`{"zebra":1e400,"n":12345678901234567890,"projects":{"/else":{"hasTrustDialogAccepted":false,"x":[1,2]},"/t":{"history":["a<b"],"hasTrustDialogAccepted":true}},"a":null}`},
		{"all there", `{"hasCompletedOnboarding":true, "customApiKeyResponses":{"approved":["0123456789abcdefghij"]},"projects":{"/t/mayor":{"hasTrustDialogAccepted":true},"/t/rigs/app/repo.git":{"hasTrustDialogAccepted":true}}}`, all, "="},
		{"a key the person said no to", `{"customApiKeyResponses":{"rejected":["0123456789abcdefghij"]}}`, Answers{Key: fakeKey}, "="},
		{"a second key", `{"customApiKeyResponses":{"approved":["other"],"rejected":["bad"]}}`, Answers{Key: fakeKey},
			`{"customApiKeyResponses":{"approved":["other","0123456789abcdefghij"],"rejected":["bad"]}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			claude, path := claudeIn(t, c.before)
			if err := claude.Settle(t.Context(), c.answers); err != nil {
				t.Fatal(err)
			}
			got := read(t, path)
			if c.want == "=" {
				if got != c.before {
					t.Errorf("it was written: %s", got)
				}
				return
			}
			if flat := strings.Join(strings.Fields(got), ""); flat != strings.Join(strings.Fields(c.want), "") {
				t.Errorf("got  %s\nwant %s", flat, c.want)
			}
			left, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".claude.json?*"))
			if err != nil || len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
			info, err := os.Stat(path)
			if want := map[bool]os.FileMode{true: 0o600, false: 0o640}[c.before == ""]; err != nil || info.Mode().Perm() != want {
				t.Errorf("mode %v, want %v (%v)", info.Mode(), want, err)
			}
		})
	}
}

func TestAKeyIsUsedWhereNobodyIsLoggedIn(t *testing.T) {
	for text, want := range map[string]bool{
		``: true, `{}`: true, `{"oauthAccount":null}`: true, `broken`: true,
		`{"oauthAccount":{"a":1}}`: false,
		`{"oauthAccount":{"a":1},"customApiKeyResponses":{"approved":["0123456789abcdefghij"]}}`: true,
		`{"oauthAccount":{"a":1},"customApiKeyResponses":{"approved":["other"]}}`:                false,
	} {
		claude, _ := claudeIn(t, text)
		if claude.UsesKey(fakeKey) != want {
			t.Errorf("%s: %t", text, !want)
		}
	}
}

func TestSettleLeavesWhatItCannotRead(t *testing.T) {
	for _, text := range []string{
		`{"oauthAccount":"me","proj`, `[]`, `null`, ` `, `{} {}`, `{"projects":[]}`, `{"projects":{"/t":1}}`,
		`{"customApiKeyResponses":{"approved":"x"}}`, "\x00",
	} {
		claude, path := claudeIn(t, text)
		err := claude.Settle(t.Context(), Answers{Trust: []string{"/t"}, Key: fakeKey, SignedIn: true})
		if err == nil || !strings.Contains(err.Error(), path+" cannot be read") || fault.From(err).Hint == "" {
			t.Errorf("%q: %v", text, err)
		}
		if got := read(t, path); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
}

// Several agents start at once, and Claude Code itself takes the same lock to write.
func TestSettleLosesNothingAtOnce(t *testing.T) {
	claude, path := claudeIn(t, `{"numStartups":0}`)
	const writers = 12
	var all sync.WaitGroup
	for i := range writers {
		all.Go(func() {
			if err := claude.Settle(t.Context(), Answers{Trust: []string{fmt.Sprintf("/t/%d", i)}}); err != nil {
				t.Error(err)
			}
		})
		all.Go(func() {
			unlock, err := lockBeside(t.Context(), path)
			if err != nil {
				t.Error(err)
				return
			}
			defer unlock()
			var v map[string]any
			if err := json.Unmarshal([]byte(read(t, path)), &v); err != nil {
				t.Error(err)
				return
			}
			v["numStartups"] = v["numStartups"].(float64) + 1
			data, err := json.Marshal(v)
			if err == nil {
				err = replaceFile(path, data, 0o600)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	var got struct {
		NumStartups int
		Projects    map[string]struct{ HasTrustDialogAccepted bool }
	}
	if err := json.Unmarshal([]byte(read(t, path)), &got); err != nil {
		t.Fatal(err)
	}
	if got.NumStartups != writers || len(got.Projects) != writers {
		t.Errorf("got %+v", got)
	}
}

func TestSettleBreaksTheLockOfTheDead(t *testing.T) {
	claude, path := claudeIn(t, "{}")
	if err := os.Mkdir(path+".lock", 0o700); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-time.Minute)
	if err := os.Chtimes(path+".lock", old, old); err != nil {
		t.Fatal(err)
	}
	if err := claude.Settle(t.Context(), Answers{SignedIn: true}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(read(t, path), "hasCompletedOnboarding") {
		t.Error("nothing was written")
	}
}

func TestSettleFollowsALink(t *testing.T) {
	dir, dots := t.TempDir(), t.TempDir()
	file := filepath.Join(dots, "claude.json")
	if err := os.WriteFile(file, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(file, filepath.Join(dir, ".claude.json")); err != nil {
		t.Fatal(err)
	}
	claude, ok := ClaudeIn(func(name string) string { return map[string]string{"HOME": dir}[name] })
	if !ok {
		t.Fatal("no files")
	}
	if err := claude.Settle(t.Context(), Answers{SignedIn: true}); err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(filepath.Join(dir, ".claude.json"))
	if err != nil || info.Mode()&os.ModeSymlink == 0 || !strings.Contains(read(t, file), "hasCompletedOnboarding") {
		t.Errorf("the link: %v, %v; the file: %s", info, err, read(t, file))
	}
}

func TestClaudeInFindsItsFiles(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, ".claude"), 0o700); err != nil {
		t.Fatal(err)
	}
	at := func(env map[string]string) []string {
		c, ok := ClaudeIn(func(name string) string { return env[name] })
		if !ok {
			return nil
		}
		return []string{c.config, c.home}
	}
	home, conf := map[string]string{"HOME": dir}, map[string]string{"HOME": dir, "CLAUDE_CONFIG_DIR": "/c"}
	if got := at(home); !slices.Equal(got, []string{dir + "/.claude.json", dir + "/.claude"}) {
		t.Errorf("by HOME: %v", got)
	}
	if got := at(conf); !slices.Equal(got, []string{"/c/.claude.json", "/c"}) {
		t.Errorf("by CLAUDE_CONFIG_DIR: %v", got)
	}
	if got := at(nil); got != nil {
		t.Errorf("without either: %v", got)
	}
	if err := os.WriteFile(filepath.Join(dir, ".claude", ".config.json"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := at(home); got[0] != dir+"/.claude/.config.json" {
		t.Errorf("the old place: %v", got)
	}
}

func TestHasSession(t *testing.T) {
	claude, path := claudeIn(t, "{}")
	work := filepath.Join(t.TempDir(), "wt_1.x")
	if err := os.Mkdir(work, 0o700); err != nil {
		t.Fatal(err)
	}
	real, err := filepath.EvalSymlinks(work)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(filepath.Dir(path), "projects", strings.NewReplacer("/", "-", ".", "-", "_", "-").Replace(real))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if claude.HasSession(work, "id-1") {
		t.Error("there is none yet")
	}
	if err := os.WriteFile(filepath.Join(dir, "id-1.jsonl"), []byte("{}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if !claude.HasSession(work, "id-1") || claude.HasSession(filepath.Dir(work), "id-1") {
		t.Error("a session belongs to its directory")
	}
}
