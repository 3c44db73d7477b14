package worktree

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"gastown/internal/git"
)

// captured is the uncommitted state of a worktree as objects in the repository.
// Equal states give equal values; the worktree and its index are not touched.
type captured struct {
	head     git.Head
	clean    bool
	state    state
	stat     git.Stat
	index    string   // tree
	work     string   // tree
	loose    string   // tree of untracked files
	meta     string   // tree
	mentions []string // commits that operation files name
}

const zeroMode = "0 " + git.ZeroHash + "\t"

// file is one path to be stored.
type file struct {
	path string // in the tree
	mode string // "" : not there
	disk string // absolute path of its bytes
	hash string // filled by store
}

// capture reads the worktree. A file that changes meanwhile can make it an error;
// the caller may try again.
func capture(ctx context.Context, wt *git.Worktree) (captured, error) {
	st, err := wt.Status(ctx, git.WithIgnored)
	if err != nil {
		return captured{}, err
	}
	c := captured{head: git.Head{Branch: st.Branch, Commit: st.Head}}
	ops, opName, err := operationFiles(wt.GitDir())
	if err != nil {
		return captured{}, err
	}
	c.state = state{Version: stateVersion, Head: st.Head, Unborn: st.Head == "", Branch: st.Branch, Operation: opName, Lost: toBytes(st.Ignored)}
	if st.Clean() && opName == "" && st.Head != "" {
		c.clean = true
		return c, nil
	}
	tmp, err := scratch(wt)
	if err != nil {
		return captured{}, err
	}
	defer os.RemoveAll(tmp)

	b := &builder{wt: wt, tmp: tmp, c: &c}
	if err := b.markIntents(ctx, &st); err != nil {
		return captured{}, err
	}
	tracked, loose, err := b.collect(st)
	if err != nil {
		return captured{}, err
	}
	if err := b.store(ctx, tracked, loose, ops); err != nil {
		return captured{}, err
	}
	if err := b.trees(ctx, st, tracked, loose); err != nil {
		return captured{}, err
	}
	return c, b.metaTree(ctx, st, ops)
}

// scratch makes a directory for temporary indexes inside the worktree's private
// git directory: same file system, not seen by status, gone with the worktree.
func scratch(wt *git.Worktree) (string, error) {
	dir, err := os.MkdirTemp(wt.GitDir(), "gastown-")
	if err != nil {
		return "", fmt.Errorf("make scratch directory: %w", err)
	}
	return dir, nil
}

// builder makes the objects of one capture.
type builder struct {
	wt    *git.Worktree
	tmp   string
	c     *captured
	links int
}

// markIntents finds deleted files that are in the index by `git add -N` only. The
// status shows them as files of HEAD that are empty; HEAD does not have them.
func (b *builder) markIntents(ctx context.Context, st *git.Status) error {
	suspects := map[string]int{}
	args := []string{"--literal-pathspecs", "ls-tree", "-z", "--name-only", "--full-tree", st.Head, "--"}
	for i, e := range st.Entries {
		if e.Index == '.' && e.Work == 'D' && (e.IndexHash == emptyBlob || e.IndexHash == emptyBlob256) {
			suspects[e.Path] = i
			args = append(args, e.Path)
		}
	}
	if len(suspects) == 0 || st.Head == "" {
		return nil
	}
	out, err := b.wt.Run(ctx, nil, "", args...)
	if err != nil {
		return fmt.Errorf("look for intents to add: %w", err)
	}
	for _, p := range strings.Split(string(out), "\x00") {
		delete(suspects, p)
	}
	for _, i := range suspects {
		st.Entries[i].IndexMode = "000000" // as the status shows one whose file is there
	}
	return nil
}

// The empty blob in repositories of either hash.
const (
	emptyBlob    = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
	emptyBlob256 = "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813"
)

