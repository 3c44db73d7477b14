package cli_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"gastown/internal/api"
	"gastown/internal/cli"
	"gastown/internal/fault"
	"gastown/internal/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// now is the time of every test.
var now = time.Date(2026, 5, 6, 12, 0, 0, 0, time.UTC)

// call is one request that reached the fake town.
type call struct {
	verb  string
	req   any
	token string
}

// fake is a town: it records what it is asked and answers what the test put there, or
// the verb's zero result.
type fake struct {
	mu      sync.Mutex
	calls   []call
	answers map[string]func(req any) (any, error)
}

func (f *fake) Do(_ context.Context, verb string, req any) (any, error) { return f.do("", verb, req) }

func (f *fake) do(token, verb string, req any) (any, error) {
	f.mu.Lock()
	f.calls = append(f.calls, call{verb, req, token})
	answer := f.answers[verb]
	f.mu.Unlock()
	if answer != nil {
		return answer(req)
	}
	for _, row := range api.Table() {
		if row.Name == verb {
			return row.Value(row.NewRes()), nil
		}
	}
	return nil, fault.NotFoundf("verb %q", verb)
}

// answer makes verb answer res.
func (f *fake) answer(verb string, res any) *fake {
	if f.answers == nil {
		f.answers = map[string]func(any) (any, error){}
	}
	f.answers[verb] = func(any) (any, error) { return res, nil }
	return f
}

func (f *fake) verbs() []string {
	var out []string
	for _, c := range f.calls {
		out = append(out, c.verb)
	}
	return out
}

// result is what one invocation did.
type result struct {
	code     int
	out, err string
}

// bench is an environment to run command lines in.
type bench struct {
	t    *testing.T
	town *fake
	env  cli.Env
	vars map[string]string
	// opened and closed count the uses of the store's lock.
	opened, closed int
	locked         error // what Open answers instead of the town
}

// newBench has no host: what the store can do alone reaches the fake town through Open.
func newBench(t *testing.T) *bench {
	t.Helper()
	dir, err := os.MkdirTemp("", "gt") // short: a socket's path has at most about 100 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	b := &bench{t: t, town: &fake{}, vars: map[string]string{}}
	b.env = cli.Env{
		Getenv: func(k string) string { return b.vars[k] }, Dir: dir, Version: "v1.2.3",
		In: strings.NewReader(""), Now: func() time.Time { return now }, Template: "# Name\n",
		FindTown: func(flag, cwd string) (string, error) {
			if flag != "" {
				return flag, nil
			}
			return filepath.Join(cwd, "town"), nil
		},
		Open: func(string, bool) (api.Doer, func() error, error) {
			if b.opened++; b.locked != nil {
				return nil, nil, b.locked
			}
			return b.town, func() error { b.closed++; return nil }, nil
		},
		Attach: func(ctx context.Context, d api.Doer, name string) error {
			_, err := api.PolecatAttach.Do(ctx, d, api.AttachReq{Name: name})
			return err
		},
		Socket: func(town string) string { return filepath.Join(town, "run", "sock") },
	}
	return b
}

// host serves the fake town on the socket of a town's directory until the test ends.
func (b *bench) host(town string) string {
	b.t.Helper()
	path := filepath.Join(town, "run", "sock")
	l, err := wire.Listen(path)
	if err != nil {
		b.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() {
		served <- wire.Serve(ctx, l, wire.Server{Do: func(_ context.Context, token, verb string, req any) (any, error) {
			return b.town.do(token, verb, req)
		}})
	}()
	b.t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			b.t.Error(err)
		}
	})
	return path
}

// withHost is a bench whose own town has a host.
func withHost(t *testing.T) *bench {
	b := newBench(t)
	b.host(filepath.Join(b.env.Dir, "town"))
	return b
}

func (b *bench) run(args ...string) result { return b.runContext(b.t.Context(), args...) }

func (b *bench) runContext(ctx context.Context, args ...string) result {
	var out, errs bytes.Buffer
	env := b.env
	env.Args, env.Out, env.Err = args, &out, &errs
	code := cli.Run(ctx, env)
	return result{code, out.String(), errs.String()}
}

func (b *bench) write(name, text string) {
	b.t.Helper()
	if err := os.WriteFile(filepath.Join(b.env.Dir, name), []byte(text), 0o600); err != nil {
		b.t.Fatal(err)
	}
}
