package town

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"gastown/refinery"
)

// tools are what gates run with, cheaply enough for every step of the Refinery: the machine, and
// the file behind each program that a gate's command names. It starts nothing. A program that a
// launcher chooses (rustup, nvm's shims) is not seen to change.
func tools(gates []refinery.Gate, path string) refinery.Tools {
	out := refinery.Tools{"machine": runtime.GOOS + "/" + runtime.GOARCH}
	for _, g := range gates {
		for _, name := range refinery.Programs(g.Run) {
			if file, state := findProgram(name, path); file != "" {
				out[file] = state
			}
		}
	}
	return out
}

// findProgram is the file that a name on the PATH leads to, and its size and time; "" for
// what is not on it: a part of the shell, or a file of the tree that is tested anyway.
func findProgram(name, path string) (file, state string) {
	var places []string
	switch {
	case filepath.IsAbs(name):
		places = []string{name}
	case !strings.ContainsRune(name, '/'):
		for _, dir := range filepath.SplitList(path) {
			if filepath.IsAbs(dir) {
				places = append(places, filepath.Join(dir, name))
			}
		}
	}
	for _, p := range places {
		info, err := os.Stat(p)
		if err != nil || !info.Mode().IsRegular() || info.Mode().Perm()&0o111 == 0 {
			continue
		}
		if real, err := filepath.EvalSymlinks(p); err == nil {
			p = real
		}
		return p, fmt.Sprintf("%d:%d", info.Size(), info.ModTime().UnixNano())
	}
	return "", ""
}
