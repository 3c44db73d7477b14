package git

import (
	"context"
	"io"

	"gastown/internal/proc"
)

// execGit starts one process and waits for it. A non-zero exit is a code, not an
// error; the error is about starting, a signal or a cancelled ctx.
func execGit(ctx context.Context, argv []string, dir string, env []string, in io.Reader, out, errw io.Writer) (int, error) {
	return proc.Run(ctx, proc.Cmd{Argv: argv, Dir: dir, Env: env, Stdin: in, Stdout: out, Stderr: errw})
}
