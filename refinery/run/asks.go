package run

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path"
	"reflect"
	"slices"
	"strings"

	"gastown/internal/git"
	"gastown/refinery"
)

// Asks is why a change needs a person's yes, as one line, or "": it touches what checks code or what runs by
// itself (refinery.GateLike), or what the gates themselves run (refinery.GateFile).
func (r *Runner) Asks(ctx context.Context, changes []git.Change, gates []refinery.Gate) (string, error) {
	var touched []refinery.Touched
	for _, c := range changes {
		what, ok := refinery.GateLike(c.Path)
		if !ok {
			gate, names := refinery.GateFile(gates, c.Path)
			if !names {
				continue
			}
			loosens, err := r.loosens(ctx, c)
			if err != nil {
				return "", err
			}
			if !loosens {
				continue
			}
			what = fmt.Sprintf("what the gate %s runs", gate)
		}
		touched = append(touched, refinery.Touched{Path: c.Path, What: what})
	}
	return refinery.AskAbout(touched), nil
}

// loosens reports whether a change to what a gate runs can make it test less. A new file cannot, but one that
// make takes before the one it has; of a list of packages only the scripts count.
func (r *Runner) loosens(ctx context.Context, c git.Change) (bool, error) {
	base := strings.ToLower(path.Base(c.Path))
	if c.Status == 'A' {
		return base == "gnumakefile" || path.Base(c.Path) == "makefile", nil
	}
	if c.Status != 'M' || !slices.Contains([]string{"package.json", "composer.json"}, base) {
		return true, nil
	}
	var scripts [2]any
	known := 0
	err := r.Repo.Blobs(ctx, []string{c.OldHash, c.NewHash}, func(i int, size int64, content io.Reader) error {
		var file struct {
			Scripts any `json:"scripts"`
		}
		if data, err := io.ReadAll(io.LimitReader(content, manifestMost)); err != nil {
			return err
		} else if size <= manifestMost && json.Unmarshal(data, &file) == nil {
			scripts[i] = file.Scripts
			known++
		}
		return nil
	})
	return known < 2 || !reflect.DeepEqual(scripts[0], scripts[1]), err
}

const manifestMost = 1 << 20 // bytes of a package.json that is read
