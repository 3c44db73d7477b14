package run

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"gastown/internal/fault"
	"gastown/internal/git"
	"gastown/internal/proc"
)

// forgeLimit bounds one call of gh.
const forgeLimit = time.Minute

// Forge is where pull requests are: GitHub, by the person's own gh program.
type Forge struct {
	Env  []string // the person's login environment
	Dir  string   // to run in; outside of any repository
	Repo string   // address of the repository
}

// PullRequest is what the forge says of one.
type PullRequest struct {
	Number      int       `json:"number"`
	URL         string    `json:"url"`
	State       string    `json:"state"` // OPEN, CLOSED or MERGED
	Head        string    `json:"headRefOid"`
	Mergeable   string    `json:"mergeable"`
	MergeCommit *forgeOid `json:"mergeCommit"`
	Comments    []Remark  `json:"comments"`
	Reviews     []Remark  `json:"reviews"`
	Checks      []Check   `json:"statusCheckRollup"`
}

type forgeOid struct {
	Oid string `json:"oid"`
}

// Remark is a comment or a review.
type Remark struct {
	ID    string `json:"id"`
	Body  string `json:"body"`
	State string `json:"state"` // of a review
	// Association is what the author is to the repository, in GitHub's words.
	Association string `json:"authorAssociation"`
	Author      struct {
		Login string `json:"login"`
	} `json:"author"`
}

// heard reports whether the author has a say there. Anybody may comment on a public
// repository, and what is heard becomes an agent's task.
func (r Remark) heard() bool {
	switch r.Association {
	case "", "OWNER", "MEMBER", "COLLABORATOR":
		return true
	}
	return false
}

// Check is one check of the forge: a run with a conclusion, or a status.
type Check struct {
	Name       string `json:"name"`
	Context    string `json:"context"`
	Status     string `json:"status"`
	Conclusion string `json:"conclusion"`
	State      string `json:"state"`
	URL        string `json:"detailsUrl"`
}

const viewFields = "number,url,state,headRefOid,mergeable,mergeCommit,comments,reviews,statusCheckRollup"

// Open gives the pull request of a branch, which is made if there is none that is open.
func (f Forge) Open(ctx context.Context, head, base, title, body string) (PullRequest, error) {
	if pr, err := f.find(ctx, head); err != nil || pr.Number != 0 {
		return pr, err
	}
	_, err := f.gh(ctx, body, "pr", "create", "--head", head, "--base", base, "--title", title, "--body-file", "-")
	if err != nil {
		return PullRequest{}, err
	}
	pr, err := f.find(ctx, head)
	if err == nil && pr.Number == 0 {
		err = fault.Failf("gh made a pull request of %s and does not list it", head)
	}
	return pr, err
}

func (f Forge) find(ctx context.Context, head string) (PullRequest, error) {
	out, err := f.gh(ctx, "", "pr", "list", "--head", head, "--state", "open", "--json", "number,url")
	if err != nil {
		return PullRequest{}, err
	}
	var prs []PullRequest
	if err := json.Unmarshal(out, &prs); err != nil {
		return PullRequest{}, fmt.Errorf("read what gh says: %w", err)
	}
	if len(prs) == 0 {
		return PullRequest{}, nil
	}
	return prs[0], nil
}

// View asks how a pull request stands.
func (f Forge) View(ctx context.Context, number int) (pr PullRequest, err error) {
	out, err := f.gh(ctx, "", "pr", "view", strconv.Itoa(number), "--json", viewFields)
	if err == nil {
		if err = json.Unmarshal(out, &pr); err != nil {
			err = fmt.Errorf("read what gh says: %w", err)
		}
	}
	return pr, err
}

// Close ends a pull request without a merge; one that is closed already is fine with gh.
func (f Forge) Close(ctx context.Context, number int) error {
	_, err := f.gh(ctx, "", "pr", "close", strconv.Itoa(number))
	return err
}

