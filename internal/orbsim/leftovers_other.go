//go:build !linux

package orbsim

// adopt does nothing here: what leaves COMMAND's process group outlives it.
func adopt() (end func()) { return func() {} }
