package proc

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrGone says that a tree cannot be stopped or continued because it has ended.
var ErrGone = errors.New("the process has ended")

// Freeze stops every process of the tree where it is (SIGSTOP) and returns how many are stopped. Nothing is lost and
// nothing is told to the programs: [Proc.Thaw] lets them go on. A frozen tree is ended by [Proc.Stop] as any other. It
// fails with [ErrGone], or with ctx's error when the answer does not come.
func (p *Proc) Freeze(ctx context.Context) (int, error) { return p.ask(ctx, command{Freeze: true}) }

// Thaw lets go on what Freeze stopped, and does nothing to a tree that is not frozen. It fails as Freeze does.
func (p *Proc) Thaw(ctx context.Context) error {
	_, err := p.ask(ctx, command{Thaw: true})
	return err
}

func (p *Proc) ask(ctx context.Context, c command) (int, error) {
	p.freezing.Lock()
	defer p.freezing.Unlock()
	select {
	case <-p.frozen: // an answer to what nobody waited for
	default:
	}
	ctx, cancel := context.WithTimeout(ctx, shimLimit)
	defer cancel()
	p.command(c)
	select {
	case n := <-p.frozen:
		return n, nil
	case <-p.done:
		return 0, fmt.Errorf("process %d: %w", p.child.pid, ErrGone)
	case <-ctx.Done():
		return 0, fmt.Errorf("process %d: its shim does not answer within %s: %w", p.child.pid, shimLimit.Round(time.Second), ctx.Err())
	}
}
