package tui

import (
	"reflect"
	"sync"
	"time"
	"unsafe"

	tea "charm.land/bubbletea/v2"
)

// Times of the pulse.
const (
	// frameGap is the least time between two frames that nobody waits for.
	frameGap = time.Second / frameLimit
	// soonGap is how long after a change its frame comes when a key was pressed just now: the rest
	// of what the key changes comes with it.
	soonGap = 2 * time.Millisecond
	// keyFor is how long after a key a change may be what it did: a terminal's echo takes a while.
	keyFor = 50 * time.Millisecond
	// restAfter is how long nothing has to happen until the frames rest.
	restAfter = 250 * time.Millisecond
	// restGap is the time between two frames at rest: not for ever, in case Bubble Tea has
	// something to write that no message came before.
	restGap = 5 * time.Second
)

// pulse paces Bubble Tea's frames: soon after a key, at the usual rate otherwise, and none
// while nothing happens. Its renderer looks for a changed view sixty times a second all the time,
// which alone costs 1 % of a core and half a frame's time a key; nothing public changes it.
type pulse struct {
	program *tea.Program // set before its Run

	mu     sync.Mutex
	ticker *time.Ticker // of the renderer
	asked  bool         // ticker was looked for
	ended  bool
	key    time.Time     // when the last key came
	gap    time.Duration // of the ticker
	since  time.Time     // when gap was set
	slower *time.Timer   // until the next longer gap
}

// keyed notes that a person did something.
func (p *pulse) keyed() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.key = time.Now()
}

// beat makes a frame come. It is called by View, whose goroutine is the one that makes the
// ticker.
func (p *pulse) beat() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.asked {
		p.asked, p.gap, p.key = true, frameGap, time.Now() // the first frame is waited for too
		if p.ticker = tickerOf(p.program); p.ticker != nil {
			p.slower = time.AfterFunc(restAfter, p.slow)
		}
	}
	if p.ticker == nil || p.ended {
		return
	}
	switch now := time.Now(); {
	case now.Sub(p.key) < keyFor:
		if p.gap != soonGap || now.Sub(p.since) > 2*soonGap { // a frame that is on its way is not put off
			p.pace(soonGap)
		}
	case p.gap == restGap:
		p.pace(frameGap)
	case p.gap == frameGap:
		p.slower.Reset(restAfter)
	}
}

// pace sets the gap, and when it grows again.
func (p *pulse) pace(gap time.Duration) {
	p.gap, p.since = gap, time.Now()
	p.ticker.Reset(gap)
	switch gap {
	case soonGap:
		p.slower.Reset(2*soonGap + soonGap/2) // for two frames
	case frameGap:
		p.slower.Reset(restAfter)
	}
}

// slow goes over to the next longer gap.
func (p *pulse) slow() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return
	}
	if p.gap == soonGap {
		p.pace(frameGap)
	} else {
		p.pace(restGap)
	}
}

// end leaves the ticker alone; the program has ended.
func (p *pulse) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	if p.slower != nil {
		p.slower.Stop()
	}
}

// tickerOf returns the private ticker of a program that runs; nil if Bubble Tea has changed
// inside, and the frames go on all the time. A test fails then.
func tickerOf(p *tea.Program) *time.Ticker {
	if p == nil {
		return nil
	}
	f := reflect.ValueOf(p).Elem().FieldByName("ticker")
	if !f.IsValid() || f.Type() != reflect.TypeFor[*time.Ticker]() {
		return nil
	}
	return *(**time.Ticker)(unsafe.Pointer(f.UnsafeAddr()))
}
