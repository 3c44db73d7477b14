package run

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gastown/internal/fault"
	"gastown/refinery"
)

// fakeGh is a forge whose gh prints out and ends with code.
func fakeGh(t *testing.T, out, errs string, code string) Forge {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"out": out, "errs": errs,
		"gh": "#!/bin/sh\ncat > in\ncat errs >&2\ncat out\nexit " + code + "\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return Forge{Dir: dir, Env: []string{"PATH=" + dir + ":" + os.Getenv("PATH")}, Repo: "https://github.com/ada/app.git"}
}

const okHead = "HTTP/2.0 200 OK\nContent-Type: application/json\r\n\r\n"

func TestAddressOfARepository(t *testing.T) {
	for repo, want := range map[string]address{
		"https://github.com/ada/app.git":           {"github.com", "ada", "app"},
		"https://me:secret@GitHub.com/ada/app":     {"github.com", "ada", "app"},
		"git@github.com:ada/app.git":               {"github.com", "ada", "app"},
		"ssh://git@ssh.github.com:443/ada/app.git": {"github.com", "ada", "app"},
		"https://git.example.org/ada/app/":         {"git.example.org", "ada", "app"},
		"git@work:ada/app.git":                     {"", "ada", "app"},
		"/srv/ada/app.git":                         {"", "ada", "app"},
	} {
		if got := (Forge{Repo: repo}).address(); got != want {
			t.Errorf("%s: %+v", repo, got)
		}
	}
}

func TestAForgeThatAnswersNothing(t *testing.T) {
	spent := "HTTP/2.0 200 OK\nDate: Mon, 02 Jan 2006 15:04:05 GMT\r\nX-Ratelimit-Remaining: 0\r\nX-Ratelimit-Reset: 1136216645\r\n\r\n" + `{"errors":[{"type":"RATE_LIMITED","message":"x"}]}`
	for name, tc := range map[string]struct {
		out, errs, code string
		want, hint      string
		limit           bool
		wait            time.Duration
	}{
		"not logged in":      {errs: "To get started with GitHub CLI, please run:  gh auth login\n", code: "4", want: "gh is not logged in", hint: "gh auth login"},
		"a token that ended": {out: "HTTP/2.0 401 Unauthorized\nX: y\r\n\r\n{\"message\":\"Bad credentials\"}", code: "1", want: "gh is not logged in"},
		"no network":         {errs: "error connecting to api.github.com\ncheck your internet connection\n", code: "1", want: "exit 1: error connecting to api.github.com"},
		"out of order":       {out: "HTTP/2.0 502 Bad Gateway\nX: y\r\n\r\n<html>", code: "1", want: "status 502"},
		"asked too often":    {out: spent, code: "1", want: "asked too often", limit: true, wait: 40 * time.Minute},
		"asked too fast":     {out: "HTTP/2.0 403 Forbidden\nRetry-After: 60\r\n\r\n{\"message\":\"You have exceeded a secondary rate limit\"}", code: "1", want: "asked too often", limit: true, wait: time.Minute},
		"forbidden":          {out: "HTTP/2.0 403 Forbidden\nX-Ratelimit-Remaining: 9\r\n\r\n{\"message\":\"SAML\"}", code: "1", want: "status 403: SAML"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := fakeGh(t, tc.out, tc.errs, tc.code).Look(t.Context(), []string{"a"})
			var down *DownError
			if !errors.As(err, &down) || !strings.Contains(err.Error(), tc.want) || down.Limit != tc.limit || down.Wait != tc.wait {
				t.Fatalf("%v (%+v)", err, down)
			}
			if hint := fault.From(err).Hint; !strings.Contains(hint, tc.hint) {
				t.Errorf("hint %q", hint)
			}
		})
	}
	var down *DownError
	if _, _, err := (Forge{Dir: t.TempDir(), Env: []string{"PATH=/nowhere"}}).Look(t.Context(), []string{"a"}); !errors.As(err, &down) || !strings.Contains(err.Error(), "gh is not installed") {
		t.Error(err)
	}
}

