// Package wire owns the town's unix socket: verbs as HTTP with JSON bodies, one request a
// connection. It knows the table of package api and nothing of what a verb does, and it
// leaves it to the server's Do to say who a token is.
//
//	POST /v1/VERB   body: the verb's Req; answer: its Res
//	GET  /v1/ping   answer: Ping
//
// The header Gastown-Dir is the caller's working directory, as in the path of a URL.
//
// An error is answered as {"error":{"kind","msg","hint"}} with the status that its kind
// has in statusOf. A request without a token is a person's; the process behind every
// connection must run as the same user as the server.
package wire

import (
	"errors"
	"net/http"

	"gastown/internal/api"
	"gastown/internal/fault"
)

// MaxBody is the largest request body: 64 MiB of Beads JSONL and what base64 and the
// other fields add to a part of it, as the design has it.
const MaxBody = 72 << 20

// ErrNobody says that no server listens on the socket: there is none, or one that a
// server which ended left behind.
var ErrNobody = errors.New("nobody answers on the town's socket")

// dirHeader carries where the caller is.
const dirHeader = "Gastown-Dir"

// Ping is the answer to GET /v1/ping.
type Ping struct {
	PID     int    `json:"pid"`
	Version string `json:"version"`
}

// envelope is an error on the wire.
type envelope struct {
	Error *fault.Error `json:"error"`
}

// statusOf is the HTTP status that a kind of error has.
func statusOf(kind fault.Kind) int {
	switch kind {
	case fault.Usage:
		return http.StatusBadRequest
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Refused:
		return http.StatusConflict
	case fault.Unavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// known reports whether kind is one of the closed set; an answer with another is not ours.
func known(kind fault.Kind) bool {
	switch kind {
	case fault.Failed, fault.Usage, fault.NotFound, fault.Refused, fault.Unavailable:
		return true
	}
	return false
}

func lookup(verb string) (api.Verb, bool) {
	for _, row := range api.Table() {
		if row.Name == verb {
			return row, true
		}
	}
	return api.Verb{}, false
}
