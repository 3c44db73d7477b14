package config

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"

	"gastown/internal/fault"
)

// document is a TOML text with the place of every value and table.
type document struct {
	name    string
	data    []byte
	entries []entry
	tables  []table
}

// entry is one value. In path, elements of an array of tables are "#0", "#1", ...
type entry struct {
	path       []string
	value      any // string, bool, int64, []any; another type for what we never want
	line       int
	start, end int  // of the value's text
	lineEnd    int  // past the newline of its last line
	lineStart  int  // of its first line
	inline     bool // inside an inline table or array of them
	table      int  // index in tables, -1: before the first
}

// table is one [header] or [[header]].
type table struct {
	path    []string
	line    int
	start   int // of its line
	lead    int // of the comment lines right above it
	lineEnd int
}

// parseDocument reads TOML. Errors name the line.
func parseDocument(name string, data []byte) (*document, error) {
	var all map[string]any
	if err := toml.Unmarshal(data, &all); err != nil { // duplicate keys and the like
		var de *toml.DecodeError
		if errors.As(err, &de) {
			row, _ := de.Position()
			return nil, fault.Usagef("%s:%d: %s", name, row, strings.TrimPrefix(de.Error(), "toml: "))
		}
		return nil, fault.Usagef("%s: %w", name, err)
	}
	d := &document{name: name, data: data}
	var p unstable.Parser
	p.Reset(data)
	counts := map[string]int{}
	var prefix []string
	for p.NextExpression() {
		e := p.Expression()
		switch e.Kind {
		case unstable.Table, unstable.ArrayTable:
			path := d.resolve(keyParts(e), counts, e.Kind == unstable.ArrayTable)
			d.addTable(&p, e, path)
			prefix = path
		case unstable.KeyValue:
			d.addEntry(&p, e, prefix, false)
		}
	}
	if err := p.Error(); err != nil {
		return nil, fault.Usagef("%s: %w", name, err)
	}
	return d, nil
}

// resolve adds the "#N" of arrays of tables to a header's path.
func (d *document) resolve(parts []string, counts map[string]int, array bool) []string {
	var path []string
	for i, part := range parts {
		path = append(path, part)
		key := strings.Join(path, "\x00")
		last := i == len(parts)-1
		if last && array {
			counts[key]++
		}
		if n := counts[key]; n > 0 {
			path = append(path, "#"+strconv.Itoa(n-1))
		}
	}
	return path
}

func keyParts(n *unstable.Node) []string {
	var parts []string
	for it := n.Key(); it.Next(); {
		parts = append(parts, string(it.Node().Data))
	}
	return parts
}

func (d *document) addTable(p *unstable.Parser, e *unstable.Node, path []string) {
	it := e.Key()
	it.Next()
	at := int(it.Node().Raw.Offset)
	t := table{path: path, start: d.lineStart(at), lineEnd: d.lineEnd(at), line: d.line(at)}
	t.lead = t.start
	for t.lead > 0 {
		prev := d.lineStart(t.lead - 1)
		if !bytes.HasPrefix(bytes.TrimSpace(d.data[prev:t.lead]), []byte("#")) {
			break
		}
		t.lead = prev
	}
	if t.lead == 0 && t.start > 0 { // the comment at the top of the file is the file's
		t.lead = t.start
	}
	d.tables = append(d.tables, t)
}

// addEntry adds a key's value, or all values of an inline table.
func (d *document) addEntry(p *unstable.Parser, kv *unstable.Node, prefix []string, inline bool) {
	path := slices.Concat(prefix, keyParts(kv))
	v := kv.Value()
	if v.Kind == unstable.InlineTable {
		for it := v.Children(); it.Next(); {
			if it.Node().Kind == unstable.KeyValue {
				d.addEntry(p, it.Node(), path, true)
			}
		}
		return
	}
	if v.Kind == unstable.Array && path[len(path)-1] == "gate" && !v.Child().Valid() {
		return // gate = []: none
	}
	if v.Kind == unstable.Array && firstTable(v) {
		i := 0
		for it := v.Children(); it.Next(); {
			if it.Node().Kind != unstable.InlineTable {
				continue
			}
			for kids := it.Node().Children(); kids.Next(); {
				if kids.Node().Kind == unstable.KeyValue {
					d.addEntry(p, kids.Node(), slices.Concat(path, []string{"#" + strconv.Itoa(i)}), true)
				}
			}
			i++
		}
		return
	}
	start, end := valueRange(d.data, kv)
	d.entries = append(d.entries, entry{path: path, value: value(v), line: d.line(int(kv.Raw.Offset)), start: start, end: end,
		lineStart: d.lineStart(int(kv.Raw.Offset)), lineEnd: d.lineEnd(end - 1), inline: inline, table: len(d.tables) - 1})
}

