package town

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"gastown/beads"
	"gastown/internal/config"
	"gastown/internal/git"
	"gastown/internal/proc"
)

// socketMax is the longest path a unix socket may have here; macOS allows 104 bytes.
const socketMax = 100

// SocketPath is where a town's host listens: in the town, or where its path would be too long for a
// socket, where the host wrote down that it does. Callers have other environments than their host.
func SocketPath(dir string, env []string) string {
	if path := filepath.Join(dir, "run", "socket"); len(path) <= socketMax {
		return path
	}
	if data, err := os.ReadFile(socketNote(dir)); err == nil && filepath.IsAbs(strings.TrimSpace(string(data))) {
		return strings.TrimSpace(string(data))
	}
	return farSocket(dir, env)
}

// socketNote names the file in which a host writes down where it listens, if that is not in the town.
func socketNote(dir string) string { return filepath.Join(dir, "run", "socket.path") }

// farSocket is a socket in a private directory named after the town, below $XDG_RUNTIME_DIR or the
// temporary directory.
func farSocket(dir string, env []string) string {
	sum := sha256.Sum256([]byte(dir))
	base := getenv(env, "XDG_RUNTIME_DIR")
	if base == "" {
		base = os.TempDir()
	}
	return filepath.Join(base, fmt.Sprintf("gastown-%d-%s", os.Getuid(), hex.EncodeToString(sum[:8])), "socket")
}

// chooseSocket decides where this host listens, and writes it down for those who call it.
func (h *Host) chooseSocket() (path string, err error) {
	if path = filepath.Join(h.t.Dir, "run", "socket"); len(path) <= socketMax {
		return path, nil
	}
	path = farSocket(h.t.Dir, h.t.deps.Env)
	note := socketNote(h.t.Dir)
	if err = os.MkdirAll(filepath.Dir(note), 0o700); err == nil {
		err = config.WriteFile(note, []byte(path+"\n"))
	}
	return path, step(err, "write down where the socket is")
}

func getenv(env []string, name string) string {
	for i := len(env) - 1; i >= 0; i-- {
		if k, v, ok := strings.Cut(env[i], "="); ok && k == name {
			return v
		}
	}
	return ""
}

// secret reports whether a variable's name looks like that of a secret, or of something an
// agent must not reach.
func secret(name string) bool {
	for _, p := range []string{"GIT_", "GASTOWN_", "SSH_AUTH_SOCK", "SSH_AGENT_PID", "GPG_AGENT"} {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	up := strings.ToUpper(name)
	for _, p := range []string{"SECRET", "TOKEN", "PASSWORD", "PASSWD", "CREDENTIAL", "PRIVATE_KEY", "API_KEY", "APIKEY", "ACCESS_KEY", "AUTH_KEY"} {
		if strings.Contains(up, p) {
			return true
		}
	}
	return false
}

// plainEnv is the login environment less what looks secret.
func (t *Town) plainEnv() []string {
	var out []string
	for _, kv := range t.deps.Env {
		if name, _, ok := strings.Cut(kv, "="); ok && name != "" && !secret(name) {
			out = append(out, kv)
		}
	}
	return out
}

// withNamed adds the variables that settings name.
func (t *Town) withNamed(env, names []string) []string {
	out := append([]string(nil), env...)
	for _, n := range names {
		if v, ok := t.lookupEnv(n); ok {
			out = append(out, n+"="+v)
		}
	}
	return out
}

func (t *Town) lookupEnv(name string) (string, bool) {
	for i := len(t.deps.Env) - 1; i >= 0; i-- {
		if k, v, ok := strings.Cut(t.deps.Env[i], "="); ok && k == name {
			return v, true
		}
	}
	return "", false
}

// gateEnv is what gates run with; the runner adds its own.
func (h *Host) gateEnv() []string { return h.t.plainEnv() }

// agentEnv is the environment of an agent: the login environment less secrets, a git
// identity, and the variables of the contract.
func (h *Host) agentEnv(id git.Ident, vars map[string]string) []string {
	env := slices.DeleteFunc(h.t.plainEnv(), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return outside(name)
	})
	path := getenv(env, "PATH")
	env = append(env,
		"PATH="+h.binDir()+string(filepath.ListSeparator)+path,
		"TERM=xterm-256color", "COLORTERM=truecolor",
		"GIT_AUTHOR_NAME="+id.Name, "GIT_AUTHOR_EMAIL="+id.Email, "GIT_COMMITTER_NAME="+id.Name, "GIT_COMMITTER_EMAIL="+id.Email,
		"GIT_TERMINAL_PROMPT=0",
		// No garbage collection beside committing worktrees, no signing that asks for a key, and commits that a
		// power cut leaves whole (git's own default does not wait for the disk).
		"GIT_CONFIG_COUNT=4", "GIT_CONFIG_KEY_0=gc.auto", "GIT_CONFIG_VALUE_0=0",
		"GIT_CONFIG_KEY_1=maintenance.auto", "GIT_CONFIG_VALUE_1=false", "GIT_CONFIG_KEY_2=commit.gpgSign", "GIT_CONFIG_VALUE_2=false",
		"GIT_CONFIG_KEY_3=core.fsync", "GIT_CONFIG_VALUE_3=committed,reference",
		"GASTOWN_TOWN="+h.t.Dir, "GASTOWN_SOCKET="+h.socket,
	)
	for k, v := range vars {
		env = append(env, k+"="+v)
	}
	if pace := getenv(h.t.deps.Env, "GASTOWN_PACE"); pace != "" {
		env = append(env, "GASTOWN_PACE="+pace)
	}
	return lastWins(env)
}

