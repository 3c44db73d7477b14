// Package mcp owns the town's MCP server: the verbs of package api as tools, named and described
// for a model. It knows nothing of what a verb does or how the town is reached; whoever serves it
// hands over an api.Doer. Which tools there are depends on the caller's role only to spare a model
// what it would be refused; the refusing is the town's.
//
// A model gets plainer arguments than the socket: bytes are text, durations are text ("90s").
package mcp
