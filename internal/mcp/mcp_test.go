package mcp

import (
	"context"
	"encoding/json"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
	"go.uber.org/goleak"

	"gastown/beads"
	"gastown/internal/api"
	"gastown/internal/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// town answers as it is told, or with a verb's zero result, and keeps what it was asked last.
type town struct {
	verb string
	req  any
	res  any
	err  error
}

func (d *town) Do(_ context.Context, verb string, req any) (any, error) {
	d.verb, d.req = verb, req
	if d.res != nil || d.err != nil {
		return d.res, d.err
	}
	v := rowOf(verb)
	return v.Value(v.NewRes()), nil
}

func rowOf(verb string) api.Verb {
	i := slices.IndexFunc(api.Table(), func(v api.Verb) bool { return v.Name == verb })
	return api.Table()[i]
}

// connect is a model's program that talks to the tools of a role.
func connect(t *testing.T, do api.Doer, role string) *sdk.ClientSession {
	t.Helper()
	theirs, ours := sdk.NewInMemoryTransports()
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- run(ctx, do, Options{Role: role, Version: "v1"}, ours) }()
	client := sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, nil)
	s, err := client.Connect(ctx, theirs, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
		stop()
	})
	return s
}

func toolsOf(t *testing.T, role string) map[string]*sdk.Tool {
	t.Helper()
	res, err := connect(t, &town{}, role).ListTools(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]*sdk.Tool{}
	for _, tool := range res.Tools {
		out[tool.Name] = tool
	}
	return out
}

func TestARoleSeesWhatItMayCall(t *testing.T) {
	mayor, polecat, person := toolsOf(t, "mayor"), toolsOf(t, "polecat"), toolsOf(t, "")
	if len(person) != len(api.Table())-2 || person["report"] != nil || person["polecat_attach"] != nil {
		t.Errorf("a person sees %d of %d verbs", len(person), len(api.Table()))
	}
	for _, v := range api.Table() {
		name := toolName(v.Name)
		if !forModels(v.Name) {
			continue
		}
		if (mayor[name] != nil) != (v.Who&api.Mayor != 0) || (polecat[name] != nil) != (v.Who&api.Polecat != 0) {
			t.Errorf("%s: Mayor %t, polecat %t", name, mayor[name] != nil, polecat[name] != nil)
		}
	}
	for _, name := range []string{"bead_create", "sling", "refinery_restart", "show", "plan"} {
		if mayor[name] == nil {
			t.Errorf("the Mayor lacks %s", name)
		}
	}
	if mayor["done"] != nil || mayor["down"] != nil || polecat["sling"] != nil || polecat["done"] == nil {
		t.Error("a tool is with the wrong role")
	}
}

// A model reads nothing but these words.
func TestToolsAreDescribed(t *testing.T) {
	fields, spoken := fieldWords(), map[string]bool{}
	name := regexp.MustCompile(`^[a-z][a-z_]{0,40}$`)
	for _, v := range api.Table() {
		if !forModels(v.Name) {
			continue
		}
		tool := tool(v)
		if !name.MatchString(tool.Name) || len(tool.Description) < 10 || !strings.HasSuffix(tool.Description, ".") {
			t.Errorf("tool %q: %q", tool.Name, tool.Description)
		}
		var walk func(typ reflect.Type)
		walk = func(typ reflect.Type) {
			for typ.Kind() == reflect.Slice || typ.Kind() == reflect.Pointer {
				typ = typ.Elem()
			}
			if typ.Kind() != reflect.Struct || typ == reflect.TypeFor[time.Time]() {
				return
			}
			for _, f := range fieldsOf(typ) {
				if aboutField(v.Name, typ.Name(), f.name) == "" {
					t.Errorf("%s: argument %q says nothing of itself; words.go has the words", v.Name, f.name)
				}
				for _, key := range []string{v.Name + " " + f.name, typ.Name() + "." + f.name, f.name} {
					if _, ok := fields[key]; ok {
						spoken[key] = true
						break
					}
				}
				walk(f.typ)
			}
		}
		walk(requestOf(v))
	}
	for key := range fields {
		if !spoken[key] {
			t.Errorf("words for %q, which no tool has", key)
		}
	}
	for verb := range aboutVerbs() {
		if !slices.ContainsFunc(api.Table(), func(v api.Verb) bool { return v.Name == verb }) {
			t.Errorf("words for the verb %q, which there is not", verb)
		}
	}
}

