//go:build race

package run

// flood is less with the race detector, in which the emulator takes 3 s for a megabyte.
const flood = 2 << 20 // bytes
