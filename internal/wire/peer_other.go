//go:build !linux && !darwin

package wire

import (
	"net"
	"os"
)

// peerOf trusts the 0700 directory that the socket is in, where the system has no
// credentials to ask for.
func peerOf(*net.UnixConn) (uid, pid int, err error) { return os.Getuid(), 0, nil }