func TestASchemaIsTheRequests(t *testing.T) {
	data, err := json.Marshal(toolsOf(t, "")["polecat_reassign"].InputSchema)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"additionalProperties":false,"properties":{` +
		`"action":{"description":"a number of your own: calls that give the same are taken back together","type":"integer"},` +
		`"agent":{"description":"agent preset to use, as PRESET or PRESET:MODEL; default: the town's setting","type":"string"},` +
		`"name":{"description":"name of the polecat, its bead's id, or BEAD/N for that attempt and no other","type":"string"},` +
		`"nobody":{"description":"start nobody: the bead is ready again","type":"boolean"},` +
		`"note":{"description":"hand-off note to the next agent","type":"string"},` +
		`"to":{"description":"name of the polecat that takes over; default: any other","type":"string"}},` +
		`"required":["name"],"type":"object"}`
	if diff := cmp.Diff(want, string(data)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestCalls(t *testing.T) {
	day := time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)
	for _, c := range []struct {
		tool, args string
		verb       string
		want       any
	}{
		{"bead_create", `{"title":"Fix it","priority":0,"deps":["ma-1"],"needs_code":null,"metadata":{"a":1}}`, "bead.create",
			api.BeadCreateReq{Title: "Fix it", Priority: new(0), Deps: []beads.ID{"ma-1"}, Metadata: json.RawMessage(`{"a":1}`)}},
		{"sling", `{"beads":["ma-1","ma-2"],"agent":"claude:opus"}`, "sling", api.SlingReq{Beads: []beads.ID{"ma-1", "ma-2"}, Agent: "claude:opus"}},
		{"escalate", `{"text":"may I?","wait":"90s"}`, "escalate", api.EscalateReq{Text: "may I?", Wait: 90 * time.Second}},
		{"escalate", `{"text":"may I?"}`, "escalate", api.EscalateReq{Text: "may I?"}},
		{"plan", `{"text":"# Spec\n","apply":true}`, "plan", api.PlanReq{Text: []byte("# Spec\n"), Apply: true}},
		{"bead_update", `{"bead":"ma-1","labels":[],"defer_until":"2026-05-06T07:08:09Z"}`, "bead.update", api.BeadUpdateReq{Bead: "ma-1", Labels: &[]string{}, Defer: &day}},
		{"refinery_restart", `{}`, "refinery.restart", api.NameReq{}},
		{"refinery_restart", `null`, "refinery.restart", api.NameReq{}},
		{"bead_list", `{"status":"open"}`, "bead.list", api.BeadListReq{Status: "open", Limit: 50}},
		{"refinery_log", `{"lines":7}`, "refinery.log", api.LogReq{Lines: 7}},
		{"rescue_prune", `{"age":"336h","dry_run":true}`, "rescue.prune", api.PruneReq{Age: 336 * time.Hour, DryRun: true}},
	} {
		town := &town{}
		res, err := connect(t, town, "").CallTool(t.Context(), &sdk.CallToolParams{Name: c.tool, Arguments: json.RawMessage(c.args)})
		if err != nil || res.IsError {
			t.Errorf("%s %s: %v %+v", c.tool, c.args, err, res)
			continue
		}
		if diff := cmp.Diff(c.want, town.req); diff != "" || town.verb != c.verb {
			t.Errorf("%s asked %s (-want +got):\n%s", c.tool, town.verb, diff)
		}
	}
}

func TestMistakesAreResultsThatTeach(t *testing.T) {
	for _, c := range []struct{ tool, args, want string }{
		{"bead_create", `{}`, "bead.create: \"title\" is missing\none line"},
		{"sling", `{"beads":["a"],"bead":"b"}`, "sling: no argument \"bead\"\nit takes: beads, agent, polecat, action"},
		{"status", `{"x":1}`, "status: no argument \"x\"\nit takes: none"},
		{"escalate", `{"text":"t","wait":5}`, "escalate: \"wait\": want a time such as \"90s\""},
		{"escalate", `{"text":"t","wait":"soon"}`, "escalate: \"wait\": \"soon\" is not a time such as \"90s\" or \"10m\""},
		{"bead_create", `{"title":["t"]}`, "bead.create: json: cannot unmarshal array into Go struct field BeadCreateReq.title of type string"},
	} {
		town := &town{}
		res, err := connect(t, town, "").CallTool(t.Context(), &sdk.CallToolParams{Name: c.tool, Arguments: json.RawMessage(c.args)})
		if err != nil {
			t.Fatal(err)
		}
		if got := words(res); !res.IsError || got != c.want {
			t.Errorf("%s %s: %t %q, want %q", c.tool, c.args, res.IsError, got, c.want)
		}
		if town.verb != "" {
			t.Errorf("%s %s reached the town", c.tool, c.args)
		}
	}
}

func TestARefusalTellsItsHint(t *testing.T) {
	town := &town{err: fault.Refusedf("sling ma-2: it waits for ma-1").WithHint("sling that first")}
	res, err := connect(t, town, "mayor").CallTool(t.Context(), &sdk.CallToolParams{Name: "sling", Arguments: map[string]any{"beads": []string{"ma-2"}}})
	if err != nil {
		t.Fatal(err)
	}
	if !res.IsError || words(res) != "sling ma-2: it waits for ma-1\nsling that first" {
		t.Errorf("%t %q", res.IsError, words(res))
	}
	const want = `{"error":{"hint":"sling that first","kind":"refused","msg":"sling ma-2: it waits for ma-1"}}`
	if got := structured(t, res); got != want {
		t.Errorf("structured %s", got)
	}
	if _, err := connect(t, town, "polecat").CallTool(t.Context(), &sdk.CallToolParams{Name: "sling"}); err == nil {
		t.Error("a polecat called sling")
	}
}

func TestAnswers(t *testing.T) {
	long := strings.Repeat("é", maxText)
	for _, c := range []struct {
		tool, args string
		res        any
		want       string // a regular expression of all
	}{
		{"refinery_restart", `{}`, []api.RefineryInfo{}, `\{"items":\[\]\}`},
		{"sling", `{"beads":["a"]}`, []api.Slung{{Bead: "a", Msg: "waits"}}, `\{"items":\[\{"bead":"a","msg":"waits","warnings":\[\]\}\]\}`},
		{"show", `{"bead":"a"}`, api.Ack{Msg: "ok"}, `\{"msg":"ok"\}`},
		{"bead_export", `{}`, api.Exported{Data: []byte("{\"id\":1}\n")}, `\{"text":"\{\\"id\\":1\}\\n"\}`},
		{"refinery_log", `{}`, api.Peeked{Text: long + "end"}, `\{"text":"\[the beginning is left out here\]\\né+end"\}`},
		{"bead_export", `{}`, api.Exported{Data: []byte("start" + long)}, `\{"text":"starté+\\n\[the rest is left out here\]"\}`},
	} {
		res, err := connect(t, &town{res: c.res}, "").CallTool(t.Context(), &sdk.CallToolParams{Name: c.tool, Arguments: json.RawMessage(c.args)})
		if err != nil || res.IsError {
			t.Errorf("%s: %v %+v", c.tool, err, res)
			continue
		}
		if !regexp.MustCompile("^"+c.want+"$").MatchString(words(res)) || len(words(res)) > maxText+200 {
			t.Errorf("%s: %.200s", c.tool, words(res))
		}
		if structured(t, res) != words(res) {
			t.Errorf("%s: text and structure differ", c.tool)
		}
	}
	// Each verb's answer is an object, whatever it is.
	for _, v := range api.Table() {
		data, err := encode(v.Value(v.NewRes()))
		if err != nil || data[0] != '{' {
			t.Errorf("%s: %s, %v", v.Name, data, err)
		}
	}
}

func TestServeSpeaksLinesAndEndsWithItsInput(t *testing.T) {
	in, toServer := io.Pipe()
	fromServer, out := io.Pipe()
	served := make(chan error, 1)
	go func() {
		served <- Serve(t.Context(), &town{res: api.Ack{Msg: "ok"}}, Options{Version: "v1"}, in, out)
		_ = out.Close()
	}()
	dec := json.NewDecoder(fromServer)
	exchange := func(line string) (answer struct {
		Result struct {
			ServerInfo struct{ Name, Version string }
			Content    []struct{ Text string }
		}
		ID    any
		Error struct{ Code int }
	}) {
		t.Helper()
		if _, err := io.WriteString(toServer, line+"\n"); err != nil {
			t.Fatal(err)
		}
		if err := dec.Decode(&answer); err != nil {
			t.Fatal(err)
		}
		return answer
	}
	hello := exchange(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}`)
	if hello.Result.ServerInfo.Name != "gastown" || hello.Result.ServerInfo.Version != "v1" {
		t.Errorf("server %+v", hello)
	}
	if _, err := io.WriteString(toServer, `{"jsonrpc":"2.0","method":"notifications/initialized"}`+"\n"); err != nil {
		t.Fatal(err)
	}
	for line, code := range map[string]int{
		"not JSON": -32700, `{"jsonrpc":"2.0","id":7,"method":`: -32700, `{"jsonrpc":"2.0"} {}`: -32700, "\x00": -32700,
		"3": -32600, "[]": -32600, "[1]": -32600, `{"jsonrpc":"2.0","id":{},"method":"ping"}`: -32600, `{"id":1,"method":"ping"}`: -32600,
	} {
		if got := exchange(line); got.Error.Code != code || got.ID != nil {
			t.Errorf("%q: %+v, want %d", line, got, code)
		}
	}
	if _, err := io.WriteString(toServer, "\n  \r\n"); err != nil { // nothing is no message, and no mistake
		t.Fatal(err)
	}
	call := exchange(`{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"show","arguments":{"bead":"a"}}}`)
	if len(call.Result.Content) != 1 || call.Result.Content[0].Text != `{"msg":"ok"}` {
		t.Errorf("answer %+v", call)
	}
	if err := toServer.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-served; err != nil {
		t.Errorf("it ended with %v", err)
	}
}

func words(res *sdk.CallToolResult) string {
	if len(res.Content) != 1 {
		return ""
	}
	text, ok := res.Content[0].(*sdk.TextContent)
	if !ok {
		return ""
	}
	return text.Text
}

func structured(t *testing.T, res *sdk.CallToolResult) string {
	t.Helper()
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(res.StructuredContent); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(b.String())
}
