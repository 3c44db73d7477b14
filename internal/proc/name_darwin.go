package proc

import "golang.org/x/sys/unix"

// Name is the program that a process runs, as the kernel calls it; "" when there is no such
// process.
func Name(pid int) string {
	k, err := unix.SysctlKinfoProc("kern.proc.pid", pid)
	if err != nil {
		return ""
	}
	return unix.ByteSliceToString(k.Proc.P_comm[:])
}
