package town

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"gastown/refinery"
)

// toolchain names what gates run with, cheaply enough for every step of the Refinery: the
// machine, and the file behind each program that a gate's command names. It starts nothing. A
// program that a launcher chooses (rustup, nvm's shims) is not seen to change.
func toolchain(gates []refinery.Gate, path string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s/%s", runtime.GOOS, runtime.GOARCH)
	for _, g := range gates {
		for _, name := range refinery.Programs(g.Run) {
			if file := findProgram(name, path); file != "" {
				fmt.Fprintf(&b, " %s", file)
			}
		}
	}
	return b.String()
}

// findProgram is the file that a name on the PATH leads to, with its size and time; "" for
// what is not on it: a part of the shell, or a file of the tree that is tested anyway.
func findProgram(name, path string) string {
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
		return fmt.Sprintf("%s:%d:%d", p, info.Size(), info.ModTime().UnixNano())
	}
	return ""
}
