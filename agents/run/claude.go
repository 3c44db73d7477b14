package run

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"gastown/internal/fault"
)

// Claude is where Claude Code keeps its files for one agent, by the agent's environment.
type Claude struct {
	config string // .claude.json: what it was asked once and remembers
	home   string // the directory with its transcripts
}

// ClaudeIn finds the files by $CLAUDE_CONFIG_DIR or $HOME; without either there are none.
func ClaudeIn(getenv func(string) string) (Claude, bool) {
	c := Claude{home: getenv("CLAUDE_CONFIG_DIR")}
	switch home := getenv("HOME"); {
	case c.home != "":
		c.config = filepath.Join(c.home, ".claude.json")
	case home != "":
		c.home, c.config = filepath.Join(home, ".claude"), filepath.Join(home, ".claude.json")
	default:
		return c, false
	}
	old := filepath.Join(c.home, ".config.json") // where versions before 1.0 had it
	if _, err := os.Stat(c.config); errors.Is(err, fs.ErrNotExist) {
		if info, err := os.Stat(old); err == nil && info.Mode().IsRegular() && info.Size() > 0 {
			c.config = old
		}
	}
	return c, true
}

// Times of Claude Code's lock on its file, which is a directory beside it: what is older is of a
// program that died. Its own waits are shorter than lockWait.
const (
	lockStale = 10 * time.Second
	lockWait  = 5 * time.Second
	lockRetry = 20 * time.Millisecond
)

// Answers are what a person would be asked before Claude Code's first prompt.
type Answers struct {
	Trust []string // repositories and directories that are the town's own
	// Key is the API key that the agent is given, and SignedIn whether it has any such: then there
	// is nobody to log in, and the tour is over.
	Key      string
	SignedIn bool
}

// Settle writes answers that are missing into Claude Code's file. It keeps everything else in it
// as it is, writes nothing where nothing is missing, and refuses to touch a file it cannot read.
func (c Claude) Settle(ctx context.Context, a Answers) error {
	path := c.config
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real // a link into somebody's dot files stays one
	}
	if data, err := os.ReadFile(path); err == nil {
		if next, err := a.apply(path, data); err != nil || next == nil {
			return err
		}
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("settle Claude Code: %w", err)
	}
	unlock, err := lockBeside(ctx, path)
	if err != nil {
		return err
	}
	defer unlock()
	mode := fs.FileMode(0o600)
	data, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		data = []byte("{}")
	case err != nil:
		return fmt.Errorf("settle Claude Code: %w", err)
	default:
		if info, err := os.Stat(path); err == nil {
			mode = info.Mode().Perm()
		}
	}
	next, err := a.apply(path, data)
	if err != nil || next == nil {
		return err
	}
	return replaceFile(path, next, mode)
}

