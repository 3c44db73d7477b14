package town

import (
	"strings"
	"testing"

	"gastown/beads"
	"gastown/internal/api"
	"gastown/internal/fault"
)

// TestMailToNobody: a message is sent to somebody who can read it.
func TestMailToNobody(t *testing.T) {
	l := newLab(t, "")
	send := func(to string) error {
		_, err := api.MailSend.Do(t.Context(), l.person(), api.MailSendReq{To: to, Text: "hi"})
		return err
	}
	if err := send("nux"); !fault.Is(err, fault.NotFound) {
		t.Errorf("nobody was ever called nux: %v", err)
	}
	for _, name := range []string{"mayor", "you", "../x", "Nux"} {
		id := l.create("one")
		if _, err := api.Sling.Do(t.Context(), l.person(), api.SlingReq{Beads: []beads.ID{id}, Polecat: name}); !fault.Is(err, fault.Usage) {
			t.Errorf("a polecat called %s: %v", name, err)
		}
		if _, err := api.RescueRestore.Do(t.Context(), l.mayor(), api.RescueReq{What: string(id), Polecat: name}); !fault.Is(err, fault.Usage) {
			t.Errorf("one that goes on, called %s: %v", name, err)
		}
	}
	id := l.create("two")
	if _, err := api.Sling.Do(t.Context(), l.person(), api.SlingReq{Beads: []beads.ID{id}, Polecat: "nux"}); err != nil {
		t.Fatal(err)
	}
	l.awaitStatus(id, beads.Closed)
	if err := send("nux"); err != nil { // the next one of that name reads it
		t.Error(err)
	}
	if _, err := api.MailInbox.Do(t.Context(), l.person(), api.NameReq{Name: "nope"}); !fault.Is(err, fault.NotFound) || !strings.Contains(fault.From(err).Hint, "mayor, you") {
		t.Error(err)
	}
}
