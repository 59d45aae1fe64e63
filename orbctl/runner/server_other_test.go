//go:build !linux

package runner_test

// serveUntilKilled: only Linux ends children with their parent, so only there is it tested.
func serveUntilKilled() {}

// serveOnADisk: only Linux has a namespace to mount a disk in.
func serveOnADisk(string) {}

// serveWhileNumbersAreReused: only Linux lets a namespace choose its numbers.
func serveWhileNumbersAreReused() {}
