package agents

import (
	"encoding/json"
	"slices"
	"strings"
)

// What Claude Code is told by flags, so that nothing has to be written into a repository.
// Flags and settings as of 2.1; each was tried with 2.1.330.

func claudeFlags() []string {
	return []string{
		"--append-system-prompt", "{role}", "--mcp-config", "{mcp}", "--strict-mcp-config",
		"--settings", "{settings}",
	}
}

// claudeMCP is its list of tool servers: ours alone. The socket and the token reach it through
// the environment, which other users cannot read as they can a command line.
func claudeMCP(gastown string) string {
	type server struct {
		Command string   `json:"command"`
		Args    []string `json:"args"`
	}
	return toJSON(map[string]any{"mcpServers": map[string]server{"gastown": {gastown, []string{"mcp"}}}})
}

// claudeSettings are its permissions: the town's own verbs, and what the role needs. Everything
// else is asked of the person in its terminal.
func claudeSettings(role Role, v Vars, bypass bool) string {
	allow, deny := []string{"mcp__gastown", "Bash(gastown:*)"}, []string{}
	if role == Polecat {
		allow, deny = append(allow, "Bash(git:*)"), append(deny, "Bash(git push:*)")
	}
	for _, cmd := range v.Commands {
		for _, part := range parts(cmd) {
			if rule := "Bash(" + part + ":*)"; !slices.Contains(allow, rule) {
				allow = append(allow, rule)
			}
		}
	}
	for _, dir := range v.Dirs {
		allow = append(allow, "Read(/"+strings.TrimSuffix(dir, "/")+"/**)") // "//" is the root
	}
	s := map[string]any{
		"permissions": map[string]any{"allow": allow, "deny": deny}, "hooks": claudeHooks(role, v.Gastown),
		"autoContinueAtUsageLimit": true, // else it asks, and nobody is there
	}
	if bypass {
		s["skipDangerousModePermissionPrompt"] = true // the person has said yes, in the town's settings
	}
	return toJSON(s)
}

// parts are the simple commands of a shell line, each of which Claude Code judges by itself. A
// line with more syntax than that is left whole.
func parts(line string) []string {
	if strings.ContainsAny(line, "'\"`$()<>\\") {
		return []string{strings.TrimSpace(line)}
	}
	var out []string
	for _, p := range strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune("&|;\n", r) }) {
		if p = strings.TrimSpace(p); p != "" {
			out = append(out, p)
		}
	}
	return out
}

func toJSON(v any) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err) // maps and texts
	}
	return strings.TrimSuffix(b.String(), "\n")
}
