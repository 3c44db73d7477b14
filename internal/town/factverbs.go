package town

import (
	"context"
	"errors"
	"slices"

	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/api"
	"gastown/internal/fault"
)

// mostFacts bounds what every brief carries.
const mostFacts = 50

// kvLastFact is the number of the newest fact there ever was: none is given twice.
const kvLastFact = kvFacts + "/last"

// facts are what was told with `gastown remember`, oldest first.
func facts(tx *store.Tx) ([]beads.Fact, error) {
	out := []beads.Fact{}
	_, err := tx.GetKV(kvFacts, &out)
	for i := range out {
		if out[i].N == 0 { // stored before facts had numbers
			out[i].N = i + 1
		}
	}
	return out, err
}

// remembered are the facts as agents read them.
func remembered(tx *store.Tx) ([]string, error) {
	fs, err := facts(tx)
	var out []string
	for _, f := range fs {
		out = append(out, f.String())
	}
	return out, err
}

func (t *Town) remember(_ context.Context, who api.Caller, r api.TextReq) (out api.Ack, err error) {
	text := beads.Clean(r.Text, 500)
	if text == "" {
		return out, fault.Usagef("remember: the text is empty")
	}
	err = t.update(func(tx *store.Tx) error {
		fs, err := facts(tx)
		if err != nil {
			return err
		}
		last := 0
		if _, err := tx.GetKV(kvLastFact, &last); err != nil {
			return err
		}
		if len(fs) > 0 {
			last = max(last, fs[len(fs)-1].N)
		}
		fs = append(fs, beads.Fact{N: last + 1, Text: text, By: who.Name, At: t.deps.Now().UTC()})
		if err := errors.Join(tx.PutKV(kvFacts, fs[max(len(fs)-mostFacts, 0):]), tx.PutKV(kvLastFact, last+1)); err != nil {
			return err
		}
		return tx.Append(beads.Event{Kind: "town.remembered", Actor: who.Name, Text: "remembered: " + text})
	})
	return api.Ack{Msg: "remembered"}, err
}

func (t *Town) factList(_ context.Context, _ api.Caller, _ api.Empty) (out []beads.Fact, err error) {
	err = t.store.View(func(tx *store.Tx) error {
		out, err = facts(tx)
		return err
	})
	return out, err
}

// forget takes a fact out of all later briefs. What the person told stays until they say otherwise.
func (t *Town) forget(_ context.Context, who api.Caller, r api.ForgetReq) (out api.Ack, err error) {
	err = t.update(func(tx *store.Tx) error {
		fs, err := facts(tx)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(fs, func(f beads.Fact) bool { return f.N == r.Number })
		if i < 0 {
			return fault.NotFoundf("fact %d: no such fact", r.Number).WithHint("see: gastown remember list")
		}
		f := fs[i]
		if who.Role != "person" && (f.By == "" || f.By == api.Person().Name) {
			return fault.Refusedf("fact %d: the person told it, so it is theirs to forget", f.N)
		}
		out.Msg = "forgot: " + f.Text
		if err := tx.PutKV(kvFacts, slices.Delete(fs, i, i+1)); err != nil {
			return err
		}
		return tx.Append(beads.Event{Kind: "town.forgot", Actor: who.Name, Text: "forgot: " + f.String()})
	})
	return out, err
}
