package run

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"gastown/internal/fault"
	"gastown/internal/git"
	"gastown/refinery"
)

// lookAtOnce is how many pull requests one call looks at; the forge allows 100.
const lookAtOnce = 50

// What is asked of every pull request at every look costs the forge two lists each.
const pullRequestFields = `fragment about on PullRequest {
	id number url state isDraft isCrossRepository headRefName headRefOid baseRefName mergeable updatedAt
	mergeCommit { oid }
	comments { totalCount }
	reviews { totalCount }
	reviewThreads { totalCount }
	commits(last: 1) { nodes { commit { statusCheckRollup { contexts(first: 100) { nodes {
		__typename
		... on CheckRun { name status conclusion startedAt detailsUrl checkSuite { workflowRun { event workflow { name } } } }
		... on StatusContext { context state createdAt targetUrl }
	} } } } } }
}`

const lookQuery = `query Look($ids: [ID!]!) { nodes(ids: $ids) { ...about } }
`

const findQuery = `query Find($owner: String!, $name: String!, $head: String!) {
	repository(owner: $owner, name: $name) {
		id
		pullRequests(headRefName: $head, states: [OPEN], first: 50, orderBy: {field: CREATED_AT, direction: DESC}) { nodes { ...about } }
	}
}
`

// What was said is asked for only where something new was.
const remarksQuery = `query Remarks($ids: [ID!]!) {
	nodes(ids: $ids) { ... on PullRequest {
		id
		comments(last: 50) { nodes { id body authorAssociation author { login __typename } } }
		reviews(last: 50) { nodes { id body state authorAssociation author { login __typename } } }
		reviewThreads(last: 50) { nodes { isResolved isOutdated path line originalLine
			comments(first: 30) { nodes { id body authorAssociation author { login __typename } pullRequestReview { state } } }
		} }
	} }
}`

const createMutation = `mutation Create($repo: ID!, $base: String!, $head: String!, $title: String!, $body: String!) {
	createPullRequest(input: {repositoryId: $repo, baseRefName: $base, headRefName: $head, title: $title, body: $body}) { pullRequest { ...about } }
}
`

const (
	describeMutation = `mutation Describe($id: ID!, $title: String!, $body: String!) { updatePullRequest(input: {pullRequestId: $id, title: $title, body: $body}) { clientMutationId } }`
	commentMutation  = `mutation Comment($id: ID!, $body: String!) { addComment(input: {subjectId: $id, body: $body}) { clientMutationId } }`
	closeMutation    = `mutation Close($id: ID!) { closePullRequest(input: {pullRequestId: $id}) { clientMutationId } }`
	draftMutation    = `mutation Draft($id: ID!) { convertPullRequestToDraft(input: {pullRequestId: $id}) { clientMutationId } }`
	readyMutation    = `mutation Ready($id: ID!) { markPullRequestReadyForReview(input: {pullRequestId: $id}) { clientMutationId } }`
)

type nodes[T any] struct {
	Nodes []T `json:"nodes"`
}

type total struct {
	Count int `json:"totalCount"`
}

// about is pullRequestFields as they come.
type about struct {
	ID          string `json:"id"`
	Number      int    `json:"number"`
	URL         string `json:"url"`
	State       string `json:"state"`
	Draft       bool   `json:"isDraft"`
	Fork        bool   `json:"isCrossRepository"`
	Branch      string `json:"headRefName"`
	Head        string `json:"headRefOid"`
	Base        string `json:"baseRefName"`
	Mergeable   string `json:"mergeable"`
	Updated     string `json:"updatedAt"`
	MergeCommit *struct {
		Oid string `json:"oid"`
	} `json:"mergeCommit"`
	Comments total `json:"comments"`
	Reviews  total `json:"reviews"`
	Threads  total `json:"reviewThreads"`
	Commits  nodes[struct {
		Commit struct {
			Rollup *struct {
				Contexts nodes[check] `json:"contexts"`
			} `json:"statusCheckRollup"`
		} `json:"commit"`
	}] `json:"commits"`
}

// check is a run with a conclusion, or a status that somebody set.
type check struct {
	Name       string `json:"name"`
	Status     string `json:"status"`
	Conclusion string `json:"conclusion"`
	Started    string `json:"startedAt"`
	Details    string `json:"detailsUrl"`
	Suite      *struct {
		Run *struct {
			Event    string `json:"event"`
			Workflow struct {
				Name string `json:"name"`
			} `json:"workflow"`
		} `json:"workflowRun"`
	} `json:"checkSuite"`

	Context string `json:"context"`
	State   string `json:"state"`
	Created string `json:"createdAt"`
	Target  string `json:"targetUrl"`
}

