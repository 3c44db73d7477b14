package main

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gastown/internal/api"
)

// What a gate or an agent prints right after a view is in a later one, though nothing happens after it; and a town
// in which nothing happens builds none.
func TestTheLastThingPrintedIsShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		changes := make(chan struct{}, 1)
		view := &api.View{At: time.Now()}
		var printed, quoted, built, told atomic.Int64
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			follow(ctx, changes, view, func() *api.View {
				if time.Since(view.At) >= quoteEach {
					view = &api.View{At: time.Now()}
					quoted.Store(printed.Load())
					built.Add(1)
				}
				return view
			}, func() { told.Add(1) })
		}()
		write := func() {
			printed.Add(1)
			changes <- struct{}{}
			synctest.Wait()
		}
		for range 2 { // after the view that is there at first, and after one that was built
			write()
			if quoted.Load() == printed.Load() {
				t.Fatalf("quoted all %d before a second has gone by", printed.Load())
			}
			time.Sleep(quoteEach)
			synctest.Wait()
			if quoted.Load() != printed.Load() || built.Load() != printed.Load() {
				t.Errorf("quoted %d of %d in %d views", quoted.Load(), printed.Load(), built.Load())
			}
		}
		before, views := told.Load(), built.Load()
		time.Sleep(time.Hour)
		synctest.Wait()
		if built.Load() != views || told.Load() != before {
			t.Errorf("%d views and %d rings in an hour without a change", built.Load()-views, told.Load()-before)
		}
		cancel()
		<-ended
	})
}
