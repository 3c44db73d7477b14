package cli

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"gastown/internal/api"
	"gastown/internal/fault"
	"gastown/internal/wire"
)

// reach performs a verb wherever the town can be reached: at the host's socket; if nobody
// answers there, alone under the store's lock; if that is held, at the socket once more.
// An agent's token is only ever taken to the socket.
type reach struct {
	env  *Env
	town *string // --town

	alone api.Doer // set once the lock is ours, or where the town is at hand
	done  func() error
}

var _ api.Doer = (*reach)(nil)

// Do performs verb.
func (r *reach) Do(ctx context.Context, verb string, req any) (any, error) {
	ctx = api.From(ctx, r.env.Dir)
	if r.alone != nil {
		return r.alone.Do(ctx, verb, req)
	}
	row, ok := row(verb)
	if !ok {
		return nil, fault.Usagef("verb %q: no such verb", verb)
	}
	client, err := r.client()
	if err != nil {
		return nil, err
	}
	res, err := client.Do(ctx, verb, req)
	switch {
	case !errors.Is(err, wire.ErrNobody):
		return res, err
	case client.Token != "":
		return nil, nobody(words(verb), err).
			WithHint("the host must be running; nothing in the worktree is lost, try again later")
	case row.Where == api.Host:
		return nil, noHost(words(verb), err)
	}
	if err := r.open(); err != nil {
		if !fault.Is(err, fault.Unavailable) {
			return nil, err
		}
		// Whoever holds the lock may have come up since the socket was tried.
		res, again := client.Do(ctx, verb, req)
		if errors.Is(again, wire.ErrNobody) {
			return nil, err
		}
		return res, again
	}
	return r.alone.Do(ctx, verb, req)
}

// host performs verb at the socket or not at all; what asks for it does not end by itself.
func (r *reach) host() (api.Doer, error) {
	if r.alone != nil {
		return nil, fault.Usagef("it does not end by itself: run it in a shell")
	}
	return r.client()
}

func (r *reach) client() (wire.Client, error) {
	token, socket := r.env.Getenv("GASTOWN_TOKEN"), r.env.Getenv("GASTOWN_SOCKET")
	if token != "" && *r.town != "" {
		dir, own := *r.town, r.env.Getenv("GASTOWN_TOWN")
		if !filepath.IsAbs(dir) {
			dir = filepath.Join(r.env.Dir, dir)
		}
		if filepath.Clean(dir) != own { // the answer would be of its own town
			return wire.Client{}, fault.Refusedf("--town %s: an agent speaks to its own town, %s", *r.town, own)
		}
	}
	// A person's --town is more than the environment they happen to be in.
	if socket != "" && (token != "" || *r.town == "") {
		return wire.Client{Path: socket, Token: token}, nil
	}
	town, err := r.env.findTown(*r.town)
	if err != nil {
		return wire.Client{}, err
	}
	return wire.Client{Path: r.env.Socket(town), Token: token}, nil
}

func (r *reach) open() error {
	town, err := r.env.findTown(*r.town)
	if err != nil {
		return err
	}
	r.alone, r.done, err = r.env.Open(town, false)
	return err
}

// findTown is FindTown for whoever needs a town.
func (e *Env) findTown(flag string) (string, error) {
	town, err := e.FindTown(flag, e.Dir)
	if err == nil && town == "" {
		err = fault.Unavailablef("no town here").WithHint("make one with: gastown init; or name one with --town DIR")
	}
	return town, err
}

func (r *reach) close() error {
	if r.done == nil {
		return nil
	}
	return r.done()
}

// peek is for completions: the host's answer if it comes at once, never the lock.
func (r *reach) peek(ctx context.Context) (api.Doer, context.Context, context.CancelFunc, bool) {
	client, err := r.client()
	if err != nil {
		return nil, nil, nil, false
	}
	const patience = 300 * time.Millisecond // a person waits at the Tab key
	ctx, cancel := context.WithTimeout(ctx, patience)
	return client, ctx, cancel, true
}

func nobody(what string, err error) *fault.Error {
	return &fault.Error{Kind: fault.Unavailable, Msg: what + ": " + wire.ErrNobody.Error(), Err: err}
}

func noHost(what string, err error) *fault.Error {
	e := &fault.Error{Kind: fault.Unavailable, Msg: what + ": it needs the running host, and none is running", Err: err}
	return e.WithHint("start it with `gastown` or `gastown up`")
}

func row(verb string) (api.Verb, bool) {
	for _, v := range api.Table() {
		if v.Name == verb {
			return v, true
		}
	}
	return api.Verb{}, false
}
