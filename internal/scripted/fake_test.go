package scripted

import (
	"context"
	"strings"
	"sync"

	"gastown/internal/api"
	"gastown/internal/fault"
)

// town is a Doer with answers given by verb; a verb without one is not found. It keeps what it was asked.
type town struct {
	mu      sync.Mutex
	answers map[string]func(ctx context.Context, req any) (any, error)
	asked   map[string][]any
}

func newTown() *town {
	return &town{answers: map[string]func(context.Context, any) (any, error){}, asked: map[string][]any{}}
}

func (t *town) Do(ctx context.Context, verb string, req any) (any, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	t.mu.Lock()
	answer := t.answers[verb]
	t.asked[verb] = append(t.asked[verb], req)
	t.mu.Unlock()
	if answer == nil {
		return nil, fault.NotFoundf("verb %q: not in this fake", verb)
	}
	return answer(ctx, req)
}

func (t *town) requests(verb string) []any {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.asked[verb]
}

// on sets the answer of a verb.
func on[Req, Res any](t *town, c api.Command[Req, Res], f func(Req) (Res, error)) {
	onWaiting(t, c, func(_ context.Context, req Req) (Res, error) { return f(req) })
}

// onWaiting sets the answer of a verb that may wait.
func onWaiting[Req, Res any](t *town, c api.Command[Req, Res], f func(context.Context, Req) (Res, error)) {
	t.answers[c.Name()] = func(ctx context.Context, req any) (any, error) { return f(ctx, req.(Req)) }
}

// text is an output that can be waited on.
type text struct {
	mu   sync.Mutex
	b    strings.Builder
	more chan struct{}
}

func newText() *text { return &text{more: make(chan struct{}, 1)} }

func (t *text) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b.Write(p)
	select {
	case t.more <- struct{}{}:
	default:
	}
	return len(p), nil
}

func (t *text) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.String()
}

// await waits until the output has want; false when ctx ended before.
func (t *text) await(ctx context.Context, want string) bool {
	for !strings.Contains(t.String(), want) {
		select {
		case <-t.more:
		case <-ctx.Done():
			return false
		}
	}
	return true
}
