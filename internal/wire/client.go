package wire

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"syscall"

	"gastown/internal/api"
	"gastown/internal/fault"
)

// maxAnswer is the largest answer a client reads: room for the log of a gate, which
// other code caps far lower.
const maxAnswer = 256 << 20

// Client performs verbs at the server behind a socket, one connection each. Its errors
// are of package fault; one that wraps ErrNobody was raised before anything was sent.
type Client struct {
	Path  string // required
	Token string // of an agent; empty for a person
}

var _ api.Doer = Client{}

// Do performs a verb of the table. It has no time limit of its own: ending ctx closes the
// connection, which ends the call on the server.
func (c Client) Do(ctx context.Context, verb string, req any) (any, error) {
	row, ok := lookup(verb)
	if !ok {
		return nil, fault.Usagef("verb %q: no such verb", verb)
	}
	body, err := json.Marshal(req)
	if err != nil {
		return nil, fault.Usagef("verb %q: encode the request: %w", verb, err)
	}
	if len(body) > MaxBody {
		return nil, tooLarge(verb)
	}
	ptr := row.NewRes()
	if err := c.call(ctx, http.MethodPost, verb, body, ptr); err != nil {
		return nil, err
	}
	return row.Value(ptr), nil
}

// Ping asks who serves the socket.
func (c Client) Ping(ctx context.Context) (Ping, error) {
	var p Ping
	err := c.call(ctx, http.MethodGet, "ping", nil, &p)
	return p, err
}

// call is one exchange by hand: an http.Client would start goroutines and a pool for it.
func (c Client) call(ctx context.Context, method, verb string, body []byte, into any) error {
	conn, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	status, data, err := c.exchange(conn, method, verb, api.Dir(ctx), body)
	if err != nil {
		if ctx.Err() != nil {
			return fault.Failf("verb %q: %w", verb, context.Cause(ctx))
		}
		return fault.Unavailablef("verb %q: the host went away before it answered: %w", verb, err)
	}
	if status == http.StatusOK {
		if err := json.Unmarshal(data, into); err != nil {
			return fault.Failf("verb %q: decode the answer: %w", verb, err)
		}
		return nil
	}
	var env envelope
	if err := json.Unmarshal(data, &env); err != nil || env.Error == nil || !known(env.Error.Kind) {
		return fault.Failf("verb %q: HTTP status %d without an error in it", verb, status)
	}
	return env.Error
}

func (c Client) dial(ctx context.Context) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", c.Path)
	switch {
	case err == nil:
		return conn, nil
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return nil, &fault.Error{
			Kind: fault.Unavailable, Msg: "town: " + ErrNobody.Error(), Err: errors.Join(ErrNobody, err),
		}
	case ctx.Err() != nil:
		return nil, fault.Failf("socket %q: %w", c.Path, context.Cause(ctx))
	}
	return nil, fault.Unavailablef("socket %q: %w", c.Path, err)
}

func (c Client) exchange(conn net.Conn, method, verb, dir string, body []byte) (int, []byte, error) {
	r, err := http.NewRequest(method, "http://gastown/v1/"+verb, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	r.Close = true
	r.Header.Set("Content-Type", "application/json")
	if c.Token != "" {
		r.Header.Set("Authorization", "Bearer "+c.Token)
	}
	if dir != "" {
		r.Header.Set(dirHeader, url.PathEscape(dir))
	}
	sent := r.Write(conn) // a server may answer and hang up before it has read everything
	res, err := http.ReadResponse(bufio.NewReader(conn), r)
	switch {
	case err != nil && sent != nil:
		return 0, nil, sent
	case err != nil:
		return 0, nil, err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	return res.StatusCode, data, err
}
