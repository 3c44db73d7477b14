package wire_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"gastown/beads"
	"gastown/internal/api"
	"gastown/internal/fault"
	"gastown/internal/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestEveryVerbsZeroValuesMakeTheRoundTrip(t *testing.T) {
	var got any
	path := serve(t, wire.Server{Do: func(_ context.Context, _, verb string, req any) (any, error) {
		got = req
		row := find(t, verb)
		return row.Value(row.NewRes()), nil
	}})
	for _, row := range api.Table() {
		t.Run(row.Name, func(t *testing.T) {
			req, want := row.Value(row.NewReq()), row.Value(row.NewRes())
			res, err := wire.Client{Path: path}.Do(t.Context(), row.Name, req)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(req, got); diff != "" {
				t.Errorf("request changed on the way (-sent +got):\n%s", diff)
			}
			if diff := cmp.Diff(want, res); diff != "" {
				t.Errorf("answer changed on the way (-sent +got):\n%s", diff)
			}
		})
	}
}

func TestTheServerKnowsWhereTheCallerIs(t *testing.T) {
	got := ""
	path := serve(t, wire.Server{Do: func(ctx context.Context, _, _ string, _ any) (any, error) {
		got = api.Dir(ctx)
		return api.Status{}, nil
	}})
	for _, dir := range []string{"/home/me/my app", "/日本/é\n%41", "", "/"} {
		if _, err := api.GetStatus.Do(api.From(t.Context(), dir), wire.Client{Path: path}, api.Empty{}); err != nil || got != dir {
			t.Errorf("%q, want %q: %v", got, dir, err)
		}
	}
}

// A MarshalJSON of the embedded bead would be promoted and drop the fields beside it.
func TestABeadKeepsWhatIsBesideTheRecord(t *testing.T) {
	want := api.Bead{
		Bead: beads.Bead{ID: "ma-1", Title: "t", Status: beads.Open, Rig: "r", NeedsCode: true}, Ready: true,
		BlockedBy: []beads.ID{"ma-2"}, Attempts: []*beads.Attempt{{Bead: "ma-1", N: 1, Polecat: "nux"}},
	}
	path := serve(t, wire.Server{Do: func(context.Context, string, string, any) (any, error) { return want, nil }})
	got, err := api.BeadShow.Do(t.Context(), wire.Client{Path: path}, api.BeadReq{Bead: "ma-1"})
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-sent +got):\n%s", err, diff)
	}
}

func TestErrorsKeepKindMessageAndHint(t *testing.T) {
	var raised error
	path := serve(t, wire.Server{Do: func(context.Context, string, string, any) (any, error) { return nil, raised }})
	cases := []struct {
		err    error
		want   fault.Error
		status int
	}{
		{errors.New("disk full"), fault.Error{Kind: fault.Failed, Msg: "disk full"}, 500},
		{fault.Usagef("bad flag").WithHint("try x"), fault.Error{Kind: fault.Usage, Msg: "bad flag", Hint: "try x"}, 400},
		{fmt.Errorf("show: %w", fault.NotFoundf("bead %q", "x")), fault.Error{Kind: fault.NotFound, Msg: `show: bead "x"`}, 404},
		{fault.Refusedf("not now"), fault.Error{Kind: fault.Refused, Msg: "not now"}, 409},
		{fault.Unavailablef("gone"), fault.Error{Kind: fault.Unavailable, Msg: "gone"}, 503},
		{fmt.Errorf("git: %w", context.DeadlineExceeded), fault.Error{Kind: fault.Failed, Msg: "git: context deadline exceeded"}, 500},
	}
	for _, c := range cases {
		raised = c.err
		_, err := api.GetStatus.Do(t.Context(), wire.Client{Path: path}, api.Empty{})
		if diff := cmp.Diff(c.want, *fault.From(err)); diff != "" {
			t.Errorf("%v (-want +got):\n%s", c.err, diff)
		}
		if status, _ := raw(t, path, "POST /v1/status", ""); status != c.status {
			t.Errorf("%v: HTTP status %d, want %d", c.err, status, c.status)
		}
	}
}

func TestTokenAndPing(t *testing.T) {
	var token string
	path := serve(t, wire.Server{Version: "v9", Do: func(_ context.Context, tok, _ string, _ any) (any, error) {
		token = tok
		return api.Ack{}, nil
	}})
	for _, want := range []string{"", "s3cret"} {
		if _, err := api.Undo.Do(t.Context(), wire.Client{Path: path, Token: want}, api.Empty{}); err != nil || token != want {
			t.Errorf("token %q arrived as %q, %v", want, token, err)
		}
	}
	p, err := wire.Client{Path: path}.Ping(t.Context())
	if err != nil || p != (wire.Ping{PID: os.Getpid(), Version: "v9"}) {
		t.Errorf("ping: %+v, %v", p, err)
	}
}

func TestBadRequests(t *testing.T) {
	path := serve(t, wire.Server{Do: func(context.Context, string, string, any) (any, error) {
		t.Error("a bad request reached the town")
		return nil, nil
	}})
	cases := []struct {
		name, line, header, body string
		status                   int
	}{
		{"unknown verb", "POST /v1/nope", "", "{}", 404},
		{"unknown path", "POST /x", "", "{}", 404},
		{"wrong method", "GET /v1/status", "", "", 400},
		{"not JSON", "POST /v1/bead.show", "", "{", 400},
		{"wrong type", "POST /v1/bead.show", "", `{"bead":1}`, 400},
		{"unknown field", "POST /v1/bead.show", "", `{"bead":"x","force":true}`, 400},
		{"two values", "POST /v1/bead.show", "", `{"bead":"x"}{}`, 400},
		{"other scheme", "POST /v1/status", "Authorization: Basic eDp5", "{}", 400},
		{"empty token", "POST /v1/status", "Authorization: Bearer ", "{}", 400},
		{"too large", "POST /v1/status", fmt.Sprintf("Content-Length: %d", wire.MaxBody+1), "", 400},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			status, body := raw(t, path, c.line, c.body, c.header)
			if status != c.status || !strings.Contains(body, `{"error":{"kind":`) {
				t.Errorf("status %d, body %s; want %d", status, body, c.status)
			}
		})
	}
}

