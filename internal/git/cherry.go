package git

import (
	"context"
	"fmt"
	"strings"
)

// NotIn lists the commits of tip, oldest first and merges left out, that upstream has
// neither by themselves nor as another commit with the same patch.
func (r *Repo) NotIn(ctx context.Context, upstream, tip string) ([]string, error) {
	if err := checkRevs(upstream, tip); err != nil {
		return nil, err
	}
	_, out, err := r.g.run(ctx, r.call("rev-list", "--cherry-pick", "--right-only", "--no-merges", "--reverse", "--topo-order", upstream+"..."+tip, "--"))
	if err != nil {
		return nil, fmt.Errorf("commits of %s that are not in %s: %w", short(tip), short(upstream), err)
	}
	return strings.Fields(string(out)), nil
}