func TestWhatIsWrongWithOneIsSaidOfThatOne(t *testing.T) {
	f := fakeGh(t, okHead+`{"data":{"nodes":[null,
		{"id":"b","number":2,"state":"OPEN","isDraft":true,"headRefOid":"h","mergeable":"CONFLICTING","mergeCommit":null,"commits":{"nodes":[{"commit":{"statusCheckRollup":null}}]}},
		null,
		{"id":"d","state":"MERGED","mergeCommit":{"oid":"m"},"commits":{"nodes":[{"commit":{"statusCheckRollup":{"contexts":{"nodes":[
			{"__typename":"CheckRun","name":"ci","status":"COMPLETED","conclusion":"FAILURE","startedAt":"t","detailsUrl":"u","checkSuite":{"workflowRun":{"event":"push","workflow":{"name":"w"}}}},
			{"__typename":"CheckRun","name":"slow","status":"IN_PROGRESS","conclusion":null,"checkSuite":{"workflowRun":null}},
			{"__typename":"StatusContext","context":"old","state":"ERROR","targetUrl":"v"}]}}}}]}}]},
		"errors":[{"type":"NOT_FOUND","path":["nodes",0],"message":"gone"},{"type":"FORBIDDEN","path":["nodes",1,"commits"],"message":"no checks for you"},{"message":"Something went wrong","path":["nodes",2]}]}`, "gh: gone\n", "1")
	prs, gone, err := f.Look(t.Context(), []string{"a", "b", "c", "d"})
	if err != nil || len(prs) != 2 || len(gone) != 1 || !gone["a"] {
		t.Fatalf("%+v, gone %v, %v", prs, gone, err)
	}
	if p := prs["b"]; !p.Draft || !p.Conflicts || p.Blind != "no checks for you" || p.Head != "h" || p.Merge != "" {
		t.Errorf("%+v", p)
	}
	want := []refinery.Check{{Name: "ci", Of: "w push", State: "FAILURE", Since: "t", URL: "u"}, {Name: "slow", State: "IN_PROGRESS"}, {Name: "old", State: "ERROR", URL: "v"}}
	p := prs["d"]
	if p.Merge != "m" || len(p.Checks) != 3 {
		t.Fatalf("%+v", p)
	}
	for i, c := range p.Checks {
		if c != want[i] {
			t.Errorf("%+v", c)
		}
	}
	if in, err := os.ReadFile(filepath.Join(f.Dir, "in")); err != nil || !strings.Contains(string(in), `"variables":{"ids":["a","b","c","d"]}`) {
		t.Errorf("%s %v", in, err)
	}
}

func TestWhoHasASay(t *testing.T) {
	f := fakeGh(t, okHead+`{"data":{"nodes":[{"id":"a","comments":{"nodes":[
		{"id":"1","body":"one\u001b[31m","authorAssociation":"OWNER","author":{"login":"ada","__typename":"User"}},
		{"id":"2","body":"two","authorAssociation":"CONTRIBUTOR","author":{"login":"eve","__typename":"User"}},
		{"id":"3","body":"three","authorAssociation":"MEMBER","author":{"login":"lint","__typename":"Bot"}},
		{"id":"4","body":"four","authorAssociation":"NONE","author":null}]},
		"reviews":{"nodes":[{"id":"5","body":"","state":"CHANGES_REQUESTED","authorAssociation":"COLLABORATOR","author":{"login":"bob","__typename":"User"}}]},
		"reviewThreads":{"nodes":[{"isResolved":false,"isOutdated":true,"path":"a.go","line":null,"originalLine":4,"comments":{"nodes":[
			{"id":"6","body":"why","authorAssociation":"MEMBER","author":{"login":"bob","__typename":"User"},"pullRequestReview":{"state":"COMMENTED"}},
			{"id":"7","body":"so","authorAssociation":"OWNER","author":{"login":"ada","__typename":"User"},"pullRequestReview":null}]}}]}}]}}`, "", "0")
	got, err := f.Remarks(t.Context(), []string{"a"})
	if err != nil || len(got["a"]) != 7 {
		t.Fatalf("%+v %v", got, err)
	}
	var say []string
	for _, r := range got["a"] {
		if r.Say {
			say = append(say, r.ID)
		}
	}
	if s := strings.Join(say, ""); s != "1567" {
		t.Errorf("heard: %s", s)
	}
	if r := got["a"][0]; r.Body != "one" || r.Kind != refinery.RemarkComment {
		t.Errorf("%+v", r)
	}
	if r := got["a"][5]; r.Kind != refinery.RemarkInline || r.Path != "a.go" || r.Line != 4 || !r.Settled || r.Reply || r.Verdict != "COMMENTED" {
		t.Errorf("%+v", r)
	}
	if r := got["a"][6]; !r.Reply {
		t.Errorf("%+v", r)
	}
}

func TestARepositoryThatGhDoesNotSee(t *testing.T) {
	f := fakeGh(t, okHead+`{"data":{"repository":null},"errors":[{"type":"NOT_FOUND","path":["repository"],"message":"Could not resolve to a Repository with the name 'ada/app'."}]}`, "", "1")
	_, err := f.Open(t.Context(), "gt/ma-1", "main", "t", "b")
	var down *DownError
	if !errors.As(err, &down) || !strings.Contains(err.Error(), "does not see ada/app") || fault.From(err).Hint == "" {
		t.Errorf("%v", err)
	}
	f = fakeGh(t, okHead+`{"data":{"closePullRequest":null},"errors":[{"type":"FORBIDDEN","path":["closePullRequest"],"message":"not yours"}]}`, "", "1")
	if err := f.Close(t.Context(), "a"); errors.As(err, &down) || err == nil || !strings.Contains(err.Error(), "the forge refuses: not yours") {
		t.Errorf("%v", err)
	}
}

func TestOnlyBranchesOfOursAreProposed(t *testing.T) {
	r := newRig(t)
	if err := r.run.Propose(t.Context(), r.repo.Dir(), "main", r.root, []string{r.root}); err == nil {
		t.Error("main can be pushed over")
	}
}