// collect finds what is on disk for every path that differs.
func (b *builder) collect(st git.Status) (tracked, loose []*file, err error) {
	for _, e := range st.Entries {
		b.c.state.Files = append(b.c.state.Files, []byte(e.Path))
		if ie, ok := indexOf(e); ok {
			b.c.state.Index = append(b.c.state.Index, ie)
		}
		f, err := b.onDisk(e.Path)
		if err != nil {
			return nil, nil, err
		}
		if f.mode == "dir" && strings.HasPrefix(e.Submodule, "S") {
			f.mode = "160000" // the commit comes from update-index; what is changed in there is not kept
			if e.Submodule != "S..." {
				b.lose(e.Path + "/ (commits and changes inside a submodule)")
			}
		} else if f.mode == "dir" || (e.Index == 'D' && !e.Unmerged) {
			f.mode = "" // what is there is untracked: a directory, or a file no longer in the index
		}
		tracked = append(tracked, f)
	}
	for _, p := range st.Untracked {
		more, err := b.untracked(p)
		if err != nil {
			return nil, nil, err
		}
		loose = append(loose, more...)
	}
	return tracked, loose, nil
}

// indexOf is what the index holds for a path, when that differs from HEAD.
func indexOf(e git.Entry) (indexEntry, bool) {
	ie := indexEntry{Path: []byte(e.Path)}
	switch {
	case e.Unmerged:
		for i, h := range e.StageHashes {
			if strings.Trim(e.StageModes[i], "0") != "" {
				ie.Stages = append(ie.Stages, git.Stage{Stage: i + 1, Mode: e.StageModes[i], Hash: h})
			}
		}
	case e.IntentToAdd():
		ie.IntentToAdd = true
	case e.Index == '.':
		return ie, false
	case e.Index == 'D':
		ie.Mode = "0"
	default:
		ie.Mode, ie.Hash = e.IndexMode, e.IndexHash
	}
	return ie, true
}

// onDisk looks at one path. Links become files with their target, in tmp.
func (b *builder) onDisk(path string) (*file, error) {
	f := &file{path: path, disk: filepath.Join(b.wt.Path(), path)}
	st, err := os.Lstat(f.disk)
	switch {
	case errors.Is(err, fs.ErrNotExist) || isNotDir(err):
		return f, nil
	case err != nil:
		return nil, err
	case st.IsDir():
		f.mode = "dir"
	case st.Mode()&fs.ModeSymlink != 0:
		target, err := os.Readlink(f.disk)
		if err != nil {
			return nil, err
		}
		b.links++
		f.mode, f.disk = "120000", filepath.Join(b.tmp, "link"+strconv.Itoa(b.links))
		return f, os.WriteFile(f.disk, []byte(target), 0o600)
	case st.Mode().IsRegular() && st.Mode().Perm()&0o100 != 0:
		f.mode = "100755"
	case st.Mode().IsRegular():
		f.mode = "100644"
	default:
		b.lose(path + " (not a regular file)")
	}
	return f, nil
}

// untracked finds the files of one untracked path; one that ends in "/" is a
// repository of its own, whose files are kept and whose history is not.
func (b *builder) untracked(path string) ([]*file, error) {
	if !strings.HasSuffix(path, "/") {
		f, err := b.onDisk(path)
		if err != nil || f.mode == "" {
			return nil, err
		}
		b.c.state.Files = append(b.c.state.Files, []byte(path))
		return []*file{f}, nil
	}
	b.lose(path + ".git (a repository inside the worktree)")
	var files []*file
	err := filepath.WalkDir(filepath.Join(b.wt.Path(), path), func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.Name() == ".git" {
			if d.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		rel, err := filepath.Rel(b.wt.Path(), p)
		if err != nil || d.IsDir() {
			return err
		}
		more, err := b.untracked(filepath.ToSlash(rel))
		files = append(files, more...)
		return err
	})
	return files, err
}

func (b *builder) lose(what string) { b.c.state.Lost = append(b.c.state.Lost, []byte(what)) }

// store writes the bytes of all files and of state.json in one process.
func (b *builder) store(ctx context.Context, lists ...[]*file) error {
	var paths []string
	var to []*file
	for _, list := range lists {
		for _, f := range list {
			if f.mode != "" && f.mode != "160000" {
				paths, to = append(paths, f.disk), append(to, f)
			}
		}
	}
	hashes, err := b.wt.Repo().HashFiles(ctx, paths)
	if err != nil {
		return err
	}
	for i, h := range hashes {
		to[i].hash = h
	}
	return nil
}

