package git

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// Ident is who made a commit and when.
type Ident struct {
	Name, Email string
	When        time.Time // second precision; its zone is kept
}

// FallbackIdent is used where a person has told git no name.
func FallbackIdent() Ident { return Ident{Name: "gastown", Email: "gastown@localhost"} }

// At returns the identity at a time.
func (i Ident) At(t time.Time) Ident {
	i.When = t
	return i
}

// String is "Name <email>".
func (i Ident) String() string { return fmt.Sprintf("%s <%s>", i.Name, i.Email) }

// env gives the identity to a git process. role is AUTHOR or COMMITTER.
func (i Ident) env(role string) []string {
	name, email := identText(i.Name), identText(i.Email)
	if name == "" {
		name = FallbackIdent().Name
	}
	if email == "" {
		email = FallbackIdent().Email
	}
	date := fmt.Sprintf("@%d %s", i.When.Unix(), i.When.Format("-0700"))
	return []string{"GIT_" + role + "_NAME=" + name, "GIT_" + role + "_EMAIL=" + email, "GIT_" + role + "_DATE=" + date}
}

// identText drops what git would drop or choke on.
func identText(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == '<' || r == '>' || r == 0x7f {
			return -1
		}
		return r
	}, s)
	return strings.Trim(s, " .,:;\"\\'")
}

// Ident is the identity git would use for a commit in dir: GIT_AUTHOR_*, then
// author.*, then user.* of the configuration there. Where neither a name nor an
// address is set it is FallbackIdent. When is zero.
func (g *Runner) Ident(ctx context.Context, dir string) (Ident, error) {
	found := map[string]string{}
	_, out, err := g.run(ctx, call{pre: openPins, dir: dir, env: g.open, okCode: 1,
		args: []string{"config", "-z", "--get-regexp", `^(author|user)\.(name|email)$`}})
	if err != nil {
		return Ident{}, fmt.Errorf("read git identity in %q: %w", dir, err)
	}
	for _, kv := range splitNUL(out) {
		k, v, _ := strings.Cut(kv, "\n")
		found[k] = v
	}
	for _, kv := range g.open {
		k, v, _ := strings.Cut(kv, "=")
		found[k] = v
	}
	id := Ident{
		Name:  identText(firstOf(found["GIT_AUTHOR_NAME"], found["author.name"], found["user.name"])),
		Email: identText(firstOf(found["GIT_AUTHOR_EMAIL"], found["author.email"], found["user.email"])),
	}
	if id.Email == "" && id.Name != "" {
		id.Email = identText(found["EMAIL"])
	}
	if id.Name == "" {
		id.Name = FallbackIdent().Name
	}
	if id.Email == "" {
		id.Email = FallbackIdent().Email
	}
	return id, nil
}

func firstOf(s ...string) string {
	for _, v := range s {
		if v != "" {
			return v
		}
	}
	return ""
}
