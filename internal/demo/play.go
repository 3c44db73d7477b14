package demo

import (
	"context"
	"fmt"
	"slices"
	"time"

	"gastown/beads"
	"gastown/internal/api"
)

// slowTask takes a minute, so that every key for a polecat at work can be tried on it.
const slowTask = "Assign it (a), then look at its terminal (t) and its diff (d), nudge it (N), kill it (x) and take that back (u).\n\n" +
	"```sh\ni=1\nwhile [ $i -le 60 ]; do\n  echo \"second $i of 60\"\n  echo \"second $i\" >> docs/slow.md\n  sleep 1\n  i=$((i + 1))\ndone\n```\n"

// askingTask asks a person: the built-in Mayor has no answer to it.
const askingTask = "Assign it (a). It asks you something; A answers.\n\n" +
	"```sh\nword=$(gastown escalate 'How shall the README greet its readers? One word will do.')\necho \"$word, reader.\" >> README.md\n```\n"

// Play waits until all that the spec asked for is closed, and leaves two beads to try the keys on: the demo
// of a person who looks on would be over when it begins to be clear.
func Play(ctx context.Context, d api.Doer) error {
	req := api.EventsReq{Wait: 30 * time.Second}
	for ctx.Err() == nil {
		list, err := api.BeadList.Do(ctx, d, api.BeadListReq{})
		if err != nil {
			return err
		}
		if len(list) > 0 && !slices.ContainsFunc(list, func(b api.Bead) bool { return b.Status != beads.Closed }) {
			return leave(ctx, d)
		}
		events, err := api.GetEvents.Do(ctx, d, req)
		if err != nil {
			return err
		}
		for _, e := range events {
			req.Since = max(req.Since, e.Seq)
		}
	}
	return ctx.Err()
}

// leave makes the two beads.
func leave(ctx context.Context, d api.Doer) error {
	low := 3
	for _, b := range []api.BeadCreateReq{
		{Title: "Try the keys: a slow task", Description: slowTask, Accept: "- [ ] docs/slow.md has a line for each second"},
		{Title: "Try the keys: a task that asks you", Description: askingTask, Accept: "- [ ] the README has your word"},
	} {
		b.Rig, b.Priority = Rig, &low
		if _, err := api.BeadCreate.Do(ctx, d, b); err != nil {
			return fmt.Errorf("leave a bead to play with: %w", err)
		}
	}
	return nil
}
