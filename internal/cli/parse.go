package cli

import (
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"gastown/beads"
	"gastown/internal/api"
	"gastown/internal/fault"
)

// priorityFlag takes 0-4 or P0-P4.
type priorityFlag struct{ p **int }

var _ pflag.Value = priorityFlag{}

func (f priorityFlag) Set(s string) error {
	n, err := strconv.Atoi(strings.TrimLeft(s, "Pp"))
	if err != nil || n < 0 || n > 4 {
		return fault.Usagef("want 0 (highest) to 4, or P0 to P4")
	}
	*f.p = &n
	return nil
}

func (f priorityFlag) String() string {
	if f.p == nil || *f.p == nil {
		return ""
	}
	return strconv.Itoa(**f.p)
}

func (f priorityFlag) Type() string { return "0-4" }

// townFlag takes a directory. An empty one comes of a variable that was not set, and would mean whatever
// town is found.
type townFlag struct{ dir *string }

func (f townFlag) Set(s string) error {
	if s == "" {
		return fault.Usagef("want the directory of a town")
	}
	*f.dir = s
	return nil
}

func (f townFlag) String() string {
	if f.dir == nil {
		return ""
	}
	return *f.dir
}

func (f townFlag) Type() string { return "directory" }

// durationFlag takes Go duration text, and days and weeks: 90s, 2h30m, 14d, 2w.
type durationFlag struct{ d *time.Duration }

func (f durationFlag) Set(s string) error {
	d, err := parseDuration(s)
	if err != nil {
		return err
	}
	*f.d = d
	return nil
}

func (f durationFlag) String() string {
	if f.d == nil || *f.d == 0 {
		return ""
	}
	return short(*f.d)
}

func (f durationFlag) Type() string { return "duration" }

func parseDuration(s string) (time.Duration, error) {
	const day = 24 * time.Hour
	for suffix, unit := range map[string]time.Duration{"d": day, "w": 7 * day} {
		if n, err := strconv.ParseUint(strings.TrimSuffix(s, suffix), 10, 16); err == nil && strings.HasSuffix(s, suffix) {
			return time.Duration(n) * unit, nil
		}
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return 0, fault.Usagef("%q: want a duration such as 90s, 2h30m or 14d", s)
	}
	return d, nil
}

// parseTime takes RFC 3339 or a day.
func parseTime(s string, loc *time.Location) (time.Time, bool) {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, true
	}
	t, err := time.ParseInLocation(time.DateOnly, s, loc)
	return t, err == nil
}

// parseSince fills what `events --since` says: a sequence number, a duration or a time.
func parseSince(s string, now time.Time, req *api.EventsReq) error {
	if s == "" {
		return nil
	}
	if n, err := strconv.ParseUint(s, 10, 64); err == nil {
		req.Since = n
		return nil
	}
	if t, ok := parseTime(s, now.Location()); ok {
		req.After = t
		return nil
	}
	d, err := parseDuration(s)
	if err != nil {
		return fault.Usagef("events: --since %q: want a duration (2h), a time (RFC 3339), a day (2026-01-31) or a sequence number", s)
	}
	req.After = now.Add(-d)
	return nil
}

// parseDefer is the time that `--defer` says; "none" is the zero time, which takes a
// deferral back.
func parseDefer(s string, now time.Time) (time.Time, error) {
	if s == "none" {
		return time.Time{}, nil
	}
	if t, ok := parseTime(s, now.Location()); ok {
		return t, nil
	}
	d, err := parseDuration(s)
	if err != nil {
		return time.Time{}, fault.Usagef("--defer %q: want a duration (2d), a time (RFC 3339), a day or none", s)
	}
	return now.Add(d), nil
}

// parseGates turns each --gate, NAME=CMD or CMD, into a gate. A name is lower case, so
// that a command which begins by setting a variable stays whole.
func parseGates(list []string) ([]api.GateSpec, error) {
	named := regexp.MustCompile(`^([a-z0-9][a-z0-9._-]*)=(.*)$`)
	var out []api.GateSpec
	used := map[string]int{}
	for _, s := range list {
		name, run := "", strings.TrimSpace(s)
		if m := named.FindStringSubmatch(run); m != nil {
			name, run = m[1], strings.TrimSpace(m[2])
		} else {
			name = gateName(run)
		}
		if run == "" {
			return nil, fault.Usagef("--gate %q: there is no command in it", s)
		}
		if used[name]++; used[name] > 1 {
			name += "-" + strconv.Itoa(used[name])
		}
		out = append(out, api.GateSpec{Name: name, Run: run})
	}
	return out, nil
}

// gateName is a name for a command without one: "test" for `go test ./...` and for `npm
// run test`, "make" for `make`.
func gateName(run string) string {
	word := regexp.MustCompile(`^[a-z][a-z0-9-]{0,19}$`)
	var name string
	for i, w := range strings.Fields(run) {
		if i == 0 {
			w = strings.TrimSuffix(filepath.Base(w), filepath.Ext(w))
		}
		switch {
		case strings.Contains(w, "=") && name == "": // VAR=value in front
		case !word.MatchString(w):
			if name != "" {
				return name
			}
		case w == "run" || w == "exec":
		case name == "":
			name = w
		default:
			return w
		}
	}
	if name == "" {
		return "gate"
	}
	return name
}

// isURL reports whether a rig's source is something git fetches from elsewhere.
func isURL(s string) bool {
	if strings.Contains(s, "://") {
		return true
	}
	host, rest, ok := strings.Cut(s, ":") // scp form: [user@]host:path
	return ok && rest != "" && host != "" && !strings.ContainsAny(host, "/\\")
}

func beadIDs(list []string) []beads.ID {
	out := make([]beads.ID, 0, len(list))
	for _, s := range list {
		out = append(out, beads.ID(s))
	}
	return out
}

// first is the first argument, or empty.
func first(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}

// named is the request of a verb that takes one name, or none.
func named(args []string) (api.NameReq, error) { return api.NameReq{Name: first(args)}, nil }

// bead is the request of a verb that takes one bead.
func bead(args []string) (api.BeadReq, error) { return api.BeadReq{Bead: beads.ID(args[0])}, nil }

// nothing is the request of a verb that takes none.
func nothing([]string) (api.Empty, error) { return api.Empty{}, nil }
