package town

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"
)

// standIn is a forge: what it knows is one file, which the program gh of a test (this test
// binary) and the test itself change in turn. It answers as GitHub does by `gh api graphql`.
type standIn struct {
	Hub       string // the repository behind it
	PRs       []*standPR
	Asked     []string // operations, in order
	LoggedOut bool
	Limit     int  // seconds until it answers again
	NoDrafts  bool // the repository's plan has none
	Die       bool // the next pull request is made, and the answer is lost
}

type standPR struct {
	Number   int
	State    string
	Branch   string
	Base     string
	Title    string
	Body     string
	Draft    bool
	Fork     bool
	Gone     bool
	Clash    bool // it conflicts with its base
	Merge    string
	Changes  int
	Fails    string // every change of it is refused with this
	Comments []standSaid
	Reviews  []standSaid
	Threads  []standThread
	Checks   []map[string]any
}

type standSaid struct {
	By   string // of the author; "bot" is a program
	Is   string // to the repository; empty: a member
	Text string
	Was  string // CHANGES_REQUESTED, ...; of a remark on a line: its review's
}

type standThread struct {
	Path     string
	Line     int
	Resolved bool
	Said     []standSaid
}

// open reads the forge in a directory, and gives the function that writes it.
func openStandIn(dir string) (*standIn, func() error, error) {
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return nil, nil, err
	}
	s := &standIn{}
	data, err := os.ReadFile(filepath.Join(dir, "forge.json"))
	if err == nil {
		err = json.Unmarshal(data, s)
	}
	return s, func() error {
		defer lock.Close()
		data, err := json.MarshalIndent(s, "", " ")
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, "forge.json"), data, 0o600)
	}, err
}

var operation = regexp.MustCompile(`^(?:query|mutation) (\w+)`)

