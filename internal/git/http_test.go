package git

import (
	"errors"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// private serves a bare repository over HTTP to ada with the password secret.
func (f *fixture) private(bare string) string {
	f.Helper()
	out, err := exec.Command("git", "--exec-path").Output()
	f.ok(err)
	f.git(bare, "config", "http.receivepack", "true")
	backend := &cgi.Handler{
		Path: filepath.Join(strings.TrimSpace(string(out)), "git-http-backend"),
		Env:  []string{"GIT_PROJECT_ROOT=" + f.dir, "GIT_HTTP_EXPORT_ALL=1", "HOME=" + f.dir},
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, pass, _ := r.BasicAuth()
		if user != "ada" || pass != "secret" {
			w.Header().Set("WWW-Authenticate", `Basic realm="private"`)
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		r.Header.Set("X-Remote-User", user)
		backend.ServeHTTP(w, r)
	}))
	f.Cleanup(s.Close)
	return s.URL + "/" + bare
}

// helper makes the person's git ask a program for the password, and notes that it did.
func (f *fixture) helper(password string) {
	f.Helper()
	f.write("cred", "#!/bin/sh\necho \"$1\" >> \""+f.dir+"/asked\"\n[ \"$1\" = get ] || exit 0\necho username=ada\necho password="+password+"\n")
	f.ok(os.Chmod(filepath.Join(f.dir, "cred"), 0o755))
	f.git("", "config", "--global", "credential.helper", filepath.Join(f.dir, "cred"))
}

func TestPrivateRemoteBehindACredentialHelper(t *testing.T) {
	f := setup(t)
	f.user("src", "main")
	f.git("", "clone", "-q", "--bare", "src", "hub.git")
	url := f.private("hub.git")
	f.helper("secret")
	// Another way to the same place, as people have it in their configuration.
	f.git("", "config", "--global", "url."+strings.TrimSuffix(url, "hub.git")+".insteadOf", "work:")
	for _, remote := range []string{url, "work:hub.git"} {
		refs, err := f.g.LsRemote(f.ctx, remote, mainRef)
		f.ok(err)
		if len(refs) != 1 || refs[0].Hash != f.git("src", "rev-parse", "HEAD") {
			t.Fatalf("%+v", refs)
		}
	}
	r := f.clone(url).Repo
	old, err := r.ResolveCommit(f.ctx, mainRef)
	f.ok(err)
	next := f.commit(r, mainRef, "x", "x")
	f.ok(r.Push(f.ctx, url, next, mainRef, old))
	if got := f.git("hub.git", "rev-parse", "main"); got != next {
		t.Fatalf("the remote is at %s", got)
	}
	f.git("src", "pull", "-q", filepath.Join(f.dir, "hub.git"), "main")
	f.write("src/theirs", "t")
	f.git("src", "add", ".")
	f.git("src", "commit", "-q", "-m", "theirs")
	f.git("src", "push", "-q", filepath.Join(f.dir, "hub.git"), "main")
	f.ok(r.Fetch(f.ctx, "work:hub.git", "+refs/heads/main:refs/gt/upstream"))
	if got, err := r.ResolveCommit(f.ctx, "refs/gt/upstream"); err != nil || got != f.git("src", "rev-parse", "HEAD") {
		t.Fatal(got, err)
	}
	if data, err := os.ReadFile(filepath.Join(f.dir, "asked")); err != nil || !strings.Contains(string(data), "get") {
		t.Errorf("the helper was not asked: %q %v", data, err)
	}
}

func TestPrivateRemoteThatRefuses(t *testing.T) {
	f := setup(t)
	f.user("src", "main")
	f.git("", "clone", "-q", "--bare", "src", "hub.git")
	url := f.private("hub.git")
	r := f.clone(filepath.Join(f.dir, "hub.git")).Repo
	for name, tt := range map[string]struct{ password, want string }{
		"no helper":      {"", "asks who you are, and git's configuration gives no credentials"},
		"wrong password": {"guess", "Authentication failed"},
	} {
		if tt.password != "" {
			f.helper(tt.password)
		}
		_, err := f.g.LsRemote(f.ctx, strings.Replace(url, "://", "://ada:letmein@", 1), mainRef)
		if tt.password == "" {
			_, err = f.g.LsRemote(f.ctx, url, mainRef)
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "letmein") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
		if name == "wrong password" {
			f.git("", "config", "--global", "--unset", "credential.helper")
		}
	}
	if err := r.Fetch(f.ctx, url, "+refs/heads/main:refs/gt/upstream"); err == nil {
		t.Error("fetched")
	}
}

