package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"gastown/internal/api"
	"gastown/internal/fault"
)

const (
	bugEvents  = 50       // of the newest, in a report
	bugLogTail = 16 << 10 // bytes of the host's log
)

// bug gathers what helps to find a fault. It asks several verbs, and says where one has no answer:
// a town that cannot be opened is a fault, too.
func (a *app) bug() *cobra.Command {
	return a.command("", spec{
		use: "bug [FILE]", short: "write a report about a fault; nothing is sent", example: "gastown bug\ngastown bug report.md", complete: files,
		long: "Writes versions, checks, settings, the state, the last events and the end of the host's log to FILE (or to a\n" +
			"new file in the town's logs/), and prints it. What looks like a secret is left out; look at it before you pass\n" +
			"it on, as it has the names of your beads and files.",
	}, func(ctx context.Context, args []string) error {
		town, terr := a.env.findTown(a.town)
		text := withoutSecrets(a.bugReport(ctx, town, terr), a.env.Getenv("HOME"))
		file := a.abs(first(args))
		if file == "" {
			name := "bug-" + a.env.Now().Format("20060102T150405") + ".md"
			if file = join(a.env.Dir, name); terr == nil {
				file = join(join(town, "logs"), name)
			}
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			return fault.Failf("bug: %w", err)
		}
		return answer(a, map[string]string{"file": file, "text": text}, func(p *page, r map[string]string) {
			p.text("", text)
			p.line("")
			p.line("written to %s; nothing was sent", file)
		})
	})
}

func (a *app) bugReport(ctx context.Context, town string, terr error) string {
	p := a.page()
	p.line("# A fault in gastown")
	p.section("What happened, and what should have", "(write it here)")
	p.section("Versions", fmt.Sprintf("gastown %s\n%s, %s/%s", strings.TrimSpace(a.env.Version), runtime.Version(), runtime.GOOS, runtime.GOARCH))
	if terr != nil {
		p.section("Town", "none: "+terr.Error())
		return p.b.String()
	}
	part(p, "Checks", func(p *page) error {
		list, err := a.diagnose(ctx, api.DoctorReq{})
		showChecks(p, list)
		return err
	})
	part(p, "Status", func(p *page) error {
		s, err := api.GetStatus.Do(ctx, a.reach, api.Empty{})
		if err == nil {
			showStatus(p, s)
		}
		return err
	})
	part(p, "Settings", func(p *page) error {
		data, err := os.ReadFile(join(town, "town.toml"))
		p.text("", string(data))
		return err
	})
	part(p, "Last events", func(p *page) error {
		list, err := api.GetEvents.Do(ctx, a.reach, api.EventsReq{Limit: bugEvents})
		eventLines(p, list)
		return err
	})
	part(p, "End of the host's log", func(p *page) error {
		text, err := endOf(filepath.Join(town, "logs", "host.log"))
		p.text("", text)
		return err
	})
	return p.b.String()
}

// part prints what f does below a heading, and why it could not.
func part(p *page, heading string, f func(*page) error) {
	below := &page{now: p.now}
	if err := f(below); err != nil {
		below.line("no answer: %s", one(err.Error()))
	}
	p.section(heading, below.b.String())
}

// endOf is the end of a file, from the start of a line.
func endOf(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > bugLogTail {
		if _, err := f.Seek(-bugLogTail, io.SeekEnd); err != nil {
			return "", err
		}
		data, err := io.ReadAll(f)
		_, data, _ = bytes.Cut(data, []byte("\n"))
		return string(data), err
	}
	data, err := io.ReadAll(f)
	return string(data), err
}

// withoutSecrets is text less what looks like a secret, and with the home directory as ~.
func withoutSecrets(text, home string) string {
	const name = `(?:secret|token|passw(?:or)?d|credential|api[_-]?key|access[_-]?key|private[_-]?key)`
	for _, rule := range []struct{ pattern, to string }{
		{`(://)[^/@\s"']+@`, "${1}***@"},
		{`(?i)(authorization:\s*)(?:bearer\s+|basic\s+)?[^\s"']+`, "${1}***"},
		{`(?i)([\w-]*` + name + `[\w-]*\s*[=:]\s*)("[^"]*"|'[^']*'|[^\s"']+)`, "${1}***"},
		{`(?i)("--?[\w-]*` + name + `[\w-]*"\s*,\s*)"[^"]*"`, `${1}"***"`},
		{`(?i)(--?[\w-]*` + name + `[\w-]*\s+)("[^"]*"|'[^']*'|[^\s"'-][^\s"']*)`, "${1}***"},
		{`\b(?:sk-[\w-]{16,}|gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abprs]-[\w-]{10,}|AKIA[0-9A-Z]{12,}|eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*)`, "***"},
	} {
		text = regexp.MustCompile(rule.pattern).ReplaceAllString(text, rule.to)
	}
	if len(home) > 1 {
		text = strings.ReplaceAll(text, home, "~")
	}
	return text
}