// ghMain is the program gh of a test.
func ghMain(dir string) int {
	s, save, err := openStandIn(dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := s.gh(os.Args[1:], os.Stdin)
	if err := save(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

func (s *standIn) gh(args []string, in io.Reader) int {
	if strings.Join(args, " ") != "api graphql --include --input -" {
		fmt.Fprintln(os.Stderr, "unknown command:", args)
		return 1
	}
	var req struct {
		Query     string
		Variables map[string]any
	}
	if err := json.NewDecoder(in).Decode(&req); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	op := operation.FindStringSubmatch(req.Query)
	if op == nil {
		fmt.Fprintln(os.Stderr, "no operation:", req.Query)
		return 1
	}
	s.Asked = append(s.Asked, op[1])
	if s.LoggedOut {
		fmt.Fprintln(os.Stderr, "To get started with GitHub CLI, please run:  gh auth login")
		return 4
	}
	now := time.Now()
	headers := "Date: " + now.UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT") + "\r\n"
	if s.Limit > 0 {
		headers += fmt.Sprintf("X-Ratelimit-Remaining: 0\r\nX-Ratelimit-Reset: %d\r\n", now.Unix()+int64(s.Limit))
		fmt.Printf("HTTP/2.0 200 OK\n%s\r\n%s", headers, `{"errors":[{"type":"RATE_LIMITED","message":"API rate limit exceeded for user ID 1."}]}`)
		fmt.Fprintln(os.Stderr, "gh: API rate limit exceeded for user ID 1.")
		return 1
	}
	data, errs := s.do(op[1], req.Variables)
	if s.Die && op[1] == "Create" {
		s.Die = false
		fmt.Fprintln(os.Stderr, "connection reset by peer")
		return 1
	}
	answer := map[string]any{"data": data}
	if len(errs) > 0 {
		answer["errors"] = errs
	}
	out, err := json.Marshal(answer)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Printf("HTTP/2.0 200 OK\n%s\r\n%s", headers, out)
	if len(errs) > 0 {
		fmt.Fprintln(os.Stderr, "gh:", errs[0]["message"])
		return 1
	}
	return 0
}

type any1 = map[string]any

func (s *standIn) do(op string, vars any1) (data any, errs []any1) {
	str := func(name string) string { v, _ := vars[name].(string); return v }
	switch op {
	case "Look", "Remarks":
		ids, _ := vars["ids"].([]any)
		nodes := []any{}
		for i, id := range ids {
			p := s.pr(id.(string))
			switch {
			case p == nil || p.Gone:
				nodes = append(nodes, nil)
				errs = append(errs, any1{"type": "NOT_FOUND", "path": []any{"nodes", i}, "message": fmt.Sprintf("Could not resolve to a node with the global id of '%s'", id)})
			case op == "Look":
				nodes = append(nodes, s.about(p))
			default:
				nodes = append(nodes, p.remarks())
			}
		}
		return any1{"nodes": nodes}, errs
	case "Find":
		nodes := []any{}
		for _, p := range s.PRs {
			if p.Branch == str("head") && p.State == "OPEN" && !p.Gone {
				nodes = append(nodes, s.about(p))
			}
		}
		return any1{"repository": any1{"id": "R1", "pullRequests": any1{"nodes": nodes}}}, nil
	case "Create":
		p := &standPR{Number: len(s.PRs) + 1, State: "OPEN", Branch: str("head"), Base: str("base"), Title: str("title"), Body: str("body")}
		s.PRs = append(s.PRs, p)
		return any1{"createPullRequest": any1{"pullRequest": s.about(p)}}, nil
	}
	p := s.pr(str("id"))
	if p == nil || p.Gone {
		return nil, []any1{{"type": "NOT_FOUND", "path": []any{"x"}, "message": "Could not resolve to a node"}}
	}
	refuse := p.Fails
	if op == "Draft" && s.NoDrafts {
		refuse = "you do not have permission to convert the pull request to draft."
	}
	if refuse != "" {
		return any1{"x": nil}, []any1{{"type": "FORBIDDEN", "path": []any{"x"}, "message": refuse}}
	}
	p.Changes++
	switch op {
	case "Describe":
		p.Title, p.Body = str("title"), str("body")
	case "Comment":
		p.Comments = append(p.Comments, standSaid{By: "me", Is: "OWNER", Text: str("body")})
	case "Close":
		p.State = "CLOSED"
	case "Draft", "Ready":
		p.Draft = op == "Draft"
	}
	return any1{"x": any1{"clientMutationId": nil}}, nil
}

func (s *standIn) pr(id string) *standPR {
	for _, p := range s.PRs {
		if id == fmt.Sprintf("PR_%d", p.Number) {
			return p
		}
	}
	return nil
}

func (s *standIn) about(p *standPR) any {
	head := ""
	if out, err := exec.Command("git", "-C", s.Hub, "rev-parse", p.Branch).Output(); err == nil && !p.Fork {
		head = strings.TrimSpace(string(out))
	}
	var merged, rollup any
	if p.Merge != "" {
		merged = any1{"oid": p.Merge}
	}
	mergeable := "UNKNOWN"
	if p.Clash {
		mergeable = "CONFLICTING"
	}
	if len(p.Checks) > 0 {
		rollup = any1{"contexts": any1{"nodes": p.Checks}}
	}
	return any1{
		"id": fmt.Sprintf("PR_%d", p.Number), "number": p.Number, "url": fmt.Sprintf("https://forge.example/%d", p.Number), "state": p.State,
		"isDraft": p.Draft, "isCrossRepository": p.Fork, "headRefName": p.Branch, "headRefOid": head, "baseRefName": p.Base, "mergeable": mergeable,
		"updatedAt": fmt.Sprint(p.Changes), "mergeCommit": merged, "comments": any1{"totalCount": len(p.Comments)},
		"reviews": any1{"totalCount": len(p.Reviews)}, "reviewThreads": any1{"totalCount": len(p.Threads)},
		"commits": any1{"nodes": []any{any1{"commit": any1{"statusCheckRollup": rollup}}}},
	}
}

func (p *standPR) remarks() any {
	list := func(what string, said []standSaid) any {
		nodes := []any{}
		for i, x := range said {
			typ, is := "User", x.Is
			if x.By == "bot" {
				typ = "Bot"
			}
			if is == "" {
				is = "MEMBER"
			}
			n := any1{"id": fmt.Sprintf("%s_%d_%d", what, p.Number, i), "body": x.Text, "authorAssociation": is, "author": any1{"login": x.By, "__typename": typ}}
			if what == "review" {
				n["state"] = x.Was
			} else if x.Was != "" {
				n["pullRequestReview"] = any1{"state": x.Was}
			}
			nodes = append(nodes, n)
		}
		return any1{"nodes": nodes}
	}
	threads := []any{}
	for i, t := range p.Threads {
		threads = append(threads, any1{"isResolved": t.Resolved, "isOutdated": false, "path": t.Path, "line": t.Line, "comments": list(fmt.Sprintf("line%d", i), t.Said)})
	}
	return any1{"id": fmt.Sprintf("PR_%d", p.Number), "comments": list("comment", p.Comments), "reviews": list("review", p.Reviews), "reviewThreads": any1{"nodes": threads}}
}
