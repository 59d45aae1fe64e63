//go:build !race

package runner_test

// raced is whether this test binary has the race detector.
const raced = false
