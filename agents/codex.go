package agents

import "strings"

// What Codex is told by flags. Each was tried with 0.169.0. Its values are TOML, of which a JSON
// string is a part.

// codexFlags are common to all roles. Its shared background server would give one agent the
// environment of another, and would outlive both.
func codexFlags() []string {
	return []string{
		"--no-daemon", "-c", "check_for_update_on_startup=false",
		"-c", "allow_login_shell=false", // a profile may set a PATH without the town's program
		"-c", "{codex-trust}",
		"-c", "{codex-mcp}", "-c", "{codex-role}",
	}
}

// codexSandboxed has it work without a question inside its own sandbox, and ask for the rest.
func codexSandboxed() []string {
	return []string{"-c", "{codex-sandbox}", "-c", "default_permissions=gastown", "--ask-for-approval", "on-request"}
}

// codexFill are the values of its flags.
func codexFill(role Role, v Vars) map[string]string {
	return map[string]string{
		"{codex-role}": "developer_instructions=" + tomlText(codexRole(role, v)), "{codex-mcp}": codexMCP(v.Gastown),
		"{codex-trust}": codexTrust(v.Trust), "{codex-sandbox}": codexSandbox(v.Writes),
	}
}

// codexRole says what the sandbox keeps from the town.
func codexRole(role Role, v Vars) string {
	if role == Polecat && v.Bypass || v.Role == "" {
		return v.Role
	}
	return v.Role + "Your shell's sandbox keeps the gastown command from reaching the town: call your gastown tools instead.\n"
}

// codexMCP is the town's tool server, beside those of the person. It runs outside of the sandbox,
// so it reaches the town's socket, and gets no variable that is not named.
func codexMCP(gastown string) string {
	return `mcp_servers.gastown={command=` + tomlText(gastown) + `,args=["mcp"],default_tools_approval_mode="approve",tool_timeout_sec=3600,` +
		`env_vars=["GASTOWN_TOWN","GASTOWN_SOCKET","GASTOWN_TOKEN","GASTOWN_ROLE"]}`
}

func codexTrust(dirs []string) string {
	each := make([]string, len(dirs))
	for i, dir := range dirs {
		each[i] = tomlText(dir) + `={trust_level="trusted"}`
	}
	return "projects={" + strings.Join(each, ",") + "}"
}

// codexSandbox is its usual one, without a network, in which git can commit too: the files of git
// are not in the worktree.
func codexSandbox(writes []string) string {
	each := make([]string, len(writes))
	for i, dir := range writes {
		each[i] = tomlText(dir) + `="write"`
	}
	return `permissions.gastown={extends=":workspace",filesystem={` + strings.Join(each, ",") + "}}"
}

// tomlText quotes a text for TOML on one line.
func tomlText(s string) string {
	return strings.ReplaceAll(toJSON(strings.ToValidUTF8(s, "")), "\x7f", "")
}
