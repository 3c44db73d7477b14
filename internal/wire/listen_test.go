package wire_test

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"gastown/internal/api"
	"gastown/internal/fault"
	"gastown/internal/wire"
)

func TestTheSocketIsPrivate(t *testing.T) {
	path := socketPath(t)
	if err := os.Mkdir(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	l, err := wire.Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for name, want := range map[string]fs.FileMode{path: 0o600, filepath.Dir(path): 0o700} {
		info, err := os.Lstat(name)
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v; want %v", name, info.Mode().Perm(), err, want)
		}
	}
}

func TestASecondServerIsRefused(t *testing.T) {
	path := serve(t, wire.Server{Do: func(context.Context, string, string, any) (any, error) { return api.Ack{Msg: "first"}, nil }})
	if _, err := wire.Listen(path); !fault.Is(err, fault.Unavailable) {
		t.Errorf("second Listen: %v", err)
	}
	if ack, err := api.Undo.Do(t.Context(), wire.Client{Path: path}, api.Empty{}); err != nil || ack.Msg != "first" {
		t.Errorf("the first server: %+v, %v", ack, err)
	}
}

func TestAStaleSocketIsReplacedByOneOfMany(t *testing.T) {
	path := socketPath(t)
	stale(t, path)
	_, err := wire.Client{Path: path}.Ping(t.Context())
	if !errors.Is(err, wire.ErrNobody) || !fault.Is(err, fault.Unavailable) {
		t.Errorf("a stale socket answers %v", err)
	}
	var all sync.WaitGroup
	won := make(chan *wire.Listener, 8)
	for range cap(won) {
		all.Go(func() {
			if l, err := wire.Listen(path); err == nil {
				won <- l
			}
		})
	}
	all.Wait()
	close(won)
	if len(won) != 1 {
		t.Errorf("%d servers bound the socket, want 1", len(won))
	}
	for l := range won {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestSomethingElseInTheWayStays(t *testing.T) {
	path := socketPath(t)
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := wire.Listen(path); !fault.Is(err, fault.Unavailable) {
		t.Errorf("Listen: %v", err)
	}
	if data, err := os.ReadFile(path); err != nil || string(data) != "mine" {
		t.Errorf("the file: %q, %v", data, err)
	}
}

func TestClosingLeavesASuccessorsSocket(t *testing.T) {
	path := socketPath(t)
	first, err := wire.Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	second, err := wire.Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(path); err != nil {
		t.Errorf("the second socket is gone: %v", err)
	}
}

func TestNobodyIsTold(t *testing.T) {
	for _, path := range []string{socketPath(t), filepath.Join(t.TempDir(), "no", "such", "dir", "s")} {
		if _, err := (wire.Client{Path: path}).Ping(t.Context()); !errors.Is(err, wire.ErrNobody) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// stale leaves a socket file behind that nobody listens on.
func stale(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}
