package proc

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
)

// Size is a terminal size in character cells.
type Size struct{ Cols, Rows int }

// clamp brings both sides into what the kernel can hold, and never below 1x1.
func (s Size) clamp() Size {
	const most = 1<<16 - 1 // struct winsize has 16-bit fields
	return Size{Cols: min(max(s.Cols, 1), most), Rows: min(max(s.Rows, 1), most)}
}

// Spec says what to start. It is read by [Start] only and may be reused afterwards.
type Spec struct {
	Argv   []string // required; Argv[0] is looked up in the PATH of Env unless it has a slash
	Dir    string   // required; working directory
	Env    []string // complete environment, nothing is inherited; the marker is added
	PTY    *Size    // nil: no terminal
	Output *os.File // without PTY: a regular file for stdout and stderr, stays the caller's; nil: /dev/null
	Exe    string   // absolute path of the binary to re-exec as shim; empty: this program
	Nice   int      // added to the child's niceness
}

func (s Spec) validate() error {
	switch {
	case len(s.Argv) == 0 || s.Argv[0] == "":
		return errors.New("no program given")
	case s.Dir == "":
		return errors.New("no working directory given")
	case s.PTY != nil && s.Output != nil:
		return errors.New("both a terminal and an output file given")
	}
	for _, list := range [][]string{s.Argv, s.Env, {s.Dir}} {
		for _, v := range list {
			if strings.IndexByte(v, 0) >= 0 {
				return fmt.Errorf("NUL byte in %q", v)
			}
		}
	}
	return nil
}

// Exit says how the main process of a tree ended.
type Exit struct {
	Code    int    // exit code; -1 when it was ended by a signal or its end was not seen
	Signal  int    // number of the signal that ended it; 0: none
	Stopped bool   // we had sent it a signal before it ended
	Err     string // why its end is not known (the shim was killed); empty: it is known
}

// String is a short phrase for people: "exit 1", "killed by SIGKILL".
func (e Exit) String() string {
	switch {
	case e.Err != "":
		return e.Err
	case e.Signal != 0:
		return "killed by " + signalName(syscall.Signal(e.Signal))
	}
	return fmt.Sprintf("exit %d", e.Code)
}

// Steps at which a start can fail, the values of [StartError.Op].
const (
	OpLookup = "find"  // Argv[0] is not there (fs.ErrNotExist) or may not be executed (fs.ErrPermission)
	OpDir    = "enter" // the working directory
	OpExec   = "exec"  // the kernel refused the program
	OpShim   = "shim"  // our own helper process did not come up
)

// StartError says which step of a start failed. errors.Is sees through it.
type StartError struct {
	Op   string // one of the Op constants
	Path string // the program or directory
	Err  error
}

func (e *StartError) Error() string { return fmt.Sprintf("%s %q: %v", e.Op, e.Path, e.Err) }

// Unwrap returns the cause.
func (e *StartError) Unwrap() error { return e.Err }

// StopPlan is how to end a process.
type StopPlan struct {
	First syscall.Signal // sent to the main process's group; 0: kill at once
	Grace time.Duration  // how long to wait before the whole tree is killed
}
