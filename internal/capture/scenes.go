package main

import (
	"context"
	"slices"
	"strings"
)

// The terminals: wide enough for two columns, and for a dialog that README shows alone.
const (
	windowCols, windowRows = 112, 30
	dialogCols, dialogRows = 92, 24
)

// townKey leaves the Mayor's terminal for the board.
const townKey = "\x1d"

// atWork is the demo: the board beside the Mayor while polecats work, and what one of them landed.
func (s *studio) atWork(ctx context.Context) ([]picture, error) {
	p, err := s.play(windowCols, windowRows, "demo")
	if err != nil {
		return nil, err
	}
	defer p.close()
	if _, err := p.until(ctx, "", "the Mayor's prompt", has(" TYPE mayor ", "or \"help\".")); err != nil {
		return nil, err
	}
	if _, err := p.until(ctx, "look at docs/spec.md\r", "a plan", has("Made 13 beads")); err != nil {
		return nil, err
	}
	if _, err := p.until(ctx, townKey, "the board", has(" TOWN ")); err != nil {
		return nil, err
	}
	board, err := p.until(ctx, "g", "polecats at work, one bead landed and one sent back", has("POLECATS 3/3", "+ landed", "- sent", "gating"))
	if err != nil {
		return nil, err
	}
	p.resize(dialogCols, dialogRows)
	if _, err := p.until(ctx, "/", "the filter", has("Enter keeps it")); err != nil {
		return nil, err
	}
	if _, err := p.until(ctx, "convert to\r", "one bead", has("BEADS 1 of 13", "+ we-")); err != nil {
		return nil, err
	}
	diff, err := p.until(ctx, "d", "its diff", has("DIFF we-", "hunk 1 of"))
	if err != nil {
		return nil, err
	}
	return []picture{{"board", board}, {"diff", frame(diff, '╔', '╝')}}, nil
}

// hungTown makes a town of one rig whose gate says a line and no more, and gives it work.
const hungTown = `
git init -q -b main shop
git -C shop commit -q --allow-empty -m first
gastown init town
gastown --town town config set town.mayor scripted
cat >> town/town.toml <<'END'

[agent.quick]
command = ["sh", "-ec", "echo done > $GASTOWN_BEAD.txt; git add .; git commit -q -m work; exec gastown done"]
END
gastown --town town config set town.polecat quick
gastown --town town rig add shop "$PWD/shop" --gate "test=echo '=== RUN   TestCheckout'; tail -f /dev/null"
gastown --town town config set rig.shop.gate.test.silence 1s
gastown --town town refinery pause
gastown --town town bead create "Take the money once" -p 0
gastown --town town bead create "Send a receipt" -p 1
for id in $(gastown --town town bead list | grep -o 'sh-[0-9a-z]*'); do gastown --town town sling "$id"; done
`

// hung is a Refinery whose gate says nothing any more.
func (s *studio) hung(ctx context.Context) ([]picture, error) {
	if err := s.sh(ctx, hungTown); err != nil {
		return nil, err
	}
	p, err := s.play(windowCols, windowRows, "--town", "town")
	if err != nil {
		return nil, err
	}
	defer p.close()
	for _, step := range []struct {
		keys, what string
		shows      []string
	}{
		{"", "two submitted beads", []string{" TYPE mayor ", "^2"}},
		{townKey, "the board", []string{" TOWN "}},
		{"3", "the Refinery", []string{"╔═ 3 REFINERY"}},
	} {
		if _, err := p.until(ctx, step.keys, step.what, has(step.shows...)); err != nil {
			return nil, err
		}
	}
	if err := s.sh(ctx, "gastown --town town refinery resume"); err != nil {
		return nil, err
	}
	rows, err := p.until(ctx, "", "a Refinery that hangs", has("refinery HUNG 2s", "r restart", "TestCheckout"))
	if err != nil {
		return nil, err
	}
	return []picture{{"hung", append(frame(rows, '╔', '╝'), rows[len(rows)-1])}}, nil
}

// has is whether the screen shows all of some texts.
func has(texts ...string) func([]string) bool {
	return func(rows []string) bool {
		all := strings.Join(rows, "\n")
		return !slices.ContainsFunc(texts, func(t string) bool { return !strings.Contains(all, t) })
	}
}
