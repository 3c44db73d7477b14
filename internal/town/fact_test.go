package town

import (
	"strings"
	"testing"

	"gastown/beads/store"
	"gastown/internal/api"
	"gastown/internal/fault"
)

// TestFactsAreForgotten: those that were stored as text alone too; an agent forgets what agents told.
func TestFactsAreForgotten(t *testing.T) {
	l := newLab(t, "")
	if err := l.town.update(func(tx *store.Tx) error {
		return tx.PutKV(kvFacts, []string{"old one (told by you)", "old two (told by nux)"})
	}); err != nil {
		t.Fatal(err)
	}
	for _, who := range []api.Doer{l.person(), l.mayor()} {
		if _, err := api.Remember.Do(t.Context(), who, api.TextReq{Text: "new"}); err != nil {
			t.Fatal(err)
		}
	}
	list := func() string {
		fs, err := api.Facts.Do(t.Context(), l.mayor(), api.Empty{})
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, f := range fs {
			out = append(out, string(rune('0'+f.N))+" "+f.String())
		}
		return strings.Join(out, "; ")
	}
	if got := list(); got != "1 old one (told by you); 2 old two (told by nux); 3 new (told by you); 4 new (told by mayor)" {
		t.Error(got)
	}
	for n, want := range map[int]fault.Kind{1: fault.Refused, 3: fault.Refused, 9: fault.NotFound} {
		if _, err := api.Forget.Do(t.Context(), l.mayor(), api.ForgetReq{Number: n}); !fault.Is(err, want) {
			t.Errorf("the Mayor forgets %d: %v", n, err)
		}
	}
	for n, who := range map[int]api.Doer{4: l.mayor(), 1: l.person()} {
		if _, err := api.Forget.Do(t.Context(), who, api.ForgetReq{Number: n}); err != nil {
			t.Error(err)
		}
	}
	primed, err := api.Prime.Do(t.Context(), l.mayor(), api.Empty{})
	if got := list(); err != nil || got != "2 old two (told by nux); 3 new (told by you)" || !strings.Contains(primed.Text, "- new (told by you)") || strings.Contains(primed.Text, "old one") {
		t.Error(got, err, primed.Text)
	}
	if _, err := api.Remember.Do(t.Context(), l.person(), api.TextReq{Text: "newest"}); err != nil {
		t.Fatal(err)
	}
	if got := list(); !strings.HasSuffix(got, "; 5 newest (told by you)") {
		t.Errorf("a number is given twice: %s", got)
	}
}
