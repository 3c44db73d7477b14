//go:build !race

package run

const flood = 10 << 20 // bytes
