package main

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gastown/internal/api"
	"gastown/refinery"
)

func TestTheRunningGateIsShownWithItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		shown := &trial{out: &out, live: true, setup: "npm ci"}
		shown.tell(api.GateRun{Run: "npm test"})
		<-time.After(2500 * time.Millisecond)
		shown.tell(api.GateRun{Run: "npm test", Outcome: refinery.Pass, Took: 2500 * time.Millisecond})
		shown.tell(api.GateRun{Run: "npm run lint"})
		shown.stop()
		for _, want := range []string{"\r  runs  setup, then npm test  (0s)", "(1s)", "(2s)", "\r  pass  npm test  (2.5s)\n", "\r  runs  npm run lint  (0s)"} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("no %q in %q", want, out.String())
			}
		}
		if !strings.HasSuffix(out.String(), " \r") {
			t.Errorf("the line of the running gate stays: %q", out.String())
		}
	})
}
