package beads

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

const (
	maxLine    = 64 << 20 // bd reads lines up to 64 MB
	maxTitle   = 500      // bd
	maxDepType = 50       // bd: any other word up to this is kept
)

// statusKey is the name in metadata under which the word of a status is kept that has no place here.
const statusKey = "bd_status"

// Export fields of ours for a status and a type that bd has no word for: one such word, and it takes
// nothing of the file.
const (
	ownStatus = "gastown_status"
	ownType   = "gastown_type"
)

// bdTypes are what bd knows beside the types given here.
var bdTypes = []Type{"message", "molecule", "gate", "event"}

// bdOrder is the order of the fields bd knows, up to the last before the export-only ones.
var bdOrder = strings.Fields(`id title description design acceptance_criteria notes spec_id status priority issue_type
	assignee owner estimated_minutes created_at created_by updated_at started_at closed_at close_reason
	closed_by_session due_at defer_until external_ref source_system metadata compaction_level compacted_at
	compacted_at_commit original_size labels dependencies comments sender ephemeral no_history wisp_type pinned
	is_template bonded_from await_type await_id timeout waiters source_formula source_location mol_type work_type
	event_kind actor target payload`)

// ownFields are exported beside what bd knows; it skips them.
var ownFields = []string{"rig", "agent", "needs_code", "reason", "result", "merge_commit"}

// Counts says what an export or import held.
type Counts struct {
	Beads        int `json:"beads"`
	Memories     int `json:"memories"`
	Dependencies int `json:"dependencies"`
	Comments     int `json:"comments"`
	Skipped      int `json:"skipped"` // tombstones and headers
}

// Memory is a fact that bd keeps beside its issues.
type Memory struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// Import is what a Beads JSONL file says.
type Import struct {
	Lines    []Line
	Memories []Memory
	Counts   Counts
	Problems []Problem // dependencies that were left out, by line; never an error
}

// Encode writes beads as Beads JSONL that a stock bd imports, by priority, newest first, then id.
// Messages, agents, roles, rigs, templates and ephemeral beads are left out, as bd does; State of
// work here (slings, attempts) is not part of the format. Two more statuses than bd has go out as
// in_progress and blocked, types that it does not know as tasks, each with its own word in a field bd skips.
func Encode(w io.Writer, all []*Bead) (Counts, error) {
	var counts Counts
	dependents := map[ID]int{}
	var out []*Bead
	for _, b := range all {
		if hidden(b) {
			continue
		}
		out = append(out, b)
		for _, d := range b.Dependencies {
			dependents[d.DependsOn]++
		}
	}
	slices.SortFunc(out, func(a, b *Bead) int {
		return cmp.Or(cmp.Compare(a.Priority, b.Priority), b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	bw := bufio.NewWriter(w)
	for _, b := range out {
		line, err := encodeLine(b, dependents[b.ID])
		if err != nil {
			return counts, fmt.Errorf("export bead %q: %w", b.ID, err)
		}
		if _, err := bw.Write(line); err != nil {
			return counts, fmt.Errorf("export bead %q: %w", b.ID, err)
		}
		counts.Beads++
		counts.Dependencies += len(b.Dependencies)
		counts.Comments += len(b.Comments)
	}
	if err := bw.Flush(); err != nil {
		return counts, fmt.Errorf("export beads: %w", err)
	}
	return counts, nil
}

func hidden(b *Bead) bool {
	switch b.Type {
	case "agent", "rig", "role", "message":
		return true
	}
	return b.flag("is_template") || b.flag("ephemeral")
}

// encodeLine is one line of JSON with its line end.
func encodeLine(b *Bead, dependents int) ([]byte, error) {
	fields, err := exportFields(b)
	if err != nil {
		return nil, err
	}
	var line bytes.Buffer
	line.WriteString(`{"_type":"issue"`)
	put := func(name string, raw []byte) error {
		line.WriteByte(',')
		key, err := marshal(name)
		if err != nil {
			return err
		}
		line.Write(key)
		line.WriteByte(':')
		if err := json.Compact(&line, raw); err != nil {
			return fmt.Errorf("field %q: %w", name, err)
		}
		return nil
	}
	for _, name := range append(slices.Clone(bdOrder), ownFields...) {
		if raw, ok := fields[name]; ok {
			if err := put(name, raw); err != nil {
				return nil, err
			}
			delete(fields, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if err := put(name, fields[name]); err != nil {
			return nil, err
		}
	}
	fmt.Fprintf(&line, `,"dependency_count":%d,"dependent_count":%d,"comment_count":%d`, len(b.Dependencies), dependents, len(b.Comments))
	for _, d := range b.Dependencies {
		if d.Type == ParentChild {
			parent, err := marshal(string(d.DependsOn))
			if err != nil {
				return nil, err
			}
			line.WriteString(`,"parent":`)
			line.Write(parent)
			break
		}
	}
	line.WriteString("}\n")
	return line.Bytes(), nil
}

// exportFields is b as bd sees it, and what of ours goes along.
func exportFields(b *Bead) (map[string]json.RawMessage, error) {
	c := b.Clone()
	c.Extra, c.Sling, c.Next = nil, nil, nil
	c.LastAttempt, c.Rejections, c.Failures = 0, 0, 0
	c.StatusSince = time.Time{}
	c.CreatedAt, c.UpdatedAt = c.CreatedAt.UTC(), c.UpdatedAt.UTC()
	for _, t := range []*time.Time{c.StartedAt, c.ClosedAt, c.DueAt, c.DeferUntil} {
		if t != nil {
			*t = t.UTC()
		}
	}
	switch b.Status {
	case Working, Submitted:
		c.Status = "in_progress"
	case NeedsYou:
		c.Status = "blocked"
	}
	if !slices.Contains(Types(), b.Type) && !slices.Contains(bdTypes, b.Type) {
		c.Type = Task
	}
	raw, err := marshal(c)
	if err != nil {
		return nil, err
	}
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(raw, &fields); err != nil {
		return nil, err
	}
	for _, own := range []struct{ name, out, word string }{
		{ownStatus, string(c.Status), string(b.Status)}, {ownType, string(c.Type), string(b.Type)},
	} {
		if own.out == own.word {
			continue
		}
		if fields[own.name], err = marshal(own.word); err != nil {
			return nil, err
		}
	}
	for name, raw := range b.Extra {
		if _, ours := fields[name]; !ours {
			fields[name] = raw
		}
	}
	return fields, nil
}

// marshal is json.Marshal that leaves <, > and & alone.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
