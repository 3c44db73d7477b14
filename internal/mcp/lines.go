package mcp

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"sync"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"

	"gastown/internal/fault"
)

// lines hands on those lines of in that are messages, and answers the others on out with the error
// that the protocol has for them: the library would end there, and drop the answers under way.
type lines struct {
	in   *bufio.Reader
	out  io.Writer // takes an answer whole
	rest []byte    // of the message that is being read
}

// Read implements io.Reader.
func (l *lines) Read(p []byte) (int, error) {
	for len(l.rest) == 0 {
		line, err := l.in.ReadBytes('\n')
		if line = bytes.TrimSpace(line); len(line) > 0 {
			if wrong := message(line); wrong == nil {
				l.rest = append(line, '\n')
				break
			} else if err := l.answer(wrong); err != nil {
				return 0, err
			}
		}
		if err != nil {
			return 0, err
		}
	}
	n := copy(p, l.rest)
	l.rest = l.rest[n:]
	return n, nil
}

// message says what keeps a line from being a message, or a batch of them.
func message(line []byte) *jsonrpc.Error {
	if !json.Valid(line) {
		return &jsonrpc.Error{Code: jsonrpc.CodeParseError, Message: "this line is not JSON"}
	}
	batch := []json.RawMessage{line}
	if line[0] == '[' {
		batch = nil
		if err := json.Unmarshal(line, &batch); err != nil || len(batch) == 0 {
			return &jsonrpc.Error{Code: jsonrpc.CodeInvalidRequest, Message: "there is no message in this line"}
		}
	}
	for _, one := range batch {
		if _, err := jsonrpc.DecodeMessage(one); err != nil {
			return &jsonrpc.Error{Code: jsonrpc.CodeInvalidRequest, Message: "not a JSON-RPC message: " + err.Error()}
		}
	}
	return nil
}

// answer tells an error that belongs to no request.
func (l *lines) answer(e *jsonrpc.Error) error {
	data, err := json.Marshal(struct {
		Version string         `json:"jsonrpc"`
		ID      *int           `json:"id"`
		Error   *jsonrpc.Error `json:"error"`
	}{"2.0", nil, e})
	if err != nil {
		return fault.Failf("mcp: encode an error: %w", err)
	}
	_, err = l.out.Write(append(data, '\n'))
	return err
}

// whole lets several write to one writer, each answer in one piece. Its Close leaves the closing of
// standard output to the process.
type whole struct {
	mu sync.Mutex
	w  io.Writer
}

// Write implements io.Writer.
func (w *whole) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.w.Write(p)
}

// Close implements io.Closer.
func (w *whole) Close() error { return nil }
