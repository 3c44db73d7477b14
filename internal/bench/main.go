// Command bench prints one table: what the program costs, as ratios against what a user knows, in
// the same run on the same machine. It builds the real binary, works in temporary directories, and
// takes less than two minutes:
//
//	go run ./internal/bench
//
// Each row takes turns with its yardstick, so that a busy machine slows both; what is compared is
// the medians. A row that could not be measured says why, and the exit code is 1.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"text/tabwriter"
	"time"

	"gastown/internal/proc"
)

// limit is the promise of the package comment.
const limit = 2 * time.Minute

func main() {
	os.Exit(run())
}

func run() int {
	proc.ShimMain()
	runs := flag.Int("n", 15, "measurements of each short command")
	slings := flag.Int("slings", 7, "beads slung and landed")
	keep := flag.String("keep", "", "work in this new `directory` and keep it")
	only := flag.String("only", "", "measure only the parts that this `pattern` is found in: "+names(parts()))
	flag.Parse()
	wanted, err := regexp.Compile(*only)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()

	begun := time.Now()
	lab, err := newLab(ctx, *keep, *runs, *slings)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 1
	}
	defer lab.close()
	var rows []row
	for _, p := range parts() {
		if wanted.MatchString(p.name) {
			rows = append(rows, p.measure(lab, ctx)...)
		}
	}
	failed := print(os.Stdout, rows)
	fmt.Printf("\n%d measurements a command, %d landings; %s in all\n", *runs, *slings, time.Since(begun).Round(time.Second))
	if failed > 0 {
		fmt.Printf("%d rows could not be measured\n", failed)
		return 1
	}
	return 0
}

// part is some rows that are measured together.
type part struct {
	name    string
	measure func(*lab, context.Context) []row
}

func parts() []part {
	return []part{
		{"commands", (*lab).commands}, {"lists", (*lab).lists}, {"job", (*lab).job}, {"queue", (*lab).queue}, {"large", (*lab).large}, {"paint", (*lab).paint},
		{"keys", (*lab).keys}, {"long", (*lab).longTexts}, {"idle", (*lab).idle}, {"size", (*lab).size},
	}
}

func names(list []part) string {
	var out []string
	for _, p := range list {
		out = append(out, p.name)
	}
	return strings.Join(out, ", ")
}

// row is one line of the table.
type row struct {
	what    string
	ours    time.Duration
	against string
	theirs  time.Duration
	aim     aim
	text    string // instead of the two times and the ratio
	within  bool   // of the aim, for a row with text
	err     error  // why it was not measured
}

// aim is what a row should come to; the zero aim is none.
type aim struct {
	times float64       // at most so many times the yardstick
	plus  time.Duration // at most so much more than the yardstick
	most  time.Duration // at most so much
	text  string        // for a row that is no time
}

func (a aim) String() string {
	switch {
	case a.times > 0:
		return fmt.Sprintf("%gx", a.times)
	case a.plus > 0:
		return "+" + a.plus.String()
	case a.most > 0:
		return a.most.String()
	case a.text != "":
		return a.text
	}
	return "-"
}

// met is whether the row is within its aim; a row without one always is.
func (r row) met() bool {
	switch {
	case r.text != "":
		return r.within
	case r.aim.times > 0:
		return float64(r.ours) <= r.aim.times*float64(r.theirs)
	case r.aim.plus > 0:
		return r.ours-r.theirs <= r.aim.plus
	case r.aim.most > 0:
		return r.ours <= r.aim.most
	}
	return true
}

// print writes the table and returns how many rows were not measured.
func print(out io.Writer, rows []row) int {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "what\tgastown\tagainst\tthat takes\tratio\taim\t") // shown at the Flush
	failed := 0
	for _, r := range rows {
		switch verdict := map[bool]string{true: "ok", false: "OVER"}[r.met()]; {
		case r.err != nil:
			failed++
			_, _ = fmt.Fprintf(w, "%s\t-\t%s\t-\t-\t%s\tNOT MEASURED: %v\n", r.what, r.against, r.aim, r.err)
		case r.text != "":
			_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t-\t-\t%s\t%s\n", r.what, r.text, r.against, r.aim, verdict)
		default:
			if r.aim == (aim{}) {
				verdict = ""
			}
			_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%.1fx\t%s\t%s\n", r.what, ms(r.ours), r.against, ms(r.theirs),
				float64(r.ours)/float64(max(r.theirs, 1)), r.aim, verdict)
		}
	}
	_ = w.Flush()
	return failed
}

func ms(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
}
