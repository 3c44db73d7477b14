package beads

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Decode reads Beads JSONL. It is all or nothing: one bad line is an error that names its number.
// now fills in times that are missing. What was in progress, hooked or blocked elsewhere comes in as
// open, pinned and unknown statuses as deferred, with the old word in metadata. A missing priority is
// 0, as bd has it. A dependency that cannot be is left out and is a Problem.
func Decode(r io.Reader, now time.Time) (*Import, error) {
	in := &Import{}
	seen := map[ID]int{}
	sc := bufio.NewScanner(r)
	sc.Buffer(make([]byte, 0, 64<<10), maxLine)
	n := 0
	for sc.Scan() {
		n++
		line := bytes.TrimSpace(sc.Bytes())
		if n == 1 {
			line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
		}
		if len(line) == 0 {
			continue
		}
		if err := in.line(line, n, now.UTC(), seen); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
	}
	if err := sc.Err(); err != nil {
		if errors.Is(err, bufio.ErrTooLong) {
			err = fmt.Errorf("longer than %d MB", maxLine>>20)
		}
		return nil, fmt.Errorf("line %d: %w", n+1, err)
	}
	return in, nil
}

func (in *Import) line(line []byte, n int, now time.Time, seen map[ID]int) error {
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(line, &fields); err != nil {
		return notAnObject(err)
	}
	if _, header := fields["_schema"]; header {
		in.Counts.Skipped++
		return nil
	}
	switch kind := text(fields["_type"]); kind {
	case "memory":
		in.Memories = append(in.Memories, Memory{Key: text(fields["key"]), Value: text(fields["value"])})
		in.Counts.Memories++
		return nil
	case "", "issue":
	default:
		return fmt.Errorf("_type %q: neither issue nor memory", kind)
	}
	if text(fields["status"]) == "tombstone" {
		in.Counts.Skipped++
		return nil
	}
	l, problems, err := decodeIssue(fields, now)
	if err != nil {
		return err
	}
	b := l.Bead
	l.N = n
	for _, p := range problems {
		in.Problems = append(in.Problems, Problem{Line: n, Msg: p, Severity: SevWarning})
	}
	in.Counts.Dependencies += len(b.Dependencies)
	in.Counts.Comments += len(b.Comments)
	if at, twice := seen[b.ID]; twice && b.ID != "" {
		in.Problems = append(in.Problems, Problem{Line: n, Msg: fmt.Sprintf("bead %q again: the last line counts", b.ID), Severity: SevWarning})
		in.Lines[at] = l
		return nil
	}
	seen[b.ID] = len(in.Lines)
	in.Lines = append(in.Lines, l)
	in.Counts.Beads++
	return nil
}

// notAnObject says in plain words why a line cannot be read.
func notAnObject(err error) error {
	const want = "want one bead a line, as `gastown bead export` and `bd export` write them"
	var bad *json.SyntaxError
	if errors.As(err, &bad) {
		return fmt.Errorf("not JSON from character %d on; %s", bad.Offset, want)
	}
	return fmt.Errorf("not a JSON object; %s", want)
}

// decodeIssue makes a bead of the fields of a line, and says what it left out. The id may be empty.
func decodeIssue(fields map[string]json.RawMessage, now time.Time) (Line, []string, error) {
	l := Line{has: map[string]bool{}, word: Status(text(fields["status"]))}
	for name, raw := range fields {
		l.has[name] = string(raw) != "null"
	}
	for _, name := range []string{"_type", "dependency_count", "dependent_count", "comment_count", "parent"} {
		delete(fields, name)
	}
	if raw, ok := fields["wisp"]; ok { // legacy
		delete(fields, "wisp")
		if string(raw) == "true" {
			fields["ephemeral"] = raw
		}
	}
	own, ownKind := text(fields[ownStatus]), text(fields[ownType])
	delete(fields, ownStatus)
	delete(fields, ownType)
	var b Bead
	r := reader{fields: fields}
	r.take("id", &b.ID)
	r.take("title", &b.Title)
	r.take("description", &b.Description)
	r.take("design", &b.Design)
	r.take("acceptance_criteria", &b.AcceptanceCriteria)
	r.take("notes", &b.Notes)
	r.take("status", &b.Status)
	r.take("priority", &b.Priority)
	r.take("issue_type", &b.Type)
	r.take("assignee", &b.Assignee)
	r.take("labels", &b.Labels)
	r.take("estimated_minutes", &b.EstimatedMinutes)
	r.take("external_ref", &b.ExternalRef)
	r.take("created_at", &b.CreatedAt)
	r.take("created_by", &b.CreatedBy)
	r.take("updated_at", &b.UpdatedAt)
	r.take("started_at", &b.StartedAt)
	r.take("closed_at", &b.ClosedAt)
	r.take("close_reason", &b.CloseReason)
	r.take("due_at", &b.DueAt)
	r.take("defer_until", &b.DeferUntil)
	r.take("metadata", &b.Metadata)
	r.dependencies(&b)
	r.comments(&b)
	if r.err != nil {
		return l, nil, r.err
	}
	// Other programs may have fields of these names and another meaning: keep what does not fit.
	r.try("rig", &b.Rig)
	r.try("agent", &b.Agent)
	r.try("reason", &b.Reason)
	r.try("result", &b.Result)
	r.try("merge_commit", &b.MergeCommit)
	b.Type = normalType(b.Type)
	if ownKind != "" {
		b.Type = Type(ownKind)
	}
	b.NeedsCode = b.Type.NeedsCode()
	r.try("needs_code", &b.NeedsCode)
	if len(fields) > 0 {
		b.Extra = make(map[string]json.RawMessage, len(fields))
		for name, raw := range fields {
			b.Extra[name] = slices.Clone(raw)
		}
	}
	l.Bead = &b
	return l, r.problems, settle(&b, own, now)
}

