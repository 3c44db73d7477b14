package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/term"
	"github.com/muesli/cancelreader"

	"gastown/internal/api"
	"gastown/internal/fault"
)

const (
	leaveKey   = 0x1d                  // Ctrl-]
	lookEach   = 33 * time.Millisecond // at most thirty pictures a second
	lookWait   = 20 * time.Second      // of one call for another picture
	enterPane  = "\x1b[?1049h\x1b[2J"
	leavePane  = "\x1b[?2004l\x1b[?1l\x1b[0m\x1b[?25h\x1b[?1049l"
	attachHint = "Ctrl-] leaves, it goes on"
)

// attach shows an agent's terminal on this one until Ctrl-] or its end.
func (p *process) attach(ctx context.Context, d api.Doer, name string) error {
	if !isTerminal(os.Stdin) || !isTerminal(os.Stdout) {
		return fault.Usagef("attach: it needs a terminal").WithHint("`gastown polecat peek NAME` prints what is on it")
	}
	first, err := api.PolecatAttach.Do(ctx, d, api.AttachReq{Name: name})
	if err != nil {
		return err // before anything is drawn
	}
	state, err := term.MakeRaw(os.Stdin.Fd())
	if err != nil {
		return fmt.Errorf("attach: %w", err)
	}
	fmt.Fprint(os.Stdout, enterPane)
	ended, err := attached(ctx, d, api.AttachReq{Name: name, Of: first.Of}, os.Stdin, os.Stdout)
	fmt.Fprint(os.Stdout, leavePane)
	if rerr := term.Restore(os.Stdin.Fd(), state); err == nil {
		err = rerr
	}
	if err == nil && ended {
		fmt.Fprintf(os.Stdout, "%s has ended\n", name)
	}
	return err
}

// attached relays keys and pictures. Errors of either side end both.
func attached(ctx context.Context, d api.Doer, of api.AttachReq, in, out *os.File) (ended bool, err error) {
	r, err := cancelreader.NewReader(in)
	if err != nil {
		return false, fmt.Errorf("attach: %w", err)
	}
	defer r.Close()
	ctx, stop := context.WithCancel(ctx)
	typed := make(chan error, 1)
	go func() {
		defer stop()
		typed <- relay(ctx, d, of, r)
	}()
	resized := make(chan os.Signal, 1)
	signal.Notify(resized, syscall.SIGWINCH)
	defer signal.Stop(resized)
	ended, err = watch(ctx, d, of, out, resized)
	stop()
	r.Cancel()
	if terr := <-typed; err == nil {
		err = terr
	}
	return ended, err
}

// relay types what is typed here, until the key that leaves.
func relay(ctx context.Context, d api.Doer, of api.AttachReq, in io.Reader) error {
	buf := make([]byte, 4096)
	for ctx.Err() == nil {
		n, err := in.Read(buf)
		keys, leave := typedKeys(buf[:n])
		if len(keys) > 0 {
			of.Type = keys
			if _, err := api.PolecatAttach.Do(ctx, d, of); err != nil && ctx.Err() == nil {
				return err
			}
		}
		if leave || err != nil { // no input any more is a terminal that is gone
			return nil
		}
	}
	return nil
}

// typedKeys are the bytes before the key that leaves.
func typedKeys(chunk []byte) (keys []byte, leave bool) {
	for i, b := range chunk {
		if b == leaveKey {
			return chunk[:i], true
		}
	}
	return chunk, false
}

// watch draws each new picture.
func watch(ctx context.Context, d api.Doer, of api.AttachReq, out *os.File, resized <-chan os.Signal) (ended bool, err error) {
	var v pane
	pace := time.NewTicker(lookEach)
	defer pace.Stop()
	for {
		cols, rows, err := term.GetSize(out.Fd())
		if err != nil {
			return false, fmt.Errorf("attach: %w", err)
		}
		look, cancel := context.WithCancel(ctx)
		stop := make(chan struct{})
		go func() { // another size is another request
			select {
			case <-resized:
				cancel()
			case <-stop:
			}
		}()
		of.Cols, of.Rows = cols, max(rows-1, 1)
		a, err := api.PolecatAttach.Do(look, d, of)
		again := look.Err() != nil
		close(stop)
		cancel()
		switch {
		case ctx.Err() != nil:
			return false, nil
		case again:
			of.Gen, of.Wait = 0, 0
			continue
		case fault.Is(err, fault.NotFound) || fault.Is(err, fault.Refused): // it was there before
			return true, nil
		case err != nil:
			return false, err
		}
		of.Gen, of.Wait = a.Gen, lookWait
		if _, err := io.WriteString(out, v.draw(a, cols, rows)); err != nil {
			return false, fmt.Errorf("attach: %w", err)
		}
		if a.Ended {
			return true, nil
		}
		select {
		case <-pace.C:
		case <-ctx.Done():
			return false, nil
		}
	}
}

// pane is what is on this terminal.
type pane struct {
	cols, rows int
	lines      []string
	modes      string
}

// draw is what brings this terminal from its last picture to a: the lines that differ, the modes in which it
// is to send keys, and the cursor. The last row tells how to leave. Of a larger picture the part with the
// cursor is shown.
func (v *pane) draw(a api.Attached, cols, rows int) string {
	var b strings.Builder
	b.WriteString("\x1b[?25l")
	if cols != v.cols || rows != v.rows {
		b.WriteString("\x1b[0m\x1b[2J")
		*v = pane{cols: cols, rows: rows, lines: make([]string, rows)}
	}
	view := max(rows-1, 1)
	skip := min(max(a.Y-view+1, 0), max(len(a.Lines)-view, 0))
	for y := range view {
		line := ""
		if y+skip < len(a.Lines) {
			line = ansi.Truncate(a.Lines[y+skip], cols, "")
		}
		v.put(&b, y, line+"\x1b[0m\x1b[K")
	}
	if rows > 1 {
		v.put(&b, rows-1, "\x1b[7m"+ansi.Truncate(fmt.Sprintf("%-*s", cols, " "+a.Name+" · "+attachHint), cols, "")+"\x1b[0m")
	}
	if modes := onOff("?1", a.Arrows) + onOff("?2004", a.Pastes); modes != v.modes {
		v.modes = modes
		b.WriteString(modes)
	}
	if a.Cursor && a.Y-skip < view && a.X < cols {
		fmt.Fprintf(&b, "\x1b[%d;%dH\x1b[?25h", a.Y-skip+1, a.X+1)
	}
	return b.String()
}

// put draws a row that is not there yet.
func (v *pane) put(b *strings.Builder, y int, line string) {
	if v.lines[y] != line {
		v.lines[y] = line
		fmt.Fprintf(b, "\x1b[%d;1H%s", y+1, line)
	}
}

func onOff(mode string, on bool) string {
	if on {
		return "\x1b[" + mode + "h"
	}
	return "\x1b[" + mode + "l"
}