// lastWins drops every variable that is set again later: programs differ in which of two
// they read.
func lastWins(env []string) []string {
	last := map[string]int{}
	for i, kv := range env {
		name, _, _ := strings.Cut(kv, "=")
		last[name] = i
	}
	out := make([]string, 0, len(last))
	for i, kv := range env {
		if name, _, _ := strings.Cut(kv, "="); last[name] == i {
			out = append(out, kv)
		}
	}
	return out
}

// vars are the contract's variables of an attempt.
func (w *worker) vars(a *beads.Attempt) map[string]string {
	return map[string]string{
		"GASTOWN_TOKEN": w.token, "GASTOWN_ROLE": "polecat", "GASTOWN_RIG": a.Rig, "GASTOWN_BEAD": string(a.Bead),
		"GASTOWN_ATTEMPT": strconv.Itoa(a.N), "GASTOWN_POLECAT": a.Polecat, "GASTOWN_BRANCH": a.Branch, "GASTOWN_TARGET": a.Base,
	}
}

// exe is the copy of this program that agents and shims run.
func (h *Host) exe() string { return filepath.Join(h.binDir(), "gastown") }

func (h *Host) sizeNow() proc.Size {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.size
}

// copyFile replaces dst by a copy of src, unless it is one already by size and time.
func copyFile(src, dst string, mode os.FileMode) error {
	in, err := os.Open(src)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	if old, err := os.Stat(dst); err == nil && old.Size() == info.Size() && old.ModTime().Equal(info.ModTime()) {
		return nil
	}
	tmp := dst + ".new"
	out, err := os.OpenFile(tmp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if cerr := out.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Chtimes(tmp, info.ModTime(), info.ModTime())
	}
	if err == nil {
		err = os.Rename(tmp, dst)
	}
	if err != nil {
		_ = os.Remove(tmp) // the copy did not come to be
	}
	return err
}

func marshal(v any) json.RawMessage {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err) // a plain struct of strings
	}
	return data
}

// specOf is the name of the document a bead was made from; empty: none.
func specOf(b *beads.Bead) string {
	var m specMeta
	if len(b.Metadata) == 0 || json.Unmarshal(b.Metadata, &m) != nil {
		return ""
	}
	return m.Spec
}
