package proc

// What host and shim say to each other, one JSON value a line. Strings of the outside world travel as bytes: arguments
// and environments need not be UTF-8.

// shimArg is argv[1] of a shim.
const shimArg = "__shim"

// Environment variables that mark a tree and its shim. They differ so that a tree can be killed before its shim.
const (
	markerVar = "GASTOWN_PROC"
	shimVar   = "GASTOWN_SHIM"
	ofVar     = "GASTOWN_SHIM_OF" // the program a shim was asked to run from: Spec.Exe
)

// File descriptors of a shim, in the order of exec.Cmd.ExtraFiles.
const (
	fdControl = 3 // read: config, then commands; end of file: the host is gone
	fdStatus  = 4 // write: reports
	fdStdio   = 5 // the child's terminal or output file
)

// config is the first message of the host.
type config struct {
	Path   []byte   `json:"path"`
	Argv   [][]byte `json:"argv"`
	Dir    []byte   `json:"dir"`
	Env    [][]byte `json:"env"`
	Marker string   `json:"marker"`
	TTY    bool     `json:"tty"`
	Nice   int      `json:"nice"`
}

// command is each later message of the host.
type command struct {
	Signal int  `json:"signal,omitempty"` // for the main process's group
	Kill   bool `json:"kill,omitempty"`   // SIGKILL for the whole tree
	Freeze bool `json:"freeze,omitempty"` // SIGSTOP for the whole tree, answered by Frozen
	Thaw   bool `json:"thaw,omitempty"`   // SIGCONT for what Freeze stopped, answered by Frozen
}

// report is each message of the shim: first PID or Error, then any number of Frozen, then Exit or Signal.
type report struct {
	PID     int    `json:"pid,omitempty"`
	Start   uint64 `json:"start,omitempty"` // the child's start time, see ID
	Exit    *int   `json:"exit,omitempty"`
	Signal  *int   `json:"signal,omitempty"`
	Frozen  *int   `json:"frozen,omitempty"`  // processes that are stopped now
	Stopped bool   `json:"stopped,omitempty"` // a command had been obeyed before the child ended
	Error   string `json:"error,omitempty"`   // cannot start
	Op      string `json:"op,omitempty"`      // with Error: the step, see StartError
	Errno   int    `json:"errno,omitempty"`   // with Error: the kernel's answer, if it gave one
}

func toBytes(list []string) [][]byte {
	out := make([][]byte, len(list))
	for i, s := range list {
		out[i] = []byte(s)
	}
	return out
}

func toStrings(list [][]byte) []string {
	out := make([]string, len(list))
	for i, b := range list {
		out[i] = string(b)
	}
	return out
}
