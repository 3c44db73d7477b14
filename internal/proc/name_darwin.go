package proc

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Name is the program that a process runs, as the kernel calls it; "" when there is no such
// process.
func Name(pid int) string {
	k, err := unix.SysctlKinfoProc("kern.proc.pid", pid)
	if err != nil {
		return ""
	}
	return unix.ByteSliceToString(k.Proc.P_comm[:])
}

// ttyMajor is the kind of device that terminals of windows are.
const ttyMajor = 16

// Terminal is the terminal that a process works on, as who(1) writes it: ttys003; "" when it has none.
func Terminal(pid int) string {
	k, err := unix.SysctlKinfoProc("kern.proc.pid", pid)
	if err != nil || unix.Major(uint64(k.Eproc.Tdev)) != ttyMajor {
		return ""
	}
	return fmt.Sprintf("ttys%03d", unix.Minor(uint64(k.Eproc.Tdev)))
}
