package main

import (
	"fmt"
	"io"
	"os"
	"time"
	"unicode/utf8"

	"github.com/charmbracelet/x/term"

	"gastown/beads"
	"gastown/internal/api"
)

// trial shows gates being tried: which one runs and for how long, and how each one ended.
type trial struct {
	out   io.Writer
	live  bool   // out is a terminal: its last line may be written anew
	setup string // runs before the first gate; empty: none
	runs  int
	end   chan struct{} // closed for the line of the running gate to go
	gone  chan struct{} // closed when it has
}

// tell is for town.CheckRig.
func (t *trial) tell(r api.GateRun) {
	t.stop()
	if r.Outcome != "" {
		fmt.Fprintf(t.out, "  %-5s %s  (%.1fs)\n", r.Outcome, beads.Clean(r.Run, 0), r.Took.Seconds())
		return
	}
	what := r.Run
	if t.runs++; t.runs == 1 && t.setup != "" {
		what = "setup, then " + what
	}
	if !t.live {
		return
	}
	t.end, t.gone = make(chan struct{}), make(chan struct{})
	go t.count(beads.Clean(what, 50), t.end, t.gone)
}

// count writes the line of a running gate anew every second until end, and takes it away.
func (t *trial) count(what string, end, gone chan struct{}) {
	defer close(gone)
	start, tick := time.Now(), time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		text := fmt.Sprintf("  runs  %s  (%.0fs)", what, time.Since(start).Seconds())
		fmt.Fprint(t.out, "\r"+text)
		select {
		case <-end:
			fmt.Fprintf(t.out, "\r%*s\r", utf8.RuneCountInString(text), "")
			return
		case <-tick.C:
		}
	}
}

// stop takes the line of the running gate away.
func (t *trial) stop() {
	if t.end == nil {
		return
	}
	close(t.end)
	<-t.gone
	t.end = nil
}

// isTerminal reports whether f, a reader or a writer, is a terminal.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(f.Fd())
}
