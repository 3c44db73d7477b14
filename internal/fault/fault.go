// Package fault owns the shape of an error at the program's edge: a small closed
// set of kinds, one message, one optional hint, and the exit code each kind means.
// It does not print and it does not exit.
package fault

import (
	"errors"
	"fmt"
	"strings"
)

// Kind says what a caller can do about an error. The set is closed; it crosses
// the socket as text.
type Kind string

const (
	// Failed is everything that went wrong without being the caller's fault.
	Failed Kind = "failed"
	// Usage is a request that cannot be understood: a wrong flag or argument.
	Usage Kind = "usage"
	// NotFound names something that does not exist.
	NotFound Kind = "not_found"
	// Refused is a legal request that the present state does not allow.
	Refused Kind = "refused"
	// Unavailable means the town could not be reached or owned.
	Unavailable Kind = "unavailable"
)

// Error is an error as a person or an agent gets to see it.
type Error struct {
	Kind Kind   `json:"kind"`
	Msg  string `json:"msg"`            // "what: why", one line unless Several
	Hint string `json:"hint,omitempty"` // the next step, one line
	Err  error  `json:"-"`              // the cause, for the log and errors.Is
	// Several is set where Msg is many faults of one thing, one a line.
	Several bool `json:"several,omitempty"`
}

func (e *Error) Error() string { return e.Msg }

func (e *Error) Unwrap() error { return e.Err }

// Lines are the faults that e is: Msg, or each line of it.
func (e *Error) Lines() []string {
	if e.Several {
		return strings.Split(e.Msg, "\n")
	}
	return []string{e.Msg}
}

// All is several faults of one thing as one error, of the kind of the first; nil for none, and one alone as it
// is. Of several each line has its hint.
func All(es ...*Error) error {
	switch len(es) {
	case 0:
		return nil
	case 1:
		return es[0]
	}
	var lines []string
	var causes []error
	for _, e := range es {
		line := e.Msg
		if e.Hint != "" {
			line += " (" + e.Hint + ")"
		}
		lines, causes = append(lines, line), append(causes, e)
	}
	return &Error{Kind: es[0].Kind, Msg: strings.Join(lines, "\n"), Err: errors.Join(causes...), Several: true}
}

// WithHint returns a copy of e that names the next step.
func (e *Error) WithHint(format string, args ...any) *Error {
	c := *e
	c.Hint = fmt.Sprintf(format, args...)
	return &c
}

// New makes an error of a kind; %w in format keeps the cause.
func New(kind Kind, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Kind: kind, Msg: err.Error(), Err: errors.Unwrap(err)}
}

// Failf is an error of kind Failed.
func Failf(format string, args ...any) *Error { return New(Failed, format, args...) }

// Usagef is an error of kind Usage.
func Usagef(format string, args ...any) *Error { return New(Usage, format, args...) }

// NotFoundf is an error of kind NotFound.
func NotFoundf(format string, args ...any) *Error { return New(NotFound, format, args...) }

// Refusedf is an error of kind Refused.
func Refusedf(format string, args ...any) *Error { return New(Refused, format, args...) }

// Unavailablef is an error of kind Unavailable.
func Unavailablef(format string, args ...any) *Error { return New(Unavailable, format, args...) }

// From returns err as an *Error: itself when there is one in its chain, with the
// outer text kept, else one of kind Failed. From(nil) is nil.
func From(err error) *Error {
	if err == nil {
		return nil
	}
	var e *Error
	if errors.As(err, &e) {
		if err.Error() == e.Msg {
			return e
		}
		return &Error{Kind: e.Kind, Msg: err.Error(), Hint: e.Hint, Err: err, Several: e.Several}
	}
	return &Error{Kind: Failed, Msg: err.Error(), Err: err}
}

// Is reports whether err is of the kind.
func Is(err error, kind Kind) bool { return err != nil && From(err).Kind == kind }

// ExitCode is the process exit code that err means; nil is 0.
func ExitCode(err error) int {
	if err == nil {
		return 0
	}
	switch From(err).Kind {
	case Usage:
		return 2
	case NotFound:
		return 3
	case Refused:
		return 4
	case Unavailable:
		return 5
	}
	return 1
}