// apply is the file's text with the answers in it; nil: they are there.
func (a Answers) apply(path string, data []byte) ([]byte, error) {
	root, err := parseObject(data)
	if err != nil {
		return nil, unreadable(path, err)
	}
	changed := false
	if a.SignedIn && !root.isTrue("hasCompletedOnboarding") {
		root.set("hasCompletedOnboarding", true)
		changed = true
	}
	if a.Key != "" {
		did, err := approveKey(root, a.Key)
		if err != nil {
			return nil, unreadable(path, err)
		}
		changed = changed || did
	}
	projects, err := root.object("projects")
	if err != nil {
		return nil, unreadable(path, err)
	}
	trusted := false
	for _, dir := range a.Trust {
		p, err := projects.object(dir)
		if err != nil {
			return nil, unreadable(path, err)
		}
		if !p.isTrue("hasTrustDialogAccepted") {
			p.set("hasTrustDialogAccepted", true)
			projects.set(dir, p)
			trusted = true
		}
	}
	if trusted {
		root.set("projects", projects)
	}
	if !changed && !trusted {
		return nil, nil
	}
	var out bytes.Buffer
	if err := json.Indent(&out, root.text(), "", "  "); err != nil {
		return nil, unreadable(path, err)
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

// UsesKey reports whether an agent is to be given an API key that the person has for whatever
// reason: not where they are logged in, unless they said yes to it. Work of hours would go on
// another bill than they think.
func (c Claude) UsesKey(key string) bool {
	data, err := os.ReadFile(c.config)
	if err != nil {
		return true
	}
	root, err := parseObject(data)
	if err != nil {
		return true // Settle says what is wrong with it
	}
	if login := root.get("oauthAccount"); login == nil || string(login) == "null" {
		return true
	}
	var said struct {
		Approved []string `json:"approved"`
	}
	if raw := root.get("customApiKeyResponses"); raw == nil || json.Unmarshal(raw, &said) != nil {
		return false
	}
	return slices.Contains(said.Approved, keyEnd(key))
}

// keyEnd is what a key is known by.
func keyEnd(key string) string { return key[max(len(key)-20, 0):] }

// approveKey says yes to the key, unless the person said no.
func approveKey(root *object, key string) (bool, error) {
	end := keyEnd(key)
	res, err := root.object("customApiKeyResponses")
	if err != nil {
		return false, err
	}
	var approved, rejected []string
	for name, into := range map[string]*[]string{"approved": &approved, "rejected": &rejected} {
		if raw := res.get(name); raw != nil {
			if err := json.Unmarshal(raw, into); err != nil {
				return false, fmt.Errorf("customApiKeyResponses.%s: %w", name, err)
			}
		}
	}
	if slices.Contains(approved, end) || slices.Contains(rejected, end) {
		return false, nil
	}
	res.set("approved", append(approved, end))
	if rejected == nil {
		res.set("rejected", []string{})
	}
	root.set("customApiKeyResponses", res)
	return true, nil
}

func unreadable(path string, err error) error {
	return fault.Failf("Claude Code's file %s cannot be read, so it is left as it is: %w", path, err).
		WithHint("mend it (it should be JSON), or move it away and start claude once by hand")
}

// HasSession reports whether Claude Code has a session that was begun in dir. Newer versions resume
// it anywhere, but it is full of paths that mean something there only.
func (c Claude) HasSession(dir, id string) bool {
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	slug := regexp.MustCompile(`[^a-zA-Z0-9]`).ReplaceAllString(dir, "-")
	info, err := os.Stat(filepath.Join(c.home, "projects", slug, id+".jsonl"))
	return err == nil && info.Size() > 0
}

// lockBeside takes the lock of a file as Claude Code does: whoever makes the directory has it.
func lockBeside(ctx context.Context, path string) (unlock func(), err error) {
	lock := path + ".lock"
	ctx, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	tick := time.NewTicker(lockRetry)
	defer tick.Stop()
	for {
		err := os.Mkdir(lock, 0o700)
		if err == nil {
			return func() { _ = os.Remove(lock) }, nil // if it is gone already, somebody found it stale
		}
		if !errors.Is(err, fs.ErrExist) {
			return nil, fmt.Errorf("settle Claude Code: %w", err)
		}
		if info, err := os.Stat(lock); err == nil && time.Since(info.ModTime()) > lockStale {
			_ = os.Remove(lock) // whoever else finds it stale may be faster; one of us makes it next
			continue
		}
		select {
		case <-ctx.Done():
			return nil, fault.Failf("settle Claude Code: %s is held by another program", lock).WithHint("if none runs, remove it")
		case <-tick.C:
		}
	}
}

// replaceFile puts data in a file's place at once: a reader sees the old or the new one whole.
func replaceFile(path string, data []byte, mode fs.FileMode) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".gastown-*")
	if err != nil {
		return fmt.Errorf("settle Claude Code: %w", err)
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("settle Claude Code: %w", errors.Join(err, os.Remove(f.Name())))
		}
	}()
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// object is a JSON object that keeps what it does not know, in its order.
type object struct {
	keys []string
	vals map[string]json.RawMessage
}

func parseObject(data []byte) (*object, error) {
	o := &object{vals: map[string]json.RawMessage{}}
	dec := json.NewDecoder(bytes.NewReader(data))
	t, err := dec.Token()
	if err != nil {
		return nil, err
	}
	if t != json.Delim('{') {
		return nil, errors.New("not a JSON object")
	}
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return nil, err
		}
		key, _ := t.(string) // the decoder gives nothing else here
		var val json.RawMessage
		if err := dec.Decode(&val); err != nil {
			return nil, err
		}
		o.put(key, val)
	}
	if _, err := dec.Token(); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the JSON object")
	}
	return o, nil
}

func (o *object) put(key string, val json.RawMessage) {
	if _, ok := o.vals[key]; !ok {
		o.keys = append(o.keys, key)
	}
	o.vals[key] = val
}

func (o *object) get(key string) json.RawMessage { return o.vals[key] }

func (o *object) isTrue(key string) bool { return string(o.vals[key]) == "true" }

// object is the object at key; an empty one where there is none.
func (o *object) object(key string) (*object, error) {
	raw := o.vals[key]
	if raw == nil || string(raw) == "null" {
		raw = json.RawMessage("{}")
	}
	sub, err := parseObject(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	return sub, nil
}

// set puts a value at key: an object, a truth or a list of texts.
func (o *object) set(key string, v any) {
	if sub, ok := v.(*object); ok {
		o.put(key, sub.text())
		return
	}
	data, err := json.Marshal(v)
	if err != nil {
		panic(err) // see above
	}
	o.put(key, data)
}

func (o *object) text() json.RawMessage {
	var b strings.Builder
	b.WriteByte('{')
	for i, k := range o.keys {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(k)
		if err != nil {
			panic(err) // a text
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(o.vals[k])
	}
	b.WriteByte('}')
	return json.RawMessage(b.String())
}
