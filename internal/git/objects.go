package git

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"gastown/internal/fault"
)

// NewCommit is a commit to be made. Equal values give the same hash.
type NewCommit struct {
	Tree    string // required
	Parents []string
	Message string
	Author  Ident // required, with When
	// Committer is the author when zero.
	Committer Ident
}

// CommitTree makes a commit object and returns its hash. No ref moves.
func (r *Repo) CommitTree(ctx context.Context, n NewCommit) (string, error) {
	if err := checkRevs(append([]string{n.Tree}, n.Parents...)...); err != nil {
		return "", err
	}
	if n.Committer == (Ident{}) {
		n.Committer = n.Author
	}
	args := []string{"commit-tree", "-F", "-"}
	for _, p := range n.Parents {
		args = append(args, "-p", p)
	}
	c := r.call(append(args, n.Tree)...)
	msg := strings.TrimRight(n.Message, "\n")
	if msg == "" {
		msg = "(no message)"
	}
	c.in = []byte(msg + "\n")
	c.env = append(append([]string{}, c.env...), n.Author.env("AUTHOR")...)
	c.env = append(c.env, n.Committer.env("COMMITTER")...)
	_, out, err := r.g.run(ctx, c)
	if err != nil {
		return "", fmt.Errorf("commit tree %s: %w", short(n.Tree), err)
	}
	return strings.TrimSpace(string(out)), nil
}

// Stage is one side of a conflict in the index: 1 base, 2 ours, 3 theirs.
type Stage struct {
	Stage int
	Mode  string // "100644"
	Hash  string
}

// Conflict is a path that two commits changed in ways git cannot join.
type Conflict struct {
	Path   string
	Stages []Stage
}

// Merge is the outcome of MergeTree.
type Merge struct {
	Tree      string // with conflict markers when not Clean
	Clean     bool
	Conflicts []Conflict
}

// MergeTree merges commits a (ours) and b (theirs) without touching a worktree or
// ref. A conflict is an outcome, not an error; unrelated histories are an error.
func (r *Repo) MergeTree(ctx context.Context, a, b string) (Merge, error) {
	if err := checkRevs(a, b); err != nil {
		return Merge{}, err
	}
	if err := r.cleanConfig(ctx, r.configFiles()...); err != nil {
		return Merge{}, err
	}
	c := r.call("merge-tree", "--write-tree", "--no-messages", "-z", a, b)
	c.okCode = 1
	code, out, err := r.g.run(ctx, c)
	if err != nil {
		return Merge{}, fmt.Errorf("merge %s and %s: %w", short(a), short(b), err)
	}
	f := splitNUL(out)
	if len(f) == 0 || !isHash(f[0]) { // code 1 without output: not a conflict but a refusal
		return Merge{}, fmt.Errorf("merge %s and %s: git gave no tree", short(a), short(b))
	}
	m := Merge{Tree: f[0], Clean: code == 0}
	for _, line := range f[1:] {
		info, path, ok := strings.Cut(line, "\t")
		p := strings.Fields(info)
		if !ok || len(p) != 3 {
			continue
		}
		stage, _ := strconv.Atoi(p[2])
		if n := len(m.Conflicts); n == 0 || m.Conflicts[n-1].Path != path {
			m.Conflicts = append(m.Conflicts, Conflict{Path: path})
		}
		last := &m.Conflicts[len(m.Conflicts)-1]
		last.Stages = append(last.Stages, Stage{stage, p[0], p[1]})
	}
	return m, nil
}

// EmptyTree writes the empty tree and returns its hash.
func (r *Repo) EmptyTree(ctx context.Context) (string, error) {
	return r.MakeTree(ctx, nil)
}

// TreeEntry is one entry of a flat tree for MakeTree.
type TreeEntry struct {
	Mode string // "100644", "040000"
	Type string // "blob", "tree", "commit"
	Hash string
	Name string // one path element
}