func (a about) pullRequest() refinery.PullRequest {
	p := refinery.PullRequest{
		ID: a.ID, Number: a.Number, URL: a.URL, State: a.State, Draft: a.Draft, Fork: a.Fork, Branch: a.Branch, Base: a.Base, Head: a.Head,
		Conflicts: a.Mergeable == "CONFLICTING", Stamp: fmt.Sprint(a.Updated, a.Comments.Count, a.Reviews.Count, a.Threads.Count),
	}
	if a.MergeCommit != nil {
		p.Merge = a.MergeCommit.Oid
	}
	for _, n := range a.Commits.Nodes {
		if n.Commit.Rollup == nil {
			continue
		}
		for _, c := range n.Commit.Rollup.Contexts.Nodes {
			p.Checks = append(p.Checks, c.check())
		}
	}
	return p
}

func (c check) check() refinery.Check {
	if c.Context != "" {
		return refinery.Check{Name: c.Context, State: c.State, Since: c.Created, URL: c.Target}
	}
	out := refinery.Check{Name: c.Name, State: c.Conclusion, Since: c.Started, URL: c.Details}
	if c.Status != "COMPLETED" {
		out.State = c.Status
	}
	if c.Suite != nil && c.Suite.Run != nil {
		out.Of = c.Suite.Run.Workflow.Name + " " + c.Suite.Run.Event
	}
	return out
}

// Look asks how pull requests stand, by their id. One that the forge says does not exist is
// in gone; one that it cannot tell of now is in neither.
func (f Forge) Look(ctx context.Context, ids []string) (prs map[string]refinery.PullRequest, gone map[string]bool, err error) {
	prs, gone = map[string]refinery.PullRequest{}, map[string]bool{}
	for some := range slices.Chunk(ids, lookAtOnce) {
		var out nodes[*about]
		errs, err := f.ask(ctx, lookQuery+pullRequestFields, map[string]any{"ids": some}, &out)
		if err != nil {
			return nil, nil, err
		}
		for i, n := range out.Nodes {
			if n != nil && n.ID != "" && i < len(some) {
				prs[some[i]] = n.pullRequest()
			}
		}
		for _, e := range errs {
			switch i, whole := e.at(); {
			case i < 0 || i >= len(some):
			case whole && e.Type == "NOT_FOUND":
				gone[some[i]] = true
			case !whole:
				if p, ok := prs[some[i]]; ok {
					p.Blind = clean(e.Message)
					prs[some[i]] = p
				}
			}
		}
	}
	return prs, gone, nil
}

// said is one thing that somebody wrote.
type said struct {
	ID     string    `json:"id"`
	Body   string    `json:"body"`
	State  string    `json:"state"` // of a review
	Is     string    `json:"authorAssociation"`
	Review *struct { // that it is part of
		State string `json:"state"`
	} `json:"pullRequestReview"`
	Author *struct {
		Login string `json:"login"`
		Type  string `json:"__typename"`
	} `json:"author"`
}

func (s said) remark(kind refinery.RemarkKind) refinery.Remark {
	r := refinery.Remark{ID: s.ID, Kind: kind, Verdict: s.State, Body: plain(s.Body)}
	if s.Review != nil {
		r.Verdict = s.Review.State
	}
	if s.Author != nil {
		r.Author = clean(s.Author.Login)
		r.Say = s.Author.Type != "Bot" && slices.Contains([]string{"OWNER", "MEMBER", "COLLABORATOR"}, s.Is)
	}
	return r
}

// Remarks asks what was said in pull requests, oldest first by kind.
func (f Forge) Remarks(ctx context.Context, ids []string) (map[string][]refinery.Remark, error) {
	all := map[string][]refinery.Remark{}
	for some := range slices.Chunk(ids, lookAtOnce/5) { // 50 lists each
		var out nodes[*struct {
			ID       string      `json:"id"`
			Comments nodes[said] `json:"comments"`
			Reviews  nodes[said] `json:"reviews"`
			Threads  nodes[struct {
				Resolved bool        `json:"isResolved"`
				Outdated bool        `json:"isOutdated"`
				Path     string      `json:"path"`
				Line     int         `json:"line"`
				Original int         `json:"originalLine"`
				Comments nodes[said] `json:"comments"`
			}] `json:"reviewThreads"`
		}]
		if _, err := f.ask(ctx, remarksQuery, map[string]any{"ids": some}, &out); err != nil {
			return nil, err
		}
		for _, n := range out.Nodes {
			if n == nil {
				continue
			}
			rs := []refinery.Remark{}
			for _, s := range n.Comments.Nodes {
				rs = append(rs, s.remark(refinery.RemarkComment))
			}
			for _, s := range n.Reviews.Nodes {
				rs = append(rs, s.remark(refinery.RemarkReview))
			}
			for _, t := range n.Threads.Nodes {
				for i, s := range t.Comments.Nodes {
					r := s.remark(refinery.RemarkInline)
					r.Path, r.Line, r.Reply, r.Settled = clean(t.Path), t.Line, i > 0, t.Resolved || t.Outdated
					if r.Line == 0 {
						r.Line = t.Original
					}
					rs = append(rs, r)
				}
			}
			all[n.ID] = rs
		}
	}
	return all, nil
}

