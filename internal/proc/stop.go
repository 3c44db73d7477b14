package proc

import (
	"context"
	"encoding/json"
	"fmt"
	"syscall"
	"time"
)

// shimLimit is how long a shim may take to kill its tree before the host does it from outside. It takes some
// milliseconds; only a stopped or starved shim takes longer.
const shimLimit = 3 * time.Second

// Stop ends the tree: plan.First to the main process's group, after plan.Grace SIGKILL to everything. It returns when
// Done is closed. It may be called often and concurrently: a first signal is sent once, the shortest grace counts. When
// ctx ends first the tree is killed at once and Stop returns without waiting for it.
func (p *Proc) Stop(ctx context.Context, plan StopPlan) error {
	if plan.First != 0 && plan.Grace > 0 {
		p.first(plan.First)
		grace := time.NewTimer(plan.Grace)
		defer grace.Stop()
		select {
		case <-p.done:
			return nil
		case <-ctx.Done():
		case <-grace.C:
		}
	}
	p.command(command{Kill: true})
	limit := time.NewTimer(shimLimit)
	defer limit.Stop()
	for {
		select {
		case <-p.done:
			return nil
		case <-ctx.Done():
			return fmt.Errorf("stop process %d: %w", p.child.pid, ctx.Err())
		case <-limit.C:
			KillTree(p.id)
		}
	}
}

// Signal sends sig to the main process's group and does not wait; SIGQUIT asks many programs for a stack dump.
func (p *Proc) Signal(sig syscall.Signal) { p.command(command{Signal: int(sig)}) }

func (p *Proc) first(sig syscall.Signal) {
	p.mu.Lock()
	again := p.sent[sig]
	p.sent[sig] = true
	p.mu.Unlock()
	if !again {
		p.Signal(sig)
	}
}

// command tells the shim. A failure means it is gone or hung, which Done or shimLimit will tell.
func (p *Proc) command(c command) {
	b, err := json.Marshal(c)
	if err != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.control.SetWriteDeadline(time.Now().Add(time.Second))
	_, _ = p.control.Write(append(b, '\n'))
}
