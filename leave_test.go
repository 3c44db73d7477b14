package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gastown/internal/api"
	"gastown/internal/cli"
	"gastown/internal/fault"
	"gastown/internal/town"
)

func TestATakenTownSaysByWhomAndWhatToDo(t *testing.T) {
	f := newFirst(t)
	if _, err := f.start("", true, ""); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(f.home, "gastown")
	other, err := town.Open(dir, f.p.deps(slog.New(slog.DiscardHandler), func(_ string, run func()) { run() }))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	h, err := other.StartHost(t.Context(), town.HostOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ran := make(chan struct{})
	go func() { defer close(ran); h.Run(context.Background()) }()
	defer func() { h.Stop(false); <-ran }()
	err = f.p.screen(t.Context(), dir, cli.ScreenOptions{}, nil)
	want := fmt.Sprintf("the town %s is run by process %d", dir, os.Getpid())
	if e := fault.From(err); e == nil || e.Kind != fault.Unavailable || !strings.HasPrefix(e.Msg, want) || !strings.Contains(e.Hint, "gastown down && gastown") {
		t.Errorf("%+v", e)
	}
}

func TestWhatALeftTownGoesOnWith(t *testing.T) {
	for want, s := range map[string]api.Status{
		"": {},
		"At the next start of gastown: 1 bead goes on.\nLook: gastown status":                                         {Beads: api.Counts{Slung: 1}},
		"At the next start of gastown: 2 beads go on, 1 is in the merge queue, 3 wait for you.\nLook: gastown status": {Beads: api.Counts{Slung: 2, NeedsYou: 3}, Queue: make([]api.QueueEntry, 1)},
	} {
		if got := leftText(s); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
