package agents

import (
	"encoding/json"
	"strings"
)

// What Gemini CLI and opencode are told by flags and by their environment. Each was tried with
// 0.61.0 and 1.18.33.

// geminiEdits has it edit without a question, and run what a polecat's work needs.
func geminiEdits() []string {
	return []string{"--approval-mode", "auto_edit", "--allowed-tools", "{gemini-tools}"}
}

// geminiTools are the shell commands that it need not ask about, by how they begin.
func geminiTools(v Vars) string {
	out := "run_shell_command(gastown),run_shell_command(git add),run_shell_command(git commit),run_shell_command(git status)," +
		"run_shell_command(git diff),run_shell_command(git log),run_shell_command(git show)"
	for _, cmd := range v.Commands {
		for _, part := range parts(cmd) {
			if !strings.ContainsAny(part, ",()") { // signs of the list itself
				out += ",run_shell_command(" + part + ")"
			}
		}
	}
	return out
}

// opencodeConfig goes on top of the person's own: the town's tools, and what a polecat may do by
// itself. Of its rules the last that fits decides.
func opencodeConfig(role Role, v Vars) string {
	c := map[string]any{
		"autoupdate": false,
		"mcp":        map[string]any{"gastown": map[string]any{"type": "local", "command": []string{v.Gastown, "mcp"}, "enabled": true}},
	}
	if role == Polecat && !v.Bypass {
		var bash strings.Builder
		bash.WriteString(`{"*":"ask","gastown *":"allow","git *":"allow"`)
		for _, cmd := range v.Commands {
			for _, part := range parts(cmd) {
				bash.WriteString("," + toJSON(part) + `:"allow",` + toJSON(part+" *") + `:"allow"`)
			}
		}
		bash.WriteString(`,"git push*":"deny"}`)
		c["permission"] = map[string]any{"edit": "allow", "bash": json.RawMessage(bash.String())}
	}
	return toJSON(c)
}
