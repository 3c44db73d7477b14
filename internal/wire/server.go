package wire

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"gastown/internal/api"
	"gastown/internal/fault"
)

const (
	// headerWait bounds how long a connection may take to say what it wants.
	headerWait = 10 * time.Second
	// answerWait bounds how long a caller may take to read its answer.
	answerWait = 30 * time.Second
	// stopWait is what calls in flight get to answer once the server is told to stop:
	// their contexts have ended, so only writing is left.
	stopWait = 2 * time.Second
)

// Server answers verbs.
type Server struct {
	// Do performs a verb; req is the verb's Req as a value, token is empty for a person.
	// ctx ends when the caller goes away or the server stops. Required.
	Do func(ctx context.Context, token, verb string, req any) (any, error)
	// Anyone judges a caller without a token by its process (0: unknown); its error refuses
	// the call. Nil lets everyone of this user in.
	Anyone func(pid int) error
	// Version is told by ping.
	Version string
	// Log gets panics and connection errors; nil drops them.
	Log *slog.Logger
}

// Serve answers on l until ctx ends, and closes l. It returns after the last call in
// flight, nil when it ended because of ctx.
func Serve(ctx context.Context, l net.Listener, srv Server) error {
	if srv.Log == nil {
		srv.Log = slog.New(slog.DiscardHandler)
	}
	h := &handler{Server: srv, table: map[string]api.Verb{}}
	for _, row := range api.Table() {
		h.table[row.Name] = row
	}
	base, cancel := context.WithCancel(ctx)
	defer cancel()
	hs := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerWait,
		IdleTimeout:       headerWait,
		ErrorLog:          slog.NewLogLogger(srv.Log.Handler(), slog.LevelWarn),
		BaseContext:       func(net.Listener) context.Context { return base },
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, peerKey{}, lookAtPeer(c))
		},
	}
	served := make(chan error, 1)
	go func() { served <- hs.Serve(l) }()
	var err error
	select {
	case err = <-served:
		cancel()
	case <-ctx.Done():
	}
	stop, done := context.WithTimeout(context.WithoutCancel(ctx), stopWait)
	defer done()
	if hs.Shutdown(stop) != nil {
		_ = hs.Close()
	}
	if err == nil {
		err = <-served
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve the town's socket: %w", err)
}

type peerKey struct{}

// peer is who connected, or why it is not let in.
type peer struct {
	pid int // 0: unknown
	err error
}

// lookAtPeer lets in the processes of this user.
func lookAtPeer(c net.Conn) peer {
	uc, ok := c.(*net.UnixConn)
	if !ok {
		return peer{err: fmt.Errorf("not a unix socket")}
	}
	uid, pid, err := peerOf(uc)
	if err != nil {
		return peer{err: fmt.Errorf("peer credentials: %w", err)}
	}
	if uid != os.Getuid() {
		return peer{err: fmt.Errorf("user %d is not the town's user", uid)}
	}
	return peer{pid: pid}
}

type handler struct {
	Server
	table map[string]api.Verb
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	from, _ := r.Context().Value(peerKey{}).(peer)
	if from.err != nil {
		h.fail(w, fault.Refusedf("socket: %w", from.err))
		return
	}
	name, ok := strings.CutPrefix(r.URL.Path, "/v1/")
	if !ok {
		h.fail(w, fault.NotFoundf("path %q: want /v1/VERB", r.URL.Path))
		return
	}
	if name == "ping" {
		h.answer(w, Ping{PID: os.Getpid(), Version: h.Version})
		return
	}
	row, ok := h.table[name]
	switch {
	case !ok:
		h.fail(w, fault.NotFoundf("verb %q: this host (version %s) does not know it", name, h.Version))
		return
	case r.Method != http.MethodPost:
		h.fail(w, fault.Usagef("verb %q: method %s: want POST", name, r.Method))
		return
	}
	token, err := bearer(r.Header.Get("Authorization"))
	if err != nil {
		h.fail(w, err)
		return
	}
	if token == "" && h.Anyone != nil {
		if err := h.Anyone(from.pid); err != nil {
			h.fail(w, err)
			return
		}
	}
	req, err := decode(w, r, row)
	if err != nil {
		h.fail(w, err)
		return
	}
	ctx := r.Context()
	if dir, err := url.PathUnescape(r.Header.Get(dirHeader)); err == nil && dir != "" {
		ctx = api.From(ctx, dir)
	}
	res, err := h.perform(ctx, token, name, req)
	switch {
	case errors.Is(err, context.Canceled) && r.Context().Err() != nil:
		h.fail(w, fault.Unavailablef("verb %q: the host is stopping", name))
	case err != nil:
		h.fail(w, err)
	default:
		h.answer(w, res)
	}
}

// perform contains a panic: one bad call must not end the host and every agent with it.
func (h *handler) perform(ctx context.Context, token, verb string, req any) (res any, err error) {
	defer func() {
		if p := recover(); p != nil {
			h.Log.Error("panic", "verb", verb, "panic", p, "stack", string(debug.Stack()))
			res, err = nil, fault.Failf("verb %q: internal error: %v", verb, p).
				WithHint("the host's log has the details")
		}
	}()
	return h.Do(ctx, token, verb, req)
}

func (h *handler) answer(w http.ResponseWriter, res any) {
	data, err := json.Marshal(res)
	if err != nil {
		h.fail(w, fault.Failf("encode the answer: %w", err))
		return
	}
	h.write(w, http.StatusOK, data)
}

func (h *handler) fail(w http.ResponseWriter, err error) {
	e := fault.From(err)
	data, jerr := json.Marshal(envelope{Error: e})
	if jerr != nil {
		h.Log.Error("encode an error", "error", err, "because", jerr)
		data = []byte(`{"error":{"kind":"failed","msg":"internal error"}}`)
	}
	h.write(w, statusOf(e.Kind), data)
}

func (h *handler) write(w http.ResponseWriter, status int, data []byte) {
	// A connection that cannot have a deadline is not a socket; nothing is lost.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(answerWait))
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if _, err := w.Write(data); err != nil {
		h.Log.Debug("the caller did not read its answer", "error", err)
	}
}

func bearer(header string) (string, error) {
	if header == "" {
		return "", nil
	}
	token, ok := strings.CutPrefix(header, "Bearer ")
	if !ok || strings.TrimSpace(token) == "" {
		return "", fault.Usagef("header Authorization: want Bearer TOKEN")
	}
	return strings.TrimSpace(token), nil
}

// decode reads the whole body, which also lets net/http notice a caller that leaves. An
// unknown field is an error: a newer caller may mean something by it.
func decode(w http.ResponseWriter, r *http.Request, row api.Verb) (any, error) {
	if r.ContentLength > MaxBody {
		return nil, tooLarge(row.Name)
	}
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	if err != nil {
		if over := (*http.MaxBytesError)(nil); errors.As(err, &over) {
			return nil, tooLarge(row.Name)
		}
		return nil, fault.Usagef("verb %q: read the request: %w", row.Name, err)
	}
	ptr := row.NewReq()
	if len(bytes.TrimSpace(data)) == 0 {
		return row.Value(ptr), nil
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(ptr); err != nil {
		return nil, fault.Usagef("verb %q: decode the request: %w", row.Name, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, fault.Usagef("verb %q: decode the request: more than one JSON value", row.Name)
	}
	return row.Value(ptr), nil
}

func tooLarge(verb string) error {
	return fault.Usagef("verb %q: the request is larger than %d MiB", verb, MaxBody>>20)
}