// settle fills in and checks what the format leaves open.
func settle(b *Bead, own string, now time.Time) error {
	switch {
	case b.ID != "" && !ValidID(b.ID):
		return fmt.Errorf("id %q: want no spaces, no control characters, no hyphen in front, at most %d bytes", Clean(string(b.ID), 60), maxID)
	case strings.TrimSpace(b.Title) == "":
		return errors.New("no title")
	case len([]rune(b.Title)) > maxTitle:
		return fmt.Errorf("title of more than %d characters", maxTitle)
	case b.Priority < 0 || b.Priority > 4:
		return fmt.Errorf("priority %d, want 0 (highest) to 4", b.Priority)
	}
	if string(b.Metadata) == "null" {
		b.Metadata = nil
	}
	if b.CreatedAt.IsZero() {
		b.CreatedAt = now
	}
	if b.UpdatedAt.IsZero() {
		b.UpdatedAt = now
	}
	was := b.Status
	switch b.Status {
	case "":
		b.Status, was = Open, Open
	case Open, Deferred, Closed:
	case "in_progress", "hooked", "blocked":
		b.Status = Open
		if own != "" {
			b.Assignee = "" // a polecat of ours that is at it no more
		}
		if own == string(NeedsYou) {
			b.Status = NeedsYou
		}
	default:
		b.Status = Deferred
	}
	if b.Status != was && own == "" {
		b.Metadata = keepStatus(b.Metadata, string(was))
	}
	switch {
	case b.Status != Closed:
		b.ClosedAt, b.CloseReason = nil, ""
	case b.ClosedAt == nil:
		b.ClosedAt = new(b.UpdatedAt)
	}
	return nil
}

// keepStatus is metadata with the word of a status added; metadata that is not an object moves into one.
func keepStatus(meta json.RawMessage, word string) json.RawMessage {
	m := map[string]json.RawMessage{}
	if len(meta) > 0 && json.Unmarshal(meta, &m) != nil {
		m = map[string]json.RawMessage{"metadata": meta}
	}
	if m == nil {
		m = map[string]json.RawMessage{}
	}
	m[statusKey] = json.RawMessage(strconv.Quote(word))
	if raw, err := marshal(word); err == nil {
		m[statusKey] = raw
	}
	raw, err := marshal(m)
	if err != nil {
		return meta
	}
	return raw
}

// normalType maps bd's aliases; no type is a task.
func normalType(t Type) Type {
	switch strings.ToLower(string(t)) {
	case "":
		return Task
	case "enhancement", "feat":
		return Feature
	case "dec", "adr":
		return Decision
	}
	return t
}

// reader takes fields out of a line; what is left at the end is unknown.
type reader struct {
	fields   map[string]json.RawMessage
	problems []string
	err      error
}

func (r *reader) take(name string, into any) {
	raw, ok := r.fields[name]
	if !ok || r.err != nil {
		return
	}
	delete(r.fields, name)
	if err := json.Unmarshal(raw, into); err != nil {
		r.err = fmt.Errorf("field %q: want %s, not %s", name, wanted(into), Clean(string(raw), 40))
	}
}

// wanted names the kind of value that a field holds.
func wanted(into any) string {
	switch into.(type) {
	case *string, *ID, *Status, *Type:
		return "text"
	case *int:
		return "a whole number"
	case *time.Time, **time.Time:
		return "a time such as 2026-01-02T15:04:05Z"
	case *[]string:
		return "a list of texts"
	}
	return "a list of objects"
}

func (r *reader) try(name string, into any) {
	if raw, ok := r.fields[name]; ok && json.Unmarshal(raw, into) == nil {
		delete(r.fields, name)
	}
}

func (r *reader) dependencies(b *Bead) {
	var raw []json.RawMessage
	r.take("dependencies", &raw)
	seen := map[ID]bool{}
	skip := func(format string, args ...any) {
		r.problems = append(r.problems, fmt.Sprintf("dependency of bead %q left out: ", b.ID)+fmt.Sprintf(format, args...))
	}
	for _, one := range raw {
		var d Dependency
		err := json.Unmarshal(one, &d)
		if d.IssueID == "" {
			d.IssueID = b.ID
		}
		if d.Type == "" {
			d.Type = Blocks
		}
		switch {
		case err != nil:
			skip("%s is not an object with depends_on_id", Clean(string(one), 40))
		case !ValidID(d.DependsOn):
			skip("on %q, which is not an id", Clean(string(d.DependsOn), 60))
		case d.IssueID != b.ID:
			skip("it is %q's", d.IssueID)
		case d.DependsOn == b.ID:
			skip("on itself")
		case seen[d.DependsOn]:
			skip("on %q twice", d.DependsOn)
		case len(d.Type) > maxDepType:
			skip("type of more than %d characters", maxDepType)
		default:
			seen[d.DependsOn] = true
			b.Dependencies = append(b.Dependencies, d)
		}
	}
}

func (r *reader) comments(b *Bead) {
	var raw []struct {
		ID        json.RawMessage `json:"id"` // a number in old exports
		IssueID   ID              `json:"issue_id"`
		Author    string          `json:"author"`
		Text      string          `json:"text"`
		CreatedAt time.Time       `json:"created_at"`
	}
	r.take("comments", &raw)
	for _, c := range raw {
		id := text(c.ID)
		if id == "" {
			id = string(c.ID)
		}
		b.Comments = append(b.Comments, Comment{ID: id, IssueID: b.ID, Author: c.Author, Text: c.Text, CreatedAt: c.CreatedAt})
	}
}

// text is the string that raw holds; "" if it is anything else.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}
