package api

import (
	"time"

	"gastown/beads"
)

// NameReq names a rig, polecat or convoy; empty means "the only one" or "all", as the verb says.
type NameReq struct {
	Name string `json:"name,omitempty"`
}

// TextReq carries one text.
type TextReq struct {
	Text string `json:"text"`
}

// ForgetReq names a remembered fact.
type ForgetReq struct {
	Number int `json:"number"`
}

// BeadReq names a bead; a unique suffix or prefix of an id will do.
type BeadReq struct {
	Bead beads.ID `json:"bead"`
}

// Ack is the answer of a verb that only acts: one line that says what is now true.
type Ack struct {
	Msg string `json:"msg"`
}

// MailSendReq sends a message to "mayor", "you" or a polecat.
type MailSendReq struct {
	To   string `json:"to"`
	Text string `json:"text"`
}

// MailReadReq names a message.
type MailReadReq struct {
	ID uint64 `json:"id"`
}

// EventsReq narrows the log. Events come oldest first. With Wait the call answers as soon
// as there is one after Since, or empty when Wait has passed.
type EventsReq struct {
	Since uint64        `json:"since,omitempty"` // sequence number
	After time.Time     `json:"after,omitzero"`
	By    string        `json:"by,omitempty"`
	Bead  beads.ID      `json:"bead,omitempty"`
	Limit int           `json:"limit,omitempty"` // newest so many; 0: 200
	Wait  time.Duration `json:"wait_ns,omitempty"`
}

// WhyRes is one true sentence.
type WhyRes struct {
	Bead beads.ID `json:"bead"`
	Why  string   `json:"why"`
	Hint string   `json:"hint,omitempty"`
}

// DownReq stops the host; Drain waits for live polecats and the running gate.
type DownReq struct {
	Drain bool `json:"drain,omitempty"`
}

// ConfigReq names a setting by its dotted key; Value is for config.set, in TOML or bare text.
type ConfigReq struct {
	Key   string `json:"key"`
	Value string `json:"value,omitempty"`
}

// ConfigValue is a setting as config set takes it; of all settings together, the text of town.toml.
type ConfigValue struct {
	Key   string `json:"key"`
	Value string `json:"value"`
	Note  string `json:"note,omitempty"` // when it takes effect, if not at once
}

// DoctorReq runs the checks; Fix mends what can be mended safely.
type DoctorReq struct {
	Fix bool `json:"fix,omitempty"`
}

// Check is one line of doctor.
type Check struct {
	Name  string `json:"name"`
	OK    bool   `json:"ok"`
	Level string `json:"level"` // "ok", "info": nothing to do either, "warning", "error"
	Msg   string `json:"msg"`
	Hint  string `json:"hint,omitempty"`
}