// trees writes the trees of the index, of the tracked files and of the untracked ones.
func (b *builder) trees(ctx context.Context, st git.Status, tracked, loose []*file) error {
	index := filepath.Join(b.tmp, "index")
	if err := copyFile(filepath.Join(b.wt.GitDir(), "index"), index); err != nil {
		return err
	}
	var in bytes.Buffer
	for _, e := range st.Entries {
		if e.Unmerged { // a tree has no stages: ours, or nothing
			in.WriteString(zeroMode + e.Path + "\x00")
			if strings.Trim(e.StageModes[1], "0") != "" {
				fmt.Fprintf(&in, "%s %s\t%s\x00", e.StageModes[1], e.StageHashes[1], e.Path)
			}
		}
	}
	var err error
	if b.c.index, err = b.writeTree(ctx, index, in.Bytes()); err != nil {
		return fmt.Errorf("keep the index: %w", err)
	}
	in.Reset()
	var subs bytes.Buffer
	for _, f := range tracked {
		switch f.mode {
		case "":
			in.WriteString(zeroMode + f.path + "\x00")
		case "160000":
			subs.WriteString(f.path + "\x00")
		}
	}
	for _, f := range tracked {
		if f.hash != "" {
			fmt.Fprintf(&in, "%s %s\t%s\x00", f.mode, f.hash, f.path)
		}
	}
	if subs.Len() > 0 {
		if _, err := b.wt.Run(ctx, subs.Bytes(), index, "update-index", "--add", "-z", "--stdin"); err != nil {
			return fmt.Errorf("keep submodules: %w", err)
		}
	}
	if b.c.work, err = b.writeTree(ctx, index, in.Bytes()); err != nil {
		return fmt.Errorf("keep tracked files: %w", err)
	}
	if b.c.loose, err = b.fileTree(ctx, "loose", loose); err != nil {
		return fmt.Errorf("keep untracked files: %w", err)
	}
	return b.measure(ctx, st)
}

// measure counts the change for lists; it is not part of what is kept.
func (b *builder) measure(ctx context.Context, st git.Status) error {
	empty, err := b.wt.Repo().EmptyTree(ctx)
	if err != nil {
		return err
	}
	base := st.Head
	if base == "" {
		base = empty
	}
	s, err := b.wt.Repo().DiffStat(ctx, base, b.c.work)
	if err != nil {
		return err
	}
	u, err := b.wt.Repo().DiffStat(ctx, empty, b.c.loose)
	b.c.stat = git.Stat{Files: len(b.c.state.Files), Added: s.Added + u.Added, Removed: s.Removed + u.Removed}
	return err
}

// writeTree applies index-info lines to an index file and writes its tree.
func (b *builder) writeTree(ctx context.Context, index string, info []byte) (string, error) {
	if len(info) > 0 {
		if _, err := b.wt.Run(ctx, info, index, "update-index", "-z", "--index-info"); err != nil {
			return "", err
		}
	}
	out, err := b.wt.Run(ctx, nil, index, "write-tree", "--missing-ok")
	return strings.TrimSpace(string(out)), err
}

// fileTree is a tree of exactly these files.
func (b *builder) fileTree(ctx context.Context, name string, files []*file) (string, error) {
	var in bytes.Buffer
	for _, f := range files {
		fmt.Fprintf(&in, "%s %s\t%s\x00", f.mode, f.hash, f.path)
	}
	return b.writeTree(ctx, filepath.Join(b.tmp, name), in.Bytes())
}

// metaTree keeps what a tree cannot say: conflicts, intents, operations.
func (b *builder) metaTree(ctx context.Context, st git.Status, ops []*file) error {
	data, err := json.Marshal(b.c.state)
	if err != nil {
		return err
	}
	js := &file{path: "state.json", mode: "100644", disk: filepath.Join(b.tmp, "state.json")}
	if err := os.WriteFile(js.disk, data, 0o600); err != nil {
		return err
	}
	if err := b.store(ctx, []*file{js}); err != nil {
		return err
	}
	files := append([]*file{js}, ops...)
	for _, e := range st.Entries {
		for i, h := range e.StageHashes {
			if e.Unmerged && strings.HasPrefix(e.StageModes[i], "1") && e.StageModes[i] != "160000" {
				files = append(files, &file{path: "stages/" + h, mode: "100644", hash: h})
			}
		}
	}
	if b.c.meta, err = b.fileTree(ctx, "meta", files); err != nil {
		return fmt.Errorf("keep the state: %w", err)
	}
	b.c.mentions, err = b.mentioned(ctx, ops)
	return err
}
