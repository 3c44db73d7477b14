package proc

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// lookPath finds file as execvp would with the environment env and the working directory dir, not our own. The error is
// fs.ErrNotExist or fs.ErrPermission by errors.Is.
func lookPath(file, dir string, env []string) (string, error) {
	if strings.Contains(file, "/") {
		if !filepath.IsAbs(file) && dir != "" {
			file = filepath.Join(dir, file)
		}
		return file, executable(file)
	}
	var found error = syscall.ENOENT
	for _, d := range filepath.SplitList(envValue(env, "PATH")) {
		if !filepath.IsAbs(d) { // a relative or empty entry would mean the worktree: an agent's files, never ours to run
			continue
		}
		path := filepath.Join(d, file)
		err := executable(path)
		if err == nil {
			return path, nil
		}
		if err == fs.ErrPermission || err == syscall.EACCES {
			found = syscall.EACCES
		}
	}
	return "", found
}

// executable reports why path cannot be executed, or nil.
func executable(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		if pe, ok := err.(*fs.PathError); ok { // our caller names the path
			return pe.Err
		}
		return err
	}
	if info.IsDir() || info.Mode()&0o111 == 0 {
		return syscall.EACCES
	}
	return nil
}

// envValue returns the last value of name in env, as execve's programs see it, or "".
func envValue(env []string, name string) string {
	for i := len(env) - 1; i >= 0; i-- {
		if k, v, ok := strings.Cut(env[i], "="); ok && k == name {
			return v
		}
	}
	return ""
}