func (f Forge) gh(ctx context.Context, in string, args ...string) ([]byte, error) {
	ctx, cancel := limited(ctx, forgeLimit)
	defer cancel()
	var out, errs bytes.Buffer
	argv := append([]string{"gh"}, args...)
	argv = append(argv, "--repo", git.Shown(f.Repo))
	env := append([]string{"GH_PROMPT_DISABLED=1", "GH_NO_UPDATE_NOTIFIER=1", "NO_COLOR=1"}, f.Env...)
	code, err := proc.Run(ctx, proc.Cmd{Argv: argv, Dir: f.Dir, Env: env, Stdin: strings.NewReader(in), Stdout: &out, Stderr: &errs})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fault.Refusedf("the program gh is not installed, and pull requests need it").WithHint("install it (cli.github.com), then: gh auth login")
	case err != nil:
		return nil, fmt.Errorf("gh %s %s: %w", args[0], args[1], err)
	case code == 4: // gh's own code for "not logged in"
		return nil, fault.Refusedf("gh is not logged in").WithHint("run: gh auth login")
	case code != 0:
		line, _, _ := strings.Cut(strings.TrimSpace(errs.String()), "\n")
		return nil, fault.Failf("gh %s %s: exit %d: %s", args[0], args[1], code, clean(line))
	}
	return out.Bytes(), nil
}

// Returned is why a pull request goes back to its bead, with the text for the agent; empty:
// it does not. seen are remarks that were told before; told are all of them now.
func (p PullRequest) Returned(tip string, seen []string) (why, text string, told []string) {
	known := map[string]bool{}
	for _, id := range seen {
		known[id] = true
	}
	var b strings.Builder
	said := 0
	for _, r := range append(append([]Remark{}, p.Comments...), p.Reviews...) {
		told = append(told, r.ID)
		if !r.heard() || known[r.ID] || strings.TrimSpace(r.Body) == "" && r.State != "CHANGES_REQUESTED" || r.State == "APPROVED" {
			continue
		}
		said++
		fmt.Fprintf(&b, "%s wrote (%s):\n%s\n\n", clean(r.Author.Login), clean(strings.ToLower(r.State+" comment")), plain(r.Body))
	}
	red := p.redChecks()
	switch {
	case p.State == "MERGED":
		return "", "", told
	case p.State == "CLOSED":
		why = "its pull request was closed without being merged"
	case said > 0:
		why = fmt.Sprintf("%d comments on its pull request ask for changes", said)
	case p.Head == tip && len(red) > 0:
		why = "checks of its pull request fail: " + strings.Join(red, ", ")
	case p.Head == tip && p.Mergeable == "CONFLICTING":
		why = "its pull request conflicts with the branch it is for"
	default:
		return "", "", told
	}
	return why, "Pull request: " + clean(p.URL) + "\n\n" + b.String(), told
}

// redChecks names the checks that failed, once none runs any more.
func (p PullRequest) redChecks() (red []string) {
	for _, c := range p.Checks {
		name := c.Name
		if name == "" {
			name = c.Context
		}
		switch {
		case c.Status != "" && c.Status != "COMPLETED", c.State == "PENDING", c.State == "EXPECTED":
			return nil
		case c.Conclusion == "FAILURE", c.Conclusion == "TIMED_OUT", c.Conclusion == "STARTUP_FAILURE", c.State == "FAILURE", c.State == "ERROR":
			red = append(red, strings.TrimSpace(clean(name)+" "+clean(c.URL)))
		}
	}
	return red
}

// Propose pushes a bead's tip to a branch of its own over there.
func (r *Runner) Propose(ctx context.Context, to, head, tip string) error {
	have, err := r.remoteTip(ctx, to, branchRef(head))
	if err != nil || have == tip {
		return err
	}
	if have != "" {
		if found, err := r.Repo.Lookup(ctx, have); err != nil || found[0] == "" {
			return errors.Join(err, fault.Refusedf("%s of %s has commits of somebody else (%.9s)", head, git.Shown(to), have))
		}
	}
	return r.push(ctx, Delivery{Commit: tip, Branch: head}, to, have)
}
