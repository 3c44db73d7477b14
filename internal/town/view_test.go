package town

import (
	"slices"
	"strings"
	"testing"
	"time"

	"gastown/internal/api"
)

// TestWhatStopsMostComesFirst in the list of problems; of those that stop as much, the oldest.
func TestWhatStopsMostComesFirst(t *testing.T) {
	at := func(min int) time.Time { return time.Date(2026, 11, 28, 10, min, 0, 0, time.UTC) }
	list := []api.Problem{
		{Key: "needs/gr-1", Bead: "gr-1", Rig: "one", Since: at(1), Level: "asks"},
		{Key: "stall/gr-2", Bead: "gr-2", Rig: "one", Since: at(0), Level: "hung"},
		{Key: "asks/gr-4", Bead: "gr-4", Rig: "one", Since: at(3), Level: "asks"},
		{Key: "approve/gr-3", Bead: "gr-3", Rig: "one", Since: at(2), Level: "asks"},
		{Key: "mayor", Since: at(4), Level: "failed"},
		{Key: "refinery/two", Rig: "two", Since: at(6), Level: "failed"},
		{Key: "refinery/one", Rig: "one", Since: at(5), Level: "hung"},
		{Key: kSettings, Since: at(9), Level: "failed"},
	}
	slices.SortStableFunc(list, urgentFirst)
	var got []string
	for _, p := range list {
		got = append(got, p.Key)
	}
	want := "settings refinery/one refinery/two mayor approve/gr-3 asks/gr-4 stall/gr-2 needs/gr-1"
	if s := strings.Join(got, " "); s != want {
		t.Errorf("got  %s\nwant %s", s, want)
	}
}
