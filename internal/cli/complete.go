package cli

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"gastown/agents"
	"gastown/beads"
	"gastown/internal/api"
	"gastown/internal/config"
)

// completer proposes words, each with a description after a tab if it has one. It asks
// the host, at once or not at all; nil stands for file names.
type completer struct {
	words func(ctx context.Context, d api.Doer, args []string) []string
	files bool
}

// What arguments and flags are completed with.
var (
	files           = completer{files: true}
	beadNames       = completer{words: completeBeads}
	rigs            = completer{words: completeRigs}
	polecats        = completer{words: completePolecats}
	convoys         = completer{words: completeConvoys}
	convoyThenBeads = completer{words: completeConvoyThenBeads}
	addressees      = completer{words: completeAddressees}
	statuses        = completer{words: completeStatuses}
	presets         = completer{words: completePresets}
	costKeys        = completer{words: completeCostKeys}
)

func (a *app) completion(c completer) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
		if c.files {
			return nil, cobra.ShellCompDirectiveDefault
		}
		if wants := strings.Fields(cmd.Use)[1:]; c.words == nil ||
			len(args) >= len(wants) && !strings.HasSuffix(cmd.Use, "...") {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return a.propose(cmd.Context(), c, args, prefix), cobra.ShellCompDirectiveNoFileComp
	}
}

func (a *app) completeFlag(cmd *cobra.Command, flag string, c completer) {
	// It fails for a flag that is not there or has a completion, and tests see that.
	_ = cmd.RegisterFlagCompletionFunc(flag, func(cmd *cobra.Command, _ []string, prefix string) ([]string, cobra.ShellCompDirective) {
		return a.propose(cmd.Context(), c, nil, prefix), cobra.ShellCompDirectiveNoFileComp
	})
}

func (a *app) propose(ctx context.Context, c completer, args []string, prefix string) []string {
	d, ctx, cancel, ok := a.reach.peek(ctx)
	if !ok {
		return nil
	}
	defer cancel()
	return slices.DeleteFunc(c.words(ctx, d, args), func(word string) bool { return !strings.HasPrefix(word, prefix) })
}

func completeBeads(ctx context.Context, d api.Doer, _ []string) []string {
	list, err := api.BeadList.Do(ctx, d, api.BeadListReq{})
	var out []string
	for _, b := range list {
		if err == nil && b.Status != beads.Closed {
			out = append(out, string(b.ID)+"\t"+one(b.Title))
		}
	}
	return out
}

func completeRigs(ctx context.Context, d api.Doer, _ []string) []string {
	list, _ := api.RigList.Do(ctx, d, api.Empty{}) // no answer, no proposals
	var out []string
	for _, r := range list {
		out = append(out, r.Name)
	}
	return out
}

func completePolecats(ctx context.Context, d api.Doer, _ []string) []string {
	list, _ := api.PolecatList.Do(ctx, d, api.Empty{}) // no answer, no proposals
	var out []string
	for _, c := range list {
		out = append(out, strings.TrimSuffix(c.Name+"\t"+one(string(c.Bead)+" "+c.Title), "\t"))
	}
	return out
}

func completeConvoys(ctx context.Context, d api.Doer, _ []string) []string {
	list, _ := api.ConvoyList.Do(ctx, d, api.Empty{}) // no answer, no proposals
	var out []string
	for _, c := range list {
		out = append(out, c.Name)
	}
	return out
}

func completeConvoyThenBeads(ctx context.Context, d api.Doer, args []string) []string {
	if len(args) == 0 {
		return completeConvoys(ctx, d, args)
	}
	return completeBeads(ctx, d, args)
}

func completeAddressees(ctx context.Context, d api.Doer, args []string) []string {
	return append([]string{"mayor", "you"}, completePolecats(ctx, d, args)...)
}

func completeStatuses(context.Context, api.Doer, []string) []string {
	out := []string{"ready", "blocked"}
	for _, s := range beads.Statuses() {
		out = append(out, string(s))
	}
	return out
}

func completeCostKeys(context.Context, api.Doer, []string) []string { return api.CostKeys() }

func completePresets(ctx context.Context, d api.Doer, _ []string) []string {
	var out []string
	for _, p := range agents.Builtin() {
		out = append(out, p.Name)
	}
	v, err := api.ConfigGet.Do(ctx, d, api.ConfigReq{}) // no answer: the built-in ones alone
	if err != nil {
		return out
	}
	if cfg, err := config.Parse("town.toml", []byte(v.Value)); err == nil {
		out = slices.AppendSeq(out, maps.Keys(cfg.Agents))
	}
	slices.Sort(out)
	return slices.Compact(out)
}
