package refinery

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// GateLike says why a path is not only code: what runs with people's rights, decides
// what counts as tested, or tells agents what to do. A change to one needs a person's
// yes, whatever the gates say; they cannot see it.
func GateLike(file string) (what string, ok bool) {
	low := strings.ToLower(file)
	dir, base := path.Split(low)
	top, _, _ := strings.Cut(low, "/")
	under := func(names ...string) bool { // anywhere: a subdirectory may be a project of its own
		return slices.ContainsFunc(strings.Split(strings.TrimSuffix(dir, "/"), "/"), func(d string) bool { return slices.Contains(names, d) })
	}
	switch {
	case strings.HasPrefix(low, ".github/workflows/"), strings.HasPrefix(low, ".github/actions/"),
		slices.Contains([]string{".gitlab", ".circleci", ".buildkite", ".woodpecker", ".forgejo", ".gitea", ".teamcity", ".semaphore"}, top) && dir != "",
		slices.Contains([]string{
			".gitlab-ci.yml", ".travis.yml", ".drone.yml", ".woodpecker.yml", ".cirrus.yml", "appveyor.yml", ".appveyor.yml",
			"azure-pipelines.yml", "bitbucket-pipelines.yml", "jenkinsfile", "cloudbuild.yaml", ".buildkite.yml", "codecov.yml",
		}, base):
		return "CI configuration", true
	case under(".husky", ".githooks", ".git-hooks"),
		slices.Contains([]string{".pre-commit-config.yaml", ".pre-commit-hooks.yaml", "lefthook.yml", ".lefthook.yml", "lefthook.toml", ".huskyrc", ".overcommit.yml"}, base):
		return "git hooks", true
	case slices.Contains([]string{".gitattributes", ".gitmodules", ".lfsconfig", ".gitconfig"}, base):
		return "git configuration", true
	case under(".claude", ".codex", ".gemini", ".opencode", ".cursor", ".aider", ".continue", ".windsurf", ".amp"),
		slices.Contains([]string{
			"claude.md", "agents.md", "gemini.md", ".mcp.json", "opencode.json", "opencode.jsonc", ".cursorrules", ".windsurfrules",
			".clinerules", ".aider.conf.yml", ".goosehints", "copilot-instructions.md",
		}, base):
		return "agent configuration", true
	case base == "codeowners", base == "town.toml":
		return "who approves what", true
	}
	return "", false
}

// AskAbout is why a change to these paths needs a person's yes, as one line, or "".
func AskAbout(paths []string) string {
	var first string
	more := 0
	for _, p := range paths {
		what, ok := GateLike(p)
		switch {
		case !ok:
		case first == "":
			first = fmt.Sprintf("it changes %s (%s)", oneLine(p), what)
		default:
			more++
		}
	}
	if more > 0 {
		first += fmt.Sprintf(" and %d more like it", more)
	}
	return first
}
