package run

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/textproto"
	"path"
	"strconv"
	"strings"
	"time"

	"gastown/internal/fault"
	"gastown/internal/git"
	"gastown/internal/proc"
)

// forgeLimit bounds one call of gh.
const forgeLimit = time.Minute

// Forge is where pull requests are: GitHub, by the person's own gh program. All of it goes
// through GraphQL: one call looks at every pull request of a rig, and what is wrong with one
// of them is said of that one, by a type and not in words.
type Forge struct {
	Env  []string // the person's login environment
	Dir  string   // to run in; outside of any repository
	Repo string   // address of the repository
}

// DownError is a forge that answers nothing now, whatever it is asked.
type DownError struct {
	Limit bool          // its account has asked too much
	Wait  time.Duration // until it answers again, where it said so
	Err   error
}

func (e *DownError) Error() string { return e.Err.Error() }
func (e *DownError) Unwrap() error { return e.Err }

// forgeError is one thing that the forge says is wrong with what it was asked.
type forgeError struct {
	Type    string `json:"type"`
	Path    []any  `json:"path"`
	Message string `json:"message"`
}

// at is the index of the node that the error is about, and whether about all of it.
func (e forgeError) at() (i int, whole bool) {
	if len(e.Path) < 2 || e.Path[0] != "nodes" {
		return -1, false
	}
	n, ok := e.Path[1].(float64)
	if !ok {
		return -1, false
	}
	return int(n), len(e.Path) == 2
}

// ask performs one operation, and gives what the forge says is wrong with parts of it beside
// the rest. Without any data that is an error.
func (f Forge) ask(ctx context.Context, op string, vars map[string]any, out any) ([]forgeError, error) {
	in, err := json.Marshal(map[string]any{"query": op, "variables": vars})
	if err != nil {
		return nil, err
	}
	resp, err := f.gh(ctx, in)
	if err != nil {
		return nil, &DownError{Err: err}
	}
	var said struct {
		Message string          `json:"message"` // of a refusal
		Data    json.RawMessage `json:"data"`
		Errors  []forgeError    `json:"errors"`
	}
	bad := json.Unmarshal(resp.body, &said)
	if wait, limited := resp.limited(said.Errors); limited {
		return nil, &DownError{Limit: true, Wait: wait, Err: fault.Refusedf("the forge answers this account no more for now: it was asked too often")}
	}
	switch {
	case resp.status == http.StatusUnauthorized:
		return nil, &DownError{Err: loggedOut()}
	case resp.status != http.StatusOK:
		return nil, &DownError{Err: fault.Failf("the forge answers with status %d: %s", resp.status, clean(said.Message))}
	case bad != nil:
		return nil, &DownError{Err: fmt.Errorf("read what gh says: %w", bad)}
	}
	if len(said.Data) == 0 || string(said.Data) == "null" {
		return nil, refusal(said.Errors)
	}
	return said.Errors, json.Unmarshal(said.Data, out)
}

// refusal is what the forge said instead of doing what it was asked.
func refusal(errs []forgeError) error {
	if len(errs) == 0 {
		return fault.Failf("the forge gives no answer")
	}
	return fault.Refusedf("the forge refuses: %s", clean(errs[0].Message))
}

// answered is one HTTP answer, as gh prints it.
type answered struct {
	status int
	header textproto.MIMEHeader
	body   []byte
}

// limited reports whether the answer is that the account has asked too much, and for how long
// that holds, by the forge's own clock; 0: it does not say.
func (a answered) limited(errs []forgeError) (time.Duration, bool) {
	spent := a.header.Get("X-Ratelimit-Remaining") == "0"
	is := a.status == http.StatusTooManyRequests || a.status == http.StatusForbidden && (spent || a.header.Get("Retry-After") != "")
	for _, e := range errs {
		is = is || e.Type == "RATE_LIMITED"
	}
	if !is {
		return 0, false
	}
	if n, err := strconv.Atoi(a.header.Get("Retry-After")); err == nil {
		return time.Duration(n) * time.Second, true
	}
	at, err := strconv.ParseInt(a.header.Get("X-Ratelimit-Reset"), 10, 64)
	now, derr := http.ParseTime(a.header.Get("Date"))
	if err != nil || derr != nil || !spent {
		return 0, true
	}
	return max(time.Unix(at, 0).Sub(now), time.Second), true
}

func loggedOut() error { return fault.Refusedf("gh is not logged in").WithHint("run: gh auth login") }

// gh sends one operation. An answer of the forge is no error, whatever its status.
func (f Forge) gh(ctx context.Context, in []byte) (a answered, err error) {
	ctx, cancel := limited(ctx, forgeLimit)
	defer cancel()
	var out, errs bytes.Buffer
	argv := []string{"gh", "api", "graphql", "--include", "--input", "-"}
	if host := f.address().host; host != "" {
		argv = append(argv, "--hostname", host)
	}
	env := append([]string{"GH_PROMPT_DISABLED=1", "GH_NO_UPDATE_NOTIFIER=1", "NO_COLOR=1"}, f.Env...)
	code, err := proc.Run(ctx, proc.Cmd{Argv: argv, Dir: f.Dir, Env: env, Stdin: bytes.NewReader(in), Stdout: &out, Stderr: &errs})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return a, fault.Refusedf("the program gh is not installed, and pull requests need it").WithHint("install it (cli.github.com), then: gh auth login")
	case err != nil:
		return a, fmt.Errorf("gh api: %w", err)
	case code == 4: // gh's own code for "not logged in"
		return a, loggedOut()
	}
	if a, err = readAnswer(&out); err != nil {
		line, _, _ := strings.Cut(strings.TrimSpace(errs.String()), "\n")
		return a, fault.Failf("gh api: exit %d: %s", code, clean(line))
	}
	return a, nil
}

// readAnswer reads a status line, headers and a body.
func readAnswer(r io.Reader) (a answered, err error) {
	tp := textproto.NewReader(bufio.NewReader(r))
	line, err := tp.ReadLine()
	if err != nil {
		return a, err
	}
	words := strings.Fields(line)
	if len(words) < 2 || !strings.HasPrefix(words[0], "HTTP/") {
		return a, fmt.Errorf("no status line: %q", clean(line))
	}
	if a.status, err = strconv.Atoi(words[1]); err != nil {
		return a, err
	}
	if a.header, err = tp.ReadMIMEHeader(); err != nil {
		return a, err
	}
	a.body, err = io.ReadAll(tp.R)
	return a, err
}

// address is the repository as the forge names it.
type address struct{ host, owner, name string }

// address reads the forms that git takes: a URL, user@host:path, or a directory, which has no
// host. A host without a dot is a name of the person's own ssh settings: gh's default is meant.
func (f Forge) address() address {
	at := git.Shown(f.Repo)
	var a address
	switch {
	case git.IsLocal(at):
	case strings.Contains(at, "://"):
		_, rest, _ := strings.Cut(at, "://")
		a.host, at, _ = strings.Cut(rest, "/")
	default:
		a.host, at, _ = strings.Cut(at, ":")
	}
	a.host = a.host[strings.LastIndex(a.host, "@")+1:]
	a.host, _, _ = strings.Cut(a.host, ":")
	if a.host = strings.TrimPrefix(strings.TrimPrefix(strings.ToLower(a.host), "www."), "ssh."); !strings.Contains(a.host, ".") {
		a.host = ""
	}
	at = strings.TrimSuffix(strings.Trim(at, "/"), ".git")
	a.owner, a.name = path.Base(path.Dir(at)), path.Base(at)
	return a
}
