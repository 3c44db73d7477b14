package town

import (
	"testing"

	"gastown/beads"
	"gastown/internal/api"
)

// TestAPausedConvoyIsDoneWhenAllItsBeadsAre: a pause starts nothing more, and there is nothing more.
func TestAPausedConvoyIsDoneWhenAllItsBeadsAre(t *testing.T) {
	l := newLab(t, "")
	id := l.create("one")
	l.job(id, `until [ -e "$OUT/go" ]; do sleep 0.02; done; echo x > x.txt; git add .; git commit -qm x; gastown done`)
	if _, err := api.ConvoyCreate.Do(t.Context(), l.person(), api.ConvoyCreateReq{Name: "set", Beads: []beads.ID{id}}); err != nil {
		t.Fatal(err)
	}
	if _, err := api.ConvoyLaunch.Do(t.Context(), l.person(), api.NameReq{Name: "set"}); err != nil {
		t.Fatal(err)
	}
	l.awaitStatus(id, beads.Working)
	if _, err := api.ConvoyPause.Do(t.Context(), l.person(), api.NameReq{Name: "set"}); err != nil {
		t.Fatal(err)
	}
	l.write("jobs/go", "")
	l.awaitStatus(id, beads.Closed)
	c, err := api.ConvoyShow.Do(t.Context(), l.person(), api.NameReq{Name: "set"})
	if err != nil || c.State != beads.ConvoyDone {
		t.Errorf("the convoy is %s, %v", c.State, err)
	}
}