func TestClientChecksBeforeItSends(t *testing.T) {
	c := wire.Client{Path: filepath.Join(t.TempDir(), "none")}
	if _, err := c.Do(t.Context(), "nope", nil); !fault.Is(err, fault.Usage) {
		t.Errorf("unknown verb: %v", err)
	}
	_, err := api.Remember.Do(t.Context(), c, api.TextReq{Text: strings.Repeat("x", wire.MaxBody)})
	if !fault.Is(err, fault.Usage) {
		t.Errorf("too large: %v", err)
	}
}

func TestAPanicIsContained(t *testing.T) {
	path := serve(t, wire.Server{Do: func(_ context.Context, _, verb string, _ any) (any, error) {
		if verb == "status" {
			panic("boom")
		}
		return api.Ack{Msg: "fine"}, nil
	}})
	_, err := api.GetStatus.Do(t.Context(), wire.Client{Path: path}, api.Empty{})
	if !fault.Is(err, fault.Failed) || !strings.Contains(err.Error(), "boom") {
		t.Errorf("got %v", err)
	}
	if ack, err := api.Undo.Do(t.Context(), wire.Client{Path: path}, api.Empty{}); err != nil || ack.Msg != "fine" {
		t.Errorf("after the panic: %+v, %v", ack, err)
	}
}

func TestACallerThatLeavesEndsItsCall(t *testing.T) {
	entered, ended := make(chan struct{}), make(chan error, 1)
	path := serve(t, wire.Server{Do: func(ctx context.Context, _, _ string, _ any) (any, error) {
		close(entered)
		<-ctx.Done()
		ended <- ctx.Err()
		return nil, ctx.Err()
	}})
	ctx, leave := context.WithCancel(t.Context())
	called := make(chan error, 1)
	go func() {
		_, err := api.Escalate.Do(ctx, wire.Client{Path: path}, api.EscalateReq{Text: "?", Wait: -1})
		called <- err
	}()
	<-entered
	leave()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the handler saw %v", err)
	}
	if err := <-called; !errors.Is(err, context.Canceled) {
		t.Errorf("the caller saw %v", err)
	}
}

func TestStoppingAnswersThoseWhoWait(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	path := socketPath(t)
	l, err := wire.Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	entered, served := make(chan struct{}), make(chan error, 1)
	go func() {
		served <- wire.Serve(ctx, l, wire.Server{Do: func(ctx context.Context, _, verb string, _ any) (any, error) {
			if verb == "down" {
				stop()
				return api.Ack{Msg: "stopping"}, nil
			}
			close(entered)
			<-ctx.Done()
			return nil, ctx.Err()
		}})
	}()
	waiting := make(chan error, 1)
	go func() {
		_, err := api.Escalate.Do(t.Context(), wire.Client{Path: path}, api.EscalateReq{Wait: -1})
		waiting <- err
	}()
	<-entered
	if ack, err := api.Down.Do(t.Context(), wire.Client{Path: path}, api.DownReq{}); err != nil || ack.Msg != "stopping" {
		t.Errorf("down: %+v, %v", ack, err)
	}
	if err := <-waiting; !fault.Is(err, fault.Unavailable) {
		t.Errorf("who waited saw %v", err)
	}
	if err := <-served; err != nil {
		t.Errorf("Serve: %v", err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket file is still there: %v", err)
	}
}

func TestAHostThatDiesMidCallIsNotNobody(t *testing.T) {
	path := socketPath(t)
	l, err := wire.Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		if c, err := l.Accept(); err == nil {
			_ = c.Close()
		}
	}()
	_, err = api.GetStatus.Do(t.Context(), wire.Client{Path: path}, api.Empty{})
	if !fault.Is(err, fault.Unavailable) || errors.Is(err, wire.ErrNobody) {
		t.Errorf("got %v", err)
	}
}

// serve runs a server until the test ends and returns its socket.
func serve(t *testing.T, srv wire.Server) string {
	t.Helper()
	path := socketPath(t)
	l, err := wire.Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- wire.Serve(ctx, l, srv) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return path
}

// socketPath is short: a socket's path has at most about 100 bytes.
func socketPath(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "gt")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return filepath.Join(dir, "run", "sock")
}

func find(t *testing.T, verb string) api.Verb {
	for _, row := range api.Table() {
		if row.Name == verb {
			return row
		}
	}
	t.Errorf("verb %q is not in the table", verb)
	return api.Table()[0]
}

// raw sends one request by hand and returns status and body.
func raw(t *testing.T, path, line, body string, headers ...string) (int, string) {
	t.Helper()
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	text := line + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
	length := true
	for _, h := range headers {
		if h != "" {
			text += h + "\r\n"
			length = length && !strings.HasPrefix(h, "Content-Length")
		}
	}
	if length {
		text += fmt.Sprintf("Content-Length: %d\r\n", len(body))
	}
	if _, err := conn.Write([]byte(text + "\r\n" + body)); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(data)
}
