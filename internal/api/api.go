// Package api owns the verbs: one typed table through which everything from outside
// goes. Command line, socket, MCP server and screen are thin adapters on Doer.Do; the
// town's handlers answer. It holds values only: no effect, no state.
package api

import (
	"context"
	"fmt"
)

// Doer performs verbs. Req must be what the verb's Command says, as a value; the
// result is its Res, as a value. Errors are of package fault. Implementations: the
// town itself (in process), and the socket client.
type Doer interface {
	Do(ctx context.Context, verb string, req any) (res any, err error)
}

// Where says what a verb needs.
type Where int

const (
	// Store verbs work without a running host: on the store alone, under its lock.
	Store Where = iota
	// Host verbs need the running host.
	Host
)

// Who may call a verb, beside a person, who may call all of them.
type Who int

const (
	// Polecat verbs may be called with an attempt's token; what they touch is limited to
	// the caller's own bead where that has a meaning.
	Polecat Who = 1 << iota
	// Mayor verbs may be called with the Mayor's token.
	Mayor
)

// Verb is one row of the table.
type Verb struct {
	Name   string // dotted, such as "bead.create"
	Short  string // what it does, for people and models
	Where  Where
	Who    Who
	NewReq func() any // a pointer to a zero Req
	NewRes func() any // a pointer to a zero Res
	value  func(any) any
}

// Value dereferences what NewReq or NewRes gave, after it was filled: *Req to Req.
func (v Verb) Value(ptr any) any { return v.value(ptr) }

// Command is the typed name of a verb.
type Command[Req, Res any] struct{ name string }

// Name is the verb's name in the table.
func (c Command[Req, Res]) Name() string { return c.name }

// Do performs the verb on d.
func (c Command[Req, Res]) Do(ctx context.Context, d Doer, req Req) (Res, error) {
	var zero Res
	res, err := d.Do(ctx, c.name, req)
	if err != nil {
		return zero, err
	}
	out, ok := res.(Res)
	if !ok {
		return zero, fmt.Errorf("verb %s: answered with %T, want %T", c.name, res, zero)
	}
	return out, nil
}

// Verb makes the verb's row.
func (c Command[Req, Res]) row(where Where, who Who, short string) Verb {
	return Verb{
		Name: c.name, Short: short, Where: where, Who: who,
		NewReq: func() any { return new(Req) },
		NewRes: func() any { return new(Res) },
		value: func(p any) any {
			switch p := p.(type) {
			case *Req:
				return *p
			case *Res:
				return *p
			}
			return p
		},
	}
}

// Caller is who asks, as the door that let them in found out.
type Caller struct {
	// Name is what events show: "you", "mayor", a polecat's name, "cli".
	Name string `json:"name"`
	// Role is "person", "mayor" or "polecat".
	Role    string `json:"role"`
	Rig     string `json:"rig,omitempty"`
	Bead    string `json:"bead,omitempty"`
	Attempt int    `json:"attempt,omitempty"`
	// Stale is set when the token named an attempt that has ended: such a caller may read
	// nothing and change nothing.
	Stale bool `json:"-"`
}

type dirKey struct{}

// From notes in a context where the caller is: a working directory. It narrows nothing and proves
// nothing; it only says which rig is meant where none is named.
func From(ctx context.Context, dir string) context.Context {
	return context.WithValue(ctx, dirKey{}, dir)
}

// Dir is where the caller is; empty: not known.
func Dir(ctx context.Context) string {
	dir, _ := ctx.Value(dirKey{}).(string)
	return dir
}

// Person is the caller at the keyboard.
func Person() Caller { return Caller{Name: "you", Role: "person"} }

// Empty is the request or result of a verb that has none.
type Empty struct{}