// Open gives the open pull request of a branch of the repository's own, which is made if there
// is none: somebody's fork may have a branch of that name.
func (f Forge) Open(ctx context.Context, head, base, title, body string) (refinery.PullRequest, error) {
	var found struct {
		Repository *struct {
			ID           string       `json:"id"`
			PullRequests nodes[about] `json:"pullRequests"`
		} `json:"repository"`
	}
	at := f.address()
	errs, err := f.ask(ctx, findQuery+pullRequestFields, map[string]any{"owner": at.owner, "name": at.name, "head": head}, &found)
	if err != nil {
		return refinery.PullRequest{}, err
	}
	if found.Repository == nil {
		return refinery.PullRequest{}, &DownError{Err: fault.Refusedf("gh's account does not see %s/%s: %w", at.owner, at.name, refusal(errs)).WithHint("see who it is: gh auth status")}
	}
	for _, n := range found.Repository.PullRequests.Nodes {
		if !n.Fork && n.Branch == head && n.Base == base {
			return n.pullRequest(), nil
		}
	}
	var made struct {
		Create *struct {
			PullRequest *about `json:"pullRequest"`
		} `json:"createPullRequest"`
	}
	errs, err = f.ask(ctx, createMutation+pullRequestFields, map[string]any{"repo": found.Repository.ID, "base": base, "head": head, "title": title, "body": body}, &made)
	if err == nil && (made.Create == nil || made.Create.PullRequest == nil) {
		err = refusal(errs)
	}
	if err != nil {
		return refinery.PullRequest{}, err
	}
	return made.Create.PullRequest.pullRequest(), nil
}

// Describe gives a pull request another title and text.
func (f Forge) Describe(ctx context.Context, id, title, body string) error {
	return f.change(ctx, describeMutation, map[string]any{"id": id, "title": title, "body": body})
}

// Comment says something in a pull request, marked as the town's own.
func (f Forge) Comment(ctx context.Context, id, text string) error {
	return f.change(ctx, commentMutation, map[string]any{"id": id, "body": text + "\n\n" + refinery.Ours})
}

// Close ends a pull request without a merge.
func (f Forge) Close(ctx context.Context, id string) error {
	return f.change(ctx, closeMutation, map[string]any{"id": id})
}

// Draft makes a pull request one that nobody can merge by mistake. Not every repository has that.
func (f Forge) Draft(ctx context.Context, id string) error {
	return f.change(ctx, draftMutation, map[string]any{"id": id})
}

// Ready takes Draft back.
func (f Forge) Ready(ctx context.Context, id string) error {
	return f.change(ctx, readyMutation, map[string]any{"id": id})
}

func (f Forge) change(ctx context.Context, op string, vars map[string]any) error {
	errs, err := f.ask(ctx, op, vars, &struct{}{})
	if err == nil && len(errs) > 0 {
		err = refusal(errs)
	}
	return err
}

// ErrOthers is a branch of ours over there that has commits which we never pushed.
var ErrOthers = errors.New("has commits of somebody else")

// Propose pushes a commit to a branch of our own over there. What we pushed to it before (ours)
// is replaced where the commit does not go on from it; what others pushed is not.
func (r *Runner) Propose(ctx context.Context, to, head, tip string, ours []string) error {
	if !strings.HasPrefix(head, "gt/") {
		return fmt.Errorf("propose %s: %q is no branch of ours", tip, head)
	}
	have, err := r.remoteTip(ctx, to, branchRef(head))
	if err != nil || have == tip {
		return err
	}
	ahead := have == ""
	if !ahead {
		if ahead, err = r.Repo.Within(ctx, have, tip); err != nil {
			return fmt.Errorf("compare with %q: %w", git.Shown(to), err)
		}
	}
	if ahead {
		return r.push(ctx, Delivery{Commit: tip, Branch: head}, to, have)
	}
	if !slices.Contains(ours, have) {
		return fault.Refusedf("%s of %s (%.9s): %w", head, git.Shown(to), have, ErrOthers)
	}
	ctx, cancel := limited(ctx, carryLimit)
	defer cancel()
	if err := r.Repo.PushLFS(ctx, to, tip); err != nil {
		return err
	}
	return r.Repo.PushOver(ctx, to, tip, branchRef(head), have)
}
