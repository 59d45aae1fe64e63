//go:build !linux

package fakeorbctl

// The hostile children speak Linux.
func hostileOrders() []string { return nil }

func hostile(string, []string) {}