// MakeTree writes a tree of exactly these entries (any order) and returns its hash.
func (r *Repo) MakeTree(ctx context.Context, entries []TreeEntry) (string, error) {
	c := r.call("mktree", "-z", "--missing")
	var in bytes.Buffer
	for _, e := range entries {
		fmt.Fprintf(&in, "%s %s %s\t%s\x00", e.Mode, e.Type, e.Hash, e.Name)
	}
	c.in = in.Bytes()
	_, out, err := r.g.run(ctx, c)
	if err != nil {
		return "", fmt.Errorf("write tree: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// WriteBlob stores data as it is and returns its hash.
func (r *Repo) WriteBlob(ctx context.Context, data []byte) (string, error) {
	c := r.call("hash-object", "-w", "--stdin")
	c.in = data
	_, out, err := r.g.run(ctx, c)
	if err != nil {
		return "", fmt.Errorf("write blob: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// HashFiles stores the bytes of files (absolute paths, not symbolic links) as
// blobs, without any conversion, and returns their hashes in order.
func (r *Repo) HashFiles(ctx context.Context, paths []string) ([]string, error) {
	if len(paths) == 0 {
		return nil, nil
	}
	var in bytes.Buffer
	for _, p := range paths {
		in.WriteString(quotePath(p) + "\n")
	}
	c := r.call("hash-object", "-w", "--no-filters", "--stdin-paths")
	c.in = in.Bytes()
	_, out, err := r.g.run(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("store %d files: %w", len(paths), err)
	}
	hashes := strings.Fields(string(out))
	if len(hashes) != len(paths) {
		return nil, fmt.Errorf("store %d files: %d hashes", len(paths), len(hashes))
	}
	return hashes, nil
}

// quotePath writes p so that it is one line: as git's own quoting where needed.
func quotePath(p string) string {
	if !strings.ContainsAny(p, "\n\r\"\\") {
		return p
	}
	var b strings.Builder
	b.WriteByte('"')
	for i := 0; i < len(p); i++ {
		switch c := p[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c == 0x7f:
			fmt.Fprintf(&b, "\\%03o", c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// Show returns the content of rev:path, at most max bytes (0: 64 MiB). A path
// that is not a file there is ErrNotExist; a larger file is an error.
func (r *Repo) Show(ctx context.Context, rev, path string, maxBytes int64) ([]byte, error) {
	if err := checkRev(rev); err != nil {
		return nil, err
	}
	if err := checkPath(path); err != nil {
		return nil, err
	}
	if strings.Contains(path, "\n") {
		return nil, fmt.Errorf("show %q: %w", path, ErrBadName)
	}
	if maxBytes == 0 {
		maxBytes = 64 << 20
	}
	var data []byte
	err := r.Blobs(ctx, []string{rev + ":" + path}, func(_ int, size int64, content io.Reader) error {
		if size > maxBytes {
			return fault.Refusedf("it has %d bytes, more than %d", size, maxBytes)
		}
		var err error
		data, err = io.ReadAll(content)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("show %s:%s: %w", short(rev), path, err)
	}
	return data, nil
}

// Blobs calls f with the size and content of each object, in order, from one
// process. f may leave content unread. A missing object, or one that is not a
// blob, is ErrNotExist.
func (r *Repo) Blobs(ctx context.Context, names []string, f func(i int, size int64, content io.Reader) error) error {
	if len(names) == 0 {
		return nil
	}
	c := r.call("cat-file", "--batch")
	c.in = []byte(strings.Join(names, "\n") + "\n")
	pr, pw := io.Pipe()
	c.out = pw
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		_, _, err := r.g.run(ctx, c)
		pw.CloseWithError(err) // nil: end of file
		ended <- err
	}()
	err := eachBlob(bufio.NewReaderSize(pr, 64<<10), names, f)
	pr.CloseWithError(io.ErrClosedPipe)
	if err != nil {
		cancel()
		<-ended
		return err
	}
	if err := <-ended; err != nil {
		return fmt.Errorf("read objects: %w", err)
	}
	return nil
}

func eachBlob(in *bufio.Reader, names []string, f func(int, int64, io.Reader) error) error {
	for i, name := range names {
		head, err := in.ReadString('\n')
		if err != nil {
			return fmt.Errorf("read object %q: %w", name, err)
		}
		p := strings.Fields(head)
		if len(p) < 3 || !isHash(p[0]) || p[1] != "blob" {
			return fmt.Errorf("read object %q: %w", name, ErrNotExist)
		}
		size, err := strconv.ParseInt(p[2], 10, 64)
		if err != nil {
			return fmt.Errorf("read object %q: %w", name, err)
		}
		content := io.LimitReader(in, size)
		if err := f(i, size, content); err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, content); err != nil {
			return fmt.Errorf("read object %q: %w", name, err)
		}
		if _, err := in.Discard(1); err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read object %q: %w", name, err)
		}
	}
	return nil
}

// InitRoot gives an unborn branch (a full ref) its first commit: an empty tree.
// Create-only: when the branch exists already its commit is returned and nothing
// changes, so it can be repeated.
func (r *Repo) InitRoot(ctx context.Context, branch string, who Ident, message string) (string, error) {
	if h, err := r.Lookup(ctx, branch); err != nil || h[0] != "" {
		return strings.Join(h, ""), err
	}
	tree, err := r.EmptyTree(ctx)
	if err != nil {
		return "", err
	}
	if who.When.IsZero() {
		who.When = time.Unix(0, 0)
	}
	commit, err := r.CommitTree(ctx, NewCommit{Tree: tree, Message: message, Author: who})
	if err != nil {
		return "", err
	}
	err = r.UpdateRef(ctx, branch, commit, ZeroHash, "gastown: first commit")
	if cas := (*CASError)(nil); errors.As(err, &cas) {
		return cas.Have, nil // somebody else made it
	}
	return commit, err
}
