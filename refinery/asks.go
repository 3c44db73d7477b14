package refinery

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// GateLike is what kind of file it is that decides how code is checked, or that runs by itself where somebody
// works on the repository: a change to it needs a person's yes. A name counts for the directory and for a link
// in its place.
func GateLike(file string) (what string, ok bool) {
	low := strings.ToLower(file)
	dir, base := path.Split(low)
	top, _, _ := strings.Cut(low, "/")
	under := func(names ...string) bool { // anywhere: a subdirectory may be a project of its own
		return slices.ContainsFunc(strings.Split(low, "/"), func(d string) bool { return slices.Contains(names, d) })
	}
	switch {
	case strings.HasPrefix(low, ".github/workflows/"), strings.HasPrefix(low, ".github/actions/"),
		slices.Contains([]string{".github", ".github/workflows", ".github/actions"}, low),
		slices.Contains([]string{".gitlab", ".circleci", ".buildkite", ".woodpecker", ".forgejo", ".gitea", ".teamcity", ".semaphore"}, top),
		slices.Contains([]string{
			".gitlab-ci.yml", ".travis.yml", ".drone.yml", ".woodpecker.yml", ".cirrus.yml", "appveyor.yml", ".appveyor.yml",
			"azure-pipelines.yml", "bitbucket-pipelines.yml", "jenkinsfile", "cloudbuild.yaml", ".buildkite.yml", "codecov.yml",
		}, base):
		return "CI configuration", true
	case under(".husky", ".githooks", ".git-hooks"),
		slices.Contains([]string{".pre-commit-config.yaml", ".pre-commit-config.yml", ".pre-commit-hooks.yaml", "lefthook.yml", ".lefthook.yml", "lefthook.toml", ".huskyrc", ".overcommit.yml"}, base):
		return "git hooks", true
	case slices.Contains([]string{".gitattributes", ".gitmodules", ".lfsconfig", ".gitconfig"}, base):
		return "git configuration", true
	case under(".claude", ".codex", ".gemini", ".opencode", ".cursor", ".aider", ".continue", ".windsurf", ".amp", ".kiro", ".roo", ".goose", ".clinerules"),
		slices.Contains([]string{
			"claude.md", "claude.local.md", "agents.md", "agents.override.md", "gemini.md", ".mcp.json", "opencode.json", "opencode.jsonc", ".cursorrules", ".windsurfrules",
			".aider.conf.yml", ".goosehints", "copilot-instructions.md",
		}, base):
		return "agent configuration", true
	case under(".vscode", ".idea", ".zed"):
		return "editor configuration", true
	case under(".devcontainer"), slices.Contains([]string{".envrc", ".devcontainer.json", "mise.toml", ".mise.toml"}, base):
		return "what sets up a shell", true
	case slices.Contains([]string{".npmrc", ".yarnrc", ".yarnrc.yml", ".pnpmfile.cjs", ".bazelrc", "pip.conf"}, base),
		slices.Contains([]string{".cargo", ".cargo/config", ".cargo/config.toml"}, low), strings.HasSuffix(dir, "/.cargo/"):
		return "how tools run", true
	case base == "codeowners", base == "town.toml":
		return "who approves what", true
	}
	return "", false
}

// runFrom are the files that say what a program of a gate does.
var runFrom = map[string][]string{
	"make": {"makefile", "gnumakefile"}, "gmake": {"makefile", "gnumakefile"}, "just": {"justfile", ".justfile"},
	"task": {"taskfile.yml", "taskfile.yaml"}, "rake": {"rakefile", "rakefile.rb"}, "mage": {"magefile.go"},
	"npm": {"package.json"}, "pnpm": {"package.json"}, "yarn": {"package.json"}, "bun": {"package.json"}, "composer": {"composer.json"},
	"tox": {"tox.ini"}, "nox": {"noxfile.py"}, "invoke": {"tasks.py"}, "mix": {"mix.exs"},
}

// GateFile is the gate whose command names a file, or runs what is in it. It reads the command's words and no
// shell: what those files run in turn is not known.
func GateFile(gates []Gate, file string) (gate string, ok bool) {
	base := strings.ToLower(path.Base(file))
	for _, g := range gates {
		words := strings.FieldsFunc(g.Run, func(r rune) bool { return strings.ContainsRune(" \t\n\\\"'`&|;(){}<>$=", r) })
		for _, w := range words {
			here := strings.HasPrefix(w, "./") || path.Ext(w) != "" // of the directory that it is in by then
			w = path.Clean(w)
			if w == file || here && strings.HasSuffix(file, "/"+w) || slices.Contains(runFrom[w], base) {
				return g.Name, true
			}
		}
	}
	return "", false
}

// Touched is a path that a change touches, and what it is for.
type Touched struct{ Path, What string }

// AskAbout is why a change needs a person's yes, as one line, or "".
func AskAbout(touched []Touched) string {
	if len(touched) == 0 {
		return ""
	}
	why := fmt.Sprintf("it changes %s (%s)", oneLine(touched[0].Path), oneLine(touched[0].What))
	if n := len(touched) - 1; n > 0 {
		why += fmt.Sprintf(" and %d more like it", n)
	}
	return why
}