func firstTable(array *unstable.Node) bool {
	for it := array.Children(); it.Next(); {
		if it.Node().Kind != unstable.Comment {
			return it.Node().Kind == unstable.InlineTable
		}
	}
	return false
}

// valueRange is where the text of a key's value stands.
func valueRange(data []byte, kv *unstable.Node) (start, end int) {
	for it := kv.Key(); it.Next(); {
		start = int(it.Node().Raw.Offset + it.Node().Raw.Length)
	}
	start += bytes.IndexByte(data[start:], '=') + 1
	for data[start] == ' ' || data[start] == '\t' {
		start++
	}
	return start, int(kv.Raw.Offset + kv.Raw.Length)
}

// value is a node's value in Go's types.
func value(n *unstable.Node) any {
	switch n.Kind {
	case unstable.String:
		return string(n.Data)
	case unstable.Bool:
		return string(n.Data) == "true"
	case unstable.Integer:
		i, err := strconv.ParseInt(strings.ReplaceAll(string(n.Data), "_", ""), 0, 64)
		if err != nil {
			return fmt.Errorf("%s is out of range", n.Data)
		}
		return i
	case unstable.Array:
		list := []any{}
		for it := n.Children(); it.Next(); {
			if it.Node().Kind != unstable.Comment {
				list = append(list, value(it.Node()))
			}
		}
		return list
	}
	return n.Kind
}

func (d *document) line(at int) int { return 1 + bytes.Count(d.data[:at], []byte("\n")) }

func (d *document) lineStart(at int) int { return 1 + bytes.LastIndexByte(d.data[:at], '\n') }

func (d *document) lineEnd(at int) int {
	if i := bytes.IndexByte(d.data[at:], '\n'); i >= 0 {
		return at + i + 1
	}
	return len(d.data)
}

// newline is how lines end in the document.
func (d *document) newline() string {
	if bytes.Contains(d.data, []byte("\r\n")) {
		return "\r\n"
	}
	return "\n"
}

// find returns the value at path.
func (d *document) find(path []string) (entry, bool) {
	for _, e := range d.entries {
		if slices.Equal(e.path, path) {
			return e, true
		}
	}
	return entry{}, false
}

// Where is "path:line" of a key, given by its parts, in the text of a settings file.
func Where(path string, data []byte, table []string, key string) string {
	d, err := parseDocument(path, data)
	if err != nil {
		return path
	}
	return d.where(table, key)
}

// below reports whether path is prefix or below it.
func below(path, prefix []string) bool {
	return len(path) >= len(prefix) && slices.Equal(path[:len(prefix)], prefix)
}

// sectionEnd is where a table's own text ends: past its last value, before the
// comments and blank lines that follow.
func (d *document) sectionEnd(i int) int {
	end := d.tables[i].lineEnd
	for _, e := range d.entries {
		if e.table == i {
			end = max(end, e.lineEnd)
		}
	}
	return end
}

// splice is the text with [from, to) replaced.
func (d *document) splice(from, to int, text string) []byte {
	return slices.Concat(d.data[:from], []byte(text), d.data[to:])
}

// insert puts whole lines at a line's start, giving the line before a newline
// where it has none.
func (d *document) insert(at int, text string) []byte {
	nl := d.newline()
	text = strings.ReplaceAll(text, "\n", nl)
	if at > 0 && d.data[at-1] != '\n' {
		text = nl + text
	}
	return d.splice(at, at, text)
}
