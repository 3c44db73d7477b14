package run

import (
	"errors"
	"io"
	"sync"
)

// queueLimit is how many bytes of input may wait for a program that does not read. A paste of a megabyte must fit.
const queueLimit = 4 << 20

// writeSize is the most given to the terminal at once; its buffer takes 4 KiB anyway.
const writeSize = 4 << 10

// Why input is refused.
var (
	ErrFull  = errors.New("input queue full: the program does not read")
	ErrEnded = errors.New("the program has ended")
)

// queue is the bounded input of one program: many producers, one writer.
type queue struct {
	mu     sync.Mutex
	wake   *sync.Cond
	parts  [][]byte
	size   int // bytes in parts
	closed bool
}

func newQueue() *queue {
	q := &queue{}
	q.wake = sync.NewCond(&q.mu)
	return q
}

// push adds p, which the queue then owns, whole or not at all. It does not wait.
func (q *queue) push(p []byte) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.closed:
		return ErrEnded
	case q.size+len(p) > queueLimit:
		return ErrFull
	case len(p) == 0:
		return nil
	}
	q.parts = append(q.parts, p)
	q.size += len(p)
	q.wake.Signal()
	return nil
}

// pop waits for the next part; ok is false once the queue is closed.
func (q *queue) pop() (p []byte, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.parts) == 0 && !q.closed {
		q.wake.Wait()
	}
	if q.closed {
		return nil, false
	}
	p = q.parts[0]
	q.parts[0] = nil
	q.parts = q.parts[1:]
	return p, true
}

// drain writes parts to w until the queue is closed or w fails, which closes it. A part counts as waiting until it is
// written.
func (q *queue) drain(w io.Writer) {
	defer q.close()
	for {
		p, ok := q.pop()
		if !ok {
			return
		}
		for len(p) > 0 {
			n, err := w.Write(p[:min(len(p), writeSize)])
			if err != nil {
				return
			}
			p = p[n:]
			q.mu.Lock()
			q.size -= n
			q.mu.Unlock()
		}
	}
}

// close refuses further input and drops what waits.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.parts, q.size = nil, 0
	q.wake.Broadcast()
}
