package mcp

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"strings"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"gastown/internal/api"
	"gastown/internal/fault"
)

// Options say for whom the tools are.
type Options struct {
	Role    string // "mayor", "polecat"; anything else is a person, who may call all
	Version string
}

// Serve answers MCP on in and out until in ends or ctx does.
func Serve(ctx context.Context, do api.Doer, o Options, in io.Reader, out io.Writer) error {
	w := &whole{w: out}
	return run(ctx, do, o, &sdk.IOTransport{Reader: io.NopCloser(&lines{in: bufio.NewReader(in), out: w}), Writer: w})
}

func run(ctx context.Context, do api.Doer, o Options, t sdk.Transport) error {
	server := sdk.NewServer(&sdk.Implementation{Name: "gastown", Title: "gastown", Version: o.Version}, &sdk.ServerOptions{
		Instructions: instructions(o.Role),
		Logger:       slog.New(slog.DiscardHandler),
		Capabilities: &sdk.ServerCapabilities{Tools: &sdk.ToolCapabilities{}}, // they do not change
	})
	for _, v := range verbs(o.Role) {
		server.AddTool(tool(v), handler(do, v))
	}
	err := server.Run(ctx, t)
	if err == nil || ctx.Err() != nil {
		return nil // whoever started it has gone, or ends it
	}
	return fault.Failf("mcp: %w", err)
}

// verbs are those that a role may call.
func verbs(role string) []api.Verb {
	who := api.Who(0)
	switch role {
	case "mayor":
		who = api.Mayor
	case "polecat":
		who = api.Polecat
	}
	var out []api.Verb
	for _, v := range api.Table() {
		if forModels(v.Name) && (who == 0 || v.Who&who != 0) {
			out = append(out, v)
		}
	}
	return out
}

// forModels reports whether a verb is for models: report is what an agent's program says by its hooks, and to
// type into a terminal is for a person at one.
func forModels(verb string) bool {
	return verb != api.Report.Name() && verb != api.PolecatAttach.Name()
}

// toolName is a verb's name as tools may be called: "bead.dep.add" is "bead_dep_add".
func toolName(verb string) string { return strings.ReplaceAll(verb, ".", "_") }

func tool(v api.Verb) *sdk.Tool {
	t := &sdk.Tool{Name: toolName(v.Name), Description: about(v), InputSchema: inputOf(v)}
	if reads(v.Name) {
		t.Annotations = &sdk.ToolAnnotations{ReadOnlyHint: true}
	}
	return t
}

// handler performs a verb. What goes wrong is the tool's result: a model can mend it.
func handler(do api.Doer, v api.Verb) sdk.ToolHandler {
	return func(ctx context.Context, call *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
		req, err := decode(v, call.Params.Arguments)
		if err != nil {
			return trouble(err), nil
		}
		res, err := do.Do(ctx, v.Name, req)
		if err != nil {
			return trouble(err), nil
		}
		data, err := encode(res)
		if err != nil {
			return trouble(fault.Failf("%s: encode the answer: %w", v.Name, err)), nil
		}
		return &sdk.CallToolResult{Content: text(string(data)), StructuredContent: json.RawMessage(data)}, nil
	}
}

// trouble is an error as a tool's result, in words and in the shape that --json has.
func trouble(err error) *sdk.CallToolResult {
	e := fault.From(err)
	words := e.Msg
	if e.Hint != "" {
		words += "\n" + e.Hint
	}
	return &sdk.CallToolResult{IsError: true, Content: text(words), StructuredContent: map[string]any{"error": e}}
}

func text(s string) []sdk.Content { return []sdk.Content{&sdk.TextContent{Text: s}} }
