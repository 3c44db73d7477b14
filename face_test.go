package main

import (
	"context"
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
		printed, built, told := 0, 0, 0
		view, quoted := &api.View{At: time.Now()}, 0
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			follow(ctx, changes, view, func() *api.View {
				if time.Since(view.At) >= quoteEach {
					view, quoted = &api.View{At: time.Now()}, printed
					built++
				}
				return view
			}, func() { told++ })
		}()
		write := func() {
			printed++
			changes <- struct{}{}
			synctest.Wait()
		}
		for range 2 { // after the view that is there at first, and after one that was built
			write()
			if quoted == printed {
				t.Fatalf("quoted all %d before a second has gone by", printed)
			}
			time.Sleep(quoteEach)
			synctest.Wait()
			if quoted != printed || built != printed {
				t.Errorf("quoted %d of %d in %d views", quoted, printed, built)
			}
		}
		before := told
		time.Sleep(time.Hour)
		synctest.Wait()
		if built != 2 || told != before {
			t.Errorf("%d views and %d rings in an hour without a change", built-2, told-before)
		}
		cancel()
		<-ended
	})
}
