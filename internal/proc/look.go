package proc

// LookPath is the program that name means in the PATH of env, as Start would find it; empty
// when there is none.
func LookPath(name string, env []string) string {
	path, err := lookPath(name, "/", env)
	if err != nil {
		return ""
	}
	return path
}
