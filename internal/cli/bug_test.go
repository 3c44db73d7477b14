package cli

import (
	"strings"
	"testing"
)

func TestSecretsAreLeftOut(t *testing.T) {
	for in, want := range map[string]string{
		"origin = \"https://me:hunter2@example.com/a.git\"":   "origin = \"https://***@example.com/a.git\"",
		"origin = \"git@example.com:me/a.git\"":               "origin = \"git@example.com:me/a.git\"",
		"setup = \"NPM_TOKEN=abc123 npm ci\"":                 "setup = \"NPM_TOKEN=*** npm ci\"",
		"args = [\"--api-key\", \"x\"]":                       "args = [\"--api-key\", \"***\"]",
		"run = \"deploy --password hunter2 now\"":             "run = \"deploy --password *** now\"",
		"curl -H 'Authorization: Bearer abc.def' http://x/":   "curl -H 'Authorization: ***' http://x/",
		"the key is sk-" + strings.Repeat("x1", 12):           "the key is ***",
		"pushed with ghp_ABCDEFGHIJKLMNOPQRSTUVWXYZ1234":      "pushed with ***",
		"/home/ada/src/app":                                   "~/src/app",
		"env = [\"DATABASE_URL\"]  # names of variables only": "env = [\"DATABASE_URL\"]  # names of variables only",
		"author: Ada": "author: Ada",
	} {
		if got := withoutSecrets(in, "/home/ada"); got != want {
			t.Errorf("%s\n got %s\nwant %s", in, got, want)
		}
	}
}
