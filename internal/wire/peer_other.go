//go:build !linux && !darwin

package wire

import (
	"net"
	"os"
)

// peerUID trusts the 0700 directory that the socket is in, where the system has no
// credentials to ask for.
func peerUID(*net.UnixConn) (int, error) { return os.Getuid(), nil }