func TestPushOfLFSObjects(t *testing.T) {
	f := setup(t)
	f.user("src", "main")
	f.git("", "clone", "-q", "--bare", "src", "hub.git")
	hub := filepath.Join(f.dir, "hub.git")
	r := f.clone(hub).Repo
	old, err := r.ResolveCommit(f.ctx, mainRef)
	f.ok(err)
	f.ok(r.PushLFS(f.ctx, hub, old)) // uses none
	next := f.commit(r, mainRef, ".gitattributes", "*.bin filter=lfs diff=lfs merge=lfs -text\n")
	if _, err := exec.LookPath("git-lfs"); err != nil {
		if err := r.PushLFS(f.ctx, hub, next); !errors.Is(err, ErrNoLFS) || strings.Contains(err.Error(), "\n") {
			t.Error(err)
		}
	}
	// A program of that name that writes down what it is asked for.
	f.write("bin/git-lfs", "#!/bin/sh\necho \"$@\" >> "+f.dir+"/lfs\n")
	f.ok(os.Chmod(filepath.Join(f.dir, "bin/git-lfs"), 0o755))
	g := New([]string{"PATH=" + filepath.Join(f.dir, "bin") + ":" + os.Getenv("PATH"), "HOME=" + filepath.Join(f.dir, "home")})
	r, err = g.OpenRepo(f.ctx, r.Dir())
	f.ok(err)
	f.ok(r.PushLFS(f.ctx, hub, next))
	if data, err := os.ReadFile(filepath.Join(f.dir, "lfs")); err != nil || !strings.Contains(string(data), "push "+hub+" "+next) {
		t.Errorf("%q %v", data, err)
	}
}

// TestLFSBelowTheRoot: attributes of any directory count.
func TestLFSBelowTheRoot(t *testing.T) {
	f := setup(t)
	r, co, old, said := f.lfs()
	next := f.commit(r, mainRef, "assets/deep er/.gitattributes", "*.bin filter=lfs diff=lfs merge=lfs -text\n")
	f.ok(r.PushLFS(f.ctx, co.Top, old))
	if got := said(); got != "" {
		t.Errorf("of a commit without: %s", got)
	}
	f.ok(r.PushLFS(f.ctx, co.Top, next))
	if got := said(); !strings.Contains(got, "push "+co.Top+" "+next) {
		t.Errorf("%q", got)
	}
}

// TestLFSObjectsComeToACheckout before its files are written: their git finds them nowhere else.
func TestLFSObjectsComeToACheckout(t *testing.T) {
	f := setup(t)
	r, co, _, said := f.lfs()
	plain := f.commit(r, mainRef, "x", "x")
	if _, err := r.PushCheckout(f.ctx, co, plain, mainRef, nil, nil); err != nil || said() != "" {
		t.Fatal(err)
	}
	next := f.commit(r, mainRef, "assets/.gitattributes", "*.bin filter=lfs\n")
	d, err := r.PushCheckout(f.ctx, co, next, mainRef, nil, nil)
	if err != nil || d.New != next {
		t.Fatalf("%+v %v", d, err)
	}
	to := "file://" + strings.ReplaceAll(co.Top, " ", "%20")
	if got, want := said(), "pre-push "+to+" "+to+"\n"+strings.Join([]string{mainRef, next, mainRef, plain}, " ")+"\n"; !strings.HasSuffix(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// lfs is a town's repository, the person's checkout behind it, whose path has a space, and a git-lfs that
// writes down what it is asked for, and what it is given.
func (f *fixture) lfs() (r *Repo, co *Checkout, tip string, said func() string) {
	f.Helper()
	f.user("my src", "main")
	file := filepath.Join(f.dir, "said")
	f.write("bin/git-lfs", "#!/bin/sh\n[ $1 != version ] || exit 0\necho \"$@\" >> "+file+"\n[ $1 != pre-push ] || cat >> "+file+"\n")
	f.ok(os.Chmod(filepath.Join(f.dir, "bin/git-lfs"), 0o755))
	f.g = New([]string{"PATH=" + filepath.Join(f.dir, "bin") + ":" + os.Getenv("PATH"), "HOME=" + filepath.Join(f.dir, "home")})
	c := f.clone(filepath.Join(f.dir, "my src"))
	co, err := f.g.OpenCheckout(f.ctx, filepath.Join(f.dir, "my src"))
	f.ok(err)
	return c.Repo, co, c.Tip, func() string {
		data, _ := os.ReadFile(file)
		_ = os.Remove(file)
		return string(data)
	}
}
