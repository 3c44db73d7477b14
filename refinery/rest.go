package refinery

import "time"

// AtRest is a queue as it stands while no host performs its actions. What was being done when the
// last one ended is done again from its beginning, so nothing is gated, landing or hung now.
func AtRest(q Queue) Queue {
	entries := make([]Entry, len(q.Entries))
	for i, e := range q.Entries {
		if e.State == EntryGating || e.State == EntryLanding {
			e.State = EntryQueued
		}
		entries[i] = e
	}
	q.Entries, q.Run = entries, nil
	switch q.State {
	case Idle, Gating, Landing, Hung, Restarting:
		q.State, q.Reason, q.Hint = Idle, "", ""
		q.LastErr, q.NotBefore = "", time.Time{}
		if len(entries) > 0 {
			q.Reason = "waits for the host, which is not running"
		}
	}
	return q
}
