package town

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/api"
	"gastown/internal/config"
	"gastown/internal/fault"
)

// Who reads mail beside polecats.
const (
	mailMayor  = "mayor"
	mailPerson = "you"
)

// reads is an error unless somebody reads, or has read, messages to that name: one to nobody would lie
// there for ever.
func reads(tx *store.Tx, name string) error {
	if name == mailMayor || name == mailPerson {
		return nil
	}
	all, err := tx.Attempts()
	if err != nil || slices.ContainsFunc(all, func(a *beads.Attempt) bool { return a.Polecat == name }) {
		return err
	}
	names := []string{mailMayor, mailPerson}
	live, err := tx.LiveAttempts()
	for _, a := range live {
		names = append(names, a.Polecat)
	}
	if err != nil {
		return err
	}
	return fault.NotFoundf("%q: nobody of that name", name).WithHint("there are %s", strings.Join(names, ", "))
}

// polecatName checks the name that somebody gives a polecat.
func polecatName(name string) error {
	switch {
	case !config.ValidName(name):
		return fault.Usagef("polecat name %q: want lower case letters, digits, '.', '_' and '-', at most 64", name)
	case name == mailMayor || name == mailPerson:
		return fault.Usagef("polecat name %q: messages to it would go astray", name)
	}
	return nil
}

func (t *Town) mailSend(_ context.Context, who api.Caller, r api.MailSendReq) (out beads.Message, err error) {
	if r.To == "" || strings.TrimSpace(r.Text) == "" {
		return out, fault.Usagef("mail send: want a receiver and a text")
	}
	if err := fits("mail send", r.Text); err != nil {
		return out, err
	}
	out = beads.Message{From: who.Name, To: r.To, Text: r.Text, At: t.deps.Now().UTC()}
	err = t.update(func(tx *store.Tx) error {
		if err := reads(tx, r.To); err != nil {
			return step(err, "mail send")
		}
		if err := tx.AddMail(&out); err != nil {
			return err
		}
		return tx.Append(beads.Event{Kind: beads.EvMail, Actor: who.Name, Text: fmt.Sprintf("%s wrote to %s: %s", who.Name, beads.Clean(r.To, 64), beads.Clean(r.Text, 100))})
	})
	return out, err
}

// mostText bounds a question or a message in bytes: they are for people to read.
const mostText = 64 << 10

func fits(what, text string) error {
	if len(text) > mostText {
		return fault.Usagef("%s: the text has %d bytes, %d at most", what, len(text), mostText)
	}
	return nil
}

// mailInbox lists messages to the caller; a person sees everyone's, or those of one receiver.
func (t *Town) mailInbox(_ context.Context, who api.Caller, r api.NameReq) (out []beads.Message, err error) {
	to := r.Name
	if who.Role != "person" {
		to = who.Name
	}
	out = []beads.Message{}
	err = t.store.View(func(tx *store.Tx) error {
		if to != "" {
			if err := reads(tx, to); err != nil {
				return step(err, "mail inbox")
			}
		}
		ms, err := tx.Inbox(to)
		for _, m := range ms {
			out = append(out, *m)
		}
		return err
	})
	return out, err
}

func (t *Town) mailRead(_ context.Context, who api.Caller, r api.MailReadReq) (out beads.Message, err error) {
	err = t.update(func(tx *store.Tx) error {
		m, err := tx.Mail(r.ID)
		if err != nil {
			return err
		}
		if who.Role != "person" && m.To != who.Name {
			return fault.Refusedf("mail %d: it is to %s", r.ID, m.To)
		}
		out = *m
		if m.Read || who.Role == "person" && m.To != "you" {
			return nil
		}
		out.Read = true
		return tx.PutMail(&out)
	})
	return out, err
}
